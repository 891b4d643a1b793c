"""A meeting: who takes part and reads what, two who write at once, minutes that are confirmed (C-30 … C-38)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as random
from hypothesis import strategies as st

from eventkit.context import Actor
from eventkit.errors import Rejected
from eventkit.values import from_datetime
from nhip.checkins.v1 import meetings_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import InvitationAnswered, MinutesConfirmed, NoteWritten, ParticipantsInvited
from nhip.checkins.v1.types_pb2 import Span, Way
from services.checkins.domain import meeting, minutes
from services.checkins.domain.meeting import MEETING, Meeting
from tests.unit.decisions import Command, Given, company_x, given, words

X = company_x()
AT_14 = datetime(2025, 3, 20, 7, tzinfo=UTC)
AT = AT_14 - timedelta(days=1)
SPAN = Span(starts_at=from_datetime(AT_14), ends_at=from_datetime(AT_14 + timedelta(minutes=30)))


def who(id: str) -> Actor:
    return Actor("company-x", id)


def called(by: str = "minh", *others: str, host: str = "", span: Span = SPAN, reviewed: str = "") -> Command:
    command = pb.CallMeeting(host_id=host, participant_ids=others, span=span, reviewed_id=reviewed)
    command.cycle_id = "q1" if reviewed else ""
    return lambda state: meeting.call(state.state(MEETING, "m"), command, "m", who(by), X, AT)


def noted(by: str, text: str, seen: int = 0, part: int = t.NOTE_PART_PROBLEM, question: str = "") -> Command:
    command = pb.WriteNote(
        meeting_id="m",
        part=part,  # type: ignore[arg-type] # the enum's number
        question=question,
        seen_revision=seen,
        text=words(text),
    )
    return lambda state: minutes.write_note(state.state(MEETING, "m"), command, who(by))


def way(by: str, name: str, id: str = "", seen: int = 0, new: str = "w1") -> Command:
    command = pb.WriteWay(meeting_id="m", way_id=id, seen_revision=seen, way=Way(name=words(name)))
    return lambda state: minutes.write_way(state.state(MEETING, "m"), command, who(by), new)


def chosen(by: str, id: str) -> Command:
    command = pb.ChooseWay(meeting_id="m", way_id=id)
    return lambda state: minutes.choose_way(state.state(MEETING, "m"), command, who(by))


def invited(by: str, *people: str) -> Command:
    command = pb.InviteToMeeting(meeting_id="m", person_ids=people)
    return lambda state: meeting.invite(state.state(MEETING, "m"), command, who(by), X)


def confirmed(by: str, seen: int | None = None, incomplete: int = 0, org=X) -> Command:
    def decide(state: Given):
        there: Meeting = state.state(MEETING, "m")
        command = pb.ConfirmMinutes(meeting_id="m", seen_version=there.version if seen is None else seen)
        return minutes.confirm(there, command, who(by), org, incomplete)

    return decide


def added(by: str, text: str = "Bổ sung") -> Command:
    command = pb.AddToMinutes(meeting_id="m", text=words(text))
    return lambda state: minutes.add(state.state(MEETING, "m"), command, who(by))


ONE_TO_ONE = called("minh", "phuc")


def test_two_meet_and_one_asks_their_own_manager_to_hold_it_c30():
    state = given(called("minh", "phuc", host="phuc"))
    assert (state.state(MEETING, "m").host_id, set(state.state(MEETING, "m").joined)) == ("phuc", {"phuc", "minh"})
    given().when(called("minh", "lan", host="lan")).then_rejected("HOST_NOT_YOURS", field="host_id")
    given().when(called("minh", "minh")).then_rejected("NOBODY_ELSE", field="participant_ids")
    turned = Span(starts_at=SPAN.ends_at, ends_at=SPAN.starts_at)
    given().when(called("minh", "phuc", span=turned)).then_rejected("SPAN_INVALID", field="span.ends_at")


def test_to_anybody_else_there_is_none_c30():
    given(ONE_TO_ONE).when(noted("tram", "Em cũng vậy")).then_rejected("MEETING_UNKNOWN")
    given(ONE_TO_ONE).when(noted("nam", "Sao rồi?")).then_rejected("MEETING_UNKNOWN")  # a manager above takes no part


def test_who_comes_later_reads_nothing_of_before_c30():
    state = given(ONE_TO_ONE, noted("minh", "Duyệt giá mất 3–5 ngày"), way("phuc", "Khung tự quyết 8 %"))
    come = ParticipantsInvited(
        meeting_id="m", person_ids=["quang"], by_id="phuc", participant_ids=["minh", "phuc", "quang"]
    )
    state = state.when(invited("phuc", "quang")).then(come)
    there = state.state(MEETING, "m")
    assert meeting.readers(there, 0) == ["minh", "phuc"]
    assert meeting.readers(there, 1) == ["minh", "phuc", "quang"]
    # what is written from then on is a note of its own, and what was said before is not rewritten for others
    state.when(noted("quang", "Tài chính đồng ý")).then(
        NoteWritten(
            meeting_id="m",
            circle=1,
            part=t.NOTE_PART_PROBLEM,
            revision=1,
            text=words("Tài chính đồng ý"),
            by_id="quang",
            reader_ids=["minh", "phuc", "quang"],
        )
    )
    state.when(chosen("quang", "w1")).then_rejected("WAY_UNKNOWN")


def test_two_who_write_at_once_notice_each_other_c32():
    state = given(ONE_TO_ONE, noted("minh", "Một"))
    state.when(noted("phuc", "Hai")).then_rejected("NOTE_MOVED", field="seen_revision")
    state.and_then(noted("phuc", "Một, hai", seen=1)).when(noted("minh", "Ba", seen=1)).then_rejected("NOTE_MOVED")


def test_an_answer_names_its_question_c35():
    state = given(ONE_TO_ONE, noted("minh", "Chờ duyệt giá", part=t.NOTE_PART_QUESTION, question="hardest-step"))
    assert [each.question for each in state.state(MEETING, "m").said.values()] == ["hardest-step"]
    state.when(noted("minh", "Chờ", part=t.NOTE_PART_QUESTION)).then_rejected("QUESTION_NOT_SAID", field="question")


def test_minutes_are_confirmed_by_everybody_as_they_saw_them_c32():
    state = given(ONE_TO_ONE, noted("minh", "Một"), confirmed("minh"))
    state.when(confirmed("phuc", seen=0)).then_rejected("MINUTES_MOVED")
    over = state.when(confirmed("phuc")).then(
        MinutesConfirmed(meeting_id="m", by_id="phuc", concludes=True, participant_ids=["minh", "phuc"])
    )
    over.when(noted("minh", "Hai", seen=1)).then_rejected("MINUTES_CONFIRMED")
    assert over.and_then(added("minh")).state(MEETING, "m").additions == 1
    state.when(added("minh")).then_rejected("MINUTES_OPEN")


def test_a_change_asks_for_confirmation_again_c32():
    state = given(ONE_TO_ONE, noted("minh", "Một"), confirmed("minh"), noted("phuc", "Một, hai", seen=1))
    assert state.state(MEETING, "m").confirmed == frozenset()
    assert state.and_then(confirmed("phuc")).state(MEETING, "m").state == t.MEETING_STATE_OPEN


def test_half_said_actions_are_saved_and_not_confirmed_c33():
    given(ONE_TO_ONE).when(confirmed("minh", incomplete=1)).then_rejected("ACTIONS_INCOMPLETE")


def test_who_left_is_not_waited_for():
    state = given(ONE_TO_ONE).and_then(confirmed("phuc", org=company_x(inactive=("minh",))))
    assert state.state(MEETING, "m").state == t.MEETING_STATE_CONFIRMED


def test_whose_review_is_to_be_closed_takes_part_c42():
    given().when(called("phuc", "tram", reviewed="minh")).then_rejected("REVIEWED_ABSENT")


PEOPLE = ("minh", "phuc", "quang")
STEPS = st.one_of(
    st.builds(noted, st.sampled_from(PEOPLE), st.sampled_from(["một", "hai", ""]), st.integers(0, 3)),
    st.builds(way, st.sampled_from(PEOPLE), st.just("Cách"), st.sampled_from(["", "w1"]), st.integers(0, 2)),
    st.builds(chosen, st.sampled_from(PEOPLE), st.sampled_from(["", "w1"])),
    st.builds(invited, st.sampled_from(PEOPLE), st.just("quang")),
    st.builds(confirmed, st.sampled_from(PEOPLE), st.one_of(st.none(), st.integers(0, 4))),
    st.builds(added, st.sampled_from(PEOPLE)),
)


@random(st.lists(STEPS, max_size=20))
def test_no_order_of_what_is_said_loses_an_update_c32(steps: list[Command]):
    """Each note is written on the one before it, confirmed minutes stay as they were, and nobody reads what was said
    before they came."""
    state = given(ONE_TO_ONE)
    for step in steps:
        before: Meeting = state.state(MEETING, "m")
        try:
            state = state.and_then(step)
        except Rejected:
            continue
        after: Meeting = state.state(MEETING, "m")
        if before.state == t.MEETING_STATE_CONFIRMED:
            assert after.version == before.version
        if after.state == t.MEETING_STATE_CONFIRMED:
            assert after.confirmed == set(after.joined)
    revisions: dict[tuple[int, int], int] = {}
    for event in state.events["meeting", "m"]:
        if isinstance(event, NoteWritten):
            key = (event.circle, event.part)
            assert event.revision == revisions.get(key, 0) + 1
            revisions[key] = event.revision
        if (circle := getattr(event, "circle", None)) is not None:
            came = state.state(MEETING, "m").joined
            assert all(came[reader] <= circle for reader in getattr(event, "reader_ids"))  # noqa: B009


@pytest.mark.parametrize("by", ["minh", "phuc"])
def test_either_moves_it_and_calls_it_off_c30(by: str):
    later = Span(starts_at=SPAN.ends_at, ends_at=from_datetime(AT_14 + timedelta(hours=2)))
    move, off = pb.MoveMeeting(meeting_id="m", span=later), pb.CancelMeeting(meeting_id="m", reason=words("Ốm"))
    state = given(ONE_TO_ONE, lambda state: meeting.move(state.state(MEETING, "m"), move, who(by), AT))
    state.when(lambda state: meeting.move(state.state(MEETING, "m"), move, who(by), AT)).then_nothing()
    state = state.and_then(lambda state: meeting.cancel(state.state(MEETING, "m"), off, who(by)))
    state.when(noted(by, "Một")).then_rejected("MEETING_CANCELLED")


def test_a_meeting_lies_ahead_or_goes_on_c30():
    hour = timedelta(hours=1)
    over = Span(starts_at=from_datetime(AT - 2 * hour), ends_at=from_datetime(AT))
    given().when(called("minh", "phuc", span=over)).then_rejected("MEETING_PAST", field="span.starts_at")
    begun = Span(starts_at=from_datetime(AT - hour), ends_at=from_datetime(AT + hour))
    assert given(called("minh", "phuc", span=begun)).state(MEETING, "m").span == begun
    move = pb.MoveMeeting(meeting_id="m", span=over)
    given(ONE_TO_ONE).when(lambda state: meeting.move(state.state(MEETING, "m"), move, who("minh"), AT)).then_rejected(
        "MEETING_PAST", field="span.starts_at"
    )


def answered(by: str, comes: bool, word: str = "", at: datetime = AT) -> Command:
    command = pb.AnswerInvitation(meeting_id="m", comes=comes, word=words(word) if word else None)
    return lambda state: meeting.answer(state.state(MEETING, "m"), command, who(by), at)


def test_who_is_invited_says_whether_they_come_and_who_invited_them_hears_of_it_c30():
    state = given(ONE_TO_ONE, invited("phuc", "quang"))
    state.when(answered("minh", comes=True)).then_rejected("OWN_INVITATION")
    state.when(answered("tram", comes=True)).then_rejected("MEETING_UNKNOWN")
    state.when(answered("phuc", comes=True, at=AT_14 + timedelta(hours=1))).then_rejected("MEETING_PAST")
    state = state.and_then(answered("phuc", comes=False, word="Em sang thứ Sáu nhé"))
    state = state.and_then(answered("quang", comes=True))
    said = [each for each in state.state(MEETING, "m").said.values() if isinstance(each, InvitationAnswered)]
    assert [(one.by_id, one.invited_by_id, one.comes) for one in said] == [
        ("phuc", "minh", False),
        ("quang", "phuc", True),
    ]
    state.when(answered("quang", comes=True)).then_nothing()
    state = state.and_then(answered("quang", comes=False))  # they changed their mind
    later = Span(starts_at=from_datetime(AT_14 + timedelta(days=1)), ends_at=from_datetime(AT_14 + timedelta(days=1.1)))
    move = pb.MoveMeeting(meeting_id="m", span=later)
    state = state.and_then(lambda state: meeting.move(state.state(MEETING, "m"), move, who("minh"), AT))
    assert state.and_then(answered("quang", comes=False)).state(MEETING, "m").said["answer/quang"].span == later
