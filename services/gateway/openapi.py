"""The JSON API as an OpenAPI 3.1 document: from the contracts' annotations, field rules and comments, nothing by
hand."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

import nhip
from eventkit.rpc.metadata import IDEMPOTENCY_KEY, POSITION
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.options_pb2 import Rules, rules
from services.gateway.transcoding import Binding

Json = dict[str, Any]

CONTRACTS = "contracts.binpb"
"""The contracts with their comments, as `make proto` leaves them beside the code that is generated from them."""
DEEPEST_PARAMETER = 3
ID = "^[a-z0-9][a-z0-9_.-]{0,63}$"
WELL_KNOWN: Mapping[str, Json] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.type.Date": {
        "type": "object",
        "properties": {name: {"type": "integer"} for name in ("year", "month", "day")},
        "examples": [{"year": 2025, "month": 3, "day": 20}],
    },
    "google.type.Decimal": {
        "type": "object",
        "properties": {"value": {"type": "string"}},
        "examples": [{"value": "67.5"}],
    },
}
SCALARS: Mapping[int, Json] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    # JSON's numbers are too short for these: they are written as text.
    FieldDescriptor.TYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptor.TYPE_UINT64: {"type": "string", "format": "uint64"},
}
_PARAMETERS: Json = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "description": 'What the rule measures by, as {"most": "200"}: numbers and days as elsewhere in contracts.',
}
REFUSAL: Json = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "status", "reason", "message"],
            "properties": {
                "code": {"type": "integer", "description": "The HTTP status."},
                "status": {"type": "string", "description": "The canonical gRPC status."},
                "reason": {
                    "type": "string",
                    "description": "Stable: what a program may go by.",
                    "examples": ["FIELDS_INVALID"],
                },
                "message": {"type": "string", "description": "For people."},
                "parameters": _PARAMETERS,
                "rule": {"type": "string", "description": "The requirement that it follows from, as G-66."},
                "request_id": {"type": "string", "description": "As `x-request-id`: it stands in the logs too."},
                "violations": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "field": {"type": "string"},
                            "reason": {"type": "string", "description": "Stable."},
                            "message": {"type": "string"},
                            "parameters": _PARAMETERS,
                        },
                    },
                },
            },
        }
    },
    "required": ["error"],
}
_ALWAYS: dict[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "A field is wrong, or a rule refuses it as things stand; `status` and `reason` tell which.",
    HTTPStatus.UNAUTHORIZED: "Nobody is known by this token.",
    HTTPStatus.FORBIDDEN: "Who asks may not.",
    HTTPStatus.NOT_FOUND: "There is no such thing, or it is another company's.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too long.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too much is asked for now: nothing was carried out; ask again after `Retry-After`.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A fault of Nhip's; the log has more under `request_id`.",
    HTTPStatus.NOT_IMPLEMENTED: "The service is of an earlier version, which does not know this yet.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The service is away, or stops; ask again after `Retry-After`.",
    HTTPStatus.GATEWAY_TIMEOUT: "The service did not answer in time, and may have carried it out: ask again with the "
    "same key.",
}
_OF_COMMANDS: dict[HTTPStatus, str] = {
    HTTPStatus.CONFLICT: "Somebody else changed the same thing meanwhile, or it is there already.",
}
_OF_BODIES: dict[HTTPStatus, str] = {
    HTTPStatus.REQUEST_TIMEOUT: "The body did not come in time.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not announced as `application/json`.",
}
REFUSALS: Mapping[HTTPStatus, str] = _ALWAYS | _OF_COMMANDS | _OF_BODIES
"""Every status that a request to a path and method of the document may be refused with."""
_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
ABOUT = """Every command and query of Nhip as JSON. Fields that are not set are left out of replies: a number that is
missing is 0, text is empty. A command answers how far its log is because of it; send that back as `nhip-position` to
read your own write."""


def document(bindings: Sequence[Binding]) -> Json:
    """OpenAPI 3.1 of these bindings."""
    schemas = _Schemas()
    paths: dict[str, Json] = {}
    for binding in bindings:
        paths.setdefault(binding.template, {})[binding.verb.lower()] = _operation(binding, schemas)
    services = dict.fromkeys(binding.method.containing_service for binding in bindings)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Nhip",
            "version": version("nhip"),
            "description": ABOUT.replace("\n", " "),
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [
            {"name": one.name, "description": comment(one.full_name) or comment(one.file.name)}
            for one in services
            if one
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "parameters": {
                "idempotencyKey": {
                    "name": IDEMPOTENCY_KEY,
                    "in": "header",
                    "description": "The same key again gives the first answer, whatever happened since.",
                    "schema": {"type": "string", "maxLength": 200},
                },
                "position": {
                    "name": POSITION,
                    "in": "header",
                    "description": "What must have been applied before this is answered, as `goals=20`; several with "
                    "commas between.",
                    "schema": {"type": "string"},
                },
            },
            "responses": {f"refused{status:d}": _refusal(status, said) for status, said in REFUSALS.items()},
            "schemas": {"Refusal": REFUSAL, **schemas.told()},
        },
    }


def _refusal(status: HTTPStatus, said: str) -> Json:
    told: Json = {
        "description": said,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
    }
    if status in _LATER:
        after = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
        told["headers"] = {"Retry-After": after}
    return told


def _operation(binding: Binding, schemas: "_Schemas") -> Json:
    method = binding.method
    service = method.containing_service
    assert service is not None
    said = comment(method.full_name)
    variables = re.findall(r"\{([a-z0-9_.]+)\}", binding.template)
    is_command = method.output_type.full_name == Accepted.DESCRIPTOR.full_name
    parameters: list[Json] = [_parameter(method.input_type.fields_by_name[name], name, "path") for name in variables]
    if not binding.has_body:
        parameters += [
            _parameter(found, name, "query") for name, found in _flat(method.input_type) if name not in variables
        ]
    shared = [*(["idempotencyKey"] if is_command else []), "position"]
    operation: Json = {
        "operationId": f"{service.name}_{method.name}",
        "tags": [service.name],
        "summary": said.split(". ")[0].rstrip(".") or _in_words(method.name),
        "parameters": [*parameters, *({"$ref": f"#/components/parameters/{name}"} for name in shared)],
        "responses": {
            "200": {
                "description": "Done.",
                "content": {"application/json": {"schema": schemas.of(method.output_type)}},
            },
        },
    }
    refusals = _ALWAYS | (_OF_COMMANDS if is_command else {}) | (_OF_BODIES if binding.has_body else {})
    operation["responses"] |= {
        f"{status:d}": {"$ref": f"#/components/responses/refused{status:d}"} for status in sorted(refusals)
    }
    if binding.verb == "GET":
        unchanged = {"description": "What `If-None-Match` named, the `ETag` of an earlier answer, is still the answer."}
        operation["responses"]["304"] = unchanged
    if said:
        operation["description"] = said
    if binding.has_body:
        body = schemas.of(method.input_type, without=frozenset(variables))
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


def _parameter(found: FieldDescriptor, name: str, place: str) -> Json:
    schema = _field_schema(found, None)
    if found.message_type is not None:  # a day, an instant or a decimal is given whole, as people write it
        schema = {
            "google.type.Date": {"type": "string", "format": "date"},
            "google.type.Decimal": {"type": "string"},
        }.get(found.message_type.full_name, {"type": "string", "format": "date-time"})
    parameter: Json = {
        "name": name,
        "in": place,
        "required": place == "path" or _rules(found).required,
        "schema": schema,
    }
    if said := comment(found.full_name):
        parameter["description"] = said
    return parameter


def _flat(descriptor: Descriptor, path: str = "", depth: int = 1) -> Iterator[tuple[str, FieldDescriptor]]:
    """A query's parameters: the fields of its message, those of messages in it with dots between."""
    for found in descriptor.fields:
        name = f"{path}.{found.name}" if path else found.name
        nested = found.message_type
        if nested is None or nested.full_name in WELL_KNOWN:
            yield name, found
        elif not found.is_repeated and depth < DEEPEST_PARAMETER:
            yield from _flat(nested, name, depth + 1)


