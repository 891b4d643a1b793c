"""What is new: the last notices about what needs nothing of the viewer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from nhip.notifications.v1 import notifications_pb2, types_pb2
from services.gateway.console.directory import directory
from services.gateway.console.notices import NoticeRow, notice_row
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.home.visits import Visits

LOOKED_AT, SHOWN = 30, 6
"""Of the newest notices."""
TOLD_ONCE = frozenset(
    (
        types_pb2.NOTICE_KIND_CHECK_IN_ANSWERED,
        types_pb2.NOTICE_KIND_CHECK_IN_SUBMITTED,
        types_pb2.NOTICE_KIND_TOPIC_ASKED,
        types_pb2.NOTICE_KIND_TOPIC_ANSWERED,
        types_pb2.NOTICE_KIND_ACTION_REPORTED,
        types_pb2.NOTICE_KIND_ACTION_ANSWERED,
    )
)
"""Of these several by the same person are one line here: the newest, and how many more there are."""
CHANGES = frozenset(
    (
        types_pb2.NOTICE_KIND_KPI_CHANGED,
        types_pb2.NOTICE_KIND_PROGRESS_CORRECTED,
        types_pb2.NOTICE_KIND_PROPOSAL_DECIDED,
        types_pb2.NOTICE_KIND_STANDS_IN,
        types_pb2.NOTICE_KIND_UNIT_HEAD,
    )
)


@dataclass(frozen=True, slots=True)
class Line:
    notice: NoticeRow
    more: int = 0
    """How many like it are not shown."""


@dataclass(frozen=True, slots=True)
class News:
    lines: tuple[Line, ...] = ()
    unchanged: bool = False
    """Since the last visit nobody else changed a KPI that concerns the viewer, nor a value of it."""


async def news(visit: Visit, visits: Visits) -> News:
    """Those since the viewer was here, else the newest."""
    asked = notifications_pb2.ListNotices(page_size=LOOKED_AT)
    reply = await or_none(visit.caller.query("notifications", "ListNotices", asked, notifications_pb2.Notices))
    if reply is None:
        return News()
    since = visits.last_ended
    told = [one for one in reply.notices if not since or one.given_at.ToDatetime(UTC) > since]
    whole = len(told) < len(reply.notices) or not reply.next_page_token
    kept = _together([one for one in told if not one.waiting])
    who = await directory(visit, notifications_pb2.Notices(notices=[first for first, _ in kept]))
    lines = tuple(Line(notice_row(visit, first, who), more) for first, more in kept)
    return News(lines, since is not None and whole and not any(one.kind in CHANGES for one in told))


def _together(told: Sequence[notifications_pb2.Notice]) -> list[tuple[notifications_pb2.Notice, int]]:
    """The newest of each, with how many more it stands for."""
    groups: dict[object, list[notifications_pb2.Notice]] = {}
    for one in told:
        key = (one.kind, one.by_id) if one.kind in TOLD_ONCE else one.notice_id
        groups.setdefault(key, []).append(one)
    return [(group[0], len(group) - 1) for group in list(groups.values())[:SHOWN]]
