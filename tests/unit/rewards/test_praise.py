"""Praising a person or a unit, and the points that go along (R-01, R-03, R-04, R-07)."""

import unicodedata
from collections import Counter
from datetime import date

import pytest

from eventkit.commands.aggregate import Decision
from eventkit.context import Actor
from eventkit.errors import Kind, Rejected
from eventkit.values import from_date
from nhip.rewards.v1 import types_pb2 as t
from nhip.rewards.v1.events_pb2 import (
    AllowanceExpired,
    AllowanceGranted,
    AllowanceSpent,
    CoreValueNamed,
    PointsExpired,
    PointsReceived,
    PraiseGiven,
)
from nhip.rewards.v1.rewards_pb2 import GivePraise, NameCoreValue
from services.rewards.domain import core_value, praise
from services.rewards.domain.core_value import ALL, CORE_VALUES
from tests.unit.decisions import TODAY, given, rejected
from tests.unit.rewards.deeds import company, held, praised

IMPORTER = Actor("company-x", "importer", "service")


def told(decision: Decision) -> list[str]:
    return [type(happened.event).__name__ for happened in decision]


def praise_in(decision: Decision) -> PraiseGiven:
    event = decision[0].event
    assert isinstance(event, PraiseGiven)
    return event


def shares(decision: Decision) -> dict[str, int]:
    return {share.person_id: share.points for share in praise_in(decision).shares}


def test_ten_points_go_from_the_givers_allowance_to_the_receiver_with_the_praise():
    done = praised(given(), "tram", "minh", id="P")
    assert [(happened.ref, type(happened.event)) for happened in done] == [
        (("praise", "P"), PraiseGiven),
        (("wallet", "tram"), AllowanceGranted),
        (("wallet", "tram"), AllowanceSpent),
        (("wallet", "minh"), PointsReceived),
    ]
    granted, spent, received = (happened.event for happened in done[1:])
    assert granted == AllowanceGranted(
        person_id="tram", month=from_date(date(2025, 3, 1)), amount=60, before=0, after=60
    )
    assert spent == AllowanceSpent(person_id="tram", praise_id="P", amount=10, before=60, after=50)
    lot = t.Lot(points=10, expires_on=from_date(date(2026, 3, 12)))
    assert received == PointsReceived(person_id="minh", praise_id="P", lot=lot, before=0, after=10)
    assert shares(done) == {"minh": 10}


@pytest.mark.parametrize(
    ("giver", "monthly"), [("tram", 60), ("thao", 60), ("phuc", 100), ("lan", 100), ("nam", 100), ("quang", 100)]
)
def test_who_leads_has_more_to_give(giver: str, monthly: int):
    granted = praised(given(), giver)[1].event
    assert isinstance(granted, AllowanceGranted)
    assert granted.amount == monthly


def test_the_allowance_is_granted_once_a_month():
    state = given(praised(given(), "tram"))
    assert told(praised(state, "tram")) == ["PraiseGiven", "AllowanceSpent", "PointsReceived"]


def test_a_new_month_ends_the_old_allowance_and_grants_a_whole_one():
    state = given(praised(given(), "tram"))
    done = praised(state, "tram", "lan", on=date(2025, 4, 1))
    assert told(done) == ["PraiseGiven", "AllowanceExpired", "AllowanceGranted", "AllowanceSpent", "PointsReceived"]
    expired = done[1].event
    assert expired == AllowanceExpired(
        person_id="tram", month=from_date(date(2025, 3, 1)), amount=50, before=50, after=0
    )
    assert held(state.and_then(done), "tram").allowance == 50


def test_an_allowance_that_was_given_away_whole_does_not_expire():
    state = given()
    for _ in range(6):
        state = state.and_then(praised(state, "tram"))
    assert told(praised(state, "tram", on=date(2025, 4, 1)))[1] == "AllowanceGranted"


def test_a_clock_that_is_a_little_behind_does_not_bring_the_old_month_back():
    state = given(praised(given(), "tram", on=date(2025, 4, 1)))
    assert told(praised(state, "tram", on=date(2025, 3, 31))) == ["PraiseGiven", "AllowanceSpent", "PointsReceived"]


def test_when_the_allowance_does_not_reach_it_is_said_what_is_left_and_what_would_do():
    state = given()
    for _ in range(6):
        state = state.and_then(praised(state, "tram"))
    rejected("ALLOWANCE_SPENT", lambda: praised(state, "tram"), field="without_points")
    with pytest.raises(
        Rejected, match="0 points are left to give this month and this praise carries 10: praise without points"
    ):
        praised(state, "tram")
    done = praised(state, "tram", without_points=True)
    assert told(done) == ["PraiseGiven"]
    assert shares(done) == {"minh": 0}


def test_praise_without_points_leaves_the_allowance_alone():
    assert told(praised(given(), "tram", without_points=True)) == ["PraiseGiven"]


def test_what_is_over_in_the_receivers_wallet_goes_before_something_comes():
    state = given(praised(given(), "tram", on=date(2024, 3, 1)))
    done = praised(state, "phuc", on=date(2025, 3, 2))
    assert told(done)[3:] == ["PointsExpired", "PointsReceived"]
    gone = done[3].event
    assert isinstance(gone, PointsExpired)
    assert (gone.before, gone.after) == (10, 0)


