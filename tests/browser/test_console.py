"""What people see and do in the console: the map, a KPI, progress, proposals; in two languages, two widths, light, dark
and the past.

G-62, G-71, X-02.
"""

import re
from uuid import uuid4

from playwright.async_api import Dialog, Locator, Page, expect

from tests.browser.conftest import Open, fits

COMPANY, DEPARTMENT, INDIVIDUAL, OTHERS = "Đăng ký dùng thử", "Demo sản phẩm", "Demo · khách mới", "Demo · khách cũ"
BEFORE_THE_REDUCTION = "2025-02-18"


def item(page: Page, name: str) -> Locator:
    return page.get_by_role("treeitem", name=re.compile(rf"^{re.escape(name)}, "))


def card(page: Page, name: str) -> Locator:
    """What is seen of an item: on the map the item itself has no size."""
    return item(page, name).locator("> .card")


async def kpi_page(opened: Open, name: str = INDIVIDUAL, **more: object) -> Page:
    page = await opened("/map", **more)
    await page.get_by_role("link", name=name, exact=True).first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    return page


# --- the map ---


async def test_the_map_shows_where_we_are(opened: Open):
    page = await opened()
    await expect(page.get_by_role("heading", name="Bản đồ mục tiêu")).to_be_visible()
    heads = [await head.inner_text() for head in await page.locator(".columns span").all()]
    assert [re.sub(r"\s+", " ", head) for head in heads] == [
        "Mục tiêu chiến lược 2",
        "CSF 2",
        "Công ty 2",
        "Phòng ban 4",
        "Cá nhân 11",
    ]
    await expect(item(page, COMPANY)).to_contain_text("54 < 55")
    await expect(page.locator(".edges path").first).to_be_attached()
    boxes = [
        await page.locator(f".k-{kind} > .card").first.bounding_box()
        for kind in ("goal", "csf", "company", "department", "individual")
    ]
    lefts = [box["x"] for box in boxes if box]
    assert lefts == sorted(lefts)
    assert len(lefts) == 5
    assert await overlapping(page.locator(".tree .card")) == []


async def overlapping(cards: Locator) -> list[str]:
    """Cards that lie on one another."""
    return await cards.evaluate_all(
        """cards => { const boxes = cards.map(c => [c.innerText.slice(0, 20), c.getBoundingClientRect()]);
          const found = [];
        boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
          if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1)
            found.push(a + ' / ' + b) }));
        return found }"""
    )


async def test_warnings_are_counted_and_lead_to_their_cards(opened: Open):
    page = await opened()
    await page.get_by_text("2 KPI cộng không đủ").click()
    await page.get_by_role("link", name=re.compile("54 < 55")).click()
    await expect(item(page, COMPANY)).to_be_focused()


