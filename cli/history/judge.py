"""Judges a history: what was lost, doubled, reordered or torn. Pure.

Lost: acknowledged and not stored, stored and not delivered, told otherwise than stored, left out of the positions, or
written over by somebody who did not see it. Doubled: delivered twice, or carried out more often than it was asked for.
Reordered: delivered, versioned or timed against the log's order. Torn: a part of an append without the rest, or an
answer that is of no one moment.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from cli.history.facts import Asked, Counted, Delivered, Differs, Fact, Follows, Seen, Stored, Told


class Kind(StrEnum):
    LOST = "lost"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    TORN = "torn"


@dataclass(frozen=True, slots=True)
class Fault:
    kind: Kind
    what: str
    piece: Sequence[Fact]
    """The fewest facts that show it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    faults: Sequence[Fault]
    events: int
    counts: Mapping[str, int]
    """How much there was to judge, by what it is."""

    def of(self, kind: Kind) -> int:
        return sum(fault.kind is kind for fault in self.faults)

    @property
    def shortest(self) -> Fault | None:
        """The fault that the fewest facts show."""
        return min(self.faults, key=lambda fault: len(fault.piece), default=None)


@dataclass
class History:
    """A history's facts, by what they are."""

    log: list[Stored] = field(default_factory=list[Stored])
    asked: dict[str, Asked] = field(default_factory=dict[str, Asked])
    told: list[Told] = field(default_factory=list[Told])
    counted: list[Counted] = field(default_factory=list[Counted])
    delivered: dict[str, list[Delivered]] = field(default_factory=lambda: defaultdict(list))
    follows: list[Follows] = field(default_factory=list[Follows])
    seen: list[Seen] = field(default_factory=list[Seen])
    differs: list[Differs] = field(default_factory=list[Differs])

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> "History":
        """The log is put into the order of its positions; all else is in the order it was seen."""
        found = cls()
        for fact in facts:
            match fact:
                case Stored():
                    found.log.append(fact)
                case Asked():
                    found.asked[fact.key] = fact
                case Told():
                    found.told.append(fact)
                case Counted():
                    found.counted.append(fact)
                case Delivered():
                    found.delivered[fact.reader].append(fact)
                case Follows():
                    found.follows.append(fact)
                case Seen():
                    found.seen.append(fact)
                case Differs():
                    found.differs.append(fact)
        found.log.sort(key=lambda event: event.position)
        return found


def judge(facts: Iterable[Fact]) -> Verdict:
    history = History.of(facts)
    appends = _appends(history.log)
    faults = [
        *_log(history.log),
        *_counted(history),
        *_appends_whole(appends),
        *_asked(history, appends),
        *_told(history),
        *_found(history.log),
        *(fault for follows in history.follows for fault in _delivered(history, follows)),
        *_seen(history),
        *(Fault(Kind.LOST, f"{one.view} is not a fold of the log", (one,)) for one in history.differs),
    ]
    counts = Counter(
        {
            "asked": len(history.asked),
            "stored": sum(told.position is not None for told in history.told),
            "refused": sum(bool(told.refused) for told in history.told),
            "repeated": sum(bool(told.repeated) for told in history.told),
            "guards": sum(any(not ids for _, _, ids in asked.writes) for asked in history.asked.values()),
            "several streams": sum(len({event.stream for event in append}) > 1 for append in appends.values()),
            "answers": len(history.seen),
            "deliveries": sum(map(len, history.delivered.values())),
        }
    )
    return Verdict(faults, len(history.log), counts)


def _appends(log: Iterable[Stored]) -> dict[str, list[Stored]]:
    appends: dict[str, list[Stored]] = defaultdict(list)
    for event in log:
        appends[event.append].append(event)
    return appends


