"""Meetings, actions and reviews over the real services: company X's steps 10 and 12, who reads what, two at once.

C-30, C-33, C-40, C-42, N-02.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eventkit.context import by_the_clock
from eventkit.errors import Rejected
from eventkit.process.service import Due
from eventkit.values import from_date, from_datetime
from nhip.audit.v1 import audit_pb2 as a
from nhip.audit.v1 import types_pb2 as at
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.checkins.v1 import meetings_pb2 as m
from nhip.checkins.v1 import reviews_pb2 as r
from nhip.checkins.v1 import topics_pb2 as tp
from nhip.checkins.v1 import types_pb2 as t
from nhip.goals.v1 import goals_pb2 as g
from nhip.notifications.v1 import types_pb2 as nt
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from services.checkins.domain.action import TO_DO
from services.checkins.reactors.due_actions import DueActions
from services.checkins.reactors.reviewing import Reviewing
from tests.integration.services.company import MANY, Company, System, number, today, words
from tests.integration.services.test_check_ins import is_right, told
from tests.waiting import PATIENCE


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


def span(hours: int = 1) -> t.Span:
    starts = datetime.now(UTC) + timedelta(hours=hours)
    return t.Span(starts_at=from_datetime(starts), ends_at=from_datetime(starts + timedelta(minutes=30)))


def in_days(days: float):
    return from_datetime(datetime.now(UTC) + timedelta(days=days))


async def met(company: Company, meeting_id: str, who: str) -> m.Meeting:
    found = await company.ask(m.GetMeeting(meeting_id=meeting_id), who)
    assert isinstance(found, m.Meeting)
    return found


async def listed(company: Company, who: str, **asked: object) -> list[m.Action]:
    found = await company.ask(m.ListActions(**asked), who)  # type: ignore[arg-type] # as the contract has it
    assert isinstance(found, m.ActionList)
    return list(found.actions)


async def test_a_topic_leads_to_a_meeting_to_an_action_to_its_approval_c38(company: Company, system: System):
    ids = company.ids
    topic = await company.do(tp.RaiseTopic(topic=tp.TopicDraft(title=words("Duyệt giá nhanh hơn"))), "minh")
    call = m.CallMeeting(host_id=ids["phuc"], participant_ids=[ids["phuc"]], span=span(), about=words("Duyệt giá"))
    meeting = await company.do(call, "minh")
    assert (await told(company, "phuc", nt.NOTICE_KIND_MEETING_CALLED)).meeting_id == meeting
    for stranger in ("tram", "nam"):
        assert (await company.refused(m.GetMeeting(meeting_id=meeting), stranger)).reason == "MEETING_UNKNOWN"
    assert [one.title.plain for one in (await met(company, meeting, "phuc")).topics] == ["Duyệt giá nhanh hơn"]

    await company.do(m.AnswerInvitation(meeting_id=meeting, comes=True, word=words("Anh đến sớm")), "phuc")
    answer = await told(company, "minh", nt.NOTICE_KIND_MEETING_ANSWERED)
    assert (answer.meeting_id, answer.granted) == (meeting, True)
    asked = await met(company, meeting, "minh")
    assert [(one.person_id, one.comes, one.word.plain) for one in asked.answers] == [(ids["phuc"], True, "Anh đến sớm")]
    assert (asked.may_answer, (await met(company, meeting, "phuc")).may_answer) == (False, True)

    note = m.WriteNote(meeting_id=meeting, part=t.NOTE_PART_PROBLEM, text=words("Mất 3–5 ngày"))
    at_once = await asyncio.gather(
        company.ask(note, "minh"), company.ask(note, "phuc"), return_exceptions=True
    )  # two write at once: one of them is told
    assert [one.reason for one in at_once if isinstance(one, Rejected)] == ["NOTE_MOVED"]
    way = await company.do(m.WriteWay(meeting_id=meeting, way=t.Way(name=words("Khung tự quyết 8 %"))), "phuc")
    await company.do(m.ChooseWay(meeting_id=meeting, way_id=way), "minh")
    half = t.Agreed(what=words("Soạn lại đề xuất giá cho Alpha"))
    action = await company.do(m.AgreeAction(agreed=half, meeting_id=meeting), "minh")
    seen = await met(company, meeting, "phuc")
    confirm = m.ConfirmMinutes(meeting_id=meeting, seen_version=seen.version)
    assert (await company.refused(confirm, "phuc")).reason == "ACTIONS_INCOMPLETE"
    due = in_days(1)
    full = t.Agreed(what=half.what, doer_id=ids["minh"], approver_id=ids["phuc"], due_at=due)
    await company.do(m.ChangeAction(action_id=action, agreed=full, seen_revision=1), "phuc")
    await company.do(
        m.DiscussTopic(meeting_id=meeting, topic_id=topic, answer=words("Tự quyết đến 8 %"), close=True), "phuc"
    )
    await company.do(m.InviteToMeeting(meeting_id=meeting, person_ids=[ids["quang"]]), "phuc")
    widened = await met(company, meeting, "quang")
    assert (list(widened.notes), list(widened.ways), list(widened.actions), list(widened.topics)) == ([], [], [], [])
    assert (seen.head.about.plain, widened.head.HasField("about")) == ("Duyệt giá", False)
    seen = await met(company, meeting, "minh")
    assert [(one.name.plain, chosen) for one, chosen in ((w.way, w.chosen) for w in seen.ways)] == [
        ("Khung tự quyết 8 %", True)
    ]
    assert list(seen.topic_ids) == [topic]
    for who in ("minh", "phuc", "quang"):
        await company.do(m.ConfirmMinutes(meeting_id=meeting, seen_version=seen.version), who)
    assert (await met(company, meeting, "phuc")).head.state == t.MEETING_STATE_CONFIRMED
    await company.do(m.AddToMinutes(meeting_id=meeting, text=words("Tài chính đồng ý")), "quang")

    (mine,) = await listed(company, "minh")
    assert (mine.action_id, mine.may_report, mine.may_decide) == (action, True, False)
    assert (await listed(company, "tram", person_id=ids["minh"])) == []
    resources = system.all_resources["checkins"]
    morning = [one for one in await DueActions(resources).due(due.ToDatetime(UTC), MANY) if one.thing == action]
    for _ in range(2):  # whatever is repeated, they are told once
        for one in morning:
            ctx = by_the_clock(one.tenant, "due_actions", one.thing, one.at, due.ToDatetime(UTC))
            await DueActions(resources).act(one, ctx)
    assert (await told(company, "minh", nt.NOTICE_KIND_ACTION_DUE)).action_id == action
    await company.do(m.ReportAction(action_id=action, note=words("Gửi rồi")), "minh")
    assert (await told(company, "phuc", nt.NOTICE_KIND_ACTION_REPORTED)).action_id == action
    assert [one.said.plain for one in await listed(company, "phuc", to_approve=True)] == ["Gửi rồi"]
    assert (await company.refused(m.ApproveAction(action_id=action), "minh")).reason == "NOT_YOUR_ACTION"
    await company.do(m.ApproveAction(action_id=action, note=words("Tốt")), "phuc")
    (done,) = await listed(company, "minh", closed_too=True)
    assert (done.state, done.said.plain) == (t.ACTION_STATE_DONE, "Tốt")
    assert done.state not in TO_DO
    await is_right(company)


async def test_a_cycle_is_looked_back_at_by_two_and_handed_on_x12(company: Company, system: System):
    ids = company.ids
    kpi = ids["I1"]
    await company.do(c.RecordProgress(kpi_id=kpi, value=number(51)), "minh")
    corrected = g.CorrectCycle(
        cycle_id=ids["q1"], name="Q1", starts_on=from_date(today() - timedelta(days=40)), ends_on=from_date(today())
    )
    await company.do(corrected, "nam")
    place = p.AssignPlace(person_id=ids["tram"], place=pt.Place(unit_id=ids["sales"], manager_id=ids["nam"]))
    await company.do(place, "nam")
    opening = Due(company.tenant, ids["q1"], datetime.now(UTC))
    reviewing = Reviewing(system.all_resources["checkins"])
    async with asyncio.timeout(PATIENCE):
        while True:  # as soon as the service has heard of the cycle's new end
            refused = await company.ask(r.ListReviews(), "minh")
            assert isinstance(refused, r.ReviewList)
            if refused.reviews:
                break
            await reviewing.act(opening, by_the_clock(*opening_of(opening)))
            await asyncio.sleep(0.1)
    who: dict[str, Any] = {"cycle_id": ids["q1"], "person_id": ids["minh"]}
    assert (await told(company, "minh", nt.NOTICE_KIND_REVIEW_OPENED)).cycle_id == ids["q1"]
    for stranger in ("tram", "nam"):
        assert (await company.refused(r.GetReview(**who), stranger)).reason == "REVIEW_UNKNOWN"

    keep = t.KpiVerdict(kpi_id=kpi, next_step=t.NEXT_STEP_KEEP, why=words("Vừa sức"))
    own = t.ReviewPart(
        verdicts=[keep], why=words("Đọc kỹ khách"), working=words("Thảo gọi ngay"), next=words("Giữ"), mood=words("4")
    )
    await company.do(r.SaveSelfPart(**who, part=own), "minh")
    draft = await reviewed(company, "phuc", who)
    assert (draft.HasField("self_part"), draft.may_write_manager) == (False, False)
    send = r.SendSelfPart(**who, part=own, seen_revision=1)
    at_once = await asyncio.gather(  # a value put right while the person sends: neither is lost
        company.ask(send, "minh"), company.ask(c.RecordProgress(kpi_id=kpi, value=number(52)), "minh")
    )
    assert len(at_once) == 2
    read = await reviewed(company, "phuc", who)
    assert (read.self_part.why.plain, read.self_part.mood.plain) == ("Đọc kỹ khách", "4")
    stood = read.kpis[0].kpi.value.value
    assert (stood, read.kpis[0].moved_on) in (("51", True), ("52", False))
    adjust = t.KpiVerdict(kpi_id=kpi, next_step=t.NEXT_STEP_ADJUST, target=number(60))
    theirs = t.ReviewPart(
        verdicts=[adjust],
        why=words("Anh duyệt chậm"),
        development=words("Khách lớn"),
        first_step=words("Dẫn một buổi"),
        first_step_due_at=in_days(10),
    )
    await company.do(r.SaveManagerPart(**who, part=theirs), "phuc")
    assert not (await reviewed(company, "minh", who)).HasField("manager_part")
    await company.do(r.SendManagerPart(**who, part=theirs, seen_revision=1), "phuc")
    both = await reviewed(company, "minh", who)
    assert (both.manager_part.development.plain, list(both.differing_kpi_ids)) == ("Khách lớn", [kpi])
    assert [one.agreed.what.plain for one in await listed(company, "minh")] == ["Dẫn một buổi"]
    assert (await company.refused(r.CloseReview(**who), "minh")).reason == "NOT_YOUR_PART"
    await company.do(r.CloseReview(**who, verdicts=[adjust]), "phuc")
    for person, found in (("minh", 1), ("phuc", 1), ("nam", 1), ("tram", 0)):
        handed = await company.ask(r.ListKpiVerdicts(cycle_id=ids["q1"]), person)
        assert isinstance(handed, r.VerdictList)
        assert [one.verdict.target.value for one in handed.verdicts] == ["60"] * found
    await is_right(company)


async def test_an_auditor_sees_that_two_talked_and_not_what_was_said(company: Company):
    ids = company.ids
    await company.do(
        p.RegisterPerson(name=words("Khánh"), title=words("Kiểm soát"), roles=[pt.ROLE_AUDITOR]), name="khanh"
    )
    meeting = await company.do(m.CallMeeting(participant_ids=[ids["phuc"]], span=span()), "minh")
    note = m.WriteNote(meeting_id=meeting, part=t.NOTE_PART_PROBLEM, text=words("Chuyện riêng"))
    await company.do(note, "minh")
    asked = a.SearchLedger(filter=at.Filter(type="NoteWritten"))
    async with asyncio.timeout(PATIENCE):
        while not (shown := await entries(company, asked, "khanh")):
            await asyncio.sleep(0.1)
    (entry,) = shown
    (text,) = [value for value in entry.values if value.path == "text"]
    assert (text.words.withheld, text.words.plain) == (True, "")
    assert await entries(company, asked, "nam") == []


async def entries(company: Company, asked: a.SearchLedger, who: str) -> list[a.Entry]:
    found = await company.ask(asked, who)
    assert isinstance(found, a.Entries)
    return list(found.entries)


async def reviewed(company: Company, who: str, whose: dict[str, Any]) -> r.Review:
    found = await company.ask(r.GetReview(**whose), who)
    assert isinstance(found, r.Review)
    return found


def opening_of(due: Due) -> tuple[str, str, str, datetime, datetime]:
    return due.tenant, "reviews_open", due.thing, due.at, due.at
