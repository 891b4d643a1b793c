"""Points when many act at once, in two processes on one log: no point comes from nowhere, no gift is sold twice, every
view is right."""

import asyncio
import base64
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import asyncpg
import pytest
from google.protobuf.message import Message

from eventkit import settings as all_settings
from eventkit.commands.decider import Commands
from eventkit.context import Actor, Context, by_the_clock
from eventkit.database import transaction
from eventkit.directory.directory import Directory
from eventkit.directory.facts import OrgChart
from eventkit.directory.views import TenantRow, TenantView
from eventkit.errors import Rejected
from eventkit.kafka import Cluster
from eventkit.log import Recorded
from eventkit.log.incarnations import Incarnations
from eventkit.log.postgres import PostgresLog
from eventkit.privacy.keys import KeyStore
from eventkit.privacy.words import Words
from eventkit.process import provision
from eventkit.process.service import Due, Resources, Service
from eventkit.settings import load
from eventkit.subscriptions.projection import AnyView, compare
from eventkit.subscriptions.reached import Reached
from nhip.common.v1.command_pb2 import Accepted
from nhip.rewards.v1 import events_pb2 as e
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1 import types_pb2 as t
from services.rewards.api import RewardsApi
from services.rewards.queries.wallets import over
from services.rewards.reactors.expiring_points import expiring_points
from services.rewards.service import service
from services.rewards.views.wallet import WALLETS
from tests.integration.services.company import MANY
from tests.unit.decisions import words
from tests.unit.rewards.books import Books
from tests.unit.rewards.deeds import ADMIN, STEWARD, company

TENANT = "company-x"
NOON = datetime(2025, 3, 12, 5, tzinfo=UTC)
PEOPLE = ("nam", "phuc", "minh", "tram", "lan", "thao")
CATEGORIES = ("value", "praise", "wallet", "gift", "redemption")


@dataclass
class Known:
    """Who is who, without the people service."""

    left: tuple[str, ...] = ()

    async def org_chart(self, tenant: str) -> OrgChart:
        return company(crowd=4, inactive=self.left)


@dataclass
class Rewards:
    """Two processes of the service, each with a log and a memory of its own, on one database."""

    all_resources: Sequence[Resources]
    services: Sequence[Service]
    known: Known
    tenant: str = TENANT
    projected: int = 0
    redemptions: list[str] = field(default_factory=list)

    @property
    def apis(self) -> list[RewardsApi]:
        return [cast(RewardsApi, one.apis[0].implementation) for one in self.services]

    @property
    def views(self) -> list[AnyView]:
        return [view for view in self.services[0].views if view.source == "rewards"]

    async def events(self) -> list[Recorded]:
        log = self.all_resources[0].log
        found = [
            event
            async for page in log.history(self.tenant, CATEGORIES, upto=await log.last_position())
            for event in page
        ]
        return sorted(found, key=lambda event: event.position)

    async def project(self) -> None:
        """The views, up to now; in pages, as their loops do."""
        news = [event for event in await self.events() if event.position > self.projected]
        for start in range(0, len(news), 100):
            page = news[start : start + 100]
            async with transaction(self.all_resources[0].pool) as con:
                for view in self.views:
                    await view.apply(con, page)
            self.projected = page[-1].position

    async def check(self) -> Books:
        """Every movement agrees with all before it, all of it adds up, and every row is what its stream says."""
        await self.project()
        events, books, streams = await self.events(), Books(), defaultdict[str, list[Recorded]](list)
        for event in events:
            assert event.message is not None
            books.post(event.message)
            streams[str(event.stream)].append(event)
        books.close()
        for view in self.views:
            mine = [stream for stream in streams.values() if stream[0].stream.category in view.categories]
            expected = {view.table.key_of(row): row for stream in mine for row in view.expected(stream)}
            rows = [
                view.table.of(row) for row in await self.all_resources[0].pool.fetch(f"select * from {view.table.name}")
            ]
            comparison = compare(view.table, expected, {view.table.key_of(row): row for row in rows})
            assert comparison.mismatches == []
        return books

    async def let_go(self, at: datetime) -> int:
        """What the timer does until nothing is due any more; answers how often it acted."""
        acted = 0
        while True:
            await self.project()
            timer = expiring_points(self.all_resources[acted % 2])
            found = await timer.due(at, MANY)
            if not found:
                return acted
            await asyncio.gather(
                *(timer.act(due, by_the_clock(due.tenant, timer.name, due.thing, due.at, at)) for due in found)
            )
            acted += len(found)

    async def named(self, name: str = "Trách nhiệm") -> str:
        return (await self.apis[0].name_core_value(pb.NameCoreValue(name=name), asks(ADMIN))).id

    async def offered(self, price: int, stock: int) -> str:
        return (
            await self.apis[0].offer_gift(pb.OfferGift(name=f"quà {price}", points=price, stock=stock), asks(ADMIN))
        ).id

    async def topped_up(self, who: str, points: int, at: datetime = NOON) -> None:
        await self.apis[0].correct_points(correction(who, points), asks(ADMIN, at))


