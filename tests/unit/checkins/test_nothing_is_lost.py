"""No order of draft, submission, answer, correction and taking back loses what somebody wrote; two who answer for a KPI
together notice each other (C-05, C-07, C-15, C-19)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from hypothesis import given as random
from hypothesis import settings
from hypothesis import strategies as st

from eventkit.commands.aggregate import Decision
from eventkit.context import Actor
from eventkit.errors import Rejected
from eventkit.values import from_date, to_date
from nhip.checkins.v1 import check_ins_pb2 as pb
from nhip.checkins.v1.checkins_pb2 import CorrectProgress, RecordProgress, RetractProgress
from nhip.checkins.v1.events_pb2 import CheckInSubmitted, ProgressCorrected, ProgressRecorded, ProgressRetracted
from nhip.checkins.v1.types_pb2 import CORRECTION_REASON_MISTYPED
from services.checkins.domain import check_in, progress
from services.checkins.domain.calendar import Slot
from services.checkins.domain.check_in import CHECK_IN, CheckIn, rights
from services.checkins.domain.progress import PROGRESS, Progress
from tests.unit.checkins.test_progress import KPI
from tests.unit.decisions import Given, company_x, given, number, words

X = company_x()
TODAY = date(2025, 3, 20)
SLOT = Slot(6, date(2025, 3, 7), TODAY)
DAYS = [date(2025, 3, 6), date(2025, 3, 13), TODAY]
OWNERS = ("minh", "thao")
CO_OWNED = replace(KPI, owners=OWNERS)
REFUSALS = {
    "CHECK_IN_MOVED",  # somebody wrote meanwhile
    "CHECK_IN_EVALUATED",
    "CHECK_IN_NOT_SUBMITTED",
    "PROGRESS_MOVED",
    "PROGRESS_UNKNOWN",
    "DAY_TAKEN",
}


@dataclass
class House:
    """Two check-ins and the KPI that both speak of; beside them what each day is to show, written down by hand."""

    state: Given = field(default_factory=given)
    shows: dict[date, Decimal] = field(default_factory=dict[date, Decimal])
    refused: set[str] = field(default_factory=set[str])

    def known(self) -> Progress:
        return self.state.state(PROGRESS, CO_OWNED.id)

    def of(self, who: str) -> CheckIn:
        return self.state.state(CHECK_IN, check_in.id_of(who, TODAY))

    def asks(self, decide: Callable[[], Decision]) -> bool:
        before = dict(self.shows)
        try:
            decision = decide()
        except Rejected as refusal:
            self.refused.add(refusal.reason)
            assert {day: entry.value for day, entry in self.known().days.items()} == before
            return False
        self.state = self.state.and_then(decision)
        return True


def record(value: int, day: date) -> RecordProgress:
    return RecordProgress(
        kpi_id=CO_OWNED.id, value=number(value), confidence=5, occurred_on=from_date(day), confirmed=True
    )


def submit(house: House, who: str, value: int, day: date) -> None:
    said = record(value, day)
    command = pb.SubmitCheckIn(due_on=from_date(TODAY), values=[said], mood=4)

    def decide() -> Decision:
        recorded = progress.record(house.known(), said, CO_OWNED, Actor("x", who), TODAY, usual_confidence=5)
        return check_in.submit(house.of(who), command, who, "phuc", SLOT, TODAY, [recorded], {})

    if house.asks(decide):
        house.shows[day] = Decimal(value)


def draft(house: House, who: str, revision: int) -> None:
    command = pb.SaveCheckInDraft(due_on=from_date(TODAY), revision=revision, draft=pb.CheckInDraft(mood=3))
    seen = house.of(who).revision
    if house.asks(lambda: check_in.save_draft(house.of(who), command, who, SLOT)):
        assert revision == seen


def answer(house: House, who: str, submission: int, *, again: bool) -> None:
    may, day = rights(who, "phuc", "phuc", X), from_date(TODAY)
    evaluates = pb.EvaluateCheckIn(person_id=who, due_on=day, submission=submission, comment=words("Tốt"))
    asks = pb.AskAgain(person_id=who, due_on=day, submission=submission, reason=words("Thiếu"))
    seen = house.of(who).submission
    if house.asks(
        lambda: (
            check_in.ask_again(house.of(who), asks, "phuc", may)
            if again
            else check_in.evaluate(house.of(who), evaluates, "phuc", may)
        )
    ):
        assert submission == seen


def correct(house: House, who: str, day: date, before: int, after: int, to: date) -> None:
    command = CorrectProgress(
        kpi_id=CO_OWNED.id,
        occurred_on=from_date(day),
        before=number(before),
        after=number(after),
        moved_to=from_date(to),
        reason_class=CORRECTION_REASON_MISTYPED,
        reason=words("nhầm"),
        confirmed=True,
    )
    stood = house.shows.get(day)
    if house.asks(lambda: progress.correct(house.known(), command, CO_OWNED, Actor("x", who), TODAY)):
        assert stood == before, "nobody puts right what they did not see"
        del house.shows[day]
        house.shows[to] = Decimal(after)


def retract(house: House, who: str, day: date, before: int) -> None:
    command = RetractProgress(
        kpi_id=CO_OWNED.id,
        occurred_on=from_date(day),
        before=number(before),
        reason_class=CORRECTION_REASON_MISTYPED,
        reason=words("nhầm"),
    )
    stood = house.shows.get(day)
    if house.asks(lambda: progress.retract(house.known(), command, CO_OWNED, Actor("x", who), TODAY)):
        assert stood == before, "nobody takes back what they did not see"
        del house.shows[day]


WHO, DAY, VALUE, SEEN = st.sampled_from(OWNERS), st.sampled_from(DAYS), st.integers(0, 3), st.integers(0, 4)
STEPS = st.one_of(
    st.builds(lambda who, seen: lambda house: draft(house, who, seen), WHO, SEEN),
    st.builds(lambda who, value, day: lambda house: submit(house, who, value, day), WHO, VALUE, DAY),
    st.builds(lambda who, seen, again: lambda house: answer(house, who, seen, again=again), WHO, SEEN, st.booleans()),
    st.builds(
        lambda who, day, was, now, to: lambda house: correct(house, who, day, was, now, to), WHO, DAY, VALUE, VALUE, DAY
    ),
    st.builds(lambda who, day, was: lambda house: retract(house, who, day, was), WHO, DAY, VALUE),
)


@settings(max_examples=300)
@random(st.lists(STEPS, max_size=25))
def test_no_order_of_what_two_owners_and_their_manager_do_loses_an_update(steps: list[Callable[[House], None]]):
    house = House()
    for step in steps:
        step(house)
        assert {day: entry.value for day, entry in house.known().days.items()} == house.shows
    assert house.refused <= REFUSALS
    _each_says_what_it_replaces(house)
    for who in OWNERS:
        events = house.state.events.get(("check_in", check_in.id_of(who, TODAY)), [])
        numbers = [event.submission for event in events if isinstance(event, CheckInSubmitted)]
        assert numbers == list(range(1, len(numbers) + 1))


def _each_says_what_it_replaces(house: House) -> None:
    """Read from its beginning, the log of the KPI accounts for every number that ever stood."""
    stands: dict[date, str] = {}
    for event in house.state.events.get(("progress", CO_OWNED.id), []):
        assert isinstance(event, ProgressRecorded | ProgressCorrected | ProgressRetracted)
        day = to_date(event.occurred_on)
        assert day is not None
        if not isinstance(event, ProgressRecorded) or event.correction:
            assert event.before.value == stands[day]
        if isinstance(event, ProgressRetracted | ProgressCorrected):
            del stands[day]
        if isinstance(event, ProgressCorrected):
            stands[to_date(event.moved_to) or day] = event.after.value
        elif isinstance(event, ProgressRecorded):
            stands[day] = event.after.value
