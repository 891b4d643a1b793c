"""Callers that race: each asks for something, again under the same key until it is told, and writes down both."""

import asyncio
import os
import random
from collections.abc import Callable

from google.protobuf.message import Message

from cli.client import Client
from cli.history.company import Company
from cli.history.facts import Asked, Journal, Told
from cli.running import Failed
from eventkit.errors import Kind, Rejected
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.words_pb2 import PersonalText
from nhip.rewards.v1 import rewards_pb2 as r

IMPATIENT = 0.06
"""The share of attempts that are given up in flight."""
AGAIN = 0.06
"""The share of requests that repeat what was told already."""
Ask = tuple[Client, Message]


class Callers:
    def __init__(self, company: Company, journal: Journal, chance: random.Random):
        self._company, self._journal, self._chance = company, journal, chance
        self._done: list[tuple[str, Client, Message]] = []
        self._redemptions: list[tuple[int, str]] = []
        """Whose, and which."""
        self._enough = asyncio.Event()
        self.answered = 0
        """How many requests were told how they ended."""
        self.last = 0
        """The furthest position that anybody was told."""

    def enough(self) -> None:
        """Whoever waits for an answer still waits for it; nobody asks for anything new."""
        self._enough.set()

    async def call(self) -> None:
        """One caller, until it is enough."""
        while not self._enough.is_set():
            if self._done and self._chance.random() < AGAIN:
                key, client, request = self._chance.choice(self._done)
                await self._ask(key, client, request)
                continue
            key = self._chance.randbytes(16).hex()
            client, request = self._something()
            self._journal.say(Asked(key, type(request).__name__, self._company.actor(client)))
            await self._ask(key, client, request)
            self.answered += 1

    async def _ask(self, key: str, client: Client, request: Message) -> None:
        """Until it is told: stored, or refused for good."""
        while True:
            deadline = self._chance.uniform(0.001, 0.03) if self._chance.random() < IMPATIENT else 20.0
            try:
                trace = f"00-{key}-{os.urandom(8).hex()}-01"
                accepted = await client.ask(request, Accepted, key=key, deadline=deadline, traceparent=trace)
            except Rejected as refused:
                if refused.kind in (Kind.TOO_MANY, Kind.CONFLICT, Kind.UNAUTHENTICATED):
                    continue  # the last: of a process whose clock is wrong
                self._journal.say(Told(key, refused=refused.reason))
                return
            except Failed:  # nobody answered, or too late: it may have been carried out
                await asyncio.sleep(0.02)
                continue
            break
        position = int(accepted.position.rpartition("=")[2] or 0)
        if accepted.unchanged:
            self._journal.say(Told(key, refused="unchanged"))
            return
        self.last = max(self.last, position)
        self._journal.say(Told(key, position, repeated=accepted.repeated))
        self._done = [*self._done[-40:], (key, client, request)]
        if isinstance(request, r.RedeemGift):
            self._redemptions = [*self._redemptions[-40:], (self._company.clients.index(client), accepted.id)]

    def _something(self) -> Ask:
        weighted: dict[Callable[[], Ask], int] = {self._praise: 30, self._correct: 20, self._redeem: 30, self._stock: 6}
        if self._redemptions:
            weighted |= {self._refund: 10, self._hand_over: 4}
        return self._chance.choices(list(weighted), list(weighted.values()))[0]()

    def _praise(self) -> Ask:
        giver, receiver = self._chance.sample(range(len(self._company.people)), 2)
        words = PersonalText(plain="Làm tới nơi tới chốn")
        request = r.GivePraise(
            receiver_id=self._company.people[receiver],
            value_id=self._company.value_id,
            words=words,
            without_points=self._chance.random() < 0.7,
        )
        return self._company.clients[giver], request

    def _correct(self) -> Ask:
        points = self._chance.choice((-20, -5, 10, 30))
        why = PersonalText(plain="Đặt lại cho đúng")
        return self._company.steward, r.CorrectPoints(person_id=self._someone(), points=points, reason=why)

    def _redeem(self) -> Ask:
        return self._chance.choice(self._company.clients), r.RedeemGift(
            gift_id=self._chance.choice(self._company.gifts)
        )

    def _stock(self) -> Ask:
        gift = self._chance.choice(self._company.gifts)
        return self._company.steward, r.ChangeGiftStock(gift_id=gift, by=self._chance.choice((-2, 3, 5)))

    def _refund(self) -> Ask:
        person, redemption = self._chance.choice(self._redemptions)
        return self._company.clients[person], r.RefundRedemption(redemption_id=redemption)

    def _hand_over(self) -> Ask:
        _, redemption = self._chance.choice(self._redemptions)
        return self._company.steward, r.HandOverGift(redemption_id=redemption)

    def _someone(self) -> str:
        return self._chance.choice(self._company.people)