def _log(log: Sequence[Stored]) -> Iterator[Fault]:
    """Ids once; versions 1, 2, 3 … in the order of positions; time never goes back."""
    ids: dict[str, Stored] = {}
    last: dict[str, Stored] = {}
    for event in log:
        if first := ids.get(event.id):
            yield Fault(Kind.DOUBLED, f"event {event.id} is stored twice", (first, event))
        ids[event.id] = event
        before = last.get(event.stream)
        expected = before.version + 1 if before else 1
        if event.version != expected:
            kind = Kind.LOST if event.version > expected else Kind.REORDERED
            piece = (before, event) if before else (event,)
            yield Fault(kind, f"{event.stream} has version {event.version} where {expected} should be", piece)
        last[event.stream] = event
    for before, event in pairwise(log):
        if before.position == event.position:
            yield Fault(Kind.DOUBLED, f"two events are at position {event.position}", (before, event))
        if event.at < before.at:
            yield Fault(Kind.REORDERED, f"time goes back at position {event.position}", (before, event))


def _counted(history: History) -> Iterator[Fault]:
    """No position is left out; so nothing stands between the events of an append."""
    for counted in history.counted:
        missing = counted.upto - counted.after - counted.events
        if missing:
            holes = [(a, b) for a, b in pairwise(history.log) if counted.after < a.position < b.position - 1]
            what = f"behind position {counted.after}, up to {counted.upto}, {missing} positions have no event"
            yield Fault(Kind.LOST, what, (counted, *next(iter(holes), ())))
    if history.counted:
        for before, event in pairwise(history.log):
            if before.append != event.append and before.index < before.size - 1:
                what = f"append {before.append} has another's event in its middle"
                yield Fault(Kind.TORN, what, (before, event))


def _appends_whole(appends: Mapping[str, Sequence[Stored]]) -> Iterator[Fault]:
    """Every append has all its events, one behind the other, at one time; nothing is made or lost on the way between
    them."""
    for id, events in appends.items():
        if [event.index for event in events] != list(range(events[0].size)):
            yield Fault(Kind.TORN, f"append {id} has {len(events)} of its {events[0].size} events in order", events)
        elif len({event.at for event in events}) > 1:
            yield Fault(Kind.TORN, f"append {id} has more than one time", events)
        moved = Counter[str]()
        for event in events:
            moved.update(event.moves)
        for what, rest in moved.items():
            if rest:
                yield Fault(Kind.TORN, f"append {id}: {rest:+} {what} come from nowhere", events)


def _asked(history: History, appends: Mapping[str, Sequence[Stored]]) -> Iterator[Fault]:
    """Of each that was asked at most one append came, by who asked, of exactly the events that were asked for, where
    its streams were as it said; and nothing came that nobody asked for."""
    by_key: dict[str, list[Sequence[Stored]]] = defaultdict(list)
    for events in appends.values():
        by_key[events[0].key].append(events)
        if (first := events[0]).key and first.key not in history.asked:
            yield Fault(Kind.DOUBLED, f"position {first.position} is what nobody asked for", (first,))
    heights: dict[str, list[Stored]] = defaultdict(list)
    for event in history.log:
        heights[event.stream].append(event)
    for key, asked in history.asked.items():
        came = by_key.get(key, ())
        if len(came) > 1:
            yield Fault(Kind.DOUBLED, f"{key} was carried out {len(came)} times", (asked, *(e[0] for e in came)))
        for event in (event for events in came for event in events):
            if asked.by and event.by != asked.by:
                what = f"{key} was asked for by {asked.by}, and is stored as {event.by}'s"
                yield Fault(Kind.LOST, what, (asked, event))
                break
        if not came or not asked.writes:
            continue
        wanted = [id for _, _, ids in asked.writes for id in ids]
        if [event.id for event in came[0]] != wanted:
            yield Fault(Kind.TORN, f"of {key} other events are stored than were asked for", (asked, *came[0]))
            continue
        for stream, expected, _ in asked.writes:
            behind = heights[stream]
            stood = bisect_left(behind, came[0][0].position, key=lambda event: event.position)
            if stood != expected:
                unseen = behind[expected:stood]
                yield Fault(
                    Kind.LOST,
                    f"{key} was decided on {stream} at version {expected}, which was at {stood}",
                    (asked, *unseen[:1], came[0][0]),
                )


