"""What a table of links changes: what KPIs serve first, and what they support and hinder besides (G-74)."""

from importing.sheets.grid import Grid
from importing.sheets.links import links
from importing.sheets.mapping import guess
from importing.sheets.plan import Plan
from importing.sheets.rows import rows_of
from importing.sheets.standing import Standing
from importing.sheets.tables import TABLES
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p

CSF = t.Parent(csf_id="c")


def to(kpi_id: str) -> t.Parent:
    return t.Parent(kpi_id=kpi_id)


def planned(*rows: tuple[str, ...]) -> Plan:
    """Each row a KPI, what it is linked to, how, the share, why. The KPI Demo serves the CSF first, supports Revenue to
    40 % and hinders Renewals; Revenue is a KPI of the year, too."""
    demo = g.Kpi(kpi_id="d", cycle_id="q1", name="Demo", parent=CSF, why="As ever")
    demo.further.add(to=to("r"), effect=t.EFFECT_SUPPORTS, why="They buy").share.value = "40"
    demo.further.add(to=to("n"), effect=t.EFFECT_HINDERS)
    own = [demo, *(g.Kpi(kpi_id=id, cycle_id="q1", name=name) for id, name in (("r", "Revenue"), ("n", "Renewals")))]
    there = Standing(cycle=g.Cycle(cycle_id="q1"), kpis={kpi.kpi_id: kpi for kpi in own})
    there.around = {"y": g.Kpi(kpi_id="y", name="Revenue"), "z": g.Kpi(kpi_id="z", name="Profit")}
    there.csfs = {"c": g.Csf(csf_id="c", name="Trust")}
    there.people = {"minh": p.Person(person_id="minh", name=PersonalText(plain="Minh"), active=True)}
    grid = Grid("x", [["KPI", "Serves", "Effect", "Share", "Why"], *([*row, *[None] * (5 - len(row))] for row in rows)])
    return links(rows_of(grid, TABLES["links"], guess(grid, TABLES["links"]).mapping), there)


def change(plan: Plan, *ticked: str) -> t.TargetChange:
    """The one that is asked for: of the differences with these names, or of all."""
    wanted = frozenset(ticked or [one.name for one in plan.differences()])
    [deed] = plan.deeds(wanted)
    request = deed.build(lambda _, ref: ref)
    assert isinstance(request, g.ChangeKpi)
    return request.change


def linked(change: t.TargetChange) -> list[tuple[str, int, str]]:
    return [(one.to.kpi_id or one.to.csf_id, one.effect, one.share.value) for one in change.further.after.links]


def test_links_that_are_there_are_unchanged_whoever_of_them_the_file_names():
    plan = planned(
        ("Demo", "Trust", "", "", "As ever"), ("Demo", "Revenue", "supports", "40%"), ("Demo", "Renewals", "hinders")
    )
    assert plan.faults == []
    assert [(one.row, one.state) for one in plan.entries] == [(2, "unchanged")]
    assert planned(("Demo", "Renewals", "hinders")).differences() == []


def test_a_new_one_comes_beside_those_that_are_there():
    plan = planned(("Demo", "Profit", "supports", "", "Less waste"))
    assert [(d.row, d.field, d.before, d.after) for d in plan.differences()] == [(2, "parent", "", "Profit")]
    made = change(plan)
    assert linked(made) == [("r", t.EFFECT_SUPPORTS, "40"), ("n", t.EFFECT_HINDERS, ""), ("z", t.EFFECT_SUPPORTS, "")]
    assert len(made.further.before.links) == 2
    assert not made.HasField("parent")


def test_each_part_of_a_link_is_ticked_by_itself():
    plan = planned(("Demo", "Revenue", "hinders", "0", "They wait"))
    assert [(d.name, d.before, d.after) for d in plan.differences()] == [
        ("2.effect", "supports", "hinders"), ("2.share", "40", "0"), ("2.why", "They buy", "They wait"),
    ]  # fmt: skip
    assert linked(change(plan, "2.share"))[0] == ("r", t.EFFECT_SUPPORTS, "")
    assert linked(change(plan))[0] == ("r", t.EFFECT_HINDERS, "")
    assert change(plan).further.after.links[0].why == "They wait"


def test_first_and_further_links_change_places_in_one_change():
    made = change(planned(("Demo", "Revenue", "serves"), ("Demo", "Trust", "supports")))
    assert (made.parent.before, made.parent.after) == (CSF, to("r"))
    assert linked(made) == [("n", t.EFFECT_HINDERS, ""), ("c", t.EFFECT_SUPPORTS, "")]


def test_another_reason_for_what_is_served_first_is_a_difference():
    made = change(planned(("Demo", "Trust", "", "", "They told us")))
    assert (made.parent.before, made.parent.after, made.parent.why) == (CSF, CSF, "They told us")
    assert not made.HasField("further")


def test_a_name_means_the_cycles_own_kpi_and_else_one_of_those_around_it():
    assert change(planned(("Renewals", "Revenue"))).parent.after == to("r")
    assert change(planned(("Renewals", "Profit"))).parent.after == to("z")
    assert change(planned(("Revenue", "Revenue"))).parent.after == to("y"), "the quarter's serves the year's"


def test_a_link_that_is_named_twice_or_shares_what_it_serves_first_is_wrong():
    twice = planned(("Demo", "Revenue", "supports"), ("Demo", "Revenue", "hinders"), ("Renewals", "Trust", "", "10"))
    assert [(one.row, one.field, one.reason) for one in twice.faults] == [
        (3, "parent", "TWICE"), (4, "share", "NOTHING_TO_SHARE"),
    ]  # fmt: skip
    first = planned(("Demo", "Trust"), ("Demo", "Revenue"), ("Demo", "Trust", "hinders"))
    assert [(one.row, one.field) for one in first.faults] == [(3, "kpi"), (4, "parent")]
