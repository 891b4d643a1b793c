"""What was said about proposals before they were decided: a row for each of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from eventkit.values import packed
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
from services.goals.domain.proposal import PROPOSAL
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class CommentRow:
    """`words` are sealed."""

    tenant: str
    proposal_id: str
    version: int
    by: str
    at: datetime
    words: bytes
    asks: bool


class CommentView(WrittenWhole[CommentRow, ProposalCommented]):
    name, source, categories, key = "comment", "goals", (PROPOSAL.category,), ("tenant", "proposal_id", "version")
    version = VERSION
    row = CommentRow
    folds = (ProposalCommented,)
    passes_over = (
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

    def written(self, event: Recorded, e: ProposalCommented) -> CommentRow:
        return CommentRow(
            event.tenant,
            e.proposal_id,
            event.version,
            event.origin.actor,
            event.recorded_at,
            packed(e.words),
            e.asks,
        )

    def expected(self, events: Sequence[Recorded]) -> Iterable[CommentRow]:
        state = PROPOSAL.initial
        for event in events:
            message = event.message
            assert message is not None
            state = PROPOSAL.evolve(state, message)
            if isinstance(message, ProposalCommented) and state is not None:
                yield CommentRow(
                    event.tenant,
                    state.id,
                    event.version,
                    event.origin.actor,
                    event.recorded_at,
                    packed(message.words),
                    message.asks,
                )


COMMENTS = CommentView().table