def _told(history: History) -> Iterator[Fault]:
    """What was acknowledged is stored where it was said to be; what was refused is not."""
    last: dict[str, Stored] = {}
    versions: dict[str, dict[str, int]] = defaultdict(dict)
    for event in history.log:
        last[event.key] = event
        versions[event.key][event.stream] = event.version
    by_key: dict[str, Told] = {}
    new = Counter[str]()
    for told in history.told:
        if told.key not in history.asked:
            continue
        asked, stored = history.asked[told.key], last.get(told.key)
        if told.position is None:
            if stored:
                yield Fault(Kind.LOST, f"{told.key} was refused ({told.refused}), and is stored", (asked, told, stored))
            continue
        if stored is None:
            yield Fault(Kind.LOST, f"{told.key} was acknowledged, and is not stored", (asked, told))
        elif stored.position != told.position:
            yield Fault(Kind.LOST, f"{told.key} was told another position than its own", (told, stored))
        elif told.versions and dict(told.versions) != versions[told.key]:
            yield Fault(Kind.LOST, f"{told.key} was told other versions than its own", (told, stored))
        first = by_key.setdefault(told.key, told)
        if first.position != told.position or first.versions != told.versions:
            yield Fault(Kind.DOUBLED, f"{told.key} was told two different results", (first, told))
        if told.repeated is False:
            new[told.key] += 1
            if new[told.key] > 1:
                yield Fault(Kind.DOUBLED, f"{told.key} was told twice that it is new", (first, told))


def _found(log: Sequence[Stored]) -> Iterator[Fault]:
    """What an event says that things were is what they were: nobody wrote over what they had not seen."""
    setters: dict[str, Stored] = {}
    for event in log:
        for thing, found in event.found.items():
            setter = setters.get(thing)
            was = setter.sets[thing] if setter else None
            if was is not None and was != found:
                assert setter
                what = f"{thing} was {was}, and position {event.position} was decided on {found}"
                yield Fault(Kind.LOST, what, (setter, event))
        for thing in event.sets:
            setters[thing] = event


def _delivered(history: History, follows: Follows) -> Iterator[Fault]:
    """A reader was given every event once, in order; where it is given whole appends, no page ends inside one."""
    given = history.delivered[follows.reader]
    wanted = {event.id: event for event in history.log if not follows.types or event.type in follows.types}
    first: dict[str, Delivered] = {}
    for delivered in given:
        if before := first.get(delivered.id):
            what = f"{follows.reader} was given event {delivered.id} twice"
            yield Fault(Kind.DOUBLED, what, (before, delivered))
            continue
        first[delivered.id] = delivered
        event = wanted.get(delivered.id)
        if event is None:
            yield Fault(Kind.LOST, f"{follows.reader} was given what is not stored", (delivered,))
        elif event.position != delivered.position:
            yield Fault(Kind.REORDERED, f"{follows.reader} was told another position", (event, delivered))
    for before, delivered in pairwise(first.values()):
        if delivered.position < before.position:
            yield Fault(Kind.REORDERED, f"{follows.reader} was given events out of order", (before, delivered))
    for id, event in wanted.items():
        if id not in first:
            yield Fault(Kind.LOST, f"{follows.reader} was never given position {event.position}", (event,))
    ends = [(one, after) for one, after in pairwise([*given, None]) if one and one.page]
    for one, after in ends:
        event = wanted.get(one.id)
        if event and event.index < event.size - 1 and (after is None or after.page != one.page):
            what = f"{follows.reader}'s page {one.page} ends inside an append"
            yield Fault(Kind.TORN, what, (event, one))


Spans = Sequence[tuple[int, int]]
"""From which boundary to before which, numbers in `_Moments.boundaries`; rising."""


