"""Company X's quarter, steps 9, 10, 12 and 13, each person doing their own part: six check-ins, a topic that leads to a
1:1 and its action, which is followed up in the next check-in, the review and the retro.

C-05, C-08, C-14, C-18, C-21, C-31, C-33, C-34, C-42, C-46.
"""

from datetime import date
from typing import Any

from eventkit.values import from_date, required_date
from nhip.checkins.v1 import cadence_pb2 as cd
from nhip.checkins.v1 import check_ins_pb2 as ci
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.checkins.v1 import meetings_pb2 as m
from nhip.checkins.v1 import reviews_pb2 as r
from nhip.checkins.v1 import topics_pb2 as tp
from nhip.checkins.v1 import types_pb2 as t
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as gt
from nhip.retros.v1 import retros_pb2 as rt
from nhip.retros.v1 import types_pb2 as rtt
from tests.integration.services.company import Company, System, number, words
from tests.integration.services.test_check_ins import is_right, moods_read, one
from tests.integration.services.test_talks import in_days, met, span

SLOTS = [date(2025, 1, 9), date(2025, 1, 23), date(2025, 2, 6), date(2025, 2, 20), date(2025, 3, 6), date(2025, 3, 20)]
CONTRACTS, SURE, MOODS = (1, 2, 3, 4, 5, 6), (7, 7, 6, 5, 4, 6), (4, 4, 3, 3, 2, 4)


async def quarter(system: System) -> Company:
    """The first quarter of 2025, with Minh's KPI of ten contracts, and a check-in every second Thursday."""
    company = await system.company().found()
    q1 = g.OpenCycle(name="Q1/2025", starts_on=from_date(date(2025, 1, 1)), ends_on=from_date(date(2025, 3, 31)))
    company.ids["q1"] = await company.do(q1)
    await company.define("K1", gt.LEVEL_COMPANY, 70, gt.Parent(csf_id=company.ids["csf"]), owner="nam")
    await company.define("D1", gt.LEVEL_DEPARTMENT, 30, company.under("K1"))
    await company.define("I1", gt.LEVEL_INDIVIDUAL, 10, company.under("D1"), owner="minh")
    await company.do(g.StartCycle(cycle_id=company.ids["q1"], with_uneven_weights=True), "nam")
    await company.do(cd.SetCadence(every_weeks=2, weekday=t.WEEKDAY_THURSDAY, first_on=from_date(SLOTS[0])))
    return company


def check_in(company: Company, at: int, **more: Any) -> ci.SubmitCheckIn:
    value = c.RecordProgress(
        kpi_id=company.ids["I1"],
        value=number(CONTRACTS[at]),
        confidence=SURE[at],
        occurred_on=from_date(SLOTS[at]),
        note=words("Chốt thêm một hợp đồng"),
    )
    return ci.SubmitCheckIn(
        due_on=from_date(SLOTS[at]),
        values=[value],
        mood=MOODS[at],
        done=[words("Gặp hai khách")],
        planned=[words("Gửi báo giá")],
        blockers=[words("Duyệt giá mất 3–5 ngày")],
        **more,
    )


async def talk(company: Company, topic: str) -> str:
    """Step 10: the 1:1 over the topic, in its five steps, to an action that its minutes say. Answers the action."""
    ids = company.ids
    call = m.CallMeeting(
        participant_ids=[ids["minh"]], span=span(), check_in_id=f"{ids['minh']}.{SLOTS[4].isoformat()}"
    )
    meeting = await company.do(call, "phuc")
    for who, part, said in (
        ("minh", t.NOTE_PART_PROBLEM, "Mỗi lần xin duyệt giá mất 3–5 ngày"),
        ("phuc", t.NOTE_PART_FEEDBACK, "Anh thấy em đọc kỹ khách trước khi gặp"),
        ("phuc", t.NOTE_PART_RECOGNITION, "Cảm ơn em đã nói sớm"),
        ("minh", t.NOTE_PART_NEW, "Khách Beta hỏi gói Pro"),
        ("phuc", t.NOTE_PART_SUMMARY, "Soạn lại đề xuất theo mẫu A"),
    ):
        await company.do(m.WriteNote(meeting_id=meeting, part=part, text=words(said)), who)
    way = await company.do(m.WriteWay(meeting_id=meeting, way=t.Way(name=words("Mẫu A, tự quyết đến 8 %"))), "minh")
    await company.do(m.ChooseWay(meeting_id=meeting, way_id=way), "phuc")
    agreed = t.Agreed(
        what=words("Soạn lại đề xuất giá cho khách Alpha"),
        doer_id=ids["minh"],
        approver_id=ids["phuc"],
        due_at=in_days(1),
    )
    action = await company.do(m.AgreeAction(agreed=agreed, meeting_id=meeting), "minh")
    await company.do(
        m.DiscussTopic(meeting_id=meeting, topic_id=topic, answer=words("Tự quyết đến 8 %"), close=True), "phuc"
    )
    await company.do(m.AnswerKpiQuestion(meeting_id=meeting, adjust=False), "phuc")
    seen = await met(company, meeting, "minh")
    for who in ("minh", "phuc"):
        await company.do(m.ConfirmMinutes(meeting_id=meeting, seen_version=seen.version), who)
    minutes = await met(company, meeting, "minh")
    assert (minutes.head.state, len(minutes.notes), minutes.adjust_kpi) == (t.MEETING_STATE_CONFIRMED, 5, False)
    return action


