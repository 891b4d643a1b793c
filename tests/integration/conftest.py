"""Every service, hosted in this process over the run's engines: real PostgreSQL, Kafka and gRPC."""

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest

from cli.catalog import SERVICES
from deploy.engines import Engines
from eventkit import settings as all_settings
from eventkit import telemetry
from eventkit.process.host import Running, running
from eventkit.process.service import Build, Resources, Service
from eventkit.rpc.auth import Keys, Tokens
from eventkit.rpc.demo_issuer import DemoIssuer
from tests.integration.services.company import System
from tests.integration.services.mailbox import Mailbox, mail_server

ISSUER = "http://issuer.test"


@pytest.fixture(scope="session")
async def mailbox() -> AsyncGenerator[Mailbox]:
    """The mail server that the system sends to."""
    async with mail_server() as box:
        yield box


@pytest.fixture(scope="session")
async def system(
    engines: Engines, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[System]:
    directory: Path = tmp_path_factory.mktemp("system")
    issuer = DemoIssuer(host="127.0.0.1", key_file=directory / "issuer.key", issuer=ISSUER)
    (directory / "jwks.json").write_text(json.dumps(issuer.jwks()))
    settings = all_settings.load(
        postgres=engines.postgres,
        kafka=engines.kafka,
        master_key=base64.b64encode(b"m" * 32).decode(),
        issuer=ISSUER,
        jwks=str(directory / "jwks.json"),
        shutdown_seconds=5,
        smtp=mailbox.url,
        mail_from="nhip@company.test",
        console="https://nhip.test",
        notice_batch_seconds=0,
        calls_at_once=0,  # what races is let in, however slow the machine is: refusals for load have tests of their own
        rate_per_integration=200,
        deletion_days=0,
    )
    telemetry.set_up(stream=(directory / "log").open("w"))
    tokens = Tokens(issuer=ISSUER, audience="nhip", keys=Keys(settings.jwks))
    async with AsyncExitStack() as stack:
        services: dict[str, Running] = {}
        all_resources: dict[str, Resources] = {}

        def keeping(name: str, build: Build) -> Build:
            def built(resources: Resources) -> Service:
                all_resources[name] = resources
                return build(resources)

            return built

        for name, known in SERVICES.items():
            services[name] = await stack.enter_async_context(
                running(name, keeping(name, known.build), settings, tokens)
            )
        channels = {
            name: await stack.enter_async_context(grpc.aio.insecure_channel(s.address)) for name, s in services.items()
        }
        yield System(settings, services, channels, issuer, directory, all_resources)
