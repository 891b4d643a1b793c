"""What everybody has: the month's allowance, received points by their last day, and when something of it is over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
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
    folds = (
        AllowanceExpired,
        AllowanceGranted,
        AllowanceSpent,
        PointsCorrected,
        PointsExpired,
        PointsReceived,
        PointsRedeemed,
        PointsRefunded,
    )

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
                raise UnknownEvent(event.message)
        rows.put(replace(row, over_on=_over_on(row)))

    def expected(self, events: Sequence[Recorded]) -> Iterable[WalletRow]:
        wallet = WALLET.fold(messages(events))
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
