"""`/scim/v2/…`: each endpoint with the methods that it takes, and what is answered for everything else."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message
from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    ListResponse,
    Meta,
    PatchOp,
    Resource,
    ResourceType,
    ResponseParameters,
    Schema,
    SCIMException,
    SearchRequest,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from eventkit.rpc.integrations import key_of
from eventkit.rpc.metadata import AUTHORIZATION, POSITION, REQUEST_ID, TRACEPARENT
from nhip.common.v1 import operations_pb2
from nhip.common.v1.command_pb2 import Accepted
from nhip.people.v1 import sync_pb2 as pb
from services.gateway.failures import SCIM, SCIM_TYPES, Failure, invalid
from services.gateway.gate import answer, rate_headers
from services.gateway.known_keys import KnownKeys
from services.gateway.public import Public
from services.gateway.scim import groups, people
from services.gateway.scim.filters import OF_GROUPS, OF_USERS, conditions_of
from services.gateway.scim.resources import MOST, POLICY, PROVIDER, Group, Person
from services.gateway.upstream import OPERATIONS, Answer, Upstream

ROOT = "/scim/v2"
SYNC = pb.DESCRIPTOR.services_by_name["Sync"]
Model = TypeVar("Model", bound=Resource[Any])
_REASONS = {kind: reason for reason, kind in SCIM_TYPES.items()}


@dataclass(slots=True)
class Call:
    """One request of a directory."""

    request: Request
    upstream: Upstream
    base: str
    """Where resources are, as "https://nhip.example.com/scim/v2"."""
    position: str = ""
    """Of what it changed: what is read behind it shows that."""
    rate: str = ""

    @property
    def id(self) -> str:
        return self.request.path_params["id"]

    async def ask(self, method: str, message: Message, kind: type[Answer]) -> Answer:
        headers = self.request.headers
        told = [(AUTHORIZATION, headers["authorization"]), (REQUEST_ID, self.request.state.request_id)]
        told += [(POSITION, self.position)] if self.position else []
        told += [(TRACEPARENT, trace)] if (trace := headers.get(TRACEPARENT, "")) and trace.isascii() else []
        methods = SYNC.methods_by_name if method in SYNC.methods_by_name else OPERATIONS.methods_by_name
        reply = await self.upstream.call("people", methods[method], message, told)
        self.position, self.rate = reply.position or self.position, reply.rate
        if not isinstance(reply.message, kind):
            raise TypeError(f"{method} answers {type(reply.message).__name__}, not {kind.__name__}")
        return reply.message

    async def do(self, method: str, command: Message) -> str:
        """Carries out a command; answers the id of what it made or changed."""
        return (await self.ask(method, command, Accepted)).id

    async def body(self, kind: type[Model], context: Context) -> Model:
        with _reading():
            return kind.model_validate(await self._json(), scim_ctx=context, scim_policy=POLICY)

    async def patch(self, kind: type[Model]) -> "PatchOp[Model]":
        with _reading():
            patch: Any = PatchOp.__class_getitem__(kind)
            return patch.model_validate(await self._json(), scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY)

    async def _json(self) -> Any:
        kind = self.request.headers.get("content-type", SCIM).split(";")[0].strip().lower()
        if kind not in (SCIM, "application/json"):
            raise Failure("UNSUPPORTED_MEDIA_TYPE", "NOT_JSON", f"the body must be {SCIM}")
        try:
            return json.loads(await self.request.body())
        except (ValueError, RecursionError):
            raise invalid("INVALID_SYNTAX", "the body is no JSON") from None

    def search(self, kind: type[Model]) -> "SearchRequest[Model]":
        return _search(kind, dict(self.request.query_params))

    async def searched(self, kind: type[Model]) -> "SearchRequest[Model]":
        return _search(kind, await self._json())

    def answer(self, resource: Any, status: int = 200, parameters: "ResponseParameters[Any] | None" = None) -> Response:
        context = Context.RESOURCE_CREATION_RESPONSE if status == 201 else Context.RESOURCE_QUERY_RESPONSE
        content = resource.model_dump_json(scim_ctx=context, response_parameters=parameters, scim_policy=POLICY)
        headers = {"Cache-Control": "no-store", **rate_headers(self.rate)}
        if status == 201:
            headers["Location"] = resource.meta.location
        return Response(content, status, headers, media_type=SCIM)

    async def nothing(self) -> Response:
        """Once what it did is there to be read."""
        if self.position:
            await self.ask("GetAccess", operations_pb2.GetAccess(service="people"), operations_pb2.Access)
        return Response(status_code=204, headers=rate_headers(self.rate))


def _search(kind: type[Model], asked: Any) -> "SearchRequest[Model]":
    with _reading():
        search: Any = SearchRequest.__class_getitem__(kind)
        return search.model_validate(asked, scim_policy=POLICY)


class _reading:
    """Turns what scim2-models says of a request into a Failure."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, ValidationError):
            raise _failure(Error.from_validation_errors(error)) from error
        if isinstance(error, SCIMException):
            raise _failure([error.to_error()]) from error


