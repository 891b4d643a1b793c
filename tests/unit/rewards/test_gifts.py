"""Gifts and redemptions: points for a gift, back before the hand-over only (R-08, R-09, R-17)."""

from datetime import date

import pytest

from eventkit.commands.aggregate import Decision
from eventkit.errors import Kind, Rejected
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1.events_pb2 import GiftOffered, GiftRedeemed, GiftStockChanged, RedemptionRefunded
from services.rewards.domain import gift
from services.rewards.domain.gift import GIFT
from services.rewards.domain.points import Lot
from services.rewards.domain.redemption import REDEMPTION
from tests.unit.decisions import Given, given, rejected
from tests.unit.rewards.deeds import STEWARD, corrected, handed_over, held, offered, praised, redeemed, refunded, rich


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(happened.ref.category, type(happened.event).__name__) for happened in decision]


def stock(state: Given, id: str = "coffee") -> int:
    return state.state(GIFT, id).stock


def changed(state: Given, by: int) -> Decision:
    return gift.change_stock(state.state(GIFT, "coffee"), pb.ChangeGiftStock(gift_id="coffee", by=by))


def withdrawn(state: Given) -> Decision:
    return gift.withdraw(state.state(GIFT, "coffee"), "coffee")


def after_redeeming(who: str = "minh", points: int = 60) -> Given:
    state = rich(who, points)
    return state.and_then(redeemed(state, who, id="R"))


def test_a_gift_is_offered_for_points():
    [happened] = gift.offer(pb.OfferGift(name=" Ly cà phê ", description="", points=50, stock=20), "coffee")
    assert happened.event == GiftOffered(gift_id="coffee", name="Ly cà phê", points=50, stock=20)


def test_a_gift_has_a_price():
    rejected("PRICE_MISSING", lambda: offered(price=0), field="points")


def test_fifty_points_buy_a_coffee_r08():
    state = given(offered())
    for giver in ("phuc", "tram", "lan", "nam", "quang"):
        state = state.and_then(praised(state, giver, "minh"))
    done = redeemed(state, id="R")
    assert told(done) == [("redemption", "GiftRedeemed"), ("wallet", "PointsRedeemed"), ("gift", "GiftReserved")]
    assert done[0].event == GiftRedeemed(redemption_id="R", gift_id="coffee", person_id="minh", points=50)
    after = state.and_then(done)
    assert (held(after, "minh").received, stock(after)) == (0, 2)


def test_what_expires_first_is_spent_first():
    state = rich("minh", 30, on=date(2025, 1, 5))
    state = state.and_then(corrected(state, "minh", 40))
    assert held(state.and_then(redeemed(state)), "minh").lots == (Lot(20, date(2026, 3, 12)),)


def test_points_that_do_not_reach_buy_nothing():
    state = rich("minh", 49)
    rejected("BALANCE_TOO_LOW", lambda: redeemed(state), field="gift_id")
    with pytest.raises(Rejected, match="this gift costs 50 points and you have 49"):
        redeemed(state)


def test_points_that_are_over_buy_nothing_even_if_no_timer_ran():
    state = rich("minh", 60, on=date(2024, 1, 1))
    rejected("BALANCE_TOO_LOW", lambda: redeemed(state))
    topped_up = state.and_then(corrected(state, "minh", 50))
    assert held(topped_up, "minh").received == 50


def test_points_that_are_over_expire_before_the_others_are_spent():
    state = rich("minh", 10, on=date(2024, 6, 1))
    state = state.and_then(corrected(state, "minh", 50, on=date(2025, 3, 1)))
    done = redeemed(state, on=date(2025, 6, 2))
    assert told(done) == [
        ("redemption", "GiftRedeemed"),
        ("wallet", "PointsExpired"),
        ("wallet", "PointsRedeemed"),
        ("gift", "GiftReserved"),
    ]
    assert held(state.and_then(done), "minh").received == 0


def test_the_allowance_buys_nothing():
    state = given(offered(), praised(given(), "phuc"))
    rejected("BALANCE_TOO_LOW", lambda: redeemed(state, "phuc"))


def test_the_last_one_is_bought_once():
    state = rich("minh", 60).and_then(corrected(given(), "lan", 60))
    state = state.and_then(changed(state, -2))
    state = state.and_then(redeemed(state, "minh"))
    rejected("OUT_OF_STOCK", lambda: redeemed(state, "lan"), field="gift_id")


