"""A cycle's way through the services: what may be done in each state, quarters in their year, and its closing.

G-73, G-77.
"""

import asyncio
from datetime import timedelta

import pytest
from google.protobuf.message import Message

from eventkit.errors import Rejected
from eventkit.values import from_date
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1 import operations_pb2 as o
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from tests.integration.services.company import IMPORTER, OPERATOR, Company, System, number, today, words
from tests.waiting import PATIENCE


@pytest.fixture
async def company(system: System) -> Company:
    company = await system.company().found()
    starts_on, ends_on = from_date(today() - timedelta(days=100)), from_date(today() - timedelta(days=10))
    await company.do(g.OpenCycle(name="Kỳ trước", starts_on=starts_on, ends_on=ends_on), name="q1")
    return await company.branch()


async def start(company: Company, name: str = "q1") -> None:
    await company.do(g.StartCycle(cycle_id=company.ids[name], with_uneven_weights=True), "nam")


async def page(company: Company, name: str = "q1") -> g.CyclePage:
    found = await company.ask(g.GetCycle(cycle_id=company.ids[name]), "nam")
    assert isinstance(found, g.CyclePage)
    return found


async def until(company: Company, state: t.CycleState.ValueType) -> g.CyclePage:
    async with asyncio.timeout(PATIENCE):
        while (found := await page(company)).cycle.state != state:
            await asyncio.sleep(0.02)
    return found


async def answered(company: Company, request: Message, by: str) -> str:
    """The reason of the refusal; "yes" where there is none."""
    try:
        await company.ask(request, by)
    except Rejected as refusal:
        return refusal.reason
    return "yes"


def value(company: Company) -> c.RecordProgress:
    return c.RecordProgress(kpi_id=company.ids["I1"], value=number(3))


async def test_directly_a_kpi_is_set_and_changed_only_while_its_cycle_is_planned(company: Company):
    asked: list[Message] = [
        company.definition("I2", t.LEVEL_INDIVIDUAL, 5, owner="tram"),
        g.AlignKpi(kpi_id=company.ids["I1"], parent=company.under("K1")),
        g.RetireKpi(kpi_id=company.ids["I1"], reason_class=t.REASON_CLASS_CORRECTION, reason=words("Nhầm")),
    ]

    async def may_set() -> list[str]:
        pages = {who: await company.ask(g.GetKpi(kpi_id=company.ids["I1"]), who) for who in ("minh", "phuc", "nam")}
        return [who for who, page in pages.items() if isinstance(page, g.KpiPage) and page.may_set]

    assert await may_set() == ["phuc", "nam"]
    asked_about = [company.ids[who] for who in ("minh", "phuc", "tram")]
    counts = await company.ask(g.CountKpis(cycle_id=company.ids["q1"], owner_ids=asked_about), "minh")
    assert isinstance(counts, g.KpiCounts)
    assert [(one.person_id, one.count) for one in counts.counts] == [(asked_about[0], 1), (asked_about[1], 1)]
    refused = await company.refused(g.StartCycle(cycle_id=company.ids["q1"]), "nam")
    assert (refused.reason, (await page(company)).obstacle) == ("WEIGHTS_UNEVEN", "WEIGHTS_UNEVEN")
    await start(company)
    assert await may_set() == []
    for by in ("nam", "phuc", IMPORTER):
        assert [(await company.refused(one, by)).reason for one in asked[:2]] == ["CYCLE_RUNS"] * 2
    assert (await company.refused(asked[2], "nam")).reason == "CYCLE_RUNS"
    assert (await page(company)).cycle.state == t.CYCLE_STATE_RUNNING


