"""A log that went back to a backup: nobody mixes what it was with what it became, and each can go on."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest

from cli.restoring import published
from deploy.engines import url_of_database
from eventkit.database import transaction
from eventkit.errors import Rejected
from eventkit.kafka import Cluster, empty_topics
from eventkit.kafka.records import Received
from eventkit.kafka.topics import Looked, other_logs
from eventkit.log import Recorded
from eventkit.log.conformance import everything
from eventkit.log.incarnations import Incarnation, Incarnations
from eventkit.process import provision, recovery
from eventkit.process.recovery import refuse_past
from eventkit.process.service import Reaction, Service
from eventkit.process.showing import caught_up
from eventkit.rpc.metadata import Metadata, Position
from eventkit.subscriptions.projection import Rows, View
from eventkit.subscriptions.reached import Reached
from eventkit.subscriptions.subscription import Projecting
from eventkit.subscriptions.table import READER
from tests.conftest import fresh_database
from tests.integration.eventkit.topics import PARTITIONS, World, running, until, world
from tests.waiting import PATIENCE


@asynccontextmanager
async def backup_of(postgres: str) -> AsyncGenerator[str]:
    """The URL of a database as this one is now; who is connected to this one is cut off."""
    name = urlsplit(postgres).path.removeprefix("/")
    server_url = url_of_database(postgres, "postgres")
    async with fresh_database(server_url) as copy:
        server = await asyncpg.connect(server_url)
        try:
            other = urlsplit(copy).path.removeprefix("/")
            await server.execute(f"drop database {other}")
            await server.fetch("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
            await server.execute(f"create database {other} template {name}")
        finally:
            await server.close()
        yield copy


@pytest.fixture
async def elsewhere(postgres_of_module: str) -> str:
    """A database of whoever follows."""
    return postgres_of_module


async def react(_: Recorded) -> None: ...


@dataclass(frozen=True, slots=True)
class Row:
    tenant: str
    position: int


class Positions(View[Row]):
    """Which events it was given."""

    name, categories, key, raw = "test_positions", (), ("tenant", "position"), True
    row = Row

    def __init__(self, source: str):
        self.source = source  # type: ignore[misc] # contexts of tests have names of their own

    def fold(self, rows: Rows[Row], event: Recorded) -> None:
        rows.put(Row(event.tenant, event.position))


class Directory:
    """Who follows: a view of a context, and a process that starts."""

    def __init__(self, of: World, source: str):
        self.view, self._of = Positions(source), of

    async def begin(self) -> None:
        await self._of.pool.execute(
            f"do $$ begin create role {READER} nologin; exception when duplicate_object then end $$"
        )
        await provision.tables(self._of.pool, [self.view])

    @property
    def run(self) -> Callable[[Callable[[], None]], Awaitable[None]]:
        return self._of.reading(Projecting([self.view], self._of.pool, self._of.metrics), "directory").run

    async def shown(self) -> list[int]:
        rows = await self._of.pool.fetch("select position from test_positions_v1 order by position")
        return [row["position"] for row in rows]

    async def answers(self) -> list[int]:
        """What it shows when it is ready."""
        async with asyncio.timeout(PATIENCE):
            reached = Reached(self._of.dsn, self._of.pool)
            await caught_up(self._of.pool, reached, [self.view], "reader", 0)
        return await self.shown()


async def test_a_log_that_went_back_is_noticed_by_its_own_relay_and_begun_anew_by_who_follows(
    kafka: str, postgres: str, elsewhere: str
):
    cluster = Cluster(kafka, PARTITIONS, 1, id="ours")
    async with world(postgres, cluster) as there:
        context = there.context
        await there.append(20)
    async with backup_of(postgres) as backup, world(elsewhere, cluster) as reader:
        reader.context, reader.of = context, "reader"
        async with world(postgres, cluster) as there:
            there.context, there.stored, reader.log = context, 20, there.log
            await there.append(10)
            directory = Directory(reader, context)
            await directory.begin()
            async with running(there.relay().run, reader.reader().run, directory.run):
                await reader.until_all_is_noted()

                async def all_shown() -> bool:
                    return len(await directory.shown()) == 30

                await until(all_shown)
            first = await everything(there.log)

        async with world(backup, cluster) as there:  # restored, and nobody said so
            there.context, there.stored = context, 40
            await there.append(12)  # further than before: no position shows it
            async with running(there.relay().run):
                await _unfit(there, r"does not have there: the log was restored to an earlier moment")
            assert await there.relayed() == 0

            async with transaction(there.pool) as con:
                await con.execute("drop table incarnation, followed")  # as in a backup of a version before them
                begun = await recovery.begin_anew(con, 20, above=1)
            assert (begun.number, begun.after) == (2, 20)
            async with running(there.relay().run):
                await _unfit(there, r"holds records of another incarnation of its log \(1-0-\w+; the log is 2-20-")

            await empty_topics(cluster, [context])
            async with running(there.relay().run, reader.reader().run):
                await there.until_relayed()
                await _unfit(reader, rf"bring reader over \(`nhip log follow reader {context}`\)")
                assert reader.count("nhip_other_logs") == 1
                known = await everything(there.log)
                assert sum(map(len, (await reader.noted()).values())) == 30
            follows = Service((), views=[directory.view], reactions=[Reaction("notes", context, react)])
            published_anew, ends = await published(cluster, context)
            async with transaction(reader.pool) as con:
                done = await recovery.bring_over(con, follows, context, published_anew, ends)
            assert published_anew == begun
            assert done.reactions == {"notes": 10}  # it acted on so much that is gone
            assert done.views == [directory.view.subscription]
            assert await directory.shown() == []
            await reader.pool.execute("delete from noted where position > 20")
            reader.log = there.log
            async with running(there.relay().run, reader.reader().run, directory.run):
                assert await directory.answers() == [event.position for event in known]  # and not half of it before
                await reader.until_all_is_noted()
            assert [event.id for event in known[:20]] == [event.id for event in first[:20]]
            assert reader.metrics.registry.get_sample_value("nhip_other_logs") == 0


async def _unfit(there: World, why: str) -> None:
    """Until a look finds the topic to be of another log; nothing is read or written then."""
    topics = there.topics()

    async def told() -> str:
        try:
            await topics.fit(there.context, within=0)
        except Exception as error:
            return str(error)
        return ""

    found = await until(told)
    assert re.search(why, found), found


def test_a_position_of_the_log_before_is_refused_at_once_unless_the_restored_log_has_it_too():
    known = Incarnations("people", cast(asyncpg.Pool, None), stored)
    known._known = {"goals": Incarnation(2, 120, "0f3a9c21"), "people": Incarnation(2, 90, "aaaaaaaa")}  # pyright: ignore[reportPrivateUsage]
    refuse_past(known, {"goals": Position.of(120, ""), "people": Position.of(90, ""), "audit": Position.of(7, "")})
    refuse_past(known, {"goals": Position.of(121, "0f3a9c21")})
    for context, gone in (
        ("goals", Position.of(121, "")),
        ("people", Position.of(121, "")),
        ("people", Position.of(121, "bbbbbbbb")),  # nobody knows the own log better
    ):
        with pytest.raises(Rejected, match="before it was restored") as refused:
            refuse_past(known, {context: gone})
        assert refused.value.reason == "POSITION_OF_ANOTHER_LOG"
    told = Metadata.of([("nhip-position", "goals=121@0f3a9c21"), ("nhip-position", "goals=7")]).positions()
    assert (told["goals"], told["goals"].incarnation) == (121, "0f3a9c21")


@pytest.mark.parametrize("followed", [Incarnation(1, 0, "aaaaaaaa"), Incarnation(2, 120, "0f3a9c21")])
def test_a_position_of_a_restored_log_that_is_not_followed_yet_is_not_reached(followed: Incarnation):
    known = Incarnations("people", cast(asyncpg.Pool, None), stored)
    known._known = {"goals": followed}  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(TimeoutError):
        refuse_past(known, {"goals": Position.of(130, "bbbbbbbb")})


@pytest.mark.parametrize(
    ("found", "advice"),
    [
        ([(1, 0)], r"publish it anew \(`nhip log publish people`\)"),
        ([(3, 90)], "call `nhip log restored people`"),
        ([(3, 90), (1, 0)], "call `nhip log restored people`"),
        ([(2, 100)], "call `nhip log restored people`"),
    ],
    ids=["earlier", "later", "both", "as many restores"],
)
async def test_a_topic_of_a_later_incarnation_than_its_log_is_not_published_anew(
    found: list[tuple[int, int]], advice: str
):
    known = Incarnations("people", cast(asyncpg.Pool, None), stored)
    known._known = {"people": Incarnation(2, 80, "0f3a9c21")}  # pyright: ignore[reportPrivateUsage]
    records = [
        Received(cast(Recorded, None), 0, 0, incarnation=Incarnation(number, after, "bbbbbbbb"))
        for number, after in found
    ]
    told = await other_logs(Cluster("nowhere:1", PARTITIONS, 1, id="ours"), Looked({}, {"people": records}), known)
    assert re.search(advice, told["people"]), told


async def stored(_: Collection[UUID]) -> Mapping[UUID, Recorded]:
    return {}
