"""A company that is suspended, or was deleted, has one page, whatever is asked for: what happened, and whom to ask."""

import httpx
import pytest

from eventkit.errors import Kind, Rejected
from nhip.people.v1 import people_pb2
from services.gateway.upstream import SERVICES

from .conftest import Backend

OWN = {"Sec-Fetch-Site": "same-origin"}
EVERYTHING = [method.name for service in SERVICES.values() for method in service.methods]

SUSPENDED = Rejected("TENANT_SUSPENDED", "this company is suspended", kind=Kind.FORBIDDEN)


DELETED = Rejected("TENANT_DELETED", "the tenant was deleted", kind=Kind.FORBIDDEN)


def suspend(backend: Backend, why: Rejected = SUSPENDED) -> None:
    for method in (*EVERYTHING, "GetAccess"):
        backend.answers(method, why)


@pytest.mark.parametrize("path", ["/", "/map", "/kpi/i1", "/people", "/inbox", "/search/found?q=a", "/no-such-page"])
async def test_every_page_is_that_one(signed_in: httpx.AsyncClient, backend: Backend, path: str):
    suspend(backend)
    page = await signed_in.get(path)
    assert page.status_code == 403
    assert "Công ty của bạn đang tạm ngừng" in page.text
    assert "Không mất gì cả" in page.text
    assert "Hãy hỏi người vận hành Nhịp" in page.text
    assert 'action="/sign-out"' in page.text
    assert 'class="tabs"' not in page.text, "a way to what is shut"


async def test_it_is_in_english_and_by_the_companys_name_where_that_is_known(
    signed_in: httpx.AsyncClient, backend: Backend
):
    backend.answers("GetTenant", people_pb2.Tenant(name="Công ty X", language="en", logo="abc"))
    signed_in.cookies.delete("nhip-language")
    await signed_in.get("/no-such-page")
    suspend(backend)
    page = (await signed_in.get("/map")).text
    assert "Công ty X is suspended" in page
    assert "Nothing is lost" in page
    assert "/logo/" not in page, "nobody is given it"


@pytest.mark.parametrize("path", ["/", "/map", "/no-such-page", "/sign-in"])
async def test_of_a_deleted_company_every_page_says_that_it_was_and_not_its_name(
    signed_in: httpx.AsyncClient, backend: Backend, path: str
):
    backend.answers("GetTenant", people_pb2.Tenant(name="Công ty X", language="en", logo="abc"))
    await signed_in.get("/no-such-page")
    suspend(backend, DELETED)
    page = await signed_in.get(path)
    assert page.status_code == 403
    assert "was deleted" in page.text or "đã bị xoá" in page.text
    assert "No word that anybody in your company wrote opens any more" in page.text or "không còn mở ra" in page.text
    assert "be read" not in page.text, "names of units and KPIs can, in logs and topics"
    assert "Công ty X" not in page.text
    assert "/logo/" not in page.text


async def test_of_what_is_sent_it_says_that_it_was_not_carried_out(signed_in: httpx.AsyncClient, backend: Backend):
    suspend(backend)
    page = await signed_in.post("/profile/email", data={"email": "minh@x.vn"}, headers=OWN)
    assert page.status_code == 403
    assert "Điều bạn vừa gửi chưa được thực hiện" in page.text
    assert "ChangeEmail" not in [method for method, _, _ in backend.asked]


async def test_who_would_sign_in_is_told_and_nobody_sets_a_company_up_in_its_place(
    client: httpx.AsyncClient, backend: Backend
):
    suspend(backend)
    page = await client.get("/sign-in")
    assert page.status_code == 403
    assert "đang tạm ngừng" in page.text
    assert 'action="/set-up"' not in page.text
    set_up = await client.post("/set-up", data={"company": "Y", "name": "Z"}, headers=OWN)
    assert set_up.status_code == 403
    assert "CreateTenant" not in [method for method, _, _ in backend.asked]


async def test_when_it_is_resumed_the_pages_are_there_again(signed_in: httpx.AsyncClient, backend: Backend):
    known = dict(backend.handlers)
    suspend(backend)
    assert (await signed_in.get("/proposals")).status_code == 403
    backend.handlers = known
    backend.answers("CountNotices", SUSPENDED)  # by who has not heard of it yet
    assert (await signed_in.get("/proposals")).status_code == 200


async def test_programs_are_told_the_reason(signed_in: httpx.AsyncClient, backend: Backend):
    suspend(backend)
    refused = await signed_in.get("/v1/cycles")
    assert (refused.status_code, refused.json()["error"]["reason"]) == (403, "TENANT_SUSPENDED")
