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
from nhip.goals.v1.events_pb2 import ChangeProposed, ProposalApproved, ProposalDeclined, ProposalWithdrawn
from services.goals.domain.proposal import PROPOSAL, Proposal, added_ids_of
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """`proposed`, `approval` and `reason` are messages of the contract as bytes, their words sealed; empty where there
    is none."""

    tenant: str
    proposal_id: str
    cycle_id: str
    state: int
    proposed: bytes
    proposed_at: datetime
    decided_by: str
    decided_at: datetime | None
    approval: bytes
    reason: bytes
    added_kpi_ids: list[str]

    @property
    def place(self) -> tuple[bool, datetime, str]:
        """Where it stands in a list."""
        return self.state == t.PROPOSAL_STATE_PROPOSED, self.proposed_at, self.proposal_id


class ProposalView(View[ProposalRow]):
    name, source, categories, key = "proposal", "goals", (PROPOSAL.category,), ("tenant", "proposal_id")
    version = VERSION
    indexes = ("tenant, cycle_id",)
    row = ProposalRow
    folds = (ChangeProposed, ProposalApproved, ProposalDeclined, ProposalWithdrawn)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[ProposalRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case ChangeProposed() as e:
                rows.put(
                    ProposalRow(
                        *key,
                        e.cycle_id,
                        t.PROPOSAL_STATE_PROPOSED,
                        packed(e),
                        event.recorded_at,
                        "",
                        None,
                        b"",
                        b"",
                        [],
                    )
                )
            case ProposalApproved() as e:
                decided = _decided(event, t.PROPOSAL_STATE_APPROVED, packed(e.approval), packed(e.comment))
                rows.put(replace(rows[key], **decided, added_kpi_ids=added_ids_of(e)))
            case ProposalDeclined() as e:
                rows.put(
                    replace(
                        rows[key], **_decided(event, t.PROPOSAL_STATE_DECLINED, packed(e.approval), packed(e.reason))
                    )
                )
            case ProposalWithdrawn() as e:
                rows.put(replace(rows[key], **_decided(event, t.PROPOSAL_STATE_WITHDRAWN, b"", packed(e.reason))))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[ProposalRow]:
        state: Proposal | None = None
        for event in events:
            message = event.message
            assert message is not None
            state = PROPOSAL.evolve(state, message)
        if state is None:
            return
        first, last = events[0], events[-1]
        row = ProposalRow(
            first.tenant,
            state.id,
            state.proposed.cycle_id,
            state.state,
            packed(state.proposed),
            first.recorded_at,
            "",
            None,
            b"",
            b"",
            [],
        )
        match last.message:
            case ProposalApproved() as e:
                row = replace(row, approval=packed(e.approval), reason=packed(e.comment), added_kpi_ids=added_ids_of(e))
            case ProposalDeclined() as e:
                row = replace(row, approval=packed(e.approval), reason=packed(e.reason))
            case ProposalWithdrawn() as e:
                row = replace(row, reason=packed(e.reason))
            case _:
                pass
        if state.state != t.PROPOSAL_STATE_PROPOSED:
            row = replace(row, decided_by=last.origin.actor, decided_at=last.recorded_at)
        yield row


PROPOSALS = ProposalView().table


def _decided(event: Recorded, state: int, approval: bytes, reason: bytes) -> dict[str, object]:
    return {
        "state": state,
        "decided_by": event.origin.actor,
        "decided_at": event.recorded_at,
        "approval": approval,
        "reason": reason,
    }
