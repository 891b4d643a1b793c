"""What is told of an event by its contract alone."""

from uuid import uuid4

from google.protobuf.descriptor import Descriptor
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from google.type.decimal_pb2 import Decimal
from hypothesis import given
from hypothesis import strategies as st

from eventkit import contracts
from nhip.audit.v1 import audit_pb2 as pb
from nhip.audit.v1 import types_pb2 as at
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from nhip.common.v1 import options_pb2 as options
from nhip.common.v1.words_pb2 import PersonalText, Sealed
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import ChangeProposed, KpiTargetRevised
from nhip.notifications.v1.events_pb2 import NoticeGiven, PeopleTold
from nhip.rewards.v1.events_pb2 import PointsReceived, PraiseGiven, Share
from nhip.rewards.v1.rewards_pb2 import NameCoreValue
from nhip.rewards.v1.types_pb2 import VISIBILITY_PRIVATE, VISIBILITY_PUBLIC
from services.audit.domain import contents
from services.audit.queries.export import lines
from services.audit.views.ledger import decoded
from tests.contract.test_golden_bytes import below, event_types

SEALED = PersonalText(sealed=Sealed(person_id="minh", ciphertext=b"x"))


def told(message, reader: str = "van") -> dict[str, str | None]:
    return {
        v.path: v.words.WhichOneof("form") if v.HasField("words") else v.text
        for v in contents.values(message, reader=reader)
    }


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
    assert [(s.kind, s.id) for s in contents.subjects(proposed)] == [("proposal", "p1"), ("kpi", "I1")]
    assert contents.reason(proposed) == "REASON_CLASS_BOTTOM_UP"


def test_words_that_are_not_for_audits_are_withheld_but_from_whose_they_are():
    progress = ProgressRecorded(kpi_id="I1", occurred_on=Date(year=2025, month=3, day=20), note=SEALED, correction=True)
    assert told(progress) == {"kpi_id": "I1", "occurred_on": "2025-03-20", "note": "withheld", "correction": "true"}
    assert told(progress, reader="minh")["note"] == "sealed"


def test_an_event_without_a_reason_has_none():
    assert contents.reason(ProgressRecorded(kpi_id="I1")) == ""
    assert contents.reason(KpiTargetRevised(reason_class=t.REASON_CLASS_CORRECTION)) == "REASON_CLASS_CORRECTION"


def test_an_enum_from_a_newer_version_is_told_as_its_number():
    newer = KpiTargetRevised.FromString(KpiTargetRevised(kpi_id="I1").SerializeToString() + b"\x30\x63")
    assert told(newer)["reason_class"] == "99"


def test_what_is_not_known_is_no_message():
    assert decoded("nhip.goals.v9.KpiPainted", b"", uuid4()) is None
    assert decoded("nhip.goals.v1.KpiTargetRevised", b"\xff", uuid4()) is None


def test_the_contracts_say_which_contexts_and_types_there_are():
    assert {"audit", "goals", "people"} <= set(contracts.contexts())
    assert contracts.types_named("KpiTargetRevised") == contracts.types_named("nhip.goals.v1.KpiTargetRevised")
    assert contracts.types_named("Revised") == ["Revised"]


# --- who may read an event ---


def test_every_event_says_who_may_read_it():
    """So that no new one tells by the ledger what its pages keep from people."""
    for name, kind in event_types().items():
        audience = kind.GetOptions().Extensions[options.audience]
        assert audience != options.AUDIENCE_UNSPECIFIED, f"{name} has no audience"
        if audience == options.AUDIENCE_CONCERNED or any(map(may_be_confidential, below(kind))):
            assert any(
                field.GetOptions().Extensions[options.concerned] for part in below(kind) for field in part.fields
            ), name


def may_be_confidential(kind: Descriptor) -> bool:
    enums = [field.enum_type for field in kind.fields if field.enum_type is not None]
    return any(value.GetOptions().Extensions[options.confidential] for enum in enums for value in enum.values)


def test_private_praise_is_for_its_giver_and_who_is_praised():
    praise = PraiseGiven(
        giver_id="phuc", receiver_id="minh", shares=[Share(person_id="minh", points=10)], visibility=VISIBILITY_PRIVATE
    )
    assert contents.concerned(praise) == ["minh", "phuc"]
    praise.visibility = VISIBILITY_PUBLIC
    assert contents.concerned(praise) is None


def test_points_are_for_whose_they_are_and_targets_for_whoever_reads_the_ledger():
    assert contents.concerned(PointsReceived(person_id="minh", praise_id="R", before=10, after=20)) == ["minh"]
    assert contents.concerned(KpiTargetRevised(kpi_id="I1")) is None


def test_what_no_contract_says_anything_about_is_for_auditors_alone():
    assert contents.concerned(None) == []
    assert contents.concerned(NameCoreValue(name="Tận tâm")) == []  # no event at all: nothing is said about it
    assert contents.concerned(PeopleTold()) == []


# --- what cannot be shown ---


def test_an_instant_outside_the_calendar_takes_no_entry_along():
    beyond = NoticeGiven(person_id="minh", email_due_at=Timestamp(seconds=1 << 60))
    values = {value.path: value for value in contents.values(beyond, reader="van")}
    assert values["email_due_at"].unreadable
    assert values["person_id"].text == "minh"


@given(st.sampled_from(sorted(event_types())), st.binary(max_size=200))
def test_whatever_bytes_were_recorded_an_entry_can_be_told(name: str, data: bytes):
    message = decoded(name, data, uuid4())
    if message is not None:
        contents.values(message, reader="van")
        contents.subjects(message)
        contents.concerned(message)
        contents.reason(message)


def test_a_spreadsheet_knows_by_its_first_bytes_that_an_export_is_utf8():
    entry = pb.Entry(context="goals")
    first, second = (lines([entry], [b""], at.EXPORT_FORMAT_CSV, first=first) for first in (True, False))
    assert first.startswith(b"\xef\xbb\xbfcontext,position")
    assert not second.startswith(b"\xef\xbb\xbf")
    assert lines([entry], [b""], at.EXPORT_FORMAT_JSONL, first=True).startswith(b"{")
