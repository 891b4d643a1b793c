"""The company's core values, in the order they were named."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import asyncpg

from eventkit.log import Recorded
from eventkit.rpc.paging import asked
from eventkit.subscriptions.projection import Rows, View, messages
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1.events_pb2 import CoreValueNamed
from services.rewards.domain.core_value import CORE_VALUES
from services.rewards.views import VERSION

PAGE = 200


@dataclass(frozen=True, slots=True)
class CoreValueRow:
    tenant: str
    value_id: str
    name: str
    position: int


class CoreValueView(View[CoreValueRow]):
    name, source, categories, key = "core_value", "rewards", (CORE_VALUES.category,), ("tenant", "value_id")
    version = VERSION
    row = CoreValueRow

    def fold(self, rows: Rows[CoreValueRow], event: Recorded) -> None:
        match event.message:
            case CoreValueNamed() as e:
                rows.put(CoreValueRow(event.tenant, e.value_id, e.name, event.position))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[CoreValueRow]:
        named = {e.value_id: event.position for event in events if isinstance(e := event.message, CoreValueNamed)}
        for id, name in (CORE_VALUES.fold(messages(events)) or {}).items():
            yield CoreValueRow(events[0].tenant, id, name, named[id])


TABLE = CoreValueView().table


async def core_values(con: asyncpg.Connection, tenant: str, request: pb.ListCoreValues) -> pb.CoreValues:
    page = asked(request, tenant, int, str, size=PAGE)
    rows = await con.fetch(
        f"""select value_id, name, position from {TABLE.name}
        where tenant = $1 and ($2::bigint is null or (position, value_id) > ($2, $3)) order by position,
            value_id limit $4""",
        tenant,
        *(page.after or (None, "")),
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["position"], row["value_id"]))
    return pb.CoreValues(
        values=[pb.CoreValue(value_id=row["value_id"], name=row["name"]) for row in shown], next_page_token=token
    )


async def names(con: asyncpg.Connection, tenant: str) -> list[str]:
    """What core values are called, all of them: no two get one name."""
    return [row["name"] for row in await con.fetch(f"select name from {TABLE.name} where tenant = $1", tenant)]
