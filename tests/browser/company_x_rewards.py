"""Company X's praise, points and gifts, in memory."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count

from google.protobuf.message import Message

from eventkit.errors import Kind, Rejected
from nhip.common.v1 import command_pb2
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1 import types_pb2 as types
from tests.browser.messages import NOW, at, day, words

VALUES = {"trach-nhiem": "Trách nhiệm", "hop-tac": "Hợp tác", "hoc-hoi": "Học hỏi"}
STEWARDS = ("quang", "huong")
MANAGERS = ("nam", "quang", "phuc", "lan")
PAGE = 5
PRICE = 10

_PRAISES = (
    (
        "phuc", "minh", "", "trach-nhiem", "", datetime(2025, 3, 20, 3, 12, tzinfo=UTC),
        "Khách Alpha phản hồi khó, em chủ động kéo CSKH vào xử lý chứ không đổ cho ai. Cả hai phòng đỡ mất một tuần.",
    ),
    (
        "nam", "tram", "", "", "i4", datetime(2025, 3, 19, 8, 30, tzinfo=UTC),
        "Kịch bản riêng cho khách ngành thương mại làm tỷ lệ trả lời email tăng 30 %. Tuần tới em kể cho cả đội nghe "
        "nhé?",
    ),
    (
        "tien", "thao", "", "", "k-col", datetime(2025, 3, 18, 2, 5, tzinfo=UTC),
        "Danh sách bàn giao chị soạn giúp em biết Sales đã hứa gì trước khi gọi, không phải hỏi khách lần hai.",
    ),
    (
        "lan", "", "sales", "hop-tac", "", datetime(2025, 3, 14, 9, 40, tzinfo=UTC),
        "Cả đội Sales ghi đủ nhu cầu khách trước khi bàn giao, nhờ vậy CSKH gọi lần đầu đã đúng việc.",
    ),
    ("hai", "minh", "", "hoc-hoi", "", datetime(2025, 3, 11, 4, 0, tzinfo=UTC), ""),
    ("quang", "lan", "", "hop-tac", "", datetime(2025, 3, 6, 4, 0, tzinfo=UTC),
        "Chị gom được bảy yêu cầu rời rạc thành một quy trình."),
    ("minh", "tien", "", "hop-tac", "", datetime(2025, 3, 4, 4, 0, tzinfo=UTC),
        "Em gọi lại khách trong một giờ, khách ở lại với mình."),
    ("phuc", "tram", "", "", "i2", datetime(2025, 2, 27, 4, 0, tzinfo=UTC),
        "Ba buổi demo lại cho khách cũ, hai nơi mua thêm gói Pro."),
)  # fmt: skip


class RewardsX:
    """What `nhip.rewards.v1.Rewards` answers."""

    def __init__(self) -> None:
        self._ids = count(1)
        self.praises = [self._praise(f"pr{n}", *praise) for n, praise in enumerate(_PRAISES)]
        self.values = dict(VALUES)
        self.gifts = {
            "coffee": pb.Gift(
                gift_id="coffee", name="Ly cà phê", description="Ở quán dưới toà nhà", points=50, stock=24
            ),
            "ticket": pb.Gift(gift_id="ticket", name="Vé xem phim", points=80, stock=0),
            "voucher": pb.Gift(
                gift_id="voucher", name="Voucher mua sắm", description="Dùng trong ba tháng", points=100, stock=6
            ),
            "book": pb.Gift(
                gift_id="book", name="Sách chuyên ngành", description="Tự chọn một cuốn", points=200, stock=3
            ),
        }
        self.redemptions: dict[str, pb.Redemption] = {}
        self.given: dict[str, int] = {"minh": 20}
        self.movements: dict[str, list[pb.Movement]] = {}
        self._history()

    def _history(self) -> None:
        kinds, march = pb, datetime(2025, 3, 1, 0, 0, tzinfo=UTC)
        self._move("minh", kinds.MOVEMENT_KIND_RECEIVED, 150, datetime(2025, 1, 17, 4, tzinfo=UTC), other_id="lan")
        self._move("minh", kinds.MOVEMENT_KIND_ALLOWANCE_EXPIRED, -30, march, balance=0)
        self._move("minh", kinds.MOVEMENT_KIND_ALLOWANCE_GRANTED, 60, march, balance=60)
        self._move(
            "minh",
            kinds.MOVEMENT_KIND_ALLOWANCE_SPENT,
            -10,
            datetime(2025, 3, 4, 4, tzinfo=UTC),
            balance=50,
            other_id="tien",
        )
        self._move("minh", kinds.MOVEMENT_KIND_RECEIVED, 10, datetime(2025, 3, 11, 4, tzinfo=UTC), other_id="hai")
        self.redeem("minh", "coffee", datetime(2025, 3, 14, 7, tzinfo=UTC), pb.REDEMPTION_STATE_HANDED_OVER)
        self._move(
            "minh",
            kinds.MOVEMENT_KIND_CORRECTED,
            10,
            datetime(2025, 3, 17, 2, tzinfo=UTC),
            reason=words("Lời khen ngày 10/03 ghi nhầm người."),
        )
        self._move(
            "minh",
            kinds.MOVEMENT_KIND_ALLOWANCE_SPENT,
            -10,
            datetime(2025, 3, 19, 3, tzinfo=UTC),
            balance=40,
            unit_id="cskh",
        )
        self._move("minh", kinds.MOVEMENT_KIND_RECEIVED, 10, datetime(2025, 3, 20, 3, 12, tzinfo=UTC), other_id="phuc")
        self._move("tram", kinds.MOVEMENT_KIND_RECEIVED, 150, datetime(2025, 2, 3, 4, tzinfo=UTC), other_id="nam")
        self.redeem("tram", "voucher", datetime(2025, 3, 19, 7, tzinfo=UTC), pb.REDEMPTION_STATE_WAITING)
        self._move("quang", kinds.MOVEMENT_KIND_RECEIVED, 60, datetime(2025, 2, 3, 4, tzinfo=UTC), other_id="nam")
        self.redeem("quang", "coffee", datetime(2025, 3, 19, 9, tzinfo=UTC), pb.REDEMPTION_STATE_WAITING)

    @staticmethod
    def _praise(
        id: str, giver: str, receiver: str, unit: str, value: str, kpi: str, when: datetime, text: str
    ) -> pb.Praise:
        praise = pb.Praise(
            praise_id=id,
            giver_id=giver,
            receiver_id=receiver,
            unit_id=unit,
            value_id=value,
            kpi_id=kpi,
            points=PRICE,
            given_at=at(when),
        )
        praise.value_name = VALUES.get(value, "")
        praise.visibility = types.VISIBILITY_PUBLIC
        praise.deed_on.CopyFrom(day(when.date() - timedelta(days=1)))
        if text:
            praise.words.plain = text
        else:
            praise.words.erased = True
        return praise

    def _move(
        self, person: str, kind: int, points: int, when: datetime = NOW, *, balance: int | None = None, **more: object
    ) -> None:
        moved = pb.Movement(event_id=f"m{next(self._ids)}", kind=kind, points=points, at=at(when), **more)  # pyright: ignore[reportArgumentType]
        moved.balance = self.received(person) + points if balance is None else balance
        self.movements.setdefault(person, []).insert(0, moved)

    def received(self, person: str) -> int:
        spendable = (
            pb.MOVEMENT_KIND_RECEIVED,
            pb.MOVEMENT_KIND_REDEEMED,
            pb.MOVEMENT_KIND_REFUNDED,
            pb.MOVEMENT_KIND_CORRECTED,
        )
        return sum(movement.points for movement in self.movements.get(person, ()) if movement.kind in spendable)

    def monthly(self, person: str) -> int:
        return 100 if person in MANAGERS else 60

    def allowance(self, person: str) -> int:
        return self.monthly(person) - self.given.get(person, 0)

    def redeem(self, person: str, gift: str, when: datetime, state: int) -> str:
        id = f"r{next(self._ids)}"
        offered = self.gifts[gift]
        self._move(person, pb.MOVEMENT_KIND_REDEEMED, -offered.points, when, redemption_id=id, gift_name=offered.name)
        self.redemptions[id] = pb.Redemption(
            redemption_id=id,
            gift_id=gift,
            gift_name=offered.name,
            person_id=person,
            points=offered.points,
            state=state,  # pyright: ignore[reportArgumentType]
            redeemed_at=at(when),
        )
        if state != pb.REDEMPTION_STATE_WAITING:
            self.redemptions[id].ended_at.CopyFrom(at(when + timedelta(hours=3)))
        return id

    def _accepted(self, context: str, id: str) -> command_pb2.Accepted:
        raise NotImplementedError

    def kpi_name(self, id: str) -> str:
        raise NotImplementedError

    # --- what it answers ---

    def ListCoreValues(self, request: Message, actor: str) -> Message:
        return pb.CoreValues(values=[pb.CoreValue(value_id=id, name=name) for id, name in self.values.items()])

    def NameCoreValue(self, request: pb.NameCoreValue, actor: str) -> Message:
        id = f"value{len(self.values)}"
        self.values[id] = request.name
        return self._accepted("rewards", id)

    def ListPraises(self, request: pb.ListPraises, actor: str) -> Message:
        shown = [praise for praise in self.praises if self._seen(praise, request, actor)]
        shown.sort(key=lambda praise: praise.given_at.ToDatetime(UTC), reverse=True)
        start = int(request.page_token or "0")
        answer = pb.Praises(
            praises=shown[start : start + PAGE], next_page_token=str(start + PAGE) if len(shown) > start + PAGE else ""
        )
        for praise in answer.praises:
            praise.kpi_name = self.kpi_name(praise.kpi_id) if praise.kpi_id else ""
            if actor == "khanh" and praise.words.plain:
                praise.words.withheld = True
        return answer

    def _seen(self, praise: pb.Praise, request: pb.ListPraises, actor: str) -> bool:
        sides = (praise.giver_id, praise.receiver_id)
        return (
            (praise.visibility == types.VISIBILITY_PUBLIC or actor in sides)
            and (not request.person_id or request.person_id in sides)
            and (not request.value_id or request.value_id == praise.value_id)
            and (not request.kpi_id or request.kpi_id == praise.kpi_id)
        )

    def CheckPraise(self, request: pb.CheckPraise, actor: str) -> Message:
        text = request.words.plain.casefold()
        deed = (
            date(request.deed_on.year, request.deed_on.month, request.deed_on.day)
            if request.HasField("deed_on")
            else None
        )
        late = (
            [pb.RISE_HINT_DEED_DAY_MISSING]
            if deed is None
            else [pb.RISE_HINT_DEED_LONG_AGO]
            if (NOW.date() - deed).days > 7
            else []
        )
        specific = [
            *([pb.RISE_HINT_TOO_SHORT] if len(text) < 40 else []),
            *(
                []
                if any(word in text for word in ("gọi", "soạn", "viết", "kịch bản", "called"))
                else [pb.RISE_HINT_DEED_MISSING]
            ),
            *(
                []
                if any(word in text for word in ("nhờ", "tăng", "giúp", "%", "so that"))
                else [pb.RISE_HINT_EFFECT_MISSING]
            ),
        ]
        next_step = (
            []
            if any(word in text for word in ("tuần tới", "lần tới", "chia sẻ", "next"))
            else [pb.RISE_HINT_NEXT_STEP_MISSING]
        )
        named = request.receiver_id or request.unit_id
        return pb.PraiseHints(
            hints=[
                _hint(pb.RISE_ASPECT_REGULAR, []),
                _hint(pb.RISE_ASPECT_IMMEDIATE, late),
                _hint(pb.RISE_ASPECT_SPECIFIC, specific),
                _hint(pb.RISE_ASPECT_ENCOURAGING, next_step),
            ],
            points=PRICE if named else 0,
            allowance=self.allowance(actor),
        )

    def GivePraise(self, request: pb.GivePraise, actor: str) -> Message:
        if (
            request.HasField("deed_on")
            and date(request.deed_on.year, request.deed_on.month, request.deed_on.day) > NOW.date()
        ):
            raise Rejected("DEED_TO_COME", "give today or an earlier day", kind=Kind.INVALID, field="deed_on")
        points = PRICE if self.allowance(actor) >= PRICE else 0
        if not points and not request.without_points:
            raise Rejected("ALLOWANCE_SPENT", "the allowance does not reach", rule="R-07")
        praise = self._praise(
            f"pr{len(self.praises)}",
            actor,
            request.receiver_id,
            request.unit_id,
            request.value_id,
            request.kpi_id,
            NOW + timedelta(seconds=len(self.praises)),
            request.words.plain,
        )
        praise.visibility, praise.points = request.visibility, points
        praise.deed_on.CopyFrom(request.deed_on)
        self.praises.append(praise)
        if points:
            self.given[actor] = self.given.get(actor, 0) + points
            to = {"other_id": request.receiver_id, "unit_id": request.unit_id}
            self._move(actor, pb.MOVEMENT_KIND_ALLOWANCE_SPENT, -points, NOW, balance=self.allowance(actor), **to)
            if request.receiver_id:
                self._move(request.receiver_id, pb.MOVEMENT_KIND_RECEIVED, points, other_id=actor)
        return self._accepted("rewards", praise.praise_id)

    def GetWallet(self, request: pb.GetWallet, actor: str) -> Message:
        wallet = pb.Wallet(
            person_id=actor,
            allowance=self.allowance(actor),
            monthly_allowance=self.monthly(actor),
            allowance_until=day(date(2025, 3, 31)),
            received=self.received(actor),
            months_to_spend=12,
            movements=self.movements.get(actor, ()),
        )
        if wallet.received >= 30:
            wallet.next_to_expire.points = 30
            wallet.next_to_expire.expires_on.CopyFrom(day(date(2025, 6, 30)))
        return wallet

    def ListGifts(self, request: Message, actor: str) -> Message:
        return pb.Gifts(gifts=sorted(self.gifts.values(), key=lambda gift: gift.points))

    def RedeemGift(self, request: pb.RedeemGift, actor: str) -> Message:
        gift = self.gifts[request.gift_id]
        if not gift.stock:
            raise Rejected("OUT_OF_STOCK", "there is none left", field="gift_id")
        if gift.points > self.received(actor):
            raise Rejected("BALANCE_TOO_LOW", "too few points", field="gift_id")
        gift.stock -= 1
        return self._accepted("rewards", self.redeem(actor, request.gift_id, NOW, pb.REDEMPTION_STATE_WAITING))

    def ListRedemptions(self, request: pb.ListRedemptions, actor: str) -> Message:
        whose = request.person_id or ("" if actor in STEWARDS else actor)
        found: Iterable[pb.Redemption] = self.redemptions.values()
        found = [one for one in found if (not whose or one.person_id == whose)]
        found = [one for one in found if not request.waiting or one.state == pb.REDEMPTION_STATE_WAITING]
        return pb.Redemptions(redemptions=sorted(found, key=lambda one: one.redeemed_at.seconds, reverse=True))

    def HandOverGift(self, request: pb.HandOverGift, actor: str) -> Message:
        return self._end(request.redemption_id, pb.REDEMPTION_STATE_HANDED_OVER)

    def RefundRedemption(self, request: pb.RefundRedemption, actor: str) -> Message:
        one = self.redemptions[request.redemption_id]
        answer = self._end(request.redemption_id, pb.REDEMPTION_STATE_REFUNDED)
        if request.HasField("reason"):
            one.reason.CopyFrom(request.reason)
        self._move(
            one.person_id,
            pb.MOVEMENT_KIND_REFUNDED,
            one.points,
            redemption_id=one.redemption_id,
            gift_name=one.gift_name,
        )
        self.gifts[one.gift_id].stock += 1
        return answer

    def _end(self, id: str, state: int) -> Message:
        one = self.redemptions[id]
        if one.state != pb.REDEMPTION_STATE_WAITING:
            raise Rejected("GIFT_HANDED_OVER", "it was handed over already", field="redemption_id")
        one.state = state  # pyright: ignore[reportAttributeAccessIssue]
        one.ended_at.CopyFrom(at(NOW))
        return self._accepted("rewards", id)

    def OfferGift(self, request: pb.OfferGift, actor: str) -> Message:
        id = f"gift{next(self._ids)}"
        self.gifts[id] = pb.Gift(
            gift_id=id, name=request.name, description=request.description, points=request.points, stock=request.stock
        )
        return self._accepted("rewards", id)

    def ChangeGiftStock(self, request: pb.ChangeGiftStock, actor: str) -> Message:
        gift = self.gifts[request.gift_id]
        if gift.stock + request.by < 0:
            raise Rejected("STOCK_TOO_LOW", f"there are {gift.stock}", field="by", rule="R-17")
        gift.stock += request.by
        return self._accepted("rewards", request.gift_id)

    def WithdrawGift(self, request: pb.WithdrawGift, actor: str) -> Message:
        del self.gifts[request.gift_id]
        return self._accepted("rewards", request.gift_id)


def _hint(aspect: int, missing: Sequence[int]) -> pb.PraiseHint:
    return pb.PraiseHint(aspect=aspect, met=not missing, missing=missing)  # pyright: ignore[reportArgumentType]