async def test_a_cycle_closes_when_its_values_are_complete_and_nothing_changes_until_it_is_reopened(company: Company):
    await company.do(value(company), "minh")
    await start(company)
    proposal = company.proposal(I1=(80, 70))
    proposal.reason_class = t.REASON_CLASS_CORRECTION
    await company.do(proposal, "minh", name="proposal")
    close = g.CloseCycle(cycle_id=company.ids["q1"])
    assert (await company.refused(close, "nam")).reason == "PROPOSALS_WAITING"
    await company.do(g.DeclineProposal(proposal_id=company.ids["proposal"], reason=words("Giữ")), "phuc")
    await company.do(close, "nam")
    closed = await until(company, t.CYCLE_STATE_CLOSED)
    assert [step.what for step in closed.steps] == ["CycleOpened", "CycleStarted", "CycleClosingBegun", "CycleClosed"]
    refused = [await company.refused(value(company), "minh"), await company.refused(proposal, "minh")]
    assert [one.reason for one in refused] == ["CYCLE_CLOSED", "CYCLE_CLOSED"]
    await company.do(g.ReopenCycle(cycle_id=company.ids["q1"], reason=words("Số sai")), "quang")
    async with asyncio.timeout(PATIENCE):
        while await answered(company, c.RecordProgress(kpi_id=company.ids["I1"], value=number(4)), "minh") != "yes":
            await asyncio.sleep(0.02)
    reopened = await page(company)
    assert (reopened.steps[-1].what, reopened.steps[-1].reason.plain) == ("CycleReopened", "Số sai")


async def test_a_cycles_kpis_go_on_in_the_next_one_or_stop_each_decided_by_who_may(company: Company):
    ids = company.ids
    await start(company)
    first = today() - timedelta(days=5)
    following = g.OpenCycle(name="Kỳ sau", starts_on=from_date(first), ends_on=from_date(today() + timedelta(days=80)))
    await company.do(following, "nam", name="next")
    items = [
        g.CarriedKpi(kpi_id=ids["K1"], choice=t.FOLLOW_UP_KEEP),
        g.CarriedKpi(kpi_id=ids["D1"], choice=t.FOLLOW_UP_ADJUST, target=number(120), reason=words("Thêm người")),
        g.CarriedKpi(kpi_id=ids["I1"], choice=t.FOLLOW_UP_STOP, reason=words("Xong việc")),
    ]
    carry = g.CarryOnKpis(cycle_id=ids["q1"], next_cycle_id=ids["next"], items=items)
    # Whatever order they are carried out in, a refusal names an item by its place in the request.
    reversed_ = g.CarryOnKpis(cycle_id=ids["q1"], next_cycle_id=ids["next"], items=items[::-1])
    step = o.Step(method="CarryOnKpis", request=reversed_.SerializeToString())
    refused = await company.refused(o.CarryOutTogether(service="goals", steps=[step]), "phuc", context="goals")
    assert (refused.reason, refused.parameters["item"]) == ("NOT_YOURS_TO_SET", "2")
    by_phuc = await company.ask(carry, "phuc", key="once")
    assert isinstance(by_phuc, Accepted)
    assert [one.refused.reason for one in by_phuc.verdicts] == ["NOT_YOURS_TO_SET", "", ""]
    again = await company.ask(carry, "phuc", key="once")
    assert isinstance(again, Accepted)
    assert [one.repeated for one in again.verdicts] == [False, True, True]
    await company.ask(g.CarryOnKpis(cycle_id=ids["q1"], next_cycle_id=ids["next"], items=items[:1]), "nam")
    left = await company.ask(g.ListFollowUps(cycle_id=ids["q1"], next_cycle_id=ids["next"]), "phuc")
    assert isinstance(left, g.FollowUps)
    assert [(one.kpi.name, one.choice, one.next_target.value) for one in left.kpis] == [
        ("K1", t.FOLLOW_UP_KEEP, "70"),
        ("D1", t.FOLLOW_UP_ADJUST, "120"),
        ("I1", t.FOLLOW_UP_STOP, ""),
    ]
    assert (left.total, left.decided, left.kpis[2].may_decide) == (3, 3, True)
    shown = await company.ask(g.GetMap(cycle_id=ids["next"]), "minh")
    assert isinstance(shown, g.GoalMap)
    # D1 was decided before what it serves, and serves it again.
    above = {kpi.name: kpi.parent.kpi_id for kpi in shown.kpis}
    assert above == {"K1": "", "D1": next(kpi.kpi_id for kpi in shown.kpis if kpi.name == "K1")}
    early = g.CorrectCycle(
        cycle_id=ids["next"],
        name="Kỳ sau",
        starts_on=from_date(today() - timedelta(days=9)),
        ends_on=from_date(today() - timedelta(days=1)),
    )
    assert (await company.refused(early, "nam")).reason == "KPI_OUTSIDE_CYCLE"


