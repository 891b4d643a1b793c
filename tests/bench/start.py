"""What a start takes, and what runs when nobody asks for anything: `nhip` as a person starts it."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil

from deploy.engines import engines
from deploy.engines.ports import free
from tests.bench.harness import Bench, Figure, at_most

NHIP = str(Path(sys.executable).with_name("nhip"))
SETTLED, LOOKED = 10.0, 30.0
"""Seconds after a start until nothing of it is left to do, and for which is then looked on."""
PATIENCE = 120.0

BEGUN = (
    "Imports of Python before the engines, half a second, and six services behind them, one; what these are made of is "
    "loaded while the engines start. Keeping Kafka's classes between starts halved what both sides share: before, it "
    "was 1.3 times 3.3 s."
)
START = Figure(
    "nhip up, second start, to the first page", "s", "bare start of both engines", at_most(2), BEGUN, short=True
)
IDLE = Figure("nhip up with all services, idle", "% of a core", "", at_most(4))
MEMORY = Figure("one service process", "MB", "", at_most(150))
HELP = Figure("nhip --help", "s", "", at_most(0.3))
FIGURES = (START, IDLE, HELP, MEMORY)


async def run(bench: Bench) -> None:
    if bench.wants(HELP):
        took = sorted([await _help() for _ in range(5)])
        bench.report(HELP, took[len(took) // 2])
    if not bench.wants(START, IDLE, MEMORY):
        return
    directory = bench.folder / "up"
    async with _up(directory, "--demo"):
        pass  # the first start makes databases, topics, keys, and brings the demo company in

    async def ours() -> float:
        began = time.perf_counter()
        async with _up(directory, "--no-demo"):
            return time.perf_counter() - began

    async def theirs() -> float:
        began = time.perf_counter()
        async with engines(directory):
            return time.perf_counter() - began

    await bench.compare(START, ours, theirs)
    if bench.wants(IDLE):
        async with _up(directory, "--no-demo") as nhip:
            await asyncio.sleep(SETTLED)
            before = nhip.cpu_times()
            await asyncio.sleep(LOOKED)
            after = nhip.cpu_times()
            used = after.user + after.system - before.user - before.system
            bench.report(IDLE, 100 * used / LOOKED)
    if bench.wants(MEMORY):
        bench.report(MEMORY, await _memory(bench, directory))


async def _help() -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(NHIP, "--help", stdout=asyncio.subprocess.DEVNULL)
    if await process.wait():
        raise RuntimeError("nhip --help failed")
    return time.perf_counter() - began


@asynccontextmanager
async def _up(directory: Path, *options: str) -> AsyncGenerator[psutil.Process]:
    """`nhip up` once its first page is there, and where it imports the demo company, once that is."""
    port = next(port for port in range(18_100, 18_200) if free(port))
    command = [NHIP, "up", "--port", str(port), "--directory", str(directory), *options]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
            while not await _first_page(browser):
                if process.returncode is not None:
                    raise RuntimeError((await process.stdout.read()).decode())
                await asyncio.sleep(0.02)
            while "--demo" in options and b"Nhip answers" not in await process.stdout.readline():
                pass
        yield psutil.Process(process.pid)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.communicate()


async def _first_page(browser: httpx.AsyncClient) -> bool:
    """Who comes for the first time is asked who they are."""
    try:
        return (await browser.get("/", follow_redirects=True)).status_code == 200
    except httpx.TransportError:
        return False


async def _memory(bench: Bench, directory: Path) -> float:
    """What a process of `nhip serve goals` holds for itself, beside pages that others share with it."""
    environment = {
        "NHIP_POSTGRES": bench.postgres,
        "NHIP_KAFKA": bench.kafka,
        "NHIP_MASTER_KEY_FILE": str(directory / "master.key"),
        "NHIP_ISSUER": "nhip-demo",
        "NHIP_JWKS": str(directory / "jwks.json"),
        "PATH": str(Path(sys.executable).parent),
    }
    process = await asyncio.create_subprocess_exec(
        NHIP, "serve", "goals", env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            while b"service.started" not in (line := await process.stdout.readline()):
                if not line:
                    raise RuntimeError("nhip serve goals ended")
        await asyncio.sleep(SETTLED / 2)
        return psutil.Process(process.pid).memory_full_info().uss / 1e6
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
