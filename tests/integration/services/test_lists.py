"""Lists answer in pages whatever there is: a normal company has twenty thousand KPIs."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from google.protobuf.message import Message

from eventkit.values import from_date
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.goals.v1 import goals_pb2 as g
from services.goals.views.kpi import KPIS
from services.goals.views.link import LINKS
from tests.integration.services.company import Company, System, number, today

MANY = 6_000
"""KPIs under one department's: of an ordinary kind, they no longer fit into one reply."""


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


@pytest.fixture
async def crowded(company: Company) -> Company:
    """I1's rows, many times over: as so many events would have left them, without the hour that recording them
    takes."""
    await company.ask(g.GetMap(cycle_id=company.ids["q1"]), "minh")  # the views have what was recorded
    con = await asyncpg.connect(company.system.settings.database("goals"))
    try:
        for table in (KPIS, LINKS):
            rest = ", ".join(column for column in table.columns if column not in ("tenant", "kpi_id", "version"))
            copied = rest.replace("position", "position + n")
            await con.execute(
                f"insert into {table}(tenant, kpi_id, version, {rest}) select tenant, 'x' || lpad(n::text, 5, '0'), "
                f"version, {copied} "
                f"from {table}, generate_series(1, $3) n where tenant = $1 and kpi_id = $2",
                company.tenant,
                company.ids["I1"],
                MANY,
            )
            await con.execute(f"analyze {table}")
    finally:
        await con.close()
    return company


async def pages(company: Company, request: Message, by: str = "minh") -> AsyncIterator[Message]:
    while True:
        reply = await company.ask(request, by)
        yield reply
        if not reply.next_page_token:  # type: ignore[attr-defined]
            return
        request.page_token = reply.next_page_token  # type: ignore[attr-defined]


async def test_a_map_of_thousands_of_kpis_is_folded_and_every_branch_is_there_in_pages(crowded: Company):
    cycle = crowded.ids["q1"]
    top = await crowded.ask(g.GetMap(cycle_id=cycle), "minh")
    assert isinstance(top, g.GoalMap)
    assert len(top.kpis) <= 350
    assert not top.whole
    assert top.counts.individual == MANY + 1
    assert {kpi.name: (kpi.children, kpi.below) for kpi in top.kpis}["K1"] == (1, MANY + 2)
    [sought] = [
        kpi
        for kpi in (await crowded.ask(g.GetMap(cycle_id=cycle, focus_ids=["x05777"]), "minh")).kpis  # pyright: ignore[reportAttributeAccessIssue]
        if kpi.kpi_id == "x05777"
    ]
    assert sought.parent.kpi_id == crowded.ids["D1"]
    seen: list[str] = []
    async for page in pages(crowded, g.GetMap(cycle_id=cycle, under_id=crowded.ids["D1"], page_size=300)):
        assert isinstance(page, g.GoalMap)
        seen += [kpi.kpi_id for kpi in page.kpis]
        if len(seen) >= 1200:  # the way of it: going on takes a minute
            break
    assert len(set(seen)) == len(seen) == 1200


async def test_any_kpi_of_thousands_is_found_by_its_words_and_by_whose_it_is(crowded: Company):
    cycle = crowded.ids["q1"]
    for wanted in (g.ListKpis(cycle_id=cycle, text="d1"), g.ListKpis(cycle_id=cycle, owner_ids=[crowded.ids["nam"]])):
        [kpi] = (await crowded.ask(wanted, "minh")).kpis  # type: ignore[attr-defined]
        assert kpi.name == ("D1" if wanted.text else "K1")
    own = await crowded.ask(g.ListKpis(cycle_id=cycle, owner_ids=[crowded.ids["minh"]], page_size=200), "minh")
    assert isinstance(own, g.Kpis)
    assert len(own.kpis) == 200
    assert own.next_page_token


