"""Whether the services would take it: asked of them for every command, before the first is sent."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from google.protobuf.message import Message

from eventkit.errors import Kind, Rejected, Violation
from eventkit.rpc.rules import violations
from importing.sheets.faults import Fault
from importing.sheets.plan import Deed, Difference, Entry, Plan
from importing.sheets.standing import Services
from nhip.checkins.v1 import check_ins_pb2 as ci
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1.command_pb2 import Verdict
from nhip.goals.v1 import goals_pb2 as g
from nhip.people.v1 import people_pb2 as p

AT_ONCE = 200
"""Commands in one request."""
BESIDE = 8
"""Requests at the same time."""
FIELDS: Mapping[str, str] = {
    "unit_id": "unit",
    "manager_id": "manager",
    "employee_code": "code",
    "parent_id": "parent",
    "person_id": "head",
    "owner_ids": "owners",
    "exact_weight": "weight",
    "goal_ids": "supports",
    "csf_id": "parent",
    "goal_id": "parent",
    "kpi_id": "kpi",
    "occurred_on": "day",
    "due_on": "day",
}
"""What a table calls a field of a request."""


@dataclass(slots=True)
class Verdicts:
    refused: dict[int, Rejected] = field(default_factory=dict[int, Rejected])
    """By the number of the deed."""
    made: dict[str, str] = field(default_factory=dict[str, str])
    """By key, what the same row made when it was brought in before."""


async def judged(services: Services, plan: Plan, run: str) -> dict[str, str]:
    """The plan with what the services would refuse among its faults, and obstacles at differences that they would.

    Answers what rows made when they were brought in before, by key. Raises `Rejected` where who asks may not bring
    such a table in at all.
    """
    entries = [entry for entry in plan.right() if entry.new]
    deeds = [deed for entry in entries for deed in (entry.new, *entry.more) if deed]
    verdicts = await _asked(services, deeds, run)
    by_row = {entry.row: entry for entry in entries}
    for number, refusal in verdicts.refused.items():
        deed = deeds[number]
        if deed.key not in verdicts.made:
            plan.faults += _faults(deed, refusal, plan, by_row[deed.row])
    await _changes(services, plan, run)
    return verdicts.made


def refuse(plan: Plan, deed: Deed, refusal: Rejected) -> bool:
    """The plan with what a service says to one of its deeds, which it judged with all the others; False where that is
    no row's."""
    for at, entry in enumerate(plan.entries):
        if entry.row != deed.row:
            continue
        if deed.key or deed in entry.more:
            plan.faults += _faults(deed, refusal, plan, entry)
        else:
            plan.entries[at] = replace(entry, differences=tuple(_hindered(entry.differences, deed, refusal, plan)))
        return True
    return False


def leave_out_what_rests_on_wrong_rows(plan: Plan) -> None:
    """Rows that name what a wrong row would make: it is not there either where that row is left out."""
    made = {entry.new.ref: entry.row for entry in plan.entries if entry.new and entry.new.ref}
    while True:
        wrong = plan.wrong
        found = [
            Fault(entry.row, 0, "", entry.label, "RESTS_ON_WRONG", {"row": str(row)})
            for entry in plan.entries
            if entry.new and wrong.isdisjoint((entry.row, *entry.others))
            for row in sorted({made[ref] for deed in (entry.new, *entry.more) for ref in deed.after if ref in made})[:1]
            if row in wrong
        ]
        if not found:
            return
        plan.faults += found


async def _changes(services: Services, plan: Plan, run: str) -> None:
    """Whether each difference could be applied."""
    wanted: list[tuple[int, Deed]] = []
    wrong = plan.wrong
    for at, entry in enumerate(plan.entries):
        tickable = [difference for difference in entry.differences if not difference.obstacle]
        if entry.row in wrong or not tickable:
            continue
        deeds = (
            plan.changing(tickable)
            if plan.changing
            else entry.change(frozenset(difference.field for difference in tickable))
            if entry.change
            else ()
        )
        wanted += [(at, deed) for deed in deeds]
    verdicts = await _asked(services, [deed for _, deed in wanted], run)
    for number, refusal in verdicts.refused.items():
        at, deed = wanted[number]
        entry = plan.entries[at]
        plan.entries[at] = replace(entry, differences=tuple(_hindered(entry.differences, deed, refusal, plan)))


def _hindered(differences: Iterable[Difference], deed: Deed, refusal: Rejected, plan: Plan) -> Iterable[Difference]:
    of_deed = {"unit": ("unit", "manager"), "code": ("code", "joined_on")}.get(deed.field, (deed.field,))
    for difference in differences:
        hit = plan.changing is not None or difference.field in of_deed
        yield replace(difference, obstacle=refusal.reason) if hit and not difference.obstacle else difference


