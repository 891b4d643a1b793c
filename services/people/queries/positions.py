"""Positions as lists and one by one, with who holds them of those who are here."""

from collections.abc import Mapping, Sequence

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.errors import unknown
from eventkit.rpc.paging import asked
from nhip.people.v1 import positions_pb2 as pb
from services.people.views.position import HOLDERS, POSITION_ROWS

PAGE, NAMED = 100, 50
"""Positions on a page without a size; holders that are named."""


async def positions(con: asyncpg.Connection, tenant: str, request: pb.ListPositions, org: OrgChart) -> pb.Positions:
    page = asked(request, tenant, str, str, size=PAGE)
    rows = await con.fetch(
        f"""select position_id, name, name_key, unit_id, '' as job_description, closed from {POSITION_ROWS}
        where tenant = $1 and ($2 = '' or unit_id = $2) and ($3 or not closed)
        and ($4::text is null or (name_key, position_id) > ($4, $5)) order by name_key, position_id limit $6""",
        tenant,
        request.unit_id,
        request.closed,
        *(page.after or (None, None)),
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["name_key"], row["position_id"]))
    held = await _holders(con, tenant, [row["position_id"] for row in shown], org)
    return pb.Positions(
        positions=[_message(row, held.get(row["position_id"], ())) for row in shown], next_page_token=token
    )


async def position(con: asyncpg.Connection, tenant: str, request: pb.GetPosition, org: OrgChart) -> pb.Position:
    """Raises `Rejected` POSITION_UNKNOWN."""
    id = request.position_id
    if not id and request.person_id:
        id = await con.fetchval(
            f"select position_id from {HOLDERS} where tenant = $1 and person_id = $2", tenant, request.person_id
        )
        if not id:
            return pb.Position()
    row = await con.fetchrow(f"select * from {POSITION_ROWS} where tenant = $1 and position_id = $2", tenant, id)
    if row is None:
        raise unknown("position", id, "position_id")
    held = (await _holders(con, tenant, [id], org)).get(id, ())
    found = _message(row, held)
    found.holder_list.extend(pb.PositionHolder(person_id=one, name=org.people[one].name) for one in held[:NAMED])
    return found


async def _holders(
    con: asyncpg.Connection, tenant: str, ids: Sequence[str], org: OrgChart
) -> Mapping[str, Sequence[str]]:
    """By position, the people who hold it and are here."""
    rows = await con.fetch(
        f"select position_id, person_id from {HOLDERS} where tenant = $1 and position_id = any($2) order by person_id",
        tenant,
        ids,
    )
    found: dict[str, list[str]] = {}
    for position_id, person_id in rows:
        if org.is_active(person_id):
            found.setdefault(position_id, []).append(person_id)
    return found


def _message(row: asyncpg.Record, held: Sequence[str]) -> pb.Position:
    facts = pb.PositionFacts(name=row["name"], unit_id=row["unit_id"], job_description=row["job_description"])
    return pb.Position(position_id=row["position_id"], position=facts, closed=row["closed"], holders=len(held))
