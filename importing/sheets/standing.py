"""What Nhip has already, as a file names it: by code, by e-mail, by name."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message

from eventkit.errors import Rejected
from eventkit.names import name_key
from importing.sheets.faults import Fault, meant
from importing.sheets.rows import Row, Rows
from importing.sheets.table import Table
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.operations_pb2 import CarryOutTogether
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p

Reply = TypeVar("Reply", bound=Message)
Listed = TypeVar("Listed", bound=Message)


class Services(Protocol):
    """A way to ask the services, as whoever imports. Both raise `Rejected` for a refusal."""

    async def ask(self, request: Message, reply: type[Reply], /) -> Reply: ...

    async def command(self, request: Message, /, *, key: str, check: bool = False) -> Accepted:
        """Have a command carried out; or, with `check`, only judged."""
        ...

    async def together(
        self, context: str, request: CarryOutTogether, /, *, key: str, seconds: float, check: bool = False
    ) -> Accepted:
        """Have several commands of one service carried out as one, or only judged so, which may take so many
        seconds."""
        ...


class Names:
    """Things by what they are called. Some are called the same, and then a name means none of them."""

    def __init__(self, unknown: str, several: str):
        self._unknown, self._several = unknown, several
        """Stable reasons."""
        self._known: dict[str, dict[str, None]] = defaultdict(dict)
        self._written: dict[str, str] = {}
        self._asked: dict[str, str] = {}

    def add(self, ref: str, *called: str) -> None:
        for name in filter(None, called):
            self._known[name_key(name)][ref] = None
            self._written[name_key(name)] = name

    def refs(self, called: str) -> list[str]:
        return list(self._known.get(name_key(called), ()))

    def named(self, row: Row, field: str, called: str, faults: list[Fault]) -> str:
        """The one thing of that name; empty, with a fault, where there is none or more than one."""
        found = self.refs(called)
        if len(found) == 1:
            return found[0]
        if found:
            faults.append(row.fault(field, self._several, name=called, count=str(len(found))))
            return ""
        if called not in self._asked:
            self._asked[called] = meant(called, self._written.values()) if len(self._asked) < 100 else ""
        faults.append(row.fault(field, self._unknown, self._asked[called], name=called))
        return ""


def people_names() -> Names:
    return Names("NO_SUCH_PERSON", "SEVERAL_PEOPLE")


def unit_names() -> Names:
    return Names("NO_SUCH_UNIT", "SEVERAL_UNITS")


@dataclass(slots=True)
class Standing:
    """As far as a table needs it."""

    people: Mapping[str, p.Person] = field(default_factory=dict[str, p.Person])
    units: Mapping[str, p.Unit] = field(default_factory=dict[str, p.Unit])
    goals: Mapping[str, g.StrategicGoal] = field(default_factory=dict[str, g.StrategicGoal])
    csfs: Mapping[str, g.Csf] = field(default_factory=dict[str, g.Csf])
    kpis: Mapping[str, g.Kpi] = field(default_factory=dict[str, g.Kpi])
    around: Mapping[str, g.Kpi] = field(default_factory=dict[str, g.Kpi])
    """KPIs of the cycles around it, which its own may serve."""
    quotas: p.TenantQuotas = field(default_factory=p.TenantQuotas)
    """How much whoever operates allows."""
    cycle: g.Cycle | None = None
    addresses: Mapping[str, str] = field(default_factory=dict[str, str])
    """People's ids by e-mail addresses that the file names, where the list of people does not tell them."""

    def person_names(self) -> Names:
        """Everybody who is active, by code, e-mail and name."""
        names = people_names()
        for id, person in self.people.items():
            if person.active:
                names.add(id, person.employment.employee_code, person.email.plain, person.name.plain)
        for address, id in self.addresses.items():
            if id in self.people:
                names.add(id, address)
        return names

    def names_of_units(self) -> Names:
        names = unit_names()
        for id, unit in self.units.items():
            if not unit.closed:
                names.add(id, unit.name)
        return names

    def name_of_person(self, id: str) -> str:
        """What a file would call them: by the code where there is one, for names may be shared."""
        person = self.people.get(id)
        if person is None:
            return id
        code = person.employment.employee_code
        return f"{person.name.plain} ({code})" if code else person.name.plain

    def name_of_unit(self, id: str) -> str:
        return self.units[id].name if id in self.units else id


