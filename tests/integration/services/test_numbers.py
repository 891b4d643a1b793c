"""Numbers of before, ends and links that lie ahead, and changed scales, on real services: whatever is stored is shown
by every reader."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from google.type.decimal_pb2 import Decimal

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.commands.loading import Load
from eventkit.context import Actor, Context
from eventkit.log import StreamId
from eventkit.values import from_date
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from nhip.common.v1 import operations_pb2 as o
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiTargetRevised
from services.checkins.domain.progress import PROGRESS
from services.goals.domain.kpi import KPI
from tests.integration.services.company import OPERATOR, Company, System, number, today, words

LONGEST = "9" * 30


@pytest.fixture
async def company(system: System) -> Company:
    return await system.company().found()


async def as_it_was_once(company: Company, context: str, decision: Decision) -> None:
    """Events that earlier versions took, written past today's door."""
    resources = company.system.all_resources[context]
    ctx = Context(Actor(company.tenant, company.ids["minh"]), datetime.now(UTC), uuid4(), digest=b"old")

    async def decide(load: Load) -> Decision:
        await load(KPI, decision[0].ref.id) if context == "goals" else await load(PROGRESS, decision[0].ref.id)
        return decision

    accepted = await resources.commands.execute(ctx, decision[0].ref, decide)
    company.positions[context] = accepted.position


async def all_verified(company: Company) -> None:
    """Every view holds what the log says."""
    for context in ("goals", "checkins"):
        verified = await company.ask(o.Verify(), OPERATOR, context=context)
        assert isinstance(verified, o.Verified)
        assert [view for view in verified.views if view.differences] == []


async def test_numbers_longer_than_are_taken_today_are_shown_by_every_reader_and_can_be_put_right(company: Company):
    await company.branch()
    kpi, day = company.ids["I1"], today()
    revised = KpiTargetRevised(kpi_id=kpi, before=number(80), after=Decimal(value=LONGEST), effective_on=from_date(day))
    reached = ProgressRecorded(
        kpi_id=kpi, cycle_id=company.ids["q1"], occurred_on=from_date(day), after=Decimal(value=LONGEST), confidence=5
    )
    await as_it_was_once(company, "goals", [StreamEvent(KPI(kpi), revised)])
    await as_it_was_once(company, "checkins", [StreamEvent(PROGRESS(kpi), reached)])

    shown = await company.ask(g.GetMap(cycle_id=company.ids["q1"]), "minh")
    assert isinstance(shown, g.GoalMap)
    one = next(k for k in shown.kpis if k.kpi_id == kpi)
    assert (one.measure.target.value, one.standing.current.value, one.standing.progress.value, one.unshown) == (
        LONGEST,
        LONGEST,
        "1",
        False,
    )
    page = await company.ask(g.GetKpi(kpi_id=kpi), "minh")
    assert isinstance(page, g.KpiPage)
    assert page.trend[0].value.value == LONGEST
    await company.ask(g.GetKpiHistory(kpi_id=kpi), "minh")
    await company.ask(c.ListProgress(kpi_id=kpi), "minh")

    right = company.proposal(I1=(0, 50))
    right.changes[0].before.value = LONGEST
    proposal = await company.do(right, "minh")
    listed = await company.ask(g.ListProposals(), "phuc")
    assert isinstance(listed, g.Proposals)
    assert [(p.changes[0].before.value, p.unshown) for p in listed.proposals] == [(LONGEST, False)]
    await company.do(g.ApproveProposal(proposal_id=proposal, comment=words("đúng rồi")), "phuc")
    page = await company.ask(g.GetKpi(kpi_id=kpi), "minh")
    assert isinstance(page, g.KpiPage)
    assert page.kpi.measure.target.value == "50"
    await all_verified(company)


