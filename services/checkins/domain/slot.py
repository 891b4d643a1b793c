"""That a check-in falls due: who was told of a day's slot, and at which stage, so that each is told once (N-04)."""

from collections.abc import Sequence
from datetime import date, timedelta

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.values import from_date
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import CheckInsFellDue, DuePerson

NAMED_AT_ONCE = 200
"""Most people whom one event names: an event has an end."""
LOOK_BACK = 7
"""Days for which a missed check-in is still said to be missing."""

People = frozenset[str]


def evolve(told: People, event: CheckInsFellDue) -> People:
    match event:
        case CheckInsFellDue():
            return told | {one.person_id for one in event.people}
        case _:
            refuse_unknown(event)


SLOT = Aggregate[People]("slot", frozenset(), evolve)


def id_of(due_on: date, stage: t.SlotStage.ValueType) -> str:
    return f"{due_on.isoformat()}.{t.SlotStage.Name(stage).removeprefix('SLOT_STAGE_').lower()}"


def said_on(today: date) -> frozenset[tuple[date, t.SlotStage.ValueType]]:
    """The days of slots of which something is said on a day, and at which stage, unless it was said before."""
    return frozenset(
        {
            (today + timedelta(days=1), t.SLOT_STAGE_SOON),
            # What was due while nobody looked is said all the same: how regularly one checks in is counted by it.
            *((today - timedelta(days=days), t.SLOT_STAGE_DUE) for days in range(LOOK_BACK + 1)),
            *((today - timedelta(days=days), t.SLOT_STAGE_OVERDUE) for days in range(1, LOOK_BACK + 1)),
        }
    )


def fall_due(told: People, due_on: date, stage: t.SlotStage.ValueType, people: Sequence[DuePerson]) -> Decision:
    new = [one for one in people if one.person_id not in told]
    return [
        StreamEvent(
            SLOT(id_of(due_on, stage)),
            CheckInsFellDue(due_on=from_date(due_on), stage=stage, people=new[start : start + NAMED_AT_ONCE]),
        )
        for start in range(0, len(new), NAMED_AT_ONCE)
    ]
