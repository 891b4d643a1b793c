"""A browser, and a console to look at.

`NHIP_CONSOLE` names a console that runs already, over the real services with Company X imported; else one is started
over the example in memory, which serves the same pages.
"""

import asyncio
import json
import os
import re
import socket
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from playwright.async_api import TimeoutError as StillNot
from starlette.types import ASGIApp

from deploy.browser import find_browser
from eventkit.rpc.auth import Keys, Tokens
from eventkit.rpc.demo_issuer import DemoIssuer
from services.gateway.service import application
from services.gateway.session import Identity
from services.gateway.upstream import SERVICES, Upstream
from tests.browser.company_x import CompanyX
from tests.waiting import PATIENCE

Open = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The base URL of a console that shows Company X after the reduction of 12/03/2025."""
    if running := os.environ.get("NHIP_CONSOLE"):
        yield running.rstrip("/")
        return
    with serving(CompanyX(), tmp_path_factory.mktemp("issuer")) as url:
        yield url


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A console whose map is too large to be sent whole."""
    company = CompanyX()
    pattern = company.goals["i2"]
    for number in range(60):
        company.goals[f"many-{number}"] = replace(pattern, id=f"many-{number}", name=f"Việc thứ {number}")
    with serving(company, tmp_path_factory.mktemp("issuer")) as url:
        yield url


Proxy = Callable[[ASGIApp], ASGIApp]


@contextmanager
def serving(
    company: CompanyX, folder: Path, *, below: str = "", proxy: Proxy = lambda console: console
) -> Generator[str]:
    """A console over an example, where that path is its base, behind what `proxy` makes of it."""
    ready, stop = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(
            target=lambda: asyncio.run(_serve(company, listening, folder, ready, stop, below, proxy)), daemon=True
        )
        thread.start()
        assert ready.wait(20), "the console did not start"
        try:
            yield _address(listening) + below
        finally:
            stop.set()
            thread.join(10)


def _address(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


async def _serve(
    company: CompanyX,
    listening: socket.socket,
    folder: Path,
    ready: threading.Event,
    stop: threading.Event,
    below: str,
    proxy: Proxy,
) -> None:
    server, grpc_port = await company.serve()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        issuer = DemoIssuer(host="127.0.0.1", key_file=folder / "key.json", issuer="http://127.0.0.1/demo")
        (folder / "jwks.json").write_text(json.dumps(issuer.jwks()))
        tokens = Tokens(issuer=issuer.issuer, audience="nhip", keys=Keys(str(folder / "jwks.json")))
        upstream = Upstream(dict.fromkeys(SERVICES, channel))
        app = application(
            upstream,
            Identity(issuer, "company-x"),
            tokens,
            clock=lambda: datetime(2025, 3, 20, 5, tzinfo=UTC),
            public=_address(listening) + below if below else "",
        )
        http = uvicorn.Server(uvicorn.Config(proxy(app), log_level="warning", proxy_headers=False))
        serving = asyncio.create_task(http.serve(sockets=[listening]))
        while not http.started:
            await asyncio.sleep(0.02)
        ready.set()
        await asyncio.to_thread(stop.wait)
        http.should_exit = True
        await serving
    await server.stop(None)


@pytest.fixture(scope="session")
async def chromium() -> AsyncGenerator[Browser]:
    found = find_browser()
    if found is None:
        pytest.fail(
            "no browser: install Chromium (Debian: apt install chromium-headless-shell), or set NHIP_BROWSER to one"
        )
    expect.set_options(timeout=1000 * PATIENCE)  # its own five seconds are too few for a slow machine
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(found), args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def opened(chromium: Browser, console: str) -> AsyncGenerator[Open]:
    """Opens a page as somebody, nowhere yet where the path is empty.

    Fails the test for any error that the page's script or policy reports.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def open_page(
        path: str = "/map", *, person: str = "Minh", phone: bool = False, script: bool = True, **more: object
    ) -> Page:
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 800}
        more.setdefault("base_url", console)
        context = await chromium.new_context(
            viewport=more.pop("viewport", size), java_script_enabled=script, is_mobile=phone, has_touch=phone, **more  # pyright: ignore[reportArgumentType]
        )  # fmt: skip
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                complaints.append(said.text) if said.type == "error" and "status of 4" not in said.text else None
            ),
        )
        if person:
            await sign_in(page, person)
        if path:
            await page.goto(path)
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert complaints == []


async def sign_in(page: Page, person: str) -> None:
    """Makes the browser's session somebody's, as the form of `/sign-in` does, without drawing the pages on the way."""
    listed = await (await page.request.get("/sign-in")).text()
    found = re.search(rf'name="person" value="([^"]+)">(?:(?!</button>).)*?<b>{person}\b', listed, re.S)
    assert found, f"{person} is not among those who may sign in"
    own = {"Sec-Fetch-Site": "same-origin"}
    await page.request.post("/sign-in", form={"person": found[1], "next": "/"}, headers=own, max_redirects=0)


async def fits(page: Page) -> None:
    """Nothing of the page sticks out at the side.

    What the page is measured by is asked again while a deed still replaces it: a document that is being read has no
    element yet, and says so.
    """
    width = (page.viewport_size or {})["width"]
    try:
        await page.wait_for_function("width => document.documentElement?.scrollWidth === width", arg=width)
    except StillNot:
        shown = await page.evaluate("document.documentElement.scrollWidth")
        pytest.fail(f"{page.url} is {shown} px wide in a window of {width} px")


async def until(there: Callable[[], Awaitable[int]], page: Page) -> None:
    """Reloads the page until something is there: it comes over Kafka, from another context."""
    async with asyncio.timeout(PATIENCE):
        while not await there():
            await asyncio.sleep(0.3)
            await page.reload()
