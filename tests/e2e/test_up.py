"""`nhip up` as a person meets it: the first start, the next, its end, and what is left when it is killed."""

import asyncio
import json
import os
import pty
import re
import shutil
import signal
import stat
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli.addresses import written
from cli.catalog import SERVICES
from deploy import keys
from nhip.goals.v1 import goals_pb2 as g
from tests.e2e.running import SECONDS, Company, Up, command, connected, nhip


@pytest.fixture(scope="module")
def directory(folder: Path) -> Path:
    return folder / "up"


@pytest.fixture(scope="module")
async def up(directory: Path) -> AsyncGenerator[Up]:
    """A Nhip that was never started before: with the demo, for nobody is there to be asked."""
    shutil.rmtree(directory, ignore_errors=True)
    running = Up(directory, arguments=("--port", "0"))
    await running.start()
    yield running
    if running.child is not None:
        await running.stop()


async def the_map(up: Up, tenant: str = "company-x") -> g.GoalMap:
    """Of the demo, as its console's visitors see it."""
    system = up.system()
    async with connected(system.services, "") as client:
        x = Company(system, client, tenant)
        await x.learn()
        return await x.map()


async def test_the_first_start_says_what_it_does_and_imports_the_demo(up: Up):
    printed = up.printed.read_text()
    for sentence in (
        "Setting PostgreSQL up (once)…",
        "Kafka answers on",
        "Starting the services…",
        "Imported Công ty phần mềm X",
        "Imported Software Company X",
    ):
        assert sentence in printed
    assert f"Nhip answers on {written(up.directory).gateway}/" in printed
    assert len((await the_map(up)).kpis) == 15


def logged(up: Up, event: str) -> list[dict[str, str]]:
    """The lines of its log about that."""
    lines = map(json.loads, (up.directory / "nhip.log").read_text().splitlines())
    return [line for line in lines if line["event"] == event]


async def test_the_console_and_the_api_answer(up: Up):
    gateway = written(up.directory).gateway
    code, token = await nhip("token", "Minh", "--directory", str(up.directory))
    assert code == 0, token
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{gateway}/sign-in")).status_code == 200
        people = (await http.get(f"{gateway}/v1/people", headers={"authorization": f"Bearer {token.strip()}"})).json()
    assert len(people["people"]) == 10


async def test_health_and_metrics_are_where_it_noted(up: Up):
    at = written(up.directory)
    assert at.health.keys() == at.metrics.keys() == SERVICES.keys()
    async with grpc.aio.insecure_channel(at.health["goals"]) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its stubs know no methods
        told = await stub.Check(health_pb2.HealthCheckRequest(service="liveness"))
    assert told.status == health_pb2.HealthCheckResponse.SERVING
    async with httpx.AsyncClient(trust_env=False) as http:
        page = (await http.get(at.metrics["goals"])).text
    positions = set(re.findall(r'nhip_subscription_position\{(subscription="[^"]+")\}', page))
    parking = positions - {'subscription="relay"'}  # which parks nothing
    assert parking
    assert parking <= set(re.findall(r"nhip_parked_events\{(.*)\} 0.0", page))
    assert re.search(r"nhip_topic_holes_total\{.*\} 0.0", page)


async def test_a_rebuild_of_what_is_not_there_lists_what_is(up: Up):
    for asked, sentence in (
        (("gaols", "kpi"), "give one of audit, checkins, goals"),
        (("goals", "kip"), "give one of "),
    ):
        code, printed = await nhip("rebuild", *asked, "--directory", str(up.directory))
        assert code == 2
        assert sentence in printed
    assert " kpi," in printed


async def test_everything_it_keeps_is_for_its_user_only(up: Up):
    """Under root others may pass through folders, for PostgreSQL runs as somebody else, but neither look into them nor
    read a file."""
    others = 0o066 if os.geteuid() == 0 else 0o077
    kept = [up.directory, *up.directory.rglob("*")]
    assert {"master.key", "nhip.log", "postgres", "kafka"} <= {path.name for path in kept}
    assert [
        path
        for path in kept
        if stat.S_IMODE(path.lstat().st_mode) & others and not path.is_symlink() and not path.is_socket()
    ] == []


async def test_the_log_is_json(up: Up):
    lines = (up.directory / "nhip.log").read_text().splitlines()
    assert {"service.started", "rpc"} <= {json.loads(line)["event"] for line in lines}


async def test_a_second_one_in_the_same_directory_is_refused(up: Up):
    code, printed = await nhip("up", "--directory", str(up.directory), "--port", "0")
    assert code == 1
    assert "is in use by process" in printed
    assert len((await the_map(up)).kpis) == 15


async def test_it_ends_in_order_and_has_everything_again(up: Up):
    assert await up.stop(signal.SIGTERM) == 0
    assert up.printed.read_text().endswith("Stopping…\nStopped\n")
    assert not (up.directory / "addresses.json").exists()
    assert logged(up, "up.stopping")[-1]["reason"] == logged(up, "up.stopped")[-1]["reason"] == "asked to, by SIGTERM"
    await up.start()
    assert "Import" not in up.printed.read_text()
    assert len((await the_map(up)).kpis) == 15


