"""Whatever anybody sends to any RPC: it is answered or refused in a documented way, nothing of another company is told
or touched, and no state is half written.

Requests are made from the descriptors, and as JSON from the OpenAPI document, of every field and with the other
company's ids among them. `make fuzz` sends many more.
"""

import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import grpc
import httpx
import pytest
import schemathesis
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cli.catalog import SERVICES
from eventkit.errors import Rejected
from eventkit.rpc.auth import Keys, Tokens
from eventkit.rpc.errors import CODES
from eventkit.rpc.metadata import POSITION
from nhip.common.v1 import operations_pb2 as o
from nhip.common.v1.command_pb2 import Accepted
from nhip.goals.v1 import types_pb2 as gt
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from services.gateway.features.reference.pages import api_document
from services.gateway.service import application
from services.gateway.session import Identity
from services.gateway.upstream import Upstream
from tests.integration.services.company import DESCRIPTORS, OPERATOR, Company, System, words

EXAMPLES = int(os.environ.get("EXAMPLES", "2"))
"""Requests to each RPC."""
DOCUMENTED = frozenset(CODES.values())
WHO = ("nam", "quang", "phuc", "minh", "auditor", "person:nobody", "service:importer", "")
"""An administrator, an executive, a head, an employee, an auditor, whom nobody knows, the importer; and no token."""
FIELD = FieldDescriptor
DEEP = 4


@dataclass
class Fuzzed:
    system: System
    mine: Company
    other: Company
    secret: str
    """Stands in every text of the other company."""
    before: dict[str, int]
    """How many events the other company had, by service."""

    @property
    def ids(self) -> list[str]:
        return [*self.mine.ids.values(), *self.other.ids.values()]


@pytest.fixture(scope="module")
async def there(system: System) -> Fuzzed:
    mine, other = system.company(), system.company()
    secret = f"bimat{uuid4().hex[:8]}"
    for company in (mine, other):
        await (await company.found()).branch()
        await company.do(p.RegisterPerson(name=words("Kiểm"), roles=[pt.ROLE_AUDITOR]), name="auditor")
    await other.do(p.RegisterPerson(name=words(secret), title=words(secret)), name="hidden")
    await other.define(secret, gt.LEVEL_INDIVIDUAL, 5, other.under("D1"), owner="minh")
    found = Fuzzed(system, mine, other, secret, {})
    found.before = await events_of(found, other.tenant)
    return found


