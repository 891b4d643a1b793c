"""A notice: one person told of one cause (product decisions, "Notice").

Its id is made from tenant, person and cause, so there is one, however often the cause is delivered.
"""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from google.protobuf.message import Message

from eventkit.aggregate import Aggregate, Decision, Happened, UnknownEvent
from eventkit.errors import unknown
from nhip.notifications.v1 import events_pb2 as e
from nhip.notifications.v1.events_pb2 import NoticeGiven, NoticeMailed, NoticeNotMailed, NoticeRead

NAMESPACE = UUID("4e484950-0000-5000-8000-6e6f74696365")


@dataclass(frozen=True, slots=True)
class Notice:
    """`given` is a message that nobody changes in place."""

    given: NoticeGiven
    read: bool = False
    mail_settled: bool = False
    """It was mailed, or never will be."""

    @property
    def awaits_mail(self) -> bool:
        return self.given.HasField("email_due_at") and not self.mail_settled


def evolve(notice: Notice | None, event: Message) -> Notice:
    match event:
        case NoticeGiven():
            return Notice(event)
        case NoticeRead() if notice:
            return replace(notice, read=True)
        case NoticeMailed() | NoticeNotMailed() if notice:
            return replace(notice, mail_settled=True)
        case _:
            raise UnknownEvent(event)


NOTICE = Aggregate("notice", evolve)


def notice_id(tenant: str, person_id: str, cause: str) -> str:
    """The id of what a person is told of a cause."""
    return str(uuid5(NAMESPACE, "\0".join((tenant, person_id, cause))))


def give(notice: Notice | None, given: NoticeGiven) -> Decision:
    """Tell somebody; nothing when they were told already."""
    return [] if notice else [Happened(NOTICE(given.notice_id), given)]


def read(notice: Notice | None, notice_id: str, person_id: str, field: str) -> Decision:
    """Take note of that a person has read theirs. Others' are unknown to them."""
    if notice is None or notice.given.person_id != person_id:
        raise unknown("notice", notice_id, field)
    return [] if notice.read else [Happened(NOTICE(notice_id), NoticeRead(notice_id=notice_id, person_id=person_id))]


def mailed(notice: Notice, message_id: str) -> Decision:
    given = notice.given
    if not notice.awaits_mail:
        return []
    return [Happened(NOTICE(given.notice_id), NoticeMailed(notice_id=given.notice_id, person_id=given.person_id, message_id=message_id))]


def not_mailed(notice: Notice, reason: e.NotMailedReason.ValueType) -> Decision:
    given = notice.given
    if not notice.awaits_mail:
        return []
    return [Happened(NOTICE(given.notice_id), NoticeNotMailed(notice_id=given.notice_id, person_id=given.person_id, reason=reason))]
