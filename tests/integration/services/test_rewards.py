"""Praise, points and gifts through the services as they run: who may do what, who sees what, and what a call leads
to."""

import asyncio
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Actor, Context
from eventkit.errors import Kind
from eventkit.log import Recorded, StreamId
from eventkit.values import from_date
from nhip.common.v1 import operations_pb2 as o
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1 import types_pb2 as t
from services.rewards.domain import wallet as points
from services.rewards.domain.wallet import WALLET
from tests.integration.services.company import OPERATOR, Company, System, words
from tests.waiting import PATIENCE


@pytest.fixture
async def company(system: System) -> Company:
    """With a core value V, two gifts, an OKR master Hà and an auditor Yến."""
    company = await (await system.company().found()).branch()
    for who, role in (("ha", pt.ROLE_OKR_MASTER), ("yen", pt.ROLE_AUDITOR)):
        await company.do(p.RegisterPerson(name=words(f"Tên-{who}"), roles=[role]), name=who)
    await company.do(pb.NameCoreValue(name="Trách nhiệm"), "nam", name="V")
    await company.do(pb.OfferGift(name="Sách", points=200, stock=3), "nam", name="book")
    await company.do(pb.OfferGift(name="Ly cà phê", points=50, stock=1), "ha", name="coffee")
    return company


def praise(company: Company, to: str = "", **fields: object) -> pb.GivePraise:
    request = pb.GivePraise(receiver_id=company.ids[to] if to else "", words=words("Em soạn kịch bản mới"), **fields)  # type: ignore[arg-type]
    if not request.kpi_id:
        request.value_id = company.ids["V"]
    return request


async def feed(company: Company, by: str, **fields: object) -> pb.Praises:
    answer = await company.ask(pb.ListPraises(**fields), by)  # type: ignore[arg-type]
    assert isinstance(answer, pb.Praises)
    return answer


async def wallet(company: Company, by: str, of: str = "") -> pb.Wallet:
    answer = await company.ask(pb.GetWallet(person_id=company.ids[of] if of else ""), by)
    assert isinstance(answer, pb.Wallet)
    return answer


async def shop(company: Company) -> dict[str, int]:
    answer = await company.ask(pb.ListGifts(), "minh")
    assert isinstance(answer, pb.Gifts)
    return {gift.name: gift.stock for gift in answer.gifts}


async def redemptions(company: Company, by: str, **fields: object) -> list[pb.Redemption]:
    answer = await company.ask(pb.ListRedemptions(**fields), by)  # type: ignore[arg-type]
    assert isinstance(answer, pb.Redemptions)
    return list(answer.redemptions)


async def topped_up(company: Company, who: str, points: int) -> None:
    await company.do(pb.CorrectPoints(person_id=company.ids[who], points=points, reason=words("bù điểm")), "nam")


async def recorded(company: Company, category: str, id: str) -> list[Recorded]:
    return [
        event
        async for event in company.system.all_resources["rewards"].log.read(StreamId(company.tenant, category, id))
    ]


async def test_a_praise_is_read_in_the_feed_and_its_points_in_both_wallets(company: Company):
    day = from_date(datetime.now(UTC).date())
    await company.do(praise(company, "minh", kpi_id=company.ids["I1"], deed_on=day), "phuc", name="P")
    [shown] = (await feed(company, "tram")).praises
    assert (shown.praise_id, shown.giver_id, shown.receiver_id) == (
        company.ids["P"],
        company.ids["phuc"],
        company.ids["minh"],
    )
    assert (shown.words.plain, shown.kpi_name, shown.value_name, shown.points) == ("Em soạn kịch bản mới", "I1", "", 10)
    assert (shown.visibility, shown.deed_on) == (t.VISIBILITY_PUBLIC, day)
    giver, receiver = await wallet(company, "phuc"), await wallet(company, "minh")
    assert (giver.allowance, giver.monthly_allowance, giver.received) == (90, 100, 0)
    assert (receiver.allowance, receiver.monthly_allowance, receiver.received) == (60, 60, 10)
    assert [m.other_id for m in giver.movements] == [company.ids["minh"], ""]


