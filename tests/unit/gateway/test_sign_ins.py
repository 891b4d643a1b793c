"""How somebody signs in, on a page of theirs."""

import httpx
import pytest

from nhip.common.v1 import operations_pb2
from nhip.people.v1 import identities_pb2

from .conftest import Backend

LINKED = identities_pb2.IdentityList(
    identities=[identities_pb2.Identity(identity_id="8c6e0f3a91d24b7f", person_id="minh")]
)


async def test_where_no_account_is_linked_it_says_how_one_will_be(signed_in: httpx.AsyncClient, backend: Backend):
    backend.answers("ListIdentities", identities_pb2.IdentityList())
    assert "Chưa có tài khoản nào" in (await signed_in.get("/people/minh/sign-ins")).text


@pytest.mark.parametrize(("may", "unlinks"), [("UnlinkIdentity", 1), ("GetPerson", 0)])
async def test_an_account_is_shown_and_unlinked_by_who_may(
    signed_in: httpx.AsyncClient, backend: Backend, may: str, unlinks: int
):
    backend.answers("GetAccess", operations_pb2.Access(methods=[may]))
    backend.answers("ListIdentities", LINKED)
    page = await signed_in.get("/people/minh/sign-ins")
    assert "tài khoản 8c6e0f3a91d2" in page.text
    assert page.text.count('action="/people/minh/sign-ins/8c6e0f3a91d24b7f/unlinking"') == unlinks
