"""More is asked of a process than it carries: by callers who ask again at once, over real connections."""

import asyncio
from collections import Counter

import grpc
import pytest

from eventkit.rpc import ceilings
from eventkit.rpc.errors import reason, rejection
from nhip.common.v1 import command_pb2
from nhip.goals.v1 import goals_pb2
from nhip.people.v1 import people_pb2
from services.gateway.failures import Failure
from services.gateway.upstream import SERVICES, Upstream
from tests.integration.eventkit.rpc.serving import running

ALIGN = goals_pb2.AlignKpi(kpi_id="k1")
AT_ONCE = 4
CALLERS = 160


class Work:
    """Takes a fiftieth of a second for a call, and knows how many it does at once."""

    def __init__(self) -> None:
        self.done, self.now, self.most = 0, 0, 0

    async def __call__(self, _request, _ctx) -> command_pb2.Accepted:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.02)
        self.now -= 1
        self.done += 1
        return command_pb2.Accepted(id="k1", position="goals=7")


async def test_forty_times_as_many_callers_as_are_worked_on_are_answered_or_told_when_to_ask_again(
    issuer, tmp_path, monkeypatch
):
    monkeypatch.setattr(ceilings, "STOOD_SECONDS", 0.05)  # so that it is too long on any machine
    work, told = Work(), Counter[str]()

    async with running(issuer, tmp_path / "jwks.json", calls_at_once=AT_ONCE) as nhip:

        async def works(request, ctx):
            return await work(request, ctx)

        async def asks_three_times():
            for _ in range(3):
                try:
                    await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),), timeout=20)
                    told["taken"] += 1
                except grpc.aio.AioRpcError as error:
                    refused = rejection(error)
                    hint = "with a hint" if refused and refused.retry_after > 0 else "without a hint"
                    told[f"{error.code().name} {reason(error)} {hint}"] += 1

        nhip.goals.reply = works
        async with asyncio.TaskGroup() as callers:
            for _ in range(CALLERS):
                callers.create_task(asks_three_times())
        assert told.keys() == {"taken", "RESOURCE_EXHAUSTED OVERLOADED with a hint"}
        assert told["taken"] == work.done  # what was refused was not begun, and nothing was done for nobody
        assert work.most == AT_ONCE
        await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),), timeout=20)


async def test_a_call_whose_deadline_passes_in_line_is_never_begun(issuer, tmp_path):
    begun, ends = asyncio.Event(), asyncio.Event()

    async def holds(_request, _ctx):
        begun.set()
        await ends.wait()
        return command_pb2.Accepted(id="k1", position="goals=7")

    async with running(issuer, tmp_path / "jwks.json", calls_at_once=1) as nhip:
        nhip.goals.reply = holds
        first = asyncio.ensure_future(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),), timeout=20))
        await begun.wait()
        with pytest.raises(grpc.aio.AioRpcError, match="nothing was carried out"):
            await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),), timeout=0.4)
        ends.set()
        await first
        assert len(nhip.goals.asked) == 1


async def test_calls_that_take_long_by_what_they_are_keep_nobody_else_waiting(issuer, tmp_path, monkeypatch):
    monkeypatch.setattr(ceilings, "PLACE_SECONDS", 60.0)  # so that it is not for its time that it gives the place on
    begun, ends = asyncio.Event(), asyncio.Event()

    async def holds(_request, _ctx):
        begun.set()
        await ends.wait()
        return command_pb2.Accepted(id="p1", position="people=7")

    long = frozenset({"CreateUnit"})
    async with running(issuer, tmp_path / "jwks.json", long, calls_at_once=1) as nhip:
        nhip.people.reply = holds
        unit = people_pb2.CreateUnit(name="Sales")
        creating = asyncio.ensure_future(nhip.People.CreateUnit(unit, metadata=(nhip.bearer(),), timeout=20))
        await begun.wait()
        await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),), timeout=20)
        ends.set()
        await creating


async def test_the_gateway_has_no_more_calls_under_way_to_a_service_than_it_says(issuer, tmp_path, monkeypatch):
    """As JSON it is 429 with Retry-After, and another service is asked all the same."""
    monkeypatch.setattr(ceilings, "PATIENCE_SECONDS", 0.05)
    begun, ends = asyncio.Event(), asyncio.Event()

    async def holds(_request, _ctx):
        begun.set()
        await ends.wait()
        return command_pb2.Accepted(id="k1", position="goals=7")

    async with running(issuer, tmp_path / "jwks.json") as nhip:
        nhip.goals.reply = holds
        upstream = Upstream({"goals": nhip.channel, "people": nhip.channel}, at_once=1)
        align = SERVICES["goals"].methods_by_name["AlignKpi"]
        first = asyncio.ensure_future(upstream.call("goals", align, ALIGN, (nhip.bearer(),)))
        await begun.wait()
        with pytest.raises(Failure, match="OVERLOADED") as refused:
            await upstream.call("goals", align, ALIGN, (nhip.bearer(),))
        assert refused.value.http == 429
        assert refused.value.retry_after in (1, 2)
        nhip.people.reply = people_pb2.Tenant()
        tenant = SERVICES["people"].methods_by_name["GetTenant"]
        await upstream.call("people", tenant, people_pb2.GetTenant(), (nhip.bearer(),))
        ends.set()
        await first
