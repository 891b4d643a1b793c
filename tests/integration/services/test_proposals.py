"""A proposal that changes everything of several KPIs, over the real services."""

import pytest

from nhip.common.v1 import operations_pb2 as o
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from tests.integration.services.company import OPERATOR, Company, System, number, words


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


async def kpi(company: Company, name: str, **asked: object) -> g.KpiPage:
    page = await company.ask(g.GetKpi(kpi_id=company.ids[name], **asked), "minh")  # type: ignore[arg-type] # fields by name
    assert isinstance(page, g.KpiPage)
    return page


async def test_a_proposal_carries_people_words_links_ends_and_additions_and_every_day_is_kept(
    system: System, company: Company
):
    await company.define("I2", t.LEVEL_INDIVIDUAL, 30, company.under("D1"), owner="tram")
    before = await kpi(company, "I1")
    minh, tram, new = company.ids["minh"], company.ids["tram"], "new"
    command = company.proposal()
    command.changes.add(
        kpi_id=company.ids["I1"],
        said=t.SaidChange(
            before=t.KpiSaid(name="I1", weight=number(0), owners=t.PersonIds(ids=[minh]), helpers=t.PersonIds()),
            after=t.KpiSaid(
                name="Demo kỹ", weight=number(40), owners=t.PersonIds(ids=[tram]), helpers=t.PersonIds(ids=[minh])
            ),
        ),
        parent=t.ParentChange(before=company.under("D1"), after=t.Parent(kpi_id=new), why="cùng một nhóm khách"),
    )
    command.changes.add(kpi_id=company.ids["I2"], ends=True)
    draft = company.definition("D2", t.LEVEL_DEPARTMENT, 60, company.under("K1")).kpi
    draft.key = new
    command.additions.append(draft)
    preview = await company.ask(
        g.PreviewProposal(cycle_id=command.cycle_id, changes=command.changes, additions=command.additions), "minh"
    )
    assert isinstance(preview, g.ProposalPreview)
    sums = {r.kpi_name: (r.before.arithmetic, r.after.arithmetic) for r in preview.reconciliations}
    assert sums == {"K1": ("100", "100 + 60"), "D1": ("80 + 30", ""), "D2": ("", "80")}
    proposal = await company.do(command, "minh")
    shown = await company.ask(g.GetProposal(proposal_id=proposal), "quang")
    assert isinstance(shown, g.Proposal)
    assert [(c.serves_before, c.serves_after, c.ends) for c in shown.changes] == [("D1", "D2", False), ("", "", True)]
    assert [(a.kpi.name, a.serves) for a in shown.additions] == [("D2", "K1")]
    told = {one.person.name.plain: (one.own, one.above, one.below) for one in shown.told}
    assert told == {"Tên-minh": (1, 0, 0), "Tên-tram": (2, 0, 0), "Tên-phuc": (1, 2, 0)}  # Nam decides
    await company.do(g.ApproveProposal(proposal_id=proposal, comment=words("được")), "nam")
    now = await kpi(company, "I1")
    assert (now.kpi.name, now.kpi.weight, [owner.person_id for owner in now.kpi.owners]) == ("Demo kỹ", 40, [tram])
    assert [helper.person_id for helper in now.kpi.helpers] == [minh]
    assert [step.kpi.name for step in now.path if step.HasField("kpi")] == ["K1", "D2"]
    then = await kpi(company, "I1", as_of=before.as_of)
    assert (then.kpi.name, then.kpi.weight, [owner.person_id for owner in then.kpi.owners]) == ("I1", 0, [minh])
    assert [step.kpi.name for step in then.path if step.HasField("kpi")] == ["K1", "D1"]
    history = await company.ask(g.GetKpiHistory(kpi_id=company.ids["I1"]), "minh")
    assert isinstance(history, g.KpiHistory)
    assert [(e.what, e.before, e.after, e.reason.plain) for e in history.entries if e.proposal_id] == [
        ("KpiAligned", "D1", "D2", "Làm kỹ hơn"),
        ("KpiChanged", "", "", "Làm kỹ hơn"),
    ]
    assert (history.entries[1].said.before.name, history.entries[1].said.after.name) == ("I1", "Demo kỹ")
    for service in ("goals", "checkins", "notifications"):
        verified = await company.ask(o.Verify(), OPERATOR, context=service)
        assert isinstance(verified, o.Verified)
        assert [view for view in verified.views if view.differences] == []