async def _asked(services: Services, deeds: Sequence[Deed], run: str) -> Verdicts:
    """What the services say to each, with what is not there yet left out."""
    verdicts = Verdicts()
    requests: dict[int, Message] = {}
    for number, deed in enumerate(deeds):
        request = deed.build(there_already)
        if found := _complete(deed, violations(request)):
            verdicts.refused[number] = Rejected(found[0].reason, found[0].message, kind=Kind.INVALID, violations=found)
        elif all(not ref.startswith("#") for ref in deed.after) or deed.key:
            requests[number] = request
        await asyncio.sleep(0)  # of many rows none takes the whole loop
    gate = asyncio.Semaphore(BESIDE)

    async def ask(numbers: Sequence[int]) -> None:
        async with gate:
            await _ask(services, deeds, requests, numbers, verdicts, run)

    tasks = [asyncio.create_task(ask(numbers)) for numbers in _parts(requests)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    return verdicts


def there_already(_kind: str, ref: str) -> str:
    """Ids of what is there; none of what is not there yet."""
    return "" if ref.startswith("#") else ref


def _complete(deed: Deed, found: Sequence[Violation]) -> tuple[Violation, ...]:
    """Without what is missing only because it is not there yet."""
    if any(ref.startswith("#") for ref in deed.after):
        return tuple(one for one in found if not one.field.endswith("_id"))
    return tuple(found)


def _parts(requests: Mapping[int, Message]) -> Iterable[Sequence[int]]:
    batches: dict[type[Message], list[int]] = {}
    for number, request in requests.items():
        if type(request) in BATCHES:
            batches.setdefault(type(request), []).append(number)
        else:
            yield [number]
    for numbers in batches.values():
        for at in range(0, len(numbers), AT_ONCE):
            yield numbers[at : at + AT_ONCE]


async def _ask(
    services: Services,
    deeds: Sequence[Deed],
    requests: Mapping[int, Message],
    numbers: Sequence[int],
    verdicts: Verdicts,
    run: str,
) -> None:
    first = requests[numbers[0]]
    if type(first) not in BATCHES:
        [number] = numbers
        try:
            done = await services.command(first, key=key_in(deeds[number], run), check=True)
        except Rejected as refusal:
            _note(verdicts, deeds[number], number, refusal)
        else:
            if done.repeated and deeds[number].key:
                _note(verdicts, deeds[number], number, Rejected("IMPORTED_BEFORE", "", id=done.id))
        return
    items = [(requests[number], key_in(deeds[number], run)) for number in numbers]
    done = await services.command(batch(items), key=f"{run}:{numbers[0]}", check=True)
    for number, verdict in zip(numbers, done.verdicts, strict=True):
        if verdict.refused.reason:
            _note(verdicts, deeds[number], number, rejected(verdict))
        elif verdict.repeated and deeds[number].key:
            _note(verdicts, deeds[number], number, Rejected("IMPORTED_BEFORE", "", id=verdict.id))


def _note(verdicts: Verdicts, deed: Deed, number: int, refusal: Rejected) -> None:
    verdicts.refused[number] = refusal
    if refusal.reason in ("IMPORTED_BEFORE", "IDEMPOTENCY_KEY_REUSED") and deed.key and refusal.id:
        verdicts.made[deed.key] = refusal.id


_VALUE = re.compile(r"(?:^|\.)values\[(\d+)\]")


def _row(deed: Deed, field: str) -> int:
    """The row that a field of a deed stands in."""
    found = _VALUE.search(field)
    return deed.lines[int(found[1])] if found and int(found[1]) < len(deed.lines) else deed.row


def _faults(deed: Deed, refusal: Rejected, plan: Plan, entry: Entry) -> list[Fault]:
    if not refusal.violations:
        return [Fault(deed.row, 0, "", entry.label, refusal.reason, refusal.parameters, "", refusal.message)]
    found: list[Fault] = []
    for one in refusal.violations:
        last = one.field.rpartition(".")[2].partition("[")[0]
        name = "measured_in" if one.field.endswith("measure.unit") else FIELDS.get(last, last)
        name = "person" if deed.kind == "check_in" and last == "person_id" else name
        found.append(Fault(_row(deed, one.field), 0, name, "", one.reason, one.parameters, "", one.message))
    return found


# --- several commands in one request


def batch(items: Sequence[tuple[Message, str]]) -> Message:
    """Commands of one type, each with its key, as one request."""
    return BATCHES[type(items[0][0])](items)


def rejected(verdict: Verdict) -> Rejected:
    """A verdict's refusal."""
    refused = verdict.refused
    told = (Violation(refused.field, refused.reason, refused.message, dict(refused.parameters)),)
    return Rejected(
        refused.reason,
        refused.message,
        violations=told if refused.field else (),
        parameters=dict(refused.parameters),
        id=verdict.id,
    )


def key_in(deed: Deed, run: str) -> str:
    """What is new has the key of its row; a change that of this run, for it may be wanted again another day."""
    return deed.key or f"{run}:{deed.row}:{deed.field}:{deed.ref}"[:200]


def _people(items: Sequence[tuple[Message, str]]) -> Message:
    people = [p.PersonItem(person=one, key=key) for one, key in items if isinstance(one, p.RegisterPerson)]
    return p.BatchRegisterPeople(items=people)


def _kpis(items: Sequence[tuple[Message, str]]) -> Message:
    return g.BatchDefineKpis(items=[g.KpiItem(kpi=one, key=key) for one, key in items if isinstance(one, g.DefineKpi)])


def _values(items: Sequence[tuple[Message, str]]) -> Message:
    values = [c.ProgressItem(progress=one, key=key) for one, key in items if isinstance(one, c.RecordProgress)]
    return c.BatchRecordProgress(items=values)


def _check_ins(items: Sequence[tuple[Message, str]]) -> Message:
    made = [ci.CheckInItem(check_in=one, key=key) for one, key in items if isinstance(one, ci.SubmitCheckIn)]
    return ci.BatchSubmitCheckIns(items=made)


BATCHES: Mapping[type[Message], Callable[[Sequence[tuple[Message, str]]], Message]] = {
    p.RegisterPerson: _people,
    g.DefineKpi: _kpis,
    c.RecordProgress: _values,
    ci.SubmitCheckIn: _check_ins,
}
"""What can be sent together, and how."""
