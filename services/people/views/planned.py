"""Planned changes, and what became of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from google.protobuf.message import Message

from eventkit.commands.aggregate import UnknownEvent
from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed, required_date
from nhip.common.v1.options_pb2 import subject
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1.events_pb2 import ChangePlanned, PlannedChangeMade, PlannedChangeRefused, PlannedChangeWithdrawn
from services.people.domain.planned import PLANNED


@dataclass(frozen=True, slots=True)
class PlannedRow:
    tenant: str
    plan_id: str
    on_day: date
    planned_at: datetime
    planned_by: str
    about: list[str]
    """The ids of people and units that it names."""
    change: bytes
    """Its words are sealed."""
    state: int
    refusal: str = ""
    over_at: datetime | None = None


class PlannedView(View[PlannedRow]):
    name, source, categories, key = "planned", "people", (PLANNED.category,), ("tenant", "plan_id")
    version = VERSION
    row = PlannedRow
    folds = (ChangePlanned, PlannedChangeMade, PlannedChangeRefused, PlannedChangeWithdrawn)
    indexes = ("state, on_day",)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[PlannedRow], event: Recorded) -> None:
        key, at = (event.tenant, event.stream.id), event.recorded_at
        match event.message:
            case ChangePlanned() as e:
                rows.put(_planned(event, e))
            case PlannedChangeMade():
                rows.put(replace(rows[key], state=pb.PLAN_STATE_MADE, over_at=at))
            case PlannedChangeWithdrawn():
                rows.put(replace(rows[key], state=pb.PLAN_STATE_WITHDRAWN, over_at=at))
            case PlannedChangeRefused() as e:
                rows.put(replace(rows[key], state=pb.PLAN_STATE_REFUSED, refusal=e.refusal, over_at=at))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[PlannedRow]:
        state, first = PLANNED.fold(messages(events)), events[0].message
        if state is not None and isinstance(first, ChangePlanned):
            over_at = None if state.state == pb.PLAN_STATE_WAITING else events[-1].recorded_at
            yield replace(_planned(events[0], first), state=state.state, refusal=state.refusal, over_at=over_at)


def _planned(event: Recorded, e: ChangePlanned) -> PlannedRow:
    about = sorted(_subjects(e.change))
    on, by = required_date(e.on), e.planned_by
    return PlannedRow(
        event.tenant, e.plan_id, on, event.recorded_at, by, about, packed(e.change), pb.PLAN_STATE_WAITING
    )


def _subjects(message: Message) -> set[str]:
    found = set[str]()
    for field, value in message.ListFields():
        if field.message_type is not None:
            found |= set() if field.is_repeated else _subjects(value)
        elif field.GetOptions().Extensions[subject]:
            found.add(value)
    return found


PLANS = PlannedView().table
