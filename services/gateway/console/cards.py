"""What is shown of one KPI wherever it appears: owners, numbers, bar, status, what falls short."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from eventkit.telemetry import unshown
from eventkit.values import is_percent, rounded
from nhip.common.v1 import words_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.language import Language, decimal_of, erased, initials

_PER_MILLE = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Avatar:
    name: str
    initials: str
    tone: int
    """Which of the avatar colours: always the same for the same person. Never the only way to tell people apart."""
    unit: bool = False


@dataclass(frozen=True, slots=True)
class StatusMark:
    """A status is a colour, an icon and a word, always the three."""

    key: str
    icon: str
    word: str


@dataclass(frozen=True, slots=True)
class StateMark:
    """Where something that people decide about stands; a colour, an icon and a word as well."""

    key: str
    icon: str
    word: str


@dataclass(frozen=True, slots=True)
class Bar:
    """How far it is from where it started to its target, in per cent of the way, and where it should be by now; of a
    budget what is used. Empty where there is no way to measure."""

    filled: Decimal
    expected: Decimal | None
    status: str


@dataclass(frozen=True, slots=True)
class ShortfallFoot:
    """ "54 < 55": what everybody below reaches together, and what is wanted; "140 > 100": more than there is."""

    kpi_id: str
    comparison: str
    exact: str
    """The same with every digit."""
    gap: str
    """ "1 short", "40 over"."""
    said: str
    """The same as a sentence."""
    arithmetic: str
    kind: str


@dataclass(frozen=True, slots=True)
class KpiCard:
    id: str
    name: str
    url: str
    level: str
    level_word: str
    owners: tuple[Avatar, ...]
    owner_names: str
    unit_name: str
    unit: str
    current: str
    """As it fits on a card: "12 tỷ"."""
    target: str
    """The same, with what it is for: "≤ 20", "8–12"."""
    exact: str
    """Both with every digit; empty where they are anyway."""
    expected: str
    bar: Bar
    status: StatusMark
    weight: str
    target_now: str
    why: str
    shortfall: ShortfallFoot | None
    co_owned: bool
    collaborates: bool = False
    """It serves a KPI of another department."""
    forecast: str = ""
    """Where it will be at the cycle's end as it goes; empty: not known."""
    forecast_met: bool = False
    remark: str = ""
    """What a pace does not say: by how much a limit is passed, that its parts cannot be added up."""


LEVELS: dict[int, str] = {
    types_pb2.LEVEL_COMPANY: "company",
    types_pb2.LEVEL_DEPARTMENT: "department",
    types_pb2.LEVEL_INDIVIDUAL: "individual",
}
_STATUSES: dict[int, tuple[str, str]] = {
    goals_pb2.STATUS_NOT_STARTED: ("new", "circle-dashed"),
    goals_pb2.STATUS_ON_TRACK: ("ontrack", "circle-check"),
    goals_pb2.STATUS_BEHIND: ("behind", "trending-down"),
    goals_pb2.STATUS_AT_RISK: ("risk", "alert-triangle"),
    goals_pb2.STATUS_STALE: ("stale", "hourglass"),
    goals_pb2.STATUS_EXCEEDS: ("exceed", "star"),
    goals_pb2.STATUS_MEETS: ("meets", "circle-check"),
    goals_pb2.STATUS_BELOW: ("below", "trending-down"),
    goals_pb2.STATUS_UNACCEPTABLE: ("unacceptable", "alert-triangle"),
}


def status_key(status: int) -> str:
    return _STATUSES.get(status, _STATUSES[goals_pb2.STATUS_NOT_STARTED])[0]


def segments(counts: Mapping[str, int]) -> Iterable[tuple[str, Decimal, Decimal]]:
    """A strip of statuses, as "ontrack": one stretch for each, best first, as (status, start, length) in per cent."""
    start, every = Decimal(), sum(counts.values())
    for status in ("exceed", "meets", "ontrack", "behind", "below", "risk", "unacceptable", "stale", "new"):
        if share := counts.get(status, 0):
            length = (Decimal(share) / every * 100).quantize(Decimal("0.01"))
            yield status, start, length
            start += length


