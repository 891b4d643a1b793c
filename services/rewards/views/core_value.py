"""The company's core values, in the order they were named."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole, messages
from nhip.rewards.v1.events_pb2 import CoreValueNamed
from services.rewards.domain.core_value import CORE_VALUES
from services.rewards.views import VERSION


@dataclass(frozen=True, slots=True)
class CoreValueRow:
    tenant: str
    value_id: str
    name: str
    position: int


class CoreValueView(WrittenWhole[CoreValueRow, CoreValueNamed]):
    name, source, categories, key = "core_value", "rewards", (CORE_VALUES.category,), ("tenant", "value_id")
    version = VERSION
    row = CoreValueRow
    folds = (CoreValueNamed,)

    def written(self, event: Recorded, e: CoreValueNamed) -> CoreValueRow:
        return CoreValueRow(event.tenant, e.value_id, e.name, event.position)

    def expected(self, events: Sequence[Recorded]) -> Iterable[CoreValueRow]:
        named = {e.value_id: event.position for event in events if isinstance(e := event.message, CoreValueNamed)}
        for id, name in CORE_VALUES.fold(messages(events)).items():
            yield CoreValueRow(events[0].tenant, id, name, named[id])


TABLE = CoreValueView().table
