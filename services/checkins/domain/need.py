"""Whom a manager should turn to first, and why: by need of help, never by rank (C-22). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from nhip.checkins.v1 import types_pb2 as t
from nhip.people.v1.settings_pb2 import Settings

LOW_MOOD = 2
FALL = Decimal(2)
"""By how much confidence falls where one asks why."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a manager may know of somebody they lead; lists begin with the oldest."""

    moods: Sequence[int] = ()
    confidences: Sequence[Decimal] = ()
    state: int = t.CHECK_IN_STATE_UNSPECIFIED
    """Of the slot that is to be made now, or that was last."""
    late: Sequence[bool] = ()
    kpis: int = 0
    stuck: int = 0
    topics: int = 0
    topic_days: int = 0
    """For how long the oldest topic waits."""
    answer_waits: bool = False
    wants_meeting: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    need: "t.Need.ValueType"
    signs: tuple["t.TeamSign.ValueType", ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a company lets pass, as its settings have it."""

    kpis: int
    """That one person answers for at most without being asked whether it is too much (1.3)."""
    confidence: int
    """Up to here it is low."""
    topic_days: int
    """For so long a topic may wait."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(settings.kpis_at_most, settings.low_confidence, settings.topic_days)


def judge(facts: Facts, limits: Limits) -> Judged:
    """The three silent risks first."""
    tired = _falls(facts.moods) or (bool(facts.moods) and facts.moods[-1] <= LOW_MOOD)
    too_much = facts.kpis > limits.kpis or facts.stuck > 0
    overloaded = (tired and too_much) or (len(facts.moods) > 1 and max(facts.moods[-2:]) <= LOW_MOOD)
    unsure = bool(facts.confidences) and (
        facts.confidences[-1] <= limits.confidence
        or (len(facts.confidences) > 1 and facts.confidences[-2] - facts.confidences[-1] >= FALL)
    )
    missed = facts.state == t.CHECK_IN_STATE_OVERDUE or (len(facts.late) > 1 and all(facts.late[-2:]))
    found = (
        (overloaded, t.TEAM_SIGN_OVERLOADED),
        (facts.topics > 0, t.TEAM_SIGN_TOPIC_WAITS),
        (facts.wants_meeting, t.TEAM_SIGN_WANTS_MEETING),
        (missed, t.TEAM_SIGN_OUT_OF_RHYTHM),
        (not missed and (unsure or facts.stuck > 0), t.TEAM_SIGN_OFF_COURSE),
        (facts.answer_waits, t.TEAM_SIGN_ANSWER_WAITS),
    )
    signs = tuple(sign for holds, sign in found if holds)
    today = overloaded or facts.wants_meeting or (facts.topics > 0 and facts.topic_days >= limits.topic_days)
    need = t.NEED_TODAY if today else t.NEED_THIS_WEEK if signs else t.NEED_NONE
    return Judged(need, signs)


def _falls(moods: Sequence[int]) -> bool:
    """Three times in a row."""
    last = list(moods)[-3:]
    return len(last) == 3 and last[0] > last[1] > last[2]
