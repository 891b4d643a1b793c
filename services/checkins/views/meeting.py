"""Meetings: who takes part and when, whose calendar each is in, and what is said in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from google.protobuf.message import Message

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, WrittenWhole, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed, to_datetime
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import (
    ActionNoted,
    InvitationAnswered,
    KpiQuestionAnswered,
    MeetingCalled,
    MeetingCancelled,
    MeetingMoved,
    MinutesAdded,
    MinutesConfirmed,
    NoteWritten,
    ParticipantsInvited,
    TopicDiscussed,
    WayChosen,
    WayRemoved,
    WayWritten,
)
from nhip.checkins.v1.types_pb2 import Span
from services.checkins.domain.meeting import MEETING, Meeting, addition_key, answer_key, note_key, way_key
from services.checkins.views import VERSION

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class MeetingRow:
    """What is said in it is in rows of its own; of lists beside each other, each item of one goes with that of the
    other."""

    tenant: str
    meeting_id: str
    host_id: str
    people: list[str]
    joined: list[str]
    """By person the circle from which on they read."""
    starts_at: datetime
    ends_at: datetime
    about: bytes
    """Sealed."""
    called_by: str
    check_in_id: str
    cycle_id: str
    reviewed_id: str
    state: int
    reason: bytes
    """Sealed: why it was called off."""
    circle: int
    saying: int
    """How often something was said."""
    chosen: list[str]
    """Ways that are gone, as "<circle>/<way>"."""
    actions: list[str]
    """As "<circle>/<action>"."""
    topics: list[str]
    """As "<circle>/<topic>"."""
    adjust: list[str]
    """As "<circle>/yes" or "<circle>/no"."""
    confirmed: list[str]


_PASSED_OVER_BY_ITEMS = (
    MeetingCalled,
    MeetingMoved,
    MeetingCancelled,
    ParticipantsInvited,
    WayChosen,
    ActionNoted,
    TopicDiscussed,
    KpiQuestionAnswered,
    MinutesConfirmed,
)


class MeetingView(View[MeetingRow]):
    name, source, categories, key = "meeting", "checkins", (MEETING.category,), ("tenant", "meeting_id")
    version = VERSION
    row = MeetingRow
    folds = (
        MeetingCalled,
        MeetingMoved,
        MeetingCancelled,
        ParticipantsInvited,
        NoteWritten,
        WayWritten,
        WayRemoved,
        WayChosen,
        ActionNoted,
        TopicDiscussed,
        KpiQuestionAnswered,
        MinutesConfirmed,
    )
    passes_over = (InvitationAnswered, MinutesAdded)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[MeetingRow], event: Recorded) -> None:
        if isinstance(e := event.message, MeetingCalled):
            rows.put(_called(event, e))
            return
        row = rows[event.tenant, event.stream.id]
        match e:
            case MeetingMoved():
                rows.put(replace(row, starts_at=to_datetime(e.after.starts_at), ends_at=to_datetime(e.after.ends_at)))
            case MeetingCancelled():
                rows.put(replace(row, state=t.MEETING_STATE_CANCELLED, reason=packed(e.reason)))
            case ParticipantsInvited():
                circle = row.circle + 1
                joined = [*row.joined, *[str(circle)] * len(e.person_ids)]
                rows.put(replace(row, people=[*row.people, *e.person_ids], joined=joined, circle=circle, confirmed=[]))
            case MinutesConfirmed():
                state = t.MEETING_STATE_CONFIRMED if e.concludes else row.state
                rows.put(replace(row, state=state, confirmed=sorted({*row.confirmed, e.by_id})))
            case _:
                rows.put(replace(_said(row, e), saying=row.saying + 1, confirmed=[]))

    def expected(self, events: Sequence[Recorded]) -> Iterable[MeetingRow]:
        meeting = MEETING.fold(messages(events))
        if meeting is None or not isinstance(called := events[0].message, MeetingCalled):
            return
        cancelled = next((e.message for e in events if isinstance(e.message, MeetingCancelled)), None)
        yield replace(
            _called(events[0], called),
            people=list(meeting.joined),
            joined=[str(circle) for circle in meeting.joined.values()],
            starts_at=to_datetime(meeting.span.starts_at),
            ends_at=to_datetime(meeting.span.ends_at),
            state=meeting.state,
            reason=packed(cancelled.reason) if cancelled else b"",
            circle=meeting.circle,
            saying=meeting.version,
            chosen=_listed(meeting.chosen),
            actions=[f"{circle}/{id}" for id, circle in meeting.actions.items()],
            topics=[f"{circle}/{id}" for id, circle in meeting.topics.items()],
            adjust=_listed({circle: "yes" if adjust else "no" for circle, adjust in meeting.adjust.items()}),
            confirmed=sorted(meeting.confirmed),
        )


MEETINGS = MeetingView().table


def _called(event: Recorded, e: MeetingCalled) -> MeetingRow:
    return MeetingRow(
        tenant=event.tenant,
        meeting_id=e.meeting_id,
        host_id=e.host_id,
        people=list(e.participant_ids),
        joined=["0"] * len(e.participant_ids),
        starts_at=to_datetime(e.starts_at),
        ends_at=to_datetime(e.ends_at),
        about=packed(e.about),
        called_by=e.by_id,
        check_in_id=e.check_in_id,
        cycle_id=e.cycle_id,
        reviewed_id=e.reviewed_id,
        state=t.MEETING_STATE_OPEN,
        reason=b"",
        circle=0,
        saying=0,
        chosen=[],
        actions=[],
        topics=[],
        adjust=[],
        confirmed=[],
    )


def _said(row: MeetingRow, e: Message | None) -> MeetingRow:
    match e:
        case NoteWritten() | WayWritten():
            return row
        case WayRemoved():
            return replace(row, chosen=[one for one in row.chosen if one.partition("/")[2] != e.way_id])
        case WayChosen():
            return replace(row, chosen=_with(row.chosen, e.circle, e.way_id))
        case ActionNoted():
            return replace(row, actions=[*row.actions, f"{e.circle}/{e.action_id}"])
        case TopicDiscussed():
            return replace(row, topics=[*row.topics, f"{e.circle}/{e.topic_id}"])
        case KpiQuestionAnswered():
            return replace(row, adjust=_with(row.adjust, e.circle, "yes" if e.adjust else "no"))
        case _:
            raise UnknownEvent(e)


def of_circle(listed: Sequence[str]) -> list[tuple[int, str]]:
    """What a list of a row names, each with its circle."""
    return [(int(circle), id) for circle, _, id in (one.partition("/") for one in listed)]


def _with(listed: Sequence[str], circle: int, value: str) -> list[str]:
    return _listed({**dict(of_circle(listed)), circle: value})


def _listed(by_circle: Mapping[int, str]) -> list[str]:
    return [f"{circle}/{value}" for circle, value in sorted(by_circle.items()) if value]


# --- in whose calendar it is ---


@dataclass(frozen=True, slots=True)
class SeatRow:
    tenant: str
    person_id: str
    meeting_id: str
    starts_at: datetime
    ends_at: datetime
    called_off: bool


class SeatView(View[SeatRow]):
    name, source, categories = "meeting_seat", "checkins", (MEETING.category,)
    key = ("tenant", "person_id", "meeting_id")
    version = VERSION
    indexes = ("tenant, person_id, starts_at", "tenant, person_id, ends_at")
    row = SeatRow
    folds = (MeetingCalled, MeetingMoved, MeetingCancelled, ParticipantsInvited)
    passes_over = (
        InvitationAnswered,
        NoteWritten,
        WayWritten,
        WayRemoved,
        WayChosen,
        ActionNoted,
        TopicDiscussed,
        KpiQuestionAnswered,
        MinutesConfirmed,
        MinutesAdded,
    )

    def touches(self, event: Recorded) -> Iterable[Key]:
        match event.message:
            case MeetingMoved() | MeetingCancelled() | ParticipantsInvited() as e:
                return [(event.tenant, person, event.stream.id) for person in e.participant_ids]
            case _:
                return ()

    def fold(self, rows: Rows[SeatRow], event: Recorded) -> None:
        id = event.stream.id
        match event.message:
            case MeetingCalled() as e:
                starts, ends = to_datetime(e.starts_at), to_datetime(e.ends_at)
                for person in e.participant_ids:
                    rows.put(SeatRow(event.tenant, person, id, starts, ends, called_off=False))
            case MeetingMoved() as e:
                starts, ends = to_datetime(e.after.starts_at), to_datetime(e.after.ends_at)
                for person in e.participant_ids:
                    rows.put(replace(rows[event.tenant, person, id], starts_at=starts, ends_at=ends))
            case MeetingCancelled() as e:
                for person in e.participant_ids:
                    rows.put(replace(rows[event.tenant, person, id], called_off=True))
            case ParticipantsInvited() as e:
                there = next(p for p in e.participant_ids if p not in e.person_ids)
                for person in e.person_ids:
                    rows.put(replace(rows[event.tenant, there, id], person_id=person))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[SeatRow]:
        meeting = MEETING.fold(messages(events))
        if meeting is None:
            return
        called_off = meeting.state == t.MEETING_STATE_CANCELLED
        starts, ends = _times(meeting.span)
        for person in meeting.joined:
            yield SeatRow(events[0].tenant, person, meeting.id, starts, ends, called_off)


SEATS = SeatView().table


def _times(span: Span) -> tuple[datetime, datetime]:
    return to_datetime(span.starts_at), to_datetime(span.ends_at)


# --- what is said in it ---

Item = NoteWritten | WayWritten | WayRemoved | MinutesAdded | InvitationAnswered


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A note, a way, an addition or an answer to the invitation: the last event of it as bytes, its words sealed."""

    tenant: str
    meeting_id: str
    item: str
    circle: int
    at: datetime
    said: bytes
    """Empty: it was taken out again."""


