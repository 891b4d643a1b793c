"""Company X's tree as decisions, short to write in tests."""

from datetime import date
from typing import Any

from eventkit.commands.aggregate import Decision
from eventkit.directory.facts import OrgChart
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain import alignment, kpi
from services.goals.domain.alignment import ALIGNMENT
from services.goals.domain.cycle import Cycle
from tests.unit.decisions import Given, company_x, given, number

Q1 = Cycle("q1", "Quý 1/2025", date(2025, 1, 1), date(2025, 3, 31))
START = Q1.starts_on


def measure(target: int, unit: str = "demo", **changes: Any) -> t.Measure:
    kind = t.MEASURE_KIND_LEVEL if unit == "%" else t.MEASURE_KIND_CUMULATIVE
    fields = {"kind": kind, "direction": t.DIRECTION_INCREASE, "unit": unit, "target": number(target), **changes}
    return t.Measure(**fields)  # type: ignore[arg-type] # fields by name


def draft(name: str, level: int, target: int = 80, unit: str = "demo", **changes: Any) -> t.KpiDraft:
    volume = str(changes.pop("volume", ""))
    fields = {"name": name, "level": level, "measure": measure(target, unit, volume_kpi_id=volume), **changes}
    return t.KpiDraft(**fields)  # type: ignore[arg-type] # fields by name


def company(name: str, target: int, unit: str, **changes: Any) -> t.KpiDraft:
    return draft(name, t.LEVEL_COMPANY, target, unit, owner_ids=["nam"], **changes)


def department(name: str, target: int, unit: str, parent: str, unit_id: str = "sales", **changes: Any) -> t.KpiDraft:
    return draft(name, t.LEVEL_DEPARTMENT, target, unit, unit_id=unit_id, parent=t.Parent(kpi_id=parent), **changes)


def individual(name: str, target: int, unit: str, parent: str, *owners: str, **changes: Any) -> t.KpiDraft:
    return draft(name, t.LEVEL_INDIVIDUAL, target, unit, owner_ids=owners, parent=t.Parent(kpi_id=parent), **changes)


def defined(before: Given, drafted: t.KpiDraft, org: OrgChart | None = None) -> Decision:
    """A KPI named X gets the id X."""
    return [
        kpi.define(drafted, org or company_x(), kpi_id=drafted.name, cycle=Q1, effective_on=START),
        *alignment.align(
            before.state(ALIGNMENT, Q1.id),
            cycle=Q1,
            kpi_id=drafted.name,
            level=drafted.level,
            parent=drafted.parent,
            parent_exists=True,
            why="",
            effective_on=START,
        ),
    ]


def tree(*drafts: t.KpiDraft) -> Given:
    state = given()
    for drafted in drafts:
        state = state.and_then(defined(state, drafted))
    return state


def sales_branch() -> Given:
    """K1 with sales' share of it, before any change."""
    return tree(
        company("K1", 70, "đăng ký", parent=t.Parent(csf_id="CSF1")),
        department("D1", 100, "demo", "K1"),
        department("D2", 70, "%", "K1", volume="D1"),
        individual("I1", 80, "demo", "D1", "minh"),
        individual("I2", 30, "demo", "D1", "tram"),
        individual("I3", 60, "%", "D2", "minh", volume="I1"),
        individual("I4", 80, "%", "D2", "tram", volume="I2"),
    )
