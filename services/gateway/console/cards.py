"""What is shown of one KPI wherever it appears: owners, numbers, bar, status, what falls short."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

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
    """How far it is from where it started to its target, in per cent of the way, and where it should be by now."""

    filled: Decimal
    expected: Decimal | None
    status: str


@dataclass(frozen=True, slots=True)
class ShortfallFoot:
    """ "54 < 55": what everybody below reaches together, and what is wanted."""

    kpi_id: str
    comparison: str
    gap: str
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
    target: str
    expected: str
    bar: Bar
    status: StatusMark
    weight: str
    target_now: str
    why: str
    shortfall: ShortfallFoot | None
    co_owned: bool


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
    return person_avatar(owner.person_id, owner.name, language)


def tone_of(id: str) -> int:
    return hashlib.sha256(id.encode()).digest()[0] % 6


def way_to(value: Decimal | None, measure: types_pb2.Measure) -> Decimal | None:
    """Where a value lies on the way from the baseline (or nought) to the target, in per cent; None where there is no way to measure."""
    target = decimal_of(measure, "target")
    start = decimal_of(measure, "baseline") or Decimal()
    if value is None or target is None or target == start:
        return None
    return _clamp((value - start) / (target - start) * 100)


def _clamp(share: Decimal) -> Decimal:
    return min(max(share, Decimal()), Decimal(100)).quantize(_PER_MILLE, ROUND_HALF_UP)


def bar(kpi: goals_pb2.Kpi, status: str) -> Bar:
    progress = decimal_of(kpi.standing, "progress")
    filled = _clamp(progress * 100) if progress is not None else Decimal()
    return Bar(filled, way_to(decimal_of(kpi.standing, "expected"), kpi.measure), status)


def shortfall_foot(shortfall: goals_pb2.Shortfall, language: Language) -> ShortfallFoot:
    """What the children reach, beside what the parent wants. A gap is never rounded away: 54.96 < 55 must not read 55 < 55."""
    unit = "%" if shortfall.kind == goals_pb2.Shortfall.KIND_BLENDED_RATE else ""
    reached, wanted = decimal_of(shortfall, "reached") or Decimal(), decimal_of(shortfall, "wanted") or Decimal()
    shown = shown_reached(reached, wanted)
    return ShortfallFoot(
        kpi_id=shortfall.kpi_id,
        comparison=f"{language.amount(shown, unit)} {'<' if reached < wanted else '>'} {language.amount(wanted, unit)}",
        gap=language.amount(abs(wanted - shown), unit),
        arithmetic=language.arithmetic(shortfall.arithmetic),
        kind=goals_pb2.Shortfall.Kind.Name(shortfall.kind).removeprefix("KIND_").lower(),
    )


def shown_reached(reached: Decimal, wanted: Decimal) -> Decimal:
    """Rounded, unless that would hide that it is short; the gap is said as the difference of what is shown."""
    rounded = reached.quantize(_PER_MILLE, ROUND_HALF_UP)
    return rounded if (rounded < wanted) == (reached < wanted) else reached


def kpi_card(kpi: goals_pb2.Kpi, language: Language, moment: Moment, shortfalls: Iterable[goals_pb2.Shortfall] = ()) -> KpiCard:
    unit = kpi.measure.unit
    status = status_mark(kpi.standing.status, language)
    level = LEVELS.get(kpi.level, "individual")
    owners = tuple(owner_avatar(owner, language) for owner in kpi.owners)
    names = language.gettext(" and ").join(owner.name for owner in owners)
    if not owners and kpi.unit_name:
        owners = (Avatar(kpi.unit_name, initials(kpi.unit_name), tone_of(kpi.unit_id), unit=True),)
    short = next((s for s in shortfalls if s.kpi_id == kpi.kpi_id), None)
    current = decimal_of(kpi.standing, "current")
    target_now = decimal_of(kpi, "target_now")
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
        current="–" if current is None else language.number(current),
        target=language.number(decimal_of(kpi.measure, "target")) + (language.unit("%") if unit == "%" else ""),
        expected=language.amount(decimal_of(kpi.standing, "expected"), "%" if unit == "%" else "", places=1),
        bar=bar(kpi, status.key),
        status=status,
        weight=language.amount(Decimal(kpi.weight), "%") if kpi.weight else "",
        target_now=language.amount(target_now, "%" if unit == "%" else ""),
        why=kpi.why,
        shortfall=shortfall_foot(short, language) if short else None,
        co_owned=len(kpi.owners) > 1,
    )
