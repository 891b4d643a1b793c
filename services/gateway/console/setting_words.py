"""What the numbers that a company sets for itself are called, and what each does. One row for each setting."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from eventkit.language import NBSP
from services.gateway.console.language import Language

STATUS = "status"
"""The group of those that the status of KPIs is judged by."""


@dataclass(frozen=True, slots=True)
class SettingWords:
    name: str
    effect: str


@dataclass(frozen=True, slots=True)
class GroupWords:
    name: str
    about: str
    icon: str


def setting_words(language: Language) -> Mapping[str, SettingWords]:
    """By the names of the contract (`nhip.people.v1.Settings`)."""
    _ = language.gettext
    return {
        "behind_gap": SettingWords(
            _("From when on a KPI is “Behind”"),
            _("What adds up and lags behind the day's share of the way by this much or more is Behind."),
        ),
        "at_risk_gap": SettingWords(
            _("From when on a KPI is “At risk”"),
            _("What adds up and lags behind by more than this is At risk; a budget that runs ahead by more, as well."),
        ),
        "low_confidence": SettingWords(
            _("Confidence that lowers the status"),
            _("At this confidence or below, the status goes down one step, however good the number is. 0: never."),
        ),
        "stale_days": SettingWords(
            _("How long until “Not updated”"),
            _("After so many days without a number a KPI is shown as Not updated, and who answers for it is reminded."),
        ),
        "usual_confidence": SettingWords(
            _("Confidence if nobody says"),
            _("What counts as confidence where a number is recorded without one."),
        ),
        "proposal_days": SettingWords(
            _("Days until a proposal expires"),
            _("A proposal that nobody decided in that time expires, and its proposer is told."),
        ),
        "approval_days": SettingWords(
            _("How long a proposal waits for its first decider"),
            _("After so many days without a decision, the next who may decide is told of it, too."),
        ),
        "topic_days": SettingWords(
            _("How long a topic waits for an answer"),
            _("After so many days without an answer, who it waits for is reminded."),
        ),
        "news_days": SettingWords(
            _("How long news is worth an e-mail"),
            _("What happened longer ago stands in the inbox only, as after the mail server was away."),
        ),
        "points_per_praise": SettingWords(
            _("Points of a praise"),
            _("What praise for one person carries. Praise for a unit shares as many among its members."),
        ),
        "monthly_allowance": SettingWords(
            _("Points to give a month"),
            _("What everybody is given to praise with. Who has praised this month keeps this month's."),
        ),
        "larger_allowance": SettingWords(
            _("Points to give a month, managers"),
            _("The same for managers, heads of units and executives."),
        ),
        "months_to_spend": SettingWords(
            _("How long received points last"),
            _("Points that were received already keep their last day."),
        ),
        "refund_days": SettingWords(
            _("How long points last that come back"),
            _("Who gives a gift back has at least so long to choose another one."),
        ),
        "praise_characters": SettingWords(
            _("Length from which praise says something"),
            _("Shorter praise is asked for more words; it is never held up."),
        ),
        "praise_again_days": SettingWords(
            _("When praise was long ago"),
            _("Who last praised this person so long ago is asked to do it more often."),
        ),
        "praise_soon_days": SettingWords(
            _("How soon praise follows a deed"),
            _("For a deed that is longer ago, it is asked to be sooner next time."),
        ),
        "retro_days": SettingWords(
            _("How long a team writes on its board"),
            _("So long everybody writes; then all cards lie open: sooner when all are through, or on another day."),
        ),
        "anonymous_members": SettingWords(
            _("From how many people on a retro may be anonymous"),
            _("Of fewer, one could tell who wrote what: it is not offered to them."),
        ),
        "check_in_hour": SettingWords(
            _("Hour at which check-ins are reminded of"),
            _("From this hour of the day on, whose check-in falls due or is missing is told; by the company's clock."),
        ),
        "mood_people": SettingWords(
            _("From how many people on a group's mood is shown"),
            _("Of fewer, one could tell whose mood it is. Nor is it shown where another group would give it away."),
        ),
        "kpis_at_most": SettingWords(
            _("KPIs that one person carries well"),
            _("Who answers for more, and whose mood falls, may be carrying too much: their manager sees it."),
        ),
        "own_review_days": SettingWords(
            _("How long a review waits for one's own part"),
            _("After so many days without it, the manager may write theirs."),
        ),
    }


def group_words(language: Language) -> Mapping[str, GroupWords]:
    """By the groups that the contract names, in the order in which they are shown."""
    _ = language.gettext
    return {
        STATUS: GroupWords(_("Status of KPIs"), _("when something is on track, behind, at risk"), "activity"),
        "progress": GroupWords(_("Recording progress"), _("what goes without saying"), "pencil-check"),
        "approval": GroupWords(_("Decisions and notices"), _("how long one waits, and what is told"), "bell"),
        "praise": GroupWords(_("Praise and points"), _("how many, and for how long"), "heart-handshake"),
        "hints": GroupWords(_("Hints while praising"), _("they never hold anybody up"), "bulb"),
        "check_ins": GroupWords(_("Check-ins and reviews"), _("the rhythm, and whom it protects"), "clipboard-check"),
        "retro": GroupWords(_("Retros"), _("how a team looks back"), "star"),
    }


def setting_name(name: str, language: Language) -> str:
    """What a setting is called; what a newer contract has is named as there."""
    known = setting_words(language).get(name)
    return known.name if known else name


def setting_value(value: Decimal, unit: str, language: Language) -> str:
    """A number with its unit: "16,5 điểm %", "28 days"."""
    return f"{language.number(value)}{NBSP}{unit_word(value, unit, language)}"


def unit_word(value: Decimal, unit: str, language: Language) -> str:
    number = int(value) if value == int(value) else 2
    ngettext = language.ngettext
    match unit:
        case "percentage_points":
            return language.gettext("% points")
        case "of_ten":
            return "/ 10"
        case "days":
            return ngettext("day", "days", number)
        case "months":
            return ngettext("month", "months", number)
        case "points":
            return ngettext("point", "points", number)
        case "characters":
            return ngettext("character", "characters", number)
        case "hour":
            return language.gettext("o'clock")
        case "kpis":
            return "KPI" if number == 1 else language.gettext("KPIs")
        case "people":
            return ngettext("person", "people", number)
        case _:
            return unit