class Served:
    """What a KPI may serve, by name: of its own cycle, else of those around it, as the quarter's revenue serves the
    year's of the same name."""

    def __init__(self, there: Standing):
        self._own, self._around = (Names("NO_SUCH_PARENT", "SEVERAL_PARENTS") for _ in range(2))
        self._known: dict[str, tuple[str, str]] = {}
        for id, goal in there.goals.items():
            self._there(self._own, "goal", id, goal.name)
        for id, csf in there.csfs.items():
            self._there(self._own, "csf", id, csf.name)
        for names, kpis in ((self._own, there.kpis), (self._around, there.around)):
            for id, kpi in kpis.items():
                if not kpi.retired:
                    self._there(names, "kpi", id, kpi.name)

    def _there(self, names: Names, kind: str, id: str, name: str) -> None:
        self._known[id] = kind, name
        names.add(id, name)

    def add(self, ref: str, *called: str) -> None:
        """A KPI that is not there yet."""
        self._own.add(ref, *called)

    def named(self, row: Row, called: str, faults: list[Fault], itself: str = "") -> str:
        """What a row names as `parent`; empty, with a fault, where that is nothing or may be several. `itself`: the
        KPI of the row."""
        own, around = self._own.refs(called), self._around.refs(called)
        if around and set(own) <= {itself}:
            return self._around.named(row, "parent", called, faults)
        return self._own.named(row, "parent", called, faults)

    def kind(self, ref: str) -> str:
        """kpi, csf or goal."""
        return self._known.get(ref, ("kpi", ""))[0]

    def called(self, ref: str) -> str:
        return self._known.get(ref, ("", ""))[1]


async def standing(services: Services, table: Table, cycle_id: str = "") -> Standing:
    """Asks for what a table is compared with. Raises `Rejected`."""
    found = Standing()
    if table.name in ("people", "kpis"):
        found.quotas = (await services.ask(p.GetTenant(), p.Tenant)).quotas
    if table.name not in ("goals", "csfs"):
        found.people = await _all(services, p.ListPeople, p.PeopleList, "people", "person_id", 500)
        found.units = await _all(services, p.ListUnits, p.Units, "units", "unit_id", 500)
    if table.name in ("people", "units"):
        return found
    cycles = (await services.ask(g.ListCycles(), g.Cycles)).cycles
    wanted = [cycle for cycle in likely(table, cycles) if not cycle_id or cycle.cycle_id == cycle_id]
    if not wanted:
        return found
    found.cycle = wanted[0]
    id = found.cycle.cycle_id
    found.goals = await _all(services, g.ListStrategicGoals, g.StrategicGoals, "goals", "goal_id", 200)
    found.csfs = await _all(services, g.ListCsfs, g.Csfs, "csfs", "csf_id", 200)
    if table.of_cycle:

        def asked(page_size: int, page_token: str) -> g.ListKpis:
            return g.ListKpis(cycle_id=id, page_size=page_size, page_token=page_token, enclosing=served)

        served = table.name in ("kpis", "links")
        listed = await _all(services, asked, g.Kpis, "kpis", "kpi_id", 200)
        found.kpis = {kpi_id: kpi for kpi_id, kpi in listed.items() if kpi.cycle_id == id}
        found.around = {kpi_id: kpi for kpi_id, kpi in listed.items() if kpi.cycle_id != id}
    return found


def likely(table: Table, newest_first: Sequence[g.Cycle]) -> list[g.Cycle]:
    """Cycles, those first that a table is likely of: what was measured is of one that has begun."""
    measured = table.name in ("values", "check_ins")
    return sorted(newest_first, key=lambda cycle: measured and cycle.state == t.CYCLE_STATE_PLANNED)


ADDRESSES_AT_ONCE = 500


async def addressed(services: Services, found: Rows, there: Standing) -> Mapping[str, str]:
    """Whose the addresses are that a file names and nobody in the list of people has; none for who may not ask."""
    known = {person.email.plain.casefold() for person in there.people.values()}
    named = {
        text.strip(): None
        for row in found.rows
        for name, cell in row.values.items()
        if name in _PEOPLE
        for text in ([cell] if isinstance(cell, str) else cell)
        if "@" in text and text.strip().casefold() not in known
    }
    wanted, ids = [text for text in named if len(text) <= 254], dict[str, str]()
    for start in range(0, len(wanted), ADDRESSES_AT_ONCE):
        asked = p.FindPeopleByEmail(emails=wanted[start : start + ADDRESSES_AT_ONCE])
        try:
            answer = await services.ask(asked, p.PeopleByEmail)
        except Rejected as refused:
            if refused.reason != "NOT_ALLOWED":
                raise
            return {}
        ids |= {one.email: one.person_id for one in answer.found}
    return ids


_PEOPLE = ("owners", "owner", "head", "manager")
"""Fields that name people who are there."""


async def _all(
    services: Services, request: Callable[..., Message], reply: type[Message], items: str, id: str, size: int
) -> dict[str, Any]:
    """Every item of a list, a page at a time, by its id."""
    found: dict[str, Any] = {}
    token = ""
    while True:
        page = await services.ask(request(page_size=size, page_token=token), reply)
        listed: Sequence[Any] = getattr(page, items)
        found |= {getattr(item, id): item for item in listed}
        token = getattr(page, "next_page_token")  # noqa: B009  # a Message by its type
        if not token:
            return found
