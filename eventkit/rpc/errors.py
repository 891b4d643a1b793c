"""Refusals and faults on the wire: `google.rpc.Status` with a stable reason, and back again on the caller's side."""

import errno
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast
from uuid import uuid4

import asyncpg
import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2  # pyright: ignore[reportMissingTypeStubs]  # a wheel without py.typed
from grpc_status import rpc_status

from eventkit.errors import Kind, Rejected, Violation
from eventkit.log import LogFull

DOMAIN = "nhip"
"""The domain of every ErrorInfo: whose reasons these are."""

CODES = {
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.REFUSED: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    Kind.UNKNOWN: grpc.StatusCode.NOT_FOUND,
    Kind.CONFLICT: grpc.StatusCode.ABORTED,
    Kind.TOO_MANY: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_KINDS = {code: kind for kind, code in CODES.items()}

# In the metadata of ErrorInfo: "parameter-left", and of the third field that is wrong "violation-2-most".
_PARAMETER, _VIOLATION = "parameter-", "violation-"
_DETAILS = "grpc-status-details-bin"
# Trailers over 8 KiB are dropped by many clients, and the caller would see nothing of the error at all. The message
# goes there twice, once percent-encoded (thrice its size), the details once in base64.
_MESSAGE_BYTES = 900
_DETAILS_BYTES = 2700


class ReplyTooLarge(Exception):
    """The reply does not fit into a message."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How one RPC failed: what its caller is told, and the log too, except for `message` and what is said of the
    fields."""

    code: grpc.StatusCode
    reason: str
    message: str
    rule: str = ""
    violations: tuple[Violation, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the rule measures by."""
    error_id: str = ""
    """Ties what the caller was told to the line in the log; only for faults that are ours."""
    retry_after: float = 0.0
    """Seconds after which to ask again; 0: nothing is said of that."""
    id: str = ""
    """Of the thing that is there already."""


def failure(error: Exception) -> Failure:
    """What an exception means to the caller: a refusal as it is, a passing fault as such, and nothing of any other."""
    error = _alone(error)
    if isinstance(error, Rejected):
        return Failure(
            CODES[error.kind],
            error.reason,
            error.message,
            error.rule,
            error.violations,
            error.parameters,
            retry_after=error.retry_after,
            id=error.id,
        )
    if is_transient(error):
        return Failure(
            grpc.StatusCode.UNAVAILABLE,
            "TEMPORARILY_UNAVAILABLE",
            "something this service needs is away for the moment: try again",
        )
    if isinstance(error, ReplyTooLarge):
        return Failure(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "REPLY_TOO_LARGE",
            "the answer is too large for one message: ask for less",
        )
    error_id = uuid4().hex
    return Failure(grpc.StatusCode.INTERNAL, "INTERNAL", f"a fault of ours; its id is {error_id}", error_id=error_id)


def _alone(error: Exception) -> Exception:
    """What failed where one of several tasks did; else the error itself."""
    if isinstance(error, ExceptionGroup):
        inner = cast(ExceptionGroup[Exception], error).exceptions
        if len(inner) == 1:
            return _alone(inner[0])
    return cast(Exception, error)


def is_transient(error: BaseException) -> bool:
    """Will the same most likely go well a little later: the database or the network is away, overloaded or too slow."""
    match error:
        case BaseExceptionGroup():
            return all(map(is_transient, error.exceptions))
        case (
            asyncpg.PostgresConnectionError()
            | asyncpg.OperatorInterventionError()  # shut down, starting, cancelled by a timeout
            | asyncpg.InsufficientResourcesError()
            | asyncpg.TransactionRollbackError()  # deadlock, serialisation
            | asyncpg.ReadOnlySQLTransactionError()  # a replica, before or after a failover
            | asyncpg.InternalClientError()  # a connection that was cut in the middle of an answer
            | LogFull()
        ):
            return True
        case asyncpg.InterfaceError():
            # asyncpg says it of lost connections and of misuse alike; only its words tell which.
            return "closed" in str(error) or "closing" in str(error)
        case FileNotFoundError() | FileExistsError() | IsADirectoryError() | NotADirectoryError() | PermissionError():
            return False
        case OSError():  # TimeoutError and ConnectionError are among them
            return error.errno not in (errno.EINVAL, errno.EBADF)
        case _:
            return False


def to_status(failed: Failure, told: Sequence[tuple[str, str]] = ()) -> grpc.Status:
    """The failure as trailers: ErrorInfo with the reason, BadRequest with the fields, RetryInfo with when to ask
    again; and what else is `told`."""
    status = status_pb2.Status(code=_number(failed.code), message=_cut(failed.message, _MESSAGE_BYTES))
    metadata = {
        name: value
        for name, value in (("rule", failed.rule), ("error_id", failed.error_id), ("id", failed.id))
        if value
    } | {_PARAMETER + name: value for name, value in failed.parameters.items()}
    info = error_details_pb2.ErrorInfo(reason=failed.reason, domain=DOMAIN, metadata=metadata)
    _add(status, info)
    if failed.retry_after:
        _add(status, error_details_pb2.RetryInfo(retry_delay=Duration(seconds=math.ceil(failed.retry_after))))
    if failed.violations:
        bad, room = error_details_pb2.BadRequest(), _DETAILS_BYTES - status.ByteSize() + info.ByteSize()
        for at, violation in enumerate(failed.violations):
            bad.field_violations.add(
                field=_cut(violation.field, 200), description=_cut(violation.message, 400), reason=violation.reason
            )
            own = {f"{_VIOLATION}{at}-{name}": value for name, value in violation.parameters.items()}
            info.metadata.update(own)
            if bad.ByteSize() + info.ByteSize() > room and at:
                bad.field_violations.pop()
                for name in own:
                    del info.metadata[name]
                info.metadata["violations_left_out"] = str(len(failed.violations) - at)
                break
        del status.details[:]
        _add(status, info)
        _add(status, bad)
    made = rpc_status.to_status(status)  # pyright: ignore[reportUnknownMemberType]  # its stub leaves the parameter open
    if not told:
        return made
    more = _Told(made.code, made.details, (*(made.trailing_metadata or ()), *told))
    return cast(grpc.Status, more)


class _Told(NamedTuple):
    """As `rpc_status` makes it, with more trailers."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: Sequence[tuple[str, str | bytes]]


def rejection(error: grpc.RpcError) -> Rejected | None:
    """The refusal that a server of ours answered, as it was raised there; None for any other failure of a call."""
    status = _told(error)
    info = _info(status)
    if status is None or info is None:
        return None
    kind = next((kind for code, kind in _KINDS.items() if _number(code) == status.code), None)
    bad, retry = error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for detail in status.details:
        _ = detail.Unpack(bad) or detail.Unpack(retry)
    # A reply that does not fit does not fit later either.
    if kind is None or (kind is Kind.TOO_MANY and not retry.retry_delay.seconds):
        return None
    violations = tuple(
        Violation(one.field, one.reason, one.description, _parameters(info, f"{_VIOLATION}{at}-"))
        for at, one in enumerate(bad.field_violations)
    )
    return Rejected(
        info.reason,
        status.message,
        kind=kind,
        rule=info.metadata.get("rule", ""),
        violations=violations,
        parameters=_parameters(info, _PARAMETER),
        retry_after=retry.retry_delay.seconds,
        id=info.metadata.get("id", ""),
    )


def _parameters(info: error_details_pb2.ErrorInfo, prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in info.metadata.items() if name.startswith(prefix)}


def reason(error: grpc.RpcError) -> str:
    """The stable reason of any failure that a server of ours answered, faults too; empty when it is none of ours."""
    info = _info(_told(error))
    return info.reason if info is not None else ""


def error_id(error: grpc.RpcError) -> str:
    """The id by which a fault is found in the server's log; empty when there is none."""
    info = _info(_told(error))
    return info.metadata.get("error_id", "") if info is not None else ""


def _told(error: grpc.RpcError) -> status_pb2.Status | None:
    if not isinstance(error, grpc.aio.AioRpcError):
        return None
    for key, value in error.trailing_metadata():
        if key == _DETAILS and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None


def _info(status: status_pb2.Status | None) -> error_details_pb2.ErrorInfo | None:
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(info) and info.domain == DOMAIN:
            return info
    return None


def _add(status: status_pb2.Status, detail: Message) -> None:
    packed = AnyMessage()
    packed.Pack(detail)
    status.details.append(packed)


def _number(code: grpc.StatusCode) -> int:
    return cast(tuple[int, str], code.value)[0]


def _cut(text: str, most: int) -> str:
    encoded = text.encode()
    return text if len(encoded) <= most else encoded[: most - 3].decode(errors="ignore") + "…"
