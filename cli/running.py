"""How a command runs and how it ends: what went wrong is a sentence on stderr and an exit code, never a traceback."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import typer

WRONG_USE = 2
"""The exit code for what was given wrong: options, settings, a file."""


class Failed(Exception):
    """The command cannot go on; the message tells a person why and what to do."""

    def __init__(self, message: str, *, code: int = 1):
        super().__init__(message)
        self.code = code


def run(work: Coroutine[Any, Any, None]) -> None:
    """Do a command's work. Ctrl-C and SIGTERM cancel it once, so that it ends in order, however often they come."""
    try:
        asyncio.run(_until_stopped(work))
    except Exception as error:
        message, code = _told(error)
        if not code:
            raise
        stop(message, code=code)


def _told(error: Exception) -> tuple[str, int]:
    """What a person is told about an error, and the exit code; code 0 for what nobody expected.

    The errors are those of what the command loaded, so they are looked for when one is there.
    """
    from deploy.faults import EngineError
    from eventkit.errors import Rejected
    from eventkit.process.provision import ShapeChanged
    from eventkit.rpc.server import PortBusy
    from eventkit.settings import SettingsError

    match error:
        case Failed():
            return str(error), error.code
        case SettingsError():
            return str(error), WRONG_USE
        case EngineError() | PortBusy() | ShapeChanged():
            return str(error), 1
        case Rejected():
            return f"refused: {error.message} ({error.reason})", 1
        case _:
            return "", 0


def stop(message: str, *, code: int = 1) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def say(sentence: str) -> None:
    """One sentence about progress."""
    typer.echo(sentence)


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()
    task = loop.create_task(work, name="command")
    asked = False

    def end(number: signal.Signals) -> Callable[[], None]:
        def ask() -> None:
            nonlocal asked
            if asked:
                typer.echo("Still stopping…", err=True)
                return
            asked = True
            task.cancel(number.name)

        return ask

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end(number))
    try:
        await task
    except asyncio.CancelledError:
        if not asked:
            raise
