"""KPIs of one cycle, compared with those that are there.

A KPI is known by its name and by who answers for it. One criterion for many people is a KPI for each of them. What
stands is changed by a proposal alone; so is what comes anew once the cycle runs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from eventkit.names import name_key, plain_letters, tidy
from eventkit.values import from_decimal, is_dong, is_percent, plain, to_decimal, unit_key
from importing import commands
from importing.company import Cycle, Kpi
from importing.document import Place, Places
from importing.sheets.additions import NEW, Added, additions, too_many_together
from importing.sheets.cells import Aim, Threshold
from importing.sheets.faults import Fault
from importing.sheets.plan import Deed, Difference, Entry, Ids, Plan, circle, key_of
from importing.sheets.rows import AIM, Row, Rows
from importing.sheets.standing import Served, Standing
from importing.sheets.tables import LEFT_OF_FIVE
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t

EVERYBODY = ("all", "tat ca", "toan bo", "moi nguoi", "everyone", "everybody", "toan cong ty")
_DONE = ("complete", "hoan thanh", "xong", "completed", "done")
_LEVELS = ("score", "diem", "ty le", "rate", "index", "muc")
_AT_ONCE = 32
"""KPIs that one proposal changes."""
NOT_BY_FILE = "NOT_BY_FILE"
EDGES = ("floor", "stretch", "baseline")


@dataclass(frozen=True, slots=True)
class _Read:
    """One row as it was understood."""

    kpi: Kpi
    parent_kind: str
    understood: str


def kpis(found: Rows, there: Standing, known: Mapping[str, str], title: str, reason: str) -> Plan:
    """`title` and `reason` are those of the proposal that asks for what is ticked."""
    assert there.cycle is not None
    plan = Plan(faults=list(found.faults), passed_over=found.passed_over)
    names = _Called(there)
    reads: list[tuple[Row, _Read]] = []
    for row in found.rows:
        reads += [(row, read) for read in _read(row, there, names, plan.faults)]
    same = {read.kpi.ref: _same(row, read.kpi, names, known, there) for row, read in reads}
    taken: dict[str, int] = {}
    for row, read in reads:
        key = same[read.kpi.ref] or _identity(read.kpi)
        if (before := taken.setdefault(key, row.number)) != row.number and read.kpi.name:
            plan.faults.append(row.fault("name", "TWICE", row=str(before)))
        if not same[read.kpi.ref]:
            names.served.add(read.kpi.ref, read.kpi.name, row.get("code"))
    standing = _targets(there)
    running = there.cycle.state == t.CYCLE_STATE_RUNNING
    parents: dict[str, str] = {}
    added: dict[str, Added] = {}
    for row, read in reads:
        kpi, kind = _served(row, read, same[read.kpi.ref], names, plan.faults)
        if same[kpi.ref]:
            plan.entries.append(_standing_kpi(row, kpi, there.kpis[same[kpi.ref]], names.served, read.understood))
            continue
        if kpi.parent.startswith("#"):
            parents[kpi.ref] = kpi.parent
        if running:
            added[kpi.ref] = Added(row.number, kpi, kind)
            new = Difference(row.number, NEW, "", kpi.name)
            entry = Entry(row.number, kpi.name, differences=(new,), understood=read.understood, ref=kpi.ref)
            plan.entries.append(entry)
            continue
        plan.entries.append(_new_kpi(row, kpi, kind, there.cycle, read.understood))
    wrong = circle(parents)
    plan.faults += [row.fault("parent", "KPI_CIRCLE") for row, read in reads if read.kpi.ref in wrong]
    plan.over_full = _over_full(reads, same, there)
    added = {ref: one for ref, one in added.items() if ref not in wrong}
    late = too_many_together(added)
    for number, entry in enumerate(plan.entries):
        if entry.ref in late:
            hindered = tuple(replace(d, obstacle="ADDED_TOGETHER") for d in entry.differences)
            plan.entries[number] = replace(entry, differences=hindered)

    def proposing(ticked: Sequence[Difference]) -> list[Deed]:
        changed = _proposals([d for d in ticked if d.field != NEW], same, reads, standing, there, title, reason)
        right = {ref: one for ref, one in added.items() if ref not in late and one.row not in plan.wrong}
        return [*changed, *additions([d.row for d in ticked if d.field == NEW], right, there, title, reason)]

    plan.changing = proposing
    return plan


MOST_TOLD = 20
"""People whose weights are told about."""


def _over_full(reads: Sequence[tuple[Row, _Read]], same: Mapping[str, str], there: Standing) -> Mapping[str, Decimal]:
    """Whose weights would make more than 100 per cent: of what stands, and of what comes anew."""
    total: dict[str, Decimal] = {}
    for kpi in there.kpis.values():
        weight = to_decimal(kpi.exact_weight) or Decimal(kpi.weight)
        for owner in kpi.owners if not kpi.retired else ():
            total[owner.person_id] = total.get(owner.person_id, Decimal(0)) + weight
    touched: set[str] = set()
    for _, read in reads:
        for person in read.kpi.owners if not same[read.kpi.ref] and read.kpi.weight else ():
            total[person] = total.get(person, Decimal(0)) + (read.kpi.weight or 0)
            touched.add(person)
    heavy = [person for person in total if person in touched and total[person] > 100]
    return {there.name_of_person(person): total[person] for person in heavy[:MOST_TOLD]}


class _Called:
    """Everything that a KPI's row may name."""

    def __init__(self, there: Standing):
        self.people, self.units = there.person_names(), there.names_of_units()
        self.served = Served(there)
        self.by_identity = {_identity_of(kpi): id for id, kpi in there.kpis.items() if not kpi.retired}


