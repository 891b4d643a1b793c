"""A tenant of its own for a history: a few people, two gifts and a core value, over which callers race."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from cli.client import Client
from cli.tenant import make
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as t
from nhip.rewards.v1 import rewards_pb2 as r

PEOPLE = 4
GIFTS = 2
STOCK, PRICE = 20, 15
CONTEXT = "rewards"
"""Whose log is judged."""

Sign = Callable[[str, str], Awaitable[str]]
"""A token by subject and tenant."""


@dataclass(frozen=True)
class Company:
    tenant: str
    steward: Client
    """Sets points right, hands gifts over, changes stock."""
    auditor: Client
    people: Sequence[str]
    clients: Sequence[Client]
    """As each of the people."""
    operator: Client
    value_id: str
    gifts: Sequence[str]
    founded: int
    """The position up to which it was made: before anybody raced."""
    actors: Mapping[int, str]
    """Who each of those who race is to events, by the client's `id`."""

    def actor(self, client: Client) -> str:
        return self.actors[id(client)]


async def founded(client: Client, sign: Sign) -> Company:
    """A new one, of which every service has heard."""
    tenant = f"history-{uuid4().hex[:10]}"

    async def acting(subject: str) -> Client:
        return client.acting(await sign(subject, tenant))

    async def racing(subject: str) -> Client:
        """Whoever races decides itself when to ask again."""
        return client.acting(await sign(subject, tenant), patience=0.0)

    def registered(name: str, *roles: t.Role.ValueType) -> p.RegisterPerson:
        return p.RegisterPerson(name=PersonalText(plain=name), roles=[t.ROLE_EMPLOYEE, *roles])

    operator = await acting("service:operator")
    first = registered("Steward", t.ROLE_ADMIN)
    first_id = await make(operator, tenant, p.CreateTenant(name="History"), first)
    steward = await acting(f"person:{first_id}")

    async def joins(name: str, *roles: t.Role.ValueType) -> str:
        return (await steward.command(registered(name, *roles), key=name, after=client.positions.all())).id

    auditor = await joins("Auditor", t.ROLE_AUDITOR)
    people = [await joins(f"Person {number}") for number in range(PEOPLE)]
    known = client.positions.all()
    value = await steward.command(r.NameCoreValue(name="History"), key="value", after=known)
    gifts = [
        (await steward.command(r.OfferGift(name=f"Gift {n}", points=PRICE + n, stock=STOCK), key=f"gift {n}")).id
        for n in range(GIFTS)
    ]
    clients = [await racing(f"person:{person}") for person in people]
    racing_steward = await racing(f"person:{first_id}")
    position = max(int(told.partition("=")[2]) for told in client.positions.of([CONTEXT]))
    return Company(
        tenant,
        racing_steward,
        await acting(f"person:{auditor}"),
        people,
        clients,
        operator,
        value.id,
        gifts,
        position,
        {id(racing_steward): f"person:{first_id}"}
        | {id(one): f"person:{person}" for one, person in zip(clients, people, strict=True)},
    )