MAY_SET = {
    "DefineKpi company": {"nam", "mai"},
    "DefineKpi department": {"nam", "mai", "phuc"},
    "DefineKpi individual": {"nam", "mai", "phuc"},
    "AlignKpi": {"nam", "mai", "phuc"},
    "ChangeKpi": {"nam", "mai", "phuc"},
    "RetireKpi": {"nam", "mai", "phuc"},
}
"""Of Minh's KPI, of one that sales would have, of the company's: whoever stands in the right relation, while the cycle
is planned. Lan heads another unit."""
EVERYBODY = ("nam", "mai", "phuc", "lan", "minh", "tram", "van")


def changes_of_minhs(company: Company) -> dict[str, Message]:
    id, reason = company.ids["I1"], words("Vì")
    proposal = company.proposal(I1=(80, 70))
    proposal.reason_class = t.REASON_CLASS_CORRECTION
    return {
        "DefineKpi company": company.definition("X", t.LEVEL_COMPANY, 5, owner="nam"),
        "DefineKpi department": company.definition("X", t.LEVEL_DEPARTMENT, 5),
        "DefineKpi individual": company.definition("X", t.LEVEL_INDIVIDUAL, 5, owner="minh"),
        "AlignKpi": g.AlignKpi(kpi_id=id, parent=company.under("K1"), why="khác"),
        "ChangeKpi": _weighted(company, 0, 7),
        "RetireKpi": g.RetireKpi(kpi_id=id, reason_class=t.REASON_CLASS_CORRECTION, reason=reason),
        "ProposeChange": proposal,
        "CorrectKpiWords": g.CorrectKpiWords(
            kpi_id=id, before=g.KpiWords(name="I1"), after=g.KpiWords(name="I1 demo"), reason=reason
        ),
        "RecordProgress": value(company),
    }


async def refusals(company: Company) -> dict[str, dict[str, str]]:
    """By command and person why not; "yes": it was done. What is done ends there, so that nobody meets another's."""
    found: dict[str, dict[str, str]] = {}
    for what in changes_of_minhs(company):
        found[what] = {}
        for who in EVERYBODY:
            request = changes_of_minhs(company)[what]
            try:
                reply = await company.ask(request, who)
            except Rejected as refusal:
                found[what][who] = refusal.reason
                continue
            found[what][who] = "yes"
            if isinstance(request, g.ProposeChange):
                assert isinstance(reply, Accepted)
                await company.do(g.WithdrawProposal(proposal_id=reply.id), who)
            elif what in ("RetireKpi", "ChangeKpi", "CorrectKpiWords"):
                back = g.KpiWords(name="I1"), g.KpiWords(name="I1 demo")
                undo: dict[str, Message] = {
                    "ChangeKpi": _weighted(company, 7, 0),
                    "RetireKpi": company.definition("I1", t.LEVEL_INDIVIDUAL, 80, company.under("D1"), owner="minh"),
                    "CorrectKpiWords": g.CorrectKpiWords(kpi_id=company.ids["I1"], before=back[1], after=back[0]),
                }
                await company.do(undo[what], "phuc", name="I1" if what == "RetireKpi" else "")
    return found


def _weighted(company: Company, before: int, after: int) -> g.ChangeKpi:
    said = t.SaidChange(before=t.KpiSaid(weight=number(before)), after=t.KpiSaid(weight=number(after)))
    return g.ChangeKpi(kpi_id=company.ids["I1"], change=t.TargetChange(kpi_id=company.ids["I1"], said=said))


