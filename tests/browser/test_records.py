"""The inbox, the ledger, one's own page and erasure in the console, over the example in memory."""

import re
from collections.abc import Generator

import pytest
from playwright.async_api import Page, expect

from nhip.people.v1 import people_pb2
from tests.browser.company_x import CompanyX
from tests.browser.conftest import Open, fits, serving


@pytest.fixture(scope="module")
def company() -> CompanyX:
    return CompanyX()


@pytest.fixture(scope="module")
def console(company: CompanyX, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with serving(company, tmp_path_factory.mktemp("issuer")) as url:
        yield url


def bell(page: Page):
    return page.locator(".bell")


# --- the inbox ---


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
async def test_each_notice_is_a_sentence_and_opening_its_thing_marks_it_read(opened: Open, phone: bool):
    person = "Phúc" if phone else "Minh"
    page = await opened("/", person=person, phone=phone)
    before = int(await bell(page).inner_text())
    await bell(page).click()
    changed = page.locator(".notice-row").filter(has_text="Nam đổi")
    if phone:
        await expect(changed).to_contain_text("Nam đổi mục tiêu Demo sản phẩm: 100 → 80\u00a0demo")
    else:
        await expect(changed).to_contain_text("Nam đổi 3 KPI liên quan tới bạn")
        await expect(changed).to_contain_text(re.compile(r"Demo · khách mới \(của bạn\):\s*trước\s*80.*50", re.S))
    await expect(changed).to_contain_text("Bớt chạy số buổi")
    await expect(changed).to_contain_text("Đề xuất từ dưới lên")
    await changed.get_by_role("button", name=re.compile("^Xem")).click()
    await expect(page).to_have_url(re.compile("/kpi/"))
    await expect(bell(page)).to_have_text(str(before - 1))
    await page.goto("/inbox")
    await expect(changed).not_to_have_class(re.compile("unread"))
    await fits(page)
    await page.get_by_role("button", name="Đánh dấu đã đọc hết").click()
    await expect(page.locator(".unread")).to_have_count(0)
    await expect(bell(page)).to_have_text("")
    await expect(bell(page)).to_have_attribute("aria-label", "Hộp thư")


async def test_a_proposal_waits_above_what_is_good_to_know_until_it_is_decided(opened: Open):
    minh = await opened("/proposals/new?kpi=i1")
    await minh.get_by_label("Tiêu đề").fill("Bớt mười buổi")
    await minh.get_by_label(re.compile("^Vì sao")).fill("Khách ở xa hơn.")
    await minh.get_by_label(re.compile("Mục tiêu mới của Đăng ký dùng thử")).fill("50")
    await minh.get_by_role("button", name="Gửi đề xuất").click()
    await expect(minh.get_by_role("heading", level=1)).to_have_text("Bớt mười buổi")
    nam = await opened("/inbox", person="Nam")
    await expect(nam.locator("h2").first).to_have_text("Chờ bạn")
    await nam.get_by_role("button", name="Xem và quyết định: Minh đề xuất: Bớt mười buổi").click()
    await expect(nam.get_by_role("heading", level=1)).to_have_text("Bớt mười buổi")
    await nam.goto("/inbox")
    await expect(
        nam.get_by_role("link", name=re.compile("^Xem và quyết định"))
    ).to_be_visible()  # read, and still waiting
    await nam.get_by_role("link", name=re.compile("^Xem và quyết định")).click()
    await nam.get_by_label(re.compile("^Lý do")).fill("Giữ nguyên tới hết quý.")
    await nam.get_by_role("button", name="Từ chối").click()
    await expect(nam.get_by_role("heading", name="Đã từ chối")).to_be_visible()
    await nam.goto("/inbox")
    await expect(nam.locator("h2").first).to_have_text("Để biết")
    await minh.goto("/inbox")
    told = minh.locator(".notice-row").first
    await expect(told).to_contain_text("Nam đã từ chối đề xuất của bạn: Bớt mười buổi")
    await expect(told).to_contain_text("Giữ nguyên tới hết quý.")


async def test_a_long_inbox_is_read_on_and_one_notice_is_marked(opened: Open):
    page = await opened("/inbox", person="Trâm")
    await expect(page.locator(".notice-row")).to_have_count(30)
    await page.get_by_role("link", name="Xem thêm").click()
    await expect(page.locator(".notice-row")).to_have_count(36)
    await expect(page.get_by_role("link", name="Xem thêm")).to_have_count(0)
    await page.get_by_role("button", name=re.compile("^Đánh dấu đã đọc: Phúc đổi mục tiêu Việc thứ 2")).click()
    await expect(page.locator(".unread")).to_have_count(3)


async def test_what_an_erased_person_did_and_wrote_is_shown_as_erased(opened: Open):
    page = await opened("/inbox", person="Phúc")
    praise = page.locator(".notice-row").filter(has_text="Học hỏi")
    await expect(praise).to_contain_text("Người đã được xoá khen bạn")
    await expect(praise.locator(".erased")).to_have_text("(đã xoá)")


# --- the ledger ---


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
async def test_the_ledger_says_who_what_before_and_after_and_why(opened: Open, phone: bool):
    page = await opened("/", person="Khánh", phone=phone)
    tabs = page.get_by_role("navigation", name="Chính")
    if phone:
        await tabs.get_by_role("link", name="Thêm").click()
        await page.get_by_role("main").get_by_role("link", name="Kiểm toán").click()
    else:
        await tabs.get_by_role("link", name="Kiểm toán").click()
    await expect(page.locator(".completeness")).to_contain_text("Sổ đầy đủ: 2.258 mục")
    await expect(page.get_by_text("cũng được ghi lại")).to_be_visible()
    await page.locator("main").get_by_text("Tìm", exact=True).first.click()
    await page.get_by_label("Loại lý do").select_option(label="Đề xuất từ dưới lên")
    await page.get_by_label("Về điều gì").select_option(label="KPI")
    await page.get_by_label("Từ ngày").fill("2025-03-12")
    await page.get_by_label("Đến hết ngày").fill("2025-03-12")
    await page.get_by_role("button", name="Tìm", exact=True).click()
    rows = page.locator(".ledger-row")
    await expect(rows).to_have_count(3)
    row = rows.filter(has_text="Demo · khách mới")
    for text in ("12/03/2025", "Nam", "Đổi mục tiêu", "80", "50"):
        await expect(row).to_contain_text(text)
    await fits(page)
    await row.get_by_role("link", name=re.compile("Demo · khách mới")).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Demo · khách mới")
    whens = [await when.inner_text() for when in await page.locator(".ledger-when").all()]
    assert [when.split()[0][:5] for when in whens] == ["02/01", "11/03", "12/03"]
    revised = page.locator(".ledger-row").last
    await expect(revised).to_contain_text("Cùng lúc với: Duyệt đề xuất, Đổi mục tiêu (Demo sản phẩm)")
    await revised.get_by_role("link", name="Duyệt đề xuất").first.click()
    await expect(page).to_have_url(re.compile("/audit/subjects/proposal/p3#e-ev5$"))
    await expect(page.locator("#e-ev5")).to_contain_text("Đồng ý, xem lại sau hai tuần.")


async def test_words_are_withheld_or_erased_in_plain_sight(opened: Open):
    page = await opened("/audit?context=rewards", person="Khánh")
    await expect(page.locator(".ledger-row").filter(has_text="Khen ngợi").locator(".ledger-why")).to_have_text(
        "(được giữ kín)"
    )
    await expect(page.locator(".ledger-row").filter(has_text="Chỉnh điểm").locator(".ledger-why")).to_have_text(
        "(đã xoá)"
    )
    await page.goto("/praise")
    await expect(page.locator(".post-words").first).to_have_text("(được giữ kín)")


async def test_the_ledger_is_taken_away_whole(opened: Open):
    page = await opened("/audit", person="Khánh")
    async with page.expect_download() as started:
        await page.get_by_role("link", name=re.compile("JSONL$")).click()
    file = await started.value
    assert file.suggested_filename == "nhip-company-x-2025-03-20.jsonl"
    lines = (await file.path()).read_text().splitlines()
    assert len(lines) == 13  # two pages


async def test_a_hole_is_an_alarm(opened: Open, company: CompanyX):
    company.hole = (812, 814)
    page = await opened("/audit", person="Nam")
    await expect(page.get_by_role("alert")).to_contain_text("Sổ không đủ: thiếu vị trí. goals 812–814")
    company.hole = None


async def test_the_ledger_is_not_everybodys(opened: Open):
    page = await opened("/audit")
    await expect(page.get_by_role("heading", name="Không thuộc quyền của bạn")).to_be_visible()
    await expect(page.get_by_role("link", name="Kiểm toán")).to_have_count(0)


async def test_an_auditor_is_offered_nothing_that_changes_anything_but_their_own_settings(opened: Open):
    page = await opened("/profile", person="Khánh")
    await expect(page.get_by_role("button", name="Lưu").first).to_be_visible()
    for path in ("/", "/kpi/i1", "/proposals", "/praise", "/shop", "/audit", "/erasures", "/erasures/tien"):
        await page.goto(path)
        await expect(page.locator("form[method=post]:not([action='/sign-out']) button")).to_have_count(0)
        await expect(
            page.get_by_role("link", name=re.compile("Đề xuất thay đổi|Cập nhật tiến độ|^Đổi lấy"))
        ).to_have_count(0)


# --- one's own page ---


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
async def test_how_one_is_told_is_ones_own_choice(opened: Open, company: CompanyX, phone: bool):
    page = await opened("/profile", person="Tiến" if phone else "Minh", phone=phone)
    await expect(page.get_by_text("báo cáo cho")).to_be_visible()
    await page.get_by_label(re.compile("^Địa chỉ nhận thông báo")).fill("không phải địa chỉ")
    await page.get_by_role("button", name="Lưu").first.click()
    await expect(page.locator("#error-email")).to_contain_text("Đây không phải là địa chỉ email")
    await page.get_by_label(re.compile("^Địa chỉ nhận thông báo")).fill("moi@company-x.vn")
    await page.get_by_role("button", name="Lưu").first.click()
    await expect(page.locator("#error-email")).to_have_count(0)
    await expect(page.get_by_label(re.compile("^Địa chỉ nhận thông báo"))).to_have_value("moi@company-x.vn")
    praised = page.get_by_role("group", name="Tôi được khen")
    await praised.get_by_label("Hộp thư").uncheck()
    await praised.get_by_label(re.compile("^Email")).select_option(label="không gửi email")
    await page.get_by_label("Yên tĩnh từ").select_option(label="22:00")
    await page.get_by_label("Múi giờ").select_option("Asia/Tokyo")
    await page.get_by_role("button", name="Lưu").last.click()
    await expect(page).to_have_url(re.compile("#notices$"))
    await expect(praised.get_by_label("Hộp thư")).not_to_be_checked()
    await expect(page.get_by_label("Yên tĩnh từ")).to_have_value("22")
    await expect(page.get_by_label("Múi giờ")).to_have_value("Asia/Tokyo")
    await fits(page)
    await page.get_by_label("Ngôn ngữ của trang này và của email").select_option("en")
    await page.get_by_role("button", name="Lưu").last.click()
    await expect(page.get_by_role("heading", name="Notification settings")).to_be_visible()
    assert company.preferences["tien" if phone else "minh"].language == "en"


async def test_erasure_is_asked_for_with_open_eyes(opened: Open):
    page = await opened("/profile", person="Trâm", script=False)
    await page.get_by_role("link", name="Xoá dữ liệu cá nhân của tôi…").click()
    await expect(page.get_by_text("Không hoàn tác được.")).to_be_visible()
    await page.get_by_role("button", name="Gửi yêu cầu xoá").click()
    await expect(page.locator("#error-understood")).to_have_text("Hãy đánh dấu rằng bạn đã hiểu.")
    await page.get_by_label(re.compile("^Tôi đã hiểu")).check()
    await page.get_by_role("button", name="Gửi yêu cầu xoá").click()
    await expect(page.locator("#erasure")).to_contain_text("Đang chờ")
    await expect(page.get_by_role("link", name="Xoá dữ liệu cá nhân của tôi…")).to_have_count(0)


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
async def test_an_administrator_erases_by_typing_the_name_or_declines_with_a_reason(
    opened: Open, company: CompanyX, phone: bool
):
    id, name = ("thao", "Thảo") if phone else ("tien", "Tiến")
    company.RequestErasure(people_pb2.RequestErasure(person_id=id), id)
    page = await opened("/erasures", person="Hương", phone=phone)
    held = page.locator(".row").filter(has_text="Lan")
    await expect(held).to_contain_text("Tạm giữ dữ liệu")
    await page.get_by_role("link", name=f"Xem và quyết định: {name}").click()
    await fits(page)
    if phone:
        await page.locator("#reason").fill("Còn một việc đang bàn giao.")
        await page.get_by_role("button", name="Từ chối").click()
        await expect(page.locator(".erasure-state")).to_contain_text("Còn một việc đang bàn giao.")
        return
    await page.get_by_label("Tên người này").fill("Ai đó")
    await page.get_by_role("button", name="Xoá vĩnh viễn người này").click()
    await expect(page.locator("#error-name")).to_have_text("Hãy gõ đúng tên đang hiển thị.")
    await page.get_by_label("Tên người này").fill(name)
    await page.get_by_role("button", name="Xoá vĩnh viễn người này").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Người đã được xoá")
    await page.goto("/erasures/lan")
    await expect(page.get_by_role("button", name="Xoá vĩnh viễn người này")).to_have_count(0)
    await expect(page.get_by_text("đang được tạm giữ theo yêu cầu pháp lý")).to_be_visible()
    await page.get_by_text("Gỡ lệnh tạm giữ dữ liệu…").click()
    await page.get_by_role("button", name="Dỡ bỏ").click()
    await expect(page.locator("#error-hold_reason")).to_have_text("Ô này là bắt buộc.")
    await page.locator("#hold-reason").fill("Vụ việc đã khép lại.")
    await page.get_by_role("button", name="Dỡ bỏ").click()
    await expect(page.get_by_role("button", name="Xoá vĩnh viễn người này")).to_be_visible()
    await page.get_by_text("Tạm giữ dữ liệu…", exact=True).click()
    await page.locator("#hold-reason").fill("Mở lại vụ việc.")
    await page.get_by_role("button", name="Tạm giữ", exact=True).click()
    await expect(page.get_by_text("đang được tạm giữ theo yêu cầu pháp lý")).to_be_visible()
