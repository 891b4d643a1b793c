"""When an e-mail is due: decided once, when its notice is given, on the clock of the person's zone."""

from datetime import UTC, datetime, timedelta

from nhip.notifications.v1 import types_pb2 as t
from services.notifications.domain.preferences import DeliveryPreferences


def is_news(happened_at: datetime, at: datetime, days: int) -> bool:
    """What happened longer ago goes to the inbox only: a service that was away, or is new, mails nobody its past."""
    return at - happened_at < timedelta(days=days)


def due_at(at: datetime, mode: t.EmailMode.ValueType, preferences: DeliveryPreferences) -> datetime | None:
    """The instant, UTC, at which what is given at `at` is to be mailed: never before, never in a quiet hour.

    None: no e-mail.
    """
    match mode:
        case t.EMAIL_MODE_AT_ONCE:
            return _awake(at, preferences)
        case t.EMAIL_MODE_DIGEST:
            return _awake(_next(at, preferences.digest_at, preferences), preferences)
        case _:
            return None


def _awake(at: datetime, preferences: DeliveryPreferences) -> datetime:
    while preferences.is_quiet(at.astimezone(preferences.zone).hour):
        at = _next(at + timedelta(microseconds=1), preferences.quiet_to, preferences)
    return at


def _next(at: datetime, hour: int, preferences: DeliveryPreferences) -> datetime:
    """The first instant from `at` on when the zone's clock strikes that hour.

    An hour that the clock jumps over counts from the jump.
    """
    day = at.astimezone(preferences.zone).date()
    while True:
        strikes = datetime(day.year, day.month, day.day, hour, tzinfo=preferences.zone).astimezone(UTC)
        if strikes >= at:
            return strikes
        day += timedelta(days=1)
