"""A topic: who may read it, and what they may do with it (C-12, C-15)."""

from dataclasses import replace

import pytest
from hypothesis import given as random
from hypothesis import strategies as st

from eventkit.directory.facts import OrgChart, Place
from eventkit.errors import Rejected
from nhip.checkins.v1 import topics_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import TopicAnswered, TopicClosed, TopicForwarded, TopicLeftUnanswered, TopicReopened
from services.checkins.domain import topic
from services.checkins.domain.reporting import direct_manager, reports
from services.checkins.domain.topic import TOPIC, Rights, Topic, rights
from tests.unit.decisions import Command, company_x, given, words

X = company_x()


def raised(*participants: str, author: str = "minh", org: OrgChart = X) -> Command:
    draft = pb.TopicDraft(title=words("Duyệt giá nhanh hơn"), participant_ids=participants)
    return lambda state: topic.raise_topic(state.state(TOPIC, "price"), "price", draft, author, org)


def forwarded(by: str, to: str = "", unit: str = "", org: OrgChart = X) -> Command:
    command = pb.ForwardTopic(topic_id="price", person_id=to, unit_id=unit, note=words("Nhờ xem"))
    return lambda state: topic.forward(state.state(TOPIC, "price"), command, by, org)


def answered(by: str, org: OrgChart = X) -> Command:
    command = pb.AnswerTopic(topic_id="price", answer=words("Được"))
    return lambda state: topic.answer(state.state(TOPIC, "price"), command, by, org)


def closed(by: str, org: OrgChart = X) -> Command:
    return lambda state: topic.close(state.state(TOPIC, "price"), "price", by, org)


def reopened(by: str, org: OrgChart = X) -> Command:
    command = pb.ReopenTopic(topic_id="price", reason=words("Chưa xong"))
    return lambda state: topic.reopen(state.state(TOPIC, "price"), command, by, org)


def left(days: int = 5) -> Command:
    return lambda state: topic.left_unanswered(state.state(TOPIC, "price"), "price", days, X)


def may(person: str, *steps: Command, org: OrgChart = X) -> Rights:
    return rights(given(*steps).state(TOPIC, "price"), person, org)


def test_it_waits_for_the_direct_manager_until_it_is_answered_c12():
    state = given(raised())
    assert state.state(TOPIC, "price").waits_for(X) == "phuc"
    answer = TopicAnswered(topic_id="price", author_id="minh", by_id="phuc", answer=words("Được"))
    state = state.when(answered("phuc")).then(answer)
    assert state.state(TOPIC, "price").waits_for(X) == ""
    state.when(closed("phuc")).then(TopicClosed(topic_id="price", author_id="minh", by_id="phuc"))


def test_forwarded_to_a_unit_it_waits_for_its_head_and_stays_with_its_author_c15():
    sent = TopicForwarded(
        topic_id="price", author_id="minh", by_id="phuc", to_id="lan", unit_id="cskh", note=words("Nhờ xem")
    )
    state = given(raised()).when(forwarded("phuc", unit="cskh")).then(sent)
    assert state.state(TOPIC, "price").waits_for(X) == "lan"
    assert rights(state.state(TOPIC, "price"), "minh", X) == Rights(read=True, forward=True, close=True)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (forwarded("tram", "lan"), "TOPIC_UNKNOWN"),
        (forwarded("phuc"), "RECEIVER_UNCLEAR"),
        (forwarded("phuc", "nobody"), "PERSON_UNKNOWN"),
        (forwarded("phuc", "minh"), "TOPIC_OWN"),
        (answered("minh"), "TOPIC_OWN"),
        (answered("tram"), "TOPIC_UNKNOWN"),
        (closed("phuc"), "TOPIC_UNANSWERED"),
        (reopened("phuc"), "TOPIC_NOT_YOURS"),
    ],
)
def test_others_are_refused(command: Command, reason: str):
    given(raised()).when(command).then_rejected(reason)


def test_what_is_closed_takes_no_answer_until_its_author_reopens_it():
    state = given(raised(), answered("phuc"), closed("minh"))
    state.when(answered("phuc")).then_rejected("TOPIC_CLOSED")
    again = TopicReopened(topic_id="price", author_id="minh", reason=words("Chưa xong"), manager_id="phuc")
    state.when(reopened("minh")).then(again)


def test_waiting_long_is_said_once_for_each_time_that_it_waits_n10():
    state = (
        given(raised())
        .when(left())
        .then(TopicLeftUnanswered(topic_id="price", author_id="minh", waits_for_id="phuc", days=5))
    )
    state.when(left()).then_nothing()
    state.and_then(forwarded("phuc", "lan")).when(left()).then(
        TopicLeftUnanswered(topic_id="price", author_id="minh", waits_for_id="lan", days=5)
    )
    state.and_then(answered("phuc")).when(left()).then_nothing()


READERS = {
    "minh": "its author",
    "phuc": "their direct manager",
    "thao": "asked to take part",
    "lan": "it was forwarded to her",
}


@pytest.mark.parametrize("person", X.people)
def test_who_may_read_a_topic(person: str):
    """Nobody above, beside or below: neither Nam, who is above Phúc, nor Trâm, who sits beside Minh."""
    assert may(person, raised("thao"), forwarded("phuc", "lan")).read == (person in READERS)


def test_a_new_manager_reads_what_is_open_and_the_old_one_what_was_raised_in_their_time():
    moved = replace(X, places={**X.places, "minh": Place("cskh", "lan")})
    assert (may("lan", raised(), org=moved).read, may("phuc", raised(), org=moved).read) == (True, True)
    over = (raised(), answered("phuc"), closed("minh"))
    assert (may("lan", *over, org=moved).read, may("phuc", *over, org=moved).read) == (False, True)


def test_without_the_direct_manager_it_waits_for_the_next_above():
    without = company_x(inactive=("phuc",))
    assert given(raised(org=without)).state(TOPIC, "price").waits_for(without) == "nam"
    assert set(reports("nam", without)) == {"minh", "tram", "lan", "quang"}


ANY = st.lists(
    st.sampled_from(
        [
            *(answered(by) for by in ("phuc", "lan", "thao")),
            *(forwarded(by, to) for by in ("minh", "phuc", "lan") for to in ("lan", "thao", "phuc")),
            *(closed(by) for by in ("minh", "phuc", "lan")),
            reopened("minh"),
            left(),
        ]
    ),
    max_size=8,
)


@random(ANY)
def test_whatever_happens_it_stays_with_its_author_and_waits_for_somebody_while_it_is_open(steps: list[Command]):
    state = given(raised())
    for step in steps:
        try:
            state = state.and_then(step)
        except Rejected:
            continue
    one: Topic = state.state(TOPIC, "price")
    answers = [e for e in state.events["topic", "price"] if isinstance(e, TopicAnswered)]
    assert rights(one, "minh", X).read
    assert all(rights(one, e.by_id, X).read for e in answers)
    open = one.state in (t.TOPIC_STATE_OPEN, t.TOPIC_STATE_FORWARDED)
    assert bool(one.waits_for(X)) == open
    assert one.waits_for(X) != "minh"


def test_nobody_leads_themselves():
    assert all(direct_manager(person, X) != person for person in X.people)
