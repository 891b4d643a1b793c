"""A directory in memory says what its views say, whoever moves them."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import asyncpg
import pytest
from google.protobuf.message import Message

from eventkit.directory.directory import TENANT_TABLE, Directory
from eventkit.directory.facts import OrgChart
from eventkit.directory.views import views
from eventkit.ids import uuid7
from eventkit.log import NewEvent, Origin, StreamId, Write, wire
from eventkit.log.postgres import PostgresLog
from eventkit.process import provision
from eventkit.settings import load
from eventkit.subscriptions.checkpoint import OWN_FEED, Checkpoint
from eventkit.subscriptions.reached import Reached
from eventkit.subscriptions.subscription import Projecting
from eventkit.telemetry import Metrics
from nhip.people.v1 import types_pb2 as t
from nhip.people.v1.events_pb2 import (
    PersonDeactivated,
    PersonRegistered,
    PlaceAssigned,
    RolesChanged,
    UnitCreated,
    UnitHeadAppointed,
)
from tests.integration.eventkit.topics import running, until


@dataclass
class People:
    """A log of people, a process that keeps the directory, and one that only asks."""

    log: PostgresLog
    projecting: Projecting
    keeping: Directory
    asking: Directory
    reached: tuple[Reached, Reached]
    pool: asyncpg.Pool
    at: Checkpoint = field(default_factory=Checkpoint)
    versions: dict[StreamId, int] = field(default_factory=dict[StreamId, int])

    async def happen(self, category: str, id: str, *messages: Message, tenant: str = "acme") -> None:
        """And the views have it."""
        stream = StreamId(tenant, category, id)
        events = [NewEvent(uuid7(), wire.type_name(m), wire.encode(m)) for m in messages]
        write = Write(stream, self.versions.get(stream, 0), events)
        to = Checkpoint((await self.log.append(write, origin=Origin("person:lan"))).position)
        self.versions[stream] = write.expected + len(events)
        page = [event async for event in self.log.read(stream, after=write.expected)]
        await self.projecting.take(OWN_FEED, self.at, to, page)
        self.at = to

    async def org_chart(self, tenant: str = "acme") -> OrgChart:
        """As the process that keeps it knows it, which is as the other one soon reads it."""
        known = await self.keeping.org_chart(tenant)

        async def is_read() -> bool:
            return await self.asking.org_chart(tenant) == known

        await until(is_read)
        return known


@pytest.fixture
async def people(postgres: str) -> AsyncGenerator[People]:
    async with PostgresLog(postgres) as log, asyncpg.create_pool(postgres, min_size=1, max_size=8) as pool:
        await provision.databases(load(postgres=postgres), [])
        await provision.tables(pool, views())
        mine, other = Reached(postgres, pool), Reached(postgres, pool)
        async with running(mine.run, other.run):

            async def are_current() -> bool:
                return mine.is_current and other.is_current

            await until(are_current)
            await pool.execute("insert into checkpoint values ($1, 0, 0, 0)", views()[0].subscription)
            yield People(
                log,
                Projecting(views(), pool, Metrics(), mine.moved),
                Directory(pool, lambda _: OWN_FEED, mine, pool),
                Directory(pool, lambda _: OWN_FEED, other, pool),
                (mine, other),
                pool,
            )


def registered(id: str, *roles: "t.Role.ValueType") -> PersonRegistered:
    return PersonRegistered(person_id=id, roles=roles)


async def test_every_change_is_known_at_once(people: People):
    await people.happen("person", "lan", registered("lan", t.ROLE_ADMIN))
    await people.happen("person", "minh", registered("minh"))
    assert (await people.org_chart()).roles("minh") == {"employee"}
    await people.happen("person", "minh", RolesChanged(person_id="minh", after=[t.ROLE_EXECUTIVE]))
    org = await people.org_chart()
    assert org.roles("minh") == {"employee", "executive"}
    assert org.executives() == ["minh"]
    await people.happen(
        "organisation",
        "all",
        UnitCreated(unit_id="sales", name="Sales"),
        PlaceAssigned(person_id="minh", after=t.Place(unit_id="sales", manager_id="lan")),
    )
    org = await people.org_chart()
    assert (org.manager("minh"), org.roles("lan")) == ("lan", {"employee", "admin", "manager"})
    await people.happen("organisation", "all", UnitHeadAppointed(unit_id="sales", after="minh"))
    assert (await people.org_chart()).roles("minh") == {"employee", "executive", "department_head"}
    await people.happen("person", "minh", PersonDeactivated(person_id="minh"))
    org = await people.org_chart()
    assert (org.roles("minh"), org.executives(), org.position) == (None, [], people.at.position)


async def test_tenants_do_not_meet(people: People):
    await people.happen("person", "lan", registered("lan"))
    before = await people.org_chart()
    await people.happen("person", "tâm", registered("tâm"), tenant="other")
    assert list((await people.org_chart("other")).people) == ["tâm"]
    after = await people.org_chart()
    assert after.people is before.people  # and nothing of the one is read again for the other
    assert after.position == people.at.position


async def test_who_asks_while_another_one_asks_is_told_the_same_and_a_reading_that_failed_is_none(people: People):
    company = f"insert into {TENANT_TABLE}(tenant, name, time_zone, language, logo, suspended, deleted, most_people, "
    await people.pool.execute(f"{company}most_kpis, most_calls) values ('acme', '', '', '', '', true, true, 0, 0, 0)")
    await people.pool.execute(f"{company}most_kpis, most_calls) values ('beta', '', '', '', '', false, false, 0, 0, 5)")
    of = people.asking
    asked = await asyncio.gather(of.gone(), of.gone(), of.calls("beta"), of.calls("beta"), of.calls("acme"))
    assert asked == [{"acme"}, {"acme"}, 5, 5, 0]
    await people.pool.execute(f"alter table {TENANT_TABLE} rename to away")
    for _ in range(2):
        with pytest.raises(asyncpg.UndefinedTableError):
            await people.keeping.gone()
    await people.pool.execute(f"alter table away rename to {TENANT_TABLE}")
    assert await people.keeping.gone() == {"acme"}
