"""Tokens by which a process comes to Kafka: one for all connections, a new one before it is too old."""

import base64
from collections.abc import Mapping
from urllib.parse import parse_qs

import httpx
import pytest

from eventkit.kafka.bearer import ClientCredentials, TokenRefused


class Server:
    """An OAuth server; what it answers is set."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, list[str]]]] = []
        self.answers: httpx.Response | Exception | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        _, _, secret = request.headers["authorization"].partition(" ")
        self.asked.append((base64.b64decode(secret).decode(), parse_qs(request.content.decode())))
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers or httpx.Response(200, json={"access_token": f"t{len(self.asked)}", "expires_in": 100})


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def tokens(server: Server, clock: Time, secret: str = "s3cret") -> ClientCredentials:
    transport = httpx.MockTransport(server)
    return ClientCredentials(
        "https://oauth.test/token", "goals", lambda: secret, scope="kafka", transport=transport, clock=clock
    )


async def test_one_token_is_asked_for_and_kept_for_most_of_its_life():
    server, clock = Server(), Time()
    mine = tokens(server, clock)
    assert (await mine.token(), await mine.token()) == ("t1", "t1")
    assert server.asked == [("goals:s3cret", {"grant_type": ["client_credentials"], "scope": ["kafka"]})]
    clock.now = 79.0
    assert await mine.token() == "t1"
    clock.now = 80.0
    assert await mine.token() == "t2"


async def test_a_life_that_is_given_as_a_text_is_understood_too():
    server, clock = Server(), Time()
    server.answers = httpx.Response(200, json={"access_token": "t", "expires_in": "1000"})
    mine = tokens(server, clock)
    assert await mine.token() == "t"
    clock.now = 799.0
    assert (await mine.token(), len(server.asked)) == ("t", 1)
    clock.now = 800.0
    assert (await mine.token(), len(server.asked)) == ("t", 2)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), "answers 401 invalid_client"),
        (httpx.Response(502, text="<html>"), "answers 502"),
        (httpx.Response(200, json={"token_type": "bearer"}), "answers without an access_token"),
        (httpx.Response(200, text="[]"), "answers without an access_token"),
        (httpx.ConnectError("no"), "does not answer (ConnectError)"),
    ],
)
async def test_a_token_that_is_not_given_is_said_without_the_secret(answer: httpx.Response | Exception, said: str):
    server, clock = Server(), Time()
    server.answers = answer
    with pytest.raises(TokenRefused) as refused:
        await tokens(server, clock).token()
    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)
    server.answers = None
    assert await tokens(server, clock).token() == "t2"
