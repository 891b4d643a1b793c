"""What notices tell of, from the topic of goals: KPIs, cycles, what serves what, proposals. One subscription for all of
it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, WrittenWhole
from eventkit.subscriptions.table import Key
from eventkit.values import packed, required_date
from nhip.goals.v1 import types_pb2 as g
from nhip.goals.v1.events_pb2 import (
    ChangeProposed,
    CycleClosed,
    CycleClosingBegun,
    CycleCorrected,
    CycleOpened,
    CycleReopened,
    CycleStarted,
    CycleWithdrawn,
    InnerCycleOpened,
    InnerCycleWithdrawn,
    KpiAligned,
    KpiChanged,
    KpiDefined,
    KpiRetired,
    KpiTakenOff,
    KpiTargetRevised,
    ProposalApproved,
    ProposalDeclined,
    ProposalWithdrawn,
)

VERSION = 3


@dataclass(frozen=True, slots=True)
class KnownKpiRow:
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


class KnownKpiView(View[KnownKpiRow]):
    name, source, categories, key = "heard_kpi", "goals", ("kpi",), ("tenant", "kpi_id")
    version = VERSION
    indexes = ("tenant, cycle_id",)
    row = KnownKpiRow
    folds = (KpiChanged, KpiDefined, KpiRetired)
    passes_over = (KpiTargetRevised,)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[KnownKpiRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case KpiDefined() as e:
                rows.put(_kpi(e, event))
            case KpiChanged() as e:
                rows.put(_changed(rows[key], e.after))
            case KpiRetired() as e:
                rows.put(replace(rows[key], retired=True, end_reason_class=e.reason_class, end_reason=packed(e.reason)))
            case _:
                raise UnknownEvent(event.message)


def _kpi(e: KpiDefined, event: Recorded) -> KnownKpiRow:
    return KnownKpiRow(
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


def _changed(row: KnownKpiRow, said: g.KpiSaid) -> KnownKpiRow:
    return replace(
        row,
        name=said.name if said.HasField("name") else row.name,
        unit=said.unit if said.HasField("unit") else row.unit,
        owner_ids=list(said.owners.ids) if said.HasField("owners") else row.owner_ids,
        unit_id=said.unit_id if said.HasField("unit_id") else row.unit_id,
    )


@dataclass(frozen=True, slots=True)
class KnownLinkRow:
    """The KPI that a KPI serves now; empty: none."""

    tenant: str
    cycle_id: str
    kpi_id: str
    parent_id: str


class KnownLinkView(WrittenWhole[KnownLinkRow, KpiAligned | KpiTakenOff]):
    name, source, categories, key = "heard_link", "goals", ("alignment",), ("tenant", "cycle_id", "kpi_id")
    version = VERSION
    indexes = ("tenant, kpi_id", "tenant, parent_id")
    row = KnownLinkRow
    folds = (KpiAligned, KpiTakenOff)

    def written(self, event: Recorded, e: KpiAligned | KpiTakenOff) -> KnownLinkRow:
        serves = e.after.kpi_id if isinstance(e, KpiAligned) else ""
        return KnownLinkRow(event.tenant, e.cycle_id, e.kpi_id, serves)


@dataclass(frozen=True, slots=True)
class KnownCycleRow:
    tenant: str
    cycle_id: str
    starts_on: date
    ends_on: date


class KnownCycleView(WrittenWhole[KnownCycleRow, CycleOpened | CycleCorrected]):
    name, source, categories, key = "heard_cycle", "goals", ("cycle",), ("tenant", "cycle_id")
    version = VERSION
    indexes = ("ends_on",)
    row = KnownCycleRow
    folds = (CycleOpened, CycleCorrected)
    passes_over = (
        CycleWithdrawn,
        CycleStarted,
        CycleClosingBegun,
        CycleClosed,
        CycleReopened,
        InnerCycleOpened,
        InnerCycleWithdrawn,
    )

    def written(self, event: Recorded, e: CycleOpened | CycleCorrected) -> KnownCycleRow:
        said = e.after if isinstance(e, CycleCorrected) else e
        return KnownCycleRow(event.tenant, e.cycle_id, required_date(said.starts_on), required_date(said.ends_on))


@dataclass(frozen=True, slots=True)
class KnownProposalRow:
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
    asked: bytes
    """What it would change and add: the event of the contract without its words."""
    decision: bytes = b""
    """What the decider said to it."""


class KnownProposalView(View[KnownProposalRow]):
    name, source, categories, key = "heard_proposal", "goals", ("proposal",), ("tenant", "proposal_id")
    version = VERSION
    indexes = ("tenant, state", "state, proposed_at")
    row = KnownProposalRow
    folds = (ChangeProposed, ProposalApproved, ProposalDeclined, ProposalWithdrawn)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[KnownProposalRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case ChangeProposed() as e:
                rows.put(_proposal(e, event))
            case ProposalApproved() as e:
                rows.put(replace(rows[key], state=g.PROPOSAL_STATE_APPROVED, decision=packed(e.comment)))
            case ProposalDeclined() as e:
                rows.put(replace(rows[key], state=g.PROPOSAL_STATE_DECLINED, decision=packed(e.reason)))
            case ProposalWithdrawn():
                rows.put(replace(rows[key], state=g.PROPOSAL_STATE_WITHDRAWN))
            case _:
                raise UnknownEvent(event.message)


def _proposal(e: ChangeProposed, event: Recorded) -> KnownProposalRow:
    return KnownProposalRow(
        tenant=event.tenant,
        proposal_id=e.proposal_id,
        state=g.PROPOSAL_STATE_PROPOSED,
        title=packed(e.title),
        reason=packed(e.reason),
        reason_class=e.reason_class,
        proposer_id=e.proposer_id,
        approver_ids=list(e.approver_ids),
        proposed_at=event.recorded_at,
        asked=packed(
            ChangeProposed(
                changes=e.changes, addition=e.addition if e.HasField("addition") else None, additions=e.additions
            )
        ),
    )
