"""What went wrong upstream, in the one form that the JSON API and the console speak of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import grpc

from eventkit.errors import Rejected, Violation
from eventkit.rpc.errors import CODES, reason, rejection

# The usual mapping of google.rpc.Code, except that a deadline is 504 and nothing is 499.
_HTTP = {
    "INVALID_ARGUMENT": HTTPStatus.BAD_REQUEST,
    "FAILED_PRECONDITION": HTTPStatus.BAD_REQUEST,
    "OUT_OF_RANGE": HTTPStatus.BAD_REQUEST,
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "ABORTED": HTTPStatus.CONFLICT,
    "ALREADY_EXISTS": HTTPStatus.CONFLICT,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
    "UNIMPLEMENTED": HTTPStatus.NOT_IMPLEMENTED,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
    "DEADLINE_EXCEEDED": HTTPStatus.GATEWAY_TIMEOUT,
    # Ours: the request never became an RPC.
    "METHOD_NOT_ALLOWED": HTTPStatus.METHOD_NOT_ALLOWED,
    "REQUEST_TIMEOUT": HTTPStatus.REQUEST_TIMEOUT,
    "CONTENT_TOO_LARGE": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "UNSUPPORTED_MEDIA_TYPE": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}

SCIM = "application/scim+json"
SCIM_TYPES = {
    "INVALID_FILTER": "invalidFilter",
    "INVALID_PATH": "invalidPath",
    "INVALID_SYNTAX": "invalidSyntax",
    "INVALID_VALUE": "invalidValue",
    "IMMUTABLE": "mutability",
    "NO_TARGET": "noTarget",
    "TOO_MANY": "tooMany",
}
"""What was wrong with a request of SCIM, by the reason of its failure (RFC 7644, 3.12)."""
_SCIM_TAKEN = ("SYNCED_ALREADY", "EMAIL_TAKEN", "EMAIL_TAKEN_BY", "EMPLOYEE_CODE_TAKEN", "UNIT_EXISTS")
_SCIM_ATTRIBUTES = {
    "person_id": "id",
    "group_id": "id",
    "user_name": "userName",
    "external_id": "externalId",
    "name": "displayName",
    "email": "emails",
    "employee_code": "employeeNumber",
    "employment.employee_code": "employeeNumber",
    "unit": "department",
    "place.unit_id": "department",
    "manager_id": "manager",
    "place.manager_id": "manager",
    "add_ids": "members",
    "remove_ids": "members",
}
"""What SCIM calls fields of *people*."""

AWAY_SECONDS = 2
"""When to ask again for what is away."""


@dataclass(eq=False)  # not frozen: whoever re-raises it sets its traceback
class Failure(Exception):
    """A request that got no answer, and why: a refusal with its stable reason, or a service that is away."""

    status: str
    """The name of the google.rpc.Code."""
    reason: str
    message: str
    violations: tuple[Violation, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the rule measures by; words for people are made of it and the reason."""
    rule: str = ""
    context: str = ""
    """Whose answer it is, as "goals"; empty: the gateway's own."""
    retry_after: int = 0
    """Seconds after which the same may be asked again; 0: it is not a matter of time."""
    rate: str = ""
    """How much more an integration may ask, as services say it."""
    allowed: tuple[str, ...] = ()
    """The methods that the path answers, where it was asked by another one."""

    def __str__(self) -> str:
        return f"{self.status} {self.reason}: {self.message}"

    @property
    def http(self) -> int:
        if self.status == "RESOURCE_EXHAUSTED" and not self.retry_after:
            return int(
                HTTPStatus.BAD_REQUEST
            )  # an answer that does not fit: to ask again later would not help, to ask for less does
        return int(_HTTP.get(self.status, HTTPStatus.INTERNAL_SERVER_ERROR))

    @property
    def away(self) -> bool:
        """Nobody answered in time: nothing is known to be wrong with the request."""
        return self.status in ("UNAVAILABLE", "DEADLINE_EXCEEDED")

    @property
    def shut(self) -> bool:
        """The company is suspended, or was deleted: nothing of it is shown or done, whatever was asked for."""
        return self.reason in ("TENANT_SUSPENDED", "TENANT_DELETED")

    def as_json(self, request_id: str = "") -> dict[str, Any]:
        error: dict[str, Any] = {
            "code": self.http,
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
        }
        if self.violations:
            error["violations"] = [
                {"field": v.field, "reason": v.reason, "message": v.message}
                | ({"parameters": dict(v.parameters)} if v.parameters else {})
                for v in self.violations
            ]
        if self.parameters:
            error["parameters"] = dict(self.parameters)
        if self.rule:
            error["rule"] = self.rule
        if request_id:
            error["request_id"] = request_id
        return {"error": error}

    def as_scim(self) -> dict[str, Any]:
        """The same as an error of SCIM, whose detail names the attributes."""
        told = [f"{_attribute(v.field)}: {v.message}" for v in self.violations if v.message]
        error = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(self.scim_status)}
        if kind := self._scim_type:
            error["scimType"] = kind
        return error | {"detail": "; ".join(told) or self.message}

    @property
    def scim_status(self) -> int:
        """Of who is not there, 404; of a value that names nobody, 400."""
        if self.reason in _SCIM_TAKEN:
            return int(HTTPStatus.CONFLICT)
        return int(HTTPStatus.BAD_REQUEST) if self._scim_type == "invalidValue" else self.http

    @property
    def _scim_type(self) -> str:
        if self.reason in _SCIM_TAKEN:
            return "uniqueness"
        attributes = {_attribute(v.field) for v in self.violations} - {"id"}
        match self.status:
            case "INVALID_ARGUMENT":
                return SCIM_TYPES.get(self.reason, "invalidValue")
            case "NOT_FOUND":
                return "invalidValue" if attributes else ""
            case "FAILED_PRECONDITION":
                return "invalidValue" if attributes & {"department", "manager", "members"} else "mutability"
            case _:
                return ""


