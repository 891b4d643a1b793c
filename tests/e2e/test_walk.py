"""The walk, over real PostgreSQL, Kafka and gRPC, in both sizes: a company comes in, its map is changed from below,
progress is recorded, and every day of it can be looked at again.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from eventkit.values import from_date, from_datetime
from nhip.checkins.v1.checkins_pb2 import ListProgress, Progress, RecordProgress
from nhip.common.v1.time_pb2 import AsOf
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from tests.e2e.running import ADDED, COMMENT, DEMO, NOTE, REASON, Company, System, company, day, number, targets

BEFORE = {"Đăng ký dùng thử": "70", "Demo sản phẩm": "100", "Demo · khách mới": "80"}
AFTER = {"Đăng ký dùng thử": "55", "Demo sản phẩm": "80", "Demo · khách mới": "50"}


@dataclass
class Walked:
    """What was seen on the way."""

    x: Company
    imported: g.GoalMap
    instant: datetime
    proposal: str
    proposed: g.Proposal
    phuc: str
    minh: str
    approved: g.Proposal
    recorded: str


@pytest.fixture(scope="module")
async def walked(system: System) -> AsyncGenerator[Walked]:
    async with company(system) as x:
        imported, instant = await x.map(), datetime.now(UTC)
        proposal = (await x.do("Minh", x.reduction())).id
        proposed = await x.ask("Nam", g.GetProposal(proposal_id=proposal), g.Proposal)
        approve = g.ApproveProposal(proposal_id=proposal, comment=PersonalText(plain=COMMENT))
        phuc, minh = await x.refused("Phúc", approve), await x.refused("Minh", approve)
        await x.do("Nam", approve)
        approved = await x.ask("Minh", g.GetProposal(proposal_id=proposal), g.Proposal)
        progress = RecordProgress(
            kpi_id=x.kpis["Demo · khách mới"],
            value=number(44),
            confidence=7,
            note=PersonalText(plain=NOTE),
            occurred_on=from_date(date(2025, 3, 20)),
        )
        done = await x.do("Minh", progress)
        yield Walked(x, imported, instant, proposal, proposed, phuc, minh, approved, done.position)


async def test_the_imported_map_is_the_companys(walked: Walked):
    shown = walked.imported
    assert [kpi.level for kpi in shown.kpis if not kpi.unaligned] == [t.LEVEL_COMPANY] * 2 + [
        t.LEVEL_DEPARTMENT
    ] * 4 + [t.LEVEL_INDIVIDUAL] * 8
    assert [kpi.name for kpi in shown.kpis if kpi.unaligned] == ["Hợp đồng mới"]
    assert {goal.name for goal in shown.goals} == {"300 khách trả phí hài lòng cao", "Doanh thu tăng 25 % so với 2023"}
    assert [len(csf.goal_ids) for csf in shown.csfs] == [2, 2]
    assert {owner.name.plain for kpi in shown.kpis for owner in kpi.owners} == {
        "Nam",
        "Phúc",
        "Lan",
        "Minh",
        "Trâm",
        "Thảo",
        "Tiến",
    }
    contracts = next(kpi for kpi in shown.kpis if kpi.unaligned)
    assert (contracts.standing.current.value, contracts.standing.confidence) == ("4", 7)


async def test_before_the_change_the_rates_do_not_blend_to_the_departments(walked: Walked):
    short = [(one.kind, one.reached.value, one.wanted.value) for one in walked.imported.shortfalls]
    assert (g.Shortfall.KIND_BLENDED_RATE, "65.45", "70") in short
    assert not [one for one in short if one[0] == g.Shortfall.KIND_YIELD]  # 80 × 60 % + 30 × 80 % = 72 ≥ 70


async def test_the_proposal_shows_its_arithmetic(walked: Walked):
    company_wide = next(one for one in walked.proposed.reconciliations if one.kind == g.Shortfall.KIND_YIELD)
    assert (company_wide.before.arithmetic, company_wide.before.reached.value) == ("80 × 60 % + 30 × 80 %", "72")
    assert (company_wide.after.arithmetic, company_wide.after.reached.value) == ("50 × 60 % + 30 × 80 %", "54")
    assert (company_wide.before.short, company_wide.after.short) == (False, True)
    assert walked.proposed.approver.name.plain == "Nam"
    assert walked.proposed.state == t.PROPOSAL_STATE_PROPOSED


async def test_who_may_not_decide_is_refused(walked: Walked):
    assert (walked.phuc, walked.minh) == ("NOT_THE_APPROVER", "SELF_APPROVAL")
    assert walked.approved.approval.relation == "EXECUTIVE"
    assert walked.approved.approval.people_position.startswith("people=")


async def test_an_approval_is_one_append(walked: Walked):
    connection = await asyncpg.connect(walked.x.system.database("goals"))
    try:
        rows = await connection.fetch(
            "select * from log_event where append_id ="
            " (select append_id from log_event where tenant = $1 and type like '%.ProposalApproved') order by position",
            walked.x.tenant,
        )
    finally:
        await connection.close()
    kinds = [row["type"].rpartition(".")[2] for row in rows]
    assert sorted(kinds) == [
        "KpiAligned",
        "KpiDefined",
        "KpiTargetRevised",
        "KpiTargetRevised",
        "KpiTargetRevised",
        "ProposalApproved",
    ]
    assert {row["append_size"] for row in rows} == {len(rows)}
    assert [row["append_index"] for row in rows] == list(range(len(rows)))
    assert len({row["recorded_at"] for row in rows}) == 1


async def test_after_it_the_map_misses_its_goal_by_one(walked: Walked):
    shown = await walked.x.map()
    assert {name: targets(shown)[name] for name in AFTER} == AFTER
    short = {one.kind: (one.reached.value, one.wanted.value) for one in shown.shortfalls}
    assert short == {g.Shortfall.KIND_YIELD: ("54", "55"), g.Shortfall.KIND_BLENDED_RATE: ("67.5", "70")}
    assert ADDED in targets(shown)


async def test_the_map_of_the_day_before_is_as_it_was(walked: Walked):
    shown = await walked.x.map(as_of=day(_today() - timedelta(days=1)))
    assert shown.past
    assert {name: targets(shown)[name] for name in BEFORE} == BEFORE
    assert ADDED not in targets(shown)
    assert {kpi.name: kpi.target_now.value for kpi in shown.kpis if kpi.HasField("target_now")} == AFTER


async def test_the_map_as_it_was_known_before_is_as_it_was(walked: Walked):
    shown = await walked.x.map(as_of=AsOf(recorded_at=from_datetime(walked.instant)))
    assert {name: targets(shown)[name] for name in BEFORE} == BEFORE
    assert targets(shown) == targets(walked.imported)


async def test_a_day_before_the_cycle_shows_nothing(walked: Walked):
    assert not (await walked.x.map(as_of=day(date(2024, 12, 31)))).kpis


async def test_progress_reaches_the_map_over_kafka(walked: Walked):
    assert walked.recorded.startswith("checkins=")
    page = await walked.x.ask("Phúc", g.GetKpi(kpi_id=walked.x.kpis["Demo · khách mới"]), g.KpiPage)
    assert (page.kpi.standing.current.value, page.kpi.standing.confidence) == ("44", 7)
    assert page.kpi.standing.progress.value == "0.88"
    assert "checkins" in {one.context for one in page.applied}
    listed = await walked.x.ask("Minh", ListProgress(kpi_id=walked.x.kpis["Demo · khách mới"]), Progress)
    assert [(entry.value.value, entry.note.plain) for entry in listed.entries] == [("44", NOTE)]


async def test_a_history_says_who_when_why_before_and_after(walked: Walked):
    told = await walked.x.ask("Trâm", g.GetKpiHistory(kpi_id=walked.x.kpis["Demo · khách mới"]), g.KpiHistory)
    by_what = {entry.what: entry for entry in told.entries}
    revised = by_what["KpiTargetRevised"]
    assert (revised.actor.name.plain, revised.proposer.name.plain) == ("Nam", "Minh")
    assert (revised.before, revised.after) == ("80 demo", "50 demo")
    assert revised.reason_class == t.REASON_CLASS_CORRECTION
    assert revised.reason.plain == REASON
    assert revised.recorded_at.ToDatetime(UTC) >= walked.instant
    recorded = by_what["ProgressRecorded"]
    assert (recorded.actor.name.plain, recorded.after, recorded.confidence, recorded.reason.plain) == (
        "Minh",
        "44 demo",
        7,
        NOTE,
    )
    assert told.entries[-1].recorded_at.ToDatetime(UTC) <= walked.instant


async def test_importing_again_makes_nothing_twice(walked: Walked):
    before = await walked.x.map()
    code, printed = await walked.x.system.nhip("import", str(DEMO), "--tenant", walked.x.tenant)
    assert code == 0, printed
    assert "differs" not in printed
    again = await walked.x.map()
    assert (again.kpis, again.csfs, again.goals) == (before.kpis, before.csfs, before.goals)


async def test_every_view_is_what_the_log_says(walked: Walked):
    code, printed = await walked.x.system.nhip("verify", "--tenant", walked.x.tenant)
    assert code == 0, printed
    for view in (
        "kpi",
        "link",
        "proposal",
        "progress",
        "known_kpi",
        "progress_entry",
        "directory_person",
        "praise",
        "wallet",
        "notice",
        "ledger_goals",
    ):
        assert f" {view} " in printed


def _today() -> date:
    """The company's: its days end in Việt Nam."""
    return (datetime.now(UTC) + timedelta(hours=7)).date()
