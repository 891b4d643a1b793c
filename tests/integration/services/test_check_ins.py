"""The rhythm of a team over the real services: topics, check-ins, their answers and reminders.

C-06, C-09, C-10, C-11, C-12, C-15, N-03, N-04, N-10.
"""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from eventkit.context import by_the_clock
from eventkit.errors import Rejected
from eventkit.rpc.integrations import digest
from eventkit.subscriptions.table import reading
from eventkit.values import from_date, from_datetime, required_date
from nhip.checkins.v1 import cadence_pb2 as cd
from nhip.checkins.v1 import calendar_feeds_pb2 as fd
from nhip.checkins.v1 import check_ins_pb2 as ci
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.checkins.v1 import meetings_pb2 as m
from nhip.checkins.v1 import topics_pb2 as tp
from nhip.checkins.v1 import types_pb2 as t
from nhip.common.v1 import operations_pb2 as o
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as gt
from nhip.notifications.v1 import notifications_pb2 as n
from nhip.notifications.v1 import types_pb2 as nt
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from services.checkins.queries.calendars import cycle_around, everybody
from services.checkins.reactors.falling_due import FallingDue
from tests.integration.services.company import DESCRIPTORS, OPERATOR, Company, System, number, today, words
from tests.waiting import PATIENCE


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


async def told(company: Company, who: str, kind: nt.NoticeKind.ValueType) -> n.Notice:
    """The notice of that kind that somebody gets."""
    async with asyncio.timeout(PATIENCE):
        while True:
            listed = await company.ask(n.ListNotices(), who)
            assert isinstance(listed, n.Notices)
            if found := next((one for one in listed.notices if one.kind == kind), None):
                return found
            await asyncio.sleep(0.1)


async def is_right(company: Company) -> None:
    """Every view says what the streams say."""
    verified = await company.ask(o.Verify(), OPERATOR, context="checkins")
    assert isinstance(verified, o.Verified)
    assert [(view.view, difference) for view in verified.views for difference in view.differences] == []


async def test_a_topic_is_read_by_whom_it_concerns_answered_and_told(company: Company):
    draft = tp.TopicDraft(title=words("Duyệt giá nhanh hơn"), wanted=words("Xong tuần này"), kpi_id=company.ids["I1"])
    topic = await company.do(tp.RaiseTopic(topic=draft), "minh")
    assert (await told(company, "phuc", nt.NOTICE_KIND_TOPIC_ASKED)).topic_id == topic
    assert (await company.refused(tp.GetTopic(topic_id=topic), "tram")).reason == "TOPIC_UNKNOWN"
    await company.do(tp.ForwardTopic(topic_id=topic, person_id=company.ids["quang"], note=words("Nhờ anh")), "phuc")
    waiting = await company.ask(tp.ListTopics(waiting_for_me=True), "quang")
    assert isinstance(waiting, tp.TopicList)
    assert [(one.title.plain, one.steps[0].words.plain) for one in waiting.topics] == [
        ("Duyệt giá nhanh hơn", "Nhờ anh")
    ]
    await company.do(tp.AnswerTopic(topic_id=topic, answer=words("Duyệt rồi")), "quang")
    assert (await told(company, "minh", nt.NOTICE_KIND_TOPIC_ANSWERED)).by_id == company.ids["quang"]
    shown = await company.ask(tp.GetTopic(topic_id=topic), "minh")
    assert isinstance(shown, tp.Topic)
    assert (shown.state, shown.may_close, shown.may_reopen, shown.may_answer) == (
        t.TOPIC_STATE_ANSWERED,
        True,
        True,
        False,
    )
    await is_right(company)


async def in_rhythm(company: Company) -> Company:
    """Every two weeks, with a check-in due today, in a cycle that runs."""
    await company.do(g.StartCycle(cycle_id=company.ids["q1"], with_uneven_weights=True), "nam")
    day = today() - timedelta(days=28)
    rhythm = cd.SetCadence(every_weeks=2, first_on=from_date(day))
    rhythm.weekday = day.isoweekday()  # type: ignore[assignment] # the enum's number
    await company.do(rhythm)
    return company


async def one(company: Company, by: str, of: str = "", due_on: date | None = None) -> ci.CheckIn:
    asked = ci.GetCheckIn(person_id=company.ids[of] if of else "", due_on=from_date(due_on) if due_on else None)
    shown = await company.ask(asked, by)
    assert isinstance(shown, ci.CheckIn)
    return shown


