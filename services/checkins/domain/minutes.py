"""What is said in a meeting, step by step, and its minutes (C-31 … C-38): each note, way, action and addition belongs
to the circle in which it was said, and so do its readers."""

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import (
    ActionNoted,
    KpiQuestionAnswered,
    MinutesAdded,
    MinutesConfirmed,
    NoteWritten,
    TopicDiscussed,
    WayChosen,
    WayRemoved,
    WayWritten,
)
from nhip.checkins.v1.meetings_pb2 import (
    AddToMinutes,
    AnswerKpiQuestion,
    ChooseWay,
    ConfirmMinutes,
    RemoveWay,
    WriteNote,
    WriteWay,
)
from nhip.checkins.v1.types_pb2 import Way
from services.checkins.domain.meeting import MEETING, Meeting, known, note_key, open_to, readers, too_many, way_key

MOST_WAYS, MOST_ACTIONS, MOST_TOPICS, MOST_ADDITIONS = 12, 50, 50, 50


def write_note(meeting: Meeting | None, command: WriteNote, actor: Actor) -> Decision:
    meeting = open_to(meeting, actor, command.meeting_id)
    if (command.part == t.NOTE_PART_QUESTION) != bool(command.question):
        told = "an answer names its question, and no other note does"
        raise Rejected("QUESTION_NOT_SAID", told, kind=Kind.INVALID, field="question", rule="C-35")
    key = note_key(meeting.circle, command.part, command.question)
    there = meeting.said.get(key)
    revision = there.revision if isinstance(there, NoteWritten) else 0
    _check_seen(command.seen_revision, revision)
    empty = not command.text.plain.strip()
    if empty and (not isinstance(there, NoteWritten) or not there.HasField("text")):
        return []
    written = NoteWritten(
        meeting_id=meeting.id,
        circle=meeting.circle,
        part=command.part,
        question=command.question,
        revision=revision + 1,
        text=None if empty else command.text,
        by_id=actor.id,
        reader_ids=meeting.joined,
    )
    return [StreamEvent(MEETING(meeting.id), written)]


def write_way(meeting: Meeting | None, command: WriteWay, actor: Actor, way_id: str) -> Decision:
    """`way_id`: of a new one."""
    meeting = open_to(meeting, actor, command.meeting_id)
    there = meeting.said.get(way_key(command.way_id)) if command.way_id else None
    if command.way_id and not (isinstance(there, WayWritten) and there.circle == meeting.circle):
        raise unknown("way", command.way_id, "way_id")
    revision = there.revision if isinstance(there, WayWritten) else 0
    _check_seen(command.seen_revision, revision)
    if not revision and len(meeting.ways) >= MOST_WAYS:
        raise too_many("TOO_MANY_WAYS", MOST_WAYS)
    way = Way()
    way.CopyFrom(command.way)
    way.author_id = actor.id
    written = WayWritten(
        meeting_id=meeting.id,
        circle=meeting.circle,
        way_id=command.way_id or way_id,
        revision=revision + 1,
        way=way,
        by_id=actor.id,
        reader_ids=meeting.joined,
    )
    return [StreamEvent(MEETING(meeting.id), written)]


def remove_way(meeting: Meeting | None, command: RemoveWay, actor: Actor) -> Decision:
    meeting = open_to(meeting, actor, command.meeting_id)
    there = meeting.said.get(way_key(command.way_id))
    if not isinstance(there, WayWritten):
        return []
    if there.circle != meeting.circle:
        raise unknown("way", command.way_id, "way_id")
    removed = WayRemoved(
        meeting_id=meeting.id, way_id=command.way_id, by_id=actor.id, reader_ids=readers(meeting, there.circle)
    )
    return [StreamEvent(MEETING(meeting.id), removed)]


def choose_way(meeting: Meeting | None, command: ChooseWay, actor: Actor) -> Decision:
    meeting = open_to(meeting, actor, command.meeting_id)
    there = meeting.said.get(way_key(command.way_id)) if command.way_id else None
    if command.way_id and not (isinstance(there, WayWritten) and there.circle == meeting.circle):
        raise unknown("way", command.way_id, "way_id")
    if meeting.chosen.get(meeting.circle, "") == command.way_id:
        return []
    chosen = WayChosen(
        meeting_id=meeting.id,
        circle=meeting.circle,
        way_id=command.way_id,
        by_id=actor.id,
        reader_ids=meeting.joined,
    )
    return [StreamEvent(MEETING(meeting.id), chosen)]