def asks(who: str, at: datetime = NOON) -> Context:
    return Context(Actor(TENANT, who), at, uuid4(), retryable=True, digest=b"d")


def correction(who: str, points: int) -> pb.CorrectPoints:
    return pb.CorrectPoints(person_id=who, points=points, reason=words("đếm lại"))


def praise(value: str, receiver: str = "", unit: str = "") -> pb.GivePraise:
    return pb.GivePraise(receiver_id=receiver, unit_id=unit, value_id=value, words=words("cảm ơn"))


@pytest.fixture
async def rewards(postgres: str) -> AsyncGenerator[Rewards]:
    settings = all_settings.load(
        postgres=postgres, kafka="127.0.0.1:1", master_key=base64.b64encode(b"m" * 32).decode()
    )
    async with AsyncExitStack() as stack:
        all_resources, known = list[Resources](), Known()
        for _ in range(2):
            log = await stack.enter_async_context(PostgresLog(postgres))
            pool = await stack.enter_async_context(asyncpg.create_pool(postgres, min_size=1, max_size=6))
            keys = Words(await stack.enter_async_context(KeyStore(postgres, b"k" * 32)))
            commands, reached = Commands("rewards", log, keys), Reached(postgres, pool)
            logs, people = Incarnations("rewards", pool, log.stored), cast(Directory, known)
            all_resources.append(
                Resources("rewards", settings, log, pool, commands, keys, people, reached, Cluster(""), logs)
            )
        services = [service(resources) for resources in all_resources]
        await provision.databases(load(postgres=postgres), [])
        await provision.tables(all_resources[0].pool, services[0].views)
        yield Rewards(all_resources, services, known)


async def carried_out(
    rpc: Callable[[Any, Context], Awaitable[Accepted]], command: Message, ctx: Context, *refusals: str
) -> Accepted | None:
    """One command; asked again when others kept being faster. None: refused, for one of these reasons."""
    while True:
        try:
            return await rpc(command, ctx)
        except Rejected as refusal:
            if refusal.reason == "CONTENDED":
                continue
            if refusal.reason not in refusals:
                raise
            return None


