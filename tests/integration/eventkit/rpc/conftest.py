from collections.abc import AsyncIterator

import pytest

from eventkit.rpc.demo_issuer import DemoIssuer
from tests.integration.eventkit.rpc.serving import ISSUER, Running, running


@pytest.fixture(scope="session")
def issuer(tmp_path_factory) -> DemoIssuer:
    return DemoIssuer(host="127.0.0.1", key_file=tmp_path_factory.mktemp("issuer") / "key.json", issuer=ISSUER)


@pytest.fixture
async def nhip(issuer, tmp_path) -> AsyncIterator[Running]:
    """A running server with every API."""
    async with running(issuer, tmp_path / "jwks.json") as up:
        yield up
