"""Roles given and taken: by whom, when and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from eventkit.directory.facts import PERSON, Person, role_name
from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.values import packed
from nhip.people.v1.events_pb2 import (
    EmailChanged,
    NameChanged,
    PersonDeactivated,
    PersonErased,
    PersonReactivated,
    PersonRegistered,
    PersonWithdrawn,
    RolesChanged,
    TitleChanged,
)


@dataclass(frozen=True, slots=True)
class RoleChangeRow:
    tenant: str
    person_id: str
    version: int
    """Of the person's stream."""
    given: list[str]
    taken: list[str]
    by: str
    at: datetime
    reason: bytes
    """Sealed."""


class RoleChangeView(View[RoleChangeRow]):
    """A row for each event that gave or took roles. That somebody is an employee goes without saying."""

    name, source, categories, key = "role_change", "people", (PERSON.category,), ("tenant", "person_id", "version")
    version = VERSION
    row = RoleChangeRow
    folds = (PersonRegistered, RolesChanged)
    passes_over = (
        EmailChanged,
        NameChanged,
        PersonDeactivated,
        PersonErased,
        PersonReactivated,
        PersonWithdrawn,
        TitleChanged,
    )

    def fold(self, rows: Rows[RoleChangeRow], event: Recorded) -> None:
        match event.message:
            case PersonRegistered() as e:
                before, after, reason = set[str](), {role_name(r) for r in e.roles}, b""
            case RolesChanged() as e:
                before, after = {role_name(r) for r in e.before}, {role_name(r) for r in e.after}
                reason = packed(e.reason)
            case _:
                return
        if row := _row(event, before, after, reason):
            rows.put(row)

    def expected(self, events: Sequence[Recorded]) -> Iterable[RoleChangeRow]:
        person: Person | None = None
        for event in events:
            if event.message is None:
                continue
            before = set(person.roles) if person else set[str]()
            person = PERSON.evolve(person, event.message)
            reason = packed(event.message.reason) if isinstance(event.message, RolesChanged) else b""
            if person and (row := _row(event, before, set(person.roles), reason)):
                yield row


def _row(event: Recorded, before: set[str], after: set[str], reason: bytes) -> RoleChangeRow | None:
    given, taken = (sorted(some - {"employee"}) for some in (after - before, before - after))
    if not given and not taken:
        return None
    decided_by = event.message.decided_by if isinstance(event.message, RolesChanged) else ""
    by, at = f"person:{decided_by}" if decided_by else event.origin.actor, event.recorded_at
    return RoleChangeRow(event.tenant, event.stream.id, event.version, given, taken, by, at, reason)


ROLE_CHANGES = RoleChangeView().table