def status_mark(status: int, language: Language) -> StatusMark:
    _ = language.gettext
    words = {
        "new": _("Not started"),
        "ontrack": _("On track"),
        "behind": _("Behind"),
        "risk": _("At risk"),
        "stale": _("Not updated"),
        "exceed": _("Exceeds"),
        "meets": _("Meets"),
        "below": _("Below"),
        "unacceptable": _("Unacceptable"),
    }
    key, icon = _STATUSES.get(status, _STATUSES[goals_pb2.STATUS_NOT_STARTED])
    return StatusMark(key, icon, words[key])


def level_word(level: str, language: Language) -> str:
    _ = language.gettext
    return {"company": _("Company"), "department": _("Department"), "individual": _("Individual")}.get(level, "")


def person_avatar(person_id: str, name: words_pb2.PersonalText, language: Language) -> Avatar:
    """A person as they are shown everywhere; of an erased one nothing is left but that there was somebody."""
    if erased(name):
        return Avatar(language.gettext("Erased person"), "–", tone_of(person_id))
    shown = language.words(name) or person_id
    return Avatar(shown, initials(shown), tone_of(person_id))


def owner_avatar(owner: goals_pb2.Owner, language: Language) -> Avatar:
    """The avatar of a person, or of the service that acted."""
    if owner.person_id.startswith("service:") and not owner.name.WhichOneof("form"):
        name = language.gettext("Import") if owner.person_id == "service:importer" else "Nhịp"
        return Avatar(name, initials(name), 1, unit=True)
    if owner.integration_name:
        account = language.words(owner.name)
        name = f"{owner.integration_name} · {account}" if account else owner.integration_name
        return Avatar(name, initials(owner.integration_name), 1, unit=True)
    avatar = person_avatar(owner.person_id, owner.name, language)
    if not owner.stands_in_for_id:
        return avatar
    leaver = person_avatar(owner.stands_in_for_id, owner.stands_in_for, language)
    said = language.gettext("%(name)s, for %(leaver)s who left") % {"name": avatar.name, "leaver": leaver.name}
    return replace(avatar, name=said)


def tone_of(id: str) -> int:
    return hashlib.sha256(id.encode()).digest()[0] % 6


def is_limit(aim: int) -> bool:
    """The target is not to be passed."""
    return aim in (goals_pb2.AIM_BUDGET, goals_pb2.AIM_CEILING)


def start_of(measure: types_pb2.Measure, aim: int) -> Decimal:
    """Where the way to the target begins: at the baseline, else at zero; what a budget counts always at zero."""
    baseline = None if aim == goals_pb2.AIM_BUDGET else decimal_of(measure, "baseline")
    return baseline or Decimal()


def target_text(measure: types_pb2.Measure, aim: int, number: Callable[[Decimal | None], str]) -> str:
    """ "50", "≤ 20", "8–12": the target as what it is for; `number` says how numbers are written."""
    target = decimal_of(measure, "target")
    if aim == goals_pb2.AIM_BAND:
        edges = [target if (edge := decimal_of(measure, name)) is None else edge for name in ("floor", "stretch")]
        low, high = sorted(edge for edge in edges if edge is not None) if target is not None else (None, None)
        return number(target) if low == high else f"{number(low)}–{number(high)}"
    return ("≤\u00a0" if is_limit(aim) else "") + number(target)


def way_to(value: Decimal | None, measure: types_pb2.Measure, aim: int) -> Decimal | None:
    """Where a value lies on the way from the start to the target, in per cent; None where there is no way to
    measure."""
    target = decimal_of(measure, "target")
    start = start_of(measure, aim)
    if value is None or target is None or target == start:
        return None
    return _clamp((value - start) / (target - start) * 100)