@dataclass
class _Schemas:
    """The messages that were referred to, each told once."""

    wanted: dict[str, Json] = field(default_factory=dict[str, Json])

    def of(self, descriptor: Descriptor, *, without: frozenset[str] = frozenset()) -> Json:
        """A reference to a message; told in place, if some of its fields are given elsewhere."""
        if descriptor.full_name in WELL_KNOWN:
            return dict(WELL_KNOWN[descriptor.full_name])
        if without:
            return self._told(descriptor, without)
        if descriptor.full_name not in self.wanted:
            self.wanted[descriptor.full_name] = {}  # a message may hold itself
            self.wanted[descriptor.full_name] = self._told(descriptor, without)
        return {"$ref": f"#/components/schemas/{descriptor.full_name}"}

    def told(self) -> dict[str, Json]:
        return dict(sorted(self.wanted.items()))

    def _told(self, descriptor: Descriptor, without: frozenset[str]) -> Json:
        properties: dict[str, Json] = {}
        for found in descriptor.fields:
            if found.name not in without:
                properties[found.name] = _field_schema(found, self)
                if said := comment(found.full_name):
                    properties[found.name]["description"] = said
        schema: Json = {"type": "object", "properties": properties}
        if required := [
            found.name for found in descriptor.fields if _rules(found).required and found.name not in without
        ]:
            schema["required"] = required
        if said := comment(descriptor.full_name):
            schema["description"] = said
        return schema


