"""What is got from an address that somebody named: allowed hosts, public addresses, within bounds."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest

from services.checkins.reactors import published
from services.checkins.reactors.published import Published, Reach, Unavailable, get, is_public

SHEETS = Reach(("docs.google.com", "*.googleusercontent.com"))


@asynccontextmanager
async def serving(answer: Callable[[str, dict[str, str]], bytes]) -> AsyncGenerator[str]:
    """A server of this test's own; answers its origin."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        writer.write(answer(head[0].split()[1], headers))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def reply(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"content-length: {len(body)}", "connection: close", "", ""]
    return "\r\n".join(lines).encode() + body


async def reason(url: str, reach: Reach) -> str:
    with pytest.raises(Unavailable) as refused:
        await get(url, reach)
    return refused.value.reason


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://docs.google.com/x", "SOURCE_NOT_HTTPS"),
        ("https://docs.google.com:8443/x", "SOURCE_NOT_HTTPS"),
        ("https://user@docs.google.com/x", "SOURCE_NOT_HTTPS"),
        ("https://example.com/x", "HOST_NOT_ALLOWED"),
        ("https://docs.google.com.evil.test/x", "HOST_NOT_ALLOWED"),
        ("https://googleusercontent.com/x", "HOST_NOT_ALLOWED"),
        ("https://127.0.0.1/x", "HOST_NOT_ALLOWED"),
        ("file:///etc/passwd", "SOURCE_NOT_HTTPS"),
    ],
)
async def test_only_allowed_hosts_are_looked_at_and_encrypted(url: str, why: str):
    assert await reason(url, SHEETS) == why


@pytest.mark.parametrize(
    "addresses", [("10.0.0.1",), ("142.250.1.1", "127.0.0.1"), ("169.254.169.254",), ("::1",), ("fd00::1",)]
)
async def test_a_name_that_leads_into_a_private_network_is_not_followed(
    addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    async def found(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
    assert await reason("https://docs.google.com/x", SHEETS) == "HOST_PRIVATE"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("142.250.1.1", True),
        ("2a00:1450:4001::1", True),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),  # an address that is looked at, nothing is bound to it
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_an_address_is_public_also_inside_another_ones_form(address: str, public: bool):
    assert is_public(address) is public


async def test_what_was_got_before_is_asked_for_by_its_mark():
    def answer(path: str, headers: dict[str, str]) -> bytes:
        if headers.get("if-none-match") == '"1"':
            return reply("304 Not Modified")
        return reply("200 OK", b"KPI,So\n", 'etag: "1"', "last-modified: Thu, 20 Mar 2025 03:00:00 GMT")

    async with serving(answer) as origin:
        reach = Reach((), (origin,))
        first = await get(f"{origin}/t.csv", reach)
        assert first == Published(b"KPI,So\n", '"1"', "Thu, 20 Mar 2025 03:00:00 GMT")
        assert (await get(f"{origin}/t.csv", reach, etag=first.etag)).content is None


async def test_a_redirect_is_judged_as_the_first_address_is():
    places = {
        "/here": "/table",
        "/inside": "http://127.0.0.1:1/secret",
        "/metadata": "https://169.254.169.254/latest",
        "/round": "/round",
        "/nowhere": "https://[x",
        "/port": "https://docs.google.com:99999/x",
    }

    def answer(path: str, headers: dict[str, str]) -> bytes:
        return reply("302 Found", b"", f"location: {places[path]}") if path in places else reply("200 OK", b"a")

    async with serving(answer) as origin:
        reach = Reach((), (origin,))
        assert (await get(f"{origin}/here", reach)).content == b"a"
        assert await reason(f"{origin}/inside", reach) == "SOURCE_NOT_HTTPS"
        assert await reason(f"{origin}/metadata", reach) == "HOST_NOT_ALLOWED"
        assert await reason(f"{origin}/round", reach) == "TOO_MANY_REDIRECTS"
        assert await reason(f"{origin}/nowhere", reach) == "SOURCE_AWAY"
        assert await reason(f"{origin}/port", reach) == "SOURCE_AWAY"


async def test_it_comes_within_bounds_or_not_at_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(published, "MOST_BYTES", 10)

    def answer(path: str, headers: dict[str, str]) -> bytes:
        odd = {"/gone": "404 Not Found", "/leads": "302 Found"}
        return reply(odd[path]) if path in odd else reply("200 OK", b"0123456789a")

    async with serving(answer) as origin:
        reach = Reach((), (origin,))
        assert await reason(f"{origin}/large", reach) == "SOURCE_TOO_LARGE"
        assert await reason(f"{origin}/gone", reach) == "SOURCE_ANSWERS"
        assert await reason(f"{origin}/leads", reach) == "SOURCE_ANSWERS"
    assert await reason(f"{origin}/away", reach) == "SOURCE_AWAY"


async def test_who_answers_slowly_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(published, "SECONDS", 0.2)
    server = await asyncio.start_server(lambda _, __: asyncio.sleep(5), "127.0.0.1", 0)
    try:
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await reason(f"{origin}/slow", Reach((), (origin,))) in ("SOURCE_SLOW", "SOURCE_AWAY")
    finally:
        server.close()
