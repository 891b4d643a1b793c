"""The outline of a cycle at a moment, with the cycles around it and in it: of every KPI as little as adding up and
unfolding need. Whole, a page reads only what it shows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from services.goals.domain.reconciliation import Check, Node, NotChecked, reconcile

WHOLE = 30
"""Up to so many cards (goals, CSFs, KPIs) a map unfolds whole; beyond, down to the KPIs that serve a goal or a CSF
directly."""
SCREEN = 8
"""Cards that a screen has room for, one below the other: what is below those KPIs is unfolded too when it is no
more."""
MOST = 300
"""A map never has more KPIs."""


class DayChange(NamedTuple):
    """What came into force on one day: how many KPIs, targets, words, links, ends."""

    day: date
    added: int = 0
    lowered: int = 0
    raised: int = 0
    said: int = 0
    linked: int = 0
    ended: int = 0


class Beside(NamedTuple):
    """What a KPI supports or hinders beside what it serves first. `effect` by its number, `share` in per cent."""

    to_id: str
    effect: int
    share: Decimal | None


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
    version: int = 0
    """Of what it says: another one, if anything of that became something else."""
    beside: tuple[Beside, ...] = ()

    @property
    def shares(self) -> tuple[tuple[str, Decimal], ...]:
        """The KPIs that it is shared with, and how much of it counts there, in per cent."""
        return tuple((one.to_id, one.share) for one in self.beside if one.share)

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands among the KPIs of the cycle."""
        return self.level, self.position


@dataclass(frozen=True)
class Outline:
    """The KPIs that are in force of a cycle, of those that it lies in and of those in it, in the order of the map."""

    stubs: Mapping[str, Stub]
    changes: Sequence[DayChange] = ()
    """What came into force about their KPIs, by day, in order."""
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
    def linked_from(self) -> Mapping[str, Sequence[str]]:
        """The KPIs that support or hinder a KPI, CSF or goal beside what they serve first, by its id."""
        found: dict[str, list[str]] = {}
        for stub in self.stubs.values():
            for one in stub.beside:
                found.setdefault(one.to_id, []).append(stub.id)
        return found

    @cached_property
    def _sharing(self) -> Mapping[str, Sequence[str]]:
        """The KPIs of which a part counts for a KPI that they do not serve first."""
        found: dict[str, list[str]] = {}
        for stub in self.stubs.values():
            for id, _ in stub.shares:
                found.setdefault(id, []).append(stub.id)
        return found

    def counted_above(self, kpi_id: str) -> set[str]:
        """The KPIs that a KPI or a part of it counts for, over others or not."""
        found, open_ = set[str](), [kpi_id]
        while open_:
            if (stub := self.stubs.get(open_.pop())) is not None:
                above = {stub.parent_id, *(id for id, _ in stub.shares)}
                new = (above & self.stubs.keys()) - found
                found |= new
                open_ += new
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
                shares=tuple((id, share) for id, share in stub.shares if id in self.stubs),
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
            for id in (stub.parent_id, *(id for id, _ in stub.shares)):
                parent = self.stubs.get(id)
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
        return {id for kpi in counted for id in (kpi, *self.counted_above(kpi)) if id in self.stubs}

    def counted_for(self, kpi_ids: Iterable[str]) -> set[str]:
        """The KPIs that the checks of some are made of: these, two layers that serve them, and volumes."""
        layers = {id for id in kpi_ids if id in self.stubs}
        for _ in range(2):
            layers |= {c for id in layers for c in (*self.children.get(id, ()), *self._sharing.get(id, ()))}
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
