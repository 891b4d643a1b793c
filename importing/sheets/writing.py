"""Carries out what was ticked, as one: all of it or nothing. All of it was checked before."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.message import Message

from eventkit import contracts
from eventkit.errors import Rejected
from eventkit.rpc.call import REQUEST_BYTES
from importing.sheets.checking import AT_ONCE, BATCHES, batch, key_in
from importing.sheets.plan import Deed
from importing.sheets.standing import Services
from nhip.common.v1.command_pb2 import Verdict
from nhip.common.v1.operations_pb2 import CarryOutTogether, Step

SECONDS = 300.0
"""How long carrying it out may take."""
_METHODS: Mapping[str, tuple[str, str]] = {
    rpc.input_type.full_name: (context, rpc.name)
    for context, api in contracts.services().items()
    for rpc in api.methods
}
_AROUND = 64 << 10
"""Of a request, what is not its steps."""


@dataclass(slots=True)
class Report:
    """What became of it."""

    total: int
    seconds: int = 0
    """For how long it has been carried out."""
    done: int = 0
    """All or none."""
    made: Counter[str] = field(default_factory=Counter[str])
    """By kind, what is new."""
    changed: Counter[str] = field(default_factory=Counter[str])
    """By kind, what was changed."""
    already: int = 0
    """What had been done before: another run of the same."""
    stopped: tuple[Deed | None, Rejected] | None = None
    """What was refused all the same, because something changed meanwhile, and so nothing was written."""
    unknown: bool = False
    """Nobody answered: it may have been written. Bringing it in again writes nothing twice."""
    proposals: list[str] = field(default_factory=list[str])


async def write(services: Services, deeds: Sequence[Deed], run: str) -> AsyncIterator[Report]:
    """Yields the report every second; the last one is final."""
    report = Report(len(deeds))
    yield report
    if not deeds:
        return
    parts = _parts(deeds)
    context, request = await asyncio.to_thread(_request, parts, run)
    if request.ByteSize() > REQUEST_BYTES - _AROUND:
        report.stopped = None, Rejected("TOO_MUCH_AT_ONCE", "this is more than is carried out as one: divide the file")
        yield report
        return
    carried_out = asyncio.create_task(services.together(context, request, key=run, seconds=SECONDS))
    try:
        while not (await asyncio.wait([carried_out], timeout=1.0))[0]:
            report.seconds += 1
            yield report
    finally:
        carried_out.cancel()
    try:
        done = carried_out.result()
    except Rejected as refusal:
        report.stopped = _refused(parts, refusal), refusal
        report.unknown = refusal.reason in _UNANSWERED
    else:
        for deed, verdict in zip(deeds, done.verdicts, strict=True):
            _count(report, deed, verdict)
    yield report


async def first_refused(services: Services, deeds: Sequence[Deed], run: str) -> tuple[Deed, Rejected] | None:
    """Which of them would be refused if all were carried out now, and why; None: none, or that cannot be said."""
    parts = _parts(deeds)
    context, request = await asyncio.to_thread(_request, parts, run)
    if request.ByteSize() > REQUEST_BYTES - _AROUND:
        return None  # which the writing says
    try:
        await services.together(context, request, key=run, seconds=SECONDS, check=True)
    except Rejected as refusal:
        deed = _refused(parts, refusal)
        return (deed, refusal) if deed and refusal.reason not in _UNANSWERED else None
    return None


_UNANSWERED = (
    "SERVICE_AWAY",
    "SERVICE_SLOW",
    "DEADLINE_EXCEEDED",
    "SHUTTING_DOWN",
    "TEMPORARILY_UNAVAILABLE",
    "REPLY_TOO_LARGE",
    "INTERNAL",
)
"""Of these nobody can say whether it was carried out."""


def _count(report: Report, deed: Deed, verdict: Verdict) -> None:
    report.done += 1
    if verdict.repeated or verdict.unchanged:
        report.already += 1
    elif deed.key or deed.kind == "proposal":
        report.made[deed.kind] += 1
    else:
        report.changed[deed.kind] += 1
    if deed.kind == "proposal":
        report.proposals.append(verdict.id)


def _refused(parts: Sequence[Sequence[Deed]], refusal: Rejected) -> Deed | None:
    """Whose command it was."""
    step, item = refusal.parameters.get("step"), refusal.parameters.get("item", "0")
    if step is None:
        return None
    for one in refusal.violations[:1]:
        if found := re.match(r"steps\[\d+\]\.items\[(\d+)\]", one.field):
            item = found[1]
    return parts[int(step)][int(item)]


def _parts(deeds: Sequence[Deed]) -> list[list[Deed]]:
    """Those that can be one step: of one kind, none resting on another of them."""
    parts: list[list[Deed]] = []
    refs: set[str] = set()
    for deed in deeds:
        last = parts[-1] if parts else []
        alike = bool(last) and bool(deed.key) and bool(last[0].key) and last[0].kind == deed.kind
        if alike and deed.kind in _TOGETHER and len(last) < AT_ONCE and not refs.intersection(deed.after):
            last.append(deed)
        else:
            parts.append([deed])
            refs = set()
        refs.add(deed.ref)
    return parts


_TOGETHER = ("person", "kpi", "value", "check_in")
"""Kinds of what can be made together."""


def _request(parts: Sequence[Sequence[Deed]], run: str) -> tuple[str, CarryOutTogether]:
    """All of it, and the service that carries it out: no table has rows of two."""
    steps: list[Step] = []
    contexts: set[str] = set()
    for deeds in parts:
        requests: list[tuple[Message, str]] = [(deed.build(_named), key_in(deed, run)) for deed in deeds]
        together = type(requests[0][0]) in BATCHES
        request = batch(requests) if together else requests[0][0]
        context, method = _METHODS[request.DESCRIPTOR.full_name]
        contexts.add(context)
        steps.append(
            Step(
                method=method,
                request=request.SerializeToString(),
                key="" if together else requests[0][1],
                refs=[deed.ref for deed in deeds] if any(deed.ref for deed in deeds) else [],
            )
        )
    [context] = contexts
    return context, CarryOutTogether(service=context, steps=steps)


def _named(_kind: str, ref: str) -> str:
    """What is there by its id; what is not there yet by its reference, which the service puts an id in the place of."""
    return ref
