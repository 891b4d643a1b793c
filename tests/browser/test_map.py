"""The map kept as a picture, and two days of it side by side."""

import struct
from pathlib import Path
from xml.etree import ElementTree

from playwright.async_api import expect

from tests.browser.conftest import Open


async def test_the_map_is_kept_as_a_drawing_and_as_a_picture(opened: Open, tmp_path: Path):
    page = await opened("/map")
    await page.wait_for_selector(".board.ready")
    sizes: dict[str, tuple[int, int]] = {}
    for kind in ("svg", "png"):
        await page.click("[data-keep] summary")
        async with page.expect_download() as kept:
            await page.click(f"[data-picture={kind}]")
        download = await kept.value
        assert download.suggested_filename == f"ban-do-muc-tieu-2025-03-20.{kind}"
        await download.save_as(file := tmp_path / f"map.{kind}")
        if kind == "svg":
            drawing = ElementTree.parse(file).getroot()
            words = " ".join("".join(text.itertext()) for text in drawing.iter("{http://www.w3.org/2000/svg}text"))
            for said in ("Quý 1/2025", "Demo sản phẩm", "Đăng ký dùng thử", "Bàn giao 24 giờ"):
                assert said in words
            sizes[kind] = int(drawing.attrib["width"]), int(drawing.attrib["height"])
        else:
            head = file.read_bytes()[:24]
            assert head[:8] == b"\x89PNG\r\n\x1a\n"
            sizes[kind] = struct.unpack(">II", head[16:24])
    assert sizes["png"] == (2 * sizes["svg"][0], 2 * sizes["svg"][1])


async def test_on_paper_the_map_is_alone_and_as_wide_as_the_sheet(opened: Open):
    page = await opened("/map")
    await page.wait_for_selector(".board.ready")
    await page.emulate_media(media="print")
    await page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    for gone in (".top", ".when-bar", ".zoom"):
        await expect(page.locator(gone).first).to_be_hidden()
    await page.wait_for_function("document.querySelector('.stage').getBoundingClientRect().width <= 1041")
    assert await page.pdf(landscape=True)
    await page.evaluate("window.dispatchEvent(new Event('afterprint'))")


async def test_the_line_says_what_changed_and_two_days_stand_side_by_side(opened: Open):
    page = await opened("/map?on=2025-02-18")
    labels = await page.locator(".tl-label").all_text_contents()
    assert "Giảm 3, thêm 1" in labels
    await page.click("text=So với hôm nay")
    row = page.locator("section[aria-label='Demo · khách mới']")
    sides = await row.locator("tr.differs", has_text="Mục tiêu").locator("td").all_inner_texts()
    assert [" ".join(side.split()) for side in sides] == ["80 demo", "50 demo (đã đổi)"]
    assert await page.locator("section", has_text="khi đó chưa có").count() >= 1
    await page.goto("/kpi/i1/compare?a=2025-02-18&b=2025-03-20")
    said = await page.locator("table.compared tr.differs th").all_inner_texts()
    assert "Mục tiêu" in said
    same = page.locator("table.compared tr:not(.differs)", has_text="Người chịu trách nhiệm")
    assert await same.count() == 1
