"""Who asks, when, and on what account: what a decision may know beside its command."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any, Literal, Protocol
from uuid import UUID, uuid5

from google.protobuf.message import Message

NAMESPACE = UUID("4e484950-0000-5000-8000-6e6869700000")
IMPORTER = "importer"
"""The id of the service that brings in what a company has written down already."""


OPERATOR = ("service", "operator")
"""Who operates the installation is let into tenants that are suspended, too; into one that was deleted to look."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is acting: by their token a person of a tenant, or one of the project's own services in it; by its key an
    integration of the tenant's; without either the system's clock."""

    tenant: str
    id: str
    kind: Literal["person", "service", "integration", "guest", "feed", "system"] = "person"
    """A guest is known by an identity provider and linked to nobody here yet: their id is that of the identity. A feed
    is whoever has the secret address of a person's calendar: its id is the person's."""
    on_behalf_of: str = ""
    """Who started a service's work, or on whose account an integration works; empty for people."""

    email: str = ""
    """Of a guest: the address that their provider has verified; empty: none."""

    def __str__(self) -> str:
        """The form that events keep: `person:<id>`, `service:<id>`, `integration:<id>` or `system:clock`, and on whose
        behalf."""
        return f"{self.kind}:{self.id}" + (f" for {self.on_behalf_of}" if self.on_behalf_of else "")

    @property
    def is_importer(self) -> bool:
        return (self.kind, self.id) == ("service", IMPORTER)

    @property
    def words_of(self) -> str:
        """Whose words are what it says: an integration says what the person says on whose account it works."""
        return self.on_behalf_of.removeprefix("person:") if self.kind == "integration" else self.id

    @property
    def parties(self) -> frozenset[str]:
        """Who is at work here: the actor, and on whose behalf."""
        return parties(str(self))


class Standing(Enum):
    """Whether those of a tenant are let in."""

    OPEN = "open"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class Alone(Protocol):
    """Answers the command id and the digest that a request would have alone; a new id where it has no key."""

    async def __call__(self, method: str, request: Message, key: str) -> tuple[UUID, bytes]: ...


@dataclass(frozen=True, slots=True)
class Context:
    """The circumstances of one request."""

    actor: Actor
    at: datetime
    """When it came in, UTC."""
    command_id: UUID
    """UUIDv5 of tenant, actor, method and idempotency key; a new one where no key was given."""
    digest: bytes = b""
    """A keyed hash of the request: the same command id with another digest is another command."""
    retryable: bool = False
    """The caller gave an idempotency key, so this command may have been carried out before."""
    check: bool = False
    """Only whether it would be carried out is asked: it is decided, and nothing is recorded."""
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""
    alone: "Alone | None" = field(default=None, repr=False)
    """What tells the commands of a request that has several apart."""
    gather: "Callable[[Any], None] | None" = field(default=None, repr=False)
    """Takes in what would be carried out (an `eventkit.commands.batch.Item`), where several commands are to be carried
    out as one."""
    after: Mapping[str, int] = field(default_factory=dict[str, int])
    """Positions by context that the caller wants to have been applied before it is answered."""

    @property
    def tenant(self) -> str:
        return self.actor.tenant

    async def of_item(self, number: int, method: str, request: Message, key: str) -> "Context":
        """The circumstances of one of several commands in this request: those that it would have alone, as a request
        to `method` (`package.Service/Method`) under that key. Without a key of its own it is known again by its number,
        if the whole has a key."""
        if self.alone is None:
            raise LookupError("only a request of the API has several commands")
        key = key.strip()
        id, digest = await self.alone(method, request, key)
        if not key and self.retryable:
            id = uuid5(self.command_id, str(number))
        return replace(
            self,
            command_id=id,
            digest=digest,
            retryable=key != "" or self.retryable,
            correlation_id=str(id),
            alone=None,
        )

    def new_id(self, kind: str) -> str:
        """An id for something this command makes: the same again when the command is."""
        return str(uuid5(self.command_id, kind))


def acting(recorded: str) -> str:
    """Who acted, of an actor as events keep it, without on whose behalf: `person:<id>`, `service:<id>`,
    `integration:<id>`, `system:clock`."""
    return recorded.split(" ", 1)[0]


def imported(recorded: str) -> bool:
    """Whether an import did it, by the actor as events keep it."""
    return acting(recorded) == f"service:{IMPORTER}"


def behind(recorded: str) -> str:
    """On whose behalf, of an actor as events keep it: `person:<id>`; empty: on their own."""
    return recorded.partition(" for ")[2]


def parties(recorded: str) -> frozenset[str]:
    """Who was at work, of an actor as events keep it: who acted, and on whose behalf. None for no actor."""
    return frozenset(filter(None, recorded.split(" for ")))


def acting_id(recorded: str) -> str:
    """The same for people to be named by: a person's bare id."""
    return acting(recorded).removeprefix("person:")


def command_id(actor: Actor, method: str, key: str, secret: bytes = b"") -> UUID:
    """The id of the command that `actor` gave `method` under an idempotency key.

    Things are named after the command that made them, and keys may be guessed, as an import's are: who does not know
    the tenant's `secret` cannot tell the id. Tenants from before there were secrets have none.
    """
    parts = "\0".join((actor.tenant, actor.kind, actor.id, method, key))
    return (
        UUID(bytes=hmac.digest(secret, parts.encode(), "sha256")[:16], version=5) if secret else uuid5(NAMESPACE, parts)
    )


def by_the_clock(tenant: str, timer: str, thing: str, due: datetime, at: datetime) -> Context:
    """The circumstances of a command that fell due: the same command id whenever it is issued."""
    command = uuid5(NAMESPACE, "\0".join((tenant, "system:clock", timer, thing, due.isoformat())))
    return Context(
        actor=Actor(tenant, "clock", "system"), at=at, command_id=command, retryable=True, correlation_id=str(command)
    )
