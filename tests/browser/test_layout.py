"""Money, long names and forty KPIs: nothing overlaps, nothing is cut off, no page is wider than its window."""

from collections.abc import Generator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import pytest
from playwright.async_api import expect

from nhip.goals.v1 import types_pb2
from tests.browser import company_x
from tests.browser.company_x import CompanyX
from tests.browser.conftest import Open, serving

HEIGHTS = {390: 844, 820: 1180, 1280: 800, 1920: 1080}
WIDTHS = ((390, 820), (1280, 1920))
"""A page is loaded at the first of each pair, and made as wide as the other: a window is, and a phone is turned."""
PAGES = [
    "/",
    "/map",
    "/map?view=tree",
    "/map?open=kpi-m0,kpi-m0-1",
    "/kpi/m0-1",
    "/kpi/m0-1-2/progress",
    "/kpi/m0-1-2/progress/2025-03-06",
    "/values",
    "/checkin",
    "/checkin?day=2025-03-06",
    "/team",
    "/topics/price",
    "/rhythm",
    "/proposals",
    "/proposals/new?kpi=m0-1-2&open=m0-1-2&additions=1",
    "/praise",
    "/retro/q1-2025",
    "/retro/team/b-sales",
    "/retro/team/b-cskh",
    "/inbox",
    "/meetings/m1",
    "/meetings/new",
    "/actions",
    "/reviews/q1-2025/minh",
    "/people",
    "/people/minh",
    "/chart",
    "/cycles",
    "/cycles/q1-2025",
    "/kpi/m0-1/access",
    "/kpis/new?template=sales.0",
    "/units",
    "/import",
    "/settings?open=at_risk_gap",
]
OF_ADMINISTRATORS = [
    "/people/minh/sign-ins",
    "/settings/integrations",
    "/settings/integrations/new",
    "/settings/integrations/sheet?secret=1",
]
PEOPLE = {
    "minh": ("Nguyễn Hoàng Phương Minh", "Chuyên viên cao cấp phát triển khách hàng doanh nghiệp", "sales", "phuc"),
    "phuc": ("Công Tằng Tôn Nữ Hồng Phúc", "Giám đốc Kinh doanh khu vực miền Nam và Tây Nguyên", "sales", "nam"),
    "nam": ("Trần Lê Quốc Nam", "Tổng giám đốc kiêm Chủ tịch Hội đồng quản trị", "", ""),
}
LONG = "Doanh thu thuần kênh phân phối hiện đại khu vực miền Trung"

FAULTS = (Path(__file__).parent / "layout_faults.js").read_text("utf-8")


class CompanyVnd(CompanyX):
    """Four company KPIs, nine departments', twenty-seven people's, in đồng."""

    def __init__(self) -> None:
        super().__init__()
        pattern = self.goals["i1"]
        money = [(day, value * Decimal(270_123_456), confidence) for day, value, confidence in pattern.values]
        for k in range(4):
            top = replace(
                pattern, id=f"m{k}", name=f"{LONG} {k}", level=types_pb2.LEVEL_COMPANY, parent=("csf_id", "csf1"),
                    owners=("nam",),
                unit_id="", unit="VND", target=Decimal(12_000_000_000), targets=[], values=money, weight=25,
            )  # fmt: skip
            self.goals[top.id] = top
            for d in range(9 if k == 0 else 0):
                unit = replace(
                    top,
                    id=f"m{k}-{d}",
                    level=types_pb2.LEVEL_DEPARTMENT,
                    parent=("kpi_id", top.id),
                    owners=("phuc",),
                    unit_id="sales",
                )
                self.goals[unit.id] = unit
                for p in range(3):
                    own = replace(
                        unit,
                        id=f"m{k}-{d}-{p}",
                        level=types_pb2.LEVEL_INDIVIDUAL,
                        parent=("kpi_id", unit.id),
                        owners=("minh", "thao"),
                    )
                    self.goals[own.id] = replace(own, target=Decimal("1333333333.5"))


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with patch.dict(company_x.PEOPLE, PEOPLE), serving(CompanyVnd(), tmp_path_factory.mktemp("issuer")) as url:
        yield url


@pytest.mark.parametrize("widths", WIDTHS)
async def test_nothing_overlaps_overflows_or_runs_one_letter_a_line(opened: Open, widths: tuple[int, int]):
    found: dict[tuple[str, int], object] = {}
    for person, paths in ((PEOPLE["minh"][0], PAGES), ("Hương", OF_ADMINISTRATORS)):
        page = await opened("", person=person)
        for path in paths:
            await page.set_viewport_size({"width": widths[0], "height": HEIGHTS[widths[0]]})
            await page.goto(path)
            assert await page.evaluate("document.querySelector('h1') !== null"), path
            for width in widths:
                await page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
                await page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
                if faults := await page.evaluate(FAULTS):
                    found[path, width] = faults
    assert found == {}


async def test_forty_kpis_fold_so_that_the_first_screen_shows_the_strategy(opened: Open):
    page = await opened("/map", person=PEOPLE["minh"][0])
    for name in ("Doanh thu tăng 25 % so với 2023", "Tăng khách dùng thử phù hợp", f"{LONG} 0"):
        box = await page.locator(".node .name", has_text=name).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= HEIGHTS[1280], name


async def test_an_amount_is_short_on_cards_and_exact_where_one_looks_closer(opened: Open):
    page = await opened("/kpi/m0", person=PEOPLE["minh"][0])
    await expect(page.get_by_text("12 tỷ").first).to_be_visible()
    await expect(page.get_by_title("12.000.000.000", exact=False).first).to_be_attached()