async def somebody(rewards: Rewards, value: str, gifts: Sequence[str], at: datetime, seed: int) -> None:
    """Does something, again and again, now through one process, now through the other."""
    dice = random.Random(seed)
    for turn in range(12):
        api, resources = rewards.apis[(seed + turn) % 2], rewards.all_resources[(seed + turn) % 2]
        who, other = dice.sample(PEOPLE, 2)
        ctx = asks(who, at)
        match dice.choice(
            (
                "praise",
                "praise",
                "praise",
                "unit",
                "redeem",
                "redeem",
                "refund",
                "hand over",
                "correct",
                "stock",
                "expire",
            )
        ):
            case "praise":
                await carried_out(api.give_praise, praise(value, other), ctx, "ALLOWANCE_SPENT")
            case "unit":
                unit = dice.choice(("sales", "cskh", "crowd"))
                await carried_out(api.give_praise, praise(value, unit=unit), ctx, "ALLOWANCE_SPENT")
            case "redeem":
                gift = dice.choice(gifts)
                done = await carried_out(
                    api.redeem_gift, pb.RedeemGift(gift_id=gift), ctx, "BALANCE_TOO_LOW", "OUT_OF_STOCK"
                )
                if done:
                    rewards.redemptions.append(done.id)
            case "refund" if rewards.redemptions:
                command = pb.RefundRedemption(redemption_id=dice.choice(rewards.redemptions))
                await carried_out(api.refund_redemption, command, ctx, "NOT_YOUR_REDEMPTION", "GIFT_HANDED_OVER")
            case "hand over" if rewards.redemptions:
                by, handing = (
                    asks(dice.choice((ADMIN, STEWARD)), at),
                    pb.HandOverGift(redemption_id=dice.choice(rewards.redemptions)),
                )
                await carried_out(api.hand_over_gift, handing, by, "OWN_GIFT", "REDEMPTION_REFUNDED")
            case "correct":
                by, points = asks(ADMIN if other != ADMIN else STEWARD, at), dice.choice((-40, -5, 5, 30))
                if other != by.actor.id:
                    await carried_out(api.correct_points, correction(other, points), by, "BALANCE_TOO_LOW")
            case "stock":
                change = pb.ChangeGiftStock(gift_id=dice.choice(gifts), by=dice.choice((-1, 1)))
                await carried_out(api.change_gift_stock, change, asks(ADMIN, at), "STOCK_TOO_LOW")
            case "expire":
                due = Due(TENANT, other, at)
                await expiring_points(resources).act(
                    due, by_the_clock(TENANT, f"expiring_points {seed} {turn}", other, at, at)
                )
            case _:
                pass


async def test_points_add_up_when_many_act_at_once_while_months_and_years_pass(rewards: Rewards):
    value = await rewards.named()
    gifts = [await rewards.offered(10, 6), await rewards.offered(25, 3)]
    days = (NOON, NOON + timedelta(days=20), NOON + timedelta(days=366), NOON + timedelta(days=400))
    for round, at in enumerate(days):
        await asyncio.gather(*(somebody(rewards, value, gifts, at, round * 100 + n) for n in range(12)))
        await rewards.check()
    books = await rewards.check()
    assert books.praised
    assert books.ended
    at = days[-1] + timedelta(days=800)
    assert await rewards.let_go(at)
    assert await rewards.let_go(at) == 0
    after = await rewards.check()
    assert after.allowance.total() == sum(map(after.balance, after.received)) == 0
    assert after.expired > 0


async def test_the_last_gifts_are_sold_once_each(rewards: Rewards):
    gift = await rewards.offered(10, 3)
    buyers = [who for who in PEOPLE if who != ADMIN] * 2
    for who in set(buyers):
        await rewards.topped_up(who, 50)
    sold = await asyncio.gather(
        *(
            carried_out(rewards.apis[n % 2].redeem_gift, pb.RedeemGift(gift_id=gift), asks(who), "OUT_OF_STOCK")
            for n, who in enumerate(buyers)
        )
    )
    assert len([one for one in sold if one]) == 3
    assert (await rewards.check()).stock[gift] == 0


async def test_the_same_points_buy_one_gift(rewards: Rewards):
    gifts = [await rewards.offered(50, 5) for _ in range(4)]
    await rewards.topped_up("minh", 50)
    bought = await asyncio.gather(
        *(
            carried_out(rewards.apis[n % 2].redeem_gift, pb.RedeemGift(gift_id=gift), asks("minh"), "BALANCE_TOO_LOW")
            for n, gift in enumerate(gifts)
        )
    )
    assert len([one for one in bought if one]) == 1
    assert (await rewards.check()).balance("minh") == 0


async def test_the_same_allowance_praises_as_often_as_it_reaches(rewards: Rewards):
    value, others = await rewards.named(), ("nam", "phuc", "minh", "lan")
    given = await asyncio.gather(
        *(
            carried_out(rewards.apis[n % 2].give_praise, praise(value, others[n % 4]), asks("tram"), "ALLOWANCE_SPENT")
            for n in range(10)
        )
    )
    assert len([one for one in given if one]) == 6
    books = await rewards.check()
    assert books.allowance["tram"] == 0
    assert sum(map(books.balance, others)) == 60


