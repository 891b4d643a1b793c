"""The gateway below a path of a host: nothing leads out of it, whether a proxy takes the path off or passes it on."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import grpc
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Match, Route

import services.gateway as gateway
from eventkit.rpc.auth import Keys, Tokens
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.settings import SettingsError
from services.gateway.features import feature_routes
from services.gateway.public import ADDRESSES, Public
from services.gateway.service import application
from services.gateway.session import Identity
from services.gateway.upstream import SERVICES, Upstream
from tests.browser.company_x import CompanyX

from .conftest import NOBODY, Backend

ROOM = Path(gateway.__file__).parent
BASE = "/nhip"
CONSOLE = f"http://localhost{BASE}"
OWN = {"Sec-Fetch-Site": "same-origin"}
SCRIPTS = [*ROOM.glob("features/**/*.js"), *ROOM.glob("web/src/*.js")]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Starlette]:
    """Company X's console below a path."""
    server, port = await CompanyX().serve()
    issuer = DemoIssuer(host="127.0.0.1", key_file=tmp_path / "key.json", issuer="http://127.0.0.1/demo")
    (tmp_path / "jwks.json").write_text(json.dumps(issuer.jwks()))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield application(
            Upstream(dict.fromkeys(SERVICES, channel)),
            Identity(issuer, "company-x"),
            Tokens(issuer=issuer.issuer, audience="nhip", keys=Keys(str(tmp_path / "jwks.json"))),
            clock=lambda: datetime(2025, 3, 20, 5, tzinfo=UTC),
            public=CONSOLE,
        )
    await server.stop(None)


@pytest.fixture
async def below(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it, as a browser that keeps cookies."""
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def sign_in(client: httpx.AsyncClient, person: str, next: str = "/") -> httpx.Response:
    return await client.post(f"{BASE}/sign-in", data={"person": person, "next": next}, headers=OWN)


NO_ADDRESSES = ("value", "aria-keyshortcuts")
"""What fields hold comes back to the inside; "/" is a key, too."""


class Led(HTMLParser):
    """Where a page leads to: of every attribute that begins as a path does."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.to: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.to += [
            (name, value) for name, value in attrs if value and value.startswith("/") and name not in NO_ADDRESSES
        ]


ALSO = (
    *("/kpi/i1/access", "/kpi/i1/compare?a=2025-02-18", "/map/compare?a=2025-02-18", "/people/minh/leaving"),
    *("/people/minh/sign-ins", "/proposals/p3", "/retro/q1-2025", "/search?q=a", "/sign-in", "/signed-in-again"),
    "/signed-out",
)
"""Where only a form or a window leads."""
NOT_LED_TO = {"/language/{code}", "/logo/{digest}", "/map/branch/{node}", "/retro/{cycle}/{person}", "/sign-in/back"}
"""Not looked at, and what this company has nothing of."""
DECLARED = [one for routes in feature_routes().values() for one in routes.declared]
PAGES = {one.path for one in DECLARED} - {one.path for one in DECLARED if one.method == "POST"}
PATTERNS = [Route(one.path, lambda _: None) for one in DECLARED]


def pattern(path: str) -> str:
    """What answers it, so that each is looked at once."""
    scope = {"type": "http", "method": "GET", "path": path.partition("?")[0].removeprefix(BASE) or "/"}
    return next((route.path for route in PATTERNS if route.matches(scope)[0] is not Match.NONE), path)


