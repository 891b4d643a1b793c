"""JSON to gRPC and back, from the contracts' `google.api.http` annotations alone: a new RPC needs no line here."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from google.api import annotations_pb2  # pyright: ignore[reportMissingTypeStubs]  # a wheel without py.typed
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from eventkit.contracts import Answers
from eventkit.errors import Violation
from services.gateway.failures import Failure, invalid

NOT_THAT_MESSAGE = (json_format.ParseError, TypeError, ValueError, OverflowError, AttributeError, RecursionError)
"""What reading JSON as a message raises when it is none."""
MOST_TOLD = 100
"""Violations that are told: a body of a megabyte of mistakes is not answered by a longer one."""

_VARIABLE = re.compile(r"\{([a-z0-9_.]+)\}")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


@dataclass(frozen=True, slots=True)
class Binding:
    """One RPC's way in over HTTP."""

    context: str
    """Whose service answers; empty: the request's field `service` says it."""
    method: MethodDescriptor
    verb: str
    template: str
    pattern: re.Pattern[str]
    has_body: bool

    def request(self, variables: Mapping[str, str], body: bytes, query: Iterable[tuple[str, str]]) -> Message:
        """The RPC's request; raises Failure naming each field that cannot be right."""
        return message_of(
            self.method.input_type, variables, body if self.has_body else b"", () if self.has_body else query
        )


def bindings(services: Mapping[str, Answers], shared: ServiceDescriptor | None = None) -> list[Binding]:
    """The bindings of every RPC; `shared` is served by every service and chosen by the path variable `service`."""
    found = [_binding(context, method) for context, service in services.items() for method in service.methods]
    return found + [_binding("", method) for method in (shared.methods if shared else ())]


def _binding(context: str, method: MethodDescriptor) -> Binding:
    rule: Any = method.GetOptions().Extensions[cast(Any, annotations_pb2.http)]
    verb: str | None = rule.WhichOneof("pattern")
    if verb not in ("get", "put", "post", "delete", "patch") or rule.body not in ("", "*"):
        raise ValueError(f"{method.full_name} has no google.api.http annotation that the gateway understands")
    template: str = getattr(rule, verb)
    # A variable is one segment, and never takes the verb behind it: ids have no colon.
    pattern = "".join(
        f"(?P<{part}>[^/:]+)" if index % 2 else re.escape(part) for index, part in enumerate(_VARIABLE.split(template))
    )
    return Binding(context, method, verb.upper(), template, re.compile(pattern), rule.body == "*")


class Routes:
    """Finds the binding for a request."""

    def __init__(self, all_bindings: Iterable[Binding]) -> None:
        self._bindings = tuple(all_bindings)

    def match(self, verb: str, path: str) -> tuple[Binding, dict[str, str]]:
        """The binding and its path variables; raises Failure when there is none for the path or the verb."""
        allowed: set[str] = set()
        for binding in self._bindings:
            if found := binding.pattern.fullmatch(path):
                if binding.verb == verb:
                    return binding, {name: unquote(value) for name, value in found.groupdict().items()}
                allowed |= {binding.verb} | ({"HEAD"} if binding.verb == "GET" else set())
        if allowed:
            told = tuple(sorted(allowed))
            raise Failure("METHOD_NOT_ALLOWED", "METHOD_NOT_ALLOWED", f"{path} answers {', '.join(told)}", allowed=told)
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", f"there is nothing at {path}")

    def __iter__(self) -> Iterator[Binding]:
        return iter(self._bindings)


def message_of(
    descriptor: Descriptor, variables: Mapping[str, str], body: bytes, query: Iterable[tuple[str, str]]
) -> Message:
    """A message from path variables, a JSON body and query parameters."""
    content = _json_object(body)
    wrong: list[Violation] = []
    _set_query(descriptor, content, query, set(variables), wrong)
    for name, value in variables.items():
        if str(content.get(name, value)) != value:
            wrong.append(Violation(name, "DIFFERS_FROM_PATH", f"the path says {value!r}"))
        content[name] = value
    message = GetMessageClass(descriptor)()
    try:
        if not wrong:
            json_format.ParseDict(content, message)
            return message
    except NOT_THAT_MESSAGE:
        pass  # field by field, to say where; that costs much more, so it is not done of what is right
    wrong += _violations(descriptor, content, "")
    if not wrong:
        raise invalid("MALFORMED_REQUEST", f"the body cannot be read as {descriptor.full_name}")
    raise invalid("MALFORMED_REQUEST", "; ".join(f"{v.field}: {v.message}" for v in wrong[:3]), *wrong[:MOST_TOLD])


def json_of(message: Message) -> dict[str, Any]:
    """A message by the protobuf JSON mapping, with the fields' own names."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose fields are given once each: of two, which would count?"""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, _ in pairs if [other for other, _ in pairs].count(name) > 1)
        raise invalid("MALFORMED_JSON", f"the body gives a field twice: {twice[:80]!r}")
    return found