async def test_the_feed_is_turned_page_by_page_while_praise_goes_on(company: Company):
    for n in range(5):
        await company.do(praise(company, "minh" if n % 2 else "tram"), "nam", name=str(n))
    first = await feed(company, "minh", page_size=2)
    await company.do(praise(company, "minh"), "phuc")
    second = await feed(company, "minh", page_size=2, page_token=first.next_page_token)
    third = await feed(company, "minh", page_size=2, page_token=second.next_page_token)
    pages = [[one.praise_id for one in page.praises] for page in (first, second, third)]
    assert pages == [[company.ids["4"], company.ids["3"]], [company.ids["2"], company.ids["1"]], [company.ids["0"]]]
    assert third.next_page_token == ""
    assert (await company.refused(pb.ListPraises(page_token="x"), "minh")).reason == "PAGE_TOKEN_INVALID"


async def test_the_feed_is_of_a_person_a_value_or_a_kpi(company: Company):
    await company.do(praise(company, "minh"), "nam", name="a")
    await company.do(praise(company, "tram", kpi_id=company.ids["I1"]), "minh", name="b")
    await company.do(praise(company, unit_id=company.ids["sales"]), "nam", name="c")
    for fields, expected in (
        ({"person_id": company.ids["minh"]}, "cba"),
        ({"person_id": company.ids["tram"]}, "cb"),
        ({"person_id": company.ids["ha"]}, ""),
        ({"value_id": company.ids["V"]}, "ca"),
        ({"kpi_id": company.ids["I1"]}, "b"),
    ):
        assert [one.praise_id for one in (await feed(company, "quang", **fields)).praises] == [
            company.ids[name] for name in expected
        ], fields


async def test_private_praise_is_seen_by_who_gave_it_and_who_is_praised(company: Company):
    await company.do(praise(company, "minh", visibility=t.VISIBILITY_PRIVATE), "phuc", name="one")
    await company.do(
        praise(company, unit_id=company.ids["sales"], visibility=t.VISIBILITY_PRIVATE), "quang", name="unit"
    )
    seen = {
        who: {one.praise_id for one in (await feed(company, who)).praises}
        for who in ("phuc", "minh", "tram", "quang", "ha", "yen")
    }
    one, unit = company.ids["one"], company.ids["unit"]
    assert seen == {
        "phuc": {one, unit},
        "minh": {one, unit},
        "tram": {unit},
        "quang": {unit},
        "ha": set(),
        "yen": set(),
    }


async def test_hints_come_with_what_it_would_cost_and_nothing_moves(company: Company):
    async def hints(text: str, **fields: object) -> pb.PraiseHints:
        answer = await company.ask(pb.CheckPraise(words=words(text), **fields), "tram")  # type: ignore[arg-type]
        assert isinstance(answer, pb.PraiseHints)
        return answer

    started = await hints("")
    assert (started.points, started.allowance) == (0, 60)
    bad = await hints("Minh, tháng này em làm tốt lắm!", receiver_id=company.ids["minh"], value_id=company.ids["V"])
    assert (bad.points, bad.allowance) == (10, 60)
    assert [hint.met for hint in bad.hints] == [True, False, False, False]
    today = from_date(datetime.now(UTC).date())
    words_of_one = "Em soạn kịch bản tư vấn riêng nên tỷ lệ phản hồi tăng 30 %; tuần tới em chia sẻ với cả nhóm nhé."
    good = await hints(words_of_one, receiver_id=company.ids["minh"], value_id=company.ids["V"], deed_on=today)
    assert all(hint.met for hint in good.hints)
    assert (await hints("", unit_id=company.ids["sales"])).points == 8  # four others, two each
    await company.do(praise(company, "minh"), "tram")
    assert (await hints("", receiver_id=company.ids["minh"])).allowance == 50
    assert (await company.refused(pb.CheckPraise(receiver_id=company.ids["tram"]), "tram")).reason == "SELF_PRAISE"


