"""A review: who writes when and reads what, and what is decided about each KPI (C-40 … C-43)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as random
from hypothesis import strategies as st

from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.errors import Rejected
from eventkit.values import from_datetime
from nhip.checkins.v1 import reviews_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.types_pb2 import KpiVerdict, ReviewedKpi, ReviewPart
from services.checkins.domain import review
from services.checkins.domain.review import REVIEW, Review
from tests.unit.decisions import Command, Given, company_x, given, number, rejected, words

X = company_x()
ID = "q1.minh"
OPENED = datetime(2025, 3, 31, 0, tzinfo=UTC)
AT = OPENED + timedelta(days=2)
KPIS = [ReviewedKpi(kpi_id="I1", value=number(51)), ReviewedKpi(kpi_id="I2", value=number(58))]
LATER = [ReviewedKpi(kpi_id="I1", value=number(52)), ReviewedKpi(kpi_id="I2", value=number(58))]


def who(id: str) -> Actor:
    return Actor("company-x", id)


def verdicts(**steps: int) -> list[KpiVerdict]:
    """A number above three is another target."""
    return [
        KpiVerdict(kpi_id=kpi, next_step=step)  # type: ignore[arg-type] # the enum's number
        if step <= t.NEXT_STEP_STOP
        else KpiVerdict(kpi_id=kpi, next_step=t.NEXT_STEP_ADJUST, target=number(step))
        for kpi, step in steps.items()
    ]


def part(said: Sequence[KpiVerdict], **texts: str) -> ReviewPart:
    found = ReviewPart(verdicts=said)
    for name, text in texts.items():
        getattr(found, name).CopyFrom(words(text))
    return found


KEEP_BOTH = verdicts(I1=t.NEXT_STEP_KEEP, I2=t.NEXT_STEP_KEEP)
SELF = part(KEEP_BOTH, why="Khách dễ mà mỏng", working="Thảo gọi ngay", next="Giữ 50", mood="4")
MANAGER = part(KEEP_BOTH, why="Anh duyệt giá chậm", development="Cầm nhóm khách lớn")


def opened(manager: str = "phuc") -> Command:
    return lambda state: review.open_review(state.state(REVIEW, ID), "q1", "minh", manager, KPIS)


def saved(by: str = "minh", said: ReviewPart = SELF, seen: int = 0) -> Command:
    command = pb.SaveSelfPart(cycle_id="q1", person_id="minh", part=said, seen_revision=seen)
    return lambda state: review.save_self(state.state(REVIEW, ID), command, who(by), X)


def sent(by: str = "minh", said: ReviewPart = SELF, seen: int = 0, org: OrgChart = X) -> Command:
    command = pb.SendSelfPart(cycle_id="q1", person_id="minh", part=said, seen_revision=seen)
    return lambda state: review.send_self(state.state(REVIEW, ID), command, who(by), org, LATER)


def answered(
    by: str = "phuc", said: ReviewPart = MANAGER, seen: int = 0, org: OrgChart = X, at: datetime = AT
) -> Command:
    command = pb.SendManagerPart(cycle_id="q1", person_id="minh", part=said, seen_revision=seen)
    return lambda state: review.send_manager(
        state.state(REVIEW, ID), command, who(by), org, OPENED, at, LATER, "first-step"
    )


def closed(
    by: str = "phuc", said: Sequence[KpiVerdict] = (), org: OrgChart = X, milestones: Sequence[str] = ()
) -> Command:
    command = pb.CloseReview(cycle_id="q1", person_id="minh", verdicts=said)
    return lambda state: review.close(state.state(REVIEW, ID), command, who(by), org, milestones)


def of(state: Given) -> Review:
    return state.state(REVIEW, ID)


def test_it_goes_from_the_person_to_their_manager_and_is_closed_c42():
    state = given(opened())
    state.when(answered()).then_rejected("SELF_PART_MISSING")
    state = state.and_then(sent())
    assert (of(state).state, list(of(state).kpis)) == (t.REVIEW_STATE_MANAGER, LATER)  # made on what stood then
    state.when(closed()).then_rejected("PARTS_MISSING")
    state = state.and_then(answered()).and_then(closed())
    assert [(v.kpi_id, v.next_step) for v in of(state).verdicts] == [
        ("I1", t.NEXT_STEP_KEEP),
        ("I2", t.NEXT_STEP_KEEP),
    ]


def test_where_the_two_differ_they_say_what_it_is_to_be_c40():
    other = part(verdicts(I1=t.NEXT_STEP_KEEP, I2=68), why="Đồng ý")
    state = given(opened(), sent(), answered(said=other))
    assert review.differing(of(state)) == ["I2"]
    state.when(closed()).then_rejected("VERDICTS_MISSING", field="verdicts")
    state = state.and_then(closed(said=verdicts(I2=t.NEXT_STEP_STOP)))
    assert [v.next_step for v in of(state).verdicts] == [t.NEXT_STEP_KEEP, t.NEXT_STEP_STOP]


def test_what_is_adjusted_gets_its_number_before_it_is_closed_c44():
    adjust = verdicts(I1=t.NEXT_STEP_KEEP, I2=t.NEXT_STEP_ADJUST)
    state = given(opened(), sent(said=part(adjust, why="a", working="b", next="c")), answered(said=part(adjust)))
    assert review.differing(of(state)) == []
    state.when(closed()).then_rejected("TARGET_NOT_SAID", field="verdicts.I2.target")
    state.when(closed(said=adjust[1:])).then_rejected("TARGET_NOT_SAID", field="verdicts.I2.target")
    assert of(state.and_then(closed(said=verdicts(I2=60)))).verdicts[1].target == number(60)
    done_or_not = state.and_then(closed(milestones=["I2"]))
    assert of(done_or_not).verdicts[1].next_step == t.NEXT_STEP_ADJUST


def test_the_same_step_to_another_target_differs():
    own = part(verdicts(I1=60, I2=70), why="a", working="b", next="c")
    state = given(opened(), sent(said=own), answered(said=part(verdicts(I1=60, I2=68))))
    assert review.differing(of(state)) == ["I2"]


def test_the_three_questions_and_every_kpi_are_answered_c41():
    given(opened()).when(sent(said=part(KEEP_BOTH, why="a", next="c"))).then_rejected(
        "ANSWER_MISSING", field="part.working"
    )
    one = part(verdicts(I1=t.NEXT_STEP_KEEP), why="a", working="b", next="c")
    given(opened()).when(sent(said=one)).then_rejected("VERDICTS_MISSING", field="part.verdicts")
    strange = part(verdicts(I9=t.NEXT_STEP_KEEP))
    given(opened()).when(saved(said=strange)).then_rejected("KPI_UNKNOWN", field="part.verdicts[0].kpi_id")
    kept = part([KpiVerdict(kpi_id="I1", next_step=t.NEXT_STEP_KEEP, target=number(3))])
    given(opened()).when(saved(said=kept)).then_rejected("TARGET_NOT_ADJUSTED")


def test_each_writes_what_is_theirs_to_say_c42():
    given(opened()).when(saved(said=part((), first_step="Dẫn một buổi"))).then_rejected(
        "NOT_IN_THIS_PART", field="part.first_step"
    )
    given(opened(), sent()).when(answered(said=part(KEEP_BOTH, mood="3"))).then_rejected(
        "NOT_IN_THIS_PART", field="part.mood"
    )
    for mood in ("", "6", "45"):
        given(opened()).when(saved(said=part((), mood=mood))).then_rejected("MOOD_INVALID", field="part.mood")


RELATIONS = {
    "person": "minh",
    "manager then": "phuc",
    "manager above": "nam",
    "colleague": "tram",
    "executive": "quang",
}


@pytest.mark.parametrize("relation", RELATIONS)
def test_to_anybody_but_the_two_there_is_no_review_1_13(relation: str):
    state, person = of(given(opened())), RELATIONS[relation]
    if relation in ("person", "manager then"):
        assert review.known(state, person, X, "minh") is state
    else:
        rejected("REVIEW_UNKNOWN", lambda: review.known(state, person, X, "minh"))


def test_a_later_manager_reads_nothing_and_who_left_is_followed_until_it_is_closed_1_13():
    moved = company_x()
    moved = OrgChart(
        people=moved.people, places={**moved.places, "minh": moved.places["thao"]}, units=moved.units, position=20
    )
    assert review.reviewer(of(given(opened(), sent())), moved) == "phuc"
    left = company_x(inactive=("phuc",))
    state = given(opened(), sent())
    assert review.reviewer(of(state), left) == "nam"
    state = state.and_then(answered("nam", org=left)).and_then(closed("nam", org=left))
    assert review.reviewer(of(state), left) == "phuc"


def test_a_manager_does_not_wait_for_ever_c42():
    state = given(opened())
    state.when(answered(at=OPENED + timedelta(days=13))).then_rejected("SELF_PART_MISSING")
    assert of(state.and_then(answered(at=OPENED + timedelta(days=14)))).state == t.REVIEW_STATE_CLOSING
    left = company_x(inactive=("minh",))
    without = state.and_then(answered(org=left)).and_then(closed(org=left))
    assert [v.kpi_id for v in of(without).verdicts] == ["I1", "I2"]


def test_without_a_manager_the_person_closes_it():
    state = given(opened(manager=""), sent())
    assert of(state.and_then(closed("minh"))).state == t.REVIEW_STATE_CLOSED


def test_the_first_step_is_an_action_with_a_day():
    step = part((), first_step="Dẫn một buổi chia sẻ")
    rejected("DUE_MISSING", lambda: review.first_step(step, "minh", "phuc"), field="part.first_step_due_at")
    step.first_step_due_at.CopyFrom(from_datetime(AT))
    agreed = review.first_step(step, "minh", "phuc")
    assert agreed is not None
    assert (agreed.doer_id, agreed.approver_id) == ("minh", "phuc")
    assert review.first_step(part(()), "minh", "phuc") is None


STEPS = st.one_of(
    st.builds(saved, st.sampled_from(["minh", "phuc"]), st.just(SELF), st.integers(0, 2)),
    st.builds(sent, st.sampled_from(["minh", "phuc"]), st.just(SELF), st.integers(0, 2)),
    st.builds(answered, st.sampled_from(["minh", "phuc", "nam"]), st.just(MANAGER)),
    st.builds(closed, st.sampled_from(["minh", "phuc"])),
    st.just(opened("nam")),
)


@random(st.lists(STEPS, max_size=15))
def test_no_order_of_saving_sending_and_closing_loses_a_part(steps: list[Command]):
    """What was sent stays, the person's comes first, and what was saved was written on what its writer saw."""
    state = given(opened())
    for step in steps:
        before = of(state)
        try:
            state = state.and_then(step)
        except Rejected:
            continue
        after = of(state)
        assert after.manager_id == "phuc"
        assert after.state >= before.state
        if before.self_part is not None:
            assert (after.self_part, after.self_draft, after.kpis) == (
                before.self_part,
                before.self_draft,
                before.kpis,
            )
        if after.manager_part is not None:
            assert after.self_part is not None
        assert after.self_revision - before.self_revision in (0, 1)
