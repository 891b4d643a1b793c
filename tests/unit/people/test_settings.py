"""The numbers of a tenant: in their ranges, not against each other, from a day on, and which are in force when."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from eventkit.commands.aggregate import Decision
from eventkit.directory.tenant_settings import (
    SETTINGS,
    THE_SETTINGS,
    Change,
    TenantSettings,
    catalogue,
    settings_of,
    values_of,
)
from eventkit.values import from_date
from nhip.people.v1.events_pb2 import SettingsChanged
from nhip.people.v1.settings_pb2 import ChangeSettings, Settings
from services.gateway.console.language import Language
from services.gateway.console.setting_words import group_words, setting_words, unit_word
from services.people.domain import settings
from tests.unit.decisions import TODAY, Command, Given, given, number, rejected, words

TOMORROW, NEXT_WEEK = TODAY + timedelta(days=1), TODAY + timedelta(days=7)


def change(on: date | None = None, *back: str, **values: float) -> Command:
    asked = settings_of({name: Decimal(str(value)) for name, value in values.items()})
    command = ChangeSettings(
        values=asked, to_default=back, reason=words("quý 1 báo muộn"), effective_on=from_date(on) if on else None
    )
    return lambda state: settings.change(state.state(SETTINGS, THE_SETTINGS), command, "company-x", TODAY)


def known(state: Given) -> TenantSettings:
    return state.state(SETTINGS, THE_SETTINGS)


def changed(decision: Decision) -> SettingsChanged:
    [(_, event)] = decision
    assert isinstance(event, SettingsChanged)
    return event


def test_a_tenant_that_says_nothing_has_the_numbers_of_the_requirements():
    now = {name: str(value) for name, value in values_of(TenantSettings().on(TODAY)).items()}
    assert now.keys() == catalogue().keys()
    assert (now["behind_gap"], now["at_risk_gap"], now["low_confidence"], now["stale_days"]) == (
        "16.5",
        "33",
        "3",
        "28",
    )
    assert (now["points_per_praise"], now["monthly_allowance"], now["larger_allowance"]) == ("10", "60", "100")


def test_a_change_acts_from_tomorrow_unless_a_day_is_given():
    state = given().and_then(change(at_risk_gap=30))
    assert known(state).on(TODAY).at_risk_gap == number(33)
    assert known(state).on(TOMORROW).at_risk_gap == number(30)
    today = given().and_then(change(TODAY, at_risk_gap=30))
    assert known(today).on(TODAY).at_risk_gap == number(30)
    assert known(today).on(TODAY - timedelta(days=1)).at_risk_gap == number(33)


def test_it_says_what_was_what_is_from_when_on_and_why():
    given().and_then(change(TODAY, at_risk_gap=30)).when(change(at_risk_gap=25, stale_days=14)).then(
        SettingsChanged(
            tenant_id="company-x",
            before=Settings(at_risk_gap=number(30), stale_days=28),
            after=Settings(at_risk_gap=number(25), stale_days=14),
            effective_on=from_date(TOMORROW),
            reason=words("quý 1 báo muộn"),
        )
    )


def test_what_was_judged_stays_judged_as_it_was():
    rejected(
        "EFFECTIVE_IN_THE_PAST",
        lambda: change(TODAY - timedelta(days=1), at_risk_gap=30)(given()),
        field="effective_on",
    )


def test_back_to_the_default_is_a_change_and_follows_whatever_that_will_be():
    state = given().and_then(change(TODAY, at_risk_gap=30))
    event = changed(change(None, "at_risk_gap")(state))
    assert (event.before.at_risk_gap, event.after.at_risk_gap) == (number(30), number(33))
    assert list(event.to_default) == ["at_risk_gap"]
    assert changed(change(at_risk_gap=33)(state)).to_default == event.to_default  # the same number is the default
    assert known(state.and_then(change(None, "at_risk_gap"))).changes[-1].value is None


def test_what_is_so_already_is_no_change():
    given().when(change(at_risk_gap=33)).then_nothing()
    given().when(change(None, "at_risk_gap")).then_nothing()
    given().and_then(change(TODAY, low_confidence=0)).when(change(low_confidence=0)).then_nothing()


def test_what_is_decided_later_holds_from_its_day_on_also_for_days_that_were_decided_before():
    state = given().and_then(change(NEXT_WEEK, at_risk_gap=40)).and_then(change(TODAY, at_risk_gap=30))
    assert known(state).on(NEXT_WEEK).at_risk_gap == number(30)
    assert known(state).ahead(TODAY) == []
    # To keep what is in force takes back what lies ahead.
    ahead = given().and_then(change(NEXT_WEEK, at_risk_gap=40))
    assert [one.effective_on for one in known(ahead).ahead(TODAY)] == [NEXT_WEEK]
    assert known(ahead.and_then(change(TODAY, at_risk_gap=33))).ahead(TODAY) == []


@pytest.mark.parametrize(
    ("command", "reason", "field"),
    [
        (change(at_risk_gap=16), "SETTING_NOT_ABOVE", "values.at_risk_gap"),
        (change(at_risk_gap=16.5), "SETTING_NOT_ABOVE", "values.at_risk_gap"),
        (change(behind_gap=33), "SETTING_NOT_BELOW", "values.behind_gap"),
        (change(behind_gap=40, at_risk_gap=35), "SETTING_NOT_ABOVE", "values.at_risk_gap"),
        (change(monthly_allowance=5), "SETTING_BELOW", "values.monthly_allowance"),
        (change(points_per_praise=61), "SETTING_ABOVE", "values.points_per_praise"),
        (change(larger_allowance=59), "SETTING_BELOW", "values.larger_allowance"),
    ],
)
def test_two_that_contradict_each_other_are_refused(command: Command, reason: str, field: str):
    rejected(reason, lambda: command(given()), field=field)


def test_two_that_go_together_are_changed_together():
    state = given().and_then(change(behind_gap=40, at_risk_gap=60))
    assert known(state).on(TOMORROW).behind_gap == number(40)
    rejected("SETTING_NOT_ABOVE", lambda: change(None, "at_risk_gap")(state), field="to_default[0]")
    state.when(change(None, "at_risk_gap", "behind_gap"))


def test_a_contradiction_on_a_day_that_lies_ahead_is_one_too():
    state = given().and_then(change(NEXT_WEEK, behind_gap=30))
    rejected("SETTING_NOT_ABOVE", lambda: change(TODAY, at_risk_gap=25)(state), field="values.at_risk_gap")


def test_something_is_asked_for_and_each_thing_once():
    rejected("SETTINGS_MISSING", lambda: change()(given()), field="values")
    rejected("SETTING_UNKNOWN", lambda: change(None, "bonus")(given()), field="to_default[0]")
    rejected("SETTING_TWICE", lambda: change(None, "stale_days", stale_days=7)(given()), field="to_default[0]")


def test_a_day_is_judged_by_what_was_known_at_a_moment():
    first, second = (datetime(2025, 3, day, tzinfo=UTC) for day in (1, 5))
    settings = TenantSettings(
        (
            Change("stale_days", Decimal(14), date(2025, 3, 2), first),
            Change("stale_days", Decimal(7), date(2025, 3, 5), second),
        )
    )
    day = date(2025, 3, 6)
    assert [settings.on(day, at).stale_days for at in (first - timedelta(days=1), first, second, None)] == [
        28,
        14,
        7,
        7,
    ]
    assert settings.on(date(2025, 3, 4)).stale_days == 14


def test_every_setting_has_a_range_around_its_default_and_words_in_both_languages():
    for language in (Language("vi"), Language("en")):
        assert setting_words(language).keys() == catalogue().keys()
        assert {each.group for each in catalogue().values()} == set(group_words(language))
        assert "" not in {unit_word(Decimal(2), each.unit, language) for each in catalogue().values()}
    named = {each.unit for each in catalogue().values()}
    assert {unit for unit in named if unit_word(Decimal(2), unit, Language("vi")) == unit} == set()
    for each in catalogue().values():
        assert each.least <= each.default <= each.most, each.name
        assert {each.above, each.at_least} - {""} <= catalogue().keys()
