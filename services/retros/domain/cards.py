"""What a member of a team writes before the cards lie open: one text, so that nothing but its author can tell how many
cards are in it, or in which columns.

An event that is kept for ever must not tell later whose an open card was. So all cards of a member are sealed as one,
and filled up so that their length says little.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple

from nhip.retros.v1.retros_pb2 import Card
from nhip.retros.v1.types_pb2 import Column

FILLED_TO = 4096
"""Bytes, or a multiple of it: what most people write fits into the first."""


class Written(NamedTuple):
    """A card as its author wrote it, in plain words."""

    column: Column.ValueType
    words: str


def folded(cards: Iterable[Card]) -> str:
    """The cards as one text of `FILLED_TO` bytes, or of a multiple of it; without those that are blank."""
    written = [[card.column, card.words.plain.strip()] for card in cards if card.words.plain.strip()]
    text = json.dumps(written, ensure_ascii=False, separators=(",", ":"))
    return text + " " * (-len(text.encode()) % FILLED_TO)


def unfolded(text: str) -> list[Written]:
    return [Written(column, words) for column, words in json.loads(text)]