def _identity(kpi: Kpi) -> str:
    return "|".join((name_key(kpi.name), *sorted(kpi.owners), kpi.department if not kpi.owners else ""))


def _identity_of(kpi: g.Kpi) -> str:
    owners = sorted(owner.stands_in_for_id or owner.person_id for owner in kpi.owners)
    named = [] if kpi.level == t.LEVEL_DEPARTMENT and kpi.unit_id else owners
    return "|".join((name_key(kpi.name), *named, kpi.unit_id if not named else ""))


def _same(row: Row, kpi: Kpi, names: _Called, known: Mapping[str, str], there: Standing) -> str:
    found = names.by_identity.get(_identity(kpi), "")
    if not found and kpi.level == "department":
        found = names.by_identity.get(_identity(replace(kpi, owners=())), "")
    before = known.get(kpi_key(row, kpi, there), "")
    return found or (before if before in there.kpis else "")


def kpi_key(row: Row, kpi: Kpi, there: Standing) -> str:
    """Next quarter's file with the same codes is next quarter's."""
    cycle = there.cycle.cycle_id if there.cycle else ""
    return key_of("kpi", cycle, name_key(row.get("code") or kpi.name), *sorted(kpi.owners), kpi.department)


def _read(row: Row, there: Standing, names: _Called, faults: list[Fault]) -> Iterator[_Read]:
    """A row's KPI; of a criterion for many one for each of them."""
    _check_cycle(row, there, faults)
    unit = names.units.named(row, "unit", row.get("unit"), faults) if row.get("unit") else ""
    owners = tuple(filter(None, (names.people.named(row, "owners", name, faults) for name in row.get("owners", ()))))
    many = _everybody(row, there, faults) if row.get("everyone") and not row.get("owners") else None
    level = row.get("level") or ("individual" if owners or many else "department" if unit else "")
    if not level and "owners" not in row.cells and "unit" not in row.cells and many is None:
        faults.append(row.fault("level", "NOBODY_ANSWERS"))
    measure, understood = _measure(row, faults)
    kpi = Kpi(
        places=Places(Place(row.number, 0), {}, frozenset()),
        ref=f"#{row.number}",
        name=tidy(row.get("name")),
        statement=row.get("statement"),
        level=level,
        volume="",
        owners=owners,
        department=unit,
        weight=row.get("weight", None),
        parent=row.get("parent"),
        why=row.get("why"),
        effective_on=None,
        **measure,
    )
    if len(kpi.name) > 60:
        kpi = replace(kpi, name=_short(kpi.name), statement=kpi.statement or kpi.name)
        understood = "; ".join(filter(None, (f"{kpi.name!r}", understood)))
    if many is None:
        yield _Read(kpi, "", understood)
        return
    for person in many:
        yield _Read(replace(kpi, ref=f"#{row.number}.{person}", owners=(person,), level="individual"), "", understood)


def _short(name: str) -> str:
    """What fits on the map of a whole sentence: its first words. The sentence is the statement."""
    words = name[:59].rsplit(" ", 1)[0] if " " in name[:59] else name[:59]
    return words.rstrip(" ,;(:") + "…"


def _check_cycle(row: Row, there: Standing, faults: list[Fault]) -> None:
    """A file of another quarter is not this quarter's."""
    said, cycle = row.get("cycle"), there.cycle
    if said and cycle and name_key(said) != name_key(cycle.name) and _quarter(said) != _quarter(cycle.name):
        faults.append(row.fault("cycle", "OTHER_CYCLE", cycle.name, cycle=cycle.name))


