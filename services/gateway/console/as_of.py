"""The moment that a page shows, as it stands in the URL: a link shows the same picture again."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import QueryParams

from eventkit.errors import Violation
from nhip.common.v1 import time_pb2
from services.gateway.failures import invalid

Clock = Literal["effective", "recorded"]


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, a day by one of the two clocks, or an instant of the recorded clock."""

    on: date | None = None
    clock: Clock = "effective"
    """effective: what is in force for that day, as known today. recorded: what was known when that day ended."""
    known: datetime | None = None
    """What was known at that instant, about its own day."""

    @property
    def is_now(self) -> bool:
        return self.on is None and self.known is None

    def message(self, zone: ZoneInfo) -> time_pb2.AsOf:
        """What a service is asked; days end in the tenant's zone."""
        as_of = time_pb2.AsOf()
        day = self.on
        if self.known is not None:
            as_of.recorded_at.FromDatetime(self.known)
            day = self.known.astimezone(zone).date()
        elif day is not None and self.clock == "recorded":
            end = datetime.combine(day + timedelta(days=1), time(), zone) - timedelta(microseconds=1)
            as_of.recorded_at.FromDatetime(end.astimezone(UTC))
        if day is not None:
            as_of.effective_on.year, as_of.effective_on.month, as_of.effective_on.day = day.year, day.month, day.day
        return as_of

    def query(self) -> dict[str, str]:
        if self.known is not None:
            return {"known": self.known.astimezone(UTC).isoformat().replace("+00:00", "Z")}
        if self.on is None:
            return {}
        return {"on": self.on.isoformat()} | ({"clock": self.clock} if self.clock != "effective" else {})

    def url(self, path: str, **more: str) -> str:
        """`path` at this moment."""
        parameters = {name: value for name, value in (self.query() | more).items() if value}
        return f"{path}?{urlencode(parameters)}" if parameters else path


def parse_moment(parameters: QueryParams) -> Moment:
    """The moment that a URL asks for; raises Failure when it is unreadable: today must not be mistaken for a day that
    was asked for."""
    if known := parameters.get("known"):
        try:
            at = datetime.fromisoformat(known.replace("Z", "+00:00"))
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise invalid(
                "MOMENT_UNREADABLE",
                f"{known!r} is not an instant",
                Violation("known", "NOT_AN_INSTANT", "is not an instant as 2025-03-01T09:30:00Z"),
            )
        return Moment(known=at.astimezone(UTC))
    on = parameters.get("on")
    if not on:
        return Moment()
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", on):
            raise ValueError(on)
        day = date.fromisoformat(on)
        _ = day + timedelta(days=1)  # the last day of the calendar has no end to ask for
    except (ValueError, OverflowError) as error:
        raise invalid(
            "MOMENT_UNREADABLE", f"{on!r} is not a day", Violation("on", "NOT_A_DAY", "is not a day as 2025-03-01")
        ) from error
    return Moment(day, "recorded" if parameters.get("clock") == "recorded" else "effective")
