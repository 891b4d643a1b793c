"""Whose decision a proposal waits for: here and in goals it is one rule."""

from hypothesis import given
from hypothesis import strategies as st

from eventkit.directory.facts import OrgChart, Place, Unit
from eventkit.errors import Rejected
from nhip.goals.v1 import types_pb2 as g
from services.goals.domain.approval import Touched
from services.goals.domain.approval import deciders as those_of_goals
from services.notifications.domain.deciding import deciders
from services.notifications.domain.hearing import HeardKpi
from tests.unit.decisions import company_x, person

PEOPLE = [f"p{n}" for n in range(7)]
UNITS = ["sales", "cskh"]
A_PERSON = st.sampled_from(PEOPLE)
KPIS = st.lists(
    st.builds(
        HeardKpi,
        id=st.just("K"),
        level=st.sampled_from([g.LEVEL_COMPANY, g.LEVEL_DEPARTMENT, g.LEVEL_INDIVIDUAL]),
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


@given(companies(), KPIS, A_PERSON)
def test_the_rule_is_that_of_goals(org: OrgChart, kpis: list[HeardKpi], proposer: str):
    touched = [Touched(kpi.level, kpi.owners, kpi.unit_id) for kpi in kpis]  # type: ignore[arg-type] # the enum's number
    try:
        there = those_of_goals(touched, proposer, org).people
    except Rejected:
        there = ()
    assert deciders(kpis, proposer, org) == there


def test_of_nothing_nobody_decides():
    assert deciders([], "minh", company_x()) == ()
