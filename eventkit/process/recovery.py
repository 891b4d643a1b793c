"""What is done about logs that were restored from a backup: a new incarnation begins, its topic is published anew, and
whoever followed the one before is brought over (decision 44).

Each is one transaction in the database of one service, so that it can be called again after whatever cut it off.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from eventkit.errors import Rejected
from eventkit.log.incarnations import CURRENT, FOLLOW, INSERT, SCHEMA, Incarnation, Incarnations
from eventkit.process.service import Service
from eventkit.rpc.metadata import POSITION, Position
from eventkit.subscriptions import checkpoint, readers
from eventkit.subscriptions.projection import by_subscription


class StillRuns(Exception):
    """A process of the service runs, or ran a minute ago and was killed; its text names it."""


async def not_running(con: asyncpg.Connection, service: str) -> None:
    """Raises StillRuns."""
    if await con.fetchval("select to_regclass('reader')") is not None and (running := await readers.processes(con)):
        raise StillRuns(f"{service} runs ({', '.join(running)}): stop all of its processes, and call again")


async def prepare(con: asyncpg.Connection) -> None:
    """Make what is needed here and may be missing in a database of a version before. Logins of services get their
    rights to it by `nhip provision --logins`."""
    await con.execute(f"{SCHEMA};{readers.SCHEMA}")


async def begin_anew(con: asyncpg.Connection, last: int, *, above: int = 0) -> Incarnation:
    """In a transaction of the service's database: its log, which ends at `last`, begins a new incarnation, and its
    relay publishes from the first event.

    `above`: the highest number of an incarnation that is known elsewhere.
    """
    await prepare(con)
    number = await con.fetchval(f"select number from ({CURRENT}) current")
    incarnation = Incarnation.begun(max(number or 1, above) + 1, last)
    await con.execute(INSERT, *incarnation)
    await publish_anew(con)
    return incarnation


async def publish_anew(con: asyncpg.Connection) -> None:
    """In a transaction of the service's database: its relay begins with the first event. Its topic must be empty."""
    await con.execute("delete from relay")


async def follow_as_restored(con: asyncpg.Connection, incarnations: Mapping[str, Incarnation]) -> None:
    """In a transaction of a service's database that was restored to the same moment as the logs that it follows: what
    it keeps of them is right, and is gone on with, in topics that are published anew."""
    await con.execute('update checkpoint set "offset" = 0')
    for context, incarnation in incarnations.items():
        await con.execute(FOLLOW, context, str(incarnation))
    # Those of the moment of the backup.
    await con.execute("update reader set until = least(until, now())")


@dataclass(frozen=True, slots=True)
class BroughtOver:
    """What was done so that a service follows another incarnation."""

    views: Sequence[str]
    """Subscriptions whose views are folded anew."""
    reactions: Mapping[str, int]
    """By name, how many positions further than the restored log they had acted."""


async def bring_over(
    con: asyncpg.Connection, service: Service, context: str, incarnation: Incarnation, ends: Mapping[int, int]
) -> BroughtOver:
    """In a transaction of the database of a service that does not run: what it keeps of a context is folded anew, in
    every version, and its reactions go on where the restored log begins. `ends`: how far each partition of the topic
    is; a process that starts answers only when its views have come so far.

    What reactions did about events that are gone stays done: it is recorded in logs that were not restored.
    """
    groups = {name.rpartition("_v")[0] for name in by_subscription([v for v in service.views if v.source == context])}
    tables = {view.table.name for view in service.views if view.source == context}
    subscriptions = set[str]()
    for row in await con.fetch("select subscription, null::text[] as tables from checkpoint union select subscription, "
                               "tables from reader"):  # fmt: skip
        if row["subscription"].rpartition("_v")[0] in groups:
            subscriptions.add(row["subscription"])
            tables |= set(row["tables"] or ())
    # First, as a rebuild does: a page in flight finds no checkpoint any more, and begins again.
    await con.execute("delete from checkpoint where subscription = any($1::text[])", list(subscriptions))
    there = await con.fetch("select t from unnest($1::text[]) t where to_regclass(t) is not null", sorted(tables))
    if there:
        await con.execute(f"truncate {', '.join(row['t'] for row in there)}")
    await con.execute("delete from parked where subscription = any($1::text[])", list(subscriptions))
    for group in groups:
        await checkpoint.must_reach(con, group, ends)
    names = [reaction.name for reaction in service.reactions if reaction.source == context]
    ahead = await con.fetch(
        "select subscription, max(position) - $2 as further from checkpoint where subscription = any($1::text[]) group "
        "by 1",
        names,
        incarnation.after,
    )
    await con.execute(
        'update checkpoint set position = least(position, $2), "offset" = 0 where subscription = any($1::text[])',
        names,
        incarnation.after,
    )
    await con.execute(
        "delete from parked where subscription = any($1::text[]) and position > $2", names, incarnation.after
    )
    await con.execute(FOLLOW, context, str(incarnation))
    await checkpoint.tell_changed(con)
    views = sorted(name for name in subscriptions if not name.endswith("_v0"))
    return BroughtOver(views, {row["subscription"]: max(0, row["further"]) for row in ahead})


def highest(incarnations: Iterable[Incarnation | None]) -> int:
    """The number of the last one that began; 1 where none is named."""
    return max((each.number for each in incarnations if each), default=1)


def refuse_past(incarnations: Incarnations, after: Mapping[str, Position]) -> None:
    """Raises Rejected for a position of a log before it was restored, which nobody comes to any more; up to where the
    restored log began it is the same in both. Raises TimeoutError for one of an incarnation that is not followed here,
    as after a wait that was not over: this service may not have been brought over to it yet."""
    for context, position in after.items():
        known = incarnations.of(context)
        if known is None or position <= known.after or position.incarnation == known.mark.removeprefix("@"):
            continue
        if position.incarnation and context != incarnations.name:
            raise TimeoutError(f"{incarnations.name} follows {known} of {context}")
        raise Rejected(
            "POSITION_OF_ANOTHER_LOG",
            f"{context}={position} is of the log of {context} before it was restored from a backup, which ended at "
            f"{known.after}: what was recorded behind that is gone; ask without this position",
            field=POSITION,
        )
