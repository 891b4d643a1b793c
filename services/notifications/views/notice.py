"""Notices as the inbox shows them, who has read which, and which of them await an e-mail."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed, to_date, to_datetime
from nhip.notifications.v1.events_pb2 import (
    NoticeGiven,
    NoticeMailed,
    NoticeNotMailed,
    NoticeRead,
    NoticesClosed,
    NoticesRead,
    PeopleTold,
)
from services.notifications.domain.notice import INBOX, NOTICE, TELLING, grown, whole

VERSION = 2
GIVEN_IN = (NOTICE.category, TELLING.category)


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice; `given` is the message of the contract as bytes. `kpi_id` and `since` are those of stale progress."""

    tenant: str
    notice_id: str
    telling_id: str
    """The stream that it was given in; empty: one of its own."""
    person_id: str
    inbox: bool
    position: int
    """Where it was given last: read since then, it is read."""
    given_at: datetime
    kind: int
    proposal_id: str
    erased_id: str
    kpi_id: str
    since: date | None
    closed: bool
    more: int
    given: bytes


class NoticeView(View[NoticeRow]):
    name, source, categories, key = "notice", "notifications", GIVEN_IN, ("tenant", "notice_id")
    version = VERSION
    indexes = (
        "tenant, person_id, inbox, position",
        "tenant, proposal_id, kind",
        "tenant, kpi_id, since",
    )
    row = NoticeRow
    folds = (NoticeGiven, NoticesClosed, PeopleTold)
    passes_over = (NoticeMailed, NoticeNotMailed, NoticeRead)

    def touches(self, event: Recorded) -> Iterable[Key]:
        match event.message:
            case PeopleTold() as e:
                return [(event.tenant, told.notice_id) for told in e.told]
            case NoticesClosed() as e:
                return [(event.tenant, id) for id in e.notice_ids]
            case _:
                return ()

    def fold(self, rows: Rows[NoticeRow], event: Recorded) -> None:
        match event.message:
            case NoticeGiven() as e:
                rows.put(_notice(e, event))
            case PeopleTold() as e:
                for told in e.told:
                    given, more = whole(e, told), 0
                    before = rows.get(event.tenant, told.notice_id)
                    if before is not None:
                        given, more = grown(NoticeGiven.FromString(before.given), before.more, given)
                    rows.put(_notice(given, event, more=more, closed=before is not None and before.closed))
            case NoticesClosed() as e:
                for id in e.notice_ids:
                    rows.put(replace(rows[event.tenant, id], closed=True))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[NoticeRow]:
        given_in: dict[str, Recorded] = {}
        for event in events:
            match event.message:
                case NoticeGiven() as e:
                    given_in[e.notice_id] = event
                case PeopleTold() as e:
                    given_in |= {told.notice_id: event for told in e.told}
                case _:
                    pass
        for id, notice in TELLING.fold(messages(events)).items():
            yield _notice(notice.given, given_in[id], more=notice.more, closed=notice.closed)


def _notice(e: NoticeGiven, event: Recorded, *, more: int = 0, closed: bool = False) -> NoticeRow:
    shown = NoticeGiven()
    shown.CopyFrom(e)
    for field in ("email_due_at", "digest"):  # the mail's own row has them
        shown.ClearField(field)
    return NoticeRow(
        tenant=event.tenant,
        notice_id=e.notice_id,
        telling_id=event.stream.id if event.stream.category == TELLING.category else "",
        person_id=e.person_id,
        inbox=e.inbox,
        position=event.position,
        given_at=event.recorded_at,
        kind=e.kind,
        proposal_id=e.proposal_id,
        erased_id=e.erased_id,
        kpi_id=e.kpi_id,
        since=to_date(e.since),
        closed=closed,
        more=more,
        given=packed(shown),
    )


@dataclass(frozen=True, slots=True)
class ReadRow:
    """Somebody has read a notice, the last time at this position of the log."""

    tenant: str
    notice_id: str
    position: int


class ReadView(View[ReadRow]):
    name, source, categories, key = (
        "notice_read",
        "notifications",
        (NOTICE.category, INBOX.category),
        ("tenant", "notice_id"),
    )
    version = VERSION
    row = ReadRow
    folds = (NoticeRead, NoticesRead)
    passes_over = (NoticeGiven, NoticeMailed, NoticeNotMailed)

    def fold(self, rows: Rows[ReadRow], event: Recorded) -> None:
        for id in _read(event):
            rows.put(ReadRow(event.tenant, id, event.position))


def _read(event: Recorded) -> Sequence[str]:
    match event.message:
        case NoticeRead() as e:
            return (e.notice_id,)
        case NoticesRead() as e:
            return e.notice_ids
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class MailRow:
    """The e-mail of a notice; without `due_at`: it is settled, or there never was one."""

    tenant: str
    notice_id: str
    telling_id: str
    person_id: str
    digest: bool
    due_at: datetime | None


class MailView(View[MailRow]):
    name, source, categories, key = "mail", "notifications", GIVEN_IN, ("tenant", "notice_id")
    version = VERSION
    indexes = ("due_at", "tenant, person_id, due_at")
    row = MailRow
    folds = (NoticeGiven, NoticeMailed, NoticeNotMailed, PeopleTold)
    passes_over = (NoticeRead, NoticesClosed)

    def touches(self, event: Recorded) -> Iterable[Key]:
        match event.message:
            case PeopleTold() as e:
                return [(event.tenant, told.notice_id) for told in e.told]
            case NoticeMailed() | NoticeNotMailed() as e:
                return ((event.tenant, e.notice_id),)
            case _:
                return ()

    def fold(self, rows: Rows[MailRow], event: Recorded) -> None:
        match event.message:
            case NoticeGiven() as e:
                rows.put(_mail(e, event))
            case PeopleTold() as e:
                for told in e.told:
                    before = rows.get(event.tenant, told.notice_id)
                    if before is None or before.due_at is None:  # else that mail will tell all of it
                        rows.put(_mail(whole(e, told), event))
            case NoticeMailed() | NoticeNotMailed() as e:
                rows.put(replace(rows[event.tenant, e.notice_id], due_at=None))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[MailRow]:
        for notice in TELLING.fold(messages(events)).values():
            row = _mail(notice.given, events[0])
            yield row if notice.awaits_mail else replace(row, due_at=None)


def _mail(e: NoticeGiven, event: Recorded) -> MailRow:
    due_at = to_datetime(e.email_due_at) if e.HasField("email_due_at") else None
    telling_id = event.stream.id if event.stream.category == TELLING.category else ""
    return MailRow(event.tenant, e.notice_id, telling_id, e.person_id, e.digest, due_at)


MAIL = MailView().table
