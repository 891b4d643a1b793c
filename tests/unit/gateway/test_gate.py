"""What holds for every request, whatever it asks for."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prometheus_client import generate_latest

from eventkit.errors import Kind, Rejected
from eventkit.rpc import ceilings
from eventkit.telemetry import Metrics
from nhip.goals.v1 import goals_pb2
from services.gateway import gate
from services.gateway.service import application
from services.gateway.session import SESSION_COOKIE, Identity
from services.gateway.upstream import Upstream

from .conftest import Backend
from .test_said import NOBODY

LONG = goals_pb2.Cycles(cycles=[goals_pb2.Cycle(cycle_id=f"q{n}", name="Quý") for n in range(200)])


def error(answer: httpx.Response) -> dict[str, Any]:
    return answer.json()["error"]


def app_of(client: httpx.AsyncClient) -> Any:
    return client._transport.app  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]


# --- who is let in ---------------------------------------------------------------------------------------------------


async def endless(seen: list[int]) -> AsyncIterator[bytes]:
    for part in range(1000):
        seen.append(part)
        yield b"[" * 1000


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic YTpi"])
async def test_without_a_token_no_body_is_read(client: httpx.AsyncClient, backend: Backend, authorization: str):
    seen: list[int] = []
    headers = {"Content-Type": "application/json", "Authorization": authorization}
    answer = await client.post("/v1/cycles", content=endless(seen), headers=headers)
    assert (answer.status_code, error(answer)["status"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert (seen, backend.asked) == ([], [])


async def test_who_is_not_let_in_hears_that_before_what_is_wrong_with_the_request(client: httpx.AsyncClient):
    del client.headers["authorization"]
    for answer in (
        await client.post("/v1/cycles", content=b"{", headers={"Content-Type": "application/json"}),
        await client.get("/v1/cycles/q1/map?nothing=1"),
        await client.post("/v1/cycles", data={"a": "b"}),
    ):
        assert answer.status_code == 401


async def test_a_token_is_one_token(client: httpx.AsyncClient):
    twice = [("authorization", client.headers["authorization"])] * 2
    del client.headers["authorization"]
    assert (await client.get("/v1/cycles", headers=twice)).status_code == 401


async def test_a_session_that_was_signed_out_of_ends_here_whoever_has_its_cookie(signed_in: httpx.AsyncClient):
    copied = signed_in.cookies[SESSION_COOKIE]
    as_token = {"Authorization": f"Bearer {copied}"}
    assert (await signed_in.get("/v1/cycles", headers=as_token)).status_code == 200
    await signed_in.post("/sign-out", headers={"Sec-Fetch-Site": "same-origin"})
    signed_in.cookies.set(SESSION_COOKIE, copied)
    assert (await signed_in.get("/proposals")).status_code == 303
    assert error(await signed_in.get("/v1/cycles", headers=as_token))["reason"] == "TOKEN_EXPIRED"
    assert (await signed_in.get("/v1/cycles")).status_code == 200  # another session of the same person goes on


# --- a demo on this machine ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "localhost:8081"},
        {"Host": "localhost:x"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Forwarded": "for=10.0.0.1"},
        {"X-Forwarded-Host": "nhip.example"},
        {"X-Real-Ip": "10.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
    ids=str,
)
async def test_a_demo_answers_this_machine_by_its_own_names_only(client: httpx.AsyncClient, headers: dict[str, str]):
    for path in ("/", "/sign-in", "/v1/cycles", "/demo/token", "/.well-known/jwks.json", "/healthz", "/static/x.js"):
        answer = await client.get(path, headers=headers)
        assert answer.status_code == 403, path
        assert SESSION_COOKIE not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "localhost:80"])
async def test_every_loopback_name_is_this_machines(client: httpx.AsyncClient, host: str):
    assert (await client.get("/healthz", headers={"Host": host})).status_code == 200


# --- bodies ----------------------------------------------------------------------------------------------------------


async def test_a_body_ends_at_a_megabyte_whatever_it_says_of_itself(client: httpx.AsyncClient):
    seen: list[int] = []
    answer = await client.post("/v1/cycles", content=endless(seen), headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 413)

    async def long() -> AsyncIterator[bytes]:
        for _ in range(2000):
            yield b" " * 1000

    answer = await client.post("/v1/cycles", content=long(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, error(answer)["reason"]) == (413, "BODY_TOO_LARGE")
    for length in ("9" * 400, "-1", "x", "٣"):
        answer = await client.post("/v1/cycles", content=b"{}", headers=[(b"content-length", length.encode())])
        assert answer.status_code == 413


async def test_a_body_that_does_not_come_is_not_waited_for(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.05)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    answer = await client.post("/v1/cycles", content=stuck(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, error(answer)["reason"]) == (408, "BODY_SLOW")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"name":' * 50_000,
        b'{"name": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"measure": ' + b'{"a":' * 400 + b"1" + b"}" * 401,
        b'{"name": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"name": {"\\ud800\\ud800": "x"}}',
        b'{"year": 1e999}',
        b'{"year": ' + b"9" * 4000 + b"}",
        b'{"year": ' + b"9" * 6000 + b"}",
        b'{"name": NaN}',
        b"\xff\xfe",
        b'{"measure": {"target": 5, "kind": {}}}',
        b'{"goal_ids": {"a": "b"}}',
        b'{"goal_ids": [[[]]]}',
    ],
    ids=lambda body: repr(body[:30]),
)
async def test_json_of_any_shape_is_answered_by_a_sentence(client: httpx.AsyncClient, body: bytes):
    for path in ("/v1/cycles", "/v1/csfs", "/v1/proposals", "/v1/strategic-goals"):
        answer = await client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 404, 405), path
        assert error(answer)["message"]
        assert len(answer.content) < 100_000


# --- the JSON face ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [[""], ["a", "b"], ["a", "a"], ["k" * 201], ["a\tb"]], ids=str)
async def test_a_key_that_is_none_is_refused(client: httpx.AsyncClient, backend: Backend, keys: list[str]):
    answer = await client.post("/v1/cycles", json={}, headers=[("idempotency-key", key) for key in keys])
    assert (answer.status_code, error(answer)["reason"]) == (
        400,
        "HEADER_MALFORMED" if "\t" in keys[0] else "IDEMPOTENCY_KEY_MALFORMED",
    )
    assert not backend.asked


async def test_a_path_says_what_it_answers(client: httpx.AsyncClient):
    for method in ("DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"):
        answer = await client.request(method, "/v1/cycles")
        assert (answer.status_code, error(answer)["reason"]) == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == "GET, HEAD, POST"
    page = await client.request("DELETE", "/proposals")
    assert (page.status_code, page.headers["content-type"]) == (405, "text/html; charset=utf-8")
    assert page.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/cycles/", "/v1//cycles", "/v1/cycles/a/%00"])
async def test_what_is_not_there_is_said_in_json(client: httpx.AsyncClient, path: str):
    answer = await client.get(path)
    assert (answer.status_code, error(answer)["reason"]) == (404, "PATH_UNKNOWN")


async def test_a_request_has_an_id_in_the_answer_and_in_what_is_refused(client: httpx.AsyncClient, backend: Backend):
    backend.answers("ListCycles", LONG)
    assert (await client.get("/v1/cycles", headers={"X-Request-Id": "abc-1"})).headers["x-request-id"] == "abc-1"
    for given in ("a b", "x" * 65, "<script>", ""):
        made = (await client.get("/v1/cycles", headers={"X-Request-Id": given})).headers["x-request-id"]
        assert made != given
        assert len(made) == 32
    refused = await client.get("/v1/nothing", headers={"X-Request-Id": "abc-2"})
    assert error(refused)["request_id"] == refused.headers["x-request-id"] == "abc-2"
    assert backend.metadata("x-request-id", 0) == ["abc-1"]


async def test_what_did_not_change_is_not_sent_again(client: httpx.AsyncClient, backend: Backend):
    backend.answers("ListCycles", LONG)
    first = await client.get("/v1/cycles")
    tag = first.headers["etag"]
    for held in (tag, f'"other", {tag}', tag.removeprefix("W/")):
        again = await client.get("/v1/cycles", headers={"If-None-Match": held})
        assert (again.status_code, again.content) == (304, b"")
    backend.answers("ListCycles", goals_pb2.Cycles())
    changed = await client.get("/v1/cycles", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()) == (200, {})


async def test_too_often_is_429_with_when_to_ask_again_and_too_long_is_not(client: httpx.AsyncClient, backend: Backend):
    backend.answers("ListCycles", Rejected("RATE_EXCEEDED", "slow down", kind=Kind.TOO_MANY, retry_after=2.4))
    often = await client.get("/v1/cycles")
    assert (often.status_code, often.headers["retry-after"], error(often)["reason"]) == (429, "3", "RATE_EXCEEDED")
    backend.answers("ListCycles", Rejected("REPLY_TOO_LARGE", "ask for less", kind=Kind.TOO_MANY))
    long = await client.get("/v1/cycles")
    assert (long.status_code, "retry-after" in long.headers, error(long)["reason"]) == (400, False, "REPLY_TOO_LARGE")


async def test_no_page_of_elsewhere_uses_the_api_of_a_demo(client: httpx.AsyncClient):
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, idempotency-key",
    }
    for origin in ("https://intranet.test", "https://evil.test"):  # a demo is for this machine, whatever is named
        answer = await client.options("/v1/cycles", headers={"Origin": origin, **asked})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


async def test_pages_of_named_origins_may_use_the_api_and_no_others(backend: Backend, open_client: httpx.AsyncClient):
    backend.answers("ListCycles", LONG)
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, idempotency-key",
    }
    allowed = await open_client.options("/v1/cycles", headers={"Origin": "https://intranet.test", **asked})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://intranet.test")
    assert "access-control-allow-credentials" not in allowed.headers
    answer = await open_client.get("/v1/cycles", headers={"Origin": "https://intranet.test"})
    assert answer.headers["access-control-allow-origin"] == "https://intranet.test"
    unnamed = await open_client.get("/v1/nothing", headers={"Origin": "https://evil.test"})
    assert "access-control-allow-origin" not in unnamed.headers
    console = await open_client.get("/sign-in", headers={"Origin": "https://intranet.test"})
    assert "access-control-allow-origin" not in console.headers


# --- answers ---------------------------------------------------------------------------------------------------------


async def raw(client: httpx.AsyncClient, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    async with client.stream("GET", path, headers=headers) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


async def test_long_answers_are_compressed_for_who_takes_that(client: httpx.AsyncClient, backend: Backend):
    backend.answers("ListCycles", LONG)
    packed, content = await raw(client, "/v1/cycles")
    assert packed.headers["content-encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(content))["cycles"]) == 200
    assert packed.headers["etag"].startswith("W/")
    assert "Accept-Encoding" in packed.headers["vary"]
    plain, content = await raw(client, "/v1/cycles", **{"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert len(json.loads(content)["cycles"]) == 200
    page, _ = await raw(client, "/api")
    assert page.headers["content-encoding"] == "gzip"


async def test_an_answer_to_another_sites_page_has_no_length_to_guess_from(client: httpx.AsyncClient):
    page, _ = await raw(client, "/api", **{"Sec-Fetch-Site": "cross-site"})
    assert "content-encoding" not in page.headers


async def test_ranges_are_of_what_is_not_compressed(
    client: httpx.AsyncClient, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "long.js").write_bytes(bytes(range(256)) * 40)
    static = next(route for route in app_of(client).routes if route.path == "/static").app
    monkeypatch.setattr(static, "all_directories", [tmp_path])
    monkeypatch.setattr(static, "config_checked", True)
    whole, _ = await raw(client, "/static/long.js")
    assert whole.headers["content-encoding"] == "gzip"
    assert whole.headers["etag"].startswith("W/")
    part, content = await raw(client, "/static/long.js", Range="bytes=10-19")
    assert (part.status_code, content) == (206, bytes(range(10, 20)))
    assert part.headers["content-range"] == "bytes 10-19/10240"


async def test_built_texts_go_out_as_the_build_compressed_them(
    client: httpx.AsyncClient, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    for name, content in (("a.css", b"plain" * 400), ("a.css.br", b"brotli"), ("a.css.gz", b"gzip")):
        (tmp_path / name).write_bytes(content)
    static = next(route for route in app_of(client).routes if route.path == "/static").app
    monkeypatch.setattr(static, "all_directories", [tmp_path])
    monkeypatch.setattr(static, "config_checked", True)
    for takes, encoding, sent in (
        ("gzip, deflate, br", "br", b"brotli"),
        ("gzip", "gzip", b"gzip"),
        ("br;q=0, gzip", "gzip", b"gzip"),
        ("identity", "", b"plain" * 400),
    ):
        answer, content = await raw(client, "/static/a.css", **{"Accept-Encoding": takes})
        assert (answer.headers.get("content-encoding", ""), content) == (encoding, sent)
        assert answer.headers["content-type"] == "text/css; charset=utf-8"
        assert "immutable" in answer.headers["cache-control"]
        assert "Accept-Encoding" in answer.headers["vary"]


async def test_while_it_shuts_down_it_says_so_and_when_to_ask_again(client: httpx.AsyncClient):
    app_of(client).state.closing = True
    answer = await client.get("/v1/cycles")
    assert (answer.status_code, answer.headers["retry-after"], error(answer)["reason"]) == (503, "5", "SHUTTING_DOWN")
    page = await client.get("/sign-in")
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")


async def test_a_request_that_is_cut_off_by_the_shutdown_is_told_so(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    begun = asyncio.Event()

    async def stuck(*_: object) -> Any:
        begun.set()
        await asyncio.sleep(30)

    monkeypatch.setattr(Upstream, "call", stuck)
    asked = asyncio.ensure_future(client.get("/v1/cycles"))
    await begun.wait()
    assert not app_of(client).state.idle.is_set()
    app_of(client).state.closing = True
    asked.cancel()
    assert (await asked).status_code == 503
    assert app_of(client).state.idle.is_set()


async def test_where_more_is_asked_than_is_carried_it_is_said_when_to_ask_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ceilings, "PATIENCE_SECONDS", 0.05)
    app = application(Upstream({}), Identity(None, "acme"), NOBODY, at_once=1)
    begun, ends = asyncio.Event(), asyncio.Event()

    async def ended(_: str) -> None:
        begun.set()
        await ends.wait()

    monkeypatch.setattr(NOBODY, "authenticate", ended)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://nhip.test") as client:
        first = asyncio.ensure_future(client.get("/v1/cycles"))
        await begun.wait()
        api, console, health = [await client.get(path) for path in ("/v1/cycles", "/sign-in", "/healthz")]
        ends.set()
        await first
    assert (api.status_code, error(api)["reason"], console.status_code) == (429, "OVERLOADED", 429)
    assert all(answer.headers["retry-after"] in ("1", "2") for answer in (api, console))
    assert health.status_code == 200


async def test_a_fault_of_our_own_is_found_again_by_the_requests_id(
    client: httpx.AsyncClient, backend: Backend, monkeypatch: pytest.MonkeyPatch
):
    backend.answers("ListCycles", LONG)
    monkeypatch.setattr("services.gateway.json_api.json_of", lambda _: 1 / 0)
    client._transport.raise_app_exceptions = False  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]
    answer = await client.get("/v1/cycles", headers={"X-Request-Id": "abc-3"})
    assert (answer.status_code, error(answer)["request_id"], answer.headers["x-request-id"]) == (500, "abc-3", "abc-3")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_requests_are_counted_by_what_they_were_for_and_how_they_were_answered():
    metrics = Metrics()
    app = application(Upstream({}), Identity(None, "acme"), NOBODY, metrics=metrics)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://nhip.test") as client:
        await client.get("/healthz")
        await client.get("/v1/cycles")
        await client.get("/sign-in")
        await client.get("/people/acme-secret")
    told = generate_latest(metrics.registry).decode()
    assert 'nhip_http_handled_total{part="health",status="200"} 1.0' in told
    assert 'nhip_http_handled_total{part="api",status="401"} 1.0' in told
    assert 'nhip_http_seconds_count{part="console"} 2.0' in told
    assert "nhip_http_in_flight 0.0" in told
    assert "secret" not in told
