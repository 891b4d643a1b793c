"""A topic: something that its author wants talked about (C-12). It waits for somebody until it is answered, and stays
with its author whoever that is."""

from dataclasses import dataclass, replace

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import (
    TopicAnswered,
    TopicClosed,
    TopicForwarded,
    TopicLeftUnanswered,
    TopicRaised,
    TopicReopened,
)
from nhip.checkins.v1.topics_pb2 import AnswerTopic, ForwardTopic, ReopenTopic, TopicDraft
from services.checkins.domain.reporting import direct_manager


@dataclass(frozen=True, slots=True)
class Topic:
    """`raised` is a message that nobody changes in place."""

    raised: TopicRaised
    state: int = t.TOPIC_STATE_OPEN
    holder: str = ""
    """To whom it was forwarded; empty: it waits for the author's direct manager."""
    readers: frozenset[str] = frozenset()
    """Whoever was asked, or answered, beside the author and the manager of the day."""

    reminded: bool = False
    """Who it waits for was told that it has waited for long."""

    @property
    def author(self) -> str:
        return self.raised.author_id

    def waits_for(self, org: OrgChart) -> str:
        """Whose answer it waits for; empty: nobody's."""
        if self.state not in (t.TOPIC_STATE_OPEN, t.TOPIC_STATE_FORWARDED):
            return ""
        return org.standing_in(self.holder) if self.holder else direct_manager(self.author, org)


TopicEvent = TopicRaised | TopicForwarded | TopicAnswered | TopicClosed | TopicReopened | TopicLeftUnanswered


def evolve(topic: Topic | None, event: TopicEvent) -> Topic:
    match event:
        case TopicRaised():
            return Topic(event, readers=frozenset({*event.participant_ids, event.manager_id} - {""}))
        case TopicForwarded():
            topic = begun(topic, event)
            readers = topic.readers | {event.by_id, event.to_id} - {topic.author}
            return replace(topic, state=t.TOPIC_STATE_FORWARDED, holder=event.to_id, readers=readers, reminded=False)
        case TopicAnswered():
            topic = begun(topic, event)
            return replace(topic, state=t.TOPIC_STATE_ANSWERED, readers=topic.readers | {event.by_id})
        case TopicClosed():
            topic = begun(topic, event)
            return replace(topic, state=t.TOPIC_STATE_CLOSED, readers=topic.readers | {event.by_id} - {topic.author})
        case TopicReopened():
            topic = begun(topic, event)
            readers = topic.readers | {event.manager_id} - {""}
            return replace(topic, state=t.TOPIC_STATE_OPEN, holder="", readers=readers, reminded=False)
        case TopicLeftUnanswered():
            return replace(begun(topic, event), reminded=True)
        case _:
            refuse_unknown(event)


