"""Does a file fit together, and would the services take it: everything that can be said before the first command."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from google.protobuf.message import Message

from cli.importing.on_paper import give_all
from eventkit.commands.aggregate import Decision
from eventkit.directory.facts import DEFAULT_TIME_ZONE
from eventkit.errors import Rejected
from eventkit.names import name_key
from eventkit.rpc.rules import violations
from eventkit.values import plain
from importing import commands
from importing.company import File, Item, Kpi, Person, Unit, Value, read
from importing.document import Problem, Problems, hint
from services.goals.domain import cycle as cycles
from services.goals.domain import kpi as kpis
from services.goals.domain import strategy
from services.rewards.domain import gift as gifts

AnItem = TypeVar("AnItem", bound=Item)

# What a contract calls a field, where the file has another word for it.
_FIELDS = {
    "unit": "measured_in",
    "owner_ids": "owners",
    "goal_ids": "supports",
    "volume_kpi_id": "volume",
    "exact_weight": "weight",
    "employee_code": "code",
}


def checked(content: bytes, today: date | None = None) -> tuple[File | None, list[Problem]]:
    """The file, and everything that is wrong with it; only without problems may it be sent."""
    problems = Problems()
    file = read(content, problems)
    if file is not None:
        _check(file, problems, today or _today(file))
    return file, problems.listed()


def remarks(file: File) -> list[str]:
    """What is allowed, and may be regretted."""
    return [*_few_who_decide(file), *_uneven_weights(file)]


def _uneven_weights(file: File) -> list[str]:
    """Whose weights do not make 100 per cent (G-45), the first ten of them."""
    names = {person.ref: person.name for person in file.people}
    heads = {unit.ref: unit.head for unit in file.units}
    sums: dict[str, Decimal] = {}
    for kpi in file.kpis:
        for person in kpi.owners or filter(None, (heads.get(kpi.department, ""),)):
            sums[person] = sums.get(person, Decimal()) + (kpi.weight or 0)
    uneven = [(names.get(person, person), total) for person, total in sums.items() if total not in (0, 100)]
    told = [f"the weights of {name} make {plain(total)} %, and are to make 100 %" for name, total in uneven[:10]]
    return [*told, f"and those of {len(uneven) - 10} more do not make 100 %"] if len(uneven) > 10 else told


def _few_who_decide(file: File) -> list[str]:
    deciding = [person for person in file.people if "executive" in person.roles and "auditor" not in person.roles]
    if len(deciding) > 1 or not file.people:
        return []
    who = f"only {deciding[0].name} has" if deciding else "nobody has"
    return [
        f"{who} the role executive: who proposes a change does not decide about it, so that some targets could not be "
        "changed once the "
        "cycle runs. Give the role to a second person"
    ]


def waves(items: Sequence[AnItem], before: Callable[[AnItem], Iterable[str]]) -> list[list[AnItem]]:
    """The items in waves, each of which names, by `before`, only items of waves before it; within one, in the order of
    the file. Raises CycleError."""
    by_ref = {item.ref: item for item in items}
    order = TopologicalSorter({item.ref: [ref for ref in before(item) if ref in by_ref] for item in items})
    order.prepare()
    found: list[list[AnItem]] = []
    while order.is_active():
        ready = set(order.get_ready())
        order.done(*ready)
        found.append([item for item in items if item.ref in ready])
    return found


def parents(unit: Unit) -> list[str]:
    return [unit.parent]


def managers(person: Person) -> list[str]:
    return [person.manager]


def rests_on(kpi: Kpi) -> list[str]:
    """The KPIs that have to be there before this one."""
    return [kpi.parent, kpi.volume, *(link.ref for link in kpi.further)]


def kind_of(file: File, ref: str) -> str:
    """What a KPI may serve or hinder is: kpi, csf, goal; empty for nothing."""
    if not ref:
        return ""
    kinds = (("csf", file.csfs), ("goal", file.goals))
    return next((kind for kind, items in kinds if any(item.ref == ref for item in items)), "kpi")


def _today(file: File) -> date:
    """The company's day: days end in its time zone."""
    try:
        return datetime.now(
            ZoneInfo(file.company.time_zone if file.company and file.company.time_zone else DEFAULT_TIME_ZONE)
        ).date()
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.now(UTC).date()  # the contract's rules say what is wrong with the zone


