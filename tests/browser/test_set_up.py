"""A company lives its year with nothing but the console, each doing their own part: from an empty Nhip to the KPIs of
Company X (2.2, steps 1 to 8), to a closed quarter and the next one. The tests follow one another in one company."""

import re
from collections.abc import AsyncGenerator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import fits, sign_in, until
from tests.browser.year import CARE, COMPANY, CSFS, GOALS, HANDED, LEADS, LOWERED, OWN, REPORT, SALES, SHARED, Kpi, desk
from tests.e2e.running import Up
from tests.waiting import a_day_with_time_left

UNITS = "Tên đơn vị\nSales\nCSKH\n"
HEADS = "Tên đơn vị;Trưởng đơn vị\nSales;Phúc\nCSKH;Lan\n"
STAFF = """Mã NV,Họ và tên,Chức danh,Phòng,Quản lý,Ngày vào làm,Quyền
NV00,Nam,CEO,,,02/01/2019,Ban lãnh đạo
NV01,Phúc,Giám đốc Kinh doanh,Sales,NV00,01/02/2020,
NV02,Lan,Trưởng phòng CSKH,CSKH,NV00,15/03/2021,
NV03,Minh,Senior Sales,Sales,NV01,15/04/2022,
NV04,Trâm,Junior Sales,Sales,NV01,2023-05-16,
NV05,Thảo,CSKH onboarding,CSKH,Lan,2023-06-01,
NV06,Tiến,CSKH,CSKH,Lan,2024-02-20,
NV07,Sai,Không rõ,Phòng lạ,Lan,2024-02-20,
"""
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def today() -> date:
    """The last day of the quarter that is lived here."""
    return datetime.now(ZONE).date()


