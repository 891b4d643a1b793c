"""The inbox, page by page: what waits for its reader first, then the newest; with the names and words of what it tells
of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import asyncpg

from eventkit.rpc import paging
from eventkit.values import from_datetime
from nhip.checkins.v1.types_pb2 import CorrectionReason
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1.types_pb2 import PROPOSAL_STATE_PROPOSED, ReasonClass
from nhip.notifications.v1 import notifications_pb2 as pb
from nhip.notifications.v1 import types_pb2 as t
from nhip.notifications.v1.events_pb2 import NoticeGiven
from nhip.rewards.v1.events_pb2 import PraiseGiven
from services.notifications.views.correction import HeardCorrectionRow, HeardCorrectionView
from services.notifications.views.erasure_facts import HeardErasureRow, HeardErasureView
from services.notifications.views.goals_facts import KnownKpiRow, KnownKpiView, KnownProposalRow, KnownProposalView
from services.notifications.views.notice import NoticeRow, NoticeView, ReadView
from services.notifications.views.rewards_facts import (
    HeardGiftView,
    HeardPraiseView,
    HeardRedemptionRow,
    HeardRedemptionView,
    HeardValueView,
)

NOTICE, READ, PROPOSAL, KPI = NoticeView().table, ReadView().table, KnownProposalView().table, KnownKpiView().table
PRAISE, VALUE, GIFT, REDEMPTION = (
    HeardPraiseView().table,
    HeardValueView().table,
    HeardGiftView().table,
    HeardRedemptionView().table,
)
ERASURE, CORRECTION = HeardErasureView().table, HeardCorrectionView().table
PAGE = 30
READ_AT_ONCE = 1000
"""Most notices that are read with one command."""

WAITING = (t.NOTICE_KIND_PROPOSAL_WAITING, t.NOTICE_KIND_ERASURE_WAITING, t.NOTICE_KIND_INVITED)
"""What waits for its reader until it is done."""
WAITS = f"""(not n.closed and (
  n.kind = {t.NOTICE_KIND_PROPOSAL_WAITING} and coalesce(p.state, 0) = {PROPOSAL_STATE_PROPOSED} and p.decider = ''
  or n.kind = {t.NOTICE_KIND_INVITED} and coalesce(p.state, 0) = {PROPOSAL_STATE_PROPOSED}
    and not n.person_id = any(p.accepted)
  or n.kind = {t.NOTICE_KIND_ERASURE_WAITING} and coalesce(e.requested, false)))"""
UNREAD = "coalesce(r.position < n.position, true)"
JOINED = f"""{NOTICE} n left join {READ} r on r.tenant = n.tenant and r.notice_id = n.notice_id
left join {PROPOSAL} p on p.tenant = n.tenant and p.proposal_id = n.proposal_id
left join {ERASURE} e on e.tenant = n.tenant and e.person_id = n.erased_id"""

# A person's notices from newest to oldest, below a position unless that is 0: those that wait, or the others.
LISTED = f"""
select n.*, {UNREAD} as unread from {JOINED}
where n.tenant = $1 and n.person_id = $2 and n.inbox and (not $3 or {UNREAD}) and ($4 = 0 or n.position < $4)
    and {WAITS} = $5
order by n.position desc limit $6
"""


@dataclass(frozen=True, slots=True)
class Listed:
    row: NoticeRow
    unread: bool


async def page(con: asyncpg.Connection, tenant: str, person_id: str, request: pb.ListNotices) -> pb.Notices:
    """A page of a person's inbox. Its place is the part of it, waiting or not, and the position to go on below."""
    asked = paging.asked(request, tenant, bool, int, size=PAGE)
    of_waiting, below = asked.after or (True, 0)

    async def some(waiting: bool, below: int, most: int) -> list[Listed]:
        return _listed(await con.fetch(LISTED, tenant, person_id, request.unread, below, waiting, most))

    waiting = await some(True, below, asked.limit) if of_waiting else []
    if len(waiting) > asked.size:
        shown, token = waiting[: asked.size], asked.token(True, waiting[asked.size - 1].row.position)
    else:
        room = asked.size - len(waiting)
        others = await some(False, 0 if of_waiting else below, room + 1)
        shown = [*waiting, *others[:room]]
        token = "" if len(others) <= room else asked.token(False, others[room - 1].row.position if room else 0)
    notices = await messages(con, tenant, shown)
    return pb.Notices(notices=notices, next_page_token=token, unread=await _unread(con, tenant, person_id))


async def count(con: asyncpg.Connection, tenant: str, person_id: str) -> pb.NoticeCount:
    waiting = await con.fetchval(
        f"select count(*) from {JOINED} where n.tenant = $1 and n.person_id = $2 and n.inbox "
        f"and n.kind in ({', '.join(map(str, WAITING))}) and {WAITS}",
        tenant,
        person_id,
    )
    return pb.NoticeCount(unread=await _unread(con, tenant, person_id), waiting=waiting)


