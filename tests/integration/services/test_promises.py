"""The promises that hold when many act at once, and between tenants."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from eventkit.errors import Kind, Rejected
from eventkit.subscriptions.table import reading
from eventkit.telemetry import trace_to
from eventkit.values import from_date
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1 import operations_pb2 as o
from nhip.common.v1.command_pb2 import Accepted
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p
from services.goals.views.kpi import KPIS
from services.goals.views.progress import VALUES
from tests.integration.services.company import DESCRIPTORS, OPERATOR, Company, System, number, today, words
from tests.waiting import PATIENCE

CHANGES = {"K1": (70, 55), "D1": (100, 80), "I1": (80, 50)}


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


async def raced(*asked: Awaitable[object]) -> tuple[list[object], list[Rejected]]:
    """Both at once: what was answered, and what was refused."""
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Rejected):
            raise outcome
    return [x for x in outcomes if not isinstance(x, Rejected)], [x for x in outcomes if isinstance(x, Rejected)]


async def kpis(company: Company) -> dict[str, g.Kpi]:
    answer = await company.ask(g.GetMap(cycle_id=company.ids["q1"]), "minh")
    assert isinstance(answer, g.GoalMap)
    return {kpi.name: kpi for kpi in answer.kpis}


async def targets(company: Company) -> dict[str, str]:
    return {name: kpi.measure.target.value for name, kpi in (await kpis(company)).items()}


async def test_a_key_gives_its_first_answer_whatever_happened_since(company: Company):
    ask = company.definition("I2", t.LEVEL_INDIVIDUAL, 30, company.under("D1"), owner="tram")
    first = await company.ask(ask, key="once")
    assert isinstance(first, Accepted)
    await company.do(g.RetireKpi(kpi_id=first.id, reason_class=t.REASON_CLASS_CORRECTION, reason=words("thử")), "phuc")
    again = await company.ask(ask, key="once")
    assert isinstance(again, Accepted)
    assert (again.id, again.position, again.repeated) == (first.id, first.position, True)
    assert "I2" not in await targets(company)


async def test_a_key_with_another_body_is_refused(company: Company):
    await company.ask(company.definition("I2", t.LEVEL_INDIVIDUAL, 30, company.under("D1"), owner="tram"), key="once")
    other = company.definition("I2", t.LEVEL_INDIVIDUAL, 31, company.under("D1"), owner="tram")
    assert (await company.refused(other, "service:importer", key="once")).reason == "IDEMPOTENCY_KEY_REUSED"


async def test_two_approvers_racing_leave_one_approval(company: Company):
    proposal = await company.do(company.proposal(**CHANGES), "minh")
    approve = g.ApproveProposal(proposal_id=proposal, comment=words("được"))
    answered, refused = await raced(company.ask(approve, "nam"), company.ask(approve, "quang"))
    assert len(answered) == 1
    assert [refusal.reason for refusal in refused] == ["PROPOSAL_DECIDED"]
    assert await targets(company) == {"K1": "55", "D1": "80", "I1": "50"}


async def test_two_alignments_racing_towards_a_circle_leave_one(company: Company):
    await company.define("A", t.LEVEL_INDIVIDUAL, 10, owner="minh")
    await company.define("B", t.LEVEL_INDIVIDUAL, 10, owner="tram")
    a_under_b = g.AlignKpi(kpi_id=company.ids["A"], parent=company.under("B"))
    b_under_a = g.AlignKpi(kpi_id=company.ids["B"], parent=company.under("A"))
    answered, refused = await raced(company.ask(a_under_b, "phuc"), company.ask(b_under_a, "phuc"))
    assert len(answered) == 1
    assert [refusal.reason for refusal in refused] == ["ALIGNMENT_CIRCLE"]


async def test_a_retire_racing_a_define_under_it_leaves_no_orphan(company: Company):
    for round in range(5):
        parent = await company.define(f"P{round}", t.LEVEL_INDIVIDUAL, 10, owner="minh")
        retire = g.RetireKpi(kpi_id=parent, reason_class=t.REASON_CLASS_CORRECTION, reason=words("thôi"))
        child = company.definition(f"C{round}", t.LEVEL_INDIVIDUAL, 5, t.Parent(kpi_id=parent), owner="tram")
        _, refused = await raced(company.ask(retire, "phuc"), company.ask(child, "phuc"))
        assert len(refused) == 1
        assert refused[0].reason in ("KPI_HAS_CHILDREN", "KPI_UNKNOWN")
        names = await targets(company)
        assert (f"C{round}" in names) == (f"P{round}" in names)


async def test_who_proposed_does_not_decide_and_neither_does_whom_it_is_not_for(company: Company):
    proposal = await company.do(company.proposal(**CHANGES), "minh")
    approve = g.ApproveProposal(proposal_id=proposal, comment=words("được"))
    assert (await company.refused(approve, "minh")).reason == "SELF_APPROVAL"
    assert (await company.refused(approve, "phuc")).reason == "NOT_THE_APPROVER"
    assert await targets(company) == {"K1": "70", "D1": "100", "I1": "80"}


async def test_another_tenants_ids_are_refused_as_if_they_did_not_exist(system: System, company: Company):
    stranger = await system.company().found()
    proposal = await company.do(company.proposal(**CHANGES), "minh")
    for request in (
        g.GetKpi(kpi_id=company.ids["I1"]),
        g.GetKpiHistory(kpi_id=company.ids["I1"]),
        g.GetMap(cycle_id=company.ids["q1"]),
        g.GetProposal(proposal_id=proposal),
        g.ApproveProposal(proposal_id=proposal, comment=words("được")),
        g.AlignKpi(kpi_id=company.ids["I1"]),
        c.RecordProgress(kpi_id=company.ids["I1"], value=number(1)),
        c.ListProgress(kpi_id=company.ids["I1"]),
    ):
        assert (await stranger.refused(request, "nam")).kind is Kind.UNKNOWN, type(request).__name__


async def test_a_person_of_another_tenant_is_nobody_here(system: System, company: Company):
    stranger = await system.company().found()
    stranger.ids["minh"] = company.ids["minh"]
    assert (await stranger.refused(g.ListCycles(), "minh")).reason == "ACTOR_UNKNOWN"


async def test_a_query_that_forgot_its_tenant_clause_sees_its_own_rows_only(system: System, company: Company):
    other = await (await system.company().found()).branch()
    await other.ask(g.GetMap(cycle_id=other.ids["q1"]), "minh")  # the views have them
    await company.ask(c.ListProgress(kpi_id=company.ids["I1"]), "minh")
    for service in system.services:
        async with asyncpg.create_pool(system.settings.database(service), min_size=1, max_size=1) as pool:
            tables = await pool.fetch("select tablename from pg_policies where policyname = 'tenant'")
            assert tables
            for (table,) in tables:
                async with reading(pool, company.tenant) as con:
                    seen = {row[0] for row in await con.fetch(f"select distinct tenant from {table}")}
                assert seen <= {company.tenant}, f"{service}.{table}"
                async with reading(pool, "") as con:
                    assert await con.fetchval(f"select count(*) from {table}") == 0
            async with reading(pool, company.tenant) as con:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await con.fetch("select * from log_event")


async def test_the_map_of_any_day_is_the_map_of_that_day(company: Company):
    before = await company.ask(g.GetMap(cycle_id=company.ids["q1"]), "minh")
    assert isinstance(before, g.GoalMap)
    proposal = await company.do(company.proposal(**CHANGES), "minh")
    await company.do(g.ApproveProposal(proposal_id=proposal, comment=words("được")), "nam")
    then = g.GetMap(cycle_id=company.ids["q1"])
    then.as_of.recorded_at.CopyFrom(before.as_of.recorded_at)
    past = await company.ask(then, "minh")
    assert isinstance(past, g.GoalMap)
    assert past.past
    assert {k.name: (k.measure.target.value, k.target_now.value) for k in past.kpis} == {
        "K1": ("70", "55"),
        "D1": ("100", "80"),
        "I1": ("80", "50"),
    }
    assert await targets(company) == {"K1": "55", "D1": "80", "I1": "50"}


async def test_a_kpis_history_says_who_when_why_before_and_after(company: Company):
    proposal = await company.do(company.proposal(**CHANGES), "minh")
    await company.do(g.ApproveProposal(proposal_id=proposal, comment=words("được")), "nam")
    await company.do(
        c.RecordProgress(kpi_id=company.ids["I1"], value=number(44), confidence=7, note=words("hai báo giá")), "minh"
    )
    history = await company.ask(g.GetKpiHistory(kpi_id=company.ids["I1"]), "tram")
    assert isinstance(history, g.KpiHistory)
    told = [
        (e.what, e.actor.name.plain, e.proposer.name.plain, e.reason.plain, e.before, e.after)
        for e in history.entries[:2]
    ]
    assert history.entries[1].decision_reason.plain == "được"
    assert told == [
        ("ProgressRecorded", "Tên-minh", "", "hai báo giá", "", "44 demo"),
        ("KpiTargetRevised", "Tên-nam", "Tên-minh", "Làm kỹ hơn", "80 demo", "50 demo"),
    ]
    assert history.entries[1].reason_class == t.REASON_CLASS_BOTTOM_UP


async def test_values_that_come_together_are_judged_and_known_again_one_by_one(company: Company):
    """Each as if it had come alone: another's KPI and one that is not there are refused, the rest is recorded."""

    def value(kpi: str, of: int, key: str = "") -> c.ProgressItem:
        return c.ProgressItem(progress=c.RecordProgress(kpi_id=kpi, value=number(of)), key=key)

    mine, another = company.ids["I1"], company.ids["D1"]
    batch = c.BatchRecordProgress(items=[value(mine, 4, "jan"), value(another, 9), value("none", 1), value(mine, 5)])
    done = await company.ask(batch, "minh", key="batch")
    assert isinstance(done, Accepted)
    assert [v.refused.reason for v in done.verdicts] == ["", "NOT_AN_OWNER", "KPI_UNKNOWN", ""]
    assert done.verdicts[2].refused.field == "kpi_id"
    again = await company.ask(batch, "minh", key="batch")
    assert isinstance(again, Accepted)
    assert [v.repeated for v in again.verdicts] == [True, False, False, True]
    alone = await company.ask(batch.items[0].progress, "minh", key="jan")
    assert isinstance(alone, Accepted)
    assert (alone.repeated, alone.position.partition("=")[0]) == (True, "checkins")
    listed = await company.ask(c.ListProgress(kpi_id=mine), "minh")
    assert isinstance(listed, c.Progress)
    assert [(e.value.value, e.corrected) for e in listed.entries] == [("5", False), ("4", True)]


