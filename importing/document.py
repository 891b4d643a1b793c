"""YAML as values that know where they stand. Every problem is kept, none stops the reading of the rest."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import yaml

from eventkit import numerals

MOST_BYTES = 10 << 20
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TENANT = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
TENANT = "up to 64 of a-z (small letters only), 0-9, '.', '_' and '-', a letter or digit first, as acme"


HALF = "holds half of a surrogate pair (\\ud800 to \\udfff), which is no character: write the character itself"


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def is_tenant(text: str) -> bool:
    """Can a tenant be called that?"""
    return bool(_TENANT.fullmatch(text))


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Line and column, both from 1."""

    line: int
    column: int

    @classmethod
    def of(cls, mark: Any) -> "Place":
        return cls(mark.line + 1, mark.column + 1)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    place: Place
    message: str
    """What is wrong and what would be right."""

    def __str__(self) -> str:
        return f"{self.place.line}:{self.place.column}: {self.message}"


class Problems:
    """Everything that is wrong with a file."""

    def __init__(self) -> None:
        self._found: set[Problem] = set()

    def add(self, place: Place, message: str) -> None:
        self._found.add(Problem(place, message))

    def __bool__(self) -> bool:
        return bool(self._found)

    def listed(self) -> list[Problem]:
        return sorted(self._found)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the fields of one item stand, and which of them are known to be wrong."""

    item: Place
    fields: Mapping[str, Place]
    wrong: frozenset[str]

    def __getitem__(self, name: str) -> Place:
        """A field's place, "owners[1]" that of a list's item; the item's own where the field is not given."""
        return self.fields.get(name, self.item)


@dataclass
class Fields:
    """One mapping of the file. Each field is asked for once; what nobody asked for is unknown."""

    node: yaml.MappingNode
    what: str
    """What it is, for messages: "KPI"."""
    problems: Problems
    language: str = ""
    """In which numbers are written: "vi", "en"; empty: the file does not say."""
    _given: dict[str, yaml.Node] = field(default_factory=dict[str, yaml.Node])
    _asked: list[str] = field(default_factory=list[str])
    _places: dict[str, Place] = field(default_factory=dict[str, Place])
    _wrong: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        for key, value in self.node.value:
            name, at = str(key.value) if isinstance(key, yaml.ScalarNode) else "?", Place.of(key.start_mark)
            if name in self._given:
                self.problems.add(at, f"{self.what}: {name!r} is given twice")
            self._given[name], self._places[name] = value, Place.of(value.start_mark)

    @property
    def place(self) -> Place:
        return Place.of(self.node.start_mark)

    def done(self) -> Places:
        """All fields were asked for: what is left is unknown."""
        for key, _ in self.node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if name not in self._asked:
                self.problems.add(
                    Place.of(key.start_mark), f"{self.what}: there is no field {name!r}{hint(name, self._asked)}"
                )
        return Places(self.place, self._places, frozenset(self._wrong))

    def text(self, name: str, *, required: bool = False) -> str:
        node = self._node(name, required=required)
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            return self._bad(name, "must be a text", "")
        text = str(node.value).strip()
        if not _is_unicode(text):
            return self._bad(name, HALF, "")
        return text if text or not required else self._bad(name, "must not be blank", "")

    def reference(self, name: str, *, required: bool = False) -> str:
        text = self.text(name, required=required)
        return self._reference(name, text) if text else ""

    def tenant(self, name: str) -> str:
        """A tenant's id: a reference in small letters."""
        text = self.text(name, required=True)
        return (
            text if not text or is_tenant(text) else self._bad(name, f"{text!r} is no tenant's id: take {TENANT}", "")
        )

    def references(self, name: str, *, required: bool = False) -> tuple[str, ...]:
        references = tuple(
            self._reference(f"{name}[{at}]", text) for at, text in enumerate(self._texts(name, required=required))
        )
        for at, one in enumerate(references):
            if one in references[:at]:
                self._bad(f"{name}[{at}]", f"names {one!r} twice", None)
        return references

    def number(self, name: str, *, required: bool = False, percent: bool = False) -> Decimal | None:
        """`percent`: it is in per cent, whether that stands behind it or not."""
        text = self.text(name, required=required)
        if percent:
            text = text.removesuffix("%").rstrip()
        if not text:
            return None
        try:
            value = numerals.read(text, self.language)
        except numerals.TwoReadings as two:
            vi, en = _unmistakable(two.vi), _unmistakable(two.en)
            say = (
                "write that, or say at the top of the file how its numbers are written: `numbers: vi` or `numbers: en`"
            )
            return self._bad(name, f"{text!r} can be read in two ways, as {vi} (vi) and as {en} (en): {say}", None)
        if value is None:
            return self._bad(name, f"{text!r} is no number: write digits, as 1200 or 12.5", None)
        return value

    def whole(self, name: str, *, required: bool = False) -> int | None:
        text = self.text(name, required=required)
        if text and not (text.isascii() and text.isdigit() and len(text) <= 9):
            return self._bad(name, f"{text!r} is no whole number: write digits", None)
        return int(text) if text else None

    def day(self, name: str, *, required: bool = False) -> date | None:
        text = self.text(name, required=required)
        if not text:
            return None
        try:
            if not _DAY.fullmatch(text):
                raise ValueError
            return date.fromisoformat(text)
        except ValueError:
            return self._bad(name, f"{text!r} is no day: write year-month-day, as 2025-03-31", None)

    def choice(self, name: str, among: Sequence[str], *, required: bool = False) -> str:
        text = self.text(name, required=required)
        return self._choose(name, text, among) if text else ""

    def choices(self, name: str, among: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            filter(None, (self._choose(f"{name}[{at}]", text, among) for at, text in enumerate(self._texts(name))))
        )

    def section(self, name: str, what: str, *, required: bool = False) -> "Fields | None":
        """A mapping below."""
        node = self._node(name, required=required)
        if node is None:
            return None
        if not isinstance(node, yaml.MappingNode):
            return self._bad(name, "must be a mapping (field: value)", None)
        return Fields(node, what, self.problems, self.language)

    def items(self, name: str, what: str) -> list["Fields"]:
        """The mappings of a list below."""
        mappings: list[Fields] = []
        for node in self._list(name, required=False):
            if isinstance(node, yaml.MappingNode):
                mappings.append(Fields(node, what, self.problems, self.language))
            else:
                self.problems.add(Place.of(node.start_mark), f"{what}: must be a mapping (field: value)")
        return mappings

    def _node(self, name: str, *, required: bool) -> yaml.Node | None:
        self._asked.append(name)
        node = self._given.get(name)
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"):
            if required:
                self._bad(name, "is missing", None)
            return None
        return node

    def _list(self, name: str, *, required: bool) -> list[yaml.Node]:
        node = self._node(name, required=required)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            return self._bad(name, "must be a list", [])
        if required and not node.value:
            self._bad(name, "must name at least one", None)
        return list(node.value)

    def _texts(self, name: str, *, required: bool = False) -> list[str]:
        texts: list[str] = []
        for at, node in enumerate(self._list(name, required=required)):
            self._places[f"{name}[{at}]"] = Place.of(node.start_mark)
            if isinstance(node, yaml.ScalarNode) and not _is_unicode(str(node.value)):
                self._bad(f"{name}[{at}]", HALF, None)
            elif isinstance(node, yaml.ScalarNode):
                texts.append(str(node.value).strip())
            else:
                self._bad(f"{name}[{at}]", "must be a text", None)
        return texts

    def _reference(self, name: str, text: str) -> str:
        if _REFERENCE.fullmatch(text):
            return text
        return self._bad(name, f"{text!r} is no reference: take up to 64 of A-Z, a-z, 0-9, '.', '_' and '-', as D1", "")

    def _choose(self, name: str, text: str, among: Sequence[str]) -> str:
        return text if text in among else self._bad(name, f"{text!r} must be one of {', '.join(among)}", "")

    def _bad(self, name: str, message: str, instead: Any) -> Any:
        """Notes what is wrong with a field; answers what to go on with."""
        self._wrong.add(name.partition("[")[0])
        self.problems.add(self._places.get(name, self.place), f"{self.what}: {name.partition('[')[0]} {message}")
        return instead


