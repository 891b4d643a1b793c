"""By which identities somebody signs in."""

import asyncpg

from eventkit.directory.directory import IDENTITY_TABLE
from eventkit.rpc.paging import asked
from eventkit.values import from_datetime
from nhip.people.v1 import identities_pb2 as pb

PAGE = 20


async def identities(con: asyncpg.Connection, tenant: str, request: pb.ListIdentities) -> pb.IdentityList:
    page = asked(request, tenant, str, size=PAGE)
    rows = await con.fetch(
        f"""select * from {IDENTITY_TABLE} where tenant = $1 and person_id = $2
        and ($3::text is null or identity_id > $3) order by identity_id limit $4""",
        tenant,
        request.person_id,
        page.after[0] if page.after else None,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["identity_id"],))
    found = [
        pb.Identity(
            identity_id=row["identity_id"], person_id=row["person_id"], linked_at=from_datetime(row["linked_at"])
        )
        for row in shown
    ]
    return pb.IdentityList(identities=found, next_page_token=token)
