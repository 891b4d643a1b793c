"""Who answers for something and who decides about it: one rule, whoever asks."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventkit.directory.facts import OrgChart, Place, Unit
from eventkit.directory.responsibility import Level, Responsibility, answerable, answering, deciders
from nhip.goals.v1 import types_pb2 as goals
from tests.unit.decisions import company_x, person

PEOPLE = [f"p{n}" for n in range(7)]
UNITS = ["sales", "cskh"]
A_PERSON = st.sampled_from(PEOPLE)
KPIS = st.lists(
    st.builds(
        Responsibility,
        id=st.just("K"),
        level=st.sampled_from(list(Level)),
        owners=st.lists(A_PERSON, max_size=3, unique=True).map(tuple),
        unit_id=st.sampled_from(["", *UNITS]),
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def companies(draw: st.DrawFn) -> OrgChart:
    """Anybody under anybody, also in circles; who left; executives; units with and without heads."""
    roles = st.lists(st.sampled_from(["employee", "executive"]), unique=True)
    return OrgChart(
        people={p: person(p, *draw(roles), active=draw(st.booleans())) for p in PEOPLE},
        places={p: Place(manager_id=draw(st.sampled_from(["", *PEOPLE]))) for p in PEOPLE},
        units={unit: Unit(unit, unit, draw(st.sampled_from(["", *PEOPLE]))) for unit in UNITS},
    )


@pytest.mark.parametrize(
    ("owners", "unit_id", "people"),
    [
        (("minh", "tram"), "", ("minh", "tram")),
        (("minh", "minh"), "", ("minh",)),
        (("minh",), "sales", ("minh",)),
        ((), "sales", ("phuc",)),
        ((), "ghosts", ()),
        ((), "", ()),
    ],
)
def test_who_is_named_answers_and_without_anybody_the_head_of_the_unit(
    owners: tuple[str, ...], unit_id: str, people: tuple[str, ...]
):
    assert answerable(owners, unit_id, company_x()) == people


def left(by: str = "", **changed: Place) -> OrgChart:
    """Company X after Minh left, with this successor; Minh reports to Phúc, and Phúc to Nam."""
    org = company_x(inactive=("minh",))
    minh = replace(org.people["minh"], successor_id=by)
    return replace(org, people={**org.people, "minh": minh}, places={**org.places, **changed})


def test_for_a_leaver_their_successor_answers_and_without_one_who_is_above_them():
    assert answerable(("minh",), "", left(by="tram")) == ("tram",)
    assert answerable(("minh",), "", left()) == ("phuc",)
    assert answerable(("minh", "phuc"), "", left()) == ("phuc",)
    assert answerable(("minh",), "", left(minh=Place(manager_id="ghost"))) == ()


def test_a_successor_who_left_has_one_themself_and_a_circle_of_them_ends():
    org = left(by="tram")
    gone = replace(org.people["tram"], active=False, successor_id="thao")
    assert answerable(("minh",), "", replace(org, people={**org.people, "tram": gone})) == ("thao",)
    back = replace(gone, successor_id="minh")
    assert answerable(("minh",), "", replace(org, people={**org.people, "tram": back})) == ()


def test_who_stands_in_is_known_as_such_unless_they_are_named_themselves():
    assert answering(("minh", "tram"), "", left()) == {"phuc": "minh", "tram": ""}
    assert answering(("minh", "phuc"), "", left()) == {"phuc": ""}
    assert answering((), "sales", company_x(inactive=("phuc",))) == {"nam": "phuc"}


def test_a_head_who_left_is_stood_in_for_too():
    org = company_x(inactive=("phuc",))
    assert answerable((), "sales", org) == ("nam",)


def test_a_unit_without_a_head_leaves_nobody_who_answers():
    assert answerable((), "marketing", OrgChart(units={"marketing": Unit("marketing", "Marketing")})) == ()


def test_a_department_that_names_somebody_is_decided_by_the_manager_of_its_head_all_the_same():
    named = Responsibility("D1", Level.DEPARTMENT, ("thao",), "sales")
    assert deciders([named], "minh", company_x()).people == ("nam",)


@given(companies(), KPIS, A_PERSON)
def test_who_decides_is_there_and_did_not_ask_and_of_two_who_may_both_are_executives(
    org: OrgChart, kpis: list[Responsibility], proposer: str
):
    may = deciders(kpis, proposer, org)
    assert proposer not in may.people
    assert all(map(org.is_active, may.people))
    assert len(may.people) <= 1 or all(org.has_role(p, "executive") for p in may.people)
    assert may.people or {p for p in PEOPLE if org.has_role(p, "executive")} <= {proposer}
    assert may.level == min(kpi.level for kpi in kpis)


def test_of_nothing_nobody_can_be_asked():
    with pytest.raises(ValueError):
        deciders([], "minh", company_x())


def test_levels_are_those_of_the_contract():
    assert {f"LEVEL_{level.name}": int(level) for level in Level} == {
        name: number for name, number in goals.Level.items() if number
    }