async def _unread(con: asyncpg.Connection, tenant: str, person_id: str) -> int:
    unread = f"""select count(*) from {NOTICE} n left join {READ} r on r.tenant = n.tenant
        and r.notice_id = n.notice_id
        where n.tenant = $1 and n.person_id = $2 and n.inbox and {UNREAD}"""
    return await con.fetchval(unread, tenant, person_id)


async def unread(con: asyncpg.Connection, tenant: str, person_id: str) -> list[str]:
    """The ids of a person's unread notices, the newest first, as many as are read with one command."""
    rows = await con.fetch(
        f"""select n.notice_id from {NOTICE} n left join {READ} r on r.tenant = n.tenant
            and r.notice_id = n.notice_id
        where n.tenant = $1 and n.person_id = $2 and n.inbox and {UNREAD}
            order by n.position desc limit {READ_AT_ONCE}""",
        tenant,
        person_id,
    )
    return [row["notice_id"] for row in rows]


async def rows_of(con: asyncpg.Connection, tenant: str, notice_ids: Sequence[str]) -> list[Listed]:
    """Some notices that are there, in the order asked for."""
    rows = await con.fetch(
        f"""select n.*, {UNREAD} as unread from {NOTICE} n left join {READ} r on r.tenant = n.tenant
            and r.notice_id = n.notice_id
        where n.tenant = $1 and n.notice_id = any($2::text[])""",
        tenant,
        notice_ids,
    )
    found = {listed.row.notice_id: listed for listed in _listed(rows)}
    return [found[id] for id in notice_ids if id in found]


def _listed(rows: Sequence[asyncpg.Record]) -> list[Listed]:
    return [Listed(NOTICE.of(row), row["unread"]) for row in rows]


@dataclass(frozen=True, slots=True)
class _Told:
    """The things that some notices tell of."""

    kpis: dict[str, KnownKpiRow]
    proposals: dict[str, KnownProposalRow]
    praises: dict[str, PraiseGiven]
    redemptions: dict[str, HeardRedemptionRow]
    values: dict[str, str] = field(default_factory=dict[str, str])
    gifts: dict[str, str] = field(default_factory=dict[str, str])
    erasures: dict[str, HeardErasureRow] = field(default_factory=dict[str, HeardErasureRow])
    corrections: dict[str, HeardCorrectionRow] = field(default_factory=dict[str, HeardCorrectionRow])
    """By the event that the notice answers to."""

    def kpi_name(self, kpi_id: str) -> str:
        return self.kpis[kpi_id].name if kpi_id in self.kpis else ""


async def messages(con: asyncpg.Connection, tenant: str, listed: Sequence[Listed]) -> list[pb.Notice]:
    """Notices as they are shown; personal words still sealed."""
    given = [NoticeGiven.FromString(one.row.given) for one in listed]
    told = await _told(con, tenant, given)
    return [_message(one, e, told) for one, e in zip(listed, given, strict=True)]


async def _told(con: asyncpg.Connection, tenant: str, given: Sequence[NoticeGiven]) -> _Told:
    def keys(ids: Iterable[str]) -> list[tuple[str, str]]:
        return [(tenant, id) for id in dict.fromkeys(ids) if id]

    praises = await PRAISE.load(con, keys(e.praise_id for e in given))
    praised = {id: PraiseGiven.FromString(row.given) for (_, id), row in praises.items()}
    redemptions = {
        id: row for (_, id), row in (await REDEMPTION.load(con, keys(e.redemption_id for e in given))).items()
    }
    changes = [change for e in given for change in e.changes]
    changed = [id for change in changes for id in (change.kpi_id, change.parent_before, change.parent_after)]
    kpis = await KPI.load(
        con, keys([*changed, *(e.kpi_id for e in given), *(praise.kpi_id for praise in praised.values())])
    )
    return _Told(
        kpis={id: row for (_, id), row in kpis.items()},
        proposals={id: row for (_, id), row in (await PROPOSAL.load(con, keys(e.proposal_id for e in given))).items()},
        praises=praised,
        redemptions=redemptions,
        values={
            id: row.name for (_, id), row in (await VALUE.load(con, keys(p.value_id for p in praised.values()))).items()
        },
        gifts={
            id: row.name
            for (_, id), row in (await GIFT.load(con, keys(r.gift_id for r in redemptions.values()))).items()
        },
        corrections={
            id: row
            for (_, id), row in (
                await CORRECTION.load(
                    con, keys(e.cause_event_id for e in given if e.kind == t.NOTICE_KIND_PROGRESS_CORRECTED)
                )
            ).items()
        },
        erasures={id: row for (_, id), row in (await ERASURE.load(con, keys(e.erased_id for e in given))).items()},
    )