def answer_kpi_question(meeting: Meeting | None, command: AnswerKpiQuestion, actor: Actor) -> Decision:
    meeting = open_to(meeting, actor, command.meeting_id)
    if meeting.adjust.get(meeting.circle) == command.adjust:
        return []
    answered = KpiQuestionAnswered(
        meeting_id=meeting.id,
        circle=meeting.circle,
        adjust=command.adjust,
        by_id=actor.id,
        reader_ids=meeting.joined,
    )
    return [StreamEvent(MEETING(meeting.id), answered)]


def note_action(meeting: Meeting | None, meeting_id: str, action_id: str, actor: Actor) -> Decision:
    """An action is agreed in it: what, its own stream says."""
    meeting = open_to(meeting, actor, meeting_id)
    if len(meeting.actions) >= MOST_ACTIONS:
        raise too_many("TOO_MANY_ACTIONS", MOST_ACTIONS)
    noted = ActionNoted(
        meeting_id=meeting.id,
        circle=meeting.circle,
        action_id=action_id,
        by_id=actor.id,
        reader_ids=meeting.joined,
    )
    return [StreamEvent(MEETING(meeting.id), noted)]


def discuss_topic(meeting: Meeting | None, meeting_id: str, topic_id: str, actor: Actor) -> Decision:
    """A topic was talked about; what came of it, its own stream says."""
    meeting = open_to(meeting, actor, meeting_id)
    if topic_id in meeting.topics:
        return []
    if len(meeting.topics) >= MOST_TOPICS:
        raise too_many("TOO_MANY_TOPICS", MOST_TOPICS)
    discussed = TopicDiscussed(
        meeting_id=meeting.id,
        circle=meeting.circle,
        topic_id=topic_id,
        by_id=actor.id,
        reader_ids=meeting.joined,
    )
    return [StreamEvent(MEETING(meeting.id), discussed)]


# --- minutes ---


def confirm(meeting: Meeting | None, command: ConfirmMinutes, actor: Actor, org: OrgChart, incomplete: int) -> Decision:
    """`incomplete`: how many of its actions do not say who does them, or until when."""
    if meeting and meeting.state == t.MEETING_STATE_CONFIRMED and actor.id in meeting.joined:
        return []
    meeting = open_to(meeting, actor, command.meeting_id)
    if command.seen_version != meeting.version:
        told = "something was said or changed meanwhile: look at the minutes again"
        raise Rejected("MINUTES_MOVED", told, kind=Kind.CONFLICT, rule="C-32")
    if incomplete:
        told = "say of each action who does it and until when: without that it is no action"
        raise Rejected("ACTIONS_INCOMPLETE", told, rule="C-32", parameters={"number": str(incomplete)})
    if actor.id in meeting.confirmed:
        return []
    left = {person for person in meeting.joined if org.is_active(person)} - meeting.confirmed - {actor.id}
    confirmed = MinutesConfirmed(
        meeting_id=meeting.id, by_id=actor.id, concludes=not left, participant_ids=meeting.joined
    )
    return [StreamEvent(MEETING(meeting.id), confirmed)]


def add(meeting: Meeting | None, command: AddToMinutes, actor: Actor) -> Decision:
    meeting = known(meeting, actor.id, command.meeting_id)
    if meeting.state != t.MEETING_STATE_CONFIRMED:
        told = "these minutes are not confirmed yet: write it where it belongs"
        raise Rejected("MINUTES_OPEN", told, rule="C-32")
    if meeting.additions >= MOST_ADDITIONS:
        raise too_many("TOO_MANY_ADDITIONS", MOST_ADDITIONS)
    added = MinutesAdded(
        meeting_id=meeting.id,
        circle=meeting.circle,
        number=meeting.additions + 1,
        text=command.text,
        by_id=actor.id,
        reader_ids=meeting.joined,
    )
    return [StreamEvent(MEETING(meeting.id), added)]


def _check_seen(seen: int, revision: int) -> None:
    if seen != revision:
        told = "somebody wrote here meanwhile: look at it, and write again"
        raise Rejected("NOTE_MOVED", told, kind=Kind.CONFLICT, field="seen_revision", rule="C-32")
