"""What Nhip promises, held in both sizes: with two replicas those who race do so in different processes."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from uuid import uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from cli.catalog import SERVICES
from cli.client import Client, connected
from eventkit.errors import Rejected
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p
from tests.e2e.running import COMMENT, NOTE, WORDS, Company, System, company, number

CONTEXTS = tuple(SERVICES)
NAMES = ("Phúc", "Trâm", "Thảo", "Tiến", "Giám đốc Vận hành")
"""Of the people of the demo, those that cannot come about by chance in sealed bytes."""


@pytest.fixture(scope="module")
async def x(system: System) -> AsyncGenerator[Company]:
    """One company for all: each test uses KPIs of its own."""
    async with company(system) as found:
        yield found


@pytest.fixture
async def replicas(system: System) -> AsyncGenerator[list[Client]]:
    """A client per replica of goals; the same replica twice where there is one."""
    addresses = system.services["goals"].split(",")
    async with connected({"goals": addresses[0]}, "") as one, connected({"goals": addresses[-1]}, "") as other:
        yield [one, other]


def definition(x: Company, name: str, parent: t.Parent | None = None, *, owner: str = "Minh") -> g.DefineKpi:
    measure = t.Measure(kind=t.MEASURE_KIND_CUMULATIVE, direction=t.DIRECTION_INCREASE, target=number(10))
    draft = t.KpiDraft(name=name, level=t.LEVEL_INDIVIDUAL, measure=measure, owner_ids=[x.people[owner]], parent=parent)
    return g.DefineKpi(cycle_id=x.cycle, kpi=draft)


IMPORTER = "service:importer"
"""Who may add to the demo's cycle, which is over."""
Asked = g.ApproveProposal | g.AlignKpi | g.RetireKpi | g.DefineKpi


async def race(replicas: list[Client], x: Company, *asked: tuple[str, Asked]) -> list[str]:
    """Each at another replica, at the same time: "" for what was carried out, else the reason of its refusal."""

    async def ask(client: Client, who: str, command: Asked) -> str:
        try:
            done = await client.acting(x.token(who)).ask(command, Accepted, key=uuid4().hex, after=x.positions.all())
        except Rejected as refusal:
            return refusal.reason
        x.positions.learn(done.position)
        return ""

    return list(
        await asyncio.gather(
            *(ask(client, who, command) for client, (who, command) in zip(replicas, asked, strict=True))
        )
    )


async def test_a_repeated_key_gives_its_first_answer(x: Company, replicas: list[Client]):
    command, key = definition(x, "Một lần"), uuid4().hex
    token, after = x.token(IMPORTER), x.positions.all()
    both = await asyncio.gather(
        *(client.acting(token).ask(command, Accepted, key=key, after=after) for client in replicas)
    )
    later = await x.do(IMPORTER, command, key=key)
    assert {done.id for done in (*both, later)} == {both[0].id}
    assert {done.position for done in (*both, later)} == {both[0].position}
    assert sorted(done.repeated for done in both) == [False, True]
    assert later.repeated
    assert [kpi.name for kpi in (await x.map()).kpis].count("Một lần") == 1


async def test_a_key_with_another_request_is_refused(x: Company):
    key = uuid4().hex
    await x.do(IMPORTER, definition(x, "Một thứ"), key=key)
    with pytest.raises(Rejected, match="IDEMPOTENCY_KEY_REUSED"):
        await x.do(IMPORTER, definition(x, "Thứ khác"), key=key)


async def test_two_approvers_at_once_leave_one_approval(x: Company, replicas: list[Client]):
    company_kpi = x.kpis["Dùng thử → trả phí"]
    now = next(kpi for kpi in (await x.map()).kpis if kpi.kpi_id == company_kpi).measure.target
    for target in (17, 16, 15):
        change = t.TargetChange(kpi_id=company_kpi, before=now, after=number(target))
        asked = g.ProposeChange(
            cycle_id=x.cycle,
            reason_class=t.REASON_CLASS_CORRECTION,
            title=PersonalText(plain="Sát hơn"),
            reason=PersonalText(plain="Quý này ít khách cũ"),
            changes=[change],
        )
        proposal = (await x.do("Minh", asked)).id
        approve = g.ApproveProposal(proposal_id=proposal, comment=PersonalText(plain="Được"))
        assert sorted(await race(replicas, x, ("Nam", approve), ("Quang", approve))) == ["", "PROPOSAL_DECIDED"]
        now = number(target)
    told = await x.ask("Minh", g.GetKpiHistory(kpi_id=company_kpi), g.KpiHistory)
    assert [entry.what for entry in told.entries].count("KpiTargetRevised") == 3


async def test_two_alignments_at_once_make_no_circle(x: Company, replicas: list[Client]):
    for turn in range(3):
        one = (await x.do(IMPORTER, definition(x, f"Vòng {turn} a"))).id
        other = (await x.do(IMPORTER, definition(x, f"Vòng {turn} b"))).id
        results = await race(
            replicas,
            x,
            ("Phúc", g.AlignKpi(kpi_id=one, parent=t.Parent(kpi_id=other))),
            ("Phúc", g.AlignKpi(kpi_id=other, parent=t.Parent(kpi_id=one))),
        )
        assert sorted(results) == ["", "ALIGNMENT_CIRCLE"]
        by_id = {kpi.kpi_id: kpi for kpi in (await x.map()).kpis}
        assert [by_id[one].parent.kpi_id, by_id[other].parent.kpi_id].count("") == 1


