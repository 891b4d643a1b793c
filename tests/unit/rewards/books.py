"""Bookkeeping of points by somebody who only reads events: what every movement must agree with, whoever decided it
(R-17)."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from google.protobuf.message import Message

from eventkit.values import required_date
from nhip.rewards.v1 import events_pb2 as e
from nhip.rewards.v1 import types_pb2 as t


def days(lots: Iterable[t.Lot]) -> Counter[date]:
    """Points by their last day; every lot has some."""
    found: Counter[date] = Counter()
    for lot in lots:
        assert lot.points > 0
        found[required_date(lot.expires_on)] += lot.points
    return found


def by_person() -> dict[str, Counter[date]]:
    return defaultdict(Counter)


@dataclass
class Books:
    allowance: Counter[str] = field(default_factory=Counter)
    months: dict[str, date] = field(default_factory=dict)
    received: dict[str, Counter[date]] = field(default_factory=by_person)
    stock: dict[str, int] = field(default_factory=dict)
    praised: dict[str, e.PraiseGiven] = field(default_factory=dict)
    spent: Counter[str] = field(default_factory=Counter)
    arrived: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    corrected: int = 0
    expired: int = 0
    redeemed: dict[str, Counter[date]] = field(default_factory=dict)
    reserved: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    prices: dict[str, int] = field(default_factory=dict)

    def balance(self, person: str) -> int:
        return self.received[person].total()

    def post(self, event: Message) -> None:
        """One event behind the others. Fails where it does not follow from them."""
        match event:
            case e.AllowanceGranted():
                month = required_date(event.month)
                assert month.day == 1
                assert self.months.get(event.person_id, date.min) < month
                assert event.amount in (60, 100)
                self.months[event.person_id] = month
                self._allowance(event, event.amount)
            case e.AllowanceSpent():
                self.spent[event.praise_id] += event.amount
                self._allowance(event, -event.amount)
            case e.AllowanceExpired():
                assert self.months[event.person_id] == required_date(event.month)
                assert event.after == 0
                self._allowance(event, -event.amount)
            case e.PointsReceived():
                self.arrived[event.praise_id][event.person_id] += event.lot.points
                self._received(event, days([event.lot]), 1)
            case e.PointsRedeemed():
                self.redeemed[event.redemption_id] = days(event.lots)
                self._received(event, days(event.lots), -1)
            case e.PointsRefunded():
                back, taken = days(event.lots), self.redeemed.pop(event.redemption_id)
                assert back.total() == taken.total()
                assert min(back) >= min(taken)
                self._received(event, back, 1)
            case e.PointsExpired():
                self.expired += days(event.lots).total()
                self._received(event, days(event.lots), -1)
            case e.PointsCorrected():
                sign = 1 if event.after > event.before else -1
                self.corrected += sign * days(event.lots).total()
                self._received(event, days(event.lots), sign)
            case e.PraiseGiven():
                assert event.praise_id not in self.praised
                assert event.giver_id not in [share.person_id for share in event.shares]
                self.praised[event.praise_id] = event
            case e.GiftOffered():
                self.stock[event.gift_id], self.prices[event.gift_id] = event.stock, event.points
            case e.GiftStockChanged():
                self._stock(event, event.after - event.before)
            case e.GiftReserved():
                assert event.redemption_id not in self.reserved
                self.reserved.add(event.redemption_id)
                self._stock(event, -1)
            case e.GiftReturned():
                self.reserved.remove(event.redemption_id)
                self._stock(event, 1)
            case e.GiftRedeemed():
                assert event.points == self.prices[event.gift_id]
            case e.GiftHandedOver() | e.RedemptionRefunded():
                assert event.redemption_id not in self.ended
                self.ended.add(event.redemption_id)
            case _:
                pass

    def close(self) -> None:
        """What must add up once all is posted: no points come from nowhere, none get lost."""
        for praise_id, praise in self.praised.items():
            shares = Counter({share.person_id: share.points for share in praise.shares if share.points})
            assert self.arrived[praise_id] == shares
            assert self.spent[praise_id] == shares.total()
        assert self.spent.keys() <= self.praised.keys()
        assert self.redeemed.keys() == self.reserved
        given, spent = self.spent.total(), sum(taken.total() for taken in self.redeemed.values())
        assert sum(map(self.balance, self.received)) == given + self.corrected - spent - self.expired
        assert min(self.stock.values(), default=0) >= 0

    def _allowance(self, event: e.AllowanceGranted | e.AllowanceSpent | e.AllowanceExpired, by: int) -> None:
        before = self.allowance[event.person_id]
        assert event.amount > 0
        assert (event.before, event.after) == (before, before + by)
        self.allowance[event.person_id] += by

    def _received(
        self,
        event: e.PointsReceived | e.PointsRedeemed | e.PointsRefunded | e.PointsExpired | e.PointsCorrected,
        lots: Counter[date],
        sign: int,
    ) -> None:
        held, before = self.received[event.person_id], self.balance(event.person_id)
        assert lots
        assert (event.before, event.after) == (before, before + sign * lots.total())
        if sign < 0:
            assert lots <= held
            left = sorted((held - lots).keys())
            assert not left or max(lots) <= left[0], "what expires first goes first"
            self.received[event.person_id] = held - lots
        else:
            self.received[event.person_id] = held + lots

    def _stock(self, event: e.GiftStockChanged | e.GiftReserved | e.GiftReturned, by: int) -> None:
        before = self.stock[event.gift_id]
        assert (event.before, event.after) == (before, before + by)
        self.stock[event.gift_id] = before + by
