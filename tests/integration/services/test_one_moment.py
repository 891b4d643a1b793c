"""What one answer shows is of one moment, and says how far each context had been applied."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg
import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

from eventkit.errors import Rejected
from eventkit.subscriptions import table
from nhip.rewards.v1 import rewards_pb2 as r
from nhip.rewards.v1 import rewards_pb2_grpc
from tests.integration.services.company import DESCRIPTORS, Company, System, words
from tests.integration.services.test_whatever_is_accepted import Maker, is_command, tried


@pytest.fixture
async def company(system: System) -> Company:
    return await system.company().found()


async def test_while_points_move_a_balance_is_always_that_of_its_newest_movement(company: Company):
    seen: set[tuple[int, int]] = set()

    async def correct() -> None:
        while len(seen) < 20:
            await company.ask(r.CorrectPoints(person_id=company.ids["minh"], points=1, reason=words("bù điểm")), "nam")

    async def look() -> None:
        token = company.metadata("minh")[:1]  # and no position: what is there is shown, whatever it is
        while len(seen) < 20:
            wallet = await rewards_pb2_grpc.RewardsStub(company.system.channels["rewards"]).GetWallet(
                r.GetWallet(), metadata=token
            )
            seen.add((wallet.received, wallet.movements[0].balance if wallet.movements else 0))

    await company.ask(r.GetWallet(), "minh")  # rewards has heard of Minh
    await asyncio.gather(correct(), look(), look())
    assert [pair for pair in seen if pair[0] != pair[1]] == []


async def test_an_answer_says_how_far_each_context_it_joins_was_applied(company: Company):
    await company.ask(r.CorrectPoints(person_id=company.ids["minh"], points=1, reason=words("bù điểm")), "nam")
    call = rewards_pb2_grpc.RewardsStub(company.system.channels["rewards"]).GetWallet(
        r.GetWallet(), metadata=company.metadata("minh")
    )
    assert isinstance(call, grpc.aio.UnaryUnaryCall)
    await call
    [applied] = [value for name, value in await call.trailing_metadata() if name == "nhip-applied"]
    told = dict(one.split("=") for one in str(applied).split(","))
    assert set(told) == {"goals", "people", "rewards"}
    assert int(told["rewards"]) >= int(company.positions["rewards"].removeprefix("rewards="))


async def test_every_query_reads_its_views_in_one_snapshot(company: Company, monkeypatch: pytest.MonkeyPatch):
    await company.branch()
    maker = Maker(company, {"kpi": [company.ids["I1"]], "cycle": [company.ids["q1"]], "person": [company.ids["minh"]]})
    taken: Counter[object] = Counter()
    take = table.snapshot

    @asynccontextmanager
    async def counted(pool: asyncpg.Pool, *settings: str) -> AsyncGenerator[asyncpg.Connection]:
        taken[asyncio.current_task()] += 1
        async with take(pool, *settings) as con:
            yield con

    answered = 0
    for context, service in DESCRIPTORS.items():
        for method in (method for method in service.methods if not is_command(method)):
            request = maker.right(GetMessageClass(method.input_type)())
            await tried(company, context, method, request, "nam")  # the directory is read, where people have moved on
            with monkeypatch.context() as patched:
                patched.setattr(table, "snapshot", counted)
                taken.clear()
                answered += not isinstance(await tried(company, context, method, request, "nam"), Rejected)
            assert max(taken.values(), default=0) <= 1, method.full_name
    assert answered > 10