async def test_a_gift_is_bought_waited_for_and_handed_over(company: Company):
    await topped_up(company, "minh", 60)
    redemption = await company.do(pb.RedeemGift(gift_id=company.ids["coffee"]), "minh")
    assert await shop(company) == {"Ly cà phê": 0, "Sách": 3}
    [waiting] = await redemptions(company, "ha", waiting=True)
    assert (waiting.redemption_id, waiting.gift_name, waiting.person_id, waiting.points) == (
        redemption,
        "Ly cà phê",
        company.ids["minh"],
        50,
    )
    assert (waiting.state, waiting.HasField("ended_at")) == (pb.REDEMPTION_STATE_WAITING, False)
    assert (await company.refused(pb.HandOverGift(redemption_id=redemption), "phuc")).reason == "NOT_ALLOWED"
    await company.do(pb.HandOverGift(redemption_id=redemption), "ha")
    assert await redemptions(company, "ha", waiting=True) == []
    [done] = await redemptions(company, "minh")
    assert (done.state, done.HasField("ended_at")) == (pb.REDEMPTION_STATE_HANDED_OVER, True)
    moved = (await wallet(company, "minh")).movements
    assert [(m.kind, m.points, m.balance, m.gift_name) for m in moved] == [
        (pb.MOVEMENT_KIND_REDEEMED, -50, 10, "Ly cà phê"),
        (pb.MOVEMENT_KIND_CORRECTED, 60, 60, ""),
    ]
    assert (await company.refused(pb.RefundRedemption(redemption_id=redemption), "minh")).reason == "GIFT_HANDED_OVER"


async def test_what_ends_a_redemption_answers_to_it(company: Company):
    await topped_up(company, "minh", 100)
    ended: list[str] = []
    for end in (
        lambda id: company.do(pb.RefundRedemption(redemption_id=id, reason=words("đổi ý")), "minh"),
        lambda id: company.do(pb.HandOverGift(redemption_id=id), "nam"),
    ):
        id = await company.do(pb.RedeemGift(gift_id=company.ids["coffee"]), "minh")
        await end(id)
        first, second = await recorded(company, "redemption", id)
        assert second.origin.causation_id == str(first.id)
        ended.append(second.type)
    assert ended == ["nhip.rewards.v1.RedemptionRefunded", "nhip.rewards.v1.GiftHandedOver"]
    refunded = (await redemptions(company, "minh"))[1]
    assert (refunded.state, refunded.reason.plain) == (pb.REDEMPTION_STATE_REFUNDED, "đổi ý")


async def test_gifts_and_points_are_looked_after_by_few_and_never_for_oneself(company: Company):
    gift = company.ids["coffee"]
    for request in (
        pb.OfferGift(name="Vé", points=5, stock=1),
        pb.ChangeGiftStock(gift_id=gift, by=1),
        pb.WithdrawGift(gift_id=gift),
        pb.CorrectPoints(person_id=company.ids["tram"], points=5, reason=words("…")),
        pb.NameCoreValue(name="Vui"),
    ):
        for who in ("minh", "phuc", "quang", "yen"):
            assert (await company.refused(request, who)).kind is Kind.FORBIDDEN, (type(request).__name__, who)
    await company.do(pb.ChangeGiftStock(gift_id=gift, by=4), "ha")
    assert (await shop(company))["Ly cà phê"] == 5
    await company.do(pb.WithdrawGift(gift_id=gift), "nam")
    assert await shop(company) == {"Sách": 3}
    own = pb.CorrectPoints(person_id=company.ids["ha"], points=5, reason=words("…"))
    assert (await company.refused(own, "ha")).reason == "OWN_POINTS"
    await topped_up(company, "ha", 200)
    redemption = await company.do(pb.RedeemGift(gift_id=company.ids["book"]), "ha")
    assert (await company.refused(pb.HandOverGift(redemption_id=redemption), "ha")).reason == "OWN_GIFT"


async def test_points_are_seen_by_whose_they_are_and_by_who_looks_after_them(company: Company):
    await topped_up(company, "minh", 60)
    await company.do(pb.RedeemGift(gift_id=company.ids["coffee"]), "minh")
    for who in ("nam", "ha", "yen"):
        assert (await wallet(company, who, "minh")).received == 10
        assert len(await redemptions(company, who)) == 1
    assert (await wallet(company, "yen", "minh")).movements[1].reason.plain == "bù điểm"
    for request in (pb.GetWallet(person_id=company.ids["minh"]), pb.ListRedemptions(person_id=company.ids["minh"])):
        assert (await company.refused(request, "phuc")).reason == "NOT_YOURS"
    assert await redemptions(company, "phuc") == []


async def test_an_auditor_sees_that_somebody_was_praised_not_with_which_words(company: Company):
    await company.do(praise(company, "minh"), "phuc")
    [shown] = (await feed(company, "yen")).praises
    assert (shown.points, shown.words.withheld) == (10, True)
    assert (await company.refused(praise(company, "minh"), "yen")).kind is Kind.FORBIDDEN


