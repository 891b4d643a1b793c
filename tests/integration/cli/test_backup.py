"""A backup of one moment while people write, and its restore: all that it had is there, in every service of the same
moment, nothing of what came later, and everybody who looked on notices and goes on."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from cli import keys, restoring
from cli.backup import backed_up, put_back
from cli.catalog import SERVICES
from cli.client import Client, connected
from cli.running import Failed
from deploy.engines import Engines
from eventkit import kafka
from eventkit.database import connect
from eventkit.errors import Rejected
from eventkit.kafka.subscribing import subscriber
from eventkit.log import Recorded
from eventkit.log.incarnations import Incarnation
from eventkit.log.moving import Unfinished
from eventkit.log.postgres import PostgresLog
from eventkit.process.host import Running, running
from eventkit.rpc.auth import of_settings
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.settings import Settings, load
from nhip.common.v1.operations_pb2 import Verified, Verify
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from tests.integration.eventkit.topics import until

TWO = ("people", "goals")
"""The one writes, the other follows it; all others are as these."""
TENANT, LEFT = "acme", "beta"
"""The one stays, the other is deleted after the backup."""


@dataclass
class Site:
    settings: Settings
    issuer: DemoIssuer
    services: dict[str, Running] = field(default_factory=dict[str, Running])

    @asynccontextmanager
    async def runs(self) -> AsyncGenerator[Client]:
        """As somebody who writes: an administrator of the company."""
        async with AsyncExitStack() as stack:
            for name in TWO:
                self.services[name] = await stack.enter_async_context(
                    running(name, SERVICES[name].build, self.settings, of_settings(self.settings))
                )
            at = {name: service.address for name, service in self.services.items()}
            yield await stack.enter_async_context(connected(at, self.token("service:importer")))

    def token(self, subject: str, tenant: str = TENANT, behalf: str = "") -> str:
        behalf = "service:operator" if subject == "service:importer" else behalf
        return self.issuer.mint(tenant, subject, on_behalf_of=behalf)

    async def ends(self) -> dict[str, int]:
        """How far the log of people is, and what goals has of it."""
        found: dict[str, int] = {}
        for name, ask in (
            ("people", "select coalesce(max(position), 0) from log_event"),
            ("goals", "select max(position) from checkpoint where subscription like 'people%'"),
        ):
            con = await connect(self.settings.database(name), "test")
            found[name] = await con.fetchval(ask)
            await con.close()
        return found

    async def is_followed(self) -> bool:
        """Whether goals has anything of people's."""
        return bool((await self.ends())["goals"])

    async def lose_everything(self) -> None:
        con = await asyncpg.connect(self.settings.server())
        for name in (*TWO, "keys"):
            await con.execute(f"drop database if exists {self.settings.database_name(name)} with (force)")
        await con.close()


@pytest.fixture
async def site(engines: Engines, tmp_path: Path) -> AsyncGenerator[Site]:
    issuer = DemoIssuer(host="127.0.0.1", key_file=tmp_path / "issuer.key", issuer="http://issuer.test")
    (tmp_path / "jwks.json").write_text(json.dumps(issuer.jwks()))
    settings = load(
        postgres=engines.postgres,
        kafka=engines.kafka,
        installation=f"vault-{uuid4().hex[:6]}",
        master_key=base64.b64encode(b"m" * 32).decode(),
        issuer="http://issuer.test",
        jwks=str(tmp_path / "jwks.json"),
        shutdown_seconds=2,
        deletion_days=0,
    )
    yield (there := Site(settings, issuer))
    await there.lose_everything()


async def registered(client: Client, name: str, *roles: pt.Role.ValueType) -> str:
    asked = p.RegisterPerson(name=PersonalText(plain=name), roles=roles)
    return (await client.command(asked, key=uuid4().hex)).id


async def names(client: Client) -> dict[str, str]:
    found: dict[str, str] = {}
    asked = p.ListPeople(page_size=500)
    while True:
        page = await client.ask(asked, p.PeopleList, after=client.positions.all())
        found |= {person.person_id: person.name.plain for person in page.people}
        if not (token := page.next_page_token):
            return found
        asked.page_token = token


async def deleted(client: Client, site: Site) -> None:
    """The other company, by two who operate."""
    asked = p.RequestTenantDeletion(tenant_id=LEFT, reason="Hết hợp đồng")
    for who, command in (
        ("", p.SuspendTenant(tenant_id=LEFT)),
        ("person:lan", asked),
        ("person:minh", p.ApproveTenantDeletion(tenant_id=LEFT)),
    ):
        await client.acting(site.token("service:operator", LEFT, who)).command(command)
    await until(lambda: is_deleted(client, site))


async def is_deleted(client: Client, site: Site) -> bool:
    lines = (await client.acting(site.token("service:operator")).ask(p.ListTenants(), p.TenantList)).tenants
    return {one.tenant_id: one.deletion.state for one in lines}[LEFT] == p.TENANT_DELETION_STATE_DELETED


