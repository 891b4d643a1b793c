"""First steps: what a company has, what is missing, and who can do it. Computed, never ticked off by hand."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from starlette.responses import Response

from nhip.checkins.v1 import cadence_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from nhip.people.v1 import people_pb2
from nhip.rewards.v1 import rewards_pb2
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.language import day_of
from services.gateway.console.rhythm import rhythm_words
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none

routes = Routes()


@dataclass(frozen=True, slots=True)
class Line:
    """Something that is there, or missing (`url` says where it is put right)."""

    text: str
    missing: bool = False
    url: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    about: str
    done: bool
    lines: tuple[Line, ...] = ()
    actions: tuple[tuple[str, str, str], ...] = ()
    """Icon, text and address of what can be done here, the first thing first."""
    whose: str = ""
    """Who can do it, where that is not the viewer."""
    state: str = ""
    """In a few words, where that is not "done": "2 to fill in", "after step 4"."""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What the services say about the company; None where one is away."""

    tenant: people_pb2.Tenant | None
    organisation: people_pb2.Organisation | None
    cycle: goals_pb2.Cycle | None
    overview: goals_pb2.Overview | None
    cadence: cadence_pb2.CadenceList | None
    values: rewards_pb2.CoreValues | None
    gifts: rewards_pb2.Gifts | None
    counts: dict[int, int] = field(default_factory=dict[int, int])
    """KPIs by level."""
    gaps: dict[int, int] = field(default_factory=dict[int, int])


