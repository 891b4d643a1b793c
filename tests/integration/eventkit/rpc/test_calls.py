"""What every RPC goes through, over real gRPC with the real contracts."""

import asyncio
import hashlib
import hmac
import io
import json
import os
import re
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.type.decimal_pb2 import Decimal
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from eventkit import telemetry
from eventkit.context import Actor, Context, Standing, command_id
from eventkit.errors import Kind, Rejected, Violation
from eventkit.rpc import access
from eventkit.rpc.call import WAIT_SECONDS
from eventkit.rpc.ceilings import WAITING_PER_CALLER, Rates
from eventkit.rpc.errors import error_id, reason, rejection
from eventkit.rpc.server import Api, PortBusy, Server
from eventkit.telemetry import Metrics
from nhip.checkins.v1 import checkins_pb2
from nhip.common.v1 import command_pb2, words_pb2
from nhip.goals.v1 import goals_pb2, goals_pb2_grpc, types_pb2
from tests.integration.eventkit.rpc.serving import CHECKINS, GOALS, PEOPLE, SECRET, Answers, People, running, table
from tests.waiting import PATIENCE

KIND, UP = types_pb2.MEASURE_KIND_LEVEL, types_pb2.DIRECTION_INCREASE
ALIGN = goals_pb2.AlignKpi(kpi_id="k1")


async def failing(call) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def refused(call) -> Rejected:
    answer = rejection(await failing(call))
    assert answer is not None
    return answer


@contextmanager
def logged():
    """The lines that are logged meanwhile, as the JSON that an operator's collector reads."""
    stream, lines = io.StringIO(), []
    telemetry.set_up(stream=stream)
    try:
        yield lines
    finally:
        telemetry.set_up(stream=sys.stderr)
        lines += [json.loads(line) for line in stream.getvalue().splitlines()]


# --- who asks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rpc", [rpc for service in (GOALS, PEOPLE, CHECKINS) for rpc in service.methods], ids=lambda rpc: rpc.full_name
)
async def test_every_rpc_is_refused_without_a_token(nhip, rpc):
    call = nhip.channel.unary_unary(f"/{rpc.containing_service.full_name}/{rpc.name}")
    answer = await refused(call(b""))
    assert (answer.kind, answer.reason) == (Kind.UNAUTHENTICATED, "TOKEN_MISSING")
    assert not nhip.goals.asked + nhip.people.asked + nhip.checkins.asked


async def test_a_token_says_who_acts_and_for_which_tenant(nhip):
    await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),))
    assert nhip.goals.last.actor == Actor("acme", "lan")
    await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer("service:importer", on_behalf_of="person:nam"),))
    assert nhip.goals.last.actor == Actor("acme", "importer", "service", "person:nam")


async def test_an_expired_token_is_refused_as_such(nhip):
    answer = await refused(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(seconds=-60),)))
    assert (answer.kind, answer.reason) == (Kind.UNAUTHENTICATED, "TOKEN_EXPIRED")


async def test_somebody_who_is_not_in_the_tenant_is_refused(nhip):
    answer = await refused(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer("person:ghost"),)))
    assert (answer.kind, answer.reason) == (Kind.FORBIDDEN, "ACTOR_UNKNOWN")
    answer = await refused(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(tenant="other"),)))
    assert (answer.kind, answer.reason) == (Kind.FORBIDDEN, "ACTOR_UNKNOWN")


async def test_who_lacks_the_role_is_told_which_roles_may(nhip):
    answer = await refused(nhip.Goals.OpenCycle(goals_pb2.OpenCycle(), metadata=(nhip.bearer("person:lan"),)))
    assert (answer.kind, answer.reason) == (Kind.FORBIDDEN, "NOT_ALLOWED")
    assert "executive, okr_master" in answer.message


async def test_services_are_judged_by_name_and_people_never_pass_for_them(nhip):
    answer = await refused(nhip.Goals.ChooseCsf(goals_pb2.ChooseCsf(), metadata=(nhip.bearer("person:nam"),)))
    assert answer.reason == "NOT_ALLOWED"
    answer = await refused(nhip.Goals.OpenCycle(goals_pb2.OpenCycle(), metadata=(nhip.bearer("service:clock"),)))
    assert answer.reason == "NOT_ALLOWED"
    choose = goals_pb2.ChooseCsf(name="Trust", goal_ids=["g1"])
    assert (await nhip.Goals.ChooseCsf(choose, metadata=(nhip.bearer("service:importer"),))).id == "k1"


