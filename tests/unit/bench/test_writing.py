"""What was measured stays written until it is measured again."""

import json
from pathlib import Path

import pytest

from tests.bench import writing
from tests.bench.harness import Figure, Measured, at_least

FIRST, LAST = (Figure(name, "appends/s", "", at_least(1)) for name in ("first", "last"))
LARGE, LARGER = (Figure(f"{size} events", "appends/s", "", at_least(1)) for size in ("1,000", "9,000"))


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(writing, "KEPT", tmp_path / "benchmarks.json")
    monkeypatch.setattr(writing, "READ", tmp_path / "benchmarks.md")
    return tmp_path


def test_a_figure_that_a_run_has_no_name_for_stays_in_its_place(written: Path):
    writing.write([FIRST, LARGE, LAST], [Measured(figure, 2, None, None) for figure in (FIRST, LARGE, LAST)], [])
    writing.write([FIRST, LARGER, LAST], [Measured(FIRST, 3, None, None)], [])
    rows = json.loads((written / "benchmarks.json").read_text())
    assert [(row["name"], row["value"]) for row in rows] == [("first", 3), ("1,000 events", 2), ("last", 2)]
    assert "| 1,000 events | 2 appends/s |" in (written / "benchmarks.md").read_text()


def test_a_figure_that_is_measured_for_the_first_time_comes_where_it_is_named(written: Path):
    writing.write([LAST], [Measured(LAST, 2, None, None)], [])
    writing.write([FIRST, LAST], [Measured(FIRST, 3, None, None)], [])
    assert [row["name"] for row in writing.kept()] == ["first", "last"]
