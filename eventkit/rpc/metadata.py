"""What a request says beside its message: token, idempotency key, positions, trace."""

import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from eventkit.errors import Kind, Rejected

AUTHORIZATION = "authorization"
IDEMPOTENCY_KEY = "idempotency-key"
POSITION = "nhip-position"
APPLIED = "nhip-applied"
"""In the reply to a query: how far each context was applied, at the least, in what is answered; as
`goals=12,people=3`."""
RATE = "nhip-rate"
"""In the reply to an integration: how much more it may ask, as `limit=50, remaining=12, reset=4` (seconds)."""
TRACEPARENT = "traceparent"
REQUEST_ID = "x-request-id"
CHECK = "nhip-check"
"""With a command: "true" has it decided and nothing recorded, so that who sends many knows first what would be
refused."""

_POSITION = re.compile(r"([a-z][a-z0-9_]{0,62})=([0-9]{1,19})(?:@([0-9a-f]{8}))?")
_KEY_LENGTH = 200
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class Position(int):
    """Where a context's log was, as a caller was told."""

    incarnation: str = ""
    """The id of the log's incarnation; empty for one that was never restored."""

    @classmethod
    def of(cls, position: int, incarnation: str) -> "Position":
        made = cls(position)
        made.incarnation = incarnation
        return made


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of one request by name, in the order it came; names are lower case on the wire."""

    values: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, given: Iterable[tuple[str, str | bytes]] | None) -> "Metadata":
        values: dict[str, tuple[str, ...]] = {}
        for name, value in given or ():
            if isinstance(value, str):
                values[name] = (*values.get(name, ()), value)
        return cls(values)

    @property
    def authorization(self) -> str:
        """Empty when there is none. Two of them are none: which one would count?"""
        given = self.values.get(AUTHORIZATION, ())
        return given[0] if len(given) == 1 else ""

    @property
    def traceparent(self) -> str:
        return self.values.get(TRACEPARENT, ("",))[0]

    @property
    def request_id(self) -> str:
        """By which a caller, or what stands before us, finds the request again; empty when there is none, or none to
        write into a log."""
        return request_id(self.values.get(REQUEST_ID, ()))

    def idempotency_key(self) -> str | None:
        """None when no key was given. Raises Rejected (INVALID): IDEMPOTENCY_KEY_MALFORMED."""
        given = self.values.get(IDEMPOTENCY_KEY)
        if given is None:
            return None
        key = given[0].strip()
        if len(given) != 1 or not 1 <= len(key) <= _KEY_LENGTH or not key.isprintable():
            raise Rejected(
                "IDEMPOTENCY_KEY_MALFORMED",
                f"give one key of 1 to {_KEY_LENGTH} printable characters",
                kind=Kind.INVALID,
                field=IDEMPOTENCY_KEY,
            )
        return key

    def check(self) -> bool:
        """Whether a command is only to be decided. Raises Rejected (INVALID): CHECK_MALFORMED."""
        given = self.values.get(CHECK)
        if given not in (None, ("true",), ("false",)):
            raise Rejected("CHECK_MALFORMED", "give true or false", kind=Kind.INVALID, field=CHECK)
        return given == ("true",)

    def positions(self) -> dict[str, Position]:
        """By context, the furthest that was asked for. Raises Rejected (INVALID): POSITION_MALFORMED."""
        after: dict[str, Position] = {}
        for text in self.values.get(POSITION, ()):
            match = _POSITION.fullmatch(text.strip())
            if match is None or int(match[2]) >= 2**63:
                raise Rejected(
                    "POSITION_MALFORMED",
                    f"{text[:80]!r} is no position: send what a reply said, as goals=123",
                    kind=Kind.INVALID,
                    field=POSITION,
                )
            told = Position.of(int(match[2]), match[3] or "")
            after[match[1]] = max(after.get(match[1], told), told)
        return after


def request_id(given: Sequence[str]) -> str:
    """The id that came with a request; empty unless there is one, and a sane one."""
    return given[0] if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]) else ""


def new_command_id() -> UUID:
    """A UUIDv7 (RFC 9562): ordered by the millisecond it was made in."""
    bits = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10))
    return UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)
