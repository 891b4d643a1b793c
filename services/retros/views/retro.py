"""What people wrote about a cycle for themselves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed
from nhip.retros.v1.events_pb2 import RetroShared, RetroUnshared, StarfishWritten
from services.retros.domain.retro import RETRO
from services.retros.views import VERSION


@dataclass(frozen=True, slots=True)
class RetroRow:
    tenant: str
    retro_id: str
    cycle_id: str
    person_id: str
    starfish: bytes
    """Sealed."""
    done: bool
    revision: int
    reader_id: str
    """Who may read it beside its author; empty: nobody."""
    written_at: datetime


class RetroView(View[RetroRow]):
    name, source, categories, key = "retro", "retros", (RETRO.category,), ("tenant", "retro_id")
    version = VERSION
    indexes = ("tenant, person_id, cycle_id", "tenant, reader_id, cycle_id, person_id")
    row = RetroRow
    folds = (StarfishWritten, RetroShared, RetroUnshared)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[RetroRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case StarfishWritten() as e:
                before = rows.get(*key)
                rows.put(
                    RetroRow(
                        *key,
                        e.cycle_id,
                        e.person_id,
                        packed(e.starfish),
                        e.done,
                        e.revision,
                        before.reader_id if before else "",
                        event.recorded_at,
                    )
                )
            case RetroShared(reader_id=reader):
                rows.put(replace(rows[key], reader_id=reader))
            case RetroUnshared():
                rows.put(replace(rows[key], reader_id=""))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[RetroRow]:
        if retro := RETRO.fold(messages(events)):
            written = [event for event in events if isinstance(event.message, StarfishWritten)]
            yield RetroRow(
                events[0].tenant,
                retro.id,
                retro.cycle_id,
                retro.person_id,
                packed(retro.starfish),
                retro.done,
                retro.revision,
                retro.reader_id,
                written[-1].recorded_at,
            )


RETROS = RetroView().table
