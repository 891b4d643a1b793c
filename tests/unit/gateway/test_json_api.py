"""Every RPC as JSON, over real gRPC."""

import httpx
import pytest
from google.type import date_pb2, decimal_pb2

from eventkit.errors import Kind, Rejected, Violation
from nhip.checkins.v1 import checkins_pb2
from nhip.common.v1 import command_pb2, operations_pb2, time_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.transcoding import Routes, bindings, message_of
from services.gateway.upstream import OPERATIONS, SERVICES

from .conftest import Backend


def test_every_rpc_has_a_way_in_and_no_two_share_one():
    found = bindings(SERVICES, OPERATIONS)
    assert len(found) == sum(len(service.methods) for service in SERVICES.values()) + len(OPERATIONS.methods)
    assert len({(binding.verb, binding.template) for binding in found}) == len(found)


@pytest.mark.parametrize(
    ("verb", "path", "method", "variables"),
    [
        ("POST", "/v1/kpis/i1:align", "AlignKpi", {"kpi_id": "i1"}),
        ("POST", "/v1/kpis/a.b_c-1/progress", "RecordProgress", {"kpi_id": "a.b_c-1"}),
        ("POST", "/v1/operations/goals/parked:retry", "RetryParked", {"service": "goals"}),
        ("POST", "/v1/operations/goals/views/kpi:rebuild", "Rebuild", {"service": "goals", "view": "kpi"}),
        ("POST", "/v1/proposals:preview", "PreviewProposal", {}),
        ("GET", "/v1/proposals", "ListProposals", {}),
    ],
)
def test_paths_lead_to_their_rpc(verb: str, path: str, method: str, variables: dict[str, str]):
    binding, found = Routes(bindings(SERVICES, OPERATIONS)).match(verb, path)
    assert (binding.method.name, found) == (method, variables)


async def test_a_command_goes_through_with_what_the_caller_said(client: httpx.AsyncClient, backend: Backend):
    backend.answers("AlignKpi", command_pb2.Accepted(id="i1", position="goals=12"))
    backend.position = "goals=12"
    headers = {
        "Idempotency-Key": "k",
        "nhip-position": "goals=3, people=4",
        "traceparent": "00-a-b-01",
        "x-request-id": "r1",
    }
    answer = await client.post("/v1/kpis/i1:align", json={"parent": {"kpi_id": "d1"}, "why": "vì sao"}, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"id": "i1", "position": "goals=12"})
    assert answer.headers["nhip-position"] == "goals=12"
    _, request, _ = backend.asked[0]
    assert request == goals_pb2.AlignKpi(kpi_id="i1", parent=types_pb2.Parent(kpi_id="d1"), why="vì sao")
    assert backend.metadata("authorization") == [client.headers["authorization"]]
    assert backend.metadata("x-request-id") == ["r1"]
    assert backend.metadata("idempotency-key") == ["k"]
    assert backend.metadata("nhip-position") == ["goals=3", "people=4"]
    assert backend.metadata("traceparent") == ["00-a-b-01"]


@pytest.mark.parametrize(
    "query",
    [
        "as_of.effective_on=2025-03-01&as_of.recorded_at=2025-03-02T00:00:00Z",
        "as_of.effective_on.year=2025&as_of.effective_on.month=3&as_of.effective_on.day=1&as_of.recorded_at=2025-03-02T07:00:00%2B07:00",
        "asOf.effectiveOn=2025-03-01&asOf.recordedAt=2025-03-02T00:00:00Z",
    ],
)
async def test_a_query_may_name_its_moment_in_several_ways(client: httpx.AsyncClient, backend: Backend, query: str):
    backend.answers("GetMap", goals_pb2.GoalMap(past=True))
    answer = await client.get(f"/v1/cycles/q1/map?{query}")
    assert answer.json() == {"past": True}
    expected = goals_pb2.GetMap(
        cycle_id="q1", as_of=time_pb2.AsOf(effective_on=date_pb2.Date(year=2025, month=3, day=1))
    )
    expected.as_of.recorded_at.FromJsonString("2025-03-02T00:00:00Z")
    assert backend.asked[0][1] == expected


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/v1/kpis/i1/progress", {"value": {"value": "1"}, "mood": 3}, ["mood"]),
        ("/v1/kpis/i1/progress", {"value": "1", "confidence": "much"}, ["value", "confidence"]),
        ("/v1/kpis/i1/progress", {"kpi_id": "other"}, ["kpi_id"]),
        ("/v1/kpis/i1/progress", {"occurred_on": "2025-03-01"}, ["occurred_on"]),
        (
            "/v1/proposals",
            {"changes": [{"kpi_id": "a"}, {"kpi_id": 3, "until": 1}]},
            ["changes[1].kpi_id", "changes[1].until"],
        ),
        ("/v1/proposals", {"changes": {"kpi_id": "a"}}, ["changes"]),
        ("/v1/proposals", {"reason_class": "BECAUSE"}, ["reason_class"]),
        ("/v1/proposals", {"addition": {"measure": {"target": {"value": 5}}}}, ["addition.measure.target.value"]),
    ],
)
async def test_a_body_that_cannot_be_right_is_refused_by_field(
    client: httpx.AsyncClient, path: str, body: object, fields: list[str]
):
    answer = await client.post(path, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["status"], error["reason"]) == (400, "INVALID_ARGUMENT", "MALFORMED_REQUEST")
    assert [violation["field"] for violation in error["violations"]] == fields


