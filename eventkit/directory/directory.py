"""Answers who is who, from the views of the service at hand."""

from collections.abc import Callable
from contextvars import ContextVar
from zoneinfo import ZoneInfo

import asyncpg

from eventkit.database import connection
from eventkit.directory.defaults import DEFAULT_TIME_ZONE
from eventkit.directory.facts import OrgChart, Person, Place, Unit
from eventkit.directory.views import PersonView, PlaceView, TenantView, UnitView, views
from eventkit.subscriptions.projection import by_subscription
from eventkit.subscriptions.table import reading
from nhip.common.v1.words_pb2 import PersonalText

TENANT_TABLE, PERSON_TABLE, PLACE_TABLE, UNIT_TABLE = (
    TenantView().table,
    PersonView().table,
    PlaceView().table,
    UnitView().table,
)


_judged: ContextVar[tuple[str, OrgChart] | None] = ContextVar("judged", default=None)
"""By whom the access of the call at hand was judged: gRPC gives each call a context of its own."""

Partition = Callable[[str], int]
"""The partition under which the directory's checkpoints for a tenant are kept."""


class Directory:
    """A tenant's people, remembered until the views have moved on."""

    def __init__(self, pool: asyncpg.Pool, partition: Partition):
        self._pool, self._partition = pool, partition
        self._subscriptions = list(by_subscription(views()))
        self._known: dict[str, tuple[list[int], OrgChart]] = {}

    async def org_chart(self, tenant: str) -> OrgChart:
        """A tenant's people as far as this service has heard; within one call, those that its access was judged by."""
        if (judged := _judged.get()) and judged[0] == tenant:
            return judged[1]
        async with connection(self._pool) as con:
            moved_to: list[int] = await con.fetchval(
                "select coalesce(array_agg(position order by subscription), '{0}') from checkpoint "
                "where subscription = any($1::text[]) and partition = $2",
                self._subscriptions,
                self._partition(tenant),
            )
        at, org = self._known.get(tenant, ([], OrgChart()))
        if at != moved_to:
            org = await self._read(tenant, min(moved_to))
            self._known[tenant] = moved_to, org
        return org

    async def roles(self, tenant: str, person_id: str) -> frozenset[str] | None:
        """What a person may be allowed by; None: unknown or inactive as far as this service has heard.

        Asked for at the door of a call, each time anew: what the call goes on to ask is answered from the same reading.
        """
        _judged.set(None)
        org = await self.org_chart(tenant)
        _judged.set((tenant, org))
        return org.roles(person_id)

    async def _read(self, tenant: str, position: int) -> OrgChart:
        async with reading(self._pool, tenant) as con:
            people = await con.fetch(f"select * from {PERSON_TABLE.name} where tenant = $1 order by person_id", tenant)
            places = await con.fetch(f"select * from {PLACE_TABLE.name} where tenant = $1", tenant)
            units = await con.fetch(f"select * from {UNIT_TABLE.name} where tenant = $1 order by name", tenant)
            tenant_row = await con.fetchrow(
                f"select name, time_zone from {TENANT_TABLE.name} where tenant = $1", tenant
            )
        return OrgChart(
            people={
                r["person_id"]: Person(
                    r["person_id"],
                    PersonalText.FromString(r["name"]),
                    PersonalText.FromString(r["title"]),
                    tuple(r["roles"]),
                    r["active"],
                    PersonalText.FromString(r["email"]),
                    r["erased"],
                )
                for r in people
            },
            places={r["person_id"]: Place(r["unit_id"], r["manager_id"]) for r in places},
            units={r["unit_id"]: Unit(r["unit_id"], r["name"], r["head_id"]) for r in units},
            company=tenant_row["name"] if tenant_row else "",
            time_zone=ZoneInfo(tenant_row["time_zone"] if tenant_row else DEFAULT_TIME_ZONE),
            position=position,
        )
