"""The gateway behind uvicorn, in a process that others may share: no signals of its own, no log of its own."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import cast

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from cli.listening import bind

__all__ = ["bind", "serving"]

GRACE = 3
"""Seconds that running requests get at shutdown."""


HEAD_SECONDS = 10.0
"""How long the head of a request may take to come in."""


class _Impatient(H11Protocol):
    """Hangs up on who opens a connection, or begins a request, and does not come to its end."""

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._stop()  # from here on uvicorn's own timer counts, until more comes in

    def _look(self) -> None:
        answering = cast("RequestResponseCycle | None", self.cycle) is not None and not self.cycle.response_complete
        if answering:
            self._stop()
        elif self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def serving(application: Starlette, listening: socket.socket) -> AsyncGenerator["asyncio.Task[None]"]:
    """Serves for as long as the block lasts; the task ends early only when the server fails.

    At the end requests that run may end, and new ones are told that it is over.
    """
    config = uvicorn.Config(
        application,
        http=_Impatient,
        ws="none",
        log_config=None,
        access_log=False,  # the services log every call; a URL may hold words
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]), name="gateway")
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0.01)
        yield task
    finally:
        application.state.closing = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(application.state.idle.wait(), GRACE)
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        listening.close()
