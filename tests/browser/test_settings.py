"""A company sets its own numbers and its profile in the console."""

import re

from playwright.async_api import expect

from tests.browser.conftest import Open, fits
from tests.unit.people.test_company import png


async def test_a_number_is_found_looked_at_changed_with_a_reason_and_put_back(opened: Open):
    page = await opened("/settings", person="Hương", phone=True)
    await expect(page.get_by_text("2 khác mặc định")).to_be_visible()
    await page.get_by_role("searchbox").fill("nguy co")
    await page.get_by_role("button", name="Tìm").click()
    await page.get_by_role("link", name=re.compile("Ngưỡng “Nguy cơ”")).click()
    await expect(page.locator(".past-change").first).to_contain_text("Ban điều hành muốn biết sớm hơn")
    await page.get_by_label("Giá trị mới").fill("25")
    await expect(page.locator(".effect")).to_contain_text("2 trên 17 KPI từ Chậm nhịp thành Nguy cơ")
    await fits(page)
    save = page.get_by_role("button", name="Lưu, áp dụng từ 21/03")
    await save.click()
    await expect(page.locator("#error-reason")).to_be_visible()
    await page.get_by_label("Lý do").fill("Quý 1 báo muộn")
    await page.get_by_label("Giá trị mới").fill("16,5")
    await save.click()
    await expect(page.locator("#error-value")).to_contain_text("Phải lớn hơn Ngưỡng “Chậm nhịp”")
    await page.get_by_label("Giá trị mới").fill("25")
    await page.get_by_label("Áp dụng từ ngày").fill("2025-03-24")
    await page.get_by_role("button", name="Lưu, áp dụng từ 24/03").click()
    await expect(page.get_by_role("status").first).to_contain_text("là 25 điểm % từ 24/03/2025")
    await expect(page.locator("#at_risk_gap .setting")).to_contain_text("25 điểm % từ 24/03/2025")
    await page.get_by_label("Lý do").fill("Trở lại như cũ")
    await page.get_by_role("button", name="Về mặc định 33").click()
    await expect(page.get_by_role("status").first).to_contain_text("về mặc định")
    await fits(page)


async def test_everybody_reads_what_is_in_force_and_only_who_leads_how_it_came(opened: Open):
    page = await opened("/settings?open=at_risk_gap", person="Minh", script=False)
    await expect(page.locator("#at_risk_gap")).to_contain_text("30 điểm %")
    await expect(page.get_by_label("Giá trị mới")).to_have_count(0)
    await expect(page.get_by_role("link", name="Tất cả thay đổi")).to_have_count(0)


async def test_a_company_gets_its_name_and_logo_on_every_page_and_at_sign_in(opened: Open):
    page = await opened("/company", person="Hương")
    await page.get_by_label("Ảnh").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"<svg/>"})
    await page.get_by_role("button", name="Lưu logo").click()
    await expect(page.locator("#error-image")).to_contain_text("PNG hoặc WebP")
    await page.get_by_label("Ảnh").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": png()})
    await page.get_by_role("button", name="Lưu logo").click()
    await expect(page.get_by_role("status").first).to_contain_text("Đã lưu logo")
    shown = page.locator(".company img")
    assert await shown.evaluate("async image => { await image.decode(); return image.naturalWidth }") == 64
    await page.get_by_role("textbox", name="Tên").fill("Công ty cổ phần phần mềm X và các cộng sự Đông Nam Á")
    await page.get_by_role("button", name="Lưu", exact=True).click()
    await expect(page.locator(".company-name")).to_contain_text("cộng sự")
    await fits(page)
    await page.goto("/sign-in")
    await expect(page.get_by_text("của Công ty cổ phần phần mềm X")).to_be_visible()
    await page.goto("/company")
    await page.get_by_role("button", name="Gỡ logo").click()
    await expect(shown).to_have_count(0)
    await page.get_by_role("textbox", name="Tên").fill("Công ty phần mềm X")
    await page.get_by_role("button", name="Lưu", exact=True).click()
