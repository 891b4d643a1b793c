"""A page of erasures."""

from datetime import UTC, datetime

import asyncpg

from eventkit.context import acting_id
from eventkit.rpc.paging import asked
from eventkit.values import from_datetime
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as pb
from services.people.views.erasure import TABLE

PAGE = 50
NEVER = datetime(1, 1, 2, tzinfo=UTC)
"""Of a person on whom only a hold lies: behind all requests."""


async def erasures(con: asyncpg.Connection, tenant: str, request: pb.ListErasures, only: str) -> pb.Erasures:
    """A page of them, the newest request first; `only`: whose the reader may see, empty: everybody's."""
    page = asked(request, tenant, datetime, str, size=PAGE)
    at, person = page.after or (None, "")
    rows = await con.fetch(
        f"""select *, coalesce(requested_at, $3) as at from {TABLE}
        where tenant = $1 and ($2 = '' or person_id = $2) and ($4 = '' or person_id = $4) and (not $5 or state = $6)
          and ($7::timestamptz is null or (coalesce(requested_at, $3), person_id) < ($7, $8))
        order by coalesce(requested_at, $3) desc, person_id desc limit $9""",
        tenant,
        request.person_id,
        NEVER,
        only,
        request.waiting,
        pb.ERASURE_STATE_REQUESTED,
        at,
        person,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["at"], row["person_id"]))
    return pb.Erasures(erasures=map(_erasure, shown), next_page_token=token)


def _erasure(row: asyncpg.Record) -> pb.Erasure:
    return pb.Erasure(
        person_id=row["person_id"],
        state=row["state"],
        requested_by=acting_id(row["requested_by"]),
        requested_at=_when(row["requested_at"]),
        decided_by=acting_id(row["decided_by"]),
        decided_at=_when(row["decided_at"]),
        erased_at=_when(row["erased_at"]),
        reason=PersonalText.FromString(row["reason"]) if row["reason"] else None,
        held=row["held"],
    )


def _when(at: datetime | None):
    return from_datetime(at) if at else None
