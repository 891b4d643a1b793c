"""Values put right and taken back, and who records for others (C-07, G-32)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given as for_all
from hypothesis import strategies as st

from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.values import from_date
from nhip.checkins.v1.checkins_pb2 import CorrectProgress, NameDelegate, RetractProgress, RevokeDelegate
from nhip.checkins.v1.events_pb2 import DelegateNamed, DelegateRevoked, ProgressCorrected, ProgressRetracted
from nhip.checkins.v1.types_pb2 import CORRECTION_REASON_MISTYPED
from services.checkins.domain import delegation, progress
from services.checkins.domain.progress import PROGRESS, KnownKpi
from tests.unit.checkins.test_progress import KPI, MARCH_6, MARCH_20, MINH, TODAY, record
from tests.unit.decisions import Command, given, number, person, rejected, words

TRAM, PHUC = Actor("company-x", "tram"), Actor("company-x", "phuc")
MARCH_1 = date(2025, 3, 1)


def correct(
    on: date,
    before: int,
    after: int,
    *,
    to: date | None = None,
    by: Actor = MINH,
    confidence: int | None = None,
    kpi: KnownKpi = KPI,
    confirmed: bool = False,
) -> Command:
    command = CorrectProgress(
        kpi_id="KC",
        occurred_on=from_date(on),
        before=number(before),
        after=number(after),
        moved_to=from_date(to) if to else None,
        confidence=confidence,
        reason_class=CORRECTION_REASON_MISTYPED,
        reason=words("gõ ngược"),
        confirmed=confirmed,
    )
    return lambda state: progress.correct(state.state(PROGRESS, "KC"), command, kpi, by, TODAY)


def corrected(
    on: date, before: int, after: int, *, to: date | None = None, confidence: int = 5, author: str = "minh"
) -> ProgressCorrected:
    return ProgressCorrected(
        kpi_id="KC",
        cycle_id="q1",
        occurred_on=from_date(on),
        before=number(before),
        after=number(after),
        moved_to=from_date(to) if to else None,
        confidence=confidence,
        reason_class=CORRECTION_REASON_MISTYPED,
        reason=words("gõ ngược"),
        author_id=author,
    )


def retract(on: date, before: int, *, by: Actor = MINH) -> Command:
    command = RetractProgress(
        kpi_id="KC",
        occurred_on=from_date(on),
        before=number(before),
        reason_class=CORRECTION_REASON_MISTYPED,
        reason=words("của KPI khác"),
    )
    return lambda state: progress.retract(state.state(PROGRESS, "KC"), command, KPI, by, TODAY)


def name(who: str, *, by: Actor = MINH, kpi: KnownKpi = KPI, org: Sequence[str] = ()) -> Command:
    chart = OrgChart(people={id: person(id) for id in (*org, "minh", "tram", "phuc", "thao")})
    command = NameDelegate(kpi_id="KC", person_id=who)
    return lambda state: delegation.name_delegate(state.state(PROGRESS, "KC"), command, kpi, by, chart, TODAY)


def revoke(who: str, *, by: Actor = MINH) -> Command:
    command = RevokeDelegate(kpi_id="KC", person_id=who)
    return lambda state: delegation.revoke_delegate(state.state(PROGRESS, "KC"), command, KPI, by)


def test_an_auditor_records_for_nobody():
    chart = OrgChart(people={"minh": person("minh"), "van": person("van", "auditor")})
    command = NameDelegate(kpi_id="KC", person_id="van")
    rejected(
        "AUDITOR_NAMED",
        lambda: delegation.name_delegate(given().state(PROGRESS, "KC"), command, KPI, MINH, chart, TODAY),
        field="person_id",
    )


NAMED = DelegateNamed(kpi_id="KC", person_id="tram", owner_id="minh")


def test_a_value_is_put_right_for_its_day_or_another():
    before = given(record(35, MARCH_6, confidence=7))
    before.when(correct(MARCH_6, 35, 53)).then(corrected(MARCH_6, 35, 53, confidence=7))
    before.when(correct(MARCH_6, 35, 35, to=MARCH_1)).then(corrected(MARCH_6, 35, 35, to=MARCH_1, confidence=7))
    before.when(correct(MARCH_6, 35, 35, confidence=2)).then(corrected(MARCH_6, 35, 35, confidence=2))
    moved = given(record(35, MARCH_6), correct(MARCH_6, 35, 53, to=MARCH_1)).state(PROGRESS, "KC")
    assert {day: entry.value for day, entry in moved.days.items()} == {MARCH_1: Decimal(53)}


def test_what_changes_nothing_is_nothing_new():
    given(record(35, MARCH_6)).when(correct(MARCH_6, 35, 35)).then_nothing()


def test_who_was_slower_is_told_what_stands_by_now():
    given(record(35, MARCH_6), correct(MARCH_6, 35, 53)).when(correct(MARCH_6, 35, 44)).then_rejected(
        "PROGRESS_MOVED", field="before"
    )
    given(record(35, MARCH_6), retract(MARCH_6, 35)).when(correct(MARCH_6, 35, 44)).then_rejected(
        "PROGRESS_UNKNOWN", field="occurred_on"
    )
    given(record(35, MARCH_6), correct(MARCH_6, 35, 53)).when(retract(MARCH_6, 35)).then_rejected("PROGRESS_MOVED")


def test_a_value_is_not_moved_onto_another_one_nor_out_of_the_cycle():
    both = given(record(35, MARCH_6), record(44, MARCH_20))
    both.when(correct(MARCH_6, 35, 35, to=MARCH_20)).then_rejected("DAY_TAKEN", field="moved_to")
    both.when(correct(MARCH_6, 35, 35, to=date(2025, 3, 31))).then_rejected("OUTSIDE_CYCLE", field="moved_to")


def test_a_value_that_is_taken_back_leaves_the_one_before():
    taken = given(record(35, MARCH_6), record(44, MARCH_20)).when(retract(MARCH_20, 44))
    taken.then(
        ProgressRetracted(
            kpi_id="KC",
            cycle_id="q1",
            occurred_on=from_date(MARCH_20),
            before=number(44),
            reason_class=CORRECTION_REASON_MISTYPED,
            reason=words("của KPI khác"),
            author_id="minh",
        )
    )
    left = given(record(35, MARCH_6), record(44, MARCH_20), retract(MARCH_20, 44)).state(PROGRESS, "KC")
    assert left.current(TODAY).value == 35


def test_only_who_may_record_puts_right_and_takes_back():
    given(record(35, MARCH_6)).when(correct(MARCH_6, 35, 53, by=PHUC)).then_rejected("NOT_AN_OWNER")
    given(record(35, MARCH_6)).when(retract(MARCH_6, 35, by=PHUC)).then_rejected("NOT_AN_OWNER")


def test_a_delegate_records_and_puts_right_until_it_is_ended():
    given().when(name("tram")).then(NAMED)
    named = given(name("tram"), record(35, MARCH_6, by=TRAM))
    named.when(correct(MARCH_6, 35, 53, by=TRAM)).then(corrected(MARCH_6, 35, 53, author="tram"))
    named.when(revoke("tram")).then(DelegateRevoked(kpi_id="KC", person_id="tram", owner_id="minh"))
    named.when(revoke("tram", by=TRAM)).then(DelegateRevoked(kpi_id="KC", person_id="tram", owner_id="minh"))
    given(name("tram"), revoke("tram")).when(record(1, by=TRAM)).then_rejected("NOT_AN_OWNER")


def test_a_delegates_right_ends_with_that_of_who_named_them():
    given(name("tram")).when(record(1, by=TRAM, kpi=replace(KPI, owners=("phuc",)))).then_rejected("NOT_AN_OWNER")


def test_who_is_named_is_somebody_else_who_is_there():
    given().when(name("phuc", by=PHUC)).then_rejected("NOT_AN_OWNER")
    given(name("tram")).when(name("thao", by=TRAM)).then_rejected("NOT_AN_OWNER")
    given().when(name("minh")).then_rejected("ALREADY_RECORDS", field="person_id")
    given().when(name("nobody")).then_rejected("PERSON_UNKNOWN", field="person_id")
    given(name("tram")).when(name("tram")).then_nothing()
    many = [f"p{n}" for n in range(delegation.MOST)]
    given(*(name(id, org=many) for id in many)).when(name("tram")).then_rejected("TOO_MANY_DELEGATES")
    given(name("tram")).when(revoke("tram", by=PHUC)).then_rejected("NOT_AN_OWNER")
    given().when(revoke("tram")).then_nothing()


@for_all(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 99), st.integers(1, 20), st.booleans()), max_size=12))
def test_what_stands_is_what_was_said_last_of_each_day(steps: list[tuple[int, int, int, bool]]):
    """Against a plain dictionary: recorded, put right, moved, taken back, in any order."""
    before, stands = given(), dict[date, Decimal]()
    for day, value, other, takes_back in steps:
        on, to = date(2025, 3, day), date(2025, 3, other)
        if on not in stands:
            decision = record(value, on, confirmed=True)(before)
            stands[on] = Decimal(value)
        elif takes_back:
            decision = retract(on, int(stands.pop(on)))(before)
        elif to == on or to not in stands:
            decision = correct(on, int(stands.pop(on)), value, to=to, confirmed=True)(before)
            stands[to] = Decimal(value)
        else:
            continue
        before = before.and_then(decision)
    assert {day: entry.value for day, entry in before.state(PROGRESS, "KC").days.items()} == stands
