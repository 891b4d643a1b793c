"""Check-ins, as far as somebody may read them."""

from collections.abc import Mapping, Sequence
from datetime import date

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.rpc.paging import asked
from eventkit.values import from_date, from_datetime, from_decimal
from nhip.checkins.v1 import check_ins_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import CheckInAskedAgain, CheckInEvaluated, CheckInSubmitted
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.domain.calendar import Calendar
from services.checkins.domain.check_in import Rights, rights, state_on
from services.checkins.queries.calendars import managers_then, sent_to
from services.checkins.views.check_in import ANSWERS, CHECK_INS, AnswerRow, CheckInRow

PAGE = 30
SHOWN_ANSWERS = 50


async def made(
    con: asyncpg.Connection, tenant: str, person_id: str, slots: Sequence[date]
) -> Mapping[date, CheckInRow]:
    """What is there of some slots of a person."""
    rows = await con.fetch(
        f"select * from {CHECK_INS} where tenant = $1 and person_id = $2 and due_on = any($3::date[])",
        tenant,
        person_id,
        slots,
    )
    return {row.due_on: row for row in map(CHECK_INS.of, rows)}


async def last_submitted(con: asyncpg.Connection, tenant: str, person_id: str, before: date) -> CheckInSubmitted | None:
    row = await con.fetchrow(
        f"select submitted from {CHECK_INS} where tenant = $1 and person_id = $2 and due_on < $3 and submission > 0 "
        "order by due_on desc limit 1",
        tenant,
        person_id,
        before,
    )
    return CheckInSubmitted.FromString(row["submitted"]) if row else None


async def answers(con: asyncpg.Connection, tenant: str, person_id: str, due_on: date) -> list[AnswerRow]:
    """In order, the last of them."""
    rows = await con.fetch(
        f"select * from {ANSWERS} where tenant = $1 and person_id = $2 and due_on = $3 order by version desc "
        f"limit {SHOWN_ANSWERS}",
        tenant,
        person_id,
        due_on,
    )
    return [ANSWERS.of(row) for row in reversed(rows)]


async def page(
    con: asyncpg.Connection, tenant: str, request: pb.ListCheckIns, reader: str, org: OrgChart, today: date
) -> pb.CheckInList:
    """The newest first; of somebody else those whose day fell into the reader's time as their manager."""
    person_id = request.person_id or reader
    asked_for = asked(request, tenant, date, size=PAGE)
    rows = await con.fetch(
        f"select * from {CHECK_INS} where tenant = $1 and person_id = $2 and ($3::date is null or due_on < $3) "
        "order by due_on desc limit $4",
        tenant,
        person_id,
        asked_for.after[0] if asked_for.after else None,
        asked_for.limit,
    )
    shown, token = asked_for.cut([CHECK_INS.of(row) for row in rows], lambda row: (row.due_on,))
    managers = await managers_then(con, tenant, [person_id], org)
    read = [
        row
        for row in shown
        if rights(person_id, sent_to(managers, row, person_id, row.due_on, today), reader, org).read
    ]
    return pb.CheckInList(check_ins=[line(row, today, own=person_id == reader) for row in read], next_page_token=token)


def line(row: CheckInRow, today: date, *, own: bool) -> pb.CheckInLine:
    """That somebody is still writing is theirs to know."""
    state = state_on(row.state, row.due_on, today)
    if state == t.CHECK_IN_STATE_DRAFT and not own:
        state = t.CHECK_IN_STATE_NOT_STARTED
    return pb.CheckInLine(
        due_on=from_date(row.due_on),
        state=state,
        submitted_at=from_datetime(row.submitted_at) if row.submitted_at else None,
        late=row.late,
        undated=row.undated,
        mood=PersonalText.FromString(row.mood) if row.mood else None,
        confidence=from_decimal(row.confidence) if row.confidence is not None else None,
        answered_at=from_datetime(row.answered_at) if row.answered_at else None,
    )


def shown(
    person_id: str,
    due_on: date,
    calendar: Calendar | None,
    row: CheckInRow | None,
    told: Sequence[AnswerRow],
    may: Rights,
    manager: str,
    today: date,
) -> pb.CheckIn:
    """A check-in without the draft and what is carried on."""
    slot = calendar.slot(due_on) if calendar else None
    before, after = calendar.around(due_on) if calendar else (None, None)
    state = state_on(
        row.state if row else t.CHECK_IN_STATE_NOT_STARTED, due_on, today, away=slot is not None and slot.away
    )
    if state == t.CHECK_IN_STATE_DRAFT and not may.own:
        state = t.CHECK_IN_STATE_NOT_STARTED
    begun = slot is None or slot.opens_on <= today
    there = slot is not None or row is not None
    return pb.CheckIn(
        person_id=person_id,
        due_on=from_date(due_on),
        state=state,
        number=slot.number if slot else 0,
        opens_on=from_date(slot.opens_on) if slot else None,
        manager_id=manager,
        revision=row.revision if row and may.own else 0,
        drafted_at=from_datetime(row.drafted_at) if row and may.own and row.drafted_at else None,
        submitted=_submission(row) if row and row.submission else None,
        answers=map(_answer, told),
        may_submit=may.own and there and begun and state != t.CHECK_IN_STATE_EVALUATED,
        may_evaluate=may.evaluate and row is not None and row.submission > 0,
        previous_due_on=from_date(before.due_on) if before else None,
        next_due_on=from_date(after.due_on) if after else None,
    )


def _submission(row: CheckInRow) -> pb.Submission:
    e = CheckInSubmitted.FromString(row.submitted)
    return pb.Submission(
        number=e.submission,
        at=from_datetime(row.submitted_at) if row.submitted_at else None,
        late=e.late,
        values=e.values,
        mood=e.mood if e.HasField("mood") else None,
        done=e.done,
        not_done=e.not_done,
        planned=e.planned,
        blockers=e.blockers,
        learnings=e.learnings if e.HasField("learnings") else None,
        topic_ids=e.topic_ids,
        wants_meeting=e.wants_meeting,
        brought_in=e.brought_in,
    )


def _answer(row: AnswerRow) -> pb.CheckInAnswer:
    if row.asks_again:
        asked_again = CheckInAskedAgain.FromString(row.answer)
        return pb.CheckInAnswer(
            by_id=asked_again.by_id,
            at=from_datetime(row.at),
            submission=asked_again.submission,
            asks_again=True,
            comment=asked_again.reason,
        )
    e = CheckInEvaluated.FromString(row.answer)
    return pb.CheckInAnswer(
        by_id=e.by_id,
        at=from_datetime(row.at),
        submission=e.submission,
        comment=e.comment if e.HasField("comment") else None,
        remarks=e.remarks,
    )