async def test_whatever_can_be_reached_leads_to_what_is_below_the_base(below: httpx.AsyncClient):
    seen: set[str] = set()
    for person in ("huong", "minh", "nam", "khanh"):
        await sign_in(below, person)
        waiting, looked_at = [f"{BASE}/", *(f"{BASE}{path}" for path in ALSO)], set[str]()
        while waiting:
            path = waiting.pop().partition("#")[0]
            if (kind := pattern(path)) in looked_at or kind == "/language/{code}":
                continue
            looked_at.add(kind)
            # A proxy passes every other request on without the base.
            asked = path if len(looked_at) % 2 else path.removeprefix(BASE)
            answer = await below.get(asked)
            assert answer.status_code in (200, 303, 403, 404, 501), (path, answer.status_code)
            if "location" in answer.headers:
                assert answer.headers["location"].startswith(f"{BASE}/"), path
                waiting.append(answer.headers["location"])
            if answer.headers.get("content-type", "").startswith("text/html"):
                led = Led(answer.text).to
                assert [(name, to) for name, to in led if to != BASE and not to.startswith(f"{BASE}/")] == [], path
                assert [(name, to) for name, to in led if to.startswith(f"{BASE}{BASE}")] == [], path
                waiting += [to for _, to in led]
        seen |= looked_at
    assert sorted(PAGES - seen - NOT_LED_TO) == []


async def test_who_signs_in_is_led_on_below_the_base_and_their_cookies_are_good_there_alone(below: httpx.AsyncClient):
    assert (await below.get(f"{BASE}/kpi/i1")).headers["location"] == f"{BASE}/sign-in?next=%2Fkpi%2Fi1"
    back = await sign_in(below, "minh", "/kpi/i1")
    assert (back.status_code, back.headers["location"]) == (303, f"{BASE}/kpi/i1")
    assert re.findall(r"Path=([^;]*)", back.headers["set-cookie"]) == [BASE]
    assert (await below.get(BASE)).status_code == 200
    left = await below.post(f"{BASE}/sign-out", headers=OWN)
    assert left.headers["location"] == f"{BASE}/sign-in"
    assert set(re.findall(r"Path=([^;]*)", left.headers["set-cookie"])) == {BASE}


async def test_the_form_of_an_ended_session_comes_back_below_the_base(below: httpx.AsyncClient):
    page = await below.post(f"{BASE}/praise?kpi=i1", data={"words": "Hay"}, headers=OWN)
    [kept] = re.findall(r'name="kept" value="([^"]*)"', page.text)
    assert "&#34;/praise?kpi=i1&#34;" in kept
    again = await below.post(
        f"{BASE}/sign-in", data={"person": "minh", "kept": kept.replace("&#34;", '"')}, headers=OWN
    )
    assert f'action="{BASE}/praise?kpi=i1"' in again.text


@pytest.mark.parametrize("to", ["//evil.test", "https://evil.test/nhip", "/\\evil.test", "\\\\evil.test", "evil"])
async def test_nobody_is_led_elsewhere(below: httpx.AsyncClient, to: str):
    assert (await sign_in(below, "minh", to)).headers["location"] == f"{BASE}/"
    spoken = await below.get(f"{BASE}/language/en", params={"next": to})
    assert spoken.headers["location"] == f"{BASE}/"


async def test_what_only_begins_like_the_base_is_another_path(below: httpx.AsyncClient):
    await sign_in(below, "minh")
    assert (await below.get("/nhipx")).status_code == 404
    assert (await below.get(f"{BASE}{BASE}/kpi/i1")).status_code == 404


async def test_a_session_from_before_there_was_a_base_is_none_below_it(below: httpx.AsyncClient):
    """Browsers still have its cookies, in one part or several, and send them along: neither beside those of the base
    nor after signing out do they let anybody in."""
    signed = (await sign_in(below, "minh")).cookies["nhip-session!nhip"]
    below.cookies.clear()
    before = f"nhip-session={signed}; nhip-session-0=old; nhip-session-1=older"
    with_both = await below.get(f"{BASE}/profile", headers={"cookie": f"nhip-session!nhip={signed}; {before}"})
    assert with_both.status_code == 200
    assert "Minh" in with_both.text
    with_the_old = await below.get(f"{BASE}/profile", headers={"cookie": before})
    assert with_the_old.headers["location"].startswith(f"{BASE}/sign-in")