def _clamp(share: Decimal) -> Decimal:
    return min(max(share, Decimal()), Decimal(100)).quantize(_PER_MILLE, ROUND_HALF_UP)


def share_bar(share: Decimal, status: str) -> Bar:
    """How much of something is there, without where it should be by now."""
    return Bar(_clamp(share * 100), None, status)


def bar(kpi: goals_pb2.Kpi, status: str) -> Bar:
    standing = kpi.standing
    share = decimal_of(standing, "used" if standing.aim == goals_pb2.AIM_BUDGET else "progress")
    filled = _clamp(share * 100) if share is not None else Decimal()
    return Bar(filled, way_to(decimal_of(standing, "expected"), kpi.measure, standing.aim), status)


def shortfall_foot(shortfall: goals_pb2.Shortfall, language: Language) -> ShortfallFoot:
    """What the children reach, beside what the parent wants.

    A gap is never rounded away: 54.96 < 55 must not read 55 < 55.
    """
    _ = language.gettext
    rate = shortfall.kind == goals_pb2.Shortfall.KIND_BLENDED_RATE
    unit = "%" if rate else ""
    reached, wanted = decimal_of(shortfall, "reached") or Decimal(), decimal_of(shortfall, "wanted") or Decimal()
    shown = shown_reached(reached, wanted)
    sign = "<" if reached < wanted else ">"
    exact = f"{language.amount(shown, unit)} {sign} {language.amount(wanted, unit)}"
    brief = f"{language.brief(shown, unit)} {sign} {language.brief(wanted, unit)}"
    gap = {"gap": gap_text(abs(wanted - shown), rate, language)}
    said = _("even if everybody below keeps to their part, it is %(gap)s too much.") if shortfall.over else ""
    return ShortfallFoot(
        kpi_id=shortfall.kpi_id,
        comparison=exact if language.short(shown) == language.short(wanted) else brief,
        exact=exact,
        gap=(_("%(gap)s over") if shortfall.over else _("%(gap)s short")) % gap,
        said=(said or _("even if everybody below does their part, %(gap)s is missing.")) % gap,
        arithmetic=language.arithmetic(shortfall.arithmetic),
        kind=goals_pb2.Shortfall.Kind.Name(shortfall.kind).removeprefix("KIND_").lower(),
    )


def gap_text(gap: Decimal, rate: bool, language: Language) -> str:
    """How far apart two numbers are; two rates are so many points apart."""
    number = language.number(gap)
    return language.gettext("%(n)s percentage points") % {"n": number} if rate else number


def not_checked_text(reason: int, language: Language) -> str:
    """Why those below cannot be held against it."""
    _ = language.gettext
    known: dict[int, str] = {
        goals_pb2.NotChecked.REASON_UNITS_DIFFER: _("not checked: units differ below"),
        goals_pb2.NotChecked.REASON_VOLUME_MISSING: _("not checked: rates below lack their volume"),
        goals_pb2.NotChecked.REASON_DIRECTIONS_DIFFER: _("not checked: directions differ below"),
        goals_pb2.NotChecked.REASON_BAND: _("not checked: a band is not a sum"),
    }
    return known.get(reason, _("not checked: the numbers cannot be computed with"))


def shown_reached(reached: Decimal, wanted: Decimal) -> Decimal:
    """Rounded, unless that would hide that it is short; the gap is said as the difference of what is shown."""
    shown = rounded(reached, 1, ROUND_HALF_UP)
    return shown if (shown < wanted, shown > wanted) == (reached < wanted, reached > wanted) else reached


