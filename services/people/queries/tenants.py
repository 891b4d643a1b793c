"""A page of the installation's tenants; and those that are to be deleted."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
from google.protobuf.timestamp_pb2 import Timestamp

from eventkit.database import connection
from eventkit.directory.directory import MOST, PERSON_TABLE, TENANT_TABLE
from eventkit.directory.quotas import Quotas, quotas_message
from eventkit.rpc.paging import asked
from eventkit.values import from_datetime
from nhip.people.v1 import people_pb2 as pb
from services.people.views.deletion import DELETIONS


async def tenants(con: asyncpg.Connection, tenant: str, request: pb.ListTenants, restored_at: int) -> pb.TenantList:
    """By their ids. `tenant` is that of whoever asks, for whom a page's token is good; `restored_at`: the position from
    which on the log is another one than before a restore."""
    page = asked(request, tenant, str, size=100)
    rows = await con.fetch(
        f"""select tenant, name, suspended, most_people, most_kpis, most_calls,
          (select count(*) from {PERSON_TABLE.name} p where p.tenant = t.tenant and p.active) as active_people,
          state, requested_by, requested_at, reason, approved_by, approved_at, begins_at, deleted_at,
          state = $3 and approved_position <= $4 as lapsed
        from {TENANT_TABLE.name} t left join {DELETIONS} using (tenant)
        where $1::text is null or tenant collate "C" > $1
        order by tenant collate "C" limit $2""",
        page.after[0] if page.after else None,
        page.limit,
        pb.TENANT_DELETION_STATE_APPROVED,
        restored_at,
    )
    shown, token = page.cut(rows, lambda row: (row["tenant"],))
    lines = [
        pb.TenantLine(
            tenant_id=row["tenant"],
            name=row["name"],
            suspended=row["suspended"],
            active_people=row["active_people"],
            deletion=_deletion(row) if row["state"] else None,
            quotas=quotas_message(Quotas(*(row[name] for name in MOST))),
        )
        for row in shown
    ]
    return pb.TenantList(tenants=lines, next_page_token=token)


def _deletion(row: asyncpg.Record) -> pb.TenantDeletion:
    return pb.TenantDeletion(
        state=row["state"],
        requested_by=row["requested_by"],
        requested_at=_when(row["requested_at"]),
        reason=row["reason"],
        approved_by=row["approved_by"],
        approved_at=_when(row["approved_at"]),
        begins_at=_when(row["begins_at"]),
        deleted_at=_when(row["deleted_at"]),
        lapsed=row["lapsed"],
    )


def _when(at: datetime | None) -> Timestamp | None:
    return from_datetime(at) if at else None


async def lapsed_approval(pool: asyncpg.Pool, tenant: str, restored_at: int) -> datetime | None:
    """When a tenant's deletion would have begun whose approval is from before a restore; None: there is none such."""
    async with connection(pool) as con:
        return await con.fetchval(
            f"select begins_at from {DELETIONS} where tenant = $1 and state = $2 and approved_position <= $3",
            tenant,
            pb.TENANT_DELETION_STATE_APPROVED,
            restored_at,
        )


async def to_be_deleted(
    pool: asyncpg.Pool, at: datetime, most: int, restored_at: int
) -> Sequence[tuple[str, int, datetime]]:
    """Tenants whose deletion is due, with where it stands and since when, the longest due first. Of those that were
    approved, the ones whose approval has not lapsed."""
    async with connection(pool) as con:  # of all tenants
        rows = await con.fetch(
            f"""select tenant, state, begins_at from {DELETIONS}
            where (state = $1 and begins_at <= $2 and approved_position > $3) or state = $4
            order by begins_at, tenant limit $5""",
            pb.TENANT_DELETION_STATE_APPROVED,
            at,
            restored_at,
            pb.TENANT_DELETION_STATE_BEGUN,
            most,
        )
    return [(row["tenant"], row["state"], row["begins_at"]) for row in rows]


async def not_known_as_deleted(pool: asyncpg.Pool, tenants: Sequence[str], most: int) -> Sequence[str]:
    """Those of some tenants that are there, and not known to have been deleted."""
    if not tenants:
        return []
    async with connection(pool) as con:
        rows = await con.fetch(
            f"select tenant from {TENANT_TABLE} where tenant = any($1::text[]) and not deleted order by tenant "
            "limit $2",
            list(tenants),
            most,
        )
    return [row["tenant"] for row in rows]