async def test_what_a_cycle_lacks_is_counted_and_listed_in_pages(crowded: Company):
    cycle = crowded.ids["q1"]
    overview = await crowded.ask(g.GetOverview(cycle_id=cycle), "minh")
    assert isinstance(overview, g.Overview)
    assert {one.level: one.count for one in overview.statuses} == {1: 1, 2: 1, 3: MANY + 1}
    # Trâm and Quang answer for nothing; of the others' KPIs none has a weight.
    assert {one.kind: one.count for one in overview.gaps} == {g.GAP_KIND_NO_KPI: 2, g.GAP_KIND_WEIGHTS: 3}
    idle = [
        gap.person.person_id
        async for page in pages(crowded, g.ListGaps(cycle_id=cycle, kind=g.GAP_KIND_NO_KPI, page_size=1))
        for gap in page.gaps  # type: ignore[attr-defined]
    ]
    assert sorted(idle) == sorted((crowded.ids["tram"], crowded.ids["quang"]))
    gaps = await crowded.ask(g.ListGaps(cycle_id=cycle, kind=g.GAP_KIND_WEIGHTS), "minh")
    assert isinstance(gaps, g.Gaps)
    assert {gap.weight.value for gap in gaps.gaps} == {"0"}
    nothing = await crowded.ask(g.ListGaps(cycle_id=cycle, kind=g.GAP_KIND_OWNERLESS), "minh")
    assert nothing == g.Gaps()


async def test_a_kpi_page_and_a_proposal_read_only_what_they_show(crowded: Company):
    page = await crowded.ask(g.GetKpi(kpi_id=crowded.ids["D1"]), "minh")
    assert isinstance(page, g.KpiPage)
    assert (len(page.children), page.kpi.children) == (50, MANY + 1)
    assert [step.kpi.name for step in page.path if step.HasField("kpi")] == ["K1"]
    preview = await crowded.ask(
        g.PreviewProposal(cycle_id=crowded.ids["q1"], changes=crowded.proposal(I1=(80, 70)).changes), "minh"
    )
    assert isinstance(preview, g.ProposalPreview)
    [sum_of_d1] = [check for check in preview.reconciliations if check.kpi_id == crowded.ids["D1"]]
    assert (sum_of_d1.before.reached.value, sum_of_d1.after.reached.value) == (
        str(80 * (MANY + 1)),
        str(80 * (MANY + 1) - 10),
    )


async def test_proposals_histories_and_values_come_in_pages_each_once(company: Company):
    for n in range(5):
        await company.do(company.proposal(I1=(80, 70 + n)), "minh", name=f"P{n}")
        value = c.RecordProgress(kpi_id=company.ids["I1"], value=number(5 - n))
        value.occurred_on.CopyFrom(from_date(today() - timedelta(days=n)))
        await company.do(value, "minh")
    proposals = [p.proposal_id async for page in pages(company, g.ListProposals(page_size=2)) for p in page.proposals]  # type: ignore[attr-defined]
    assert proposals == [company.ids[f"P{n}"] for n in reversed(range(5))]
    waiting: list[str] = []
    async for page in pages(company, g.ListProposals(mine_to_decide=True, page_size=2), "phuc"):
        waiting += [proposal.proposal_id for proposal in page.proposals]  # type: ignore[attr-defined]
    assert waiting == proposals
    assert not (await company.ask(g.ListProposals(mine_to_decide=True), "tram")).proposals  # type: ignore[attr-defined]
    history = [
        e.event_id
        async for page in pages(company, g.GetKpiHistory(kpi_id=company.ids["I1"], page_size=2))
        for e in page.entries  # pyright: ignore[reportAttributeAccessIssue]
    ]
    assert len(set(history)) == len(history) == 7  # defined, linked, five values
    values = [
        e.value.value
        async for page in pages(company, c.ListProgress(kpi_id=company.ids["I1"], page_size=2))
        for e in page.entries  # pyright: ignore[reportAttributeAccessIssue]
    ]
    assert values == ["1", "2", "3", "4", "5"]
    assert (await company.refused(g.ListProposals(page_token="x" * 30), "minh")).reason == "PAGE_TOKEN_INVALID"
