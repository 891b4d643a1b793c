"""What everybody has: the month's allowance, received points by their last day, and when something of it is over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import asyncpg

from eventkit.database import connection
from eventkit.directory.facts import DEFAULT_TIME_ZONE
from eventkit.directory.views import TenantView
from eventkit.log import Recorded
from eventkit.process.service import Due
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from eventkit.values import required_date
from nhip.rewards.v1 import types_pb2 as t
from nhip.rewards.v1.events_pb2 import (
    AllowanceExpired,
    AllowanceGranted,
    AllowanceSpent,
    PointsCorrected,
    PointsExpired,
    PointsReceived,
    PointsRedeemed,
    PointsRefunded,
)
from services.rewards.domain.points import Lot, Lots, next_month
from services.rewards.domain.wallet import WALLET
from services.rewards.views import VERSION

AT_ONCE = 200
"""Most wallets that fall due in one turn of the timer."""


@dataclass(frozen=True, slots=True)
class WalletRow:
    tenant: str
    person_id: str
    month: date | None
    """The first day of the month that the allowance is of."""
    granted: int
    allowance: int
    lots: list[str]
    """Received points as "2026-03-12 10": their last day and how many, the soonest first."""
    over_on: date | None
    """The first day, in the tenant's time zone, on which something in it is over; None while nothing can be."""


class WalletView(View[WalletRow]):
    name, source, categories, key = "wallet", "rewards", (WALLET.category,), ("tenant", "person_id")
    version = VERSION
    indexes = ("over_on",)
    row = WalletRow

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[WalletRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        row = rows.get(*key) or WalletRow(*key, None, 0, 0, [], None)
        match event.message:
            case AllowanceGranted() as e:
                row = replace(row, month=required_date(e.month), granted=e.amount, allowance=e.after)
            case AllowanceSpent() | AllowanceExpired() as e:
                row = replace(row, allowance=e.after)
            case PointsReceived() as e:
                row = replace(row, lots=_moved(row.lots, [e.lot], 1))
            case PointsRefunded() as e:
                row = replace(row, lots=_moved(row.lots, e.lots, 1))
            case PointsRedeemed() | PointsExpired() as e:
                row = replace(row, lots=_moved(row.lots, e.lots, -1))
            case PointsCorrected() as e:
                row = replace(row, lots=_moved(row.lots, e.lots, 1 if e.after > e.before else -1))
            case _:
                return
        rows.put(replace(row, over_on=_over_on(row)))

    def expected(self, events: Sequence[Recorded]) -> Iterable[WalletRow]:
        if wallet := WALLET.fold(messages(events)):
            lots = [f"{lot.expires_on} {lot.points}" for lot in wallet.lots]
            key = (events[0].tenant, events[0].stream.id)
            yield WalletRow(*key, wallet.month, wallet.granted, wallet.allowance, lots, wallet.over_on)


WALLETS = WalletView().table


def _moved(lots: list[str], moved: Iterable[t.Lot], sign: int) -> list[str]:
    points = {lot.expires_on: lot.points for lot in lots_of(lots)}
    for lot in moved:
        day = required_date(lot.expires_on)
        points[day] = points.get(day, 0) + sign * lot.points
    return [f"{day} {points[day]}" for day in sorted(points) if points[day]]


def _over_on(row: WalletRow) -> date | None:
    days = [lot.expires_on + timedelta(days=1) for lot in lots_of(row.lots)[:1]]
    if row.allowance and row.month:
        days.append(next_month(row.month))
    return min(days, default=None)


def lots_of(lots: Iterable[str]) -> Lots:
    """A row's lots as the domain has them."""
    return tuple(Lot(int(points), date.fromisoformat(day)) for day, points in (lot.split(" ") for lot in lots))


async def wallet(con: asyncpg.Connection, tenant: str, person_id: str) -> WalletRow:
    """A person's wallet; an empty one for whom nothing has moved yet."""
    row = await con.fetchrow(f"select * from {WALLETS} where tenant = $1 and person_id = $2", tenant, person_id)
    return WALLETS.of(row) if row else WalletRow(tenant, person_id, None, 0, 0, [], None)


def left_to_give(row: WalletRow, monthly: int, today: date) -> tuple[int, int]:
    """What of a month's allowance is left on a day, and what it was on the 1st.

    One that nothing was given of yet is there whole.
    """
    month = today.replace(day=1)
    return (row.allowance, row.granted) if row.month is not None and row.month >= month else (monthly, monthly)


async def over(pool: asyncpg.Pool, at: datetime) -> list[Due]:
    """The wallets of all tenants in which something is over at an instant, the longest over first.

    Rows hold days, which end in their tenant's time zone; the index finds those of the day that may have begun
    somewhere on earth.
    """
    async with connection(pool) as con:
        rows = await con.fetch(
            "select w.tenant, w.person_id, w.over_on::timestamp at time zone coalesce(t.time_zone, $2) as over_at "
            f"from {WALLETS} w "
            f"left join {TenantView().table.name} t using (tenant) "
            "where w.over_on <= $3 and w.over_on::timestamp at time zone coalesce(t.time_zone, $2) <= $1 "
            "order by over_at, w.tenant, w.person_id limit $4",
            at,
            DEFAULT_TIME_ZONE,
            at.astimezone(UTC).date() + timedelta(days=1),
            AT_ONCE,
        )
    return [Due(row["tenant"], row["person_id"], row["over_at"]) for row in rows]
