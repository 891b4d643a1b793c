"""Who may set a KPI directly: every relation against every level (G-31, X-03)."""

import pytest

from eventkit.context import IMPORTER, Actor
from eventkit.directory.responsibility import Level, Responsibility
from services.goals.domain.authority import check_may_set, right_to_set
from tests.unit.decisions import company_x, rejected

COMPANY = Responsibility("K1", Level.COMPANY, ("nam",), "")
SALES = Responsibility("D1", Level.DEPARTMENT, (), "sales")
SALES_ON_PHUC = Responsibility("D2", Level.DEPARTMENT, ("phuc", "tram"), "sales")
SALES_ON_THAO = Responsibility("D3", Level.DEPARTMENT, ("minh", "thao"), "sales")
CSKH_ON_MINH = Responsibility("D4", Level.DEPARTMENT, ("minh",), "cskh")
NO_UNIT_HEAD = Responsibility("D9", Level.DEPARTMENT, (), "nowhere")
MINH = Responsibility("I1", Level.INDIVIDUAL, ("minh",), "sales")
SHARED = Responsibility("KC", Level.INDIVIDUAL, ("minh", "thao"), "")


@pytest.mark.parametrize(
    ("kpi", "who", "relation"),
    [
        (COMPANY, "nam", "EXECUTIVE"),
        (COMPANY, "phuc", ""),
        (COMPANY, "minh", ""),
        (SALES, "nam", "EXECUTIVE"),
        (SALES, "phuc", "HEAD_OF_UNIT"),
        (SALES, "lan", ""),
        (SALES, "minh", ""),
        (SALES_ON_PHUC, "phuc", "HEAD_OF_UNIT"),
        (SALES_ON_THAO, "phuc", ""),
        (CSKH_ON_MINH, "lan", ""),
        (CSKH_ON_MINH, "phuc", ""),
        (CSKH_ON_MINH, "nam", "EXECUTIVE"),
        (NO_UNIT_HEAD, "phuc", ""),
        (MINH, "nam", "EXECUTIVE"),
        (MINH, "phuc", "MANAGER"),
        (MINH, "lan", ""),
        (MINH, "minh", ""),
        (SHARED, "phuc", ""),
        (SHARED, "nam", "EXECUTIVE"),
    ],
)
def test_a_relation_gives_the_right_to_set_a_kpi(kpi: Responsibility, who: str, relation: str):
    assert right_to_set(kpi, who, company_x()) == relation


def test_all_that_is_touched_must_be_ones_own_to_set():
    phuc = Actor("company-x", "phuc")
    rejected("NOT_YOURS_TO_SET", lambda: check_may_set([MINH, COMPANY], phuc, company_x(), "kpi_id"), field="kpi_id")
    check_may_set([MINH, SALES], Actor("company-x", "phuc"), company_x())


def test_an_import_sets_what_the_file_says():
    check_may_set([COMPANY, SALES, MINH], Actor("company-x", IMPORTER, "service"), company_x())