async def test_for_a_leaver_their_successor_answers_everywhere_until_they_are_back(company: Company):
    """D-09: what is recorded, shown and decided follows, in every service."""
    mine, value = company.ids["I1"], number(4)

    async def owners() -> list[tuple[str, str]]:
        shown = await company.ask(g.GetKpi(kpi_id=mine), "nam")
        assert isinstance(shown, g.KpiPage)
        return [(o.name.plain, o.stands_in_for.plain) for o in shown.kpi.owners]

    leave = p.DeactivatePerson(person_id=company.ids["minh"])
    await company.do(leave, OPERATOR)
    assert await owners() == [("Tên-phuc", "Tên-minh")]
    assert (await company.refused(c.RecordProgress(kpi_id=mine, value=value), "tram")).reason == "NOT_AN_OWNER"
    leave.successor_id = company.ids["tram"]
    await company.do(leave, OPERATOR)
    assert await owners() == [("Tên-tram", "Tên-minh")]
    await company.do(c.RecordProgress(kpi_id=mine, value=value), "tram")
    assert (await company.refused(c.RecordProgress(kpi_id=mine, value=value), "phuc")).reason == "NOT_AN_OWNER"
    await company.do(p.ReactivatePerson(person_id=company.ids["minh"]), OPERATOR)
    assert await owners() == [("Tên-minh", "")]
    await company.do(c.RecordProgress(kpi_id=mine, value=number(5)), "minh")


