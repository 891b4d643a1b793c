"""What a table is that can be brought in: its fields, and how people head the columns of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from eventkit.names import plain_words

Kind = Literal["text", "names", "lines", "number", "aim", "percent", "whole", "day", "choice", "choices", "threshold"]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a column may be."""

    name: str
    kind: Kind = "text"
    headed: tuple[str, ...] = ()
    """How columns of it are headed, in small letters without marks; the first ones fit best."""
    required: bool = False
    among: Mapping[str, tuple[str, ...]] | None = None
    """Of a choice: its values, each with the words that people write for it."""
    fixed: bool = False
    """May be said once for all rows, where the file has no column for it."""
    part_of: str = ""
    """It is a part of another field, and joined to it in the order of the columns."""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    fields: tuple[Field, ...]
    needs: tuple[str, ...]
    """The calls that bring it in, as "people.RegisterPerson": who may not make the first of them cannot import it."""
    of_cycle: bool = False
    """Its rows belong to a cycle, which is chosen."""

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def __contains__(self, name: str) -> bool:
        return any(field.name == name for field in self.fields)


def heading(text: str) -> str:
    """A column's heading as headings are compared: without case, marks and punctuation."""
    return plain_words(text)
