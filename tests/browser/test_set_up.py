"""A company sets itself up: from an empty Nhip, with nothing but the console."""

import re
from collections.abc import AsyncGenerator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import fits
from tests.e2e.running import Up

pytestmark = pytest.mark.timeout(300)  # it starts engines


@pytest.fixture(scope="module")
async def empty(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[str]:
    """The address of a console over every service and real engines, with nobody in it."""
    up = Up(tmp_path_factory.mktemp("up"))
    await up.start()
    yield up.system().gateway
    await up.stop()


async def said(page: Page, text: str) -> None:
    await expect(page.locator(".said")).to_contain_text(text)


async def test_from_an_empty_nhip_to_the_first_kpi(chromium: Browser, empty: str):
    page = await (await chromium.new_context(viewport={"width": 1280, "height": 800}, base_url=empty)).new_page()
    await page.goto("/")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thiết lập công ty của bạn")
    await page.get_by_role("button", name="Bắt đầu thiết lập").click()
    await expect(page.locator("#error-company")).to_be_visible()
    await page.get_by_label("Tên công ty").fill("Công ty phần mềm X")
    await page.get_by_label("Tên của bạn").fill("Trần Thu Hương")
    await page.get_by_label("Chức danh").fill("Trưởng phòng Nhân sự")
    await page.get_by_label("Tôi điều hành công ty").check()
    await page.get_by_role("button", name="Bắt đầu thiết lập").click()
    await said(page, "Chào Trần Thu Hương. Đã có Công ty phần mềm X")
    await expect(page.locator(".setting-sum")).to_contain_text("2/6")

    await page.goto("/units")
    await page.get_by_label("Tên", exact=True).fill("Sales")
    await page.get_by_role("button", name="Lập đơn vị").click()
    await page.goto("/people/new")
    await page.get_by_label("Tên", exact=True).fill("Minh")
    await page.get_by_label("Đơn vị").select_option(label="Sales")
    await page.get_by_label("Quản lý trực tiếp").select_option(label="Trần Thu Hương · Trưởng phòng Nhân sự")
    await page.get_by_role("button", name="Nhận vào").click()
    await page.goto("/first-steps")
    await expect(page.get_by_text("1 đơn vị chưa có trưởng")).to_be_visible()
    await page.get_by_role("link", name="Chọn trưởng đơn vị").click()
    await page.get_by_role("link", name="Sales").click()
    await page.get_by_label("Ai đứng đầu").select_option(label="Minh")
    await page.get_by_role("button", name="Lưu", exact=True).first.click()
    await page.goto("/first-steps")
    await expect(page.locator(".setting-sum")).to_contain_text("3/6")

    await page.get_by_role("link", name="Mở chu kỳ").click()
    await page.get_by_role("button", name="Mở chu kỳ này").click()
    await said(page, "Đã mở Quý")
    await page.get_by_role("link", name="Đặt mục tiêu chiến lược").click()
    await page.get_by_label("Mục tiêu chiến lược").fill("300 khách trả phí hài lòng cao")
    await page.get_by_label("Mục tiêu", exact=True).fill("300")
    await page.get_by_role("button", name="Đặt mục tiêu này").click()
    await said(page, "300 khách trả phí")
    await page.get_by_role("link", name="Chọn yếu tố thành công").click()
    await page.get_by_label("Yếu tố thành công", exact=True).fill("Tăng khách dùng thử phù hợp")
    await page.get_by_role("button", name="Chọn", exact=True).click()
    await page.get_by_role("link", name="Viết một KPI").click()
    await page.get_by_label("Tên").fill("Đăng ký dùng thử")
    await page.locator("#target").fill("70")
    await page.get_by_label("KPI này góp phần").select_option(label="Tăng khách dùng thử phù hợp")
    await page.get_by_role("button", name="Ghi KPI").click()
    await said(page, "Đã ghi KPI: Đăng ký dùng thử.")
    await page.goto("/map")
    await expect(page.get_by_role("treeitem", name=re.compile("^Đăng ký dùng thử")).locator("> .card")).to_be_visible()
    for path in ("/", "/first-steps", "/kpis/new"):
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.goto(path)
        await fits(page)
