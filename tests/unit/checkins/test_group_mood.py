"""A group's mood: of five people or more, and of no fewer by subtraction (1.13) (C-09, X-04)."""

from itertools import combinations

from hypothesis import given as random
from hypothesis import strategies as st

from services.checkins.domain.group_mood import showable

FEWEST = 5
PARENTS = {"company": "", "sales": "company", "north": "sales", "south": "sales", "cskh": "company"}


def test_only_from_five_people():
    assert showable({"company": 4}, {"company": ""}, FEWEST) == set()
    assert showable({"company": 5}, {"company": ""}, FEWEST) == {"company"}


def test_a_company_may_ask_for_more():
    assert showable({"company": 7}, {"company": ""}, 8) == set()


def test_a_part_is_not_shown_if_the_whole_without_it_is_a_few():
    assert showable({"north": 6, "south": 2, "cskh": 5}, PARENTS, FEWEST) == {"company", "sales", "cskh"}
    assert showable({"north": 6, "south": 5, "cskh": 5}, PARENTS, FEWEST) == {
        "company",
        "sales",
        "north",
        "south",
        "cskh",
    }


@random(st.dictionaries(st.sampled_from(sorted(PARENTS)), st.integers(0, 12)))
def test_no_groups_that_are_shown_tell_of_fewer_than_five(members: dict[str, int]):
    """Any group minus any others inside it is nobody, or five people and more."""
    inside = {
        unit: {one for one in PARENTS if unit == one or unit == PARENTS[one] or unit == PARENTS.get(PARENTS[one], "")}
        for unit in PARENTS
    }
    shown = showable(members, PARENTS, FEWEST)
    for whole in shown:
        parts = [unit for unit in shown if unit != whole and inside[unit] < inside[whole]]
        for number in range(len(parts) + 1):
            for some in combinations(parts, number):
                left = inside[whole] - {one for unit in some for one in inside[unit]}
                people = sum(members.get(unit, 0) for unit in left)
                assert people == 0 or people >= FEWEST
