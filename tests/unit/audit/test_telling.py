"""What is told of an event by its contract alone."""

from uuid import uuid4

import pytest
from google.type.date_pb2 import Date
from google.type.decimal_pb2 import Decimal

from eventkit import contracts
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from nhip.common.v1.words_pb2 import PersonalText, Sealed
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import ChangeProposed, KpiTargetRevised
from services.audit.domain import telling
from services.audit.views.ledger import decoded
from services.audit.views.search import place

SEALED = PersonalText(sealed=Sealed(person_id="minh", ciphertext=b"x"))


def told(message, reader: str = "van") -> dict[str, str | None]:
    return {v.path: v.words.WhichOneof("form") if v.HasField("words") else v.text for v in telling.values(message, reader=reader)}


def test_every_field_is_told_down_to_what_has_no_fields():
    proposed = ChangeProposed(
        proposal_id="p1",
        reason_class=t.REASON_CLASS_BOTTOM_UP,
        reason=SEALED,
        changes=[t.TargetChange(kpi_id="I1", before=Decimal(value="80"), after=Decimal(value="50"))],
    )
    assert told(proposed) == {
        "proposal_id": "p1",
        "reason_class": "REASON_CLASS_BOTTOM_UP",
        "reason": "sealed",
        "changes[0].kpi_id": "I1",
        "changes[0].before": "80",
        "changes[0].after": "50",
    }
    assert [(s.kind, s.id) for s in telling.subjects(proposed)] == [("proposal", "p1"), ("kpi", "I1")]
    assert telling.reason(proposed) == "REASON_CLASS_BOTTOM_UP"


def test_words_that_are_not_for_audits_are_withheld_but_from_whose_they_are():
    progress = ProgressRecorded(kpi_id="I1", occurred_on=Date(year=2025, month=3, day=20), note=SEALED, correction=True)
    assert told(progress) == {"kpi_id": "I1", "occurred_on": "2025-03-20", "note": "withheld", "correction": "true"}
    assert told(progress, reader="minh")["note"] == "sealed"


def test_an_event_without_a_reason_has_none():
    assert telling.reason(ProgressRecorded(kpi_id="I1")) == ""
    assert telling.reason(KpiTargetRevised(reason_class=t.REASON_CLASS_CORRECTION)) == "REASON_CLASS_CORRECTION"


def test_an_enum_from_a_newer_version_is_told_as_its_number():
    newer = KpiTargetRevised.FromString(KpiTargetRevised(kpi_id="I1").SerializeToString() + b"\x30\x63")
    assert told(newer)["reason_class"] == "99"


def test_what_is_not_known_is_no_message():
    assert decoded("nhip.goals.v9.KpiPainted", b"", uuid4()) is None
    assert decoded("nhip.goals.v1.KpiTargetRevised", b"\xff", uuid4()) is None


def test_the_contracts_say_which_contexts_and_types_there_are():
    assert contracts.contexts() == ("audit", "checkins", "goals", "notifications", "people", "rewards")
    assert contracts.types_named("KpiTargetRevised") == contracts.types_named("nhip.goals.v1.KpiTargetRevised")
    assert contracts.types_named("Revised") == ["Revised"]


@pytest.mark.parametrize("token", ["ghost", "2025-03-20T00:00:00+00:00/goals/x", "/goals/1"])
def test_a_page_token_of_somebody_elses_is_refused(token: str):
    with pytest.raises(Exception, match="PAGE_TOKEN_INVALID"):
        place(token)
    assert place("") is None
    known = place("2025-03-20T00:00:00+00:00/goals/7")
    assert place(str(known)) == known
