"""The rule of when it is looked at what falls due, said once for the tests of what is built upon it, and of the SQL
that answers it."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.checkins.domain.cadence import Days
from services.checkins.domain.slot import LOOK_BACK

ODD_ZONES = (
    "Pacific/Kiritimati",
    "Etc/GMT+12",
    "Pacific/Pago_Pago",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "Africa/Cairo",
    "Antarctica/Troll",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "America/Havana",
    "Asia/Ho_Chi_Minh",
    "UTC",
)
"""Some at the ends of the earth and off the whole hour; some whose clocks leap at midnight, by half an hour, by two
hours."""


def day_of_look(at: datetime, zone: ZoneInfo, hour: int, cycle: Days) -> date | None:
    """The company's day at an instant, from the hour on and as long as anything of the cycle may be said; None: it is
    not looked."""
    local = at.astimezone(zone)
    days = Days(cycle.first_on - timedelta(days=1), cycle.last_on + timedelta(days=LOOK_BACK))
    return local.date() if local.hour >= hour and local.date() in days else None
