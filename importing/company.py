"""The format of a company's file.

A field that is not here does not exist; `ref` is the name by which other items mean an item.

numbers:  vi or en: how numbers are written in it. Without it, 1.200 and 1,200 are refused, as they can be read in two
          ways
company:  tenant*, name*, time_zone
units:    ref*, name*, head (a person), parent (a unit)
people:   ref*, name*, title, unit, manager (a person), roles (employee, executive, okr_master, auditor, admin), email,
          code (the employee code), joined_on
cycle:    ref*, name*, starts_on*, ends_on*, within (the cycle around it: ref*, name*, starts_on*, ends_on*)
goals:    ref*, name*, year*, target*, measured_in
csfs:     ref*, name*, supports* (goals), why
kpis:     ref*, name* (two to four words), statement, level*, kind*, direction*, measured_in, baseline, target*, floor,
          stretch,
          volume (the KPI that a rate is a rate of), owners (people), department (a unit), weight, parent (a CSF, KPI or
          goal), why, effective_on (the cycle's first day), further (what else it supports or hinders)
further:  to* (a CSF, KPI or goal), effect* (supports, hinders), share (per cent, what counts there), why; of two KPIs
          that hinder each other one names it
progress: kpi*, day*, value*, confidence (5), note, confirmed (yes: it looks mistyped and is so); one per KPI
          and day
values:   ref*, name*
gifts:    ref*, name*, description, points*, stock*
praises:  ref*, from* (a person), to (a person) or unit (a unit), value (a core value) or kpi (a KPI), words*, deed_on,
          visibility (public)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from eventkit import numerals
from importing.document import Fields, Places, Problems, parse

ROLES = ("employee", "executive", "okr_master", "auditor", "admin")
LEVELS = ("company", "department", "individual")
KINDS = ("cumulative", "level", "milestone")
DIRECTIONS = ("increase", "decrease", "keep")
EFFECTS = ("supports", "hinders")
VISIBILITIES = ("public", "private")


@dataclass(frozen=True, slots=True)
class Item:
    """Anything that is brought in: where it stands and what the file calls it."""

    places: Places
    ref: str


@dataclass(frozen=True, slots=True)
class Company(Item):
    """`ref` is the tenant's id."""

    name: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Unit(Item):
    name: str
    head: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Person(Item):
    name: str
    title: str
    unit: str
    manager: str
    roles: tuple[str, ...]
    email: str = ""
    code: str = ""
    joined_on: date | None = None


@dataclass(frozen=True, slots=True)
class Cycle(Item):
    name: str
    starts_on: date | None
    ends_on: date | None
    within: "Cycle | None" = None


@dataclass(frozen=True, slots=True)
class Goal(Item):
    name: str
    year: int | None
    target: Decimal | None
    measured_in: str


@dataclass(frozen=True, slots=True)
class Csf(Item):
    name: str
    supports: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Further(Item):
    """A link beside what a KPI serves first; `ref` is what it leads to."""

    effect: str
    share: Decimal | None
    """In per cent."""
    why: str


@dataclass(frozen=True, slots=True)
class Kpi(Item):
    name: str
    statement: str
    level: str
    kind: str
    direction: str
    measured_in: str
    baseline: Decimal | None
    target: Decimal | None
    floor: Decimal | None
    stretch: Decimal | None
    volume: str
    owners: tuple[str, ...]
    department: str
    weight: Decimal | None
    parent: str
    why: str
    effective_on: date | None
    further: tuple[Further, ...] = ()
    """What else it supports or hinders (G-74)."""


@dataclass(frozen=True, slots=True)
class Progress(Item):
    """`ref` is made of KPI and day."""

    kpi: str
    day: date | None
    value: Decimal | None
    confidence: int | None
    note: str
    confirmed: bool = False
    """It is so, although it looks mistyped."""


@dataclass(frozen=True, slots=True)
class Value(Item):
    """A core value."""

    name: str


@dataclass(frozen=True, slots=True)
class Gift(Item):
    name: str
    description: str
    points: int | None
    stock: int | None


@dataclass(frozen=True, slots=True)
class Praise(Item):
    """The file says `from` for the giver."""

    giver: str
    to: str
    unit: str
    value: str
    kpi: str
    words: str
    deed_on: date | None
    visibility: str


@dataclass(frozen=True, slots=True)
class File:
    """All that a file says, as far as it could be read."""

    company: Company | None
    units: tuple[Unit, ...]
    people: tuple[Person, ...]
    cycle: Cycle | None
    goals: tuple[Goal, ...]
    csfs: tuple[Csf, ...]
    kpis: tuple[Kpi, ...]
    progress: tuple[Progress, ...]
    values: tuple[Value, ...]
    gifts: tuple[Gift, ...]
    praises: tuple[Praise, ...]

    def items(self) -> Iterator[Item]:
        yield from filter(None, (self.company, self.cycle and self.cycle.within, self.cycle))
        for items in (
            self.units,
            self.people,
            self.goals,
            self.csfs,
            self.kpis,
            self.progress,
            self.values,
            self.gifts,
            self.praises,
        ):
            yield from items