async def test_keys_walk_the_map(opened: Open):
    page = await opened()
    first = page.get_by_role("treeitem").first
    await first.focus()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await expect(item(page, COMPANY)).to_be_focused()
    await page.keyboard.press("ArrowLeft")
    await expect(item(page, COMPANY)).to_have_attribute("aria-expanded", "false")
    await expect(card(page, DEPARTMENT)).to_be_hidden()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowDown")
    await expect(item(page, DEPARTMENT)).to_be_focused()
    await page.keyboard.press("End")
    await page.keyboard.press("Home")
    await expect(first).to_be_focused()
    await page.keyboard.type("dang ky")  # as people type in a hurry
    await expect(item(page, COMPANY)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text(COMPANY)


async def test_a_folded_map_is_the_same_when_it_is_opened_again(opened: Open):
    page = await opened()
    await item(page, DEPARTMENT).locator(".fold").first.click()
    await expect(card(page, INDIVIDUAL)).to_be_hidden()
    await page.reload()
    await expect(item(page, DEPARTMENT)).to_have_attribute("aria-expanded", "false")
    await expect(card(page, INDIVIDUAL)).to_be_hidden()


async def test_a_large_map_is_folded_and_fetches_what_is_opened(opened: Open, crowded: str):
    page = await opened(base_url=crowded)
    await expect(item(page, DEPARTMENT)).to_have_attribute("aria-expanded", "false")
    await expect(item(page, INDIVIDUAL)).to_have_count(0)
    await item(page, DEPARTMENT).locator(".fold").first.click()
    await expect(card(page, "Việc thứ 7")).to_be_visible()
    await expect(page).to_have_url(re.compile("open=kpi-"))
    assert await overlapping(page.locator(".tree .card:visible")) == []
    await page.get_by_role("searchbox").fill("dung thu goi pro")
    await page.get_by_role("searchbox").press("Enter")
    await expect(card(page, "Dùng thử gói Pro")).to_be_visible()


async def test_search_finds_people_and_names_without_marks(opened: Open):
    page = await opened()
    box = page.get_by_role("searchbox")
    await box.fill("tram")
    await expect(page.locator(".node.match")).to_have_count(
        await page.get_by_role("treeitem", name=re.compile("Trâm")).count()
    )
    await box.fill("bao cao tiem nang")
    await expect(page.locator(".node.match")).to_have_count(1)
    await box.press("Escape")
    await expect(page.locator(".node.match")).to_have_count(0)


async def test_everything_is_found_from_the_header_by_keyboard_and_on_the_phone(opened: Open):
    page = await opened("/checkin")
    await page.locator("h1").click()
    await page.keyboard.press("/")
    finder = page.locator(".finder")
    await finder.get_by_role("searchbox").fill("dem")
    await expect(finder.get_by_role("link", name=re.compile("^Demo · khách mới"))).to_be_visible()
    await finder.get_by_role("searchbox").press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Demo")

    phone = await opened("/", phone=True, script=False)
    await phone.get_by_label("Tìm mọi thứ").first.click()
    await phone.locator(".finder").get_by_role("searchbox").fill("tram")
    await phone.locator(".finder").get_by_role("button", name="Tìm").click()
    await expect(phone.locator("main .found")).to_contain_text("Junior Sales")
    await fits(phone)


async def test_map_and_tree_are_the_same_data(opened: Open):
    page = await opened()
    labels = await page.get_by_role("treeitem").evaluate_all("nodes => nodes.map(n => n.getAttribute('aria-label'))")
    await page.get_by_role("link", name="Dạng cây").click()
    await expect(page.locator(".board")).to_have_class(re.compile("as-tree"))
    assert (
        await page.get_by_role("treeitem").evaluate_all("nodes => nodes.map(n => n.getAttribute('aria-label'))")
        == labels
    )
    await page.get_by_role("link", name="Bản đồ", exact=True).last.click()
    await expect(page.locator(".board")).to_have_class(re.compile("as-map"))


async def test_my_path_and_the_size_of_the_map(opened: Open):
    page = await opened()
    await page.get_by_role("link", name="Đường của tôi").click()
    await expect(page).to_have_url(re.compile("mine=1"))
    await expect(item(page, COMPANY)).to_have_class(re.compile(r"\bmine\b"))
    await expect(item(page, OTHERS)).not_to_have_class(re.compile(r"\bmine\b"))
    before = (await item(page, COMPANY).locator("> .card").bounding_box() or {})["width"]
    await page.get_by_role("button", name="Nhỏ hơn").click()
    assert (await item(page, COMPANY).locator("> .card").bounding_box() or {})["width"] < before
    await page.get_by_role("button", name="Vừa màn hình").click()
    stage = await page.locator(".viewport").bounding_box() or {}
    assert stage["height"] <= 800


# --- the past ---


async def test_the_past_looks_like_the_past_and_cannot_be_changed(opened: Open):
    page = await opened(f"/map?on={BEFORE_THE_REDUCTION}")
    await expect(page.get_by_role("region", name="Đang xem lại")).to_contain_text("18/02/2025 · theo ngày có hiệu lực")
    await expect(item(page, INDIVIDUAL)).to_contain_text("/80")
    await expect(item(page, INDIVIDUAL)).to_contain_text("nay 50")
    await page.get_by_role("link", name=INDIVIDUAL, exact=True).click()
    await expect(page.get_by_role("region", name="Đang xem lại")).to_be_visible()
    await expect(page.get_by_role("link", name="Cập nhật tiến độ")).to_have_count(0)
    await expect(page.get_by_role("link", name="Đề xuất thay đổi")).to_have_count(0)
    await page.get_by_role("link", name="Về hôm nay").click()
    await expect(page.get_by_role("region", name="Đang xem lại")).to_have_count(0)


async def test_what_is_another_target_today_leaves_the_weight_where_it_is(opened: Open):
    page = await opened(f"/map?on={BEFORE_THE_REDUCTION}")
    chip = card(page, INDIVIDUAL).locator(".now")
    await expect(chip).to_be_visible()
    middles = [
        box["y"] + box["height"] / 2
        for part in (".now", ".weight", ".status")
        if (box := await card(page, INDIVIDUAL).locator(part).bounding_box())
    ]
    assert len(middles) == 3
    assert max(middles) - min(middles) < 6


async def test_a_day_is_chosen_in_the_calendar_or_on_the_line(opened: Open):
    page = await opened()
    await page.get_by_text("Xem tại ngày").click()
    await page.get_by_label("Ngày", exact=True).fill(BEFORE_THE_REDUCTION)
    await page.get_by_label("Điều đã biết tới ngày đó").check()
    await page.get_by_role("button", name="Xem ngày này").click()
    await expect(page).to_have_url(re.compile(f"on={BEFORE_THE_REDUCTION}.*clock=recorded"))
    await page.goto(f"/map?on={BEFORE_THE_REDUCTION}")
    await page.get_by_role("link", name="Tới thay đổi sau").click()
    await expect(page).to_have_url(re.compile(r"on=2025-\d\d-\d\d"))


async def test_a_day_that_cannot_be_read_is_not_taken_for_today(opened: Open):
    page = await opened("/map?on=tomorrow")
    await expect(page.get_by_text("Không đọc được ngày đó")).to_be_visible()


# --- one KPI ---


async def test_a_kpi_says_how_far_since_when_and_why(opened: Open):
    page = await kpi_page(opened)
    await expect(page.locator(".big-number")).to_contain_text("/ 50 demo")
    await expect(page.locator(".path li")).to_have_count(5)
    await expect(page.locator(".path")).to_contain_text("54 < 55")
    await expect(page.locator(".chart canvas")).to_be_visible()
    await expect(page.get_by_role("table")).to_be_hidden()
    await page.get_by_role("button", name="Xem dạng bảng").click()
    await expect(page.get_by_role("table")).to_be_visible()
    revised = page.locator(".entry").filter(has_text="Đổi mục tiêu")
    await expect(revised.first).to_contain_text(re.compile(r"80\sdemo.*50\sdemo", re.S))


async def test_the_map_just_before_a_change(opened: Open):
    page = await kpi_page(opened)
    await (
        page.locator(".entry")
        .filter(has_text="Đổi mục tiêu")
        .first.get_by_role("link", name="Bản đồ ngay trước đó")
        .click()
    )
    await expect(item(page, INDIVIDUAL)).to_contain_text("/80")
    await expect(item(page, INDIVIDUAL)).to_be_focused()


async def test_progress_is_recorded_once_and_shown_at_once(opened: Open):
    page = await kpi_page(opened)
    await page.get_by_role("link", name="Cập nhật tiến độ").click()
    await expect(page.get_by_label("5", exact=True)).to_be_checked()
    await page.get_by_role("button", name="Ghi lại").click()
    await expect(page.get_by_label("Giá trị hiện tại")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Giá trị hiện tại").fill("45,5")
    await page.get_by_label("8", exact=True).check(force=True)
    await page.get_by_label("Ghi chú").fill("thêm một buổi")
    await page.get_by_role("button", name="Ghi lại").click()
    await expect(page.locator(".big-number")).to_contain_text("45,5")
    await expect(page.locator(".facts-row")).to_contain_text("8/10")


async def test_a_value_is_put_right_and_what_stood_there_stays(opened: Open):
    page = await kpi_page(opened)
    await page.get_by_role("button", name="Xem dạng bảng").click()
    await page.get_by_role("link", name="Sửa 06/03/2025").click()
    await page.get_by_label("Số đúng").fill("39")
    await page.get_by_role("button", name="Ghi số đúng").click()
    await expect(page.get_by_label("Nói rõ hơn")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Gõ nhầm").check()
    await page.get_by_label("Nói rõ hơn").fill("Báo cáo CRM ghi 39.")
    await page.get_by_text("Kèm bằng chứng").click()
    await page.get_by_label(re.compile("^Tệp")).set_input_files(
        {"name": "crm.csv", "mimeType": "text/csv", "buffer": b"demo,39"}
    )
    await expect(page.locator(".digest")).to_contain_text("crm.csv · ")
    await page.get_by_role("button", name="Ghi số đúng").click()
    await expect(page.locator(".said")).to_contain_text("Đã sửa thành 39")
    await page.get_by_role("button", name="Xem dạng bảng").click()
    await expect(page.locator("#trend-table s")).to_have_text("37")
    await page.get_by_role("link", name="Ai được làm gì ở đây").click()
    await page.get_by_label("Ai", exact=True).select_option("tram")
    await page.get_by_role("button", name="Nhờ ghi thay").click()
    await expect(page.locator(".may").filter(has_text="nhờ ghi thay")).to_have_count(1)
    await page.get_by_role("button", name=re.compile("^Thôi")).click()
    await expect(page.locator(".may").filter(has_text="nhờ ghi thay")).to_have_count(0)


async def test_all_values_are_entered_in_one_go_without_the_mouse(opened: Open):
    page = await opened("/values", person="Minh")
    rows = page.locator(".value-row")
    first = rows.first.locator("[data-value]")
    await first.focus()
    await page.keyboard.type("47.000")
    await page.keyboard.press("Tab")
    await expect(rows.first).to_contain_text("47.000? Có phải 47?")
    await rows.first.get_by_role("button", name="Đúng, 47").click()
    await expect(rows.first.locator(".value-doubt")).to_be_hidden()
    await page.keyboard.press("Enter")
    await expect(rows.nth(1).locator("[data-value]")).to_be_focused()
    await page.keyboard.press("=")
    await expect(rows.nth(1).locator("[data-value]")).not_to_have_value("")
    await page.keyboard.press("Tab")
    await page.keyboard.type("0")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".good-notice")).to_contain_text("Đã ghi 1 số")
    await expect(page.locator(".good-notice")).to_contain_text("1 số chưa ghi")
    await expect(rows.first.locator(".error")).to_contain_text("bắt buộc")
    await rows.first.locator("[data-confidence]").fill("6")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".good-notice")).to_contain_text("Demo · khách mới")