async def test_a_change_before_today_is_for_imports_only(company: Company):
    backdated = company.definition("X", t.LEVEL_INDIVIDUAL, 5, company.under("D1"), owner="minh")
    backdated.effective_on.CopyFrom(from_date(today() - timedelta(days=10)))
    refusal = await company.refused(backdated, "phuc")
    assert (refusal.reason, refusal.violations[0].field) == ("EFFECTIVE_IN_THE_PAST", "effective_on")
    await company.ask(backdated)


async def test_verify_finds_every_view_right_and_reports_a_row_that_was_falsified(system: System, company: Company):
    await company.do(c.RecordProgress(kpi_id=company.ids["I1"], value=number(4)), "minh")
    await company.ask(g.GetKpi(kpi_id=company.ids["I1"]), "minh")
    for service in system.services:
        verified = await company.ask(o.Verify(), OPERATOR, context=service)
        assert isinstance(verified, o.Verified)
        assert [view for view in verified.views if view.differences] == []
        assert sum(view.rows for view in verified.views) > 0
    con = await asyncpg.connect(system.settings.database("goals"))
    try:
        await con.execute(
            f"update {KPIS} set target = 81 where tenant = $1 and kpi_id = $2", company.tenant, company.ids["I1"]
        )
        await con.execute(f"delete from {VALUES} where tenant = $1", company.tenant)
    finally:
        await con.close()
    verified = await company.ask(o.Verify(), OPERATOR, context="goals")
    assert isinstance(verified, o.Verified)
    found = {
        view.view: [(d.column, d.expected, d.found) for d in view.differences]
        for view in verified.views
        if view.differences
    }
    assert found == {"kpi": [("target", "80", "81")], "progress": [("", "a row", "no row")]}
    for view in found:
        await company.ask(o.Rebuild(view=view), OPERATOR, context="goals")
    await company.do(g.SetStrategicGoal(name="một mục tiêu nữa", year=2025, target=number(1)))
    async with asyncio.timeout(PATIENCE):
        while any(v.differences for v in (await company.ask(o.Verify(), OPERATOR, context="goals")).views):  # type: ignore[attr-defined]
            await asyncio.sleep(0.1)