TOPIC = Aggregate[Topic | None]("topic", None, evolve)


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do with a topic as it stands."""

    read: bool = False
    forward: bool = False
    answer: bool = False
    close: bool = False
    reopen: bool = False


def rights(topic: Topic, person_id: str, org: OrgChart) -> Rights:
    """Who may read a topic, and what they may do with it (1.13): its author; their direct manager, while it is not
    closed, and who was that when it was raised; those asked to take part; those it was forwarded to."""
    own, closed = person_id == topic.author, topic.state == t.TOPIC_STATE_CLOSED
    answered = topic.state == t.TOPIC_STATE_ANSWERED
    leads = direct_manager(topic.author, org) == person_id and not closed
    asked = not own and (person_id in topic.readers or leads or topic.waits_for(org) == person_id)
    return Rights(
        read=own or asked,
        forward=(own or leads or topic.waits_for(org) == person_id) and not closed,
        answer=asked and not closed,
        close=not closed and (own or (asked and answered)),
        reopen=own and (closed or answered),
    )


def raise_topic(
    topic: Topic | None, topic_id: str, draft: TopicDraft, author: str, org: OrgChart, check_in_id: str = ""
) -> Decision:
    if topic is not None:
        return []
    participants = list(dict.fromkeys(draft.participant_ids))
    for index, participant in enumerate(participants):
        _check_asked(participant, author, org, f"topic.participant_ids[{index}]")
    raised = TopicRaised(
        topic_id=topic_id,
        author_id=author,
        check_in_id=check_in_id,
        title=draft.title,
        kpi_id=draft.kpi_id,
        participant_ids=participants,
        manager_id=direct_manager(author, org),
    )
    for name in ("problem", "cause", "wanted"):
        if getattr(draft, name).plain.strip():
            getattr(raised, name).CopyFrom(getattr(draft, name))
    return [StreamEvent(TOPIC(topic_id), raised)]


def forward(topic: Topic | None, command: ForwardTopic, by: str, org: OrgChart) -> Decision:
    """To another manager, or to the head of a department, with a note."""
    topic = _known(topic, command.topic_id, by, org)
    if not rights(topic, by, org).forward:
        _refuse_closed(topic)
        told = "only its author, their manager, or whom it waits for forwards a topic"
        raise Rejected("TOPIC_NOT_YOURS", told, kind=Kind.FORBIDDEN, rule="C-15")
    if bool(command.person_id) == bool(command.unit_id):
        told = "name either a person or a unit"
        raise Rejected("RECEIVER_UNCLEAR", told, kind=Kind.INVALID, field="person_id")
    if command.unit_id:
        unit = org.units.get(command.unit_id)
        if unit is None or unit.closed:
            raise unknown("unit", command.unit_id, "unit_id")
        to, field = org.standing_in(unit.head_id) if unit.head_id else "", "unit_id"
        if not to:
            raise Rejected("UNIT_WITHOUT_HEAD", "nobody heads this unit: name a person", field=field, rule="C-15")
    else:
        to, field = command.person_id, "person_id"
    _check_asked(to, topic.author, org, field)
    if topic.waits_for(org) == to:
        return []
    forwarded = TopicForwarded(
        topic_id=command.topic_id,
        author_id=topic.author,
        by_id=by,
        to_id=to,
        unit_id=command.unit_id,
        note=command.note if command.note.plain.strip() else None,
    )
    return [StreamEvent(TOPIC(command.topic_id), forwarded)]


def answer(topic: Topic | None, command: AnswerTopic, by: str, org: OrgChart) -> Decision:
    topic = _known(topic, command.topic_id, by, org)
    if not rights(topic, by, org).answer:
        _refuse_closed(topic)
        told = "who raised a topic does not answer it: close it if it is settled"
        raise Rejected("TOPIC_OWN", told, kind=Kind.FORBIDDEN, rule="C-12")
    answered = TopicAnswered(topic_id=command.topic_id, author_id=topic.author, by_id=by, answer=command.answer)
    return [StreamEvent(TOPIC(command.topic_id), answered)]


def close(topic: Topic | None, topic_id: str, by: str, org: OrgChart) -> Decision:
    topic = _known(topic, topic_id, by, org)
    if topic.state == t.TOPIC_STATE_CLOSED:
        return []
    if not rights(topic, by, org).close:
        told = "it is not answered yet: only its author closes it before"
        raise Rejected("TOPIC_UNANSWERED", told, kind=Kind.FORBIDDEN, rule="C-12")
    return [StreamEvent(TOPIC(topic_id), TopicClosed(topic_id=topic_id, author_id=topic.author, by_id=by))]


def reopen(topic: Topic | None, command: ReopenTopic, by: str, org: OrgChart) -> Decision:
    topic = _known(topic, command.topic_id, by, org)
    if by != topic.author:
        raise Rejected("TOPIC_NOT_YOURS", "only its author reopens a topic", kind=Kind.FORBIDDEN, rule="C-12")
    if not rights(topic, by, org).reopen:
        return []
    reopened = TopicReopened(
        topic_id=command.topic_id,
        author_id=topic.author,
        reason=command.reason,
        manager_id=direct_manager(topic.author, org),
    )
    return [StreamEvent(TOPIC(command.topic_id), reopened)]


def left_unanswered(topic: Topic | None, topic_id: str, days: int, org: OrgChart) -> Decision:
    """It has waited for so many days; said once for each time that it begins to wait (N-10)."""
    waits_for = topic.waits_for(org) if topic else ""
    if topic is None or topic.reminded or not waits_for:
        return []
    left = TopicLeftUnanswered(topic_id=topic_id, author_id=topic.author, waits_for_id=waits_for, days=days)
    return [StreamEvent(TOPIC(topic_id), left)]


def _known(topic: Topic | None, topic_id: str, by: str, org: OrgChart) -> Topic:
    """Who may not read it is told that there is none."""
    if topic is None or not rights(topic, by, org).read:
        raise unknown("topic", topic_id, "topic_id")
    return topic


def _refuse_closed(topic: Topic) -> None:
    if topic.state == t.TOPIC_STATE_CLOSED:
        raise Rejected("TOPIC_CLOSED", "it is closed: its author may reopen it", rule="C-12")


def _check_asked(person_id: str, author: str, org: OrgChart, field: str) -> None:
    """Somebody else than its author, who is there and may answer."""
    if not org.is_active(person_id):
        raise unknown("person", person_id, field)
    if person_id == author:
        raise Rejected("TOPIC_OWN", "its author takes part anyway: name somebody else", kind=Kind.INVALID, field=field)
    if org.has_role(person_id, "auditor"):
        told = "auditors change nothing, so they answer nothing: name somebody else"
        raise Rejected("AUDITOR_NAMED", told, kind=Kind.INVALID, field=field)
