"""What a machine can find of what keeps people out: axe over every page, at both widths, light and dark."""

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.async_api import Page

import services.gateway as gateway
from tests.browser.company_x import CompanyX
from tests.browser.conftest import Open, serving
from tests.conftest import missing

AXE = Path(gateway.__file__).parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The name of a tree item says more than what is seen of it, in the order of a sentence.
RULES = {"label-content-name-mismatch": {"enabled": False}}
PAGES = {
    "Minh": [
        "/",
        "/map",
        "/gaps/weights",
        "/more",
        "/map?view=tree",
        "/map?mine=1",
        "/map?on=2025-02-18",
        "/kpi/i1",
        "/kpi/i1?on=2025-02-18",
        "/kpi/i1/progress",
        "/kpi/i1/progress/2025-03-06",
        "/values",
        "/checkin",
        "/checkin?day=2025-03-06",
        "/checkin/trend",
        "/topics",
        "/topics/new",
        "/topics/price",
        "/proposals",
        "/proposals/new",
        "/proposals/new?kpi=i1",
        "/proposals/new?kpi=i1&open=i1&additions=1",
        "/nothing",
        "/retro/q1-2025",
        "/retro/team/b-sales",
        "/retro/team/b-cskh",
        "/praise?to=person:thao&for=kpi:k-co",
        "/shop",
        "/shop/gifts/coffee",
        "/inbox",
        "/meetings",
        "/meetings/new?with=phuc",
        "/meetings/m1",
        "/actions",
        "/reviews",
        "/reviews/q1-2025/minh",
        "/profile",
        "/profile/erasure",
    ],
    "Quang": ["/shop/counter"],
    "Phúc": ["/team", "/team?by=name", "/checkin/minh/2025-03-06", "/topics/price"],
    "Hương": [
        "/erasures",
        "/erasures/tien",
        "/people",
        "/people/new",
        "/people/minh",
        "/people/minh?on=2025-03-01",
        "/people/phuc/leaving?successor=minh",
        "/people/planned",
        "/positions",
        "/positions/seller",
        "/chart",
        "/kpi/i1/access",
        "/units",
        "/import",
        "/units/sales",
        "/settings?open=at_risk_gap",
        "/settings?changed=1",
        "/settings/changes",
        "/settings/integrations",
        "/settings/integrations/new",
        "/settings/integrations/sheet?secret=1",
        "/company",
    ],
    "Nam": [
        "/strategy",
        "/rhythm",
        "/goals/sg1",
        "/first-steps",
        "/cycles",
        "/cycles/q1-2025",
        "/cycles/q2-2025",
        "/cycles/new",
        "/goals/new",
        "/csfs/new",
        "/kpis/new?template=hr.3",
    ],
    "Khánh": ["/audit?kind=kpi", "/audit/subjects/kpi/i1", "/api", "/sign-in"],
}


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with serving(CompanyX(), tmp_path_factory.mktemp("issuer")) as url:
        yield url


@pytest.mark.parametrize(("phone", "colors"), [(False, "light"), (True, "dark")], ids=["wide", "phone"])
async def test_axe_finds_nothing(opened: Open, phone: bool, colors: str):
    """Every page at both widths and in both colours; no element has its own colours at one width. That a page has a
    heading is one of the rules."""
    if not AXE.exists():
        missing("axe-core is not installed: make assets")
    found: list[str] = []
    for person, paths in PAGES.items():
        page = await opened("", person=person, phone=phone, bypass_csp=True, color_scheme=colors)
        await page.context.add_init_script(path=AXE)
        for path in paths:
            await page.goto(path)
            found += [f"{path}: {violation}" for violation in await violations(page)]
    assert found == []


async def violations(page: Page) -> list[str]:
    # All is on the page itself: there are no frames, and no style sheets of elsewhere to fetch.
    options = {"runOnly": TAGS, "rules": RULES, "resultTypes": ["violations"], "preload": False, "iframes": False}
    result = await page.evaluate("options => axe.run(document, options)", options)
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in result["violations"]]