def _failure(errors: list[Error]) -> Failure:
    detail = "; ".join(one.detail or "" for one in errors[:3])
    return invalid(_REASONS.get(errors[0].scim_type or "", "INVALID_VALUE"), detail)


Endpoint = Callable[[Call], Awaitable[Response]]


# --- users ---


async def _user(call: Call, id: str = "") -> Person:
    one = await call.ask("GetSyncedPerson", pb.GetSyncedPerson(person_id=id or call.id), pb.SyncedPerson)
    return people.shown(one, call.base)


async def create_user(call: Call) -> Response:
    user = await call.body(Person, Context.RESOURCE_CREATION_REQUEST)
    return call.answer(await _user(call, await call.do("SyncPerson", people.said(user))), 201)


async def get_user(call: Call) -> Response:
    parameters = call.search(Person)
    return call.answer(await _user(call), parameters=parameters)


async def replace_user(call: Call) -> Response:
    user = await call.body(Person, Context.RESOURCE_REPLACEMENT_REQUEST)
    before = await _user(call)
    return await _changed(call, people.filled(user, before), before)


async def patch_user(call: Call) -> Response:
    patch = await call.patch(Person)
    before = await _user(call)
    after = before.model_copy(deep=True)
    with _reading():
        patch.patch(after, POLICY)
    return await _changed(call, after, before)


async def _changed(call: Call, after: Person, before: Person) -> Response:
    await call.do("SyncPerson", people.said(after, before))
    return call.answer(await _user(call))


async def end_user(call: Call) -> Response:
    await call.do("EndPersonSync", pb.EndPersonSync(person_id=call.id))
    return await call.nothing()


async def list_users(call: Call) -> Response:
    return await _users(call, call.search(Person))


async def search_users(call: Call) -> Response:
    return await _users(call, await call.searched(Person))


async def _users(call: Call, search: "SearchRequest[Person]") -> Response:
    any = conditions_of(search.filter, OF_USERS) if search.filter else []
    size, skip = _page(search)
    asked = pb.ListSyncedPeople(any=any, skip=skip, page_size=size or 1)
    found = await call.ask("ListSyncedPeople", asked, pb.SyncedPeople)
    shown = [people.shown(one, call.base) for one in found.people[:size]]
    return _listed(call, Person, shown, found.total, search)


# --- groups ---


async def create_group(call: Call) -> Response:
    group = await call.body(Group, Context.RESOURCE_CREATION_REQUEST)
    id = await call.do("SyncGroup", groups.said(group))
    made = await call.ask("GetSyncedGroup", pb.GetSyncedGroup(group_id=id), pb.SyncedGroup)
    return call.answer(groups.shown(made, call.base), 201)


async def get_group(call: Call) -> Response:
    parameters = call.search(Group)
    asked = pb.GetSyncedGroup(group_id=call.id, bare=_bare(parameters))
    found = await call.ask("GetSyncedGroup", asked, pb.SyncedGroup)
    return call.answer(groups.shown(found, call.base), parameters=parameters)


async def replace_group(call: Call) -> Response:
    group = await call.body(Group, Context.RESOURCE_REPLACEMENT_REQUEST)
    await call.do("SyncGroup", groups.said(group, call.id))
    return await get_group(call)


async def patch_group(call: Call) -> Response:
    """Answers nothing, as the RFC lets it: who is in a large group is not read for each who is put into it."""
    patch = await call.patch(Group)
    with _reading():
        command = groups.patched(call.id, patch)
    await call.do("SyncGroup", command)
    return await call.nothing()


async def end_group(call: Call) -> Response:
    await call.do("EndGroupSync", pb.EndGroupSync(group_id=call.id))
    return await call.nothing()


async def list_groups(call: Call) -> Response:
    return await _groups(call, call.search(Group))


async def search_groups(call: Call) -> Response:
    return await _groups(call, await call.searched(Group))


async def _groups(call: Call, search: "SearchRequest[Group]") -> Response:
    any = conditions_of(search.filter, OF_GROUPS) if search.filter else []
    size, skip = _page(search)
    asked = pb.ListSyncedGroups(any=any, skip=skip, page_size=size or 1, bare=_bare(search))
    found = await call.ask("ListSyncedGroups", asked, pb.SyncedGroups)
    return _listed(call, Group, [groups.shown(one, call.base) for one in found.groups[:size]], found.total, search)


def _bare(asked: "ResponseParameters[Any]") -> bool:
    """Members are left out."""
    excluded = {str(path).casefold() for path in asked.excluded_attributes or ()}
    wanted = {str(path).casefold() for path in asked.attributes or ()}
    return "members" in excluded or bool(wanted and not any(one.startswith("members") for one in wanted))


def _page(search: "SearchRequest[Any]") -> tuple[int, int]:
    """How many are shown, and how many are passed over."""
    if (search.start_index or 1) > 1 << 31:
        raise invalid("INVALID_VALUE", "startIndex: there are not so many")
    return min(MOST if search.count is None else search.count, MOST), (search.start_index or 1) - 1


