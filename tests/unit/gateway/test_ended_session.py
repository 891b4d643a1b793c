"""A form that meets an ended session comes back after sign-in with its words, and is sent by a person, not by
itself."""

import html
import re

import httpx
import pytest

from eventkit.errors import Kind, Rejected
from nhip.common.v1 import command_pb2
from nhip.rewards.v1 import rewards_pb2
from services.gateway.features.sign_in.pages import Kept
from services.gateway.session import SESSION_COOKIE

from .conftest import Backend

OWN = {"Sec-Fetch-Site": "same-origin"}
PRAISE = {
    "to": "person:nam",
    "about": "value:v",
    "words": "Em cảm ơn anh <b>",
    "deed_on": "2025-03-20",
    "visibility": "PUBLIC",
}


def fields(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in found}


@pytest.fixture
def rewards(backend: Backend) -> Backend:
    backend.answers("GivePraise", command_pb2.Accepted(id="p1"))
    backend.answers("ListPraises", rewards_pb2.Praises())
    backend.answers("ListCoreValues", rewards_pb2.CoreValues())
    backend.answers("GetWallet", rewards_pb2.Wallet(person_id="minh"))
    backend.answers("ListGifts", rewards_pb2.Gifts())
    backend.answers("CheckPraise", rewards_pb2.PraiseHints())
    return backend


async def test_its_words_come_back_and_nothing_is_sent_before_somebody_sends_it(
    signed_in: httpx.AsyncClient, rewards: Backend
):
    signed_in.cookies.delete(SESSION_COOKIE)
    met = await signed_in.post("/praise", data=PRAISE, headers=OWN)
    assert met.status_code == 401
    assert "Phiên đăng nhập đã hết" in met.text
    entered = await signed_in.post("/sign-in", data={**fields(met.text), "person": "minh"}, headers=OWN)
    again = fields(entered.text)
    assert again.items() >= PRAISE.items()
    assert 'action="/praise"' in entered.text
    back = await signed_in.post("/praise", data=again, headers=OWN)
    assert html.escape(PRAISE["words"]) in back.text, [m for m, _, _ in rewards.asked if m not in rewards.handlers]
    assert "Chưa có gì được gửi đi" in back.text
    assert "GivePraise" not in [method for method, _, _ in rewards.asked]
    sent = await signed_in.post("/praise", data=PRAISE, headers=OWN)
    assert sent.status_code == 303
    assert [method for method, _, _ in rewards.asked].count("GivePraise") == 1


async def test_a_session_that_a_service_refuses_keeps_the_words_too(signed_in: httpx.AsyncClient, rewards: Backend):
    rewards.answers("GivePraise", Rejected("TOKEN_EXPIRED", "the token has expired", kind=Kind.UNAUTHENTICATED))
    met = await signed_in.post("/praise", data=PRAISE, headers=OWN)
    assert met.status_code == 401
    assert PRAISE["words"] in Kept.of(fields(met.text)["kept"]).values["words"]


@pytest.mark.parametrize(
    "packed",
    [
        "",
        "x",
        "[]",
        '{"path": "//elsewhere", "values": {}}',
        '{"path": "https://x", "values": {}}',
        '{"path": 1, "values": {}}',
        "[" * 5000,
    ],
)
def test_what_is_no_form_of_ours_is_forgotten(packed: str):
    assert Kept.of(packed) == Kept()