async def look_back(company: Company) -> None:
    """Steps 12 and 13: lessons, not marks; and how one worked, without any number."""
    who: dict[str, Any] = {"cycle_id": company.ids["q1"], "person_id": company.ids["minh"]}
    await company.do(r.OpenReview(**who), "phuc")
    keep = [t.KpiVerdict(kpi_id=company.ids["I1"], next_step=t.NEXT_STEP_KEEP, why=words("Vừa sức"))]
    own = t.ReviewPart(verdicts=keep, why=words("Duyệt giá chậm"), working=words("Đọc kỹ khách"), next=words("Giữ"))
    await company.do(r.SendSelfPart(**who, part=own), "minh")
    await company.do(r.SendManagerPart(**who, part=t.ReviewPart(verdicts=keep, why=words("Anh duyệt chậm"))), "phuc")
    await company.do(r.CloseReview(**who), "phuc")
    closed = await company.ask(r.GetReview(**who), "minh")
    assert isinstance(closed, r.Review)
    assert (closed.head.state, closed.kpis[0].kpi.value.value) == (t.REVIEW_STATE_CLOSED, "6")
    written = rt.WriteStarfish(cycle_id=company.ids["q1"], starfish=rtt.Starfish(start=words("Hỏi giá trước khi gặp")))
    await company.do(written, "minh")
    await company.do(rt.ShareRetro(cycle_id=company.ids["q1"]), "minh")
    shared = await company.ask(rt.GetRetro(cycle_id=company.ids["q1"], person_id=company.ids["minh"]), "phuc")
    assert isinstance(shared, rt.Retro)
    assert shared.starfish.start.plain == "Hỏi giá trước khi gặp"


async def test_the_quarter_of_company_x_from_its_six_check_ins_to_its_retro(system: System):
    company = await quarter(system)
    for at in range(4):
        await company.do(check_in(company, at), "minh")
    draft = tp.TopicDraft(title=words("Duyệt giá nhanh hơn"), kpi_id=company.ids["I1"])
    await company.do(check_in(company, 4, topics=[draft], wants_meeting=True), "minh")
    asked = await company.ask(ci.ListTeam(), "phuc")
    assert isinstance(asked, ci.Team)
    minh = next(one for one in asked.members if one.person_id == company.ids["minh"])
    assert (minh.topics_waiting, minh.wants_meeting, minh.need) == (1, True, t.NEED_TODAY)
    answer = ci.EvaluateCheckIn(
        person_id=company.ids["minh"],
        due_on=from_date(SLOTS[4]),
        submission=1,
        comment=words("Theo em, bước nào đang giữ khách lại lâu nhất?"),
        remarks=[t.KpiRemark(kpi_id=company.ids["I1"], words=words("Đọc khách rất kỹ"))],
    )
    await company.do(answer, "phuc")
    action = await talk(company, minh.topic_ids[0])

    last = check_in(company, 5, done_action_ids=[action])  # the printed update of 20/03: six of ten contracts
    await company.do(last, "minh")
    await company.do(m.ApproveAction(action_id=action, note=words("Tốt")), "phuc")
    shown = await one(company, "phuc", "minh", SLOTS[5])
    assert (shown.submitted.values[0].before.value, shown.submitted.values[0].value.value) == ("5", "6")
    assert (await moods_read(company, "minh", "minh")) == [str(mood) for mood in reversed(MOODS)]
    listed = await company.ask(ci.ListCheckIns(), "minh")
    assert isinstance(listed, ci.CheckInList)
    assert [required_date(line.due_on) for line in listed.check_ins] == SLOTS[::-1]
    await look_back(company)
    await is_right(company)