async def test_a_quarter_of_company_x_has_its_six_slots_c03(company: Company):
    q1 = g.OpenCycle(name="Q1/2025", starts_on=from_date(date(2025, 1, 1)), ends_on=from_date(date(2025, 3, 31)))
    company.ids["q1"] = await company.do(q1)
    await company.define("K9", gt.LEVEL_COMPANY, 5, gt.Parent(csf_id=company.ids["csf"]), owner="nam")
    await company.do(g.StartCycle(cycle_id=company.ids["q1"], with_uneven_weights=True), "nam")
    first = from_date(date(2025, 1, 9))
    await company.do(cd.SetCadence(every_weeks=2, weekday=t.WEEKDAY_THURSDAY, first_on=first))
    asked = cd.GetCalendar(person_id=company.ids["minh"], day=from_date(date(2025, 3, 1)))
    calendar = await company.ask(asked, "minh")
    assert isinstance(calendar, cd.Calendar)
    assert [required_date(slot.due_on).strftime("%d/%m") for slot in calendar.slots] == [
        "09/01",
        "23/01",
        "06/02",
        "20/02",
        "06/03",
        "20/03",
    ]
    assert required_date(calendar.review_on) == date(2025, 3, 31)
    assert (await company.refused(asked, "tram")).reason == "PERSON_UNKNOWN"
    later = cd.SetCadence(every_weeks=1, weekday=t.WEEKDAY_MONDAY, first_on=from_date(today()))
    assert (await company.refused(later, "minh")).reason == "RHYTHM_NOT_YOURS"


async def test_minh_checks_in_and_phuc_answers(company: Company):
    """Steps 9 and 10: a value, a mood and a topic, whole or not at all; read by his manager alone."""
    await in_rhythm(company)
    due, kpi = from_date(today()), company.ids["I1"]
    draft = ci.CheckInDraft(mood=4, planned=["Gọi lại khách Beta"], values=[ci.DraftValue(kpi_id=kpi, value="4x")])
    await company.do(ci.SaveCheckInDraft(due_on=due, draft=draft), "minh")
    mine = await one(company, "minh")
    assert (mine.draft, mine.revision, mine.state) == (draft, 1, t.CHECK_IN_STATE_DRAFT)
    theirs = await one(company, "phuc", "minh", today())
    assert (theirs.state, theirs.HasField("draft"), theirs.may_evaluate) == (t.CHECK_IN_STATE_NOT_STARTED, False, False)

    whole = ci.SubmitCheckIn(
        due_on=due,
        revision=1,
        mood=4,
        values=[c.RecordProgress(kpi_id=kpi, value=number(44), confidence=7, note=words("Bốn buổi mới"))],
        done=[words("Gửi báo giá")],
        planned=[words("Chốt hai hợp đồng")],
        blockers=[words("Bản demo lỗi")],
        topics=[tp.TopicDraft(title=words("Duyệt giá nhanh hơn"), kpi_id=kpi)],
    )
    wrong = ci.SubmitCheckIn()
    wrong.CopyFrom(whole)
    wrong.topics.add(title=words("Với chính tôi"), participant_ids=[company.ids["minh"]])
    refusal = await company.refused(wrong, "minh")
    assert [v.field for v in refusal.violations] == ["topics[1].participant_ids[0]"]
    listed = await company.ask(c.ListProgress(kpi_id=kpi), "minh")
    assert isinstance(listed, c.Progress)
    assert list(listed.entries) == [], "nothing is recorded of what is refused"

    await company.do(whole, "minh", key="once")
    await company.do(whole, "minh", key="once")
    assert (await told(company, "phuc", nt.NOTICE_KIND_CHECK_IN_SUBMITTED)).by_id == company.ids["minh"]
    read = await one(company, "phuc", "minh", today())
    assert (read.submitted.number, read.submitted.mood.plain, read.submitted.planned[0].plain) == (
        1,
        "4",
        "Chốt hai hợp đồng",
    )
    assert (read.submitted.values[0].value.value, read.may_evaluate) == ("44", True)
    for other in ("tram", "nam", "quang"):
        asked = ci.GetCheckIn(person_id=company.ids["minh"], due_on=due)
        assert (await company.refused(asked, other)).reason == "CHECK_IN_UNKNOWN"

    team = await company.ask(ci.ListTeam(), "phuc")
    assert isinstance(team, ci.Team)
    first = team.members[0]
    assert (first.person_id, first.last[0].mood.plain, first.kpis) == (company.ids["minh"], "4", 1)
    assert set(first.signs) == {t.TEAM_SIGN_TOPIC_WAITS, t.TEAM_SIGN_ANSWER_WAITS}

    minh = company.ids["minh"]
    again = ci.AskAgain(person_id=minh, due_on=due, submission=1, reason=words("Thiếu ghi chú"))
    await company.do(again, "phuc")
    assert not (await told(company, "minh", nt.NOTICE_KIND_CHECK_IN_ANSWERED)).granted
    await company.do(ci.SubmitCheckIn(due_on=due, mood=3, learnings=words("Hỏi sớm hơn")), "minh")
    both = await asyncio.gather(
        company.ask(ci.EvaluateCheckIn(person_id=minh, due_on=due, submission=1, comment=words("Cũ")), "phuc"),
        company.ask(ci.EvaluateCheckIn(person_id=minh, due_on=due, submission=2, comment=words("Tốt")), "phuc"),
        return_exceptions=True,
    )
    assert [isinstance(answer, Exception) for answer in both] == [True, False], "nobody answers what they did not read"
    after = await one(company, "minh", due_on=today())
    assert (after.state, [a.comment.plain for a in after.answers]) == (
        t.CHECK_IN_STATE_EVALUATED,
        ["Thiếu ghi chú", "Tốt"],
    )
    await is_right(company)


