"""`nhip import` of one table in a spreadsheet: the same reading, checks and commands as in the console."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from uuid import uuid4

import yaml
from google.protobuf.message import Message
from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.table import Table as Printed

from cli.catalog import SERVICES
from cli.client import Client
from cli.running import WRONG_USE, Failed, say
from eventkit.names import name_key
from eventkit.values import plain
from importing.sheets import kept
from importing.sheets.dry_run import Result, Wanted, dry_run, seen
from importing.sheets.faults import Fault
from importing.sheets.grid import Book, Grid, Unreadable, letter, read
from importing.sheets.mapping import Reading, guess, headings_of
from importing.sheets.plan import Deed
from importing.sheets.standing import Reply
from importing.sheets.table import Table, heading
from importing.sheets.tables import TABLES
from importing.sheets.writing import Report, write
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.operations_pb2 import CarryOutTogether
from nhip.goals.v1.goals_pb2 import Cycles, ListCycles
from nhip.people.v1.people_pb2 import GetTenant, Tenant
from nhip.people.v1.settings_pb2 import TableMapping
from services.gateway.console.language import Language
from services.gateway.console.sheet_words import (
    fault_text,
    field_words,
    file_words,
    kind_words,
    obstacle_text,
    refusal_text,
)

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
MOST_TOLD = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command line."""

    table: str
    mapping: Path | None
    sheet: str
    cycle: str
    numbers: str
    days: str
    check: bool
    skip_wrong: bool
    update: bool
    keep: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Sending:
    """The services, as the importer sees them: each command waits for what others did before it."""

    client: Client

    async def ask(self, request: Message, reply: type[Reply], /) -> Reply:
        return await self.client.ask(request, reply, after=self.client.positions.all())

    async def command(self, request: Message, /, *, key: str, check: bool = False) -> Accepted:
        own = request.DESCRIPTOR.full_name.split(".")[1]
        after = self.client.positions.of(context for context in SERVICES if context != own)
        return await self.client.command(request, key=key, after=after, check=check)

    async def together(
        self, context: str, request: CarryOutTogether, /, *, key: str, seconds: float, check: bool = False
    ) -> Accepted:
        after = self.client.positions.of(one for one in SERVICES if one != context)
        return await self.client.command(request, key=key, at=context, after=after, deadline=seconds, check=check)


def read_sheet(path: Path, asked: Asked) -> tuple[Table, Grid, Reading]:
    """The sheet, and how it is read. Raises `Failed`."""
    if asked.table not in TABLES:
        raise Failed(f"say which table it is: --table {', '.join(TABLES)}", code=WRONG_USE)
    table = TABLES[asked.table]
    book = _book(path)
    grid = _sheet(book, asked.sheet)
    reading = guess(grid, table).mapping
    if asked.mapping:
        reading = _mapped(asked.mapping, grid, table, reading)
    return table, grid, replace(reading, numbers=asked.numbers or reading.numbers, days=asked.days or reading.days)


def _book(path: Path) -> Book:
    try:
        return read(path.read_bytes(), path.name)
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}", code=WRONG_USE) from None
    except Unreadable as error:
        why = file_words(Language("en"))[error.reason] % error.parameters
        raise Failed(f"{path}: {why}", code=WRONG_USE) from None


def _sheet(book: Book, name: str) -> Grid:
    shown = [grid for grid in book.grids if not grid.hidden] or list(book.grids)
    if not name and len(shown) == 1:
        return shown[0]
    found = [grid for grid in book.grids if name_key(grid.name) == name_key(name)]
    if len(found) == 1:
        return found[0]
    raise Failed(f"say which sheet: --sheet {', '.join(repr(grid.name) for grid in book.grids)}", code=WRONG_USE)


class _Mapping(BaseModel, extra="forbid"):
    """A mapping as a file says it."""

    header: int = 0
    columns: dict[str, str | None] | None = None
    """By a column's heading or letter, its field; null leaves it out."""
    fixed: dict[str, str] = {}
    numbers: Literal["vi", "en", ""] = ""
    days: Literal["dmy", "mdy", ""] = ""


def _mapped(path: Path, grid: Grid, table: Table, guessed: Reading) -> Reading:
    """As a file says it, else as it was guessed. Raises `Failed`."""
    try:
        said = _Mapping.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise Failed(f"{path} cannot be read: {error}", code=WRONG_USE) from None
    header = said.header or guessed.header
    headings = headings_of(grid, header)
    columns: dict[str, int] = {}
    for called, name in (said.columns or {}).items():
        found = [n for n, text in headings.items() if heading(text) == heading(called) or letter(n) == called]
        if not found:
            raise Failed(f"{path}: there is no column {called!r}", code=WRONG_USE)
        if name:
            columns[name] = found[0]
    if wrong := [name for name in (*columns, *said.fixed) if name not in table]:
        fields = ", ".join(field.name for field in table.fields)
        raise Failed(f"{path}: {table.name} have no field {wrong[0]!r}: there are {fields}", code=WRONG_USE)
    return Reading(
        header,
        columns if said.columns is not None else guessed.columns,
        said.fixed,
        said.numbers or guessed.numbers,
        said.days or guessed.days,
    )


