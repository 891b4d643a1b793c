"""Values put right, moved and taken back, delegates and evidence, over the real services (A-02, C-07)."""

import asyncio
from datetime import timedelta

import pytest

from eventkit.values import from_date, required_date
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.checkins.v1 import types_pb2 as ct
from nhip.common.v1 import operations_pb2 as o
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.notifications.v1 import notifications_pb2 as n
from nhip.notifications.v1 import types_pb2 as nt
from tests.integration.services.company import OPERATOR, Company, System, number, today, words
from tests.waiting import PATIENCE

WHY = {"reason_class": ct.CORRECTION_REASON_MISTYPED, "reason": words("gõ ngược")}


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


async def page(company: Company, by: str = "minh", as_of: AsOf | None = None) -> g.KpiPage:
    shown = await company.ask(g.GetKpi(kpi_id=company.ids["I1"], as_of=as_of), by)
    assert isinstance(shown, g.KpiPage)
    return shown


def trend(shown: g.KpiPage) -> list[tuple[int, str]]:
    """How many days ago, and what stands."""
    return [((today() - required_date(p.occurred_on)).days, p.value.value) for p in shown.trend]


async def test_what_is_put_right_and_taken_back_is_right_on_both_clocks_and_told(company: Company):
    kpi = company.ids["I1"]
    day = {ago: from_date(today() - timedelta(days=ago)) for ago in (9, 6, 3)}
    shown = ct.Evidence(links=["https://crm.x.vn/r/1"], files=[ct.EvidenceFile(name=words("a.xlsx"), sha256="0f" * 32)])
    await company.do(c.RecordProgress(kpi_id=kpi, value=number(12), occurred_on=day[9], evidence=shown), "minh")
    await company.do(c.RecordProgress(kpi_id=kpi, value=number(20), occurred_on=day[3]), "minh")
    before = (await page(company)).as_of
    named = {"kpi_id": kpi, "before": number(12), "after": number(15), **WHY}
    answers = await asyncio.gather(
        company.ask(c.CorrectProgress(occurred_on=day[9], moved_to=day[6], **named), "minh"),  # type: ignore[arg-type]
        company.ask(c.CorrectProgress(occurred_on=day[9], **named), "minh"),  # type: ignore[arg-type]
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Exception) for answer in answers) == 1, "one of two at once is told to look again"
    now = await page(company)
    moved = trend(now)[0]
    assert moved in ((6, "15"), (9, "15"))
    assert [(p.value.value, required_date(p.occurred_on)) for p in now.replaced] == [("12", required_date(day[9]))]
    assert trend(await page(company, as_of=AsOf(recorded_at=before.recorded_at))) == [(9, "12"), (3, "20")]

    await company.do(c.RetractProgress(kpi_id=kpi, occurred_on=day[3], before=number(20), **WHY), "minh")  # type: ignore[arg-type]
    now = await page(company)
    assert (trend(now), now.kpi.standing.current.value) == ([moved], "15")
    history = await company.ask(g.GetKpiHistory(kpi_id=kpi), "minh")
    assert isinstance(history, g.KpiHistory)
    said = [(e.what, e.before, e.after, e.correction_reason, e.reason.plain) for e in history.entries[:2]]
    mistyped = ct.CORRECTION_REASON_MISTYPED
    assert said == [
        ("ProgressRetracted", "20 demo", "", mistyped, "gõ ngược"),
        ("ProgressCorrected", "12 demo", "15 demo", mistyped, "gõ ngược"),
    ]
    first = next(e for e in history.entries if e.what == "ProgressRecorded" and e.after == "12 demo")
    files = [file.name.plain for file in first.evidence.files]
    assert (first.evidence.links, files) == (["https://crm.x.vn/r/1"], ["a.xlsx"])
    listed = await company.ask(c.ListProgress(kpi_id=kpi), "phuc")
    assert isinstance(listed, c.Progress)
    assert [(e.value.value, e.corrected, e.HasField("replaces_on")) for e in listed.entries] == [
        ("", False, True),
        ("15", False, True),
        ("20", True, False),
        ("12", True, False),
    ]
    told = await _told(company, "phuc")
    changes = [(one.changes[0].change, one.reason.plain) for one in told]
    assert {(change.before.value, change.after.value, reason) for change, reason in changes} == {
        ("12", "15", "gõ ngược"),
        ("20", "", "gõ ngược"),
    }
    for context in ("goals", "checkins", "notifications"):
        verified = await company.ask(o.Verify(), OPERATOR, context=context)
        assert isinstance(verified, o.Verified)
        assert [view for view in verified.views if view.differences] == []


async def _told(company: Company, who: str) -> list[n.Notice]:
    async with asyncio.timeout(PATIENCE):
        while True:
            listed = await company.ask(n.ListNotices(), who)
            assert isinstance(listed, n.Notices)
            found = [one for one in listed.notices if one.kind == nt.NOTICE_KIND_PROGRESS_CORRECTED]
            if len(found) >= 2:
                return found
            await asyncio.sleep(0.05)


