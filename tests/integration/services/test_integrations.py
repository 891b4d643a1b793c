"""Values from elsewhere, over the real services and the gateway: by key, signed delivery and published table."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import httpx
import pytest

from eventkit.context import by_the_clock
from eventkit.errors import Kind, Rejected
from eventkit.process.service import Due
from eventkit.rpc.auth import Keys, Tokens
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.checkins.v1 import polls_pb2
from nhip.common.v1 import operations_pb2 as o
from nhip.common.v1.command_pb2 import Accepted
from nhip.goals.v1 import goals_pb2 as g
from nhip.people.v1 import integrations_pb2 as pb
from services.checkins.reactors.polling import Polling
from services.checkins.reactors.published import Reach
from services.gateway.service import application
from services.gateway.session import Identity
from services.gateway.upstream import Upstream
from tests.integration.services.company import OPERATIONS, Company, System, number, words
from tests.waiting import PATIENCE

RECORD, READ = pb.INTEGRATION_VERB_RECORD, pb.INTEGRATION_VERB_READ


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


@pytest.fixture
async def gateway(system: System) -> AsyncGenerator[httpx.AsyncClient]:
    tokens = Tokens(issuer=system.issuer.issuer, audience="nhip", keys=Keys(system.settings.jwks))
    app = application(Upstream(system.channels), Identity(None, "nobody"), tokens)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://nhip.test") as client:
        yield client


def drawn(company: Company) -> tuple[str, pb.IntegrationKey]:
    key = f"nhip_{company.tenant}_{secrets.token_hex(32)}"
    return key, pb.IntegrationKey(sha256=hashlib.sha256(key.encode()).hexdigest(), hint=key[-4:])


async def made(company: Company, *verbs: int, polled: pb.PolledTable | None = None, kpi: str = "I1") -> tuple[str, str]:
    """An integration for one KPI, on Minh's account; answers its id and its key."""
    key, known = drawn(company)
    scope = pb.IntegrationScope(verbs=verbs, kpi_ids=[company.ids[kpi]] if kpi else [])  # type: ignore[arg-type]
    facts = pb.IntegrationFacts(
        name="CRM, số buổi demo",
        account_id=company.ids["minh"],
        scope=scope,
        source_names=[pb.SourceName(called="Demo khách mới", kpi_id=company.ids["I1"])],
        polled=polled,
    )
    id = await company.do(pb.MakeIntegration(integration=facts, key=known), "nam")
    method = next(one for one in OPERATIONS.methods if one.name == "GetAccess")
    for context in ("people", "goals", "checkins"):  # each hears of it a moment later
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await company.system.call(context, method, o.GetAccess(), [("authorization", f"Bearer {key}")])
                    break
                except Rejected:
                    await asyncio.sleep(0.05)
    return id, key


async def sent(gateway: httpx.AsyncClient, company: Company, key: str, body: object, **headers: str) -> httpx.Response:
    positions = ",".join(company.positions.values())
    given = {"authorization": f"Bearer {key}", "nhip-position": positions, **headers}
    return await gateway.post("/v1/progress:batch", json=body, headers=given)


def value(company: Company, kpi: str, number: str, key: str = "") -> dict[str, object]:
    return {"progress": {"kpi_id": company.ids.get(kpi, kpi), "value": {"value": number}}, "key": key}


