"""Who may get in, and from where."""

from urllib.parse import unquote

import httpx
import pytest

from eventkit.errors import unknown
from eventkit.rpc.demo_issuer import DemoIssuer
from nhip.common.v1 import command_pb2, operations_pb2
from nhip.people.v1 import people_pb2, settings_pb2
from services.gateway.console.visit import SAID_COOKIE
from services.gateway.session import SESSION_COOKIE, local_path

from .conftest import Backend


async def test_without_a_session_every_page_leads_to_sign_in(client: httpx.AsyncClient):
    answer = await client.get("/proposals?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fproposals%3Fx%3D1")


async def test_who_picked_a_person_asks_as_that_person(signed_in: httpx.AsyncClient, backend: Backend):
    page = await signed_in.get("/proposals")
    assert page.status_code == 200
    assert "Đề xuất" in page.text
    assert "không hỏi mật khẩu" in page.text  # that it is a demo is told on every page
    assert backend.metadata("authorization")[0] == f"Bearer {signed_in.cookies[SESSION_COOKIE]}"


async def test_a_page_of_another_site_cannot_act(signed_in: httpx.AsyncClient):
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {},
    ):
        assert (await signed_in.post("/sign-out", headers=headers)).status_code == 403
    assert (await signed_in.post("/sign-out", headers={"Origin": "http://localhost"})).status_code == 303


async def test_a_token_of_another_key_is_no_session(client: httpx.AsyncClient, tmp_path):
    other = DemoIssuer(host="127.0.0.1", key_file=tmp_path / "other.json", issuer="http://127.0.0.1/test")
    client.cookies.set(SESSION_COOKIE, other.mint("acme", "person:minh"))
    assert (await client.get("/")).status_code == 303
    client.cookies.set(SESSION_COOKIE, "nonsense")
    assert (await client.get("/")).status_code == 303


async def test_an_expired_session_is_none(client: httpx.AsyncClient, issuer: DemoIssuer):
    client.cookies.set(SESSION_COOKIE, issuer.mint("acme", "person:minh", seconds=-1))
    assert (await client.get("/")).status_code == 303


async def test_nothing_inline_and_nothing_from_elsewhere(signed_in: httpx.AsyncClient):
    page = await signed_in.get("/proposals")
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert " style=" not in page.text
    assert "<script>" not in page.text


async def test_tokens_are_for_programs_of_this_machine(client: httpx.AsyncClient, issuer: DemoIssuer):
    wanted = {"subject": "service:importer", "tenant": "acme", "on_behalf_of": "person:nam"}
    answer = await client.post("/demo/token", json=wanted)
    assert answer.json()["token"].count(".") == 2
    for headers in ({"X-Forwarded-For": "10.0.0.1"}, {"Host": "evil.example"}, {"Origin": "http://localhost"}):
        assert (await client.post("/demo/token", json=wanted, headers=headers)).status_code == 403
    assert (await client.get("/.well-known/jwks.json")).json() == issuer.jwks()


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/kpi/i1?on=2025-01-01", "/kpi/i1?on=2025-01-01"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_one_stays_on_this_site(wanted: str, path: str):
    assert local_path(wanted) == path


async def test_a_company_that_was_begun_gets_its_first_administrator_and_keeps_its_name(
    client: httpx.AsyncClient, backend: Backend
):
    """As after a crash between the two: the company stands, nobody is in it yet."""
    backend.answers("GetTenant", people_pb2.Tenant(tenant_id="acme", name="Acme"))
    backend.answers("ListPeople", people_pb2.PeopleList())
    backend.answers("RegisterPerson", command_pb2.Accepted(id="huong", position="people=3"))
    backend.answers("ChangeCompany", command_pb2.Accepted(id="acme", unchanged=True))
    backend.answers("GetAccess", operations_pb2.Access())
    page = await client.get("/sign-in")
    assert 'value="Acme"' in page.text
    sent = {"company": "Another", "name": "Hương"}
    done = await client.post("/set-up", data=sent, headers={"Sec-Fetch-Site": "same-origin"})
    assert (done.status_code, done.headers["location"]) == (303, "/first-steps")
    assert "CreateTenant" not in {name for name, _, _ in backend.asked}
    assert "Acme" in unquote(done.cookies[SAID_COOKIE])


async def test_a_company_is_set_up_in_the_language_that_was_chosen_and_a_second_time_says_so(
    client: httpx.AsyncClient, backend: Backend
):
    backend.answers("GetTenant", unknown("tenant", "acme", "tenant_id"))
    backend.answers("CreateTenant", command_pb2.Accepted(id="acme", position="people=1"))
    backend.answers("ChangeCompany", command_pb2.Accepted(id="acme", position="people=2"))
    backend.answers("RegisterPerson", command_pb2.Accepted(id="huong", position="people=3"))
    backend.answers("GetAccess", operations_pb2.Access())
    sent = {"company": "Acme", "name": "Hương", "language": "en", "time_zone": "Asia/Ho_Chi_Minh"}
    own = {"Sec-Fetch-Site": "same-origin"}
    await client.post("/set-up", data=sent, headers=own)
    assert [one.language for _, one, _ in backend.asked if isinstance(one, settings_pb2.ChangeCompany)] == ["en"]
    backend.answers("GetTenant", people_pb2.Tenant(tenant_id="acme", name="Acme"))
    backend.answers("ListPeople", people_pb2.PeopleList(people=[people_pb2.Person(person_id="huong", active=True)]))
    again = await client.post("/set-up", data=sent, headers=own)
    assert (again.status_code, again.headers["location"]) == (303, "/sign-in")
    assert "Acme" in unquote(again.cookies[SAID_COOKIE])
