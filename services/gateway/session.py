"""Who is signed in: the session cookie, and what a browser may not do with it from elsewhere."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, KeySetSerialization
from starlette.requests import Request
from starlette.responses import Response

from eventkit.rpc.auth import NO_TOKEN
from eventkit.settings import is_loopback
from services.gateway.provider import SESSION_COOKIE, Kept, Provider

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def in_english(tenant: str) -> str:
    """The tenant of the demo company in English, beside the one in Vietnamese."""
    return f"{tenant}-en"


class Issuer(Protocol):
    """The demo issuer, as far as the gateway knows it."""

    def mint(self, tenant: str, subject: str, *, on_behalf_of: str = "") -> str: ...
    def jwks(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Session:
    """A person of a tenant, and the token that says so."""

    person: str
    tenant: str
    token: str


class Identity:
    """Signs people in by the demo issuer, or at an identity provider, where there is one; knows them again by their
    cookie, until they sign out.

    Which sessions were signed out of is kept in this process: another gateway, or this one after a restart, does not
    know, and there a session that somebody kept a copy of ends with its token.
    """

    def __init__(
        self,
        issuer: Issuer | None,
        tenant: str,
        in_english: str = "",
        *,
        provider: Provider | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.issuer, self.provider = issuer, provider
        self.tenant = tenant
        self.in_english = in_english
        """Another tenant whose people the demo sign-in shows, where it is there; empty: there is none."""
        self._clock = clock
        self._ended: dict[str, float] = {}
        """By the id of the token, until when it would have been good."""

    @property
    def tenants(self) -> Sequence[str]:
        """Whose people the demo sign-in shows, as far as they are there."""
        return [tenant for tenant in (self.tenant, self.in_english) if tenant]

    @property
    def issues(self) -> bool:
        return self.issuer is not None

    def service_token(self, tenant: str, service: str = "gateway") -> str:
        """A service's own token: the gateway's, to show who may sign in; the operator's, to make a first company."""
        assert self.issuer is not None
        return self.issuer.mint(tenant, f"service:{service}")

    def sign_in(self, response: Response, tenant: str, person: str, *, secure: bool) -> None:
        assert self.issuer is not None
        token = self.issuer.mint(tenant, f"person:{person}")
        response.set_cookie(SESSION_COOKIE, token, httponly=True, samesite="lax", secure=secure, path="/")

    def sign_out(self, request: Request) -> None:
        """The session of the request ends here, whoever has a copy of its cookie."""
        now = self._clock()
        self._ended = {id: until for id, until in self._ended.items() if until > now}
        if kept := self.kept(request):
            self._ended[kept.token] = kept.until
            return
        token = request.cookies.get(SESSION_COOKIE, "")
        if claims := self._claims(token):
            self._ended[str(claims.get("jti", token))] = float(claims["exp"])

    def ended(self, token: str) -> bool:
        """Its session was signed out of."""
        if token in self._ended:
            return True
        claims = self._claims(token) if self._ended else None
        return claims is not None and str(claims.get("jti", token)) in self._ended

    def forget(self, response: Response) -> None:
        if self.provider:
            self.provider.forget(response)
        response.delete_cookie(SESSION_COOKIE, path="/")

    def kept(self, request: Request) -> Kept | None:
        """What is kept of a sign-in at a provider: as the gate renewed it, else as it came."""
        if self.provider is None:
            return None
        return request.state.kept if hasattr(request.state, "kept") else self.provider.kept(request)

    def session(self, request: Request) -> Session | None:
        """The session of a request; none where its token is not ours or has expired.

        The services check the token again.
        """
        if kept := self.kept(request):
            known = kept.person and kept.until > self._clock() and not self.ended(kept.token)
            return Session(kept.person, kept.tenant, kept.token) if known else None
        token = request.cookies.get(SESSION_COOKIE, "")
        claims = self._claims(token)
        if claims is None or self.ended(token):
            return None
        kind, _, person = str(claims.get("sub", "")).partition(":")
        if kind != "person" or not person:
            return None
        return Session(person, str(claims.get("tenant", self.tenant)), token)

    def _claims(self, token: str) -> Mapping[str, Any] | None:
        if not token or self.issuer is None:
            return None
        try:
            keys = KeySet.import_key_set(cast(KeySetSerialization, self.issuer.jwks()))
            decoded = jwt.decode(token, keys, algorithms=["ES256"])
            jwt.JWTClaimsRegistry(exp={"essential": True}).validate(decoded.claims)
        except NO_TOKEN:
            return None
        return decoded.claims


def from_elsewhere(request: Request, public: str = "") -> bool:
    """An unsafe request that a page of another site made a browser send, with this site's cookies. `public` is where
    browsers find the console, behind a proxy that asks by another name."""
    if request.method in SAFE:
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is not None:
        here = urlsplit(public).netloc or request.headers.get("host", "")
        return urlsplit(origin).netloc != here
    # no browser of today sends cookies and says neither
    return any(name.startswith(SESSION_COOKIE) for name in request.cookies)


def not_of_this_machine(request: Request) -> str:
    """Why a request is not one that was made on this machine, to this machine; empty for one that was.

    A name that leads here may be anybody's (DNS rebinding), a proxy passes on whoever comes, and a port that is not
    ours is somebody's tunnel: all of them would hand a sign-in without a password to others.
    """
    headers = request.headers
    proxies = [name for name in headers if name in PROXIES or name.startswith("x-forwarded")]
    if proxies:
        return f"a proxy passed this on ({proxies[0]}): the demo sign-in answers this machine only"
    if not is_loopback(request.client.host if request.client else ""):
        return "the demo sign-in answers this machine only"
    if not _loopback_address(
        f"//{headers.get('host', '')}", port := (request.scope.get("server") or ("", None))[1], request.url.scheme
    ):
        place = f"http://localhost:{port}" if port else "http://localhost"
        return f"with the demo sign-in the console is at {place} and answers to no other name"
    origin = headers.get("origin")
    if origin is not None and not is_loopback(_host(origin)):
        return "sent by a page of another machine"
    return ""


PROXIES = frozenset(
    {"forwarded", "via", "x-real-ip", "x-client-ip", "x-original-host", "true-client-ip", "cf-connecting-ip"}
)


def _loopback_address(url: str, port: int | None, scheme: str) -> bool:
    """A loopback name with that port (the scheme's own where none is said)."""
    usual = {"http": 80, "https": 443}[scheme]
    try:
        return is_loopback(_host(url)) and (urlsplit(url).port or usual) == (port or usual)
    except ValueError:
        return False


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def from_this_machine(request: Request) -> bool:
    """A program of this machine asks, and no page."""
    return not (not_of_this_machine(request) or "sec-fetch-site" in request.headers or "origin" in request.headers)


def local_path(path: str) -> str:
    """Where to go on after signing in: a page of this site, whatever was asked for."""
    parts = urlsplit(path)
    safe = (
        path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and not parts.scheme
        and not parts.netloc
        and "\\" not in path
    )
    return path if safe and path.isprintable() else "/"
