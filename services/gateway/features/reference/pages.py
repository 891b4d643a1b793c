"""The page of the JSON API: what the OpenAPI document says, for people."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, meet
from services.gateway.failures import Failure
from services.gateway.openapi import Json, document
from services.gateway.public import Public
from services.gateway.transcoding import bindings
from services.gateway.upstream import OPERATIONS, SERVICES

routes = Routes()


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter, or a field of a body or reply."""

    name: str
    kind: str
    required: bool
    text: str
    schema: str = ""
    """The message that it is, if it is one: the anchor of its own table."""


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    verb: str
    path: str
    summary: str
    text: str
    parameters: tuple[Given, ...]
    body: tuple[Given, ...]
    answers: str


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    text: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A message that operations take or answer."""

    name: str
    text: str
    fields: tuple[Given, ...]


@cache
def api_document() -> Json:
    return document(bindings(SERVICES, OPERATIONS))


def openapi(public: Public) -> Callable[[Request], Awaitable[Response]]:
    """The document itself: it tells what the public contracts tell, so it needs no token."""

    async def answer(_: Request) -> Response:
        told = api_document() | {"servers": [{"url": public.url or "/"}]}
        return JSONResponse(told, headers={"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"})

    return answer


@routes.page("/api", everybody=True)
async def reference(visit: Visit) -> Response:
    if visit.session is not None:
        with suppress(Failure):  # it is for everybody: who is signed in keeps the way to everything else
            await meet(visit)
    told = api_document()
    shapes = [
        Shape(name, schema.get("description", ""), tuple(_fields(schema)))
        for name, schema in told["components"]["schemas"].items()
    ]
    return visit.render("reference/reference.html", sections=_sections(told), shapes=shapes)


def _sections(told: Json) -> list[Section]:
    by_tag: dict[str, list[Operation]] = {tag["name"]: [] for tag in told["tags"]}
    for path, verbs in told["paths"].items():
        for verb, operation in verbs.items():
            by_tag[operation["tags"][0]].append(_operation(path, verb, operation))
    return [Section(tag["name"], tag["description"], tuple(by_tag[tag["name"]])) for tag in told["tags"]]


def _operation(path: str, verb: str, operation: Json) -> Operation:
    parameters = [
        Given(one["name"], _kind(one["schema"]), one["required"], one.get("description", ""))
        for one in operation["parameters"]
        if "name" in one
    ]
    body: Json = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    answer: Json = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return Operation(
        id=operation["operationId"],
        verb=verb.upper(),
        path=path,
        summary=operation["summary"],
        text=operation.get("description", ""),
        parameters=tuple(parameters),
        body=tuple(_fields(_resolved(body))),
        answers=_name(answer),
    )


def _resolved(schema: Json) -> Json:
    name = _name(schema)
    return api_document()["components"]["schemas"][name] if name else schema


def _fields(schema: Mapping[str, Any]) -> Iterator[Given]:
    required = schema.get("required", [])
    for name, one in schema.get("properties", {}).items():
        item: Json = one.get("items", one)
        yield Given(name, _kind(one), name in required, one.get("description", ""), _name(item))


def _kind(schema: Json) -> str:
    """What a value is, in few words."""
    if schema.get("type") == "array":
        return f"{_kind(schema['items'])}[]"
    if name := _name(schema):
        return name.rpartition(".")[2]
    if "enum" in schema:
        return " | ".join(schema["enum"])
    return str(schema.get("format") or schema.get("type", "object"))


def _name(schema: Json) -> str:
    return str(schema.get("$ref", "")).removeprefix("#/components/schemas/")
