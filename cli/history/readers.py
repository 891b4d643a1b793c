"""Who looks on: the log's feed, Kafka, and whoever asks for what views show."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from google.protobuf.message import Message

from cli.client import Client, Reply
from cli.history import points
from cli.history.company import CONTEXT, Company
from cli.history.facts import Delivered, Differs, Journal, Seen
from cli.running import Failed
from eventkit import kafka
from eventkit.errors import Kind, Rejected
from eventkit.log import EventLog, Recorded
from eventkit.log.faults import TRANSIENT, Backoff
from nhip.audit.v1 import audit_pb2 as a
from nhip.audit.v1.types_pb2 import Filter
from nhip.common.v1.operations_pb2 import Verified, Verify
from nhip.notifications.v1 import notifications_pb2 as n
from nhip.rewards.v1 import rewards_pb2 as r

FEED, TOPIC, LEDGER, NOTICES = "feed", "kafka", "ledger", "notices"
VERIFIED = (CONTEXT, "notifications", "audit")
"""Whose views are held against their logs."""


class Follower:
    """Follows one tenant's events; whatever breaks, it goes on behind the last one that it was given."""

    def __init__(self, name: str, tenant: str, after: int, journal: Journal):
        self._name, self._tenant, self._journal = name, tenant, journal
        self._last, self._page = after, 0
        self.reached = 0
        """The position of the last event of the tenant that it was given."""
        self.given: list[Recorded] = []

    async def feed(self, log: EventLog) -> None:
        """For ever."""
        backoff = Backoff()
        while True:
            try:
                async with aclosing(log.feed(self._last, page=100)) as pages:
                    async for events in pages:
                        self._page += 1
                        self._note(events, self._page)
                        backoff.succeeded()
            except TRANSIENT:
                await backoff.pause()

    async def topic(self, cluster: kafka.Cluster) -> None:
        """For ever."""
        backoff = Backoff()
        while True:
            try:
                tailing = kafka.tail(cluster, [CONTEXT], after={CONTEXT: self._last}, follow=True)
                async with aclosing(tailing) as events:
                    async for one in events:
                        if one.missing and one.event.tenant == self._tenant:
                            break  # the relay publishes it again
                        self._note([one.event], 0)
                        backoff.succeeded()
            except (*kafka.FAULTS, *TRANSIENT, kafka.TopicMissing):
                pass
            await backoff.pause()

    def _note(self, events: Sequence[Recorded], page: int) -> None:
        for event in events:
            self._last = max(self._last, event.position)
            if event.tenant == self._tenant:
                self._journal.say(Delivered(self._name, event.position, str(event.id), page))
                self.reached = event.position
                self.given.append(event)


class Asker:
    """Asks for what views show, of one thing after the other."""

    def __init__(self, company: Company, journal: Journal, chance: random.Random):
        self._company, self._journal, self._chance = company, journal, chance

    async def ask(self, last: Callable[[], int], enough: asyncio.Event) -> None:
        """Until it is enough; every second time behind what was acknowledged by then."""
        while not enough.is_set():
            behind = last() if self._chance.random() < 0.5 else 0
            match self._chance.random():
                case draw if draw < 0.6:
                    await self.wallet(self._chance.choice(self._company.people), behind)
                case draw if draw < 0.8:
                    await self.gifts(behind)
                case _:
                    await self.redemptions(behind)

    async def all(self, behind: int) -> None:
        """Everything there is, once, behind a position."""
        for person in self._company.people:
            await self.wallet(person, behind)
        await self.gifts(behind)
        await self.redemptions(behind)
        await self.praises(behind)

    async def wallet(self, person: str, behind: int) -> None:
        """Balance and movements are of two tables, and of one moment."""
        found = await self._answered(self._company.steward, r.GetWallet(person_id=person), r.Wallet, behind)
        stream = points.wallet(self._company.tenant, person)
        rows = {stream: [movement.event_id for movement in found.movements]}
        self._say({points.received(person): points.amount(found.received)}, rows, behind)

    async def gifts(self, behind: int) -> None:
        found = await self._answered(self._company.steward, r.ListGifts(), r.Gifts, behind)
        self._say({points.stock(gift.gift_id): str(gift.stock) for gift in found.gifts}, {}, behind)

    async def redemptions(self, behind: int) -> None:
        """Many rows of one table, with the states that they are in."""
        found = await self._answered(self._company.steward, r.ListRedemptions(), r.Redemptions, behind)
        self._say({points.state(one.redemption_id): str(one.state) for one in found.redemptions}, {}, behind)

    async def praises(self, behind: int) -> None:
        request, shows = r.ListPraises(page_size=100), dict[str, str]()
        while True:
            found = await self._answered(self._company.steward, request, r.Praises, behind)
            shows |= {points.praise(one.praise_id): str(one.points) for one in found.praises}
            if not found.next_page_token:
                break
            request.page_token = found.next_page_token
        self._say(shows, {}, behind)

    def _say(self, shows: dict[str, str], rows: dict[str, list[str]], behind: int) -> None:
        self._journal.say(Seen("a caller", shows, rows, behind))

    async def _answered(self, client: Client, request: Message, reply: type[Reply], behind: int) -> Reply:
        return await answered(client, request, reply, [f"{CONTEXT}={behind}"] if behind else [])


async def answered(
    client: Client, request: Message, reply: type[Reply], after: Sequence[str] = (), at: str = ""
) -> Reply:
    """Asks until there is an answer: a service may be away just now."""
    while True:
        try:
            return await client.ask(request, reply, after=after, at=at)
        except Failed:
            await asyncio.sleep(0.05)
        except Rejected as refused:
            if refused.kind not in (Kind.TOO_MANY, Kind.UNAUTHENTICATED):
                raise


async def ledger(company: Company, journal: Journal) -> None:
    """Writes down every entry that the audit ledger has of the tenant's points."""
    found: list[a.Entry] = []
    request = a.SearchLedger(filter=Filter(context=CONTEXT), page_size=200)
    while True:
        page = await answered(company.auditor, request, a.Entries)
        found += page.entries
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    for entry in reversed(found):  # the newest came first
        journal.say(Delivered(LEDGER, entry.position, entry.event_id))


async def in_ledger(company: Company) -> int:
    """The position of its last entry."""
    found = await answered(company.auditor, a.GetCompleteness(), a.Completeness)
    return max((one.last for one in found.contexts if one.context == CONTEXT), default=0)


async def noticed(company: Company) -> list[str]:
    """The praises that people were told of, each as often as they were."""
    told: list[str] = []
    for client in company.clients:
        async for notice in _notices(client):
            if notice.praise_id:
                told.append(notice.praise_id)
    return told


async def _notices(client: Client) -> AsyncGenerator[n.Notice]:
    request = n.ListNotices(page_size=100)
    while True:
        page = await answered(client, request, n.Notices)
        for notice in page.notices:
            yield notice
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


async def verified(company: Company, journal: Journal) -> None:
    """Holds every view against a fold of its log."""
    for service in VERIFIED:
        found = await answered(company.operator, Verify(service=service), Verified, at=service)
        for view in found.views:
            for one in view.differences:
                journal.say(Differs(f"{service} {view.view}", one.key, one.column, one.expected, one.found))
