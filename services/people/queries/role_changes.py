"""How somebody came by their roles."""

import asyncpg

from eventkit.context import acting_id
from eventkit.values import from_datetime
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1 import types_pb2
from services.people.views.role_change import ROLE_CHANGES

LATEST = 50


async def role_changes(con: asyncpg.Connection, tenant: str, person_id: str) -> list[pb.RoleChange]:
    """The latest, the newest first."""
    rows = await con.fetch(
        f"select * from {ROLE_CHANGES} where tenant = $1 and person_id = $2 order by version desc limit $3",
        tenant,
        person_id,
        LATEST,
    )
    return [
        pb.RoleChange(
            given=[role_of(name) for name in row["given"]],
            taken=[role_of(name) for name in row["taken"]],
            changed_by=acting_id(row["by"]),
            changed_at=from_datetime(row["at"]),
            reason=PersonalText.FromString(row["reason"]) if row["reason"] else None,
        )
        for row in rows
    ]


def role_of(name: str) -> "types_pb2.Role.ValueType":
    return types_pb2.Role.Value(f"ROLE_{name.upper()}")
