"""Received points: lots that expire, corrections, and what is never below zero (R-07, R-17)."""

from datetime import date, timedelta

import pytest

from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected
from nhip.rewards.v1.events_pb2 import AllowanceExpired, PointsCorrected, PointsExpired
from nhip.rewards.v1.rewards_pb2 import CorrectPoints
from services.rewards.domain import points, wallet
from services.rewards.domain.points import Lot
from services.rewards.domain.wallet import WALLET
from tests.unit.decisions import TODAY, Given, given, rejected, words
from tests.unit.rewards.deeds import ADMIN, STEWARD, corrected, held, praised, rich

LAST = date(2026, 3, 12)


def expired(state: Given, who: str, on: date) -> list[object]:
    return [happened.event for happened in wallet.expire(state.state(WALLET, who), who, on)]


@pytest.mark.parametrize(
    ("received", "last"),
    [
        (date(2025, 3, 12), date(2026, 3, 12)),
        (date(2024, 2, 29), date(2025, 2, 28)),
        (date(2023, 2, 28), date(2024, 2, 28)),
        (date(2025, 12, 31), date(2026, 12, 31)),
    ],
)
def test_points_last_twelve_months(received: date, last: date):
    assert points.last_day_of_points(received, 12) == last


@pytest.mark.parametrize(
    ("day", "last"),
    [
        (date(2024, 2, 1), date(2024, 2, 29)),
        (date(2025, 12, 9), date(2025, 12, 31)),
        (date(2025, 4, 30), date(2025, 4, 30)),
    ],
)
def test_a_month_ends_with_its_last_day(day: date, last: date):
    assert points.last_of_month(day) == last
    assert points.next_month(day) == last + timedelta(days=1)


def test_points_can_be_spent_on_their_last_day_and_are_gone_on_the_next():
    state = given(praised(given()))
    assert expired(state, "minh", LAST) == []
    [gone] = expired(state, "minh", LAST + timedelta(days=1))
    assert isinstance(gone, PointsExpired)
    assert (gone.before, gone.after, [lot.points for lot in gone.lots]) == (10, 0, [10])


def test_an_allowance_is_over_on_the_first_of_the_next_month():
    state = given(praised(given(), "tram"))
    assert expired(state, "tram", date(2025, 3, 31)) == []
    [gone] = expired(state, "tram", date(2025, 4, 1))
    assert isinstance(gone, AllowanceExpired)
    assert (gone.amount, gone.before, gone.after) == (50, 50, 0)


def test_of_an_empty_wallet_nothing_expires():
    assert expired(given(), "minh", TODAY) == []


def test_what_expired_once_does_not_again():
    state = given(praised(given(), "tram"))
    after = state.and_then(wallet.expire(state.state(WALLET, "tram"), "tram", date(2025, 4, 1)))
    assert expired(after, "tram", date(2030, 1, 1)) == []


def test_a_wallet_knows_when_something_of_it_is_over_next():
    assert wallet.Wallet().over_on is None
    state = given(praised(given(), "tram"))
    assert held(state, "tram").over_on == date(2025, 4, 1)
    assert held(state, "minh").over_on == LAST + timedelta(days=1)


def test_a_correction_up_lasts_twelve_months():
    [happened] = corrected(given(), "minh", 25)
    assert isinstance(happened.event, PointsCorrected)
    assert (happened.event.before, happened.event.after) == (0, 25)
    assert held(given([happened]), "minh").lots == (Lot(25, LAST),)


def test_a_correction_down_takes_what_expires_first():
    state = given(corrected(given(), "minh", 20, on=date(2025, 1, 5)))
    state = state.and_then(corrected(state, "minh", 20))
    after = state.and_then(corrected(state, "minh", -25))
    assert held(after, "minh").lots == (Lot(15, LAST),)


def test_no_correction_goes_below_zero():
    state = rich("minh", 20)
    rejected("BALANCE_TOO_LOW", lambda: corrected(state, "minh", -21), field="points")
    with pytest.raises(Rejected, match="there are 20 points"):
        corrected(state, "minh", -21)
    assert held(state.and_then(corrected(state, "minh", -20)), "minh").lots == ()


def test_what_is_over_cannot_be_corrected_away_a_second_time():
    state = rich("minh", 20, on=date(2024, 1, 1))
    rejected("BALANCE_TOO_LOW", lambda: corrected(state, "minh", -1), field="points")
    first, second = (happened.event for happened in corrected(state, "minh", 5))
    assert isinstance(first, PointsExpired)
    assert isinstance(second, PointsCorrected)
    assert (second.before, second.after) == (0, 5)


def test_nobody_corrects_their_own_points():
    for who in (ADMIN, STEWARD):
        with pytest.raises(Rejected) as refusal:
            corrected(given(), who, 5, actor=who)
        assert (refusal.value.reason, refusal.value.kind) == ("OWN_POINTS", Kind.FORBIDDEN)


def test_a_correction_is_of_something_and_of_somebody():
    rejected("NOTHING_CORRECTED", lambda: corrected(given(), "minh", 0), field="points")
    command = CorrectPoints(person_id="ghost", points=5, reason=words("…"))
    rejected(
        "PERSON_UNKNOWN",
        lambda: wallet.correct(WALLET.initial, command, Actor("company-x", ADMIN), OrgChart(), today=TODAY),
        field="person_id",
    )
