"""Proposals of the example before they are decided: words about them, invitations, put anew."""

from google.protobuf.message import Message

from nhip.common.v1 import command_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from tests.browser.messages import NOW, at


class ProposalsX:
    def __init__(self) -> None:
        self.comments: dict[str, list[goals_pb2.ProposalComment]] = {}

    def _accepted(self, context: str, id: str) -> command_pb2.Accepted:
        raise NotImplementedError

    def _owner_of(self, person_id: str) -> goals_pb2.Owner:
        raise NotImplementedError

    def _decide(self, id: str, state: int, words: Message) -> Message:
        raise NotImplementedError

    def CommentProposal(self, request: goals_pb2.CommentProposal, actor: str) -> Message:
        said = goals_pb2.ProposalComment(by=self._owner_of(actor), at=at(NOW), words=request.words, asks=request.asks)
        self.comments.setdefault(request.proposal_id, []).insert(0, said)
        return self._accepted("goals", request.proposal_id)

    def ListProposalComments(self, request: goals_pb2.ListProposalComments, actor: str) -> Message:
        return goals_pb2.ProposalComments(comments=self.comments.get(request.proposal_id, ()))

    def RebaseProposal(self, request: goals_pb2.RebaseProposal, actor: str) -> Message:
        return self._accepted("goals", request.proposal_id)

    def AcceptInvitation(self, request: goals_pb2.AcceptInvitation, actor: str) -> Message:
        return self._accepted("goals", request.proposal_id)

    def DeclineInvitation(self, request: goals_pb2.DeclineInvitation, actor: str) -> Message:
        return self._decide(request.proposal_id, types_pb2.PROPOSAL_STATE_DECLINED, request.reason)

    def ChangeKpi(self, request: goals_pb2.ChangeKpi, actor: str) -> Message:
        return self._accepted("goals", request.kpi_id)

    def CorrectKpiWords(self, request: goals_pb2.CorrectKpiWords, actor: str) -> Message:
        return self._accepted("goals", request.kpi_id)
