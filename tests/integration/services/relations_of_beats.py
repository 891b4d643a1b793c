"""Who may do what in meetings, reviews, topics and retros: what there is of each, what is asked for, and of whom it is
taken (1.13, X-03).

Minh answers for a KPI; Phúc is his manager and heads his unit, Hà is above, Nam above her; Lan heads another unit.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from google.protobuf.message import Message

from eventkit.values import from_date, from_datetime
from nhip.checkins.v1 import cadence_pb2 as cd
from nhip.checkins.v1 import check_ins_pb2 as ci
from nhip.checkins.v1 import meetings_pb2 as m
from nhip.checkins.v1 import reviews_pb2 as rv
from nhip.checkins.v1 import topics_pb2 as tp
from nhip.checkins.v1 import types_pb2 as ct
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as gt
from nhip.people.v1 import people_pb2 as p
from nhip.retros.v1 import retros_pb2 as r
from nhip.retros.v1 import types_pb2 as rt
from tests.integration.services.company import Company, today, words

Ask = Callable[[Company, str], Message]
"""What one asks for, given the company and who asks."""


async def talked(company: Company) -> None:
    """What the rows below ask about: meetings and actions of Minh and Phúc, a topic and a starfish of Minh's, a board
    of their unit, and a cycle that is over, to be reviewed."""
    ids, do = company.ids, company.do
    await do(tp.RaiseTopic(topic=tp.TopicDraft(title=words("Duyệt giá nhanh hơn"))), "minh", name="topic")
    await do(tp.RaiseTopic(topic=tp.TopicDraft(title=words("Mẫu báo giá mới"))), "minh", name="topic-talked")
    await do(tp.RaiseTopic(topic=tp.TopicDraft(title=words("Ai trực thứ Bảy"))), "minh", name="topic-answered")
    await do(tp.AnswerTopic(topic_id=ids["topic-answered"], answer=words("Luân phiên")), "phuc")
    for name in ("meeting", "meeting-off", "meeting-done", "meeting-asked"):
        call = m.CallMeeting(host_id=ids["phuc"], participant_ids=[ids["minh"]], span=span())
        await do(call, "phuc", name=name)
    for who in ("phuc", "minh"):
        await do(m.ConfirmMinutes(meeting_id=ids["meeting-done"]), who)
    await do(m.WriteWay(meeting_id=ids["meeting"], way=ct.Way(name=words("Mẫu A"))), "phuc", name="way")
    for name in ("action", "action-back", "action-open"):
        await do(m.AgreeAction(agreed=agreed(company)), "phuc", name=name)
    for name in ("action", "action-back"):
        await do(m.ReportAction(action_id=ids[name]), "minh")
    await do(r.WriteStarfish(cycle_id=ids["q1"], starfish=rt.Starfish(start=words("Hỏi khách trước"))), "minh")
    await do(r.OpenTeamRetro(cycle_id=ids["q1"], unit_id=ids["sales"]), "phuc", name="board")
    await do(p.CreateUnit(name="Trống"), name="empty")
    q0 = g.OpenCycle(name="Q0", starts_on=from_date(date(2025, 1, 1)), ends_on=from_date(date(2025, 3, 31)))
    q1, ids["q1"] = ids["q1"], await do(q0)
    for name in ("R1", "R2"):
        await company.define(name, gt.LEVEL_INDIVIDUAL, 9, gt.Parent(csf_id=ids["csf"]), owner="minh")
    ids["q0"], ids["q1"] = ids["q1"], q1
    await do(g.StartCycle(cycle_id=ids["q0"], with_uneven_weights=True), "nam")


def span() -> ct.Span:
    starts = datetime.now(UTC) + timedelta(hours=1)
    return ct.Span(starts_at=from_datetime(starts), ends_at=from_datetime(starts + timedelta(minutes=30)))


def agreed(company: Company, what: str = "Soạn lại") -> ct.Agreed:
    due = from_datetime(datetime.now(UTC) + timedelta(days=1))
    ids = company.ids
    return ct.Agreed(what=words(what), doer_id=ids["minh"], approver_id=ids["phuc"], due_at=due)


def of_review(company: Company) -> dict[str, Any]:
    return {"cycle_id": company.ids["q0"], "person_id": company.ids["minh"]}


def part(company: Company) -> ct.ReviewPart:
    verdicts = [ct.KpiVerdict(kpi_id=company.ids[name], next_step=ct.NEXT_STEP_KEEP) for name in ("R1", "R2")]
    return ct.ReviewPart(verdicts=verdicts, why=words("a"), working=words("b"), next=words("c"))


_RHYTHM = {
    "nam": "yes",
    "quang": "yes",
    "mai": "yes",
    "huong": "yes",
    "van": "NOT_ALLOWED",
    "others": "RHYTHM_NOT_YOURS",
}
_THE_TWO = {"minh": "yes", "phuc": "yes", "van": "NOT_ALLOWED", "others": "MEETING_UNKNOWN"}
_NOBODY_ELSE = {"van": "NOT_ALLOWED", "others": "REVIEW_UNKNOWN"}
_THE_TEAM = {"minh": "yes", "phuc": "yes", "nam": "yes", "quang": "yes"}

BEATS: Mapping[str, tuple[Ask, Mapping[str, str]]] = {
    "set the company's rhythm": (
        lambda x, _: cd.SetCadence(weekday=ct.WEEKDAY_FRIDAY, every_weeks=2, first_on=from_date(today())),
        _RHYTHM,
    ),
    "set the rhythm of Phúc's unit": (
        lambda x, _: cd.SetCadence(
            unit_id=x.ids["sales"], weekday=ct.WEEKDAY_FRIDAY, every_weeks=2, first_on=from_date(today())
        ),
        {**_RHYTHM, "phuc": "yes", "ha": "yes"},
    ),
    "set Minh's rhythm": (
        lambda x, _: cd.SetCadence(
            person_id=x.ids["minh"], weekday=ct.WEEKDAY_FRIDAY, every_weeks=2, first_on=from_date(today())
        ),
        {**_RHYTHM, "phuc": "yes", "ha": "yes"},
    ),
    "read the mood of Phúc's unit": (
        lambda x, _: ci.GetGroupMood(unit_id=x.ids["sales"]),
        {"phuc": "yes", "ha": "yes", "nam": "yes", "quang": "yes", "mai": "yes", "others": "MOOD_NOT_YOURS"},
    ),
    # --- topics ---
    "read a topic of Minh's": (
        lambda x, _: tp.GetTopic(topic_id=x.ids["topic"]),
        {"minh": "yes", "phuc": "yes", "others": "TOPIC_UNKNOWN"},
    ),
    "answer a topic of Minh's": (
        lambda x, _: tp.AnswerTopic(topic_id=x.ids["topic"], answer=words("Được")),
        {"phuc": "yes", "minh": "TOPIC_OWN", "van": "NOT_ALLOWED", "others": "TOPIC_UNKNOWN"},
    ),
    "hand a topic of Minh's on": (
        lambda x, _: tp.ForwardTopic(topic_id=x.ids["topic-talked"], person_id=x.ids["phuc"], note=words("Nhờ")),
        {"phuc": "yes", "minh": "yes", "van": "NOT_ALLOWED", "others": "TOPIC_UNKNOWN"},
    ),
    "close a topic of Minh's": (
        lambda x, _: tp.CloseTopic(topic_id=x.ids["topic-answered"]),
        {"minh": "yes", "phuc": "yes", "van": "NOT_ALLOWED", "others": "TOPIC_UNKNOWN"},
    ),
    "reopen a topic of Minh's": (
        lambda x, _: tp.ReopenTopic(topic_id=x.ids["topic-answered"], reason=words("Chưa xong")),
        {"minh": "yes", "phuc": "TOPIC_NOT_YOURS", "van": "NOT_ALLOWED", "others": "TOPIC_UNKNOWN"},
    ),
    # --- a meeting of Minh and Phúc ---
    "read a meeting of Minh and Phúc": (
        lambda x, _: m.GetMeeting(meeting_id=x.ids["meeting"]),
        {"minh": "yes", "phuc": "yes", "others": "MEETING_UNKNOWN"},
    ),
    "call a meeting in Phúc's name": (
        lambda x, _: m.CallMeeting(host_id=x.ids["phuc"], participant_ids=[x.ids["minh"]], span=span()),
        {"minh": "yes", "phuc": "yes", "van": "NOT_ALLOWED", "others": "HOST_NOT_YOURS"},
    ),
    "move it": (lambda x, _: m.MoveMeeting(meeting_id=x.ids["meeting"], span=span()), _THE_TWO),
    "answer the invitation to it": (
        lambda x, _: m.AnswerInvitation(meeting_id=x.ids["meeting-asked"], comes=True),
        {"minh": "yes", "phuc": "OWN_INVITATION", "van": "NOT_ALLOWED", "others": "MEETING_UNKNOWN"},
    ),
    "write a note into it": (
        lambda x, who: m.WriteNote(
            meeting_id=x.ids["meeting"],
            part=ct.NOTE_PART_QUESTION,
            question=f"of-{who}",
            text=words("Đã thử"),
        ),
        _THE_TWO,
    ),
    "write a way into it": (
        lambda x, who: m.WriteWay(meeting_id=x.ids["meeting"], way=ct.Way(name=words(f"Cách của {who}"))),
        _THE_TWO,
    ),
    "choose a way in it": (lambda x, _: m.ChooseWay(meeting_id=x.ids["meeting"], way_id=x.ids["way"]), _THE_TWO),
    "take a way out of it": (lambda x, _: m.RemoveWay(meeting_id=x.ids["meeting"], way_id=x.ids["way"]), _THE_TWO),
    "say in it that a KPI is adjusted": (
        lambda x, _: m.AnswerKpiQuestion(meeting_id=x.ids["meeting"], adjust=True),
        _THE_TWO,
    ),
    "talk about Minh's topic in it": (
        lambda x, _: m.DiscussTopic(meeting_id=x.ids["meeting"], topic_id=x.ids["topic-talked"]),
        _THE_TWO,
    ),
    "agree an action in it": (
        lambda x, _: m.AgreeAction(agreed=agreed(x), meeting_id=x.ids["meeting"]),
        _THE_TWO,
    ),
    "invite somebody to it": (
        lambda x, _: m.InviteToMeeting(meeting_id=x.ids["meeting-asked"], person_ids=[x.ids["tien"]]),
        {**_THE_TWO, "tien": "MEETING_UNKNOWN"},
    ),
    "call it off": (
        lambda x, _: m.CancelMeeting(meeting_id=x.ids["meeting-off"], reason=words("Dời")),
        _THE_TWO,
    ),
    "confirm its minutes": (lambda x, _: m.ConfirmMinutes(meeting_id=x.ids["meeting-done"]), _THE_TWO),
    "add to its minutes": (
        lambda x, _: m.AddToMinutes(meeting_id=x.ids["meeting-done"], text=words("Thêm một ý")),
        _THE_TWO,
    ),
    # --- actions that Minh and Phúc agreed, Minh doing them ---
    "change what was agreed": (
        lambda x, who: m.ChangeAction(action_id=x.ids["action-open"], agreed=agreed(x, f"Theo {who}"), seen_revision=1),
        {"phuc": "yes", "minh": "NOT_YOUR_ACTION", "van": "NOT_ALLOWED", "others": "ACTION_UNKNOWN"},
    ),
    "agree to what Minh did": (
        lambda x, _: m.ApproveAction(action_id=x.ids["action"]),
        {"phuc": "yes", "minh": "NOT_YOUR_ACTION", "van": "NOT_ALLOWED", "others": "ACTION_UNKNOWN"},
    ),
    "send back what Minh did": (
        lambda x, _: m.SendActionBack(action_id=x.ids["action-back"], reason=words("Còn thiếu")),
        {"phuc": "yes", "minh": "NOT_YOUR_ACTION", "van": "NOT_ALLOWED", "others": "ACTION_UNKNOWN"},
    ),
    "report what Minh does": (
        lambda x, _: m.ReportAction(action_id=x.ids["action-open"]),
        {"minh": "yes", "phuc": "NOT_YOUR_ACTION", "van": "NOT_ALLOWED", "others": "ACTION_UNKNOWN"},
    ),
    "give up what Minh does": (
        lambda x, _: m.DropAction(action_id=x.ids["action-back"], reason=words("Không cần nữa")),
        {"minh": "NOT_YOUR_ACTION", "phuc": "yes", "van": "NOT_ALLOWED", "others": "ACTION_UNKNOWN"},
    ),
    # --- the review of Minh by Phúc, in its order ---
    "begin the review of Minh's cycle while it runs": (
        lambda x, _: rv.OpenReview(cycle_id=x.ids["q1"], person_id=x.ids["minh"]),
        {"minh": "CYCLE_RUNNING", "phuc": "CYCLE_RUNNING", "van": "NOT_ALLOWED", "others": "PERSON_UNKNOWN"},
    ),
    "begin the review of Minh's cycle": (
        lambda x, _: rv.OpenReview(**of_review(x)),
        {"minh": "yes", "phuc": "yes", "van": "NOT_ALLOWED", "others": "PERSON_UNKNOWN"},
    ),
    "read the review of Minh": (
        lambda x, _: rv.GetReview(**of_review(x)),
        {"minh": "yes", "phuc": "yes", "others": "REVIEW_UNKNOWN"},
    ),
    "keep Minh's part": (
        lambda x, _: rv.SaveSelfPart(**of_review(x), part=part(x)),
        {**_NOBODY_ELSE, "minh": "yes", "phuc": "NOT_YOUR_PART"},
    ),
    "keep Phúc's part before Minh's is sent": (
        lambda x, _: rv.SaveManagerPart(**of_review(x), part=part(x)),
        {**_NOBODY_ELSE, "minh": "NOT_YOUR_PART", "phuc": "SELF_PART_MISSING"},
    ),
    "send Minh's part": (
        lambda x, _: rv.SendSelfPart(**of_review(x), part=part(x), seen_revision=1),
        {**_NOBODY_ELSE, "minh": "yes", "phuc": "NOT_YOUR_PART"},
    ),
    "keep Phúc's part": (
        lambda x, _: rv.SaveManagerPart(**of_review(x), part=part(x)),
        {**_NOBODY_ELSE, "minh": "NOT_YOUR_PART", "phuc": "yes"},
    ),
    "send Phúc's part": (
        lambda x, _: rv.SendManagerPart(**of_review(x), part=part(x), seen_revision=1),
        {**_NOBODY_ELSE, "minh": "NOT_YOUR_PART", "phuc": "yes"},
    ),
    "close the review of Minh": (
        lambda x, _: rv.CloseReview(**of_review(x)),
        {**_NOBODY_ELSE, "minh": "NOT_YOUR_PART", "phuc": "yes"},
    ),
    # --- looking back ---
    "read how Minh looked back": (
        lambda x, _: r.GetRetro(cycle_id=x.ids["q1"], person_id=x.ids["minh"]),
        {"minh": "yes", "others": "RETRO_UNKNOWN"},
    ),
    "let one's manager read how one looked back": (
        lambda x, _: r.ShareRetro(cycle_id=x.ids["q1"]),
        {"minh": "yes", "others": "RETRO_UNKNOWN"},
    ),
    "read how Minh looked back, which he shared": (
        lambda x, _: r.GetRetro(cycle_id=x.ids["q1"], person_id=x.ids["minh"]),
        {"minh": "yes", "phuc": "yes", "others": "RETRO_UNKNOWN"},
    ),
    "take back that one's manager reads it": (
        lambda x, _: r.UnshareRetro(cycle_id=x.ids["q1"]),
        {"minh": "yes", "others": "RETRO_UNKNOWN"},
    ),
    "open a board for another unit": (
        lambda x, _: r.OpenTeamRetro(cycle_id=x.ids["q1"], unit_id=x.ids["empty"]),
        {"mai": "TEAM_SIZE", "van": "NOT_ALLOWED", "others": "NOT_YOUR_TEAM"},
    ),
    "read the board of Phúc's unit": (
        lambda x, _: r.GetTeamRetro(team_retro_id=x.ids["board"]),
        {**_THE_TEAM, "others": "NOT_YOUR_RETRO"},
    ),
    "group its cards": (
        lambda x, _: r.GroupCards(team_retro_id=x.ids["board"], name=words("Giá"), card_ids=["a", "b"]),
        {**dict.fromkeys(_THE_TEAM, "CARDS_NOT_OPEN"), "van": "NOT_ALLOWED", "others": "NOT_YOUR_RETRO"},
    ),
    "vote on it": (
        lambda x, _: r.CastVotes(team_retro_id=x.ids["board"]),
        {**dict.fromkeys(_THE_TEAM, "CARDS_NOT_OPEN"), "van": "NOT_ALLOWED", "others": "NOT_YOUR_RETRO"},
    ),
    "choose what its team tries": (
        lambda x, _: r.ChooseTrials(team_retro_id=x.ids["board"], trials=[words("Họp đứng")]),
        {**dict.fromkeys(_THE_TEAM, "CARDS_NOT_OPEN"), "van": "NOT_ALLOWED", "others": "NOT_YOUR_RETRO"},
    ),
    "say what came of what its team tried": (
        lambda x, _: r.JudgeTrial(team_retro_id=x.ids["board"], trial_id="t", verdict=rt.VERDICT_KEPT),
        {**dict.fromkeys(_THE_TEAM, "TRIAL_UNKNOWN"), "van": "NOT_ALLOWED", "others": "NOT_YOUR_RETRO"},
    ),
    "write cards on it": (
        lambda x, _: r.WriteCards(team_retro_id=x.ids["board"], done=True),
        {**_THE_TEAM, "van": "NOT_ALLOWED", "others": "NOT_YOUR_RETRO"},
    ),
}
"""By what one asks for: who may, and why nobody else may. Rows of a review follow each other."""

OWN = {
    "ListMeetings",  # those that one takes part in
    "ListActions",  # those that one does, approves or agreed
    "ListReviews",  # one's own, and those that one writes as a manager
    "ListKpiVerdicts",  # whoever may set the KPI: tests of reviews
    "ListTopics",  # those that concern one
    "RaiseTopic",
    "WriteStarfish",  # one's own
    "ListRounds",
    "ListSharedRetros",  # of those whom one leads
}
"""What names nobody else's thing: there is nothing to refuse."""