def _message(listed: Listed, e: NoticeGiven, told: _Told) -> pb.Notice:
    row = listed.row
    notice = pb.Notice(
        notice_id=row.notice_id,
        kind=e.kind,
        given_at=from_datetime(row.given_at),
        read=not listed.unread,
        by_id=e.by_id,
        changes=[_change(change, told) for change in e.changes],
        proposal_id=e.proposal_id,
        granted=e.granted,
        praise_id=e.praise_id,
        kpi_id=e.kpi_id,
        kpi_name=told.kpi_name(e.kpi_id),
        since=e.since if e.HasField("since") else None,
        redemption_id=e.redemption_id,
        more=row.more,
        erased_id=e.erased_id,
        leaver_id=e.leaver_id,
        unit_id=e.unit_id,
        check_in_id=e.check_in_id,
        topic_id=e.topic_id,
        cycle_id=e.cycle_id,
        team_retro_id=e.team_retro_id,
        action_id=e.action_id,
        meeting_id=e.meeting_id,
        reviewed_id=e.reviewed_id,
        at=e.at if e.HasField("at") else None,
    )
    if proposal := told.proposals.get(e.proposal_id):
        decides = e.kind == t.NOTICE_KIND_PROPOSAL_WAITING and not proposal.given
        answers = e.kind == t.NOTICE_KIND_INVITED and row.person_id not in proposal.accepted
        waits = proposal.state == PROPOSAL_STATE_PROPOSED and (decides or answers)
        notice.waiting = waits and not row.closed
        notice.title.CopyFrom(PersonalText.FromString(proposal.title))
        if e.kind == t.NOTICE_KIND_PROPOSAL_DECIDED:
            _give_reason(notice, 0, proposal.decision)  # of what was decided the decider says why
        else:
            _give_reason(notice, proposal.reason_class, proposal.reason)
    elif ended := next(
        (told.kpis[c.kpi_id] for c in e.changes if c.kind == t.CHANGE_KIND_RETIRED and c.kpi_id in told.kpis), None
    ):
        _give_reason(notice, ended.end_reason_class, ended.end_reason)
    if correction := told.corrections.get(e.cause_event_id):
        notice.reason.CopyFrom(PersonalText.FromString(correction.reason))
        notice.reason_class = CorrectionReason.Name(correction.reason_class)  # type: ignore[arg-type] # by its number
    if erasure := told.erasures.get(e.erased_id):
        notice.waiting = e.kind == t.NOTICE_KIND_ERASURE_WAITING and erasure.requested and not row.closed
        if e.kind == t.NOTICE_KIND_ERASURE_DECIDED:
            _give_reason(notice, 0, erasure.reason)
    if praise := told.praises.get(e.praise_id):
        notice.words.CopyFrom(praise.words)
        notice.value_name = told.values.get(praise.value_id, "")
        notice.kpi_id, notice.kpi_name = praise.kpi_id, told.kpi_name(praise.kpi_id)
        notice.points = next((share.points for share in praise.shares if share.person_id == e.person_id), 0)
    if redemption := told.redemptions.get(e.redemption_id):
        notice.gift_name, notice.points = told.gifts.get(redemption.gift_id, ""), redemption.points
    return notice


def is_whole(notice: pb.Notice) -> bool:
    """Whether all is known that a notice tells of: a view of another context may not have heard of it yet."""
    match notice.kind:
        case (
            t.NOTICE_KIND_PROPOSAL_WAITING
            | t.NOTICE_KIND_PROPOSAL_DECIDED
            | t.NOTICE_KIND_INVITED
            | t.NOTICE_KIND_INVITATION_ACCEPTED
            | t.NOTICE_KIND_PROPOSAL_COMMENTED
            | t.NOTICE_KIND_PROPOSAL_EXPIRED
        ):
            known = notice.HasField("title")
        case t.NOTICE_KIND_ERASURE_WAITING | t.NOTICE_KIND_ERASURE_DECIDED:
            known = notice.erased_id != ""
        case t.NOTICE_KIND_PRAISE_RECEIVED:
            known = notice.HasField("words")
        case t.NOTICE_KIND_PROGRESS_STALE:
            known = notice.kpi_name != ""
        case t.NOTICE_KIND_PROGRESS_CORRECTED:
            known = notice.HasField("reason")
        case t.NOTICE_KIND_GIFT:
            known = notice.gift_name != ""
        case _:
            known = True
    return known and all(change.kpi_name for change in notice.changes)


def _change(change: t.KpiChange, told: _Told) -> pb.NoticedChange:
    return pb.NoticedChange(
        change=change,
        kpi_name=told.kpi_name(change.kpi_id),
        unit=told.kpis[change.kpi_id].unit if change.kpi_id in told.kpis else "",
        parent_before_name=told.kpi_name(change.parent_before),
        parent_after_name=told.kpi_name(change.parent_after),
    )


def _give_reason(notice: pb.Notice, reason_class: int, reason: bytes) -> None:
    if reason:
        notice.reason.CopyFrom(PersonalText.FromString(reason))
    notice.reason_class = ReasonClass.Name(reason_class) if reason_class else ""  # type: ignore[arg-type] # stored as the enum's number
