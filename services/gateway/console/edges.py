"""What a scale has beside its target: floor, stretch and start, before and after a change."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.language import Language, decimal_of

EDGES: tuple[Literal["floor", "stretch", "baseline"], ...] = ("floor", "stretch", "baseline")


@dataclass(frozen=True, slots=True)
class Run:
    """Words of a text that are the same, gone or new."""

    kind: Literal["same", "gone", "new"]
    text: str


@dataclass(frozen=True, slots=True)
class Edge:
    """Another floor, stretch or start, or another part of what a KPI says: "–" where there is none."""

    name: str
    before: str
    after: str
    runs: tuple[Run, ...] = ()
    """Of a text: what of it changed; empty where the whole did."""


def edge_words(language: Language) -> dict[Literal["floor", "stretch", "baseline"], str]:
    _ = language.gettext
    return {"floor": _("Floor"), "stretch": _("Stretch"), "baseline": _("Start")}


def edges(change: goals_pb2.ProposedChange | goals_pb2.HistoryEntry, unit: str, language: Language) -> Iterator[Edge]:
    """Those that a change has, as far as they are others afterwards."""
    for name, word in edge_words(language).items():
        if change.HasField(name):
            edge: types_pb2.EdgeChange = getattr(change, name)
            before, after = decimal_of(edge, "before"), decimal_of(edge, "after")
            if before != after:
                yield Edge(word, language.amount(before, unit) or "–", language.amount(after, unit) or "–")