async def test_access_is_judged_before_the_request_is_looked_at(nhip):
    answer = await refused(
        nhip.channel.unary_unary("/nhip.goals.v1.Goals/OpenCycle")(b"\xff\xff", metadata=(nhip.bearer(),))
    )
    assert answer.reason == "NOT_ALLOWED"
    answer = await refused(
        nhip.channel.unary_unary("/nhip.goals.v1.Goals/AlignKpi")(b"\xff\xff", metadata=(nhip.bearer(),))
    )
    assert (answer.kind, answer.reason) == (Kind.INVALID, "REQUEST_UNREADABLE")


# --- the table -------------------------------------------------------------------------------------------------------


def test_a_table_that_forgets_an_rpc_is_no_api():
    with pytest.raises(ValueError, match="nobody is said to be allowed AlignKpi"):
        Api(GOALS, Answers(GOALS), {name: allow for name, allow in table(GOALS).items() if name != "AlignKpi"})


def test_a_table_that_names_what_is_no_rpc_is_no_api():
    with pytest.raises(ValueError, match="no RPC AlignKpis"):
        Api(GOALS, Answers(GOALS), {**table(GOALS), "AlignKpis": access.anyone()})


def test_an_implementation_that_lacks_a_method_is_no_api():
    answers = Answers(GOALS)
    delattr(answers, "align_kpi")
    with pytest.raises(ValueError, match="async def align_kpi"):
        Api(GOALS, answers, table(GOALS))


async def of_retiring(request: goals_pb2.RetireKpi, ctx: Context) -> command_pb2.Accepted:
    raise NotImplementedError


async def of_no_reply(request: goals_pb2.AlignKpi, ctx: Context) -> goals_pb2.GoalMap:
    raise NotImplementedError


async def of_anything(request, ctx):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("method", "says"),
    [(of_retiring, "takes RetireKpi"), (of_no_reply, "answers GoalMap"), (of_anything, "takes nothing")],
)
def test_a_method_that_takes_or_answers_another_message_than_the_contract_is_no_api(method: object, says: str):
    answers = Answers(GOALS)
    vars(answers)["align_kpi"] = method
    with pytest.raises(ValueError, match=f"align_kpi {says}.*and the contract says nhip"):
        Api(GOALS, answers, table(GOALS))


# --- what is asked ---------------------------------------------------------------------------------------------------


async def test_everything_that_is_wrong_is_answered_at_once_with_paths(nhip):
    define = goals_pb2.DefineKpi(
        cycle_id="NOT AN ID",
        kpi=types_pb2.KpiDraft(
            name=" ",
            level=types_pb2.LEVEL_COMPANY,
            measure=types_pb2.Measure(kind=KIND, direction=UP, target=Decimal(value="12,5")),
        ),
    )
    answer = await refused(nhip.Goals.DefineKpi(define, metadata=(nhip.bearer(),)))
    assert (answer.kind, answer.reason) == (Kind.INVALID, "FIELDS_INVALID")
    assert answer.violations == (
        Violation("cycle_id", "ID_MALFORMED", "must be an id: 1 to 64 of a-z, 0-9, '-', '_' and '.'"),
        Violation("kpi.name", "MISSING", "must be given and not blank"),
        Violation(
            "kpi.measure.target",
            "NOT_A_NUMBER",
            "must be a plain decimal of at most 18 digits before and 6 behind the point, as -12.5",
            {"whole": "18", "fraction": "6"},
        ),
    )
    assert not nhip.goals.asked


async def test_more_violations_than_trailers_hold_still_arrive_as_a_refusal(nhip):
    changes = [
        types_pb2.TargetChange(kpi_id="KHÔNG PHẢI MÃ", before=Decimal(value="x"), after=Decimal(value="y"))
        for _ in range(32)
    ]
    call = nhip.Goals.PreviewProposal(
        goals_pb2.PreviewProposal(cycle_id="c", changes=changes), metadata=(nhip.bearer(),)
    )
    answer = await refused(call)
    assert answer.reason == "FIELDS_INVALID"
    assert "and 93 more" in answer.message
    assert answer.violations[1].field == "changes[0].before"
    assert 10 < len(answer.violations) < 96


# --- positions -------------------------------------------------------------------------------------------------------


