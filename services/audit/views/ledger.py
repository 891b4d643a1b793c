"""Every event of one context as it was recorded, whatever its type, and what it is about.

A context's two views move together; each context has its own, for a view has one source.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from google.protobuf.message import DecodeError, Message

from eventkit import contracts
from eventkit.context import acting
from eventkit.log import Recorded, wire
from eventkit.subscriptions.projection import AnyView, Rows, View
from services.audit.domain import contents

VERSION = 2


@dataclass(frozen=True, slots=True)
class EntryRow:
    tenant: str
    position: int
    event_id: UUID
    type: str
    stream: str
    """As "kpi/<id>"."""
    version: int
    actor: str
    actor_id: str
    """Who acted, without whom for: "person:<id>"."""
    recorded_at: datetime
    occurred_at: datetime
    append_id: UUID
    append_index: int
    append_size: int
    correlation_id: str
    causation_id: str
    reason: str
    """The class of its reason; empty for none."""
    concerned: list[str] | None
    """The people who may read it beside auditors; None: whoever may read the ledger."""
    data: bytes


class LedgerView(View[EntryRow]):
    version, raw, categories = VERSION, True, ()
    key = ("tenant", "position")
    indexes = (
        "position",
        "tenant, recorded_at, position",
        "tenant, event_id",
        "tenant, append_id",
        "tenant, actor_id, recorded_at",
        "tenant, stream, version",
    )
    row = EntryRow

    def __init__(self, context: str):
        self.name, self.source, self.group = f"ledger_{context}", context, f"ledger_{context}"  # type: ignore[misc] # one per context

    def fold(self, rows: Rows[EntryRow], event: Recorded) -> None:
        rows.put(_entry(event))


@dataclass(frozen=True, slots=True)
class SubjectRow:
    tenant: str
    kind: str
    id: str
    position: int
    recorded_at: datetime


class SubjectView(View[SubjectRow]):
    version, raw, categories = VERSION, True, ()
    key = ("tenant", "kind", "id", "position")
    indexes = ("tenant, position", "tenant, kind, recorded_at")
    row = SubjectRow

    def __init__(self, context: str):
        self.name, self.source, self.group = f"subject_{context}", context, f"ledger_{context}"  # type: ignore[misc] # one per context

    def fold(self, rows: Rows[SubjectRow], event: Recorded) -> None:
        for row in _subjects(event):
            rows.put(row)


def views() -> list[AnyView]:
    """The ledger, of every context that this version knows a contract of."""
    return [view(context) for context in contracts.contexts() for view in (LedgerView, SubjectView)]


def decoded(type: str, data: bytes, id: UUID) -> Message | None:
    """The event; None when its contract is not known here, or its bytes are not what that says."""
    try:
        return wire.read(type, data, id)
    except DecodeError:
        return None


def _entry(event: Recorded) -> EntryRow:
    known = decoded(event.type, event.data, event.id)
    return EntryRow(
        tenant=event.tenant,
        position=event.position,
        event_id=event.id,
        type=event.type,
        stream=f"{event.stream.category}/{event.stream.id}",
        version=event.version,
        actor=event.origin.actor,
        actor_id=acting(event.origin.actor),
        recorded_at=event.recorded_at,
        occurred_at=event.occurred_at,
        append_id=event.append_id,
        append_index=event.index,
        append_size=event.size,
        correlation_id=event.origin.correlation_id,
        causation_id=event.origin.causation_id,
        reason=contents.reason(known) if known else "",
        concerned=contents.concerned(known),
        data=event.data,
    )


def _subjects(event: Recorded) -> list[SubjectRow]:
    known = decoded(event.type, event.data, event.id)
    about = contents.subjects(known) if known else []
    return [SubjectRow(event.tenant, subject.kind, subject.id, event.position, event.recorded_at) for subject in about]
