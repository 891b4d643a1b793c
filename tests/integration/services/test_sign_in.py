"""Signing in to the console at an OpenID Connect provider, which runs as a process of its own: there and back, linked
by a verified address, known by another gateway, renewed, signed out, unlinked."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import httpx
import pytest
from starlette.types import Receive, Scope, Send

from cli.catalog import SERVICES
from deploy.engines.ports import claimed
from eventkit.errors import Rejected
from eventkit.process.host import running
from eventkit.rpc.auth import of_settings
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import identities_pb2
from nhip.people.v1 import people_pb2 as p
from services.gateway.provider import Provider
from services.gateway.service import application
from services.gateway.session import Identity
from services.gateway.upstream import Upstream
from tests.integration.services.company import Company, System, words
from tests.waiting import PATIENCE

CONSOLE = "https://nhip.company.test"
KEY = base64.urlsafe_b64encode(b"k" * 32)


@pytest.fixture(scope="module")
async def provider_url() -> AsyncGenerator[str]:
    with claimed(1) as [port]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "oidc_provider_mock", "--port", str(port),
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        url = f"http://localhost:{port}"
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient() as client:
            while True:
                try:
                    await client.get(f"{url}/.well-known/openid-configuration")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        yield url
        process.terminate()
        await process.wait()


@pytest.fixture
async def company(system: System) -> Company:
    return await system.company().found()


@dataclass
class Browser:
    """A browser between a console and the provider."""

    console: httpx.AsyncClient
    provider: httpx.AsyncClient
    subject: str

    async def sign_in(self, path: str = "/profile") -> httpx.Response:
        """By the address of a page, over the provider; answers what the console says to who comes back."""
        asked = await self.console.get(f"/sign-in?next={path}")
        assert asked.status_code == 302, asked.text
        assert "code_challenge_method=S256" in asked.headers["location"]
        back = await self.provider.post(asked.headers["location"], data={"sub": self.subject})
        assert back.status_code in (302, 303), back.text
        assert back.headers["location"].startswith(f"{str(self.console.base_url).rstrip('/')}/sign-in/back?")
        return await self.console.get(back.headers["location"])


@asynccontextmanager
async def console(
    system: System, company: Company, provider_url: str, subject: str, at: str = CONSOLE
) -> AsyncGenerator[Browser]:
    """A console over people, both of which take the provider's ID tokens."""
    settings = system.settings.model_copy(
        update={
            "issuer": provider_url,
            "audience": "nhip-console",
            "jwks": f"{provider_url}/jwks",
            "people_by": "link",
            "token_tenant": company.tenant,
        }
    )
    tokens = of_settings(settings)
    async with (
        running("people", SERVICES["people"].build, settings, tokens) as people,
        grpc.aio.insecure_channel(people.address) as channel,
        httpx.AsyncClient(follow_redirects=False) as at_provider,
    ):
        provider = Provider(
            issuer=provider_url, client="nhip-console", secret="s3cret", console=at, shows="id", key=KEY
        )
        app = application(Upstream({"people": channel}), Identity(None, company.tenant, provider=provider), tokens)

        async def behind_a_proxy(scope: Scope, receive: Receive, send: Send) -> None:
            """Which ends TLS, and asks the gateway by another name."""
            headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
            await app(
                {**scope, "scheme": "http", "headers": [*headers, (b"host", b"gateway.internal:8080")]}, receive, send
            )

        transport = httpx.ASGITransport(app=behind_a_proxy)
        async with httpx.AsyncClient(transport=transport, base_url=at) as at_console:
            yield Browser(at_console, at_provider, subject)


async def known_at(provider_url: str, subject: str, **claims: object) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.put(f"{provider_url}/users/{subject}", json=claims)).status_code < 300


async def test_who_signs_in_is_linked_by_their_verified_address_and_known_again(
    system: System, company: Company, provider_url: str
):
    await company.do(p.ChangeEmail(person_id=company.ids["minh"], email=PersonalText(plain="Minh@Company.test")))
    await known_at(provider_url, "sub-minh", email="minh@company.test", email_verified=True)
    async with console(system, company, provider_url, "sub-minh") as browser:
        assert (await browser.console.get("/profile")).headers["location"] == "/sign-in?next=%2Fprofile"
        back = await browser.sign_in()
        assert (back.status_code, back.headers["location"]) == (303, "/profile")
        kept = [cookie for cookie in back.headers.get_list("set-cookie") if "nhip-session" in cookie]
        assert kept
        set_now = [cookie for cookie in kept if "Max-Age=0" not in cookie]
        assert all({"HttpOnly", "SameSite=lax", "Secure"} <= set(cookie.split("; ")) for cookie in set_now)
        page = await browser.console.get("/profile")
        assert page.status_code == 200
        assert "Tên-minh" in page.text
        assert page.headers["strict-transport-security"]

        # Signing out ends the session here, and leads on to the provider, which leads back.
        left = await browser.console.post("/sign-out", headers={"sec-fetch-site": "same-origin"})
        assert left.headers["location"] == "/signed-out"
        goodbye = await browser.console.get("/signed-out")
        assert f"{provider_url}/oauth2/end_session?client_id=nhip-console" in goodbye.headers["refresh"]
        assert (await browser.console.get("/profile")).headers["location"].startswith("/sign-in")

        # Another address later makes no difference: it is the same subject.
        await known_at(provider_url, "sub-minh", email="other@company.test", email_verified=True)
        assert (await browser.sign_in()).headers["location"] == "/profile"


