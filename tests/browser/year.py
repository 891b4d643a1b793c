"""Company X's KPIs (2.2, steps 1 to 8), as its people write them down, agree to them and change them in the console:
what each does is done on their own page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import fits, sign_in, until

GOALS = [("300 khách trả phí hài lòng cao", "300", "khách"), ("Doanh thu tăng 25 % so với 2023", "25", "%")]
CSFS = ["Tăng khách dùng thử phù hợp", "Tư vấn & onboarding khách dùng thử tốt hơn"]


@dataclass(frozen=True)
class Kpi:
    name: str
    level: str
    serves: str
    target: str
    unit: str
    weight: str
    """Of all that its owner answers for, in per cent; empty: none."""
    owners: Sequence[str] = ()
    """Nobody: the head of the unit answers."""
    of: str = ""
    """The unit whose it is."""
    start: str = ""
    rate_of: str = ""
    """The KPI that a rate is a rate of."""


COMPANY = [
    Kpi("Đăng ký dùng thử", "COMPANY", CSFS[0], "70", "đăng ký", "45", ["Nam"]),
    Kpi("Dùng thử → trả phí", "COMPANY", CSFS[1], "18", "%", "55", ["Nam"], start="12"),
]
SALES = [
    Kpi("Demo sản phẩm", "DEPARTMENT", "Đăng ký dùng thử", "100", "demo", "40", of="Sales"),
    Kpi("Demo → dùng thử", "DEPARTMENT", "Đăng ký dùng thử", "70", "%", "35", of="Sales", rate_of="Demo sản phẩm"),
    Kpi("Tư vấn sớm", "DEPARTMENT", "Dùng thử → trả phí", "100", "%", "25", of="Sales"),
]
CARE = [Kpi("Hoàn tất checklist", "DEPARTMENT", "Dùng thử → trả phí", "85", "%", "100", of="CSKH")]


def _own(who: str, name: str, serves: str, target: str, unit: str, weight: str, rate_of: str = "") -> Kpi:
    return Kpi(name, "INDIVIDUAL", serves, target, unit, weight, [who], rate_of=rate_of)


OWN = {
    "Minh": [
        _own("Minh", "Demo · khách mới", "Demo sản phẩm", "80", "demo", "40"),
        _own("Minh", "Dùng thử · khách mới", "Demo → dùng thử", "60", "%", "35", "Demo · khách mới"),
        _own("Minh", "Tư vấn sớm · mới", "Tư vấn sớm", "100", "%", "25"),
    ],
    "Trâm": [
        _own("Trâm", "Demo · khách cũ", "Demo sản phẩm", "30", "demo", "40"),
        _own("Trâm", "Dùng thử · khách cũ", "Demo → dùng thử", "80", "%", "35", "Demo · khách cũ"),
        _own("Trâm", "Tư vấn sớm · cũ", "Tư vấn sớm", "100", "%", "25"),
    ],
    "Thảo": [_own("Thảo", "Checklist · khách mới", "Hoàn tất checklist", "75", "%", "100")],
    "Tiến": [_own("Tiến", "Checklist · khách cũ", "Hoàn tất checklist", "90", "%", "100")],
}
"""By who drafts it for themselves."""
LEADS = {"Minh": "Phúc", "Trâm": "Phúc", "Thảo": "Lan", "Tiến": "Lan"}
HANDED = Kpi("Bàn giao trong 24 giờ", "INDIVIDUAL", "Hoàn tất checklist", "100", "%", "", ["Minh", "Trâm"])
SHARED = Kpi("Demo → gói Pro", "INDIVIDUAL", "Demo → dùng thử", "65", "%", "", ["Minh", "Thảo"])
REPORT = "Báo cáo khách tiềm năng"
LOWERED = {"Đăng ký dùng thử": ("70", "55"), "Demo sản phẩm": ("100", "80"), "Demo · khách mới": ("80", "50")}


class Desk:
    """Somebody at their own browser."""

    def __init__(self, page: Page):
        self.page = page

    async def goes(self, path: str) -> None:
        await self.page.goto(path)
        await fits(self.page)

    async def said(self, text: str) -> None:
        await expect(self.page.locator(".said")).to_contain_text(text)

    async def chooses(self, field: str, name: str, within: Locator | None = None) -> None:
        """An option by its name; people have their titles behind it."""
        field_ = (within or self.page).locator(f"[name='{field}']")
        named = field_.locator("option", has_text=re.compile(rf"^{re.escape(name)}( ·.*)?$"))
        await field_.select_option(await named.first.get_attribute("value"))

    async def opens(self, kpi: str) -> None:
        await self.page.goto("/map")
        await self.page.get_by_role("link", name=kpi, exact=True).first.click()
        await expect(self.page.get_by_role("heading", level=1)).to_contain_text(kpi)

    async def opens_cycle(self, name: str, first: date, last: date) -> None:
        """On the page that opens one."""
        await self.page.get_by_label("Tên", exact=True).fill(name)
        await self.page.get_by_label("Ngày đầu").fill(f"{first}")
        await self.page.get_by_label("Ngày cuối").fill(f"{last}")
        await self.page.get_by_role("button", name="Mở chu kỳ này").click()
        await self.said(f"Đã mở {name}")

    # --- step 1: where to, and what has to be done well for it ---

    async def sets_goal(self, name: str, target: str, unit: str) -> None:
        page = self.page
        await page.goto("/goals/new")
        await page.locator("#name").fill(name)
        await page.locator("#target").fill(target)
        await page.locator("#unit").fill(unit)
        await page.get_by_role("button", name="Đặt mục tiêu này").click()
        await self.said(name)

    async def picks_factor(self, name: str) -> None:
        """One that helps every goal."""
        page = self.page
        await page.goto("/csfs/new")
        await page.locator("#name").fill(name)
        for goal in await page.locator("[name^='goal.']").all():
            await goal.check()
        await page.get_by_role("button", name="Chọn", exact=True).click()
        await self.said(name)

    # --- steps 2 to 4: KPIs, written by who may set them, or sent to who agrees ---

    async def writes(self, kpi: Kpi) -> None:
        await self.page.goto("/kpis/new")
        await self.fills(kpi)
        await self.page.get_by_role("button", name="Ghi KPI").last.click()
        await self.said(f"Đã ghi KPI: {kpi.name}.")

    async def sends(self, kpi: Kpi, why: str) -> str:
        """The address of its proposal."""
        await self.page.goto("/kpis/new")
        await self.fills(kpi)
        await self.page.locator("#reason").fill(why)
        await self.page.get_by_role("button", name="Gửi thành đề xuất").click()
        await self.said(f"Đã đề xuất KPI: {kpi.name}.")
        return self.page.url.partition("#")[0]

    async def fills(self, kpi: Kpi) -> None:
        """The page that sets one."""
        page = self.page
        await page.locator("#name").fill(kpi.name)
        await page.locator("#target").fill(kpi.target)
        await page.locator("#measured_in").fill(kpi.unit)
        await page.locator("#weight").fill(kpi.weight)
        await page.locator("#baseline").fill(kpi.start)
        await page.locator(f"[name=level][value={kpi.level}]").check()
        await self.chooses("parent", kpi.serves)
        if kpi.unit == "%":
            await page.locator("[name=kind][value=LEVEL]").check()
        if kpi.rate_of:
            await self.chooses("volume", kpi.rate_of)
        if kpi.of:
            await self.chooses("unit", kpi.of)
        for n, owner in enumerate(kpi.owners):
            await self.chooses(f"owner.{n}", owner)

    async def approves(self, title: str) -> None:
        """What waits for them, found among the proposals."""
        page = self.page
        await page.goto("/proposals")
        row = page.locator(".row").filter(has_text=title)
        await until(row.get_by_role("link", name="Xem và quyết định").count, page)
        await row.get_by_role("link", name="Xem và quyết định").click()
        await page.get_by_label(re.compile("^Lý do")).fill("Đồng ý.")
        short = page.locator("[name=knows_short]")
        if await short.count():
            await short.check()
        await page.get_by_role("button", name="Duyệt cả gói").click()
        await expect(page.get_by_role("button", name="Duyệt cả gói")).to_have_count(0)

    # --- steps 6 and 7: the invited say yes ---

    async def accepts(self, title: str) -> None:
        """An invitation, found on their own first page."""
        page = self.page
        await page.goto("/")
        asked = page.get_by_role("region", name="Chờ bạn").get_by_role("link", name=re.compile(re.escape(title)))
        await until(asked.count, page)
        await asked.first.click()
        await page.get_by_role("button", name="Đồng ý, tôi chịu trách nhiệm").click()
        await expect(page.get_by_role("button", name="Đồng ý, tôi chịu trách nhiệm")).to_have_count(0)

    # --- step 8: less, so that it becomes more ---

    async def asks_for_less(self) -> None:
        page = self.page
        await self.opens("Demo · khách mới")
        await page.get_by_role("link", name="Đề xuất thay đổi").click()
        await page.get_by_label("Tiêu đề").fill("Ít buổi hơn, kỹ hơn")
        await page.get_by_label(re.compile("^Vì sao")).first.fill("Bớt số buổi để hiểu từng khách trước khi gặp.")
        for name, (_, after) in LOWERED.items():
            await page.get_by_label(re.compile(f"Mục tiêu mới của {name}")).fill(after)
        await page.get_by_role("button", name="Thêm KPI").click()
        new = page.get_by_role("group", name="KPI mới 1")
        await new.get_by_label("Tên").fill(REPORT)
        await self.chooses("addition.0.parent", "Demo sản phẩm", new)
        sums = page.locator("[data-sums]")
        await expect(sums).to_contain_text("50 × 60 % + 30 × 80 %")
        await expect(sums).to_contain_text("54 < 55")
        await expect(sums).to_contain_text("Nam sẽ quyết định")
        await fits(page)
        await page.get_by_role("button", name="Gửi đề xuất").click()
        await expect(page.get_by_role("heading", name="Giảm 3, thêm 1")).to_be_visible()


async def desk(chromium: Browser, address: str, person: str, width: int = 1280) -> Desk:
    context = await chromium.new_context(viewport={"width": width, "height": 844}, base_url=address)
    page = await context.new_page()
    await sign_in(page, person)
    return Desk(page)
