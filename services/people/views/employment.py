"""Employee codes and join dates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from eventkit.directory.facts import ORGANISATION
from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.names import name_key
from eventkit.subscriptions.projection import WrittenWhole, messages
from eventkit.values import to_date
from nhip.people.v1.events_pb2 import (
    EmploymentChanged,
    PlaceAssigned,
    UnitClosed,
    UnitCreated,
    UnitHeadAppointed,
    UnitMoved,
    UnitRenamed,
    UnitWithdrawn,
)


@dataclass(frozen=True, slots=True)
class EmploymentRow:
    tenant: str
    person_id: str
    code: str
    code_key: str
    """As it is searched for."""
    joined_on: date | None


class EmploymentView(WrittenWhole[EmploymentRow, EmploymentChanged]):
    name, source, categories, key = "employment", "people", (ORGANISATION.category,), ("tenant", "person_id")
    version = VERSION
    row = EmploymentRow
    folds = (EmploymentChanged,)
    passes_over = (PlaceAssigned, UnitClosed, UnitCreated, UnitHeadAppointed, UnitMoved, UnitRenamed, UnitWithdrawn)

    def written(self, event: Recorded, e: EmploymentChanged) -> EmploymentRow:
        return _row(event.tenant, e.person_id, e.after.employee_code, to_date(e.after.joined_on))

    def expected(self, events: Sequence[Recorded]) -> Iterable[EmploymentRow]:
        for person_id, one in ORGANISATION.fold(messages(events)).employments.items():
            yield _row(events[0].tenant, person_id, one.code, one.joined_on)


def _row(tenant: str, person_id: str, code: str, joined_on: date | None) -> EmploymentRow:
    return EmploymentRow(tenant, person_id, code, name_key(code), joined_on)


EMPLOYMENTS = EmploymentView().table
