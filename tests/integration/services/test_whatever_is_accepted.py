"""Whatever any command accepts, every reader of it answers; what is refused is refused in words, never by a fault.

Requests are made from the contracts: every field in turn holds what people, programs and attackers put there, the
others what is right.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from eventkit.errors import Rejected
from nhip.common.v1 import operations_pb2 as o
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.options_pb2 import rules, subject
from tests.integration.services.company import DESCRIPTORS, OPERATOR, Company, System, today

TEXTS = [
    "x" * 5000,
    "e\u0301\u0302\u0303" * 60,
    "👩‍👩‍👧‍👦" * 12,
    "\u202e\u0000",
    " \t\n",
    "=1+1 <script> '; drop table kpi",
]
NUMBERS = ["9" * 18, "-" + "9" * 18 + ".999999", "0.000001", "0", "1" * 19, "1e999999", "١٢", "", "9" * 5000]
DAYS = [(1, 1, 1), (9999, 12, 31), (2062, 6, 1), (2025, 2, 30), (-1, 1, 1)]
MADE = {
    "RegisterPerson": "person",
    "CreateUnit": "unit",
    "OpenCycle": "cycle",
    "SetStrategicGoal": "goal",
    "ChooseCsf": "csf",
    "DefineKpi": "kpi",
    "ProposeChange": "proposal",
    "GivePraise": "praise",
    "NameCoreValue": "value",
    "OfferGift": "gift",
    "RedeemGift": "redemption",
}
"""What a command makes: later requests may name it."""


class Maker:
    """Makes requests: right ones, by the names and rules of their fields, and others with one field that is odd."""

    def __init__(self, company: Company, ids: dict[str, list[str]]):
        self.company, self.ids, self.random = company, ids, random.Random(20)

    def right(self, message: Message, depth: int = 0) -> Message:
        for field in message.DESCRIPTOR.fields:
            if depth < 4 and (field.containing_oneof is None or field is field.containing_oneof.fields[0]):
                self.fill(message, field, depth)
        return message

    def fill(self, message: Message, field: Any, depth: int = 0, odd: Any = None) -> None:
        """Give a field what is right, or what is odd."""
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            return
        if kind is not None:
            inner = getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name)
            inner.SetInParent()
            match kind.full_name:
                case "google.type.Decimal":
                    inner.value = odd if isinstance(odd, str) else "7"
                case "google.type.Date":
                    day = today()
                    inner.year, inner.month, inner.day = (
                        odd if isinstance(odd, tuple) else (day.year, day.month, day.day)
                    )
                case "nhip.common.v1.PersonalText":
                    inner.plain = odd if isinstance(odd, str) else "Vì đã rõ hơn"
                case "nhip.common.v1.AsOf":
                    inner.Clear()
                case _:
                    self.right(inner, depth + 1)
            return
        value: Any
        if field.enum_type is not None:
            value = (
                odd if isinstance(odd, int) else field.enum_type.values[min(1, len(field.enum_type.values) - 1)].number
            )
        elif field.type == FieldDescriptor.TYPE_STRING:
            known = self.ids.get(
                field.GetOptions().Extensions[subject] or field.name.removesuffix("_id").removesuffix("_ids"), []
            )
            value = odd if isinstance(odd, str) else self.random.choice(known) if known else self._text(field)
        elif field.type == FieldDescriptor.TYPE_BYTES:
            value = b""
        elif field.type == FieldDescriptor.TYPE_BOOL:
            value = bool(odd)
        else:
            value = odd if isinstance(odd, int) else 0 if field.name == "revision" else 1
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)

    def _text(self, field: Any) -> str:
        limits = field.GetOptions().Extensions[rules]
        if field.name == "language":
            return "vi"
        if field.name in ("page_token", "unit"):
            return ""
        return "Asia/Ho_Chi_Minh" if limits.time_zone else f"t{self.random.randrange(10**9)}"

    def odd(self, method: MethodDescriptor) -> Iterator[Message]:
        """One request for each odd content of each field, however deep."""
        kind: Any = GetMessageClass(method.input_type)
        for path in _paths(method.input_type.fields):
            leaf = path[-1]
            for content in _contents(leaf):
                request = self.right(kind())
                target: Any = request
                for step in path[:-1]:
                    target = getattr(target, step.name)
                    if step.is_repeated:
                        if not target:
                            break
                        target = target[0]
                else:
                    try:
                        if leaf.is_repeated:
                            target.ClearField(leaf.name)
                        self.fill(target, leaf, odd=content)
                    except (ValueError, TypeError):  # no such content fits into the field
                        continue
                    yield request


_LEAVES = ("nhip.common.v1.PersonalText", "nhip.common.v1.AsOf")


def _paths(fields: Any, depth: int = 0) -> Iterator[tuple[Any, ...]]:
    for field in fields:
        kind = field.message_type
        leaf = (
            kind is None
            or kind.full_name.startswith("google.")
            or kind.full_name in ("nhip.common.v1.PersonalText", "nhip.common.v1.AsOf")
        )
        if leaf:
            yield (field,)
        elif kind is not None and depth < 2 and not kind.GetOptions().map_entry:
            yield from ((field, *rest) for rest in _paths(kind.fields, depth + 1))


def _contents(field: Any) -> list[Any]:
    kind = field.message_type.full_name if field.message_type else ""
    if kind == "google.type.Decimal":
        return NUMBERS
    if kind == "google.type.Date":
        return DAYS
    if field.type == FieldDescriptor.TYPE_STRING or kind == "nhip.common.v1.PersonalText":
        return TEXTS
    if field.enum_type is not None:
        return [0, 99, -1]
    if field.cpp_type in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64):
        return [0, -1, 2**31 - 1]
    if field.cpp_type in (FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64):
        return [0, 2**32 - 1, 100]
    return []


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


def is_command(method: MethodDescriptor) -> bool:
    return method.output_type is Accepted.DESCRIPTOR


async def tried(
    company: Company, context: str, method: MethodDescriptor, request: Message, by: str
) -> Message | Rejected:
    """The answer, or the refusal. A fault, a time that is over, a gRPC error without a reason: each fails the test."""
    try:
        reply = await company.system.call(context, method, request, company.metadata(by))
    except Rejected as refusal:
        return refusal  # INTERNAL, UNAVAILABLE and the like are no refusals: they come as errors of gRPC, and go on up
    if isinstance(reply, Accepted) and reply.position:
        company.positions[context] = reply.position
    return reply


@pytest.mark.parametrize("context", [name for name in DESCRIPTORS if name != "audit"])
async def test_whatever_is_accepted_every_reader_answers(company: Company, context: str):
    ids: dict[str, list[str]] = {
        "person": [company.ids[name] for name in ("minh", "tram", "phuc")],
        "unit": [company.ids["sales"]],
        "cycle": [company.ids["q1"]],
        "goal": [company.ids["goal"]],
        "csf": [company.ids["csf"]],
        "kpi": [company.ids[name] for name in ("K1", "D1", "I1")],
    }
    maker = Maker(company, ids)
    commands = [
        method for method in DESCRIPTORS[context].methods if is_command(method) and method.name != "CreateTenant"
    ]
    actors: Callable[[], str] = itertools.cycle(("service:importer", "nam", "phuc", "minh")).__next__
    accepted = 0
    for method in commands:
        for request in itertools.chain(
            (maker.right(GetMessageClass(method.input_type)()) for _ in range(4)), maker.odd(method)
        ):
            answer = await tried(company, context, method, request, actors())
            accepted += isinstance(answer, Accepted)
            if isinstance(answer, Accepted) and answer.id and (kind := MADE.get(method.name)):
                ids.setdefault(kind, []).append(answer.id)
    assert accepted, "nothing was accepted: this says nothing"
    for where, service in DESCRIPTORS.items():
        for method in (method for method in service.methods if not is_command(method)):
            for by in ("nam", "minh"):
                await tried(company, where, method, GetMessageClass(method.input_type)(), by)
            for _ in range(3):
                await tried(company, where, method, maker.right(GetMessageClass(method.input_type)()), "nam")
            for request in itertools.islice(maker.odd(method), 0, None, 5):
                await tried(company, where, method, request, "nam")
    for service in ("people", "goals", "checkins", "rewards", "notifications"):
        verified = await company.ask(o.Verify(), OPERATOR, context=service)
        assert isinstance(verified, o.Verified)
        assert [(view.view, list(view.differences)) for view in verified.views if view.differences] == []
        parked = await company.ask(o.ListParked(), OPERATOR, context=service)
        assert isinstance(parked, o.Parked)
        assert not parked.events
