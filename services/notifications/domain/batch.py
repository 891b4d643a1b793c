"""What is told together: what one person does to KPIs in a short while, and what an import brings in a day.

By the clock, not by what was told before: so the same event is of the same batch whenever it is delivered.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Batch:
    cause: str
    until: datetime
    """When it is over: no mail about it is due before."""


def of_changes(actor: str, at: datetime, seconds: int) -> Batch | None:
    """The batch of an actor's changes of KPIs that were recorded at an instant; None: each append is told by itself."""
    if seconds <= 0:
        return None
    number = int(at.timestamp()) // seconds
    return Batch(f"changes/{actor}/{seconds}/{number}", datetime.fromtimestamp((number + 1) * seconds, UTC))


def of_import(kind: str, at: datetime) -> Batch:
    """What imports brought on a day, UTC, of one kind."""
    day = at.astimezone(UTC).date()
    return Batch(f"import/{kind}/{day}", datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1))
