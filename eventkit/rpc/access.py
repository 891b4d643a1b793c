"""Who may call an RPC: one line per RPC in a service's table, and whoever is not in it may not."""

from dataclasses import dataclass, replace
from typing import Protocol

from eventkit.context import OPERATOR, Actor, Standing
from eventkit.errors import Kind, Rejected, tenant_deleted


@dataclass(frozen=True, slots=True)
class Allow:
    """Who may make one call: people by role, services by name, integrations by what they may. Made by `anyone`,
    `roles`, `services`, `integrations`, `signed`, `addressed`."""

    roles: frozenset[str] = frozenset()
    """A person with one of these roles may."""
    services: frozenset[str] = frozenset()
    """Services (`service:<id>` tokens) that may; they have no roles."""
    everyone: bool = False
    """Every person who is active in the tenant may."""
    own: bool = False
    """It concerns nothing but the caller: auditors may as well, though they change nothing else."""
    others: frozenset[str] = frozenset()
    """With one of these roles a person may ask it about others; everybody else about themselves alone: the handler
    holds to it."""
    integrations: frozenset[str] | None = None
    """What an integration must all be allowed to make it; with which things it may have to do, the handler holds to.
    None: no integration may."""
    guests: bool = False
    """Who is linked to nobody here yet may, too."""
    signed: bool = False
    """Who calls is told by the signature of what they bring, not by a token."""
    feeds: bool = False
    """Who has the secret address of a person's feed may, for that person."""

    def and_guests(self) -> "Allow":
        return replace(self, guests=True)

    def and_integrations(self, *verbs: str) -> "Allow":
        """Beside the others those integrations that may do all of this; without a verb, every one."""
        return replace(self, integrations=frozenset(verbs))


def anyone(*, services: tuple[str, ...] = (), own: bool = False, others: tuple[str, ...] = ()) -> Allow:
    """Every active person of the tenant, and the named services. What they may do to which thing, the decision says.

    `own`: auditors may as well, for it is their own; a decision that lets others do it for somebody leaves auditors
    out. `others`: the roles by which it may be asked about others.
    """
    return Allow(everyone=True, services=frozenset(services), own=own, others=frozenset(others))


def roles(*names: str, services: tuple[str, ...] = ()) -> Allow:
    """People with one of these roles, and the named services."""
    if not names:
        raise ValueError("name the roles that may; anyone() is for all of them, services() for none")
    return Allow(roles=frozenset(names), services=frozenset(services))


def services(*names: str) -> Allow:
    """The named services and no person."""
    if not names:
        raise ValueError("name the services that may")
    return Allow(services=frozenset(names))


def integrations(*verbs: str) -> Allow:
    """Integrations that may do all of this, and nobody else."""
    if not verbs:
        raise ValueError("name what they may")
    return Allow(integrations=frozenset(verbs))


def signed(*verbs: str) -> Allow:
    """Nobody by a token: integrations that may do all of this, by the signature of what they send."""
    return Allow(integrations=frozenset(verbs), signed=True)


def addressed() -> Allow:
    """Nobody by a token: who has the secret address of a feed of somebody who is active."""
    return Allow(feeds=True)


class Roles(Protocol):
    """Where the roles of people are looked up: a service's own view of who is who."""

    async def roles(self, tenant: str, person_id: str) -> frozenset[str] | None:
        """The person's roles, maybe none; None when nobody active in the tenant has that id."""
        ...

    async def standing(self, tenant: str) -> Standing:
        """Whether those of the tenant are let in."""
        ...

    async def verbs(self, tenant: str, integration_id: str) -> frozenset[str] | None:
        """What an integration may; None when none that works has that id."""
        ...


AUDITOR = "auditor"
"""Who has this role reads, and changes nothing but what is their own (`Allow.own`), whatever other roles they have."""


async def authorise(allow: Allow, actor: Actor, directory: Roles, *, changes: bool) -> frozenset[str]:
    """Answers the roles by which `actor` may; `changes`: it is a command.

    Raises Rejected (FORBIDDEN): ACTOR_UNKNOWN, NOT_ALLOWED, TENANT_SUSPENDED or TENANT_DELETED.
    """
    standing = await directory.standing(actor.tenant)
    operates = (actor.kind, actor.id) == OPERATOR
    # What is the operator's alone, decisions about tenants among it, says for itself what there is to say.
    looks = operates and (not changes or allow == services(actor.id))
    if standing is Standing.DELETED and not looks:
        raise tenant_deleted(actor.tenant)
    if standing is Standing.SUSPENDED and not operates:
        raise Rejected(
            "TENANT_SUSPENDED",
            f"the tenant {actor.tenant!r} is suspended, and nothing of it is lost: ask whoever operates this "
            "installation to resume it",
            kind=Kind.FORBIDDEN,
        )
    if actor.kind == "service":
        if actor.id not in allow.services:
            raise Rejected("NOT_ALLOWED", f"the service {actor.id} may not do this", kind=Kind.FORBIDDEN)
        return frozenset()
    if actor.kind == "integration":
        verbs = await directory.verbs(actor.tenant, actor.id)
        if verbs is None:
            raise Rejected("TOKEN_INVALID", "this key is not, or no longer, good", kind=Kind.UNAUTHENTICATED)
        if not integration_may(allow, verbs):
            raise Rejected("NOT_ALLOWED", "this is not in the integration's scope", kind=Kind.FORBIDDEN)
        return frozenset()
    if actor.kind == "guest":
        if not allow.guests:
            raise Rejected(
                "IDENTITY_UNKNOWN",
                "nobody in this tenant is linked to the token's subject: sign in to the console once",
                kind=Kind.FORBIDDEN,
            )
        return frozenset()
    held = await directory.roles(actor.tenant, actor.id)
    if actor.kind == "feed":
        if held is None:  # who left, or was erased, has no feed any more
            raise Rejected("TOKEN_INVALID", "this address is not, or no longer, good", kind=Kind.UNAUTHENTICATED)
        if not allow.feeds:
            raise Rejected("NOT_ALLOWED", "a feed's address lets one read the feed alone", kind=Kind.FORBIDDEN)
        return frozenset()
    if held is None:
        raise Rejected(
            "ACTOR_UNKNOWN", "the token's person is not, or no longer, active in this tenant", kind=Kind.FORBIDDEN
        )
    if why := _refusal(allow, held, changes=changes):
        raise Rejected("NOT_ALLOWED", why, kind=Kind.FORBIDDEN)
    return held


def integration_may(allow: Allow, verbs: frozenset[str]) -> bool:
    return allow.integrations is not None and allow.integrations <= verbs


def may(allow: Allow, held: frozenset[str], *, changes: bool) -> bool:
    """Whether a person with these roles may make the call; `changes`: it is a command."""
    return not _refusal(allow, held, changes=changes)


def _refusal(allow: Allow, held: frozenset[str], *, changes: bool) -> str:
    """Why a person with these roles may not; empty: they may."""
    if changes and AUDITOR in held and not allow.own:
        return "who audits reads everything and changes nothing"
    if not allow.everyone and not held & allow.roles:
        who = "only " + ", ".join(sorted(allow.roles)) if allow.roles else "only services, no person,"
        return f"{who} may do this"
    return ""
