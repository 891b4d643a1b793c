"""Entries of the audit's ledger as rows: who, when, what, before and after, why; and where each leads."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from eventkit.telemetry import unshown
from nhip.audit.v1 import audit_pb2
from nhip.common.v1 import words_pb2
from services.gateway.console.cards import Avatar
from services.gateway.console.directory import Directory
from services.gateway.console.events import choice_word, event_row, field_word, reason_class_word
from services.gateway.console.language import Language, decimal_of_text, erased
from services.gateway.console.subjects import kind_word
from services.gateway.console.visit import Visit

_LONG = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_REASONS = ("title", "reason", "comment", "note", "words")
"""Fields with what people say, by the last part of their paths."""
_SUBJECT_OF_STREAM = {
    "progress": "kpi",
    "wallet": "person",
    "preferences": "person",
    "reading": "person",
    "erasure": "person",
    "alignment": "cycle",
    "organisation": "tenant",
}
"""Streams that are named after something else than what their events are about."""


@dataclass(frozen=True, slots=True)
class Link:
    kind: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Words:
    """Words of an entry, or why there are none to read: "erased", "withheld"."""

    text: str
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """One thing that changed."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Field:
    path: str
    words: Words


@dataclass(frozen=True, slots=True)
class Related:
    """Another event: the cause of one, or what came together with it."""

    what: str
    about: str
    """The name of what it happened to; empty where only an id is at hand."""
    at: str
    actor: str
    url: str


@dataclass(frozen=True, slots=True)
class LedgerRow:
    id: str
    what: str
    type: str
    context: str
    position: str
    day: str
    time: str
    occurred: str
    """When it happened, where that is not when it was recorded."""
    actor: Avatar
    actor_url: str
    subjects: tuple[Link, ...]
    changes: tuple[Side, ...]
    reason_class: str
    reasons: tuple[Words, ...]
    fields: tuple[Field, ...]
    cause: Related | None
    together: tuple[Related, ...]
    further: int
    """How many more of its append there are for the reader."""
    unknown: bool


@dataclass(frozen=True, slots=True)
class Names:
    """Names for what entries are about, as far as they are at hand; else ids."""

    who: Directory
    things: Mapping[tuple[str, str], str]
    """By kind and id, of those that services name by their ids: KPIs, goals, proposals, gifts …"""
    zone: ZoneInfo
    """In which instants are told."""

    def known(self, kind: str, id: str) -> str:
        """The name; empty where there is none."""
        if kind == "person":
            return self.who.person(id).name if id in self.who.people else ""
        if kind == "unit":
            return self.who.unit(id).name if id in self.who.units else ""
        return self.things.get((kind, id), "")

    def of(self, kind: str, id: str) -> str:
        """The name, else as much of the id as tells it from others."""
        return self.known(kind, id) or (id[:8] if _LONG.fullmatch(id) else id)


def told_of(entry: audit_pb2.Entry) -> Iterable[tuple[str, str]]:
    """The kinds and ids of all that an entry says something of."""
    yield from ((subject.kind, subject.id) for subject in entry.subjects)
    yield from ((value.subject_kind, value.text) for value in entry.values if value.subject_kind and value.text)
    yield from (("kpi", value.text) for value in entry.values if value.path.endswith(".kpi_id") and value.text)


def related_to(entry: audit_pb2.Entry) -> Iterable[tuple[str, str]]:
    """The kinds and ids of what its cause and its neighbours happened to."""
    return map(_happened_to, (*([entry.cause] if entry.HasField("cause") else []), *entry.together))


def _happened_to(reference: audit_pb2.Reference) -> tuple[str, str]:
    stream, _, id = reference.stream.partition("/")
    return _SUBJECT_OF_STREAM.get(stream, stream), id


def subject_url(kind: str, id: str) -> str:
    return f"/audit/subjects/{quote(kind, safe='')}/{quote(id, safe='')}"


def ledger_row(visit: Visit, entry: audit_pb2.Entry, names: Names) -> LedgerRow:
    """An entry as a row. One that cannot be shown says so, and takes no page from the others."""
    try:
        return _row(visit, entry, names)
    except Exception as error:
        unshown("ledger", entry.event_id, error)
        bare = audit_pb2.Entry(
            event_id=entry.event_id, context=entry.context, position=entry.position, recorded_at=entry.recorded_at
        )
        return replace(_row(visit, bare, names), what=visit.language.gettext("Cannot be shown"))


