"""Looking back in a browser: what is typed is kept while one thinks, and two windows do not write over each other."""

from playwright.async_api import expect

from tests.browser.conftest import Open


async def test_what_is_typed_is_kept_and_a_window_that_is_behind_is_told(opened: Open):
    page, other = await opened("/retro/q1-2025", person="Trâm"), await opened("/retro/q1-2025", person="Trâm")
    await page.get_by_label("Làm ít đi").fill("Họp không có mục tiêu")
    await expect(page.locator("[data-kept]")).to_have_text("Đã lưu lúc 12:00")
    await page.get_by_label("Tiếp tục").fill("Ghi chép ngay")
    await page.get_by_role("button", name="Xong sao biển").click()
    await expect(page.get_by_role("status").first).to_contain_text("Đã lưu sao biển")
    await expect(page.get_by_label("Làm ít đi")).to_have_value("Họp không có mục tiêu")
    await expect(page.get_by_label("Tiếp tục")).to_have_value("Ghi chép ngay")

    await other.get_by_label("Dừng lại").fill("Hứa trước khi hỏi")
    await expect(other.locator("[data-kept]")).to_contain_text("ở cửa sổ khác")
    await expect(other.get_by_label("Dừng lại")).to_have_value("Hứa trước khi hỏi")


async def test_cards_are_written_without_script_and_lie_open_with_their_votes(opened: Open):
    page = await opened("/retro/team/b-sales", person="Tiến", script=False)
    await page.locator("textarea[name='LEARNED.0']").fill("Ghi câu khách hỏi ngay")
    await page.get_by_role("button", name="Tôi viết xong").click()
    await expect(page.locator(".said")).to_contain_text("bạn đã viết xong")
    await expect(page.locator("textarea[name='LEARNED.0']")).to_have_value("Ghi câu khách hỏi ngay")

    open_board = await opened("/retro/team/b-cskh", person="Thảo", phone=True)
    await open_board.get_by_role("button", name="Rút lại một phiếu").first.click()
    await expect(open_board.locator(".said")).to_contain_text("Còn 1 phiếu")
