"""A notice: given once, read, mailed or not."""

from datetime import UTC, datetime

from eventkit.aggregate import Decision
from eventkit.values import from_datetime
from nhip.notifications.v1 import events_pb2 as e
from nhip.notifications.v1.events_pb2 import NoticeGiven, NoticeMailed, NoticeRead
from services.notifications.domain import notice
from services.notifications.domain.notice import NOTICE, Notice
from tests.unit.decisions import Given, given, rejected

DUE = NoticeGiven(notice_id="n", person_id="minh", inbox=True, email_due_at=from_datetime(datetime(2025, 3, 12, tzinfo=UTC)))


def told(state: Given | None = None) -> Decision:
    return notice.give((state or given()).state(NOTICE, "n"), DUE)


def state(*decisions: Decision) -> Notice:
    return given(told(), *decisions).state(NOTICE, "n")


def test_a_person_is_told_of_a_cause_once():
    assert [type(h.event) for h in told()] == [NoticeGiven]
    assert told(given(told())) == []


def test_who_it_is_for_reads_it_once():
    first = notice.read(state(), "n", "minh", "notice_ids[0]")
    assert [type(h.event) for h in first] == [NoticeRead]
    assert notice.read(state(first), "n", "minh", "notice_ids[0]") == []


def test_others_notices_are_unknown():
    rejected("NOTICE_UNKNOWN", lambda: notice.read(state(), "n", "nam", "notice_ids[0]"), field="notice_ids[0]")
    rejected("NOTICE_UNKNOWN", lambda: notice.read(None, "n", "minh", "notice_ids[0]"), field="notice_ids[0]")


def test_a_mail_is_settled_once():
    sent = notice.mailed(state(), "<1@x>")
    assert [type(h.event) for h in sent] == [NoticeMailed]
    assert notice.mailed(state(sent), "<1@x>") == []
    assert notice.not_mailed(state(sent), e.NOT_MAILED_REASON_READ) == []


def test_what_was_never_to_be_mailed_is_not():
    quiet = given([*notice.give(None, NoticeGiven(notice_id="n", person_id="minh"))]).state(NOTICE, "n")
    assert notice.mailed(quiet, "<1@x>") == []
