"""Praise, as the feed shows it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole, messages
from eventkit.values import packed, to_date
from nhip.rewards.v1.events_pb2 import PraiseGiven
from services.rewards.domain.praise import PRAISE
from services.rewards.views import VERSION


@dataclass(frozen=True, slots=True)
class PraiseRow:
    tenant: str
    praise_id: str
    position: int
    giver_id: str
    receiver_id: str
    unit_id: str
    value_id: str
    kpi_id: str
    visibility: int
    words: bytes
    """Sealed."""
    deed_on: date | None
    given_at: datetime
    praised: list[str]
    """Everybody whom it praises: they see it also when it is private."""
    points: int
    """All that it carried."""


class PraiseView(WrittenWhole[PraiseRow, PraiseGiven]):
    name, source, categories, key = "praise", "rewards", (PRAISE.category,), ("tenant", "praise_id")
    version = VERSION
    indexes = ("tenant, position", "tenant, giver_id, position")
    row = PraiseRow
    folds = (PraiseGiven,)

    def written(self, event: Recorded, e: PraiseGiven) -> PraiseRow:
        return _row(event, e)

    def expected(self, events: Sequence[Recorded]) -> Iterable[PraiseRow]:
        if praise := PRAISE.fold(messages(events)):
            yield _row(events[0], praise.given)


PRAISES = PraiseView().table


def _row(event: Recorded, given: PraiseGiven) -> PraiseRow:
    return PraiseRow(
        tenant=event.tenant,
        praise_id=given.praise_id,
        position=event.position,
        giver_id=given.giver_id,
        receiver_id=given.receiver_id,
        unit_id=given.unit_id,
        value_id=given.value_id,
        kpi_id=given.kpi_id,
        visibility=given.visibility,
        words=packed(given.words),
        deed_on=to_date(given.deed_on),
        given_at=event.recorded_at,
        praised=[share.person_id for share in given.shares],
        points=sum(share.points for share in given.shares),
    )
