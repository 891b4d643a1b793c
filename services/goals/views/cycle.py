"""Cycles as they are now, and the steps by which they came there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, WrittenWhole, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed, required_date
from nhip.goals.v1 import types_pb2 as t
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
from services.goals.domain.cycle import CYCLE
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class CycleRow:
    tenant: str
    cycle_id: str
    name: str
    starts_on: date
    ends_on: date
    state: int
    enclosing: list[str]
    """The cycles that it lies in, the nearest first."""
    withdrawn: bool


class CycleView(View[CycleRow]):
    name, source, categories, key = "cycle", "goals", (CYCLE.category,), ("tenant", "cycle_id")
    version = VERSION
    row = CycleRow
    folds = (CycleOpened, CycleCorrected, CycleWithdrawn, CycleStarted, CycleClosingBegun, CycleClosed, CycleReopened)
    passes_over = (InnerCycleOpened, InnerCycleWithdrawn)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[CycleRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case CycleOpened() as e:
                state = t.CYCLE_STATE_PLANNED if e.planned else t.CYCLE_STATE_RUNNING
                starts_on, ends_on = required_date(e.starts_on), required_date(e.ends_on)
                rows.put(CycleRow(*key, e.name, starts_on, ends_on, state, list(e.enclosing_ids), withdrawn=False))
            case CycleCorrected(after=said):
                starts_on, ends_on = required_date(said.starts_on), required_date(said.ends_on)
                rows.put(replace(rows[key], name=said.name, starts_on=starts_on, ends_on=ends_on))
            case CycleWithdrawn():
                rows.put(replace(rows[key], withdrawn=True))
            case CycleStarted() | CycleReopened():
                rows.put(replace(rows[key], state=t.CYCLE_STATE_RUNNING))
            case CycleClosingBegun():
                rows.put(replace(rows[key], state=t.CYCLE_STATE_CLOSING))
            case CycleClosed():
                rows.put(replace(rows[key], state=t.CYCLE_STATE_CLOSED))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[CycleRow]:
        if cycle := CYCLE.fold(messages(events)):
            yield CycleRow(
                events[0].tenant,
                cycle.id,
                cycle.name,
                cycle.starts_on,
                cycle.ends_on,
                cycle.state,
                list(cycle.enclosing),
                cycle.withdrawn,
            )


CYCLES = CycleView().table

Step = CycleOpened | CycleCorrected | CycleWithdrawn | CycleStarted | CycleClosingBegun | CycleClosed | CycleReopened


@dataclass(frozen=True, slots=True)
class CycleStepRow:
    """Something that was done with a cycle."""

    tenant: str
    cycle_id: str
    version: int
    what: str
    """The event's name."""
    recorded_at: datetime
    actor: str
    reason: bytes
    """Sealed; empty where none was asked for."""


class CycleStepView(WrittenWhole[CycleStepRow, Step]):
    name, source, categories = "cycle_step", "goals", (CYCLE.category,)
    key = ("tenant", "cycle_id", "version")
    version = VERSION
    row = CycleStepRow
    folds = CycleView.folds
    passes_over = CycleView.passes_over

    def written(self, event: Recorded, e: Step) -> CycleStepRow:
        return CycleStepRow(
            event.tenant,
            e.cycle_id,
            event.version,
            type(e).__name__,
            event.recorded_at,
            event.origin.actor,
            packed(e.reason) if isinstance(e, CycleWithdrawn | CycleReopened) else b"",
        )


CYCLE_STEPS = CycleStepView().table
