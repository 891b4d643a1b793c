"""Where figures are kept: `docs/benchmarks.json` for programs, `docs/benchmarks.md` for people."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.table import Table

from tests.bench.harness import Figure, Measured, rounded

DOCS = Path(__file__).parents[2] / "docs"
KEPT, READ = DOCS / "benchmarks.json", DOCS / "benchmarks.md"
WORSE = 1.2
"""By how much a ratio has to be worse than the written one to be called so: less than that is noise."""

HEAD = """# Benchmarks

`make bench` measures all of this anew, but the year (`make bench ARGS=year`), and writes this page and
`benchmarks.json`; `make bench SHORT=1` takes about two minutes, writes nothing, and says what got slower.
Both sides of a figure are measured in turns in one run on the same machine: the ratio is what
counts, and what can be compared between machines. A goal that is not met is named as such.

"""


def kept() -> list[dict[str, Any]]:
    """The figures that were written last."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else []


def as_table(found: Iterable[Measured]) -> Table:
    table = Table("figure", "value", "against", "its value", "ratio", "goal", "met")
    for m in found:
        table.add_row(
            m.figure.name,
            f"{rounded(m.value)} {m.figure.unit}",
            m.by or m.figure.against,
            "" if m.against is None else rounded(m.against),
            "" if m.ratio is None else f"{m.ratio:.3g}",
            str(m.figure.goal),
            "yes" if m.figure.goal.met(m.judged) else "no",
        )
    return table


def slower(found: Iterable[Measured]) -> list[str]:
    """What got worse since it was written, in sentences; what got better is not said."""
    before = {row["name"]: row for row in kept()}
    lines: list[str] = []
    for m in found:
        if not (row := before.get(m.figure.name)):
            continue
        was, now = (row["value"] if row["ratio"] is None else row["ratio"]), m.judged
        if (was / now if m.figure.goal.at == "≥" else now / was) > WORSE:
            lines.append(f"Slower than written: {m.figure.name}: {was:.3g} → {now:.3g} (goal {m.figure.goal})")
    return lines or ["Nothing is slower than written."]


def write(every: Sequence[Figure], found: Sequence[Measured], where: Sequence[str]) -> None:
    """Put figures in the place of those of their name; the others stay as they were written, also those that this run
    has no name for, as of a log of another size. What is measured no more is taken out by hand."""
    today = datetime.now(UTC).date().isoformat()
    before = {row["name"]: row for row in kept()}
    rows = before | {m.figure.name: {**m.as_json(), "measured_on": today} for m in found}
    order = [figure.name for figure in every if figure.name in rows]
    part = {figure.name: figure.part for figure in every}
    for behind, name in pairwise(["", *before]):
        if name not in part:
            order.insert(order.index(behind) + 1 if behind else 0, name)
            part[name] = part.get(behind, "")
    KEPT.write_text(json.dumps([rows[name] for name in order], indent=1, ensure_ascii=False) + "\n")
    lines = [HEAD, *(f"- {line}\n" for line in where), f"- {_when(rows.values())}\n\n"]
    for heading in sorted(dict.fromkeys(part[name] for name in order), key=bool):
        lines += [f"\n## {heading}\n\n"] if heading else []
        lines += ["| figure | measured | against | ratio | goal | met |\n", "|---|---|---|---|---|---|\n"]
        lines += [_row(rows[name]) for name in order if part[name] == heading]
    lines.append("\n## What limits them\n\n")
    lines += [
        f"- **{figure.name}**: {figure.limited_by}\n" for figure in every if figure.name in rows and figure.limited_by
    ]
    READ.write_text("".join(lines))


def _when(rows: Iterable[dict[str, Any]]) -> str:
    days = sorted({date.fromisoformat(row["measured_on"]) for row in rows})
    if len(days) == 1:
        return f"Measured on {days[0]:%d %B %Y}."
    return f"Measured between {days[0]:%d %B} and {days[-1]:%d %B %Y}; `benchmarks.json` says when each was."


def _row(row: dict[str, Any]) -> str:
    ratio = "" if row["ratio"] is None else f"{row['ratio']:g}"
    value = f"{row['value']:,g}" if row["value"] < 1000 else f"{row['value']:,.0f}"
    return (
        f"| {row['name']} | {value} {row['unit']} | {row['against']} | {ratio} | {row['goal']} | "
        f"{'yes' if row['met'] else '**no**'} |\n"
    )
