"""The goal map as a tree: goals, success factors, KPIs; folded by the service, so that no page carries more than it can
show."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from eventkit.values import is_percent
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import Bar, KpiCard, kpi_card, segments, share_bar, status_key
from services.gateway.console.further import HINDERS
from services.gateway.console.language import Language, decimal_of

COLUMNS = ("goal", "csf", "company", "department", "individual")


@dataclass(frozen=True, slots=True)
class GoalCard:
    name: str
    target: str
    exact: str
    """The target with every digit and its unit."""
    year: int
    value: str
    """What it has come to; empty: not known."""
    bar: Bar | None
    """How much of it that is; None: no share of it is known."""


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
    more: int = 0
    """How many of its children are not here, where others are."""
    toggle: str = ""
    """The page with this node opened or closed: for those without script."""
    further: tuple[str, ...] = ()
    """What else it supports or hinders: "hinders kpi-…"."""
    also: tuple[str, ...] = ()
    """Success factors that serve this goal but stand under another."""


@dataclass(frozen=True, slots=True)
class Forest:
    roots: tuple[Node, ...]
    unaligned: tuple[KpiCard, ...]
    """The first of those that no goal or success factor is served by; `counts` says how many there are."""
    counts: Mapping[str, int]
    hits: int = 0


@dataclass(slots=True)
class Planting:
    """Builds the tree of one map for one reader."""

    goal_map: goals_pb2.GoalMap
    language: Language
    moment: Moment
    viewer: str
    wanted: Callable[[str], bool] | None = None
    """What the reader searches for: true for a text that has it."""
    found: frozenset[str] = frozenset()
    """The ids of the KPIs that the service found by it."""
    closed: frozenset[str] = frozenset()
    toggle_url: Callable[[str, bool], str] = lambda id, opened: ""
    _kpis: dict[str, goals_pb2.Kpi] = field(default_factory=dict[str, goals_pb2.Kpi], init=False)
    _below: dict[str, list[goals_pb2.Kpi]] = field(default_factory=dict[str, list[goals_pb2.Kpi]], init=False)
    _hits: int = field(default=0, init=False)

    def forest(self) -> Forest:
        goal_map = self.goal_map
        self._kpis = {kpi.kpi_id: kpi for kpi in goal_map.kpis if not kpi.retired}
        tops = {csf.csf_id for csf in goal_map.csfs} | {goal.goal_id for goal in goal_map.goals}
        loose: list[goals_pb2.Kpi] = []
        for kpi in self._kpis.values():
            if self._ends(kpi) in tops:
                self._below.setdefault(parent_id(kpi), []).append(kpi)
            else:
                loose.append(kpi)
        if self.wanted:
            self._hits += sum(map(self._hit, loose))
        counted = goal_map.counts
        counts = {
            "goal": len(goal_map.goals),
            "csf": len(goal_map.csfs),
            "company": counted.company,
            "department": counted.department,
            "individual": counted.individual,
            "unaligned": counted.unaligned,
        }
        placed: set[str] = set()
        roots = [self._goal(goal, placed) for goal in goal_map.goals]
        roots += [self._csf(csf, 1, ()) for csf in goal_map.csfs if csf.csf_id not in placed]
        return Forest(tuple(roots), tuple(self._card(kpi) for kpi in loose), counts, self._hits)

    def branch(self, under: str) -> tuple[Node, ...]:
        """The KPIs that serve one thing directly, as a page of its branch has them."""
        return tuple(self._kpi(kpi, 1) for kpi in self.goal_map.kpis if parent_id(kpi) == under)

    def _ends(self, kpi: goals_pb2.Kpi) -> str:
        """What its way up ends at, as far as it is here."""
        seen = {kpi.kpi_id}
        while (above := self._kpis.get(parent_id(kpi))) and above.kpi_id not in seen:
            kpi = above
            seen.add(kpi.kpi_id)
        return parent_id(kpi)

    def _hit(self, kpi: goals_pb2.Kpi) -> bool:
        return self.wanted is not None and (
            kpi.kpi_id in self.found
            or self.wanted(
                " ".join((kpi.name, kpi.statement, kpi.unit_name, *(owner.name.plain for owner in kpi.owners)))
            )
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
        progress = decimal_of(goal, "progress") if goal.HasField("progress") else None
        card = GoalCard(
            goal.name,
            self.language.brief(target, percent),
            self.language.amount(target, goal.unit),
            goal.year,
            self.language.brief(decimal_of(goal, "value"), "") if goal.HasField("value") else "",
            # Without a tick: what a goal's value should be by a day, nobody has said.
            share_bar(progress, "goal") if progress is not None else None,
        )
        node = Node(
            f"goal-{goal.goal_id}",
            "goal",
            goal.name,
            goal=card,
            also=tuple(csf.name for csf in serving if csf not in here),
        )
        every = [kpi for top in (goal.goal_id, *(csf.csf_id for csf in serving)) for kpi in self._descendants(top)]
        hanging = len(here) + goal.below + sum(csf.below for csf in here)
        said = [_("Strategic goal"), _("target %(target)s") % {"target": card.target}]
        there = len(here) + len(below)
        return self._hung(
            node,
            said,
            there,
            len(here) + goal.children,
            hanging,
            children,
            mine=any(map(self._is_mine, every)),
            text=goal.name,
        )

    def _csf(self, csf: goals_pb2.Csf, level: int, parents: tuple[str, ...]) -> Node:
        every = list(self._descendants(csf.csf_id))
        below = self._below.get(csf.csf_id, [])
        statuses = [status_key(kpi.standing.status) for kpi in every]
        on_track = sum(status in ("ontrack", "meets", "exceed") for status in statuses)
        card = CsfCard(csf.name, csf.why, tuple(segments(Counter(statuses))), on_track, len(every))
        told = self.language.gettext("%(on_track)s of %(kpis)s KPIs on track") % {
            "on_track": on_track,
            "kpis": len(statuses),
        }
        node = Node(f"csf-{csf.csf_id}", "csf", csf.name, csf=card, parents=parents, level=level)

        def children() -> tuple[Node, ...]:
            return tuple(self._kpi(kpi, level + 1) for kpi in below)

        mine = any(map(self._is_mine, every))
        # Both ways of writing it are looked for.
        return self._hung(
            node, ["CSF", told], len(below), csf.children, csf.below, children, mine=mine, text=f"CSF CFS {csf.name}"
        )

    def _kpi(self, kpi: goals_pb2.Kpi, level: int) -> Node:
        _ = self.language.gettext
        card = self._card(kpi)
        every = list(self._descendants(kpi.kpi_id))
        below = self._below.get(kpi.kpi_id, [])
        said = [
            card.owner_names,
            _("%(current)s of %(target)s") % {"current": card.current, "target": card.target},
            card.status.word,
        ]
        said += [_("weight %(weight)s") % {"weight": card.weight}] if card.weight else []
        said += [_("now %(target)s") % {"target": card.target_now}] if card.target_now else []
        said += (
            [_("the layer below does not add up: %(sum)s") % {"sum": card.shortfall.exact}] if card.shortfall else []
        )
        said += [card.remark] if card.remark else []
        said += [_("co-owned")] if card.co_owned else []
        said += [_("helps another department")] if card.collaborates else []
        above = node_of(kpi.parent)
        said += [self._hinders(kpi)] if any(link.effect == HINDERS for link in kpi.further) else []
        further = tuple(
            f"{'hinders' if link.effect == HINDERS else 'supports'} {node_of(link.to)}" for link in kpi.further
        )
        node = Node(
            f"kpi-{kpi.kpi_id}", card.level, card.name, kpi=card, parents=(above,), level=level, further=further
        )

        def children() -> tuple[Node, ...]:
            return tuple(self._kpi(child, level + 1) for child in below)

        mine = any(map(self._is_mine, (kpi, *every)))
        return self._hung(node, said, len(below), kpi.children, kpi.below, children, mine=mine, hit=self._hit(kpi))

    def _hinders(self, kpi: goals_pb2.Kpi) -> str:
        hindered = (self._kpis.get(link.to.kpi_id) for link in kpi.further if link.effect == HINDERS)
        names = ", ".join(other.name for other in hindered if other)
        return self.language.gettext("hinders %(names)s") % {"names": names} if names else ""

    def _hung(
        self,
        node: Node,
        said: list[str],
        here: int,
        below: int,
        count: int,
        children: Callable[[], tuple[Node, ...]],
        *,
        mine: bool,
        hit: bool = False,
        text: str = "",
    ) -> Node:
        """The node with what hangs directly below it: `here` of `below`, none where the map is folded. `count` is all
        that hangs there."""
        opened = here > 0 and node.id not in self.closed
        said = [node.name, *(text for text in said if text)]
        if below:
            said.append(self.language.ngettext("%(n)s child", "%(n)s children", below) % {"n": below})
        hit = hit or (self.wanted is not None and bool(text) and self.wanted(text))
        self._hits += hit
        # What the reader closed stays in the page and opens at once; what the service folded is fetched when it is
        # asked for.
        return replace(
            node,
            children=children(),
            count=count,
            opened=opened,
            mine=mine,
            hit=hit,
            more=below - here if here else 0,
            label=", ".join(said),
            branch=self.moment.url(f"/map/branch/{node.id}", cycle=self.goal_map.cycle.cycle_id)
            if below and not here
            else "",
            toggle=self.toggle_url(node.id, not opened) if below else "",
        )

    def _descendants(self, id: str) -> Iterable[goals_pb2.Kpi]:
        for kpi in self._below.get(id, []):
            yield kpi
            yield from self._descendants(kpi.kpi_id)


def node_of(parent: types_pb2.Parent) -> str:
    """The node of the map that a link leads to."""
    kind = parent.WhichOneof("target")
    return f"{kind.removesuffix('_id')}-{getattr(parent, kind)}" if kind else "kpi-"


def parent_id(kpi: goals_pb2.Kpi) -> str:
    kind = kpi.parent.WhichOneof("target")
    return getattr(kpi.parent, kind) if kind else ""