@pytest.mark.parametrize("path", ["/people/", "/values/", "/import/", "/v1/people/"])
async def test_an_address_with_a_slash_too_many_leads_nowhere(below: httpx.AsyncClient, path: str):
    """Least of all to where the header Host says."""
    await sign_in(below, "huong")
    for method in ("GET", "POST"):
        answer = await below.request(method, BASE + path, headers=OWN | {"Host": "evil.test"})
        assert answer.status_code in (401, 403, 404), path
        assert "location" not in answer.headers, path


async def test_programs_are_told_addresses_with_the_base(below: httpx.AsyncClient):
    assert (await below.get("/healthz")).status_code == 200
    told = (await below.get(f"{BASE}/v1/openapi.json")).json()
    assert told["servers"] == [{"url": CONSOLE}]
    assert (await below.get(f"{BASE}/v1/kpis/i1")).json()["error"]["status"] == "UNAUTHENTICATED"
    assert (await below.get(f"{BASE}/scim/v2/Users")).json()["status"] == "401"


async def test_a_page_of_a_fault_leads_below_the_base_too(
    app: Starlette, below: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    await sign_in(below, "minh")

    def breaks(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("services.gateway.console.visit.Visit.redirect", breaks)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", cookies=below.cookies) as client:
        page = await client.get(f"{BASE}/proposals/i1/decision")  # what a form is sent to leads to its page
        assert page.status_code == 500
        assert all(to.startswith(f"{BASE}/") for _, to in Led(page.text).to)
        assert "next=/proposals/i1/decision" in page.text


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("", ""),
        ("https://nhip.example.com", ""),
        ("https://nhip.example.com/", ""),
        ("https://intranet.example.com/nhip/", "/nhip"),
        ("https://intranet.example.com/apps/nhip", "/apps/nhip"),
    ],
)
def test_the_base_is_the_path_of_the_consoles_url(url: str, base: str):
    assert Public(url).base == base


async def test_a_base_that_begins_as_an_address_of_its_own_is_refused(backend: Backend):
    with pytest.raises(SettingsError, match=r"cannot begin with /people, .* choose another, as /nhip"):
        application(Upstream({}), Identity(None, "acme"), NOBODY, public="https://intranet.example.com/people/nhip")


def test_words_of_people_stay_as_they_are():
    html = '<p title="/kpi"> href=&#34;/kpi&#34; </p><input value="/kpi"><a href="//cdn"><a href="/kpi"><a href="/">'
    shown = Public(CONSOLE).page(html)
    assert shown == html.replace('href="/kpi"', 'href="/nhip/kpi"').replace('href="/"', 'href="/nhip/"')
    assert Public().page(html) == html


def test_scripts_name_no_address_and_fetch_what_their_pages_name():
    wanted = re.compile(r"fetch\(\s*(?:`\$\{)?[a-z.]*(?:dataset\.(\w+)|(href))")
    fetched: list[str] = []
    for script in SCRIPTS:
        text = script.read_text()
        assert re.findall(r"[\"'`]/[a-z][^\"'`]*", text) == [], script
        named = [data or href for data, href in wanted.findall(text)]
        assert len(named) == text.count("fetch("), script
        fetched += named
    assert fetched
    assert [name for name in fetched if name != "href" and f"data-{name}" not in ADDRESSES] == []


def test_templates_write_attributes_as_the_base_is_put_before_them():
    """With double quotes; the crawl above sees no page that is not reached."""
    for template in ROOM.rglob("*.html"):
        if "node_modules" not in template.parts:
            loose = re.findall(rf"\s(?:{'|'.join(ADDRESSES)})=[^\"\s]\S*", template.read_text())
            assert loose == [], template


def test_pages_are_made_in_one_place():
    made = [file.name for file in ROOM.rglob("*.py") if re.search(r"get_template\(|TemplateResp", file.read_text())]
    assert made == ["visit.py"]