async def test_a_key_records_what_its_scope_names_as_itself_and_ends_when_it_is_revoked(
    company: Company, gateway: httpx.AsyncClient
):
    id, key = await made(company, RECORD)
    items = [value(company, "I1", "44", "crm-1"), value(company, "D1", "90"), value(company, "nowhere", "1")]
    assert not (await sent(gateway, company, key, {"items": items})).json()["verdicts"][0].get("repeated")
    answer = await sent(gateway, company, key, {"items": items})
    assert answer.status_code == 200, answer.text
    verdicts = answer.json()["verdicts"]
    company.positions["checkins"] = answer.json()["position"]
    assert verdicts[0]["repeated"], "the source's reference is known again"
    assert [one["refused"]["reason"] for one in verdicts[1:]] == ["OUT_OF_SCOPE", "KPI_UNKNOWN"]
    assert (int(answer.headers["RateLimit-Limit"]), "RateLimit-Remaining" in answer.headers) == (1000, True)

    shown = await company.ask(c.ListProgress(kpi_id=company.ids["I1"]), "minh")
    [entry] = shown.entries  # type: ignore[attr-defined] # of its reply
    assert (entry.integration_name, entry.account_id) == ("CRM, số buổi demo", company.ids["minh"])
    assert entry.actor_id == f"integration:{id}"

    told = await company.ask(g.GetKpiHistory(kpi_id=company.ids["I1"]), "minh")
    actor = told.entries[0].actor  # type: ignore[attr-defined] # of its reply
    assert (actor.integration_name, actor.name.plain) == ("CRM, số buổi demo", "Tên-minh")

    for path in (f"/v1/kpis/{company.ids['I1']}", "/v1/people", f"/v1/cycles/{company.ids['q1']}/map"):
        refused = await gateway.get(path, headers={"authorization": f"Bearer {key}"})
        assert (refused.status_code, refused.json()["error"]["reason"]) == (403, "NOT_ALLOWED"), path

    second, known = drawn(company)
    await company.do(pb.RotateIntegrationKey(integration_id=id, key=known), "nam")
    async with asyncio.timeout(PATIENCE):
        while (await sent(gateway, company, second, {"items": [value(company, "I1", "45")]})).status_code == 401:
            await asyncio.sleep(0.05)
    assert (await sent(gateway, company, key, {"items": [value(company, "I1", "46")]})).status_code == 200
    await company.do(pb.StopOldIntegrationKey(integration_id=id), "nam")
    assert await told_to_go(gateway, company, key) == "TOKEN_INVALID"
    await company.do(pb.RevokeIntegration(integration_id=id, reason=words("Đã chuyển")), "nam")
    assert await told_to_go(gateway, company, second) == "TOKEN_INVALID"

    listed = await company.ask(pb.ListIntegrations(), "nam")
    [one] = listed.integrations  # type: ignore[attr-defined]
    assert (one.reason.plain, one.revoked_by) == ("Đã chuyển", f"person:{company.ids['nam']}")
    verified = await company.ask(o.Verify(view="directory_integration"), "nam", context="checkins")
    assert [(view.rows, list(view.differences)) for view in verified.views] == [(1, [])]  # type: ignore[attr-defined]


async def told_to_go(gateway: httpx.AsyncClient, company: Company, key: str) -> str:
    """The gateway's answer once the services have heard; within a lag, for a key's own call waits for no position."""
    async with asyncio.timeout(PATIENCE):
        while (answer := await sent(gateway, company, key, {"items": [value(company, "I1", "46")]})).status_code == 200:
            await asyncio.sleep(0.05)
    return answer.json()["error"]["reason"]


async def test_who_reads_reads_no_personal_words_and_nothing_beside_its_scope(
    company: Company, gateway: httpx.AsyncClient
):
    _, key = await made(company, READ)
    await company.do(c.RecordProgress(kpi_id=company.ids["I1"], value=number(12), note=words("Khách hỏi giá")), "minh")
    headers = {"authorization": f"Bearer {key}", "nhip-position": ",".join(company.positions.values())}
    page = await gateway.get(f"/v1/kpis/{company.ids['I1']}", headers=headers)
    assert page.json()["kpi"]["owners"][0]["name"] == {"withheld": True}
    assert "path" not in page.json()
    entries = (await gateway.get(f"/v1/kpis/{company.ids['I1']}/progress", headers=headers)).json()["entries"]
    assert (entries[0]["value"], entries[0]["note"]) == ({"value": "12"}, {"withheld": True})
    for of_another in (f"/v1/kpis/{company.ids['D1']}", f"/v1/kpis/{company.ids['D1']}/progress"):
        assert (await gateway.get(of_another, headers=headers)).status_code == 404
    assert (await sent(gateway, company, key, {"items": [value(company, "I1", "44")]})).status_code == 403
    refused = await company.refused(pb.ListIntegrations(), "minh")
    assert refused.reason == "NOT_ALLOWED"


async def test_a_signed_delivery_is_taken_once_and_what_is_not_signed_so_never(
    company: Company, gateway: httpx.AsyncClient
):
    id, _ = await made(company, RECORD)
    said = await company.ask(pb.GetSigningSecret(integration_id=id), "nam")
    assert isinstance(said, pb.SigningSecret)
    secret = base64.b64decode(said.secret.removeprefix("whsec_"))
    content = json.dumps(
        {
            "type": "values.recorded",
            "data": {"values": [{"kpi": "Demo khách mới", "value": 44}, {"kpi": "?", "value": 1}]},
        }
    ).encode()

    async def deliver(body: bytes, id: str = "msg_1") -> httpx.Response:
        now = str(int(time.time()))
        mac = hmac.digest(secret, f"{id}.{now}.".encode() + body, "sha256")
        signature = f"v1,{base64.b64encode(mac).decode()}"
        headers = {"webhook-id": id, "webhook-timestamp": now, "webhook-signature": signature}
        return await gateway.post(said.path, content=body, headers=headers)

    first = await deliver(content)
    assert first.status_code == 200, first.text
    assert first.json()["verdicts"][1]["refused"]["reason"] == "KPI_UNKNOWN"
    assert (await deliver(content)).json()["verdicts"][0]["repeated"]
    wrong = await deliver(b'{"data": {"values": [{"kpi": "I1"}]}}', "msg_2")
    assert (wrong.status_code, wrong.json()["error"]["violations"][0]["field"]) == (400, "data.values[0].value")
    secret = b"another" * 5
    assert (await deliver(content, "msg_3")).json()["error"]["reason"] == "SIGNATURE_INVALID"
    unsigned = await gateway.post(said.path, content=content)
    assert (unsigned.status_code, unsigned.json()["error"]["reason"]) == (400, "HEADER_MALFORMED")