async def events_of(there: Fuzzed, tenant: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in SERVICES:
        con = await asyncpg.connect(there.system.settings.database(name))
        try:
            counts[name] = await con.fetchval("select count(*) from log_event where tenant = $1", tenant)
        finally:
            await con.close()
    return counts


TEXTS = st.sampled_from(
    [
        "",
        " ",
        "Tên",
        "x" * 3000,
        "a\0b",
        "\u202eđảo",
        "<script>",
        "'; drop table kpi; --",
        "{{7*7}}",
        "9" * 40,
        "2025-02-30",
    ]
) | st.text(max_size=12)
NUMBERS = st.sampled_from(["0", "1", "-1", "0.0000001", "1e30", "NaN", "", "abc", "-0", "9" * 30, " 5"])
WHOLE = st.sampled_from([0, 1, 2, 3, 12, 31, 100, 2025, 2**31 - 1])
SIGNED = WHOLE | st.sampled_from([-1, -(2**31)])


def messages(kind: Descriptor, ids: list[str], deep: int = 0) -> st.SearchStrategy[Message]:
    """Any message of a kind, right or wrong."""

    @st.composite
    def made(draw: st.DrawFn) -> Message:
        message = GetMessageClass(kind)()
        for one in kind.fields:
            # What must be there is mostly there, so that requests come further than the first look at them.
            if draw(st.integers(0, 3)) == 0 or (one.message_type and deep >= DEEP):
                continue
            value = values(one, ids, deep)
            if one.is_repeated:
                if one.message_type and one.message_type.GetOptions().map_entry:
                    continue
                several = draw(st.lists(value, max_size=2))
                getattr(message, one.name).extend(several)
            elif one.message_type:
                getattr(message, one.name).CopyFrom(draw(value))
            else:
                setattr(message, one.name, draw(value))
        return message

    return made()


def values(one: FieldDescriptor, ids: list[str], deep: int) -> st.SearchStrategy[Any]:
    if one.message_type:
        return messages(one.message_type, ids, deep + 1)
    if one.enum_type:
        return st.sampled_from([*one.enum_type.values_by_number, 99])
    match one.cpp_type:
        case FIELD.CPPTYPE_STRING if one.type == FIELD.TYPE_BYTES:
            return st.binary(max_size=20)
        case FIELD.CPPTYPE_STRING if one.name.endswith(("_id", "_ids")) or one.name == "id":
            return st.sampled_from([*ids, "unknown", "", "Không phải", "x" * 65, str(uuid4())])
        case FIELD.CPPTYPE_STRING if one.containing_type and one.containing_type.full_name == "google.type.Decimal":
            return NUMBERS
        case FIELD.CPPTYPE_STRING:
            return TEXTS
        case FIELD.CPPTYPE_BOOL:
            return st.booleans()
        case FIELD.CPPTYPE_DOUBLE | FIELD.CPPTYPE_FLOAT:
            return st.floats(width=32)
        case FIELD.CPPTYPE_UINT32 | FIELD.CPPTYPE_UINT64:
            return WHOLE
        case _:
            return SIGNED


RPCS = [(context, method) for context, service in DESCRIPTORS.items() for method in service.methods]
SOME = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="EXAMPLES" not in os.environ,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize(("context", "method"), RPCS, ids=[f"{context}-{method.name}" for context, method in RPCS])
@SOME
@given(data=st.data())
async def test_whatever_is_sent_is_answered_or_refused_as_documented_and_tells_nothing_of_others(
    there: Fuzzed, context: str, method: MethodDescriptor, data: st.DataObject
):
    request = data.draw(messages(method.input_type, there.ids), label="request")
    who = data.draw(st.sampled_from(WHO), label="who")
    told = await answer(there, context, method, request, who)
    assert there.secret not in told
    foreign = [id for id in there.other.ids.values() if id in told and id not in str(request)]
    assert not foreign, told[:500]


async def answer(there: Fuzzed, context: str, method: MethodDescriptor, request: Message, who: str) -> str:
    """All that a caller is told."""
    metadata = there.mine.metadata(who, uuid4().hex) if who else []
    try:
        reply = await there.system.call(context, method, request, metadata)
    except Rejected as refused:
        return f"{refused} {refused.violations} {refused.parameters}"
    except grpc.aio.AioRpcError as error:
        # Only what no rule of ours refuses comes as itself: a message that gRPC does not take.
        if error.code() not in DOCUMENTED:
            pytest.fail(f"{method.full_name} by {who}: {error}\n{request}")
        return str(error.details())
    assert who, f"{method.full_name} answered without a token"
    if isinstance(reply, Accepted) and reply.position:
        there.mine.positions[context] = reply.position
    return str(reply)


@pytest.fixture(scope="module")
async def gateway(system: System) -> AsyncGenerator[httpx.AsyncClient]:
    tokens = Tokens(issuer=system.issuer.issuer, audience="nhip", keys=Keys(system.settings.jwks))
    app = application(Upstream(system.channels), Identity(None, "nobody"), tokens)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://nhip.test") as client:
        yield client


OPERATIONS: list[APIOperation] = [
    found.ok()
    for found in schemathesis.openapi.from_dict(dict(api_document())).get_all_operations()
    if isinstance(found, Ok)
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
@SOME
@given(data=st.data())
async def test_whatever_is_sent_as_json_is_answered_as_the_openapi_document_says(
    there: Fuzzed, gateway: httpx.AsyncClient, operation: APIOperation, data: st.DataObject
):
    mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]), label="mode")
    case: Case = data.draw(operation.as_strategy(generation_mode=mode), label="case")
    if mode == GenerationMode.POSITIVE:  # else it would come no further than the first look at an id
        id = st.sampled_from(there.ids)
        case.path_parameters = {name: data.draw(id) for name in case.path_parameters}
        case.query = known(case.query, data, id)
        case.body = known(case.body, data, id)
    who = data.draw(st.sampled_from(WHO), label="who")
    sent = case.as_transport_kwargs(str(gateway.base_url))
    sent.pop("cookies", None)  # it takes none
    if "data" in sent:
        sent["content"] = sent.pop("data")
    headers = httpx.Headers({name: value.encode() for name, value in sent.pop("headers").items()})
    headers.pop("authorization", None)  # no token that is made up comes any further
    if mode == GenerationMode.POSITIVE:
        headers.pop(POSITION, None)  # nor does a position
    headers.update(there.mine.metadata(who)[:1] if who else [])
    answered = await gateway.request(**sent, headers=headers)
    case.validate_response(answered, checks=CHECKS)
    assert who or answered.status_code >= 400
    assert there.secret not in answered.text
    asked = f"{answered.request.url}{answered.request.content!r}"
    foreign = [id for id in there.other.ids.values() if id in answered.text and id not in asked]
    assert not foreign, answered.text[:500]


def known(given: Any, data: st.DataObject, id: st.SearchStrategy[str], name: str = "") -> Any:
    """The same with ids that there are."""
    match given:
        case dict():
            return {one: known(value, data, id, one) for one, value in given.items()}
        case list():
            return [known(value, data, id, name) for value in given]
        case str() if name.endswith(("_id", "_ids")):
            return data.draw(id)
        case _:
            return given


async def test_afterwards_nothing_is_half_written_and_the_others_are_as_they_were(there: Fuzzed):
    assert await events_of(there, there.other.tenant) == there.before
    for company in (there.mine, there.other):
        for name in SERVICES:
            found = await company.ask(o.Verify(service=name), OPERATOR, context=name)
            assert isinstance(found, o.Verified)
            assert [(view.view, list(view.differences)) for view in found.views if view.differences] == []
