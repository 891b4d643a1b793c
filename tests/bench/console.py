"""Pages of the console: what they take on the server beside the one question that they are about, and what a browser
that comes for the first time has to fetch."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any
from urllib.parse import urljoin

from google.protobuf.message import Message
from starlette.applications import Starlette

from cli.client import Client
from eventkit.rpc.auth import of_settings
from nhip.goals.v1 import goals_pb2 as g
from services.gateway.service import gateway
from services.gateway.session import SESSION_COOKIE
from tests.bench.company import Settled, hosted, settle
from tests.bench.harness import Bench, Figure, at_most, latencies, percentile

KPIS, PEOPLE = 1000, 250
SECONDS = 1.5
BROWSER = {
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "vi,en;q=0.8",
    "sec-fetch-site": "same-origin",
}

PAGE = (
    "A third of it are the template and its cards, most of the rest five questions (who looks, what waits for them, "
    "their inbox, the cycles, the map), which share one process here. What may be done is kept for half a minute, the "
    "zone for five. Remembering who looks was left: who is renamed sees it at once."
)
WIRE = "Fonts are 59 kB of it: the characters and weights that styles use, of four files."
DRAWN = (
    "ECharts is 149 kB as brotli, with nothing in it but two kinds of series, a grid, a tooltip and a canvas: the rest "
    "is its core. It is loaded by pages that draw, and kept for ever."
)

MAP = Figure("console: the map's page, server time p50", "ms", "GetMap", at_most(5), PAGE, short=True)
KPI = Figure("console: a KPI's page, server time p50", "ms", "GetKpi", at_most(5), PAGE)
FIRST = Figure("console: the first page, cold, over the wire", "kB", "", at_most(120), WIRE)
CHART = Figure("console: a KPI's page after it, over the wire", "kB", "", at_most(120), DRAWN)
FIGURES = (MAP, KPI, FIRST, CHART)


async def run(bench: Bench) -> None:
    async with hosted(bench, ("people", "goals", "checkins", "rewards", "notifications", "audit")) as system:
        where = await settle(system, "console", PEOPLE, KPIS)
        addresses = {name: service.address for name, service in system.services.items()}
        settings = system.settings.model_copy(update={"services": addresses, "tenant": where.tenant})
        async with gateway(settings, of_settings(settings), system.issuer) as app:
            browser = Browser(app, system.issuer.mint(where.tenant, f"person:{where.people['p3']}"))
            pages = [f"/kpi/{id}" for level in ("company", "department", "individual") for id in _some(where, level)]
            client = system.client(where.tenant, f"person:{where.people['p3']}")
            asked = [g.GetKpi(kpi_id=page.rpartition("/")[2]) for page in pages]
            await bench.compare(MAP, _p50(browser, ["/map"]), _asking(client, [g.GetMap(cycle_id=where.cycle_id)]))
            await bench.compare(KPI, _p50(browser, pages), _asking(client, asked))
            cold = Browser(app, browser.token)
            bench.report(FIRST, await cold.visit("/") / 1000)
            bench.report(CHART, await cold.visit(pages[-1]) / 1000)


def _some(where: Settled, level: str) -> list[str]:
    return where.of_level(level)[:10]


def _p50(browser: "Browser", pages: list[str]) -> Callable[[], Awaitable[float]]:
    numbers = count()

    async def once(_: int) -> None:
        await browser.get(pages[next(numbers) % len(pages)])

    return _middle(once)


def _asking(client: Client, requests: Sequence[Message]) -> Callable[[], Awaitable[float]]:
    numbers = count()

    async def once(_: int) -> None:
        request = requests[next(numbers) % len(requests)]
        await client.ask(request, g.GoalMap if isinstance(request, g.GetMap) else g.KpiPage)

    return _middle(once)


def _middle(once: Callable[[int], Awaitable[None]]) -> Callable[[], Awaitable[float]]:
    async def measure() -> float:
        return percentile(await latencies(1, once, SECONDS), 0.5) * 1000

    return measure


class Refused(Exception):
    """A page was not answered with itself."""

    def __init__(self, path: str, status: int):
        super().__init__(f"{path}: {status}")
        self.status = status


class Browser:
    """As much of a browser as there is to fetch: a page, what it names, what its styles name, each once.

    It speaks to the application itself: what a server and a network add is nobody's choice.
    """

    def __init__(self, app: Starlette, token: str):
        self._app, self.token = app, token
        self._has: set[str] = set()

    async def get(self, address: str) -> tuple[dict[str, str], bytes]:
        """Headers and body, as they go over the wire. Raises Refused where it is not there."""
        path, _, query = address.partition("?")
        headers = {**BROWSER, "host": "localhost:8080", "cookie": f"{SESSION_COOKIE}={self.token}"}
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8080),
        }
        told: dict[str, str] = {}
        body = bytearray()

        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:  # what is waited for from now on is the end of the connection
                await asyncio.Event().wait()
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                if message["status"] != 200:
                    raise Refused(address, message["status"])
                told.update((name.decode(), value.decode()) for name, value in message["headers"])
            else:
                body.extend(message.get("body", b""))

        await self._app(scope, receive, send)
        return told, bytes(body)

    async def visit(self, path: str) -> int:
        """The bytes of a page and of all that it makes a browser load that does not have it yet, headers included."""
        total = await self._size(path)
        page = await self._text(path)
        named = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
        written = {*re.sub(r"<[^>]*>", " ", page)}
        for address in dict.fromkeys(named):
            total += await self._once(address)
            if address.endswith(".css"):
                for font in _fonts(await self._text(address), written):
                    total += await self._once(urljoin(address, font))
        return total

    async def _once(self, address: str) -> int:
        if address in self._has:
            return 0
        self._has.add(address)
        return await self._size(address)

    async def _size(self, address: str) -> int:
        headers, body = await self.get(address)
        return (
            len(body)
            + sum(len(name) + len(value) + 4 for name, value in headers.items())
            + len("HTTP/1.1 200 OK\r\n\r\n")
        )

    async def _text(self, address: str) -> str:
        """What it says, as nobody compressed it."""
        plain = dict(BROWSER)
        try:
            BROWSER["accept-encoding"] = "identity"
            return (await self.get(address))[1].decode()
        finally:
            BROWSER.update(plain)


def _fonts(styles: str, written: set[str]) -> list[str]:
    """The font files whose ranges have a character that is written on the page."""
    found: list[str] = []
    for face in re.findall(r"@font-face\{[^}]*\}", styles):
        ranges = [
            (int(start, 16), int(end or start, 16))
            for start, end in re.findall(r"U\+([0-9a-fA-F]+)(?:-([0-9a-fA-F]+))?", face)
        ]
        if any(start <= ord(c) <= end for c in written for start, end in ranges):
            found += re.findall(r"url\(\"?([^\")]+)\"?\)", face)
    return found
