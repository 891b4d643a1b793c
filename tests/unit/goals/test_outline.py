"""A map is unfolded as far as a page can show, whatever the size of the company (G-62)."""

from decimal import Decimal

import pytest

from nhip.goals.v1 import types_pb2 as t
from services.goals.queries.outline import MOST, Outline, Stub

UNITS, PER_UNIT = 200, 100


def stub(id: str, level: int, parent: str, number: int, kind: str = "kpi") -> Stub:
    return Stub(
        id,
        id.upper(),
        level,
        t.MEASURE_KIND_CUMULATIVE,
        t.DIRECTION_INCREASE,
        "demo",
        Decimal(1),
        "",
        kind,
        parent,
        number,
    )


@pytest.fixture(scope="module")
def company() -> Outline:
    """Two goals, four company KPIs, fifty departments' under each, a hundred people's under each of those: 20,204
    KPIs."""
    stubs: list[Stub] = []
    for k in range(4):
        stubs.append(stub(f"k{k}", t.LEVEL_COMPANY, f"g{k % 2}", k, "goal"))
        for d in range(UNITS // 4):
            stubs.append(stub(f"d{k}-{d}", t.LEVEL_DEPARTMENT, f"k{k}", d))
            stubs += [stub(f"i{k}-{d}-{p}", t.LEVEL_INDIVIDUAL, f"d{k}-{d}", p) for p in range(PER_UNIT)]
    return Outline({s.id: s for s in sorted(stubs, key=lambda s: s.place)})


def test_a_large_map_opens_with_what_serves_the_strategy(company: Outline):
    assert company.unfolded(["g0", "g1"], [], []) == ["k0", "k2", "k1", "k3"]
    assert [company.below(id) for id in ("g0", "k1", "d3-7")] == [10_102, 5_050, 100]
    assert len(company.children["d3-7"]) == PER_UNIT


def test_what_a_reader_opened_is_added_and_nothing_beyond(company: Outline):
    shown = company.unfolded(["g0", "g1"], ["k1"], [])
    assert len(shown) == 4 + 50
    assert not any(id.startswith("i") for id in shown)


def test_who_is_looked_for_is_seen_with_the_whole_way_up(company: Outline):
    shown = company.unfolded(["g0", "g1"], [], ["i2-31-99"])
    assert {"k2", "d2-31", "i2-31-99"} <= set(shown)
    assert company.above("i2-31-99") == ["d2-31", "k2", "g0"]


def test_whatever_is_opened_a_page_carries_no_more_than_it_can_show(company: Outline):
    everything = list(company.stubs)
    assert len(company.unfolded(["g0", "g1"], everything, everything)) <= MOST


def test_a_small_map_opens_whole_and_a_middle_one_as_far_as_a_screen_has_room():
    small = Outline({"k": stub("k", 1, "g", 0, "goal"), "i": stub("i", 3, "k", 1)})
    assert small.unfolded(["g"], [], []) == ["k", "i"]
    people = {f"i{n}": stub(f"i{n}", 3, "d", n) for n in range(100)}
    middle = Outline({"k": stub("k", 1, "g", 0, "goal"), "d": stub("d", 2, "k", 0), **people})
    assert middle.unfolded(["g"], [], []) == ["k", "d"]


def test_what_serves_nothing_is_told_apart_with_all_that_serves_only_it():
    loose = Outline(
        {
            "k": stub("k", 1, "g", 0, "goal"),
            "x": stub("x", 3, "", 1, ""),
            "y": stub("y", 3, "x", 2),
            "z": stub("z", 3, "gone", 3),
        }
    )
    assert loose.loose == ["x", "y", "z"]
    assert loose.unfolded(["g"], [], []) == ["k"]


def test_a_circle_in_what_is_stored_hangs_nothing():
    circle = Outline({"a": stub("a", 3, "b", 0), "b": stub("b", 3, "a", 1)})
    assert circle.loose == ["a", "b"]
    assert circle.unfolded(["g"], ["a", "b"], ["a"]) == []
