"""Which KPIs are those of people of another department (G-64)."""

from dataclasses import replace

import pytest

from eventkit.directory.facts import Unit
from eventkit.directory.responsibility import Responsibility
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.collaboration import collaborates
from tests.unit.decisions import company_x


@pytest.mark.parametrize(
    ("owners", "level", "unit", "expected"),
    [
        (["minh"], t.LEVEL_DEPARTMENT, "sales", False),
        (["thao"], t.LEVEL_DEPARTMENT, "sales", True),
        (["minh", "thao"], t.LEVEL_DEPARTMENT, "sales", False),
        (["thao"], t.LEVEL_COMPANY, "sales", False),
        (["nam"], t.LEVEL_DEPARTMENT, "sales", False),
    ],
)
def test_who_of_another_department_helps(owners: list[str], level: int, unit: str, expected: bool):
    own = Responsibility("I", t.LEVEL_INDIVIDUAL, tuple(owners), "")
    assert collaborates(own, Responsibility("D", level, (), unit), company_x()) is expected


def test_a_part_of_a_department_is_none_other():
    org = company_x()
    parts = {"web": Unit("web", "Web", "", "sales"), "all": Unit("all", "Khối")}
    org = replace(org, units={**org.units, **parts})
    web, sales, cskh = (Responsibility("", t.LEVEL_DEPARTMENT, (), unit) for unit in ("web", "sales", "cskh"))
    assert not collaborates(web, sales, org)
    assert collaborates(web, cskh, org)
