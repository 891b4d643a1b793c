"""Sign-in at an OpenID Connect provider: there and back, what is kept of it, its renewal, and signing out.

A session is sealed in cookies, so that any gateway with the same key knows it, and none keeps anything. The protocol
is authlib's: discovery, PKCE, state, nonce, the check of the ID token.
"""

import hashlib
import json
import time
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, cast
from urllib.parse import urlencode, urlsplit

import httpx2
import structlog
from authlib.integrations.starlette_client import OAuth, OAuthError  # pyright: ignore[reportMissingTypeStubs]
from cryptography.fernet import Fernet, InvalidToken
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.failures import Failure

SESSION_COOKIE = "nhip-session"
GOING_COOKIE = "nhip-going"
"""What is kept while somebody is at the provider: state, nonce, PKCE's verifier."""
GOING_SECONDS = 600
SESSION_SECONDS = 12 * 3600
"""How long a session lasts at most, whatever the provider renews."""
EARLY = 30.0
"""Seconds before its end that a token is renewed."""
PART, PARTS = 3800, 6
"""Bytes of one cookie, and how many a session takes at most: browsers keep 4096 of each."""
PATIENCE = 5.0

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a session is made of."""

    token: str
    """The one that the services are shown."""
    renewal: str
    """The provider's refresh token; empty: it gave none."""
    until: float
    """When the token ends, seconds since the epoch."""
    since: float
    person: str = ""
    tenant: str = ""


