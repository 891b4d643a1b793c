"""Topics, as they are now, and what happened to each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, WrittenWhole, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import (
    TopicAnswered,
    TopicClosed,
    TopicForwarded,
    TopicLeftUnanswered,
    TopicRaised,
    TopicReopened,
)
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.domain.topic import TOPIC, Topic, TopicEvent, evolve
from services.checkins.views import VERSION


@dataclass(frozen=True, slots=True)
class TopicRow:
    """`raised` is the message of the contract as bytes, its words sealed."""

    tenant: str
    topic_id: str
    author_id: str
    state: int
    holder_id: str
    """To whom it was forwarded; empty: it waits for the author's direct manager, if for anybody."""
    raised_at: datetime
    since: datetime
    """When it was raised, forwarded or reopened last, or answered, or closed."""
    reminded: bool
    """Who it waits for was told that it has waited for long."""
    raised: bytes


class TopicView(View[TopicRow]):
    name, source, categories, key = "topic", "checkins", (TOPIC.category,), ("tenant", "topic_id")
    version = VERSION
    indexes = ("tenant, author_id", "tenant, holder_id", "state, since")
    row = TopicRow
    folds = (TopicAnswered, TopicClosed, TopicForwarded, TopicLeftUnanswered, TopicRaised, TopicReopened)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[TopicRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case TopicRaised() as e:
                at = event.recorded_at
                rows.put(TopicRow(*key, e.author_id, t.TOPIC_STATE_OPEN, "", at, at, reminded=False, raised=packed(e)))
            case TopicForwarded() as e:
                rows.put(_moved(rows[key], event, t.TOPIC_STATE_FORWARDED, e.to_id))
            case TopicLeftUnanswered():
                rows.put(replace(rows[key], reminded=True))
            case TopicAnswered():
                rows.put(_moved(rows[key], event, t.TOPIC_STATE_ANSWERED, rows[key].holder_id))
            case TopicClosed():
                rows.put(_moved(rows[key], event, t.TOPIC_STATE_CLOSED, rows[key].holder_id))
            case TopicReopened():
                rows.put(_moved(rows[key], event, t.TOPIC_STATE_OPEN, ""))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[TopicRow]:
        if topic := TOPIC.fold(messages(events)):
            yield TopicRow(
                events[0].tenant,
                events[0].stream.id,
                topic.author,
                topic.state,
                topic.holder,
                events[0].recorded_at,
                next(e for e in reversed(events) if not isinstance(e.message, TopicLeftUnanswered)).recorded_at,
                topic.reminded,
                packed(topic.raised),
            )


def _moved(row: TopicRow, event: Recorded, state: int, holder: str) -> TopicRow:
    reminded = row.reminded and state not in (t.TOPIC_STATE_OPEN, t.TOPIC_STATE_FORWARDED)
    return replace(row, state=state, holder_id=holder, since=event.recorded_at, reminded=reminded)


TOPICS = TopicView().table


@dataclass(frozen=True, slots=True)
class TopicReaderRow:
    tenant: str
    reader_id: str
    topic_id: str


class TopicReaderView(View[TopicReaderRow]):
    """Whoever was asked about a topic, or answered it, beside its author: where they look for it."""

    name, source, categories = "topic_reader", "checkins", (TOPIC.category,)
    key = ("tenant", "reader_id", "topic_id")
    version = VERSION
    row = TopicReaderRow
    folds = (TopicAnswered, TopicClosed, TopicForwarded, TopicRaised, TopicReopened)
    passes_over = (TopicLeftUnanswered,)

    def fold(self, rows: Rows[TopicReaderRow], event: Recorded) -> None:
        match event.message:
            case TopicRaised() as e:
                readers = {*e.participant_ids, e.manager_id}
            case TopicForwarded() as e:
                readers = {e.by_id, e.to_id} - {e.author_id}
            case TopicAnswered() | TopicClosed() as e:
                readers = {e.by_id} - {e.author_id}
            case TopicReopened() as e:
                readers = {e.manager_id}
            case _:
                raise UnknownEvent(event.message)
        for reader in sorted(readers - {""}):
            rows.put(TopicReaderRow(event.tenant, reader, event.stream.id))

    def expected(self, events: Sequence[Recorded]) -> Iterable[TopicReaderRow]:
        if topic := TOPIC.fold(messages(events)):
            for reader in sorted(topic.readers):
                yield TopicReaderRow(events[0].tenant, reader, events[0].stream.id)


TOPIC_READERS = TopicReaderView().table


@dataclass(frozen=True, slots=True)
class TopicStepRow:
    tenant: str
    topic_id: str
    version: int
    kind: int
    at: datetime
    by_id: str
    words: bytes
    """Sealed; empty for none."""
    to_id: str
    unit_id: str


TopicStep = TopicAnswered | TopicClosed | TopicForwarded | TopicReopened


class TopicStepView(WrittenWhole[TopicStepRow, TopicStep]):
    name, source, categories = "topic_step", "checkins", (TOPIC.category,)
    key = ("tenant", "topic_id", "version")
    version = VERSION
    row = TopicStepRow
    folds = (TopicAnswered, TopicClosed, TopicForwarded, TopicReopened)
    passes_over = (TopicLeftUnanswered, TopicRaised)

    def written(self, event: Recorded, e: TopicStep) -> TopicStepRow:
        match e:
            case TopicForwarded():
                return _step(event, t.TOPIC_STEP_KIND_FORWARDED, e.by_id, e.note, e.to_id, e.unit_id)
            case TopicAnswered():
                return _step(event, t.TOPIC_STEP_KIND_ANSWERED, e.by_id, e.answer)
            case TopicClosed():
                return _step(event, t.TOPIC_STEP_KIND_CLOSED, e.by_id, PersonalText())
            case TopicReopened():
                return _step(event, t.TOPIC_STEP_KIND_REOPENED, e.author_id, e.reason)

    def expected(self, events: Sequence[Recorded]) -> Iterable[TopicStepRow]:
        state: Topic | None = None
        for event in events:
            message: TopicEvent = event.message  # type: ignore[assignment] # of the stream
            state = topic = evolve(state, message)
            if not isinstance(message, TopicRaised | TopicLeftUnanswered):
                row = self.written(event, message)
                forwarded = row.kind == t.TOPIC_STEP_KIND_FORWARDED
                yield _step(
                    event,
                    _KINDS[topic.state],
                    row.by_id,
                    PersonalText.FromString(row.words),
                    topic.holder if forwarded else "",
                    row.unit_id,
                )


_KINDS: Mapping[int, int] = {
    t.TOPIC_STATE_FORWARDED: t.TOPIC_STEP_KIND_FORWARDED,
    t.TOPIC_STATE_ANSWERED: t.TOPIC_STEP_KIND_ANSWERED,
    t.TOPIC_STATE_CLOSED: t.TOPIC_STEP_KIND_CLOSED,
    t.TOPIC_STATE_OPEN: t.TOPIC_STEP_KIND_REOPENED,
}


def _step(event: Recorded, kind: int, by: str, words: PersonalText, to_id: str = "", unit_id: str = "") -> TopicStepRow:
    return TopicStepRow(
        event.tenant, event.stream.id, event.version, kind, event.recorded_at, by, packed(words), to_id, unit_id
    )


TOPIC_STEPS = TopicStepView().table
