"""Those who ask in `make overload`, in a process of their own: `python -m tests.faults.overload_callers PLAN`.

Half of what they ask for are commands. Each request, and what its caller was told of it, is written down as a fact.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import grpc

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


Exchanged = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body of an answer."""
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
        try:
            async with asyncio.timeout(PATIENCE):
                outcome, position = await self._ask(who, key, f"00-{key or random.randbytes(16).hex()}-{'1' * 16}-01")
        except TimeoutError:
            outcome, position = "too late", None
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
            return f"{error.code().name} {reason(error) or error.details()}", None

    return ask


async def exchanged(url: SplitResult, verb: str, path: str, headers: Mapping[str, str], body: bytes) -> Exchanged:
    """One request on a connection of its own. A client library spends more on a request than the gateway does, so that
    the callers would be what is tried."""
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        lines = [f"{verb} {path} HTTP/1.1", f"host: {url.netloc}", "connection: close", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join((*lines, "", "")).encode() + body)
        head, _, content = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    status, *told = head.decode("latin-1").split("\r\n")
    if not status:
        raise ConnectionResetError("nothing was answered")
    return (
        int(status.split(" ")[1]),
        {name.lower(): value for name, _, value in (one.partition(": ") for one in told)},
        content,
    )


def asking_by_json(plan: Plan) -> Ask:
    url = urlsplit(plan.address)

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
                headers |= {"idempotency-key": key, "content-type": "application/json"}
                status, told, content = await exchanged(url, "POST", "/v1/praises", headers, json.dumps(body).encode())
            else:
                status, told, content = await exchanged(url, "GET", "/v1/wallet?page_size=20", headers, b"")
        except OSError as error:
            return type(error).__name__, None
        if status == 200:
            return "taken", int(json.loads(content)["position"].partition("=")[2]) if key else None
        if status == 429:
            return ("refused" if int(told.get("retry-after", "0")) > 0 else "refused without a hint"), None
        if status == 504:
            return "too late", None
        return f"HTTP {status}", None

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
        seen = await Callers(plan, asking_by_json(plan)).run()
    Path(plan.path).with_suffix(".seen").write_text(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(main(Plan(**json.loads(sys.argv[1]))))
