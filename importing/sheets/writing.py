"""Carries out what was ticked, in order; all of it was checked before."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.message import Message

from eventkit.errors import Rejected
from importing.sheets.checking import AT_ONCE, BATCHES, batch, key_in, rejected
from importing.sheets.plan import Deed
from importing.sheets.standing import Services
from nhip.common.v1.command_pb2 import Verdict


@dataclass(slots=True)
class Report:
    """What became of it."""

    total: int
    done: int = 0
    made: Counter[str] = field(default_factory=Counter[str])
    """By kind, what is new."""
    changed: Counter[str] = field(default_factory=Counter[str])
    """By kind, what was changed."""
    already: int = 0
    """What had been done before: another run of the same."""
    stopped: tuple[Deed, Rejected] | None = None
    """What was refused all the same, because something changed meanwhile. What stands is above; running it again goes
    on behind it."""
    proposals: list[str] = field(default_factory=list[str])


async def write(services: Services, deeds: Sequence[Deed], run: str) -> AsyncIterator[Report]:
    """Yields the report as it grows; the last one is final."""
    report = Report(len(deeds))
    made: dict[str, str] = {}
    yield report
    for part in _parts(deeds):
        try:
            verdicts = await _sent(services, part, made, run)
        except Rejected as refusal:
            report.stopped = (part[0], refusal)
            yield report
            return
        for deed, verdict in zip(part, verdicts, strict=True):
            if verdict.refused.reason:
                report.stopped = report.stopped or (deed, rejected(verdict))
                continue
            _count(report, deed, verdict)
            if deed.key:
                made[deed.ref] = verdict.id
        yield report
        if report.stopped:
            return


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


def _parts(deeds: Sequence[Deed]) -> list[list[Deed]]:
    """Those that can be sent together: of one kind, none resting on another of them."""
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


_TOGETHER = ("person", "kpi", "value")
"""Kinds of what can be made together."""


async def _sent(services: Services, deeds: Sequence[Deed], made: Mapping[str, str], run: str) -> list[Verdict]:
    def ids(_kind: str, ref: str) -> str:
        return made[ref] if ref.startswith("#") else ref

    requests: list[tuple[Message, str]] = [(deed.build(ids), key_in(deed, run)) for deed in deeds]
    if type(requests[0][0]) in BATCHES:
        done = await services.command(batch(requests), key=f"{run}:{requests[0][1]}"[:200])
        return list(done.verdicts)
    [(request, key)] = requests
    done = await services.command(request, key=key)
    return [Verdict(id=done.id, repeated=done.repeated, unchanged=done.unchanged)]
