"""What becomes of a KPI when its cycle is over: it is kept, adjusted, or it stops (G-73)."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial

from google.type.decimal_pb2 import Decimal as PbDecimal

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected
from eventkit.values import from_decimal, to_decimal
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiFollowedUp
from services.goals.domain import alignment as alignments
from services.goals.domain import kpi as kpis
from services.goals.domain import linking, quota
from services.goals.domain.alignment import ALIGNMENT, Alignment
from services.goals.domain.cycle import Cycle, check_open, check_planned
from services.goals.domain.kpi import KPI, Kpi

MOST_LINKS = 8
"""Further links that a KPI has at most, as the contract says."""
FollowUps = Mapping[str, KpiFollowedUp]
"""By the next cycle, what was decided last."""


def evolve(decided: FollowUps, event: KpiFollowedUp) -> FollowUps:
    match event:
        case KpiFollowedUp():
            return {**decided, event.next_cycle_id: event}
        case _:
            refuse_unknown(event)


FOLLOW_UP = Aggregate[FollowUps]("follow_up", {}, evolve)
"""By the KPI."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision about one KPI is given."""

    cycle: Cycle
    next: Cycle
    kpi: Kpi
    decided: FollowUps
    serves: t.Parent
    """What it serves."""
    why: str
    """Why it does."""
    undecided: Container[str]
    """Of the KPIs of its own cycle that it is counted from those that nobody has decided about yet."""
    waiting: Sequence[str]
    """KPIs of the next cycle that go on with what serves it, and serve nothing yet."""
    goes_on_as: Mapping[str, str]
    """Of the KPIs that it names (what it serves, its volume, what it is computed from) those that go on: their ids in
    the next cycle."""
    beside: Container[str]
    """The KPIs of its own cycle among those that it is counted from."""
    alignment: Alignment
    """Of the next cycle."""
    parent_exists: bool
    """The CSF or goal is there that it would serve."""
    last: Decimal | None
    """Its last value."""
    org: OrgChart
    today: date
    further: Sequence[t.FurtherLink] = ()
    """What else it supports or hinders."""
    linked_back: Mapping[str, Sequence[t.FurtherLink]] = field(default_factory=dict[str, Sequence[t.FurtherLink]])
    """The KPIs of the next cycle that go on with what supports or hinders it, and how that does."""
    linked: Mapping[str, Kpi | None] = field(default_factory=dict[str, Kpi | None])
    """Those KPIs, and what those go on as that it supports or hinders itself."""


def carry_on(item: pb.CarriedKpi, around: Circumstances, next_id: str) -> Decision:
    """Raises `Rejected` naming the field of the item."""
    kpi, following = around.kpi, around.next
    if kpi.cycle_id != around.cycle.id:
        raise Rejected("KPI_OF_ANOTHER_CYCLE", f"{kpi.name!r} is of another cycle", kind=Kind.INVALID, field="kpi_id")
    if around.cycle.state == t.CYCLE_STATE_PLANNED:
        raise Rejected("CYCLE_PLANNED", f"{around.cycle.name!r} was not started", field="cycle_id")
    check_planned(following, "next_cycle_id")
    check_open(following, around.today)
    kpis.active(kpi, around.today)
    if (item.choice == t.FOLLOW_UP_ADJUST) != item.HasField("target"):
        wanted = "give the target of what is adjusted, and of nothing else"
        raise Rejected("TARGET_OF_ADJUSTED", wanted, kind=Kind.INVALID, field="target", rule="G-73")
    if item.choice != t.FOLLOW_UP_KEEP and not item.reason.plain.strip():
        raise Rejected("MISSING", "say why it does not go on as it is", kind=Kind.INVALID, field="reason")
    before = around.decided.get(following.id)
    if before is not None and before.choice != t.FOLLOW_UP_STOP:
        told = f"{kpi.name!r} goes on in {following.name!r} already: change it or end it there"
        raise Rejected("FOLLOW_UP_DECIDED", told, field="kpi_id", rule="G-73")
    stops = item.choice == t.FOLLOW_UP_STOP
    if before is not None and stops:
        return []
    followed = KpiFollowedUp(
        kpi_id=kpi.id,
        choice=item.choice,
        next_cycle_id=following.id,
        next_kpi_id="" if stops else next_id,
        reason=item.reason if item.HasField("reason") else None,
    )
    noted = [StreamEvent(FOLLOW_UP(kpi.id), followed)]
    return noted if stops else [*_defined(item, around, next_id), *noted]


def _defined(item: pb.CarriedKpi, around: Circumstances, next_id: str) -> Decision:
    draft, on = _draft(item, around), around.today
    quota.refuse_one_more(around.alignment, around.next, around.org, on)
    done = [
        kpis.define(draft, around.org, kpi_id=next_id, cycle=around.next, effective_on=on, continues_id=around.kpi.id),
        *alignments.align(
            around.alignment,
            cycle=around.next,
            kpi_id=next_id,
            level=draft.level,
            parent=draft.parent,
            parent_exists=around.parent_exists,
            why=around.why,
            effective_on=on,
        ),
    ]
    done += _taken_up(done, around, next_id)
    return [*done, *_linked_again(done, around, next_id)]


def _links_after(done: Decision, around: Circumstances) -> Alignment:
    links = around.alignment
    for ref, event in done:
        if ref.category == ALIGNMENT.category:
            links = ALIGNMENT.evolve(links, event)  # type: ignore[arg-type] # of the alignment's stream
    return links


