"""A check-in from end to end: Minh checks in, Phúc sees who needs him and answers, at both widths.

C-05, C-10, C-13, C-16, C-17.
"""

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.company_x import CompanyX
from tests.browser.conftest import Open, fits, serving

BOTH = pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])


@pytest.fixture
def console(tmp_path: Path) -> Generator[str]:
    """A console of its own: what is done here changes it."""
    with serving(CompanyX(), tmp_path) as url:
        yield url


async def said(page: Page) -> str:
    return await page.locator("p.said").inner_text()


@BOTH
async def test_minh_checks_in_and_phuc_answers(opened: Open, phone: bool):
    page = await opened("/checkin", person="Minh", phone=phone)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Check-in ngày 20/03")
    demo = page.locator("[data-row=i1]")
    await demo.get_by_role("textbox", name="Demo · khách mới: bây giờ").fill("46")
    await demo.get_by_role("radio", name="8", exact=True).check()
    await expect(demo.locator("[data-moved]")).to_have_text("▲ 2")
    await page.get_by_role("radio", name="Hào hứng").check()
    thanks = page.get_by_role("region", name="Lời cảm ơn và gặp riêng").get_by_role("link", name="Khen ngợi")
    await expect(thanks).to_have_attribute("href", "/praise")
    planned = page.get_by_role("group", name="Đã làm")
    await planned.get_by_role("checkbox", name="Gọi lại khách Beta").check()
    await page.get_by_role("checkbox", name="Soạn lại đề xuất giá").check()
    await page.get_by_label("Sẽ làm 1").fill("Chốt hai hợp đồng")
    async with page.expect_response(
        lambda told: told.url.endswith("/checkin/draft") and "planned.0=Ch" in (told.request.post_data or "")
    ):
        await page.get_by_label("Đang vướng 1").focus()
    await expect(page.locator("[data-kept]")).to_contain_text("nháp lưu lúc")
    await page.reload()  # what was typed is there again
    await expect(page.get_by_label("Sẽ làm 1")).to_have_value("Chốt hai hợp đồng")
    await expect(page.get_by_role("radio", name="Hào hứng")).to_be_checked()
    await expect(page.get_by_role("checkbox", name="Soạn lại đề xuất giá")).to_be_checked()
    await page.get_by_text("Thêm chủ đề").click()
    await page.get_by_label("Nói ngắn gọn").fill("Bản demo lỗi")
    # Leaving the field keeps the draft, and sends it in the same moment: neither hinders the other.
    await page.get_by_role("button", name="Gửi check-in").click()
    await expect(page.locator("p.said")).to_contain_text("Phúc sẽ đọc")
    await expect(page.get_by_text("46 demo")).to_be_visible()

    page = await opened("/team", person="Phúc", phone=phone)
    await expect(page.locator(".team-answers")).to_contain_text("phản hồi 8/9 check-in, một nửa trong vòng 20 giờ")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ai cần bạn trước?")
    await page.get_by_role("link", name="Phản hồi check-in: Minh").click()
    await expect(page.get_by_text("Hào hứng")).to_be_visible()
    prompts = await page.locator(".ci-prompts li").all_inner_texts()
    assert prompts
    assert all(prompt.strip().endswith("?") for prompt in prompts), "questions, no orders"
    await expect(page.locator(".actions").get_by_role("link", name="Khen ngợi")).to_be_visible()
    await page.get_by_label("Điều bạn thấy").fill("Theo em bước tới là gì?")
    await page.get_by_role("button", name="Gửi phản hồi").click()
    await expect(page.locator("p.said")).to_contain_text("Đã phản hồi")
    await expect(page.get_by_text("Theo em bước tới là gì?")).to_be_visible()
    await page.goto("/actions")  # what Minh ticked waits for his word
    await expect(page.locator("#action-a1")).to_contain_text("Soạn lại đề xuất giá")


