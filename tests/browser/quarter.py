"""Company X's first quarter of 2025 (2.2, steps 9 to 13), as two people live it in the console: what each does is done
on their own page, and what the other is to see of it is looked for on theirs."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from google.type.decimal_pb2 import Decimal
from playwright.async_api import Page, expect

from eventkit.values import from_date
from nhip.checkins.v1 import cadence_pb2 as cd
from nhip.checkins.v1 import reviews_pb2 as rv
from nhip.checkins.v1 import types_pb2 as ct
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as gt
from tests.browser.conftest import fits, until
from tests.e2e.running import Company

SLOTS = [date(2025, 1, 9), date(2025, 1, 23), date(2025, 2, 6), date(2025, 2, 20), date(2025, 3, 6), date(2025, 3, 20)]
CONTRACTS, SURE, MOODS = (1, 2, 3, 4, 5, 6), (7, 7, 6, 5, 4, 6), (4, 4, 3, 3, 2, 4)
"""By check-in; the last is the update that the book prints, six of ten on 20/03/2025."""
TOPIC, ACTION = "Khung giá tự quyết", "Gửi lại báo giá theo mẫu A"


@dataclass
class Quarter:
    """A quarter that is over, with a KPI of ten contracts for each of some people, and a check-in every second
    Thursday."""

    x: Company
    cycle: str = ""

    async def plan(self, *names: str) -> None:
        x, importer = self.x, "service:importer"
        opened = g.OpenCycle(
            name="Quý 1/2025", starts_on=from_date(date(2025, 1, 1)), ends_on=from_date(date(2025, 3, 31))
        )
        self.cycle = (await x.do(importer, opened)).id
        measure = gt.Measure(
            kind=gt.MEASURE_KIND_CUMULATIVE,
            direction=gt.DIRECTION_INCREASE,
            unit="hợp đồng",
            target=Decimal(value="10"),
        )
        for name in names:
            owner = x.people[name]
            draft = gt.KpiDraft(
                name=kpi_of(name), level=gt.LEVEL_INDIVIDUAL, measure=measure, owner_ids=[owner], why="Mười là vừa sức"
            )
            x.kpis[kpi_of(name)] = (await x.do(importer, g.DefineKpi(cycle_id=self.cycle, kpi=draft))).id
        await x.do("Nam", g.StartCycle(cycle_id=self.cycle, with_uneven_weights=True))
        for name in names:
            rhythm = cd.SetCadence(person_id=x.people[name], every_weeks=2, weekday=ct.WEEKDAY_THURSDAY)
            rhythm.first_on.CopyFrom(from_date(SLOTS[0]))
            await x.do(importer, rhythm)

    async def end(self, name: str, manager: str) -> None:
        """Its last day: reviews open."""
        await self.x.do(manager, rv.OpenReview(cycle_id=self.cycle, person_id=self.x.people[name]))


def kpi_of(name: str) -> str:
    return f"Hợp đồng của {name}"


@dataclass
class Pair:
    """Somebody and their manager, each at their own browser."""

    quarter: Quarter
    address: str
    name: str
    manager: str
    mine: Page
    theirs: Page

    @property
    def id(self) -> str:
        return self.quarter.x.people[self.name]

    @property
    def kpi(self) -> str:
        return self.quarter.x.kpis[kpi_of(self.name)]

    async def go(self, page: Page, path: str) -> None:
        await page.goto(self.address + path)
        await fits(page)

    # --- step 9: six check-ins ---

    async def check_in(self, at: int, more: Callable[[Page], Awaitable[None]] | None = None) -> None:
        page = self.mine
        await self.go(page, f"/checkin?day={SLOTS[at]}")
        await expect(page.get_by_role("heading", level=1)).to_have_text(f"Check-in ngày {SLOTS[at]:%d/%m}")
        row = page.locator(f"[data-row='{self.kpi}']")
        await row.get_by_role("textbox", name=re.compile("bây giờ")).fill(str(CONTRACTS[at]))
        await row.get_by_role("radio", name=str(SURE[at]), exact=True).check()
        await page.locator(f"[name=mood][value='{MOODS[at]}']").check()
        if more:
            await more(page)
        await page.get_by_role("button", name="Gửi check-in").click()
        await expect(page.locator("p.said")).to_contain_text(f"{self.manager} sẽ đọc")

    async def raise_topic(self, page: Page) -> None:
        await page.get_by_label("Đang vướng 1").fill("Duyệt giá mất 3–5 ngày")
        await page.get_by_text("Thêm chủ đề").click()
        await page.get_by_label("Nói ngắn gọn").fill(TOPIC)
        await page.get_by_role("checkbox", name=f"Tôi muốn gặp riêng {self.manager}").check()

    async def answer(self) -> None:
        """Their manager reads it, with its mood, and asks instead of ordering."""
        page = self.theirs
        await self.go(page, f"/checkin/{self.id}/{SLOTS[4]}")
        await until(page.get_by_text("Duyệt giá mất 3–5 ngày").count, page)
        await expect(page.locator("main")).to_contain_text("Mệt")
        await page.get_by_label(re.compile("^Điều bạn thấy")).fill("Theo em, bước nào đang giữ khách lại lâu nhất?")
        await page.get_by_role("button", name="Gửi phản hồi").click()
        await expect(page.locator("p.said")).to_be_visible()
        await self.go(self.mine, f"/checkin?day={SLOTS[4]}")
        await until(self.mine.get_by_text("bước nào đang giữ khách lại lâu nhất").count, self.mine)

    # --- step 10: the topic, a 1:1, an action, its approval ---

    async def meet(self) -> None:
        page = self.theirs
        await self.go(page, f"/meetings/new?with={self.id}&check_in={self.id}.{SLOTS[4]}")
        await expect(page.locator(f"[name='person.{self.id}']")).to_be_checked()
        starts = datetime.now(UTC) + timedelta(days=1)
        await page.get_by_label("Khi nào?").fill(f"{starts:%Y-%m-%dT09:00}")
        await page.get_by_role("button", name="Gửi lời mời").click()
        await expect(page.locator("p.said")).to_be_visible()
        meeting = page.url.removeprefix(self.address).partition("#")[0]
        await self.go(self.mine, meeting)
        await self._say(self.mine, "problem", "Mỗi lần xin duyệt giá mất 3–5 ngày")
        way = self.mine.locator("#step-2")
        await way.get_by_label("Hướng nào?").fill("Mẫu A, tự quyết đến 8 %")
        await way.get_by_role("button", name="Thêm hướng").click()
        await expect(way.locator(".way")).to_contain_text("tự quyết đến 8 %")

        await self.go(page, meeting)
        await until(page.locator(".way").count, page)
        await page.locator(".way").get_by_role("button", name=re.compile("^Chọn")).click()
        await expect(page.locator(".way.chosen")).to_be_visible()
        action = page.locator("#step-3")
        await action.locator("#what-new").fill(ACTION)
        await action.locator("#doer-new").select_option(self.id)
        await action.locator("#due-new").fill(f"{starts:%Y-%m-%dT17:00}")
        await action.locator("#approver-new").select_option(self.quarter.x.people[self.manager])
        await action.get_by_role("button", name="Thêm việc").click()
        await expect(action.locator(".action")).to_contain_text(ACTION)
        topic = page.locator("#step-1 li").filter(has_text=TOPIC)
        await topic.locator("summary").click()
        await topic.get_by_role("textbox").fill("Tự quyết đến 8 %")
        await topic.get_by_label("Đã xử lý xong: đóng chủ đề").check()
        await topic.get_by_role("button", name="Lưu").click()
        await expect(page.locator("#step-1 li").filter(has_text=TOPIC)).to_contain_text("đã bàn")
        await self._say(page, "summary", "Soạn lại đề xuất theo mẫu A")
        for who in (page, self.mine):
            await self.go(who, meeting)
            await until(who.locator("#minutes", has_text="theo mẫu A").count, who)
            await who.get_by_role("button", name="Chốt biên bản").click()
            await expect(who.locator("p.said")).to_be_visible()
        await until(self.mine.locator(".good-notice").count, self.mine)

    async def _say(self, page: Page, part: str, text: str) -> None:
        await page.locator(f"#text-note-{part}").fill(text)
        async with page.expect_response(lambda told: told.url.endswith("/notes")):
            await page.locator("h1").click()
            await page.locator(f"#text-note-{part}").blur()
        await expect(page.locator(f"#note-{part} [data-kept]")).to_contain_text("Đã lưu")

    async def report(self, page: Page) -> None:
        """What was agreed is followed up in the next check-in."""
        await page.get_by_role("checkbox", name=re.compile(re.escape(ACTION))).check()

    async def approve(self) -> None:
        page = self.theirs
        await self.go(page, "/actions")
        asked = page.locator(".action").filter(has_text=ACTION).filter(has_text=self.name)
        await until(asked.locator("summary", has_text="Duyệt").count, page)
        await asked.locator("summary", has_text="Duyệt").click()
        await asked.get_by_role("button", name="Duyệt", exact=True).click()
        await expect(page.locator("p.said")).to_have_text("Đã duyệt và báo cho người làm.")

    # --- step 12: the review of 31/03 ---

    async def review(self) -> None:
        await self.quarter.end(self.name, self.manager)
        for page, who in ((self.mine, "own"), (self.theirs, "manager")):
            await self.go(page, f"/reviews/{self.quarter.cycle}/{self.id}")
            await until(page.get_by_role("button", name=re.compile("^Gửi cho")).count, page)
            await expect(page.locator(".review-kpi")).to_contain_text("6 / 10")
            await page.locator(f"[name='step.{self.kpi}'][value=keep]").check(force=True)
            await page.locator("#why").fill("Duyệt giá chậm" if who == "own" else "Anh duyệt chậm")
            if who == "own":
                await page.locator("#working").fill("Đọc kỹ khách")
                await page.locator("#next").fill("Giữ")
            to = self.manager if who == "own" else self.name
            await page.get_by_role("button", name=f"Gửi cho {to}").click()
            await expect(page.locator("p.said")).to_contain_text("Đã gửi phần của bạn")
        await self.theirs.get_by_role("button", name="Khép bản nhìn lại").click()
        await expect(self.theirs.locator("p.said")).to_contain_text("Đã khép bản nhìn lại")
        await self.go(self.mine, f"/reviews/{self.quarter.cycle}/{self.id}")
        await until(self.mine.get_by_text("Anh duyệt chậm").count, self.mine)
        await expect(self.mine.locator(".review-facts")).to_contain_text("6/6 check-in")

    # --- step 13: the retro ---

    async def look_back(self) -> None:
        """About how one works: nothing of a KPI is on the page."""
        page = self.mine
        await self.go(page, f"/retro/{self.quarter.cycle}")
        text = await page.locator("main").inner_text()
        assert kpi_of(self.name) not in text
        assert "hợp đồng" not in text
        await page.locator("#start").fill("Hỏi giá trước khi gặp")
        await page.get_by_role("button", name="Xong sao biển").click()
        await expect(page.locator("p.said")).to_be_visible()
        retro = f"/retro/{self.quarter.cycle}/{self.id}"
        assert (await self.theirs.goto(self.address + retro)).status == 404  # type: ignore[union-attr] # it answers
        await page.get_by_role("button", name=f"Cho {self.manager} đọc").click()
        await expect(page.locator("p.said")).to_be_visible()
        await self.theirs.goto(self.address + retro)
        await until(self.theirs.get_by_text("Hỏi giá trước khi gặp").count, self.theirs)
        await fits(self.theirs)

    async def live(self) -> None:
        for at in range(4):
            await self.check_in(at)
        await self.check_in(4, self.raise_topic)
        await self.answer()
        await self.meet()
        await self.check_in(5, self.report)
        await self.approve()
        await self.review()
        await self.look_back()