def _check(file: File, problems: Problems, today: date) -> None:
    _once(problems, "unit", file.units)
    _once(problems, "person", file.people)
    _once(
        problems, "goal, CSF or KPI", [*file.goals, *file.csfs, *file.kpis]
    )  # one space of names, for a parent may be any of them
    _once(problems, "progress of this KPI and day", file.progress, "day")
    _once(problems, "value", file.values)
    _once(problems, "gift", file.gifts)
    _once(problems, "praise", file.praises)
    _names(problems, "unit", file.units)
    _names(problems, "value", file.values)
    _references(file, problems)
    _circles(problems, file.units, parents, "parent", "units are parts of each other in a circle")
    _circles(problems, file.people, managers, "manager", "who reports to whom runs in a circle")
    _circles(problems, file.kpis, rests_on, "parent", "KPIs serve or hinder each other in a circle")
    _days(file, problems, today)
    _people(file, problems)
    _rules(file, problems, today)
    give_all(file, problems, today)


def _once(problems: Problems, what: str, items: Iterable[Item], field: str = "ref") -> None:
    first: dict[str, Item] = {}
    for item in items:
        if item.ref and first.setdefault(item.ref, item) is not item:
            problems.add(
                item.places[field],
                f"there is a {what} {item.ref!r} already, in line {first[item.ref].places[field].line}",
            )


def _names(problems: Problems, what: str, items: Sequence[Unit | Value]) -> None:
    """Equal names in one place, as people read them."""
    first: dict[str, int] = {}
    for item in items:
        key, line = name_key(item.name), item.places["name"].line
        if key and first.setdefault(key, line) != line:
            problems.add(item.places["name"], f"{what}: there is one named {item.name!r} already, in line {first[key]}")


def _references(file: File, problems: Problems) -> None:
    def there(*kinds: Sequence[Item]) -> Mapping[str, None]:
        """The references of all of these, in order."""
        return {one.ref: None for items in kinds for one in items if one.ref}

    def look(item: Item, field: str, ref: str, what: str, refs: Mapping[str, None]) -> None:
        if ref and ref not in refs:
            problems.add(item.places[field], f"there is no {what} {ref!r}{hint(ref, refs)}")

    people, units, goals, kpis, values = map(there, (file.people, file.units, file.goals, file.kpis, file.values))
    served = there(file.csfs, file.kpis, file.goals)

    for unit in file.units:
        look(unit, "head", unit.head, "person", people)
        look(unit, "parent", unit.parent, "unit", units)
    for person in file.people:
        look(person, "unit", person.unit, "unit", units)
        look(person, "manager", person.manager, "person", people)
    for csf in file.csfs:
        for at, ref in enumerate(csf.supports):
            look(csf, f"supports[{at}]", ref, "goal", goals)
    for kpi in file.kpis:
        look(kpi, "parent", kpi.parent, "CSF, KPI or goal", served)
        look(kpi, "volume", kpi.volume, "KPI", kpis)
        for link in kpi.further:
            look(link, "to", link.ref, "CSF, KPI or goal", served)
        look(kpi, "department", kpi.department, "unit", units)
        for at, ref in enumerate(kpi.owners):
            look(kpi, f"owners[{at}]", ref, "person", people)
    for progress in file.progress:
        look(progress, "kpi", progress.kpi, "KPI", kpis)
    for praise in file.praises:
        look(praise, "from", praise.giver, "person", people)
        look(praise, "to", praise.to, "person", people)
        look(praise, "unit", praise.unit, "unit", units)
        look(praise, "value", praise.value, "value", values)
        look(praise, "kpi", praise.kpi, "KPI", kpis)


def _circles(
    problems: Problems, items: Sequence[AnItem], before: Callable[[AnItem], Iterable[str]], field: str, message: str
) -> None:
    """Each circle once, where its first item stands."""
    left = [item for item in items if item.ref]
    while True:
        try:
            waves(left, before)
            return
        except CycleError as error:
            circle: list[str] = error.args[1]
            members = [item for item in left if item.ref in circle]
            at = min(members, key=lambda item: item.places[field])
            # graphlib tells it from what comes first to what rests on it
            problems.add(at.places[field], f"{message}: {' → '.join(reversed(circle))}")
            left = [item for item in left if item not in members]


def _days(file: File, problems: Problems, today: date) -> None:
    if file.cycle is None or not file.cycle.starts_on or not file.cycle.ends_on:
        return
    first, last = file.cycle.starts_on, file.cycle.ends_on
    for kpi in file.kpis:
        if kpi.effective_on and not first <= kpi.effective_on <= last:
            problems.add(
                kpi.places["effective_on"],
                f"KPI: {kpi.effective_on} is outside the cycle: give a day from {first} to {last}",
            )
    for progress in file.progress:
        if progress.day and not first <= progress.day <= min(last, today):
            until = min(last, today)
            problems.add(
                progress.places["day"],
                f"progress: {progress.day} is no day of the cycle: give one from {first} to {until}",
            )