async def bring_table(path: Path, asked: Asked, client: Client) -> None:
    """Raises `Failed`, with exit code 1, where something was left out or stays different without being told to."""
    table, grid, reading = await asyncio.to_thread(read_sheet, path, asked)
    services, run = Sending(client), uuid4().hex
    if not asked.mapping:
        reading = await _as_kept(services, table, grid, reading, asked)
    cycle = await _cycle(services, asked.cycle) if table.of_cycle else ""
    reason = asked.reason or f"Import of {path.name}"
    wanted = Wanted(table, grid, reading, cycle, title=reason[:120], reason=reason)
    _tell_reading(table, grid, reading)
    result = await dry_run(services, wanted, run)
    plan = result.plan
    _tell_plan(path, result, reading)
    if plan.faults and not asked.skip_wrong:
        raise Failed(f"Nothing was written: {len(plan.wrong)} rows to put right (--skip-wrong leaves them out)", code=2)
    differences = plan.differences()
    ticked = frozenset(d.name for d in differences if not d.obstacle) if asked.update else frozenset[str]()
    deeds = plan.deeds(ticked)
    left = [d for d in differences if d.name not in ticked]
    if asked.check:
        say(f"{path}: {len(deeds)} to be written, {len(left)} stay different")
    elif deeds:
        await _write(services, deeds, run)
        await services.command(kept.to_keep(table, grid, reading), key=f"{run}:mapping")
        # Until whoever asks next, as the import of another table, is answered with it.
        await services.ask(GetTenant(), Tenant)
        await services.ask(ListCycles(), Cycles)
    else:
        say("Nothing had to be written")
    if left and not asked.keep:
        raise Failed(f"{len(left)} stay different (--update applies what a file can change, --keep leaves them)")


async def _as_kept(services: Sending, table: Table, grid: Grid, guessed: Reading, asked: Asked) -> Reading:
    """As a table with these headings was read last time, else as it was guessed."""
    question = kept.to_ask(table, grid, guessed.header)
    if not question.headings:
        return guessed
    found = kept.as_kept(await services.ask(question, TableMapping), table, grid, guessed.header)
    if found is None:
        return guessed
    say("Read as the last table with these headings was (--mapping says otherwise)")
    return replace(found, numbers=asked.numbers or found.numbers, days=asked.days or found.days)


async def _write(services: Sending, deeds: Sequence[Deed], run: str) -> None:
    report: Report | None = None
    console = Console()
    with console.status("Writing") as status:
        async for report in write(services, deeds, run):
            status.update(f"Writing {report.total} as one: {report.seconds} s")
    assert report is not None
    words = kind_words(Language("en"))
    for verb, counts in (("made", report.made), ("changed", report.changed)):
        for kind, number in counts.items():
            say(f"{number} {words[kind]} {verb}")
    if report.already:
        say(f"{report.already} had been done before")
    if report.stopped:
        deed, refusal = report.stopped
        told = f"{refusal_text(refusal, Language('en'))} ({refusal.reason})"
        if report.unknown:
            raise Failed(f"Nobody answered: {told}. Run it again: what was written is not written twice")
        row = f"row {deed.row} was refused: " if deed else ""
        raise Failed(f"{row}{told}. Nothing was written; run it again when this is put right")


async def _cycle(services: Sending, named: str) -> str:
    cycles = (await services.ask(ListCycles(), Cycles)).cycles
    if not named:
        return cycles[0].cycle_id if cycles else ""
    found = [cycle for cycle in cycles if named == cycle.cycle_id or name_key(cycle.name) == name_key(named)]
    if len(found) != 1:
        names = ", ".join(repr(cycle.name) for cycle in cycles)
        raise Failed(f"there is no cycle {named!r}: there are {names or 'none'}", code=WRONG_USE)
    return found[0].cycle_id


def _tell_reading(table: Table, grid: Grid, reading: Reading) -> None:
    words, headings = field_words(Language("en")), headings_of(grid, reading.header)
    by_column = {column: name for name, column in reading.columns.items()}
    printed = Printed(title=f"{table.name} in {grid.name!r}, headings in row {reading.header}", title_justify="left")
    for title in ("column", "heading", "field"):
        printed.add_column(title)
    for column, text in headings.items():
        name = by_column.get(column, "")
        printed.add_row(letter(column), text, f"{name} ({words[name]})" if name else "left out")
    Console().print(printed)


def _tell_plan(path: Path, result: Result, reading: Reading) -> None:
    language, plan = Language("en"), result.plan
    words = field_words(language)
    if plan.passed_over:
        say(f"Passed over as headings: rows {seen(plan.passed_over)}")
    for fault in plan.faults[:MOST_TOLD]:
        say(f"{path}: {_place(fault, reading)}: {_told(fault, words)}{fault_text(fault, language)}{_right(fault)}")
    if len(plan.faults) > MOST_TOLD:
        say(f"… and {len(plan.faults) - MOST_TOLD} more")
    differences = plan.differences()
    for one in differences[:MOST_TOLD]:
        why = f" – {obstacle_text(one.obstacle, language)}" if one.obstacle else ""
        say(f"row {one.row}: {words[one.field]}: {one.before or '–'} → {one.after}{why}")
    if len(differences) > MOST_TOLD:
        say(f"… and {len(differences) - MOST_TOLD} more")
    for who, total in plan.over_full.items():
        say(f"{who} would have weights of {plain(total)} % together")
    counts = ", ".join(f"{plan.count(state)} {state}" for state in ("new", "different", "unchanged"))
    say(f"{counts}, {len(plan.wrong)} rows wrong")


def _place(fault: Fault, reading: Reading) -> str:
    column = fault.column or reading.columns.get(fault.field, 0)
    return f"row {fault.row}" + (f", column {letter(column)}" if column else "")


def _told(fault: Fault, words: Mapping[str, str]) -> str:
    called = words.get(fault.field, "")
    return f"{called}: {fault.value!r}: " if called and fault.value else f"{called}: " if called else ""


def _right(fault: Fault) -> str:
    return f" Perhaps {fault.right!r}?" if fault.right else ""


def is_table(path: Path, table: str) -> bool:
    """It is a spreadsheet, and no company's YAML."""
    return bool(table) or path.suffix.casefold() in SUFFIXES
