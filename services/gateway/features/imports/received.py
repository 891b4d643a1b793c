"""What an import's form says: it carries the file along from step to step, so that any gateway can answer it."""

import asyncio
import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from starlette.datastructures import UploadFile
from starlette.requests import Request

from importing.sheets.grid import Book, Grid, Unreadable, packed, read, unpacked
from importing.sheets.mapping import Guess, Reading, guess
from importing.sheets.table import Table
from importing.sheets.tables import TABLES
from services.gateway.failures import Failure

_MOST_PART = 14 << 20
_MOST_FIELDS = 5_000
_RUN, _FIX = re.compile(r"[0-9a-f]{32}"), re.compile(r"x\.([0-9]{1,6})\.([0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class Received:
    table: Table
    book: Book
    data: str
    """The book as the next form carries it."""
    sheet: int
    guessed: Guess
    reading: Reading
    said: bool
    """The reading is as the columns' page said it, and no guess."""
    cycle: str
    fixes: Mapping[tuple[int, int], str]
    ticked: frozenset[str]
    skip: bool
    run: str
    seen: str
    """The fingerprint of the dry run that was looked at."""

    @property
    def grid(self) -> Grid:
        return self.book.grids[self.sheet]


async def received(request: Request) -> Received:
    """Raises Unreadable for the file, Failure for what no page sends."""
    async with request.form(max_files=1, max_fields=_MOST_FIELDS, max_part_size=_MOST_PART) as form:
        texts = {name: value for name, value in form.multi_items() if isinstance(value, str)}
        ticked = frozenset(value for name, value in form.multi_items() if name == "tick" and isinstance(value, str))
        file = form.get("file")
        content = (await file.read(), file.filename or "") if isinstance(file, UploadFile) else (b"", "")
    table = TABLES.get(texts.get("table", ""))
    if table is None:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no such table")
    if not content[1] and not texts.get("data"):
        raise Unreadable("FILE_MISSING")
    return await asyncio.to_thread(_received, table, content, texts, ticked)


def _received(table: Table, content: tuple[bytes, str], texts: Mapping[str, str], ticked: frozenset[str]) -> Received:
    book = read(*content) if content[1] else unpacked(_bytes(texts["data"]))
    visible = [at for at, grid in enumerate(book.grids) if not grid.hidden]
    sheet = _number(texts.get("sheet", ""), visible[0] if visible else 0)
    sheet = sheet if sheet < len(book.grids) else 0
    grid = book.grids[sheet]
    header = min(_number(texts.get("header", ""), 0), len(grid.rows))
    same = "mapped" in texts and texts["mapped"] == f"{table.name}.{sheet}.{header}"
    guessed = guess(grid, table, header=header)
    reading = _reading(texts, table, guessed) if same else guessed.mapping
    fixes = {(int(m[1]), int(m[2])): text for name, text in texts.items() if (m := _FIX.fullmatch(name))}
    if one := re.fullmatch(r"([0-9]{1,6})\.([0-9]{1,3})\.(.*)", texts.get("fix", ""), re.DOTALL):
        fixes[int(one[1]), int(one[2])] = one[3]
    run = texts.get("run", "")
    return Received(
        table,
        book,
        base64.urlsafe_b64encode(packed(book)).decode() if content[1] else texts["data"],
        sheet,
        guessed,
        reading,
        same,
        texts.get("cycle", "")[:64],
        fixes,
        ticked,
        bool(texts.get("skip")),
        run if _RUN.fullmatch(run) else uuid4().hex,
        texts.get("seen", ""),
    )


def _bytes(data: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(data)
    except (binascii.Error, ValueError) as error:
        raise Unreadable("FILE_UNREADABLE") from error


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else otherwise


def _reading(texts: Mapping[str, str], table: Table, guessed: Guess) -> Reading:
    """As the columns' page says it; of two columns for one field the first."""
    columns: dict[str, int] = {}
    for name, field_name in texts.items():
        if re.fullmatch(r"c[0-9]{1,3}", name) and field_name in table:
            columns.setdefault(field_name, int(name[1:]))
    fixed = {f.name: text for f in table.fields if (text := texts.get(f"f.{f.name}", "").strip()[:500])}
    numbers, days = texts.get("numbers", ""), texts.get("days", "")
    return Reading(
        guessed.mapping.header,
        columns,
        {name: text for name, text in fixed.items() if name not in columns},
        numbers if numbers in ("vi", "en") else "",
        days if days in ("dmy", "mdy") else "",
    )


def carried(it: Received, *, fixes: bool = True) -> Sequence[tuple[str, str]]:
    """The hidden fields that the next step needs."""
    found = [
        ("table", it.table.name),
        ("data", it.data),
        ("sheet", str(it.sheet)),
        ("header", str(it.reading.header)),
        ("mapped", f"{it.table.name}.{it.sheet}.{it.reading.header}"),
        ("numbers", it.reading.numbers),
        ("days", it.reading.days),
        ("cycle", it.cycle),
        ("run", it.run),
    ]
    found += [(f"c{column}", name) for name, column in it.reading.columns.items()]
    found += [(f"f.{name}", text) for name, text in it.reading.fixed.items()]
    if fixes:
        found += [(f"x.{row}.{column}", text) for (row, column), text in it.fixes.items()]
    return found
