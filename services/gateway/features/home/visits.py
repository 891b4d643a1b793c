"""When somebody was here last: what happened since is new to them. Kept in their browser, for nobody else to know."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "nhip-visits"
A_VISIT_ENDS_AFTER = timedelta(minutes=30)
"""Without a look at the home page."""
KEPT = timedelta(days=365)
_KEPT = re.compile(r"([0-9]{1,12})\.([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Visits:
    last_ended: datetime | None
    """When the visit before this one ended; None: this is the first, as far as the browser knows."""
    now: datetime

    @classmethod
    def of(cls, request: Request, now: datetime) -> "Visits":
        found = _KEPT.fullmatch(request.cookies.get(COOKIE, ""))
        if not found:
            return cls(None, now)
        ended, seen = (datetime.fromtimestamp(int(part), UTC) for part in found.groups())
        if now - seen > A_VISIT_ENDS_AFTER:
            ended = seen
        return cls(ended if ended.timestamp() else None, now)

    def keep(self, response: Response, *, secure: bool) -> None:
        ended = int(self.last_ended.timestamp()) if self.last_ended else 0
        response.set_cookie(
            COOKIE,
            f"{ended}.{int(self.now.timestamp())}",
            max_age=int(KEPT.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=secure,
        )
