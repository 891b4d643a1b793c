"""By which channels a notice reaches its person."""

from datetime import datetime

from eventkit.values import from_datetime
from nhip.notifications.v1 import types_pb2 as t
from nhip.notifications.v1.events_pb2 import NoticeGiven
from services.notifications.domain.due import due_at
from services.notifications.domain.preferences import DeliveryPreferences


def addressed(
    draft: NoticeGiven, id: str, preferences: DeliveryPreferences, at: datetime, *, mail: bool
) -> NoticeGiven:
    """The draft with its id and channels. `mail`: e-mails are sent here, and this is one to send."""
    channels = preferences.channels[draft.kind]
    given = NoticeGiven()
    given.CopyFrom(draft)
    given.notice_id, given.inbox = id, channels.inbox
    if mail and (due := due_at(at, channels.email, preferences)):
        given.email_due_at.CopyFrom(from_datetime(due))
        given.digest = channels.email == t.EMAIL_MODE_DIGEST
    return given