async def test_a_form_that_is_sent_twice_is_carried_out_once(opened: Open):
    page = await kpi_page(opened)
    form: dict[str, str | float | bool] = {
        "key": str(uuid4()),
        "value": "46",
        "confidence": "7",
        "note": "",
        "occurred_on": "2025-03-20",
    }
    headers = {"Sec-Fetch-Site": "same-origin"}
    answers = [
        await page.request.post(page.url + "/progress", form=form, headers=headers, max_redirects=0) for _ in range(2)
    ]
    assert [answer.status for answer in answers] == [303, 303]


# --- proposals ---


async def propose(page: Page, title: str) -> None:
    await page.get_by_role("link", name="Đề xuất thay đổi").click()
    await page.get_by_label("Tiêu đề").fill(title)
    await page.get_by_label(re.compile("^Vì sao")).fill("Ít buổi hơn, hiểu khách kỹ hơn.")
    await page.get_by_label(re.compile(f"Mục tiêu mới của {INDIVIDUAL}")).fill("40")
    await page.get_by_label(re.compile(f"Mục tiêu mới của {COMPANY}")).fill("50")


async def test_a_proposal_is_added_up_while_it_is_written_and_decided_whole(opened: Open):
    page = await kpi_page(opened)
    await propose(page, "Giảm nữa")
    await expect(page.locator("[data-sums]")).to_contain_text("40 + 30")
    await expect(page.locator("[data-sums]")).to_contain_text("70 < 80")
    await expect(page.locator("[data-sums]")).to_contain_text("Nam sẽ quyết định")
    await page.get_by_role("button", name="Gửi đề xuất").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Giảm nữa")
    await expect(page.get_by_role("heading", name="Giảm 2")).to_be_visible()
    await expect(page.get_by_role("button", name="Duyệt cả gói")).to_have_count(0)
    await expect(page.get_by_role("button", name="Rút đề xuất")).to_be_visible()

    nam = await opened(page.url.replace(page.url.split("/proposals")[0], ""), person="Nam")
    await nam.get_by_label(re.compile("^Lý do")).fill("Ưu tiên chất lượng.")
    await nam.get_by_role("button", name="Duyệt cả gói").click()
    await expect(nam.get_by_text("Tổng không khớp: hãy đánh dấu")).to_be_visible()
    await expect(nam.get_by_label(re.compile("^Lý do"))).to_have_value("Ưu tiên chất lượng.")
    await nam.get_by_role("button", name="Từ chối").click()
    await expect(nam.get_by_role("heading", name="Đã từ chối")).to_be_visible()
    await expect(nam.locator("aside")).to_contain_text("Ưu tiên chất lượng.")


