"""A meeting of two or more: who takes part and when (C-30). What is said in it, `minutes` decides.

What is said belongs to a *circle*: those who took part when it was said. Whoever is invited later begins a new one,
reads what is said from then on, and nothing of before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import to_datetime
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
from nhip.checkins.v1.meetings_pb2 import (
    AnswerInvitation,
    CallMeeting,
    CancelMeeting,
    InviteToMeeting,
    MoveMeeting,
)
from nhip.checkins.v1.types_pb2 import Span

MOST_PEOPLE = 20
LONGEST = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Meeting:
    id: str
    host_id: str
    joined: Mapping[str, int]
    """Everybody who takes part, by the circle from which on they read."""
    span: Span
    cycle_id: str = ""
    reviewed_id: str = ""
    """The review that it is to close: of which cycle, and whose."""
    state: t.MeetingState.ValueType = t.MEETING_STATE_OPEN
    circle: int = 0
    version: int = 0
    """How often something was said, so that minutes are confirmed as they were seen."""
    invited_by: Mapping[str, str] = field(default_factory=dict[str, str])
    """By person who invited them."""
    said: Mapping[str, "Item"] = field(default_factory=dict[str, "Item"])
    """The last event of each note, way, addition and answer to an invitation, by the item's key."""
    chosen: Mapping[int, str] = field(default_factory=dict[int, str])
    """By circle the way that is gone."""
    actions: Mapping[str, int] = field(default_factory=dict[str, int])
    """By id the circle in which they were agreed."""
    topics: Mapping[str, int] = field(default_factory=dict[str, int])
    adjust: Mapping[int, bool] = field(default_factory=dict[int, bool])
    """By circle whether a KPI is to be adjusted."""
    confirmed: frozenset[str] = frozenset()
    additions: int = 0

    @property
    def ways(self) -> list[WayWritten]:
        return [event for event in self.said.values() if isinstance(event, WayWritten)]


Item = NoteWritten | WayWritten | MinutesAdded | InvitationAnswered
Said = NoteWritten | WayWritten | WayRemoved | WayChosen | ActionNoted | TopicDiscussed | KpiQuestionAnswered
MeetingEvent = (
    MeetingCalled
    | MeetingMoved
    | MeetingCancelled
    | ParticipantsInvited
    | InvitationAnswered
    | Said
    | MinutesConfirmed
    | MinutesAdded
)


def evolve(meeting: Meeting | None, event: MeetingEvent) -> Meeting:
    if isinstance(event, MeetingCalled):
        joined = dict.fromkeys(event.participant_ids, 0)
        span = Span(starts_at=event.starts_at, ends_at=event.ends_at)
        invited_by = dict.fromkeys(event.participant_ids, event.by_id)
        return Meeting(
            event.meeting_id, event.host_id, joined, span, event.cycle_id, event.reviewed_id, invited_by=invited_by
        )
    meeting = begun(meeting, event)
    match event:
        case MeetingMoved():
            return replace(meeting, span=event.after)
        case MeetingCancelled():
            return replace(meeting, state=t.MEETING_STATE_CANCELLED)
        case ParticipantsInvited():
            circle = meeting.circle + 1
            joined = {**meeting.joined, **dict.fromkeys(event.person_ids, circle)}
            invited_by = {**meeting.invited_by, **dict.fromkeys(event.person_ids, event.by_id)}
            return replace(meeting, joined=joined, circle=circle, confirmed=frozenset(), invited_by=invited_by)
        case InvitationAnswered():
            return replace(meeting, said={**meeting.said, answer_key(event.by_id): event})
        case MinutesConfirmed():
            state = t.MEETING_STATE_CONFIRMED if event.concludes else meeting.state
            return replace(meeting, confirmed=meeting.confirmed | {event.by_id}, state=state)
        case MinutesAdded():
            said = {**meeting.said, addition_key(event.number): event}
            return replace(meeting, said=said, additions=event.number)
        case (
            NoteWritten()
            | WayWritten()
            | WayRemoved()
            | WayChosen()
            | ActionNoted()
            | TopicDiscussed()
            | KpiQuestionAnswered()
        ):
            return replace(_with(meeting, event), version=meeting.version + 1, confirmed=frozenset())
        case _:
            refuse_unknown(event)


