"""A browser, and a console to look at.

`NHIP_CONSOLE` names a console that runs already, over the real services with Company X imported; else one is started over
the example in memory, which serves the same pages.
"""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
import uvicorn
from playwright.async_api import Browser, async_playwright

from deploy.browser import find_browser
from eventkit.rpc.demo_issuer import DemoIssuer
from services.gateway.service import application
from services.gateway.session import Identity
from services.gateway.upstream import SERVICES, Upstream
from tests.browser.company_x import CompanyX


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The base URL of a console that shows Company X after the reduction of 12/03/2025."""
    if running := os.environ.get("NHIP_CONSOLE"):
        yield running.rstrip("/")
        return
    with _serving(CompanyX(), tmp_path_factory.mktemp("issuer")) as url:
        yield url


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A console whose map is too large to be sent whole."""
    company = CompanyX()
    pattern = company.goals["i2"]
    for number in range(60):
        company.goals[f"many-{number}"] = replace(pattern, id=f"many-{number}", name=f"Việc thứ {number}")
    with _serving(company, tmp_path_factory.mktemp("issuer")) as url:
        yield url


@contextmanager
def _serving(company: CompanyX, folder: Path) -> Generator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ready, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(company, port, folder, ready, stop)), daemon=True)
    thread.start()
    assert ready.wait(20), "the console did not start"
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        thread.join(10)


async def _serve(company: CompanyX, port: int, folder: Path, ready: threading.Event, stop: threading.Event) -> None:
    server, grpc_port = await company.serve()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        issuer = DemoIssuer(host="127.0.0.1", key_file=folder / "key.json", issuer="http://127.0.0.1/demo")
        upstream = Upstream(dict.fromkeys(SERVICES, channel))
        app = application(upstream, Identity(issuer, "company-x"), clock=lambda: datetime(2025, 3, 20, 5, tzinfo=UTC))
        http = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", proxy_headers=False))
        serving = asyncio.create_task(http.serve())
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
        if os.environ.get("CI") == "true":
            pytest.fail("no browser: these tests must run here")
        pytest.skip("no browser: install Chromium to run these tests")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(found), args=["--no-sandbox"])
        yield browser
        await browser.close()