@pytest.mark.parametrize("first", [0, 1])
async def test_a_gift_is_handed_over_or_refunded_never_both(rewards: Rewards, first: int):
    gift = await rewards.offered(10, 8)
    await rewards.topped_up("minh", 80)
    for _ in range(4):
        id = (await rewards.apis[0].redeem_gift(pb.RedeemGift(gift_id=gift), asks("minh"))).id
        asked = [
            carried_out(
                rewards.apis[0].hand_over_gift, pb.HandOverGift(redemption_id=id), asks(ADMIN), "REDEMPTION_REFUNDED"
            ),
            carried_out(
                rewards.apis[1].refund_redemption,
                pb.RefundRedemption(redemption_id=id),
                asks("minh"),
                "GIFT_HANDED_OVER",
            ),
        ]
        done = await asyncio.gather(asked[first], asked[1 - first])
        assert len([one for one in done if one]) == 1
    await rewards.check()


async def test_a_praise_that_is_sent_twice_at_once_moves_its_points_once(rewards: Rewards):
    value, ctx = await rewards.named(), asks("tram")
    both = await asyncio.gather(*(api.give_praise(praise(value, "minh"), ctx) for api in rewards.apis))
    assert sorted(one.repeated for one in both) == [False, True]
    assert len({one.id for one in both}) == 1
    assert (await rewards.check()).balance("minh") == 10


async def test_a_praise_that_is_sent_again_is_answered_though_whom_it_praises_has_left(rewards: Rewards):
    value, ctx = await rewards.named(), asks("tram")
    first = await rewards.apis[0].give_praise(praise(value, "minh"), ctx)
    rewards.known.left = ("minh",)
    again = await rewards.apis[1].give_praise(praise(value, "minh"), ctx)
    assert (again.id, again.repeated) == (first.id, True)
    with pytest.raises(Rejected, match="PERSON_UNKNOWN"):
        await rewards.apis[1].give_praise(praise(value, "minh"), asks("tram"))


async def test_an_allowance_is_due_when_its_month_ends_where_the_tenant_is(rewards: Rewards):
    await rewards.apis[0].give_praise(praise(await rewards.named(), "minh"), asks("tram"))
    await rewards.project()
    due, first = (
        expiring_points(rewards.all_resources[0]).due,
        datetime(2025, 3, 31, 17, tzinfo=UTC),
    )  # 1 April in Vietnam
    assert await due(first - timedelta(seconds=1), MANY) == []
    assert await due(first, MANY) == [Due(TENANT, "tram", first)]
    async with transaction(rewards.all_resources[0].pool) as con:
        await TenantView().table.save(con, [TenantRow(TENANT, "X", "America/Los_Angeles", "vi", "")])
    there = datetime(2025, 4, 1, 7, tzinfo=UTC)
    assert await due(there - timedelta(seconds=1), MANY) == []
    assert await due(there, MANY) == [Due(TENANT, "tram", there)]


async def test_what_is_over_longest_is_due_first_and_is_let_go_once(rewards: Rewards):
    value = await rewards.named()
    await rewards.topped_up("lan", 5, NOON - timedelta(days=500))
    await rewards.apis[0].give_praise(praise(value, "minh"), asks("tram"))
    await rewards.project()
    at = NOON + timedelta(days=400)
    assert [due.thing for due in await expiring_points(rewards.all_resources[0]).due(at, MANY)] == [
        "lan",
        "tram",
        "minh",
    ]
    assert await rewards.let_go(at) == 3
    books = await rewards.check()
    assert books.expired == 15
    assert books.allowance["tram"] == 0
    told = [(event.stream.id, type(event.message), event.origin.actor) for event in await rewards.events()]
    assert ("tram", e.AllowanceExpired, "system:clock") in told
    assert ("lan", e.PointsExpired, "system:clock") in told


