"""What pages make of the services' replies: Company X's map, its sums, its forms."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from google.type import decimal_pb2

from eventkit.errors import Violation
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import kpi_card, segments, shortfall_foot
from services.gateway.console.forms import Form
from services.gateway.console.language import Language
from services.gateway.console.scale import scale
from services.gateway.failures import Failure
from services.gateway.features.kpi.history import entries
from services.gateway.features.map.pages import searched
from services.gateway.features.map.tree import Node, Planting
from services.gateway.features.proposals.drafting import opened, read
from services.gateway.features.proposals.reconciliation import arithmetic
from tests.browser.company_x import CompanyX, _date
from tests.browser.folding import folded

VI, EN = Language("vi"), Language("en")


def goal_map(on: str = "") -> goals_pb2.GoalMap:
    request = goals_pb2.GetMap(cycle_id="q1-2025")
    if on:
        request.as_of.effective_on.CopyFrom(_date(date.fromisoformat(on)))
    reply = CompanyX().GetMap(request, "minh")
    assert isinstance(reply, goals_pb2.GoalMap)
    return reply


def find(nodes: Iterable[Node], id: str) -> Node | None:
    return next((found for node in nodes if (found := node if node.id == id else find(node.children, id))), None)


def planted(reply: goals_pb2.GoalMap, viewer: str = "minh", **more):
    return Planting(reply, VI, Moment(), viewer, **more).forest()


def test_the_map_of_company_x():
    forest = planted(goal_map())
    assert forest.counts == {"goal": 2, "csf": 2, "company": 2, "department": 4, "individual": 11, "unaligned": 1}
    assert [card.name for card in forest.unaligned] == ["Hợp đồng tháng 3"]
    first, second = forest.roots
    assert [csf.name for csf in first.children] == [
        "Tăng khách dùng thử phù hợp",
        "Tư vấn & onboarding khách dùng thử tốt hơn",
    ]
    assert second.children == ()
    assert second.also == tuple(csf.name for csf in first.children)
    assert first.children[0].parents == ("goal-sg2", "goal-sg1")


def test_a_node_says_everything_that_is_seen_of_it():
    k1 = find(planted(goal_map()).roots, "kpi-k1")
    assert k1 is not None
    assert (
        k1.label == "Đăng ký dùng thử, Nam, 45 trên 55, Đúng nhịp, trọng số 45\u00a0%, "
        "cấp dưới cộng không khớp: 54 < 55, 2 cấp con"
    )
    assert k1.mine
    assert not find(planted(goal_map(), "lan").roots, "kpi-k1").mine  # pyright: ignore[reportOptionalMemberAccess]


def test_the_past_shows_what_the_target_is_now():
    i1 = find(planted(goal_map("2025-02-18")).roots, "kpi-i1")
    assert i1 is not None
    assert i1.kpi is not None
    assert (i1.kpi.target, i1.kpi.target_now) == ("80", "50")
    assert find(planted(goal_map("2025-02-18")).roots, "kpi-k-add") is None


def big_map(departments: int, people: int) -> goals_pb2.GoalMap:
    reply = goals_pb2.GoalMap(cycle=goals_pb2.Cycle(cycle_id="q1"), csfs=[goals_pb2.Csf(csf_id="c", name="C")])
    measure = types_pb2.Measure(target=decimal_pb2.Decimal(value="1"))
    reply.kpis.add(kpi_id="k", name="K", level=types_pb2.LEVEL_COMPANY, parent={"csf_id": "c"}, measure=measure)
    for d in range(departments):
        reply.kpis.add(
            kpi_id=f"d{d}", name=f"D{d}", level=types_pb2.LEVEL_DEPARTMENT, parent={"kpi_id": "k"}, measure=measure
        )
        for p in range(people):
            reply.kpis.add(
                kpi_id=f"i{d}-{p}",
                name=f"I{d}.{p}",
                level=types_pb2.LEVEL_INDIVIDUAL,
                parent={"kpi_id": f"d{d}"},
                measure=measure,
            )
    return reply


def count(nodes) -> int:
    return sum(1 + count(node.children) for node in nodes)


@pytest.mark.parametrize(("departments", "people", "sent"), [(4, 5, 26), (4, 10, 6), (10, 10, 2), (40, 10, 2)])
def test_no_page_carries_more_than_it_can_show(departments: int, people: int, sent: int):
    forest = planted(folded(big_map(departments, people), goals_pb2.GetMap()))
    assert count(forest.roots) == sent
    assert (
        sum(forest.counts[level] for level in ("company", "department", "individual"))
        == 1 + departments + departments * people
    )


def test_what_is_folded_is_fetched_and_a_search_opens_only_its_path():
    closed = find(planted(folded(big_map(4, 10), goals_pb2.GetMap())).roots, "kpi-d3")
    assert closed is not None
    assert (closed.opened, closed.branch, closed.count) == (False, "/map/branch/kpi-d3?cycle=q1", 10)
    reply = folded(big_map(4, 10), goals_pb2.GetMap(focus_ids=["i3-7"]))
    found = planted(reply, wanted=lambda text: "I3.7" in text, found=frozenset({"i3-7"}))
    assert (count(found.roots), found.hits) == (16, 1)
    assert find(found.roots, "kpi-i3-7").hit  # pyright: ignore[reportOptionalMemberAccess]


@pytest.mark.parametrize("query", ["csf", "CFS"])
def test_a_search_finds_success_factors_however_they_are_called_goals_and_units(query: str):
    assert planted(goal_map(), wanted=searched(query)).hits == 2
    assert planted(goal_map(), wanted=searched("onboarding")).hits > 0
    assert planted(goal_map(), wanted=searched("khach tra phi")).hits > 0
    assert planted(goal_map(), wanted=searched("cskh")).hits > 0
    assert planted(goal_map(), wanted=searched("không có gì như thế")).hits == 0


def test_a_circle_or_a_missing_parent_does_not_hang_the_map():
    reply = goals_pb2.GoalMap(csfs=[goals_pb2.Csf(csf_id="c", name="C")])
    measure = types_pb2.Measure(target=decimal_pb2.Decimal(value="1"))
    reply.kpis.add(kpi_id="a", name="A", parent={"kpi_id": "b"}, measure=measure)
    reply.kpis.add(kpi_id="b", name="B", parent={"kpi_id": "a"}, measure=measure)
    reply.kpis.add(kpi_id="x", name="X", parent={"kpi_id": "gone"}, measure=measure)
    forest = planted(reply)
    assert [card.name for card in forest.unaligned] == ["A", "B", "X"]


def test_the_strip_of_a_success_factor_adds_up():
    assert [key for key, _, _ in segments({"risk": 1, "ontrack": 2, "stale": 1})] == ["ontrack", "risk", "stale"]
    assert sum(length for _, _, length in segments({"risk": 1, "behind": 1, "ontrack": 1})) == Decimal("99.99")


@pytest.mark.parametrize(
    ("reached", "wanted", "comparison", "gap"),
    [
        ("54", "55", "54 < 55", "1"),
        ("54.96", "55", "54,96 < 55", "0,04"),
        ("67.5", "70", "67,5 < 70", "2,5"),
        ("54.94", "55", "54,9 < 55", "0,1"),
    ],
)
def test_a_gap_is_never_rounded_away(reached: str, wanted: str, comparison: str, gap: str):
    shortfall = goals_pb2.Shortfall(
        reached=decimal_pb2.Decimal(value=reached), wanted=decimal_pb2.Decimal(value=wanted)
    )
    foot = shortfall_foot(shortfall, VI)
    assert (foot.comparison, foot.gap) == (comparison, f"thiếu {gap}")


def test_a_bar_begins_at_the_baseline_and_never_leaves_its_frame():
    kpi = goals_pb2.Kpi(kpi_id="k", measure=types_pb2.Measure(unit="%"))
    kpi.measure.baseline.value, kpi.measure.target.value = "12", "18"
    kpi.standing.progress.value, kpi.standing.expected.value = "1.4", "15"
    card = kpi_card(kpi, EN, Moment())
    assert (card.bar.filled, card.bar.expected, card.target) == (Decimal(100), Decimal(50), "18%")
    assert card.current == "–"


def test_the_scale_runs_the_other_way_for_what_shall_decrease():
    measure = types_pb2.Measure()
    measure.target.value, measure.floor.value = "10", "20"
    drawn = scale(measure, goals_pb2.AIM_CEILING, Decimal(15), VI)
    assert [(band.key, band.range) for band in drawn.bands] == [
        ("unacceptable", "> 20"),
        ("below", "≤ 20"),
        ("meets", "≤ 10"),
    ]
    assert drawn.bands[0].start < drawn.bands[1].start < drawn.bands[2].start
    assert drawn.bands[1].start < (drawn.at or 0) < drawn.bands[2].start


def test_the_sums_of_the_reduction():
    company = CompanyX()
    now = {"k1": Decimal(70), "d1": Decimal(100), "i1": Decimal(80)}
    sums = arithmetic(company.reconciliations({"k1": Decimal(55), "d1": Decimal(80), "i1": Decimal(50)}, now), VI)
    assert [(row.before.comparison, row.after.comparison) for row in sums.rows if row.before and row.after] == [
        ("110 ≥ 100", "80 = 80"),
        ("72 ≥ 70", "54 < 55"),
        ("65,5\u00a0% < 70\u00a0%", "67,5\u00a0% < 70\u00a0%"),
    ]
    assert sums.comparisons == "54 < 55; 67,5\u00a0% < 70\u00a0%"


def test_a_proposal_names_only_what_it_changes():
    typed = {
        "after.k1": "55",
        "before.k1": "70",
        "after.d1": "",
        "before.d1": "100",
        "after.i1": "80",
        "before.i1": "80",
    }
    draft = read(Form(typed), "minh", VI)
    assert [(change.kpi_id, change.before.value, change.after.value) for change in draft.changes] == [
        ("k1", "70", "55")
    ]
    assert not draft.additions
    assert draft.fields["changes[0]"] == "after.k1"


def test_an_added_kpi_is_the_proposers_own_where_nobody_else_is_named():
    typed = {"addition.0.name": "Báo cáo", "addition.0.kind": "MILESTONE", "addition.0.parent": "kpi-d1"}
    typed |= {"addition.2.name": "Gọi lại", "addition.2.target": "40", "addition.2.kind": "CUMULATIVE"}
    typed |= {"owner.0.addition.2": "tram", "addition.2.parent": "new-0", "addition.2.level": "DEPARTMENT"}
    own, other = read(Form(typed), "minh", VI).additions
    assert (list(own.owner_ids), own.measure.target.value, own.parent.kpi_id) == (["minh"], "1", "d1")
    assert (list(other.owner_ids), other.level, other.parent.kpi_id) == (["tram"], types_pb2.LEVEL_DEPARTMENT, own.key)


def minhs() -> goals_pb2.Kpi:
    return goals_pb2.Kpi(
        kpi_id="i1",
        name="Demo",
        weight=40,
        owner_ids=["minh"],
        parent=types_pb2.Parent(kpi_id="d1"),
        why="cùng khách",
        measure=types_pb2.Measure(unit="demo"),
    )


def test_what_was_opened_and_left_as_it_was_is_no_change():
    draft = read(Form({"after.i1": "", "before.i1": "80", **opened(minhs(), VI)}), "minh", VI)
    assert (draft.empty, draft.wrong) == (True, [])


def test_what_is_typed_for_a_kpi_is_proposed_with_what_it_replaces():
    typed = {"name.i1": "Demo kỹ", "weight.i1": "33,5", "owner.1.i1": "tram", "parent.i1": "new-0", "helper.0.i1": ""}
    form = Form({"after.i1": "", "before.i1": "80", **opened(minhs(), VI), **typed})
    [change] = read(form, "minh", VI).changes
    before, after = change.said.before, change.said.after
    assert (before.name, after.name, before.weight.value, after.weight.value) == ("Demo", "Demo kỹ", "40", "33.5")
    assert (list(before.owners.ids), list(after.owners.ids)) == (["minh"], ["minh", "tram"])
    assert [part.name for part, _ in after.ListFields()] == ["name", "weight", "owners"]
    assert (change.parent.before.kpi_id, change.parent.after.kpi_id) == ("d1", "new-0")
    assert not change.HasField("after")
    ending = read(Form({**form.values, "ends.i1": "1"}), "minh", VI).changes
    assert list(ending) == [types_pb2.TargetChange(kpi_id="i1", ends=True)]


def test_what_is_typed_wrong_is_said_at_its_field():
    draft = read(
        Form({"after.k1": "many", "before.k1": "70", "addition.0.name": "X", "addition.0.kind": "LEVEL"}), "minh", VI
    )
    assert draft.wrong == [Violation("after.k1", "NOT_A_NUMBER"), Violation("addition.0.target", "MISSING")]


def test_a_wrong_number_is_told_with_a_right_one():
    wrong: list[Violation] = []
    form = Form({"value": "12.34,5", "long": "9" * 19})
    assert (form.number("value", wrong, VI), form.number("long", wrong, VI)) == (None, None)
    assert form.wrong(wrong, VI).errors == {
        "value": "Đây không phải là số. Viết đúng là 1.234,5 hoặc 66,2.",
        "long": "Một số có tối đa 18 chữ số trước dấu thập phân và 6 chữ số sau dấu thập phân.",
    }


def test_a_refused_form_keeps_what_was_typed_and_says_it_at_the_field():
    form = Form({"value": "5", "occurred_on": "2024-01-01"})
    failure = Failure("INVALID_ARGUMENT", "OUTSIDE_CYCLE", "…", (Violation("occurred_on", "OUTSIDE_CYCLE"),))
    again = form.refused(failure, VI, {"occurred_on": "occurred_on"})
    assert (again["value"], again.errors) == ("5", {"occurred_on": "Ngày đó không nằm trong chu kỳ."})
    assert again.key != form.key


def test_a_form_that_may_have_been_carried_out_keeps_its_key():
    form = Form({"value": "5"})
    assert form.refused(Failure("UNAVAILABLE", "SERVICE_AWAY", "…"), VI, {}).key == form.key


def test_history_of_the_past_ends_where_the_past_did():
    history = CompanyX().GetKpiHistory(goals_pb2.GetKpiHistory(kpi_id="i1"), "minh")
    assert isinstance(history, goals_pb2.KpiHistory)
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    whole = entries(history, "i1", VI, zone)
    assert [entry.headline for entry in whole][:2] == ["Cập nhật tiến độ", "Đổi mục tiêu"]
    assert (whole[1].before, whole[1].after, whole[1].reason_class) == (
        "80\u00a0demo",
        "50\u00a0demo",
        "Đề xuất từ dưới lên",
    )
    assert whole[1].just_before.startswith("/map?known=2025-03-12T09%3A04%3A59.999999Z")
    by_effect = entries(history, "i1", VI, zone, date(2025, 3, 11))
    by_record = entries(history, "i1", VI, zone, date(2025, 3, 12), datetime(2025, 3, 12, 9, 4, tzinfo=UTC))
    assert "Đổi mục tiêu" not in [entry.headline for entry in (*by_effect, *by_record)]


def test_erased_words_are_said_to_be():
    history = CompanyX().GetKpiHistory(goals_pb2.GetKpiHistory(kpi_id="i3"), "minh")
    assert isinstance(history, goals_pb2.KpiHistory)
    gone = [entry for entry in entries(history, "i3", VI, ZoneInfo("UTC")) if entry.reason_erased]
    assert [entry.reason for entry in gone] == ["(đã xoá)"]
