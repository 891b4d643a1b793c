"""The outline of a cycle at a moment, with the cycles around it and in it: of every KPI as little as adding up and
unfolding need.

Whole, a page reads only what it shows. An outline changes when a KPI is defined, revised, aligned or retired, which is
rare beside questions about it: so it is remembered until then.
"""

import asyncio
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from eventkit.subscriptions.checkpoint import OWN_FEED
from services.goals.domain.reconciliation import Check, Node, NotChecked, reconcile
from services.goals.queries.cycles import Family
from services.goals.views.kpi import KPIS, KpiView
from services.goals.views.link import LINKS

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Whatever is known."""
REMEMBERED = 60_000
"""KPIs in all outlines that a process remembers: some 50 MB."""

WHOLE = 30
"""Up to so many cards (goals, CSFs, KPIs) a map unfolds whole; beyond, down to the KPIs that serve a goal or a CSF
directly."""
SCREEN = 8
"""Cards that a screen has room for, one below the other: what is below those KPIs is unfolded too when it is no
more."""
MOST = 300
"""A map never has more KPIs."""

# The KPIs of some cycles and what they serve, as `kpis.AS_OF` and `links.some` have them. Two statements: joined, they
# are compared row by row as long as PostgreSQL has not counted a table that was just filled.
IN_FORCE = f"""
select distinct on (kpi_id) kpi_id, name, level, kind, direction, unit, target, volume_kpi_id, owner_ids,
  unit_id, weight, cycle_id, min(position) over (partition by kpi_id) as position,
  bool_or(retired) over (partition by kpi_id) as ended, computation <> '' as computed
from {KPIS} where tenant = $1 and cycle_id = any($2) and recorded_at <= $3 and effective_on <= $4
order by kpi_id, version desc
"""
SERVED = f"""
select distinct on (kpi_id) kpi_id, parent_kind, parent_id
from {LINKS} where tenant = $1 and cycle_id = any($2) and recorded_at <= $3 and effective_on <= $4
order by kpi_id, version desc
"""
DAYS = f"""
select distinct effective_on from {KPIS} where tenant = $1 and cycle_id = any($2)
union select distinct effective_on from {LINKS} where tenant = $1 and cycle_id = any($2) order by 1
"""
CHANGED = f"""
select distinct effective_on from {KPIS} where tenant = $1 and cycle_id = any($2) and recorded_at <= $3 order by 1
"""
# As long as this stays the same, so do the rows: they and the checkpoint move together. Beside it: what was parked and
# is brought back comes behind the checkpoint, a table that was emptied and filled again lies in another file, and one
# that rows were copied into by hand has grown.
TABLES = f"""
select (select position from checkpoint where subscription = $1 and partition = {OWN_FEED}),
  pg_relation_filenode('{KPIS}'), pg_relation_filenode('{LINKS}'),
  pg_relation_size('{KPIS}') + pg_relation_size('{LINKS}'),
  (select count(*) from parked where subscription = $1),
  (select sum(position) from parked where subscription = $1)
"""
# The last that happened to some cycles' KPIs and to their links, which share a stream: asked only when `TABLES` moved.
LAST = f"""
select (select max(position) from {KPIS} where tenant = $1 and cycle_id = any($2)),
  (select max(version) from {LINKS} where tenant = $1 and cycle_id = any($2))
"""
SUBSCRIPTION = KpiView().subscription


class Stub(NamedTuple):
    """A KPI in outline. `parent_kind` is csf, kpi, goal, or empty: it serves nothing."""

    id: str
    name: str
    level: int
    kind: int
    direction: int
    unit: str
    target: Decimal
    volume_kpi_id: str
    parent_kind: str
    parent_id: str
    position: int
    owner_ids: tuple[str, ...] = ()
    unit_id: str = ""
    """Whose it is; `unit` is what it is measured in."""
    weight: Decimal = Decimal()
    cycle_id: str = ""
    computed: bool = False
    """Its values are not entered."""

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands among the KPIs of the cycle."""
        return self.level, self.position


