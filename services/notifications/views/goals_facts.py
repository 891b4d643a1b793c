"""What notices tell of, from the topic of goals: KPIs, cycles, what serves what, proposals. One subscription for all of
it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from google.protobuf.message import Message

from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed, required_date
from nhip.goals.v1 import types_pb2 as g
from nhip.goals.v1.events_pb2 import (
    ChangeProposed,
    CycleOpened,
    KpiAligned,
    KpiDefined,
    KpiRetired,
    KpiTakenOff,
    ProposalApproved,
    ProposalDeclined,
    ProposalWithdrawn,
)

VERSION = 2


@dataclass(frozen=True, slots=True)
class HeardKpiRow:
    """A KPI. `end_reason` is sealed; empty while it has not ended."""

    tenant: str
    kpi_id: str
    cycle_id: str
    name: str
    unit: str
    kind: int
    level: int
    owner_ids: list[str]
    unit_id: str
    defined_on: date
    defined_at: datetime
    retired: bool
    end_reason_class: int
    end_reason: bytes


class HeardKpiView(View[HeardKpiRow]):
    name, source, categories, key = "heard_kpi", "goals", ("kpi",), ("tenant", "kpi_id")
    version = VERSION
    indexes = ("tenant, cycle_id",)
    row = HeardKpiRow

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[HeardKpiRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case KpiDefined() as e:
                rows.put(_kpi(e, event))
            case KpiRetired() as e:
                rows.put(replace(rows[key], retired=True, end_reason_class=e.reason_class, end_reason=packed(e.reason)))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[HeardKpiRow]:
        first = next((event for event in events if isinstance(event.message, KpiDefined)), None)
        end = next((e for e in messages(events) if isinstance(e, KpiRetired)), None)
        if first is not None and isinstance(first.message, KpiDefined):
            row = _kpi(first.message, first)
            ended = {"end_reason_class": end.reason_class, "end_reason": packed(end.reason)} if end else {}
            yield replace(row, retired=end is not None, **ended)  # type: ignore[arg-type] # columns of the row by name


def _kpi(e: KpiDefined, event: Recorded) -> HeardKpiRow:
    return HeardKpiRow(
        tenant=event.tenant,
        kpi_id=e.kpi_id,
        cycle_id=e.cycle_id,
        name=e.name,
        unit=e.measure.unit,
        kind=e.measure.kind,
        level=e.level,
        owner_ids=list(e.owner_ids),
        unit_id=e.unit_id,
        defined_on=required_date(e.effective_on),
        defined_at=event.recorded_at,
        retired=False,
        end_reason_class=0,
        end_reason=b"",
    )


@dataclass(frozen=True, slots=True)
class HeardLinkRow:
    """The KPI that a KPI serves now; empty: none."""

    tenant: str
    cycle_id: str
    kpi_id: str
    parent_id: str


class HeardLinkView(View[HeardLinkRow]):
    name, source, categories, key = "heard_link", "goals", ("alignment",), ("tenant", "cycle_id", "kpi_id")
    version = VERSION
    indexes = ("tenant, kpi_id", "tenant, parent_id")
    row = HeardLinkRow

    def fold(self, rows: Rows[HeardLinkRow], event: Recorded) -> None:
        match event.message:
            case KpiAligned() as e:
                rows.put(HeardLinkRow(event.tenant, event.stream.id, e.kpi_id, e.after.kpi_id))
            case KpiTakenOff() as e:
                rows.put(HeardLinkRow(event.tenant, event.stream.id, e.kpi_id, ""))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[HeardLinkRow]:
        parents: dict[str, str] = {}
        for e in messages(events):
            if isinstance(e, KpiAligned | KpiTakenOff):
                parents[e.kpi_id] = e.after.kpi_id if isinstance(e, KpiAligned) else ""
        for kpi_id, parent_id in parents.items():
            yield HeardLinkRow(events[0].tenant, events[0].stream.id, kpi_id, parent_id)


@dataclass(frozen=True, slots=True)
class HeardCycleRow:
    tenant: str
    cycle_id: str
    starts_on: date
    ends_on: date


class HeardCycleView(View[HeardCycleRow]):
    name, source, categories, key = "heard_cycle", "goals", ("cycle",), ("tenant", "cycle_id")
    version = VERSION
    indexes = ("ends_on",)
    row = HeardCycleRow

    def fold(self, rows: Rows[HeardCycleRow], event: Recorded) -> None:
        match event.message:
            case CycleOpened() as e:
                rows.put(HeardCycleRow(event.tenant, e.cycle_id, required_date(e.starts_on), required_date(e.ends_on)))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[HeardCycleRow]:
        for e in messages(events):
            if isinstance(e, CycleOpened):
                yield HeardCycleRow(events[0].tenant, e.cycle_id, required_date(e.starts_on), required_date(e.ends_on))


@dataclass(frozen=True, slots=True)
class HeardProposalRow:
    """A proposal; its words are sealed."""

    tenant: str
    proposal_id: str
    state: int
    title: bytes
    reason: bytes
    reason_class: int
    proposer_id: str
    approver_ids: list[str]
    proposed_at: datetime
    touched: list[str]
    """The KPIs that it would change."""
    addition: bytes
    """The KPI that it would add: the draft of the contract; empty for none."""
    decision: bytes = b""
    """What the decider said to it."""


class HeardProposalView(View[HeardProposalRow]):
    name, source, categories, key = "heard_proposal", "goals", ("proposal",), ("tenant", "proposal_id")
    version = VERSION
    indexes = ("tenant, state", "state, proposed_at")
    row = HeardProposalRow

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[HeardProposalRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case ChangeProposed() as e:
                rows.put(_proposal(e, event))
            case ProposalApproved() as e:
                rows.put(replace(rows[key], state=g.PROPOSAL_STATE_APPROVED, decision=_words(e)))
            case ProposalDeclined() as e:
                rows.put(replace(rows[key], state=g.PROPOSAL_STATE_DECLINED, decision=_words(e)))
            case ProposalWithdrawn():
                rows.put(replace(rows[key], state=g.PROPOSAL_STATE_WITHDRAWN))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[HeardProposalRow]:
        ends: dict[type[Message], g.ProposalState.ValueType] = {
            ProposalApproved: g.PROPOSAL_STATE_APPROVED,
            ProposalDeclined: g.PROPOSAL_STATE_DECLINED,
            ProposalWithdrawn: g.PROPOSAL_STATE_WITHDRAWN,
        }
        said = messages(events)
        first = next((event for event in events if isinstance(event.message, ChangeProposed)), None)
        if first is not None and isinstance(first.message, ChangeProposed):
            end = next((e for e in reversed(said) if type(e) in ends), None)
            state = ends[type(end)] if end is not None else g.PROPOSAL_STATE_PROPOSED
            yield replace(_proposal(first.message, first), state=state, decision=_words(end))


def _words(decided: Message | None) -> bytes:
    """What the decider said; nobody's of what was not decided."""
    match decided:
        case ProposalApproved():
            return packed(decided.comment)
        case ProposalDeclined():
            return packed(decided.reason)
        case _:
            return b""


def _proposal(e: ChangeProposed, event: Recorded) -> HeardProposalRow:
    return HeardProposalRow(
        tenant=event.tenant,
        proposal_id=e.proposal_id,
        state=g.PROPOSAL_STATE_PROPOSED,
        title=packed(e.title),
        reason=packed(e.reason),
        reason_class=e.reason_class,
        proposer_id=e.proposer_id,
        approver_ids=list(e.approver_ids),
        proposed_at=event.recorded_at,
        touched=[change.kpi_id for change in e.changes],
        addition=packed(e.addition) if e.HasField("addition") else b"",
    )