async def test_retiring_a_kpi_while_one_is_put_under_it_leaves_no_orphan(x: Company, replicas: list[Client]):
    for turn in range(3):
        parent = (await x.do(IMPORTER, definition(x, f"Trên {turn}"))).id
        results = await race(
            replicas,
            x,
            (
                "Phúc",
                g.RetireKpi(
                    kpi_id=parent, reason_class=t.REASON_CLASS_CORRECTION, reason=PersonalText(plain="Không cần nữa")
                ),
            ),
            (IMPORTER, definition(x, f"Dưới {turn}", t.Parent(kpi_id=parent))),
        )
        assert results in (["", "KPI_UNKNOWN"], ["KPI_HAS_CHILDREN", ""])
        shown = [kpi for kpi in (await x.map()).kpis if not kpi.retired]
        assert {kpi.parent.kpi_id for kpi in shown if kpi.parent.kpi_id} <= {kpi.kpi_id for kpi in shown}


async def test_ids_of_another_tenant_are_not_found(system: System, x: Company):
    async with company(system) as stranger:
        proposal = (await x.do("Minh", x.reduction())).id
        kpi = x.kpis["Demo · khách mới"]
        words = PersonalText(plain="…")
        for request, reason in (
            (g.GetKpi(kpi_id=kpi), "KPI_UNKNOWN"),
            (g.GetKpiHistory(kpi_id=kpi), "KPI_UNKNOWN"),
            (g.GetMap(cycle_id=x.cycle), "CYCLE_UNKNOWN"),
            (g.GetProposal(proposal_id=proposal), "PROPOSAL_UNKNOWN"),
            (g.ApproveProposal(proposal_id=proposal, comment=words), "PROPOSAL_UNKNOWN"),
            (g.AlignKpi(kpi_id=kpi), "KPI_UNKNOWN"),
            (g.RetireKpi(kpi_id=kpi, reason_class=t.REASON_CLASS_CORRECTION, reason=words), "KPI_UNKNOWN"),
            (c.RecordProgress(kpi_id=kpi, value=number(1)), "KPI_UNKNOWN"),
            (c.ListProgress(kpi_id=kpi), "KPI_UNKNOWN"),
            (p.GetPerson(person_id=x.people["Minh"]), "PERSON_UNKNOWN"),
        ):
            assert await refused(stranger, request) == reason, request


async def refused(x: Company, request: object) -> str:
    replies = {"GetKpi": g.KpiPage, "GetKpiHistory": g.KpiHistory, "GetMap": g.GoalMap, "GetProposal": g.Proposal}
    replies |= {"ListProgress": c.Progress, "GetPerson": p.Person}
    try:
        await x.ask("Nam", request, replies.get(type(request).__name__, Accepted), key=uuid4().hex)  # type: ignore[arg-type]
    except Rejected as refusal:
        return refusal.reason
    return "was answered"


async def test_no_personal_word_is_in_the_bytes_of_anything(system: System):
    async with company(system) as x:
        proposal = (await x.do("Minh", x.reduction())).id
        await x.do("Nam", g.ApproveProposal(proposal_id=proposal, comment=PersonalText(plain=COMMENT)))
        recorded = c.RecordProgress(kpi_id=x.kpis["Demo · khách mới"], value=number(44), note=PersonalText(plain=NOTE))
        await x.do("Minh", recorded)
        await x.ask("Nam", g.GetKpi(kpi_id=x.kpis["Demo · khách mới"]), g.KpiPage)  # every view has heard of it
        assert (
            await x.refused("Phúc", g.ApproveProposal(proposal_id=proposal, comment=PersonalText(plain=COMMENT)))
            == "PROPOSAL_DECIDED"
        )
    places = [*await tables(system), *await topics(system), *await metrics(system), *logs(system)]
    assert sum(len(content) for _, content in places) > 100_000  # it was looked at something
    for where, content in places:
        for word in (*WORDS, *NAMES):
            assert word.encode() not in content, f"{word!r} is in {where}"
            assert word.encode().hex().encode() not in content, f"{word!r} is in {where}, in hexadecimal digits"


async def tables(system: System) -> list[tuple[str, bytes]]:
    """Every row of every table of every service, as text; bytes in hexadecimal digits."""
    found: list[tuple[str, bytes]] = []
    for service in (*CONTEXTS, "keys"):
        connection = await asyncpg.connect(system.database(service))
        try:
            names = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
            for name in (row["tablename"] for row in names):
                rows = await connection.fetch(f"select t::text from {name} t")
                found.append((f"{service}.{name}", "\n".join(row["t"] for row in rows).encode()))
        finally:
            await connection.close()
    assert {"goals.log_event", "people.log_event", "checkins.log_event"} <= {name for name, _ in found}
    return found


async def topics(system: System) -> list[tuple[str, bytes]]:
    """Every record of every topic: key, headers and value."""
    found: list[tuple[str, bytes]] = []
    async with AIOKafkaConsumer(
        bootstrap_servers=system.kafka, auto_offset_reset="earliest", enable_auto_commit=False
    ) as consumer:
        partitions = [TopicPartition(f"nhip.{name}.v1", at) for name in CONTEXTS for at in range(4)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        headers = b"".join(name.encode() + value for name, value in record.headers)
                        found.append(
                            (
                                f"{record.topic} at {record.offset}",
                                (record.key or b"") + headers + (record.value or b""),
                            )
                        )
    assert found
    return found


async def metrics(system: System) -> list[tuple[str, bytes]]:
    async with httpx.AsyncClient(trust_env=False) as http:
        return [(url, (await http.get(url)).content) for url in system.metrics]


def logs(system: System) -> Iterator[tuple[str, bytes]]:
    for path in system.logs:
        yield str(path), path.read_bytes()
