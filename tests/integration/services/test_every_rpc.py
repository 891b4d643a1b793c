"""What holds for every RPC of every service, found by a walk over the descriptors."""

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from eventkit.errors import Kind, Rejected
from nhip.common.v1 import operations_pb2, options_pb2
from tests.integration.services.company import DESCRIPTORS, OPERATIONS, Company, System

RPCS = [
    (context, method) for context, service in DESCRIPTORS.items() for method in (*service.methods, *OPERATIONS.methods)
]
EACH = pytest.mark.parametrize(("context", "method"), RPCS, ids=lambda value: getattr(value, "full_name", value))


@EACH
async def test_without_a_token_it_is_refused(system: System, context: str, method: MethodDescriptor):
    with pytest.raises(Rejected) as refusal:
        await system.call(context, method, GetMessageClass(method.input_type)(), [])
    assert (refusal.value.kind, refusal.value.reason) == (Kind.UNAUTHENTICATED, "TOKEN_MISSING")


@pytest.fixture(scope="module")
async def one_company(system: System) -> Company:
    return await system.company().found()


OF_OPERATORS = {
    "CreateTenant", "SuspendTenant", "ResumeTenant", "RequestTenantDeletion", "ApproveTenantDeletion", "KeepTenant",
    "SetTenantQuotas", "Rebuild",
}  # fmt: skip


def required(method: MethodDescriptor) -> set[str]:
    return {f.name for f in method.input_type.fields if f.GetOptions().Extensions[options_pb2.rules].required}


@pytest.mark.parametrize(
    ("context", "method"),
    # Those that keep people are for the key of an integration alone: test_scim.
    [(c, m) for c, m in RPCS if required(m) and m.containing_service.name != "Sync"],
    ids=lambda value: getattr(value, "full_name", value),
)
async def test_an_empty_request_is_told_every_field_that_is_missing(
    system: System, one_company: Company, context: str, method: MethodDescriptor
):
    by = "service:operator" if method.name in OF_OPERATORS else "nam"
    refusal = await _refused(system, context, method, GetMessageClass(method.input_type)(), one_company.metadata(by))
    assert refusal.kind is Kind.INVALID
    assert {v.field for v in refusal.violations} >= required(method)
    assert all(v.message.startswith("must") for v in refusal.violations)


async def _refused(
    system: System, context: str, method: MethodDescriptor, request: Message, metadata: list[tuple[str, str]]
) -> Rejected:
    with pytest.raises(Rejected) as refusal:
        await system.call(context, method, request, metadata)
    return refusal.value


@pytest.mark.parametrize("who", ["minh", "nam"])
async def test_what_a_service_says_one_may_call_is_what_it_lets_one_call(
    system: System, one_company: Company, who: str
):
    for context in DESCRIPTORS:
        access = await one_company.ask(operations_pb2.GetAccess(service=context), who, context=context)
        assert isinstance(access, operations_pb2.Access)
        for method in filter(required, DESCRIPTORS[context].methods):
            request = GetMessageClass(method.input_type)()
            refusal = await _refused(system, context, method, request, one_company.metadata(who))
            assert (refusal.reason != "NOT_ALLOWED") == (method.name in access.methods), method.full_name
