"""Which cycles there are, and their days: all that retros keeps of goals, fed by its topic."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.subscriptions.table import Key
from eventkit.values import required_date
from nhip.goals.v1.events_pb2 import (
    CycleClosed,
    CycleClosingBegun,
    CycleCorrected,
    CycleOpened,
    CycleReopened,
    CycleStarted,
    CycleWithdrawn,
    InnerCycleOpened,
    InnerCycleWithdrawn,
)


@dataclass(frozen=True, slots=True)
class KnownCycleRow:
    tenant: str
    cycle_id: str
    name: str
    starts_on: date
    ends_on: date
    withdrawn: bool
    inner_ids: list[str]
    """The cycles that lie in it."""


class KnownCycleView(View[KnownCycleRow]):
    name, source, categories, key = "known_cycle", "goals", ("cycle",), ("tenant", "cycle_id")
    indexes = ("tenant, ends_on", "ends_on")
    row = KnownCycleRow
    folds = (CycleOpened, CycleCorrected, CycleWithdrawn, InnerCycleOpened, InnerCycleWithdrawn)
    passes_over = (CycleStarted, CycleClosingBegun, CycleClosed, CycleReopened)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[KnownCycleRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case CycleOpened() as e:
                days = required_date(e.starts_on), required_date(e.ends_on)
                rows.put(KnownCycleRow(*key, e.name, *days, withdrawn=False, inner_ids=[]))
            case CycleCorrected(after=said):
                days = required_date(said.starts_on), required_date(said.ends_on)
                rows.put(replace(rows[key], name=said.name, starts_on=days[0], ends_on=days[1]))
            case CycleWithdrawn():
                rows.put(replace(rows[key], withdrawn=True))
            case InnerCycleOpened(inner_id=inner):
                rows.put(replace(rows[key], inner_ids=[*rows[key].inner_ids, inner]))
            case InnerCycleWithdrawn(inner_id=inner):
                rows.put(replace(rows[key], inner_ids=[one for one in rows[key].inner_ids if one != inner]))
            case _:
                raise UnknownEvent(event.message)


KNOWN_CYCLES = KnownCycleView().table