def _listed(call: Call, kind: type[Model], shown: list[Model], total: int, search: "SearchRequest[Any]") -> Response:
    listed: Any = ListResponse.__class_getitem__(kind)
    page = listed(total_results=total, start_index=search.start_index or 1, items_per_page=len(shown), resources=shown)
    return call.answer(page, parameters=search)


# --- what there is ---


async def config(call: Call) -> Response:
    assert PROVIDER.config is not None
    return call.answer(_at(call, PROVIDER.config, "/ServiceProviderConfig"))


def _at(call: Call, resource: Any, path: str) -> Any:
    placed = resource.model_copy(deep=True)
    placed.meta = Meta(resource_type=type(resource).__name__, location=f"{call.base}{path}")
    return placed


async def resource_types(call: Call) -> Response:
    _refuse_filter(call)
    shown = [_at(call, one, f"/ResourceTypes/{one.id}") for one in PROVIDER.resource_types]
    return _listed(call, ResourceType, shown, len(shown), SearchRequest[ResourceType]())


async def resource_type(call: Call) -> Response:
    return _one(call, PROVIDER.resource_types, "/ResourceTypes")


async def schemas(call: Call) -> Response:
    _refuse_filter(call)
    shown = [_at(call, one, f"/Schemas/{one.id}") for one in PROVIDER.schemas]
    return _listed(call, Schema, shown, len(shown), SearchRequest[Schema]())


async def schema(call: Call) -> Response:
    return _one(call, PROVIDER.schemas, "/Schemas")


def _one(call: Call, known: Any, path: str) -> Response:
    for one in known:
        if one.id == call.id:
            return call.answer(_at(call, one, f"{path}/{one.id}"))
    raise _unknown()


def _refuse_filter(call: Call) -> None:
    """RFC 7644, 4: what there is is not filtered."""
    if "filter" in call.request.query_params:
        raise Failure("PERMISSION_DENIED", "NOT_FILTERED", "what there is is not filtered: leave the filter out")


def _unknown() -> Failure:
    return Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no such resource")


OPEN: Mapping[str, Mapping[str, Endpoint]] = {
    "/ServiceProviderConfig": {"GET": config},
    "/ResourceTypes": {"GET": resource_types},
    "/ResourceTypes/{id}": {"GET": resource_type},
    "/Schemas": {"GET": schemas},
    "/Schemas/{id}": {"GET": schema},
}
"""What everybody may know: the same in every installation."""
KEPT: Mapping[str, Mapping[str, Endpoint]] = {
    "/Users": {"GET": list_users, "POST": create_user},
    "/Users/.search": {"POST": search_users},
    "/Users/{id}": {"GET": get_user, "PUT": replace_user, "PATCH": patch_user, "DELETE": end_user},
    "/Groups": {"GET": list_groups, "POST": create_group},
    "/Groups/.search": {"POST": search_groups},
    "/Groups/{id}": {"GET": get_group, "PUT": replace_group, "PATCH": patch_group, "DELETE": end_group},
}


def scim_routes(upstream: Upstream, keys: KnownKeys, public: Public) -> list[Route]:
    """Who asks is known before a body is read."""

    def route(path: str, methods: Mapping[str, Endpoint], *, known: bool) -> Route:
        async def handle(request: Request) -> Response:
            base = public(request, ROOT)
            try:
                if known:
                    upstream.ready("people")
                    await _authenticate(request, keys)
                endpoint = methods.get("GET" if request.method == "HEAD" else request.method)
                if endpoint is None:
                    raise _not_allowed(methods)
                return await endpoint(Call(request, upstream, base))
            except Failure as failure:
                return answer(request, failure)

        return Route(path, _App(handle))

    async def nothing(request: Request) -> Response:
        return answer(request, _unknown())

    return [
        *(route(f"{ROOT}{path}", methods, known=False) for path, methods in OPEN.items()),
        *(route(f"{ROOT}{path}", methods, known=True) for path, methods in KEPT.items()),
        *(Route(path, _App(nothing)) for path in ("/scim", "/scim/{path:path}")),
    ]


async def _authenticate(request: Request, keys: KnownKeys) -> None:
    given = request.headers.getlist("authorization")
    key = key_of(given[0]) if len(given) == 1 else ""
    if not key or not key.isascii() or not key.isprintable():
        message = "send the key of an integration that keeps people: Authorization: Bearer nhip_…"
        raise Failure("UNAUTHENTICATED", "TOKEN_MISSING", message)
    await keys.know(key)


def _not_allowed(methods: Mapping[str, Endpoint]) -> Failure:
    allowed = tuple(sorted(methods))
    return Failure("METHOD_NOT_ALLOWED", "METHOD_NOT_ALLOWED", f"this answers {', '.join(allowed)}", allowed=allowed)


@dataclass(frozen=True, slots=True)
class _App:
    """An endpoint that sees requests of every method; a bare function would be given those that its route names."""

    handle: Callable[[Request], Awaitable[Response]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self.handle(Request(scope, receive)))(scope, receive, send)
