"""A team's retro, 4L (C-48)."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from google.protobuf.message import Message
from hypothesis import given as all_of
from hypothesis import strategies as st

from eventkit.commands.aggregate import Decision
from eventkit.directory.facts import OrgChart, Place
from eventkit.values import from_datetime, to_datetime
from nhip.retros.v1 import retros_pb2 as pb
from nhip.retros.v1 import types_pb2 as t
from nhip.retros.v1.events_pb2 import (
    CardsGrouped,
    CardsRevealed,
    CardsWritten,
    TeamRetroLapsed,
    TeamRetroOpened,
    VotesCast,
)
from services.retros.domain import team_retro
from services.retros.domain.cards import FILLED_TO, Written, folded, unfolded
from services.retros.domain.team_retro import TEAM_RETRO, TeamRetro, draft_key
from tests.unit.decisions import Command, Given, company_x, context, given, person, words

AT = context().at
MORE = ("hai", "ngoc")
X = company_x()
ORG = replace(
    X,
    people={**X.people, **{id: person(id) for id in MORE}, "huong": person("huong", "okr_master")},
    places={**X.places, **{id: Place("sales", "phuc") for id in MORE}},
)
"""Sales has five people: Phúc, who heads it, Minh, Trâm, Hải and Ngọc."""
SALES = ["hai", "minh", "ngoc", "phuc", "tram"]
COLUMNS = (t.COLUMN_LIKED, t.COLUMN_LEARNED, t.COLUMN_LACKED, t.COLUMN_LONGED_FOR)


def opened(
    by: str = "phuc", *, anonymous: bool = True, org: OrgChart = ORG, closes_at: datetime | None = None
) -> Command:
    command = pb.OpenTeamRetro(
        cycle_id="q1",
        unit_id="sales",
        anonymous=anonymous,
        closes_at=from_datetime(closes_at) if closes_at else None,
    )
    return lambda state: team_retro.open_board(
        state.state(TEAM_RETRO, "b1"), state.state(TEAM_RETRO, "b2"), command, context(by), org, "b1"
    )


def write(
    by: str, *texts: str, revision: int = 0, done: bool = True, column: t.Column.ValueType = t.COLUMN_LIKED
) -> Command:
    cards = [pb.Card(column=column, words=words(text)) for text in texts]
    command = pb.WriteCards(team_retro_id="b1", cards=cards, done=done, revision=revision)
    return lambda state: team_retro.write(state.state(TEAM_RETRO, "b1"), command, by)


def reveal(written: Mapping[str, Sequence[str]], seed: int = 1) -> Command:
    by_member = {who: [Written(t.COLUMN_LIKED, text) for text in texts] for who, texts in written.items()}
    return lambda state: team_retro.reveal(
        state.state(TEAM_RETRO, "b1"), by_member, context("phuc"), random.Random(seed).shuffle
    )


Kind = TypeVar("Kind", bound=Message)


def only(kind: type[Kind], decision: Decision) -> Kind:
    """The one event of a decision."""
    ((_, event),) = decision
    assert isinstance(event, kind)
    return event


def revealed(state: Given) -> TeamRetro:
    return state.state(TEAM_RETRO, "b1")


THREE = {"minh": ["một", "hai"], "tram": ["ba"], "phuc": ["bốn"]}


def test_a_board_is_opened_for_the_people_of_a_unit_until_five_in_the_afternoon_some_days_later():
    (event,) = [event for _, event in opened()(given())]
    assert isinstance(event, TeamRetroOpened)
    assert (event.facilitator_id, list(event.member_ids)) == ("phuc", SALES)
    local = to_datetime(event.closes_at).astimezone(ORG.time_zone)
    assert (local.hour, local.date() - ORG.today(AT)) == (17, timedelta(days=4))


@pytest.mark.parametrize(
    ("by", "may"), [("phuc", True), ("nam", True), ("huong", True), ("minh", False), ("lan", False), ("quang", False)]
)
def test_it_is_opened_by_its_head_who_stands_above_and_who_looks_after_the_rhythm(by: str, may: bool):
    if may:
        assert opened(by)(given())
    else:
        given().when(opened(by)).then_rejected("NOT_YOUR_TEAM")


def test_a_unit_has_one_for_a_cycle():
    given(opened()).when(opened("nam")).then_rejected("TEAM_RETRO_EXISTS")


def test_where_too_few_wrote_there_may_be_one_with_names():
    lapsed = given(opened(), reveal({"minh": ["một"]}))
    events = [event for _, event in lapsed.events.items()]
    beside = given()
    beside.events["team_retro", "b2"] = events[0]
    assert opened(anonymous=False)(beside)
    still = given()
    still.events["team_retro", "b2"] = events[0][:1]
    still.when(opened(anonymous=False)).then_rejected("TEAM_RETRO_EXISTS", field="unit_id")


def test_who_audits_is_no_member():
    org = replace(ORG, people={**ORG.people, "hai": person("hai", "auditor")})
    given().when(opened(org=org)).then_rejected("TEAM_SIZE", field="anonymous")


def test_of_fewer_than_five_people_it_is_not_anonymous():
    given().when(opened(org=replace(ORG, places=X.places))).then_rejected("TEAM_SIZE", field="anonymous")
    assert opened(anonymous=False, org=replace(ORG, places=X.places))(given())


def test_its_end_lies_ahead_and_not_too_far():
    for end in (AT, AT + timedelta(days=91)):
        given().when(opened(closes_at=end)).then_rejected("CLOSES_AT", field="closes_at")


def test_cards_are_sealed_under_a_key_for_this_board_alone_and_openly_under_their_authors():
    written = only(CardsWritten, write("minh", "Ngồi chung")(given(opened())))
    assert written.sealed_under == draft_key("b1", "minh") != draft_key("b2", "minh")
    written = only(CardsWritten, write("minh", "Ngồi chung")(given(opened(anonymous=False))))
    assert written.sealed_under == "minh"


def test_who_is_not_in_the_team_writes_nothing_and_a_window_that_is_behind_is_told():
    given(opened()).when(write("lan", "x")).then_rejected("NOT_YOUR_RETRO")
    given(opened(), write("minh", "x")).when(write("minh", "y")).then_rejected("RETRO_MOVED", field="revision")


def test_the_cards_lie_open_when_everybody_who_is_still_here_is_through_or_the_time_is_up():
    board = revealed(
        given(opened(), *(write(who, who) for who in SALES if who != "hai"), write("hai", "x", done=False))
    )
    ends = to_datetime(board.opened.closes_at)
    assert not team_retro.is_due(board, AT, ORG)
    without = replace(ORG, people={**ORG.people, "hai": person("hai", active=False)})
    assert team_retro.is_due(board, AT, without)
    assert team_retro.is_due(board, ends, ORG)
    assert not team_retro.is_due(board, ends - timedelta(seconds=1), ORG)
    after = revealed(given(opened(), reveal(THREE)))
    assert not team_retro.is_due(after, ends, ORG)


def test_of_an_anonymous_board_no_card_names_its_author_and_their_order_tells_nothing():
    events = [only(CardsRevealed, reveal(THREE, seed)(given(opened()))) for seed in range(30)]
    assert {event.writers for event in events} == {3}
    for event in events:
        assert {(card.author_id, card.sealed_under) for card in event.cards} == {("", "board.b1")}
    firsts = Counter(event.cards[0].words.plain for event in events)
    assert len(firsts) == 4


def test_of_an_open_board_each_card_is_its_authors():
    event = only(CardsRevealed, reveal(THREE)(given(opened(anonymous=False))))
    assert {(card.author_id, card.words.plain) for card in event.cards} == {
        ("minh", "một"),
        ("minh", "hai"),
        ("tram", "ba"),
        ("phuc", "bốn"),
    }
    assert all(card.sealed_under == card.author_id for card in event.cards)


def test_where_fewer_than_three_wrote_nothing_is_shown():
    given(opened()).when(reveal({"minh": ["một"], "tram": ["hai"], "phuc": []})).then(
        TeamRetroLapsed(team_retro_id="b1")
    )
    assert only(CardsRevealed, reveal({"minh": ["một"]})(given(opened(anonymous=False)))).writers == 1


def card_of(state: Given, text: str) -> str:
    return next(id for id, card in revealed(state).cards.items() if card.words.plain == text)


def group(by: str, *cards: str, id: str = "", name: str = "") -> Command:
    command = pb.GroupCards(team_retro_id="b1", group_id=id, name=words(name) if name else None, card_ids=cards)
    return lambda state: team_retro.group(state.state(TEAM_RETRO, "b1"), command, by, "g-new")


def test_a_card_is_in_one_group_and_a_group_has_two_or_more():
    state = given(opened(), reveal(THREE))
    one, two, three, four = (card_of(state, text) for text in ("một", "hai", "ba", "bốn"))
    state.when(group("minh", one)).then_rejected("GROUP_OF_ONE", field="card_ids")
    state.when(group("lan", one, two)).then_rejected("NOT_YOUR_RETRO")
    state.when(group("minh", one, "nothing")).then_rejected("CARD_UNKNOWN", field="card_ids")
    state = state.when(group("minh", one, two, three, name="Họp")).then(
        CardsGrouped(team_retro_id="b1", group=t.Group(group_id="g-new", name=words("Họp"), card_ids=[one, two, three]))
    )

    def other(state: Given):
        command = pb.GroupCards(team_retro_id="b1", card_ids=[three, four])
        return team_retro.group(state.state(TEAM_RETRO, "b1"), command, "tram", "g-2")

    state = state.and_then(other)
    assert {id: list(found.card_ids) for id, found in revealed(state).groups.items()} == {
        "g-new": [one, two],
        "g-2": [three, four],
    }
    assert not revealed(state.and_then(group("minh", id="g-2"))).groups.get("g-2")


def vote(by: str, *cards: str) -> Command:
    command = pb.CastVotes(team_retro_id="b1", card_ids=cards)
    return lambda state: team_retro.vote(state.state(TEAM_RETRO, "b1"), command, by)


def test_votes_replace_those_before_and_who_leads_through_it_from_outside_has_none():
    state = given(opened("nam"), reveal(THREE))
    one, two = card_of(state, "một"), card_of(state, "hai")
    state = state.when(vote("minh", one, one, two)).then(
        VotesCast(team_retro_id="b1", voter_id="minh", card_ids=[one, one, two])
    )
    state.when(vote("minh", one, one, two)).then_nothing()
    state = state.and_then(vote("minh", two))
    assert team_retro.votes_of(revealed(state).votes) == {two: 1}
    state.when(vote("nam", one)).then_rejected("NOT_YOUR_RETRO")
    given(opened()).when(vote("minh")).then_rejected("CARDS_NOT_OPEN")


def choose(by: str, *trials: str) -> Command:
    command = pb.ChooseTrials(team_retro_id="b1", trials=[words(text) for text in trials])
    return lambda state: team_retro.choose(state.state(TEAM_RETRO, "b1"), command, context(by))


def judge(by: str, trial_id: str, verdict: t.Verdict.ValueType) -> Command:
    command = pb.JudgeTrial(team_retro_id="b1", trial_id=trial_id, verdict=verdict)
    return lambda state: team_retro.judge(state.state(TEAM_RETRO, "b1"), command, by)


def test_who_leads_through_it_says_what_is_tried_and_the_team_what_became_of_it():
    state = given(opened(), reveal(THREE))
    state.when(choose("minh", "Họp mười phút")).then_rejected("NOT_FACILITATOR")
    state.when(choose("phuc", " ")).then_rejected("TRIALS_MISSING", field="trials")
    state = state.and_then(choose("phuc", "Họp mười phút", "Một người trực giá"))
    first, second = revealed(state).trials
    state = state.and_then(judge("tram", first.trial_id, t.VERDICT_KEPT))
    assert [trial.verdict for trial in revealed(state).trials] == [t.VERDICT_KEPT, t.VERDICT_UNSPECIFIED]
    state.when(judge("tram", first.trial_id, t.VERDICT_KEPT)).then_nothing()
    state.when(choose("phuc", "Khác")).then_rejected("TRIALS_JUDGED", field="trials")
    state.when(judge("lan", second.trial_id, t.VERDICT_DROPPED)).then_rejected("NOT_YOUR_RETRO")


@all_of(st.lists(st.tuples(st.sampled_from(COLUMNS), st.text(max_size=280)), max_size=12))
def test_folded_cards_unfold_to_what_was_written_and_their_length_says_little(written):
    cards = [pb.Card(column=column, words=words(text)) for column, text in written]
    text = folded(cards)
    assert unfolded(text) == [(column, said.strip()) for column, said in written if said.strip()]
    assert len(text.encode()) % FILLED_TO == 0
