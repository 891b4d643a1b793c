"""How integrations say who they are: keys, and signatures by Standard Webhooks."""

import base64
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from eventkit.context import Actor
from eventkit.errors import Kind, Rejected
from eventkit.rpc.ceilings import Rates
from eventkit.rpc.integrations import Keyed, Signatures, digest, signing_secret
from nhip.common.v1.delivery_pb2 import Delivery

NOW = datetime(2025, 3, 20, 3, tzinfo=UTC)
KEY = "nhip_acme_" + "5" * 64
CRM = Actor("acme", "crm", "integration", "person:minh")
OF_TENANT = b"s" * 32


class Holders:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def key_holder(self, tenant: str, sha256: str, at: datetime) -> Actor | None:
        self.asked.append(tenant)
        return CRM if (tenant, sha256) == ("acme", digest(KEY)) else None

    async def key_digests(self, tenant: str, integration_id: str, at: datetime) -> tuple[Actor, Sequence[str]] | None:
        return (CRM, [digest(KEY), "old"]) if (tenant, integration_id) == ("acme", "crm") else None


class Tokens:
    async def authenticate(self, authorization: str) -> Actor:
        return Actor("acme", "minh")


async def secret(tenant: str) -> bytes:
    return OF_TENANT


def keyed() -> Keyed:
    return Keyed(Tokens(), Holders(), lambda: NOW)


async def test_a_key_is_known_and_a_token_goes_its_own_way():
    assert await keyed().authenticate(f"Bearer {KEY}") == CRM
    assert (await keyed().authenticate("Bearer eyJ.x.y")).id == "minh"
    assert str(CRM) == "integration:crm for person:minh"


@pytest.mark.parametrize(
    "key", ["nhip_", "nhip_acme_" + "4" * 64, "nhip_Acme_" + "5" * 64, KEY + "5", "nhip_other_" + "5" * 64]
)
async def test_what_is_nearly_a_key_is_none(key: str):
    with pytest.raises(Rejected) as refused:
        await keyed().authenticate(f"Bearer {key}")
    assert (refused.value.kind, refused.value.reason) == (Kind.UNAUTHENTICATED, "TOKEN_INVALID")


def signed(content: bytes = b"{}", *, key: str = digest(KEY), seconds: int = 0, id: str = "msg_1") -> Delivery:
    timestamp = str(int(NOW.timestamp()) + seconds)
    mac = hmac.digest(signing_secret(OF_TENANT, "crm", key), f"{id}.{timestamp}.".encode() + content, "sha256")
    signature = f"v1a,ignored v1,{base64.b64encode(mac).decode()}"
    return Delivery(
        tenant="acme", integration_id="crm", delivery_id=id, timestamp=timestamp, signature=signature, content=content
    )


def signatures() -> Signatures:
    return Signatures(Holders(), secret, lambda: NOW)


async def test_what_is_signed_with_either_key_is_the_integrations():
    assert await signatures().authenticate(signed()) == CRM
    assert await signatures().authenticate(signed(key="old")) == CRM


def test_the_example_of_standard_webhooks_is_signed_as_it_says():
    """https://github.com/standard-webhooks/standard-webhooks: the reference implementations' own test vector."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    content = b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + b'{"test": 2432232314}'
    assert base64.b64encode(hmac.digest(secret, content, "sha256")) == b"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def changed(**given: object) -> Delivery:
    delivery = signed()
    for name, value in given.items():
        setattr(delivery, name, value)
    return delivery


@pytest.mark.parametrize(
    ("delivery", "reason"),
    [
        (changed(signature=""), "TOKEN_MISSING"),
        (changed(content=b"{ }"), "SIGNATURE_INVALID"),
        (changed(delivery_id="msg_2"), "SIGNATURE_INVALID"),
        (changed(delivery_id="a.b"), "SIGNATURE_INVALID"),
        (changed(timestamp="soon"), "SIGNATURE_INVALID"),
        (changed(signature="v1,AAAA v2,BBBB"), "SIGNATURE_INVALID"),
        (changed(signature="v1,%%%"), "SIGNATURE_INVALID"),
        (changed(integration_id="erp"), "SIGNATURE_INVALID"),
        (changed(tenant="other"), "SIGNATURE_INVALID"),
        (signed(key="another"), "SIGNATURE_INVALID"),
        (signed(seconds=-301), "SIGNATURE_OLD"),
        (signed(seconds=301), "SIGNATURE_OLD"),
    ],
)
async def test_what_does_not_hold_is_nobodys(delivery: Delivery, reason: str):
    with pytest.raises(Rejected) as refused:
        await signatures().authenticate(delivery)
    assert (refused.value.kind, refused.value.reason) == (Kind.UNAUTHENTICATED, reason)


def test_an_integration_is_told_how_much_it_may_still_ask():
    clock = [0.0]
    rates = Rates(integration=2.0, clock=lambda: clock[0])
    for _ in range(10):
        rates.take(CRM)
    left = rates.left(CRM)
    assert left is not None
    assert (left.limit, left.remaining, left.reset) == (10, 0, 5)
    with pytest.raises(Rejected, match="RATE_EXCEEDED"):
        rates.take(CRM)
    clock[0] = 2.0
    assert str(rates.left(CRM)) == "limit=10, remaining=4, reset=3"
    assert rates.left(Actor("acme", "minh")) is None
