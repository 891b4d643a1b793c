"""Callers of an installation, in a pod beside it: people are registered and listed, by gRPC and by JSON, until it is
told to stop; then it says as one line of JSON what became of every call, how long the longest took, and whether all who
were registered are there.

Two more callers tell how far behind those are who follow what was written: the service's own view, and every other
service, which hears of it by the relay and Kafka.

`python -m deploy.rehearsal.load`, with `SERVICES` (where each is, as NHIP_SERVICES), `GATEWAY` (the URL of the
gateway), `TOKEN_FILE`, `TENANT`, `TLS` (a folder with ca.crt, tls.crt and tls.key) and `STOP` (a file: once it is
there, it is over).
"""

import asyncio
import json
import os
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import grpc
import httpx

from eventkit.rpc.client import channel
from eventkit.rpc.metadata import AUTHORIZATION, IDEMPOTENCY_KEY, POSITION
from eventkit.rpc.tls import Tls
from nhip.common.v1.operations_pb2 import ListParked
from nhip.common.v1.operations_pb2_grpc import OperationsStub
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1.people_pb2_grpc import PeopleStub

if TYPE_CHECKING:
    from nhip.common.v1.operations_pb2_grpc import OperationsAsyncStub
    from nhip.people.v1.people_pb2_grpc import PeopleAsyncStub

PAUSE = 0.05
DEADLINE = 10.0
PATIENCE = 30.0
"""Seconds for which a call is repeated; then it has failed."""
PATIENCE_WITH_OTHERS = 120.0
"""The same where other services are to have heard of something: who relays it and who reads it may both be lost."""
GETTING_READY = 180.0
COMMAND, QUERY, JSON_QUERY = CALLS = ("command", "query", "JSON query")
OWN_VIEW, OTHERS = FOLLOWING = ("own view behind a command", "other services behind a command")
BEGUN = "begun"
"""What is printed when calls are answered."""


@dataclass
class Callers:
    people: "PeopleAsyncStub"
    others: "Sequence[OperationsAsyncStub]"
    """Every other service."""
    gateway: str
    authorization: str
    stop: Path
    calls: Counter[str] = field(default_factory=Counter[str])
    """By kind, those that were answered."""
    repeated: Counter[str] = field(default_factory=Counter[str])
    """By what went wrong, attempts behind which another one was made."""
    failed: Counter[str] = field(default_factory=Counter[str])
    longest: dict[str, float] = field(default_factory=dict[str, float])
    """By kind, seconds until an answer came, from the first attempt on."""
    acknowledged: dict[str, int] = field(default_factory=dict[str, int])
    """Who was registered, with the position behind which they are seen."""

    async def register(self, key: str) -> str:
        """Answers the position."""
        request = pb.RegisterPerson(name=PersonalText(plain=f"Rehearsal {key}"))
        metadata = ((AUTHORIZATION, self.authorization), (IDEMPOTENCY_KEY, key))
        accepted = await self.people.RegisterPerson(request, timeout=DEADLINE, metadata=metadata)
        self.acknowledged[accepted.id] = int(accepted.position.partition("=")[2].partition("@")[0])
        return accepted.position

    async def list(self, _: str, *, behind: str = "") -> None:
        await self.people.ListPeople(pb.ListPeople(page_size=50), timeout=DEADLINE, metadata=self._asking(behind))

    async def list_what_was_written(self, key: str) -> None:
        await self.list("", behind=await self.register(key))

    async def others_hear(self, key: str) -> None:
        behind = self._asking(await self.register(key))
        asking = (one.ListParked(ListParked(), timeout=DEADLINE, metadata=behind) for one in self.others)
        await asyncio.gather(*asking)

    def _asking(self, behind: str) -> tuple[tuple[str, str], ...]:
        return ((AUTHORIZATION, self.authorization), *([(POSITION, behind)] if behind else []))

    async def list_by_json(self, _: str) -> None:
        """On a connection of its own, as the next browser would."""
        async with httpx.AsyncClient(timeout=DEADLINE, headers={AUTHORIZATION: self.authorization}) as client:
            (await client.get(f"{self.gateway}/v1/people?page_size=50")).raise_for_status()

    async def call(self, kind: str, once: Callable[[str], Awaitable[object]], *, patience: float | None = None) -> None:
        while not self.stop.exists():
            key, began = uuid4().hex, time.monotonic()
            until = began + (PATIENCE if patience is None else patience)
            while True:
                try:
                    await once(key)
                    self.calls[kind] += 1
                    self.longest[kind] = max(self.longest.get(kind, 0.0), time.monotonic() - began)
                    break
                except (grpc.aio.AioRpcError, httpx.HTTPError) as error:
                    wrong = f"{kind}: {_said(error)}"
                    if time.monotonic() > until:
                        self.failed[wrong] += 1
                        break
                    self.repeated[wrong] += 1
                    await asyncio.sleep(PAUSE)
            await asyncio.sleep(PAUSE)

    async def there(self) -> Counter[str]:
        """How often everybody is listed, behind all that was acknowledged."""
        listed, token = Counter[str](), ""
        last = max(self.acknowledged.values(), default=0)
        metadata = self._asking(f"people={last}" if last else "")
        while True:
            page = await self.people.ListPeople(
                pb.ListPeople(page_size=500, page_token=token), timeout=DEADLINE, metadata=metadata
            )
            listed.update(person.person_id for person in page.people)
            if not (token := page.next_page_token):
                return listed


