"""Praise, as the feed shows it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from eventkit.log import Recorded
from eventkit.rpc.paging import asked
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.values import from_date, from_datetime, packed, to_date
from nhip.common.v1.words_pb2 import PersonalText
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1 import types_pb2 as t
from nhip.rewards.v1.events_pb2 import PraiseGiven
from services.rewards.domain.praise import PRAISE
from services.rewards.views import VERSION
from services.rewards.views.core_value import TABLE as CORE_VALUES
from services.rewards.views.known import KNOWN_KPIS

PAGE = 20


@dataclass(frozen=True, slots=True)
class PraiseRow:
    tenant: str
    praise_id: str
    position: int
    giver_id: str
    receiver_id: str
    unit_id: str
    value_id: str
    kpi_id: str
    visibility: int
    words: bytes
    """Sealed."""
    deed_on: date | None
    given_at: datetime
    praised: list[str]
    """Everybody whom it praises: they see it also when it is private."""
    points: int
    """All that it carried."""


class PraiseView(View[PraiseRow]):
    name, source, categories, key = "praise", "rewards", (PRAISE.category,), ("tenant", "praise_id")
    version = VERSION
    indexes = ("tenant, position", "tenant, giver_id, position")
    row = PraiseRow

    def fold(self, rows: Rows[PraiseRow], event: Recorded) -> None:
        match event.message:
            case PraiseGiven() as e:
                rows.put(_row(event, e))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[PraiseRow]:
        if praise := PRAISE.fold(messages(events)):
            yield _row(events[0], praise.given)


PRAISES = PraiseView().table


def _row(event: Recorded, given: PraiseGiven) -> PraiseRow:
    return PraiseRow(
        tenant=event.tenant,
        praise_id=given.praise_id,
        position=event.position,
        giver_id=given.giver_id,
        receiver_id=given.receiver_id,
        unit_id=given.unit_id,
        value_id=given.value_id,
        kpi_id=given.kpi_id,
        visibility=given.visibility,
        words=packed(given.words),
        deed_on=to_date(given.deed_on),
        given_at=event.recorded_at,
        praised=[share.person_id for share in given.shares],
        points=sum(share.points for share in given.shares),
    )


async def feed(con: asyncpg.Connection, tenant: str, request: pb.ListPraises, reader: str) -> pb.Praises:
    """A page of what `reader` may see, the newest first: public praise, and what they gave or are praised in."""
    page = asked(request, tenant, int, size=PAGE)
    rows = await con.fetch(
        f"select p.*, v.name as value_name, k.name as kpi_name from {PRAISES} p "
        f"left join {CORE_VALUES} v on v.tenant = p.tenant and v.value_id = p.value_id "
        f"left join {KNOWN_KPIS} k on k.tenant = p.tenant and k.kpi_id = p.kpi_id "
        "where p.tenant = $1 and ($2::bigint is null or p.position < $2) "
        "and ($3 = '' or p.giver_id = $3 or $3 = any(p.praised)) and ($4 = '' or p.value_id = $4) and ($5 = '' or "
        "p.kpi_id = $5) "
        "and (p.visibility = $6 or p.giver_id = $7 or $7 = any(p.praised)) "
        "order by p.position desc limit $8",
        tenant,
        page.after[0] if page.after else None,
        request.person_id,
        request.value_id,
        request.kpi_id,
        t.VISIBILITY_PUBLIC,
        reader,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["position"],))
    return pb.Praises(praises=map(_praise, shown), next_page_token=token)


async def last_given(
    con: asyncpg.Connection, tenant: str, giver_id: str, receiver_id: str, unit_id: str
) -> datetime | None:
    """When a giver last praised a person, or a unit; None: never yet."""
    return await con.fetchval(
        f"select max(given_at) from {PRAISES} where tenant = $1 and giver_id = $2 and receiver_id = $3 and unit_id = "
        "$4",
        tenant,
        giver_id,
        receiver_id,
        unit_id,
    )


def _praise(row: asyncpg.Record) -> pb.Praise:
    return pb.Praise(
        praise_id=row["praise_id"],
        giver_id=row["giver_id"],
        receiver_id=row["receiver_id"],
        unit_id=row["unit_id"],
        value_id=row["value_id"],
        value_name=row["value_name"] or "",
        kpi_id=row["kpi_id"],
        kpi_name=row["kpi_name"] or "",
        visibility=row["visibility"],
        words=PersonalText.FromString(row["words"]),
        deed_on=from_date(row["deed_on"]) if row["deed_on"] else None,
        given_at=from_datetime(row["given_at"]),
        points=row["points"],
    )
