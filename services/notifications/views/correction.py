"""Why recorded values were put right or taken back, from the topic of checkins."""

from dataclasses import dataclass

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from eventkit.values import packed
from nhip.checkins.v1.events_pb2 import (
    DelegateNamed,
    DelegateRevoked,
    ProgressCorrected,
    ProgressRecorded,
    ProgressRetracted,
)
from services.notifications.views.standing_value import VERSION


@dataclass(frozen=True, slots=True)
class HeardCorrectionRow:
    tenant: str
    event_id: str
    reason_class: int
    reason: bytes
    """Sealed."""


class HeardCorrectionView(WrittenWhole[HeardCorrectionRow, ProgressCorrected | ProgressRetracted]):
    name, source, categories, key = "heard_correction", "checkins", ("progress",), ("tenant", "event_id")
    version = VERSION
    row = HeardCorrectionRow
    folds = (ProgressCorrected, ProgressRetracted)
    passes_over = (ProgressRecorded, DelegateNamed, DelegateRevoked)

    def written(self, event: Recorded, e: ProgressCorrected | ProgressRetracted) -> HeardCorrectionRow:
        return HeardCorrectionRow(event.tenant, str(event.id), e.reason_class, packed(e.reason))