def _with(meeting: Meeting, event: Said) -> Meeting:
    match event:
        case NoteWritten():
            key = note_key(event.circle, event.part, event.question)
            return replace(meeting, said={**meeting.said, key: event})
        case WayWritten():
            return replace(meeting, said={**meeting.said, way_key(event.way_id): event})
        case WayRemoved():
            said = {key: each for key, each in meeting.said.items() if key != way_key(event.way_id)}
            chosen = {circle: way for circle, way in meeting.chosen.items() if way != event.way_id}
            return replace(meeting, said=said, chosen=chosen)
        case WayChosen():
            return replace(meeting, chosen={**meeting.chosen, event.circle: event.way_id})
        case ActionNoted():
            return replace(meeting, actions={**meeting.actions, event.action_id: event.circle})
        case TopicDiscussed():
            return replace(meeting, topics={**meeting.topics, event.topic_id: event.circle})
        case KpiQuestionAnswered():
            return replace(meeting, adjust={**meeting.adjust, event.circle: event.adjust})


MEETING = Aggregate[Meeting | None]("meeting", None, evolve)


def note_key(circle: int, part: int, question: str) -> str:
    return f"note/{circle}/{part}/{question}"


def way_key(way_id: str) -> str:
    return f"way/{way_id}"


def addition_key(number: int) -> str:
    return f"addition/{number}"


def answer_key(person_id: str) -> str:
    return f"answer/{person_id}"


# --- calling it ---


def call(
    meeting: Meeting | None, command: CallMeeting, meeting_id: str, actor: Actor, org: OrgChart, at: datetime
) -> Decision:
    if meeting is not None:
        return []
    host = command.host_id or actor.id
    if host not in {actor.id, org.manager(actor.id)}:
        told = "call it yourself, or ask your own manager for it"
        raise Rejected("HOST_NOT_YOURS", told, kind=Kind.FORBIDDEN, field="host_id", rule="C-30")
    if bool(command.cycle_id) != bool(command.reviewed_id):
        told = "name the cycle and the person of a review, or neither"
        missing = "reviewed_id" if command.cycle_id else "cycle_id"
        raise Rejected("REVIEW_HALF_NAMED", told, kind=Kind.INVALID, field=missing, rule="C-42")
    people = list(dict.fromkeys((host, actor.id, *command.participant_ids)))
    _check_people(people, org, "participant_ids")
    if len(people) < 2:
        told = "name somebody else who takes part"
        raise Rejected("NOBODY_ELSE", told, kind=Kind.INVALID, field="participant_ids", rule="C-30")
    if command.reviewed_id and command.reviewed_id not in people:
        told = "whose review is to be closed takes part"
        raise Rejected("REVIEWED_ABSENT", told, field="participant_ids", rule="C-42")
    _check_span(command.span, at)
    called = MeetingCalled(
        meeting_id=meeting_id,
        host_id=host,
        participant_ids=people,
        starts_at=command.span.starts_at,
        ends_at=command.span.ends_at,
        about=command.about if command.about.plain.strip() else None,
        by_id=actor.id,
        check_in_id=command.check_in_id,
        cycle_id=command.cycle_id,
        reviewed_id=command.reviewed_id,
    )
    return [StreamEvent(MEETING(meeting_id), called)]


def move(meeting: Meeting | None, command: MoveMeeting, actor: Actor, at: datetime) -> Decision:
    meeting = open_to(meeting, actor, command.meeting_id)
    if command.span == meeting.span:
        return []
    _check_span(command.span, at)
    moved = MeetingMoved(
        meeting_id=meeting.id, before=meeting.span, after=command.span, by_id=actor.id, participant_ids=meeting.joined
    )
    return [StreamEvent(MEETING(meeting.id), moved)]


def cancel(meeting: Meeting | None, command: CancelMeeting, actor: Actor) -> Decision:
    if meeting and meeting.state == t.MEETING_STATE_CANCELLED and actor.id in meeting.joined:
        return []
    meeting = open_to(meeting, actor, command.meeting_id)
    cancelled = MeetingCancelled(
        meeting_id=meeting.id, reason=command.reason, by_id=actor.id, participant_ids=meeting.joined
    )
    return [StreamEvent(MEETING(meeting.id), cancelled)]