async def test_what_is_due_is_said_once_and_counted(company: Company, system: System):
    await in_rhythm(company)
    await company.do(ci.SubmitCheckIn(due_on=from_date(today()), mood=5), "minh")
    await company.do(cd.NoteAbsence(person_id=company.ids["tram"], first_on=from_date(today())), "tram")
    await company.ask(ci.ListCheckIns(), "minh")  # the views have it
    timer = FallingDue(system.all_resources["checkins"])
    ctx = by_the_clock(company.tenant, "test", str(uuid4()), datetime.now(UTC), datetime.now(UTC))
    await asyncio.gather(timer.look_at(ctx, today()), timer.look_at(ctx, today()))
    due = await told(company, "quang", nt.NOTICE_KIND_CHECK_IN_DUE)
    assert required_date(due.since) == today()
    listed = await company.ask(n.ListNotices(), "quang")
    assert isinstance(listed, n.Notices)
    kinds = [one.kind for one in listed.notices]
    assert kinds.count(nt.NOTICE_KIND_CHECK_IN_DUE) == 1, "once, although two said so"
    await told(company, "nam", nt.NOTICE_KIND_CHECK_IN_DUE)
    listed = await company.ask(n.ListNotices(), "tram")
    assert isinstance(listed, n.Notices)
    assert list(listed.notices) == [], "who is away is asked for nothing"
    await is_right(company)


async def moods_read(company: Company, of: str, by: str) -> list[str]:
    read = await company.ask(ci.ListCheckIns(person_id=company.ids[of]), by)
    assert isinstance(read, ci.CheckInList)
    return [line.mood.plain for line in read.check_ins]


async def test_a_check_in_is_read_by_whom_it_was_sent_to_also_when_the_manager_changes_on_its_day_c15(company: Company):
    await in_rhythm(company)
    past, due = today() - timedelta(days=14), today()
    await company.do(ci.SubmitCheckIn(due_on=from_date(past), mood=2), "minh")
    await company.do(ci.SubmitCheckIn(due_on=from_date(due), mood=3), "minh")
    place = pt.Place(unit_id=company.ids["sales"], manager_id=company.ids["quang"])
    for who in ("minh", "tram"):
        await company.do(p.AssignPlace(person_id=company.ids[who], place=place))
    assert (await moods_read(company, "minh", "quang"), await moods_read(company, "minh", "phuc")) == ([], ["3", "2"])
    await company.do(ci.SubmitCheckIn(due_on=from_date(due), mood=4), "tram")
    assert (await moods_read(company, "tram", "quang"), await moods_read(company, "tram", "phuc")) == (["4"], [])
    again = ci.AskAgain(person_id=company.ids["minh"], due_on=from_date(due), submission=1, reason=words("Thiếu số"))
    assert (await company.refused(again, "quang")).reason == "CHECK_IN_UNKNOWN"
    await company.do(again, "phuc")
    await company.do(ci.SubmitCheckIn(due_on=from_date(due), mood=5), "minh")  # by now it is sent to the new one
    assert (await moods_read(company, "minh", "quang"), await moods_read(company, "minh", "phuc")) == (["5"], ["2"])
    await is_right(company)


