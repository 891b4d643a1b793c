"""The end of a log in memory has no holes, and gives out whole appends."""

from datetime import UTC, datetime
from uuid import UUID

from eventkit.log import Origin, Recorded, StreamId
from eventkit.log.recent import Recent

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def append(first: int, size: int = 1, data: bytes = b"x") -> list[Recorded]:
    return [
        Recorded(
            UUID(int=first + index),
            "t",
            data,
            StreamId("acme", "kpi", "k"),
            1,
            first + index,
            UUID(int=first),
            index,
            size,
            NOW,
            NOW,
            Origin("x"),
        )
        for index in range(size)
    ]


def positions(events: list[Recorded]) -> list[int]:
    return [event.position for event in events]


def test_what_is_behind_a_position_is_known_from_the_first_that_is_kept():
    recent = Recent()
    recent.put(append(5))
    recent.put(append(6, 2))
    assert [positions(recent.after(at, 10)) for at in (3, 4, 5, 7, 9)] == [[], [5, 6, 7], [6, 7], [], []]


def test_a_page_ends_with_a_whole_append():
    recent = Recent()
    recent.put([*append(1), *append(2, 3), *append(5)])
    assert positions(recent.after(0, 2)) == [1, 2, 3, 4]


def test_behind_a_gap_everything_before_is_forgotten():
    recent = Recent()
    recent.put(append(1))
    recent.put(append(3))  # another process wrote the second
    assert positions(recent.after(0, 9)) == []
    assert positions(recent.after(2, 9)) == [3]


def test_no_more_is_kept_than_fits():
    few, small = Recent(max_events=2), Recent(max_bytes=10)
    for recent in (few, small):
        for position in range(1, 5):
            recent.put(append(position, data=b"12345"))
        assert positions(recent.after(2, 9)) == [3, 4]
        assert recent.after(1, 9) == []
