"""Tokens by which a process comes to Kafka (SASL OAUTHBEARER): asked for as itself, of an OAuth server, by the grant
of client credentials (RFC 6749 §4.4)."""
# pyright: reportMissingTypeStubs=false

import asyncio
import time
from collections.abc import Callable

import httpx
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError
from pydantic import BaseModel, ValidationError

PATIENCE = 10.0
"""Seconds that the server has to answer."""
KEPT = 0.8
"""The share of a token's life after which the next connection asks for a new one."""
ASSUMED_SECONDS = 60.0
"""The life of a token of which its server does not say how long it lasts."""


class TokenRefused(KafkaError):
    """The OAuth server gave no token; the message says why, never with a secret.

    One of Kafka's faults, so that whoever waits for a connection goes on waiting: a server is restarted, a client made.
    """

    retriable = True


class ClientCredentials(AbstractTokenProvider):
    """The tokens of one client of an OAuth server. One is kept, for all connections, most of its life."""

    def __init__(
        self,
        url: str,
        client: str,
        secret: Callable[[], str],
        *,
        scope: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        """`secret` is asked each time, as it may have been changed in its file."""
        self._url, self._client, self._secret, self._scope = url, client, secret, scope
        self._transport, self._clock = transport, clock
        self._asking = asyncio.Lock()
        self._token, self._until = "", 0.0

    async def token(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] # as its docstring has it
        """Raises TokenRefused, and OSError where the secret's file cannot be read."""
        async with self._asking:
            if self._clock() >= self._until:
                asked = self._clock()
                self._token, life = await self._ask()
                self._until = asked + life * KEPT
            return self._token

    async def _ask(self) -> tuple[str, float]:
        """A new token, and for how many seconds it is good."""
        form = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
        try:
            async with httpx.AsyncClient(timeout=PATIENCE, transport=self._transport) as http:
                reply = await http.post(self._url, data=form, auth=(self._client, self._secret()))
        except httpx.HTTPError as error:
            raise TokenRefused(f"{self._url} does not answer ({type(error).__name__})") from None
        told = _Reply.of(reply.content)
        if not reply.is_success:
            raise TokenRefused(f"{self._url} answers {reply.status_code} {told.error}".rstrip())
        if not told.access_token:
            raise TokenRefused(f"{self._url} answers without an access_token")
        return told.access_token, told.expires_in


class _Reply(BaseModel):
    """What an OAuth server says (RFC 6749 §5); some give numbers as texts."""

    access_token: str = ""
    expires_in: float = ASSUMED_SECONDS
    error: str = ""

    @classmethod
    def of(cls, body: bytes) -> "_Reply":
        """What can be read of it; nothing when it is something else."""
        try:
            return cls.model_validate_json(body)
        except ValidationError:
            return cls()
