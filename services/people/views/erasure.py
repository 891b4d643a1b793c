"""Erasures: who asked, who decided, when it was done. What is left of a request as evidence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from eventkit.commands.aggregate import UnknownEvent
from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.subscriptions.table import Key
from eventkit.values import packed
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1.events_pb2 import (
    ErasureApproved,
    ErasureCompleted,
    ErasureDeclined,
    ErasureRequested,
    LegalHoldLifted,
    LegalHoldPlaced,
)
from services.people.domain.erasure import ERASURE


@dataclass(frozen=True, slots=True)
class ErasureRow:
    tenant: str
    person_id: str
    state: int
    held: bool
    requested_by: str = ""
    requested_at: datetime | None = None
    decided_by: str = ""
    decided_at: datetime | None = None
    erased_at: datetime | None = None
    reason: bytes = b""
    """Of a declined one; sealed."""


class ErasureView(View[ErasureRow]):
    name, source, categories, key = "erasure", "people", (ERASURE.category,), ("tenant", "person_id")
    version = VERSION
    row = ErasureRow
    folds = (ErasureApproved, ErasureCompleted, ErasureDeclined, ErasureRequested, LegalHoldLifted, LegalHoldPlaced)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[ErasureRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        row = rows.get(*key) or ErasureRow(*key, pb.ERASURE_STATE_UNSPECIFIED, held=False)
        by, at = event.origin.actor, event.recorded_at
        match event.message:
            case ErasureRequested():
                rows.put(ErasureRow(*key, pb.ERASURE_STATE_REQUESTED, row.held, by, at))
            case ErasureDeclined() as e:
                state = pb.ERASURE_STATE_DECLINED
                rows.put(replace(row, state=state, decided_by=by, decided_at=at, reason=packed(e.reason)))
            case ErasureApproved():
                rows.put(replace(row, state=pb.ERASURE_STATE_APPROVED, decided_by=by, decided_at=at))
            case ErasureCompleted():
                rows.put(replace(row, state=pb.ERASURE_STATE_ERASED, erased_at=at))
            case LegalHoldPlaced():
                rows.put(replace(row, held=True))
            case LegalHoldLifted():
                rows.put(replace(row, held=False))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[ErasureRow]:
        first = events[0]
        state = ERASURE.fold(event.message for event in events if event.message is not None)

        def last(*types: type) -> Recorded | None:
            return next((event for event in reversed(events) if isinstance(event.message, types)), None)

        requested = last(ErasureRequested)
        since = [] if requested is None else [e for e in events if e.version >= requested.version]
        decided = next((e for e in since if isinstance(e.message, (ErasureDeclined, ErasureApproved))), None)
        erased = last(ErasureCompleted)
        yield ErasureRow(
            first.tenant,
            first.stream.id,
            state.state,
            state.held,
            requested.origin.actor if requested else "",
            requested.recorded_at if requested else None,
            decided.origin.actor if decided else "",
            decided.recorded_at if decided else None,
            erased.recorded_at if erased else None,
            packed(decided.message.reason) if decided and isinstance(decided.message, ErasureDeclined) else b"",
        )


ERASURES = ErasureView().table


TABLE = ErasureView().table
