"""A table brought in and taken out through the console, in a browser without script, over the services of this run.

X-07.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from playwright.async_api import Page, async_playwright

from deploy.browser import find_browser
from eventkit.rpc.auth import Keys, Tokens
from importing.sheets.grid import read
from nhip.people.v1 import people_pb2 as p
from services.gateway.service import application
from services.gateway.session import SESSION_COOKIE, Identity
from services.gateway.upstream import Upstream
from tests.integration.services.company import Company, System, words

UNITS = "Tên đơn vị;Thuộc;Trưởng đơn vị\nKhối vận hành;;Phúc\nKho;Khối vận hành;\n"
PEOPLE = (
    "DANH SÁCH NHÂN SỰ;;;;;\n"
    "Mã NV;Họ và tên;Phòng;Quản lý;Email;Ngày vào làm\n"
    "001;Đỗ Ánh;Kho;Phúc;anh@x.example;03/04/2024\n"
    ";═══ KHO ═══;;;;\n"
    "002;Lý Bình;Khoo;001;binh@x.example;25/12/2023\n"
    "003;=HYPERLINK(1);Kho;001;khong phai;25/12/2023\n"
)


@pytest.fixture
async def company(system: System) -> Company:
    company = await system.company().found()
    await company.do(p.ChangeName(person_id=company.ids["phuc"], name=words("Phúc")), "nam")
    return company


@asynccontextmanager
async def console(system: System, company: Company) -> AsyncGenerator[str]:
    """A gateway over the services, for this company."""
    tokens = Tokens(issuer=system.issuer.issuer, audience="nhip", keys=Keys(system.settings.jwks))
    app = application(Upstream(dict(system.channels)), Identity(system.issuer, company.tenant), tokens)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        http = uvicorn.Server(uvicorn.Config(app, log_level="warning", proxy_headers=False))
        serving = asyncio.create_task(http.serve(sockets=[listening]))
        while not http.started:
            await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        http.should_exit = True
        await serving


async def bring(page: Page, table: str, content: str, *, again: bool = False) -> None:
    """To the dry run; `again`: a table with such headings was brought in before."""
    await page.goto("/import")
    await page.check(f"input[name=table][value={table}]")
    file = {"name": f"{table}.csv", "mimeType": "text/csv", "buffer": content.encode("utf-8-sig")}
    await page.set_input_files("#file", files=[file])  # pyright: ignore[reportArgumentType]
    await page.click("form .primary")
    if again:
        assert "đọc như lần trước, ngày" in await page.inner_text("main .notice")
        assert "như lần trước" in await page.inner_text(".import-columns")
    await page.click(".import-foot .primary")


async def test_people_and_units_come_in_and_go_out_through_the_console(system: System, company: Company):
    async with console(system, company) as url, async_playwright() as playwright:
        token = system.issuer.mint(company.tenant, company.subject("nam"))
        browser = await playwright.chromium.launch(executable_path=str(find_browser()), args=["--no-sandbox"])
        context = await browser.new_context(base_url=url, java_script_enabled=False)
        await context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": url}])
        page = await context.new_page()

        await bring(page, "units", UNITS)
        await page.click(".import-foot .primary")
        await page.wait_for_selector("text=mới: 2 đơn vị")
        await page.wait_for_selector("text=Lần sau, bảng có các tên cột này sẽ được đọc như bảng này.")

        await bring(page, "people", PEOPLE)
        told = await page.inner_text("main")
        assert "Dòng 5, cột C" in told
        assert "Dòng 6, cột E" in told
        assert "Bỏ qua vì là dòng tiêu đề: dòng 4." in told
        await page.click(".import-foot .primary")  # wrong rows, and nobody said to leave them out
        assert "Ghi" in await page.inner_text(".import-foot")
        assert "Đỗ Ánh" not in {one.name.plain for one in (await people(company)).values()}
        await page.click("button[name=fix]")  # Kho instead of Khoo
        assert "Khoo" not in await page.inner_text("main")
        await page.check("input[name=skip]")
        await page.click(".import-foot .primary")
        await page.wait_for_selector("text=mới: 2 nhân sự")
        found = await people(company)
        assert (found["002"].place.manager_id, found["002"].name.plain) == (found["001"].person_id, "Lý Bình")
        assert "003" not in found

        await bring(
            page,
            "people",
            PEOPLE.replace("Đỗ Ánh", "Đỗ Ngọc Ánh").replace("Khoo", "Kho").replace("khong phai", ""),
            again=True,
        )
        assert "Đỗ Ngọc Ánh" in await page.inner_text("main")
        await page.uncheck("input[name=tick]")
        await page.click(".import-foot .primary")
        await page.wait_for_selector("text=mới: 1 nhân sự")
        assert (await people(company))["001"].name.plain == "Đỗ Ánh"
        await browser.close()

        async with httpx.AsyncClient(base_url=url, cookies={SESSION_COOKIE: token}) as http:
            csv = (await http.get("/import/export/people.csv")).content
            assert csv.startswith(b"\xef\xbb\xbf")
            assert b"'=HYPERLINK(1)" in csv
            for content, name in ((csv, "a.csv"), ((await http.get("/import/export/people.xlsx")).content, "a.xlsx")):
                rows = [[str(cell) for cell in row] for row in read(content, name).grids[0].rows]
                assert ["001", "Đỗ Ánh", "anh@x.example", "None", "Kho"] in [row[:5] for row in rows]
            for table in ("units", "kpis", "values"):
                assert (await http.get(f"/import/export/{table}.csv")).status_code == 200


async def people(company: Company) -> dict[str, p.Person]:
    found = await company.ask(p.ListPeople(page_size=200))
    assert isinstance(found, p.PeopleList)
    return {one.employment.employee_code or one.person_id: one for one in found.people}


async def test_who_may_not_is_told_before_they_choose_a_file(system: System, company: Company):
    async with console(system, company) as url:
        token = system.issuer.mint(company.tenant, company.subject("minh"))
        async with httpx.AsyncClient(base_url=url, cookies={SESSION_COOKIE: token}) as http:
            page = (await http.get("/import")).text
            assert page.count("bạn không được nhập bảng này") >= 2
            own = {"Sec-Fetch-Site": "same-origin"}
            for said, status in (
                ({"table": "people"}, 422),
                ({"table": "people", "data": "x"}, 422),
                ({"table": "?"}, 404),
            ):
                sent = {name: (None, value) for name, value in said.items()}
                assert (await http.post("/import/look", files=sent, headers=own)).status_code == status
