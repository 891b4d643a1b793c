"""What notices tell of, from the topic of goals: KPIs, cycles, what serves what, proposals. One subscription for all of
it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from eventkit.commands.aggregate import UnknownEvent
from eventkit.context import acting_id
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, WrittenWhole
from eventkit.subscriptions.table import Key
from eventkit.values import packed, required_date
from nhip.goals.v1 import types_pb2 as g
from nhip.goals.v1.events_pb2 import (
    ApprovalGiven,
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
    InvitationAccepted,
    InvitationDeclined,
    KpiAligned,
    KpiChanged,
    KpiDefined,
    KpiLinked,
    KpiRetired,
    KpiTakenOff,
    KpiTargetRevised,
    ProposalApproved,
    ProposalCommented,
    ProposalDeclined,
    ProposalExpired,
    ProposalRebased,
    ProposalWithdrawn,
)

VERSION = 4


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
    computed: bool
    """Nobody enters its values."""
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
        computed=e.HasField("computation"),
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
    passes_over = (KpiLinked,)

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
    decider: str = ""
    """Who said yes to it, also while it waits for those who are invited."""
    invited: list[str] = field(default_factory=list[str])
    accepted: list[str] = field(default_factory=list[str])
    askers: list[str] = field(default_factory=list[str])
    """Who may decide and asked something."""

    @property
    def given(self) -> bool:
        return self.state == g.PROPOSAL_STATE_PROPOSED and self.decider != ""


class KnownProposalView(View[KnownProposalRow]):
    name, source, categories, key = "heard_proposal", "goals", ("proposal",), ("tenant", "proposal_id")
    version = VERSION
    indexes = ("tenant, state", "state, proposed_at")
    row = KnownProposalRow
    folds = (
        ApprovalGiven,
        ChangeProposed,
        InvitationAccepted,
        InvitationDeclined,
        ProposalApproved,
        ProposalCommented,
        ProposalDeclined,
        ProposalExpired,
        ProposalRebased,
        ProposalWithdrawn,
    )

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[KnownProposalRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        if isinstance(event.message, ChangeProposed):
            rows.put(_proposal(event.message, event))
        else:
            rows.put(_moved_on(rows[key], event))


def _moved_on(row: KnownProposalRow, event: Recorded) -> KnownProposalRow:
    match event.message:
        case ApprovalGiven() as e:
            return replace(row, decider=e.approval.approver_id, decision=packed(e.comment))
        case ProposalApproved() as e:
            decision = packed(e.comment) or row.decision
            decider = e.approval.approver_id
            return replace(row, state=g.PROPOSAL_STATE_APPROVED, decision=decision, decider=decider)
        case ProposalDeclined() | InvitationDeclined() as e:
            return replace(row, state=g.PROPOSAL_STATE_DECLINED, decision=packed(e.reason))
        case ProposalWithdrawn():
            return replace(row, state=g.PROPOSAL_STATE_WITHDRAWN)
        case ProposalExpired():
            return replace(row, state=g.PROPOSAL_STATE_EXPIRED)
        case InvitationAccepted() as e:
            return replace(row, accepted=[*row.accepted, e.person_id])
        case ProposalCommented() as e:
            asker = [acting_id(event.origin.actor)] if e.asks else []
            return replace(row, askers=list(dict.fromkeys([*row.askers, *asker])))
        case ProposalRebased() as e:
            asked = ChangeProposed.FromString(row.asked)
            del asked.changes[:]
            asked.changes.extend(e.changes)
            return replace(row, asked=packed(asked), decider="", decision=b"")
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
        invited=list(dict.fromkeys(one.person_id for one in e.invitations)),
        asked=packed(
            ChangeProposed(
                changes=e.changes, addition=e.addition if e.HasField("addition") else None, additions=e.additions
            )
        ),
    )
