"""Secret addresses: whoever brings one reads as nobody else."""

import pytest

from eventkit.context import Actor, Standing
from eventkit.errors import Rejected
from eventkit.rpc.access import addressed, anyone, authorise
from eventkit.rpc.addresses import LOOKED_UP, Addressed
from eventkit.rpc.integrations import digest

GOOD = f"nhipfeed_acme_{'a' * 64}"
ELSEWHERE = f"nhipfeed_beta_{'b' * 64}"
COMPANIES = ("acme", "beta")


class Tokens:
    async def authenticate(self, authorization: str) -> Actor:
        raise Rejected("TOKEN_MISSING", authorization)


class Here:
    """Minh is active, nobody else."""

    async def standing(self, tenant: str) -> Standing:
        return Standing.OPEN

    async def roles(self, tenant: str, person_id: str) -> frozenset[str] | None:
        return frozenset({"manager"}) if person_id == "minh" else None

    async def verbs(self, tenant: str, integration_id: str) -> frozenset[str] | None:
        return None


async def holder(tenant: str, sha256: str) -> str:
    assert tenant in COMPANIES, "nothing is looked up of a company that is not there"
    return "minh" if sha256 in (digest(GOOD), digest(ELSEWHERE)) else ""


async def is_there(tenant: str) -> bool:
    return tenant in COMPANIES


def judge() -> Addressed:
    return Addressed(Tokens(), holder, is_there, lambda: 0.0)


async def reason(judged: Addressed, authorization: str) -> str:
    with pytest.raises(Rejected) as refused:
        await judged.authenticate(authorization)
    return refused.value.reason


async def test_an_address_is_its_holders_and_anything_else_is_left_to_tokens():
    judged = judge()
    assert await judged.authenticate(f"Bearer {GOOD}") == Actor("acme", "minh", "feed")
    assert await reason(judged, f"Bearer {GOOD.replace('acme', 'other')}") == "TOKEN_INVALID"
    assert await reason(judged, f"Bearer {GOOD[:-1]}b") == "TOKEN_INVALID"
    assert await reason(judged, "Bearer abc") == "TOKEN_MISSING"
    assert await reason(judged, "") == "TOKEN_MISSING"


async def test_who_tries_addresses_out_meets_an_end_and_who_has_one_does_not():
    judged = judge()
    await judged.authenticate(f"Bearer {GOOD}")
    tried = [await reason(judged, f"Bearer nhipfeed_acme_{number:064x}") for number in range(int(LOOKED_UP) * 6)]
    assert tried[0] == "TOKEN_INVALID"
    assert tried[-1] == "RATE_EXCEEDED"
    assert (await judged.authenticate(f"Bearer {GOOD}")).id == "minh"


async def test_who_tries_addresses_of_one_company_or_of_none_keeps_nobody_elsewhere_from_theirs():
    judged = judge()
    for number in range(int(LOOKED_UP) * 6):
        for company in ("acme", "nobodys", f"made-up-{number}"):
            await reason(judged, f"Bearer nhipfeed_{company}_{number:064x}")
    assert (await judged.authenticate(f"Bearer {ELSEWHERE}")).tenant == "beta"


@pytest.mark.parametrize(
    ("allow", "person", "refused"),
    [
        (addressed(), "minh", ""),
        (anyone(), "minh", "NOT_ALLOWED"),
        (addressed(), "left", "TOKEN_INVALID"),
    ],
)
async def test_an_address_lets_one_read_the_feed_of_who_is_here_and_nothing_else(allow, person: str, refused: str):
    feed = Actor("acme", person, "feed")
    if not refused:
        assert await authorise(allow, feed, Here(), changes=False) == frozenset()
        return
    with pytest.raises(Rejected) as told:
        await authorise(allow, feed, Here(), changes=False)
    assert told.value.reason == refused