class _Moments:
    """What every thing was, and when: the moments are the boundaries between appends."""

    def __init__(self, log: Sequence[Stored]):
        self.boundaries = [0, *(event.position for event in log if event.index == event.size - 1)]
        """Positions of the last events of appends, and 0: an answer is of one of them."""
        self.end = len(self.boundaries)
        self.setters: dict[str, list[Stored]] = defaultdict(list)
        self.streams: dict[str, list[Stored]] = defaultdict(list)
        for event in log:
            self.streams[event.stream].append(event)
            for thing in event.sets:
                self.setters[thing].append(event)
        self._numbers = {event.id: number for events in self.streams.values() for number, event in enumerate(events)}
        self._spans: dict[str, dict[str, list[tuple[int, int]]]] = {}

    def when(self, thing: str, value: str) -> Spans:
        """When it was so."""
        if thing not in self._spans:
            self._spans[thing] = self._of(thing)
        return self._spans[thing].get(value, ())

    def _of(self, thing: str) -> dict[str, list[tuple[int, int]]]:
        spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
        changes = [(0, ""), *((self._from(event), event.sets[thing]) for event in self.setters[thing])]
        for (start, value), (end, _) in pairwise([*changes, (self.end, "")]):
            if start < end:
                spans[value].append((start, end))
        return spans

    def when_newest(self, stream: str, rows: Sequence[str]) -> Spans:
        """When these were the newest events of a stream; never, if they stand otherwise there."""
        events = self.streams.get(stream, ())
        number = self._numbers.get(rows[0], -1) if rows else -1
        if [event.id for event in reversed(events[max(0, number + 1 - len(rows)) : number + 1])] != list(rows):
            return ()
        start = self._from(events[number]) if rows else 0
        end = self._from(events[number + 1]) if number + 1 < len(events) else self.end
        return [(start, end)] if start < end else ()

    def _from(self, event: Stored) -> int:
        """The first boundary at which an event shows."""
        return bisect_left(self.boundaries, event.position)


def _seen(history: History) -> Iterator[Fault]:
    """Every answer is of one moment between appends, and of none before the one that it was asked to be behind."""
    moments = _Moments(history.log)
    for seen in history.seen:
        parts = [
            *(moments.when_newest(stream, rows) for stream, rows in seen.rows.items()),
            *(moments.when(thing, value) for thing, value in seen.shows.items()),
        ]
        spans: Spans = [(0, moments.end)]
        for part in sorted(parts, key=len):
            spans = _both(spans, part)
        if not spans:
            yield Fault(Kind.TORN, f"an answer to {seen.reader} is of no one moment", (seen, *_shown(moments, seen)))
            continue
        last = spans[-1][1] - 1
        if moments.boundaries[last] < seen.behind and last + 1 < moments.end:
            unseen = next(event for event in history.log if event.position == moments.boundaries[last + 1])
            what = f"an answer to {seen.reader} does not show position {seen.behind}, which it was asked to be behind"
            yield Fault(Kind.LOST, what, (seen, unseen))


def _both(one: Spans, other: Spans) -> Spans:
    found: list[tuple[int, int]] = []
    a = b = 0
    while a < len(one) and b < len(other):
        start, end = max(one[a][0], other[b][0]), min(one[a][1], other[b][1])
        if start < end:
            found.append((start, end))
        if one[a][1] < other[b][1]:
            a += 1
        else:
            b += 1
    return found


def _shown(moments: _Moments, seen: Seen) -> Iterator[Stored]:
    """Of an answer that is of no one moment, the events that made what it shows: of each thing the one nearest to the
    newest row."""
    told = {
        rows[0]: event
        for stream, rows in seen.rows.items()
        if rows
        for event in moments.streams.get(stream, ())
        if event.id == rows[0]
    }
    newest = max((event.position for event in told.values()), default=moments.boundaries[-1])
    for thing, value in seen.shows.items():
        made = [event for event in moments.setters.get(thing, ()) if event.sets[thing] == value]
        if made:
            nearest = min(made, key=lambda event: abs(event.position - newest))
            told[nearest.id] = nearest
    yield from sorted(told.values(), key=lambda event: event.position)[-4:]
