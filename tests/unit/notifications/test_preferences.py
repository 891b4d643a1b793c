"""How people want to be told."""

from zoneinfo import ZoneInfo

from eventkit.commands.aggregate import Decision
from nhip.notifications.v1 import types_pb2 as t
from nhip.notifications.v1.events_pb2 import PreferencesChanged
from nhip.notifications.v1.types_pb2 import Channels, Preferences
from services.notifications.domain import preferences
from services.notifications.domain.preferences import KINDS, PREFERENCES
from tests.unit.decisions import Given, given, rejected

LOUD = Channels(kind=t.NOTICE_KIND_GIFT, inbox=True, email=t.EMAIL_MODE_AT_ONCE)
SILENT = Channels(kind=t.NOTICE_KIND_GIFT, inbox=False, email=t.EMAIL_MODE_OFF)


def changed(to: Preferences, before: Given | None = None) -> Decision:
    return preferences.change((before or given()).state(PREFERENCES, "minh"), to, "minh")


def test_a_change_says_what_was_and_what_is():
    first = changed(Preferences(channels=[LOUD]))
    (second,) = changed(Preferences(channels=[SILENT]), given(first))
    assert isinstance(second.event, PreferencesChanged)
    assert (list(second.event.before.channels), list(second.event.after.channels)) == ([LOUD], [SILENT])


def test_the_same_again_is_no_change():
    assert changed(Preferences(channels=[LOUD]), given(changed(Preferences(channels=[LOUD])))) == []
    assert changed(Preferences()) == []


def test_a_kind_is_named_once():
    rejected("KIND_TWICE", lambda: changed(Preferences(channels=[LOUD, SILENT])), field="preferences.channels[1].kind")


def test_a_language_is_one_of_two_x02():
    rejected("LANGUAGE_UNKNOWN", lambda: changed(Preferences(language="fr")), field="preferences.language")


def test_what_nobody_said_has_its_default():
    page = preferences.complete(Preferences(channels=[SILENT], quiet_to=6), "vi")
    assert [channels.kind for channels in page.channels] == list(KINDS)
    assert {t.NoticeKind.Name(c.kind): (c.inbox, t.EmailMode.Name(c.email)) for c in page.channels} == {
        "NOTICE_KIND_KPI_CHANGED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_PROPOSAL_WAITING": (True, "EMAIL_MODE_AT_ONCE"),
        "NOTICE_KIND_PROPOSAL_DECIDED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_PRAISE_RECEIVED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_PROGRESS_STALE": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_GIFT": (False, "EMAIL_MODE_OFF"),
        "NOTICE_KIND_ERASURE_WAITING": (True, "EMAIL_MODE_AT_ONCE"),
        "NOTICE_KIND_ERASURE_DECIDED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_STANDS_IN": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_PLAN_REFUSED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_UNIT_HEAD": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_PROGRESS_CORRECTED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_INVITED": (True, "EMAIL_MODE_AT_ONCE"),
        "NOTICE_KIND_INVITATION_ACCEPTED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_PROPOSAL_COMMENTED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_PROPOSAL_EXPIRED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_CHECK_IN_DUE": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_CHECK_IN_SUBMITTED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_CHECK_IN_ANSWERED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_TOPIC_ASKED": (True, "EMAIL_MODE_AT_ONCE"),
        "NOTICE_KIND_TOPIC_ANSWERED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_TOPIC_UNANSWERED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_RETRO_BEGUN": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_TEAM_RETRO_OPENED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_CARDS_REVEALED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_RETRO_SHARED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_ACTION_AGREED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_ACTION_DUE": (True, "EMAIL_MODE_AT_ONCE"),
        "NOTICE_KIND_ACTION_REPORTED": (True, "EMAIL_MODE_AT_ONCE"),
        "NOTICE_KIND_ACTION_ANSWERED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_ACTION_DROPPED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_MEETING_CALLED": (True, "EMAIL_MODE_AT_ONCE"),
        "NOTICE_KIND_MEETING_CHANGED": (True, "EMAIL_MODE_AT_ONCE"),
        "NOTICE_KIND_REVIEW_OPENED": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_REVIEW_SELF_SENT": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_REVIEW_MANAGER_SENT": (True, "EMAIL_MODE_DIGEST"),
        "NOTICE_KIND_MEETING_ANSWERED": (True, "EMAIL_MODE_DIGEST"),
    }
    assert (page.quiet_from, page.quiet_to, page.digest_at, page.language, page.time_zone) == (20, 6, 8, "vi", "")
    assert preferences.complete(None, "en").language == "en"


def test_every_kind_has_its_channels():
    assert set(KINDS) == set(t.NoticeKind.values()) - {t.NOTICE_KIND_UNSPECIFIED}


def test_without_a_zone_of_their_own_it_is_the_companys():
    company = ZoneInfo("Asia/Tokyo")
    assert preferences.delivery_preferences(None, company, "vi").zone == company
    assert preferences.delivery_preferences(Preferences(time_zone="Europe/Berlin"), company, "vi").zone == ZoneInfo(
        "Europe/Berlin"
    )
