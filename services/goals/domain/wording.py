"""How a KPI is worded: what would make it clearer, while somebody writes it (G-20 … G-27). Hints, never a block."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from eventkit import numerals
from eventkit.names import perceived, tidy
from eventkit.values import from_decimal, rounded, to_decimal
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t

USUAL = range(70, 121)
"""Characters of a clear statement; most good ones are a little shorter (G-22)."""
FAR = Decimal("1.2")
"""Capability ten: a target of eleven or twelve, not of fifteen (G-24)."""

# What these say can be anything, whatever stands beside it.
_ALWAYS = (
    "càng sớm càng tốt", "mạnh mẽ", "đáng kể", "tốt hơn", "hiệu quả hơn", "tối ưu", "cải thiện mạnh",
    "as soon as possible", "asap", "significantly", "substantially", "strongly", "better", "optimise", "optimize",
    "more effectively", "more efficiently",
)  # fmt: skip
# These say in which direction; how far, only a number says.
_CHANGES = (
    "tăng trưởng", "tăng", "giảm", "cải thiện", "nâng cao", "nâng", "thúc đẩy", "đẩy mạnh", "đẩy nhanh",
    "increase", "grow", "raise", "boost", "reduce", "decrease", "cut", "lower", "improve", "enhance", "strengthen",
)  # fmt: skip
_NUMBER = re.compile(r"(?<![\w.,/])\d[\d.,]*(?<![.,])(?![\w/])")
_WRITTEN = re.compile(r"(?:(?<!\w)[-−])?\d+(?:[.,]\d+)*")
_WHEN = re.compile(r"(?:quý|tháng|năm|ngày|tuần|kỳ|quarter|month|year|week)\s*$", re.IGNORECASE)


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(map(re.escape, words), key=len, reverse=True))})(?!\w)")


_VAGUE, _CHANGE = _any_of(_ALWAYS), _any_of(_CHANGES)


@dataclass(frozen=True, slots=True)
class Named:
    """A number as a text names it, and where."""

    value: Decimal
    start: int
    end: int
    language: str
    """By whose marks it was read."""


def vague(statement: str) -> list[str]:
    """The words of a statement that can mean anything, as they stand there, in either language (G-27)."""
    text = tidy(statement)
    folded = "".join(char if len(char.casefold()) > 1 else char.casefold() for char in text)  # every place stays
    found = [match.span() for match in _VAGUE.finditer(folded)]
    if not _figures(text):
        found += [match.span() for match in _CHANGE.finditer(folded)]
    kept: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return [text[start:end] for start, end in kept]


def figures_as_written(text: str) -> list[str]:
    """Every number in a text as it is written there, in its order; also one with letters beside it: 80k, Q3."""
    return _WRITTEN.findall(text)


def _figures(statement: str) -> list[Named]:
    """The numbers that a text names, but for those of days, quarters and years."""
    named = numbers_in(statement)
    return [one for one in named if not _WHEN.search(statement[: one.start]) and not _is_year(one)]


def _is_year(named: Named) -> bool:
    return named.end - named.start == 4 and 1990 <= named.value <= 2100


def numbers_in(statement: str) -> list[Named]:
    """Every number that a text names; one that the two languages read differently has both readings."""
    return [
        Named(value, match.start(), match.end(), language)
        for match in _NUMBER.finditer(statement)
        for language, value in _readings(match.group()).items()
    ]


def _readings(text: str) -> dict[str, Decimal]:
    found = {language: value for language in ("vi", "en") if (value := numerals.read(text, language)) is not None}
    return {"vi": found["vi"]} if len(set(found.values())) == 1 and "vi" in found else found


def retold(statement: str, before: Decimal, after: Decimal) -> str:
    """The statement with another number where it names `before`, written in the same marks; empty: it does not name it.

    What stands as text and the number that it names are kept together: a change of one asks about the other.
    """
    if before == after or any(named.value == after for named in numbers_in(statement)):
        return ""
    text, last = statement, len(statement) + 1
    for named in reversed(numbers_in(statement)):
        if named.value == before and named.end <= last:
            text = text[: named.start] + numerals.written(after, named.language) + text[named.end :]
            last = named.start
    return text if text != statement else ""


def renumbered(statement: str, before: str, target: Decimal) -> Decimal | None:
    """The target that a reworded statement names: where the text of before named the target, and the new one names one
    other number in its stead; None: it still names it, or nothing can be said."""
    for language in ("vi", "en"):
        was, now = (
            {value for match in _NUMBER.finditer(text) if (value := numerals.read(match.group(), language)) is not None}
            for text in (before, statement)
        )
        if target in was and target not in now and len(came := now - was) == 1:
            return came.pop()
    return None


def hints(draft: pb.CheckKpi) -> pb.KpiHints:
    statement = draft.statement.strip()
    return pb.KpiHints(characters=perceived(statement), hints=_hints(draft, statement))


def _hints(draft: pb.CheckKpi, statement: str) -> Iterator[pb.KpiHint]:
    target, baseline, before = (to_decimal(value) for value in (draft.target, draft.baseline, draft.target_before))
    milestone = draft.kind == t.MEASURE_KIND_MILESTONE
    if statement:
        if perceived(statement) not in USUAL:
            yield _hint(pb.KPI_HINT_KIND_LENGTH, "S")
        for words in vague(statement):
            yield _hint(pb.KPI_HINT_KIND_VAGUE, "S", words)
    numbers = _figures(statement)
    if not milestone and statement and not _figures(statement):
        yield _hint(pb.KPI_HINT_KIND_NO_NUMBER, "S")
    if before is not None and target is not None and (text := retold(statement, before, target)):
        yield _hint(pb.KPI_HINT_KIND_OLD_TARGET, "S", text)
    elif not milestone and target is not None and numbers and not _names(numbers, target):
        yield _hint(pb.KPI_HINT_KIND_OTHER_NUMBER, "S")
    if not draft.measuring.tool.strip():
        yield _hint(pb.KPI_HINT_KIND_NO_TOOL, "M")
    if not draft.measuring.method.strip():
        yield _hint(pb.KPI_HINT_KIND_NO_METHOD, "M")
    if not milestone and baseline is None:
        yield _hint(pb.KPI_HINT_KIND_NO_BASELINE, "A")
    elif baseline is not None and target is not None and (times := _times(draft, baseline, target)) > FAR:
        yield pb.KpiHint(kind=pb.KPI_HINT_KIND_FAR, letter="A", times=from_decimal(rounded(times, 2)))
    if not draft.parent.WhichOneof("target"):
        yield _hint(pb.KPI_HINT_KIND_SERVES_NOTHING, "R")


def _hint(kind: pb.KpiHintKind.ValueType, letter: str, text: str = "") -> pb.KpiHint:
    return pb.KpiHint(kind=kind, letter=letter, text=text)


def _names(numbers: Sequence[Named], target: Decimal) -> bool:
    """Also "300 triệu" for 300000000."""
    scales = (1, 10**3, 10**6, 10**9)
    return any(named.value * scale == target for named in numbers for scale in scales)


def _times(draft: pb.CheckKpi, baseline: Decimal, target: Decimal) -> Decimal:
    """How many times as much is aimed at; of what is to fall, how many times as little."""
    high, low = (baseline, target) if draft.direction == t.DIRECTION_DECREASE else (target, baseline)
    return high / low if low > 0 and draft.direction != t.DIRECTION_KEEP else Decimal(0)
