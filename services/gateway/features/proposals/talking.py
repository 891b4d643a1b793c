"""Before a decision: words about a proposal, the yes or no of those who are invited, putting it on what stands
now."""

from functools import partial
from urllib.parse import quote

from starlette.responses import Response

from eventkit.errors import Violation
from nhip.common.v1 import words_pb2
from nhip.goals.v1 import goals_pb2
from services.gateway.console.deeds import carry_out
from services.gateway.console.forms import Form, sent
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.features.proposals import showing

routes = Routes()


@routes.form("/proposals/{proposal}/words", page="/proposals/{proposal}")
async def say(visit: Visit) -> Response:
    """`POST /proposals/<id>/words`: something said about it, or a question to the proposer."""
    filled = await sent(visit.request)
    _, id = visit.language.gettext, visit.request.path_params["proposal"]
    if not filled.text("words"):
        return await _again(visit, filled.wrong([Violation("words", "MISSING")], visit.language), 422)
    asks = filled["do"] == "ask"
    command = goals_pb2.CommentProposal(
        proposal_id=id, words=words_pb2.PersonalText(plain=filled.text("words")), asks=asks
    )
    said = _("Asked; the proposer was told.") if asks else _("Said; whoever waits for it was told.")
    return await _carried_out(visit, filled, "CommentProposal", command, said, {"words": "words"})


@routes.form("/proposals/{proposal}/anew", page="/proposals/{proposal}")
async def rebase(visit: Visit) -> Response:
    """`POST /proposals/<id>/anew`: put on what stands now."""
    filled = await sent(visit.request)
    command = goals_pb2.RebaseProposal(proposal_id=visit.request.path_params["proposal"])
    said = visit.language.gettext("It stands on today's numbers now, and waits for the decision again.")
    return await _carried_out(visit, filled, "RebaseProposal", command, said, {})


@routes.form("/proposals/{proposal}/answer", page="/proposals/{proposal}")
async def answer(visit: Visit) -> Response:
    """`POST /proposals/<id>/answer`: the yes or no of somebody who is invited."""
    filled = await sent(visit.request)
    _, id = visit.language.gettext, visit.request.path_params["proposal"]
    if filled["do"] == "accept":
        command = goals_pb2.AcceptInvitation(proposal_id=id)
        return await _carried_out(visit, filled, "AcceptInvitation", command, _("You said yes."), {})
    if not filled.text("no_reason"):
        return await _again(visit, filled.wrong([Violation("no_reason", "MISSING")], visit.language), 422)
    reason = words_pb2.PersonalText(plain=filled.text("no_reason"))
    command = goals_pb2.DeclineInvitation(proposal_id=id, reason=reason)
    said = _("You said no: the proposal is declined, and its proposer was told why.")
    return await _carried_out(visit, filled, "DeclineInvitation", command, said, {"reason": "no_reason"})


async def _carried_out(
    visit: Visit,
    filled: Form,
    method: str,
    command: goals_pb2.CommentProposal
    | goals_pb2.RebaseProposal
    | goals_pb2.AcceptInvitation
    | goals_pb2.DeclineInvitation,
    said: str,
    fields: dict[str, str],
) -> Response:
    page = f"/proposals/{quote(command.proposal_id, safe='')}"
    return await carry_out(
        visit, filled, "goals", method, command, said,
        to=lambda _: page, again=partial(_again, visit), fields=fields,
    )  # fmt: skip


async def _again(visit: Visit, filled: Form, status: int) -> Response:
    return await showing.show(visit, status=status, talk=filled)