def _row(visit: Visit, entry: audit_pb2.Entry, names: Names) -> LedgerRow:
    language = visit.language
    recorded, occurred = entry.recorded_at.ToDatetime(UTC), entry.occurred_at.ToDatetime(UTC)
    differs = entry.HasField("occurred_at") and abs((recorded - occurred).total_seconds()) >= 60
    day, _, time = language.instant(recorded, visit.zone).partition(" · ")
    actor_kind, _, actor_id = entry.actor.partition(":")
    return LedgerRow(
        id=entry.event_id,
        what=event_row(entry.type, language).words,
        type=entry.type.rpartition(".")[2],
        context=entry.context,
        position=f"{entry.context} {entry.position}",
        day=day,
        time=time,
        occurred=language.instant(occurred, visit.zone) if differs else "",
        actor=names.who.actor(entry.actor),
        actor_url=subject_url("person", actor_id) if actor_kind == "person" else "",
        subjects=tuple(
            Link(
                kind_word(subject.kind, language),
                names.of(subject.kind, subject.id),
                subject_url(subject.kind, subject.id),
            )
            for subject in entry.subjects
        ),
        changes=tuple(sides(entry.values, names, language)),
        reason_class=next((word for value in entry.values if (word := reason_class_word(value.text, language))), ""),
        reasons=tuple(
            _words(value.words, language)
            for value in entry.values
            if _last(value.path) in _REASONS and _has_words(value)
        ),
        fields=tuple(Field(value.path, _told(value, names, language)) for value in entry.values),
        cause=related(visit, entry.cause, names) if entry.HasField("cause") else None,
        together=tuple(related(visit, other, names) for other in entry.together),
        further=entry.further,
        unknown=entry.unknown,
    )


def related(visit: Visit, reference: audit_pb2.Reference, names: Names) -> Related:
    kind, id = _happened_to(reference)
    return Related(
        what=event_row(reference.type, visit.language).words,
        about=names.known(kind, id),
        at=visit.language.instant(reference.recorded_at.ToDatetime(UTC), visit.zone),
        actor=names.who.actor(reference.actor).name,
        url=f"{subject_url(kind, id)}#e-{reference.event_id}",
    )


def sides(values: Sequence[audit_pb2.Value], names: Names, language: Language) -> Iterable[Side]:
    """What was before and after, side by side; a KPI's change is called by its name."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for value in values:
        if value.side:
            before, after = found.setdefault(value.changed, ([], []))
            side = after if value.side == audit_pb2.SIDE_AFTER else before
            side.append(_told(value, names, language).text)
    called = {
        value.path.removesuffix(".kpi_id"): names.of("kpi", value.text)
        for value in values
        if value.path.endswith(".kpi_id")
    }
    for key, (before, after) in found.items():
        if before != after:
            yield Side(called.get(key, field_word(_last(key), language)), ", ".join(before), ", ".join(after))


def _told(value: audit_pb2.Value, names: Names, language: Language) -> Words:
    if _has_words(value):
        return _words(value.words, language)
    if value.unreadable:
        return Words("", "unreadable")
    if value.subject_kind:
        return Words(names.known(value.subject_kind, value.text) or value.text)
    return Words(_text(value, names, language))


def _text(value: audit_pb2.Value, names: Names, language: Language) -> str:
    """A value as people write one of its kind."""
    match value.kind:
        case audit_pb2.VALUE_KIND_NUMBER:
            number = decimal_of_text(value.text)
            return value.text if number is None else language.number(number)
        case audit_pb2.VALUE_KIND_DAY:
            return language.day(date.fromisoformat(value.text)) if value.text else ""
        case audit_pb2.VALUE_KIND_INSTANT:
            return language.instant(datetime.fromisoformat(value.text), names.zone)
        case audit_pb2.VALUE_KIND_CHOICE:
            return choice_word(value.text, language)
        case audit_pb2.VALUE_KIND_YES_NO:
            return language.gettext("yes") if value.text == "true" else language.gettext("no")
        case _:
            return value.text


def _has_words(value: audit_pb2.Value) -> bool:
    return value.HasField("words")


def _words(words: words_pb2.PersonalText, language: Language) -> Words:
    return Words(language.words(words), "erased" if erased(words) else "withheld" if words.withheld else "")


def _last(path: str) -> str:
    return re.sub(r"\[\d+\]$", "", path.rpartition(".")[2])