def _attribute(field: str) -> str:
    plain = field.partition("[")[0].removesuffix(".plain")
    return _SCIM_ATTRIBUTES.get(plain, plain)


def invalid(reason: str, message: str, *violations: Violation) -> Failure:
    """A request that cannot become an RPC."""
    return Failure("INVALID_ARGUMENT", reason, message, violations)


def slow(context: str) -> Failure:
    """A service that did not even say in time that its time was over."""
    message = f"the service {context!r} did not answer in time; try again soon"
    return Failure("DEADLINE_EXCEEDED", "SERVICE_SLOW", message, context=context, retry_after=AWAY_SECONDS)


def of_rejection(refused: Rejected, context: str = "") -> Failure:
    """The same refusal, as the JSON API and the console speak of it."""
    return Failure(
        CODES[refused.kind].name,
        refused.reason,
        refused.message,
        refused.violations,
        refused.parameters,
        refused.rule,
        context,
        retry_after=math.ceil(refused.retry_after),
    )


def of_rpc(error: grpc.aio.AioRpcError, context: str) -> Failure:
    """The failure that a service's error is: its refusal, where it sent one, else what its code alone says."""
    refused = rejection(error)
    if refused is not None:
        return of_rejection(refused, context)
    code = error.code().name
    retry = AWAY_SECONDS if code in ("UNAVAILABLE", "DEADLINE_EXCEEDED") else 0
    if said := reason(error):
        return Failure(code, said, error.details() or said, context=context, retry_after=retry)
    if code == "UNAVAILABLE":
        message = f"the service {context!r} cannot be reached; nothing was lost, try again soon"
        return Failure(code, "SERVICE_AWAY", message, context=context, retry_after=retry)
    if code in ("DEADLINE_EXCEEDED", "CANCELLED"):  # cancelled: its time was over before it could say so
        return slow(context)
    return Failure(code, code, error.details() or code.replace("_", " ").lower(), context=context)