def _people(file: File, problems: Problems) -> None:
    if file.people and not any("admin" in person.roles or "roles" in person.places.wrong for person in file.people):
        problems.add(
            file.people[0].places["roles"], "nobody has the role admin: somebody must look after people and settings"
        )
    for kpi in file.kpis:
        if kpi.level == "individual" and not kpi.owners and "owners" not in kpi.places.wrong:
            problems.add(kpi.places["owners"], "KPI: owners is missing: somebody has to answer for an individual KPI")
        if kpi.level == "department" and not kpi.department and "department" not in kpi.places.wrong:
            problems.add(kpi.places["department"], "KPI: department is missing: a department's KPI names its unit")


def _rules(file: File, problems: Problems, today: date) -> None:
    """What the contracts and the domain demand of single values, in their own words."""
    for what, item, command in _commands(file):
        for violation in violations(command):
            name = violation.field.rpartition(".")[2].partition("[")[0]
            field = _FIELDS.get(name, name) if what in ("goal", "KPI", "person") else name
            if field not in item.places.wrong:
                problems.add(item.places[field], f"{what}: {field} {violation.message}")
    for what, item, rule in _domain_rules(file, today):
        try:
            rule()
        except Rejected as refusal:
            for violation in refusal.violations:
                problems.add(item.places[violation.field.rpartition(".")[2]], f"{what}: {violation.message}")


def _commands(file: File) -> Iterator[tuple[str, Item, Message]]:
    """Every command that would be sent, with ids that stand for any."""

    def ids(_kind: str, _ref: str) -> str:
        return "any"

    if file.company:
        yield "company", file.company, commands.create_tenant(file.company)
    for unit in file.units:
        yield "unit", unit, commands.create_unit(unit, ids)
    for person in file.people:
        yield "person", person, commands.register_person(person, ids)
    for cycle in filter(None, (file.cycle and file.cycle.within, file.cycle)):
        yield "cycle", cycle, commands.open_cycle(cycle, ids)
    for goal in file.goals:
        yield "goal", goal, commands.set_goal(goal)
    for csf in file.csfs:
        yield "CSF", csf, commands.choose_csf(csf, ids)
    for kpi in file.kpis:
        if file.cycle:
            yield (
                "KPI",
                kpi,
                commands.define_kpi(kpi, file.cycle, kind_of(file, kpi.parent), ids, partial(kind_of, file)),
            )
    for progress in file.progress:
        yield "progress", progress, commands.record_progress(progress, ids)
    for value in file.values:
        yield "value", value, commands.name_value(value)
    for gift in file.gifts:
        yield "gift", gift, commands.offer_gift(gift)
    for praise in file.praises:
        yield "praise", praise, commands.give_praise(praise, ids)


def _strategy_rules(file: File, today: date) -> Iterator[tuple[str, Item, Callable[[], object]]]:
    """Each on what those before it leave."""
    known = strategy.Strategy()

    def settle(decision: Decision) -> None:
        nonlocal known
        for _, event in decision:
            known = strategy.STRATEGY.evolve(known, event)

    for goal in file.goals:
        if goal.year and goal.target is not None:
            yield (
                "goal",
                goal,
                lambda goal=goal: settle(strategy.set_goal(known, commands.set_goal(goal), goal.ref, today)),
            )
    for csf in file.csfs:
        chosen = commands.choose_csf(csf, lambda _kind, ref: ref)
        if all(known.goal(goal_id) for goal_id in chosen.goal_ids):
            yield "CSF", csf, lambda chosen=chosen, csf=csf: settle(strategy.choose_csf(known, chosen, csf.ref))


def _domain_rules(file: File, today: date) -> Iterator[tuple[str, Item, Callable[[], object]]]:
    cycle = file.cycle
    around: cycles.Cycle | None = None
    for each in filter(None, (cycle and cycle.within, cycle)):
        if each.starts_on and each.ends_on:
            command = commands.open_cycle(each, lambda _kind, _ref: "any")
            yield "cycle", each, partial(cycles.open_cycle, command, "any", today, outer=around)
            around = cycles.Cycle("any", each.name, each.starts_on, each.ends_on)
    yield from _strategy_rules(file, today)
    for kpi in file.kpis:
        if cycle and kpi.target is not None and kpi.kind and kpi.direction:
            measure = commands.define_kpi(kpi, cycle, "", lambda _kind, _ref: "any").kpi.measure
            yield "KPI", kpi, lambda measure=measure: kpis.check_measure(measure, "kpi.measure")
    for gift in file.gifts:
        if gift.points is not None:
            yield "gift", gift, lambda gift=gift: gifts.offer(commands.offer_gift(gift), "any")