def _linked_again(done: Decision, around: Circumstances, next_id: str) -> Decision:
    """What it supports or hinders it does again, as far as that goes on, too; and what went on before it and supported
    or hindered it likewise."""
    new = KPI.fold(event for ref, event in done if ref.category == KPI.category)
    known = {**around.linked, next_id: new}
    parents = {alignments.target_of(link.to) for link in around.further}
    again: Decision = []
    for kpi_id, before in {next_id: around.further, **around.linked_back}.items():
        links, kpi = _links_after([*done, *again], around), known.get(kpi_id)
        goes_on_as = around.goes_on_as if kpi_id == next_id else {around.kpi.id: next_id}
        wanted = [
            t.FurtherLink(to=to, effect=link.effect, share=_shared(link, kpi, known.get(to.kpi_id)), why=link.why)
            for link in before
            if (to := served(link.to, goes_on_as, around.next, around.alignment))
        ]
        if kpi is None or kpi.ended(around.today):
            continue
        linked = partial(
            linking.link,
            links,
            cycle=around.next,
            kpi=kpi,
            parents=parents,
            ends=known,
            effective_on=around.today,
        )
        there = list(links.beside(kpi_id, around.today))
        kept = list(there)
        for one in wanted:
            # What went on got other links meanwhile: what does not go together with them any more is left out.
            if one.to not in [other.to for other in kept] and len(kept) < MOST_LINKS and _allowed(linked, [*kept, one]):
                kept.append(one)
        again += linked(links=kept) if len(kept) > len(there) else []
    return again


def _allowed(link: Callable[..., object], links: Sequence[t.FurtherLink]) -> bool:
    try:
        link(links=links)
    except Rejected:
        return False
    return True


def _shared(link: t.FurtherLink, kpi: Kpi | None, to: Kpi | None) -> PbDecimal | None:
    """How much counts there; nothing where it does not add up any more."""
    return link.share if kpi and to and link.HasField("share") and linking.adds_up(kpi, to) else None


def _taken_up(done: Decision, around: Circumstances, next_id: str) -> Decision:
    """What served it and went on before it serves it again."""
    links = _links_after(done, around)
    again: Decision = []
    for child in around.waiting:
        again += alignments.align(
            links,
            cycle=around.next,
            kpi_id=child,
            level=links.links[child][-1].level,
            parent=t.Parent(kpi_id=next_id),
            parent_exists=True,
            why=links.links[child][-1].why,
            effective_on=around.today,
        )
    return again


def _draft(item: pb.CarriedKpi, around: Circumstances) -> t.KpiDraft:
    kpi, org = around.kpi, around.org
    measure = t.Measure()
    measure.CopyFrom(kpi.measure)
    if item.HasField("target"):
        measure.target.CopyFrom(item.target)
    if kpi.measure.kind == t.MEASURE_KIND_LEVEL and around.last is not None:
        measure.ClearField("baseline")
        if around.last != to_decimal(measure.target):  # what stands at its target has no way to go
            measure.baseline.CopyFrom(from_decimal(around.last))
    if measure.volume_kpi_id in around.undecided:
        raise _parts_first()
    # Counts could name one, too, before only rates could.
    of_rate = measure.kind == t.MEASURE_KIND_LEVEL
    measure.volume_kpi_id = around.goes_on_as.get(measure.volume_kpi_id, "") if of_rate else ""
    owners = dict.fromkeys(by for owner in kpi.owners if (by := org.standing_in(owner)))
    helpers = [helper for helper in kpi.helpers if org.is_active(helper) and helper not in owners]
    keeps = org.is_active(kpi.evaluator) and kpi.evaluator not in owners
    computation = _computed_anew(around)
    return t.KpiDraft(
        name=kpi.name,
        statement=kpi.statement,
        level=kpi.level,
        measure=measure,
        owner_ids=owners,
        unit_id=kpi.unit_id,
        exact_weight=from_decimal(kpi.weight),
        parent=served(around.serves, around.goes_on_as, around.next, around.alignment) or item.parent,
        helper_ids=helpers,
        evaluator_id=kpi.evaluator if keeps else "",
        measuring=kpi.measuring,
        computation=computation,
    )


def _computed_anew(around: Circumstances) -> t.Computation | None:
    """From what the KPIs that it names go on as; those of other cycles, as the same period before, stay.

    Raises `Rejected` PARTS_FIRST where one of its own cycle does not go on.
    """
    if around.kpi.computation is None:
        return None
    computation = t.Computation()
    computation.CopyFrom(around.kpi.computation)
    for index, id in enumerate(computation.kpi_ids):
        if id in around.goes_on_as:
            computation.kpi_ids[index] = around.goes_on_as[id]
        elif id in around.beside:
            raise _parts_first()
    return computation


def _parts_first() -> Rejected:
    return Rejected("PARTS_FIRST", "what it is counted from goes on first", field="kpi_id", rule="G-78")


def served(serves: t.Parent, goes_on_as: Mapping[str, str], following: Cycle, alignment: Alignment) -> t.Parent | None:
    """What a KPI serves in the next cycle, if that is known: the same CSF or goal, a KPI of a cycle around both, or
    what the KPI that it served goes on as. None: it is to be said."""
    match serves.WhichOneof("target"):
        case "csf_id" | "goal_id":
            return serves
        case "kpi_id":
            if goes_on := goes_on_as.get(serves.kpi_id):
                return t.Parent(kpi_id=goes_on)
            around_both = serves.kpi_id in alignment.links and alignment.cycle_of(serves.kpi_id) in following.enclosing
            return serves if around_both else None
        case _:
            return None
