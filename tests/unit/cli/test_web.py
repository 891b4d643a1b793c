"""The gateway's socket, over real TCP."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cli import web


def application(slow: asyncio.Event) -> Starlette:
    async def answer(request: Request) -> Response:
        if app.state.closing:
            return PlainTextResponse("closing", 503)
        app.state.idle.clear()
        if request.url.path == "/slow":
            await slow.wait()
        app.state.idle.set()
        return PlainTextResponse("done")

    app = Starlette(routes=[Route("/{path:path}", answer)])
    app.state.closing, app.state.idle = False, asyncio.Event()
    app.state.idle.set()
    return app


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "], ids=["nothing", "line", "header"]
)
@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"], ids=["first", "after another"])
async def test_a_head_that_does_not_come_to_its_end_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, before: bytes
):
    monkeypatch.setattr(web, "HEAD_SECONDS", 0.1)
    listening = web.bind("127.0.0.1", 0)
    async with web.serving(application(asyncio.Event()), listening):
        reader, writer = await asyncio.open_connection(*listening.getsockname()[:2])
        writer.write(before)
        if before:
            assert (await reader.readuntil(b"done")).startswith(b"HTTP/1.1 200")
        elif not sent:
            assert await asyncio.wait_for(reader.read(), 10) == b""
            return
        writer.write(sent)
        assert await asyncio.wait_for(reader.read(), 10) == b""  # uvicorn alone waits for ever for the rest of a head
        writer.close()


async def test_what_runs_may_end_while_what_comes_is_told_that_it_is_over():
    slow = asyncio.Event()
    app, listening = application(slow), web.bind("127.0.0.1", 0)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}") as client:
        async with web.serving(app, listening):
            running = asyncio.ensure_future(client.get("/slow"))
            while app.state.idle.is_set():
                await asyncio.sleep(0.01)
            ending = asyncio.ensure_future(_closed(app, client, slow))
        assert (await running).text == "done"
        assert await ending == 503


async def _closed(app: Starlette, client: httpx.AsyncClient, slow: asyncio.Event) -> int:
    while not app.state.closing:
        await asyncio.sleep(0.01)
    status = (await client.get("/")).status_code
    slow.set()
    return status
