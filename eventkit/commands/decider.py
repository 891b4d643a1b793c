"""Carries out commands: load, decide, append, and again on fresh state when somebody else was faster."""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar
from uuid import UUID, uuid5
from weakref import WeakValueDictionary

from eventkit.commands.aggregate import Aggregate, Decision, Ref
from eventkit.context import Context
from eventkit.errors import Kind, Rejected
from eventkit.ids import uuid7
from eventkit.log import Appended, EventLog, IdReused, NewEvent, Origin, Recorded, StreamId, Write, WrongVersion, wire
from eventkit.privacy.words import Words
from nhip.common.v1.command_pb2 import Accepted

State = TypeVar("State")
REMEMBERED = 10_000
ATTEMPTS = 20


class Load(Protocol):
    """Answers an aggregate's state, the initial one if it has no events; the append is guarded by what was loaded."""

    async def __call__(self, aggregate: Aggregate[State], id: str) -> State: ...


class NotLoaded(LookupError):
    """A decision writes to a stream that it has not looked at: a defect of whoever decides, which no repetition
    mends."""


Decide = Callable[[Load], Awaitable[Decision]]


class Commands:
    """Carries out the commands of one context on its log."""

    def __init__(self, context: str, log: EventLog, words: Words):
        self._context, self._log, self._words = context, log, words
        self._turns: WeakValueDictionary[StreamId, asyncio.Lock] = WeakValueDictionary()
        # Folded states by stream. Saves the folding, not the look: what was appended since is read each time.
        self._states: OrderedDict[StreamId, tuple[int, Any]] = OrderedDict()

    async def execute(self, ctx: Context, ref: Ref, decide: Decide, *, answers: str = "") -> Accepted:
        """Carry out one command, once for its idempotency key.

        `ref` is the aggregate that it is foremost about: commands on it take turns in this process. `answers` is the id
        in the reply (by default `ref`'s). Raises what `decide` raises, and `Rejected` CONFLICT when every attempt lost
        its race.
        """
        turn = StreamId(ctx.tenant, *ref)
        lock = self._turns.setdefault(turn, asyncio.Lock())
        async with lock:
            for attempt in range(ATTEMPTS):
                if first := await self._first_answer(ctx, answers or ref.id):
                    return self._accepted(answers or ref.id, first[-1].position, repeated=True)
                loaded: dict[StreamId, int] = {}
                try:
                    decision = await decide(self._loading(ctx.tenant, loaded))
                except Rejected:
                    if await self._overtaken(ctx, loaded, answers or ref.id):
                        continue
                    raise
                if not decision:
                    if await self._overtaken(ctx, loaded, answers or ref.id):
                        continue
                    return Accepted(id=answers or ref.id, unchanged=True)
                try:
                    appended = await self._append(ctx, decision, loaded)
                except (WrongVersion, IdReused) as lost:
                    if isinstance(lost, WrongVersion) and lost.stream not in loaded:
                        raise NotLoaded(
                            f"{lost.stream} has events, and what was decided about it did not load it"
                        ) from lost
                    # A log that lost its end in a failover.
                    if isinstance(lost, WrongVersion) and lost.actual < lost.expected:
                        self._states.pop(lost.stream, None)
                    await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(attempt, 6)))
                    continue
                if appended.repeated:  # the same key, at the same time, was faster: its digest is still to be compared
                    continue
                return self._accepted(answers or ref.id, appended.position)
        raise Rejected("CONTENDED", "others kept changing what this command is about: ask again", kind=Kind.CONFLICT)

    async def on(
        self,
        ctx: Context,
        aggregate: Aggregate[State],
        id: str,
        decide: Callable[[State], Decision],
        *,
        answers: str = "",
    ) -> Accepted:
        """Carry out a command that is decided on the state of one aggregate alone; else as `execute`."""

        async def load_and_decide(load: Load) -> Decision:
            return decide(await load(aggregate, id))

        return await self.execute(ctx, aggregate(id), load_and_decide, answers=answers)

    async def answering(self, ctx: Context, ref: Ref) -> Context:
        """The circumstances of a command that answers to a thing that was begun earlier: its first event is the
        cause."""
        async for event in self._log.read(StreamId(ctx.tenant, *ref)):
            return replace(ctx, causation_id=str(event.id))
        return ctx

    def _loading(self, tenant: str, loaded: dict[StreamId, int]) -> Load:
        async def load(aggregate: Aggregate[State], id: str) -> State:
            stream = StreamId(tenant, aggregate.category, id)
            version, state = self._states.get(stream, (0, aggregate.initial))
            async for event in self._log.read(stream, after=version):
                state, version = aggregate.evolve(state, _known(event)), event.version
            self._remember(stream, version, state)
            loaded[stream] = version
            return state

        return load

    def _remember(self, stream: StreamId, version: int, state: Any) -> None:
        self._states[stream] = version, state
        self._states.move_to_end(stream)
        if len(self._states) > REMEMBERED:
            self._states.popitem(last=False)

    async def _append(self, ctx: Context, decision: Decision, loaded: dict[StreamId, int]) -> Appended:
        writes: list[Write] = []
        versions = dict(loaded)
        for index, (ref, message) in enumerate(decision):
            id = event_id(ctx, index) if ctx.retryable else uuid7()
            await self._words.seal(message, tenant=ctx.tenant, author=ctx.actor.id, event_id=id)
            event = NewEvent(id, wire.type_name(message), wire.encode(message))
            stream = StreamId(ctx.tenant, *ref)
            # Positions follow the decision, so that effects stand behind their causes, whatever was loaded first.
            writes.append(Write(stream, versions.get(stream, 0), [event]))
            versions[stream] = writes[-1].expected + 1
        guards = [Write(stream, version) for stream, version in loaded.items() if versions[stream] == version]
        origin = Origin(str(ctx.actor), ctx.digest, ctx.correlation_id, ctx.causation_id, ctx.traceparent)
        return await self._log.append(*writes, *guards, origin=origin)

    async def _first_answer(self, ctx: Context, id: str) -> list[Recorded]:
        """What this command recorded when it was carried out before; `id` is that of what it made, or would."""
        if not ctx.retryable:
            return []
        first = await self._log.append_of(event_id(ctx, 0))
        if first and first[0].origin.command_digest != ctx.digest:
            raise Rejected(
                "IDEMPOTENCY_KEY_REUSED",
                "this idempotency key was used for another request: take a new one",
                kind=Kind.REFUSED,
                field="idempotency-key",
                id=id,
            )
        return first

    async def _overtaken(self, ctx: Context, loaded: dict[StreamId, int], id: str) -> bool:
        """Whether others were at work while this command was judged: another process carried it out, or changed what it
        was judged on. Streams are read one after the other, so that a refusal may rest on halves of two states; no
        append's guards prove it."""
        if await self._first_answer(ctx, id):
            return True
        news = [event for stream, version in loaded.items() async for event in self._log.read(stream, after=version)]
        return bool(news)

    def _accepted(self, id: str, position: int, *, repeated: bool = False) -> Accepted:
        return Accepted(id=id, position=f"{self._context}={position}", repeated=repeated)


def event_id(ctx: Context, index: int) -> UUID:
    """The id of the event number `index` of a command that may be repeated."""
    return uuid5(ctx.command_id, str(index))


def _known(event: Recorded) -> Any:
    message = event.message
    if message is None:
        raise Rejected(
            "NEWER_EVENT", f"{event.stream} holds an event of a type that this version does not know: {event.type}"
        )
    return message
