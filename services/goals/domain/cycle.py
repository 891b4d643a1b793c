"""A cycle: a span of days that KPIs are set for, from its planning to its closing (product decisions: "Cycles in
cycles", "States of a cycle", "Closing a cycle")."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.errors import Kind, Rejected, unknown
from eventkit.names import name_key
from eventkit.values import from_date, required_date
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import (
    CycleClosed,
    CycleClosingBegun,
    CycleCorrected,
    CycleOpened,
    CycleReopened,
    CycleSaid,
    CycleStarted,
    CycleWithdrawn,
    InnerCycleOpened,
    InnerCycleWithdrawn,
)
from nhip.goals.v1.goals_pb2 import CorrectCycle, OpenCycle

LONGEST_CYCLE_DAYS = 400
YEARS_BACK, YEARS_AHEAD = 20, 5
"""A cycle that starts farther from today is a typing error, as 2062 for 2026."""
DEEPEST = 4
"""So many cycles lie in each other at most: a week in a month in a quarter in a year."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle as its events left it; both its first and its last day belong to it."""

    id: str
    name: str
    starts_on: date
    ends_on: date
    state: t.CycleState.ValueType = t.CYCLE_STATE_RUNNING
    enclosing: tuple[str, ...] = ()
    """The cycles that it lies in, the nearest first."""
    inner: tuple[str, ...] = ()
    """Those that lie in it directly."""
    withdrawn: bool = False

    @property
    def alignment_id(self) -> str:
        """The stream of its KPIs' links: the outermost cycle's."""
        return self.enclosing[-1] if self.enclosing else self.id

    @property
    def said(self) -> CycleSaid:
        return CycleSaid(name=self.name, starts_on=from_date(self.starts_on), ends_on=from_date(self.ends_on))


CycleEvent = (
    CycleOpened
    | CycleCorrected
    | CycleWithdrawn
    | CycleStarted
    | CycleClosingBegun
    | CycleClosed
    | CycleReopened
    | InnerCycleOpened
    | InnerCycleWithdrawn
)


def evolve(cycle: Cycle | None, event: CycleEvent) -> Cycle:
    match event:
        case CycleOpened():
            return Cycle(
                event.cycle_id,
                event.name,
                required_date(event.starts_on),
                required_date(event.ends_on),
                t.CYCLE_STATE_PLANNED if event.planned else t.CYCLE_STATE_RUNNING,
                tuple(event.enclosing_ids),
            )
        case CycleCorrected(after=said):
            return replace(
                begun(cycle, event),
                name=said.name,
                starts_on=required_date(said.starts_on),
                ends_on=required_date(said.ends_on),
            )
        case CycleWithdrawn():
            return replace(begun(cycle, event), withdrawn=True)
        case CycleStarted() | CycleReopened():
            return replace(begun(cycle, event), state=t.CYCLE_STATE_RUNNING)
        case CycleClosingBegun():
            return replace(begun(cycle, event), state=t.CYCLE_STATE_CLOSING)
        case CycleClosed():
            return replace(begun(cycle, event), state=t.CYCLE_STATE_CLOSED)
        case InnerCycleOpened(inner_id=id):
            cycle = begun(cycle, event)
            return replace(cycle, inner=(*cycle.inner, id))
        case InnerCycleWithdrawn(inner_id=id):
            cycle = begun(cycle, event)
            return replace(cycle, inner=tuple(inner for inner in cycle.inner if inner != id))
        case _:
            refuse_unknown(event)


CYCLE = Aggregate[Cycle | None]("cycle", None, evolve)


def there(cycle: Cycle | None, cycle_id: str, field: str = "cycle_id") -> Cycle:
    """Raises `Rejected` CYCLE_UNKNOWN, also for one that was withdrawn."""
    if cycle is None or cycle.withdrawn:
        raise unknown("cycle", cycle_id, field)
    return cycle