def kpi_card(
    kpi: goals_pb2.Kpi,
    language: Language,
    moment: Moment,
    shortfalls: Iterable[goals_pb2.Shortfall] = (),
    not_checked: Iterable[goals_pb2.NotChecked] = (),
) -> KpiCard:
    """The card of a KPI. One that cannot be shown says so, and takes no page from the others."""
    if not kpi.unshown:
        try:
            return _kpi_card(kpi, language, moment, shortfalls, not_checked)
        except Exception as error:
            unshown("card", kpi.kpi_id, error)
    bare = goals_pb2.Kpi(
        kpi_id=kpi.kpi_id,
        name=kpi.name,
        level=kpi.level,
        owners=kpi.owners,
        unit_id=kpi.unit_id,
        unit_name=kpi.unit_name,
    )
    card = _kpi_card(bare, language, moment, (), ())
    return replace(card, target="–", status=StatusMark("stale", "alert-circle", language.gettext("Cannot be shown")))


def _kpi_card(
    kpi: goals_pb2.Kpi,
    language: Language,
    moment: Moment,
    shortfalls: Iterable[goals_pb2.Shortfall],
    not_checked: Iterable[goals_pb2.NotChecked],
) -> KpiCard:
    unit, aim = kpi.measure.unit, kpi.standing.aim
    weight = decimal_of(kpi, "exact_weight") or Decimal(kpi.weight)
    percent = language.unit("%") if is_percent(unit) else ""
    status = status_mark(kpi.standing.status, language)
    level = LEVELS.get(kpi.level, "individual")
    owners = tuple(owner_avatar(owner, language) for owner in kpi.owners)
    names = language.gettext(" and ").join(owner.name for owner in owners)
    if not owners and kpi.unit_name:
        owners = (Avatar(kpi.unit_name, initials(kpi.unit_name), tone_of(kpi.unit_id), unit=True),)
    short = next((s for s in shortfalls if s.kpi_id == kpi.kpi_id), None)
    current = decimal_of(kpi.standing, "current")
    target_now = decimal_of(kpi, "target_now")
    brief = (
        "–" if current is None else language.short(current),
        target_text(kpi.measure, aim, language.short) + percent,
    )
    exact = (
        "–" if current is None else language.number(current),
        target_text(kpi.measure, aim, language.number) + percent,
    )
    unsummed = next((n for n in not_checked if n.kpi_id == kpi.kpi_id), None)
    return KpiCard(
        id=kpi.kpi_id,
        name=kpi.name,
        url=moment.url(f"/kpi/{kpi.kpi_id}"),
        level=level,
        level_word=level_word(level, language),
        owners=owners,
        owner_names=names or kpi.unit_name,
        unit_name=kpi.unit_name,
        unit=unit,
        current=brief[0],
        target=brief[1],
        exact="" if brief == exact else f"{exact[0]}/{exact[1]}",
        expected=language.amount(decimal_of(kpi.standing, "expected"), "%" if percent else "", places=1),
        bar=bar(kpi, status.key),
        status=status,
        weight=language.amount(weight, "%") if weight else "",
        target_now=language.brief(target_now, "%" if percent else ""),
        why=kpi.why,
        shortfall=shortfall_foot(short, language) if short else None,
        co_owned=len(kpi.owners) > 1,
        collaborates=kpi.collaborates,
        forecast=language.brief(decimal_of(kpi.standing.forecast, "value"), "%" if percent else "")
        if kpi.standing.HasField("forecast")
        else "",
        forecast_met=kpi.standing.forecast.met,
        remark=passed(kpi, language, brief=True) or (not_checked_text(unsummed.reason, language) if unsummed else ""),
    )


def passed(kpi: goals_pb2.Kpi, language: Language, *, brief: bool = False) -> str:
    """ "over by 30": what a budget or a ceiling that is passed is passed by; else empty."""
    current, target = decimal_of(kpi.standing, "current"), decimal_of(kpi.measure, "target")
    if not is_limit(kpi.standing.aim) or current is None or target is None or current <= target:
        return ""
    over = current - target
    rate = is_percent(kpi.measure.unit)
    gap = language.short(over) if brief and not rate else gap_text(over, rate, language)
    return language.gettext("over by %(gap)s") % {"gap": gap}
