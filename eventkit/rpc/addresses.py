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
"""Addresses a second that are looked up in one company and were not good lately: who tries them out meets an end, and
meets it in the company that they try alone."""
REMEMBERED = 10_000

Holder = Callable[[str, str], Awaitable[str]]
"""`holder(tenant, sha256)`: whose an address is; empty: nobody's. Refused addresses are asked for again each time."""
IsThere = Callable[[str], Awaitable[bool]]
"""Whether there is a company of that name."""


def address_in(authorization: str) -> re.Match[str] | None:
    """The secret address that is brought in a token's place: its tenant, and what is drawn."""
    scheme, _, address = authorization.partition(" ")
    return ADDRESS.fullmatch(address.strip()) if scheme.lower() == "bearer" else None


class Addressed:
    """An `Authenticator` that knows secret addresses, and leaves tokens to another one."""

    def __init__(
        self, tokens: Authenticator, holder: Holder, is_there: IsThere, clock: Callable[[], float] = time.monotonic
    ):
        self._tokens, self._holder, self._is_there = tokens, holder, is_there
        self._tries = Rates(tenant=LOOKED_UP, clock=clock)
        self._good: OrderedDict[str, None] = OrderedDict()

    async def authenticate(self, authorization: str) -> Actor:
        match = address_in(authorization)
        if match is None:
            return await self._tokens.authenticate(authorization)
        tenant, sha256 = match[1], digest(match[0])
        person = ""
        if await self._is_there(tenant):  # made up names neither take from a company, nor are looked up
            if sha256 not in self._good:
                self._tries.take(Actor(tenant, "unknown", "feed"))
            person = await self._holder(tenant, sha256)
        if not person:
            self._good.pop(sha256, None)
            raise Rejected("TOKEN_INVALID", "this address is not, or no longer, good", kind=Kind.UNAUTHENTICATED)
        self._good[sha256] = None
        self._good.move_to_end(sha256)
        if len(self._good) > REMEMBERED:
            self._good.popitem(last=False)
        return Actor(tenant, person, "feed")