async def test_every_command_on_a_kpi_by_every_relation_in_every_state_of_its_cycle(system: System):
    """1.14: planned by relation, running by proposal, closed nobody."""
    company = await system.company().found()
    ids = company.ids
    last_day = g.OpenCycle(name="Kỳ", starts_on=from_date(today() - timedelta(days=40)), ends_on=from_date(today()))
    await company.do(last_day, name="q1")
    await company.branch()
    await company.do(p.CreateUnit(name="CSKH"), name="cskh")
    for who, unit, *roles in (("lan", "cskh"), ("mai", "", pt.ROLE_OKR_MASTER), ("van", "", pt.ROLE_AUDITOR)):
        place = pt.Place(unit_id=ids.get(unit, ""), manager_id=ids["nam"])
        await company.do(p.RegisterPerson(name=words(who), place=place, roles=roles), name=who)
    await company.do(p.AppointUnitHead(unit_id=ids["cskh"], person_id=ids["lan"]))
    everybody = dict.fromkeys(EVERYBODY, "yes") | {"van": "NOT_ALLOWED"}
    decides = dict.fromkeys(EVERYBODY, "NOT_THE_APPROVER") | {"phuc": "yes", "van": "NOT_ALLOWED"}
    records = dict.fromkeys(EVERYBODY, "NOT_AN_OWNER") | {"minh": "yes", "van": "NOT_ALLOWED"}
    others = {"ProposeChange": everybody, "CorrectKpiWords": decides, "RecordProgress": records}

    def nobody(reason: str) -> dict[str, str]:
        return dict.fromkeys(EVERYBODY, reason) | {"van": "NOT_ALLOWED"}

    set_by = {
        what: {who: "yes" if who in may else "NOT_YOURS_TO_SET" for who in EVERYBODY} | {"van": "NOT_ALLOWED"}
        for what, may in MAY_SET.items()
    }
    assert await refusals(company) == set_by | others
    refused = await company.refused(changes_of_minhs(company)["DefineKpi company"], "lan")
    assert refused.parameters == {"who": "MAY_SET_COMPANY"}
    await start(company)
    assert await refusals(company) == {what: nobody("CYCLE_RUNS") for what in MAY_SET} | others
    await company.do(g.CloseCycle(cycle_id=ids["q1"]), "nam")
    await until(company, t.CYCLE_STATE_CLOSED)
    assert await refusals(company) == {what: nobody("CYCLE_CLOSED") for what in (*MAY_SET, *others)}
    await company.do(g.ReopenCycle(cycle_id=ids["q1"], reason=words("Số sai")), "quang")
    async with asyncio.timeout(PATIENCE):
        while await answered(company, value(company), "minh") != "yes":
            await asyncio.sleep(0.02)
    assert await refusals(company) == {what: nobody("CYCLE_RUNS") for what in MAY_SET} | others


async def test_a_level_goes_on_from_where_it_ended_and_says_from_where(company: Company):
    ids = company.ids
    rate = company.definition("Tỷ lệ", t.LEVEL_INDIVIDUAL, 18, owner="minh")
    rate.kpi.measure.kind, rate.kpi.measure.unit = t.MEASURE_KIND_LEVEL, "%"
    await company.do(rate, name="rate")
    await start(company)
    await company.do(c.RecordProgress(kpi_id=ids["rate"], value=number(12)), "minh")
    first = today() - timedelta(days=5)
    following = g.OpenCycle(name="Kỳ sau", starts_on=from_date(first), ends_on=from_date(today() + timedelta(days=80)))
    await company.do(following, "nam", name="next")
    carried = g.CarriedKpi(kpi_id=ids["rate"], choice=t.FOLLOW_UP_KEEP)
    await company.ask(g.CarryOnKpis(cycle_id=ids["q1"], next_cycle_id=ids["next"], items=[carried]), "phuc")
    listed = await company.ask(g.ListKpis(cycle_id=ids["next"]), "phuc")
    [kpi] = listed.kpis  # type: ignore[attr-defined] # of its reply
    page = await company.ask(g.GetKpi(kpi_id=kpi.kpi_id), "minh")
    assert isinstance(page, g.KpiPage)
    assert page.kpi.measure.baseline.value == "12"
    before = await company.ask(g.GetKpi(kpi_id=ids["rate"]), "minh")
    assert isinstance(before, g.KpiPage)
    assert (page.baseline_from.kpi_id, page.baseline_from.occurred_on) == (ids["rate"], before.trend[-1].occurred_on)
    assert not before.HasField("baseline_from")