def within(cycle: Cycle, day: date, field: str) -> None:
    """Raises `Rejected` OUTSIDE_CYCLE for a day that is none of the cycle's."""
    if not cycle.starts_on <= day <= cycle.ends_on:
        wanted = f"give a day of the cycle, from {cycle.starts_on} to {cycle.ends_on}"
        raise Rejected("OUTSIDE_CYCLE", wanted, kind=Kind.INVALID, field=field)


def check_planned(cycle: Cycle, field: str = "cycle_id") -> None:
    """KPIs are set and changed directly only while their cycle is planned. Raises `Rejected` CYCLE_RUNS,
    CYCLE_CLOSED."""
    check_not_closed(cycle, field)
    if cycle.state != t.CYCLE_STATE_PLANNED:
        told = f"{cycle.name!r} runs: a KPI of it changes by a proposal that somebody else approves"
        raise Rejected("CYCLE_RUNS", told, field=field, rule="G-69")


def check_not_closed(cycle: Cycle, field: str = "cycle_id") -> None:
    """Raises `Rejected` CYCLE_CLOSED."""
    if cycle.state in (t.CYCLE_STATE_CLOSING, t.CYCLE_STATE_CLOSED):
        told = f"{cycle.name!r} is closed: nothing of it changes unless an executive reopens it"
        raise Rejected("CYCLE_CLOSED", told, field=field)


def check_open(cycle: Cycle, today: date, reason_class: t.ReasonClass.ValueType = t.REASON_CLASS_UNSPECIFIED) -> None:
    """What was aimed at is not changed once it is over, so that no miss becomes a success; a mistake is put right as a
    correction, which the history calls so. Raises `Rejected` CYCLE_ENDED, CYCLE_CLOSED."""
    check_not_closed(cycle)
    if cycle.ends_on < today and reason_class != t.REASON_CLASS_CORRECTION:
        told = f"{cycle.name!r} ended on {cycle.ends_on}: what it aimed at is only corrected now"
        raise Rejected("CYCLE_ENDED", told, field="reason_class" if reason_class else "cycle_id")


def open_cycle(
    command: OpenCycle, cycle_id: str, today: date, taken: Container[str] = (), outer: Cycle | None = None
) -> Decision:
    """`taken`: the names of cycles that are known, as they are compared. `outer`: what `within_id` names."""
    said = CycleSaid(name=command.name, starts_on=command.starts_on, ends_on=command.ends_on)
    _plausible(said, today, taken)
    opened = CycleOpened(
        cycle_id=cycle_id, name=said.name, starts_on=said.starts_on, ends_on=said.ends_on, planned=True
    )
    if not command.within_id:
        return [StreamEvent(CYCLE(cycle_id), opened)]
    outer = there(outer, command.within_id, "within_id")
    check_not_closed(outer, "within_id")
    if len(outer.enclosing) + 2 > DEEPEST:
        deepest = f"at most {DEEPEST} cycles lie in each other"
        raise Rejected("CYCLE_TOO_DEEP", deepest, kind=Kind.INVALID, field="within_id")
    _inside(said, outer)
    opened.enclosing_ids.extend((outer.id, *outer.enclosing))
    return [
        StreamEvent(CYCLE(cycle_id), opened),
        StreamEvent(CYCLE(outer.id), InnerCycleOpened(cycle_id=outer.id, inner_id=cycle_id)),
    ]