def _json_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        content = json.loads(body.decode(), object_pairs_hook=_once)
        if b"\\u" in body:
            json.dumps(
                content, ensure_ascii=False
            ).encode()  # half of a surrogate pair is no text, and cannot even be told in a refusal
    except UnicodeEncodeError as error:
        raise invalid("MALFORMED_JSON", "a text in the body is no Unicode: it has half of a surrogate pair") from error
    except RecursionError as error:
        raise invalid("MALFORMED_JSON", "the body is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise invalid(
            "MALFORMED_JSON", f"the body is not UTF-8: byte {error.start + 1} is no part of a character"
        ) from error
    except json.JSONDecodeError as error:
        raise invalid("MALFORMED_JSON", f"the body is not JSON: {error}") from error
    except ValueError as error:  # Python reads no number of more digits
        raise invalid("MALFORMED_JSON", "the body holds a number that is too long") from error
    if not isinstance(content, dict):
        raise invalid("MALFORMED_JSON", "the body is not a JSON object")
    return content  # pyright: ignore[reportUnknownVariableType]  -- JSON's keys are strings


def _field(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    return descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)


def _set_query(
    descriptor: Descriptor,
    content: dict[str, Any],
    query: Iterable[tuple[str, str]],
    bound: set[str],
    wrong: list[Violation],
) -> None:
    """Puts `a.b.c=value` where it belongs; dates, instants and decimals may be given whole, as people write them."""
    for name, value in query:
        *parents, last = name.split(".")
        found = _descend(descriptor, content, parents)
        field = _field(found[0], last) if found is not None else None
        if found is None or field is None or name in bound:
            wrong.append(Violation(name, "PARAMETER_UNKNOWN", "there is no such parameter"))
            continue
        into = found[1]
        if field.is_repeated:
            into[field.name] = [*into.get(field.name, []), _plain(field, value)]
        elif field.name in into:
            wrong.append(Violation(name, "GIVEN_TWICE", "is given twice"))
        else:
            into[field.name] = _plain(field, value)


def _descend(
    descriptor: Descriptor, content: dict[str, Any], parents: list[str]
) -> tuple[Descriptor, dict[str, Any]] | None:
    """The message and the JSON object that a dotted name leads to; None when it leads nowhere."""
    for parent in parents:
        step = _field(descriptor, parent)
        if step is None or step.message_type is None or step.is_repeated:
            return None
        deeper: Any = content.setdefault(step.name, {})
        if not isinstance(deeper, dict):  # it was given whole before
            return None
        descriptor, content = step.message_type, cast(dict[str, Any], deeper)
    return descriptor, content


def _plain(field: FieldDescriptor, text: str) -> Any:
    """A parameter's text as the JSON mapping wants it; what it makes no sense of it leaves for the mapping to
    refuse."""
    if field.message_type is not None:
        if field.message_type.full_name == "google.type.Date" and (found := _DATE.fullmatch(text)):
            year, month, day = (int(part) for part in found.groups())
            return {"year": year, "month": month, "day": day}
        if field.message_type.full_name == "google.type.Decimal":
            return {"value": text}
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"true": True, "false": False}.get(text, text)
    return text


def _violations(descriptor: Descriptor, content: Any, path: str) -> list[Violation]:
    """Every field of a JSON object that the message cannot take, by its path."""
    found: list[Violation] = []
    for name, value in content.items():
        at = f"{path}.{name}" if path else str(name)
        field = _field(descriptor, name)
        if field is None:
            found.append(Violation(at, "FIELD_UNKNOWN", "there is no such field"))
        elif value is not None:
            found += _field_violations(descriptor, field, value, at)
    return found


def _field_violations(descriptor: Descriptor, field: FieldDescriptor, value: Any, at: str) -> list[Violation]:
    nested = field.message_type
    plain = (
        nested is not None and not nested.full_name.startswith("google.protobuf.") and not nested.GetOptions().map_entry
    )
    if field.is_repeated and isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        if nested is not None and plain and all(isinstance(item, dict) for item in items):
            return [v for index, item in enumerate(items) for v in _violations(nested, item, f"{at}[{index}]")]
    elif nested is not None and plain and isinstance(value, dict) and not field.is_repeated:
        return _violations(nested, value, at)
    try:
        json_format.ParseDict({field.name: value}, GetMessageClass(descriptor)())
    except NOT_THAT_MESSAGE:
        return [Violation(at, "WRONG_TYPE", f"is not {_wanted(field)}")]
    return []


def _wanted(field: FieldDescriptor) -> str:
    if field.is_repeated:
        return "a list of the right kind"
    if field.message_type is not None:
        return {
            "google.protobuf.Timestamp": "an instant as 2025-03-01T09:30:00Z",
            "google.type.Date": "a date as {year, month, day}",
            "google.type.Decimal": 'a decimal as {"value": "1.5"}',
        }.get(field.message_type.full_name, "an object")
    if field.enum_type is not None:
        return "one of " + ", ".join(value.name for value in field.enum_type.values)
    if field.type == FieldDescriptor.TYPE_STRING:
        return "text"
    if field.type == FieldDescriptor.TYPE_BOOL:
        return "true or false"
    return "bytes in base64" if field.type == FieldDescriptor.TYPE_BYTES else "a number in range"
