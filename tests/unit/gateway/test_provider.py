"""What is kept of a sign-in at a provider: sealed, in as many cookies as it takes, and renewed once."""

import asyncio
from typing import Any

import httpx2
import pytest
from cryptography.fernet import Fernet
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.failures import Failure
from services.gateway.provider import Kept, Provider

KEY = Fernet.generate_key()
NOW = 1_800_000_000.0


def provider(now: float = NOW, key: bytes = KEY) -> Provider:
    return Provider(
        issuer="https://id.test", client="nhip", secret="s", console="https://nhip.test", key=key, clock=lambda: now
    )


def kept(**more: Any) -> Kept:
    given: dict[str, Any] = {"token": "t", "renewal": "r", "until": NOW + 300, "since": NOW, "person": "minh"}
    return Kept(**{**given, "tenant": "acme", **more})


def coming_back(response: Response) -> Request:
    pairs = [value.decode().split(";")[0] for name, value in response.raw_headers if name == b"set-cookie"]
    cookies = "; ".join(pair for pair in pairs if not pair.endswith('=""'))
    return Request({"type": "http", "headers": [(b"cookie", cookies.encode())], "method": "GET", "path": "/"})


def long(length: int) -> Kept:
    """Of tokens that no packing makes shorter."""
    token, renewal = ("".join(Fernet.generate_key().decode() for _ in range(length // 44 + 1)) for _ in range(2))
    return kept(token=token[:length], renewal=renewal[:length])


@pytest.mark.parametrize("length", [10, 2_000, 5_000])
def test_a_session_comes_back_as_it_was_however_long_its_tokens_are(length: int):
    one, response = long(length), Response()
    provider().keep(response, one)
    assert provider().kept(coming_back(response)) == one


def test_what_no_browser_would_keep_is_refused():
    with pytest.raises(Failure, match="SIGN_IN_REFUSED"):
        provider().keep(Response(), long(20_000))


def test_what_another_key_sealed_is_torn_or_is_older_than_a_session_is_none():
    response = Response()
    provider().keep(response, kept())
    request = coming_back(response)
    assert provider(key=Fernet.generate_key()).kept(request) is None
    assert provider(NOW + 13 * 3600).kept(request) is None
    torn = Request({**request.scope, "headers": [(b"cookie", request.headers["cookie"][:-9].encode())]})
    assert provider().kept(torn) is None


async def test_a_token_is_renewed_once_for_all_pages_that_ask_at_the_same_time():
    one = provider(NOW + 290)
    asked: list[str] = []

    async def fetch(*, refresh_token: str, grant_type: str) -> dict[str, Any]:
        asked.append(refresh_token)
        return {"access_token": "t2", "expires_in": 300}

    one._client.fetch_access_token = fetch  # type: ignore[method-assign]
    anew = await one.renewed(kept())
    assert anew is not None
    assert (anew.token, anew.renewal, anew.person, anew.until) == ("t2", "r", "minh", NOW + 590)
    assert await one.renewed(kept()) == anew
    assert asked == ["r"]
    assert await one.renewed(anew) == anew  # good for long enough


async def test_while_the_provider_is_away_a_session_goes_on_as_long_as_its_token_is_good():
    async def away(**_: Any) -> dict[str, Any]:
        raise httpx2.ConnectError("away")

    for now, goes_on in ((NOW + 290, True), (NOW + 301, False)):
        one = provider(now)
        one._client.fetch_access_token = away  # type: ignore[method-assign]
        assert (await one.renewed(kept()) is not None) == goes_on
        assert (await one.renewed(kept(renewal="")) is not None) == goes_on


async def test_a_provider_that_is_away_is_said_so():
    one = provider()

    async def away() -> dict[str, Any]:
        raise httpx2.ConnectTimeout("away")

    one._client.load_server_metadata = away  # type: ignore[method-assign]
    request = Request({"type": "http", "headers": [], "method": "GET", "path": "/sign-in", "query_string": b""})
    with pytest.raises(Failure, match="PROVIDER_AWAY"):
        await one.leave(request, "/")
    assert await one.signed_out_at() == ""
    await asyncio.sleep(0)
