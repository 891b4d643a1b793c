"""When an e-mail is due, in every zone and on every day that a clock is set forward or back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nhip.notifications.v1 import types_pb2 as t
from nhip.notifications.v1.events_pb2 import NoticeGiven
from nhip.notifications.v1.types_pb2 import Channels, Preferences
from services.notifications.domain.channels import addressed
from services.notifications.domain.due import due_at
from services.notifications.domain.preferences import DeliveryPreferences, delivery_preferences

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


def wanted(zone: str = "Asia/Ho_Chi_Minh", *, quiet: tuple[int, int] = (20, 7), digest: int = 8) -> DeliveryPreferences:
    return delivery_preferences(
        Preferences(time_zone=zone, quiet_from=quiet[0], quiet_to=quiet[1], digest_at=digest), HANOI, "vi"
    )


def at(text: str, zone: str = "Asia/Ho_Chi_Minh") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("given_at", "due"),
    [
        ("2025-03-12 10:30", "2025-03-12 10:30"),
        ("2025-03-12 19:59", "2025-03-12 19:59"),
        ("2025-03-12 20:00", "2025-03-13 07:00"),
        ("2025-03-12 23:59", "2025-03-13 07:00"),
        ("2025-03-13 00:00", "2025-03-13 07:00"),
        ("2025-03-13 06:59:59", "2025-03-13 07:00"),
        ("2025-03-13 07:00", "2025-03-13 07:00"),
    ],
)
def test_what_is_mailed_at_once_waits_out_the_quiet_hours_also_across_midnight(given_at: str, due: str):
    assert due_at(at(given_at), t.EMAIL_MODE_AT_ONCE, wanted()) == at(due)


@pytest.mark.parametrize(
    ("given_at", "due"),
    [
        ("2025-03-12 07:59", "2025-03-12 08:00"),
        ("2025-03-12 08:00", "2025-03-12 08:00"),
        ("2025-03-12 08:01", "2025-03-13 08:00"),
        ("2025-12-31 22:00", "2026-01-01 08:00"),
    ],
)
def test_the_digest_waits_for_its_hour(given_at: str, due: str):
    assert due_at(at(given_at), t.EMAIL_MODE_DIGEST, wanted()) == at(due)


def test_a_digest_in_the_quiet_hours_waits_for_their_end():
    assert due_at(at("2025-03-12 12:00"), t.EMAIL_MODE_DIGEST, wanted(digest=22)) == at("2025-03-13 07:00")


def test_the_same_hour_twice_is_never_quiet():
    assert due_at(at("2025-03-12 03:00"), t.EMAIL_MODE_AT_ONCE, wanted(quiet=(3, 3))) == at("2025-03-12 03:00")


def test_no_e_mail_is_never_due():
    assert due_at(at("2025-03-12 12:00"), t.EMAIL_MODE_OFF, wanted()) is None


@pytest.mark.parametrize(
    ("given_at", "digest", "due"),
    [
        (
            "2025-03-29 12:00",
            2,
            "2025-03-30 01:00",
        ),  # Berlin's clock jumps from 2 to 3 that night: at the jump, 01:00 UTC
        ("2025-10-25 12:00", 2, "2025-10-26 00:00"),  # and strikes 2 twice here: the first time, 00:00 UTC
        ("2025-03-29 12:00", 8, "2025-03-30 06:00"),
        ("2025-10-25 12:00", 8, "2025-10-26 07:00"),
    ],
)
def test_an_hour_that_is_skipped_or_strikes_twice(given_at: str, digest: int, due: str):
    never_quiet = wanted("Europe/Berlin", quiet=(0, 0), digest=digest)
    assert due_at(at(given_at, "Europe/Berlin"), t.EMAIL_MODE_DIGEST, never_quiet) == at(due, "UTC")


ZONES = st.sampled_from(
    [
        "Asia/Ho_Chi_Minh",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Africa/Cairo",
        "Asia/Kathmandu",
        "UTC",
    ]
)
HOURS = st.integers(0, 23)
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)).map(lambda naive: naive.replace(tzinfo=UTC))  # noqa: DTZ001


@given(INSTANTS, ZONES, HOURS, HOURS, HOURS, st.sampled_from([t.EMAIL_MODE_AT_ONCE, t.EMAIL_MODE_DIGEST]))
def test_a_mail_is_never_early_never_in_a_quiet_hour_and_never_two_days_late(
    given_at: datetime, zone: str, quiet_from: int, quiet_to: int, digest: int, mode: t.EmailMode.ValueType
):
    preferences = wanted(zone, quiet=(quiet_from, quiet_to), digest=digest)
    due = due_at(given_at, mode, preferences)
    assert due is not None
    assert given_at <= due <= given_at + timedelta(hours=50)
    assert not preferences.is_quiet(due.astimezone(preferences.zone).hour)
    if mode == t.EMAIL_MODE_AT_ONCE and not preferences.is_quiet(given_at.astimezone(preferences.zone).hour):
        assert due == given_at


@given(INSTANTS, ZONES, HOURS)
def test_a_digest_goes_out_with_everything_else_at_its_hour(given_at: datetime, zone: str, digest: int):
    preferences = wanted(zone, quiet=(0, 0), digest=digest)
    due = due_at(given_at, t.EMAIL_MODE_DIGEST, preferences)
    assert due is not None
    assert due_at(due, t.EMAIL_MODE_DIGEST, preferences) == due
    local = due.astimezone(preferences.zone)
    skipped = (
        datetime(local.year, local.month, local.day, digest, tzinfo=preferences.zone)
        .astimezone(UTC)
        .astimezone(preferences.zone)
    )
    assert (local.hour, local.minute) == (skipped.hour, skipped.minute)
    assert local.hour == digest or skipped.hour != digest


def test_where_nothing_is_mailed_a_notice_says_so():
    draft = NoticeGiven(person_id="minh", kind=t.NOTICE_KIND_KPI_CHANGED)
    inbox_only = addressed(draft, "n", wanted(), at("2025-03-12 10:00"), mail=False)
    assert (inbox_only.notice_id, inbox_only.inbox, inbox_only.HasField("email_due_at"), inbox_only.digest) == (
        "n",
        True,
        False,
        False,
    )


def test_a_kind_goes_the_ways_that_its_person_chose():
    draft, now = NoticeGiven(person_id="minh", kind=t.NOTICE_KIND_GIFT), at("2025-03-12 10:00")
    said = Preferences(channels=[Channels(kind=t.NOTICE_KIND_GIFT, inbox=False, email=t.EMAIL_MODE_AT_ONCE)])
    given_now = addressed(draft, "n", delivery_preferences(said, HANOI, "vi"), now, mail=True)
    assert (given_now.inbox, given_now.email_due_at.ToDatetime(tzinfo=UTC), given_now.digest) == (False, now, False)
    by_default = addressed(draft, "n", delivery_preferences(None, HANOI, "vi"), now, mail=True)
    assert (by_default.inbox, by_default.email_due_at.ToDatetime(tzinfo=UTC), by_default.digest) == (
        True,
        at("2025-03-13 08:00"),
        True,
    )