@dataclass(frozen=True)
class Outline:
    """The KPIs that are in force of a cycle, of those that it lies in and of those in it, in the order of the map."""

    stubs: Mapping[str, Stub]
    changed_on: Sequence[date] = ()
    """The days on which something about their KPIs came into force, in order."""
    cycle_id: str = ""
    around: frozenset[str] = frozenset()
    """The cycles that it lies in: their KPIs are there for what serves them."""
    spans: Mapping[str, tuple[date, date]] = field(default_factory=dict[str, tuple[date, date]])
    """The first and the last day of each cycle."""

    @cached_property
    def own(self) -> Mapping[str, Stub]:
        """The KPIs of the cycle itself."""
        return {stub.id: stub for stub in self.stubs.values() if stub.cycle_id == self.cycle_id}

    @cached_property
    def own_and_around(self) -> Mapping[str, Stub]:
        """The same with those of the cycles that it lies in."""
        here = {self.cycle_id, *self.around}
        return {stub.id: stub for stub in self.stubs.values() if stub.cycle_id in here}

    @cached_property
    def children(self) -> Mapping[str, Sequence[str]]:
        """The KPIs that serve a KPI, CSF or goal directly, by its id; under "" those that serve nothing."""
        found: dict[str, list[str]] = {}
        for stub in self.stubs.values():
            found.setdefault(stub.parent_id, []).append(stub.id)
        return found

    @cached_property
    def _owned(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for stub in self.stubs.values():
            for person in stub.owner_ids:
                found.setdefault(person, []).append(stub.id)
        return found

    @cached_property
    def _of_heads(self) -> Mapping[str, Sequence[str]]:
        """By the unit, what nobody is named for."""
        found: dict[str, list[str]] = {}
        for stub in self.stubs.values():
            if not stub.owner_ids:
                found.setdefault(stub.unit_id, []).append(stub.id)
        return found

    def answered_by(self, people: Iterable[str], org: OrgChart) -> list[str]:
        """What any of these people answers for, in the order of the map (D-09)."""
        wanted = set(people)
        left = {id for id, person in org.people.items() if not person.active and org.standing_in(id) in wanted}
        named = wanted | left
        units = [unit.id for unit in org.units.values() if unit.head_id in named]
        found = {id for person in named for id in self._owned.get(person, ())}
        found |= {id for unit in units for id in self._of_heads.get(unit, ())}
        meant = (self.stubs[id] for id in found)
        return [
            stub.id
            for stub in sorted(meant, key=lambda stub: stub.place)
            if not wanted.isdisjoint(answerable(stub.owner_ids, stub.unit_id, org))
        ]

    @cached_property
    def loose(self) -> Sequence[str]:
        """The KPIs of the cycle and of those in it whose way up ends at no CSF or goal: they serve nothing yet, or what
        serves nothing.

        They are not in the tree.
        """
        ends = {parent: self._ends(parent) for parent in self.children}
        return [
            stub.id
            for stub in self.stubs.values()
            if stub.cycle_id not in self.around and (not stub.parent_kind or not ends[stub.parent_id])
        ]

    def _ends(self, parent: str) -> bool:
        """The way up from what some KPIs serve ends at a CSF or a goal."""
        if parent not in self.stubs:  # a CSF, a goal, or a KPI that has ended
            return self.stubs[self.children[parent][0]].parent_kind != "kpi"
        above = self.above(parent)
        return bool(above) and above[-1] not in self.stubs

    @cached_property
    def levels(self) -> Mapping[int, int]:
        """How many there are of each level in the cycle and those in it, without those that are loose."""
        out = set(self.loose)
        return Counter(s.level for s in self.stubs.values() if s.id not in out and s.cycle_id not in self.around)

    @cached_property
    def _below(self) -> Mapping[str, int]:
        """How many there are below each KPI, CSF and goal: whatever is counted is counted on all of its way up."""
        found: dict[str, int] = {}
        for parent, children in self.children.items():
            if parent and (parent in self.stubs or self._ends(parent)):
                for above in (parent, *self.above(parent)):
                    found[above] = found.get(above, 0) + len(children)
        return found

    def below(self, id: str) -> int:
        return self._below.get(id, 0)

    def above(self, kpi_id: str) -> list[str]:
        """What a KPI serves, nearest first: KPIs, then the CSF or goal that they end at."""
        path: list[str] = []
        while (stub := self.stubs.get(kpi_id)) and stub.parent_kind and len(path) <= len(self.stubs):
            if stub.parent_kind == "kpi" and stub.parent_id not in self.stubs:
                break  # it has ended
            path.append(stub.parent_id)
            kpi_id = stub.parent_id
        return path

    def nodes(self, ids: Iterable[str] | None = None, targets: Mapping[str, Decimal] | None = None) -> list[Node]:
        """The KPIs for adding up, all or some of them, some with other targets."""
        stubs = self.stubs.values() if ids is None else sorted((self.stubs[id] for id in ids), key=lambda s: s.place)
        return [
            Node(
                stub.id,
                stub.kind,  # type: ignore[arg-type] # stored as the enum's number
                stub.unit,
                (targets or {}).get(stub.id, stub.target),
                parent_kpi=stub.parent_id if stub.parent_kind == "kpi" else "",
                volume_kpi=stub.volume_kpi_id,
                direction=stub.direction,  # type: ignore[arg-type] # likewise
                partial=stub.id in self._partial,
            )
            for stub in stubs
        ]

    @cached_property
    def _partial(self) -> frozenset[str]:
        """The KPIs that KPIs of cycles within theirs serve, as long as these cycles leave some of their days out."""
        below: dict[str, set[str]] = {}
        for stub in self.stubs.values():
            parent = self.stubs.get(stub.parent_id)
            if parent is not None and stub.cycle_id != parent.cycle_id:
                below.setdefault(parent.id, set()).add(stub.cycle_id)
        return frozenset(id for id, within in below.items() if not self._covered(self.stubs[id].cycle_id, within))

    def _covered(self, cycle_id: str, within: Iterable[str]) -> bool:
        """Every day of a cycle is one of these others'."""
        first, last = self.spans[cycle_id]
        for starts_on, ends_on in sorted(self.spans[id] for id in within):
            if starts_on <= first:
                first = max(first, ends_on + timedelta(days=1))
        return first > last

    @cached_property
    def _rates(self) -> Mapping[str, Sequence[str]]:
        """The rates of each KPI whose volume they apply to."""
        found: dict[str, list[str]] = {}
        for stub in self.stubs.values():
            if stub.volume_kpi_id:
                found.setdefault(stub.volume_kpi_id, []).append(stub.id)
        return found

    def judged_by(self, kpi_ids: Iterable[str]) -> set[str]:
        """The KPIs whose checks the targets of some others are part of: their own, and what they and the rates of them
        serve."""
        counted = {id: None for kpi in kpi_ids for id in (kpi, *self._rates.get(kpi, ()))}
        return {id for kpi in counted for id in (kpi, *self.above(kpi)) if id in self.stubs}

    def counted_for(self, kpi_ids: Iterable[str]) -> set[str]:
        """The KPIs that the checks of some are made of: these, two layers that serve them, and volumes."""
        layers = {id for id in kpi_ids if id in self.stubs}
        for _ in range(2):
            layers |= {child for id in layers for child in self.children.get(id, ())}
        return layers | {volume for id in layers if (volume := self.stubs[id].volume_kpi_id) in self.stubs}

    @cached_property
    def found(self) -> Sequence[Check | NotChecked]:
        """What adds up, what does not, and what cannot be checked. Of a cycle around this one its own map says so."""
        among = {id for id, stub in self.stubs.items() if stub.cycle_id not in self.around}
        return reconcile(self.nodes(), among)

    def unfolded(self, tops: Sequence[str], opened: Iterable[str], focus: Iterable[str]) -> list[str]:
        """The KPIs that a map of these goals and CSFs shows: unfolded by its size, by what the reader opened, and to
        what they look for.

        Breadth first: where a layer would pass `MOST`, what is above it stays folded.
        """
        whole = len(tops) + len(self.stubs) <= WHOLE
        wanted = {above for id in focus for above in self.above(id)} | set(opened)
        shown: list[str] = []
        layer, depth = list(tops), 0
        while layer:
            fits = sum(len(self.children.get(parent, ())) for parent in layer) <= SCREEN
            below: list[str] = []
            for parent in layer:
                children = self.children.get(parent, ())
                unfolds = whole or depth == 0 or (depth == 1 and fits) or parent in wanted
                if unfolds and len(shown) + len(children) <= MOST:
                    shown += children
                    below += children
            layer, depth = below, depth + 1
        return shown


class _Tables(NamedTuple):
    position: int
    kpis: int
    links: int
    size: int
    parked: int
    parked_at: int

    def same_rows(self, other: "_Tables") -> bool:
        """Nothing happened to rows that were there: what is new stands behind them."""
        return (self.kpis, self.links, self.parked, self.parked_at) == (
            other.kpis,
            other.links,
            other.parked,
            other.parked_at,
        )


class _Last(NamedTuple):
    position: int
    version: int


@dataclass(slots=True)
class _Cycle:
    """What is remembered of a cycle: as of which rows, on which days something changes, and its outlines by the last
    of these days and by what is known."""

    spans: Mapping[str, tuple[date, date]]
    """The days of it, of those around it and of those in it."""
    tables: _Tables
    last: _Last
    days: Sequence[date]
    outlines: dict[tuple[datetime, int], Outline]

    @property
    def size(self) -> int:
        return sum(len(outline.stubs) for outline in self.outlines.values())


class Outlines:
    """The outlines that a process has read, each for as long as nothing happens to its cycle."""

    def __init__(self, most: int = REMEMBERED):
        self._most = most
        self._cycles: OrderedDict[tuple[str, str], _Cycle] = OrderedDict()
        self._building = asyncio.Lock()

    async def read(self, con: asyncpg.Connection, tenant: str, family: Family, known: datetime, on: date) -> Outline:
        """The outline of a cycle at a moment, as the connection's snapshot has it."""
        cycle = await self._cycle(con, tenant, family)
        # Between two of its days nothing changes, so they share an outline.
        moment = known, bisect_right(cycle.days, on)
        if (found := cycle.outlines.get(moment)) is not None:
            return found
        async with self._building:  # not twice at once: of a large company it takes some tenths of a second
            if (found := cycle.outlines.get(moment)) is not None:
                return found
            outline = await _read(con, tenant, family, known, on)
            if outline.stubs:  # while a view is rebuilt an old snapshot may find none; that is not kept
                cycle.outlines[moment] = outline
                self._forget()
            return outline

    async def _cycle(self, con: asyncpg.Connection, tenant: str, family: Family) -> _Cycle:
        """What is remembered of a cycle if it still holds, else a new beginning."""
        cycle_id, spans = family.cycle.cycle_id, _spans(family)
        now = await con.fetchrow(TABLES, SUBSCRIPTION)
        assert now is not None
        tables = _Tables(*(value or 0 for value in now))
        cycle = self._cycles.get((tenant, cycle_id))
        if cycle is not None and cycle.spans != spans:
            cycle = None
        if cycle is None or cycle.tables != tables:
            then = await con.fetchrow(LAST, tenant, list(spans))
            assert then is not None
            last = _Last(*(value or 0 for value in then))
            if cycle is not None and cycle.last == last and cycle.tables.same_rows(tables):
                cycle.tables = tables
            else:
                days = [row["effective_on"] for row in await con.fetch(DAYS, tenant, list(spans))]
                cycle = _Cycle(spans, tables, last, days, {})
                if last.position:
                    self._cycles[tenant, cycle_id] = cycle
        if (tenant, cycle_id) in self._cycles:
            self._cycles.move_to_end((tenant, cycle_id))
        return cycle

    def _forget(self) -> None:
        """What was asked for least lately, when there is too much."""
        while len(self._cycles) > 1 and sum(cycle.size for cycle in self._cycles.values()) > self._most:
            self._cycles.popitem(last=False)
        for cycle in self._cycles.values():
            while len(cycle.outlines) > 1 and cycle.size > self._most:
                del cycle.outlines[next(iter(cycle.outlines))]


def _spans(family: Family) -> dict[str, tuple[date, date]]:
    return {id: (row.starts_on, row.ends_on) for id, row in family.rows.items()}


async def _read(con: asyncpg.Connection, tenant: str, family: Family, known: datetime, on: date) -> Outline:
    """Built beside the event loop: a company of twenty thousand KPIs is a normal one."""
    ids = list(family.rows)
    rows = await con.fetch(IN_FORCE, tenant, ids, known, on)
    links = await con.fetch(SERVED, tenant, ids, known, on)
    changed_on = [row["effective_on"] for row in await con.fetch(CHANGED, tenant, ids, known)]
    return await asyncio.to_thread(_build, rows, links, changed_on, family)


def _build(
    rows: Sequence[asyncpg.Record], links: Sequence[asyncpg.Record], changed_on: Sequence[date], family: Family
) -> Outline:
    serves = {kpi_id: (kind, parent) for kpi_id, kind, parent in links}
    same: dict[str, str] = {}  # ids and units are held once, however many KPIs name them
    stubs: list[Stub] = []
    for (
        kpi_id, name, level, kind, direction, unit, target, volume, owners, unit_id, weight, cycle_id, position, ended,
        computed,
    ) in rows:  # fmt: skip
        if not ended:
            parent_kind, parent = serves.get(kpi_id, ("", ""))
            parent, unit = same.setdefault(parent, parent), same.setdefault(unit, unit)
            name, cycle_id = same.setdefault(name, name), same.setdefault(cycle_id, cycle_id)
            owner_ids = tuple(same.setdefault(owner, owner) for owner in owners)
            unit_id = same.setdefault(unit_id, unit_id)
            measured = Stub(
                kpi_id, name, level, kind, direction, unit, target, volume,
                parent_kind, parent, position, owner_ids, unit_id, weight, cycle_id, computed,
            )  # fmt: skip
            stubs.append(measured)
    stubs.sort(key=lambda stub: stub.place)
    outline = Outline(
        {stub.id: stub for stub in stubs}, changed_on, family.cycle.cycle_id, family.around, _spans(family)
    )
    _ = outline.found, outline.levels, outline.below("")
    return outline