def test_a_gift_that_is_not_offered_any_more_is_not_sold_but_what_was_sold_is_handed_over():
    state = after_redeeming()
    state = state.and_then(withdrawn(state)).and_then(corrected(state, "minh", 50))
    rejected("GIFT_WITHDRAWN", lambda: redeemed(state), field="gift_id")
    rejected("GIFT_WITHDRAWN", lambda: changed(state, 5), field="gift_id")
    assert withdrawn(state) == []
    assert told(handed_over(state, "R")) == [("redemption", "GiftHandedOver")]
    assert stock(state.and_then(refunded(state, "R"))) == 3


def test_the_stock_goes_up_and_down_and_never_below_none():
    state = given(offered(stock=3))
    [happened] = changed(state, -3)
    assert happened.event == GiftStockChanged(gift_id="coffee", before=3, after=0)
    rejected("STOCK_TOO_LOW", lambda: changed(state, -4), field="by")
    rejected("NOTHING_CHANGED", lambda: changed(state, 0), field="by")


def test_a_gift_that_is_not_there_is_unknown():
    for ask in (
        lambda: redeemed(rich(), what="tea"),
        lambda: gift.withdraw(None, "tea"),
        lambda: gift.change_stock(None, pb.ChangeGiftStock()),
    ):
        rejected("GIFT_UNKNOWN", ask, field="gift_id")


def test_a_gift_is_handed_over_by_somebody_else():
    state = after_redeeming()
    rejected("OWN_GIFT", lambda: handed_over(state, "R", actor="minh"))
    done = handed_over(state, "R")
    after = state.and_then(done)
    assert after.state(REDEMPTION, "R").state == pb.REDEMPTION_STATE_HANDED_OVER
    assert handed_over(after, "R") == []


def test_what_was_handed_over_is_not_refunded():
    state = after_redeeming()
    state = state.and_then(handed_over(state, "R"))
    for actor in ("minh", STEWARD):
        rejected("GIFT_HANDED_OVER", lambda actor=actor: refunded(state, "R", actor=actor), field="redemption_id")


def test_points_and_gift_go_back_together():
    state = after_redeeming()
    done = refunded(state, "R", reason="đổi ý")
    assert told(done) == [("redemption", "RedemptionRefunded"), ("wallet", "PointsRefunded"), ("gift", "GiftReturned")]
    after = state.and_then(done)
    assert (held(after, "minh").received, stock(after)) == (60, 3)
    assert refunded(after, "R") == []
    rejected("REDEMPTION_REFUNDED", lambda: handed_over(after, "R"), field="redemption_id")
    event = done[0].event
    assert isinstance(event, RedemptionRefunded)
    assert event.reason.plain == "đổi ý"
    assert not refunded(state, "R")[0].event.HasField("reason")  # type: ignore[arg-type]


def test_points_that_come_back_keep_their_last_day_but_have_thirty_days_more():
    state = rich("minh", 20, on=date(2024, 3, 20))
    state = state.and_then(corrected(state, "minh", 40, on=date(2025, 1, 1)))
    state = state.and_then(redeemed(state, id="R"))
    assert held(state, "minh").lots == (Lot(10, date(2026, 1, 1)),)
    soon = state.and_then(refunded(state, "R"))
    assert held(soon, "minh").lots == (Lot(20, date(2025, 4, 11)), Lot(40, date(2026, 1, 1)))
    late = state.and_then(refunded(state, "R", on=date(2026, 6, 1)))
    assert held(late, "minh").lots == (Lot(50, date(2026, 7, 1)),)


def test_a_refund_is_for_who_redeemed_or_who_hands_over():
    state = after_redeeming()
    for actor in ("minh", STEWARD, "nam"):
        assert refunded(state, "R", actor=actor)
    with pytest.raises(Rejected) as refusal:
        refunded(state, "R", actor="lan")
    assert (refusal.value.reason, refusal.value.kind) == ("NOT_YOUR_REDEMPTION", Kind.FORBIDDEN)


def test_a_redemption_that_is_not_there_is_unknown():
    for ask in (lambda: refunded(given(), "R"), lambda: handed_over(given(), "R")):
        rejected("REDEMPTION_UNKNOWN", ask, field="redemption_id")
