"""A notice: one person told of one cause (D-06).

All notices of a cause are one stream, a telling.

Ids are made from tenant, person and cause, so there is one, however often the cause is delivered. A cause is an append
of another context, or a batch: what somebody does in a short while. A notice of a batch grows as long as the batch goes
on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from eventkit.commands.aggregate import Aggregate, Decision, Ref, StreamEvent, refuse_unknown
from nhip.notifications.v1 import events_pb2 as e
from nhip.notifications.v1.events_pb2 import (
    NoticeGiven,
    NoticeMailed,
    NoticeNotMailed,
    NoticeRead,
    NoticesClosed,
    NoticesRead,
    PeopleTold,
    Told,
)

NAMESPACE = UUID("4e484950-0000-5000-8000-6e6f74696365")
TOLD_AT_ONCE = 200
"""Most people whom one event tells: an event has an end."""
LISTED_CHANGES = 100
"""Most changes that one notice lists; of what comes on top it says how many."""


@dataclass(frozen=True, slots=True)
class Notice:
    """`given` is a message that nobody changes in place."""

    given: NoticeGiven
    more: int = 0
    """What it stands for beside what it tells."""
    closed: bool = False
    """What it waited for is somebody else's to do now."""
    mail_settled: bool = False
    """It was mailed as it is now, or never will be."""
    times: int = 1
    """How often it was given: the first time, and whenever it grew."""

    @property
    def awaits_mail(self) -> bool:
        return self.given.HasField("email_due_at") and not self.mail_settled


Notices = Mapping[str, Notice]
"""The notices of one cause, by their ids."""


def evolve(
    notices: Notices, event: NoticeGiven | PeopleTold | NoticesClosed | NoticeMailed | NoticeNotMailed | NoticeRead
) -> Notices:
    match event:
        case NoticeGiven():
            return {**notices, event.notice_id: Notice(event)}
        case PeopleTold():
            given = [whole(event, told) for told in event.told]
            return {
                **notices,
                **{
                    g.notice_id: _grown(notices[g.notice_id], g) if g.notice_id in notices else Notice(g) for g in given
                },
            }
        case NoticesClosed():
            return {**notices, **{id: replace(notices[id], closed=True) for id in event.notice_ids}}
        case NoticeMailed() | NoticeNotMailed():
            return {**notices, event.notice_id: replace(notices[event.notice_id], mail_settled=True)}
        case NoticeRead():
            return notices  # who has read what is in their inbox
        case _:
            refuse_unknown(event)


TELLING = Aggregate[Notices]("telling", {}, evolve)
NOTICE = Aggregate[Notices]("notice", {}, evolve)
"""A notice that was given alone, before whole causes were."""


def whole(told_of: PeopleTold, told: Told) -> NoticeGiven:
    """What one person was told, with what is the same for all."""
    given = NoticeGiven(
        notice_id=told.notice_id,
        person_id=told.person_id,
        cause_append_id=told_of.cause_append_id,
        cause_event_id=told_of.cause_event_id,
        by_id=told_of.by_id,
    )
    _fill(given, told)
    return given


def _fill(into: NoticeGiven | Told, of: NoticeGiven | Told) -> None:
    """What both contracts have for one person, by their fields' names."""
    for field, value in of.ListFields():
        if field.name not in into.DESCRIPTOR.fields_by_name:
            continue
        if field.is_repeated:
            getattr(into, field.name).extend(value)
        elif field.message_type is not None:
            getattr(into, field.name).CopyFrom(value)
        else:
            setattr(into, field.name, value)


def grown(before: NoticeGiven, more: int, given: NoticeGiven) -> tuple[NoticeGiven, int]:
    """A notice and its `more` after it was given again: changes are added, of anything else the newest is told and the
    rest counted."""
    after = NoticeGiven()
    after.CopyFrom(given)
    if given.changes or before.changes:
        del after.changes[:]
        after.changes.extend([*before.changes, *given.changes][:LISTED_CHANGES])
        more += len(before.changes) + len(given.changes) - len(after.changes)
    else:
        more += 1
    after.inbox = before.inbox or given.inbox
    return after, more


def _grown(before: Notice, given: NoticeGiven) -> Notice:
    after, more = grown(before.given, before.more, given)
    settled = before.mail_settled and not given.HasField("email_due_at")
    if before.awaits_mail:  # one mail tells all of it
        after.email_due_at.CopyFrom(before.given.email_due_at)
        after.digest, settled = before.given.digest, False
    return Notice(after, more, before.closed, settled, before.times + 1)


def notice_id(tenant: str, person_id: str, cause: str) -> str:
    """The id of what a person is told of a cause."""
    return str(uuid5(NAMESPACE, "\0".join((tenant, person_id, cause))))


def telling_id(tenant: str, cause: str) -> str:
    """The id of all that is told of a cause."""
    return str(uuid5(NAMESPACE, "\0".join((tenant, cause))))


def stream_of(telling_id: str, notice_id: str) -> Ref:
    """Where a notice was given; without a telling alone."""
    return TELLING(telling_id) if telling_id else NOTICE(notice_id)


def aggregate_of(ref: Ref) -> Aggregate[Notices]:
    """Of a stream that a notice was given in."""
    return NOTICE if ref.category == NOTICE.category else TELLING


def tell(notices: Notices, telling_id: str, given: Sequence[NoticeGiven], *, batch: bool) -> Decision:
    """Tell people of a cause. Who was told of it already is not told again, unless it is a batch that goes on."""
    new = [one for one in given if batch or one.notice_id not in notices]
    decision: Decision = []
    for start in range(0, len(new), TOLD_AT_ONCE):
        part = new[start : start + TOLD_AT_ONCE]
        first = part[0]
        event = PeopleTold(
            telling_id=telling_id,
            cause_append_id=first.cause_append_id,
            cause_event_id=first.cause_event_id,
            by_id=first.by_id,
        )
        for one in part:
            _fill(event.told.add(), one)
        decision.append(StreamEvent(TELLING(telling_id), event))
    return decision


def close(notices: Notices, telling_id: str, notice_ids: Sequence[str]) -> Decision:
    open = [id for id in notice_ids if id in notices and not notices[id].closed]
    return [StreamEvent(TELLING(telling_id), NoticesClosed(telling_id=telling_id, notice_ids=open))] if open else []


def mailed(notice: Notice, ref: Ref, message_id: str) -> Decision:
    given = notice.given
    if not notice.awaits_mail:
        return []
    return [StreamEvent(ref, NoticeMailed(notice_id=given.notice_id, person_id=given.person_id, message_id=message_id))]


def not_mailed(notice: Notice, ref: Ref, reason: e.NotMailedReason.ValueType) -> Decision:
    given = notice.given
    if not notice.awaits_mail:
        return []
    return [StreamEvent(ref, NoticeNotMailed(notice_id=given.notice_id, person_id=given.person_id, reason=reason))]


# --- a person's inbox: what they have read ---


def evolve_inbox(readings: int, event: NoticesRead) -> int:
    """How often somebody read; what, the view knows."""
    match event:
        case NoticesRead():
            return readings + 1
        case _:
            refuse_unknown(event)


INBOX = Aggregate("inbox", 0, evolve_inbox)


def read(person_id: str, unread: Sequence[str]) -> Decision:
    """Take note of that a person has read some of their own notices."""
    return [StreamEvent(INBOX(person_id), NoticesRead(person_id=person_id, notice_ids=unread))] if unread else []
