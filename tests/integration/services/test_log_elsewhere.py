"""A service whose log is in KurrentDB, hosted as any: under an installation's name of its own, beside the run's."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from cli.catalog import SERVICES
from cli.client import Client, connected
from cli.log import OWN, copied
from cli.running import Failed
from eventkit.log.kurrentdb import KurrentLog, OthersLog
from eventkit.process.host import Running, running
from eventkit.rpc.auth import Keys, Tokens
from eventkit.settings import Settings, SettingsError
from nhip.common.v1 import operations_pb2 as o
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as p
from tests.integration.eventkit.kurrentdb_server import KurrentServer
from tests.integration.services.company import System
from tests.waiting import PATIENCE


@pytest.fixture
async def server() -> AsyncGenerator[KurrentServer]:
    async with KurrentServer() as server:
        yield server


@pytest.fixture
def settings(system: System, server: KurrentServer) -> Settings:
    return system.settings.model_copy(update={"installation": f"elsewhere-{uuid4().hex[:6]}", "log": server.url})


@asynccontextmanager
async def people(settings: Settings, system: System) -> AsyncGenerator[Running]:
    tokens = Tokens(issuer=settings.issuer, audience="nhip", keys=Keys(settings.jwks))
    async with running("people", SERVICES["people"].build, settings, tokens) as found:
        yield found


@asynccontextmanager
async def operating(settings: Settings, system: System, tenant: str) -> AsyncGenerator[Client]:
    """The service, and its operator's client."""
    async with people(settings, system) as service:
        operator = system.issuer.mint(tenant, "service:operator")
        async with connected({"people": service.address}, operator) as client:
            yield client


async def test_commands_views_and_verification_are_what_they_are_with_any_log(
    system: System, settings: Settings, server: KurrentServer
):
    tenant = f"t-{uuid4().hex[:8]}"
    for turn in range(2):  # started again it goes on where it was
        async with operating(settings, system, tenant) as client:
            if not turn:
                await client.command(p.CreateTenant(name="Xa"), at="people")
            async with asyncio.timeout(PATIENCE):
                while await rows(client, "directory_tenant") != 1:
                    await asyncio.sleep(0.02)
    prefix = settings.installation.replace("-", "_")
    assert f"{prefix}.people.tenant-{tenant}/{tenant}" in server.data.streams


async def test_a_service_starts_on_the_log_that_it_had_and_on_no_other(system: System, settings: Settings):
    tenant, own = f"t-{uuid4().hex[:8]}", settings.model_copy(update={"log": ""})
    async with (
        operating(settings, system, tenant) as client,
        asyncpg.create_pool(own.database("people"), min_size=0) as con,
    ):
        await client.command(p.CreateTenant(name="Xa"), at="people")
        async with asyncio.timeout(PATIENCE):
            while not await con.fetchval("select max(position) from checkpoint where partition = 0"):
                await asyncio.sleep(0.02)
    with pytest.raises(SettingsError, match=r"what people keeps has come to position .*, and its log ends at 0"):
        await begun(own, system)
    other = own.model_copy(update={"installation": f"{own.installation}-b"})
    async with operating(other, system, tenant) as client:
        await client.command(p.CreateTenant(name="Xa"), at="people")
    with pytest.raises(SettingsError, match="people has its log in its own database: move it"):
        await begun(other.model_copy(update={"log": settings.log}), system)


async def test_a_log_is_moved_while_the_service_does_not_run_and_it_goes_on_as_if_nothing_had_happened(
    system: System, settings: Settings
):
    tenant, own = f"t-{uuid4().hex[:8]}", settings.model_copy(update={"log": ""})
    async with operating(own, system, tenant) as client:
        await client.command(p.CreateTenant(name="Xa"), at="people")
        minh = p.RegisterPerson(name=PersonalText(plain="Minh"))
        first = await client.command(minh, key="minh", at="people", after=client.positions.all())
        with pytest.raises(Failed, match=r"people runs \(.+\): stop all of its processes"):
            await copied(own, "people", OWN, settings.log)
    await copied(own, "people", OWN, settings.log)
    with pytest.raises(Failed, match="there is a log under"):
        await copied(own, "people", OWN, settings.log)
    async with operating(settings, system, tenant) as client:
        again = await client.command(minh, key="minh", at="people")
        assert (again.repeated, again.position) == (True, first.position)
        person = p.RegisterPerson(name=PersonalText(plain="Lan"))
        joined = await client.command(person, key="lan", at="people", after=client.positions.all())
        await client.ask(p.ListPeople(), p.PeopleList, after=[joined.position])
        assert await rows(client, "directory_tenant") == 1
    with pytest.raises(SettingsError, match=r"its log ends at"):
        await begun(own, system)  # the log that was left behind is not taken for the one that went on
    drop = await asyncpg.connect(own.database("people"))
    await drop.execute("drop table log_event; drop function log_last, log_refuse")
    await drop.close()
    await copied(own, "people", settings.log, OWN)  # and back
    async with operating(own, system, tenant) as client:
        assert (await client.command(person, key="lan", at="people")).position == joined.position
        assert await rows(client, "directory_tenant") == 1


async def test_a_log_of_another_installation_is_not_taken(server: KurrentServer):
    async with KurrentLog(server.url, context="goals") as log, KurrentLog(server.url, context="goals") as other:
        await log.claim("one")
        await log.claim("one")
        with pytest.raises(OthersLog, match="belong to another installation"):
            await other.claim("two")


async def rows(client: Client, view: str) -> int:
    """Of a view; none of any view differs from what the log says."""
    views = (await client.ask(o.Verify(service="people"), o.Verified, at="people")).views
    assert not any(one.differences for one in views)
    return next(one.rows for one in views if one.view == view)


async def begun(settings: Settings, system: System) -> None:
    async with people(settings, system):
        pass
