"""Changes of several KPIs, and several KPIs more, carried out together: on paper when they are asked for, for good when
they are approved (G-66, G-67)."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from google.type.decimal_pb2 import Decimal as PbDecimal

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Responsibility
from eventkit.errors import Kind, Rejected, unknown
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiAligned, KpiRetired, KpiTakenOff
from services.goals.domain import alignment as alignments
from services.goals.domain import computation, kpi_change, linking, quota
from services.goals.domain import kpi as kpis
from services.goals.domain.alignment import ALIGNMENT, Alignment
from services.goals.domain.cycle import Cycle
from services.goals.domain.kpi import KPI, Kpi
from services.goals.domain.kpi_change import Cause

KpisById = Mapping[str, Kpi | None]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision about changes is given: everything that they touch, as it is."""

    cycle: Cycle
    alignment: Alignment
    kpis: KpisById
    parents: Container[str]
    """Of the CSFs and goals that something is to serve those that are there; of KPIs the alignment knows."""
    org: OrgChart
    today: date
    closed: Container[str] = ()
    """Of the cycles of what serves a KPI that is to end those that are closed."""
    sources: computation.Sources = field(default_factory=computation.Sources)
    """What additions are to be computed from."""


def carry_out(
    changes: Sequence[t.TargetChange],
    additions: Sequence[t.KpiDraft],
    around: Circumstances,
    cause: Cause,
    added_ids: Sequence[str],
    change_at: Callable[[int], str] = "changes[{}]".format,
) -> Decision:
    """What all of it does, whole or not at all.

    `change_at`: the path of each change in its command.

    It is judged by where it ends: links and ends are taken in an order in which each is possible, whatever the order
    they are written in. Raises `Rejected` naming the field.
    """
    keys = _keys(additions, added_ids, around.alignment)
    paper = _Paper(around, cause)
    for index, change in enumerate(changes):
        paper.revise(change, change_at(index))
    drafts = [_resolved(draft, keys) for draft in additions]
    for index, (draft, kpi_id) in enumerate(zip(drafts, added_ids, strict=True)):
        paper.define(draft, kpi_id, f"additions[{index}]")
    links = [
        _link(paper, kpi_id, draft.parent, draft.why, f"additions[{index}].parent")
        for index, (draft, kpi_id) in enumerate(zip(drafts, added_ids, strict=True))
    ]
    links += [
        _link(
            paper,
            change.kpi_id,
            _named(change.parent.after, keys),
            change.parent.why,
            f"{change_at(index)}.parent.after",
            further_follows=change.HasField("further"),
        )
        for index, change in enumerate(changes)
        if change.HasField("parent")
    ]
    links += [
        _link_further(paper, kpi_id, draft.further, f"additions[{index}].further")
        for index, (draft, kpi_id) in enumerate(zip(drafts, added_ids, strict=True))
        if draft.further
    ]
    links += [
        _link_further(
            paper,
            change.kpi_id,
            _all_named(change.further.after.links, keys),
            f"{change_at(index)}.further.after.links",
        )
        for index, change in enumerate(changes)
        if change.HasField("further")
    ]
    _in_some_order(links)
    _in_some_order(
        [_end(paper, change.kpi_id, f"{change_at(n)}.ends") for n, change in enumerate(changes) if change.ends]
    )
    volumes = [
        (change.said.after.volume_kpi_id, f"{change_at(index)}.said.after.volume_kpi_id")
        for index, change in enumerate(changes)
        if change.said.after.volume_kpi_id != change.said.before.volume_kpi_id
    ]
    volumes += [(d.measure.volume_kpi_id, f"additions[{n}].measure.volume_kpi_id") for n, d in enumerate(drafts)]
    for volume_id, field_name in volumes:
        if volume_id and volume_id not in added_ids:
            alignments.check_volume(paper.alignment, around.cycle, volume_id, around.today, field_name)
    if additions:  # with what ends for them
        quota.refuse_more(around.alignment, paper.alignment, around.cycle, around.org, around.today)
    return paper.done


def touched(
    changes: Sequence[t.TargetChange], additions: Sequence[t.KpiDraft], known: KpisById
) -> list[Responsibility]:
    """Whose KPIs are concerned, as they are and as they would be: by that it is found who decides."""
    found: dict[Responsibility, None] = {}
    for change in changes:
        if kpi := known.get(change.kpi_id):
            for state in (kpi, kpis.saying(kpi, change.said.after)):
                found.setdefault(Responsibility(kpi.id, kpi.level, state.owners, state.unit_id))
    for draft in additions:
        if draft.level:
            found.setdefault(Responsibility("", draft.level, tuple(draft.owner_ids), draft.unit_id))
    return list(found)


