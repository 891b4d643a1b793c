"""What notices tell of erasures, from the topic of people: whether one waits for a decision, and why it was
declined."""

from collections.abc import Iterable
from dataclasses import dataclass

from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.values import packed
from nhip.people.v1.events_pb2 import (
    ErasureApproved,
    ErasureCompleted,
    ErasureDeclined,
    ErasureRequested,
    LegalHoldLifted,
    LegalHoldPlaced,
)


@dataclass(frozen=True, slots=True)
class HeardErasureRow:
    tenant: str
    person_id: str
    requested: bool
    """It waits for a decision."""
    requested_by: str
    """As events keep an actor."""
    reason: bytes
    """Of a declined one; sealed."""


class HeardErasureView(View[HeardErasureRow]):
    name, source, categories, key = "heard_erasure", "people", ("erasure",), ("tenant", "person_id")
    version = VERSION
    row = HeardErasureRow
    folds = (ErasureApproved, ErasureCompleted, ErasureDeclined, ErasureRequested)
    passes_over = (LegalHoldLifted, LegalHoldPlaced)

    def touches(self, event: Recorded) -> Iterable[tuple[str, str]]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[HeardErasureRow], event: Recorded) -> None:
        if row := _after(rows.get(event.tenant, event.stream.id), event):
            rows.put(row)


def _after(row: HeardErasureRow | None, event: Recorded) -> HeardErasureRow | None:
    """The row after an event; None: it says nothing of it."""
    match event.message:
        case ErasureRequested():
            return HeardErasureRow(event.tenant, event.stream.id, True, event.origin.actor, b"")
        case ErasureDeclined() as e if row:
            return HeardErasureRow(row.tenant, row.person_id, False, row.requested_by, packed(e.reason))
        case ErasureApproved() | ErasureCompleted() if row:
            return HeardErasureRow(row.tenant, row.person_id, False, row.requested_by, b"")
        case _:
            return None


TABLE = HeardErasureView().table
