"""How tables with certain headings were read last, and who kept it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole, messages
from eventkit.values import packed
from nhip.people.v1.events_pb2 import TableMappingKept
from services.people.domain.table_mapping import MAPPING


@dataclass(frozen=True, slots=True)
class TableMappingRow:
    tenant: str
    mapping_id: str
    mapping: bytes
    kept_by: str
    """As events name an actor."""
    kept_at: datetime


class TableMappingView(WrittenWhole[TableMappingRow, TableMappingKept]):
    name, source, categories, key = "table_mapping", "people", (MAPPING.category,), ("tenant", "mapping_id")
    version = VERSION
    row = TableMappingRow
    folds = (TableMappingKept,)

    def written(self, event: Recorded, e: TableMappingKept) -> TableMappingRow:
        return TableMappingRow(event.tenant, e.mapping_id, packed(e), event.origin.actor, event.recorded_at)

    def expected(self, events: Sequence[Recorded]) -> Iterable[TableMappingRow]:
        if kept := MAPPING.fold(messages(events)):
            yield self.written(events[-1], kept)


MAPPINGS = TableMappingView().table
