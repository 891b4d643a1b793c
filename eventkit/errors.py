"""Refusals: part of the contract, each with a stable reason."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What sort of refusal it is; the edge translates it into a status code."""

    INVALID = "invalid"
    """The request cannot be right, whatever the state of things: name the field."""
    REFUSED = "refused"
    """Against a rule as things stand."""
    UNAUTHENTICATED = "unauthenticated"
    """Nobody knows who asks: no token, or one that does not hold."""
    FORBIDDEN = "forbidden"
    """Not by this actor."""
    UNKNOWN = "unknown"
    """There is no such thing in the caller's tenant."""
    CONFLICT = "conflict"
    """Somebody else was faster: ask again on what is there now."""
    TOO_MANY = "too many"
    """More than this caller may ask for at once: ask again a little later."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that is wrong, as a path ("kpi.measure.target"), and why.

    Words for people are made of `reason` and `parameters`; `message` is for who writes a program.
    """

    field: str
    reason: str
    """Stable, as "TOO_LONG"."""
    message: str = ""
    """What would be right, in English: "must have at most 200 characters"."""
    parameters: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str], hash=False)
    """What the rule measures by, as {"most": "200"}: numbers and days as contracts write them."""


class Rejected(Exception):
    """A command or query that was refused, for a reason that callers can rely on."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        kind: Kind = Kind.REFUSED,
        field: str = "",
        rule: str = "",
        violations: tuple[Violation, ...] = (),
        parameters: Mapping[str, str] | None = None,
        retry_after: float = 0.0,
        id: str = "",
    ):
        super().__init__(f"{reason}: {message}")
        self.retry_after = retry_after
        """Seconds after which the same may be asked again; 0: it is not a matter of time."""
        self.id = id
        """Of the thing that is there already, where that is why."""
        self.reason, self.message, self.kind, self.rule = reason, message, kind, rule
        self.parameters: Mapping[str, str] = parameters or {}
        """What the rule measures by, as {"left": "20"}; words for people are made of it and the reason."""
        self.violations: tuple[Violation, ...] = violations or (
            (Violation(field, reason, message, self.parameters),) if field else ()
        )


def unknown(kind: str, id: str, field: str = "") -> Rejected:
    """`id` names nothing that the caller may know of: another tenant's things are answered the same way."""
    return Rejected(f"{kind.upper()}_UNKNOWN", f"there is no {kind} {id!r}", kind=Kind.UNKNOWN, field=field)


def no_page_token() -> Rejected:
    """What was given to go on with is nothing that a page answered."""
    return Rejected(
        "PAGE_TOKEN_INVALID",
        "give the next_page_token of the page before; none for the first",
        kind=Kind.INVALID,
        field="page_token",
    )


def tenant_deleted(tenant: str) -> Rejected:
    """What whoever asks something of a tenant that was deleted is told."""
    return Rejected(
        "TENANT_DELETED",
        f"the tenant {tenant!r} was deleted: no word that anybody in it wrote opens any more, and its id is not given "
        "again",
        kind=Kind.FORBIDDEN,
    )