async def test_an_import_gives_praise_for_others_and_nobody_else_does(company: Company):
    imported = praise(company, "minh", giver_id=company.ids["tram"])
    await company.do(imported, key="import:praise:p1")
    again = await company.ask(imported, key="import:praise:p1")
    assert again.repeated  # type: ignore[attr-defined]
    [shown] = (await feed(company, "minh")).praises
    assert shown.giver_id == company.ids["tram"]
    assert (await company.refused(imported, "nam")).reason == "GIVER_NAMED"
    assert (await company.refused(praise(company, "minh"), "service:importer")).reason == "GIVER_MISSING"


async def test_another_tenants_things_are_refused_as_if_they_did_not_exist(system: System, company: Company):
    stranger = await system.company().found()
    await topped_up(company, "minh", 60)
    redemption = await company.do(pb.RedeemGift(gift_id=company.ids["coffee"]), "minh")
    for request in (
        pb.GivePraise(receiver_id=company.ids["minh"], value_id=company.ids["V"], words=words("…")),
        pb.GivePraise(receiver_id=stranger.ids["minh"], value_id=company.ids["V"], words=words("…")),
        pb.GivePraise(receiver_id=stranger.ids["minh"], kpi_id=company.ids["I1"], words=words("…")),
        pb.CheckPraise(receiver_id=company.ids["minh"]),
        pb.GetWallet(person_id=company.ids["minh"]),
        pb.CorrectPoints(person_id=company.ids["minh"], points=5, reason=words("…")),
        pb.RedeemGift(gift_id=company.ids["coffee"]),
        pb.ChangeGiftStock(gift_id=company.ids["coffee"], by=1),
        pb.WithdrawGift(gift_id=company.ids["coffee"]),
        pb.HandOverGift(redemption_id=redemption),
        pb.RefundRedemption(redemption_id=redemption),
        pb.ListRedemptions(person_id=company.ids["minh"]),
    ):
        assert (await stranger.refused(request, "nam")).kind is Kind.UNKNOWN, type(request).__name__
    assert (await feed(stranger, "nam", person_id=company.ids["minh"])).praises == []


async def test_what_is_over_is_let_go_by_the_clock(company: Company):
    resources, minh = company.system.all_resources["rewards"], company.ids["minh"]

    async def received_long_ago(load: Load) -> Decision:
        return points.receive(
            await load(WALLET, minh), minh, "praise-of-old", 10, months_to_spend=12, today=date(2024, 1, 1)
        )

    then = Context(Actor(company.tenant, company.ids["phuc"]), datetime(2024, 1, 1, tzinfo=UTC), uuid4())
    await resources.commands.execute(then, WALLET(minh), received_long_ago)
    async with asyncio.timeout(PATIENCE):
        while len(events := await recorded(company, "wallet", minh)) < 2:
            await asyncio.sleep(0.1)
    assert (events[1].type, events[1].origin.actor) == ("nhip.rewards.v1.PointsExpired", "system:clock")
    assert (await wallet(company, "minh")).received == 0


async def test_every_view_is_what_its_streams_say(company: Company):
    await topped_up(company, "minh", 60)
    await company.do(praise(company, "minh", kpi_id=company.ids["I1"]), "phuc")
    await company.do(praise(company, unit_id=company.ids["sales"]), "nam")
    redemption = await company.do(pb.RedeemGift(gift_id=company.ids["coffee"]), "minh")
    await company.do(pb.RefundRedemption(redemption_id=redemption), "nam")
    await feed(company, "minh")
    async with asyncio.timeout(PATIENCE):
        while True:
            verified = await company.ask(o.Verify(), OPERATOR, context="rewards")
            assert isinstance(verified, o.Verified)
            rows = {view.view: view.rows for view in verified.views}
            if rows["known_kpi"] == 3:
                break
            await asyncio.sleep(0.1)
    assert [(view.view, list(view.differences)) for view in verified.views if view.differences] == []
    own = ("core_value", "praise", "wallet", "movement", "gift", "redemption")
    assert {name: rows[name] for name in own} == {
        "core_value": 1,
        "praise": 2,
        "wallet": 5,
        "movement": 12,
        "gift": 2,
        "redemption": 1,
    }
