"""Who is signed in: the session cookie, and what a browser may not do with it from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from starlette.requests import Request
from starlette.responses import Response

from eventkit.settings import is_loopback

SESSION_COOKIE = "nhip-session"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


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
    """Signs people in by the demo issuer, where there is one; knows them again by their cookie."""

    def __init__(self, issuer: Issuer | None, tenant: str) -> None:
        self.issuer = issuer
        self.tenant = tenant

    @property
    def issues(self) -> bool:
        return self.issuer is not None

    def service_token(self) -> str:
        """The gateway's own token: to show who may sign in."""
        assert self.issuer is not None
        return self.issuer.mint(self.tenant, "service:gateway")

    def sign_in(self, response: Response, person: str, *, secure: bool) -> None:
        assert self.issuer is not None
        token = self.issuer.mint(self.tenant, f"person:{person}")
        response.set_cookie(SESSION_COOKIE, token, httponly=True, samesite="lax", secure=secure, path="/")

    def forget(self, response: Response) -> None:
        response.delete_cookie(SESSION_COOKIE, path="/")

    def session(self, request: Request) -> Session | None:
        """The session of a request; none where its token is not ours or has expired. The services check the token again."""
        token = request.cookies.get(SESSION_COOKIE, "")
        if not token or self.issuer is None:
            return None
        try:
            keys = KeySet.import_key_set(cast(KeySetSerialization, self.issuer.jwks()))
            decoded = jwt.decode(token, keys, algorithms=["ES256"])
            jwt.JWTClaimsRegistry(exp={"essential": True}).validate(decoded.claims)
        except (JoseError, ValueError):
            return None
        kind, _, person = str(decoded.claims.get("sub", "")).partition(":")
        if kind != "person" or not person:
            return None
        return Session(person, str(decoded.claims.get("tenant", self.tenant)), token)


def from_elsewhere(request: Request) -> bool:
    """An unsafe request that a page of another site made a browser send, with this site's cookies."""
    if request.method in SAFE:
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc != request.headers.get("host", "")
    return SESSION_COOKIE in request.cookies  # no browser of today sends cookies and says neither


def from_this_machine(request: Request) -> bool:
    """The caller is on this machine, speaks to it by a loopback name and came through no proxy and no page."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    through = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "via", "sec-fetch-site", "origin"))
    return not through and is_loopback(request.client.host if request.client else "") and is_loopback(host)


def local_path(path: str) -> str:
    """Where to go on after signing in: a page of this site, whatever was asked for."""
    parts = urlsplit(path)
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc and "\\" not in path
    return path if safe and path.isprintable() else "/"
