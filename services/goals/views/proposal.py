"""Proposals, as they are now: what was asked, by whom, and what became of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.subscriptions.table import Key
from eventkit.values import packed
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import (
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
from services.goals.domain.proposal import PROPOSAL, Proposal, added_ids_of, with_changes
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """`proposed`, `approval` and `reason` are messages of the contract as bytes, their words sealed; empty where there
    is none."""

    tenant: str
    proposal_id: str
    cycle_id: str
    proposer_id: str
    state: int
    proposed: bytes
    """With its changes as they were put on what stood last."""
    proposed_at: datetime
    decided_by: str
    """Who said yes or no to all of it, also while a yes waits for those who are invited."""
    decided_at: datetime | None
    approval: bytes
    reason: bytes
    added_kpi_ids: list[str]
    accepted: list[str]
    """Who of those that are invited said yes, in their order."""

    @property
    def place(self) -> tuple[bool, datetime, str]:
        """Where it stands in a list."""
        return self.state == t.PROPOSAL_STATE_PROPOSED, self.proposed_at, self.proposal_id

    @property
    def given(self) -> bool:
        """Who may decide said yes, and it waits for those who are invited."""
        return self.state == t.PROPOSAL_STATE_PROPOSED and bool(self.decided_by)


class ProposalView(View[ProposalRow]):
    name, source, categories, key = "proposal", "goals", (PROPOSAL.category,), ("tenant", "proposal_id")
    version = VERSION
    indexes = ("tenant, cycle_id", "tenant, proposer_id", "proposed_at")
    row = ProposalRow
    folds = (
        ApprovalGiven,
        ChangeProposed,
        InvitationAccepted,
        InvitationDeclined,
        ProposalApproved,
        ProposalDeclined,
        ProposalExpired,
        ProposalRebased,
        ProposalWithdrawn,
    )
    passes_over = (ProposalCommented,)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[ProposalRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        message = event.message
        if isinstance(message, ChangeProposed):
            rows.put(_begun(event, message))
        elif message is None:
            raise UnknownEvent(message)
        else:
            rows.put(_moved_on(rows[key], event))

    def expected(self, events: Sequence[Recorded]) -> Iterable[ProposalRow]:
        state: Proposal | None = None
        row: ProposalRow | None = None
        for event in events:
            message = event.message
            assert message is not None
            state = PROPOSAL.evolve(state, message)
            if row is None and state is not None:
                row = _begun(event, state.proposed)
            assert row is not None
            if not isinstance(message, ChangeProposed | ProposalCommented):
                row = _moved_on(row, event)
        if state is None or row is None:
            return
        row = replace(row, state=state.state, proposed=packed(state.proposed))
        yield replace(row, accepted=[person for person in row.accepted if person in state.accepted])


PROPOSALS = ProposalView().table


def _begun(event: Recorded, proposed: ChangeProposed) -> ProposalRow:
    return ProposalRow(
        event.tenant,
        event.stream.id,
        proposed.cycle_id,
        proposed.proposer_id,
        t.PROPOSAL_STATE_PROPOSED,
        packed(proposed),
        event.recorded_at,
        "",
        None,
        b"",
        b"",
        [],
        [],
    )


def _moved_on(row: ProposalRow, event: Recorded) -> ProposalRow:
    by, at = event.origin.actor, event.recorded_at
    match event.message:
        case ApprovalGiven() as e:
            approval, words = packed(e.approval), packed(e.comment)
            return replace(row, decided_by=by, decided_at=at, approval=approval, reason=words)
        case ProposalApproved() as e:
            # Where the last yes was that of somebody invited, who approved and with what words is known already.
            row = replace(row, state=t.PROPOSAL_STATE_APPROVED, decided_at=at, added_kpi_ids=added_ids_of(e))
            if row.approval:
                return row
            return replace(row, decided_by=by, approval=packed(e.approval), reason=packed(e.comment))
        case ProposalDeclined() as e:
            approval, words = packed(e.approval), packed(e.reason)
            return _decided(row, t.PROPOSAL_STATE_DECLINED, by, at, approval, words)
        case InvitationDeclined() as e:
            return _decided(row, t.PROPOSAL_STATE_DECLINED, by, at, b"", packed(e.reason))
        case ProposalWithdrawn() as e:
            return _decided(row, t.PROPOSAL_STATE_WITHDRAWN, by, at, b"", packed(e.reason))
        case ProposalExpired():
            return _decided(row, t.PROPOSAL_STATE_EXPIRED, by, at, b"", b"")
        case ProposalRebased() as e:
            proposed = packed(with_changes(ChangeProposed.FromString(row.proposed), e.changes))
            return replace(row, proposed=proposed, decided_by="", decided_at=None, approval=b"", reason=b"")
        case InvitationAccepted() as e:
            return replace(row, accepted=[*row.accepted, e.person_id])
        case _:
            raise UnknownEvent(event.message)


def _decided(row: ProposalRow, state: int, by: str, at: datetime, approval: bytes, reason: bytes) -> ProposalRow:
    return replace(row, state=state, decided_by=by, decided_at=at, approval=approval, reason=reason)
