"""Kafka with TLS, SASL and ACLs: everything comes to it as somebody, and may do what it must, and no more."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import uvicorn
from aiokafka.errors import TopicAuthorizationFailedError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cli.catalog import SERVICES
from deploy.certificates import Authority
from eventkit.kafka import Cluster, TopicWriter, acl_commands, acls, ensure_topics, tail
from eventkit.kafka.subscribing import subscriber
from eventkit.log import Origin, Recorded, StreamId
from eventkit.rpc.demo_issuer import DemoIssuer
from tests.e2e.running import nhip
from tests.integration.eventkit.secured import PASSWORD, Secured, secured
from tests.integration.eventkit.topics import PARTITIONS, running, until, world
from tests.waiting import PATIENCE

AN_ID, AT = UUID(int=7), datetime(2025, 3, 1, tzinfo=UTC)
AN_EVENT = Recorded(AN_ID, "t", b"", StreamId("acme", "kpi", "k"), 1, 1, AN_ID, 0, 1, AT, AT, Origin("", b"", "", ""))


@pytest.fixture(scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Secured]:
    async with secured(tmp_path_factory.mktemp("secured")) as there:
        yield there


async def test_with_what_is_printed_each_service_may_do_what_it_must_and_no_more(broker: Secured):
    code, text = await nhip("provision", "--print-acls", environment={"NHIP_KAFKA": broker.admin})
    assert code == 0, text
    lines = text.splitlines()
    await broker.allow(lines)
    assert await ensure_topics(broker.by_password("nhip-provision"), SERVICES) == {}
    follows = {
        name: [
            context for context in SERVICES if any(f"nhip-{name} " in x and f"nhip.{context}.v1" in x for x in lines)
        ]
        for name in SERVICES
    }
    assert follows["retros"] == ["goals", "people", "retros"]

    async def does_its_own(name: str) -> None:
        cluster = broker.by_password(f"nhip-{name}")
        assert await ensure_topics(replace(cluster, id="1"), follows[name]) == {}, name
        async with TopicWriter(cluster, name) as writer:
            assert await writer.look({}) == dict.fromkeys(range(PARTITIONS), 0)

    await asyncio.gather(*map(does_its_own, SERVICES))
    unseen = await ensure_topics(broker.by_password("nhip-retros"), ["rewards"])
    assert "may not make it either" in unseen["rewards"]
    async with TopicWriter(broker.by_password("nhip-goals"), "people") as writer:
        with pytest.raises(TopicAuthorizationFailedError):
            await writer.publish([AN_EVENT])


async def test_events_go_from_a_log_through_a_secured_kafka_to_readers_and_integrators(broker: Secured, postgres: str):
    mine, payroll = replace(broker.by_password("nhip-test"), id="1"), broker.by_password("plain", "PLAIN")
    seen: list[Recorded] = []

    async def handle(event: Recorded) -> None:
        seen.append(event)

    async def all_came() -> bool:
        return len(seen) == 20

    async with world(postgres, mine) as there:
        topic = mine.topic(there.context)
        await broker.allow(
            [
                *acl_commands(mine, acls(mine, {there.context: []}), "User:nhip-test"),
                f"kafka-acls --allow-principal User:nhip-test --operation Read --group {mine.group('test', 'notes')}",
                f"kafka-acls --allow-principal User:plain --operation Read --topic {topic}",
                "kafka-acls --allow-principal User:plain --operation Read --group payroll",
            ]
        )
        await there.append(20)
        async with running(there.relay().run, there.reader().run):
            await there.until_all_is_noted()
        async with subscriber(payroll, there.context, group="payroll", handle=handle) as integrator:
            await integrator.start()
            await until(all_came)
        looked_on = [each async for each in tail(payroll, [there.context], after={there.context: 0}, follow=False)]
        assert len(looked_on) == 20


async def test_a_certificate_of_ones_own_is_a_login(broker: Secured):
    cluster = Cluster(broker.tls, PARTITIONS, 1)
    await broker.allow(acl_commands(cluster, acls(cluster, {"people": [], "goals": ["people"]}), "User:CN={service}"))
    assert await ensure_topics(broker.by_certificate("provision"), ["people"]) == {}
    assert await ensure_topics(broker.by_certificate("people"), ["people"]) == {}
    assert (
        "not for this login"
        in (await ensure_topics(broker.by_certificate("goals"), ["rewards"], make=False))["rewards"]
    )


@asynccontextmanager
async def oauth_server(issuer: DemoIssuer) -> AsyncGenerator[str]:
    """Gives who shows the right secret a token in its name; answers its token endpoint."""

    async def give(request: Request) -> JSONResponse:
        form = await request.form()
        client, _, secret = b64decode(request.headers["authorization"].partition(" ")[2]).decode().partition(":")
        if secret != PASSWORD or form["grant_type"] != "client_credentials" or form["scope"] != "kafka":
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse({"access_token": issuer.mint("", client, seconds=60), "expires_in": 60})

    app = Starlette(routes=[Route("/token", give, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())

    async def listens() -> bool:
        return server.started

    try:
        await until(listens)
        [socket] = server.servers[0].sockets
        yield f"http://127.0.0.1:{socket.getsockname()[1]}/token"
    finally:
        server.should_exit = True
        await serving


async def test_a_token_of_an_oauth_server_is_a_login(broker: Secured):
    async with oauth_server(broker.issuer) as token_url:
        people, stranger = broker.by_token("nhip-people", token_url), broker.by_token("nhip-audit", token_url)
        await broker.allow(acl_commands(people, acls(people, {"people": []}), "User:nhip-people"))
        assert await ensure_topics(Cluster(broker.admin, PARTITIONS, 1), ["people"]) == {}
        assert await people.refusal() == ""
        async with TopicWriter(people, "people") as writer:
            await writer.publish([AN_EVENT])
        seen = asyncio.Queue[Recorded]()
        await broker.allow(["kafka-acls --allow-principal User:nhip-people --operation Read --group of-tokens"])
        async with subscriber(people, "people", group="of-tokens", handle=seen.put) as integrator:
            await integrator.start()
            async with asyncio.timeout(PATIENCE):
                assert (await seen.get()).id == AN_ID
        unlike = replace(stranger, security=replace(stranger.security, password="wrong"))
        assert "answers 401 invalid_client" in await unlike.refusal()
        assert "wrong" not in await unlike.refusal()
    assert await broker.by_token("nhip-people", token_url).refusal() == ""  # by the token that it has
    assert "does not answer" in await broker.by_token("nhip-goals", token_url).refusal()


async def test_a_login_that_is_refused_is_a_sentence(broker: Secured, tmp_path: Path):
    right = broker.by_password("nhip-people")
    assert await right.refusal() == ""

    def but(**wrong: object) -> Cluster:
        return replace(right, security=replace(right.security, **wrong))

    assert "does not take the user 'nhip-people' by SCRAM-SHA-512" in await but(password="wrong").refusal()
    strangers = Authority(tmp_path, "strangers").file
    assert "put its authority into NHIP_KAFKA_CA_FILE" in await but(ca_file=strangers).refusal()
    code, told = await nhip(
        "check",
        "people",
        environment={
            "NHIP_KAFKA": broker.sasl,
            "NHIP_KAFKA_SECURITY": "sasl_ssl",
            "NHIP_KAFKA_MECHANISM": "scram-sha-512",
            "NHIP_KAFKA_USER": "nhip-people",
            "NHIP_KAFKA_PASSWORD": "wrong",
            "NHIP_KAFKA_CA_FILE": str(broker.authority.file),
        },
    )
    assert (code, "does not take the user 'nhip-people'" in told, "wrong" in told) == (1, True, False)


async def test_a_password_that_is_changed_in_its_file_is_used_for_the_next_connection(broker: Secured, tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("old\n")
    right = broker.by_password("nhip-people")
    mine = replace(right, security=replace(right.security, password="", password_file=file))
    assert await mine.refusal() != ""
    file.write_text(PASSWORD + "\n")
    assert await mine.refusal() == ""