async def test_a_command_answers_how_far_its_log_is(nhip):
    call = nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),))
    await call
    assert (await call.trailing_metadata()).get("nhip-position") == "goals=7"


async def test_a_request_waits_for_the_positions_it_brings(nhip):
    positions = (("nhip-position", "goals=3"), ("nhip-position", "people=12"), ("nhip-position", "goals=5"))
    await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(), *positions), timeout=5)
    [(tenant, after, seconds)] = nhip.waits.asked
    assert (tenant, after) == ("acme", {"goals": 5, "people": 12})
    assert (
        0 < seconds < 5.5
    )  # the deadline that came with the call, give or take a rounding of clocks, not the 30 s of the server
    assert nhip.goals.last.after == {"goals": 5, "people": 12}


async def test_who_was_registered_a_moment_ago_is_known_behind_the_position_of_it(nhip, monkeypatch):
    heard: list[str] = []

    async def standing(self, tenant: str) -> Standing:
        return Standing.OPEN

    async def roles(self, tenant: str, person_id: str) -> frozenset[str] | None:
        heard.append(person_id)
        return frozenset({"employee"}) if nhip.waits.asked else None

    monkeypatch.setattr(People, "roles", roles)
    await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer("person:new"), ("nhip-position", "people=12")), timeout=5)
    assert heard == ["new"]
    nhip.waits.asked.clear()
    answer = await refused(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer("person:new"),)))
    assert (answer.reason, nhip.waits.asked) == ("ACTOR_UNKNOWN", [])


async def test_who_lost_a_role_does_not_pass_with_the_very_position_of_it(nhip, monkeypatch):
    allowed = frozenset({"executive"})

    async def standing(self, tenant: str) -> Standing:
        return Standing.OPEN

    async def roles(self, tenant, person_id):
        return frozenset({"employee"}) if nhip.waits.asked else allowed

    monkeypatch.setattr(People, "roles", roles)
    open_cycle = goals_pb2.OpenCycle(name="2026")
    answer = await refused(
        nhip.Goals.OpenCycle(open_cycle, metadata=(nhip.bearer("person:nam"), ("nhip-position", "people=9")))
    )
    assert (answer.kind, answer.reason) == (Kind.FORBIDDEN, "NOT_ALLOWED")
    assert nhip.waits.asked == [("acme", {"people": 9}, nhip.waits.asked[0][2])]


async def test_nobody_without_a_token_makes_the_server_wait(nhip):
    answer = await refused(nhip.Goals.AlignKpi(ALIGN, metadata=(("nhip-position", "goals=9"),)))
    assert answer.reason == "TOKEN_MISSING"
    assert not nhip.waits.asked


async def test_waiting_has_a_ceiling_in_time_and_in_number(nhip, monkeypatch):
    reached, waits = asyncio.Event(), []

    async def wait(tenant, after, seconds):
        waits.append(seconds)
        await reached.wait()

    nhip.waits.does = wait
    position = ("nhip-position", "goals=9")
    patient = [
        nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(), position), timeout=3600) for _ in range(WAITING_PER_CALLER)
    ]
    waiting = [asyncio.ensure_future(call) for call in patient]
    while len(waits) < WAITING_PER_CALLER:
        await asyncio.sleep(0.01)
    answer = await refused(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(), position)))
    assert (answer.kind, answer.reason, answer.retry_after) == (Kind.TOO_MANY, "TOO_MANY_WAITING", 1)
    assert await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),))  # who waits for nothing is answered
    other = asyncio.ensure_future(
        nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer("person:nam"), position))
    )  # nor is anybody else kept
    reached.set()
    assert await asyncio.gather(other, *waiting)
    assert max(waits) <= WAIT_SECONDS
    assert (await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(), position))).id == "k1"


async def test_positions_that_are_not_reached_in_time_carry_nothing_out(nhip):
    nhip.waits.raises = TimeoutError()
    error = await failing(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(), ("nhip-position", "goals=3"))))
    assert (error.code(), reason(error)) == (grpc.StatusCode.DEADLINE_EXCEEDED, "POSITION_NOT_REACHED")
    assert not nhip.goals.asked


@pytest.mark.parametrize(
    "position", ["goals", "goals=", "=3", "goals=-1", "goals=1e3", "Goals=3", "goals=9999999999999999999"]
)
async def test_a_malformed_position_is_named(nhip, position):
    answer = await refused(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(), ("nhip-position", position))))
    assert (answer.kind, answer.reason) == (Kind.INVALID, "POSITION_MALFORMED")
    assert answer.violations[0].field == "nhip-position"
    assert position in answer.message


