"""An action: agreed, reported, approved or sent back, given up (C-33, N-09)."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given as random
from hypothesis import strategies as st

from eventkit.context import Actor
from eventkit.errors import Rejected
from eventkit.values import from_datetime, to_datetime
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import ActionApproved, ActionFellDue, ActionReported, ActionSentBack
from nhip.checkins.v1.types_pb2 import Agreed
from services.checkins.domain import action
from services.checkins.domain.action import ACTION
from tests.unit.decisions import Command, Given, company_x, given, words

X = company_x()
AT = datetime(2025, 3, 20, 7, 18, tzinfo=UTC)
"""14:18 in Hồ Chí Minh City."""
TODAY_AT_17 = datetime(2025, 3, 20, 10, tzinfo=UTC)
MONDAY = datetime(2025, 3, 24, 10, tzinfo=UTC)


def who(id: str) -> Actor:
    return Actor("company-x", id)


def offer(doer: str = "minh", approver: str = "phuc", due: datetime | None = TODAY_AT_17) -> Agreed:
    at = from_datetime(due) if due else None
    return Agreed(what=words("Soạn lại đề xuất giá"), doer_id=doer, due_at=at, approver_id=approver)


def agreed(by: str = "minh", said: Agreed | None = None, *, people: tuple[str, ...] = (), org=X) -> Command:
    return lambda state: action.agree(
        state.state(ACTION, "a"),
        said or offer(),
        "a",
        who(by),
        org,
        AT,
        meeting_id="m" if people else "",
        participants=people,
    )


def changed(by: str, said: Agreed, seen: int = 1, *, writes: bool = False) -> Command:
    return lambda state: action.change(
        state.state(ACTION, "a"), said, seen, who(by), X, AT, action_id="a", writes_minutes=writes
    )


def reported(by: str = "minh", org=X) -> Command:
    return lambda state: action.report(state.state(ACTION, "a"), words(""), who(by), org, "a")


def approved(by: str = "phuc", org=X) -> Command:
    return lambda state: action.approve(state.state(ACTION, "a"), words("Tốt"), who(by), org, "a")


def sent_back(by: str = "phuc") -> Command:
    return lambda state: action.send_back(state.state(ACTION, "a"), words("Thiếu mẫu A"), who(by), X, "a")


def dropped(by: str) -> Command:
    return lambda state: action.drop(state.state(ACTION, "a"), words("Khách đã ký"), who(by), X, "a")


def due(at: datetime) -> Command:
    return lambda state: action.fall_due(state.state(ACTION, "a"), at)


def state_of(state: Given) -> int:
    return state.state(ACTION, "a").state


def test_who_does_it_reports_and_somebody_else_approves_c33():
    done = ActionReported(action_id="a", doer_id="minh", approver_id="phuc", by_id="minh")
    good = ActionApproved(action_id="a", doer_id="minh", approver_id="phuc", by_id="phuc", note=words("Tốt"))
    state = given(agreed()).when(reported()).then(done).when(approved()).then(good)
    assert state_of(state) == t.ACTION_STATE_DONE
    state.when(approved()).then_nothing()
    state.when(reported()).then_rejected("ACTION_CLOSED")


def test_what_is_sent_back_is_to_be_done_still_c33():
    back = ActionSentBack(action_id="a", doer_id="minh", approver_id="phuc", by_id="phuc", reason=words("Thiếu mẫu A"))
    state = given(agreed(), reported()).when(sent_back()).then(back)
    assert state_of(state.and_then(reported()).and_then(approved())) == t.ACTION_STATE_DONE


def test_without_an_approver_a_report_ends_it_c33():
    state = given(agreed(said=offer(approver="")), reported())
    assert state_of(state) == t.ACTION_STATE_DONE


def test_nobody_approves_what_they_do_c33():
    given().when(agreed(said=offer(approver="minh"))).then_rejected("OWN_APPROVAL", field="agreed.approver_id")
    given(agreed(), reported()).when(approved("minh")).then_rejected("NOT_YOUR_ACTION")
    without = company_x(inactive=("phuc",))  # whose approval it was left: the next above says so, never the doer
    state = given(agreed(), reported())
    assert state.when(approved("nam", without)).command(state)


@pytest.mark.parametrize(("by", "reason"), [("minh", ""), ("phuc", ""), ("nam", ""), ("tram", "NOT_YOURS_TO_GIVE")])
def test_outside_a_meeting_one_agrees_for_oneself_or_whom_one_leads(by: str, reason: str):
    asked = given().when(agreed(by))
    asked.then_rejected(reason) if reason else asked.command(asked.state)


def test_in_a_meeting_it_is_for_who_takes_part_and_may_be_half_said():
    people = ("phuc", "minh")
    given().when(agreed("minh", offer("tram"), people=people)).then_rejected("DOER_ABSENT")
    half = offer(doer="", due=None)
    given().when(agreed("minh", half)).then_rejected("DOER_MISSING", field="agreed.doer_id")
    state = given(agreed("minh", half, people=people))
    assert not state.state(ACTION, "a").is_complete
    full = state.and_then(changed("phuc", offer(), writes=True))
    assert full.state(ACTION, "a").is_complete


def test_two_who_change_it_at_once_notice_each_other():
    state = given(agreed(), changed("phuc", offer(due=MONDAY)))
    state.when(changed("minh", offer(approver=""))).then_rejected("ACTION_MOVED")


def test_who_does_it_does_not_give_it_up_over_their_approver():
    state = given(agreed("phuc"))
    state.when(dropped("minh")).then_rejected("NOT_YOUR_ACTION")
    assert state_of(state.and_then(dropped("phuc"))) == t.ACTION_STATE_DROPPED
    state.when(dropped("tram")).then_rejected("ACTION_UNKNOWN")


@pytest.mark.parametrize(
    ("due_at", "told_at"),
    [
        (TODAY_AT_17, TODAY_AT_17),
        (MONDAY, datetime(2025, 3, 24, 1, tzinfo=UTC)),  # at eight in the morning there
        (datetime(2025, 3, 24, 0, 30, tzinfo=UTC), datetime(2025, 3, 24, 0, 30, tzinfo=UTC)),
    ],
)
def test_who_does_it_is_told_once_on_the_morning_of_its_day_n09(due_at: datetime, told_at: datetime):
    state = given(agreed(said=offer(due=due_at)))
    fell = ActionFellDue(action_id="a", doer_id="minh", due_at=from_datetime(due_at))
    state.when(due(told_at)).then(fell).when(due(told_at)).then_nothing()
    state.and_then(reported()).when(due(told_at)).then_nothing()
    later = state.and_then(changed("phuc", offer(due=due_at + timedelta(days=7))))
    later.when(due(told_at)).then_nothing()


RELATIONS = {"doer": "minh", "approver": "quang", "author": "phuc", "in the meeting": "lan", "colleague": "tram"}


@pytest.mark.parametrize(
    ("relation", "reads"),
    [("doer", True), ("approver", True), ("author", True), ("in the meeting", True), ("colleague", False)],
)
def test_its_words_are_read_by_whom_it_concerns(relation: str, reads: bool):
    state = given(agreed("phuc", offer(approver="quang"), people=("phuc", "minh", "lan")))
    assert action.may_read(state.state(ACTION, "a"), RELATIONS[relation]) is reads


STEPS = st.sampled_from(
    [
        agreed(),
        reported(),
        reported("tram"),
        approved(),
        approved("minh"),
        sent_back(),
        dropped("phuc"),
        dropped("minh"),
        changed("phuc", offer(due=MONDAY), 1),
        changed("phuc", offer(approver=""), 2),
        due(TODAY_AT_17),
    ]
)


@random(st.lists(STEPS, max_size=12))
def test_whatever_the_order_what_is_done_was_reported_by_its_doer_and_stays(steps: list[Command]):
    state = given(agreed())
    for step in steps:
        before = state.state(ACTION, "a")
        try:
            state = state.and_then(step)
        except Rejected:
            continue
        after = state.state(ACTION, "a")
        if before.state in (t.ACTION_STATE_DONE, t.ACTION_STATE_DROPPED):
            assert (after.state, after.agreed) == (before.state, before.agreed)
        if after.state == t.ACTION_STATE_DONE != before.state:
            assert before.state == t.ACTION_STATE_REPORTED or not before.agreed.approver_id
    events = [type(each).__name__ for each in state.events["action", "a"]]
    if "ActionApproved" in events:
        assert "ActionReported" in events[: events.index("ActionApproved")]


def test_a_time_that_is_over_is_refused():
    past = from_datetime(AT - timedelta(minutes=1))
    given().when(agreed(said=offer(due=to_datetime(past)))).then_rejected("DUE_PAST", field="agreed.due_at")
    assert isinstance(past, Timestamp)
