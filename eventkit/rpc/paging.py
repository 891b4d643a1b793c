"""Lists in pages: how many rows, behind which row, and the token of the next page.

A token names the last row that was shown, by the columns that its list is ordered by, so nothing is shown twice or left
out when rows come and go meanwhile. To callers it is opaque. It goes on only with the question that it answers: the
same request of the same tenant, whatever the size of the page. It is no secret and grants nothing: a query restricts
what is seen, wherever it begins.
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol, TypeVar, cast

from google.protobuf.message import Message

from eventkit.errors import no_page_token

Item = TypeVar("Item")
Cursor = tuple[Any, ...]
"""The values of the columns that a list is ordered by, of one row."""

TOKEN_LENGTH = 1000
"""Longest token, in characters: what contracts allow `page_token`."""

_BOUND_BYTES = 9
_BIGINT = 1 << 63
_TEXT = 500


class _Paged(Protocol):
    """What every request for a list has."""

    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, as it was asked for. Made by `asked`."""

    size: int
    after: Cursor | None
    """The place of the last row of the page before; None: from the beginning."""
    bound: bytes

    @property
    def limit(self) -> int:
        """How many rows to fetch: one more than are shown, to know whether there are more."""
        return self.size + 1

    def cut(self, rows: Sequence[Item], place: Callable[[Item], Cursor]) -> tuple[Sequence[Item], str]:
        """The rows that are shown, of `limit` at most that were found, and the token of the next page; empty: there is
        none."""
        shown = rows[: self.size]
        return shown, self.token(*place(shown[-1])) if len(rows) > len(shown) else ""

    def token(self, *place: int | str | bool | date | datetime) -> str:
        """The token of the page behind a row; for lists that find their place themselves."""
        values = [value.isoformat() if isinstance(value, date) else value for value in place]
        return _encoded(self.bound + json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode())


def asked(request: Message, tenant: str, *columns: type, size: int) -> Page:
    """The page that `request` asks for by its `page_size` and `page_token`.

    `columns` are the types of the columns that the list is ordered by: int, str, bool, date or datetime. `size` is that
    of a page whose request names none. Raises `Rejected` PAGE_TOKEN_INVALID for what is no token of this list.
    """
    paged, bound = cast(_Paged, request), _bound(request, tenant)
    return Page(paged.page_size or size, _place(paged.page_token, bound, columns) if paged.page_token else None, bound)


def _bound(request: Message, tenant: str) -> bytes:
    """What ties a token to its question."""
    question = type(request)()
    question.CopyFrom(request)
    for field in ("page_token", "page_size"):
        question.ClearField(field)
    asked_for = b"\0".join(
        (tenant.encode(), question.DESCRIPTOR.full_name.encode(), question.SerializeToString(deterministic=True))
    )
    return hashlib.sha256(asked_for).digest()[:_BOUND_BYTES]


def _place(token: str, bound: bytes, columns: Sequence[type]) -> Cursor:
    try:
        raw = _decoded(token)
        values: object = json.loads(raw[_BOUND_BYTES:])
    except (ValueError, RecursionError):
        raise no_page_token() from None
    # Written again it must be the same: there is one token of a place, and none that only looks like it.
    if raw[:_BOUND_BYTES] != bound or not isinstance(values, list) or _encoded(raw) != token:
        raise no_page_token()
    given = cast(list[object], values)
    if len(given) != len(columns):
        raise no_page_token()
    return tuple(_value(value, column) for value, column in zip(given, columns, strict=True))


def _value(value: object, column: type) -> object:
    """A value as PostgreSQL can take it for a column of that type."""
    if column in (date, datetime) and isinstance(value, str):
        try:
            moment = cast(type[date], column).fromisoformat(value)
            if not isinstance(moment, datetime):
                return moment
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):  # no day, or none on UTC's calendar
            pass
        raise no_page_token()
    if type(value) is not column:  # exactly: to Python True is a number
        raise no_page_token()
    if isinstance(value, int) and not -_BIGINT <= value < _BIGINT:
        raise no_page_token()
    if isinstance(value, str) and (len(value) > _TEXT or "\0" in value or not _is_text(value)):
        raise no_page_token()
    return value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a pair, which JSON can write and UTF-8 cannot
        return False
    return True


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(token: str) -> bytes:
    """Raises ValueError."""
    if not token.isascii() or len(token) > TOKEN_LENGTH:
        raise ValueError
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))
