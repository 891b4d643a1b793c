"""How a person wants to be told: which kinds where, and when e-mails may come."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.directory.defaults import LANGUAGES
from eventkit.errors import Kind, Rejected
from nhip.notifications.v1 import types_pb2 as t
from nhip.notifications.v1.events_pb2 import PreferencesChanged
from nhip.notifications.v1.types_pb2 import Channels, Preferences

KINDS = (
    t.NOTICE_KIND_KPI_CHANGED,
    t.NOTICE_KIND_PROPOSAL_WAITING,
    t.NOTICE_KIND_PROPOSAL_DECIDED,
    t.NOTICE_KIND_PRAISE_RECEIVED,
    t.NOTICE_KIND_PROGRESS_STALE,
    t.NOTICE_KIND_GIFT,
    t.NOTICE_KIND_ERASURE_WAITING,
    t.NOTICE_KIND_ERASURE_DECIDED,
    t.NOTICE_KIND_STANDS_IN,
    t.NOTICE_KIND_PLAN_REFUSED,
    t.NOTICE_KIND_UNIT_HEAD,
    t.NOTICE_KIND_PROGRESS_CORRECTED,
    t.NOTICE_KIND_INVITED,
    t.NOTICE_KIND_INVITATION_ACCEPTED,
    t.NOTICE_KIND_PROPOSAL_COMMENTED,
    t.NOTICE_KIND_PROPOSAL_EXPIRED,
    t.NOTICE_KIND_CHECK_IN_DUE,
    t.NOTICE_KIND_CHECK_IN_SUBMITTED,
    t.NOTICE_KIND_CHECK_IN_ANSWERED,
    t.NOTICE_KIND_TOPIC_ASKED,
    t.NOTICE_KIND_TOPIC_ANSWERED,
    t.NOTICE_KIND_TOPIC_UNANSWERED,
    t.NOTICE_KIND_RETRO_BEGUN,
    t.NOTICE_KIND_TEAM_RETRO_OPENED,
    t.NOTICE_KIND_CARDS_REVEALED,
    t.NOTICE_KIND_RETRO_SHARED,
    t.NOTICE_KIND_ACTION_AGREED,
    t.NOTICE_KIND_ACTION_DUE,
    t.NOTICE_KIND_ACTION_REPORTED,
    t.NOTICE_KIND_ACTION_ANSWERED,
    t.NOTICE_KIND_ACTION_DROPPED,
    t.NOTICE_KIND_MEETING_CALLED,
    t.NOTICE_KIND_MEETING_CHANGED,
    t.NOTICE_KIND_REVIEW_OPENED,
    t.NOTICE_KIND_REVIEW_SELF_SENT,
    t.NOTICE_KIND_REVIEW_MANAGER_SENT,
    t.NOTICE_KIND_MEETING_ANSWERED,
)
AT_ONCE = frozenset(
    {
        t.NOTICE_KIND_PROPOSAL_WAITING,
        t.NOTICE_KIND_ERASURE_WAITING,
        t.NOTICE_KIND_INVITED,
        t.NOTICE_KIND_TOPIC_ASKED,
        t.NOTICE_KIND_ACTION_DUE,
        t.NOTICE_KIND_ACTION_REPORTED,
        t.NOTICE_KIND_MEETING_CALLED,
        t.NOTICE_KIND_MEETING_CHANGED,
    }
)
"""What waits for somebody is mailed at once unless they say otherwise, the rest in the digest."""
QUIET_FROM, QUIET_TO, DIGEST_AT = 20, 7, 8


def evolve(preferences: Preferences | None, event: PreferencesChanged) -> Preferences:
    match event:
        case PreferencesChanged():
            return event.after
        case _:
            refuse_unknown(event)


PREFERENCES = Aggregate[Preferences | None]("preferences", None, evolve)


@dataclass(frozen=True, slots=True)
class DeliveryPreferences:
    """A person's preferences with nothing left open."""

    channels: Mapping[int, Channels]
    zone: ZoneInfo
    quiet_from: int
    quiet_to: int
    """The same hour as `quiet_from`: never quiet."""
    digest_at: int
    language: str

    def is_quiet(self, hour: int) -> bool:
        """Whether no e-mail is sent in an hour of the day, 0 to 23."""
        if self.quiet_from <= self.quiet_to:
            return self.quiet_from <= hour < self.quiet_to
        return hour >= self.quiet_from or hour < self.quiet_to


def delivery_preferences(
    preferences: Preferences | None, company_zone: ZoneInfo, company_language: str
) -> DeliveryPreferences:
    filled = complete(preferences, company_language)
    return DeliveryPreferences(
        channels={channels.kind: channels for channels in filled.channels},
        zone=ZoneInfo(filled.time_zone) if filled.time_zone else company_zone,
        quiet_from=filled.quiet_from,
        quiet_to=filled.quiet_to,
        digest_at=filled.digest_at,
        language=filled.language,
    )


def complete(preferences: Preferences | None, company_language: str) -> Preferences:
    """The same with every kind named, and the defaults where nothing was said.

    An empty time zone stays: it is the company's.
    """
    preferences = preferences or Preferences()
    by_kind = {channels.kind: channels for channels in preferences.channels}
    return Preferences(
        channels=[by_kind.get(kind) or _default(kind) for kind in KINDS],
        time_zone=preferences.time_zone,
        quiet_from=preferences.quiet_from if preferences.HasField("quiet_from") else QUIET_FROM,
        quiet_to=preferences.quiet_to if preferences.HasField("quiet_to") else QUIET_TO,
        digest_at=preferences.digest_at if preferences.HasField("digest_at") else DIGEST_AT,
        language=preferences.language or company_language,
    )


def _default(kind: t.NoticeKind.ValueType) -> Channels:
    return Channels(kind=kind, inbox=True, email=t.EMAIL_MODE_AT_ONCE if kind in AT_ONCE else t.EMAIL_MODE_DIGEST)


def change(before: Preferences | None, after: Preferences, person_id: str) -> Decision:
    seen = set[int]()
    for index, channels in enumerate(after.channels):
        if channels.kind in seen:
            raise Rejected(
                "KIND_TWICE", "name each kind once", kind=Kind.INVALID, field=f"preferences.channels[{index}].kind"
            )
        seen.add(channels.kind)
    if after.language and after.language not in LANGUAGES:
        wanted = f"must be one of {', '.join(LANGUAGES)}, or empty"
        raise Rejected("LANGUAGE_UNKNOWN", wanted, kind=Kind.INVALID, field="preferences.language", rule="X-02")
    if after == (before or Preferences()):
        return []
    return [StreamEvent(PREFERENCES(person_id), PreferencesChanged(person_id=person_id, before=before, after=after))]
