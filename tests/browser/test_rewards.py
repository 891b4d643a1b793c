"""Praise and gifts in the console, over the example in memory."""

import re
from collections.abc import Generator

import pytest
from playwright.async_api import Page, expect

from nhip.rewards.v1 import rewards_pb2
from tests.browser.company_x import CompanyX
from tests.browser.conftest import Open, fits, serving
from tests.browser.messages import NOW

DEED = "Em gọi khách Alpha ngay chiều hôm demo, nhờ vậy khách hỏi luôn gói Pro."


@pytest.fixture(scope="module")
def company() -> CompanyX:
    return CompanyX()


@pytest.fixture(scope="module")
def console(company: CompanyX, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with serving(company, tmp_path_factory.mktemp("issuer")) as url:
        yield url


async def writes(page: Page, to: str = "Thảo", about: str = "Hợp tác", words: str = DEED) -> None:
    await page.get_by_label("Bạn khen").select_option(label=to)
    await page.get_by_label("Vì điều gì").select_option(label=about)
    await page.get_by_label("Lời của bạn").fill(words)


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
async def test_praise_is_hinted_at_while_it_is_written_and_then_on_the_feed(opened: Open, phone: bool):
    page = await opened("/praise", phone=phone)
    await expect(page.get_by_text("điểm để tặng", exact=False).first).to_be_visible()
    await writes(page, words="Em làm tốt lắm!")
    hints = page.get_by_role("list", name="Điều làm nên lời khen hay")
    await expect(hints).to_contain_text("Cụ thể đã làm việc gì?")
    await writes(page)
    await expect(hints.locator(".met")).to_contain_text(["Thường xuyên", "Kịp thời", "Cụ thể"])
    await expect(hints.locator(".open")).to_have_text("Thêm một lời khích lệ cho lần tới?")
    await page.get_by_role("button", name="Gửi, tặng 10 điểm").click()
    first = page.locator(".post").first
    await expect(first).to_contain_text("Minh khen Thảo")
    await expect(first).to_contain_text(DEED)
    await expect(first).to_contain_text("Hợp tác")
    await expect(page.locator(".wallet.to-give b")).to_have_text("20" if phone else "30")
    await fits(page)


async def test_when_the_points_are_spent_praise_goes_without_them(opened: Open, company: CompanyX):
    company.given["tien"] = 55
    page = await opened("/praise", person="Tiến")
    await writes(page, to="Lan")
    await expect(page.locator("[data-hints]")).to_contain_text(
        "Lời khen này cần 10 điểm, bạn còn 5 điểm để tặng tháng này."
    )
    await page.get_by_role("button", name="Gửi không kèm điểm").click()
    first = page.locator(".post").first
    await expect(first).to_contain_text("Tiến khen Lan")
    await expect(first.locator(".post-points")).to_have_count(0)


async def test_without_script_the_points_that_are_missing_are_said_after_sending(opened: Open, company: CompanyX):
    company.given["thao"] = 60
    page = await opened("/praise", person="Thảo", script=False)
    await writes(page, to="Lan")
    await page.locator("button[data-send]").click()
    await expect(page.get_by_role("alert")).to_contain_text("Điểm để tặng tháng này không đủ")
    await expect(page.get_by_label("Lời của bạn")).to_have_value(DEED)
    await page.get_by_role("button", name="Gửi không kèm điểm").click()
    await expect(page.locator(".post").first).to_contain_text("Thảo khen Lan")


async def test_private_praise_is_seen_by_two(opened: Open):
    page = await opened("/praise", person="Lan")
    await writes(page, to="Trâm", words="Em giúp chị gỡ bảng bàn giao tối qua.")
    await page.get_by_label("Chỉ người được khen").check()
    await page.get_by_role("button", name="Gửi, tặng 10 điểm").click()
    await expect(page.locator(".post").first).to_contain_text("chỉ hai người thấy")
    for person, count in (("Trâm", 1), ("Phúc", 0)):
        other = await opened("/praise", person=person)
        await expect(other.locator(".post").filter(has_text="gỡ bảng bàn giao")).to_have_count(count)


async def test_what_is_missing_is_said_at_its_field_and_nothing_typed_is_lost(opened: Open):
    page = await opened("/praise")
    await page.get_by_label("Lời của bạn").fill("Chưa chọn ai")
    await page.locator("button[data-send]").click()
    for field in ("to", "about"):
        await expect(page.locator(f"#error-{field}")).to_have_text("Ô này là bắt buộc.")
    await expect(page.get_by_label("Lời của bạn")).to_have_value("Chưa chọn ai")


async def test_the_feed_is_read_on_and_narrowed_to_a_value_or_a_kpi(opened: Open):
    page = await opened("/praise")
    await expect(page.locator(".post")).to_have_count(5)
    await page.get_by_role("link", name="Xem thêm").click()
    await expect(page.locator(".post")).not_to_have_count(5)
    await page.locator(".value-filter").get_by_role("link", name="Hợp tác").click()
    tags = page.locator(".post .tag")
    await expect(tags.first).to_contain_text("Hợp tác")
    assert {(await tag.inner_text()).split()[-2] for tag in await tags.all()} == {"Hợp"}
    await page.goto("/praise?kpi=i4")
    await expect(page.get_by_role("heading", name="Lời khen cho Dùng thử · khách cũ")).to_be_visible()
    await expect(page.locator(".post")).to_have_count(1)


async def test_a_kpi_is_where_its_people_are_praised(opened: Open):
    page = await opened("/kpi/i4")
    await page.get_by_role("link", name="Khen ngợi").last.click()
    await expect(page.get_by_label("Bạn khen")).to_have_value("person:tram")
    await expect(page.get_by_label("Vì điều gì")).to_have_value("kpi:i4")


async def test_who_was_erased_is_so_everywhere(opened: Open):
    page = await opened("/praise?value=hoc-hoi")
    await expect(page.locator(".post")).to_contain_text("Người đã được xoá khen Minh")
    await expect(page.locator(".post-words")).to_have_text("(đã xoá)")
    await expect(page.get_by_label("Bạn khen").get_by_text("Hải")).to_have_count(0)


# --- gifts ---


async def test_a_gift_is_exchanged_in_two_steps_and_given_back(opened: Open):
    page = await opened("/shop", script=False)
    book = page.locator(".gift").filter(has_text="Sách chuyên ngành")
    await expect(book).to_contain_text(re.compile(r"còn thiếu \d+ điểm"))
    await expect(book.get_by_role("link")).to_have_count(0)
    await expect(page.locator(".gift").filter(has_text="Vé xem phim")).to_contain_text("hết quà")
    before = int(await page.locator(".wallet.received b").inner_text())
    await page.get_by_role("link", name="Đổi lấy: Ly cà phê").click()
    await expect(page.locator(".sum-line")).to_contain_text(f"{before - 50} điểm")
    await page.get_by_role("button", name="Đồng ý, đổi 50 điểm").click()
    await expect(page.locator(".wallet.received b")).to_have_text(str(before - 50))
    mine = page.locator(".redemptions li").first
    await expect(mine).to_contain_text("Chờ trao")
    await mine.get_by_text("Lấy lại điểm").click()
    await mine.get_by_label(re.compile("^Lý do")).fill("Đổi món khác")
    await mine.get_by_role("button", name="Đồng ý, hoàn 50 điểm").click()
    await expect(page.locator(".wallet.received b")).to_have_text(str(before))
    await expect(page.locator(".movement-list li").first).to_contain_text("Hoàn điểm: Ly cà phê")
    await expect(page.locator(".redemptions li").first).to_contain_text("Đổi món khác")


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
async def test_who_keeps_the_shop_hands_over_refunds_with_a_reason_and_stocks_up(
    opened: Open, company: CompanyX, phone: bool
):
    page = await opened("/shop", person="Quang", phone=phone)
    await page.get_by_role("link", name="Quầy quà").first.click()
    own = page.locator(".handovers li").filter(has_text="cho Quang")
    await expect(own).to_contain_text("người khác sẽ trao")
    await expect(own.get_by_role("button")).to_have_count(0)
    trams = page.locator(".handovers li").filter(has_text="cho Trâm")
    if phone:
        company.movements["tram"][-1].points += 200
        company.redeem("tram", "voucher", NOW, rewards_pb2.REDEMPTION_STATE_WAITING)
        await page.reload()
        await trams.get_by_role("button", name="Đã trao: Voucher mua sắm cho Trâm").click()
    else:
        await trams.get_by_text("Hoàn điểm…").click()
        await trams.get_by_role("button", name="Đồng ý, hoàn 100 điểm").click()
        await expect(trams).to_contain_text("Ô này là bắt buộc.")
        await trams.get_by_label(re.compile("^Lý do")).fill("Voucher hết hạn sớm")
        await trams.get_by_role("button", name="Đồng ý, hoàn 100 điểm").click()
    await expect(trams).to_have_count(0)
    coffee = page.locator(".stock li").filter(has_text="Ly cà phê")
    left = company.gifts["coffee"].stock
    await coffee.get_by_text("Sửa").click()
    await coffee.get_by_label(re.compile("^Thêm vào kho")).fill("−500")
    await coffee.get_by_role("button", name="Ghi lại").click()
    await expect(coffee).to_contain_text("chỉ bớt được tối đa số đang có")
    await coffee.get_by_label(re.compile("^Thêm vào kho")).fill("6")
    await coffee.get_by_role("button", name="Ghi lại").click()
    await expect(coffee).to_contain_text(f"còn {left + 6}")
    await page.get_by_label("Tên", exact=True).fill("Nửa ngày nghỉ")
    await page.get_by_label("Điểm", exact=True).fill("nhiều")
    await page.get_by_label("Số lượng").fill("2")
    await page.get_by_role("button", name="Đưa vào quầy").click()
    await expect(page.locator("#error-points")).to_be_visible()
    await page.get_by_label("Điểm", exact=True).fill("300")
    await page.get_by_role("button", name="Đưa vào quầy").click()
    await expect(page.locator(".stock li").filter(has_text="Nửa ngày nghỉ").first).to_contain_text("300 điểm · còn 2")
    await fits(page)


async def test_a_core_value_is_named_and_praise_can_name_it(opened: Open):
    page = await opened("/shop/counter", person="Hương")
    await page.get_by_role("button", name="Thêm", exact=True).click()
    await expect(page.locator("#error-value")).to_have_text("Ô này là bắt buộc.")
    await page.get_by_label("Thêm giá trị").fill("Dám thử")
    await page.get_by_role("button", name="Thêm", exact=True).click()
    await expect(page.get_by_role("listitem").filter(has_text="Dám thử")).to_be_visible()
    await page.goto("/praise")
    await page.get_by_label("Vì điều gì").select_option(label="Dám thử")


async def test_the_counter_is_not_everybodys(opened: Open):
    page = await opened("/shop/counter")
    await expect(page.get_by_role("heading", name="Không thuộc quyền của bạn")).to_be_visible()
    await page.goto("/shop")
    await expect(page.get_by_role("link", name="Quầy quà")).to_have_count(0)
