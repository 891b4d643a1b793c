"""A company that is deleted: two who operate decide, every key is destroyed, nothing of it is kept but its log."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from google.protobuf.message import Message

from cli.catalog import SERVICES
from eventkit.context import Actor, by_the_clock
from eventkit.directory.facts import TENANT
from eventkit.errors import Rejected
from eventkit.log import Recorded
from eventkit.privacy.keys import KeyStore
from eventkit.privacy.words import words_fields
from eventkit.process.service import Due
from nhip.checkins.v1.checkins_pb2 import RecordProgress
from nhip.common.v1 import operations_pb2 as o
from nhip.common.v1.command_pb2 import Accepted
from nhip.people.v1 import integrations_pb2 as i
from nhip.people.v1 import people_pb2 as p
from services.people.domain import deletion
from services.people.reactors.deletion import deleted_before, deleting
from tests.e2e.running import nhip
from tests.integration.services.company import MANY, OPERATOR, Company, System, number, words
from tests.integration.services.test_integrations import made
from tests.integration.services.test_suspended import ASKED, listed
from tests.waiting import PATIENCE

OUTLIVING = {"directory_tenant": "name <> '' or logo <> ''", "deletion": "false"}
"""What is not to be in the tables that outlive a company, of whatever version."""


async def operates(company: Company, who: str, request: Message) -> str:
    """As one of those who operate the installation; answers why not, or nothing."""
    token = company.system.issuer.mint(company.tenant, OPERATOR, on_behalf_of=who)
    method = next(m for m in SERVICES["people"].api.methods if m.input_type.full_name == request.DESCRIPTOR.full_name)
    positions = [("nhip-position", position) for position in company.positions.values()]
    try:
        reply = await company.system.call("people", method, request, [("authorization", f"Bearer {token}"), *positions])
    except Rejected as refusal:
        return refusal.reason
    assert isinstance(reply, Accepted)
    if reply.position:
        company.positions["people"] = reply.position
    return ""


async def until_gone(company: Company) -> None:
    """Until every service has heard of it, and has taken out what it kept."""
    async with asyncio.timeout(PATIENCE):
        while (await listed(company)).deletion.state != p.TENANT_DELETION_STATE_DELETED:
            await asyncio.sleep(0.05)
        while await kept(company):
            await asyncio.sleep(0.1)


async def kept(company: Company) -> dict[str, int]:
    """How many rows of it there are in each service, beside its log; of those that outlive it, with words of it."""
    found: dict[str, int] = {}
    for name in SERVICES:
        con = await asyncpg.connect(company.system.settings.database(name))
        try:
            tables = await con.fetch(
                "select table_name from information_schema.columns where column_name = 'tenant' and "
                "table_schema = 'public' and table_name !~ '^log_'"
            )
            for table in (row["table_name"] for row in tables):
                words = OUTLIVING.get(re.sub(r"_v\d+$", "", table), "true")
                ask = f"select count(*) from {table} where tenant = $1 and ({words})"
                if rows := await con.fetchval(ask, company.tenant):
                    found[f"{name}.{table}"] = rows
        finally:
            await con.close()
    return found


async def logged(company: Company) -> list[Recorded]:
    return [
        event
        for resources in company.system.all_resources.values()
        async for stream in resources.log.history(company.tenant, (), upto=10**9)
        for event in stream
    ]


def killed_once(patch: pytest.MonkeyPatch) -> list[str]:
    """Who destroys keys is killed the first time, before it is recorded; the tenants of whom that was so."""
    destroy_all, killed = KeyStore.destroy_all, list[str]()

    async def and_killed(store: KeyStore, tenant: str) -> None:
        await destroy_all(store, tenant)
        if tenant not in killed:
            killed.append(tenant)
            raise ConnectionResetError("killed here")

    patch.setattr(KeyStore, "destroy_all", and_killed)
    return killed


async def test_two_who_operate_delete_a_suspended_company_and_no_word_of_it_ever_opens_again(
    system: System, monkeypatch: pytest.MonkeyPatch
):
    killed = killed_once(monkeypatch)
    monkeypatch.setattr("eventkit.process.sweeping.AT_ONCE", 3)
    company, other = await (await system.company().found()).branch(), await system.company().found()
    await company.do(RecordProgress(kpi_id=company.ids["I1"], value=number(3), note=words("Gặp khách")), "minh")
    await company.do(company.proposal(I1=(80, 70)), "minh")
    _, secret = await made(company, i.INTEGRATION_VERB_READ)
    before = await logged(company)
    assert before
    assert await kept(company)

    ask, approve, keep = (
        p.RequestTenantDeletion(tenant_id=company.tenant, reason="Hết hợp đồng"),
        p.ApproveTenantDeletion(tenant_id=company.tenant),
        p.KeepTenant(tenant_id=company.tenant),
    )
    assert (await company.refused(ask, "nam")).reason == "NOT_ALLOWED"
    assert await operates(company, "person:lan", ask) == "NOT_SUSPENDED"
    await company.do(p.SuspendTenant(tenant_id=company.tenant), OPERATOR)
    assert await operates(other, "person:lan", ask) == "ANOTHER_TENANT"
    assert await operates(company, "", ask) == await operates(company, OPERATOR, ask) == "OPERATOR_UNNAMED"
    assert await operates(company, "person:lan", approve) == "NOT_REQUESTED"
    assert [await operates(company, "person:lan", ask) for _ in range(2)] == ["", ""]
    assert await operates(company, "person:lan", approve) == "OWN_REQUEST"
    assert await operates(company, "", approve) == "OPERATOR_UNNAMED"
    assert (await company.refused(p.ResumeTenant(tenant_id=company.tenant), OPERATOR)).reason == "DELETION_REQUESTED"
    assert not await operates(company, "", keep)
    assert await operates(company, "person:minh", approve) == "NOT_REQUESTED"

    at = ("--address", ",".join(f"{name}={running.address}" for name, running in system.services.items()))

    async def said(*arguments: str, who: str = "") -> str:
        token = system.issuer.mint(company.tenant, OPERATOR, on_behalf_of=who)
        code, told = await nhip("tenant", *arguments, *at, "--token", token)
        return f"{code}: {told}"

    told = await said("delete", company.tenant, "--reason", "Hết hợp đồng", who="person:lan")
    assert "another one approves it" in told
    told = await said("delete", company.tenant, "--approve", who="person:minh")
    assert "asked for by person:lan (Hết hợp đồng), approved by person:minh" in told
    await until_gone(company)

    assert company.tenant in killed
    line = await listed(company)
    assert (line.name, line.active_people, line.suspended) == ("", 0, True)
    assert f"{company.tenant}  deleted at " in await said("list")
    for context, request in ASKED.items():
        refusal = await company.refused(request, "nam", context=context)
        assert (refusal.reason, "was deleted" in refusal.message) == ("TENANT_DELETED", True), context
    listing = SERVICES["people"].api.methods_by_name["ListUnits"]
    with pytest.raises(Rejected, match="TOKEN_INVALID"):
        await system.call("people", listing, p.ListUnits(), [("authorization", f"Bearer {secret}")])
    assert (await company.refused(o.ExportEvents(), OPERATOR, context="goals")).reason == "TENANT_DELETED"
    commands: list[Message] = [
        p.CreateTenant(name="Lại"), p.ResumeTenant(tenant_id=company.tenant), p.CreateUnit(name="X"), ask, keep,
        p.SuspendTenant(tenant_id=company.tenant),
    ]  # fmt: skip
    assert {await operates(company, "person:lan", each) for each in commands} == {"TENANT_DELETED"}
    with pytest.raises(Rejected, match="TENANT_DELETED"):
        await company.do(p.CreateTenant(name="Lại"), OPERATOR, key="again")

    # The log has all that it had, and says who did it; of its words none opens.
    after = await logged(company)
    assert {event.id for event in before} < {event.id for event in after}
    assert [e.type.rpartition(".")[2] for e in sorted(after, key=lambda e: e.recorded_at)][-4:] == [
        "TenantDeletionRequested", "TenantDeletionApproved", "TenantDeletionBegun", "TenantDeleted",
    ]  # fmt: skip
    resources, opened = system.all_resources["people"], 0
    for event in after:
        if event.message is not None:
            message = type(event.message).FromString(event.message.SerializeToString())
            await resources.words.open(message, tenant=company.tenant)
            for place in words_fields(message):
                assert place.text.erased, event.type
                opened += 1
    assert opened > 10
    minh = await other.ask(p.GetPerson(person_id=other.ids["minh"]), "nam")
    assert isinstance(minh, p.Person)
    assert minh.name.plain == "Tên-minh"

    # Views have nothing and are right so, folded anew as well.
    await other.ask(o.Rebuild(view="kpi_words"), OPERATOR, context="goals")
    for name in SERVICES:
        verified = await other.ask(o.Verify(tenant_id=company.tenant), OPERATOR, context=name)
        assert isinstance(verified, o.Verified)
        wrong = {view.view: list(view.differences) for view in verified.views if view.differences}
        assert (name, wrong) == (name, {})
    assert not await kept(company)


async def test_it_begins_when_its_time_has_come_and_after_the_log_went_back_once_it_is_approved_again(
    system: System, monkeypatch: pytest.MonkeyPatch
):
    company = await system.company().found()
    at = ("--address", f"people={system.services['people'].address}")
    token = ("--token", system.issuer.mint(company.tenant, OPERATOR))
    _, told = await nhip("tenant", "keep", company.tenant, *at, *token)
    assert f"nothing changes: {company.tenant}  Công ty thử: 5 active people\n" in told
    await company.do(p.SuspendTenant(tenant_id=company.tenant), OPERATOR)
    asked = p.RequestTenantDeletion(tenant_id=company.tenant, reason="Hết hợp đồng")
    assert not await operates(company, "person:lan", asked)
    _, told = await nhip("tenant", "keep", company.tenant, *at, *token)
    assert f"{company.tenant} is kept. It is suspended until" in told
    assert not await operates(company, "person:lan", asked)
    people, now = system.all_resources["people"], datetime.now(UTC)
    minh = Actor(company.tenant, "operator", "service", "person:minh")
    ctx = replace(by_the_clock(company.tenant, "test", "approve", now, now), actor=minh)
    approve = p.ApproveTenantDeletion(tenant_id=company.tenant)
    done = await people.commands.on(
        ctx, TENANT, company.tenant, lambda state: deletion.approve(state, approve, company.tenant, minh, now, 7, None)
    )
    company.positions["people"] = done.position
    assert (await listed(company)).deletion.begins_at.ToDatetime(UTC) == now + timedelta(days=7)
    position = int(done.position.partition("=")[2])

    async def stays() -> None:
        """What is known of logs is looked at again and again: not meanwhile."""

    monkeypatch.setattr(people.incarnations, "read", stays)
    known = people.incarnations._known  # pyright: ignore[reportPrivateUsage]
    for days, after, expected in ((6, 0, False), (8, 0, True), (8, position - 1, True), (8, position, False)):
        monkeypatch.setitem(known, "people", people.incarnations.own._replace(after=after))
        due = await deleting(people).due(now + timedelta(days=days), MANY)
        assert (company.tenant in {each.tenant for each in due}) is expected, (days, after)

    # Its log began anew behind the approval, as after a restore.
    _, told = await nhip("tenant", "list", *at, *token)
    assert "approved by person:minh before a restore: it begins only once it is approved again" in told
    assert (await listed(company)).deletion.lapsed
    assert await operates(company, "person:lan", approve) == "OWN_REQUEST"
    assert not await operates(company, "person:minh", approve)
    assert not (await listed(company)).deletion.lapsed
    monkeypatch.undo()
    await until_gone(company)


async def test_where_the_log_or_the_keys_alone_went_back_it_is_said_or_done_again_by_itself(system: System):
    company = await system.company().found()
    keys = await asyncpg.connect(system.settings.database("keys"))
    alive = "select count(*) from person_key where tenant = $1 and wrapped is not null"
    try:  # as after a restore, where nothing destroyed the others by it: the keys know it, the log does not
        await keys.execute("set session_replication_role = replica")
        everybody = "insert into person_key(tenant, person, destroyed_at) values ($1, '@everybody', now())"
        await keys.execute(everybody, company.tenant)
        assert await keys.fetchval(alive, company.tenant) > 0
        await again(system, company, "says")  # and it is not said before they are destroyed
        assert await keys.fetchval(alive, company.tenant) == 0
    finally:
        await keys.close()
    await until_gone(company)
    line = await listed(company)
    assert (line.suspended, line.deletion.requested_by) == (True, "")
    with pytest.raises(Rejected, match="TENANT_DELETED"):
        await company.do(p.CreateTenant(name="Lại"), OPERATOR)

    keys = await asyncpg.connect(system.settings.database("keys"))
    try:  # the other way round, as from a backup of the keys alone
        await keys.execute("delete from person_key where tenant = $1 and person = '@everybody'", company.tenant)
        await keys.execute(
            "insert into person_key(tenant, person, wrapped, master) select $1, 'an', wrapped, master from person_key "
            "where wrapped is not null limit 1",
            company.tenant,
        )
        await again(system, company, "destroys")
        assert await keys.fetchval(alive, company.tenant) == 0
    finally:
        await keys.close()
    assert not await due_again(system, company)


async def due_again(system: System, company: Company) -> list[Due]:
    timer = deleted_before(system.all_resources["people"])
    return [due for due in await timer.due(datetime.now(UTC), MANY) if due.tenant == company.tenant]


async def again(system: System, company: Company, thing: str) -> None:
    """As its clock does, which may have been here first."""
    timer = deleted_before(system.all_resources["people"])
    for due in await due_again(system, company):
        assert due.thing == thing
        await timer.act(due, by_the_clock(company.tenant, timer.name, due.thing, due.at, datetime.now(UTC)))


async def test_the_id_of_a_deleted_company_is_not_given_again_even_where_no_log_knows_of_it(system: System):
    company = system.company()
    await system.all_resources["people"].words.destroy_all(company.tenant)
    with pytest.raises(Rejected, match="TENANT_DELETED"):
        await company.do(p.CreateTenant(name="Lại"), OPERATOR)