@pytest.mark.parametrize(("size", "each"), [(1, 10), (2, 5), (3, 3), (4, 2), (6, 1), (10, 1), (11, 0)])
def test_a_units_praise_shares_ten_points_in_whole_ones_and_the_rest_stays_with_the_giver(size: int, each: int):
    done = praised(given(), "nam", unit="crowd", org=company(crowd=size))
    assert shares(done) == {f"c{n:02}": each for n in range(size)}
    moved = Counter(told(done))
    assert (moved["AllowanceSpent"], moved["PointsReceived"]) == ((1, size) if each else (0, 0))
    if each:
        spent = next(happened.event for happened in done if isinstance(happened.event, AllowanceSpent))
        assert spent.amount == each * size


def test_who_praises_their_own_unit_praises_the_others():
    assert shares(praised(given(), "minh", unit="sales")) == {"phuc": 5, "tram": 5}
    assert shares(praised(given(), "nam", unit="sales")) == {"minh": 3, "phuc": 3, "tram": 3}


def test_who_has_left_is_not_praised_with_the_unit():
    assert shares(praised(given(), "nam", unit="sales", org=company(inactive=("minh",)))) == {"phuc": 5, "tram": 5}


def test_nobody_praises_themselves_not_even_as_a_unit():
    rejected("SELF_PRAISE", lambda: praised(given(), "minh", "minh"), field="receiver_id")
    rejected("SELF_PRAISE", lambda: praised(given(), "quang", unit="lone"), field="unit_id")
    rejected("UNIT_EMPTY", lambda: praised(given(), "nam", unit="bare"), field="unit_id")


def test_it_is_said_who_is_praised_a_person_or_a_unit():
    rejected("RECEIVER_TWICE", lambda: praised(given(), "nam", "minh", unit="sales"), field="unit_id")
    rejected("RECEIVER_MISSING", lambda: praise.shares(GivePraise(), "nam", company(), TODAY), field="receiver_id")


def test_whoever_is_praised_is_there():
    rejected("PERSON_UNKNOWN", lambda: praised(given(), "nam", "ghost"), field="receiver_id")
    rejected(
        "PERSON_UNKNOWN",
        lambda: praised(given(), "nam", "minh", org=company(inactive=("minh",))),
        field="receiver_id",
    )
    rejected("UNIT_UNKNOWN", lambda: praised(given(), "nam", unit="nowhere"), field="unit_id")


def test_it_is_said_what_for_a_value_or_a_kpi():
    rejected("TIE_TWICE", lambda: praised(given(), value_id="V", kpi_id="I1"), field="kpi_id")
    rejected("TIE_MISSING", lambda: praised(given(), value_id=""), field="value_id")
    rejected("VALUE_UNKNOWN", lambda: praised(given(), known=False), field="value_id")
    rejected("KPI_UNKNOWN", lambda: praised(given(), kpi_id="I9", known=False), field="kpi_id")
    assert praise_in(praised(given(), kpi_id="I1")).kpi_id == "I1"


def test_the_deed_was_done_already():
    rejected("DEED_TO_COME", lambda: praised(given(), deed_on=from_date(date(2025, 3, 13))), field="deed_on")
    assert praise_in(praised(given(), deed_on=from_date(TODAY))).deed_on == from_date(TODAY)
    assert not praise_in(praised(given())).HasField("deed_on")


def test_praise_is_public_unless_it_is_meant_for_few():
    assert praise_in(praised(given())).visibility == t.VISIBILITY_PUBLIC
    assert praise_in(praised(given(), visibility=t.VISIBILITY_PRIVATE)).visibility == t.VISIBILITY_PRIVATE


def test_words_are_the_receivers_and_a_units_the_givers():
    assert praise_in(praised(given(), "nam", "minh")).about_id == "minh"
    assert praise_in(praised(given(), "nam", unit="sales")).about_id == "nam"


def test_only_an_import_says_who_gave_it():
    rejected("GIVER_NAMED", lambda: praised(given(), "nam", giver_id="phuc"), field="giver_id")
    rejected("GIVER_MISSING", lambda: praised(given(), actor=IMPORTER), field="giver_id")
    rejected("PERSON_UNKNOWN", lambda: praised(given(), actor=IMPORTER, giver_id="ghost"), field="giver_id")
    done = praised(given(), actor=IMPORTER, giver_id="tram")
    assert (praise_in(done).giver_id, done[1].ref.id) == ("tram", "tram")
    assert praise_in(praised(given(), unit="sales", actor=IMPORTER, giver_id="nam")).about_id == "nam"


def test_a_person_who_is_called_importer_is_no_import():
    rejected(
        "GIVER_NAMED", lambda: praised(given(), actor=Actor("company-x", "importer"), giver_id="tram"), field="giver_id"
    )


def test_unknown_things_are_of_the_kind_unknown():
    with pytest.raises(Rejected) as refusal:
        praised(given(), "nam", "ghost")
    assert refusal.value.kind is Kind.UNKNOWN


def test_a_core_value_has_a_name():
    [named] = core_value.name({}, NameCoreValue(name="  Trách  nhiệm "), "V", others=())
    assert named.event == CoreValueNamed(value_id="V", name="Trách nhiệm")
    assert given([named]).state(CORE_VALUES, ALL) == {"V": "Trách nhiệm"}


def test_two_core_values_have_two_names():
    again = NameCoreValue(name=unicodedata.normalize("NFD", "trách nhiệm "))
    rejected("VALUE_EXISTS", lambda: core_value.name({"V": "Trách nhiệm"}, again, "W", others=()), field="name")
    rejected("VALUE_EXISTS", lambda: core_value.name({}, again, "W", others=("Trách nhiệm",)), field="name")
    assert core_value.name({"V": "Tận tâm"}, again, "W", others=("Chính trực",))