async def test_a_timer_that_comes_after_somebody_else_finds_nothing_to_do(rewards: Rewards):
    await rewards.topped_up("minh", 5, NOON - timedelta(days=500))
    await rewards.project()
    [due] = await expiring_points(rewards.all_resources[0]).due(NOON, MANY)
    await rewards.topped_up("minh", 7)  # the ordinary decision lets go what is over
    before = len(await rewards.events())
    await expiring_points(rewards.all_resources[1]).act(
        due, by_the_clock(TENANT, "expiring_points", "minh", due.at, NOON)
    )
    assert len(await rewards.events()) == before
    assert (await rewards.check()).balance("minh") == 7


async def test_what_is_due_is_found_by_its_index(rewards: Rewards):
    """About once a second, over all tenants: never by looking at every wallet."""
    pool = rewards.all_resources[0].pool
    await pool.execute(
        f"insert into {WALLETS} select 't' || n % 50, 'p' || n, null, 0, 0, array['2999-01-01 5'], date '2999-01-02' "
        f"from generate_series(1, 20000) n; analyze {WALLETS}"
    )
    plans: list[str] = []

    class Explaining:
        """A pool whose connections tell how they would go about a query, instead of running it."""

        @asynccontextmanager
        async def acquire(self):
            yield self

        async def fetch(self, query: str, *args: object) -> list[object]:
            plans.extend(row[0] for row in await pool.fetch(f"explain {query}", *args))
            return []

    await over(cast(asyncpg.Pool, Explaining()), NOON, MANY)
    assert any("Index" in line and f"{WALLETS}_over_on" in line for line in plans), "\n".join(plans)


async def test_words_of_a_praise_are_sealed_for_whom_they_are_about(rewards: Rewards):
    value = await rewards.named()
    importer = Context(Actor(TENANT, "importer", "service"), NOON, uuid4())
    for command in (praise(value, "minh"), praise(value, unit="crowd")):
        command.giver_id = "tram"
        await rewards.apis[0].give_praise(command, importer)
    sealed = [
        event.message.words.sealed.person_id
        for event in await rewards.events()
        if isinstance(event.message, e.PraiseGiven)
    ]
    assert sealed == ["minh", "tram"]


async def test_a_wallet_before_and_after_the_first_praise_of_a_month(rewards: Rewards):
    async def shown(who: str, at: datetime = NOON) -> pb.Wallet:
        await rewards.project()
        return await rewards.apis[1].get_wallet(pb.GetWallet(), asks(who, at))

    before = await shown("tram")
    assert (before.allowance, before.monthly_allowance, before.allowance_until.day, before.received) == (60, 60, 31, 0)
    await rewards.apis[0].give_praise(praise(await rewards.named(), "minh"), asks("tram"))
    after = await shown("tram")
    assert (after.allowance, after.monthly_allowance) == (50, 60)
    assert [(m.kind, m.points, m.balance, m.other_id) for m in after.movements] == [
        (pb.MOVEMENT_KIND_ALLOWANCE_SPENT, -10, 50, "minh"),
        (pb.MOVEMENT_KIND_ALLOWANCE_GRANTED, 60, 60, ""),
    ]
    april = await shown("tram", NOON + timedelta(days=30))
    assert (april.allowance, april.allowance_until.month) == (60, 4)
    minh = await shown("minh")
    assert (minh.received, minh.next_to_expire.points, minh.next_to_expire.expires_on.year) == (10, 10, 2026)
    assert [(m.kind, m.points, m.balance, m.other_id) for m in minh.movements] == [
        (pb.MOVEMENT_KIND_RECEIVED, 10, 10, "tram")
    ]
    assert (await shown("minh", NOON + timedelta(days=366))).received == 0


async def test_private_praise_shows_its_other_side_to_nobody_else(rewards: Rewards):
    command = praise(await rewards.named(), "minh")
    command.visibility = t.VISIBILITY_PRIVATE
    await rewards.apis[0].give_praise(command, asks("tram"))
    await rewards.project()
    for reader, other in (("minh", "tram"), (ADMIN, "")):
        wallet = await rewards.apis[0].get_wallet(pb.GetWallet(person_id="minh"), asks(reader))
        assert [(m.points, m.other_id) for m in wallet.movements] == [(10, other)]
    with pytest.raises(Rejected, match="NOT_YOURS"):
        await rewards.apis[0].get_wallet(pb.GetWallet(person_id="minh"), asks("lan"))
