"""Whatever people do, in whatever order, while months and years pass: points add up, and nothing is ever below zero
(R-17)."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from eventkit.commands.aggregate import Aggregate, Decision
from eventkit.context import Actor
from eventkit.errors import Rejected
from nhip.rewards.v1 import rewards_pb2 as pb
from services.rewards.domain import gift, wallet
from services.rewards.domain.gift import GIFT
from services.rewards.domain.redemption import REDEMPTION
from services.rewards.domain.wallet import WALLET, Wallet
from tests.unit.decisions import Given, words
from tests.unit.rewards import deeds
from tests.unit.rewards.books import Books

AGGREGATES: dict[str, Aggregate[Any]] = {a.category: a for a in (WALLET, GIFT, REDEMPTION)}
PEOPLE = ("nam", "phuc", "minh", "tram", "lan")
people = st.sampled_from(PEOPLE)


class Folded(Given):
    """What happened, folded as it goes."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, str], Any] = {}

    def state(self, aggregate: Aggregate[Any], id: str) -> Any:
        return self.states.get(aggregate(id), aggregate.initial)

    def record(self, decision: Decision) -> None:
        for ref, event in decision:
            if aggregate := AGGREGATES.get(ref.category):
                self.states[ref] = aggregate.evolve(self.states.get(ref, aggregate.initial), event)


class Points(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state, self.books, self.today = Folded(), Books(), date(2025, 1, 28)
        self.redemptions: list[str] = []
        self.refusals: dict[str, set[str]] = {}

    def attempt(self, decide: Callable[[], Decision], *refusals: str) -> bool:
        """One deed: recorded and booked, or refused for one of these reasons; then nothing happened."""
        try:
            decision = decide()
        except Rejected as refusal:
            if refusal.reason not in refusals:
                raise
            return False
        for happened in decision:
            self.books.post(happened.event)
        self.state.record(decision)
        return True

    def wallet(self, who: str) -> Wallet:
        return deeds.held(self.state, who)

    @initialize(prices=st.lists(st.integers(1, 60), min_size=2, max_size=2), stock=st.integers(0, 3))
    def a_shop(self, prices: list[int], stock: int) -> None:
        for n, price in enumerate(prices):
            self.attempt(lambda n=n, price=price: deeds.offered(f"g{n}", price, stock))

    @rule(giver=people, receiver=people, without=st.booleans())
    def praise(self, giver: str, receiver: str, without: bool) -> None:
        self.attempt(
            lambda: deeds.praised(self.state, giver, receiver, on=self.today, without_points=without),
            "SELF_PRAISE",
            "ALLOWANCE_SPENT",
        )

    @rule(giver=people, unit=st.sampled_from(("sales", "cskh", "crowd")), size=st.integers(1, 12))
    def praise_a_unit(self, giver: str, unit: str, size: int) -> None:
        self.attempt(
            lambda: deeds.praised(self.state, giver, unit=unit, on=self.today, org=deeds.company(crowd=size)),
            "ALLOWANCE_SPENT",
        )

    @rule(who=people, what=st.sampled_from(("g0", "g1")))
    def redeem(self, who: str, what: str) -> None:
        id = f"R{len(self.redemptions)}"
        spendable = sum(lot.points for lot in self.wallet(who).lots if lot.expires_on >= self.today)
        wanted = self.state.state(GIFT, what)
        done = self.attempt(
            lambda: deeds.redeemed(self.state, who, what, id=id, on=self.today), "BALANCE_TOO_LOW", "OUT_OF_STOCK"
        )
        assert done == (spendable >= wanted.points and wanted.stock > 0)
        if done:
            self.redemptions.append(id)

    @rule(data=st.data(), actor=people)
    def refund(self, data: st.DataObject, actor: str) -> None:
        if self.redemptions:
            id = data.draw(st.sampled_from(self.redemptions))
            self.attempt(
                lambda: deeds.refunded(self.state, id, actor=actor, on=self.today),
                "NOT_YOUR_REDEMPTION",
                "GIFT_HANDED_OVER",
            )

    @rule(data=st.data(), actor=st.sampled_from((deeds.ADMIN, deeds.STEWARD)))
    def hand_over(self, data: st.DataObject, actor: str) -> None:
        if self.redemptions:
            id = data.draw(st.sampled_from(self.redemptions))
            self.attempt(lambda: deeds.handed_over(self.state, id, actor=actor), "OWN_GIFT", "REDEMPTION_REFUNDED")

    @rule(who=people, by=st.integers(-80, 80))
    def correct(self, who: str, by: int) -> None:
        self.attempt(
            lambda: deeds.corrected(self.state, who, by, on=self.today),
            "OWN_POINTS",
            "NOTHING_CORRECTED",
            "BALANCE_TOO_LOW",
        )

    @rule(by=st.integers(-3, 3), what=st.sampled_from(("g0", "g1")))
    def change_the_stock(self, by: int, what: str) -> None:
        command = pb.ChangeGiftStock(gift_id=what, by=by)
        self.attempt(
            lambda: gift.change_stock(self.state.state(GIFT, what), command), "NOTHING_CHANGED", "STOCK_TOO_LOW"
        )

    @rule(days=st.sampled_from((1, 3, 20, 31, 200, 366)))
    def time_passes(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule(who=people)
    def the_timer_comes(self, who: str) -> None:
        due = self.wallet(who).over_on
        decision = wallet.expire(self.state.state(WALLET, who), who, self.today)
        assert bool(decision) == (due is not None and due <= self.today)
        self.attempt(lambda: decision)
        after = self.wallet(who).over_on
        assert after is None or after > self.today

    @invariant()
    def what_people_have_is_the_sum_of_what_moved(self) -> None:
        for (category, id), state in self.state.states.items():
            if category == WALLET.category:
                assert (state.allowance, state.received) == (self.books.allowance[id], self.books.balance(id))
                assert {lot.expires_on: lot.points for lot in state.lots} == dict(+self.books.received[id])
                assert state.allowance >= 0
                assert all(lot.points > 0 for lot in state.lots)
            if category == GIFT.category:
                assert state.stock == self.books.stock[id] >= 0

    def teardown(self) -> None:
        self.books.close()


TestPointsAddUp = Points.TestCase
TestPointsAddUp.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


@pytest.mark.parametrize("by", [-1, 1])
def test_the_books_notice_points_from_nowhere(by: int):
    """What the properties are worth."""
    [happened] = wallet.correct(
        WALLET.initial,
        pb.CorrectPoints(person_id="minh", points=5, reason=words("…")),
        Actor("company-x", deeds.ADMIN),
        deeds.company(),
        today=date(2025, 1, 1),
    )
    books, event = Books(), happened.event
    event.after += by  # type: ignore[attr-defined]
    with pytest.raises(AssertionError):
        books.post(event)