async def test_everything_of_a_kpi_and_kpis_more_are_proposed_in_one_form(opened: Open):
    page = await kpi_page(opened)
    await propose(page, "Đổi người và tên")
    line = page.get_by_role("listitem").filter(has_text=INDIVIDUAL)
    await line.get_by_role("button", name="Trọng số, người, lời").click()
    await expect(page.get_by_label("Tiêu đề")).to_have_value("Đổi người và tên")
    await page.get_by_label("Tên", exact=True).fill("Demo kỹ · khách mới")
    await page.get_by_label("và cùng với").first.select_option("tram")
    await page.get_by_role("button", name="Thêm KPI").click()
    new = page.get_by_role("group", name="KPI mới 1")
    await new.get_by_label("Tên").fill("Báo cáo tiềm năng")
    await expect(page.locator("[data-sums]")).to_contain_text("Ai sẽ được báo")
    await page.get_by_role("button", name="Gửi đề xuất").click()
    await expect(page.get_by_role("heading", name="Giảm 2, thêm 1")).to_be_visible()
    await expect(page.locator(".changes")).to_contain_text("Báo cáo tiềm năng")
    await expect(page.get_by_role("heading", name="Ai được mời")).to_be_visible()
    await page.get_by_label(re.compile("^Lời của bạn")).fill("Thảo làm cùng được không?")
    await page.get_by_role("button", name="Gửi", exact=True).click()
    await expect(page.locator("#words")).to_contain_text("Thảo làm cùng được không?")
    await expect(page.locator(".edges-changed")).to_contain_text("Trâm")


