"""The judge of histories: what it calls lost, doubled, reordered and torn, and what not."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cli.history.facts import (
    Asked,
    Counted,
    Delivered,
    Differs,
    Fact,
    Follows,
    Journal,
    Seen,
    Stored,
    Told,
    line,
    of,
    read,
)
from cli.history.judge import Kind, judge


def event(position: int, stream: str = "s", version: int | None = None, **more: object) -> Stored:
    """Alone in its append, unless more is said."""
    given = {"append": f"a{position}", "index": 0, "size": 1} | more
    return Stored(position, f"e{position}", stream, version or position, **given)  # type: ignore[arg-type]


def pair(position: int, **more: object) -> list[Stored]:
    """An append of two events on two streams, at two positions."""
    given = {"append": f"a{position}", "size": 2} | more
    return [
        Stored(position, f"e{position}", "s", position, index=0, **given),  # type: ignore[arg-type]
        Stored(position + 1, f"e{position + 1}", "z", 1, index=1, **given),  # type: ignore[arg-type]
    ]


def given(reader: str, *positions: int, page: int = 0) -> list[Fact]:
    return [Delivered(reader, position, f"e{position}", page) for position in positions]


GOOD: list[Fact] = [
    Asked("k1", by="person:lan"),
    Told("k1", 1, repeated=False, versions={"s": 1}),
    event(1, key="k1", by="person:lan", sets={"points": "5"}),
    event(2, found={"points": "5"}, sets={"points": "8"}),
    *pair(3, moves={"gifts": 0}),
    Counted(0, 4, 4),
    *given("feed", 1, 2, page=1),
    *given("feed", 3, 4, page=2),
    Follows("feed"),
    Seen("somebody", {"points": "8"}, {"s": ["e3", "e2"]}, behind=4),
]


def faults(*facts: Fact) -> list[Kind]:
    return [fault.kind for fault in judge(facts).faults]


def test_nothing_is_found_where_nothing_is_wrong():
    assert faults(*GOOD) == []


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        # acknowledged implies stored, once, where it was said
        (Kind.LOST, [Asked("k"), Told("k", 1)]),
        (Kind.LOST, [Asked("k1"), Told("k1", 2), event(1, key="k1")]),
        (Kind.LOST, [Asked("k1"), Told("k1", refused="NO"), event(1, key="k1")]),
        (Kind.DOUBLED, [Asked("k"), event(1, key="k"), event(2, key="k")]),
        (Kind.DOUBLED, [Asked("k1"), Told("k1", 1, repeated=False), Told("k1", 1, repeated=False), event(1, key="k1")]),
        # the log
        (Kind.DOUBLED, [event(1), event(1, "t", 1, append="b")]),
        (Kind.LOST, [event(1), event(2, version=3)]),
        (Kind.REORDERED, [event(1), event(2, version=1)]),
        (Kind.REORDERED, [event(1, at="2026-01-02"), event(2, at="2026-01-01")]),
        (Kind.TORN, pair(1)[:1]),
        (Kind.TORN, [event(1, moves={"gifts": -1})]),
        # decisions
        (Kind.LOST, [event(1, sets={"stock": "1"}), event(2, sets={"stock": "0"}), event(3, found={"stock": "1"})]),
        (Kind.LOST, [event(1), Asked("k2", writes=[("s", 0, []), ("t", 0, ["e2"])]), event(2, "t", 1, key="k2")]),
        (Kind.TORN, [Asked("k1", writes=[("s", 0, ["e1", "e9"])]), event(1, key="k1")]),
        (Kind.LOST, [Asked("k1"), Told("k1", 1, versions={"s": 2}), event(1, key="k1")]),
        (Kind.LOST, [Asked("k1"), Told("k1", 2, versions={"s": 1}), *pair(1, key="k1")]),
        # who asked
        (Kind.LOST, [Asked("k1", by="person:lan"), event(1, key="k1", by="person:minh")]),
        (Kind.DOUBLED, [event(1, key="k1")]),
        # positions without a hole
        (Kind.LOST, [event(1), event(3, version=2), Counted(0, 3, 2)]),
        (Kind.LOST, [event(8, version=1), Counted(6, 8, 1)]),
        (Kind.TORN, [pair(1)[0], event(2, "t", 1), replace(pair(1)[1], position=3, id="e3"), Counted(0, 3, 3)]),
        # readers
        (Kind.LOST, [event(1), event(2), *given("kafka", 1), Follows("kafka")]),
        (Kind.LOST, [*given("kafka", 1), Follows("kafka")]),
        (Kind.DOUBLED, [event(1), *given("kafka", 1, 1), Follows("kafka")]),
        (Kind.REORDERED, [event(1), event(2), *given("kafka", 2, 1), Follows("kafka")]),
        (Kind.TORN, [*pair(1), *given("feed", 1, page=1), *given("feed", 2, page=2), Follows("feed")]),
        # answers
        (Kind.TORN, [event(1, sets={"a": "1"}), event(2, sets={"a": "2"}), Seen("x", {"a": "1"}, {"s": ["e2", "e1"]})]),
        (Kind.TORN, [*pair(1), Seen("x", rows={"s": ["e1"], "z": []})]),
        (Kind.TORN, [event(1), event(2), event(3), Seen("x", rows={"s": ["e3", "e1"]})]),
        (Kind.LOST, [event(1, sets={"a": "1"}), event(2, sets={"a": "2"}), Seen("x", {"a": "1"}, behind=2)]),
        (Kind.LOST, [Differs("wallet", "lan", "points", "5", "4")]),
    ],
)
def test_it_finds(kind: Kind, facts: Sequence[Fact]):
    assert set(faults(*facts)) == {kind}


def test_who_asked_for_some_types_is_not_missing_the_others():
    assert faults(event(1, type="praise"), event(2), *given("notices", 1), Follows("notices", ["praise"])) == []


def test_whoever_never_had_the_time_is_not_judged():
    assert faults(event(1), event(2), *given("kafka", 1)) == []


def test_the_shortest_piece_is_shown():
    verdict = judge([event(1), event(2, version=5), Differs("wallet", "lan", "points")])
    assert verdict.shortest
    assert verdict.shortest.piece == (Differs("wallet", "lan", "points"),)


def test_facts_are_read_as_they_were_said(tmp_path: Path):
    journal = Journal(tmp_path / "history.jsonl")
    for fact in GOOD:
        journal.say(fact)
    journal.close()
    with journal.path.open("a") as file:
        file.write('{"fact": "told", "ke')  # a process was killed
    assert [line(fact) for fact in read(journal.path)] == [line(fact) for fact in GOOD]
    assert of({"fact": "told", "key": "k", "refused": "NO"}) == Told("k", refused="NO")
