"""Sends the e-mails that are due: one per notice, or a person's digest as one.

At least once, each with the same Message-ID again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid5

import structlog

from eventkit.commands.aggregate import Decision, Ref
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.directory.facts import Person
from eventkit.log import StreamId
from eventkit.process.service import Due, Resources, Timer
from eventkit.subscriptions.checkpoint import OWN_FEED
from eventkit.subscriptions.projection import messages
from eventkit.subscriptions.table import reading
from nhip.notifications.v1 import events_pb2 as e
from nhip.notifications.v1 import notifications_pb2 as pb
from nhip.notifications.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2
from services.notifications.domain import notice as notices
from services.notifications.domain.notice import NAMESPACE, TELLING, Notice, stream_of
from services.notifications.domain.preferences import delivery_preferences
from services.notifications.domain.recipients import NotKnownYet
from services.notifications.queries import inbox
from services.notifications.queries.mails import mails_due, notices_of_mail
from services.notifications.queries.preferences import preferences_of
from services.notifications.reactors.language import language
from services.notifications.reactors.letter import Letter, NoAddress, message
from services.notifications.reactors.mailer import Mailer, MailServerAway, RefusedForGood
from services.notifications.views.notice import NoticeView

log = structlog.get_logger(__name__)

HEARD_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class DueMails:
    """What fails raises: the timer tries again, with growing pauses, counts it and says so.

    Nothing is lost meanwhile.
    """

    resources: Resources
    mailer: Mailer | None

    @property
    def timer(self) -> Timer:
        return Timer("due_mails", self.due, self.act)

    async def due(self, at: datetime, most: int) -> Sequence[Due]:
        return await mails_due(self.resources.pool, at, most) if self.mailer else []

    async def act(self, due: Due, ctx: Context) -> None:
        # By the log, not by the view, which may not have heard yet that they were mailed a moment ago.
        streams = {
            id: stream_of(telling, id)
            for id, telling in (await notices_of_mail(self.resources.pool, due, ctx.at)).items()
        }
        tellings = {ref: await self._telling(due.tenant, ref) for ref in dict.fromkeys(streams.values())}
        pending = [Pending(ref, notice) for id, ref in streams.items() if (notice := tellings[ref][id]).awaits_mail]
        if not pending:
            return
        person_id = pending[0].notice.given.person_id
        person = (await self.resources.directory.org_chart(due.tenant)).people.get(person_id)
        if person is None:
            raise NotKnownYet(f"person {person_id}")
        if why := _unreachable(person):
            await self._settle(ctx, pending, lambda n, ref: notices.not_mailed(n, ref, why))
            return
        await self._heard_of_all()  # who has read what is known by the view alone
        shown = await self._shown(due.tenant, pending)
        overtaken = {one.id: reason for one in pending if (reason := _overtaken(one.notice, shown[one.id]))}
        if overtaken:
            settled = [one for one in pending if one.id in overtaken]
            await self._settle(ctx, settled, lambda n, ref: notices.not_mailed(n, ref, overtaken[n.given.notice_id]))
        left = [one for one in pending if one.id not in overtaken]
        if left:
            await self._send(ctx, person, left, [shown[one.id] for one in left])

    async def _heard_of_all(self) -> None:
        """Until the view has come as far as the log is now. Raises TimeoutError: the timer tries again."""
        async with asyncio.timeout(HEARD_SECONDS):
            view, position = NoticeView().subscription, await self.resources.log.last_position()
            await self.resources.reached.wait([view], OWN_FEED, position)

    async def _telling(self, tenant: str, ref: Ref) -> notices.Notices:
        events = [event async for event in self.resources.log.read(StreamId(tenant, *ref))]
        return TELLING.fold(messages(events))

    async def _shown(self, tenant: str, pending: Sequence["Pending"]) -> dict[str, pb.Notice]:
        """As the inbox shows them; words still sealed.

        Raises `NotKnownYet` for what the views have not heard of yet.
        """
        ids = [one.id for one in pending]
        async with reading(self.resources.pool, tenant) as con:
            shown = {s.notice_id: s for s in await inbox.messages(con, tenant, await inbox.rows_of(con, tenant, ids))}
        if missing := [id for id in ids if id not in shown or not inbox.is_whole(shown[id])]:
            raise NotKnownYet(f"what {missing[0]} tells of")
        return shown

    async def _send(
        self, ctx: Context, person: Person, pending: Sequence["Pending"], shown: Sequence[pb.Notice]
    ) -> None:
        assert self.mailer is not None
        org = await self.resources.directory.org_chart(ctx.tenant)
        async with reading(self.resources.pool, ctx.tenant) as con:
            wanted = delivery_preferences(await preferences_of(con, ctx.tenant, person.id), org.time_zone, org.language)
        named = dict.fromkeys(id for n in shown for id in (n.by_id, n.erased_id, n.leaver_id))
        involved = [person, *(org.people[id] for id in named if id in org.people)]
        opened = people_pb2.PeopleList(
            people=[people_pb2.Person(person_id=p.id, name=p.name, email=p.email) for p in involved]
        )
        told = pb.Notices(notices=shown)
        for words in (opened, told):
            await self.resources.words.open(words, tenant=ctx.tenant)
        address = opened.people[0].email.plain
        if not address:  # its key is destroyed: the erasure has not been heard of here yet
            await self._settle(ctx, pending, lambda n, ref: notices.not_mailed(n, ref, e.NOT_MAILED_REASON_NO_ADDRESS))
            return
        letter = Letter(
            notices=told.notices,
            reader=opened.people[0].name.plain,
            names={p.person_id: p.name.plain for p in opened.people},
            language=language(wanted.language),
            console=self.resources.settings.console.rstrip("/"),
            zone=wanted.zone,
        )
        message_id = _message_id(pending, self.mailer.sender)
        try:
            mail = message(letter, sender=self.mailer.sender, to=address, message_id=message_id, at=ctx.at)
            await self.mailer.send(mail, address)
        except (RefusedForGood, NoAddress) as refused:
            log.warning("mail.refused", tenant=ctx.tenant, message_id=message_id, error=type(refused).__name__)
            await self._settle(ctx, pending, lambda n, ref: notices.not_mailed(n, ref, e.NOT_MAILED_REASON_REFUSED))
            return
        except MailServerAway as away:
            log.warning("mail.waits", tenant=ctx.tenant, message_id=message_id, error=str(away))
            raise
        log.info("mail.sent", tenant=ctx.tenant, message_id=message_id, notices=len(pending))
        await self._settle(ctx, pending, lambda n, ref: notices.mailed(n, ref, message_id))

    async def _settle(
        self, ctx: Context, pending: Sequence["Pending"], decide_one: Callable[[Notice, Ref], Decision]
    ) -> None:
        """Record what became of some mails, in one append.

        What is recorded already is not recorded again: the states say so. A notice that has grown meanwhile is left:
        its next mail tells all of it.
        """
        first = pending[0].ref

        async def decide(load: Load) -> Decision:
            refs = dict.fromkeys(one.ref for one in pending)
            tellings = {ref: await load(notices.aggregate_of(ref), ref.id) for ref in refs}
            decision: Decision = []
            for one in pending:
                now = tellings[one.ref].get(one.id)
                if now is not None and now.times == one.notice.times:
                    decision += decide_one(now, one.ref)
            return decision

        answering = await self.resources.commands.answering(ctx, first)
        await self.resources.commands.execute(replace(answering, retryable=False), first, decide)


@dataclass(frozen=True, slots=True)
class Pending:
    """A notice whose mail is due, and the stream that it was given in."""

    ref: Ref
    notice: Notice

    @property
    def id(self) -> str:
        return self.notice.given.notice_id


def _unreachable(person: Person) -> e.NotMailedReason.ValueType:
    """Why no mail reaches a person; 0: one does."""
    if person.erased or not person.email.WhichOneof("form"):
        return e.NOT_MAILED_REASON_NO_ADDRESS
    return e.NOT_MAILED_REASON_UNSPECIFIED if person.active else e.NOT_MAILED_REASON_INACTIVE


def _overtaken(notice: Notice, shown: pb.Notice) -> e.NotMailedReason.ValueType:
    """Why a mail has nothing to say any more; 0: it has."""
    if shown.read:
        return e.NOT_MAILED_REASON_READ
    waited = notice.given.kind in (t.NOTICE_KIND_PROPOSAL_WAITING, t.NOTICE_KIND_ERASURE_WAITING)
    return e.NOT_MAILED_REASON_DECIDED if waited and not shown.waiting else e.NOT_MAILED_REASON_UNSPECIFIED


def _message_id(pending: Sequence[Pending], sender: str) -> str:
    """The same for the same notices as they are: who receives a mail again can tell."""
    ids = " ".join(one.id + (f"/{one.notice.times}" if one.notice.times > 1 else "") for one in pending)
    return f"<{uuid5(NAMESPACE, ids)}@{sender.rpartition('@')[2]}>"
