"""Company X's meetings, actions and reviews, in memory, as Minh and Phúc see them."""

from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message

from eventkit.errors import unknown
from nhip.checkins.v1 import meetings_pb2 as m
from nhip.checkins.v1 import reviews_pb2 as r
from nhip.checkins.v1 import topics_pb2 as tp
from nhip.checkins.v1 import types_pb2 as t
from nhip.common.v1 import command_pb2
from tests.browser.messages import NOW, at, number, words

AT_14 = datetime(2025, 3, 20, 7, tzinfo=UTC)
TODAY_17 = datetime(2025, 3, 20, 10, tzinfo=UTC)
MONDAY = datetime(2025, 3, 24, 10, tzinfo=UTC)
MINHS = ("i1", "i3", "k-co", "i5", "k-add", "k-col")
CLOSED = (t.ACTION_STATE_DONE, t.ACTION_STATE_DROPPED)
OPEN, DONE, REPORTED = t.ACTION_STATE_OPEN, t.ACTION_STATE_DONE, t.ACTION_STATE_REPORTED


def _agreed(what: str, doer: str, approver: str, due: datetime | None) -> t.Agreed:
    return t.Agreed(what=words(what), doer_id=doer, approver_id=approver, due_at=at(due) if due else None)


class TalksX:
    """What `nhip.checkins.v1.Meetings` and `Reviews` answer."""

    def __init__(self) -> None:
        self.notes: dict[tuple[int, str], m.Note] = {}
        self.ways: dict[str, m.WayOfMeeting] = {}
        self.answers: dict[str, m.InvitationAnswer] = {}
        self.actions: dict[str, m.Action] = {}
        self.confirmed: list[str] = []
        self.additions: list[m.Addition] = []
        self.discussed: list[str] = []
        self.adjust: bool | None = None
        self.said = 0
        self.joined = {"phuc": 0, "minh": 0}
        self.cancelled = ""
        self.parts: dict[str, t.ReviewPart] = {}
        self.sent: dict[str, bool] = {}
        self.revisions = {"self": 0, "manager": 0}
        self.closed: list[t.KpiVerdict] = []
        self._note(t.NOTE_PART_PROBLEM, "", "Mỗi lần xin duyệt mất 3–5 ngày; hai khách lớn đang chờ.", "minh")
        self._note(t.NOTE_PART_TRIED, "", "Minh rút gọn email báo giá, gửi kèm phép tính lãi. Vẫn chưa đủ.", "minh")
        self._note(t.NOTE_PART_QUESTION, "hardest-step", "Chờ duyệt giá. Khách hỏi mà em không trả lời được.", "minh")
        for id, name, plus, minus, needs in (
            ("w1", "Khung tự quyết đến 8 %", "Trả lời khách ngay trong buổi", "Cần theo dõi biên lợi nhuận",
             "Tài chính đồng ý khung"),
            ("w2", "Một người trực duyệt mỗi ngày", "Không đổi thẩm quyền", "Vẫn chờ nửa ngày", "0,5 người"),
            ("w3", "Giữ quy trình, xin sớm", "Không cần ai thêm", "Khó đoán trước khách nào", ""),
        ):  # fmt: skip
            way = t.Way(name=words(name), plus=words(plus), minus=words(minus), needs=words(needs) if needs else None)
            self.ways[id] = m.WayOfMeeting(way_id=id, revision=1, way=way, chosen=id == "w1")
        for id, agreed, state in (
            ("a1", _agreed("Soạn lại đề xuất giá cho khách Alpha theo mẫu A", "minh", "phuc", TODAY_17), OPEN),
            ("a2", _agreed("Trao đổi với Tài chính về khung tự quyết đến 8 %", "phuc", "quang", MONDAY), OPEN),
            ("a3", _agreed("Gửi mẫu A cho Trâm", "", "", None), OPEN),
        ):
            self.actions[id] = m.Action(
                action_id=id, agreed=agreed, state=state, author_id="minh", meeting_id="m1", revision=1
            )
        self.actions["a0"] = m.Action(
            action_id="a0", agreed=_agreed("Gọi lại khách Beta", "minh", "", MONDAY), state=OPEN, author_id="phuc",
            meeting_id="m0", revision=1,
        )  # fmt: skip
        self.actions["a9"] = m.Action(
            action_id="a9", agreed=_agreed("Gom danh sách khách cũ", "tram", "phuc", NOW), state=REPORTED,
            author_id="phuc", said=words("Em gửi trong thư mục chung"), said_by_id="tram", revision=1,
        )  # fmt: skip

    def _accepted(self, context: str, id: str) -> command_pb2.Accepted:
        raise NotImplementedError

    def _note(self, part: int, question: str, text: str, by: str) -> None:
        key = (part, question)
        revision = self.notes[key].revision + 1 if key in self.notes else 1
        self.notes[key] = m.Note(
            part=part,  # type: ignore[arg-type] # the enum's number
            question=question,
            revision=revision,
            text=words(text) if text else None,
            by_id=by,
            at=at(NOW),
        )
        self.said += 1

    # --- meetings ---

    def _head(self) -> m.MeetingHead:
        state = t.MEETING_STATE_CANCELLED if self.cancelled else t.MEETING_STATE_OPEN
        if not set(self.joined) - set(self.confirmed):
            state = t.MEETING_STATE_CONFIRMED
        return m.MeetingHead(
            meeting_id="m1",
            host_id="phuc",
            participant_ids=list(self.joined),
            span=t.Span(starts_at=at(AT_14), ends_at=at(AT_14 + timedelta(minutes=30))),
            about=words("Duyệt giá khi đàm phán"),
            state=state,
            called_by_id="minh",
            reason=words(self.cancelled) if self.cancelled else None,
        )

    def ListMeetings(self, request: m.ListMeetings, actor: str) -> Message:
        if actor not in self.joined:
            return m.MeetingList()
        past = m.MeetingHead()
        past.CopyFrom(self._head())
        past.meeting_id, past.state = "m0", t.MEETING_STATE_CONFIRMED
        past.span.starts_at.FromDatetime(AT_14 - timedelta(days=14))
        past.span.ends_at.FromDatetime(AT_14 - timedelta(days=14) + timedelta(minutes=30))
        return m.MeetingList(meetings=[past if request.past else self._head()])

    def GetMeeting(self, request: m.GetMeeting, actor: str) -> Message:
        head, is_open = self._head(), not self.cancelled and bool(set(self.joined) - set(self.confirmed))
        topic = tp.Topic(
            topic_id="t1",
            author_id="minh",
            title=words("Duyệt giá nhanh hơn khi đàm phán"),
            problem=words("Mỗi lần xin duyệt mất 3–5 ngày; hai khách lớn đang chờ. Mong có cách xử lý ngay."),
            state=t.TOPIC_STATE_OPEN,
            raised_at=at(NOW - timedelta(days=1)),
            may_answer=actor == "phuc",
            may_close=actor == "minh",
        )
        return m.Meeting(
            head=head,
            version=self.said,
            notes=self.notes.values(),
            ways=self.ways.values(),
            actions=[
                self._shown(self.actions[id], actor) for id in self.actions if self.actions[id].meeting_id == "m1"
            ],
            earlier=[self._shown(self.actions["a0"], actor)],
            kpi_question_answered=self.adjust is not None,
            adjust_kpi=bool(self.adjust),
            may_answer=is_open and actor != "minh",
            answers=self.answers.values(),
            confirmed_by=self.confirmed,
            additions=self.additions,
            may_write=is_open,
            may_confirm=is_open and actor not in self.confirmed,
            may_add=head.state == t.MEETING_STATE_CONFIRMED,
            may_move=is_open,
            topic_ids=self.discussed,
            topics=[topic],
        )

    def WriteNote(self, request: m.WriteNote, actor: str) -> Message:
        self._note(request.part, request.question, request.text.plain, actor)
        return self._accepted("checkins", "m1")

    def WriteWay(self, request: m.WriteWay, actor: str) -> Message:
        id = request.way_id or f"w{len(self.ways) + 1}"
        self.ways[id] = m.WayOfMeeting(way_id=id, revision=request.seen_revision + 1, way=request.way)
        self.said += 1
        return self._accepted("checkins", id)

    def RemoveWay(self, request: m.RemoveWay, actor: str) -> Message:
        self.ways.pop(request.way_id, None)
        return self._accepted("checkins", "m1")

    def ChooseWay(self, request: m.ChooseWay, actor: str) -> Message:
        for id, way in self.ways.items():
            way.chosen = id == request.way_id
        return self._accepted("checkins", "m1")

    def AnswerKpiQuestion(self, request: m.AnswerKpiQuestion, actor: str) -> Message:
        self.adjust = request.adjust
        return self._accepted("checkins", "m1")

    def DiscussTopic(self, request: m.DiscussTopic, actor: str) -> Message:
        self.discussed.append(request.topic_id)
        return self._accepted("checkins", "m1")

    def ConfirmMinutes(self, request: m.ConfirmMinutes, actor: str) -> Message:
        self.confirmed.append(actor)
        return self._accepted("checkins", "m1")

    def AddToMinutes(self, request: m.AddToMinutes, actor: str) -> Message:
        self.additions.append(m.Addition(text=request.text, by_id=actor, at=at(NOW)))
        return self._accepted("checkins", "m1")

    def CallMeeting(self, request: m.CallMeeting, actor: str) -> Message:
        return self._accepted("checkins", "m1")

    def MoveMeeting(self, request: m.MoveMeeting, actor: str) -> Message:
        return self._accepted("checkins", "m1")

    def CancelMeeting(self, request: m.CancelMeeting, actor: str) -> Message:
        self.cancelled = request.reason.plain
        return self._accepted("checkins", "m1")

    def AnswerInvitation(self, request: m.AnswerInvitation, actor: str) -> Message:
        word = request.word if request.HasField("word") else None
        self.answers[actor] = m.InvitationAnswer(person_id=actor, comes=request.comes, word=word)
        return self._accepted("checkins", "m1")

    def InviteToMeeting(self, request: m.InviteToMeeting, actor: str) -> Message:
        self.joined |= dict.fromkeys(request.person_ids, 1)
        return self._accepted("checkins", "m1")

    # --- actions ---

    def _shown(self, action: m.Action, actor: str) -> m.Action:
        shown = m.Action()
        shown.CopyFrom(action)
        to_do = action.state in (OPEN, t.ACTION_STATE_SENT_BACK)
        shown.may_report = to_do and action.agreed.doer_id == actor
        shown.may_decide = action.state == REPORTED and action.agreed.approver_id == actor
        shown.may_change = to_do and actor in ("minh", "phuc")
        shown.may_drop = to_do and actor == "phuc"
        return shown

    def ListActions(self, request: m.ListActions, actor: str) -> Message:
        whose = request.person_id or actor
        found = [
            one
            for one in self.actions.values()
            if (
                one.state == REPORTED and one.agreed.approver_id == actor
                if request.to_approve
                else one.agreed.doer_id == whose and (request.closed_too or one.state not in CLOSED)
            )
        ]
        return m.ActionList(actions=[self._shown(one, actor) for one in found])

    def AgreeAction(self, request: m.AgreeAction, actor: str) -> Message:
        id = f"a{len(self.actions) + 1}"
        self.actions[id] = m.Action(
            action_id=id, agreed=request.agreed, state=OPEN, author_id=actor, meeting_id=request.meeting_id, revision=1
        )
        return self._accepted("checkins", id)

    def ChangeAction(self, request: m.ChangeAction, actor: str) -> Message:
        self.actions[request.action_id].agreed.CopyFrom(request.agreed)
        return self._accepted("checkins", request.action_id)

    def _say(self, id: str, state: t.ActionState.ValueType, said: str, actor: str) -> Message:
        action = self.actions[id]
        action.state, action.said_by_id = state, actor
        action.said.plain = said
        return self._accepted("checkins", id)

    def ReportAction(self, request: m.ReportAction, actor: str) -> Message:
        if request.action_id not in self.actions:
            raise unknown("action", request.action_id, "action_id")
        approver = self.actions[request.action_id].agreed.approver_id
        return self._say(request.action_id, REPORTED if approver else DONE, request.note.plain, actor)

    def ApproveAction(self, request: m.ApproveAction, actor: str) -> Message:
        return self._say(request.action_id, DONE, request.note.plain, actor)

    def SendActionBack(self, request: m.SendActionBack, actor: str) -> Message:
        return self._say(request.action_id, t.ACTION_STATE_SENT_BACK, request.reason.plain, actor)

    def DropAction(self, request: m.DropAction, actor: str) -> Message:
        return self._say(request.action_id, t.ACTION_STATE_DROPPED, request.reason.plain, actor)

    # --- reviews: Minh's, which Phúc reviews with him ---

    def _state(self) -> t.ReviewState.ValueType:
        if self.closed:
            return t.REVIEW_STATE_CLOSED
        if self.sent.get("manager"):
            return t.REVIEW_STATE_CLOSING
        return t.REVIEW_STATE_MANAGER if self.sent.get("self") else t.REVIEW_STATE_SELF

    def _review_head(self, actor: str) -> r.ReviewHead:
        state = self._state()
        turn = {t.REVIEW_STATE_SELF: "minh", t.REVIEW_STATE_CLOSED: ""}.get(state, "phuc")
        return r.ReviewHead(
            cycle_id="q1-2025", person_id="minh", manager_id="phuc", state=state, opened_at=at(NOW),
            waits_for_me=turn == actor,
        )  # fmt: skip

    def ListReviews(self, request: r.ListReviews, actor: str) -> Message:
        head = self._review_head(actor)
        if actor not in ("minh", "phuc") or (request.waiting and not head.waits_for_me):
            return r.ReviewList()
        return r.ReviewList(reviews=[head])

    def GetReview(self, request: r.GetReview, actor: str) -> Message:
        own, state = actor == "minh", self._state()
        goals: dict[str, object] = self.goals  # type: ignore[attr-defined] # the example's
        kpis = [
            r.KpiOfReview(
                kpi=t.ReviewedKpi(kpi_id=id, value=number(goals[id].values[-1][1])),  # type: ignore[attr-defined] # a KPI
                moved_on=id == "i5",
            )
            for id in MINHS
            if id in goals
        ]
        review = r.Review(
            head=self._review_head(actor),
            position="checkins=20",
            kpis=kpis,
            verdicts=self.closed,
            self_revision=self.revisions["self"] if own else 0,
            manager_revision=0 if own else self.revisions["manager"],
            may_write_self=own and state == t.REVIEW_STATE_SELF,
            may_write_manager=not own and state == t.REVIEW_STATE_MANAGER,
            may_close=not own and state == t.REVIEW_STATE_CLOSING,
        )
        if "self" in self.parts and (own or self.sent.get("self")):
            review.self_part.CopyFrom(self.parts["self"])
        if "manager" in self.parts and (not own or self.sent.get("manager")):
            review.manager_part.CopyFrom(self.parts["manager"])
        if self.sent.get("self"):
            review.self_sent_at.CopyFrom(at(NOW))
        if self.sent.get("manager"):
            review.manager_sent_at.CopyFrom(at(NOW))
            mine = {v.kpi_id: v.next_step for v in self.parts["self"].verdicts}
            theirs = {v.kpi_id: v.next_step for v in self.parts["manager"].verdicts}
            review.differing_kpi_ids.extend(id for id in mine if theirs.get(id, mine[id]) != mine[id])
        return review

    def _keep(self, name: str, part: t.ReviewPart, *, sent: bool) -> Message:
        self.parts[name] = part
        self.revisions[name] += 1
        self.sent[name] = sent
        return self._accepted("checkins", "q1-2025.minh")

    def SaveSelfPart(self, request: r.SaveSelfPart, actor: str) -> Message:
        return self._keep("self", request.part, sent=False)

    def SendSelfPart(self, request: r.SendSelfPart, actor: str) -> Message:
        return self._keep("self", request.part, sent=True)

    def SaveManagerPart(self, request: r.SaveManagerPart, actor: str) -> Message:
        return self._keep("manager", request.part, sent=False)

    def SendManagerPart(self, request: r.SendManagerPart, actor: str) -> Message:
        return self._keep("manager", request.part, sent=True)

    def CloseReview(self, request: r.CloseReview, actor: str) -> Message:
        said = {v.kpi_id: v for name in ("self", "manager") for v in self.parts[name].verdicts}
        said |= {v.kpi_id: v for v in request.verdicts}
        self.closed = list(said.values())
        return self._accepted("checkins", "q1-2025.minh")

    def OpenReview(self, request: r.OpenReview, actor: str) -> Message:
        return self._accepted("checkins", "q1-2025.minh")

    def ListKpiVerdicts(self, request: r.ListKpiVerdicts, actor: str) -> Message:
        return r.VerdictList(verdicts=[r.ClosedVerdict(person_id="minh", verdict=v, at=at(NOW)) for v in self.closed])

    def written(self) -> None:
        """As on the day when Phúc writes: Minh has sent his part."""
        steps = dict.fromkeys(MINHS, t.NEXT_STEP_KEEP) | {"k-add": t.NEXT_STEP_STOP}
        part = t.ReviewPart(
            verdicts=[t.KpiVerdict(kpi_id=id, next_step=step) for id, step in steps.items()],
            why=words("Nửa đầu quý em chạy số demo nên khách dễ mà mỏng. Từ khi hạ xuống 50, em đọc kỹ từng khách."),
            working=words("Hiệu quả: Thảo gọi ngay sau demo. Cản trở: duyệt giá mất 3–5 ngày."),
            next=words("Giữ 50 demo. Gói Pro lên 68 % nếu CSKH tiếp tục gọi trong 24 giờ."),
            development=words("Dẫn một buổi chia sẻ cách chốt khách ngành thương mại."),
            help=words("Ngồi cùng Phúc hai buổi với khách Alpha"),
            mood=words("4"),
            feeling=words("Giữa quý em hụt hơi, cuối quý thấy mình hiểu khách hơn."),
        )
        self._keep("self", part, sent=True)
