"""The goal map as a tree: goals, success factors, KPIs; folded, so that no page carries more than it can show."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from eventkit.values import is_percent
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import KpiCard, kpi_card, status_key
from services.gateway.console.language import Language, decimal_of

WHOLE = 60
"""Up to so many cards the tree opens whole; beyond, down to departments."""
MOST = 300
"""A page never carries more; beyond it the tree opens down to company KPIs."""

COLUMNS = ("goal", "csf", "company", "department", "individual")


@dataclass(frozen=True, slots=True)
class GoalCard:
    name: str
    target: str
    exact: str
    """The target with every digit and its unit."""
    year: int


@dataclass(frozen=True, slots=True)
class CsfCard:
    name: str
    why: str
    segments: tuple[tuple[str, Decimal, Decimal], ...]
    """Status, where its stretch begins and how long it is, in per cent of the KPIs below."""
    on_track: int
    kpis: int


@dataclass(frozen=True, slots=True)
class Node:
    """One card of the map and one row of the tree."""

    id: str
    kind: str
    """Which column it stands in."""
    name: str
    goal: GoalCard | None = None
    csf: CsfCard | None = None
    kpi: KpiCard | None = None
    children: tuple["Node", ...] = ()
    parents: tuple[str, ...] = ()
    level: int = 1
    count: int = 0
    """How many cards hang below it, shown or not."""
    opened: bool = True
    mine: bool = False
    hit: bool = False
    label: str = ""
    """What a screen reader says of it."""
    branch: str = ""
    """Where its children are to be had; empty: they are here."""
    toggle: str = ""
    """The page with this node opened or closed: for those without script."""
    also: tuple[str, ...] = ()
    """Success factors that serve this goal but stand under another."""


@dataclass(frozen=True, slots=True)
class Folding:
    """Which nodes are open: the rule, and what the reader changed."""

    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    cards: int = 0

    def is_open(self, id: str, kind: str) -> bool:
        if id in self.closed:
            return False
        if id in self.opened or self.cards <= WHOLE:
            return True
        return kind in (("goal", "csf") if self.cards > MOST else ("goal", "csf", "company"))


@dataclass(frozen=True, slots=True)
class Forest:
    roots: tuple[Node, ...]
    unaligned: tuple[KpiCard, ...]
    counts: Mapping[str, int]


@dataclass(slots=True)
class Planting:
    """Builds the tree of one map for one reader."""

    goal_map: goals_pb2.GoalMap
    language: Language
    moment: Moment
    viewer: str
    wanted: Callable[[str], bool] | None = None
    """What the reader searches for: true for a text that has it."""
    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    toggle_url: Callable[[str, bool], str] = lambda id, opened: ""
    _kpis: dict[str, goals_pb2.Kpi] = field(default_factory=dict[str, goals_pb2.Kpi], init=False)
    _below: dict[str, list[goals_pb2.Kpi]] = field(default_factory=dict[str, list[goals_pb2.Kpi]], init=False)
    _folding: Folding = field(default_factory=Folding, init=False)

    def forest(self) -> Forest:
        goal_map = self.goal_map
        self._kpis = {kpi.kpi_id: kpi for kpi in goal_map.kpis if not kpi.retired}
        known = set(self._kpis) | {csf.csf_id for csf in goal_map.csfs} | {goal.goal_id for goal in goal_map.goals}
        loose: list[goals_pb2.Kpi] = []
        for kpi in self._kpis.values():
            parent = parent_id(kpi)
            if kpi.unaligned or parent not in known:
                loose.append(kpi)
            else:
                self._below.setdefault(parent, []).append(kpi)
        counts = {"goal": len(goal_map.goals), "csf": len(goal_map.csfs)}
        for column, level in (
            ("company", types_pb2.LEVEL_COMPANY),
            ("department", types_pb2.LEVEL_DEPARTMENT),
            ("individual", types_pb2.LEVEL_INDIVIDUAL),
        ):
            counts[column] = sum(kpi.level == level for kpi in self._kpis.values()) - sum(kpi.level == level for kpi in loose)
        opened = self.opened | (self._paths_to_hits() if self.wanted else frozenset[str]())
        self._folding = Folding(opened, self.closed - (opened - self.opened), sum(counts.values()))
        placed: set[str] = set()
        roots = [self._goal(goal, placed) for goal in goal_map.goals]
        roots += [self._csf(csf, 1, ()) for csf in goal_map.csfs if csf.csf_id not in placed]
        return Forest(tuple(roots), tuple(self._card(kpi) for kpi in loose), counts)

    def _paths_to_hits(self) -> frozenset[str]:
        path: set[str] = set()
        for kpi in self._kpis.values():
            if self._hit(kpi):
                above = parent_id(kpi)
                while above in self._kpis:
                    path.add(f"kpi-{above}")
                    above = parent_id(self._kpis[above])
        return frozenset(path)

    def _hit(self, kpi: goals_pb2.Kpi) -> bool:
        return self.wanted is not None and self.wanted(
            " ".join((kpi.name, kpi.statement, kpi.unit_name, *(owner.name.plain for owner in kpi.owners)))
        )

    def _is_mine(self, kpi: goals_pb2.Kpi) -> bool:
        return bool(self.viewer) and any(owner.person_id == self.viewer for owner in kpi.owners)

    def _card(self, kpi: goals_pb2.Kpi) -> KpiCard:
        return kpi_card(kpi, self.language, self.moment, self.goal_map.shortfalls, self.goal_map.not_checked)

    def _goal(self, goal: goals_pb2.StrategicGoal, placed: set[str]) -> Node:
        _ = self.language.gettext
        serving = [csf for csf in self.goal_map.csfs if goal.goal_id in csf.goal_ids]
        here = [csf for csf in serving if csf.csf_id not in placed]
        placed.update(csf.csf_id for csf in here)
        below = self._below.get(goal.goal_id, [])

        def children() -> tuple[Node, ...]:
            csfs = (self._csf(csf, 2, tuple(f"goal-{g}" for g in csf.goal_ids)) for csf in here)
            return (*csfs, *(self._kpi(kpi, 2) for kpi in below))

        percent = "%" if is_percent(goal.unit) else ""
        target = decimal_of(goal, "target")
        card = GoalCard(goal.name, self.language.brief(target, percent), self.language.amount(target, goal.unit), goal.year)
        node = Node(f"goal-{goal.goal_id}", "goal", goal.name, goal=card, also=tuple(csf.name for csf in serving if csf not in here))
        every = [kpi for top in (goal.goal_id, *(csf.csf_id for csf in serving)) for kpi in self._descendants(top)]
        hanging = len(here) + sum(1 for top in (goal.goal_id, *(csf.csf_id for csf in here)) for _kpi in self._descendants(top))
        said = [_("Strategic goal"), _("target %(target)s") % {"target": card.target}]
        return self._hung(node, said, len(here) + len(below), hanging, children, mine=any(map(self._is_mine, every)))

    def _csf(self, csf: goals_pb2.Csf, level: int, parents: tuple[str, ...]) -> Node:
        every = list(self._descendants(csf.csf_id))
        below = self._below.get(csf.csf_id, [])
        statuses = [status_key(kpi.standing.status) for kpi in every]
        on_track = sum(status in ("ontrack", "meets", "exceed") for status in statuses)
        card = CsfCard(csf.name, csf.why, tuple(segments(statuses)), on_track, len(every))
        told = self.language.gettext("%(on_track)s of %(kpis)s KPIs on track") % {"on_track": on_track, "kpis": len(every)}
        node = Node(f"csf-{csf.csf_id}", "csf", csf.name, csf=card, parents=parents, level=level)

        def children() -> tuple[Node, ...]:
            return tuple(self._kpi(kpi, level + 1) for kpi in below)

        return self._hung(node, ["CSF", told], len(below), len(every), children, mine=any(map(self._is_mine, every)))

    def _kpi(self, kpi: goals_pb2.Kpi, level: int) -> Node:
        _ = self.language.gettext
        card = self._card(kpi)
        every = list(self._descendants(kpi.kpi_id))
        below = self._below.get(kpi.kpi_id, [])
        said = [card.owner_names, _("%(current)s of %(target)s") % {"current": card.current, "target": card.target}, card.status.word]
        said += [_("weight %(weight)s") % {"weight": card.weight}] if card.weight else []
        said += [_("now %(target)s") % {"target": card.target_now}] if card.target_now else []
        said += [_("the layer below does not add up: %(sum)s") % {"sum": card.shortfall.exact}] if card.shortfall else []
        said += [card.remark] if card.remark else []
        said += [_("co-owned")] if card.co_owned else []
        above = f"{(kpi.parent.WhichOneof('target') or 'kpi_id').removesuffix('_id')}-{parent_id(kpi)}"
        node = Node(f"kpi-{kpi.kpi_id}", card.level, card.name, kpi=card, parents=(above,), level=level, hit=self._hit(kpi))

        def children() -> tuple[Node, ...]:
            return tuple(self._kpi(child, level + 1) for child in below)

        return self._hung(node, said, len(below), len(every), children, mine=any(map(self._is_mine, (kpi, *every))))

    def _hung(self, node: Node, said: list[str], below: int, count: int, children: Callable[[], tuple[Node, ...]], *, mine: bool) -> Node:
        """The node with what hangs below it, unless it is folded: what is not sent is not even made."""
        opened = self._folding.is_open(node.id, node.kind)
        said = [node.name, *(text for text in said if text)]
        if below:
            said.append(self.language.ngettext("%(n)s child", "%(n)s children", below) % {"n": below})
        # What the reader closed stays in the page and opens at once; what the rule closed is fetched when it is asked for.
        absent = bool(below) and not opened and node.id not in self.closed
        return replace(
            node,
            children=() if absent else children(),
            count=count,
            opened=opened,
            mine=mine,
            label=", ".join(said),
            branch=self.moment.url(f"/map/branch/{node.id}") if absent else "",
            toggle=self.toggle_url(node.id, not opened) if below else "",
        )

    def _descendants(self, id: str) -> Iterable[goals_pb2.Kpi]:
        for kpi in self._below.get(id, []):
            yield kpi
            yield from self._descendants(kpi.kpi_id)


def parent_id(kpi: goals_pb2.Kpi) -> str:
    kind = kpi.parent.WhichOneof("target")
    return getattr(kpi.parent, kind) if kind else ""


def segments(statuses: Iterable[str]) -> Iterable[tuple[str, Decimal, Decimal]]:
    """The strip of a success factor: one stretch per status, best first."""
    found = list(statuses)
    start = Decimal()
    for status in ("exceed", "meets", "ontrack", "behind", "below", "risk", "unacceptable", "stale", "new"):
        if share := found.count(status):
            length = (Decimal(share) / len(found) * 100).quantize(Decimal("0.01"))
            yield status, start, length
            start += length


def find(nodes: Iterable[Node], id: str) -> Node | None:
    for node in nodes:
        if node.id == id:
            return node
        if found := find(node.children, id):
            return found
    return None
