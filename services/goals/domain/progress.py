"""Progress as goals hears of it from checkins: the values recorded for each day of a KPI."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from eventkit.commands.aggregate import Aggregate, refuse_unknown
from eventkit.values import required_date
from nhip.checkins.v1.events_pb2 import ProgressRecorded


@dataclass(frozen=True, slots=True)
class Progress:
    """The last thing recorded for each day."""

    days: Mapping[date, ProgressRecorded] = field(default_factory=dict[date, ProgressRecorded])
    entries: int = 0


def evolve(progress: Progress, event: ProgressRecorded) -> Progress:
    match event:
        case ProgressRecorded():
            return Progress({**progress.days, required_date(event.occurred_on): event}, progress.entries + 1)
        case _:
            refuse_unknown(event)


PROGRESS = Aggregate("progress", Progress(), evolve)
"""A stream of checkins; folded here, never written."""
