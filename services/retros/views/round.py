"""The rounds that have begun."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole, messages
from nhip.retros.v1.events_pb2 import RoundBegun
from services.retros.domain.round import ROUND
from services.retros.views import VERSION


@dataclass(frozen=True, slots=True)
class RoundRow:
    tenant: str
    cycle_id: str


class RoundView(WrittenWhole[RoundRow, RoundBegun]):
    name, source, categories, key = "round", "retros", (ROUND.category,), ("tenant", "cycle_id")
    version = VERSION
    row = RoundRow
    folds = (RoundBegun,)

    def written(self, event: Recorded, e: RoundBegun) -> RoundRow:
        return RoundRow(event.tenant, e.cycle_id)

    def expected(self, events: Sequence[Recorded]) -> Iterable[RoundRow]:
        if ROUND.fold(messages(events)):
            yield RoundRow(events[0].tenant, events[0].stream.id)


ROUNDS = RoundView().table
