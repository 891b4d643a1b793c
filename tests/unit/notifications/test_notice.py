"""A notice: given once, grown by its batch, closed, mailed or not; and what its person has read."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given as drawn
from hypothesis import strategies as st

from eventkit.commands.aggregate import Decision
from eventkit.values import from_datetime
from nhip.notifications.v1 import events_pb2 as e
from nhip.notifications.v1 import types_pb2 as t
from nhip.notifications.v1.events_pb2 import (
    NoticeGiven,
    NoticeMailed,
    NoticeNotMailed,
    NoticeRead,
    NoticesClosed,
    NoticesRead,
    PeopleTold,
)
from services.notifications.domain import batch, notice
from services.notifications.domain.notice import INBOX, LISTED_CHANGES, NOTICE, TELLING, TOLD_AT_ONCE, Notice
from tests.unit.decisions import Given, given

AT = datetime(2025, 3, 12, tzinfo=UTC)
DUE = from_datetime(AT)


def draft(person: str = "minh", **fields: Any) -> NoticeGiven:
    return NoticeGiven(notice_id=f"n-{person}", person_id=person, cause_event_id="e", by_id="nam", inbox=True, **fields)


def tell(*drafts: NoticeGiven, state: Given | None = None, batch: bool = False) -> Decision:
    return notice.tell((state or given()).state(TELLING, "c"), "c", drafts, batch=batch)


def notices(*decisions: Decision) -> dict[str, Notice]:
    return given(*decisions).state(TELLING, "c")


def changes(*kpis: str) -> list[t.KpiChange]:
    return [t.KpiChange(kpi_id=kpi, kind=t.CHANGE_KIND_DEFINED) for kpi in kpis]


def test_everybody_who_must_hear_of_a_cause_is_told_in_one_event():
    [told] = tell(draft("minh"), draft("tram"), draft("lan"))
    assert isinstance(told.event, PeopleTold)
    assert [one.person_id for one in told.event.told] == ["minh", "tram", "lan"]
    assert {one.given.by_id for one in notices([told]).values()} == {"nam"}


def test_of_a_whole_company_each_event_tells_two_hundred():
    decision = tell(*(draft(f"p{n}") for n in range(2 * TOLD_AT_ONCE + 1)))
    assert [len(h.event.told) for h in decision if isinstance(h.event, PeopleTold)] == [TOLD_AT_ONCE, TOLD_AT_ONCE, 1]
    assert len(notices(decision)) == 2 * TOLD_AT_ONCE + 1


def test_a_person_is_told_of_a_cause_once():
    assert tell(draft(), state=given(tell(draft()))) == []
    [more] = tell(draft(), draft("tram"), state=given(tell(draft())))
    assert isinstance(more.event, PeopleTold)
    assert [one.person_id for one in more.event.told] == ["tram"]


@drawn(st.lists(st.sampled_from(list(NoticeGiven.DESCRIPTOR.fields_by_name)), unique=True))
def test_what_was_given_is_what_was_meant(fields: list[str]):
    """Whatever a notice says of one person comes back whole."""
    meant = draft(
        kind=t.NOTICE_KIND_GIFT,
        changes=changes("K1"),
        proposal_id="P",
        praise_id="R",
        redemption_id="X",
        kpi_id="K",
        granted=True,
        email_due_at=DUE,
        digest=True,
        erased_id="tram",
        cause_append_id="a",
    )
    meant.since.year = 2025
    for field in set(fields) - {"notice_id", "person_id", "cause_append_id", "cause_event_id", "by_id"}:
        meant.ClearField(field)  # type: ignore[arg-type]
    assert notices(tell(meant))["n-minh"].given == meant


def test_a_batch_is_one_notice_that_grows():
    first = tell(draft(changes=changes("K1"), kind=t.NOTICE_KIND_KPI_CHANGED), batch=True)
    again = tell(draft(changes=changes("K2", "K3"), kind=t.NOTICE_KIND_KPI_CHANGED), state=given(first), batch=True)
    one = notices(first, again)["n-minh"]
    assert ([c.kpi_id for c in one.given.changes], one.more, one.times) == (["K1", "K2", "K3"], 0, 2)


def test_of_a_very_large_batch_the_rest_is_counted():
    many = [str(n) for n in range(LISTED_CHANGES)]
    decisions = [tell(draft(changes=changes(*many)), batch=True), tell(draft(changes=changes("K1", "K2")), batch=True)]
    one = notices(*decisions)["n-minh"]
    assert (len(one.given.changes), one.more) == (LISTED_CHANGES, 2)


def test_of_praise_that_came_together_the_newest_is_told_and_the_rest_counted():
    one = notices(*(tell(draft(praise_id=id), batch=True) for id in ("R1", "R2", "R3")))["n-minh"]
    assert (one.given.praise_id, one.more) == ("R3", 2)


def test_a_mail_that_is_due_tells_all_of_it_and_one_that_was_sent_comes_again():
    first, again = [tell(draft(changes=changes(k), email_due_at=DUE), batch=True) for k in ("K1", "K2")]
    assert notices(first, again)["n-minh"].awaits_mail
    sent = notice.mailed(notices(first)["n-minh"], TELLING("c"), "<1@x>")
    assert not notices(first, sent)["n-minh"].awaits_mail
    assert notices(first, sent, again)["n-minh"].awaits_mail


def test_what_waits_for_somebody_else_now_is_closed_once():
    told = tell(draft())
    [closed] = notice.close(notices(told), "c", ["n-minh"])
    assert closed.event == NoticesClosed(telling_id="c", notice_ids=["n-minh"])
    assert notices(told, [closed])["n-minh"].closed
    assert notice.close(notices(told, [closed]), "c", ["n-minh"]) == []


def test_a_mail_is_settled_once():
    told = tell(draft(email_due_at=DUE))
    sent = notice.mailed(notices(told)["n-minh"], TELLING("c"), "<1@x>")
    assert [type(h.event) for h in sent] == [NoticeMailed]
    settled = notices(told, sent)["n-minh"]
    assert notice.mailed(settled, TELLING("c"), "<1@x>") == []
    assert notice.not_mailed(settled, TELLING("c"), e.NOT_MAILED_REASON_READ) == []


def test_what_was_never_to_be_mailed_is_not():
    assert notice.mailed(notices(tell(draft()))["n-minh"], TELLING("c"), "<1@x>") == []


def test_what_was_given_alone_before_is_still_what_it_was():
    old = NOTICE.fold([draft(email_due_at=DUE), NoticeRead(notice_id="n-minh", person_id="minh")])
    assert old is not None
    assert old["n-minh"].awaits_mail
    settled = NOTICE.fold([draft(email_due_at=DUE), NoticeNotMailed(notice_id="n-minh")])
    assert settled is not None
    assert not settled["n-minh"].awaits_mail
    assert (notice.stream_of("", "n"), notice.stream_of("c", "n")) == (NOTICE("n"), TELLING("c"))


def test_whatever_somebody_reads_at_once_is_one_event():
    [read] = notice.read("minh", ["a", "b"])
    assert read.event == NoticesRead(person_id="minh", notice_ids=["a", "b"])
    assert given([read]).state(INBOX, "minh") == 1
    assert notice.read("minh", []) == []


def test_what_somebody_changes_within_ten_minutes_is_one_cause_and_no_mail_comes_before_their_end():
    first, later, after = (batch.of_changes("person:nam", AT.replace(minute=m), 600) for m in (10, 19, 20))
    assert first is not None
    assert (first == later, first == after) == (True, False)
    assert first.until == AT.replace(minute=20)
    assert first != batch.of_changes("person:lan", AT.replace(minute=10), 600)
    assert batch.of_changes("person:nam", AT, 0) is None


def test_what_imports_bring_in_a_day_is_one_cause():
    morning, evening = (batch.of_import("praise", AT.replace(hour=hour)) for hour in (1, 23))
    assert morning == evening != batch.of_import("praise", AT.replace(day=13))
