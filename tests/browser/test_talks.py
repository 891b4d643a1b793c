"""A 1:1 that ends in actions, and a review of two, as they are written in a browser."""

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.async_api import expect

from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as gt
from tests.browser.company_x import CompanyX
from tests.browser.conftest import Open, fits, serving
from tests.browser.messages import words


@pytest.fixture
def talking(tmp_path: Path) -> Generator[tuple[str, CompanyX]]:
    """A console of its own: what is said in one test is said in no other."""
    company = CompanyX()
    with serving(company, tmp_path) as url:
        yield url, company


async def test_what_is_typed_in_a_meeting_is_kept_and_its_minutes_confirmed_c32(
    opened: Open, talking: tuple[str, CompanyX]
):
    url, company = talking
    page = await opened("/meetings/m1", person="Minh", base_url=url)
    await page.get_by_label("Còn điều gì chưa nói").fill("Khách Beta hỏi về bảo hành")
    await page.get_by_label("Thống nhất điều gì?").fill("Tự quyết đến 8 %")  # leaving the field before keeps it
    await expect(page.locator("#note-new [data-kept]")).to_have_text("Đã lưu lúc 12:00")
    await page.get_by_text("Thêm một việc").click()
    form = page.locator("#step-3 details.adding")
    await form.get_by_label("Làm gì?").fill("Gửi mẫu A")
    await form.get_by_label("Ai làm?").select_option(label="Minh")
    await form.get_by_role("button", name="Thêm việc").click()
    await expect(page.locator(".said")).to_have_text("Đã thống nhất việc.")
    assert company.notes[4, ""].text.plain == "Tự quyết đến 8 %"  # what was typed last was kept before the page went
    await page.get_by_role("button", name="Chốt biên bản").click()
    await expect(page.locator(".talk-foot")).to_contain_text("người khác thì chưa")
    assert company.confirmed == ["minh"]


async def test_a_review_goes_from_one_to_the_other_on_a_phone_c42_c50(opened: Open, talking: tuple[str, CompanyX]):
    url, company = talking
    company.written()
    company.proposals["p3"] = g.Proposal(
        proposal_id="p3",
        title=words("Bớt số demo"),
        proposer=g.Owner(person_id="minh"),
        state=gt.PROPOSAL_STATE_APPROVED,
    )
    page = await opened("/reviews/q1-2025/minh", person="Phúc", phone=True, base_url=url)
    await fits(page)
    await expect(page.get_by_text("Nửa đầu quý em chạy số demo")).to_be_visible()
    made_of = page.locator(".review-facts")  # the whole cycle is a fairer basis than its last weeks
    await expect(made_of).to_contain_text("5/6 check-in, 5 lần đúng hạn")
    await expect(made_of).to_contain_text("lời khen từ Phúc")
    await expect(made_of.get_by_role("listitem").filter(has_text="Bớt số demo")).to_contain_text("Đã duyệt")
    await page.get_by_role("radiogroup", name="Demo · khách mới").get_by_role("radio", name="Điều chỉnh").check()
    await page.locator("#target-i1").fill("60")
    await page.get_by_label("Tại sao có kết quả đó?").fill("Anh duyệt giá chậm ba tuần")
    await page.get_by_role("button", name="Gửi cho Minh").click()
    await expect(page.locator(".said")).to_have_text("Đã gửi phần của bạn.")
    await expect(page.locator(".talk-foot")).to_contain_text("1 KPI chưa cùng ý")
    await page.get_by_role("button", name="Khép bản nhìn lại").click()
    await expect(page.locator(".said")).to_contain_text("Đã khép bản nhìn lại")
    assert company.parts["manager"].why.plain == "Anh duyệt giá chậm ba tuần"


async def test_an_action_is_done_and_approved_without_script_c33(opened: Open, talking: tuple[str, CompanyX]):
    url, _company = talking
    page = await opened("/actions", person="Phúc", script=False, base_url=url)
    asked = page.locator("#action-a9")
    await asked.locator("summary", has_text="Duyệt").click()
    await asked.get_by_role("button", name="Duyệt", exact=True).click()
    await expect(page.locator(".said")).to_have_text("Đã duyệt và báo cho người làm.")
    await expect(page.locator("#action-a9")).to_have_count(0)
    gone = await page.request.post("/actions/gone/report", headers={"Sec-Fetch-Site": "same-origin"})
    assert (gone.status, "Không có việc này" in await gone.text()) == (404, True)  # there is no form to say it beside


async def test_an_invitation_is_answered_with_a_word_c30(opened: Open, talking: tuple[str, CompanyX]):
    page = await opened("/meetings/m1", person="Phúc", phone=True, base_url=talking[0])
    await page.get_by_label("Bạn có dự không?").fill("Anh sang lúc hai giờ")
    await page.get_by_role("button", name="Tôi sẽ dự").click()
    await expect(page.locator(".said")).to_contain_text("Đã báo bạn sẽ dự")
    await expect(page.locator(".answers")).to_contain_text("Anh sang lúc hai giờ")
    await expect(page.get_by_role("button", name="Tôi sẽ dự")).to_have_count(0)  # only otherwise
    await expect(page.get_by_role("button", name="Tôi không dự được")).to_be_visible()
    await fits(page)
