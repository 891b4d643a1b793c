"""The history of a KPI: every entry says who, when on both clocks, what changed and why."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from eventkit.values import is_percent
from nhip.goals.v1 import goals_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import Avatar, owner_avatar
from services.gateway.console.carrying import carried
from services.gateway.console.edges import Edge, edges
from services.gateway.console.events import headline, reason_class_word
from services.gateway.console.language import Language, date_of, decimal_of_text, unreadable


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
    """What else of the scale changed."""
    confidence: int
    reason_class: str
    reason: str
    reason_erased: bool
    decision_reason: str
    """Why who decided did so; empty where nobody said."""
    proposal: str
    just_before: str
    """The map just before it; empty where the map did not change."""


_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(?: (.+))?")
_ICONS = {
    "KpiDefined": "flag",
    "KpiTargetRevised": "adjustments",
    "KpiRetired": "archive",
    "KpiAligned": "git-branch",
    "KpiTakenOff": "archive",
    "ProgressRecorded": "pencil-check",
    "ChangeProposed": "arrows-exchange",
    "ProposalApproved": "check",
    "ProposalDeclined": "x",
    "ProposalWithdrawn": "arrow-back-up",
}


def entries(
    history: goals_pb2.KpiHistory,
    kpi_id: str,
    language: Language,
    zone: ZoneInfo,
    until: date | None = None,
    known: datetime | None = None,
) -> tuple[Entry, ...]:
    """The entries, newest first; on a page of the past, what counts for days up to `until` and was recorded up to
    `known`."""
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
        instead = _entry(bare, effective, recorded, kpi_id, language, zone)
        found.append(
            carried(
                "history",
                entry.event_id,
                lambda entry=entry, at=(effective, recorded): _entry(entry, *at, kpi_id, language, zone),
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
) -> Entry:
    changes_map = entry.what in ("KpiDefined", "KpiTargetRevised", "KpiRetired", "KpiAligned", "KpiTakenOff")
    just_before = (
        Moment(known=recorded - timedelta(microseconds=1)).url("/", focus=f"kpi-{kpi_id}") if changes_map else ""
    )
    if changes_map and effective is not None and effective < recorded.astimezone(zone).date():
        # It was recorded later than it took effect: the day before shows what was in force until then.
        just_before = Moment(on=effective - timedelta(days=1)).url("/", focus=f"kpi-{kpi_id}")
    unit = (entry.after or entry.before).partition(" ")[2]
    unchanged = entry.what == "KpiTargetRevised" and entry.before == entry.after
    numeric = entry.what in ("KpiDefined", "KpiTargetRevised", "KpiRetired", "ProgressRecorded")
    return Entry(
        id=entry.event_id,
        icon=_ICONS.get(entry.what, "history"),
        headline=headline(entry.what, language),
        recorded=language.instant(recorded, zone),
        effective=language.day(effective) if effective and effective != recorded.astimezone(zone).date() else "",
        actor=owner_avatar(entry.actor, language) if entry.HasField("actor") else None,
        proposer=owner_avatar(entry.proposer, language) if entry.HasField("proposer") else None,
        before="" if unchanged else _value(entry.before, language) if numeric else entry.before,
        after="" if unchanged else _value(entry.after, language) if numeric else entry.after,
        edges=tuple(edges(entry, unit if is_percent(unit) else "", language)),
        confidence=entry.confidence,
        reason_class=reason_class_word(entry.reason_class, language),
        reason=language.words(entry.reason) if entry.HasField("reason") else "",
        reason_erased=entry.HasField("reason") and unreadable(entry.reason),
        decision_reason=language.words(entry.decision_reason) if entry.HasField("decision_reason") else "",
        proposal=f"/proposals/{entry.proposal_id}" if entry.proposal_id else "",
        just_before=just_before,
    )


def _value(text: str, language: Language) -> str:
    """A value as the service wrote it ("66.2 %"), as this language writes it; other text stays as it is."""
    found = _NUMBER.fullmatch(text)
    return language.amount(decimal_of_text(found[1]), found[2] or "") if found else text
