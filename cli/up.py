"""`nhip up`: everything in one process, engines included."""

import asyncio
import os
import stat
import sys
import time
from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from socket import socket
from tempfile import TemporaryFile
from types import TracebackType
from typing import Annotated, Any, TextIO
from zoneinfo import ZoneInfo

import structlog
import typer

from cli import addresses, web
from cli.addresses import Addresses
from cli.catalog import SERVICES
from cli.client import connected
from cli.demo import written_for
from cli.hosting import hosted, until_something_ends
from cli.importing.bring import Principals
from cli.importing.command import bring
from cli.provision import databases_and_topics
from cli.running import Failed, run, say
from deploy import keys
from deploy.engines import EngineError, engines
from eventkit import telemetry
from eventkit.directory.facts import DEFAULT_TIME_ZONE
from eventkit.process.host import Running
from eventkit.rpc.auth import of_settings
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.settings import Settings, load, masked
from nhip.people.v1 import people_pb2

HOST = "127.0.0.1"
LOG = "nhip.log"
UNFINISHED = "demo.unfinished"
"""Names the tenant into which the demo company is being imported, and the day it is imported for; an import that was
cut off leaves it for the next start."""
SHUTDOWN_SECONDS = 5.0
OTHERS = 0o066 if os.geteuid() == 0 else 0o077
"""What nobody but who started Nhip may do with its files: keys, logs, the engines' data.

Under root PostgreSQL runs as somebody else, who must pass through the folders; they stay closed to reading.
"""
MOST_LOG_BYTES = 20 << 20

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def up(
    port: Annotated[int, typer.Option(help="The console's port.", min=0, max=65535)] = 8080,
    directory: Annotated[Path, typer.Option(help="Where data, keys and logs are kept.")] = Path("var"),
    demo: Annotated[
        bool | None, typer.Option("--demo/--no-demo", help="Import the demo company into an empty Nhip; unset: ask.")
    ] = None,
) -> None:
    """Start Nhip on this machine: PostgreSQL, Kafka, every service and the console, in one process. Ctrl-C stops it."""
    run(_up(port, directory, demo))


async def _up(port: int, directory: Path, demo: bool | None) -> None:
    began = time.monotonic()
    os.umask(OTHERS)
    given = load(host=HOST, shutdown_seconds=SHUTDOWN_SECONDS)
    with web.bind(HOST, port) as listening, _directory(directory) as log_file:
        settings = _localised(given, directory)
        telemetry.set_up(level=settings.log_level, format="json", stream=log_file)
        log.info("up.starting", pid=os.getpid())
        reason = ""
        try:
            async with _everything(directory, settings, listening) as nhip:
                await nhip.beside(_first_steps(nhip, directory, demo))
                _tell(
                    f"Nhip answers on {nhip.url}/ ({time.monotonic() - began:.1f} s). Its log: {directory / LOG}. "
                    "Ctrl-C stops it."
                )
                await nhip.until_something_ends()
        except BaseException as error:
            reason = _reason(error)
            raise
        finally:
            log.info("up.stopped", reason=reason)
            say("Stopped")


def _tell(sentence: str) -> None:
    """One sentence about progress, for who looks now and for who reads the log later."""
    say(sentence)
    log.info("up.told", sentence=sentence)


def _reason(error: BaseException) -> str:
    """Why Nhip stops, as its log has it."""
    match error:
        case asyncio.CancelledError():
            return f"asked to, by {error.args[0]}" if error.args else "asked to"
        case Failed() | EngineError():
            return str(error).splitlines()[
                0
            ]  # what follows is the end of an engine's log, which has a place of its own
        case _:
            return type(error).__name__  # its text may quote what somebody wrote