@pytest.mark.parametrize(
    "query",
    [
        "as_of.when=1",
        "nothing=1",
        "cycle_id=other",
        "as_of=1",
        "as_of.effective_on=1.3.2025",
        "as_of.effective_on.year=x",
    ],
)
async def test_a_query_that_cannot_be_right_is_refused(client: httpx.AsyncClient, query: str):
    answer = await client.get(f"/v1/cycles/q1/map?{query}")
    assert (answer.status_code, len(answer.json()["error"]["violations"])) == (400, 1)


async def test_what_is_no_json_object_is_refused(client: httpx.AsyncClient):
    for content in (
        b"{",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"name": "a", "name": "b"}',
        b'{"changes": ' + b"9" * 5000 + b"}",
    ):
        answer = await client.post("/v1/proposals", content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["error"]["reason"]) == (400, "MALFORMED_JSON")
    surrogate = await client.post(
        "/v1/cycles", content=b'{"name": "\\ud800"}', headers={"Content-Type": "application/json"}
    )
    assert surrogate.status_code == 400
    header = await client.get("/v1/cycles", headers=[(b"nhip-position", "goals=é".encode("latin-1"))])
    assert header.json()["error"]["reason"] == "POSITION_MALFORMED"
    form = await client.post("/v1/proposals", data={"a": "b"})
    assert form.status_code == 415
    long = await client.post("/v1/proposals", content=b" " * (1 << 20) + b"{}")
    assert (long.status_code, long.json()["error"]["reason"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (Kind.INVALID, 400, "INVALID_ARGUMENT"),
        (Kind.REFUSED, 400, "FAILED_PRECONDITION"),
        (Kind.UNAUTHENTICATED, 401, "UNAUTHENTICATED"),
        (Kind.FORBIDDEN, 403, "PERMISSION_DENIED"),
        (Kind.UNKNOWN, 404, "NOT_FOUND"),
        (Kind.CONFLICT, 409, "ABORTED"),
    ],
)
async def test_a_refusal_keeps_its_reason_its_rule_and_its_fields(
    client: httpx.AsyncClient, backend: Backend, kind: Kind, code: int, status: str
):
    backend.answers(
        "OpenCycle",
        Rejected(
            "REASON", "what is wrong", kind=kind, rule="G-66", violations=(Violation("name", "TAKEN", "is taken"),)
        ),
    )
    answer = await client.post("/v1/cycles", json={})
    assert answer.status_code == code
    assert answer.json() == {
        "error": {
            "code": code,
            "status": status,
            "reason": "REASON",
            "message": "what is wrong",
            "violations": [{"field": "name", "reason": "TAKEN", "message": "is taken"}],
            "rule": "G-66",
            "request_id": answer.headers["x-request-id"],
        }
    }


async def test_a_service_that_is_away_is_said_to_be(client: httpx.AsyncClient):
    answer = await client.post("/v1/kpis/i1/progress", json={"value": {"value": "1"}})
    assert (answer.status_code, answer.json()["error"]["reason"]) == (503, "SERVICE_AWAY")
    assert "checkins" in answer.json()["error"]["message"]


async def test_operations_go_to_the_service_that_is_named(client: httpx.AsyncClient, backend: Backend):
    backend.answers("Verify", operations_pb2.Verified(views=[operations_pb2.VerifiedView(view="kpi", rows=3)]))
    answer = await client.post("/v1/operations/goals:verify", json={})
    assert answer.json() == {"views": [{"view": "kpi", "rows": "3"}]}
    assert backend.asked[0][1] == operations_pb2.Verify(service="goals")
    assert (await client.post("/v1/operations/nobody:verify", json={})).json()["error"]["reason"] == "SERVICE_UNKNOWN"


async def test_unknown_paths_and_verbs(client: httpx.AsyncClient):
    for path in ("/v1/nothing", "/v1/people/a%0Ab:placeLegalHold"):
        assert (await client.get(path)).json()["error"]["reason"] == "PATH_UNKNOWN"
    assert (await client.delete("/v1/cycles")).status_code == 405


def test_a_decimal_keeps_every_digit():
    message = message_of(
        checkins_pb2.RecordProgress.DESCRIPTOR,
        {"kpi_id": "i1"},
        b'{"value": {"value": "0.10000000000000000000001"}}',
        (),
    )
    assert isinstance(message, checkins_pb2.RecordProgress)
    assert message.value == decimal_pb2.Decimal(value="0.10000000000000000000001")
