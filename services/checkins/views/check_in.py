"""Check-ins, as they are now, and what was answered to each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, WrittenWhole, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed, required_date
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import CheckInAskedAgain, CheckInDrafted, CheckInEvaluated, CheckInSubmitted
from services.checkins.domain.check_in import CHECK_IN, CheckIn, Event, evolve, mean_confidence
from services.checkins.views import VERSION


@dataclass(frozen=True, slots=True)
class CheckInRow:
    """`draft`, `mood` and `submitted` are messages of the contract as bytes, their words sealed; empty for none."""

    tenant: str
    person_id: str
    due_on: date
    state: int
    revision: int
    drafted_at: datetime | None
    draft: bytes
    submission: int
    sent_to: str
    """Who led them when it was last submitted."""
    first_submitted_at: datetime | None
    submitted_at: datetime | None
    late: bool
    """Its first submission came after its day."""
    brought_in: bool
    """Its first submission was made elsewhere."""
    undated: bool
    """… and nobody knows on which day."""
    confidence: Decimal | None
    """The mean of the last submission's."""
    mood: bytes
    wants_meeting: bool
    submitted: bytes
    answered_at: datetime | None
    """When it was first answered."""


class CheckInView(View[CheckInRow]):
    name, source, categories = "check_in", "checkins", (CHECK_IN.category,)
    key, indexes = ("tenant", "person_id", "due_on"), ("tenant, due_on",)
    version = VERSION
    row = CheckInRow
    folds = (CheckInAskedAgain, CheckInDrafted, CheckInEvaluated, CheckInSubmitted)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return (_key(event),)

    def fold(self, rows: Rows[CheckInRow], event: Recorded) -> None:
        key = _key(event)
        row = rows.get(*key) or CheckInRow(
            *key,
            t.CHECK_IN_STATE_NOT_STARTED,
            0,
            None,
            b"",
            0,
            "",
            None,
            None,
            False,
            False,
            False,
            None,
            b"",
            False,
            b"",
            None,
        )
        match event.message:
            case CheckInDrafted() as e:
                begins = row.state == t.CHECK_IN_STATE_NOT_STARTED
                state = t.CHECK_IN_STATE_DRAFT if begins else row.state
                draft = packed(e.content)
                row = replace(row, state=state, revision=e.revision, drafted_at=event.recorded_at, draft=draft)
            case CheckInSubmitted() as e:
                row = _submitted(row, event, e)
            case CheckInEvaluated():
                row = replace(row, state=t.CHECK_IN_STATE_EVALUATED, answered_at=row.answered_at or event.recorded_at)
            case CheckInAskedAgain():
                row = replace(row, state=t.CHECK_IN_STATE_ASKED_AGAIN, answered_at=row.answered_at or event.recorded_at)
            case _:
                raise UnknownEvent(event.message)
        rows.put(row)

    def expected(self, events: Sequence[Recorded]) -> Iterable[CheckInRow]:
        state: CheckIn = CHECK_IN.fold(messages(events))
        submissions = [event for event in events if isinstance(event.message, CheckInSubmitted)]
        drafts = [event for event in events if isinstance(event.message, CheckInDrafted)]
        answers = [event for event in events if isinstance(event.message, CheckInEvaluated | CheckInAskedAgain)]
        last = state.submitted
        first = submissions[0].message if submissions else None
        assert first is None or isinstance(first, CheckInSubmitted)
        yield CheckInRow(
            *_key(events[0]),
            state.state,
            state.revision,
            drafts[-1].recorded_at if drafts else None,
            packed(state.draft) if state.draft else b"",
            state.submission,
            last.manager_id if last else "",
            submissions[0].recorded_at if submissions else None,
            submissions[-1].recorded_at if submissions else None,
            first.late if first else False,
            first.brought_in if first else False,
            _undated(first) if first else False,
            mean_confidence(last.values) if last else None,
            packed(last.mood) if last and last.HasField("mood") else b"",
            last.wants_meeting if last else False,
            packed(last) if last else b"",
            answers[0].recorded_at if answers else None,
        )


def _submitted(row: CheckInRow, event: Recorded, e: CheckInSubmitted) -> CheckInRow:
    first = row.first_submitted_at is None
    return replace(
        row,
        state=t.CHECK_IN_STATE_SUBMITTED,
        revision=row.revision + 1,
        draft=b"",
        submission=e.submission,
        sent_to=e.manager_id,
        first_submitted_at=event.recorded_at if first else row.first_submitted_at,
        submitted_at=event.recorded_at,
        late=e.late if first else row.late,
        brought_in=e.brought_in if first else row.brought_in,
        undated=_undated(e) if first else row.undated,
        confidence=mean_confidence(e.values),
        mood=packed(e.mood) if e.HasField("mood") else b"",
        wants_meeting=e.wants_meeting,
        submitted=packed(e),
    )


def _undated(e: CheckInSubmitted) -> bool:
    return e.brought_in and not e.HasField("made_on")


def _key(event: Recorded) -> tuple[str, str, date]:
    person, _, day = event.stream.id.rpartition(".")
    return event.tenant, person, date.fromisoformat(day)


CHECK_INS = CheckInView().table


@dataclass(frozen=True, slots=True)
class AnswerRow:
    tenant: str
    person_id: str
    due_on: date
    version: int
    at: datetime
    asks_again: bool
    answer: bytes
    """CheckInEvaluated or CheckInAskedAgain, its words sealed."""


Answer = CheckInEvaluated | CheckInAskedAgain


class AnswerView(WrittenWhole[AnswerRow, Answer]):
    name, source, categories = "check_in_answer", "checkins", (CHECK_IN.category,)
    key = ("tenant", "person_id", "due_on", "version")
    version = VERSION
    row = AnswerRow
    folds = (CheckInAskedAgain, CheckInEvaluated)
    passes_over = (CheckInDrafted, CheckInSubmitted)

    def written(self, event: Recorded, e: Answer) -> AnswerRow:
        asks = isinstance(e, CheckInAskedAgain)
        day = required_date(e.due_on)
        return AnswerRow(event.tenant, e.person_id, day, event.version, event.recorded_at, asks, packed(e))

    def expected(self, events: Sequence[Recorded]) -> Iterable[AnswerRow]:
        state = CHECK_IN.initial
        for event in events:
            message: Event = event.message  # type: ignore[assignment] # of the stream
            state = evolve(state, message)
            if isinstance(message, CheckInEvaluated | CheckInAskedAgain):
                asks = state.state == t.CHECK_IN_STATE_ASKED_AGAIN
                yield AnswerRow(*_key(event), event.version, event.recorded_at, asks, packed(message))


ANSWERS = AnswerView().table
