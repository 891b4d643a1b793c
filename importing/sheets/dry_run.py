"""A dry run: what bringing a sheet in would do, judged by the services, with nothing written."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from importing.sheets import check_ins, kpis, links, staff, strategy, values
from importing.sheets.checking import judged, leave_out_what_rests_on_wrong_rows, refuse
from importing.sheets.faults import Fault
from importing.sheets.grid import Grid
from importing.sheets.mapping import Reading
from importing.sheets.plan import Entry, Plan
from importing.sheets.rows import Rows, rows_of
from importing.sheets.standing import Services, Standing, addressed, standing
from importing.sheets.table import Table
from importing.sheets.writing import first_refused

REFUSALS = 10
"""Of what rests on other rows, that one dry run tells."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be brought in, and how it is read."""

    table: Table
    grid: Grid
    reading: Reading
    cycle: str = ""
    """The id of the cycle that KPIs, links and values belong to; empty: the one that is likely."""
    title: str = ""
    reason: str = ""
    """Of the proposal that asks for changes of KPIs."""
    fixes: Mapping[tuple[int, int], str] | None = None
    """By row and column, what shall stand there instead."""


@dataclass(frozen=True, slots=True)
class Result:
    plan: Plan
    rows: Rows
    there: Standing

    def fingerprint(self) -> str:
        """The same while the file and what it is compared with say the same."""
        parts = [f"{entry.row}{entry.state}{entry.differences}" for entry in self.plan.entries]
        parts += [f"{fault.row}{fault.field}{fault.reason}" for fault in self.plan.faults]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


async def dry_run(services: Services, wanted: Wanted, run: str) -> Result:
    """Raises `Rejected` where the services refuse as a whole: who asks may not do this, or a service is away."""
    there = await standing(services, wanted.table, wanted.cycle)
    found = await asyncio.to_thread(rows_of, fixed(wanted.grid, wanted.fixes or {}), wanted.table, wanted.reading)
    there.addresses = await addressed(services, found, there)
    if wanted.table.of_cycle and there.cycle is None:
        fault = Fault(wanted.reading.header, 0, "", "", "NO_CYCLE")
        return Result(Plan(faults=[fault]), found, there)
    stands: values.Recorded = {}
    if wanted.table.name == "values":
        stands = await values.recorded(services, found, there)
    known: dict[str, str] = {}
    while True:
        plan = await asyncio.to_thread(_planned, wanted, found, there, stands, dict(known))
        made = await judged(services, plan, run)
        _refuse_over_quota(plan, there, known)
        await _judged_as_one(services, plan, run)
        leave_out_what_rests_on_wrong_rows(plan)
        _place(plan, found, wanted.reading)
        unheard = {key: id for key, id in made.items() if key not in known}
        if not unheard:
            return Result(plan, found, there)
        known |= unheard  # these rows were brought in before: they are compared with what they made
        _gone(plan, made, there)
        if not any(_is_there(id, there) for id in unheard.values()):
            return Result(plan, found, there)


async def _judged_as_one(services: Services, plan: Plan, run: str) -> None:
    """What rests on other rows is judged with them, as it will be written. Only the first refusal is heard of each
    time: of a table with more of them the rest is told when these are put right."""
    for _ in range(REFUSALS):
        leave_out_what_rests_on_wrong_rows(plan)
        ticked = frozenset(one.name for one in plan.differences() if not one.obstacle)
        deeds = plan.deeds(ticked)
        if not any(ref.startswith("#") for deed in deeds for ref in deed.after):
            return
        found = await first_refused(services, deeds, run)
        if found is None or not refuse(plan, *found):
            return


def _refuse_over_quota(plan: Plan, there: Standing, known: Mapping[str, str]) -> None:
    """Of what is new, the rows for which there is no room, counted over the whole file; what the services said of a
    part of it they did not know the rest of."""
    for kind, reason, most, have in (
        ("person", "PEOPLE_QUOTA", there.quotas.people, sum(person.active for person in there.people.values())),
        ("kpi", "KPI_QUOTA", there.quotas.kpis, sum(not kpi.retired for kpi in there.kpis.values())),
    ):
        plan.faults = [fault for fault in plan.faults if fault.reason != reason]
        new = [entry for entry in plan.right() if entry.new and entry.new.kind == kind and entry.new.key not in known]
        if not most or have + len(new) <= most:
            continue
        told = {"most": str(most), "have": str(have + len(new))}
        message = (
            f"{most} are allowed by whoever operates this installation, and with this file it would be {told['have']}"
        )
        for entry in new[max(most - have, 0) :]:
            plan.faults.append(Fault(entry.row, 0, "", entry.label, reason, told, "", message))


def _place(plan: Plan, found: Rows, reading: Reading) -> None:
    """What a service said of a field, where it stands in the file; in the order of the rows."""
    cells = {row.number: row.cells for row in found.rows}
    for at, fault in enumerate(plan.faults):
        if fault.field in reading.columns and not fault.column:
            value = cells.get(fault.row, {}).get(fault.field, "")
            plan.faults[at] = replace(fault, column=reading.columns[fault.field], value=value)
    plan.faults.sort(key=lambda fault: (fault.row, fault.column))


def _is_there(id: str, there: Standing) -> bool:
    return any(id in things for things in (there.people, there.units, there.goals, there.csfs, there.kpis))


def _gone(plan: Plan, made: Mapping[str, str], there: Standing) -> None:
    """What a row made before is not in the way it was compared with: it was closed, or ended."""
    for at, entry in enumerate(plan.entries):
        if entry.new is None or not (id := made.get(entry.new.key)) or _is_there(id, there):
            continue
        on_no_list = entry.new.kind in ("goal", "csf") and there.cycle is None  # only a cycle's map shows them
        if on_no_list or entry.new.kind == "check_in":  # whoever brings them in does not read them
            plan.entries[at] = Entry(entry.row, entry.label, others=entry.others)
        else:
            plan.faults.append(Fault(entry.row, 0, "", entry.label, "IMPORTED_BEFORE"))


def _planned(wanted: Wanted, found: Rows, there: Standing, stands: values.Recorded, known: Mapping[str, str]) -> Plan:
    planning: Mapping[str, Callable[[], Plan]] = {
        "people": lambda: staff.people(found, there, known),
        "units": lambda: staff.units(found, there, known),
        "goals": lambda: strategy.goals(found, there),
        "csfs": lambda: strategy.csfs(found, there),
        "kpis": lambda: kpis.kpis(found, there, known, wanted.title, wanted.reason),
        "links": lambda: links.links(found, there),
        "values": lambda: values.values(found, there, stands),
        "check_ins": lambda: check_ins.check_ins(found, there),
    }
    return planning[wanted.table.name]()


def fixed(grid: Grid, fixes: Mapping[tuple[int, int], str]) -> Grid:
    """A sheet with other cells in some places."""
    if not fixes:
        return grid
    rows: list[list[object]] = [list(row) for row in grid.rows]
    for (row, column), text in fixes.items():
        if 0 < row <= len(rows) and column > 0:
            cells = rows[row - 1]
            cells.extend([None] * (column - len(cells)))
            cells[column - 1] = text or None
    return Grid(grid.name, rows, grid.hidden)  # pyright: ignore[reportArgumentType]  -- cells stay cells


def seen(rows: Sequence[int]) -> str:
    """Numbers of rows as people say them: 2–4, 7."""
    parts: list[str] = []
    start = end = 0
    for row in [*rows, 0]:
        if row == end + 1 and start:
            end = row
            continue
        if start:
            parts.append(f"{start}–{end}" if end > start else str(start))
        start = end = row
    return ", ".join(parts)