async def test_a_proposal_is_withdrawn_by_its_proposer(opened: Open):
    page = await kpi_page(opened)
    await propose(page, "Thử rút")
    await page.get_by_role("button", name="Gửi đề xuất").click()
    await page.get_by_role("button", name="Rút đề xuất").click()
    await expect(page.get_by_role("heading", name="Đã rút")).to_be_visible()
    await page.get_by_role("link", name="Đề xuất", exact=True).first.click()
    await expect(page.get_by_role("link", name="Thử rút")).to_be_visible()


async def test_an_empty_proposal_is_sent_back_with_what_was_typed(opened: Open):
    page = await kpi_page(opened)
    await page.get_by_role("link", name="Đề xuất thay đổi").click()
    await page.get_by_label("Tiêu đề").fill("Không đổi gì")
    await page.get_by_label(re.compile("^Vì sao")).fill("Thử")
    await page.get_by_role("button", name="Gửi đề xuất").click()
    await expect(page.get_by_role("alert")).to_contain_text("Hãy đổi ít nhất một mục tiêu")
    await expect(page.get_by_label("Tiêu đề")).to_have_value("Không đổi gì")


async def test_what_was_typed_is_not_lost_to_the_language_switch(opened: Open):
    page = await kpi_page(opened)
    await page.get_by_role("link", name="Đề xuất thay đổi").click()
    await page.get_by_label("Tiêu đề").fill("Chưa gửi")
    asked: list[str] = []

    async def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    await page.get_by_role("link", name="EN – English").click(no_wait_after=True)
    await expect(page.get_by_label("Tiêu đề")).to_have_value("Chưa gửi")
    assert asked == ["beforeunload"]
    page.remove_listener("dialog", stay)