async def test_a_holiday_that_is_named_later_asks_nobody_twice_and_hides_no_draft_c03(company: Company, system: System):
    await in_rhythm(company)
    day = today()
    await company.do(ci.SubmitCheckIn(due_on=from_date(day), mood=4), "minh")
    draft = ci.CheckInDraft(learnings="Hỏi sớm hơn")
    await company.do(ci.SaveCheckInDraft(due_on=from_date(day), draft=draft), "tram")
    await company.do(cd.NameHoliday(first_on=from_date(day), name="Nghỉ bão"), "nam")
    found = await one(company, "tram")
    assert (required_date(found.due_on), found.draft.learnings) == (day, "Hỏi sớm hơn")
    calendar = await company.ask(cd.GetCalendar(person_id=company.ids["minh"]), "minh")
    assert isinstance(calendar, cd.Calendar)
    assert day in {required_date(slot.due_on) for slot in calendar.slots}
    moved = required_date((await one(company, "phuc")).due_on)  # who has begun nothing is asked on the next working day
    assert moved > day
    resources = system.all_resources["checkins"]
    org = await resources.directory.org_chart(company.tenant)
    async with reading(resources.pool, company.tenant) as con:
        cycle = await cycle_around(con, company.tenant, day)
        assert cycle is not None
        all_of_them = await everybody(con, company.tenant, cycle, org)
    names = {id: name for name, id in company.ids.items()}
    assert {names[id] for id in all_of_them.due(day)} == {"minh", "tram"}
    assert {names[id] for id in all_of_them.due(moved)} == {"phuc", "nam", "quang"}
    await is_right(company)


async def entries_at(company: Company, address: str) -> fd.CalendarEntries:
    method = DESCRIPTORS["checkins"].methods_by_name["ReadCalendarFeed"]
    bearer = [("authorization", f"Bearer {address}"), *company.metadata("nam")[1:]]
    read = await company.system.call("checkins", method, fd.ReadCalendarFeed(), bearer)
    assert isinstance(read, fd.CalendarEntries)
    return read


async def test_a_calendar_is_read_at_its_secret_address_until_that_is_renewed_or_they_leave_c01_c03(company: Company):
    await in_rhythm(company)
    address, next_address = (f"nhipfeed_{company.tenant}_{uuid4().hex * 2}" for _ in range(2))
    await company.do(fd.RenewCalendarFeed(address_sha256=digest(address)), "minh")
    starts = datetime.now(UTC) + timedelta(days=1)
    span = t.Span(starts_at=from_datetime(starts), ends_at=from_datetime(starts + timedelta(hours=1)))
    people = [company.ids["phuc"]]
    met = await company.do(m.CallMeeting(participant_ids=people, span=span, about=words("Giá của Alpha")), "minh")
    away = today() + timedelta(days=14)
    await company.do(cd.NoteAbsence(person_id=company.ids["minh"], first_on=from_date(away)), "minh")
    read = await entries_at(company, address)
    due = [required_date(one.on) for one in read.days if one.kind == fd.CalendarDay.KIND_CHECK_IN]
    assert today() in due
    assert away not in due
    assert {fd.CalendarDay.KIND_REVIEW, fd.CalendarDay.KIND_RETRO} <= {one.kind for one in read.days}
    assert [(one.meeting_id, one.people) for one in read.meetings] == [(met, 2)]
    assert "Alpha" not in str(read)
    assert (await company.refused(fd.ReadCalendarFeed(), "minh")).reason == "NOT_ALLOWED"  # by the address alone
    await company.do(fd.RenewCalendarFeed(address_sha256=digest(next_address)), "minh")
    with pytest.raises(Rejected, match="not, or no longer, good"):
        await entries_at(company, address)
    assert (await entries_at(company, next_address)).meetings == read.meetings
    await company.do(p.DeactivatePerson(person_id=company.ids["minh"]), "nam")
    with pytest.raises(Rejected, match="not, or no longer, good"):
        await entries_at(company, next_address)
    # Back again, they draw another one.
    await company.do(p.ReactivatePerson(person_id=company.ids["minh"]), "nam")
    async with asyncio.timeout(PATIENCE):
        while (await company.ask(fd.GetCalendarFeed(), "minh")).HasField("since"):
            await asyncio.sleep(0.02)
    with pytest.raises(Rejected, match="not, or no longer, good"):
        await entries_at(company, next_address)
    await is_right(company)
