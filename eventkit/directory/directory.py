"""Answers who is who, from the views of the service at hand."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from typing import cast
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

import asyncpg

from eventkit.context import Actor, Standing
from eventkit.database import connection
from eventkit.directory.credential_views import IdentityRow, IdentityView, IntegrationRow, IntegrationView
from eventkit.directory.defaults import DEFAULT_LANGUAGE, DEFAULT_TIME_ZONE
from eventkit.directory.facts import OrgChart, Person, Place, Unit
from eventkit.directory.integrations import Integration
from eventkit.directory.integrations import Key as IntegrationKey
from eventkit.directory.lately import Lately
from eventkit.directory.quotas import NO_QUOTAS, Quotas
from eventkit.directory.tenant_settings import Change, TenantSettings
from eventkit.directory.views import (
    PersonRow,
    PersonView,
    PlaceRow,
    PlaceView,
    SettingView,
    TenantView,
    UnitView,
    views,
)
from eventkit.subscriptions.checkpoint import Checkpoint
from eventkit.subscriptions.projection import by_subscription
from eventkit.subscriptions.reached import Changed, Mark, Reached
from eventkit.subscriptions.table import reading
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1.integrations_pb2 import IntegrationFacts

TENANT_TABLE, SETTING_TABLE, PERSON_TABLE, PLACE_TABLE, UNIT_TABLE, INTEGRATION_TABLE = (
    TenantView().table,
    SettingView().table,
    PersonView().table,
    PlaceView().table,
    UnitView().table,
    IntegrationView().table,
)
IDENTITY_TABLE = IdentityView().table
MOST = ("most_people", "most_kpis", "most_calls")
TENANTS_ASKED = 1.0
"""Seconds between two looks for a tenant that is not known: keys with made-up tenants must not become queries."""


_judged: ContextVar[tuple[str, OrgChart] | None] = ContextVar("judged", default=None)
"""By whom the access of the call at hand was judged: gRPC gives each call a context of its own."""

Partition = Callable[[str], int]
"""The partition under which the directory's checkpoints for a tenant are kept."""