# --- idempotency -----------------------------------------------------------------------------------------------------


async def test_the_same_key_is_the_same_command(nhip):
    for _ in range(2):
        await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(), ("idempotency-key", "import-7/k1")))
    first, second = (ctx for _, ctx in nhip.goals.asked)
    assert (
        first.command_id
        == second.command_id
        == command_id(Actor("acme", "lan"), "nhip.goals.v1.Goals/AlignKpi", "import-7/k1")
    )
    assert first.digest == second.digest
    assert first.retryable


async def test_a_key_belongs_to_its_actor_and_method(nhip):
    key = ("idempotency-key", "1")
    await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer("person:lan"), key))
    await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer("person:nam"), key))
    await nhip.Goals.RetireKpi(
        goals_pb2.RetireKpi(
            kpi_id="k1", reason_class=types_pb2.REASON_CLASS_CORRECTION, reason=words_pb2.PersonalText(plain="xong")
        ),
        metadata=(nhip.bearer(), key),
    )
    assert len({ctx.command_id for _, ctx in nhip.goals.asked}) == 3


async def test_another_body_has_another_digest_and_digests_are_keyed(nhip):
    key = ("idempotency-key", "1")
    other = goals_pb2.AlignKpi(kpi_id="k2")
    for request in (ALIGN, other):
        await nhip.Goals.AlignKpi(request, metadata=(nhip.bearer(), key))
    one, two = (ctx.digest for _, ctx in nhip.goals.asked)
    assert one != two
    assert one == hmac.digest(
        SECRET, b"nhip.goals.v1.Goals/AlignKpi\0" + ALIGN.SerializeToString(deterministic=True), hashlib.sha256
    )


async def test_without_a_key_every_command_is_a_new_one(nhip):
    for _ in range(2):
        await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),))
    first, second = (ctx for _, ctx in nhip.goals.asked)
    assert first.command_id != second.command_id
    assert first.command_id.version == second.command_id.version == 7
    assert not first.retryable


@pytest.mark.parametrize("keys", [("",), ("x" * 201,), ("a", "b")], ids=["empty", "too long", "two"])
async def test_a_malformed_key_is_refused(nhip, keys):
    metadata = (nhip.bearer(), *(("idempotency-key", key) for key in keys))
    answer = await refused(nhip.Goals.AlignKpi(ALIGN, metadata=metadata))
    assert (answer.kind, answer.reason) == (Kind.INVALID, "IDEMPOTENCY_KEY_MALFORMED")


# --- refusals and faults ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Kind.INVALID, grpc.StatusCode.INVALID_ARGUMENT),
        (Kind.REFUSED, grpc.StatusCode.FAILED_PRECONDITION),
        (Kind.UNAUTHENTICATED, grpc.StatusCode.UNAUTHENTICATED),
        (Kind.FORBIDDEN, grpc.StatusCode.PERMISSION_DENIED),
        (Kind.UNKNOWN, grpc.StatusCode.NOT_FOUND),
        (Kind.CONFLICT, grpc.StatusCode.ABORTED),
    ],
    ids=lambda value: value.name,
)
async def test_a_refusal_comes_out_as_it_went_in(nhip, kind, code):
    raised = Rejected(
        "PROPOSAL_STALE",
        "chỉ tiêu đã đổi",
        kind=kind,
        rule="G-66",
        violations=(Violation("changes[0].before", "STALE", "80", {"now": "60"}),),
        parameters={"kpi": "KPI"},
    )
    nhip.goals.reply = raised
    error = await failing(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),)))
    answer = rejection(error)
    assert answer is not None
    assert error.code() is code
    assert (answer.reason, answer.message, answer.kind, answer.rule, answer.violations, answer.parameters) == (
        raised.reason,
        raised.message,
        raised.kind,
        raised.rule,
        raised.violations,
        raised.parameters,
    )


async def test_a_very_long_refusal_still_arrives(nhip):
    nhip.goals.reply = Rejected(
        "LONG", "rất dài " * 2000, violations=tuple(Violation("ô" * 300, "LONG", "ừ" * 900) for _ in range(50))
    )
    answer = await refused(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),)))
    assert answer.reason == "LONG"
    assert answer.violations