@dataclass(frozen=True, slots=True)
class _Nhip:
    """All of it, running in this process."""

    url: str
    settings: Settings
    services: Mapping[str, Running]
    serving: "asyncio.Task[None]"
    engines: "asyncio.Task[None]"
    issuer: DemoIssuer

    async def until_something_ends(self) -> None:
        await until_something_ends(self.services, self.serving, self.engines)

    async def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Some work, given up when what it rests on ends."""
        tasks = [asyncio.create_task(each) for each in (work, self.until_something_ends())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await done.pop()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _everything(directory: Path, settings: Settings, listening: socket) -> AsyncGenerator[_Nhip]:
    """Engines, services and gateway, ready; ended in the opposite order."""
    from services.gateway.service import gateway  # the other commands have no use for the console

    issuer = keys.demo_issuer(directory, settings.audience)
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(
            engines(directory, postgres=settings.postgres or None, kafka=settings.kafka or None, say=_tell)
        )
        settings = settings.model_copy(update={"postgres": urls.postgres, "kafka": urls.kafka})
        _tell("Starting the services…")
        await databases_and_topics(settings, _tell)
        services = await stack.enter_async_context(hosted(list(SERVICES), settings))
        settings = settings.model_copy(update={"services": {name: each.address for name, each in services.items()}})
        serving = await stack.enter_async_context(
            web.serving(await stack.enter_async_context(gateway(settings, of_settings(settings), issuer)), listening)
        )
        url = f"http://{HOST}:{listening.getsockname()[1]}"
        stack.callback(addresses.forget, directory)
        metrics = {name: f"http://{each.host}:{each.metrics_port}/metrics" for name, each in services.items()}
        health = {name: f"{each.host}:{each.health_port}" for name, each in services.items()}
        Addresses(
            settings.services, url, metrics, {"postgres": masked(urls.postgres), "kafka": urls.kafka}, health
        ).write(directory)
        watch = asyncio.create_task(urls.until_one_ends(), name="engines")
        stack.callback(watch.cancel)
        stack.push(_stopping)
        yield _Nhip(url, settings, services, serving, watch, issuer)


def _stopping(_kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None) -> None:
    log.info("up.stopping", reason=_reason(error) if error else "")
    say("Stopping…")


def _localised(settings: Settings, directory: Path) -> Settings:
    """The environment's settings, with tokens of the demo issuer; a master key is made where none is given."""
    local: dict[str, object] = {"issuer": keys.ISSUER, "jwks": str(keys.demo_jwks(directory))}
    if settings.master_key is None and settings.master_key_file is None:
        local["master_key_file"] = keys.master_key(directory)
    return settings.model_copy(update=local)


@contextmanager
def _directory(directory: Path) -> Generator[TextIO]:
    """The directory, made when there is none, and its log, open. Raises `Failed` when Nhip cannot keep things there."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _keep_to_ourselves(directory)
        TemporaryFile(dir=directory).close()
        keys.demo_jwks(directory)
        path = directory / LOG
        if path.exists() and path.stat().st_size > MOST_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        file = path.open("a", buffering=1, encoding="utf-8")
    except OSError as error:
        place, why = error.filename2 or error.filename or directory, error.strerror
        if isinstance(error, FileExistsError):
            why = "it is a file, not a directory"
        raise Failed(
            f"{place} cannot be written ({why}): put that right, or choose another directory with --directory"
        ) from None
    with file:
        yield file


def _keep_to_ourselves(directory: Path) -> None:
    """Closes a directory and what is in it to others, also those of an earlier version."""
    for path in (directory, *directory.glob("*")):
        status = path.stat(follow_symlinks=False)
        if status.st_uid == os.geteuid() and not path.is_symlink():
            path.chmod(stat.S_IMODE(status.st_mode) & ~OTHERS)


async def _first_steps(nhip: _Nhip, directory: Path, demo: bool | None) -> None:
    """Into a Nhip without people the demo company is brought, unless that is not wanted; what was cut off is gone on
    with."""
    if demo is False:
        return
    tenant, services = nhip.settings.tenant, nhip.settings.services
    principals = Principals(
        importer=nhip.issuer.mint(tenant, "service:importer", on_behalf_of="service:operator"),
        operator=nhip.issuer.mint(tenant, "service:operator"),
    )
    unfinished = directory / UNFINISHED
    today = datetime.now(ZoneInfo(DEFAULT_TIME_ZONE)).date()
    left = unfinished.read_text("utf-8").split() if unfinished.exists() else []
    if left[:1] == [tenant]:
        today = date.fromisoformat(left[1]) if left[1:] else today
        _tell("The import of the demo company was cut off: going on with it (--no-demo starts without)")
    else:
        async with connected(services, principals.operator) as client:
            people = await client.ask(people_pb2.ListPeople(page_size=1), people_pb2.PeopleList)
        if people.people or not (demo or await _wanted()):
            return
        unfinished.write_text(f"{tenant} {today.isoformat()}\n", "utf-8")
    file = written_for(today, directory)
    await bring(file, services, principals, tenant=tenant, brief=True)
    unfinished.unlink()
    file.unlink()
    log.info("up.demo_imported", tenant=tenant)


async def _wanted() -> bool:
    """Asks a person; where there is none, as in a container, the demo is wanted."""
    if not sys.stdin.isatty():
        return True
    typer.echo("There is no company yet. Import the demo company? [Y/n] ", nl=False)
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        if not answer.done():
            answer.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin.fileno(), read)  # not a thread that waits for stdin: Ctrl-C has to end this too
    try:
        return (await answer).strip().lower() not in ("n", "no", "k", "không")
    finally:
        loop.remove_reader(sys.stdin.fileno())