async def test_a_corrected_goal_and_factor_say_so_on_the_map_and_their_views_agree_with_the_log(company: Company):
    goal, csf = company.ids["goal"], company.ids["csf"]
    await company.do(g.CorrectStrategicGoal(goal_id=goal, name="310 khách", year=2025, target=number(310)), "nam")
    await company.do(g.CorrectCsf(csf_id=csf, name="Khách dùng thử lại", goal_ids=[goal], why="vì"), "nam")
    shown = await company.ask(g.GetMap(cycle_id=company.ids["q1"]), "minh")
    assert isinstance(shown, g.GoalMap)
    assert [(one.goal_id, one.name, one.target.value) for one in shown.goals] == [(goal, "310 khách", "310")]
    assert [(one.name, one.why) for one in shown.csfs if one.csf_id == csf] == [("Khách dùng thử lại", "vì")]
    verified = await company.ask(o.Verify(), OPERATOR, context="goals")
    assert isinstance(verified, o.Verified)
    assert not any(view.differences for view in verified.views if view.view in ("strategic_goal", "csf"))


async def test_no_personal_word_is_in_the_bytes_of_a_table(system: System, company: Company):
    await company.do(company.proposal(**CHANGES), "minh")
    await company.do(
        c.RecordProgress(kpi_id=company.ids["I1"], value=number(4), note=words("hai khách chậm phản hồi")), "minh"
    )
    await company.ask(g.GetKpi(kpi_id=company.ids["I1"]), "minh")
    for database in (*system.services, "keys"):
        con = await asyncpg.connect(system.settings.database(database))
        try:
            for (table,) in await con.fetch("select tablename from pg_tables where schemaname = 'public'"):
                text = "".join(str(row[0]) for row in await con.fetch(f"select t::text from {table} t"))
                for word in ("Tên-minh", "Làm kỹ hơn", "hai khách chậm phản hồi"):
                    assert [form for form in (word, word.encode().hex()) if form in text] == [], f"{database}.{table}"
        finally:
            await con.close()


async def test_one_trace_leads_from_the_call_to_the_view_of_another_service(company: Company):
    spans = InMemorySpanExporter()
    trace_to(SimpleSpanProcessor(spans))
    trace_id = uuid4().hex
    request = c.RecordProgress(kpi_id=company.ids["I1"], value=number(4))
    method = next(m for m in DESCRIPTORS["checkins"].methods if m.name == "RecordProgress")
    metadata = [*company.metadata("minh"), ("traceparent", f"00-{trace_id}-00f067aa0ba902b7-01")]
    accepted = await company.system.call("checkins", method, request, metadata)
    assert isinstance(accepted, Accepted)
    company.positions["checkins"] = accepted.position
    await company.ask(g.GetKpi(kpi_id=company.ids["I1"]), "minh")  # the view of goals has it
    async with asyncio.timeout(PATIENCE):
        # The views of checkins' own, and what goals and notifications keep of them: each service marks it.
        while _projected(seen := _names(spans, trace_id)) < 3:
            await asyncio.sleep(0.05)
    assert "nhip.checkins.v1.Checkins/RecordProgress" in seen


def _names(spans: InMemorySpanExporter, trace_id: str) -> list[str]:
    return [s.name for s in spans.get_finished_spans() if s.context and format(s.context.trace_id, "032x") == trace_id]


def _projected(names: list[str]) -> int:
    """How often views of events of checkins were moved on, in whatever version a service keeps them."""
    return sum(name.startswith("project checkins_v") for name in names)