async def test_a_published_table_is_looked_at_and_only_what_is_new_in_it_is_recorded(system: System, company: Company):
    table = {"content": "KPI;Số\nDemo khách mới;44\nLạ;5\nDemo khách mới 2;x\n", "etag": '"1"'}
    asked: list[bool] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        same = table["etag"].encode() in head
        asked.append(same)
        body = b"" if same else table["content"].encode()
        status = "304 Not Modified" if same else "200 OK"
        writer.write(
            f"HTTP/1.1 {status}\r\netag: {table['etag']}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    polled = pb.PolledTable(url="https://tables.test/not-allowed", kpi_column="kpi", value_column="Số", numbers="vi")
    id, _ = await made(company, RECORD, polled=polled)
    resources = system.all_resources["checkins"]
    polling = Polling(resources, Reach((), (origin,)))

    async def look() -> polls_pb2.Poll:
        # The address that is refused to everybody else is this test's own.
        org = await resources.directory.org_chart(company.tenant)
        org.integrations[id].facts.polled.url = f"{origin}/t.csv"
        at = datetime.now(UTC)
        await polling.look(Due(company.tenant, id, at), by_the_clock(company.tenant, "polling", id, at, at))
        return (await polls())[0]

    async def polls() -> list[polls_pb2.Poll]:
        reply = await company.ask(polls_pb2.ListPolls(integration_id=id), "nam")
        return list(reply.polls)  # type: ignore[attr-defined]

    try:
        async with asyncio.timeout(PATIENCE):  # the service looks by itself, at once and then in an hour
            while not await polls():
                await asyncio.sleep(0.05)
        assert [one.fault for one in await polls()] == ["HOST_NOT_ALLOWED"]
        first = await look()
        assert (first.taken, [(one.row, one.reason) for one in first.faults]) == (
            1,
            [(3, "KPI_UNKNOWN"), (4, "NO_NUMBER")],
        )
        again = await look()
        assert (again.at, again.HasField("unchanged_at")) == (first.at, True), "it counts with the look before"
        table |= {"content": "KPI;Số\nDemo khách mới;45\n", "etag": '"2"'}
        assert ((await look()).taken, asked) == (1, [False] * 3)
        await look()
        assert asked[-1], "without a fault it asks whether there is anything new"
        shown = await company.ask(c.ListProgress(kpi_id=company.ids["I1"]), "minh")
        assert [entry.value.value for entry in shown.entries] == ["45", "44"]  # type: ignore[attr-defined]
        assert {entry.integration_name for entry in shown.entries} == {"CRM, số buổi demo"}  # type: ignore[attr-defined]
    finally:
        server.close()


async def test_when_it_was_last_there_is_known(company: Company, gateway: httpx.AsyncClient):
    id, key = await made(company, RECORD)
    assert (await sent(gateway, company, key, {"items": [value(company, "I1", "44")]})).status_code == 200
    async with asyncio.timeout(PATIENCE):
        while True:
            reply = await company.ask(o.ListIntegrationUse(), "nam", context="checkins")
            assert isinstance(reply, o.IntegrationUses)
            if reply.uses:
                break
            await asyncio.sleep(0.2)
    assert [(use.integration_id, use.calls) for use in reply.uses] == [(id, 2)], "what it asked first, and the batch"


async def test_only_administrators_make_integrations(company: Company):
    _, known = drawn(company)
    scope = pb.IntegrationScope(verbs=[RECORD])
    facts = pb.IntegrationFacts(name="x", account_id=company.ids["minh"], scope=scope)
    with pytest.raises(Rejected) as refused:
        await company.ask(pb.MakeIntegration(integration=facts, key=known), "minh")
    assert (refused.value.kind, refused.value.reason) == (Kind.FORBIDDEN, "NOT_ALLOWED")
    first = await company.ask(pb.MakeIntegration(integration=facts, key=known), "nam", key="once")
    again = await company.ask(pb.MakeIntegration(integration=facts, key=known), "nam", key="once")
    assert isinstance(again, Accepted)
    assert (again.id, again.repeated) == (first.id, True)  # type: ignore[attr-defined]
    read = await company.refused(g.GetMap(cycle_id=company.ids["q1"]), "integration:crm")
    assert read.reason == "TOKEN_INVALID", "a token is a person's or a service's, never an integration's"
