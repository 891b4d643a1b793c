"""A proposal as it is shown: what it changes and adds, whether it adds up, and who decides."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC
from decimal import Decimal

from starlette.responses import Response

from eventkit.telemetry import unshown
from eventkit.values import is_percent
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import Avatar, StateMark, kpi_card, owner_avatar
from services.gateway.console.directory import Directory
from services.gateway.console.edges import Edge, edges
from services.gateway.console.events import choice_word, reason_class_word
from services.gateway.console.forms import Form
from services.gateway.console.further import further_changes, further_text
from services.gateway.console.language import Language, decimal_of, unreadable
from services.gateway.console.links import praise_link
from services.gateway.console.notices import meeting_url
from services.gateway.console.refusals import words
from services.gateway.console.said import NOBODY, said_changes, who_is_said
from services.gateway.console.states import proposal_mark
from services.gateway.console.visit import Visit
from services.gateway.features.proposals.before import before
from services.gateway.features.proposals.reconciliation import (
    Arithmetic,
    ToldRow,
    arithmetic,
    relation_sentence,
    told_rows,
)


@dataclass(frozen=True, slots=True)
class Change:
    level_word: str
    owners: tuple[Avatar, ...]
    name: str
    url: str
    before: str
    after: str
    """Of its target; empty where that stays."""
    difference: str
    edges: tuple[Edge, ...]
    """What else changes: the rest of the scale, what it says, what it serves."""
    ends: bool


@dataclass(frozen=True, slots=True)
class Addition:
    level_word: str
    owners: tuple[Avatar, ...]
    name: str
    statement: str
    target: str
    url: str
    serves: str
    """What it is to serve; empty: nothing yet."""
    further: str
    """What else it is to support or hinder; empty: nothing."""


@dataclass(frozen=True, slots=True)
class ProposalPage:
    id: str
    title: str
    reason: str
    reason_erased: bool
    reason_class: str
    proposer: Avatar
    proposed_at: str
    state: StateMark
    summary: str
    touched: str
    """Which KPIs: the first, and how many more."""
    changes: tuple[Change, ...]
    additions: tuple[Addition, ...]
    told: tuple[ToldRow, ...]
    arithmetic: Arithmetic
    approver: Avatar | None
    relation: str
    decision_reason: str
    decided_at: str
    obstacle: str
    praise: str
    """Where the proposer is praised; empty where nobody is to be."""
    meeting: str
    """Where it came from; empty: from no meeting."""
    open: bool
    may_decide: bool
    may_withdraw: bool


def proposal_page(visit: Visit, proposal: goals_pb2.Proposal, who: Directory | None = None) -> ProposalPage:
    """A proposal as it is shown. What cannot be shown says so, and takes no list from the others."""
    if not proposal.unshown:
        try:
            return _page(visit, proposal, who or Directory(visit.language))
        except Exception as error:
            unshown("proposal", proposal.proposal_id, error)
    bare = goals_pb2.Proposal(proposal_id=proposal.proposal_id, state=proposal.state, proposer=proposal.proposer)
    return replace(
        _page(visit, bare, Directory(visit.language)), title=visit.language.gettext("Cannot be shown"), proposed_at=""
    )


def _page(visit: Visit, proposal: goals_pb2.Proposal, who: Directory) -> ProposalPage:
    language = visit.language
    _ = language.gettext
    changes = tuple(_changes(visit, proposal, who))
    additions = tuple(_addition(one, who, language) for one in proposal.additions)
    decided = proposal.decided_at.ToDatetime(UTC) if proposal.HasField("decided_at") else None
    return ProposalPage(
        id=proposal.proposal_id,
        title=language.words(proposal.title),
        reason=language.words(proposal.reason),
        reason_erased=unreadable(proposal.reason),
        reason_class=reason_class_word(proposal.reason_class, language),
        proposer=owner_avatar(proposal.proposer, language),
        proposed_at=language.instant(proposal.proposed_at.ToDatetime(UTC), visit.zone),
        state=proposal_mark(proposal.state, visit.language),
        summary=summary(proposal, visit),
        touched=_touched([*(change.name for change in changes), *(one.name for one in additions)]),
        changes=changes,
        additions=additions,
        told=told_rows(proposal.told, language),
        arithmetic=arithmetic(proposal.reconciliations, language),
        approver=owner_avatar(proposal.approver, language) if proposal.approver.person_id else None,
        relation=relation_sentence(proposal.approval, language),
        decision_reason=language.words(proposal.decision_reason) if proposal.HasField("decision_reason") else "",
        decided_at=language.instant(decided, visit.zone) if decided else "",
        obstacle=words(proposal.obstacle, {}, language) or proposal.obstacle,
        praise=_praise(visit, proposal),
        meeting=meeting_url(proposal.meeting_id) if proposal.meeting_id else "",
        open=proposal.state == types_pb2.PROPOSAL_STATE_PROPOSED,
        may_decide=proposal.may_decide,
        may_withdraw=proposal.may_withdraw,
    )


def _praise(visit: Visit, proposal: goals_pb2.Proposal) -> str:
    proposer = proposal.proposer
    if (
        not visit.may("rewards.GivePraise")
        or proposer.person_id == visit.person
        or unreadable(proposer.name)
        or proposer.person_id.startswith("service:")
    ):
        return ""
    return praise_link(
        [proposer.person_id], visit.person, kpi=proposal.changes[0].kpi.kpi_id if proposal.changes else ""
    )


def summary(proposal: goals_pb2.Proposal, visit: Visit) -> str:
    """ "3 lowered, 1 changed otherwise, 1 ends, 1 added"."""
    down = up = otherwise = ended = 0
    for change in proposal.changes:
        before, after = decimal_of(change, "before") or Decimal(), decimal_of(change, "after") or Decimal()
        down, up, ended = down + (after < before), up + (after > before), ended + change.ends
        otherwise += before == after and not change.ends
    ngettext = visit.language.ngettext
    parts = [
        ngettext("%(n)s lowered", "%(n)s lowered", down) % {"n": down} if down else "",
        ngettext("%(n)s raised", "%(n)s raised", up) % {"n": up} if up else "",
        ngettext("%(n)s changed otherwise", "%(n)s changed otherwise", otherwise) % {"n": otherwise}
        if otherwise
        else "",
        ngettext("%(n)s ends", "%(n)s end", ended) % {"n": ended} if ended else "",
        ngettext("%(n)s added", "%(n)s added", added) % {"n": added} if (added := len(proposal.additions)) else "",
    ]
    text = ", ".join(part for part in parts if part)
    return text[:1].upper() + text[1:]


def _touched(names: list[str]) -> str:
    """ "Đăng ký dùng thử +2"."""
    return "" if not names else names[0] + (f" +{len(names) - 1}" if names[1:] else "")


def _addition(one: goals_pb2.ProposedAddition, who: Directory, language: Language) -> Addition:
    draft = one.kpi
    owners = [who.person(id) for id in draft.owner_ids]
    if not owners and draft.unit_id:
        owners = [who.unit(draft.unit_id)]
    return Addition(
        choice_word(types_pb2.Level.Name(draft.level), language),
        tuple(owners),
        draft.name,
        draft.statement,
        language.amount(decimal_of(draft.measure, "target"), draft.measure.unit),
        f"/kpi/{one.kpi_id}" if one.kpi_id else "",
        one.serves,
        further_text(one.further, language) if one.further else "",
    )


def _changes(visit: Visit, proposal: goals_pb2.Proposal, who: Directory) -> Iterator[Change]:
    language = visit.language
    order = {types_pb2.LEVEL_COMPANY: 0, types_pb2.LEVEL_DEPARTMENT: 1}
    for change in sorted(proposal.changes, key=lambda change: order.get(change.kpi.level, 2)):
        card = kpi_card(change.kpi, language, Moment())
        before, after = decimal_of(change, "before"), decimal_of(change, "after")
        unit = "%" if is_percent(card.unit) else ""
        serves = (
            [Edge(language.gettext("Serves"), change.serves_before or NOBODY, change.serves_after or NOBODY)]
            if change.HasField("parent") and change.parent.before != change.parent.after
            else []
        )
        yield Change(
            card.level_word if card.level != "department" or not card.unit_name else card.unit_name,
            card.owners,
            card.name,
            card.url,
            language.amount(before, unit),
            language.amount(after, unit),
            language.signed(after - before, unit)
            if after is not None and before is not None and after != before
            else "",
            (
                *edges(change, unit, language),
                *said_changes(change.said, who, language),
                *serves,
                *further_changes(change.further_before, change.further_after, language),
            ),
            change.ends,
        )


async def show(
    visit: Visit,
    decision: Form | None = None,
    withdrawal: Form | None = None,
    status: int = 200,
    *,
    talk: Form | None = None,
    too_late: str = "",
    typed: str = "",
) -> Response:
    """The page of a proposal, with what was typed into one of its forms."""
    shown = await asked_for(visit)
    who = await who_is_named(visit, shown)
    return visit.render(
        "proposals/proposal.html",
        status,
        page=proposal_page(visit, shown, who),
        before=await before(visit, shown, who),
        decision=decision or Form(),
        withdrawal=withdrawal or Form(),
        talk=talk or Form(),
        answering=Form(),
        anew=Form(),
        too_late=too_late,
        typed=typed,
    )


async def who_is_named(visit: Visit, shown: goals_pb2.Proposal) -> Directory:
    """Whoever its changes and additions name."""
    said = [change.said for change in (*shown.changes, *shown.rebased) if change.HasField("said")]
    return await who_is_said(visit, said, *shown.additions)


async def asked_for(visit: Visit) -> goals_pb2.Proposal:
    request = goals_pb2.GetProposal(proposal_id=visit.request.path_params["proposal"])
    return await visit.caller.query("goals", "GetProposal", request, goals_pb2.Proposal)