@pytest.mark.parametrize(
    "fault",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.InterfaceError("pool is closing"),
        OSError("network is unreachable"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_what_passes_is_unavailable(nhip, fault):
    nhip.goals.reply = fault
    error = await failing(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),)))
    assert (error.code(), reason(error)) == (grpc.StatusCode.UNAVAILABLE, "TEMPORARILY_UNAVAILABLE")
    assert rejection(error) is None


@pytest.mark.parametrize(
    "fault", [KeyError("mood of lan"), FileNotFoundError(), asyncpg.UniqueViolationError(), asyncpg.InterfaceError("x")]
)
async def test_any_other_fault_is_internal_and_told_by_an_id_only(nhip, fault):
    nhip.goals.reply = fault
    with logged() as lines:
        error = await failing(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),)))
    assert (error.code(), reason(error)) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "mood of lan" not in repr(error)
    [line] = [line for line in lines if line["event"] == "rpc"]
    assert line["error_id"] == error_id(error) != ""
    assert line["level"] == "error"
    assert any("serving.py" in frame and "_answer" in frame for frame in line["stack"])
    assert "mood of lan" not in json.dumps(lines)


async def test_an_answer_of_the_wrong_kind_is_a_fault_of_ours(nhip):
    nhip.goals.reply = goals_pb2.Cycles()
    assert (await failing(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),)))).code() is grpc.StatusCode.INTERNAL


async def test_who_asks_too_often_is_told_when_to_ask_again(issuer, tmp_path):
    async with running(issuer, tmp_path / "jwks.json", rates=Rates(caller=0.2, clock=lambda: 0.0)) as up:
        assert await up.Goals.AlignKpi(ALIGN, metadata=(up.bearer(),))
        with logged() as lines:
            answer = await refused(up.Goals.AlignKpi(ALIGN, metadata=(up.bearer(),)))
        assert (answer.kind, answer.reason, answer.retry_after) == (Kind.TOO_MANY, "RATE_EXCEEDED", 5)
        assert [line["level"] for line in lines] == ["info"]  # no fault of ours
        assert await up.Goals.AlignKpi(ALIGN, metadata=(up.bearer("person:nam"),))


async def test_long_replies_are_compressed_for_who_takes_that(nhip):
    nhip.goals.reply = goals_pb2.Cycles(cycles=[goals_pb2.Cycle(name="x" * 100_000)])
    async with counted(nhip.port) as (port, received), grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = goals_pb2_grpc.GoalsStub(channel)
        assert (await stub.ListCycles(goals_pb2.ListCycles(), metadata=(nhip.bearer(),))) == nhip.goals.reply
    assert sum(received) < 10_000
    identity = [("grpc.compression_enabled_algorithms_bitset", 1)]
    async with (
        counted(nhip.port) as (port, received),
        grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=identity) as channel,
    ):
        stub = goals_pb2_grpc.GoalsStub(channel)
        assert (await stub.ListCycles(goals_pb2.ListCycles(), metadata=(nhip.bearer(),))) == nhip.goals.reply
    assert sum(received) > 100_000


@asynccontextmanager
async def counted(to: int):
    """Another port that leads to the same server, and the sizes of what came back over it."""
    received: list[int] = []

    async def pump(reader, writer, counts=None):
        while data := await reader.read(65_536):
            if counts is not None:
                counts.append(len(data))
            writer.write(data)
            await writer.drain()
        writer.close()

    async def connected(reader, writer):
        upstream, there = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(pump(reader, there), pump(upstream, writer, received), return_exceptions=True)

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], received


async def test_an_answer_that_is_too_large_says_so(nhip):
    nhip.goals.reply = command_pb2.Accepted(id="x" * (4 * 1024 * 1024 + 1))
    error = await failing(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),)))
    assert (error.code(), reason(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "REPLY_TOO_LARGE")


async def test_a_request_that_is_too_large_is_refused(nhip):
    request = goals_pb2.AlignKpi(kpi_id="k1", why="x" * (16 * 1024 * 1024 + 1))
    assert (
        await failing(nhip.Goals.AlignKpi(request, metadata=(nhip.bearer(),)))
    ).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_errors_of_other_servers_are_no_refusals_of_ours(nhip):
    error = await failing(nhip.channel.unary_unary("/nhip.goals.v1.Goals/NoSuch")(b""))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert (rejection(error), reason(error), error_id(error)) == (None, "", "")


async def test_a_refusal_among_tasks_is_a_refusal(nhip):
    nhip.goals.reply = ExceptionGroup("tasks", [ExceptionGroup("more", [Rejected("CYCLE", "a circle")])])
    assert (await refused(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),)))).reason == "CYCLE"
    nhip.goals.reply = ExceptionGroup("tasks", [TimeoutError(), ConnectionResetError()])
    assert reason(await failing(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),)))) == "TEMPORARILY_UNAVAILABLE"
    nhip.goals.reply = ExceptionGroup("tasks", [TimeoutError(), KeyError()])
    assert reason(await failing(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),)))) == "INTERNAL"


