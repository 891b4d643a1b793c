"""A group of appends is decided as if they ran one after the other."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventkit.log import Appended, IdReused, NewEvent, Origin, Recorded, StreamId, Write, WrongVersion, grouping
from eventkit.log.grouping import Pending, decide, guards, repeated

ORIGIN = Origin("person:lan")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
A, B, C = (StreamId("acme", "kpi", name) for name in "abc")


def ids(*numbers: int) -> list[NewEvent]:
    return [NewEvent(UUID(int=n), "test.StreamEvent", b"x") for n in numbers]


def pending(number: int, *writes: Write) -> Pending:
    return grouping.pending(UUID(int=10_000 + number), writes, ORIGIN)


def verdicts(*appends: tuple[Write, ...], versions: dict[StreamId, int], known: frozenset[UUID] = frozenset()):
    group = [pending(n, *writes) for n, writes in enumerate(appends)]
    accepted = decide(group, versions, known)
    return [p.verdict for p in group], [(a.stream, a.version, a.event.id.int, a.index) for a in accepted]


def test_each_append_sees_what_the_one_before_it_did():
    told, stored = verdicts(
        (Write(A, 0, ids(1, 2)),), (Write(A, 2, ids(3)), Write(B, 0, ids(4))), versions={A: 0, B: 0}
    )
    assert told == [Appended(2, {A: 2}), Appended(4, {A: 3, B: 1})]
    assert stored == [(A, 1, 1, 0), (A, 2, 2, 1), (A, 3, 3, 0), (B, 1, 4, 1)]


def test_a_loser_is_told_what_the_winners_before_it_made():
    told, stored = verdicts(
        (Write(A, 0, ids(1, 2)),),
        (Write(B, 0, ids(4)), Write(A, 0, ids(3))),
        (Write(B, 0, ids(5)),),
        versions={A: 0, B: 0},
    )
    assert isinstance(told[1], WrongVersion)
    assert (told[1].stream, told[1].expected, told[1].actual) == (A, 0, 2)
    assert [s[2] for s in stored] == [1, 2, 5]  # nothing of the loser, not even on B


def test_a_guard_holds_until_somebody_before_it_writes():
    told, _ = verdicts(
        (Write(A, 0, ids(1)), Write(C, 3)),
        (Write(C, 3, ids(2)),),
        (Write(B, 0, ids(3)), Write(C, 3)),
        versions={A: 0, B: 0, C: 3},
    )
    assert [type(t) for t in told] == [Appended, Appended, WrongVersion]


def test_what_is_stored_or_about_to_be_gets_no_verdict_yet():
    told, stored = verdicts(
        (Write(A, 0, ids(1)),),
        (Write(A, 0, ids(1)),),
        (Write(B, 0, ids(9)),),
        versions={A: 0, B: 0},
        known=frozenset({UUID(int=9)}),
    )
    assert told == [Appended(1, {A: 1}), None, None]
    assert len(stored) == 1


def test_guards_are_the_streams_that_nothing_inserted_proves():
    group = [
        pending(0, Write(A, 0, ids(1)), Write(C, 3)),
        pending(1, Write(B, 0, ids(2)), Write(A, 1)),
        pending(2, Write(B, 7, ids(3)), Write(StreamId("x", "y", "z"), 0)),
    ]
    versions = {A: 0, B: 0, C: 3, StreamId("x", "y", "z"): 0}
    believed = dict(versions)
    decide(group, versions, frozenset())
    assert guards(group, believed) == {
        C: 3
    }  # A and B are proved by their inserts; the third append lost, so its guard is nobody's


@st.composite
def groups(draw: st.DrawFn) -> list[Pending]:
    appends: list[Pending] = []
    for number in range(draw(st.integers(1, 12))):
        streams = draw(st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=3, unique=True))
        writes = [
            Write(
                s,
                draw(st.integers(0, 4)),
                ids(*draw(st.lists(st.integers(1, 25), min_size=0, max_size=2, unique=True))),
            )
            for s in streams
        ]
        try:
            appends.append(pending(number, *writes))
        except ValueError:  # an id twice, or nothing but guards: refused before it is queued
            continue
    return appends


def model(stored: list[tuple[StreamId, UUID]], append: Pending) -> str:
    """One append on a log that is a plain list."""
    if {e.id for w in append.writes for e in w.events} & {id for _, id in stored}:
        return "repeats"
    if any(sum(s == w.stream for s, _ in stored) != w.expected for w in append.writes):
        return "lost"
    stored += [(w.stream, e.id) for w in append.writes for e in w.events]
    return "stored"


@given(st.lists(groups(), max_size=4))
def test_groups_of_any_size_are_told_what_one_by_one_would_be(batches: list[list[Pending]]):
    log: list[tuple[StreamId, UUID]] = []
    stored: list[tuple[StreamId, UUID]] = []
    for group in batches:
        versions = {s: sum(x == s for x, _ in stored) for s in (A, B, C)}
        believed, last = dict(versions), len(stored)
        accepted = decide(group, versions, frozenset(id for _, id in stored))
        for p in group:
            match model(log, p):
                case "stored":
                    assert isinstance(p.verdict, Appended)
                    assert last + p.verdict.position == len(log)
                    assert p.verdict.versions == {w.stream: w.expected + len(w.events) for w in p.writes if w.events}
                case "lost":
                    assert isinstance(p.verdict, WrongVersion)
                    assert p.verdict.actual == sum(s == p.verdict.stream for s, _ in log) != p.verdict.expected
                case _:
                    assert p.verdict is None
        stored += [(a.stream, a.event.id) for a in accepted]
        assert stored == log
        assert versions == {s: sum(x == s for x, _ in stored) for s in (A, B, C)}
        # Whatever stream an accepted append names: had another process moved it, an insert or a guard would be refused.
        proved = {a.stream for a in accepted if a.version == believed[a.stream] + 1} | guards(group, believed).keys()
        assert {w.stream for p in group if isinstance(p.verdict, Appended) for w in p.writes} == proved
        assert all(believed[s] == v for s, v in guards(group, believed).items())


def recorded(
    stream: StreamId, version: int, position: int, id: int, index: int, size: int, append: int = 1
) -> Recorded:
    return Recorded(UUID(int=id), "t", b"", stream, version, position, UUID(int=append), index, size, NOW, NOW, ORIGIN)


STORED = {
    e.id: e
    for e in (
        recorded(A, 3, 7, 1, 0, 3),
        recorded(A, 4, 8, 2, 1, 3),
        recorded(B, 1, 9, 3, 2, 3),
        recorded(B, 2, 10, 4, 0, 1, append=2),
    )
}


def test_an_append_asked_again_is_told_what_it_was_told():
    told = repeated(pending(0, Write(A, 2, ids(1, 2)), Write(C, 5), Write(B, 0, ids(3))), STORED)
    assert told == Appended(9, {A: 4, B: 1}, repeated=True)


@pytest.mark.parametrize(
    "writes",
    [
        pytest.param([Write(A, 2, ids(1, 2))], id="fewer events"),
        pytest.param([Write(A, 2, ids(1, 2)), Write(B, 0, ids(3, 4))], id="events of two appends"),
        pytest.param([Write(A, 2, ids(1, 2)), Write(B, 0, ids(3)), Write(C, 0, ids(5))], id="more events"),
        pytest.param([Write(A, 2, ids(2, 1)), Write(B, 0, ids(3))], id="another order"),
        pytest.param([Write(C, 2, ids(1, 2)), Write(B, 0, ids(3))], id="another stream"),
        pytest.param([Write(B, 1, ids(5, 4))], id="behind a new one"),
    ],
)
def test_anything_else_with_a_stored_id_is_refused(writes: list[Write]):
    assert isinstance(repeated(pending(0, *writes), STORED), IdReused)