def parse(content: bytes, problems: Problems, what: str) -> Fields | None:
    """The mapping that a file is; None, with the reason among the problems, when it is none."""
    if len(content) > MOST_BYTES:
        problems.add(Place(1, 1), f"the file is larger than {MOST_BYTES >> 20} MB")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        place = Place(before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1)
        problems.add(place, "the file is not UTF-8: save it as UTF-8")
        return None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.add(Place.of(mark) if mark else Place(1, 1), f"this is not YAML: {error.problem or error.context}")
        return None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        problems.add(
            Place(before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1), "this is not YAML: a control character"
        )
        return None
    except RecursionError:
        problems.add(Place(1, 1), "this is not a company: it is nested too deep")
        return None
    if not isinstance(node, yaml.MappingNode):
        problems.add(
            Place.of(node.start_mark) if node else Place(1, 1), f"{what}: the file must be a mapping (field: value)"
        )
        return None
    return Fields(node, what, problems)


def _unmistakable(value: Decimal) -> str:
    """Written so that it can be read in one way only: 1200, 1.2, and 1.2340 for what 1.234 leaves open."""
    text = f"{value.normalize():f}"
    return text if len(text.partition(".")[2]) != 3 else text + "0"


def hint(given: str, known: Iterable[str]) -> str:
    """What was meant perhaps, and what there is: the end of a message about an unknown name."""
    names = list(dict.fromkeys(known))
    close = difflib.get_close_matches(given, names, 1, 0.6)
    listed = ", ".join(names[:20]) + (", …" if names[20:] else "")
    return (f"; did you mean {close[0]!r}?" if close else "") + (
        f" (there are {listed})" if names else " (there are none)"
    )