class Provider:
    """One provider, as one client of it knows it. `console` is the console's public URL."""

    def __init__(
        self,
        *,
        issuer: str,
        client: str,
        secret: str,
        console: str,
        scopes: str = "openid email profile",
        shows: Literal["access", "id"] = "access",
        key: bytes | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.console, self._client_id, self._shows, self._clock = console.rstrip("/"), client, shows, clock
        if key is None:
            log.warning("sessions.of_this_process", note="NHIP_SESSION_KEY is not set: sessions end with this process")
        self._seal = Fernet(key or Fernet.generate_key())
        self._renewed: dict[str, tuple[float, Kept]] = {}
        """By the digest of a renewal that was used: pages of one browser ask at the same time."""
        oauth: Any = OAuth()
        oauth.register(
            "provider",
            client_id=client,
            client_secret=secret or None,
            server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": scopes,
                "code_challenge_method": "S256",
                "timeout": PATIENCE,
                **({} if secret else {"token_endpoint_auth_method": "none"}),
            },
        )
        self._client: Any = oauth.create_client("provider")

    @property
    def is_secure(self) -> bool:
        """Browsers reach the console by TLS."""
        return urlsplit(self.console).scheme == "https"

    # --- there and back ---

    async def leave(self, request: Request, next: str) -> Response:
        """To the provider. Raises Failure while it is away."""
        request.scope["session"] = going = dict[str, Any]()
        with _told():
            response: Response = await self._client.authorize_redirect(request, f"{self.console}/sign-in/back")
        sealed = self._seal.encrypt(json.dumps({"going": going, "next": next}).encode()).decode()
        response.set_cookie(
            GOING_COOKIE, sealed, max_age=GOING_SECONDS, httponly=True, samesite="lax", secure=self.is_secure, path="/"
        )
        return response

    async def back(self, request: Request) -> tuple[Kept, str]:
        """What the provider says of who came back, and where they wanted to go.

        Raises Failure: SIGN_IN_REFUSED where it does not hold, or was given up; PROVIDER_AWAY.
        """
        try:
            cookie = request.cookies.get(GOING_COOKIE, "").encode()
            told = json.loads(self._seal.decrypt(cookie, ttl=GOING_SECONDS))
        except (InvalidToken, ValueError):
            raise Failure("UNAUTHENTICATED", "SIGN_IN_REFUSED", "this browser was not on its way to sign in") from None
        request.scope["session"] = told["going"]
        with _told():
            answer: Mapping[str, Any] = await self._client.authorize_access_token(request)
        return self._kept(answer, "", self._clock()), str(told["next"])

    def _kept(self, answer: Mapping[str, Any], renewal: str, since: float) -> Kept:
        token = answer.get("id_token" if self._shows == "id" else "access_token")
        if not isinstance(token, str) or not token:
            raise Failure("UNAUTHENTICATED", "SIGN_IN_REFUSED", f"the provider gave no {self._shows} token")
        claims = cast(Mapping[str, Any], answer.get("userinfo") or {})
        until = claims.get("exp") if self._shows == "id" else None
        lasts = float(answer.get("expires_in") or 300)
        return Kept(
            token,
            str(answer.get("refresh_token") or renewal),
            float(until) if isinstance(until, (int, float)) else self._clock() + lasts,
            since,
        )

    # --- what is kept ---

    def keep(self, response: Response, kept: Kept) -> None:
        packed = zlib.compress(
            json.dumps([kept.token, kept.renewal, kept.until, kept.since, kept.person, kept.tenant]).encode(), 9
        )
        sealed = self._seal.encrypt(packed).decode()
        parts = [sealed[start : start + PART] for start in range(0, len(sealed), PART)]
        if len(parts) > PARTS:
            raise Failure("UNAUTHENTICATED", "SIGN_IN_REFUSED", "the provider's tokens are too long for a session")
        for number in range(PARTS):
            name = f"{SESSION_COOKIE}-{number}"
            if number < len(parts):
                response.set_cookie(name, parts[number], httponly=True, samesite="lax", secure=self.is_secure, path="/")
            else:
                response.delete_cookie(name, path="/")

    def forget(self, response: Response) -> None:
        for number in range(PARTS):
            response.delete_cookie(f"{SESSION_COOKIE}-{number}", path="/")
        response.delete_cookie(GOING_COOKIE, path="/")

    def kept(self, request: Request) -> Kept | None:
        """The session of a request, whether its token is still good or not."""
        parts = [request.cookies.get(f"{SESSION_COOKIE}-{number}", "") for number in range(PARTS)]
        sealed = "".join(parts)
        if not sealed:
            return None
        try:
            kept = Kept(*json.loads(zlib.decompress(self._seal.decrypt(sealed.encode(), ttl=SESSION_SECONDS))))
        except (InvalidToken, ValueError, TypeError, zlib.error):
            return None
        return kept if self._clock() - kept.since < SESSION_SECONDS else None

    async def renewed(self, kept: Kept) -> Kept | None:
        """The same session with a token that is good; None: it has ended, and somebody signs in again.

        While the provider is away a session goes on for as long as its token is good.
        """
        now = self._clock()
        if kept.until - now > EARLY:
            return kept
        if not kept.renewal:
            return kept if kept.until > now else None
        used = hashlib.sha256(kept.renewal.encode()).hexdigest()
        self._renewed = {id: one for id, one in self._renewed.items() if now - one[0] < EARLY}
        if used in self._renewed:
            return self._renewed[used][1]
        try:
            with _told():
                answer: Mapping[str, Any] = await self._client.fetch_access_token(
                    grant_type="refresh_token", refresh_token=kept.renewal
                )
                if self._shows == "id" and answer.get("id_token"):
                    claims = await self._client.parse_id_token(answer, nonce=None)
                    answer = {**answer, "userinfo": claims}
            anew = replace(self._kept(answer, kept.renewal, kept.since), person=kept.person, tenant=kept.tenant)
        except Failure as failure:
            log.info("session.not_renewed", reason=failure.reason)
            return kept if failure.reason == "PROVIDER_AWAY" and kept.until > now else None
        self._renewed[used] = now, anew
        return anew

    async def signed_out_at(self) -> str:
        """Where the session at the provider ends; empty: it has no such place, or is away."""
        try:
            with _told():
                metadata: Mapping[str, Any] = await self._client.load_server_metadata()
        except Failure:
            return ""
        place = metadata.get("end_session_endpoint")
        if not place:
            return ""
        asked = {"client_id": self._client_id, "post_logout_redirect_uri": f"{self.console}/signed-out?at=provider"}
        return f"{place}{'&' if '?' in str(place) else '?'}{urlencode(asked)}"


@contextmanager
def _told() -> Generator[None]:
    """What goes wrong on the way to the provider, as pages tell it."""
    try:
        yield
    except OAuthError as refused:
        said = str(cast(Any, refused).error)
        log.warning("sign_in.refused", error=said)
        raise Failure("UNAUTHENTICATED", "SIGN_IN_REFUSED", f"the provider says {said}") from None
    except JoseError as wrong:
        log.warning("sign_in.refused", error=wrong.error)
        raise Failure("UNAUTHENTICATED", "SIGN_IN_REFUSED", f"its token does not hold: {wrong.error}") from None
    except httpx2.HTTPError as away:
        log.warning("provider.away", error=type(away).__name__)
        raise Failure("UNAVAILABLE", "PROVIDER_AWAY", "the identity provider does not answer") from None