def _field_schema(found: FieldDescriptor, schemas: _Schemas | None) -> Json:
    bound = _rules(found)
    if found.message_type is not None:
        one = schemas.of(found.message_type) if schemas else {}
    elif found.enum_type is not None:
        one = {"type": "string", "enum": _names(found.enum_type)}
    else:
        one = dict(SCALARS[found.type])
        one |= {name: limit for name, limit in (("maxLength", bound.max_length),) if limit and one["type"] == "string"}
        if one["type"] == "integer":
            one |= {name: int(limit) for name, limit in (("minimum", bound.min), ("maximum", bound.max)) if limit}
        if bound.id:
            one["pattern"] = ID if bound.required else f"{ID[:-1]}$|^$"
    if not found.is_repeated:
        return one
    return {"type": "array", "items": one} | ({"maxItems": bound.max_items} if bound.max_items else {})


def _names(enum: EnumDescriptor) -> list[str]:
    return [value.name for value in enum.values]


def _rules(found: FieldDescriptor) -> Rules:
    return found.GetOptions().Extensions[rules]


def _in_words(name: str) -> str:
    """ListCoreValues → List core values."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def comment(full_name: str) -> str:
    """What the contract says above a message, field, service or RPC, or at the head of a file; empty for nothing."""
    return _comments().get(full_name, "")


@cache
def _comments() -> Mapping[str, str]:
    found: dict[str, str] = {}
    contracts = FileDescriptorSet.FromString((Path(next(iter(nhip.__path__))) / CONTRACTS).read_bytes())
    for file in contracts.file:
        names = dict(_named(file))
        for location in file.source_code_info.location:
            if (name := names.get(tuple(location.path))) and location.leading_comments:
                found[name] = " ".join(location.leading_comments.split())
            elif list(location.path) == [FileDescriptorProto.SYNTAX_FIELD_NUMBER]:
                found[file.name] = " ".join(location.leading_comments.split())
    return found


def _named(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Every place in a file that may have a comment, as source locations name it, and the full name of what stands
    there."""
    for index, message in enumerate(file.message_type):
        yield from _named_message(message, (4, index), f"{file.package}.{message.name}")
    for index, service in enumerate(file.service):
        yield (6, index), f"{file.package}.{service.name}"
        for number, method in enumerate(service.method):
            yield (6, index, 2, number), f"{file.package}.{service.name}.{method.name}"


def _named_message(message: DescriptorProto, path: tuple[int, ...], name: str) -> Iterable[tuple[tuple[int, ...], str]]:
    yield path, name
    for index, one in enumerate(message.field):
        yield (*path, 2, index), f"{name}.{one.name}"
    for index, nested in enumerate(message.nested_type):
        yield from _named_message(nested, (*path, 3, index), f"{name}.{nested.name}")