class _Paper:
    """The circumstances as the steps so far leave them, and what these recorded."""

    def __init__(self, around: Circumstances, cause: Cause):
        self.around, self.cause, self.done = around, cause, list[StreamEvent]()
        self.alignment, self.kpis = around.alignment, dict(around.kpis)

    def record(self, events: Decision) -> None:
        for ref, event in events:
            if ref.category == KPI.category:
                self.kpis[ref.id] = KPI.evolve(self.kpis.get(ref.id), event)
            else:
                self.alignment = ALIGNMENT.evolve(self.alignment, event)
        self.done += events

    def existing(self, kpi_id: str, field: str) -> Kpi:
        kpi = kpis.existing(self.kpis.get(kpi_id), kpi_id, field)
        if kpi.cycle_id != self.around.cycle.id:
            raise unknown("kpi", kpi_id, field)
        return kpi

    def revise(self, change: t.TargetChange, at: str) -> None:
        """Its numbers, and what it says."""
        today, cause = self.around.today, self.cause
        kpi = self.existing(change.kpi_id, f"{at}.kpi_id")
        kpi_change.check_whole(change, at)
        kpi_change.check_current(kpi, self.alignment, change, today, at, bool(cause.proposal_id))
        self.record(kpi_change.numbers(kpi, change, today=today, cause=cause, at=at))
        kpi = self.existing(kpi.id, at)
        volume = self.kpis.get(change.said.after.volume_kpi_id)
        self.record(kpi_change.said(kpi, change, volume, self.around.org, today=today, cause=cause, at=at))

    def define(self, draft: t.KpiDraft, kpi_id: str, at: str) -> None:
        around = self.around
        computation.check(draft, around.cycle, around.sources, around.today, at)
        self.record(
            [
                kpis.define(
                    draft,
                    around.org,
                    kpi_id=kpi_id,
                    cycle=around.cycle,
                    effective_on=around.today,
                    proposal_id=self.cause.proposal_id,
                    at=at,
                )
            ]
        )


Step = Callable[[], None]


def _in_some_order(steps: Sequence[Step]) -> None:
    """Each step once, those that are refused again behind the others; as long as one is possible, its refusal may be
    another's to lift. Raises `Rejected` of the first that stays refused."""
    left = list(steps)
    while left:
        refused: list[tuple[Step, Rejected]] = []
        for step in left:
            try:
                step()
            except Rejected as refusal:
                refused.append((step, refusal))
        if len(refused) == len(left):
            raise refused[0][1]
        left = [step for step, _ in refused]


def _link(paper: _Paper, kpi_id: str, parent: t.Parent, why: str, at: str, *, further_follows: bool = False) -> Step:
    kind = parent.WhichOneof("target")

    def step() -> None:
        aligned = alignments.align(
            paper.alignment,
            cycle=paper.around.cycle,
            kpi_id=kpi_id,
            level=paper.existing(kpi_id, at).level,
            parent=parent,
            parent_exists=kind is not None and getattr(parent, kind) in paper.around.parents,
            why=why,
            effective_on=paper.around.today,
            at=at,
            further_follows=further_follows,
        )
        for _, event in aligned:
            assert isinstance(event, KpiAligned)
            event.proposal_id = paper.cause.proposal_id
        paper.record(aligned)

    return step


def _link_further(paper: _Paper, kpi_id: str, links: Sequence[t.FurtherLink], at: str) -> Step:
    def step() -> None:
        linked = linking.link(
            paper.alignment,
            cycle=paper.around.cycle,
            kpi=paper.existing(kpi_id, at),
            links=links,
            parents=paper.around.parents,
            ends=paper.kpis,
            effective_on=paper.around.today,
            proposal_id=paper.cause.proposal_id,
            at=at,
        )
        paper.record(linked)

    return step


def _end(paper: _Paper, kpi_id: str, at: str) -> Step:
    def step() -> None:
        cause, today = paper.cause, paper.around.today
        kpi = paper.existing(kpi_id, at)
        why = KpiRetired(reason_class=cause.reason_class, reason=cause.reason, proposal_id=cause.proposal_id)
        ended = kpis.end(kpi, why, effective_on=today)
        taken = alignments.take_off(
            paper.alignment,
            cycle=paper.around.cycle,
            kpi_id=kpi_id,
            effective_on=today,
            closed=paper.around.closed,
            at=at,
        )
        assert all(isinstance(event, KpiTakenOff) for _, event in taken)
        paper.record([*ended, *taken])

    return step


def _keys(additions: Sequence[t.KpiDraft], added_ids: Sequence[str], alignment: Alignment) -> dict[str, str]:
    """The ids of the KPIs that are added, by what the rest of a proposal calls them."""
    keys: dict[str, str] = {}
    for index, (draft, kpi_id) in enumerate(zip(additions, added_ids, strict=True)):
        if draft.key and (draft.key in keys or draft.key in alignment.links):
            told = "a key names one KPI of the proposal, and none that is there"
            raise Rejected("KEY_TAKEN", told, kind=Kind.INVALID, field=f"additions[{index}].key")
        if draft.key:
            keys[draft.key] = kpi_id
    return keys


def _named(parent: t.Parent, keys: Mapping[str, str]) -> t.Parent:
    return t.Parent(kpi_id=keys[parent.kpi_id]) if parent.kpi_id in keys else parent


def _all_named(links: Sequence[t.FurtherLink], keys: Mapping[str, str]) -> list[t.FurtherLink]:
    return [t.FurtherLink(to=_named(one.to, keys), effect=one.effect, share=_share(one), why=one.why) for one in links]


def _share(link: t.FurtherLink) -> PbDecimal | None:
    return link.share if link.HasField("share") else None


def _resolved(draft: t.KpiDraft, keys: Mapping[str, str]) -> t.KpiDraft:
    """With ids where it names another one that is added."""
    found = t.KpiDraft()
    found.CopyFrom(draft)
    if draft.HasField("parent"):
        found.parent.CopyFrom(_named(draft.parent, keys))
    del found.further[:]
    found.further.extend(_all_named(draft.further, keys))
    found.measure.volume_kpi_id = keys.get(draft.measure.volume_kpi_id, draft.measure.volume_kpi_id)
    return found