def _said(error: grpc.aio.AioRpcError | httpx.HTTPError) -> str:
    """The same for all that went wrong alike: without addresses and ids."""
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name} {(error.details() or '').partition(';')[0]}"
    if isinstance(error, httpx.HTTPStatusError):
        found = re.search(r'"reason": ?"(\w+)"', error.response.text)
        return f"{error.response.status_code} {found[1] if found else ''}"
    return type(error).__name__


async def founded(callers: Callers, tenant: str) -> None:
    """Makes the company, or finds it, once people answers; and waits until the gateway and all others do."""
    until = time.monotonic() + GETTING_READY
    while True:
        try:
            metadata = ((AUTHORIZATION, callers.authorization), (IDEMPOTENCY_KEY, f"rehearsal-{tenant}"))
            await callers.people.CreateTenant(pb.CreateTenant(name="Rehearsal"), timeout=DEADLINE, metadata=metadata)
            await callers.list_by_json("")
            await callers.others_hear(uuid4().hex)
            return
        except (grpc.aio.AioRpcError, httpx.HTTPError) as error:
            if time.monotonic() > until:
                raise SystemExit(f"nobody answers: {_said(error)}") from None
            await asyncio.sleep(1)


async def main() -> None:
    token = Path(os.environ["TOKEN_FILE"]).read_text().strip()
    folder = Path(os.environ["TLS"])
    tls = Tls(folder / "ca.crt", folder / "tls.crt", folder / "tls.key")
    addresses = dict(one.split("=", 1) for one in os.environ["SERVICES"].split(","))
    async with AsyncExitStack() as stack:
        to = {name: await stack.enter_async_context(channel(address, tls)) for name, address in addresses.items()}
        people = PeopleStub(to.pop("people"))
        others = [OperationsStub(each) for each in to.values()]
        callers = Callers(people, others, os.environ["GATEWAY"], f"Bearer {token}", Path(os.environ["STOP"]))
        await founded(callers, os.environ["TENANT"])
        print(BEGUN, flush=True)
        kinds = {COMMAND: callers.register, QUERY: callers.list, JSON_QUERY: callers.list_by_json}
        await asyncio.gather(
            *(callers.call(kind, once) for kind, once in kinds.items() for _ in range(2)),
            callers.call(OWN_VIEW, callers.list_what_was_written),
            callers.call(OTHERS, callers.others_hear, patience=PATIENCE_WITH_OTHERS),
        )
        there = await callers.there()
    told = {
        "calls": callers.calls,
        "repeated": callers.repeated,
        "failed": callers.failed,
        "longest": callers.longest,
        "acknowledged": len(callers.acknowledged),
        "lost": [id for id in callers.acknowledged if not there[id]],
        "doubled": [id for id in callers.acknowledged if there[id] > 1],
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