def invite(meeting: Meeting | None, command: InviteToMeeting, actor: Actor, org: OrgChart) -> Decision:
    meeting = open_to(meeting, actor, command.meeting_id)
    new = [person for person in dict.fromkeys(command.person_ids) if person not in meeting.joined]
    if not new:
        return []
    _check_people([*meeting.joined, *new], org, "person_ids", known=meeting.joined)
    invited = ParticipantsInvited(
        meeting_id=meeting.id, person_ids=new, by_id=actor.id, participant_ids=[*meeting.joined, *new]
    )
    return [StreamEvent(MEETING(meeting.id), invited)]


def answer(meeting: Meeting | None, command: AnswerInvitation, actor: Actor, at: datetime) -> Decision:
    """Whoever called it comes; who was asked may change their mind until it is over."""
    meeting = open_to(meeting, actor, command.meeting_id)
    invited_by = meeting.invited_by[actor.id]
    if invited_by == actor.id:
        told = "you called it yourself: move it, or call it off"
        raise Rejected("OWN_INVITATION", told, kind=Kind.FORBIDDEN, rule="C-30")
    if to_datetime(meeting.span.ends_at) <= at:
        raise Rejected("MEETING_PAST", "it is over", rule="C-30")
    word = command.word if command.word.plain.strip() else None
    before = meeting.said.get(answer_key(actor.id))
    if isinstance(before, InvitationAnswered):
        same = (before.comes, before.span, before.HasField("word")) == (command.comes, meeting.span, word is not None)
        if same and word is None:
            return []
    answered = InvitationAnswered(
        meeting_id=meeting.id,
        by_id=actor.id,
        invited_by_id=invited_by,
        comes=command.comes,
        word=word,
        span=meeting.span,
        circle=meeting.circle,
    )
    return [StreamEvent(MEETING(meeting.id), answered)]


# --- who, and when ---


def readers(meeting: Meeting, circle: int) -> list[str]:
    """Who reads what was said in a circle: those who took part then."""
    return [person for person, joined in meeting.joined.items() if joined <= circle]


def known(meeting: Meeting | None, person: str, meeting_id: str) -> Meeting:
    """The meeting, for who takes part: to anybody else there is none."""
    if meeting is None or person not in meeting.joined:
        raise unknown("meeting", meeting_id, "meeting_id")
    return meeting


def writes(meeting: Meeting | None, person: str) -> bool:
    """Whether somebody writes its minutes."""
    return meeting is not None and meeting.state == t.MEETING_STATE_OPEN and person in meeting.joined


def open_to(meeting: Meeting | None, actor: Actor, meeting_id: str) -> Meeting:
    """The meeting, for who takes part, while its minutes are written. Raises `Rejected` MEETING_UNKNOWN,
    MEETING_CANCELLED, MINUTES_CONFIRMED."""
    meeting = known(meeting, actor.id, meeting_id)
    if meeting.state == t.MEETING_STATE_CANCELLED:
        raise Rejected("MEETING_CANCELLED", "this meeting was called off", rule="C-30")
    if meeting.state == t.MEETING_STATE_CONFIRMED:
        raise Rejected("MINUTES_CONFIRMED", "its minutes are confirmed: add to them", rule="C-32")
    return meeting


def _check_people(people: Sequence[str], org: OrgChart, at: str, known: Mapping[str, int] | None = None) -> None:
    if len(people) > MOST_PEOPLE:
        raise too_many("TOO_MANY_PEOPLE", MOST_PEOPLE)
    for person in people:
        if known and person in known:
            continue
        if not org.is_active(person):
            raise unknown("person", person, at)
        if org.has_role(person, "auditor"):
            raise Rejected("AUDITOR_NAMED", "auditors change nothing: name somebody else", field=at)


def _check_span(span: Span, at: datetime) -> None:
    starts, ends = to_datetime(span.starts_at), to_datetime(span.ends_at)
    if not starts < ends <= starts + LONGEST:
        told = "it ends after it starts, within twelve hours"
        raise Rejected("SPAN_INVALID", told, kind=Kind.INVALID, field="span.ends_at", rule="C-30")
    if ends <= at:
        told = "this time is over: name one that lies ahead"
        raise Rejected("MEETING_PAST", told, kind=Kind.INVALID, field="span.starts_at", rule="C-30")


def too_many(reason: str, most: int) -> Rejected:
    """A meeting has an end: `most` of a kind is there already."""
    return Rejected(reason, f"there are {most} of them, and no more fit", parameters={"most": str(most)})
