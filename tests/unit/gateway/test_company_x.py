"""The example that stands in for the services in the browser's tests keeps to their contracts."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import services.gateway as gateway
from eventkit.errors import Rejected
from nhip.common.v1 import words_pb2
from nhip.goals.v1 import goals_pb2
from nhip.rewards.v1 import rewards_pb2
from services.gateway.upstream import OPERATIONS, SERVICES
from tests.browser.company_x import CompanyX
from tests.parsing import parsed

ROOM = Path(gateway.__file__).parent
RPCS = {method.name: method for service in (*SERVICES.values(), OPERATIONS) for method in service.methods}
RETROS = ("GetRetro", "GetTeamRetro")
COMMANDS = {name for name, rpc in RPCS.items() if rpc.output_type.name == "Accepted"}


def asked_for() -> Iterator[str]:
    """Every RPC that a page of the console names."""
    for file in [*ROOM.glob("console/**/*.py"), *ROOM.glob("features/**/*.py")]:
        for node in ast.walk(parsed(file.read_text())):
            if isinstance(node, ast.Constant) and node.value in RPCS:
                yield str(node.value)


def test_it_answers_all_that_pages_ask_for():
    asked = set(asked_for())
    assert len(asked) > 30
    assert [name for name in sorted(asked) if not hasattr(CompanyX, name)] == []


def test_it_answers_nothing_that_no_contract_has():
    own = [name for name in dir(CompanyX) if name[0].isupper() and callable(getattr(CompanyX, name))]
    assert [name for name in own if name not in RPCS] == []


def queries() -> list[MethodDescriptor]:
    return [RPCS[name] for name in sorted(set(asked_for()) - COMMANDS)]


def requests(rpc: MethodDescriptor) -> Iterator[Message]:
    """The emptiest request, and one for a thing that is there."""
    known = {"cycle_id": "q1-2025", "kpi_id": "i1", "person_id": "minh", "subject_kind": "kpi", "subject_id": "i1"}
    known |= {"service": "goals", "team_retro_id": "b-sales", "integration_id": "crm"}
    request = GetMessageClass(rpc.input_type)()
    yield request
    filled = type(request)()
    for name, value in known.items():
        if name in rpc.input_type.fields_by_name:
            setattr(filled, name, value)
    yield filled


@pytest.mark.parametrize("rpc", queries(), ids=lambda rpc: rpc.name)
def test_its_replies_are_what_the_contract_says(rpc: MethodDescriptor):
    company, answered = CompanyX(), 0
    for request in requests(rpc):
        try:
            # a retro is asked for by whose it is, everything else by who may see all
            reply = getattr(company, rpc.name)(request, "minh" if rpc.name in RETROS else "nam")
        except Rejected:
            continue
        answered += 1
        assert reply.DESCRIPTOR.full_name == rpc.output_type.full_name
        assert list(faults(reply)) == []
        assert type(reply).FromString(reply.SerializeToString()) == reply
    private = ("GetLogo", "GetProposal", "GetTopic", "PreviewProposal")
    assert answered or rpc.name in private, "it answers neither request"


def faults(message: Message, path: str = "") -> Iterator[str]:
    """What no service of ours would answer: enums' values that are none, words in no form, numbers that are none."""
    for field, value in message.ListFields():
        for item in value if field.is_repeated else [value]:
            here = f"{path}.{field.name}"
            if field.enum_type is not None and item not in field.enum_type.values_by_number:
                yield f"{here}: {item}"
            elif isinstance(item, words_pb2.PersonalText):
                if item.WhichOneof("form") in (None, "sealed"):
                    yield f"{here}: words in no form"
            elif isinstance(item, Message) and item.DESCRIPTOR.full_name == "google.type.Decimal":
                if not item.value.lstrip("-").replace(".", "", 1).isdecimal():  # pyright: ignore[reportAttributeAccessIssue]
                    yield f"{here}: {item}"
            elif isinstance(item, Message) and not (field.message_type and field.message_type.GetOptions().map_entry):
                yield from faults(item, here)


def test_a_reply_that_is_none_is_found():
    wrong = goals_pb2.Kpi(level=99)  # pyright: ignore[reportArgumentType]
    wrong.measure.target.value = "much"
    assert len(list(faults(wrong))) == 2
    assert list(faults(rewards_pb2.Praise(words=words_pb2.PersonalText()))) == [".words: words in no form"]
