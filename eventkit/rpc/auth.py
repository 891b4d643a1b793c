"""Tokens: who is asking, proven by a signature of the issuer (OIDC)."""

import asyncio
import hashlib
import json
import math
import re
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

import httpx
import structlog
from joserfc import jwk, jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError, SecurityWarning

from eventkit.context import Actor
from eventkit.errors import Kind, Rejected
from eventkit.logs import exception_name
from eventkit.settings import Settings, SettingsError, masked

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("nhip.rpc.auth")

ALGORITHMS = ("RS256", "ES256", "EdDSA", "Ed25519")
"""Signatures that are accepted; Ed25519 is RFC 9864's name for EdDSA on that curve. No shared secrets, never `none`."""
LEEWAY = 30
"""Seconds that the issuer's clock may differ from ours."""
REFETCH = 10.0
"""Seconds between two fetches of the keys at least: tokens with made-up key ids must not become requests to the
issuer."""
FIRST_FETCH = 1.0
"""The same while there are no keys yet: the issuer may just be starting."""
MAX_AGE = 600.0
"""Seconds after which keys are fetched again although none was missed, so that a key that the issuer withdrew ends."""

NO_TOKEN = (JoseError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""What reading a text raises that is no token, or none that holds."""

_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_REMEMBERED = 10_000
"""Tokens whose signatures were looked at: in a company of 5,000 each person has one."""
_LONGEST_SUBJECT = 320


class Authenticator(Protocol):
    """Turns the `authorization` of a request into who is asking."""

    async def authenticate(self, authorization: str) -> Actor:
        """Raises Rejected (UNAUTHENTICATED): TOKEN_MISSING, TOKEN_EXPIRED, TOKEN_INVALID."""
        ...


class KeysUnavailable(ConnectionError):
    """The issuer's keys could not be had, and there are none from before: no token can be judged now."""


class Keys:
    """The issuer's public keys (a JWKS), from a URL or a file; the last good set is kept while new ones cannot be
    had."""

    def __init__(self, source: str, *, clock: Callable[[], float] = time.monotonic):
        self._source, self._clock = source, clock
        self._keys: dict[str, jwk.Key] = {}
        self._fetched = self._tried = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self.generation = 0
        """Changes whenever the set does: what was judged by an older set must be judged again."""

    async def find(self, kid: str) -> jwk.Key | None:
        """The key of that id. An empty id: the only key there is, when there is only one. Raises KeysUnavailable."""
        await self.refresh()
        if self._pick(kid) is None and (fetch := self._start_fetch()):
            await asyncio.shield(fetch)
        return self._pick(kid)

    async def refresh(self) -> None:
        """Waits for the keys when there are none; has old ones renewed meanwhile.

        Raises KeysUnavailable when there are still none.
        """
        if self._clock() - self._fetched <= MAX_AGE:
            return
        fetch = self._start_fetch()
        if not self._keys:
            if fetch:
                await asyncio.shield(fetch)  # many wait for it: it does not end with the first of them
            if not self._keys:
                raise KeysUnavailable("the issuer's keys could not be fetched")

    def _pick(self, kid: str) -> jwk.Key | None:
        if kid:
            return self._keys.get(kid)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    def _start_fetch(self) -> asyncio.Task[None] | None:
        """The fetch that is under way, or a new one; None when the last one was too short a time ago."""
        if self._fetching is None or self._fetching.done():
            if self._clock() - self._tried < (REFETCH if self._keys else FIRST_FETCH):
                return None
            self._tried = self._clock()
            self._fetching = asyncio.create_task(self._fetch(), name="fetch the issuer's keys")
        return self._fetching

    async def _fetch(self) -> None:
        try:
            keys = _usable(await self._load())
        except (OSError, httpx.HTTPError, ValueError) as error:
            _log.warning(
                "the issuer's keys could not be fetched", source=masked(self._source), exception=exception_name(error)
            )
            return
        if not keys:
            _log.warning("the issuer publishes no key that can check signatures", source=masked(self._source))
            return
        if {kid: key.thumbprint() for kid, key in keys.items()} != {
            kid: key.thumbprint() for kid, key in self._keys.items()
        }:
            self.generation += 1
        self._keys, self._fetched = keys, self._clock()

    async def _load(self) -> object:
        if not self._source.startswith(("http://", "https://")):
            return cast(object, json.loads(await asyncio.to_thread(Path(self._source).read_text, "utf-8")))
        async with httpx.AsyncClient(timeout=5.0) as client:
            response = await client.get(self._source)
            response.raise_for_status()
            return cast(object, response.json())


def _usable(document: object) -> dict[str, jwk.Key]:
    """The keys that can check signatures, by key id or thumbprint; others of the set (for encryption, unknown kinds)
    are passed over."""
    if not isinstance(document, dict):
        raise ValueError("a JWKS is an object")
    listed = cast(dict[str, object], document).get("keys")
    if not isinstance(listed, list):
        raise ValueError("a JWKS has a list of keys")
    keys: dict[str, jwk.Key] = {}
    for entry in cast(list[object], listed):
        if not isinstance(entry, dict):
            continue
        given = cast(dict[str, str | list[str]], entry)
        if given.get("kty") not in ("RSA", "EC", "OKP") or given.get("use", "sig") != "sig":
            continue
        try:
            key = jwk.import_key(
                {name: value for name, value in given.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}
            )
            keys[str(given.get("kid") or key.thumbprint())] = key
        except (JoseError, ValueError, TypeError):
            continue
    return keys


@dataclass(frozen=True, slots=True)
class Claims:
    """Which claims of a token say who is asking."""

    subject: str = "sub"
    tenant: str = "tenant"
    fixed_tenant: str = ""
    """The tenant of tokens that name none; empty: each names one."""
    links: bool = False
    """What the subject claim holds is the provider's own: whom it means is linked in people. Services are named by the
    claim `nhip_principal`, which nobody can set for themselves."""
    emails_verified: bool = False
    """The provider verifies every address, and has no claim that says so."""


PRINCIPAL = "nhip_principal"


def identity_id(issuer: str, subject: str) -> str:
    """The id of an identity at a provider: it tells nothing of either."""
    return hashlib.sha256(f"{issuer}\0{subject}".encode()).hexdigest()


def of_settings(settings: Settings) -> "Tokens":
    """Whose tokens are believed, by an operator's settings. Raises SettingsError, naming what is missing."""
    missing = [name for name, value in (("NHIP_ISSUER", settings.issuer), ("NHIP_JWKS", settings.jwks)) if not value]
    if missing:
        raise SettingsError(
            f"{' and '.join(missing)} must be set: whose tokens are accepted, and where its public keys are"
        )
    claims = Claims(
        settings.subject_claim,
        settings.tenant_claim,
        settings.token_tenant,
        links=settings.people_by == "link",
        emails_verified=settings.emails_verified,
    )
    return Tokens(issuer=settings.issuer, audience=settings.audience, keys=Keys(settings.jwks), claims=claims)


class Tokens:
    """Checks bearer tokens: signature, issuer, audience, times, and the claims that say who is asking.

    `sub` is `person:<id>` or `service:<id>`, a bare id is a person's; `tenant` is the tenant; `on_behalf_of` says who
    started a service's work. With other `claims` it is those that say so; who is linked to nobody yet is a guest.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        keys: Keys,
        claims: Claims | None = None,
        now: Callable[[], float] = time.time,
    ):
        if not issuer or not audience:
            raise ValueError("tokens need an issuer and an audience to be held against")
        self._keys, self._now, self._issuer = keys, now, issuer
        self._whose = claims or Claims()
        needed = [self._whose.subject, *([] if self._whose.fixed_tenant else [self._whose.tenant])]
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            **{claim: jwt.ClaimsOption(essential=True) for claim in needed},
        )
        # Issuers put headers of their own into tokens; what matters (`crit`) is refused all the same.
        self._signatures = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        self._signatures.max_header_length = 8192
        # A signature costs more than the rest of a call; a client sends the same token again and again.
        self._judged: dict[bytes, tuple[Actor, float, int]] = {}

    async def authenticate(self, authorization: str) -> Actor:
        if not authorization:
            raise _refused("TOKEN_MISSING", "send `authorization: Bearer <token>`")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _refused("TOKEN_INVALID", "`authorization` must be `Bearer <token>`")
        token = token.strip()
        await self._keys.refresh()
        digest = hashlib.sha256(token.encode()).digest()
        if judged := self._judged.get(digest):
            actor, expires, generation = judged
            if generation == self._keys.generation and self._now() < expires + LEEWAY:
                return actor
            del self._judged[digest]
        actor, expires = await self._judge(token)
        if len(self._judged) >= _REMEMBERED:
            del self._judged[next(iter(self._judged))]
        self._judged[digest] = (actor, expires, self._keys.generation)
        return actor

    async def _judge(self, token: str) -> tuple[Actor, float]:
        """Who a token says is asking, and until when."""
        try:
            header = jws.extract_compact(token.encode(), registry=self._signatures).headers()
            key = await self._keys.find(str(header.get("kid") or ""))
            if key is None:
                raise _refused("TOKEN_INVALID", "the token is signed by a key that its issuer does not publish")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SecurityWarning)  # EdDSA was renamed, not broken
                verified = jwt.decode(token, key, registry=self._signatures)
            claims = cast(Mapping[str, object], verified.claims)
            self._claims.validate(dict(claims))
            return self._actor(claims), _expires(claims)
        except ExpiredTokenError:
            raise _refused("TOKEN_EXPIRED", "the token has expired: sign in again") from None
        except JoseError as error:
            raise _refused("TOKEN_INVALID", f"the token does not hold: {error.description or error.error}") from None
        except NO_TOKEN:
            raise _refused("TOKEN_INVALID", "the token cannot be read") from None

    def _actor(self, claims: Mapping[str, object]) -> Actor:
        whose = self._whose
        tenant = claims.get(whose.tenant) or whose.fixed_tenant
        if not isinstance(tenant, str) or not _ID.fullmatch(tenant):
            raise _refused("TOKEN_INVALID", f"the claim `{whose.tenant}` must be a tenant's id")
        if not whose.links:
            return _named(tenant, whose.subject, claims)
        if claims.get(PRINCIPAL) is not None:
            named = _named(tenant, PRINCIPAL, claims)
            if named.kind != "service":
                raise _refused("TOKEN_INVALID", f"the claim `{PRINCIPAL}` must be service:<id>")
            return named
        subject = claims[whose.subject]
        if not isinstance(subject, str) or not subject or len(subject) > _LONGEST_SUBJECT:
            raise _refused("TOKEN_INVALID", f"the claim `{whose.subject}` must be a text of its provider's")
        return Actor(tenant, identity_id(self._issuer, subject), "guest", email=_email(claims, whose))


def _email(claims: Mapping[str, object], whose: Claims) -> str:
    """The address that the provider has verified; empty: it names none, or does not say that it did."""
    email = claims.get("email")
    verified = whose.emails_verified or claims.get("email_verified") in (True, "true")
    return email.strip() if verified and isinstance(email, str) and len(email) <= _LONGEST_SUBJECT else ""


def _named(tenant: str, claim: str, claims: Mapping[str, object]) -> Actor:
    """Who is named by a claim as contracts name principals."""
    kind, id = _principal(claim, claims[claim])
    if claims.get("on_behalf_of") is None:
        return Actor(tenant, id, kind)
    if kind == "person":
        raise _refused("TOKEN_INVALID", "people act for themselves: `on_behalf_of` is for services")
    by, whom = _principal("on_behalf_of", claims["on_behalf_of"])
    return Actor(tenant, id, kind, f"{by}:{whom}")


def _expires(claims: Mapping[str, object]) -> float:
    """Seconds since the epoch. Raises OverflowError and the like for what no clock can show."""
    exp = claims["exp"]
    if isinstance(exp, bool) or not isinstance(exp, (int, float)) or not math.isfinite(exp):
        raise _refused("TOKEN_INVALID", "the claim `exp` must be seconds since the epoch")
    return float(exp)


def _principal(claim: str, value: object) -> tuple[Literal["person", "service"], str]:
    text = value if isinstance(value, str) else ""
    prefix, colon, rest = text.partition(":")
    kind: Literal["person", "service"] = "service" if colon and prefix == "service" else "person"
    id = rest if colon and prefix in ("person", "service") else text
    if not _ID.fullmatch(id):
        raise _refused("TOKEN_INVALID", f"the claim `{claim}` must be person:<id> or service:<id>")
    return kind, id


def _refused(reason: str, message: str) -> Rejected:
    return Rejected(reason, message, kind=Kind.UNAUTHENTICATED)