async def test_what_ends_or_moves_tomorrow_is_as_it_was_today(company: Company):
    await company.branch()
    await company.define("D2", t.LEVEL_DEPARTMENT, 10, company.under("K1"))
    tomorrow = from_date(today() + timedelta(days=1))
    await company.do(g.AlignKpi(kpi_id=company.ids["I1"], parent=company.under("D2"), effective_on=tomorrow), "nam")
    reason = {"reason_class": t.REASON_CLASS_CONTEXT_CHANGED, "reason": words("hết cần")}
    await company.do(g.RetireKpi(kpi_id=company.ids["I1"], effective_on=tomorrow, **reason), "nam")  # type: ignore[arg-type]
    page = await company.ask(g.GetKpi(kpi_id=company.ids["I1"]), "minh")
    assert isinstance(page, g.KpiPage)
    assert (page.kpi.parent.kpi_id, page.kpi.retired, page.may_record) == (company.ids["D1"], False, True)
    # Until then it is worked on as ever, and its target may still change, from today on.
    await company.do(c.RecordProgress(kpi_id=company.ids["I1"], value=number(3)), "minh")
    proposal = await company.do(company.proposal(I1=(80, 60)), "minh")
    await company.do(g.ApproveProposal(proposal_id=proposal, comment=words("được")), "phuc")
    shown = await company.ask(g.GetMap(cycle_id=company.ids["q1"]), "minh")
    assert isinstance(shown, g.GoalMap)
    assert next(k.measure.target.value for k in shown.kpis if k.kpi_id == company.ids["I1"]) == "60"
    # Who it serves today may not go today, and who it is to serve tomorrow is not left with it.
    refused = await company.refused(g.RetireKpi(kpi_id=company.ids["D1"], **reason), "nam")  # type: ignore[arg-type]
    assert refused.reason == "KPI_HAS_CHILDREN"
    for name in ("D1", "D2"):
        await company.do(g.RetireKpi(kpi_id=company.ids[name], effective_on=tomorrow, **reason), "nam")  # type: ignore[arg-type]
    await all_verified(company)


async def test_a_scale_that_changes_with_its_target_is_shown_before_and_after(company: Company):
    await company.branch()
    request = company.definition("I2", t.LEVEL_INDIVIDUAL, 80, company.under("D1"), owner="minh")
    request.kpi.measure.floor.value = "60"
    kpi = company.ids["I2"] = await company.do(request)
    locked = company.proposal(I2=(80, 50))
    assert (await company.refused(locked, "minh")).reason == "SCALE_ORDER"
    locked.changes[0].floor.CopyFrom(t.EdgeChange(before=number(60), after=number(40)))
    proposal = await company.do(locked, "minh")
    asked = await company.ask(g.GetProposal(proposal_id=proposal), "phuc")
    assert isinstance(asked, g.Proposal)
    assert (asked.changes[0].floor.before.value, asked.changes[0].floor.after.value, asked.obstacle) == ("60", "40", "")
    await company.do(g.ApproveProposal(proposal_id=proposal, comment=words("được")), "phuc")
    page = await company.ask(g.GetKpi(kpi_id=kpi), "minh")
    assert isinstance(page, g.KpiPage)
    assert (page.kpi.measure.target.value, page.kpi.measure.floor.value) == ("50", "40")
    history = await company.ask(g.GetKpiHistory(kpi_id=kpi), "minh")
    assert isinstance(history, g.KpiHistory)
    assert (history.entries[0].floor.before.value, history.entries[0].floor.after.value) == ("60", "40")
    await all_verified(company)


@pytest.mark.parametrize("day", [timedelta(days=-100), timedelta(days=100)])
async def test_a_day_outside_the_cycle_is_refused(company: Company, day: timedelta):
    request = company.definition("K9", t.LEVEL_COMPANY, 70, owner="nam")
    request.effective_on.CopyFrom(from_date(today() + day))
    refused = await company.refused(request, "nam")
    assert (refused.reason, [v.field for v in refused.violations]) == ("OUTSIDE_CYCLE", ["effective_on"])


async def test_a_kpi_is_defined_before_it_is_aligned(company: Company):
    await company.branch()
    log = company.system.all_resources["goals"].log
    [first, *_] = [event async for event in log.read(StreamId(company.tenant, *KPI(company.ids["K1"])))]
    assert [event.type.rpartition(".")[2] for event in await log.append_of(first.id)] == ["KpiDefined", "KpiAligned"]


async def test_what_an_ended_cycle_aimed_at_is_only_corrected(company: Company):
    starts, ends = today() - timedelta(days=90), today() - timedelta(days=1)
    await company.do(g.OpenCycle(name="Quý trước", starts_on=from_date(starts), ends_on=from_date(ends)), name="q1")
    await company.branch()  # an import
    refused = await company.refused(company.definition("K9", t.LEVEL_COMPANY, 70, owner="nam"), "nam")
    assert refused.reason == "CYCLE_ENDED"
    retire = g.RetireKpi(kpi_id=company.ids["I1"], reason_class=t.REASON_CLASS_CONTEXT_CHANGED, reason=words("thôi"))
    assert (await company.refused(retire, "nam")).reason == "CYCLE_ENDED"
    lower = company.proposal(I1=(80, 50))
    assert (await company.refused(lower, "minh")).reason == "CYCLE_ENDED"
    lower.reason_class = t.REASON_CLASS_CORRECTION
    proposal = await company.do(lower, "minh")
    await company.do(g.ApproveProposal(proposal_id=proposal, comment=words("ghi nhầm")), "phuc")
