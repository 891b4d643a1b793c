"""Hosts services in this process and notices when one of them is not whole any more."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog

from cli.catalog import SERVICES
from cli.running import Failed
from deploy.faults import EngineError
from eventkit.process import garbage
from eventkit.process.host import Running, running
from eventkit.rpc.auth import Authenticator, of_settings
from eventkit.settings import Settings

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


@asynccontextmanager
async def hosted(names: Sequence[str], settings: Settings) -> AsyncGenerator[Mapping[str, Running]]:
    """The services, ready, each on its own ports.

    They start together and end together: each waits more than it works.
    """
    homes = {name: _Home(name, settings, of_settings(settings)) for name in names}
    try:
        yield {name: await home.ready for name, home in homes.items()}
    finally:
        await asyncio.gather(*(home.leave() for home in homes.values()))


class _Home:
    """A service in a task of its own, which enters and leaves it."""

    def __init__(self, name: str, settings: Settings, tokens: Authenticator):
        self.ready: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
        self._leave = asyncio.Event()
        self._task = asyncio.create_task(self._live(name, settings, tokens), name=f"host {name}")

    async def leave(self) -> None:
        self._leave.set()
        if not self.ready.done():
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if not self.ready.cancelled():
            self.ready.exception()  # seen, though perhaps nobody waited for it

    async def _live(self, name: str, settings: Settings, tokens: Authenticator) -> None:
        try:
            async with running(name, SERVICES[name].build, settings, tokens) as me:
                self.ready.set_result(me)
                await self._leave.wait()
        except Exception as error:
            if self.ready.done():
                raise
            self.ready.set_exception(error)
        finally:
            self.ready.cancel()  # of no effect on one that is done


async def until_something_ends(services: Mapping[str, Running], *others: "asyncio.Task[None]") -> None:
    """For ever, while all is well. Raises `Failed` as soon as a loop of a service, or another task, has ended."""
    garbage.keep_what_is_there()
    tasks = [task for service in services.values() for task in service.tasks] + list(others)
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    ended = done.pop()
    error = None if ended.cancelled() else ended.exception()
    if isinstance(error, EngineError):
        raise error
    log.error("part.ended", part=ended.get_name(), exc_info=error)
    what = type(error).__name__ if error else "without an error"
    raise Failed(f"a part of Nhip has ended by itself: {ended.get_name()} ({what}); its log says more")