async def test_a_quarters_kpi_serves_one_of_its_year_and_each_map_shows_the_other(company: Company):
    ids = company.ids
    first, last = today() - timedelta(days=20), today() + timedelta(days=300)
    await company.do(g.OpenCycle(name="Năm", starts_on=from_date(first), ends_on=from_date(last)), "nam", name="year")
    quarter = g.OpenCycle(
        name="Quý", starts_on=from_date(first), ends_on=from_date(first + timedelta(days=90)), within_id=ids["year"]
    )
    other = await company.do(quarter, "nam")
    quarter.name = "Quý sau"
    later = await company.do(quarter, "nam")
    ids["q1"] = ids["year"]
    await company.define("KY", t.LEVEL_COMPANY, 400, t.Parent(csf_id=ids["csf"]), owner="nam", by="nam")
    ids["q1"] = other
    await company.define("KQ", t.LEVEL_COMPANY, 100, company.under("KY"), owner="nam", by="nam")
    upwards = company.definition("KX", t.LEVEL_COMPANY, 1, company.under("KQ"), owner="nam")
    upwards.cycle_id = ids["year"]
    assert (await company.refused(upwards, "nam")).reason == "CYCLE_NOT_ENCLOSING"
    upwards.cycle_id = later
    assert (await company.refused(upwards, "nam")).reason == "CYCLE_NOT_ENCLOSING"
    for cycle, counted in ((ids["year"], 2), (other, 1)):
        shown = await company.ask(g.GetMap(cycle_id=cycle), "minh")
        assert isinstance(shown, g.GoalMap)
        assert {kpi.name for kpi in shown.kpis} == {"KY", "KQ"}
        assert shown.counts.company == counted
    year = await company.ask(g.GetMap(cycle_id=ids["year"]), "minh")
    assert isinstance(year, g.GoalMap)
    assert [one.reason for one in year.not_checked] == [g.NotChecked.REASON_CYCLES_MISSING]
    found = await page(company, "year")
    assert ({one.cycle_id for one in found.inner}, found.kpis) == ({other, later}, 1)
    withdraw = g.WithdrawCycle(cycle_id=later, reason=words("Nhầm"))
    await company.do(withdraw, "nam")
    assert (await company.refused(g.GetCycle(cycle_id=later), "nam")).reason == "CYCLE_UNKNOWN"
    withdraw.cycle_id = other
    assert (await company.refused(withdraw, "nam")).reason == "CYCLE_IN_USE"
    verified = await company.ask(o.Verify(), OPERATOR, context="goals")
    assert isinstance(verified, o.Verified)
    assert [view.view for view in verified.views if view.differences] == []


