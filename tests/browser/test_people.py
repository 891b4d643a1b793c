"""People and units are set right in the console: found, taken on, moved, left, back."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open, fits


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
async def test_somebody_is_taken_on_renamed_moved_leaves_and_comes_back(opened: Open, phone: bool):
    name = "Vân Khánh" if phone else "Vân Anh"
    page = await opened("/people", person="Hương", phone=phone)
    await page.get_by_role("link", name="Thêm người").click()
    await page.get_by_role("button", name="Nhận vào").click()
    await expect(page.locator("#error-name")).to_be_visible()
    await page.get_by_label("Tên", exact=True).fill(name)
    await page.get_by_label("Chức danh").fill("Sales tập sự")
    await page.get_by_label("Đơn vị").select_option(label="Sales")
    await page.get_by_label("Quản lý trực tiếp").select_option(label="Phúc · Giám đốc Kinh doanh")
    await page.get_by_role("button", name="Nhận vào").click()
    await expect(page.get_by_role("status").first).to_contain_text(f"{name} đã được nhận vào công ty.")
    await expect(page.locator(".facts-list")).to_contain_text("Sales")
    await fits(page)
    await page.get_by_label("Tên những gì đã làm cũng hiện dưới tên này").fill(f"{name} Thị")
    await page.get_by_role("button", name="Lưu: Tên").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"{name} Thị")
    await page.get_by_label("Đơn vị", exact=True).select_option(label="CSKH")
    await page.get_by_role("button", name="Chuyển").click()
    await expect(page.locator(".facts-list")).to_contain_text("CSKH")
    await page.get_by_text("Người này nghỉ việc…").click()
    await page.get_by_label("Người kế nhiệm").select_option(label="Thảo · CSKH onboarding")
    await page.get_by_role("button", name="Xem trước bàn giao").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("bàn giao gì cho ai")
    await fits(page)
    await page.get_by_role("button", name="Người này đã nghỉ").click()
    await expect(page.get_by_role("status").first).to_contain_text("nay là của người kế nhiệm")
    await expect(page.locator(".facts-list")).to_contain_text("Thảo")
    await page.get_by_role("button", name="Đã trở lại").click()
    await expect(page.get_by_role("status").first).to_contain_text("Đã trở lại, với vai trò như trước")
    await expect(page.locator(".who-am-i .pill")).to_have_count(0)


async def test_people_are_found_by_name_unit_and_among_those_who_left(opened: Open):
    page = await opened("/people", person="Minh", script=False)
    await expect(page.get_by_role("link", name="Thêm người")).to_have_count(0)
    await page.get_by_label("Tên, chức danh hoặc mã nhân viên").fill("phuc")
    await page.get_by_role("button", name="Tìm").click()
    rows = page.locator(".rows .row")
    await expect(rows).to_have_count(1)
    await rows.get_by_role("link", name="Phúc").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Phúc")
    await expect(page.get_by_role("button", name=re.compile("^Lưu"))).to_have_count(0)
    await page.goto("/people?text=nobody-of-that-name")
    await expect(page.get_by_role("heading", name="Không tìm thấy ai")).to_be_visible()


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
async def test_a_unit_is_made_renamed_headed_and_closed(opened: Open, phone: bool):
    name = "Xuất khẩu" if phone else "Thị trường nước ngoài"
    page = await opened("/units", person="Hương", phone=phone)
    await page.get_by_label("Tên", exact=True).fill(name)
    await page.get_by_label("Thuộc").select_option(label="Sales")
    await page.get_by_role("button", name="Lập đơn vị").click()
    await expect(page.get_by_role("status").first).to_contain_text(f"Đã lập đơn vị {name}.")
    await fits(page)
    await page.get_by_role("link", name=name, exact=True).click()
    await page.get_by_label("Ai đứng đầu").select_option(label="Trâm · Junior Sales")
    await page.get_by_role("button", name="Lưu").click()
    await expect(page.locator(".facts-list")).to_contain_text("Trâm")
    await page.get_by_role("textbox", name="Tên").fill(f"{name} mới")
    await page.get_by_role("button", name="Đổi tên").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"{name} mới")
    await page.get_by_text("Đóng đơn vị này…").click()
    await page.get_by_role("button", name="Đóng đơn vị").click()
    await expect(page.locator(".who-am-i .pill")).to_contain_text("đã đóng")
    await fits(page)
