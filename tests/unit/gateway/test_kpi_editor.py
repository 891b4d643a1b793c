"""The editor of a KPI: what it sends, what it asks about, and that it works without a script (G-20, G-30, N-05)."""

import httpx
import pytest

from nhip.common.v1 import command_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.features.strategy.library import DEPARTMENTS, LIBRARY, Template, template
from tests.unit.decisions import number

from .conftest import Backend

OWN = {"Sec-Fetch-Site": "same-origin"}
TYPED = {
    "name": "Dùng thử gói Pro",
    "statement": "Nâng tỷ lệ dùng thử gói Pro từ 63 % lên 68 %",
    "cycle": "q1",
    "level": "INDIVIDUAL",
    "kind": "LEVEL",
    "direction": "INCREASE",
    "floor": "60",
    "target": "68",
    "stretch": "72",
    "baseline": "63",
    "measured_in": "%",
    "tool": "CRM",
    "method": "Lọc khách mới",
    "period": "WEEK",
    "segment": "Doanh nghiệp dịch vụ",
    "owner.0": "minh",
    "helper.0": "thao",
    "evaluator": "phuc",
    "weight": "20",
}


@pytest.fixture
def cycle(signed_in: httpx.AsyncClient, backend: Backend) -> None:
    cycle = goals_pb2.Cycle(cycle_id="q1", name="Quý 1")
    cycle.starts_on.year, cycle.starts_on.month, cycle.starts_on.day = 2025, 1, 1
    cycle.ends_on.year, cycle.ends_on.month, cycle.ends_on.day = 2025, 3, 31
    backend.answers("ListCycles", goals_pb2.Cycles(cycles=[cycle]))
    backend.answers("ListStrategicGoals", goals_pb2.StrategicGoals())
    backend.answers("ListCsfs", goals_pb2.Csfs())
    others = [
        goals_pb2.Kpi(kpi_id=name, name=name, weight=weight) for name, weight in (("Demo", 45), ("Giữ khách", 40))
    ]
    backend.answers("ListKpis", goals_pb2.Kpis(kpis=others))
    hint = goals_pb2.KpiHint(kind=goals_pb2.KPI_HINT_KIND_VAGUE, letter="S", text="mạnh mẽ")
    old = goals_pb2.KpiHint(kind=goals_pb2.KPI_HINT_KIND_OLD_TARGET, letter="S", text="Từ 63 % lên 70 %")
    backend.answers("CheckKpi", goals_pb2.KpiHints(characters=44, hints=[hint, old]))


@pytest.mark.usefixtures("cycle")
async def test_what_is_typed_is_sent_whole(signed_in: httpx.AsyncClient, backend: Backend):
    backend.answers("DefineKpi", command_pb2.Accepted(id="k", position="goals=7"))
    done = await signed_in.post("/kpis/new", data=TYPED, headers=OWN)
    assert (done.status_code, done.headers["location"]) == (303, "/kpi/k")
    [sent] = [one for _, one, _ in backend.asked if isinstance(one, goals_pb2.DefineKpi)]
    assert sent.kpi.measuring == types_pb2.Measuring(
        method="Lọc khách mới", tool="CRM", period=types_pb2.PERIOD_WEEK, segment="Doanh nghiệp dịch vụ"
    )
    assert (list(sent.kpi.owner_ids), list(sent.kpi.helper_ids), sent.kpi.evaluator_id) == (["minh"], ["thao"], "phuc")
    assert (sent.kpi.measure.floor, sent.kpi.measure.target) == (number(60), number(68))


@pytest.mark.usefixtures("cycle")
async def test_without_a_script_a_button_asks_and_takes_over(signed_in: httpx.AsyncClient, backend: Backend):
    page = await signed_in.post("/kpis/new/look", data=TYPED, headers=OWN)
    assert "“mạnh mẽ” là bao nhiêu?" in page.text
    assert "105\u00a0%" in page.text
    assert 'value="weight:15"' in page.text
    taken = await signed_in.post("/kpis/new/look", data={**TYPED, "fix": "weight:15"}, headers=OWN)
    assert 'name="weight" inputmode="decimal" autocomplete="off" value="15"' in taken.text
    reworded = await signed_in.post("/kpis/new/look", data={**TYPED, "fix": "statement:Từ 63 % lên 70 %"}, headers=OWN)
    assert ">Từ 63 % lên 70 %</textarea>" in reworded.text
    assert not [one for _, one, _ in backend.asked if isinstance(one, goals_pb2.DefineKpi)]


@pytest.mark.usefixtures("cycle")
async def test_a_scale_in_the_wrong_order_is_said_while_it_is_typed(signed_in: httpx.AsyncClient):
    part = await signed_in.post(
        "/kpis/new/look", data={**TYPED, "floor": "80"}, headers={**OWN, "X-Requested-With": "fetch"}
    )
    assert "Sàn nằm dưới mục tiêu" in part.text
    assert "<html" not in part.text


@pytest.mark.usefixtures("cycle")
async def test_a_template_is_a_start_and_is_asked_about_like_any_other(signed_in: httpx.AsyncClient):
    page = await signed_in.get("/kpis/new?template=sales.0")
    assert 'value="300.000.000"' in page.text
    assert "“mạnh mẽ” là bao nhiêu?" in page.text
    empty = await signed_in.get("/kpis/new")
    assert "“mạnh mẽ” là bao nhiêu?" not in empty.text


@pytest.mark.parametrize("one", [one for some in LIBRARY.values() for one in some], ids=lambda one: one.name[1])
@pytest.mark.parametrize("code", ["vi", "en"])
def test_every_template_fits_into_the_form_in_both_languages(one: Template, code: str):
    values = one.values(code)
    assert 0 < len(values["name"]) <= 60
    assert 0 < len(values["statement"]) <= 120


def test_the_library_is_found_by_department_and_number():
    assert LIBRARY.keys() == DEPARTMENTS.keys()
    assert template("hr.0") is LIBRARY["hr"][0]
    for nothing in ("", "hr", "hr.99", "hr.x", "law.0", "hr.-1"):
        assert template(nothing) is None
