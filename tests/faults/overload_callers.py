"""Those who ask in `make overload`, in a process of their own: `python -m tests.faults.overload_callers PLAN`.

Half of what they ask for are commands. Each request, and what its caller was told of it, is written down as a fact.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import grpc
import httpx

from cli.history.facts import Asked, Journal, Told
from eventkit.rpc.errors import reason, rejection
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.words_pb2 import PersonalText
from nhip.rewards.v1 import rewards_pb2 as r

PATIENCE = 10.0
"""Seconds that a caller waits for an answer."""


@dataclass(frozen=True, slots=True)
class Plan:
    way: str
    address: str
    tokens: Sequence[str]
    """Of the people, in their order."""
    people: Sequence[str]
    value_id: str
    seconds: float
    rate: float
    """Requests a second, whatever becomes of them; 0: by `at_once` callers who wait for their answers."""
    at_once: int
    path: str


class Seen(NamedTuple):
    """What became of a request."""

    way: str
    at: float
    """When it was made, in seconds since the beginning."""
    ms: float
    outcome: str
    """taken, refused (for now, and when to ask again), refused without a hint, too late, away, or what else it was."""


Answer = tuple[str, int | None]
"""What became of it, and of a command that was taken the position."""
Ask = Callable[[int, str, str], Awaitable[Answer]]
"""Asks as one of the people: a command with this key and trace, or, without a key, a query."""


class Callers:
    def __init__(self, plan: Plan, ask: Ask):
        self._plan, self._ask, self._seen = plan, ask, list[Seen]()
        self._journal = Journal(Path(plan.path).with_suffix(".jsonl"))
        self._began = time.monotonic()

    async def run(self) -> Sequence[Seen]:
        ends = self._began + self._plan.seconds
        if self._plan.rate:
            asking = set[asyncio.Task[None]]()
            number = 0
            while (now := time.monotonic()) < ends:
                while number < (now - self._began) * self._plan.rate:
                    number += 1
                    task = asyncio.create_task(self._once())
                    asking.add(task)
                    task.add_done_callback(asking.discard)
                await asyncio.sleep(0.005)
            await asyncio.gather(*asking)
        else:
            await asyncio.gather(*(self._over_and_over(ends) for _ in range(self._plan.at_once)))
        return self._seen

    async def _over_and_over(self, ends: float) -> None:
        while time.monotonic() < ends:
            await self._once()

    async def _once(self) -> None:
        who = random.randrange(len(self._plan.people))
        key = random.randbytes(16).hex() if random.random() < 0.5 else ""
        if key:
            self._journal.say(Asked(key, "GivePraise", f"person:{self._plan.people[who]}"))
        began = time.monotonic()
        outcome, position = await self._ask(who, key, f"00-{key or random.randbytes(16).hex()}-{'1' * 16}-01")
        self._seen.append(Seen(self._plan.way, began - self._began, (time.monotonic() - began) * 1000, outcome))
        if key and position:
            self._journal.say(Told(key, position))
        elif key and outcome.startswith("refused"):
            self._journal.say(Told(key, refused=outcome))


def asking_by_grpc(plan: Plan, channel: grpc.aio.Channel) -> Ask:
    def method(name: str, request: type, reply: type):
        return channel.unary_unary(
            f"/nhip.rewards.v1.Rewards/{name}",
            request_serializer=request.SerializeToString,
            response_deserializer=reply.FromString,
        )

    praise, wallet = method("GivePraise", r.GivePraise, Accepted), method("GetWallet", r.GetWallet, r.Wallet)

    async def ask(who: int, key: str, trace: str) -> Answer:
        metadata = [("authorization", f"Bearer {plan.tokens[who]}"), ("traceparent", trace)]
        try:
            if not key:
                await wallet(r.GetWallet(page_size=20), metadata=metadata, timeout=PATIENCE)
                return "taken", None
            metadata.append(("idempotency-key", key))
            done: Accepted = await praise(praising(plan, who), metadata=metadata, timeout=PATIENCE)
            return "taken", int(done.position.partition("=")[2])
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                refused = rejection(error)
                return ("refused" if refused and refused.retry_after > 0 else "refused without a hint"), None
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                return "too late", None
            return f"{error.code().name} {reason(error)}".strip(), None

    return ask


def asking_by_json(plan: Plan, http: httpx.AsyncClient) -> Ask:
    async def ask(who: int, key: str, trace: str) -> Answer:
        headers = {"authorization": f"Bearer {plan.tokens[who]}", "traceparent": trace}
        try:
            if key:
                body = {
                    "receiver_id": praising(plan, who).receiver_id,
                    "value_id": plan.value_id,
                    "words": {"plain": WORDS},
                    "without_points": True,
                }
                answer = await http.post("/v1/praises", json=body, headers=headers | {"idempotency-key": key})
            else:
                answer = await http.get("/v1/wallet", params={"page_size": 20}, headers=headers)
        except httpx.TimeoutException:
            return "too late", None
        except httpx.HTTPError as error:
            return type(error).__name__, None
        if answer.status_code == 200:
            return "taken", int(answer.json()["position"].partition("=")[2]) if key else None
        if answer.status_code == 429:
            return ("refused" if int(answer.headers.get("retry-after", "0")) > 0 else "refused without a hint"), None
        if answer.status_code == 504:
            return "too late", None
        return f"HTTP {answer.status_code}", None

    return ask


WORDS = "Làm tới nơi tới chốn"


def praising(plan: Plan, who: int) -> r.GivePraise:
    """Of whoever is next; no points, so that nothing but the load refuses it."""
    receiver = plan.people[(who + 1) % len(plan.people)]
    return r.GivePraise(
        receiver_id=receiver, value_id=plan.value_id, words=PersonalText(plain=WORDS), without_points=True
    )


async def main(plan: Plan) -> None:
    if plan.way == "grpc":
        async with grpc.aio.insecure_channel(plan.address) as channel:
            seen = await Callers(plan, asking_by_grpc(plan, channel)).run()
    else:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=200)
        async with httpx.AsyncClient(base_url=plan.address, timeout=PATIENCE, limits=limits, trust_env=False) as http:
            seen = await Callers(plan, asking_by_json(plan, http)).run()
    Path(plan.path).with_suffix(".seen").write_text(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(main(Plan(**json.loads(sys.argv[1]))))