def correct(
    cycle: Cycle,
    command: CorrectCycle,
    today: date,
    taken: Container[str],
    outer: Cycle | None,
    inner: Iterable[Cycle],
    last: date | None = None,
) -> Decision:
    """`outer`, `inner`: the cycle that it lies in, and those that lie in it directly. `last`: the last day on which a
    KPI of it comes into force."""
    check_not_closed(cycle)
    after = CycleSaid(name=command.name, starts_on=command.starts_on, ends_on=command.ends_on)
    if after == cycle.said:
        return []
    renamed = name_key(after.name) != name_key(cycle.name)
    if (after.starts_on, after.ends_on) != (cycle.said.starts_on, cycle.said.ends_on):
        if cycle.state != t.CYCLE_STATE_PLANNED:
            raise Rejected("CYCLE_RUNS", f"{cycle.name!r} runs: its days stay", field="starts_on")
        _plausible(after, today, taken if renamed else ())
        if outer is not None:
            _inside(after, outer)
        for each in inner:
            _around(after, each)
        if last is not None and required_date(after.ends_on) < last:
            told = f"a KPI of it is in force from {last} on only: give a last day behind that"
            raise Rejected("KPI_OUTSIDE_CYCLE", told, field="ends_on")
    elif renamed:
        _not_taken(after.name, taken)
    return [StreamEvent(CYCLE(cycle.id), CycleCorrected(cycle_id=cycle.id, before=cycle.said, after=after))]


def withdraw(cycle: Cycle, reason: PersonalText, *, kpis: int, proposals: int) -> Decision:
    """`kpis`, `proposals`: how many it ever had."""
    if cycle.state != t.CYCLE_STATE_PLANNED:
        raise Rejected("CYCLE_RUNS", f"{cycle.name!r} was started: it is not taken back any more", field="cycle_id")
    if kpis or proposals or cycle.inner:
        hanging = f"{kpis} KPIs, {proposals} proposals and {len(cycle.inner)} cycles"
        told = f"{hanging} are in {cycle.name!r}: only an empty one is withdrawn"
        raise Rejected("CYCLE_IN_USE", told, field="cycle_id")
    events = [StreamEvent(CYCLE(cycle.id), CycleWithdrawn(cycle_id=cycle.id, reason=reason))]
    if cycle.enclosing:
        left = InnerCycleWithdrawn(cycle_id=cycle.enclosing[0], inner_id=cycle.id)
        events.append(StreamEvent(CYCLE(cycle.enclosing[0]), left))
    return events


def start(cycle: Cycle, *, kpis: int, uneven: int, by_executive: bool, with_uneven_weights: bool) -> Decision:
    """`uneven`: the people whose weights do not add up to 100; that they start so is an executive's word (G-45)."""
    check_not_closed(cycle)
    if cycle.state == t.CYCLE_STATE_RUNNING:
        return []
    if not kpis and not cycle.inner:
        raise Rejected("CYCLE_EMPTY", f"{cycle.name!r} has no KPI yet: set what it is for first", field="cycle_id")
    if uneven and not (by_executive and with_uneven_weights):
        raise Rejected(
            "WEIGHTS_UNEVEN",
            f"the weights of {uneven} people do not add up to 100: mend them, or an executive starts it all the same",
            field="with_uneven_weights",
            rule="G-45",
        )
    return [StreamEvent(CYCLE(cycle.id), CycleStarted(cycle_id=cycle.id, uneven_weights=uneven))]


def close(cycle: Cycle, today: date, *, waiting: int, inner: Iterable[Cycle]) -> Decision:
    """`waiting`: proposals in it that wait for a decision. `inner`: the cycles that lie in it directly."""
    if cycle.state in (t.CYCLE_STATE_CLOSING, t.CYCLE_STATE_CLOSED):
        return []
    if obstacle := hindered_from_closing(cycle, today, waiting=waiting, inner=inner):
        raise obstacle
    return [StreamEvent(CYCLE(cycle.id), CycleClosingBegun(cycle_id=cycle.id))]


class Standing(Protocol):
    """A cycle as far as its closing goes."""

    @property
    def name(self) -> str: ...
    @property
    def ends_on(self) -> date: ...
    @property
    def state(self) -> int: ...


