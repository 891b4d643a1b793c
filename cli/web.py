"""The gateway behind uvicorn, in a process that others may share: no signals of its own, no log of its own."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from cli.running import Failed

GRACE = 3
"""Seconds that running requests get at shutdown."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """The socket to serve on, taken before anything is started. Raises `Failed` when somebody else has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(128)
    except OSError as error:
        taken.close()
        raise Failed(
            f"port {port} of {host} cannot be used ({error.strerror}): end the program that has it, or choose another with --port"
        ) from None
    return taken


@asynccontextmanager
async def serving(application: ASGIApp, listening: socket.socket) -> AsyncGenerator["asyncio.Task[None]"]:
    """Serves for as long as the block lasts; the task ends early only when the server fails."""
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,  # the services log every call; a URL may hold words
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]), name="gateway")
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0.01)
        yield task
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        listening.close()
