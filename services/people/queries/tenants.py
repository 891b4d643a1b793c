"""A page of the installation's tenants."""

import asyncpg

from eventkit.directory.directory import PERSON_TABLE, TENANT_TABLE
from eventkit.rpc.paging import asked
from nhip.people.v1 import people_pb2 as pb


async def tenants(con: asyncpg.Connection, tenant: str, request: pb.ListTenants) -> pb.TenantList:
    """By their ids. `tenant` is that of whoever asks, for whom a page's token is good."""
    page = asked(request, tenant, str, size=100)
    rows = await con.fetch(
        f"""select tenant, name, suspended,
          (select count(*) from {PERSON_TABLE.name} p where p.tenant = t.tenant and p.active) as active_people
        from {TENANT_TABLE.name} t where $1::text is null or tenant collate "C" > $1
        order by tenant collate "C" limit $2""",
        page.after[0] if page.after else None,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["tenant"],))
    lines = [
        pb.TenantLine(
            tenant_id=row["tenant"],
            name=row["name"],
            suspended=row["suspended"],
            active_people=row["active_people"],
        )
        for row in shown
    ]
    return pb.TenantList(tenants=lines, next_page_token=token)