async def test_a_reply_gets_its_last_touch_for_the_callers_tenant(issuer, tmp_path):
    async def finish(message, reader, roles):
        message.id = f"{reader.tenant}/{message.id}"

    async with running(issuer, tmp_path / "jwks.json", finish=finish) as nhip:
        assert (await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),))).id == "acme/k1"


# --- deadlines -------------------------------------------------------------------------------------------------------


async def test_a_call_without_a_deadline_gets_the_servers(issuer, tmp_path):
    cancelled = asyncio.Event()

    async def sleeps(_request, _ctx):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with running(issuer, tmp_path / "jwks.json", deadline_seconds=0.2) as nhip:
        nhip.goals.reply = sleeps
        error = await failing(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),)))
        assert (error.code(), reason(error)) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
        assert cancelled.is_set()
        nhip.goals.reply = TimeoutError()  # of a database, not of the call
        assert reason(await failing(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),)))) == "TEMPORARILY_UNAVAILABLE"


async def test_a_callers_own_deadline_counts_also_when_it_is_longer(issuer, tmp_path):
    async def takes_a_while(_request, _ctx):
        await asyncio.sleep(0.4)
        return command_pb2.Accepted(id="late")

    async with running(issuer, tmp_path / "jwks.json", deadline_seconds=0.1) as nhip:
        nhip.goals.reply = takes_a_while
        assert (await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),), timeout=10)).id == "late"


@pytest.mark.parametrize(("timeout", "code"), [(0.2, "DEADLINE_EXCEEDED"), (None, "CANCELLED")])
async def test_work_ends_with_the_caller(nhip, timeout, code):
    begun, ended = asyncio.Event(), asyncio.Event()

    async def sleeps(_request, _ctx):
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    nhip.goals.reply = sleeps
    call = nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),), timeout=timeout)
    asking = asyncio.ensure_future(call)
    await begun.wait()
    if timeout is None:
        call.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await asyncio.wait_for(ended.wait(), PATIENCE)
    labels = {"method": "nhip.goals.v1.Goals/AlignKpi", "code": code}
    async with asyncio.timeout(PATIENCE):
        while not nhip.metrics.registry.get_sample_value("nhip_rpc_handled_total", labels):
            await asyncio.sleep(0.01)
    assert nhip.metrics.registry.get_sample_value("nhip_rpc_in_flight") == 0


# --- what operators see ----------------------------------------------------------------------------------------------


async def test_one_line_per_call_and_no_words_in_it(nhip):
    note = words_pb2.PersonalText(plain="tôi mệt quá " * 400)
    record = checkins_pb2.RecordProgress(kpi_id="k1", value=Decimal(value="1"), note=note)
    trace = "0af7651916cd43dd8448eb211c80319c"
    with logged() as lines:
        await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(), ("traceparent", f"00-{trace}-b7ad6b7169203331-01")))
        await failing(nhip.Checkins.RecordProgress(record, metadata=(nhip.bearer(),)))
        nhip.goals.reply = Rejected("NOT_YOURS", "the KPI 'Bí mật' is not yours", field="kpi_id")
        await failing(nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),)))
    done, invalid, refusal = [line for line in lines if line["event"] == "rpc"]
    assert done["method"] == "nhip.goals.v1.Goals/AlignKpi"
    assert (done["tenant"], done["actor"], done["code"]) == ("acme", "person:lan", "OK")
    assert done["trace_id"] == trace
    assert done["duration_ms"] >= 0
    assert done["timestamp"].endswith("Z")
    assert (invalid["code"], invalid["reason"], invalid["fields"]) == ("INVALID_ARGUMENT", "FIELDS_INVALID", ["note"])
    assert (refusal["reason"], refusal["fields"]) == ("NOT_YOURS", ["kpi_id"])
    assert not re.search("mệt|Bí mật", json.dumps(lines, ensure_ascii=False))


