"""A proposal that changes everything of several KPIs, over the real services."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from eventkit.context import Actor, Context
from eventkit.process.service import Due
from nhip.common.v1 import operations_pb2 as o
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from services.goals.queries.proposals import over
from services.goals.reactors.expiring_proposals import expiring_proposals
from tests.integration.services.company import MANY, OPERATOR, Company, System, number, words


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
    await company.do(g.AcceptInvitation(proposal_id=proposal), "tram")
    now = await kpi(company, "I1")
    assert (now.kpi.name, now.kpi.weight, [owner.person_id for owner in now.kpi.owners]) == ("Demo kỹ", 40, [tram])
    assert [helper.person_id for helper in now.kpi.helpers] == [minh]
    assert [step.kpi.name for step in now.path if step.HasField("kpi")] == ["K1", "D2"]
    then = await kpi(company, "I1", as_of=before.as_of)
    assert (then.kpi.name, then.kpi.weight, [owner.person_id for owner in then.kpi.owners]) == ("I1", 0, [minh])
    assert [step.kpi.name for step in then.path if step.HasField("kpi")] == ["K1", "D1"]
    history = await company.ask(g.GetKpiHistory(kpi_id=company.ids["I1"]), "minh")
    assert isinstance(history, g.KpiHistory)
    explained = [entry for entry in history.entries if entry.proposal_id]
    assert sorted((e.what, e.before, e.after, e.reason.plain) for e in explained) == [
        ("KpiAligned", "D1", "D2", "Làm kỹ hơn"),
        ("KpiChanged", "", "", "Làm kỹ hơn"),
    ]
    [said] = [entry.said for entry in explained if entry.HasField("said")]
    assert (said.before.name, said.after.name) == ("I1", "Demo kỹ")
    for service in ("goals", "checkins", "notifications"):
        verified = await company.ask(o.Verify(), OPERATOR, context=service)
        assert isinstance(verified, o.Verified)
        assert [view for view in verified.views if view.differences] == []


async def test_it_waits_for_the_invited_is_spoken_about_overtaken_put_anew_and_expires(
    system: System, company: Company
):
    minh, tram = company.ids["minh"], company.ids["tram"]
    together = company.proposal(I1=(80, 60))
    together.changes[0].said.before.owners.ids.append(minh)
    together.changes[0].said.after.owners.ids.extend((minh, tram))
    proposal = await company.do(together, "minh")
    await company.do(g.CommentProposal(proposal_id=proposal, words=words("Vì sao hai người?"), asks=True), "phuc")
    await company.do(g.CommentProposal(proposal_id=proposal, words=words("Một người một nhóm khách.")), "minh")
    await company.do(g.ApproveProposal(proposal_id=proposal, comment=words("được")), "phuc")
    waiting = await company.ask(g.GetProposal(proposal_id=proposal), "tram")
    assert isinstance(waiting, g.Proposal)
    assert (waiting.given_by.name.plain, waiting.may_answer, waiting.may_decide) == ("Tên-phuc", True, False)
    assert [(one.person.person_id, one.kpi_name, one.accepted) for one in waiting.invited] == [(tram, "I1", False)]
    mine = await company.ask(g.ListProposals(mine_to_decide=True), "tram")
    assert isinstance(mine, g.Proposals)
    assert [one.proposal_id for one in mine.proposals] == [proposal]

    first = await company.do(company.proposal(I1=(80, 70)), "minh")
    await company.do(g.ApproveProposal(proposal_id=first, comment=words("nhanh")), "phuc")
    assert (await company.refused(g.AcceptInvitation(proposal_id=proposal), "tram")).reason == "PROPOSAL_STALE"
    stale = await company.ask(g.GetProposal(proposal_id=proposal), "minh")
    assert isinstance(stale, g.Proposal)
    assert [(one.before.value, one.after.value) for one in stale.rebased] == [("70", "60")]
    assert [one.decided_by.name.plain for one in stale.overtaken_by] == ["Tên-phuc"]
    await company.do(g.RebaseProposal(proposal_id=proposal), "minh")
    await company.do(g.AcceptInvitation(proposal_id=proposal), "tram")
    await company.do(g.ApproveProposal(proposal_id=proposal, comment=words("được")), "phuc")
    now = await kpi(company, "I1")
    assert (now.kpi.measure.target.value, sorted(now.kpi.owner_ids)) == ("60", sorted((minh, tram)))
    said = await company.ask(g.ListProposalComments(proposal_id=proposal), "nam")
    assert isinstance(said, g.ProposalComments)
    assert [(one.by.name.plain, one.asks) for one in said.comments] == [("Tên-minh", False), ("Tên-phuc", True)]

    late = await company.do(company.proposal(I1=(60, 50)), "minh")
    await company.ask(g.GetProposal(proposal_id=late), "minh")  # the view has it
    found = await over(system.all_resources["goals"].pool, datetime.now(UTC) + timedelta(days=14, minutes=1), MANY)
    assert late in {due.thing for due in found}
    assert late not in {due.thing for due in await over(system.all_resources["goals"].pool, datetime.now(UTC), MANY)}
    timer = expiring_proposals(system.all_resources["goals"])
    clock = Context(Actor(company.tenant, "clock", "system"), datetime.now(UTC), uuid4())
    await timer.act(Due(company.tenant, late, clock.at), clock)
    assert (await company.refused(g.WithdrawProposal(proposal_id=late), "minh")).reason == "PROPOSAL_DECIDED"
    for service in ("goals", "notifications"):
        verified = await company.ask(o.Verify(), OPERATOR, context=service)
        assert isinstance(verified, o.Verified)
        assert [view for view in verified.views if view.differences] == []


async def test_words_are_put_right_directly_and_all_else_by_who_may_set_it_while_the_cycle_is_planned(company: Company):
    right = g.CorrectKpiWords(
        kpi_id=company.ids["I1"], before=g.KpiWords(name="I1"), after=g.KpiWords(name="Demo khách mới I1")
    )
    assert (await company.refused(right, "minh")).reason == "NOT_THE_APPROVER"
    await company.do(right, "phuc")
    assert (await kpi(company, "I1")).kpi.name == "Demo khách mới I1"
    change = g.ChangeKpi(kpi_id=company.ids["I1"], change=company.proposal(I1=(80, 70)).changes[0])
    assert (await company.refused(change, "tram")).reason == "NOT_YOURS_TO_SET"
    await company.do(change, "phuc")
    assert (await kpi(company, "I1")).kpi.measure.target.value == "70"


async def test_what_is_shared_or_hinders_comes_by_a_proposal_counts_once_and_every_day_is_kept(
    system: System, company: Company
):
    """G-74: demos that count for two, and a conflict that is written down."""
    await company.define("D2", t.LEVEL_DEPARTMENT, 30, company.under("K1"))
    before = await kpi(company, "I1")
    id, d2 = company.ids["I1"], company.under("D2")
    links = [
        t.FurtherLink(to=d2, effect=t.EFFECT_SUPPORTS, share=number(25), why="cùng một nhóm khách"),
        t.FurtherLink(to=company.under("K1"), effect=t.EFFECT_HINDERS, why="giờ demo lấy của giờ bán"),
    ]
    command = company.proposal()
    command.changes.add(
        kpi_id=id, further=t.FurtherLinksChange(before=t.FurtherLinks(), after=t.FurtherLinks(links=links))
    )
    preview = await company.ask(g.PreviewProposal(cycle_id=command.cycle_id, changes=command.changes), "minh")
    assert isinstance(preview, g.ProposalPreview)
    sums = {r.kpi_name: (r.before.arithmetic, r.after.arithmetic) for r in preview.reconciliations}
    assert sums == {"K1": ("100 + 30", "100 + 30"), "D1": ("80", "75 % × 80"), "D2": ("", "25 % × 80")}
    proposal = await company.do(command, "minh")
    shown = await company.ask(g.GetProposal(proposal_id=proposal), "phuc")
    assert isinstance(shown, g.Proposal)
    [change] = shown.changes
    assert [(one.name, one.effect) for one in change.further_after] == [
        ("D2", t.EFFECT_SUPPORTS),
        ("K1", t.EFFECT_HINDERS),
    ]
    await company.do(g.ApproveProposal(proposal_id=proposal, comment=words("được")), "phuc")
    now = await kpi(company, "I1")
    assert [(one.name, one.effect, one.share.value) for one in now.further] == [
        ("D2", t.EFFECT_SUPPORTS, "25"),
        ("K1", t.EFFECT_HINDERS, ""),
    ]
    supported = await kpi(company, "D2")
    assert [(one.name, one.other.kpi_id, one.why) for one in supported.further_from] == [
        ("I1", id, "cùng một nhóm khách")
    ]
    assert [s.arithmetic for s in supported.shortfalls if s.kpi_id == company.ids["D2"]] == ["25 % × 80"]
    then = await kpi(company, "I1", as_of=before.as_of)
    assert not then.further
    history = await company.ask(g.GetKpiHistory(kpi_id=id), "minh")
    assert isinstance(history, g.KpiHistory)
    [linked] = [entry for entry in history.entries if entry.what == "KpiLinked"]
    assert [one.name for one in linked.further_after] == ["D2", "K1"]
    assert (linked.proposal_id, list(linked.further_before)) == (proposal, [])
    both = await company.ask(g.CompareMaps(cycle_id=command.cycle_id, before=before.as_of), "minh")
    assert isinstance(both, g.MapComparison)
    assert (both.added, both.gone, both.changed, both.same) == (0, 0, 1, 3)
    [compared] = both.kpis
    assert [(one.name, one.share.value) for one in compared.further_after] == [("D2", "25"), ("K1", "")]
    assert (compared.before.name, list(compared.further_before)) == ("I1", [])
    shown_map = await company.ask(g.GetMap(cycle_id=command.cycle_id), "minh")
    assert isinstance(shown_map, g.GoalMap)
    [counted] = shown_map.changes
    assert (counted.added, counted.lowered, counted.linked, counted.ended) == (4, 0, 1, 0)
    stale = company.proposal()
    stale.changes.add(kpi_id=id, further=t.FurtherLinksChange(before=t.FurtherLinks(), after=t.FurtherLinks()))
    stale.changes[0].further.after.links.add(to=d2, effect=t.EFFECT_HINDERS)
    refused = await company.refused(stale, "minh")
    assert (refused.reason, refused.violations[0].field) == ("PROPOSAL_STALE", "changes[0].further.before")
    end = company.proposal()
    end.changes.add(kpi_id=company.ids["D2"], ends=True)
    assert (await company.refused(end, "phuc")).reason == "KPI_HAS_CHILDREN"