async def test_below_a_path_somebody_goes_there_and_back_and_signs_out(
    system: System, company: Company, provider_url: str
):
    await company.do(p.ChangeEmail(person_id=company.ids["minh"], email=PersonalText(plain="Minh@Company.test")))
    await known_at(provider_url, "sub-below", email="minh@company.test", email_verified=True)
    below = "https://intranet.company.test/nhip"
    async with console(system, company, provider_url, "sub-below", below) as browser:
        back = await browser.sign_in()
        assert back.headers["location"] == "/nhip/profile"
        kept = [cookie for cookie in back.headers.get_list("set-cookie") if "nhip-session" in cookie]
        assert {part for cookie in kept for part in cookie.split("; ") if part.startswith("Path")} == {"Path=/nhip"}
        assert "Tên-minh" in (await browser.console.get("/profile")).text
        own = {"sec-fetch-site": "same-origin", "origin": "https://intranet.company.test"}
        assert (await browser.console.post("/sign-out", headers=own)).headers["location"] == "/nhip/signed-out"
        goodbye = (await browser.console.get("/signed-out")).headers["refresh"]
        assert "post_logout_redirect_uri=https%3A%2F%2Fintranet.company.test%2Fnhip%2Fsigned-out" in goodbye


async def test_who_is_nobody_here_is_told_what_to_do_and_an_unverified_address_links_nobody(
    system: System, company: Company, provider_url: str
):
    await company.do(p.ChangeEmail(person_id=company.ids["tram"], email=PersonalText(plain="tram@company.test")))
    for subject, claims, said in (
        ("sub-nobody", {"email": "nobody@company.test", "email_verified": True}, "Không ai ở đây"),
        ("sub-liar", {"email": "tram@company.test", "email_verified": False}, "không nêu địa chỉ email đã xác minh"),
    ):
        await known_at(provider_url, subject, **claims)
        async with console(system, company, provider_url, subject) as browser:
            back = await browser.sign_in()
            assert back.status_code == 403
            assert said in back.text
            assert "nhip-session" not in back.headers.get("set-cookie", "")


async def test_who_did_not_set_out_from_here_or_brings_another_state_is_not_signed_in(
    system: System, company: Company, provider_url: str
):
    async with console(system, company, provider_url, "sub-minh") as browser:
        assert (await browser.console.get("/sign-in/back?code=x&state=y")).status_code == 401
        await browser.console.get("/sign-in")
        refused = await browser.console.get("/sign-in/back?code=x&state=forged")
        assert refused.status_code == 401
        assert (await browser.console.get("/profile")).status_code == 303
        denied = await browser.console.get("/sign-in/back?error=access_denied&state=y")
        assert denied.status_code == 401


async def test_an_identity_is_unlinked_by_an_administrator(system: System, company: Company, provider_url: str):
    await company.do(p.ChangeEmail(person_id=company.ids["quang"], email=PersonalText(plain="quang@company.test")))
    await known_at(provider_url, "sub-quang", email="quang@company.test", email_verified=True)
    async with console(system, company, provider_url, "sub-quang") as browser:
        await browser.sign_in()
        listed = identities_pb2.ListIdentities(person_id=company.ids["quang"])
        found = await company.ask(listed, "quang")
        assert isinstance(found, identities_pb2.IdentityList)
        (identity,) = found.identities
        with pytest.raises(Rejected, match="NOT_YOURS"):
            await company.ask(listed, "minh")
        unlink = identities_pb2.UnlinkIdentity(identity_id=identity.identity_id, reason=words("Đổi máy"))
        await company.do(unlink, "nam")
        async with asyncio.timeout(PATIENCE):  # until this process of people has heard of it
            while (await browser.console.get("/profile")).status_code == 200:
                await asyncio.sleep(0.05)
        with pytest.raises(Rejected, match="IDENTITY_UNKNOWN"):
            await company.ask(unlink, "nam")