def read(content: bytes, problems: Problems) -> File | None:
    """Everything that can be read. What is wrong with single fields is among the problems then."""
    top = parse(content, problems, "file")
    if top is None:
        return None
    top.language = top.choice("numbers", tuple(numerals.MARKS))
    company, cycle = (top.section(name, name, required=True) for name in ("company", "cycle"))
    file = File(
        company=_company(company) if company else None,
        units=tuple(map(_unit, top.items("units", "unit"))),
        people=tuple(map(_person, top.items("people", "person"))),
        cycle=_cycle(cycle) if cycle else None,
        goals=tuple(map(_goal, top.items("goals", "goal"))),
        csfs=tuple(map(_csf, top.items("csfs", "CSF"))),
        kpis=tuple(map(_kpi, top.items("kpis", "KPI"))),
        progress=tuple(map(_progress, top.items("progress", "progress"))),
        values=tuple(map(_value, top.items("values", "value"))),
        gifts=tuple(map(_gift, top.items("gifts", "gift"))),
        praises=tuple(map(_praise, top.items("praises", "praise"))),
    )
    top.done()
    return file


def _company(f: Fields) -> Company:
    tenant, name, time_zone = f.tenant("tenant"), f.text("name", required=True), f.text("time_zone")
    return Company(f.done(), tenant, name, time_zone)


def _unit(f: Fields) -> Unit:
    ref, name, head = f.reference("ref", required=True), f.text("name", required=True), f.reference("head")
    return Unit(f.done(), ref, name, head, f.reference("parent"))


def _person(f: Fields) -> Person:
    ref, name, title = f.reference("ref", required=True), f.text("name", required=True), f.text("title")
    unit, manager, roles = f.reference("unit"), f.reference("manager"), f.choices("roles", ROLES)
    email, code, joined_on = f.text("email"), f.text("code"), f.day("joined_on")
    return Person(f.done(), ref, name, title, unit, manager, roles, email, code, joined_on)


def _cycle(f: Fields) -> Cycle:
    ref, name = f.reference("ref", required=True), f.text("name", required=True)
    starts_on, ends_on = f.day("starts_on", required=True), f.day("ends_on", required=True)
    within = f.section("within", "cycle")
    around = _cycle(within) if within else None
    return Cycle(f.done(), ref, name, starts_on, ends_on, around)


def _goal(f: Fields) -> Goal:
    ref, name, year = f.reference("ref", required=True), f.text("name", required=True), f.whole("year", required=True)
    target, measured_in = f.number("target", required=True), f.text("measured_in")
    return Goal(f.done(), ref, name, year, target, measured_in)


def _csf(f: Fields) -> Csf:
    ref, name = f.reference("ref", required=True), f.text("name", required=True)
    supports, why = f.references("supports", required=True), f.text("why")
    return Csf(f.done(), ref, name, supports, why)


def _kpi(f: Fields) -> Kpi:
    return Kpi(
        ref=f.reference("ref", required=True),
        name=f.text("name", required=True),
        statement=f.text("statement"),
        level=f.choice("level", LEVELS, required=True),
        kind=f.choice("kind", KINDS, required=True),
        direction=f.choice("direction", DIRECTIONS, required=True),
        measured_in=f.text("measured_in"),
        baseline=f.number("baseline"),
        target=f.number("target", required=True),
        floor=f.number("floor"),
        stretch=f.number("stretch"),
        volume=f.reference("volume"),
        owners=f.references("owners"),
        department=f.reference("department"),
        weight=f.number("weight", percent=True),
        parent=f.reference("parent"),
        why=f.text("why"),
        effective_on=f.day("effective_on"),
        further=tuple(map(_further, f.items("further", "KPI's further link"))),
        places=f.done(),  # the last: all fields were asked for
    )


def _further(f: Fields) -> Further:
    ref, effect = f.reference("to", required=True), f.choice("effect", EFFECTS, required=True)
    share, why = f.number("share", percent=True), f.text("why")
    return Further(f.done(), ref, effect, share, why)


def _progress(f: Fields) -> Progress:
    kpi, day = f.reference("kpi", required=True), f.day("day", required=True)
    value, note = f.number("value", required=True), f.text("note")
    confidence, confirmed = f.whole("confidence"), f.choice("confirmed", ("yes", "no")) == "yes"
    return Progress(f.done(), f"{kpi}-{day}" if kpi and day else "", kpi, day, value, confidence, note, confirmed)


def _value(f: Fields) -> Value:
    ref, name = f.reference("ref", required=True), f.text("name", required=True)
    return Value(f.done(), ref, name)


def _gift(f: Fields) -> Gift:
    ref, name, description = f.reference("ref", required=True), f.text("name", required=True), f.text("description")
    points, stock = f.whole("points", required=True), f.whole("stock", required=True)
    return Gift(f.done(), ref, name, description, points, stock)


def _praise(f: Fields) -> Praise:
    ref, giver = f.reference("ref", required=True), f.reference("from", required=True)
    to, unit, value, kpi = (f.reference(name) for name in ("to", "unit", "value", "kpi"))
    words, deed_on, visibility = f.text("words", required=True), f.day("deed_on"), f.choice("visibility", VISIBILITIES)
    return Praise(f.done(), ref, giver, to, unit, value, kpi, words, deed_on, visibility)