async def test_what_a_backup_had_is_all_there_of_one_moment_and_everybody_goes_on(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    folder, seen, told = tmp_path / "backup", list[Recorded](), list[Incarnation]()
    listed = tmp_path / "listed.jsonl"

    async def handle(event: Recorded) -> None:
        seen.append(event)

    async def begun_anew(incarnation: Incarnation) -> None:
        told.append(incarnation)

    async with site.runs() as client:
        await client.acting(site.token("service:operator")).command(p.CreateTenant(name="Acme"), key="t")
        await client.acting(site.token("service:operator", LEFT)).command(p.CreateTenant(name="Beta"), key="t")
        tu = await registered(client.acting(site.token("service:importer", LEFT)), "Tú", pt.ROLE_ADMIN)
        admins = [await registered(client, name, pt.ROLE_ADMIN) for name in ("Nam", "Hương")]
        minh = await registered(client, "Minh")
        before = {await registered(client, f"trước {n}"): f"trước {n}" for n in range(10)}
        await until(site.is_followed)

        async def goes_on_writing() -> list[str]:
            written: list[str] = []
            while not finished.is_set():
                written.append(await registered(client, "trong lúc"))
            return written

        finished = asyncio.Event()
        writing = asyncio.ensure_future(goes_on_writing())
        manifest = await backed_up(site.settings, folder, None, TWO)
        finished.set()
        meanwhile = await writing
        assert meanwhile  # nobody had to stop for it
        ended = dict.fromkeys([await registered(client, "sau đó")], "")
        by = [client.acting(site.token(f"person:{id}")) for id in admins]
        await by[0].command(p.RequestErasure(person_id=minh), key="r")
        await by[1].command(p.ApproveErasure(person_id=minh), key="a")

        async def erased() -> bool:
            return (await client.ask(p.GetPerson(person_id=minh), p.Person)).name.erased

        await until(erased)
        await deleted(client, site)
        old_position = client.positions.all()
        cluster = kafka.Cluster.of(site.settings)
        broker = subscriber(cluster, "people", group="payroll", handle=handle, anew=begun_anew)
        await broker.start()
        last = (await site.ends())["people"]

        async def all_seen() -> bool:
            return bool(seen) and max(event.position for event in seen) == last

        await until(all_seen)
        assert told == []
        await keys.write_down(site.settings, listed)
    await site.lose_everything()

    with monkeypatch.context() as patch:
        cut_off_when_topics_are_empty(site, patch)
        with pytest.raises(Failed, match="cut off here"):
            await put_back(site.settings, folder, None, [])
    await site.lose_everything()
    kept = folder / "erased.jsonl"
    known = [{"tenant": TENANT, "person_id": minh}, {"tenant": LEFT, "person_id": "@everybody"}]
    assert kept.read_text() == listed.read_text() == "".join(json.dumps(each) + "\n" for each in known)
    kept = kept.rename(tmp_path / "kept.jsonl")
    with pytest.raises(Failed, match="nobody can say who was erased"):
        await put_back(site.settings, folder, None, [])
    kept.rename(folder / "erased.jsonl")

    capsys.readouterr()
    await put_back(site.settings, folder, None, [])
    said = capsys.readouterr().out
    assert "1 person and 1 company" in said
    assert f"so that it is on record:\n  {TENANT}: {minh}\nThat companies were deleted since" in said
    con = await connect(site.settings.database("goals"), "test")
    of_goals = await con.fetchval("select max(position) from checkpoint where subscription like 'people%'")
    await con.close()
    ends = await site.ends()
    assert ends["people"] == manifest.ends["people"] >= of_goals  # what follows is not ahead of whom it follows

    async with site.runs() as client:
        assert all(service.ready() for service in site.services.values())
        after = await names(client)
        assert before.items() <= after.items()
        assert not ended.keys() & after.keys()
        assert after[minh] == ""  # whose key was there again, and is destroyed
        assert (await client.ask(p.GetPerson(person_id=minh), p.Person)).name.erased
        with pytest.raises(Rejected, match="before it was restored") as refused:
            await client.ask(p.ListPeople(), p.PeopleList, after=old_position)
        assert refused.value.reason == "POSITION_OF_ANOTHER_LOG"

        await until(lambda: is_deleted(client, site))  # which is recorded by itself
        with pytest.raises(Rejected, match="TENANT_DELETED"):
            await client.acting(site.token(f"person:{tu}", LEFT)).ask(p.ListPeople(), p.PeopleList)

        new = await registered(client, "mới")
        assert (await names(client))[new] == "mới"
        operator = client.acting(site.token("service:operator"))
        for name in TWO:
            views = (await operator.ask(Verify(service=name), Verified, at=name, after=client.positions.all())).views
            assert views
            assert [one for one in views if one.differences] == []
        await until(lambda: _has(seen, new))
        assert {each.number for each in told} == {2}
        assert {each.after for each in told} == {manifest.ends["people"]}
        with pytest.raises(Failed, match="put into empty databases"):
            await put_back(site.settings, folder, None, [])
    await broker.stop()


def cut_off_when_topics_are_empty(site: Site, patch: pytest.MonkeyPatch) -> None:
    begun_anew, empty = restoring.begun_anew, restoring.empty

    async def looked_at(*given: Any) -> dict[str, Incarnation]:
        with pytest.raises(Unfinished, match="call `nhip restore` again"):
            async with PostgresLog(site.settings.database("people")):
                pass
        return await begun_anew(*given)

    async def and_no_further(*given: Any) -> None:
        await empty(*given)
        raise ConnectionResetError("cut off here")

    patch.setattr(restoring, "begun_anew", looked_at)
    patch.setattr(restoring, "empty", and_no_further)


async def _has(seen: list[Recorded], person: str) -> bool:
    return any(event.stream.id == person for event in seen)


async def test_half_a_backup_and_one_that_was_changed_are_none(site: Site, tmp_path: Path):
    with pytest.raises(Failed, match="no backup that was finished"):
        await put_back(site.settings, tmp_path, None, [])
    (tmp_path / "people.dump").write_bytes(b"1")
    said = {"format": 1, "nhip": "1", "installation": "x", "id": "", "at": "", "logins": [], "ends": {"people": 1}}
    (tmp_path / "backup.json").write_text(json.dumps({**said, "files": {"people": "0"}}))
    with pytest.raises(Failed, match="not what was written"):
        await put_back(site.settings, tmp_path, None, [])
