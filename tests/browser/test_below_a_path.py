"""The console below a path of a host that also has something else: signed in to, used and spoken to in English."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.browser.company_x import CompanyX
from tests.browser.conftest import Open, Proxy, serving

BASE = "/nhip"


def prefix_proxy(*, takes_off: bool) -> Proxy:
    """What is below the base is the console's, with the base or without; everything else belongs to somebody else."""

    def before(console: ASGIApp) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or f"{scope['path']}/".startswith(f"{BASE}/"):
                path = str(scope.get("path", ""))
                passed = {**scope, "path": path.removeprefix(BASE) or "/"} if takes_off and path else scope
                await console(passed, receive, send)
            else:
                await PlainTextResponse("another application", 404)(scope, receive, send)

        return answer

    return before


@pytest.mark.parametrize("takes_off", [True, False], ids=["taken off", "passed on"])
async def test_somebody_signs_in_records_and_reads_on_and_never_leaves_it(
    opened: Open, tmp_path: Path, takes_off: bool
):
    with serving(CompanyX(), tmp_path, below=BASE, proxy=prefix_proxy(takes_off=takes_off)) as console:
        page = await opened("", person="", base_url=f"{console}/")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto("values")
        await page.get_by_role("button", name=re.compile(r"^\W*(\w\w )?Minh\b")).first.click()
        row = page.locator(".value-row").first
        await row.locator("[data-value]").fill("47.000")
        await expect(row.locator(".said-back")).to_contain_text("47")
        await page.keyboard.press("Tab")  # said back, and asked about, by the script
        await expect(row).to_contain_text("47.000? Có phải 47?")
        await row.get_by_role("button", name="Đúng, 47").click()
        await row.locator("[data-confidence]").fill("6")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator(".good-notice")).to_contain_text("Demo · khách mới")

        await page.get_by_role("link", name="Bản đồ").first.click()
        await page.get_by_role("treeitem", name=re.compile("^Demo sản phẩm, ")).locator(".fold").first.click()
        await expect(page).to_have_url(re.compile(f"{BASE}/map\\?.*closed="))
        there = page.url
        await page.get_by_role("link", name="EN – English").click()
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        assert page.url == there
        cookies = await page.context.cookies()
        assert {cookie.get("path") for cookie in cookies} == {BASE}
        assert [url for url in asked if not url.startswith(f"{console}/") and not url.startswith("blob:")] == []
