"""`nhip up`: everything in one process, engines included."""

import asyncio
import os
import stat
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, TextIO

import structlog
import typer

from cli.listening import bind
from cli.running import Failed, run, say
from deploy import keys
from deploy.engines import EngineError, engines
from eventkit import telemetry
from eventkit.process import garbage
from eventkit.settings import Settings, load

HOST = "127.0.0.1"
LOG = "nhip.log"
SHUTDOWN_SECONDS = 5.0
OTHERS = 0o066 if os.geteuid() == 0 else 0o077
"""What nobody but who started Nhip may do with its files: keys, logs, the engines' data.

Under root PostgreSQL runs as somebody else, who must pass through the folders; they stay closed to reading.
"""
MOST_LOG_BYTES = 20 << 20

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


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
    with bind(HOST, port) as listening, _directory(directory) as log_file:
        settings = _localised(given, directory)
        telemetry.set_up(level=settings.log_level, format="json", stream=log_file)
        log.info("up.starting", pid=os.getpid())
        reason = ""
        try:
            # Both take seconds, and Kafka's are Java's: what the services are made of is loaded meanwhile.
            loading = asyncio.create_task(asyncio.to_thread(_load))
            async with engines(
                directory, postgres=settings.postgres or None, kafka=settings.kafka or None, say=_tell
            ) as urls:
                _tell("Starting the services…")
                await loading
                from cli import whole as rest  # there by now

                async with rest.everything(directory, settings, urls, listening, _tell) as nhip:
                    with _stopping():
                        await nhip.beside(rest.first_steps(nhip, directory, demo, _wanted, _tell))
                        took = time.monotonic() - began
                        _tell(
                            f"Nhip answers on {nhip.url}/ ({took:.1f} s). Its log: {directory / LOG}. Ctrl-C stops it."
                        )
                        await nhip.until_something_ends()
        except BaseException as error:
            reason = _reason(error)
            raise
        finally:
            log.info("up.stopped", reason=reason)
            say("Stopped")


def _load() -> None:
    with garbage.none_looked_for():
        import_module("cli.whole")


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


@contextmanager
def _stopping() -> Generator[None]:
    """Says so when what is inside ends, and why."""
    reason = ""
    try:
        yield
    except BaseException as error:
        reason = _reason(error)
        raise
    finally:
        log.info("up.stopping", reason=reason)
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
