"""Secret addresses: who brings one reads what is at it, without a token, for calendar programs have none to show."""

import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from eventkit.context import Actor
from eventkit.errors import Kind, Rejected
from eventkit.rpc.auth import Authenticator
from eventkit.rpc.ceilings import Rates
from eventkit.rpc.integrations import digest

ADDRESS = re.compile(r"nhipfeed_([a-z0-9][a-z0-9_.-]{0,63})_([0-9a-f]{64})")
"""It names its tenant, so that it is looked for in one company."""
LOOKED_UP = 20.0
"""Addresses a second that are looked up and were not good lately: who tries them out meets an end."""
REMEMBERED = 10_000

Holder = Callable[[str, str], Awaitable[str]]
"""`holder(tenant, sha256)`: whose an address is; empty: nobody's. Refused addresses are asked for again each time."""


class Addressed:
    """An `Authenticator` that knows secret addresses, and leaves tokens to another one."""

    def __init__(self, tokens: Authenticator, holder: Holder, clock: Callable[[], float] = time.monotonic):
        self._tokens, self._holder = tokens, holder
        self._tries = Rates(tenant=LOOKED_UP, clock=clock)
        self._good: OrderedDict[str, None] = OrderedDict()

    async def authenticate(self, authorization: str) -> Actor:
        scheme, _, address = authorization.partition(" ")
        match = ADDRESS.fullmatch(address.strip()) if scheme.lower() == "bearer" else None
        if match is None:
            return await self._tokens.authenticate(authorization)
        tenant, sha256 = match[1], digest(match[0])
        if sha256 not in self._good:
            self._tries.take(Actor("", "unknown", "feed"))
        person = await self._holder(tenant, sha256)
        if not person:
            self._good.pop(sha256, None)
            raise Rejected("TOKEN_INVALID", "this address is not, or no longer, good", kind=Kind.UNAUTHENTICATED)
        self._good[sha256] = None
        self._good.move_to_end(sha256)
        if len(self._good) > REMEMBERED:
            self._good.popitem(last=False)
        return Actor(tenant, person, "feed")
