"""What a KPI says beside its numbers, before and after a change."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from google.protobuf.message import Message

from nhip.goals.v1 import types_pb2
from services.gateway.console.directory import Directory, directory
from services.gateway.console.edges import Edge, Run
from services.gateway.console.events import field_word
from services.gateway.console.kpis import named
from services.gateway.console.language import Language, decimal_of
from services.gateway.console.visit import Visit, or_none

NOBODY = "–"
TEXTS = ("name", "statement")
"""Parts in which words change, and not one thing for another."""


async def who_is_said(
    visit: Visit, said: Sequence[types_pb2.SaidChange], *more: Message, kpi_ids: Iterable[str] = ()
) -> Directory:
    """Whoever some changes and some other replies name, and the names of KPIs: those that something is a rate of, and
    these."""
    volumes = {*kpi_ids, *(side.volume_kpi_id for change in said for side in (change.before, change.after))}
    kpis = await or_none(named(visit, volumes))
    who = await directory(visit, *said, *more) if said or more else Directory(visit.language)
    return replace(who, kpis=kpis or {})


def said_changes(change: types_pb2.SaidChange, who: Directory, language: Language) -> tuple[Edge, ...]:
    """Each part that changes, in the contract's order."""
    found: list[Edge] = []
    for field, _ in change.after.ListFields():
        name = field.name
        before, after = (_text(side, name, who, language) for side in (change.before, change.after))
        runs = runs_of(before, after) if name in TEXTS else ()
        found.append(Edge(_word(name, language), before or NOBODY, after or NOBODY, runs))
    return tuple(found)


def runs_of(before: str, after: str) -> tuple[Run, ...]:
    """A text with what is taken out of it and what is put in, word by word."""
    was, now = before.split(), after.split()
    runs: list[Run] = []
    for kind, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if kind == "equal":
            runs.append(Run("same", " ".join(was[a:b])))
            continue
        if a < b:
            runs.append(Run("gone", " ".join(was[a:b])))
        if c < d:
            runs.append(Run("new", " ".join(now[c:d])))
    return tuple(runs)


def _word(name: str, language: Language) -> str:
    return language.gettext("Whose it is") if name == "unit_id" else field_word(name, language)


def _text(said: types_pb2.KpiSaid, name: str, who: Directory, language: Language) -> str:
    match name:
        case "weight":
            weight = decimal_of(said, "weight")
            return "" if weight is None else language.amount(weight, "%")
        case "owners" | "helpers":
            people: Sequence[str] = getattr(said, name).ids
            return ", ".join(who.person(id).name for id in people)
        case "evaluator_id":
            return who.person(said.evaluator_id).name if said.evaluator_id else ""
        case "unit_id":
            return who.unit(said.unit_id).name if said.unit_id else ""
        case "volume_kpi_id":
            return who.kpis.get(said.volume_kpi_id, said.volume_kpi_id)
        case _:
            return str(getattr(said, name))