async def test_a_delegate_records_what_they_were_named_for_and_the_access_page_says_so(company: Company):
    kpi, tram = company.ids["I1"], company.ids["tram"]
    record = c.RecordProgress(kpi_id=kpi, value=number(7))
    assert (await company.refused(record, "tram")).reason == "NOT_AN_OWNER"
    await company.do(c.NameDelegate(kpi_id=kpi, person_id=tram), "minh")
    await company.do(record, "tram")
    assert (await page(company, "tram")).may_record
    access = await company.ask(g.GetKpiAccess(kpi_id=kpi), "tram")
    assert isinstance(access, g.KpiAccess)
    assert [(a.person_id, a.relation, a.instead_of_id) for a in access.record] == [
        (company.ids["minh"], "NAMED", ""),
        (tram, "DELEGATE", company.ids["minh"]),
    ]
    mine = await company.ask(g.ListKpis(cycle_id=company.ids["q1"], recorder_id=tram), "tram")
    assert isinstance(mine, g.Kpis)
    assert [one.kpi_id for one in mine.kpis] == [kpi]
    await company.do(c.RevokeDelegate(kpi_id=kpi, person_id=tram), "tram")
    assert (await company.refused(record, "tram")).reason == "NOT_AN_OWNER"
    assert not (await page(company, "tram")).may_record


async def test_a_rate_becomes_one_of_another_kpi_and_what_is_computed_from_it_follows(company: Company):
    ids, cumulative = company.ids, t.MEASURE_KIND_CUMULATIVE

    async def defined(name: str, unit: str, kind: t.MeasureKind.ValueType, **more: object) -> None:
        wanted = company.definition(name, t.LEVEL_INDIVIDUAL, 50, company.under("D1"), owner="minh")
        wanted.kpi.measure.kind, wanted.kpi.measure.unit = kind, unit
        wanted.kpi.MergeFrom(t.KpiDraft(**more))  # type: ignore[arg-type] # fields by name
        await company.do(wanted, name=name)

    async def value(name: str, entered: int) -> None:
        await company.do(c.RecordProgress(kpi_id=ids[name], value=number(entered), confirmed=True), "minh")

    async def mean() -> str:
        shown = await company.ask(g.GetKpi(kpi_id=ids["R"]), "minh")
        assert isinstance(shown, g.KpiPage)
        return shown.kpi.standing.current.value

    for name, entered in (("V1", 10), ("V2", 30), ("V3", 90)):
        await defined(name, "demo", cumulative)
        await value(name, entered)
    for name, volume, entered in (("R1", "V1", 10), ("R2", "V2", 50)):
        of = t.Measure(volume_kpi_id=ids[volume], target=number(50))
        await defined(name, "%", t.MEASURE_KIND_LEVEL, measure=of)
        await value(name, entered)
    both = t.Computation(kind=t.COMPUTATION_KIND_WEIGHTED_RATE, kpi_ids=[ids["R1"], ids["R2"]])
    await defined("R", "%", t.MEASURE_KIND_LEVEL, computation=both)
    assert await mean() == "40"  # (10 × 10 + 50 × 30) / 40

    def of_volume(before: str, after: str) -> g.ChangeKpi:
        said = t.SaidChange(before=t.KpiSaid(volume_kpi_id=before), after=t.KpiSaid(volume_kpi_id=after))
        return g.ChangeKpi(kpi_id=ids["R1"], change=t.TargetChange(kpi_id=ids["R1"], said=said))

    await company.do(of_volume(ids["V1"], ids["V3"]), "phuc")
    assert await mean() == "20"  # (10 × 90 + 50 × 30) / 120
    # What is computed might be computed from it.
    assert (await company.refused(of_volume(ids["V3"], ids["R"]), "phuc")).reason == "VOLUME_COMPUTED"
    history = await company.ask(g.GetKpiHistory(kpi_id=ids["R1"]), "minh")
    assert isinstance(history, g.KpiHistory)
    changed = next(entry.said for entry in history.entries if entry.HasField("said"))
    assert (changed.before.volume_kpi_id, changed.after.volume_kpi_id) == (ids["V1"], ids["V3"])
    verified = await company.ask(o.Verify(), OPERATOR, context="goals")
    assert isinstance(verified, o.Verified)
    assert [view for view in verified.views if view.differences] == []