@pytest.fixture(scope="module")
async def empty(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[str]:
    """The address of a console over every service and real engines, with nobody in it."""
    await a_day_with_time_left(ZONE)
    up = Up(tmp_path_factory.mktemp("up"))
    await up.start()
    yield up.system().gateway
    await up.stop()


async def said(page: Page, text: str) -> None:
    await expect(page.locator(".said")).to_contain_text(text)


async def brings(page: Page, table: str, name: str, content: str, *, new: int, wrong: str = "") -> None:
    """A table from a file: its columns as they are guessed, what is wrong left out, all the rest written."""
    await page.goto("/import")
    await page.get_by_label(table, exact=True).check()
    file = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
    await page.get_by_label(re.compile("^CSV hoặc XLSX")).set_input_files([file])  # type: ignore[arg-type] # a payload
    await page.get_by_role("button", name="Sang ghép cột").click()
    await page.get_by_role("button", name="Thử nhập").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Những gì sẽ được ghi")
    if wrong:
        await expect(page.get_by_text(wrong)).to_be_visible()
        await page.get_by_label(re.compile("^Bỏ lại các dòng này")).check()
    await page.get_by_role("button", name=re.compile(f"^Ghi {new} " if new else "^Ghi các mục")).click()
    await expect(page.get_by_role("heading", name="Đã ghi")).to_be_visible()


async def test_from_an_empty_nhip_to_a_company(chromium: Browser, empty: str):
    page = await (await chromium.new_context(viewport={"width": 1280, "height": 800}, base_url=empty)).new_page()
    await page.goto("/")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thiết lập công ty của bạn")
    await page.get_by_role("button", name="Bắt đầu thiết lập").click()
    await expect(page.locator("#error-company")).to_be_visible()
    await page.get_by_label("Tên công ty").fill("Công ty phần mềm X")
    await page.get_by_label("Tên của bạn").fill("Trần Thu Hương")
    await page.get_by_label("Chức danh").fill("Trưởng phòng Nhân sự")
    await page.get_by_label("Tôi điều hành công ty").uncheck()
    await page.get_by_role("button", name="Bắt đầu thiết lập").click()
    await said(page, "Chào Trần Thu Hương. Đã có Công ty phần mềm X")

    await brings(page, "Đội, phòng ban", "don-vi.csv", UNITS, new=2)
    await brings(page, "Nhân sự", "nhan-su.csv", STAFF, new=7, wrong="Phòng lạ")
    await page.goto("/first-steps")
    await expect(page.get_by_text("2 đơn vị chưa có trưởng")).to_be_visible()
    await brings(page, "Đội, phòng ban", "don-vi.csv", HEADS, new=0)
    await page.goto("/first-steps")
    await expect(page.get_by_text("1 người trong ban điều hành")).to_be_visible()
    await expect(page.get_by_text("đơn vị chưa có trưởng")).to_have_count(0)
    await page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/", "/first-steps"):
        await page.goto(path)
        await fits(page)


async def test_each_sets_their_part_and_the_quarter_runs(chromium: Browser, empty: str):
    """Steps 1 to 5."""
    nam = await desk(chromium, empty, "Nam")
    await nam.goes("/first-steps")
    await nam.page.get_by_role("link", name="Mở chu kỳ").click()
    await nam.opens_cycle("Quý này", today() - timedelta(days=89), today())
    for goal in GOALS:
        await nam.sets_goal(*goal)
    for factor in CSFS:
        await nam.picks_factor(factor)
    for kpi in COMPANY:
        await nam.writes(kpi)
    leads = {name: await desk(chromium, empty, name) for name in ("Phúc", "Lan")}
    for name, kpis in (("Phúc", SALES), ("Lan", CARE)):
        for kpi in kpis:
            await leads[name].writes(kpi)
    for name, drafts in OWN.items():
        person = await desk(chromium, empty, name, 390 if name == "Tiến" else 1280)
        for kpi in drafts:
            await person.sends(kpi, "Đây là phần của tôi.")
            await expect(person.page.get_by_role("button", name="Duyệt cả gói")).to_have_count(0)
            await leads[LEADS[name]].approves(kpi.name)

    await nam.goes("/first-steps")
    await expect(nam.page.get_by_text("công ty chưa đặt nhịp")).to_be_visible()
    await nam.page.get_by_role("link", name="Đặt nhịp").click()
    await nam.page.get_by_role("button", name="Đặt").click()
    await nam.said("Đã đặt nhịp")
    await nam.goes("/first-steps")
    await expect(nam.page.get_by_text("Thứ Năm, hai tuần một lần")).to_be_visible()
    await nam.page.get_by_role("link", name="Xem và cho bắt đầu").click()
    await expect(nam.page.get_by_text("Tổng trọng số của mọi người là 100")).to_be_visible()
    await nam.page.get_by_role("button", name="Bắt đầu chu kỳ này").click()
    await nam.said("Chu kỳ đang chạy")
    await nam.goes("/map")
    for level, count in {"company": 2, "department": 4, "individual": 8}.items():
        await expect(nam.page.locator(f"[data-of={level}]")).to_contain_text(str(count))
    await expect(nam.page.locator("#loose")).to_have_count(0)


async def test_who_works_together_and_who_does_less_change_the_map(chromium: Browser, empty: str):
    """Steps 6 to 8."""
    nam, phuc, minh, tram, thao = [await desk(chromium, empty, who) for who in ("Nam", "Phúc", "Minh", "Trâm", "Thảo")]
    await thao.sends(HANDED, "Biết Sales đã tư vấn gì thì chúng tôi hỗ trợ đúng kỳ vọng hơn.")
    await phuc.approves(HANDED.name)
    await expect(phuc.page.locator("main")).to_contain_text("Đã duyệt, chờ người được mời")
    for invited in (minh, tram):
        await invited.accepts(HANDED.name)
    await expect(tram.page.get_by_role("heading", name="Đã duyệt")).to_be_visible()

    await minh.sends(SHARED, "CSKH theo ngay sau demo thì khả năng chốt gói Pro cao hơn.")
    await thao.accepts(SHARED.name)
    await nam.approves(SHARED.name)
    await expect(nam.page.get_by_role("heading", name="Đã duyệt")).to_be_visible()

    await minh.asks_for_less()
    waits = minh.page.url
    await phuc.page.goto(waits)
    await expect(phuc.page.get_by_role("button", name="Duyệt cả gói")).to_have_count(0)
    await nam.page.set_viewport_size({"width": 390, "height": 844})
    await nam.approves("Ít buổi hơn, kỹ hơn")
    await fits(nam.page)

    await minh.goes("/map")
    for level, count in {"company": 2, "department": 4, "individual": 11}.items():
        await expect(minh.page.locator(f"[data-of={level}]")).to_contain_text(str(count))
    await expect(minh.page.locator("#loose")).to_have_count(0)
    for name, (_, after) in LOWERED.items():
        item = minh.page.get_by_role("treeitem", name=re.compile(rf"^{re.escape(name)}, "))
        await expect(item.locator("> .card")).to_contain_text(f"/{after}")
    await minh.opens("Demo · khách mới")
    told = minh.page.locator(".entry").filter(has_text="Đổi mục tiêu").first
    for text in ("Minh", "Nam", "Bớt số buổi để hiểu từng khách"):
        await expect(told).to_contain_text(text)


async def test_the_quarter_is_closed_and_its_kpis_go_on_in_the_next(chromium: Browser, empty: str):
    nam = await desk(chromium, empty, "Nam")
    page = nam.page
    await page.goto("/cycles/new")
    await nam.opens_cycle("Quý sau", today(), today() + timedelta(days=90))
    await page.goto("/cycles")
    await page.get_by_role("link", name=re.compile("^Quý này")).first.click()
    await page.get_by_role("button", name="Khép chu kỳ này").click()
    await until(page.get_by_role("heading", name="Đã khép").count, page)

    follows = page.locator(".follow")
    await expect(follows).to_have_count(17)
    for row in await follows.all():
        name = await row.get_attribute("aria-label")
        choice = "stop" if name == REPORT else "adjust" if name == "Demo · khách mới" else "keep"
        await row.locator(f"[value={choice}]").check(force=True)
        if choice == "adjust":
            await row.get_by_label("Mục tiêu mới").fill("60")
        if choice != "keep":
            await row.locator("[name^='reason.']").fill("Đã hiểu khách hơn.")
    await page.get_by_role("button", name="Mang sang những gì đã chọn").click()
    await nam.said("Đã quyết 17 KPI")
    await nam.goes("/map")
    await expect(page.get_by_role("main")).to_contain_text("Quý sau")
    for level, count in {"company": 2, "department": 4, "individual": 10}.items():
        await expect(page.locator(f"[data-of={level}]")).to_contain_text(str(count))
    await expect(page.get_by_role("treeitem", name=re.compile("^Demo · khách mới, "))).to_contain_text("/60")


class Console:
    """Somebody's browser."""

    def __init__(self, page: Page):
        self.page = page

    async def person(self, name: str) -> None:
        await self.page.goto(f"/people?left=1&text={name}")
        await self.page.locator(".rows").get_by_role("link", name=name).first.click()

    async def saves(self, label: str, choice: str, button: str) -> None:
        await self.page.get_by_label(label, exact=True).select_option(label=choice)
        await self.page.get_by_role("button", name=button, exact=True).first.click()
        await expect(self.page.locator(".said")).to_be_visible()


async def at(chromium: Browser, empty: str, person: str) -> Page:
    page = await (await chromium.new_context(viewport={"width": 1280, "height": 800}, base_url=empty)).new_page()
    await sign_in(page, person)
    return page


async def test_it_is_kept_right_while_people_come_move_and_leave(chromium: Browser, empty: str):
    # While the cycle is planned it is changed directly, and one may be given to each of many people.
    nam = await desk(chromium, empty, "Nam")
    page = nam.page
    await nam.opens("Đăng ký dùng thử")
    await page.get_by_role("link", name="Sửa KPI").click()
    await page.get_by_label("Câu đầy đủ").fill("Đạt 70 lượt đăng ký dùng thử từ doanh nghiệp dịch vụ trong quý")
    await page.get_by_role("button", name="Lưu thay đổi").last.click()
    await nam.said("Đã lưu thay đổi")
    await expect(page.locator(".statement")).to_contain_text("doanh nghiệp dịch vụ")
    await page.goto("/kpis/new")
    await page.get_by_label("Tên").fill("Giờ học")
    await page.locator("#target").fill("8")
    await page.locator("#weight").fill("10")
    await page.get_by_label("Cá nhân", exact=True).check()
    await page.get_by_label(re.compile("^Hoặc mỗi người một KPI")).select_option(label="mọi người trong Sales")
    await page.get_by_role("button", name="Ghi KPI").last.click()
    await fits(page)
    await page.get_by_label(re.compile("Phúc")).uncheck()
    await page.get_by_role("button", name="Ghi cho những người đã chọn").click()
    await nam.said("Đã ghi KPI cho 2 người: Giờ học.")

    # It is started by the word of an executive, for weights come to more than 100 now.
    await page.goto("/first-steps")
    await page.get_by_role("link", name="Xem và cho bắt đầu").click()
    await page.get_by_label("Vẫn bắt đầu dù tổng khác 100").check()
    await page.get_by_role("button", name="Bắt đầu chu kỳ này").click()
    await nam.said("Chu kỳ đang chạy")
    await nam.opens("Checklist · khách mới")
    checklist = page.url

    page = await at(chromium, empty, "Trần Thu Hương")
    hr = Console(page)
    await page.goto("/people?text=tram")
    await expect(page.locator(".staff")).to_contain_text("KPI")

    # A leaver with a successor: whose KPI it is, every page says.
    await hr.person("Thảo")
    await page.get_by_text("Người này nghỉ việc…").click()
    await page.get_by_label("Người kế nhiệm").select_option(label="Tiến · CSKH")
    await page.get_by_role("button", name="Xem trước bàn giao").click()
    await expect(page.get_by_text("Checklist · khách mới").first).to_be_visible()
    await page.get_by_role("button", name="Người này đã nghỉ").click()
    await page.goto(checklist)
    await expect(page.get_by_text("Tiến, thay Thảo đã nghỉ").first).to_be_attached()
    successor = await at(chromium, empty, "Tiến")
    await successor.goto("/")
    await expect(successor.get_by_role("region", name="KPI của tôi")).to_contain_text("Checklist · khách mới")

    # A joiner, a move, another name.
    await page.goto("/people/new")
    await page.get_by_label("Tên", exact=True).fill("Vân")
    await page.get_by_label("Đơn vị").select_option(label="CSKH")
    await page.get_by_label("Quản lý trực tiếp").select_option(label="Lan · Trưởng phòng CSKH")
    await page.get_by_role("button", name="Nhận vào").click()
    await hr.saves("Đơn vị", "Sales", "Chuyển")
    await expect(page.locator(".facts-list")).to_contain_text("Sales")
    await page.get_by_label("Tên những gì đã làm cũng hiện dưới tên này").fill("Vân Anh")
    await page.get_by_role("button", name="Lưu: Tên").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Vân Anh")

    # A new head while a proposal waits: who decides about it is another, and hears of it.
    asker = await at(chromium, empty, "Trâm")
    await asker.goto("/map")
    await asker.get_by_role("link", name="Demo sản phẩm", exact=True).click()
    await asker.get_by_role("link", name="Đề xuất thay đổi").click()
    await asker.get_by_label("Tiêu đề").fill("Bớt demo")
    await asker.get_by_label(re.compile("^Lý do|^Vì sao")).first.fill("Dành thời gian cho khách đang dùng thử.")
    await asker.get_by_label(re.compile("^Mục tiêu mới của Demo sản phẩm")).fill("90")
    await asker.get_by_role("button", name=re.compile("^Gửi")).click()
    await expect(asker.get_by_text("Chờ Nam quyết định").first).to_be_visible()
    await nam.page.goto("/")
    await expect(nam.page.get_by_role("region", name="Chờ bạn")).to_contain_text("Bớt demo")
    await page.goto("/units")
    await page.get_by_role("link", name="Sales", exact=True).click()
    await hr.saves("Ai đứng đầu", "Minh · Senior Sales", "Lưu")
    decider = await at(chromium, empty, "Phúc")
    await decider.goto("/")
    await expect(decider.get_by_role("region", name="Chờ bạn")).to_contain_text("Bớt demo")
    await decider.goto("/inbox")
    await expect(decider.get_by_text("Bớt demo").first).to_be_visible()

    # Who comes back is named for the same things as before; on the day in between it was the successor.
    await hr.person("Thảo")
    await page.get_by_role("button", name="Đã trở lại").click()
    await page.goto(checklist)
    await expect(page.get_by_text("Tiến, thay Thảo đã nghỉ")).to_have_count(0)


async def test_a_year_of_four_quarters_is_planned_and_adds_up_as_they_begin(chromium: Browser, empty: str):
    nam = await desk(chromium, empty, "Nam")
    page = nam.page
    await page.goto("/cycles/new")
    await nam.opens_cycle("Cả năm", today(), today() + timedelta(days=363))
    year = page.url
    for n in range(4):
        await page.goto("/cycles")
        around = page.get_by_role("region", name="Cả năm")
        await around.get_by_role("link", name="Mở chu kỳ bên trong").click()
        first = today() + timedelta(days=91 * n)
        await nam.opens_cycle(f"Quý {n + 1} của năm", first, first + timedelta(days=90))
        await page.get_by_role("link", name="Đặt KPI").click()
        await nam.fills(Kpi(f"Khách mới · Q{n + 1}", "COMPANY", CSFS[0], f"{100 + 10 * n}", "khách", "", ["Nam"]))
        await page.get_by_role("button", name="Ghi KPI").last.click()
        await nam.said("Đã ghi KPI")
        if n == 0:
            quarters_kpi = page.url

    # The year's KPI is the sum of the quarters', which then serve it; what is not reached by them, its map says.
    await page.goto(year)
    await page.get_by_role("link", name="Đặt KPI").click()
    await nam.fills(Kpi("Khách mới cả năm", "COMPANY", CSFS[0], "480", "khách", "", ["Nam"]))
    await page.get_by_text("Số lấy từ đâu").click()
    await nam.chooses("computed", "tổng các KPI có chu kỳ đã bắt đầu")
    for n in range(4):
        await nam.chooses(f"of.{n}", f"Khách mới · Q{n + 1} · Quý {n + 1} của năm")
    await page.get_by_role("button", name="Ghi KPI").last.click()
    await nam.said("Đã ghi KPI")
    of_year = page.url
    for n in range(4):
        await page.goto(year)
        await page.get_by_role("link", name=re.compile(f"^Quý {n + 1} của năm")).click()
        await page.get_by_role("link", name="Bản đồ").last.click()
        await page.get_by_role("link", name=f"Khách mới · Q{n + 1}", exact=True).first.click()
        await page.get_by_role("link", name="Sửa KPI").click()
        own = page.url.partition("open=")[2].partition("&")[0].partition("#")[0]
        await nam.chooses(f"parent.{own}", "Khách mới cả năm")
        await page.get_by_role("button", name="Lưu thay đổi").last.click()
        await nam.said("Đã lưu thay đổi")
    await page.goto(year)
    for name in ("Quý 1 của năm", "Quý 4 của năm"):
        await expect(page.locator(".cycle-strip")).to_contain_text(name)
    await page.get_by_role("link", name="Bản đồ").last.click()
    for n in range(4):
        await expect(page.locator(".card").filter(has_text=f"Khách mới · Q{n + 1}")).to_be_visible()
    await expect(page.locator(".card").filter(has_text="Khách mới cả năm")).to_contain_text("460 < 480")

    # Of the year that runs only the quarter that has begun counts.
    for name in ("Cả năm", "Quý 1 của năm"):
        await page.goto("/cycles")
        await page.get_by_role("link", name=re.compile(f"^{name}")).first.click()
        await page.get_by_label("Vẫn bắt đầu dù tổng khác 100").check()
        await page.get_by_role("button", name="Bắt đầu chu kỳ này").click()
        await nam.said("Chu kỳ đang chạy")
    await page.goto(quarters_kpi)
    await page.get_by_role("link", name="Cập nhật tiến độ").click()
    await page.get_by_label("Giá trị hiện tại").fill("31")
    await page.get_by_label("7", exact=True).check(force=True)
    await page.get_by_role("button", name="Ghi lại").click()
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(of_year)
    await until(page.get_by_role("main").get_by_text("31 khách").count, page)
    await fits(page)
    await nam.goes(year)