class Directory:
    """A tenant's people, remembered, and moved on by the rows that change.

    Where another process keeps the views of a tenant, it is read again when they have moved on. `pool` is that of
    calls; `own` that of subscriptions, which ask which tenants were deleted before they fold anything.
    """

    def __init__(self, pool: asyncpg.Pool, partition: Partition, reached: Reached, own: asyncpg.Pool):
        self._pool, self._partition, self._reached, self._own = pool, partition, reached, own
        self._subscriptions = list(by_subscription(views()))
        self._known: dict[str, tuple[Mark, OrgChart]] = {}
        self._tenants, self._tenants_asked = frozenset[str](), float("-inf")
        self._gone, self._calls = Lately(self._read_gone), Lately(self._read_calls)
        self._reading: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        reached.hear(self._hear)

    async def org_chart(self, tenant: str) -> OrgChart:
        """A tenant's people as far as this service has heard; within one call, those that its access was judged by."""
        if (judged := _judged.get()) and judged[0] == tenant:
            return judged[1]
        partition = self._partition(tenant)
        if org := self._remembered(tenant, await self._reached.mark(self._subscriptions, partition)):
            return org
        async with self._reading.setdefault(tenant, asyncio.Lock()):  # one of all that ask reads
            mark = await self._reached.mark(self._subscriptions, partition)
            org = self._remembered(tenant, mark)
            if org is None:
                org = await self._read(tenant, min(mark[1:]))
                self._known[tenant] = mark, org
            return org

    def _remembered(self, tenant: str, mark: Mark) -> OrgChart | None:
        at, org = self._known.get(tenant, ((), None))
        return org if at == mark else None

    def _hear(self, subscription: str, partition: int, at: Checkpoint, to: Checkpoint, changed: Changed) -> None:
        """Moves on what is remembered of the tenants of a partition, with its views."""
        if [subscription] != self._subscriptions:
            return
        people: dict[str, dict[str, Person]] = {}
        places: dict[str, dict[str, Place]] = {}
        for row in cast(Sequence[PersonRow], changed.get(PERSON_TABLE.name, ())):
            people.setdefault(row.tenant, {})[row.person_id] = _person(row)
        for row in cast(Sequence[PlaceRow], changed.get(PLACE_TABLE.name, ())):
            places.setdefault(row.tenant, {})[row.person_id] = Place(row.unit_id, row.manager_id)
        linked: dict[str, dict[str, str]] = {}
        for row in cast(Sequence[IdentityRow], changed.get(IDENTITY_TABLE.name, ())):
            linked.setdefault(row.tenant, {})[row.identity_id] = row.person_id
        # Few, and changed seldom: those are read again.
        few = (UNIT_TABLE, TENANT_TABLE, SETTING_TABLE, INTEGRATION_TABLE)
        others = {row.tenant for table in few for row in changed.get(table.name, ())}
        if changed.get(TENANT_TABLE.name):
            self._gone.forget()
            self._calls.forget()
        for tenant, ((again, *position), org) in list(self._known.items()):
            if self._partition(tenant) != partition:
                continue
            if position != [at.position] or tenant in others:
                del self._known[tenant]
                continue
            if tenant in people or tenant in places or tenant in linked:
                org = replace(
                    org,
                    people={**org.people, **people.get(tenant, {})},
                    places={**org.places, **places.get(tenant, {})},
                    linked={**org.linked, **linked.get(tenant, {})},
                )
            self._known[tenant] = (again, to.position), org.later(to.position)

    async def roles(self, tenant: str, person_id: str) -> frozenset[str] | None:
        """What a person may be allowed by; None: unknown or inactive as far as this service has heard.

        Asked for at the door of a call, each time anew: what the call goes on to ask is answered from the same reading.
        """
        _judged.set(None)
        org = await self.org_chart(tenant)
        _judged.set((tenant, org))
        return org.roles(person_id)

    async def standing(self, tenant: str) -> Standing:
        """Whether those of a tenant are let in, as far as this service has heard. As `roles`, anew at the door of each
        call."""
        _judged.set(None)
        org = await self.org_chart(tenant)
        if org.deleted:
            return Standing.DELETED
        return Standing.SUSPENDED if org.suspended else Standing.OPEN

    async def suspended(self, tenant: str) -> bool:
        """Whether nobody of the tenant is let in, as far as this service has heard."""
        return await self.standing(tenant) is not Standing.OPEN

    async def gone(self) -> frozenset[str]:
        """All tenants that were deleted, as far as this service had heard a moment ago."""
        return await self._gone.get()

    async def calls(self, tenant: str) -> int:
        """How many calls a second a tenant may make of a process, as far as this service had heard a moment ago; 0:
        nobody said so."""
        return (await self._calls.get()).get(tenant, 0)

    async def _read_gone(self) -> frozenset[str]:
        async with connection(self._own) as con:
            rows = await con.fetch(f"select tenant from {TENANT_TABLE} where deleted")
        return frozenset(row["tenant"] for row in rows)

    async def _read_calls(self) -> dict[str, int]:
        async with connection(self._pool) as con:
            rows = await con.fetch(f"select tenant, most_calls from {TENANT_TABLE} where most_calls > 0")
        return {row["tenant"]: row["most_calls"] for row in rows}

    async def linked(self, tenant: str, identity_id: str) -> str:
        """The person whom an identity at a provider means; empty: nobody, as far as this service has heard."""
        return (await self.org_chart(tenant)).linked.get(identity_id, "") if await self.is_there(tenant) else ""

    async def key_holder(self, tenant: str, sha256: str, at: datetime) -> Actor | None:
        """Who has a key, by its digest; None: nobody, any more, as far as this service has heard."""
        if not await self.is_there(tenant):
            return None
        found = (await self.org_chart(tenant)).key_holder(sha256, at)
        return Actor(tenant, found.id, "integration", found.account) if found else None

    async def key_digests(self, tenant: str, integration_id: str, at: datetime) -> tuple[Actor, list[str]] | None:
        """An integration and the digests of the keys by which it is known; None: there is none that works."""
        if not await self.is_there(tenant):
            return None
        org = await self.org_chart(tenant)
        if (found := org.integrations.get(integration_id)) is None:
            return None
        digests = [key.sha256 for key in found.good_keys(at, org.today(at))]
        return (Actor(tenant, found.id, "integration", found.account), digests) if digests else None

    async def verbs(self, tenant: str, integration_id: str) -> frozenset[str] | None:
        """What an integration may; None: it is unknown or was revoked. As `roles`, anew at the door of each call."""
        _judged.set(None)
        org = await self.org_chart(tenant)
        _judged.set((tenant, org))
        found = org.integrations.get(integration_id)
        return None if found is None or found.revoked else found.may

    async def is_there(self, tenant: str) -> bool:
        """Whether there is such a company, as far as this service has heard."""
        if tenant not in self._tenants and time.monotonic() - self._tenants_asked > TENANTS_ASKED:
            self._tenants_asked = time.monotonic()
            async with connection(self._pool) as con:
                rows = await con.fetch(f"select tenant from {TENANT_TABLE.name}")
            self._tenants = frozenset(row["tenant"] for row in rows)
        return tenant in self._tenants

    async def _read(self, tenant: str, position: int) -> OrgChart:
        async with reading(self._pool, tenant) as con:
            tenant_row = await con.fetchrow(f"select * from {TENANT_TABLE.name} where tenant = $1", tenant)
            if tenant_row and tenant_row["deleted"]:  # whatever is still to be taken out of the views
                return OrgChart(suspended=True, deleted=True, position=position)
            people = await con.fetch(f"select * from {PERSON_TABLE.name} where tenant = $1 order by person_id", tenant)
            places = await con.fetch(f"select * from {PLACE_TABLE.name} where tenant = $1", tenant)
            units = await con.fetch(f"select * from {UNIT_TABLE.name} where tenant = $1 order by name", tenant)
            settings = await con.fetch(
                f"select * from {SETTING_TABLE.name} where tenant = $1 order by version, name", tenant
            )
            integrations = await con.fetch(f"select * from {INTEGRATION_TABLE.name} where tenant = $1", tenant)
            linked = await con.fetch(
                f"select identity_id, person_id from {IDENTITY_TABLE} where tenant = $1 and person_id <> ''", tenant
            )
        return OrgChart(
            people={row.person_id: _person(row) for row in map(PERSON_TABLE.of, people)},
            places={r["person_id"]: Place(r["unit_id"], r["manager_id"]) for r in places},
            units={
                row.unit_id: Unit(row.unit_id, row.name, row.head_id, row.parent_id, row.closed, row.withdrawn)
                for row in map(UNIT_TABLE.of, units)
            },
            company=tenant_row["name"] if tenant_row else "",
            time_zone=ZoneInfo(tenant_row["time_zone"] if tenant_row else DEFAULT_TIME_ZONE),
            language=tenant_row["language"] if tenant_row else DEFAULT_LANGUAGE,
            logo=tenant_row["logo"] if tenant_row else "",
            suspended=bool(tenant_row and tenant_row["suspended"]),
            quotas=Quotas(*(tenant_row[name] for name in MOST)) if tenant_row else NO_QUOTAS,
            settings=TenantSettings(
                tuple(Change(r["name"], r["value"], r["effective_on"], r["recorded_at"]) for r in settings)
            ),
            integrations={row.integration_id: _integration(row) for row in map(INTEGRATION_TABLE.of, integrations)},
            linked={row["identity_id"]: row["person_id"] for row in linked},
            position=position,
        )


def _person(row: PersonRow) -> Person:
    return Person(
        row.person_id,
        PersonalText.FromString(row.name),
        PersonalText.FromString(row.title),
        tuple(row.roles),
        row.active,
        PersonalText.FromString(row.email),
        row.erased,
        row.successor_id,
        row.withdrawn,
    )


def _integration(row: IntegrationRow) -> Integration:
    keys = [(row.key_sha256, row.key_hint, None), (row.old_sha256, row.old_hint, row.old_until)]
    return Integration(
        row.integration_id,
        IntegrationFacts.FromString(row.facts),
        tuple(IntegrationKey(*key) for key in keys if key[0]),
        revoked=row.revoked_at is not None,
    )
