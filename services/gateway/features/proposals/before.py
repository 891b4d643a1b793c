"""What a page shows of a proposal before it is decided: words about it, who is invited, and what overtook it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from urllib.parse import quote

from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.cards import Avatar, owner_avatar
from services.gateway.console.directory import Directory
from services.gateway.console.edges import Edge
from services.gateway.console.events import choice_word
from services.gateway.console.language import decimal_of, unreadable
from services.gateway.console.said import said_changes
from services.gateway.console.visit import Visit, or_none

WORDS = 50
"""Of what was said the newest that a page shows."""


@dataclass(frozen=True, slots=True)
class Words:
    by: Avatar
    at: str
    words: str
    erased: bool
    asks: bool


@dataclass(frozen=True, slots=True)
class InvitedRow:
    person: Avatar
    what: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Overtaken:
    """By whom and by what a proposal was overtaken, and what of it differs now."""

    by: Sequence[tuple[Avatar, str, str]]
    """Who decided, what it is called, its address."""
    differing: Sequence[tuple[str, Sequence[Edge]]]
    """By KPI what the proposal says it was, and what it is now."""
    may_rebase: bool


@dataclass(frozen=True, slots=True)
class Before:
    """What a page shows of a proposal before it is decided."""

    words: Sequence[Words]
    more: bool
    invited: Sequence[InvitedRow]
    overtaken: Overtaken | None
    left: str
    """How long until it expires."""
    given: Avatar | None
    """Who said yes already."""
    may_answer: bool
    may_comment: bool
    may_ask: bool


async def before(visit: Visit, proposal: goals_pb2.Proposal, who: Directory) -> Before:
    asked = goals_pb2.ListProposalComments(proposal_id=proposal.proposal_id, page_size=WORDS)
    said = await or_none(visit.caller.query("goals", "ListProposalComments", asked, goals_pb2.ProposalComments))
    language = visit.language
    words = [
        Words(
            owner_avatar(one.by, language),
            language.lately(one.at.ToDatetime(UTC), visit.zone, visit.today),
            language.words(one.words),
            unreadable(one.words),
            one.asks,
        )
        for one in reversed(said.comments if said else ())
    ]
    moved = bool(proposal.overtaken_by) or bool(proposal.rebased) or proposal.may_rebase
    return Before(
        words,
        bool(said and said.next_page_token),
        [_invited(one, visit) for one in proposal.invited],
        _overtaken(visit, proposal, who) if moved else None,
        _left(visit, proposal),
        owner_avatar(proposal.given_by, language) if proposal.HasField("given_by") else None,
        proposal.may_answer,
        proposal.may_comment,
        proposal.may_decide and proposal.may_comment,
    )


def _invited(one: goals_pb2.Invited, visit: Visit) -> InvitedRow:
    kind = choice_word(types_pb2.InvitationKind.Name(one.kind), visit.language)
    return InvitedRow(owner_avatar(one.person, visit.language), f"{one.kpi_name} – {kind}", one.accepted)


def _left(visit: Visit, proposal: goals_pb2.Proposal) -> str:
    if not proposal.HasField("expires_at"):
        return ""
    days = max((proposal.expires_at.ToDatetime(UTC).astimezone(visit.zone).date() - visit.today).days, 0)
    return visit.language.ngettext("%(n)s day left", "%(n)s days left", days) % {"n": days}


def _overtaken(visit: Visit, proposal: goals_pb2.Proposal, who: Directory) -> Overtaken:
    language = visit.language
    by = [
        (
            owner_avatar(one.decided_by, language),
            language.words(one.title) or one.proposal_id,
            f"/proposals/{quote(one.proposal_id, safe='')}",
        )
        for one in proposal.overtaken_by
    ]
    now = {change.kpi_id: change for change in proposal.rebased}
    differing = [
        (change.kpi.name, edges)
        for change in proposal.changes
        if (edges := list(_differing(change, now.get(change.kpi.kpi_id), who, visit)))
    ]
    return Overtaken(by, differing, proposal.may_rebase)


def _differing(
    change: goals_pb2.ProposedChange, now: types_pb2.TargetChange | None, who: Directory, visit: Visit
) -> Iterator[Edge]:
    """What the proposal says it was, and what it is; of what is so already that it is."""
    language, _ = visit.language, visit.language.gettext
    if now is None:
        if not change.ends:
            yield Edge(_("What it asks for"), "", _("is so already"))
        return
    was, then = decimal_of(change, "before"), decimal_of(now, "before")
    if was is not None and was != then:
        amount = language.amount(then, change.kpi.measure.unit) if then is not None else _("is so already")
        yield Edge(_("Target"), language.amount(was, change.kpi.measure.unit), amount)
    sides = types_pb2.SaidChange(before=change.said.before, after=now.said.before)
    yield from (edge for edge in said_changes(sides, who, language) if edge.before != edge.after)
    if change.HasField("parent") and change.parent.before != now.parent.before:
        yield Edge(_("Serves"), change.serves_before or "–", change.kpi.why or _("something else"))
