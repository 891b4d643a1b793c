"""How integrations say who they are: by a key, or by the signature of what they send (Standard Webhooks)."""

import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from eventkit.context import Actor
from eventkit.errors import Kind, Rejected
from eventkit.rpc.auth import Authenticator
from nhip.common.v1.delivery_pb2 import Delivery

KEY = re.compile(r"nhip_([a-z0-9][a-z0-9_.-]{0,63})_([0-9a-f]{64})")
"""A key names its tenant, so that it is looked for in one company."""
REPLAY_SECONDS = 300
"""How far the clock of who signs may be from ours; what is older may be a repetition by somebody else."""

SigningSecret = Callable[[str], Awaitable[bytes]]
"""A tenant's secret, from which those of its integrations are made; empty: it has none."""


class Holders(Protocol):
    """Where keys are looked up: a service's own view of the integrations."""

    async def key_holder(self, tenant: str, sha256: str, at: datetime) -> Actor | None:
        """Who has a key; None: nobody."""
        ...

    async def key_digests(self, tenant: str, integration_id: str, at: datetime) -> tuple[Actor, Sequence[str]] | None:
        """An integration, and the digests of its keys; None: there is none that works."""
        ...


class Keyed:
    """An `Authenticator` that knows the keys of integrations, and leaves tokens to another one."""

    def __init__(self, tokens: Authenticator, holders: Holders, now: Callable[[], datetime]):
        self._tokens, self._holders, self._now = tokens, holders, now

    async def authenticate(self, authorization: str) -> Actor:
        key = key_of(authorization)
        if not key:
            return await self._tokens.authenticate(authorization)
        found = None
        if match := KEY.fullmatch(key):
            found = await self._holders.key_holder(match[1], digest(key), self._now())
        if found is None:
            raise Rejected("TOKEN_INVALID", "this key is not, or no longer, good", kind=Kind.UNAUTHENTICATED)
        return found


def key_of(authorization: str) -> str:
    """What an `authorization` brings where it is a key and no token; else nothing."""
    scheme, _, key = authorization.partition(" ")
    return key.strip() if scheme.lower() == "bearer" and key.strip().startswith("nhip_") else ""


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def signing_secret(of_tenant: bytes, integration_id: str, key_sha256: str) -> bytes:
    """With what a source signs: it follows from the key that is in force, and ends with it."""
    return hmac.digest(of_tenant, f"{integration_id}\0{key_sha256}".encode(), "sha256")


class Signatures:
    """Judges signed deliveries."""

    def __init__(self, holders: Holders, secret: SigningSecret, now: Callable[[], datetime]):
        self._holders, self._secret, self._now = holders, secret, now

    async def authenticate(self, delivery: Delivery) -> Actor:
        """Who sent it. Raises Rejected (UNAUTHENTICATED): TOKEN_MISSING, SIGNATURE_INVALID, SIGNATURE_OLD."""
        if not delivery.signature:
            raise _refused("TOKEN_MISSING", "sign what you send: webhook-id, webhook-timestamp, webhook-signature")
        if not re.fullmatch(r"[\x21-\x7e]{1,100}", delivery.delivery_id) or "." in delivery.delivery_id:
            raise _refused("SIGNATURE_INVALID", "webhook-id must be 1 to 100 visible characters without a dot")
        if not re.fullmatch(r"[0-9]{1,12}", delivery.timestamp):
            raise _refused("SIGNATURE_INVALID", "webhook-timestamp must be seconds since 1970")
        now = self._now()
        if abs(now.timestamp() - int(delivery.timestamp)) > REPLAY_SECONDS:
            raise _refused("SIGNATURE_OLD", f"webhook-timestamp is more than {REPLAY_SECONDS} seconds from now")
        found = await self._holders.key_digests(delivery.tenant, delivery.integration_id, now)
        of_tenant = await self._secret(delivery.tenant) if found else b""
        if found is None or not of_tenant:
            raise _refused("SIGNATURE_INVALID", "no integration that works signs so")
        actor, digests = found
        signed = f"{delivery.delivery_id}.{delivery.timestamp}.".encode() + delivery.content
        rightly = [
            hmac.digest(signing_secret(of_tenant, delivery.integration_id, one), signed, "sha256") for one in digests
        ]
        if not any(hmac.compare_digest(given, right) for given in _given(delivery.signature) for right in rightly):
            raise _refused("SIGNATURE_INVALID", "no integration that works signs so")
        return actor


def _given(signature: str) -> list[bytes]:
    """The signatures of the version that is known; there may be others, and several while a secret is replaced."""
    found: list[bytes] = []
    for one in signature.split(" ")[:10]:
        version, _, value = one.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(value, validate=True))
            except ValueError:
                continue
    return found


def _refused(reason: str, message: str) -> Rejected:
    return Rejected(reason, message, kind=Kind.UNAUTHENTICATED)
