"""Check-ins of the example: Minh's quarter and Phúc's team, topics, and the rhythm."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from google.protobuf.message import Message

from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_decimal, required_date, to_date
from nhip.checkins.v1 import cadence_pb2, calendar_feeds_pb2, check_ins_pb2, meetings_pb2, topics_pb2, types_pb2
from services.checkins.domain.calendar import Slot
from services.checkins.domain.check_in import mean_confidence
from tests.browser.company_x_values import ValuesX
from tests.browser.messages import NOW, at, words
from tests.browser.messages import day as _date

SLOTS = [date(2025, 1, 9) + timedelta(days=14 * number) for number in range(6)]
TODAY = SLOTS[-1]
MANAGERS = {"minh": "phuc", "tram": "phuc", "thao": "lan", "tien": "lan", "phuc": "nam", "lan": "nam", "quang": "nam"}
MOODS = {"minh": "43324", "tram": "33333", "phuc": "44444"}
SURE = {"minh": (7, 6, 5, 4, 3), "tram": (6, 6, 5, 6, 6), "phuc": (7, 7, 7, 7, 7)}


def _evening(due_on: date) -> datetime:
    return datetime(due_on.year, due_on.month, due_on.day, 9, tzinfo=UTC)


class CheckInsX(ValuesX):
    def __init__(self) -> None:
        self.check_ins: dict[tuple[str, date], check_ins_pb2.CheckIn] = {}
        self.rules = [
            cadence_pb2.CadenceRule(
                every_weeks=2, weekday=types_pb2.WEEKDAY_THURSDAY, first_on=_date(SLOTS[0]), may_set=True
            )
        ]
        self.holidays = [
            cadence_pb2.Holiday(
                first_on=_date(date(2025, 4, 30)), last_on=_date(date(2025, 5, 1)), name="Thống nhất, Lao động"
            )
        ]
        self.addresses: dict[str, str] = {}
        self.absences: list[cadence_pb2.Absence] = []
        self.topics = {
            "price": topics_pb2.Topic(
                topic_id="price",
                author_id="minh",
                title=words("Duyệt giá nhanh hơn khi đàm phán"),
                problem=words("Mỗi lần xin duyệt mất 3–5 ngày."),
                wanted=words("Có cách xử lý ngay cho hai khách đang chờ, và nguyên tắc cho lần sau."),
                kpi_id="k-co",
                state=types_pb2.TOPIC_STATE_OPEN,
                raised_at=at(NOW - timedelta(days=6)),
                since=at(NOW - timedelta(days=6)),
                waits_for_id="phuc",
            )
        }
        for person, moods in MOODS.items():
            for number, mood in enumerate(moods):
                self._made(person, SLOTS[number], mood, SURE[person][number])

    def _made(self, person: str, due_on: date, mood: str, sure: int) -> None:
        value = types_pb2.CheckedValue(kpi_id="i1", confidence=sure, note=words("Ba buổi đã hẹn lại"))
        value.value.value, value.before.value = "37", "30"
        said = check_ins_pb2.Submission(
            number=1,
            at=at(_evening(due_on)),
            mood=words(mood),
            values=[value],
            done=[words("Ba cuộc demo, chốt được một hợp đồng")],
            planned=[words("Gửi báo giá cho 7 khách đang cân nhắc"), words("Gọi lại khách Beta")],
            blockers=[words("Bản demo báo lỗi khi khách tự đăng nhập")],
        )
        answer = check_ins_pb2.CheckInAnswer(
            by_id=MANAGERS[person],
            at=at(_evening(due_on) + timedelta(hours=20)),
            submission=1,
            comment=words("Em đánh giá nhóm khách hàng nào có khả năng chốt cao nhất?"),
        )
        self.check_ins[person, due_on] = check_ins_pb2.CheckIn(
            state=types_pb2.CHECK_IN_STATE_EVALUATED, submitted=said, answers=[answer]
        )

    # --- check-ins ---

    def GetCheckIn(self, request: check_ins_pb2.GetCheckIn, actor: str) -> Message:
        person, due_on = request.person_id or actor, to_date(request.due_on) or TODAY
        if person not in (actor, *(one for one, manager in MANAGERS.items() if manager == actor)):
            raise unknown("check_in", f"{person}.{due_on}", "due_on")
        if person not in MANAGERS:
            return check_ins_pb2.CheckIn(person_id=person, without_rhythm=True)
        if due_on not in SLOTS:
            raise unknown("check_in", f"{person}.{due_on}", "due_on")
        return self._check_in_shown(person, due_on, actor)

    def _check_in_shown(self, person: str, due_on: date, actor: str) -> check_ins_pb2.CheckIn:
        kept = self.check_ins.get((person, due_on), check_ins_pb2.CheckIn())
        shown, slot = check_ins_pb2.CheckIn(), Slot(SLOTS.index(due_on) + 1, due_on - timedelta(days=13), due_on)
        shown.CopyFrom(kept)
        shown.person_id, shown.manager_id, shown.number = person, MANAGERS[person], slot.number
        shown.due_on.CopyFrom(_date(due_on))
        shown.opens_on.CopyFrom(_date(slot.opens_on))
        own = person == actor
        if not shown.state:
            shown.state = types_pb2.CHECK_IN_STATE_NOT_STARTED
        if not own:
            shown.ClearField("draft")
        shown.may_submit = own and shown.state != types_pb2.CHECK_IN_STATE_EVALUATED
        shown.may_evaluate = not own and shown.HasField("submitted")
        if slot.number > 1:
            shown.previous_due_on.CopyFrom(_date(SLOTS[slot.number - 2]))
            last = self.check_ins.get((person, SLOTS[slot.number - 2]))
            if own and last:
                shown.carried.extend(last.submitted.planned)
        if slot.number < len(SLOTS):
            shown.next_due_on.CopyFrom(_date(SLOTS[slot.number]))
        return shown

    def SaveCheckInDraft(self, request: check_ins_pb2.SaveCheckInDraft, actor: str) -> Message:
        kept = self.check_ins.setdefault((actor, required_date(request.due_on)), check_ins_pb2.CheckIn())
        if request.revision != kept.revision:
            raise Rejected("CHECK_IN_MOVED", "it was changed meanwhile", kind=Kind.CONFLICT, field="revision")
        kept.draft.CopyFrom(request.draft)
        kept.revision += 1
        kept.drafted_at.CopyFrom(at(NOW))
        kept.state = kept.state or types_pb2.CHECK_IN_STATE_DRAFT
        return self._accepted("checkins", actor)

    def SubmitCheckIn(self, request: check_ins_pb2.SubmitCheckIn, actor: str) -> Message:
        kept = self.check_ins.setdefault((actor, required_date(request.due_on)), check_ins_pb2.CheckIn())
        kept.ClearField("draft")
        kept.state = types_pb2.CHECK_IN_STATE_SUBMITTED
        kept.submitted.CopyFrom(
            check_ins_pb2.Submission(
                number=kept.submitted.number + 1,
                at=at(NOW),
                values=[
                    types_pb2.CheckedValue(kpi_id=one.kpi_id, value=one.value, confidence=one.confidence, note=one.note)
                    for one in request.values
                ],
                mood=words(str(request.mood)) if request.mood else None,
                done=request.done,
                not_done=request.not_done,
                planned=request.planned,
                blockers=request.blockers,
                learnings=request.learnings if request.HasField("learnings") else None,
                wants_meeting=request.wants_meeting,
            )
        )
        for one in request.values:
            self._stand(one.kpi_id, TODAY, Decimal(one.value.value), one.confidence)
        for action_id in request.done_action_ids:
            self.ReportAction(meetings_pb2.ReportAction(action_id=action_id), actor)  # type: ignore[attr-defined] # of talks
        for draft in request.topics:
            kept.submitted.topic_ids.append(self._raise(draft, actor))
        return self._accepted("checkins", actor)

    def EvaluateCheckIn(self, request: check_ins_pb2.EvaluateCheckIn, actor: str) -> Message:
        return self._answered(request, actor, request.comment, asks_again=False, remarks=list(request.remarks))

    def AskAgain(self, request: check_ins_pb2.AskAgain, actor: str) -> Message:
        return self._answered(request, actor, request.reason, asks_again=True, remarks=[])

    def _answered(
        self, request: Any, actor: str, comment: Any, *, asks_again: bool, remarks: list[types_pb2.KpiRemark]
    ) -> Message:
        kept = self.check_ins.setdefault((request.person_id, required_date(request.due_on)), check_ins_pb2.CheckIn())
        kept.answers.add(
            by_id=actor,
            at=at(NOW),
            submission=request.submission,
            asks_again=asks_again,
            comment=comment,
            remarks=remarks,
        )
        kept.state = types_pb2.CHECK_IN_STATE_ASKED_AGAIN if asks_again else types_pb2.CHECK_IN_STATE_EVALUATED
        return self._accepted("checkins", request.person_id)

    def ListCheckIns(self, request: check_ins_pb2.ListCheckIns, actor: str) -> Message:
        return check_ins_pb2.CheckInList(check_ins=reversed(self._lines(request.person_id or actor)))

    def _lines(self, person: str) -> list[check_ins_pb2.CheckInLine]:
        lines: list[check_ins_pb2.CheckInLine] = []
        for (who, due_on), one in sorted(self.check_ins.items(), key=lambda item: item[0][1]):
            if who == person and one.HasField("submitted"):
                mean = mean_confidence(one.submitted.values)
                lines.append(
                    check_ins_pb2.CheckInLine(
                        due_on=_date(due_on),
                        state=one.state,
                        submitted_at=one.submitted.at,
                        mood=one.submitted.mood if one.submitted.HasField("mood") else None,
                        confidence=from_decimal(mean) if mean is not None else None,
                    )
                )
        return lines

    def ListTeam(self, request: check_ins_pb2.ListTeam, actor: str) -> Message:
        team = check_ins_pb2.Team()
        for person in sorted(one for one, manager in MANAGERS.items() if manager == actor):
            now = self.check_ins.get((person, TODAY))
            member = team.members.add(
                person_id=person,
                due_on=_date(TODAY),
                state=now.state if now else types_pb2.CHECK_IN_STATE_NOT_STARTED,
                last=self._lines(person)[-6:],
                kpis=7 if person == "minh" else 3,
            )
            waiting = [one for one in self.topics.values() if one.author_id == person and one.waits_for_id == actor]
            if waiting:
                member.topic_ids.extend(one.topic_id for one in waiting)
                member.topics_waiting = len(waiting)
                member.topic_since.CopyFrom(waiting[0].since)
                member.signs.append(types_pb2.TEAM_SIGN_TOPIC_WAITS)
            if person == "tram":
                member.stuck_kpi_ids.append("i2")
                member.stuck_days = 29
                member.signs.append(types_pb2.TEAM_SIGN_OFF_COURSE)
            if now and now.state == types_pb2.CHECK_IN_STATE_SUBMITTED:
                member.signs.append(types_pb2.TEAM_SIGN_ANSWER_WAITS)
            member.need = types_pb2.NEED_TODAY if waiting else types_pb2.NEED_NONE
            if member.signs and not waiting:
                member.need = types_pb2.NEED_THIS_WEEK
        members = sorted(team.members, key=lambda one: one.need)
        return check_ins_pb2.Team(members=members)

    def GetGroupMood(self, request: check_ins_pb2.GetGroupMood, actor: str) -> Message:
        points = [
            check_ins_pb2.GroupMoodPoint(due_on=_date(due_on), people=6, mean=from_decimal(Decimal(mean)))
            for due_on, mean in ((SLOTS[4], "3.4"), (SLOTS[3], "3.1"))
        ]
        return check_ins_pb2.GroupMood(points=points)

    def ListDiscipline(self, request: check_ins_pb2.ListDiscipline, actor: str) -> Message:
        everybodys = actor in ("nam", "quang", "huong", "khanh")
        lines = [
            check_ins_pb2.DisciplineLine(
                manager_id=manager, due=10, in_time=8, late=1, to_answer=9, answered=8, answer_hours=hours
            )
            for manager, hours in (("phuc", 20), ("lan", 44))
            if (everybodys or manager == actor) and request.manager_id in ("", manager)
        ]
        return check_ins_pb2.Discipline(lines=lines)

    # --- topics ---

    def ListTopics(self, request: topics_pb2.ListTopics, actor: str) -> Message:
        found = [
            self._topic(one, actor)
            for one in self.topics.values()
            if (one.author_id == request.author_id or not request.author_id)
            and (one.waits_for_id == actor if request.waiting_for_me else self._reads_topic(one, actor))
            and (request.closed_too or one.state != types_pb2.TOPIC_STATE_CLOSED)
        ]
        return topics_pb2.TopicList(topics=found)

    def GetTopic(self, request: topics_pb2.GetTopic, actor: str) -> Message:
        topic = self.topics.get(request.topic_id)
        if topic is None or not self._reads_topic(topic, actor):
            raise unknown("topic", request.topic_id, "topic_id")
        return self._topic(topic, actor)

    def _reads_topic(self, topic: topics_pb2.Topic, actor: str) -> bool:
        return actor in (topic.author_id, MANAGERS.get(topic.author_id), topic.waits_for_id, *topic.participant_ids)

    def _topic(self, topic: topics_pb2.Topic, actor: str) -> topics_pb2.Topic:
        shown = topics_pb2.Topic()
        shown.CopyFrom(topic)
        own, over = actor == topic.author_id, topic.state == types_pb2.TOPIC_STATE_CLOSED
        answered = topic.state == types_pb2.TOPIC_STATE_ANSWERED
        shown.may_answer = not own and not over
        shown.may_forward = not over
        shown.may_close = not over and (own or answered)
        shown.may_reopen = own and (over or answered)
        return shown

    def RaiseTopic(self, request: topics_pb2.RaiseTopic, actor: str) -> Message:
        return self._accepted("checkins", self._raise(request.topic, actor))

    def _raise(self, draft: topics_pb2.TopicDraft, actor: str) -> str:
        id = f"topic-{len(self.topics)}"
        self.topics[id] = topics_pb2.Topic(
            topic_id=id,
            author_id=actor,
            title=draft.title,
            problem=draft.problem if draft.HasField("problem") else None,
            participant_ids=draft.participant_ids,
            state=types_pb2.TOPIC_STATE_OPEN,
            raised_at=at(NOW),
            since=at(NOW),
            waits_for_id=MANAGERS.get(actor, ""),
        )
        return id

    def ForwardTopic(self, request: topics_pb2.ForwardTopic, actor: str) -> Message:
        to = request.person_id or {"sales": "phuc", "cskh": "lan"}.get(request.unit_id, "nam")
        topic = self._step(request.topic_id, types_pb2.TOPIC_STEP_KIND_FORWARDED, actor, request.note, to_id=to)
        topic.state, topic.waits_for_id = types_pb2.TOPIC_STATE_FORWARDED, to
        return self._accepted("checkins", request.topic_id)

    def AnswerTopic(self, request: topics_pb2.AnswerTopic, actor: str) -> Message:
        topic = self._step(request.topic_id, types_pb2.TOPIC_STEP_KIND_ANSWERED, actor, request.answer)
        topic.state, topic.waits_for_id = types_pb2.TOPIC_STATE_ANSWERED, ""
        return self._accepted("checkins", request.topic_id)

    def CloseTopic(self, request: topics_pb2.CloseTopic, actor: str) -> Message:
        topic = self._step(request.topic_id, types_pb2.TOPIC_STEP_KIND_CLOSED, actor, None)
        topic.state, topic.waits_for_id = types_pb2.TOPIC_STATE_CLOSED, ""
        return self._accepted("checkins", request.topic_id)

    def ReopenTopic(self, request: topics_pb2.ReopenTopic, actor: str) -> Message:
        topic = self._step(request.topic_id, types_pb2.TOPIC_STEP_KIND_REOPENED, actor, request.reason)
        topic.state, topic.waits_for_id = types_pb2.TOPIC_STATE_OPEN, MANAGERS.get(topic.author_id, "")
        return self._accepted("checkins", request.topic_id)

    def _step(self, id: str, kind: Any, actor: str, said: Any, *, to_id: str = "") -> topics_pb2.Topic:
        topic = self.topics.setdefault(id, topics_pb2.Topic(topic_id=id, author_id="minh", title=words("Chủ đề")))
        topic.steps.add(kind=kind, at=at(NOW), by_id=actor, words=said, to_id=to_id)
        topic.since.CopyFrom(at(NOW))
        return topic

    # --- the rhythm ---

    def ListCadence(self, request: cadence_pb2.ListCadence, actor: str) -> Message:
        sets = actor in ("nam", "huong", "quang")
        rules = [cadence_pb2.CadenceRule.FromString(one.SerializeToString()) for one in self.rules]
        for rule in rules:
            rule.may_set = sets
        return cadence_pb2.CadenceList(rules=rules, may_set_company=sets)

    def ListHolidays(self, request: cadence_pb2.ListHolidays, actor: str) -> Message:
        return cadence_pb2.Holidays(holidays=self.holidays)

    def GetCalendar(self, request: cadence_pb2.GetCalendar, actor: str) -> Message:
        calendar = cadence_pb2.Calendar(
            starts_on=_date(date(2025, 1, 1)),
            ends_on=_date(date(2025, 3, 31)),
            review_on=_date(date(2025, 3, 31)),
            retro_on=_date(date(2025, 3, 31)),
            absences=self.absences,
            may_note_absence=True,
        )
        for number, due_on in enumerate(SLOTS, 1):
            kept = self.check_ins.get((request.person_id, due_on))
            calendar.slots.add(
                number=number,
                opens_on=_date(due_on - timedelta(days=13)),
                due_on=_date(due_on),
                state=kept.state if kept else types_pb2.CHECK_IN_STATE_NOT_STARTED,
            )
        return calendar

    def GetCalendarFeed(self, request: calendar_feeds_pb2.GetCalendarFeed, actor: str) -> Message:
        since = at(NOW) if actor in self.addresses else None
        return calendar_feeds_pb2.CalendarFeed(since=since)

    def RenewCalendarFeed(self, request: calendar_feeds_pb2.RenewCalendarFeed, actor: str) -> Message:
        self.addresses[actor] = request.address_sha256
        return self._accepted("checkins", actor)

    def EndCalendarFeed(self, request: calendar_feeds_pb2.EndCalendarFeed, actor: str) -> Message:
        self.addresses.pop(actor, None)
        return self._accepted("checkins", actor)

    def SetCadence(self, request: cadence_pb2.SetCadence, actor: str) -> Message:
        self.rules.append(
            cadence_pb2.CadenceRule(
                unit_id=request.unit_id,
                person_id=request.person_id,
                every_weeks=request.every_weeks or 2,
                weekday=request.weekday,
                first_on=request.first_on,
            )
        )
        return self._accepted("checkins", "cadence")

    def EndCadence(self, request: cadence_pb2.EndCadence, actor: str) -> Message:
        self.rules = [one for one in self.rules if (one.unit_id, one.person_id) != (request.unit_id, request.person_id)]
        return self._accepted("checkins", "cadence")

    def NameHoliday(self, request: cadence_pb2.NameHoliday, actor: str) -> Message:
        last_on = request.last_on if request.HasField("last_on") else request.first_on
        self.holidays.append(cadence_pb2.Holiday(first_on=request.first_on, last_on=last_on, name=request.name))
        return self._accepted("checkins", "all")

    def RemoveHoliday(self, request: cadence_pb2.RemoveHoliday, actor: str) -> Message:
        self.holidays = [one for one in self.holidays if one.first_on != request.first_on]
        return self._accepted("checkins", "all")

    def NoteAbsence(self, request: cadence_pb2.NoteAbsence, actor: str) -> Message:
        last_on = request.last_on if request.HasField("last_on") else request.first_on
        self.absences.append(cadence_pb2.Absence(first_on=request.first_on, last_on=last_on))
        return self._accepted("checkins", request.person_id)

    def WithdrawAbsence(self, request: cadence_pb2.WithdrawAbsence, actor: str) -> Message:
        self.absences = [one for one in self.absences if one.first_on != request.first_on]
        return self._accepted("checkins", request.person_id)
