"""Importing, against the services hosted for this run: made once, however often and by however many it is sent."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4, uuid5

import pytest

from cli.client import Client, connected
from cli.importing.bring import Importer, Principals, Summary
from cli.importing.check import checked
from cli.running import Failed
from cli.tenant import make
from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Actor, Context, command_id
from eventkit.directory.facts import TENANT
from importing.company import File
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2
from nhip.people.v1.people_pb2 import CreateTenant
from nhip.rewards.v1 import rewards_pb2 as r
from services.people.domain.tenant import create
from tests.integration.services.company import System

DEMO = Path(__file__).parents[3] / "demo" / "company-x.vi.yaml"
COUNTS = {
    "tenant": 1,
    "unit": 6,
    "person": 8,
    "head": 2,
    "cycle": 1,
    "goal": 2,
    "csf": 2,
    "kpi": 15,
    "progress": 1,
    "value": 4,
    "gift": 3,
    "praise": 9,
}


@pytest.fixture
def tenant() -> str:
    return f"import-{uuid4().hex[:8]}"


@pytest.fixture
async def client(system: System) -> AsyncGenerator[Client]:
    async with connected({name: service.address for name, service in system.services.items()}, "") as found:
        yield found


def demo(change: str = "", into: str = "") -> File:
    """The demo company; with one text of it replaced by another."""
    text = DEMO.read_text("utf-8")
    assert change in text
    file, problems = checked(text.replace(change, into, 1).encode() if change else text.encode())
    assert not problems
    assert file is not None
    return file


def principals(system: System, tenant: str) -> Principals:
    mint = system.issuer.mint
    return Principals(
        mint(tenant, "service:importer", on_behalf_of="service:operator"), mint(tenant, "service:operator")
    )


async def bring(system: System, client: Client, tenant: str, file: File) -> Summary:
    assert file.company is not None
    return await Importer(client, principals(system, tenant), tenant).bring(
        replace(file, company=replace(file.company, ref=tenant))
    )


def counted(summary: Summary, result: str) -> dict[str, int]:
    return {kind: counts[result] for kind, counts in summary.counts.items() if counts[result]}  # type: ignore[literal-required]


async def test_a_second_import_changes_nothing(system: System, client: Client, tenant: str):
    first = await bring(system, client, tenant, demo())
    second = await bring(system, client, tenant, demo())
    assert counted(first, "created") == COUNTS
    assert counted(second, "unchanged") == COUNTS
    assert not second.different


async def test_who_knows_a_reference_of_the_file_does_not_know_the_person(system: System, client: Client, tenant: str):
    await bring(system, client, tenant, demo())
    assert made_up(tenant) not in await ids(system, client, tenant)


async def test_a_company_from_before_there_were_secrets_is_imported_again_as_it_was(
    system: System, client: Client, tenant: str
):
    resources = system.all_resources["people"]
    made = CreateTenant(name="Công ty phần mềm X", time_zone="Asia/Ho_Chi_Minh")

    async def as_before(load: Load) -> Decision:
        return create(await load(TENANT, tenant), made, ctx)

    ctx = Context(Actor(tenant, "operator", "service"), datetime.now(UTC), uuid4())
    await resources.commands.execute(ctx, TENANT(tenant), as_before)
    await bring(system, client, tenant, demo())
    assert made_up(tenant) in await ids(system, client, tenant)
    again = await bring(system, client, tenant, demo())
    assert not any(counted(again, result) for result in ("created", "different"))


def made_up(tenant: str) -> str:
    """The id that a reference alone would give."""
    return str(
        uuid5(
            command_id(
                Actor(tenant, "importer", "service"), "nhip.people.v1.People/RegisterPerson", "import:person:minh"
            ),
            "person",
        )
    )


async def ids(system: System, client: Client, tenant: str) -> set[str]:
    people = await client.acting(principals(system, tenant).operator).ask(p.ListPeople(page_size=500), p.PeopleList)
    return {person.person_id for person in people.people}


async def test_other_content_is_reported_and_left_as_it_is(system: System, client: Client, tenant: str):
    await bring(system, client, tenant, demo())
    summary = await bring(system, client, tenant, demo("target: 70\n    weight: 45", "target: 71\n    weight: 45"))
    assert [(kind, item.ref) for kind, item in summary.different] == [("kpi", "K1")]
    assert counted(summary, "unchanged") == {**COUNTS, "kpi": 14}
    shown = await the_map(system, client, tenant)
    assert [kpi.measure.target.value for kpi in shown.kpis if kpi.name == "Đăng ký dùng thử"] == ["70"]


async def test_what_hangs_on_what_differs_is_still_found(system: System, client: Client, tenant: str):
    await bring(system, client, tenant, demo())
    summary = await bring(
        system,
        client,
        tenant,
        demo("ref: minh, name: Minh, title: Senior Sales", "ref: minh, name: Minh, title: Sales"),
    )
    assert [(kind, item.ref) for kind, item in summary.different] == [("person", "minh")]  # and no KPI of his


async def test_an_import_that_was_cut_off_is_gone_on_with(system: System, client: Client, tenant: str):
    whole = demo()
    await bring(system, client, tenant, replace(whole, kpis=whole.kpis[:5], progress=(), praises=()))
    summary = await bring(system, client, tenant, whole)
    assert summary.counts["kpi"] == {"created": 10, "unchanged": 5, "different": 0}


async def test_two_imports_at_once_make_one_company(system: System, client: Client, tenant: str):
    both = await asyncio.gather(*(bring(system, client, tenant, demo()) for _ in range(2)))
    for kind, number in COUNTS.items():
        assert sum(summary.counts[kind]["created"] for summary in both) == number
        assert not any(summary.counts[kind]["different"] for summary in both)
    assert len((await the_map(system, client, tenant)).kpis) == 15


async def test_after_the_demo_minh_has_a_coffee_s_worth_and_the_feed_is_alive(
    system: System, client: Client, tenant: str
):
    for _ in range(2):  # the second time nothing more
        await bring(system, client, tenant, demo())
    people = await client.acting(principals(system, tenant).operator).ask(p.ListPeople(), p.PeopleList)
    ids = {person.name.plain: person.person_id for person in people.people}
    minh = client.acting(system.issuer.mint(tenant, f"person:{ids['Minh']}"))
    after = client.positions.all()
    wallet = await minh.ask(r.GetWallet(), r.Wallet, after=after)
    assert (wallet.received, wallet.allowance) == (50, 60)
    feed = await minh.ask(r.ListPraises(), r.Praises, after=after)
    assert len(feed.praises) == 9
    assert all(praise.kpi_name or praise.value_name for praise in feed.praises)
    assert {praise.giver_id for praise in feed.praises if praise.receiver_id == ids["Minh"]} == {
        ids[name] for name in ("Thảo", "Nam", "Trâm", "Quang", "Phúc")
    }
    assert [praise.points for praise in feed.praises if praise.unit_id] == [9]
    gifts = await minh.ask(r.ListGifts(), r.Gifts)
    await minh.command(r.RedeemGift(gift_id=gifts.gifts[0].gift_id))


async def test_the_operator_makes_the_first_admin(system: System, client: Client, tenant: str):
    await bring(system, client, tenant, demo())
    people = await client.acting(principals(system, tenant).operator).ask(p.ListPeople(), p.PeopleList)
    admins = [person.name.plain for person in people.people if types_pb2.ROLE_ADMIN in person.roles]
    assert admins == ["Nam"]


async def test_a_new_tenant_has_a_first_administrator_once(system: System, client: Client, tenant: str):
    operator = client.acting(system.issuer.mint(tenant, "service:operator"))
    company = CreateTenant(name="Acme")
    first = p.RegisterPerson(name=PersonalText(plain="Hương"), roles=[types_pb2.ROLE_EMPLOYEE, types_pb2.ROLE_ADMIN])
    admin = await make(operator, tenant, company, first)
    assert await make(operator, tenant, company, first) == admin
    acting = client.acting(system.issuer.mint(tenant, f"person:{admin}"))
    await acting.command(p.CreateUnit(name="Sales"), key="first", after=client.positions.all())
    with pytest.raises(Failed, match="already, made with other words"):
        await make(operator, tenant, CreateTenant(name="Another"), first)
    with pytest.raises(Failed, match="time_zone"):
        await make(operator, tenant, CreateTenant(name="Acme", time_zone="Mars/Here"), first)


async def test_a_refusal_names_the_line(system: System, client: Client, tenant: str):
    people = principals(system, tenant)
    file = demo()
    unit = next(unit for unit in file.units if unit.ref == "cskh")
    await client.acting(people.operator).command(
        p.CreateUnit(name="CSKH")
    )  # made by hand, so the import cannot make it
    with pytest.raises(Failed, match=rf"line {unit.places.item.line}: unit 'cskh' was refused: .*UNIT_EXISTS"):
        await bring(system, client, tenant, file)


async def test_a_file_for_which_the_company_has_no_room_is_refused_before_anything_of_it_is_sent(
    system: System, client: Client, tenant: str
):
    operator = client.acting(principals(system, tenant).operator)
    file = demo()

    async def allowed(**most: int) -> None:
        await operator.command(p.SetTenantQuotas(tenant_id=tenant, **most), key=f"allowed {most}")

    async def refused(file: File) -> str:
        with pytest.raises(Failed) as failed:
            await bring(system, client, tenant, file)
        return str(failed.value)

    await operator.command(CreateTenant(name="Công ty phần mềm X"), key="made by hand")
    await allowed(people=7, kpis=14)
    eighth = file.people[7]
    said = f"line {eighth.places.item.line}: from person {eighth.ref!r} on there is no room: whoever operates this " \
           "installation allows the company 7 people, it has 0, and the file would add 8. Nothing was sent"  # fmt: skip
    assert await refused(file) == said
    await allowed(people=8)
    fifteenth = file.kpis[14]
    assert f"line {fifteenth.places.item.line}: from kpi {fifteenth.ref!r} on" in await refused(file)
    importer = client.acting(principals(system, tenant).importer)
    assert not (await importer.ask(p.ListUnits(), p.Units, after=client.positions.all())).units

    await allowed(kpis=15)
    assert counted(await bring(system, client, tenant, file), "created") == {
        kind: number for kind, number in COUNTS.items() if kind != "tenant"
    }
    again = demo("ref: minh, name: Minh, title: Senior Sales", "ref: minh, name: Minh, title: Sales")
    summary = await bring(system, client, tenant, again)  # full, and nothing is added: what differs is there, too
    assert [(kind, item.ref) for kind, item in summary.different if kind != "tenant"] == [("person", "minh")]
    one_more = replace(again, people=(*again.people, replace(eighth, ref="mot", name="Một")))
    assert "person 'mot' on there is no room" in await refused(one_more)


async def test_with_a_persons_token_nothing_is_imported(system: System, client: Client, tenant: str):
    await bring(system, client, tenant, demo())
    people = await client.acting(principals(system, tenant).operator).ask(p.ListPeople(), p.PeopleList)
    minh = next(person.person_id for person in people.people if person.name.plain == "Minh")
    token = system.issuer.mint(tenant, f"person:{minh}")
    with pytest.raises(Failed, match="NOT_ALLOWED"):
        await Importer(client, Principals(token, token), tenant).bring(demo())


async def the_map(system: System, client: Client, tenant: str) -> g.GoalMap:
    as_importer = client.acting(principals(system, tenant).importer)
    cycles = await as_importer.ask(g.ListCycles(), g.Cycles, after=client.positions.all())
    return await as_importer.ask(g.GetMap(cycle_id=cycles.cycles[0].cycle_id), g.GoalMap)