def hindered_from_closing(cycle: Standing, today: date, *, waiting: int, inner: Iterable[Standing]) -> Rejected | None:
    """Why a cycle cannot be closed yet; None: it can."""
    if cycle.state == t.CYCLE_STATE_PLANNED:
        return Rejected("CYCLE_PLANNED", f"{cycle.name!r} was not started", field="cycle_id")
    if today < cycle.ends_on:
        return Rejected("CYCLE_NOT_OVER", f"{cycle.name!r} runs until {cycle.ends_on}", field="cycle_id")
    if waiting:
        return Rejected("PROPOSALS_WAITING", f"{waiting} proposals in it wait for a decision", field="cycle_id")
    if still := [each.name for each in inner if each.state != t.CYCLE_STATE_CLOSED]:
        return Rejected("INNER_CYCLE_OPEN", f"{', '.join(still)} in it must be closed first", field="cycle_id")
    return None


def settle(cycle: Cycle, *, goals_position: str, checkins_position: str) -> Decision:
    """Its values are complete: what both logs held then is its result."""
    if cycle.state != t.CYCLE_STATE_CLOSING:
        return []
    closed = CycleClosed(cycle_id=cycle.id, goals_position=goals_position, checkins_position=checkins_position)
    return [StreamEvent(CYCLE(cycle.id), closed)]


def reopen(cycle: Cycle, reason: PersonalText, outer: Cycle | None) -> Decision:
    """`outer`: the cycle that it lies in."""
    if cycle.state != t.CYCLE_STATE_CLOSED:
        raise Rejected("CYCLE_NOT_CLOSED", f"{cycle.name!r} is not closed", field="cycle_id")
    if outer is not None and outer.state in (t.CYCLE_STATE_CLOSING, t.CYCLE_STATE_CLOSED):
        raise Rejected("CYCLE_CLOSED", f"{outer.name!r}, which it lies in, is closed: reopen that one first")
    return [StreamEvent(CYCLE(cycle.id), CycleReopened(cycle_id=cycle.id, reason=reason))]


def _plausible(said: CycleSaid, today: date, taken: Container[str]) -> None:
    _not_taken(said.name, taken)
    starts_on, ends_on = required_date(said.starts_on), required_date(said.ends_on)
    if wrong := far_from(today, starts_on.year, YEARS_AHEAD):
        raise Rejected("CYCLE_YEAR", wrong, kind=Kind.INVALID, field="starts_on")
    if not 0 < (ends_on - starts_on).days < LONGEST_CYCLE_DAYS:
        raise Rejected(
            "CYCLE_SPAN",
            f"a cycle ends after it starts ({starts_on}), within {LONGEST_CYCLE_DAYS} days",
            kind=Kind.INVALID,
            field="ends_on",
        )


def _not_taken(name: str, taken: Container[str]) -> None:
    if name_key(name) in taken:
        raise Rejected("CYCLE_EXISTS", f"there is a cycle named {name!r} already", field="name")


def far_from(today: date, year: int, ahead: int) -> str:
    """What would be right instead of a year that is a typing error; empty: it may be meant."""
    first, last = today.year - YEARS_BACK, today.year + ahead
    return "" if first <= year <= last else f"{year} is far from today: give a year from {first} to {last}"


def _inside(said: CycleSaid, outer: Cycle) -> None:
    for field in ("starts_on", "ends_on"):
        if not outer.starts_on <= required_date(getattr(said, field)) <= outer.ends_on:
            told = f"{outer.name!r} is from {outer.starts_on} to {outer.ends_on}: a cycle in it lies within these days"
            raise Rejected("OUTSIDE_CYCLE", told, kind=Kind.INVALID, field=field)


def _around(said: CycleSaid, inner: Cycle) -> None:
    starts_on, ends_on = required_date(said.starts_on), required_date(said.ends_on)
    if not starts_on <= inner.starts_on <= inner.ends_on <= ends_on:
        told = f"{inner.name!r}, from {inner.starts_on} to {inner.ends_on}, lies in it: its days must stay inside"
        raise Rejected("INNER_CYCLE_OUTSIDE", told, field="starts_on" if inner.starts_on < starts_on else "ends_on")
