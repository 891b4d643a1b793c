"""Keys of programs in a browser: made for one job, shown once, replaced, and revoked with a reason."""

import re
from collections.abc import Generator

import pytest
from playwright.async_api import expect

from nhip.people.v1 import integrations_pb2 as pb
from tests.browser.company_x import CompanyX
from tests.browser.conftest import Open, fits, serving

COMPANY = CompanyX()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with serving(COMPANY, tmp_path_factory.mktemp("issuer")) as url:
        yield url


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_a_key_is_made_for_one_kpi_and_shown_once(opened: Open, script: bool):
    page = await opened("/settings/integrations", person="Hương", script=script)
    await page.get_by_role("link", name="Tạo khoá").click()
    await page.get_by_role("button", name="Tạo khoá").click()
    await expect(page.locator("#error-name")).to_have_text("Ô này là bắt buộc.")
    await expect(page.locator("#error-kpis")).to_be_visible()  # nothing ticked is not everything
    await page.get_by_label("Tên", exact=False).first.fill("CRM mới")
    await page.get_by_label("Tìm KPI").fill("khách mới")
    await page.get_by_role("button", name="Tìm", exact=True).click()
    await page.locator(".kpi-picks.found input[type=checkbox]").first.check()
    await page.locator(".kpi-picks.found input[name^=called]").first.fill("demo")
    await page.get_by_role("button", name="Tạo khoá").click()
    key = await page.get_by_label("Khoá", exact=True).input_value()
    assert re.fullmatch(r"nhip_company-x_[0-9a-f]{64}", key)
    await expect(page.get_by_role("button", name="Chép khoá")).to_be_visible(visible=script)
    await page.reload()  # the same form again is the same key, and no second integration
    assert await page.get_by_label("Khoá", exact=True).input_value() == key
    made = [one for one in COMPANY.integrations.values() if one.integration.name == "CRM mới"]
    assert made[-1].key_hint == key[-4:]
    assert made[-1].integration.scope.verbs == [pb.INTEGRATION_VERB_RECORD]
    assert [one.called for one in made[-1].integration.source_names] == ["demo"]
    assert len(made[-1].integration.scope.kpi_ids) == 1
    assert len(made) == (1 if script else 2)
    await page.get_by_role("link", name="Tôi đã cất khoá").click()
    assert key not in await page.content()


async def test_a_key_is_replaced_and_revoked_on_a_phone(opened: Open):
    page = await opened("/settings/integrations/bi", person="Hương", phone=True)
    await page.get_by_role("button", name="Tạo khoá khác").click()
    await expect(page.get_by_text("Khoá cũ còn chạy song song 48 giờ")).to_be_visible()
    await fits(page)
    await page.get_by_role("link", name="Tôi đã cất khoá").click()
    await page.get_by_role("button", name="Dừng khoá cũ").click()
    await expect(page.get_by_role("status").first).to_have_text("Khoá cũ không dùng được nữa.")
    await page.get_by_role("button", name="Thu hồi").click()
    await expect(page.locator("#error-reason")).to_be_visible()
    await page.get_by_label("Lý do").fill("Đã có báo cáo khác")
    await page.get_by_role("button", name="Thu hồi").click()
    await expect(page.get_by_text("“Đã có báo cáo khác”")).to_be_visible()
    await expect(page.get_by_role("button", name="Thu hồi")).to_have_count(0)
    await fits(page)


async def test_a_look_at_a_table_says_what_is_wrong_by_row(opened: Open):
    page = await opened("/settings/integrations/sheet", person="Hương")
    await page.get_by_text("Những dòng nào").click()
    await expect(page.get_by_text("Dòng 7")).to_be_visible()
    await expect(page.get_by_text("Địa chỉ trả lời 404: bảng còn được xuất bản không?")).to_be_visible()
    assert "whsec_" not in await page.content()
    await page.get_by_role("link", name="Hiện địa chỉ và mã bí mật").click()
    await expect(page.get_by_text("whsec_")).to_be_visible()
