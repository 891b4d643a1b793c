"""Carries out commands: load, decide, append, and again on fresh state when somebody else was faster."""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID, uuid5
from weakref import WeakValueDictionary

from eventkit.commands.aggregate import Aggregate, Decision, Ref
from eventkit.commands.batch import Chain, Item, Link, Refused, together
from eventkit.commands.loading import Decide, Load, Loaded, NotLoaded, guards_of, writes_of
from eventkit.context import Context
from eventkit.errors import Kind, Rejected
from eventkit.ids import uuid7
from eventkit.log import (
    Appended,
    EventLog,
    IdReused,
    NewEvent,
    Origin,
    Recorded,
    StreamId,
    Together,
    Write,
    WrongVersion,
    wire,
)
from eventkit.privacy.words import Words
from nhip.common.v1.command_pb2 import Accepted

State = TypeVar("State")
REMEMBERED = 10_000
ATTEMPTS = 20


class Commands:
    """Carries out the commands of one context on its log.

    `mark` answers what stands behind the positions that callers are told.
    """

    def __init__(self, context: str, log: EventLog, words: Words, mark: Callable[[], str] = str):
        self._mark = mark
        self._context, self._log, self._words = context, log, words
        self._turns: WeakValueDictionary[StreamId, asyncio.Lock] = WeakValueDictionary()
        # Folded states by stream, moved on by this process's own appends. A decision is first made on what is
        # remembered: the append passes only if that is still so.
        self._states: OrderedDict[StreamId, tuple[int, Any]] = OrderedDict()

    async def execute(self, ctx: Context, ref: Ref, decide: Decide, *, answers: str = "") -> Accepted:
        """Carry out one command, once for its idempotency key; or only decide it, where that is all that is asked.

        `ref` is the aggregate that it is foremost about: commands on it take turns in this process. `answers` is the id
        in the reply (by default `ref`'s). Raises what `decide` raises, and `Rejected` CONFLICT when every attempt lost
        its race.
        """
        if ctx.gather is not None:
            ctx.gather(Item(ctx, ref, decide, answers or ref.id))
            return Accepted(id=answers or ref.id)
        turn = StreamId(ctx.tenant, *ref)
        lock = self._turns.setdefault(turn, asyncio.Lock())
        async with lock:
            for attempt in range(ATTEMPTS):
                # What was carried out before is refused, has nothing to do, or finds its events stored: so the first
                # attempt need not ask.
                if attempt and (first := await self._first_answer(ctx, answers or ref.id)):
                    return self._accepted(answers or ref.id, first[-1].position, repeated=True)
                loaded: dict[StreamId, Loaded] = {}
                try:
                    load = self._loading(ctx.tenant, loaded, look=attempt > 0 or ctx.check, absent=True)
                    decision = await decide(load)
                    events = await self._events(ctx, decision)  # which may be refused, too
                except Exception:  # also a defect that shows itself on states of different moments only
                    if await self._overtaken(ctx, loaded, answers or ref.id):
                        continue
                    raise
                if not decision:
                    if await self._overtaken(ctx, loaded, answers or ref.id):
                        continue
                    return Accepted(id=answers or ref.id, unchanged=True)
                if ctx.check:
                    repeated = bool(await self._first_answer(ctx, answers or ref.id))
                    return Accepted(id=answers or ref.id, repeated=repeated)
                try:
                    appended = await self._append(ctx, decision, events, loaded)
                except (WrongVersion, IdReused) as lost:
                    if isinstance(lost, WrongVersion) and lost.stream not in loaded and (attempt or not ctx.retryable):
                        raise NotLoaded(
                            f"{lost.stream} has events, and what was decided about it did not load it"
                        ) from lost
                    self._forget(lost)
                    await _pause(attempt)
                    continue
                if appended.repeated:  # the same key, at the same time, was faster: its digest is still to be compared
                    continue
                return self._accepted(answers or ref.id, appended.position)
        raise _contended()

    def _forget(self, lost: WrongVersion | IdReused) -> None:
        """What was remembered of a log that lost its end in a failover."""
        if isinstance(lost, WrongVersion) and lost.actual < lost.expected:
            self._states.pop(lost.stream, None)

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

    async def whole(self, items: Sequence[Item]) -> Accepted:
        """Carry out several commands of a tenant as one: all of them or none, each decided on what those before it
        leave, each once for its own key.

        Answers a verdict for each. Raises `Refused` for the first that is refused, and `Rejected` CONFLICT.
        """
        async with AsyncExitStack() as turns:
            await self._take_turns(turns, items)
            if items[0].ctx.check:
                verdicts = await self._judged(items)
                for number, verdict in enumerate(verdicts):
                    if isinstance(verdict, Rejected):
                        raise Refused(number, verdict)
                return together(verdicts)
            for attempt in range(ATTEMPTS):
                verdicts = await self._done_before(dict(enumerate(items)), range(len(items)))
                for number, verdict in verdicts.items():
                    if isinstance(verdict, Rejected):
                        raise Refused(number, verdict)
                left = {number: item for number, item in enumerate(items) if number not in verdicts}
                done = await self._attempt_whole(left) if left else {}
                if done is not None:
                    verdicts |= done
                    return together([verdicts[number] for number in range(len(items))])
                await _pause(attempt)
        raise _contended()

    async def _attempt_whole(self, items: Mapping[int, Item]) -> dict[int, Accepted | Rejected] | None:
        """The verdicts on some items, by their number; None: somebody else was faster, and nothing is stored.

        All is decided before the first word is sealed: what is refused makes no keys for people who are not there. So
        what is remembered of the streams is of before.
        """
        chain = Chain(items[min(items)].ctx.tenant)
        await self._load_together(chain, [read for item in items.values() for read in item.reads])
        begun = {stream: known.version for stream, known in chain.known.items()}
        verdicts = dict[int, Accepted | Rejected]()
        decided: list[tuple[int, Decision, list[Write]]] = []
        for number, item in items.items():
            loaded: dict[StreamId, Loaded] = {}
            try:
                decision = await item.decide(self._loading_into(chain, loaded, look=True, begun=begun))
                writes = chain.extend(decision, _unsealed(decision), loaded) if decision else []
            except Rejected as refusal:
                if begun and await self._log.read_together(begun):
                    return None
                raise Refused(number, refusal) from None
            if writes:
                decided.append((number, decision, writes))
            else:
                verdicts[number] = Accepted(id=item.id, unchanged=True)
            await asyncio.sleep(0)  # of many none takes the whole loop
        appends: list[Together] = []
        told = [(message, items[number].ctx.actor.words_of) for number, made, _ in decided for _, message in made]
        await self._words.make_keys(told, tenant=chain.tenant)
        for number, decision, writes in decided:
            try:
                events = iter(await self._events(items[number].ctx, decision))
            except Rejected as refusal:
                raise Refused(number, refusal) from None
            sealed = [write._replace(events=[next(events)]) if write.events else write for write in writes]
            appends.append(Together(sealed, _origin(items[number].ctx)))
            await asyncio.sleep(0)
        if not appends:
            return verdicts if not begun or not await self._log.read_together(begun) else None
        try:
            appended = await self._log.append_together(appends)
        except (WrongVersion, IdReused) as lost:
            self._forget(lost)
            return None
        return verdicts | {n: self._accepted(items[n].id, appended.position) for n, _, _ in decided}

    async def _take_turns(self, turns: AsyncExitStack, items: Sequence[Item]) -> None:
        """In one order: no two that have several wait for each other."""
        for stream in sorted({StreamId(item.ctx.tenant, *item.ref) for item in items}):
            await turns.enter_async_context(self._turns.setdefault(stream, asyncio.Lock()))

    async def batch(self, items: Sequence[Item]) -> Accepted:
        """Carry out several commands of a tenant, each once for its own key and decided on what those before it leave.

        Answers a verdict for each: what its `decide` raises as `Rejected` is said there, and hinders no other. Their
        appends share the log's commits; one that loses a race is decided again, with those that built on it.
        """
        verdicts: dict[int, Accepted | Rejected] = {}
        if items and (gather := items[0].ctx.gather):
            for item in items:
                gather(item)
            return together([Accepted(id=item.id) for item in items])
        async with AsyncExitStack() as turns:
            await self._take_turns(turns, items)
            if items[0].ctx.check:
                return together(await self._judged(items))
            for attempt in range(ATTEMPTS):
                left = {number: item for number, item in enumerate(items) if number not in verdicts}
                verdicts |= await self._attempt(left, look=attempt > 0)
                if len(verdicts) == len(items):
                    return together([verdicts[number] for number in range(len(items))])
                await _pause(attempt)
        raise _contended()

    async def _attempt(self, items: Mapping[int, Item], *, look: bool) -> dict[int, Accepted | Rejected]:
        """The verdicts on those of some items, by their number, for which nobody else was faster."""
        chain = Chain(items[min(items)].ctx.tenant)
        await self._load_together(chain, [read for item in items.values() for read in item.reads])
        judged, appends = dict[int, Accepted | Rejected](), dict[int, list[Write]]()
        touched: dict[int, set[StreamId]] = {}
        for number, item in items.items():
            loaded: dict[StreamId, Loaded] = {}
            writes: list[Write] = []
            try:
                decision = await item.decide(self._loading_into(chain, loaded, look=look))
                writes = chain.extend(decision, await self._events(item.ctx, decision), loaded) if decision else []
            except Rejected as refusal:
                judged[number] = refusal
            else:
                if writes:
                    appends[number] = writes
                else:
                    judged[number] = Accepted(id=item.id, unchanged=True)
            touched[number] = {*loaded, *(write.stream for write in writes)}
        asked = (self._log.append(*writes, origin=_origin(items[number].ctx)) for number, writes in appends.items())
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        verdicts, lost = dict[int, Accepted | Rejected](), set[StreamId]()
        for number, outcome in zip(appends, outcomes, strict=True):
            if isinstance(outcome, Appended) and not outcome.repeated:
                verdicts[number] = self._accepted(items[number].id, outcome.position)
            elif isinstance(outcome, Appended | WrongVersion | IdReused):
                lost |= touched[number]
                if not isinstance(outcome, Appended):
                    self._forget(outcome)
            else:
                raise outcome
        verdicts |= await self._done_before(items, [number for number in items if number not in verdicts])
        # No append's guards prove a refusal.
        rest_on = {stream: chain.known[stream].version for number in judged for stream in touched[number] - lost}
        lost |= {event.stream for event in await self._log.read_together(rest_on)} if rest_on else set()
        for stream, known in chain.known.items():
            if stream not in lost:
                self._remember(stream, known.version, known.state)
        return {number: verdict for number, verdict in judged.items() if not touched[number] & lost} | verdicts

    async def _judged(self, items: Sequence[Item]) -> list[Accepted | Rejected]:
        """The verdicts on items that are only checked: each as if those before it had been carried out."""
        chain = Chain(items[0].ctx.tenant)
        await self._load_together(chain, [read for item in items for read in item.reads])
        before = await self._done_before(dict(enumerate(items)), range(len(items)))
        verdicts: list[Accepted | Rejected] = []
        for number, item in enumerate(items):
            loaded: dict[StreamId, Loaded] = {}
            try:
                if number not in before:
                    decision = await item.decide(self._loading_into(chain, loaded, look=True))
                    chain.extend(decision, await self._events(item.ctx, decision), loaded)
                    before[number] = Accepted(id=item.id, unchanged=not decision)
            except Rejected as refusal:
                before[number] = refusal
            verdicts.append(before[number])
        return verdicts

    async def _load_together(self, chain: Chain, reads: Iterable[tuple[Aggregate[Any], str]]) -> None:
        """Into the chain, in one go."""
        aggregates = {StreamId(chain.tenant, *aggregate(id)): aggregate for aggregate, id in reads}
        if not aggregates:
            return
        states = {s: self._states.get(s, (0, aggregate.initial)) for s, aggregate in aggregates.items()}
        for event in await self._log.read_together({stream: version for stream, (version, _) in states.items()}):
            state = aggregates[event.stream].evolve(states[event.stream][1], _known(event))
            states[event.stream] = event.version, state
        for stream, (version, state) in states.items():
            chain.known[stream] = Link(version, state, aggregates[stream])

    def _loading_into(
        self, chain: Chain, loaded: dict[StreamId, Loaded], *, look: bool, begun: dict[StreamId, int] | None = None
    ) -> Load:
        """`begun` takes in the versions that streams had in the log."""
        read = self._loading(chain.tenant, {}, look=look)

        async def load(aggregate: Aggregate[State], id: str) -> State:
            stream = StreamId(chain.tenant, aggregate.category, id)
            if stream not in chain.known:
                state = await read(aggregate, id)
                if begun is not None:
                    begun[stream] = self._states[stream][0]
                chain.begin(stream, Link(self._states[stream][0], state, aggregate))
            known = chain.known[stream]
            loaded[stream] = Loaded(known.version, aggregate)
            return known.state

        return load

    async def _done_before(self, items: Mapping[int, Item], numbers: Sequence[int]) -> dict[int, Accepted | Rejected]:
        """The first answers to those of some items that were carried out before, by their number."""
        first = {event_id(items[number].ctx, 0): number for number in numbers if items[number].ctx.retryable}
        answers: dict[int, Accepted | Rejected] = {}
        for id, event in (await self._log.stored(first) if first else {}).items():
            item = items[first[id]]
            other = _other_request(item.ctx, event, item.id)
            answers[first[id]] = other or self._accepted(item.id, event.position, repeated=True)
        return answers

    async def answering(self, ctx: Context, ref: Ref) -> Context:
        """The circumstances of a command that answers to a thing that was begun earlier: its first event is the
        cause."""
        async for event in self._log.read(StreamId(ctx.tenant, *ref)):
            return replace(ctx, causation_id=str(event.id))
        return ctx

    def _loading(self, tenant: str, loaded: dict[StreamId, Loaded], *, look: bool, absent: bool = False) -> Load:
        """`look`: whether anything was appended meanwhile to what is remembered. `absent`: that a stream has no events
        is remembered, too; guards prove it as any version, but what is decided beside it must bear that it began
        meanwhile."""

        async def load(aggregate: Aggregate[State], id: str) -> State:
            stream = StreamId(tenant, aggregate.category, id)
            version, state = self._states.get(stream, (0, aggregate.initial))
            is_known = version > 0 or (absent and stream in self._states)
            if look or not is_known:
                async for event in self._log.read(stream, after=version):
                    state, version = aggregate.evolve(state, _known(event)), event.version
            self._remember(stream, version, state)
            loaded[stream] = Loaded(version, aggregate)
            return state

        return load

    def _remember(self, stream: StreamId, version: int, state: Any) -> None:
        self._states[stream] = version, state
        self._states.move_to_end(stream)
        if len(self._states) > REMEMBERED:
            self._states.popitem(last=False)

    async def _append(
        self, ctx: Context, decision: Decision, events: Sequence[NewEvent], loaded: Mapping[StreamId, Loaded]
    ) -> Appended:
        versions = {stream: known.version for stream, known in loaded.items()}
        writes = writes_of(ctx.tenant, decision, events, versions)
        appended = await self._log.append(*writes, *guards_of(loaded, writes), origin=_origin(ctx))
        if not appended.repeated:
            self._move_on(decision, writes, loaded)
        return appended

    def _move_on(self, decision: Decision, writes: Sequence[Write], loaded: Mapping[StreamId, Loaded]) -> None:
        """What is remembered, by what this process appended to it."""
        for (_, message), (stream, expected, _) in zip(decision, writes, strict=True):
            version, state = self._states.get(stream, (0, None))
            if stream in loaded and version == expected:
                self._remember(stream, version + 1, loaded[stream].aggregate.evolve(state, message))

    async def _events(self, ctx: Context, decision: Decision) -> list[NewEvent]:
        """What a decision wants recorded, its words sealed. Raises `Rejected` for words about somebody erased.

        What is only checked has no content: to seal it would make keys for people who are not there.
        """
        events: list[NewEvent] = []
        for index, (_, message) in enumerate(decision):
            id = event_id(ctx, index) if ctx.retryable else uuid7()
            if ctx.check:
                events.append(NewEvent(id, wire.type_name(message), b""))
                continue
            await self._words.seal(message, tenant=ctx.tenant, author=ctx.actor.words_of, event_id=id)
            events.append(NewEvent(id, wire.type_name(message), wire.encode(message)))
        return events

    async def _first_answer(self, ctx: Context, id: str) -> list[Recorded]:
        """What this command recorded when it was carried out before; `id` is that of what it made, or would."""
        if not ctx.retryable:
            return []
        first = await self._log.append_of(event_id(ctx, 0))
        if first and (other := _other_request(ctx, first[0], id)):
            raise other
        return first

    async def _overtaken(self, ctx: Context, loaded: Mapping[StreamId, Loaded], id: str) -> bool:
        """Whether this command was carried out before, or what it was judged on was changed by others: what is
        remembered may be old, and what is read one after the other halves of two states; no append's guards prove a
        refusal."""
        if await self._first_answer(ctx, id):
            return True
        versions = {stream: known.version for stream, known in loaded.items()}
        return bool(versions and await self._log.read_together(versions))

    def _accepted(self, id: str, position: int, *, repeated: bool = False) -> Accepted:
        return Accepted(id=id, position=f"{self._context}={position}{self._mark()}", repeated=repeated)


async def _pause(attempt: int) -> None:
    """Leave those who were faster a moment, the longer the more often."""
    await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(attempt, 6)))


def _contended() -> Rejected:
    return Rejected("CONTENDED", "others kept changing what this command is about: ask again", kind=Kind.CONFLICT)


def _unsealed(decision: Decision) -> list[NewEvent]:
    """Events without their content: as far as what comes after them is decided."""
    return [NewEvent(uuid7(), wire.type_name(message), b"") for _, message in decision]


def _origin(ctx: Context) -> Origin:
    return Origin(str(ctx.actor), ctx.digest, ctx.correlation_id, ctx.causation_id, ctx.traceparent)


def _other_request(ctx: Context, first: Recorded, id: str) -> Rejected | None:
    """The refusal of a command under whose idempotency key another request recorded something."""
    if first.origin.command_digest == ctx.digest:
        return None
    return Rejected(
        "IDEMPOTENCY_KEY_REUSED",
        "this idempotency key was used for another request: take a new one",
        kind=Kind.REFUSED,
        field="idempotency-key",
        id=id,
    )


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
