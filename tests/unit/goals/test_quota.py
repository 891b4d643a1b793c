"""How many KPIs a cycle may have."""

from dataclasses import replace

from eventkit.directory.facts import OrgChart
from eventkit.directory.quotas import Quotas
from eventkit.errors import Rejected
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain import quota
from services.goals.domain.alignment import ALIGNMENT
from services.goals.domain.changing import carry_out
from services.goals.domain.kpi_change import Cause
from tests.unit.decisions import TODAY, company_x, rejected
from tests.unit.goals.kpis import Q1, individual, sales_branch
from tests.unit.goals.test_changing import around, ends

SEVEN = sales_branch()
"""Of them each is in force."""


def allowed(kpis: int) -> OrgChart:
    return replace(company_x(), quotas=Quotas(kpis=kpis))


def over(kpis: int) -> str:
    try:
        quota.refuse_one_more(SEVEN.state(ALIGNMENT, Q1.id), Q1, allowed(kpis), TODAY)
    except Rejected as refusal:
        return refusal.parameters["have"]
    return ""


def test_a_cycle_is_filled_and_not_over_filled():
    assert [over(0), over(8), over(7), over(5)] == ["", "", "8", "8"]


def test_of_another_cycle_nothing_counts():
    other = replace(Q1, id="q2")
    quota.refuse_one_more(SEVEN.state(ALIGNMENT, Q1.id), other, allowed(1), TODAY)


def test_a_proposal_is_judged_by_where_it_ends():
    new = individual("Mới", 5, "demo", "D1", "minh")
    cause = Cause(t.REASON_CLASS_BOTTOM_UP, "p1")
    within = around(SEVEN, allowed(7))
    rejected("KPI_QUOTA", lambda: carry_out([], [new], within, cause, ["new"]))
    carry_out([ends("I2")], [new], within, cause, ["new"])
    carry_out([], [new], around(SEVEN, allowed(8)), cause, ["new"])


def test_where_there_are_too_many_a_proposal_may_make_them_fewer_or_as_many_and_no_more():
    new, another = individual("Mới", 5, "demo", "D1", "minh"), individual("Nữa", 5, "demo", "D1", "minh")
    cause = Cause(t.REASON_CLASS_BOTTOM_UP, "p1")
    within = around(SEVEN, allowed(3))
    carry_out([ends("I2"), ends("I3")], [new], within, cause, ["new"])
    carry_out([ends("I2")], [new], within, cause, ["new"])
    rejected("KPI_QUOTA", lambda: carry_out([ends("I2")], [new, another], within, cause, ["new", "another"]))
