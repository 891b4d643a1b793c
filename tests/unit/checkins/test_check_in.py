"""A check-in: drafted, submitted, answered, asked for again; who may read and do what of it (C-05 to C-19)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as random
from hypothesis import strategies as st

from eventkit.commands.aggregate import Decision
from eventkit.directory.facts import Place
from eventkit.errors import Rejected
from eventkit.values import from_date
from nhip.checkins.v1 import check_ins_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.checkins_pb2 import RecordProgress
from nhip.checkins.v1.events_pb2 import CheckInAskedAgain, CheckInDrafted, CheckInEvaluated, CheckInSubmitted
from services.checkins.domain import check_in
from services.checkins.domain.calendar import Slot
from services.checkins.domain.check_in import CHECK_IN, CheckIn, Rights, at_row, rights
from services.checkins.domain.need import Facts, Limits, judge
from tests.unit.decisions import Command, Given, company_x, given, number, rejected, words

X = company_x()
DUE = date(2025, 3, 20)
SLOT = Slot(6, date(2025, 3, 7), DUE)
ID = check_in.id_of("minh", DUE)
DAY = from_date(DUE)
MINE, LEADS, OTHER = (rights("minh", "phuc", who, X) for who in ("minh", "phuc", "nam"))


def state_of(given: Given) -> CheckIn:
    return given.state(CHECK_IN, ID)


def drafted(revision: int, slot: Slot | None = SLOT, **said: Any) -> Command:
    command = pb.SaveCheckInDraft(due_on=DAY, revision=revision, draft=pb.CheckInDraft(**said))
    return lambda state: check_in.save_draft(state_of(state), command, "minh", slot)


def submitted(today: date = DUE, slot: Slot | None = SLOT, **said: Any) -> Command:
    said.setdefault("mood", 4)
    command = pb.SubmitCheckIn(due_on=DAY, **said)
    return lambda state: check_in.submit(state_of(state), command, "minh", "phuc", slot, today, [], {})


def evaluated(submission: int, may: Rights = LEADS, **said: Any) -> Command:
    said = said or {"comment": words("Tốt")}
    command = pb.EvaluateCheckIn(person_id="minh", due_on=DAY, submission=submission, **said)
    return lambda state: check_in.evaluate(state_of(state), command, "phuc", may)


def asked_again(submission: int, may: Rights = LEADS) -> Command:
    command = pb.AskAgain(person_id="minh", due_on=DAY, submission=submission, reason=words("Thiếu số"))
    return lambda state: check_in.ask_again(state_of(state), command, "phuc", may)


def test_a_draft_is_kept_and_an_edit_in_another_tab_is_noticed_c19():
    state = given(drafted(0, mood=3))
    assert state_of(state).state == t.CHECK_IN_STATE_DRAFT
    assert check_in.draft_of(state_of(state).draft or words("")) == pb.CheckInDraft(mood=3)
    state.when(drafted(0, mood=4)).then_rejected("CHECK_IN_MOVED", field="revision")
    state.and_then(drafted(1, mood=4)).when(submitted(revision=1)).then_rejected("CHECK_IN_MOVED", field="revision")
    state.when(drafted(1, mood=4)).then(
        CheckInDrafted(check_in_id=ID, person_id="minh", due_on=DAY, revision=2, content=words('{"mood": 4}'))
    )


def test_it_is_submitted_answered_asked_for_again_and_submitted_again_c15():
    state = (
        given(submitted())
        .when(asked_again(1))
        .then(
            CheckInAskedAgain(
                check_in_id=ID, person_id="minh", by_id="phuc", due_on=DAY, submission=1, reason=words("Thiếu số")
            )
        )
    )
    again = CheckInSubmitted(
        check_in_id=ID, person_id="minh", manager_id="phuc", due_on=DAY, submission=2, late=True, mood=words("4")
    )
    state = state.when(submitted(date(2025, 3, 21))).then(again)
    state.when(evaluated(1)).then_rejected("CHECK_IN_MOVED", field="submission")
    state = state.when(evaluated(2)).then(
        CheckInEvaluated(check_in_id=ID, person_id="minh", by_id="phuc", due_on=DAY, submission=2, comment=words("Tốt"))
    )
    state.when(submitted()).then_rejected("CHECK_IN_EVALUATED")
    assert state_of(state.and_then(asked_again(2)).and_then(submitted())).submission == 3


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (submitted(mood=0), "CHECK_IN_EMPTY"),
        (submitted(slot=None), "CHECK_IN_NOT_DUE"),
        (drafted(0, slot=None), "CHECK_IN_NOT_DUE"),
        (evaluated(1), "CHECK_IN_NOT_SUBMITTED"),
        (evaluated(1, MINE), "OWN_CHECK_IN"),
        (evaluated(1, OTHER), "CHECK_IN_UNKNOWN"),
        (asked_again(1, OTHER), "CHECK_IN_UNKNOWN"),
    ],
)
def test_what_is_refused(command: Command, reason: str):
    given().when(command).then_rejected(reason)


def test_an_answer_says_something_and_names_what_was_checked_in():
    state = given(submitted())
    state.when(evaluated(1, comment=words(" "))).then_rejected("ANSWER_EMPTY")
    remark = t.KpiRemark(kpi_id="I1", words=words("Vì sao?"))
    state.when(evaluated(1, remarks=[remark])).then_rejected("KPI_UNKNOWN", field="remarks[0].kpi_id")


def test_it_is_made_from_the_day_after_the_one_before():
    rejected("CHECK_IN_NOT_OPEN", lambda: check_in.check_begun(SLOT, date(2025, 3, 6)), field="due_on")
    check_in.check_begun(SLOT, date(2025, 3, 7))


def test_every_refused_row_says_where_it_stands():
    refused = Rejected("VALUE_NEGATIVE", "zero or more", field="value")
    places = [one.field for index in (0, 2) for one in at_row(refused, f"values[{index}]")]
    assert places == ["values[0].value", "values[2].value"]
    assert [one.field for one in at_row(Rejected("CYCLE_CLOSED", "it is closed"), "values[1]")] == ["values[1]"]


@pytest.mark.parametrize(
    ("state", "today", "away", "shown"),
    [
        (t.CHECK_IN_STATE_NOT_STARTED, DUE, False, t.CHECK_IN_STATE_NOT_STARTED),
        (t.CHECK_IN_STATE_DRAFT, date(2025, 3, 21), False, t.CHECK_IN_STATE_OVERDUE),
        (t.CHECK_IN_STATE_DRAFT, date(2025, 3, 21), True, t.CHECK_IN_STATE_AWAY),
        (t.CHECK_IN_STATE_SUBMITTED, date(2025, 3, 21), False, t.CHECK_IN_STATE_SUBMITTED),
    ],
)
def test_what_is_not_submitted_by_the_end_of_its_day_is_overdue_c19(state: int, today: date, away: bool, shown: int):
    assert check_in.state_on(state, DUE, today, away=away) == shown


# --- who may read it ---

FIELDS: dict[str, Callable[[Rights], bool]] = {
    "draft": lambda may: may.own,
    "mood, words, answers": lambda may: may.read,
    "to answer it": lambda may: may.evaluate,
}
RELATIONS = {
    "minh": ("draft", "mood, words, answers"),
    "phuc": ("mood, words, answers", "to answer it"),
}
"""Their direct manager of its day. Neither who is above that one, nor a colleague, nor another executive."""


@pytest.mark.parametrize("person", X.people)
def test_who_reads_what_of_a_check_in_and_nobody_who_judges_c04(person: str):
    may = rights("minh", "phuc", person, X)
    assert tuple(field for field, allowed in FIELDS.items() if allowed(may)) == RELATIONS.get(person, ())


def test_a_changed_manager_reads_what_falls_in_their_time_only():
    moved = replace(X, places={**X.places, "minh": Place("cskh", "lan")})
    before, after = "phuc", "lan"
    assert [rights("minh", before, who, moved).evaluate for who in ("phuc", "lan")] == [True, False]
    assert [rights("minh", after, who, moved).evaluate for who in ("phuc", "lan")] == [False, True]


def test_of_a_manager_who_left_who_stands_in_for_them_reads_it():
    left = company_x(inactive=("phuc",))
    assert rights("minh", "phuc", "nam", left).evaluate
    succeeded = replace(left, people={**left.people, "phuc": replace(left.people["phuc"], successor_id="minh")})
    assert rights("minh", "phuc", "minh", succeeded).evaluate is False, "nobody answers their own"
    assert rights("minh", "phuc", "nam", succeeded).evaluate


# --- no order of anything loses an update ---

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("draft"), st.integers(0, 6)),
        st.tuples(st.just("submit"), st.integers(0, 1)),
        st.tuples(st.sampled_from(("evaluate", "again")), st.integers(1, 4)),
    ),
    max_size=14,
)


@random(STEPS)
def test_no_order_loses_what_was_written(steps: list[tuple[str, int]]):
    state, refusals = given(), set[str]()
    for number_of_step, (kind, seen) in enumerate(steps):
        step = {
            "draft": lambda n=seen, k=number_of_step: drafted(n, learnings=f"draft {k}"),
            "submit": lambda k=number_of_step: submitted(learnings=words(f"submitted {k}")),
            "evaluate": lambda n=seen, k=number_of_step: evaluated(n, comment=words(f"answer {k}")),
            "again": lambda n=seen: asked_again(n),
        }[kind]()
        before = state_of(state)
        try:
            decision = step(state)
        except Rejected as refused:
            refusals.add(refused.reason)
            continue
        state = state.and_then(decision)
        after = state_of(state)
        if kind == "draft":
            assert seen == before.revision, "a draft is never written over one that its author did not see"
        elif kind == "submit":
            assert after.submission == before.submission + 1
        else:
            assert seen == before.submission, "nobody answers what they did not read"
    assert refusals <= {"CHECK_IN_MOVED", "CHECK_IN_EVALUATED", "CHECK_IN_NOT_SUBMITTED"}
    events = state.events.get(("check_in", ID), [])
    numbers = [e.submission for e in events if isinstance(e, CheckInSubmitted)]
    assert numbers == list(range(1, len(numbers) + 1))
    written = [e for e in events if isinstance(e, CheckInDrafted | CheckInSubmitted)]
    revisions = [(e.revision, place) for place, e in enumerate(written, 1) if isinstance(e, CheckInDrafted)]
    assert all(revision == place for revision, place in revisions), "each that is written is another revision"


@pytest.mark.parametrize(
    ("imported", "made_after", "sent_after", "late"),
    [
        (False, None, 0, False),
        (False, None, 1, True),
        (True, None, 90, False),
        (True, 0, 90, False),
        (True, 2, 90, True),
    ],
)
def test_late_is_judged_by_the_day_on_which_it_was_made_a07(
    imported: bool, made_after: int | None, sent_after: int, late: bool
):
    [event] = submitted_after(sent_after, made_after, imported=imported)
    assert isinstance(event.event, CheckInSubmitted)
    assert (event.event.late, event.event.HasField("made_on")) == (late, imported and made_after is not None)


@pytest.mark.parametrize(("imported", "reason"), [(True, "MADE_AHEAD"), (False, "MADE_NOW")])
def test_only_an_import_says_when_it_was_made_and_no_day_to_come_a07(imported: bool, reason: str):
    with pytest.raises(Rejected) as refused:
        submitted_after(90, 91, imported=imported)
    assert [(one.field, one.reason) for one in refused.value.violations] == [("made_on", reason)]


def submitted_after(days: int, made_after: int | None, *, imported: bool) -> Decision:
    """Sent so many days after its day; `made_after`: what it says of when it was made."""
    made_on = from_date(DUE + timedelta(days=made_after)) if made_after is not None else None
    command = pb.SubmitCheckIn(due_on=DAY, mood=4, made_on=made_on)
    today = DUE + timedelta(days=days)
    return check_in.submit(CheckIn(), command, "minh", "phuc", SLOT, today, [], {}, imported=imported)


def test_a_value_that_stands_already_is_checked_in_all_the_same():
    value = RecordProgress(kpi_id="I1", value=number(44), confidence=7)
    command = pb.SubmitCheckIn(due_on=DAY, values=[value])
    [event] = check_in.submit(CheckIn(), command, "minh", "phuc", SLOT, DUE, [[]], {})
    assert isinstance(event.event, CheckInSubmitted)
    assert [(one.kpi_id, one.value.value, one.confidence) for one in event.event.values] == [("I1", "44", 7)]


# --- whom a manager should turn to first (C-22) ---


LIMITS = Limits(kpis=5, confidence=3, topic_days=5)


@pytest.mark.parametrize(
    ("facts", "need", "signs"),
    [
        (Facts(moods=(4, 4), confidences=(), kpis=4), t.NEED_NONE, ()),
        (Facts(moods=(4, 3, 2), kpis=7), t.NEED_TODAY, (t.TEAM_SIGN_OVERLOADED,)),
        (Facts(moods=(2,), kpis=3), t.NEED_NONE, ()),
        (Facts(moods=(2, 1), kpis=3), t.NEED_TODAY, (t.TEAM_SIGN_OVERLOADED,)),
        (Facts(topics=1, topic_days=6), t.NEED_TODAY, (t.TEAM_SIGN_TOPIC_WAITS,)),
        (Facts(topics=1, topic_days=1), t.NEED_THIS_WEEK, (t.TEAM_SIGN_TOPIC_WAITS,)),
        (Facts(state=t.CHECK_IN_STATE_OVERDUE, stuck=2), t.NEED_THIS_WEEK, (t.TEAM_SIGN_OUT_OF_RHYTHM,)),
        (Facts(state=t.CHECK_IN_STATE_SUBMITTED, stuck=1), t.NEED_THIS_WEEK, (t.TEAM_SIGN_OFF_COURSE,)),
        (Facts(wants_meeting=True), t.NEED_TODAY, (t.TEAM_SIGN_WANTS_MEETING,)),
        (Facts(answer_waits=True), t.NEED_THIS_WEEK, (t.TEAM_SIGN_ANSWER_WAITS,)),
    ],
)
def test_who_needs_their_manager_first_c22(facts: Facts, need: int, signs: tuple[int, ...]):
    """Also who has a KPI that nothing moves (C-20)."""
    judged = judge(facts, LIMITS)
    assert (judged.need, judged.signs) == (need, signs)


def test_what_a_company_lets_pass_is_its_own():
    busy, unsure = Facts(moods=(4, 3, 2), kpis=4), Facts(confidences=(Decimal(4),))
    assert not judge(busy, LIMITS).signs
    assert not judge(unsure, LIMITS).signs
    strict = Limits(kpis=3, confidence=4, topic_days=1)
    assert judge(busy, strict).signs == (t.TEAM_SIGN_OVERLOADED,)
    assert judge(unsure, strict).signs == (t.TEAM_SIGN_OFF_COURSE,)


@pytest.mark.parametrize(
    ("there", "asked", "reason"),
    [
        (CheckIn(), {}, ""),
        (CheckIn(revision=1, draft=words("đang viết"), state=t.CHECK_IN_STATE_DRAFT), {}, "CHECK_IN_THERE"),
        (CheckIn(submitted=CheckInSubmitted(submission=1)), {}, "CHECK_IN_THERE"),
        (CheckIn(), {"wants_meeting": True}, "NOT_BROUGHT_IN"),
        (CheckIn(), {"revision": 1}, "NOT_BROUGHT_IN"),
    ],
)
def test_what_somebody_has_begun_or_sent_is_not_brought_in_for_them_c19(
    there: CheckIn, asked: dict[str, Any], reason: str
):
    command = pb.SubmitCheckIn(due_on=from_date(date(2025, 3, 20)), mood=4, **asked)
    found = ""
    try:
        check_in.check_brought_in(there, command, date(2025, 3, 27))
    except Rejected as refusal:
        found = refusal.reason
    assert found == reason
