"""The history of a KPI: every entry says who, when on both clocks, what changed and why."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from eventkit.values import is_percent
from nhip.checkins.v1.types_pb2 import CorrectionReason
from nhip.goals.v1 import goals_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import Avatar, owner_avatar
from services.gateway.console.carrying import carried
from services.gateway.console.directory import Directory
from services.gateway.console.edges import Edge, edges
from services.gateway.console.events import event_row, reason_class_word
from services.gateway.console.further import further_changes
from services.gateway.console.language import Language, date_of, decimal_of, unreadable
from services.gateway.console.said import said_changes


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    icon: str
    headline: str
    recorded: str
    effective: str
    """The day it counts for, where that is not the day on which it was recorded."""
    actor: Avatar | None
    proposer: Avatar | None
    before: str
    after: str
    edges: tuple[Edge, ...]
    """What else of the scale changed, and of what it says."""
    confidence: int
    reason_class: str
    reason: str
    reason_erased: bool
    decision_reason: str
    """Why who decided did so; empty where nobody said."""
    moved_from: str
    """The day that a value stood for before it was moved."""
    links: tuple[str, ...]
    """Addresses that show where a value is from …"""
    files: tuple[tuple[str, str], ...]
    """… and files: their names and digests."""
    proposal: str
    just_before: str
    """The map just before it; empty where the map did not change."""


def entries(
    history: goals_pb2.KpiHistory,
    kpi_id: str,
    language: Language,
    zone: ZoneInfo,
    until: date | None = None,
    known: datetime | None = None,
    who: Directory | None = None,
) -> tuple[Entry, ...]:
    """The entries, newest first; on a page of the past, what counts for days up to `until` and was recorded up to
    `known`."""
    who = who or Directory(language)
    found: list[Entry] = []
    for entry in history.entries:
        effective = date_of(entry, "effective_on")
        recorded = entry.recorded_at.ToDatetime(UTC)
        if until is not None and (effective or recorded.astimezone(zone).date()) > until:
            continue
        if known is not None and recorded > known:
            continue
        bare = goals_pb2.HistoryEntry(
            event_id=entry.event_id, what=language.gettext("Cannot be shown"), recorded_at=entry.recorded_at
        )
        instead = _entry(bare, effective, recorded, kpi_id, language, zone, who)
        found.append(
            carried(
                "history",
                entry.event_id,
                lambda entry=entry, at=(effective, recorded): _entry(entry, *at, kpi_id, language, zone, who),
                instead,
            )
        )
    return tuple(found)


def _entry(
    entry: goals_pb2.HistoryEntry,
    effective: date | None,
    recorded: datetime,
    kpi_id: str,
    language: Language,
    zone: ZoneInfo,
    who: Directory,
) -> Entry:
    event = event_row(entry.what, language)
    changes_map = event.changes_map
    just_before = (
        Moment(known=recorded - timedelta(microseconds=1)).url("/map", focus=f"kpi-{kpi_id}") if changes_map else ""
    )
    if changes_map and effective is not None and effective < recorded.astimezone(zone).date():
        # It was recorded later than it took effect: the day before shows what was in force until then.
        just_before = Moment(on=effective - timedelta(days=1)).url("/map", focus=f"kpi-{kpi_id}")
    rescaled = entry.what == "KpiTargetRevised" and entry.before == entry.after  # floor, stretch or start alone
    return Entry(
        id=entry.event_id,
        icon=event.icon,
        headline=event.words,
        recorded=language.instant(recorded, zone),
        effective=language.day(effective) if effective and effective != recorded.astimezone(zone).date() else "",
        actor=owner_avatar(entry.actor, language) if entry.HasField("actor") else None,
        proposer=owner_avatar(entry.proposer, language) if entry.HasField("proposer") else None,
        before="" if rescaled else _side(entry, "before", language),
        after="" if rescaled else _side(entry, "after", language),
        edges=(
            *edges(entry, entry.unit if is_percent(entry.unit) else "", language),
            *said_changes(entry.said, who, language),
            *further_changes(entry.further_before, entry.further_after, language),
        ),
        confidence=entry.confidence,
        reason_class=reason_class_word(
            CorrectionReason.Name(entry.correction_reason) if entry.correction_reason else entry.reason_class, language
        ),
        moved_from=language.day(date_of(entry, "moved_from")),
        links=tuple(entry.evidence.links),
        files=tuple((language.words(file.name), file.sha256) for file in entry.evidence.files),
        reason=language.words(entry.reason) if entry.HasField("reason") else "",
        reason_erased=entry.HasField("reason") and unreadable(entry.reason),
        decision_reason=language.words(entry.decision_reason) if entry.HasField("decision_reason") else "",
        proposal=f"/proposals/{entry.proposal_id}" if entry.proposal_id else "",
        just_before=just_before,
    )


def _side(entry: goals_pb2.HistoryEntry, side: Literal["before", "after"], language: Language) -> str:
    """A number as this language writes it; what is none stays as it is."""
    number = decimal_of(entry, f"number_{side}")
    return getattr(entry, side) if number is None else language.amount(number, entry.unit)