def _quarter(text: str) -> tuple[str, ...]:
    """The numbers in a cycle's name: "2026-Q4" and "Quý 4/2026" say the same."""
    digits = "".join(char if char.isdigit() else " " for char in text).split()
    return tuple(sorted(number.lstrip("0") for number in digits)) or (plain_letters(text),)


def _everybody(row: Row, there: Standing, faults: list[Fault]) -> list[str] | None:
    """The active people of a title or a unit, or all of them."""
    said = plain_letters(row.get("everyone"))
    active = [(id, person) for id, person in there.people.items() if person.active]
    if said in EVERYBODY:
        return [id for id, _ in active]
    units = there.names_of_units().refs(row.get("everyone"))
    found = [
        id
        for id, person in active
        if plain_letters(person.title.plain) == said or (units and person.place.unit_id in units)
    ]
    if not found:
        faults.append(row.fault("everyone", "NOBODY_OF_THAT_TITLE", name=row.get("everyone")))
    return found


def _measure(row: Row, faults: list[Fault]) -> tuple[dict[str, Any], str]:
    """Kind, direction and scale; what the file does not say follows from the unit, and is told."""
    aim: Aim | None = row.get(AIM, None)
    unit = row.get("measured_in") or (aim.unit if aim else "")
    if aim and aim.unit == "%" and is_dong(unit):
        faults.append(row.fault("target", "OTHER_UNIT", said=unit))
    direction = row.get("direction") or (aim.direction if aim else "") or "increase"
    scale: dict[str, Decimal | None] = {
        name: row.get(name, None) for name in ("baseline", "target", "floor", "stretch")
    }
    told: list[str] = []
    if aim and (aim.direction or aim.unit) and not (row.get("direction") and row.get("measured_in")):
        told.append(f"{'≤' if direction == 'decrease' else '≥'} {plain(aim.value)} {unit}".strip())
    if any(name in row.values for name in LEFT_OF_FIVE):
        scale |= _three_of_five([row.get(name, None) for name in LEFT_OF_FIVE], direction)
        edges = ((name, scale[name]) for name in ("floor", "target", "stretch"))
        told.append(", ".join(f"{name} {plain(value)}" for name, value in edges if value is not None))
    if scale["target"] is None and "target" not in row.cells:
        faults.append(row.fault("target", "MISSING"))
    kind, plain_unit = row.get("kind"), plain_letters(unit)
    if not kind and plain_unit in _DONE and scale["target"] in (Decimal(100), Decimal(1)):
        kind, unit, scale["target"] = "milestone", "", Decimal(1)
        told.append("milestone")
    elif not kind and plain_unit in _DONE:
        kind, unit = "level", "%"
        told.append("level, %")
    elif not kind:
        kind = (
            "level"
            if is_percent(unit) or unit.startswith("/") or any(word in plain_unit for word in _LEVELS)
            else "cumulative"
        )
    return {"kind": kind, "direction": direction, "measured_in": unit, **scale}, "; ".join(filter(None, told))


def _three_of_five(levels: Sequence[Threshold | None], direction: str) -> dict[str, Decimal | None]:
    """Floor, target and stretch: where the second, third and fourth level begin; the fifth where there is no fourth."""

    def edge(at: int) -> Decimal | None:
        level, before = levels[at], levels[at - 1]
        if level is None:
            return None
        mine = level.high if direction == "decrease" else level.low
        if mine is None and before is not None:
            mine = before.low if direction == "decrease" else before.high
        return mine

    stretch = edge(3)
    return {"floor": edge(1), "target": edge(2), "stretch": stretch if stretch is not None else edge(4)}


def _served(row: Row, read: _Read, same: str, names: _Called, faults: list[Fault]) -> tuple[Kpi, str]:
    """With its parent's reference, and what the parent is."""
    if not read.kpi.parent:
        return read.kpi, ""
    found: list[Fault] = []
    parent = names.served.named(row, read.kpi.parent, found, same or read.kpi.ref)
    if not faults or found != faults[-len(found) :] or not found:  # one row of many says it once
        faults += found
    if parent and parent == (same or read.kpi.ref):
        faults.append(row.fault("parent", "KPI_CIRCLE"))
    return replace(read.kpi, parent=parent), names.served.kind(parent) if parent else ""