async def test_a_year_of_four_quarters_is_run_each_is_closed_the_last_copied_and_the_year_adds_up(system: System):
    """G-73, G-76: the year's KPI is its quarters' sum, as of every day, and its map holds it against theirs."""
    company = await system.company().found()
    ids, first = company.ids, today() - timedelta(days=363)
    spans = [(first + timedelta(days=91 * n), first + timedelta(days=91 * n + 90)) for n in range(4)]
    year = g.OpenCycle(name="Năm", starts_on=from_date(first), ends_on=from_date(spans[3][1]))
    await company.do(year, "nam", name="year")
    for n, (starts_on, ends_on) in enumerate(spans):
        quarter = g.OpenCycle(name=f"Quý {n}", within_id=ids["year"])
        quarter.starts_on.CopyFrom(from_date(starts_on))
        quarter.ends_on.CopyFrom(from_date(ends_on))
        await company.do(quarter, "nam", name=f"q{n}")

    async def set_in(cycle: str, target: int, parent: t.Parent, name: str, *, summed: t.Computation | None = None):
        command = company.definition("Đăng ký", t.LEVEL_COMPANY, target, parent, owner="nam")
        command.cycle_id = ids[cycle]
        if summed is not None:
            command.kpi.computation.CopyFrom(summed)
        on = next((first for n, (first, _) in enumerate(spans) if cycle == f"q{n}"), spans[0][0])
        command.effective_on.CopyFrom(from_date(on))
        await company.do(command, name=name)

    await set_in("year", 400, t.Parent(csf_id=ids["csf"]), "KY")
    for n in range(3):
        await set_in(f"q{n}", 100, company.under("KY"), f"K{n}")
        await company.do(g.StartCycle(cycle_id=ids[f"q{n}"], with_uneven_weights=True), "nam")
        on = from_date(spans[n][1] - timedelta(days=5))
        await company.do(c.RecordProgress(kpi_id=ids[f"K{n}"], value=number(90 + 10 * n), occurred_on=on), "nam")
    item = g.CarriedKpi(kpi_id=ids["K2"], choice=t.FOLLOW_UP_ADJUST, target=number(110), reason=words("Đông khách"))
    carry = g.CarryOnKpis(cycle_id=ids["q2"], next_cycle_id=ids["q3"], items=[item])
    done = await company.ask(carry, "nam")
    assert isinstance(done, Accepted)
    assert [one.refused.reason for one in done.verdicts] == [""]
    listed = await company.ask(g.ListKpis(cycle_id=ids["q3"]), "nam")
    assert isinstance(listed, g.Kpis)
    [ids["K3"]] = [kpi.kpi_id for kpi in listed.kpis if kpi.cycle_id == ids["q3"]]
    await company.do(g.StartCycle(cycle_id=ids["q3"], with_uneven_weights=True), "nam")
    await company.do(c.RecordProgress(kpi_id=ids["K3"], value=number(120)), "nam")
    summed = t.Computation(kind=t.COMPUTATION_KIND_SUM_OF_CYCLES, kpi_ids=[ids[f"K{n}"] for n in range(4)])
    await set_in("year", 410, t.Parent(csf_id=ids["csf"]), "total", summed=summed)
    for day, total in ((spans[0][1], "90"), (spans[1][1], "190"), (today(), "420")):
        then = await company.ask(g.GetKpi(kpi_id=ids["total"], as_of=AsOf(effective_on=from_date(day))), "minh")
        assert isinstance(then, g.KpiPage)
        assert then.kpi.standing.current.value == total
    shown = await company.ask(g.GetMap(cycle_id=ids["year"]), "minh")
    assert isinstance(shown, g.GoalMap)
    assert {(kpi.cycle_id, kpi.parent.kpi_id) for kpi in shown.kpis} == {
        (ids["year"], ""),
        *((ids[f"q{n}"], ids["KY"]) for n in range(4)),
    }
    assert (shown.counts.company, list(shown.shortfalls), list(shown.not_checked)) == (6, [], [])
    await company.do(g.StartCycle(cycle_id=ids["year"], with_uneven_weights=True), "nam")
    year_closes = g.CloseCycle(cycle_id=ids["year"])
    assert (await company.refused(year_closes, "nam")).reason == "INNER_CYCLE_OPEN"
    for cycle in ("q0", "q1", "q2", "q3", "year"):
        await company.do(g.CloseCycle(cycle_id=ids[cycle]), "nam")
        async with asyncio.timeout(PATIENCE):
            while (await page(company, cycle)).cycle.state != t.CYCLE_STATE_CLOSED:
                await asyncio.sleep(0.02)
    of_year = await company.ask(g.GetKpi(kpi_id=ids["KY"]), "minh")
    assert isinstance(of_year, g.KpiPage)
    ended = {child.standing.current.value: child.standing.status for child in of_year.children}
    assert ended.keys() == {"90", "100", "110", "120"}
    assert ended["90"] in (g.STATUS_BELOW, g.STATUS_UNACCEPTABLE)
    assert (ended["100"], ended["110"]) == (g.STATUS_MEETS, g.STATUS_MEETS)
    assert ended["120"] == g.STATUS_ON_TRACK  # today is its last day
    verified = await company.ask(o.Verify(), OPERATOR, context="goals")
    assert isinstance(verified, o.Verified)
    assert [view.view for view in verified.views if view.differences] == []
