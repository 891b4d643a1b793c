"""On which day people joined, as far as the company's files say: from the topic of people."""

from dataclasses import dataclass
from datetime import date

from eventkit.directory.facts import ORGANISATION
from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
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
class JoinedRow:
    tenant: str
    person_id: str
    joined_on: date | None


class JoinedView(WrittenWhole[JoinedRow, EmploymentChanged]):
    name, source, categories = "joined", "people", (ORGANISATION.category,)
    key = ("tenant", "person_id")
    version, row = VERSION, JoinedRow
    folds = (EmploymentChanged,)
    passes_over = (PlaceAssigned, UnitClosed, UnitCreated, UnitHeadAppointed, UnitMoved, UnitRenamed, UnitWithdrawn)

    def written(self, event: Recorded, e: EmploymentChanged) -> JoinedRow:
        return JoinedRow(event.tenant, e.person_id, to_date(e.after.joined_on))


JOINED = JoinedView().table
