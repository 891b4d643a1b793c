"""Guests who turn out to be somebody: whom an identity at a provider means, as far as this service has heard."""

from typing import Protocol

from eventkit.context import Actor
from eventkit.rpc.auth import Authenticator


class Links(Protocol):
    """Where identities are looked up: a service's own view of them."""

    async def linked(self, tenant: str, identity_id: str) -> str:
        """The person whom an identity means; empty: nobody yet."""
        ...


class Linked:
    """An `Authenticator` that knows guests again, and leaves everything else to another one."""

    def __init__(self, tokens: Authenticator, links: Links):
        self._tokens, self._links = tokens, links

    async def authenticate(self, authorization: str) -> Actor:
        actor = await self._tokens.authenticate(authorization)
        if actor.kind == "guest" and (person := await self._links.linked(actor.tenant, actor.id)):
            return Actor(actor.tenant, person)
        return actor