async def test_a_computed_kpi_is_its_formula_as_of_every_day_and_is_never_entered(company: Company):
    three = from_date(today() - timedelta(days=3))
    for name, owner in (("J1", "minh"), ("J2", "tram")):
        entered = company.definition(name, t.LEVEL_INDIVIDUAL, 80, company.under("D1"), owner=owner)
        entered.effective_on.CopyFrom(three)
        await company.do(entered, name=name)
    summed = company.definition("S", t.LEVEL_DEPARTMENT, 130, company.under("K1"))
    summed.kpi.computation.CopyFrom(
        t.Computation(kind=t.COMPUTATION_KIND_SUM, kpi_ids=[company.ids["J1"], company.ids["J2"]])
    )
    summed.effective_on.CopyFrom(three)
    await company.do(summed, name="S")
    share = company.definition("P", t.LEVEL_DEPARTMENT, 60, company.under("K1"))
    share.kpi.measure.kind, share.kpi.measure.unit = t.MEASURE_KIND_LEVEL, "%"
    share.effective_on.CopyFrom(three)
    of = t.Computation(kind=t.COMPUTATION_KIND_SHARE, kpi_ids=[company.ids["J2"], company.ids["S"]])
    share.kpi.computation.CopyFrom(of)
    await company.do(share, name="P")
    none = await _page(company, "S")
    assert (none.kpi.standing.not_computed.reason, none.kpi.standing.HasField("current")) == (
        g.NotComputed.REASON_NO_VALUE,
        False,
    )
    await company.do(c.RecordProgress(kpi_id=company.ids["J1"], value=number(20), occurred_on=three), "minh")
    await company.do(c.RecordProgress(kpi_id=company.ids["J2"], value=number(30), occurred_on=three), "tram")
    before = (await _page(company, "S")).as_of
    await company.do(c.RecordProgress(kpi_id=company.ids["J1"], value=number(45)), "minh")
    now = await _page(company, "S")
    assert (now.kpi.standing.current.value, now.computed_from.arithmetic, now.may_record) == ("75", "45 + 30", False)
    assert trend(now) == [(3, "50"), (0, "75")]
    assert [part.kpi_name for part in now.computed_from.parts] == ["J1", "J2"]
    assert (await _page(company, "P")).kpi.standing.current.value == "40"
    then = await _page(company, "S", AsOf(effective_on=three))
    known = await _page(company, "S", AsOf(recorded_at=before.recorded_at))
    assert [one.kpi.standing.current.value for one in (then, known)] == ["50", "50"]
    assert (await _page(company, "P", AsOf(effective_on=three))).kpi.standing.current.value == "60"
    own = c.RecordProgress(kpi_id=company.ids["S"], value=number(9))
    assert (await company.refused(own, "phuc")).reason == "KPI_COMPUTED"
    mine = await company.ask(g.ListKpis(cycle_id=company.ids["q1"], recorder_id=company.ids["phuc"]), "phuc")
    assert isinstance(mine, g.Kpis)
    assert [one.name for one in mine.kpis] == ["D1"]
    shown = await company.ask(g.GetMap(cycle_id=company.ids["q1"]), "minh")
    assert isinstance(shown, g.GoalMap)
    assert {k.name: k.standing.current.value for k in shown.kpis} == {
        "K1": "", "D1": "", "I1": "", "J1": "45", "J2": "30", "S": "75", "P": "40",
    }  # fmt: skip
    for context in ("goals", "checkins"):
        verified = await company.ask(o.Verify(), OPERATOR, context=context)
        assert isinstance(verified, o.Verified)
        assert [view for view in verified.views if view.differences] == []


async def _page(company: Company, name: str, as_of: AsOf | None = None) -> g.KpiPage:
    shown = await company.ask(g.GetKpi(kpi_id=company.ids[name], as_of=as_of), "minh")
    assert isinstance(shown, g.KpiPage)
    return shown


async def test_a_goal_has_its_value_recorded_or_computed_as_of_every_day(company: Company):
    async def goal() -> g.StrategicGoal:
        shown = await company.ask(g.GetMap(cycle_id=company.ids["q1"]), "minh")
        assert isinstance(shown, g.GoalMap)
        return next(one for one in shown.goals if one.goal_id == company.ids["now"])

    set_now = g.SetStrategicGoal(name="Năm nay", year=today().year, target=number(200), unit="demo")
    await company.do(set_now, name="now")
    id = company.ids["now"]
    assert (await company.refused(g.RecordGoalValue(goal_id=id, value=number(50)), "minh")).reason == "NOT_ALLOWED"
    await company.do(g.RecordGoalValue(goal_id=id, value=number(50)), "nam")
    found = await goal()
    assert (found.value.value, found.progress.value) == ("50", "0.25")
    summed = t.Computation(kind=t.COMPUTATION_KIND_SUM_OF_CYCLES, kpi_ids=[company.ids["I1"], company.ids["D1"]])
    await company.do(g.ChooseGoalComputation(goal_id=id, computation=summed), "nam")
    refused = await company.refused(g.RecordGoalValue(goal_id=id, value=number(60)), "nam")
    assert refused.reason == "GOAL_COMPUTED"
    await company.do(c.RecordProgress(kpi_id=company.ids["I1"], value=number(30)), "minh")
    found = await goal()
    assert (found.not_computed.reason, found.not_computed.kpi_name) == (g.NotComputed.REASON_NO_VALUE, "D1")
    await company.do(c.RecordProgress(kpi_id=company.ids["D1"], value=number(40)), "phuc")
    found = await goal()
    assert (found.value.value, found.progress.value) == ("70", "0.35")
    verified = await company.ask(o.Verify(), OPERATOR, context="goals")
    assert isinstance(verified, o.Verified)
    assert [view for view in verified.views if view.differences] == []