async def test_the_master_key_is_changed_while_it_runs(up: Up):
    """The tests behind this one start it again without the one before."""
    assert await up.stop() == 0
    before = up.directory / "before.key"
    (up.directory / "master.key").rename(before)
    keys.master_key(up.directory)
    up.environment = {"NHIP_MASTER_KEY_OLD_FILE": str(before)}
    await up.start()
    code, printed = await nhip("keys", "rotate", "--directory", str(up.directory), environment=up.environment)
    assert code == 0, printed
    assert "keys were wrapped anew" in printed
    before.unlink()
    up.environment = {}
    code, token = await nhip("token", "Minh", "--directory", str(up.directory))  # who is found by their name, opened
    assert code == 0, token


async def test_killed_and_started_again_it_has_everything(up: Up):
    """Killed while it runs, and again while it imports a company: the next start goes on with that."""
    before = await the_map(up)
    up.kill()
    other = Up(up.directory, arguments=("--port", "0"), environment={"NHIP_TENANT": "cut-off"})
    begun = (up.directory / "nhip.log").stat().st_size
    starting = asyncio.create_task(other.start())
    while b"RegisterPerson" not in (up.directory / "nhip.log").read_bytes()[begun:]:
        await asyncio.sleep(0.01)
        assert not starting.done()
    starting.cancel()
    other.kill()
    assert "left behind" in other.printed.read_text()
    assert "Imported" not in other.printed.read_text()
    await other.start()
    up.child = other.child
    assert "left behind" in up.printed.read_text()
    assert "The import of the demo company was cut off: going on with it" in up.printed.read_text()
    assert "left behind" in " ".join(line["sentence"] for line in logged(up, "up.told"))
    assert (await the_map(up)).kpis == before.kpis
    assert [kpi.name for kpi in (await the_map(up, "cut-off")).kpis] == [kpi.name for kpi in before.kpis]
    assert not (up.directory / "demo.unfinished").exists()
    code, printed = await nhip("verify", "--directory", str(up.directory))
    assert code == 0, printed


async def test_a_kafka_that_dies_is_missed(up: Up):
    """The logs take commands without it, but nothing would bring it back: better to end, and say so."""
    assert up.child is not None
    mark = f"nhip.directory={up.directory}/kafka"
    kafka = next(
        one for one in psutil.process_iter(["cmdline"]) if any(mark in word for word in one.info["cmdline"] or ())
    )
    kafka.kill()
    code = await up.child.wait(SECONDS)
    assert code == 1
    up.child = None  # the tests below start it again
    assert "Kafka has ended by itself" in up.printed.read_text()
    assert logged(up, "up.stopped")[-1]["reason"].startswith("Kafka has ended by itself")


@asynccontextmanager
async def starting(
    up: Up, *, stdin: int = asyncio.subprocess.DEVNULL, environment: Mapping[str, str] | None = None
) -> AsyncGenerator[tuple[Process, asyncio.StreamReader]]:
    """`nhip up`, and what it prints; ended with the block, or tests behind this one would meet it."""
    process = await asyncio.create_subprocess_exec(
        *command("up", "--directory", str(up.directory), "--port", "0"),
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("answer", ["n\n", None], ids=["no", "Ctrl-C"])
async def test_at_a_terminal_it_asks_before_it_imports(up: Up, answer: str | None):
    """A tenant without people is asked for as a company was the first time; other answers have a unit test."""
    if up.child is not None:
        await up.stop()
    terminal, inside = pty.openpty()
    async with starting(up, stdin=inside, environment={"NHIP_TENANT": "asked"}) as (process, printing):
        printed = (await asyncio.wait_for(printing.readuntil(b"[Y/n] "), SECONDS)).decode()
        assert "There is no company yet" in printed
        if answer is not None:
            os.write(terminal, answer.encode())
            printed = (await asyncio.wait_for(printing.readuntil(b"Ctrl-C stops it."), SECONDS)).decode()
            assert "Imported" not in printed
        process.send_signal(signal.SIGINT)
        rest = (await asyncio.wait_for(printing.read(), SECONDS)).decode()
        assert rest.endswith("Stopping…\nStopped\n")
        assert await process.wait() == 0
    os.close(terminal)
    os.close(inside)


async def test_it_can_be_stopped_while_it_starts(up: Up):
    if up.child is not None:
        await up.stop()
    for seconds in (0.3, 1.5, 3.0):
        async with starting(up) as (process, _):
            await asyncio.sleep(seconds)
            process.terminate()
            printed, _ = await asyncio.wait_for(process.communicate(), SECONDS)
            assert b"Traceback" not in printed, printed.decode()
    await up.start()
    assert len((await the_map(up)).kpis) == 15