# --- everywhere ---


async def test_somebody_is_picked_and_signs_in_and_out(opened: Open):
    page = await opened("/proposals", person="")
    await page.get_by_role("button", name=re.compile(r"^\W*(\w\w )?Minh\b")).first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Đề xuất")
    await page.get_by_label("Đang đăng nhập: Minh").click()
    await page.get_by_role("button", name="Đăng xuất").click()
    await expect(page.get_by_role("heading", name="Hôm nay bạn là ai?")).to_be_visible()


async def test_english_is_one_click_away(opened: Open):
    page = await opened()
    await page.get_by_role("link", name="EN – English").click()
    await expect(page.get_by_role("heading", name="Goal map")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await page.goto("/proposals")
    await expect(page.get_by_role("heading", name="Proposals", exact=True)).to_be_visible()


async def test_everything_but_drawing_works_without_script(opened: Open):
    page = await opened("/map", script=False)
    await expect(card(page, INDIVIDUAL)).to_be_visible()
    await item(page, DEPARTMENT).locator(".fold").first.click()
    await expect(card(page, INDIVIDUAL)).to_be_hidden()
    await page.goto("/map")
    await page.get_by_role("link", name=INDIVIDUAL, exact=True).click()
    await expect(page.get_by_role("table")).to_be_visible()
    await page.get_by_role("link", name="Đề xuất thay đổi").click()
    await page.get_by_label(re.compile(f"Mục tiêu mới của {INDIVIDUAL}")).fill("40")
    await page.get_by_role("button", name="Tính thử").click()
    await expect(page.locator("[data-sums]")).to_contain_text("70 < 80")


async def test_on_the_phone_the_map_is_a_tree_and_nothing_sticks_out(opened: Open):
    for path in ("/", "/map", f"/map?on={BEFORE_THE_REDUCTION}", "/proposals", "/proposals/new"):
        page = await opened(path, phone=True)
        await fits(page)
    page = await kpi_page(opened, phone=True)
    await fits(page)
    await page.goto("/map")
    await expect(page.locator(".board")).to_have_class(re.compile("as-tree"))


async def test_an_unbroken_title_wraps_on_the_phone(opened: Open):
    for text in ("h1 bdi", "td", ".path-name a", ".children a"):
        page = await kpi_page(opened, DEPARTMENT, phone=True)
        await page.locator(text).first.evaluate("text => { text.textContent = 'x'.repeat(300); }")
        await fits(page)


async def test_what_is_not_there_is_said_in_words(opened: Open):
    page = await opened("/kpi/no-such-thing")
    await expect(page.get_by_role("heading", name="Không tìm thấy")).to_be_visible()
    await page.get_by_role("link", name="Về trang chủ").click()
    await expect(page.get_by_role("heading", name="KPI của tôi")).to_be_visible()