class ItemView(WrittenWhole[ItemRow, Item]):
    name, source, categories = "meeting_item", "checkins", (MEETING.category,)
    key = ("tenant", "meeting_id", "item")
    version = VERSION
    row = ItemRow
    folds = (NoteWritten, WayWritten, WayRemoved, MinutesAdded, InvitationAnswered)
    passes_over = _PASSED_OVER_BY_ITEMS

    def written(self, event: Recorded, e: Item) -> ItemRow:
        match e:
            case NoteWritten():
                key = note_key(e.circle, e.part, e.question)
                return ItemRow(event.tenant, e.meeting_id, key, e.circle, event.recorded_at, packed(e))
            case WayWritten():
                return ItemRow(event.tenant, e.meeting_id, way_key(e.way_id), e.circle, event.recorded_at, packed(e))
            case InvitationAnswered():
                return ItemRow(event.tenant, e.meeting_id, answer_key(e.by_id), e.circle, event.recorded_at, packed(e))
            case WayRemoved():
                return ItemRow(event.tenant, e.meeting_id, way_key(e.way_id), 0, event.recorded_at, b"")
            case MinutesAdded():
                return ItemRow(
                    event.tenant, e.meeting_id, addition_key(e.number), e.circle, event.recorded_at, packed(e)
                )

    def expected(self, events: Sequence[Recorded]) -> Iterable[ItemRow]:
        meeting: Meeting | None = MEETING.initial
        rows: dict[str, ItemRow] = {}
        for event in events:
            before, meeting = meeting, MEETING.evolve(meeting, event.message)
            if before is None or meeting is None:
                continue
            for key, said in meeting.said.items():
                if before.said.get(key) is not said:
                    rows[key] = ItemRow(event.tenant, meeting.id, key, said.circle, event.recorded_at, packed(said))
            for key in before.said.keys() - meeting.said.keys():
                rows[key] = ItemRow(event.tenant, meeting.id, key, 0, event.recorded_at, b"")
        yield from rows.values()


ITEMS = ItemView().table
