"""Proposals: the list, one proposal with its arithmetic, and the decision on it."""

import asyncio
from urllib.parse import urlencode

from starlette.responses import Response

from eventkit.errors import Violation
from nhip.common.v1 import command_pb2, words_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.forms import Form, sent
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure
from services.gateway.features.proposals import proposing, talking
from services.gateway.features.proposals.showing import asked_for, proposal_page, show

routes = Routes(proposing.routes, talking.routes)
_LOOKS = 10
"""At a proposal that was decided, until its page knows."""


@routes.page("/proposals")
async def listing(visit: Visit) -> Response:
    """`/proposals`: those that wait first."""
    after = visit.request.query_params.get("after", "")
    mine, others = await asyncio.gather(
        visit.caller.query(
            "goals", "ListProposals", goals_pb2.ListProposals(mine_to_decide=True, page_size=30), goals_pb2.Proposals
        ),
        visit.caller.query("goals", "ListProposals", goals_pb2.ListProposals(page_token=after), goals_pb2.Proposals),
    )
    own = {proposal.proposal_id for proposal in mine.proposals}
    return visit.render(
        "proposals/proposals.html",
        mine=[] if after else [proposal_page(visit, proposal) for proposal in mine.proposals],
        others=[proposal_page(visit, proposal) for proposal in others.proposals if proposal.proposal_id not in own],
        more="/proposals?" + urlencode({"after": others.next_page_token}) if others.next_page_token else "",
        further=bool(after),
    )


@routes.page("/proposals/{proposal}")
async def proposal(visit: Visit) -> Response:
    """`/proposals/<id>`."""
    return await show(visit)


async def _show_decided(visit: Visit, filled: Form, failure: Failure) -> Response:
    """Somebody was faster: what they decided, that this was not recorded, and what was typed, which nobody wants to
    type again."""
    reply = await asked_for(visit)
    for _wait in range(_LOOKS):  # the page may still be behind the log, which refused
        if reply.state != types_pb2.PROPOSAL_STATE_PROPOSED:
            break
        await asyncio.sleep(0.2)
        reply = await asked_for(visit)
    page, _ = proposal_page(visit, reply), visit.language.gettext
    said = {
        types_pb2.PROPOSAL_STATE_APPROVED: _(
            "%(name)s had already approved this proposal. What you sent was not recorded."
        ),
        types_pb2.PROPOSAL_STATE_DECLINED: _(
            "%(name)s had already declined this proposal. What you sent was not recorded."
        ),
        types_pb2.PROPOSAL_STATE_WITHDRAWN: _(
            "%(name)s had already withdrawn this proposal. What you sent was not recorded."
        ),
    }.get(reply.state, _("This proposal had already been decided. What you sent was not recorded."))
    by = page.proposer if reply.state == types_pb2.PROPOSAL_STATE_WITHDRAWN else page.approver
    too_late = said % {"name": by.name if by else "–"}
    return await show(visit, filled, status=failure.http, too_late=too_late, typed=filled.text("reason"))


@routes.form("/proposals/{proposal}/decision", page="/proposals/{proposal}")
async def decide(visit: Visit) -> Response:
    """`POST /proposals/<id>/decision`: the whole of it, one way or the other."""
    id = visit.request.path_params["proposal"]
    filled = await sent(visit.request)
    reason = filled.text("reason")
    if not reason:
        return await show(visit, filled.wrong([Violation("reason", "MISSING")], visit.language), Form(), 422)
    words = words_pb2.PersonalText(plain=reason)
    try:
        if filled["decision"] == "approve":
            current = await asked_for(visit)
            if (
                current.may_decide  # else the service says why not
                and any(check.after.short or check.after.over for check in current.reconciliations)
                and not filled["knows_short"]
            ):
                return await show(
                    visit, filled.wrong([Violation("knows_short", "SHORT_NOT_CONFIRMED")], visit.language), Form(), 422
                )
            request = goals_pb2.ApproveProposal(proposal_id=id, comment=words)
            accepted, position = await visit.caller.ask(
                "goals", "ApproveProposal", request, command_pb2.Accepted, key=filled.key
            )
        else:
            request = goals_pb2.DeclineProposal(proposal_id=id, reason=words)
            accepted, position = await visit.caller.ask(
                "goals", "DeclineProposal", request, command_pb2.Accepted, key=filled.key
            )
    except Failure as failure:
        if failure.status in ("UNAUTHENTICATED", "NOT_FOUND", "PERMISSION_DENIED"):
            raise  # the page has no form that could say it
        if failure.reason == "PROPOSAL_DECIDED":
            return await _show_decided(visit, filled, failure)
        return await show(
            visit,
            filled.refused(failure, visit.language, {"comment": "reason", "reason": "reason"}),
            Form(),
            failure.http,
        )
    _ = visit.language.gettext
    said = (
        _("Approved. The new numbers are in force.")
        if filled["decision"] == "approve"
        else _("Declined. The proposer was told why.")
    )
    return visit.done(f"/proposals/{id}", accepted, position, said)


@routes.form("/proposals/{proposal}/withdrawal", page="/proposals/{proposal}")
async def withdraw(visit: Visit) -> Response:
    """`POST /proposals/<id>/withdrawal`."""
    id = visit.request.path_params["proposal"]
    filled = await sent(visit.request)
    reason = filled.text("reason")
    request = goals_pb2.WithdrawProposal(
        proposal_id=id, reason=words_pb2.PersonalText(plain=reason) if reason else None
    )
    try:
        accepted, position = await visit.caller.ask(
            "goals", "WithdrawProposal", request, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status in ("UNAUTHENTICATED", "NOT_FOUND", "PERMISSION_DENIED"):
            raise  # the page has no form that could say it
        if failure.reason == "PROPOSAL_DECIDED":
            return await _show_decided(visit, filled, failure)
        return await show(visit, Form(), filled.refused(failure, visit.language, {"reason": "reason"}), failure.http)
    return visit.done(f"/proposals/{id}", accepted, position, visit.language.gettext("The proposal was withdrawn."))