async def test_an_edit_in_another_tab_is_noticed_and_loses_nothing(opened: Open):
    one, other = await opened("/checkin", person="Minh"), await opened("/checkin", person="Minh")
    await one.get_by_label("Sẽ làm 1").fill("Ở thẻ một")
    await one.get_by_label("Đang vướng 1").focus()
    await expect(one.locator("[data-kept]")).to_contain_text("nháp lưu lúc")
    await other.get_by_label("Sẽ làm 1").fill("Ở thẻ hai")
    await other.get_by_label("Đang vướng 1").focus()
    await expect(other.locator("[data-kept]")).to_contain_text("thẻ khác")
    await one.reload()
    await expect(one.get_by_label("Sẽ làm 1")).to_have_value("Ở thẻ một")


async def test_without_script_a_check_in_is_sent_and_what_is_wrong_is_said(opened: Open):
    page = await opened("/checkin", person="Minh", script=False)
    await page.get_by_role("textbox", name="Demo · khách mới: bây giờ").fill("mười")
    await page.get_by_role("button", name="Gửi check-in").click()
    await expect(page.get_by_role("alert")).to_contain_text("Chưa gửi")
    await page.get_by_role("textbox", name="Demo · khách mới: bây giờ").fill("45")
    await page.locator("[data-row=i1]").get_by_role("radio", name="7", exact=True).check()
    await page.get_by_role("button", name="Gửi check-in").click()
    assert "Đã gửi check-in" in await said(page)


async def test_a_topic_is_forwarded_answered_and_closed(opened: Open):
    page = await opened("/topics/price", person="Phúc")
    await page.get_by_text("Chuyển tiếp").first.click()
    await page.get_by_label("Cho đơn vị").select_option(label="CSKH")
    await page.get_by_role("button", name="Chuyển tiếp").click()
    assert "Đã chuyển tiếp" in await said(page)
    page = await opened("/topics", person="Lan")
    await page.get_by_role("link", name="Duyệt giá nhanh hơn").click()
    await page.locator("#answer").fill("Duyệt trong ngày")
    await page.get_by_role("button", name="Gửi phản hồi").click()
    assert "Đã trả lời" in await said(page)
    page = await opened("/topics/price", person="Minh")
    await expect(page.get_by_text("Duyệt trong ngày")).to_be_visible()
    await page.get_by_role("button", name="Đã xong").click()
    assert "khép" in await said(page)


async def test_the_rhythm_is_set_by_who_may(opened: Open):
    page = await opened("/rhythm", person="Nam")
    await page.get_by_label("Của đơn vị").select_option(label="Sales")
    await page.get_by_label("mỗi tuần").check()
    await page.get_by_role("button", name="Đặt").click()
    assert "Đã đặt nhịp" in await said(page)
    page = await opened("/rhythm", person="Minh")
    await expect(page.get_by_text("Thứ Năm, hai tuần một lần")).to_be_visible()
    await expect(page.get_by_role("button", name="Đặt")).to_have_count(0)


async def test_the_address_of_a_calendar_is_shown_once_and_ended_c01(opened: Open):
    page = await opened("/rhythm", person="Minh", phone=True)
    await page.get_by_role("button", name="Tạo địa chỉ").click()
    address = await page.get_by_label("Địa chỉ", exact=True).input_value()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/calendar/nhipfeed_company-x_[0-9a-f]{64}\.ics\?lang=vi", address)
    await fits(page)
    await page.reload()  # the form is sent again, and makes no other one
    await expect(page.get_by_label("Địa chỉ", exact=True)).to_have_value(address)
    made_up = await page.request.post(
        "/rhythm/calendar", form={"address_drawn": "x"}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert re.search(r"/calendar/nhipfeed_company-x_[0-9a-f]{64}\.ics", await made_up.text())
    await page.get_by_role("link", name="Tôi đã dán xong").click()
    await expect(page.get_by_role("button", name="Tạo địa chỉ khác")).to_be_visible()
    await page.locator("section", has_text="Trong ứng dụng lịch").get_by_role("button", name="Kết thúc").click()
    assert "không dùng được nữa" in await said(page)
    await expect(page.get_by_role("button", name="Tạo địa chỉ", exact=True)).to_be_visible()
