"""Meetings, for those who take part: what each may read of it."""

from datetime import datetime

import asyncpg

from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.errors import unknown
from eventkit.rpc.paging import asked
from eventkit.values import from_datetime, to_datetime
from nhip.checkins.v1 import meetings_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import InvitationAnswered, MinutesAdded, NoteWritten, WayWritten
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.queries import actions, topics
from services.checkins.views.meeting import ITEMS, MEETINGS, SEATS, ItemRow, MeetingRow, of_circle

PAGE = 50


async def meetings(con: asyncpg.Connection, request: pb.ListMeetings, ctx: Context) -> pb.MeetingList:
    """Those to come or going on, the next first; or those that were or were called off, the last first."""
    page = asked(request, ctx.tenant, datetime, str, size=PAGE)
    if request.past:
        which, order, further = "(s.ends_at < $3 or s.called_off)", "desc", "<"
    else:
        which, order, further = "s.ends_at >= $3 and not s.called_off", "", ">"
    rows = await con.fetch(
        f"""select m.* from {SEATS} s join {MEETINGS} m on m.tenant = s.tenant and m.meeting_id = s.meeting_id
        where s.tenant = $1 and s.person_id = $2 and {which} and ($4 = '' or $4 = any(m.people))
        and ($5::timestamptz is null or (s.starts_at, s.meeting_id) {further} ($5, $6))
        order by s.starts_at {order}, s.meeting_id {order} limit $7""",
        ctx.tenant,
        ctx.actor.id,
        ctx.at,
        request.with_id,
        *(page.after or (None, "")),
        page.limit,
    )
    shown, token = page.cut(list(map(MEETINGS.of, rows)), lambda row: (row.starts_at, row.meeting_id))
    return pb.MeetingList(meetings=(_head(row, ctx.actor.id) for row in shown), next_page_token=token)


async def meeting(con: asyncpg.Connection, meeting_id: str, org: OrgChart, ctx: Context) -> pb.Meeting:
    """Raises `Rejected` MEETING_UNKNOWN, also for who does not take part."""
    me = ctx.actor.id
    record = await con.fetchrow(
        f"select * from {MEETINGS} where tenant = $1 and meeting_id = $2 and $3 = any(people)",
        ctx.tenant,
        meeting_id,
        me,
    )
    if record is None:
        raise unknown("meeting", meeting_id, "meeting_id")
    row = MEETINGS.of(record)
    since = int(row.joined[row.people.index(me)])
    records = await con.fetch(
        f"select * from {ITEMS} where tenant = $1 and meeting_id = $2 and circle >= $3 and said <> '' "
        "order by at, item",
        ctx.tenant,
        meeting_id,
        since,
    )
    items = list(map(ITEMS.of, records))
    chosen = {way for circle, way in of_circle(row.chosen) if circle >= since}
    discussed = [topic for circle, topic in of_circle(row.topics) if circle >= since]
    adjust = {circle: said == "yes" for circle, said in of_circle(row.adjust) if circle >= since}
    agreed = [action for circle, action in of_circle(row.actions) if circle >= since]
    is_open = row.state == t.MEETING_STATE_OPEN
    return pb.Meeting(
        head=_head(row, me),
        version=row.saying,
        notes=[_note(item) for item in items if item.item.startswith("note/")],
        ways=[_way(item, chosen) for item in items if item.item.startswith("way/")],
        actions=await actions.of_meeting(con, agreed, org, ctx),
        earlier=await actions.earlier(con, meeting_id, row.people, org, ctx),
        kpi_question_answered=bool(adjust),
        adjust_kpi=bool(adjust) and adjust[max(adjust)],
        confirmed_by=row.confirmed,
        additions=[_addition(item) for item in items if item.item.startswith("addition/")],
        may_write=is_open,
        may_confirm=is_open and me not in row.confirmed,
        may_add=row.state == t.MEETING_STATE_CONFIRMED,
        may_move=is_open,
        may_answer=is_open and row.ends_at > ctx.at and row.called_by != me,
        answers=[_answer(one, me) for one in items if one.item.startswith("answer/") and _of_now(one, row)],
        circle=row.circle,
        topic_ids=discussed,
        topics=await topics.of_people(con, ctx.tenant, row.people, discussed, me, org),
    )


def _head(row: MeetingRow, reader: str) -> pb.MeetingHead:
    """What it is called for was said to those who were asked at first."""
    at_first = row.joined[row.people.index(reader)] == "0"
    return pb.MeetingHead(
        meeting_id=row.meeting_id,
        host_id=row.host_id,
        participant_ids=row.people,
        span=t.Span(starts_at=from_datetime(row.starts_at), ends_at=from_datetime(row.ends_at)),
        about=PersonalText.FromString(row.about) if row.about and at_first else None,
        state=row.state,  # type: ignore[arg-type] # the enum's number
        check_in_id=row.check_in_id,
        cycle_id=row.cycle_id,
        reviewed_id=row.reviewed_id,
        called_by_id=row.called_by,
        reason=PersonalText.FromString(row.reason) if row.reason else None,
    )


def _note(item: ItemRow) -> pb.Note:
    written = NoteWritten.FromString(item.said)
    return pb.Note(
        part=written.part,
        question=written.question,
        revision=written.revision,
        text=written.text if written.HasField("text") else None,
        by_id=written.by_id,
        at=from_datetime(item.at),
        circle=written.circle,
    )


def _way(item: ItemRow, chosen: set[str]) -> pb.WayOfMeeting:
    written = WayWritten.FromString(item.said)
    return pb.WayOfMeeting(
        way_id=written.way_id,
        revision=written.revision,
        way=written.way,
        chosen=written.way_id in chosen,
        circle=written.circle,
    )


def _of_now(item: ItemRow, row: MeetingRow) -> bool:
    """Whoever answered for another time is asked anew."""
    span = InvitationAnswered.FromString(item.said).span
    return (to_datetime(span.starts_at), to_datetime(span.ends_at)) == (row.starts_at, row.ends_at)


def _answer(item: ItemRow, reader: str) -> pb.InvitationAnswer:
    answered = InvitationAnswered.FromString(item.said)
    reads = reader in (answered.by_id, answered.invited_by_id)
    return pb.InvitationAnswer(
        person_id=answered.by_id,
        comes=answered.comes,
        word=answered.word if reads and answered.HasField("word") else None,
    )


def _addition(item: ItemRow) -> pb.Addition:
    added = MinutesAdded.FromString(item.said)
    return pb.Addition(text=added.text, by_id=added.by_id, at=from_datetime(item.at))
