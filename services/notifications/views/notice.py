"""Notices as the inbox shows them, and which of them await an e-mail."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import asyncpg

from eventkit.database import connection
from eventkit.log import Recorded
from eventkit.projection import Rows, View, messages
from eventkit.service import Due
from eventkit.table import Key
from eventkit.values import packed, to_date, to_datetime
from nhip.notifications.v1.events_pb2 import NoticeGiven, NoticeMailed, NoticeNotMailed, NoticeRead
from services.notifications.domain.notice import NOTICE

VERSION = 2
MOST = 500


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice; `given` is the message of the contract as bytes. `kpi_id` and `since` are those of stale progress."""

    tenant: str
    notice_id: str
    person_id: str
    inbox: bool
    read: bool
    position: int
    given_at: datetime
    kind: int
    proposal_id: str
    kpi_id: str
    since: date | None
    given: bytes


class NoticeView(View[NoticeRow]):
    name, source, categories, key = "notice", "notifications", (NOTICE.category,), ("tenant", "notice_id")
    version = VERSION
    indexes = (
        "tenant, person_id, inbox, position",
        "tenant, person_id, inbox, read",
        "tenant, person_id, kind, proposal_id",
        "tenant, kpi_id, since",
    )
    row = NoticeRow

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[NoticeRow], event: Recorded) -> None:
        match event.message:
            case NoticeGiven() as e:
                rows.put(_notice(e, event))
            case NoticeRead():
                rows.put(replace(rows[event.tenant, event.stream.id], read=True))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[NoticeRow]:
        if notice := NOTICE.fold(messages(events)):
            yield replace(_notice(notice.given, events[0]), read=notice.read)


def _notice(e: NoticeGiven, event: Recorded) -> NoticeRow:
    return NoticeRow(
        tenant=event.tenant,
        notice_id=e.notice_id,
        person_id=e.person_id,
        inbox=e.inbox,
        read=False,
        position=event.position,
        given_at=event.recorded_at,
        kind=e.kind,
        proposal_id=e.proposal_id,
        kpi_id=e.kpi_id,
        since=to_date(e.since),
        given=packed(e),
    )


@dataclass(frozen=True, slots=True)
class MailRow:
    """The e-mail of a notice; without `due_at`: it is settled, or there never was one."""

    tenant: str
    notice_id: str
    person_id: str
    digest: bool
    due_at: datetime | None


class MailView(View[MailRow]):
    name, source, categories, key = "mail", "notifications", (NOTICE.category,), ("tenant", "notice_id")
    version = VERSION
    indexes = ("due_at", "tenant, person_id, due_at")
    row = MailRow

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[MailRow], event: Recorded) -> None:
        match event.message:
            case NoticeGiven() as e:
                due_at = to_datetime(e.email_due_at) if e.HasField("email_due_at") else None
                rows.put(MailRow(event.tenant, e.notice_id, e.person_id, e.digest, due_at))
            case NoticeMailed() | NoticeNotMailed():
                rows.put(replace(rows[event.tenant, event.stream.id], due_at=None))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[MailRow]:
        if notice := NOTICE.fold(messages(events)):
            given = notice.given
            due_at = to_datetime(given.email_due_at) if notice.awaits_mail else None
            yield MailRow(events[0].tenant, given.notice_id, given.person_id, given.digest, due_at)


MAIL = MailView().table
DIGEST = "digest/"
"""Before a person's id: all of their digest that is due. Other mails are called by their notice's id."""


async def mails_due(pool: asyncpg.Pool, at: datetime) -> list[Due]:
    """The mails of all tenants that are due, a person's digest as one, the longest due first."""
    async with connection(pool) as con:
        rows = await con.fetch(
            f"select tenant, case when digest then '{DIGEST}' || person_id else notice_id end as thing, min(due_at) as due_at "
            f"from {MAIL.name} where due_at <= $1 group by 1, 2 order by 3 limit {MOST}",
            at,
        )
    return [Due(row["tenant"], row["thing"], row["due_at"]) for row in rows]


async def notices_of_mail(pool: asyncpg.Pool, due: Due, at: datetime) -> list[str]:
    """The notices that one mail tells of, the first given first."""
    if not due.thing.startswith(DIGEST):
        return [due.thing]
    async with connection(pool) as con:
        rows = await con.fetch(
            f"select m.notice_id from {MAIL.name} m join {NoticeView().table.name} n using (tenant, notice_id) "
            "where m.tenant = $1 and m.person_id = $2 and m.digest and m.due_at <= $3 order by n.position",
            due.tenant,
            due.thing.removeprefix(DIGEST),
            at,
        )
    return [row["notice_id"] for row in rows]