def _new_kpi(row: Row, kpi: Kpi, kind: str, cycle: g.Cycle, understood: str) -> Entry:
    of = Cycle(kpi.places, cycle.cycle_id, cycle.name, None, None)

    def build(ids: Ids) -> g.DefineKpi:
        served = kind if kpi.parent and ids(kind, kpi.parent) else ""
        return commands.define_kpi(kpi, of, served, ids)

    after = (kpi.parent,) if kpi.parent.startswith("#") else ()
    standing = Standing(cycle=cycle)
    return Entry(
        row.number,
        kpi.name,
        Deed(row.number, "kpi", kpi.ref, build, kpi_key(row, kpi, standing), after),
        understood=understood,
    )


# --- what stands


def _targets(there: Standing) -> dict[str, dict[str, Decimal | None]]:
    return {
        id: {name: to_decimal(getattr(kpi.measure, name)) for name in ("target", *EDGES)}
        for id, kpi in there.kpis.items()
    }


def _standing_kpi(row: Row, kpi: Kpi, now: g.Kpi, served: Served, understood: str) -> Entry:
    found: list[Difference] = []
    for name in ("target", *EDGES):
        before, after = to_decimal(getattr(now.measure, name)), getattr(kpi, name)
        if after is not None and after != before:
            found.append(Difference(row.number, name, plain(before) if before is not None else "", plain(after)))
    weight = to_decimal(now.exact_weight) or Decimal(now.weight)
    if kpi.weight is not None and kpi.weight != weight:
        found.append(Difference(row.number, "weight", plain(weight), plain(kpi.weight), NOT_BY_FILE))
    for field, before, after in (
        ("name", now.name, kpi.name),
        ("statement", now.statement, kpi.statement),
        ("why", now.why, kpi.why),
    ):
        if after and name_key(before) != name_key(after):
            found.append(Difference(row.number, field, before, after, NOT_BY_FILE))
    if kpi.measured_in and unit_key(kpi.measured_in) != unit_key(now.measure.unit):
        found.append(Difference(row.number, "measured_in", now.measure.unit, kpi.measured_in, NOT_BY_FILE))
    parent = now.parent.kpi_id or now.parent.csf_id or now.parent.goal_id
    if kpi.parent and kpi.parent != parent:
        found.append(Difference(row.number, "parent", served.called(parent), row.cells["parent"], "BY_LINKS"))
    label = f"{now.name} · {now.owners[0].name.plain}" if len(now.owners) == 1 else now.name
    return Entry(row.number, label, differences=tuple(found), understood=understood)


def _proposals(
    ticked: Sequence[Difference],
    same: Mapping[str, str],
    reads: Sequence[tuple[Row, _Read]],
    standing: Mapping[str, Mapping[str, Decimal | None]],
    there: Standing,
    title: str,
    reason: str,
) -> list[Deed]:
    """One proposal for everything that was ticked; of many KPIs as few as it takes."""
    assert there.cycle is not None
    fields: dict[int, set[str]] = {}
    for difference in ticked:
        fields.setdefault(difference.row, set()).add(difference.field)
    changes: list[tuple[int, t.TargetChange]] = []
    for row, read in reads:
        id = same[read.kpi.ref]
        if id and row.number in fields and (change := _change(id, read.kpi, fields[row.number], standing[id])):
            changes.append((row.number, change))
    deeds: list[Deed] = []
    for at in range(0, len(changes), _AT_ONCE):
        part = changes[at : at + _AT_ONCE]
        request = g.ProposeChange(
            cycle_id=there.cycle.cycle_id,
            reason_class=t.REASON_CLASS_CONTEXT_CHANGED,
            title=PersonalText(plain=title),
            reason=PersonalText(plain=reason),
            changes=[change for _, change in part],
        )
        deeds.append(Deed(part[0][0], "proposal", "", lambda _, request=request: request, field="target"))
    return deeds


def _change(id: str, kpi: Kpi, fields: set[str], now: Mapping[str, Decimal | None]) -> t.TargetChange | None:
    wanted = {
        name: getattr(kpi, name)
        for name in fields
        if name in ("target", *EDGES) and getattr(kpi, name) is not None and getattr(kpi, name) != now[name]
    }
    if not wanted:
        return None
    target = now["target"]
    assert target is not None
    change = t.TargetChange(kpi_id=id, before=from_decimal(target), after=from_decimal(wanted.get("target", target)))
    for edge in EDGES:
        if edge in wanted:
            before = now[edge]
            moved = t.EdgeChange(
                before=from_decimal(before) if before is not None else None, after=from_decimal(wanted[edge])
            )
            getattr(change, edge).CopyFrom(moved)
    return change