async def test_a_trace_goes_on_in_the_context(nhip):
    telemetry.set_up()
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(), ("traceparent", given)))
    assert re.fullmatch(r"00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01", nhip.goals.last.traceparent)
    assert nhip.goals.last.traceparent != given
    await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(), ("traceparent", "nonsense")))
    assert re.fullmatch(r"00-(?!0af765)[0-9a-f]{32}-[0-9a-f]{16}-0[0-9a-f]", nhip.goals.last.traceparent)


async def test_calls_are_counted_by_method_and_code(nhip):
    await nhip.Goals.AlignKpi(ALIGN, metadata=(nhip.bearer(),))
    await failing(nhip.Goals.AlignKpi(ALIGN))
    method = {"method": "nhip.goals.v1.Goals/AlignKpi"}
    value = nhip.metrics.registry.get_sample_value
    assert value("nhip_rpc_handled_total", {**method, "code": "OK"}) == 1
    assert value("nhip_rpc_handled_total", {**method, "code": "UNAUTHENTICATED"}) == 1
    assert value("nhip_rpc_seconds_count", method) == 2


# --- the port --------------------------------------------------------------------------------------------------------


def server_at(port: int) -> Server:
    return Server(
        [Api(GOALS, Answers(GOALS), table(GOALS))],
        tokens=None,  # pyright: ignore[reportArgumentType]
        roles=People(),
        secret=SECRET,
        metrics=Metrics(),
        port=port,
    )


async def test_a_port_that_a_server_of_ours_holds_is_busy(nhip):
    with pytest.raises(PortBusy, match=f"127.0.0.1:{nhip.port}"):
        await server_at(nhip.port).start()


async def test_a_port_that_another_program_holds_is_busy():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortBusy):
        await server_at(taken.getsockname()[1]).start()


async def test_a_port_is_not_shared_with_another_process(nhip):
    script = (
        "import socket, sys; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); "
        "s.bind(('127.0.0.1', int(sys.argv[1])))"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script, str(nhip.port)],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert "Address already in use" in done.stderr


async def reflected(channel) -> list[str]:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="", file_containing_symbol="nhip.goals.v1.Goals")
    async for answer in stub.ServerReflectionInfo(iter([asked])):
        return [
            FileDescriptorProto.FromString(one).name for one in answer.file_descriptor_response.file_descriptor_proto
        ]
    return []


async def test_contracts_can_be_read_without_a_token_where_that_is_set(issuer, tmp_path):
    async with running(issuer, tmp_path / "jwks.json", reflection=True) as nhip:
        assert "nhip/goals/v1/goals.proto" in await reflected(nhip.channel)


async def test_contracts_cannot_be_read_where_it_is_not_set(nhip):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await reflected(nhip.channel)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_running_calls_may_end_when_the_server_stops(issuer, tmp_path):
    begun = asyncio.Event()

    async def takes_a_while(_request, _ctx):
        begun.set()
        await asyncio.sleep(0.3)
        return command_pb2.Accepted(id="done")

    answers = Answers(GOALS)
    answers.reply = takes_a_while

    class Lan:
        async def authenticate(self, authorization):
            return Actor("acme", "lan")

    server = Server([Api(GOALS, answers, table(GOALS))], tokens=Lan(), roles=People(), secret=SECRET, metrics=Metrics())
    port = await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = asyncio.ensure_future(channel.unary_unary("/nhip.goals.v1.Goals/AlignKpi")(ALIGN.SerializeToString()))
        await begun.wait()
        await server.stop(5)
        assert command_pb2.Accepted.FromString(await call).id == "done"


async def test_a_page_with_long_texts_comes_with_fewer_rows_and_its_token_goes_on(nhip):
    """No row takes a page from the others, whatever the rules let into it."""

    async def listed(request, ctx):
        size = request.page_size or 100
        rows = [goals_pb2.Kpi(kpi_id=f"k{n}", statement="x" * 100_000) for n in range(size)]
        return goals_pb2.Kpis(kpis=rows, next_page_token=f"behind {size}")

    nhip.goals.reply = listed
    page = await nhip.Goals.ListKpis(goals_pb2.ListKpis(cycle_id="q1"), metadata=(nhip.bearer(),))
    assert (len(page.kpis), page.next_page_token) == (25, "behind 25")