@routes.page("/first-steps")
async def first_steps(visit: Visit) -> Response:
    """`GET /first-steps`."""
    visit.must_one("people.RegisterPerson", "goals.OpenCycle")
    standing = await _standing(visit)
    steps = tuple(_with_states(visit, list(_steps(visit, standing))))
    needed = [step for step in steps if not step.optional]
    current = next((step for step in needed if not step.done), None)
    return visit.render(
        "first_steps/first_steps.html",
        steps=steps,
        current=current,
        done=sum(step.done for step in needed),
        needed=len(needed),
        company=standing.tenant.name if standing.tenant else "",
        holders=tuple(_holders(visit, steps)),
        mapped=bool(standing.overview and standing.overview.goals),
    )


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has something to do, and what."""

    mine: bool
    who: str
    what: str


def _holders(visit: Visit, steps: Sequence[Step]) -> Iterator[Holder]:
    """Whom the next steps wait for: one line for the viewer, one for each other circle of people."""
    _ = visit.language.gettext
    open_ = [step for step in steps if not step.done and not step.optional]
    if mine := [step.title for step in open_ if not step.whose]:
        yield Holder(True, _("You"), ", ".join(mine))
    others: dict[str, list[str]] = {}
    for step in open_:
        if step.whose:
            others.setdefault(step.whose, []).append(step.title)
    for whose, titles in others.items():
        yield Holder(False, whose, ", ".join(titles))


def _with_states(visit: Visit, steps: list[Step]) -> Iterator[Step]:
    """Each with its state in words: how much is missing, or which steps come before."""
    _, ngettext = visit.language.gettext, visit.language.ngettext
    for number, step in enumerate(steps, start=1):
        waits = [n for n, other in enumerate(steps, start=1) if n in BEFORE.get(number, ()) and not other.done]
        missing = sum(line.missing for line in step.lines)
        if step.done or step.optional:
            yield step
        elif waits:
            yield replace(step, state=_("after step %(number)s") % {"number": waits[0]})
        elif missing:
            yield replace(step, state=ngettext("%(n)s thing missing", "%(n)s things missing", missing) % {"n": missing})
        else:
            yield step


BEFORE = {4: (3,), 5: (4,), 6: (4, 5), 8: (6,)}
"""By number, the steps that come before one."""


async def _standing(visit: Visit) -> Standing:
    ask = visit.caller.query
    tenant, organisation, cycles, cadence, values, gifts = await asyncio.gather(
        or_none(ask("people", "GetTenant", people_pb2.GetTenant(), people_pb2.Tenant)),
        or_none(ask("people", "GetOrganisation", people_pb2.GetOrganisation(), people_pb2.Organisation)),
        or_none(ask("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)),
        or_none(ask("checkins", "ListCadence", cadence_pb2.ListCadence(), cadence_pb2.CadenceList)),
        or_none(ask("rewards", "ListCoreValues", rewards_pb2.ListCoreValues(page_size=1), rewards_pb2.CoreValues)),
        or_none(ask("rewards", "ListGifts", rewards_pb2.ListGifts(page_size=1), rewards_pb2.Gifts)),
    )
    cycle = choose_cycle(cycles.cycles, "", visit.today) if cycles else None
    overview = None
    if cycle is not None:
        asked = goals_pb2.GetOverview(cycle_id=cycle.cycle_id)
        overview = await or_none(ask("goals", "GetOverview", asked, goals_pb2.Overview))
    counts: dict[int, int] = {}
    for one in overview.statuses if overview else ():
        counts[one.level] = counts.get(one.level, 0) + one.count
    gaps: dict[int, int] = {gap.kind: gap.count for gap in overview.gaps} if overview else {}
    return Standing(tenant, organisation, cycle, overview, cadence, values, gifts, counts, gaps)


def _steps(visit: Visit, standing: Standing) -> Iterator[Step]:
    yield _company(visit, standing)
    yield _people(visit, standing)
    yield _leaders(visit, standing)
    yield _cycle(visit, standing)
    yield _strategy(visit, standing)
    yield _kpis(visit, standing)
    yield _rhythm(visit, standing)
    yield _start(visit, standing)
    yield _praise(visit, standing)


def _company(visit: Visit, standing: Standing) -> Step:
    _, tenant = visit.language.gettext, standing.tenant
    about = f"{tenant.name} · {tenant.time_zone}" if tenant else ""
    actions = (("building", _("Company profile"), "/company"),)
    return Step(_("Name and time zone"), about, bool(tenant), actions=actions)


def _people(visit: Visit, standing: Standing) -> Step:
    _, ngettext, there = visit.language.gettext, visit.language.ngettext, standing.organisation
    about = _("Everybody with a manager, every unit with a head: so each KPI has somebody who agrees to it.")
    actions = (
        (
            ("user-plus", _("Take somebody on"), "/people/new"),
            ("file-import", _("From a spreadsheet"), "/import"),
            ("hierarchy-3", _("Units"), "/units"),
        )
        if visit.may("people.RegisterPerson")
        else ()
    )
    if there is None:
        return Step(_("People and units"), about, False, actions=actions)
    number = visit.language.number
    here = ngettext("%(n)s person", "%(n)s people", there.people) % {"n": number(Decimal(there.people))}
    here += ", " + ngettext("%(n)s unit", "%(n)s units", there.units) % {"n": number(Decimal(there.units))}
    lines = [Line(here)]
    if there.people < 2:
        lines.append(Line(_("nobody but you is here yet"), True, "/people/new", _("Take somebody on")))
    if n := there.without_manager:
        text = ngettext("%(n)s person has no direct manager", "%(n)s people have no direct manager", n) % {"n": n}
        lines.append(Line(text, True, "/people?lacking=manager", _("Choose managers")))
    if n := there.without_unit:
        text = ngettext("%(n)s person is of no unit", "%(n)s people are of no unit", n) % {"n": n}
        lines.append(Line(text, True, "/people?lacking=unit", _("Choose units")))
    if n := there.units_without_head:
        text = ngettext("%(n)s unit has no head", "%(n)s units have no head", n) % {"n": n}
        lines.append(Line(text, True, "/units", _("Choose heads")))
    return Step(_("People and units"), about, not any(line.missing for line in lines), tuple(lines), actions)


def _leaders(visit: Visit, standing: Standing) -> Step:
    _, there = visit.language.gettext, standing.organisation
    about = _("An executive opens cycles, sets strategic goals and decides about the company's KPIs.")
    count = there.executives if there else 0
    lines: tuple[Line, ...] = ()
    if count:
        text = visit.language.ngettext("%(n)s executive", "%(n)s executives", count)
        lines = (Line(text % {"n": count}),)
    elif there:
        lines = (Line(_("nobody has the role executive: give it to who leads"), True, "/people", _("Choose somebody")),)
    return Step(_("Who leads"), about, bool(count), lines)


def _cycle(visit: Visit, standing: Standing) -> Step:
    _, cycle = visit.language.gettext, standing.cycle
    about, lines = _("KPIs are set for a cycle: a quarter is usual, a month or a year will do."), ()
    if cycle is not None:
        day = visit.language.day
        lines = (Line(f"{cycle.name} · {day(day_of(cycle.starts_on))} – {day(day_of(cycle.ends_on))}"),)
    over = cycle is not None and day_of(cycle.ends_on) < visit.today
    if over:
        lines = (*lines, Line(_("it is over: open the next one"), True))
    return Step(
        _("The first cycle"),
        about,
        cycle is not None and not over,
        lines,
        (("calendar-plus", _("Open a cycle"), "/cycles/new"),) if visit.may("goals.OpenCycle") else (),
        _strategists(visit),
    )


def _strategy(visit: Visit, standing: Standing) -> Step:
    _, ngettext, there = visit.language.gettext, visit.language.ngettext, standing.overview
    about = _("One or two goals, two or three success factors for each.")
    goals, csfs = (there.goals, there.csfs) if there else (0, 0)
    lines = (
        Line(ngettext("%(n)s strategic goal", "%(n)s strategic goals", goals) % {"n": goals}, not goals),
        Line(ngettext("%(n)s success factor", "%(n)s success factors", csfs) % {"n": csfs}, not csfs),
    )
    goal = ("flag", _("Set a strategic goal"), "/goals/new")
    csf = ("target-arrow", _("Choose a success factor"), "/csfs/new")
    seen = ("list-details", _("What stands"), "/strategy")
    actions = (
        ((csf, goal, seen) if goals else (goal,)) if visit.may("goals.SetStrategicGoal") and standing.cycle else ()
    )
    return Step(
        _("Strategic goals and success factors"), about, bool(goals and csfs), lines, actions, _strategists(visit)
    )


def _kpis(visit: Visit, standing: Standing) -> Step:
    _, ngettext, counts = visit.language.gettext, visit.language.ngettext, standing.counts
    about = _("From the company over departments to people: each serves something above it.")
    words = {
        types_pb2.LEVEL_COMPANY: ngettext(
            "%(n)s company KPI", "%(n)s company KPIs", counts.get(types_pb2.LEVEL_COMPANY, 0)
        ),
        types_pb2.LEVEL_DEPARTMENT: ngettext(
            "%(n)s department KPI", "%(n)s department KPIs", counts.get(types_pb2.LEVEL_DEPARTMENT, 0)
        ),
        types_pb2.LEVEL_INDIVIDUAL: ngettext(
            "%(n)s individual KPI", "%(n)s individual KPIs", counts.get(types_pb2.LEVEL_INDIVIDUAL, 0)
        ),
    }
    number = visit.language.number
    lines = [
        Line(text % {"n": number(Decimal(counts.get(level, 0)))}, not counts.get(level))
        for level, text in words.items()
    ]
    if n := standing.gaps.get(goals_pb2.GAP_KIND_NO_KPI, 0):
        text = ngettext("%(n)s person has no KPI", "%(n)s people have no KPI", n) % {"n": n}
        lines.append(Line(text, True, "/gaps/no-kpi", _("View")))
    written = ("plus", _("Write down a KPI"), "/kpis/new"), ("file-import", _("From a spreadsheet"), "/import")
    actions = written if visit.may("goals.DefineKpi") and standing.cycle else ()
    whose = "" if visit.may("goals.DefineKpi") else _("Managers, executives and OKR masters can do this.")
    return Step(
        _("KPIs of three levels"), about, not any(line.missing for line in lines[:3]), tuple(lines), actions, whose
    )


def _rhythm(visit: Visit, standing: Standing) -> Step:
    """The company's; those of units and people are not asked for."""
    _, known = visit.language.gettext, standing.cadence
    about = _("Every second week is usual. Without a rhythm nothing is due, and nobody is reminded.")
    rules = [rule for rule in known.rules if not (rule.unit_id or rule.person_id)] if known else []
    lines = [Line(rhythm_words(rule, visit.language)) for rule in rules]
    if known and not rules:
        lines.append(Line(_("the company has none yet"), True))
    may = bool(known and known.may_set_company)
    actions = (("calendar", _("Set a rhythm"), "/rhythm"),) if may else ()
    whose = "" if may else _("Administrators, executives and OKR masters can do this.")
    return Step(_("The rhythm of check-ins"), about, bool(rules), tuple(lines), actions, whose)


def _start(visit: Visit, standing: Standing) -> Step:
    _, cycle = visit.language.gettext, standing.cycle
    about = _("Until then KPIs are set and changed freely; afterwards somebody else approves each change.")
    started = cycle is not None and cycle.state != types_pb2.CYCLE_STATE_PLANNED
    actions = (
        (("player-play", _("View and start"), f"/cycles/{cycle.cycle_id}"),)
        if cycle is not None and not started and visit.may("goals.StartCycle")
        else ()
    )
    return Step(_("The cycle is started"), about, started, actions=actions, whose=_strategists(visit))


def _praise(visit: Visit, standing: Standing) -> Step:
    _ = visit.language.gettext
    there = bool(standing.values and standing.values.values), bool(standing.gifts and standing.gifts.gifts)
    actions = (("gift", _("To the counter of the shop"), "/shop/counter"),) if visit.may("rewards.OfferGift") else ()
    about = _("May come later: people can praise without them, but not for a value, and points buy nothing yet.")
    return Step(_("Core values and gifts"), about, all(there), actions=actions, optional=True)


def _strategists(visit: Visit) -> str:
    if visit.may("goals.OpenCycle"):
        return ""
    return visit.language.gettext("Executives and OKR masters can do this.")
