"""How far each subscription has come: kept beside what it wrote, moved by compare-and-set."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import asyncpg

from eventkit.database import connection

SCHEMA = """
create table if not exists checkpoint(
  subscription text not null, partition int not null, position bigint not null, "offset" bigint not null,
  primary key (subscription, partition)
);
create table if not exists refolded(subscription text primary key, times bigint not null)
"""
"""`refolded`: how often views were folded anew. Their rows are others then, and the checkpoint is the same."""
CHANNEL = "checkpoint"
"""On which processes tell each other that checkpoints moved (`eventkit.subscriptions.reached`)."""
OWN_FEED = 0
"""The partition under which a subscription to the own log keeps its checkpoint."""


class Checkpoint(NamedTuple):
    """All events up to `position` were handled; `offset` is the next one of a topic's partition (of no meaning for the
    own feed)."""

    position: int = 0
    offset: int = 0


class Fenced(Exception):
    """Somebody else moved the checkpoint: this process is no longer the one that runs the subscription."""


async def load(con: asyncpg.Connection, subscription: str, partition: int) -> Checkpoint:
    """The stored checkpoint; made at the beginning if there is none."""
    await con.execute("insert into checkpoint values ($1, $2, 0, 0) on conflict do nothing", subscription, partition)
    row = await con.fetchrow(
        'select position, "offset" from checkpoint where subscription = $1 and partition = $2', subscription, partition
    )
    assert row is not None
    return Checkpoint(row["position"], row["offset"])


async def move(con: asyncpg.Connection, subscription: str, partition: int, *, at: Checkpoint, to: Checkpoint) -> None:
    """Move a checkpoint, or raise `Fenced`. As a transaction's first statement it locks rivals out until the commit."""
    moved = await con.execute(
        'update checkpoint set position = $3, "offset" = $4 '
        'where subscription = $1 and partition = $2 and position = $5 and "offset" = $6',
        subscription,
        partition,
        *to,
        *at,
    )
    if moved != "UPDATE 1":
        raise Fenced(f"{subscription}/{partition} is not at {at} any more")


MOVE_VIEWS = """
update checkpoint set position = $3, "offset" = $4 from (select set_config('synchronous_commit', 'off', true)) soon
where subscription = $1 and partition = $2 and position = $5 and "offset" = $6
"""
"""What a crash of the database takes of a view, it takes of the checkpoint beside it, and it is folded again: its
commits need not wait for the disk."""


async def move_views(
    con: asyncpg.Connection, subscription: str, partition: int, *, at: Checkpoint, to: Checkpoint
) -> bool:
    """As `move`, in a transaction that writes nothing but views. Answers whether any event of the subscription is
    parked."""
    row = await con.fetchrow(
        f"{MOVE_VIEWS} returning exists (select from parked where parked.subscription = $1) as parked",
        subscription,
        partition,
        *to,
        *at,
    )
    if row is None:
        raise Fenced(f"{subscription}/{partition} is not at {at} any more")
    return row["parked"]


MOVE_WITH = f"{MOVE_VIEWS} and not exists (select from parked where parked.subscription = $1) returning position"


async def move_with(
    con: asyncpg.Connection,
    subscription: str,
    partition: int,
    *,
    at: Checkpoint,
    to: Checkpoint,
    writing: str = "",
    values: Sequence[object] = (),
) -> bool:
    """As `move`, in one statement of its own, with one that writes all that a page changes: nothing, or what `writing`
    selects from `moved` and inserts. Its parameters are `values`, from the seventh on. False: nothing was done, as
    events are parked, or because it was fenced."""
    also = f", written as ({writing})" if writing else ""
    return await con.fetchval(
        f"with moved as ({MOVE_WITH}){also} select exists (select from moved)",
        subscription,
        partition,
        *to,
        *at,
        *values,
    )


async def check(pool: asyncpg.Pool, subscription: str, where: Mapping[int, Checkpoint]) -> None:
    """Raises `Fenced` when a checkpoint is not where it was left, by partition, as where a rival moved it: an idle
    subscription looks now and then."""
    if not where:
        return
    async with connection(pool) as con:
        rows = await con.fetch(
            'select partition, position, "offset" from checkpoint '
            "where subscription = $1 and partition = any($2::int[])",
            subscription,
            list(where),
        )
    found = {row["partition"]: Checkpoint(row["position"], row["offset"]) for row in rows}
    if found != where:
        raise Fenced(f"{subscription} is not at {where} any more")


async def hold(con: asyncpg.Connection, subscription: str) -> None:
    """Keep the subscription from moving until the caller's transaction ends."""
    await con.execute("select from checkpoint where subscription = $1 order by partition for update", subscription)


async def hold_all(con: asyncpg.Connection, subscription: str, partitions: Iterable[int]) -> dict[int, Checkpoint]:
    """As `hold`, on partitions that were not begun too. Answers how far it has come on each."""
    await con.execute(
        "insert into checkpoint select $1, partition, 0, 0 from unnest($2::int[]) partition on conflict do nothing",
        subscription,
        sorted(partitions),
    )
    rows = await con.fetch(
        'select partition, position, "offset" from checkpoint where subscription = $1 order by partition for update',
        subscription,
    )
    return {row["partition"]: Checkpoint(row["position"], row["offset"]) for row in rows}


async def was_refolded(con: asyncpg.Connection, subscription: str) -> None:
    """Its views were folded anew. Who remembers their rows hears of it once the caller's transaction ends."""
    await con.execute(
        "insert into refolded values ($1, 1) on conflict (subscription) do update set times = refolded.times + 1",
        subscription,
    )
    await tell_changed(con)


async def tell_changed(con: asyncpg.Connection) -> None:
    """Tell every process, once the caller's transaction ends, that views changed without a move of their
    checkpoint."""
    await con.execute("select pg_notify($1, 'changed')", CHANNEL)


async def wait(pool: asyncpg.Pool, subscriptions: list[str], partition: int, position: int) -> None:
    """Until every one of the subscriptions has passed a position. The caller sets the deadline."""
    pause = 0.004
    while True:
        async with connection(pool) as con:
            behind = await con.fetchval(
                "select count(*) from unnest($1::text[]) s "
                "where not exists (select from checkpoint where subscription = s and partition = $2 and position >= "
                "$3)",
                subscriptions,
                partition,
                position,
            )
        if not behind:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.1)


async def must_reach(con: asyncpg.Connection, group: str, positions: Mapping[int, int]) -> None:
    """Have processes, of whatever version, answer only when a group of views has come so far, by partition. It is kept
    as how far version 0 has come, which no view has (`of_other_versions`)."""
    await con.executemany(
        "insert into checkpoint values ($1, $2, $3, 0) on conflict (subscription, partition) do update set position = "
        "excluded.position",
        [(f"{group}_v0", partition, position) for partition, position in positions.items()],
    )


async def of_other_versions(con: asyncpg.Connection, subscription: str, *, newer: bool = False) -> dict[int, int]:
    """How far the other versions of a subscription have come, or the `newer` ones, the furthest of each partition;
    none: there are none."""
    group, _, version = subscription.rpartition("_v")
    rows = await con.fetch(
        r"select substr(subscription, length($1) + 1) as version, partition, position from checkpoint "
        r"where starts_with(subscription, $1) and substr(subscription, length($1) + 1) ~ '^\d+$' "
        r"and subscription <> $2 order by position",
        f"{group}_v",
        subscription,
    )
    return {row["partition"]: row["position"] for row in rows if not newer or int(row["version"]) > int(version)}
