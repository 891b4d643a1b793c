"""Progress as goals hears of it from checkins: the values that stand for each day of a KPI, and who records them for
others."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from eventkit.commands.aggregate import Aggregate, refuse_unknown
from eventkit.values import required_date, to_date
from nhip.checkins.v1.events_pb2 import (
    DelegateNamed,
    DelegateRevoked,
    ProgressCorrected,
    ProgressRecorded,
    ProgressRetracted,
)

Heard = ProgressRecorded | ProgressCorrected | ProgressRetracted | DelegateNamed | DelegateRevoked


@dataclass(frozen=True, slots=True)
class Stands:
    value: Decimal
    confidence: int


@dataclass(frozen=True, slots=True)
class Progress:
    days: Mapping[date, Stands] = field(default_factory=dict[date, Stands])
    delegates: Mapping[str, str] = field(default_factory=dict[str, str])
    """By person, in whose place they record."""


def evolve(progress: Progress, event: Heard) -> Progress:
    match event:
        case ProgressRecorded():
            stands = Stands(Decimal(event.after.value), event.confidence)
            return replace(progress, days={**progress.days, required_date(event.occurred_on): stands})
        case ProgressCorrected():
            stands = Stands(Decimal(event.after.value), event.confidence)
            left = _without(progress.days, required_date(event.occurred_on))
            return replace(progress, days={**left, to_date(event.moved_to) or required_date(event.occurred_on): stands})
        case ProgressRetracted():
            return replace(progress, days=_without(progress.days, required_date(event.occurred_on)))
        case DelegateNamed():
            return replace(progress, delegates={**progress.delegates, event.person_id: event.owner_id})
        case DelegateRevoked():
            left = {person: owner for person, owner in progress.delegates.items() if person != event.person_id}
            return replace(progress, delegates=left)
        case _:
            refuse_unknown(event)


def _without(days: Mapping[date, Stands], day: date) -> dict[date, Stands]:
    return {each: stands for each, stands in days.items() if each != day}


PROGRESS = Aggregate("progress", Progress(), evolve)
"""A stream of checkins; folded here, never written."""
