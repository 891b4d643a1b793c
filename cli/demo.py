"""The demo company, in each language, alive on the day it is imported (D-08): its quarter runs, the one before is over,
values come in, proposals wait."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import yaml
from babel.dates import format_date

from eventkit.context import IMPORTER
from eventkit.directory.defaults import DEFAULT_TIME_ZONE

ROOM = Path(__file__).parent.parent / "demo"
LANGUAGES = ("vi", "en")
ALIVE = ROOM / "company-x.alive.yaml"
TOLD_ON = date(2025, 3, 20)
"""The day that the files speak of as today."""
QUARTER = timedelta(days=90)

_DAY = re.compile(r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b")


@dataclass(frozen=True, slots=True)
class Asked:
    """A proposal of somebody of the company, everybody and everything in it by reference."""

    ref: str
    by: str
    title: str
    reason: str
    changes: Mapping[str, tuple[str, str]]
    """By the KPI, its target before and after."""
    decided_by: str = ""
    """Empty: it waits."""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """A command of somebody of the company, as the contract's JSON. What it names is said by reference: "@kpi/I1"."""

    by: str
    """A person, or the importer of what was done on days that are over."""
    do: str
    """The request's full name: "nhip.retros.v1.WriteStarfish"."""
    say: Mapping[str, Any]
    ref: str = ""
    """By which later acts name what it makes, as "@board"; empty: none does."""


@dataclass(frozen=True, slots=True)
class Demo:
    """One company, as files for the import, in this order, and what its people ask for then."""

    before: str
    now: str
    asked: Sequence[Asked]
    acts: Sequence[Act]
    """What its people do after that, in this order."""
    leader: str
    """Who starts and closes its cycles."""


def file_of(language: str) -> Path:
    return ROOM / f"company-x.{language}.yaml"


def around(text: str, today: date, language: str = "vi") -> str:
    """The company's file with its days moved, so that what it calls today is `today`, and with the words that name
    them."""
    moved = today - TOLD_ON
    ends_on = date(2025, 3, 31) + moved
    words = {
        "2025-Q1": f"{ends_on.year}-{ends_on.month}",
        "uý 1/2025": f"uý đến {ends_on.month}/{ends_on.year}",  # "Quý", and "quý" within a sentence
        "uarter 1/2025": f"uarter to {ends_on.month}/{ends_on.year}",
        "tháng 3/2025": f"tháng {today.month}/{today.year}",
        "March 2025": format_date(today, "MMMM yyyy", locale="en"),
        "year: 2025": f"year: {today.year}",
        "so với 2023": f"so với {today.year - 2}",
        "over 2023": f"over {today.year - 2}",
    }
    text = _DAY.sub(lambda found: (date.fromisoformat(found.group()) + moved).isoformat(), text)
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def company(language: str, today: date) -> Demo:
    """The company of a language on a day."""
    base: dict[str, Any] = yaml.safe_load(around(file_of(language).read_text("utf-8"), today, language))
    alive: dict[str, Any] = yaml.safe_load(around(ALIVE.read_text("utf-8"), today, language))
    others = [{**person, "title": person["title"][language]} for person in alive["people"]]
    base["people"] = [*base["people"], *others]
    base["cycle"]["within"] = _year(base["cycle"], language)
    leader = next(person["ref"] for person in base["people"] if "executive" in person.get("roles", ()))
    return Demo(
        before=_written(_before(base, alive["before"], language)),
        now=_written({**base, "progress": [*_progress(alive), *base["progress"]]}),
        asked=[_asked(one, base, language) for one in alive["proposals"]],
        acts=[
            *(Act(a["by"], a["do"], _told(a["say"], language), a.get("ref", "")) for a in alive["acts"]),
            *_check_ins(alive, base, language),
        ],
        leader=leader,
    )


def _year(cycle: Mapping[str, Any], language: str) -> Mapping[str, Any]:
    """The year around the quarter and the one before it."""
    starts_on = cycle["starts_on"] - QUARTER
    ends_on = starts_on + timedelta(days=364)
    name = {"vi": f"Năm đến {ends_on.month}/{ends_on.year}", "en": f"Year to {ends_on.month}/{ends_on.year}"}
    return {"ref": f"{cycle['ref']}-year", "name": name[language], "starts_on": starts_on, "ends_on": ends_on}


def _progress(alive: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [
        {"kpi": kpi, "day": day, "value": value, "confidence": told["confidence"]}
        for kpi, told in alive["progress"].items()
        for day, value in zip(alive["slots"], told["values"], strict=False)  # who said nothing lately has fewer
    ]


def _before(base: Mapping[str, Any], told: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The same company with the quarter before: the KPIs that it had then, and what became of them."""
    cycle = base["cycle"]
    starts_on, ends_on = cycle["starts_on"] - QUARTER, cycle["starts_on"] - timedelta(days=1)
    days = (starts_on + QUARTER / 3, starts_on + QUARTER / 3 * 2, ends_on)
    name = {"vi": f"Quý đến {ends_on.month}/{ends_on.year}", "en": f"Quarter to {ends_on.month}/{ends_on.year}"}
    kpis = [{**_then(kpi), **_aimed(told[kpi["ref"]])} for kpi in base["kpis"] if kpi["ref"] in told]
    return {
        **{part: base[part] for part in ("company", "units", "people", "goals", "csfs")},
        "cycle": {
            "ref": _earlier(cycle["ref"]),
            "name": name[language],
            "starts_on": starts_on,
            "ends_on": ends_on,
            "within": cycle["within"],
        },
        "kpis": kpis,
        "progress": [
            {"kpi": _earlier(ref), "day": day, "value": value}
            for ref, kpi in told.items()
            for day, value in zip(days, kpi["values"], strict=True)
        ],
    }


def _then(kpi: Mapping[str, Any]) -> dict[str, Any]:
    """The KPI without the sentence that names its quarter and number, by its reference of then."""
    kept = {name: value for name, value in kpi.items() if name not in ("statement", "baseline", "target")}
    csf = str(kpi["parent"]).startswith("CSF")
    named = {"ref": _earlier(kpi["ref"]), "parent": kpi["parent"] if csf else _earlier(kpi["parent"])}
    return {**kept, **named, **({"volume": _earlier(kpi["volume"])} if "volume" in kpi else {})}


def _aimed(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("baseline", "target") if name in told}


def _earlier(ref: str) -> str:
    return f"{ref}-before"


def _asked(one: Mapping[str, Any], base: Mapping[str, Any], language: str) -> Asked:
    targets = {kpi["ref"]: kpi["target"] for kpi in base["kpis"]}
    decided = one.get("decided")
    return Asked(
        ref=one["ref"],
        by=one["by"],
        title=one["title"][language],
        reason=one["reason"][language],
        changes={kpi: (str(targets[kpi]), str(after)) for kpi, after in one["changes"].items()},
        decided_by=decided["by"] if decided else "",
        comment=decided["reason"][language] if decided else "",
    )


def _check_ins(alive: Mapping[str, Any], base: Mapping[str, Any], language: str) -> Sequence[Act]:
    """The rhythm, and what was checked in and answered at its slots; what they made of it, as an import has it: on the
    day."""
    slots: Sequence[date] = alive["slots"]
    managers = {person["ref"]: person.get("manager", "") for person in base["people"]}
    first = _day(slots[0])
    acts = [
        Act(
            IMPORTER,
            "nhip.checkins.v1.SetCadence",
            {"every_weeks": alive["rhythm"], "weekday": slots[0].isoweekday(), "first_on": first},
        )
    ]
    for who, told in alive["check_ins"].items():
        for number, mood in enumerate(told["moods"]):
            last = number == len(told["moods"]) - 1
            due_on = {"person_id": f"@person/{who}", "due_on": _day(slots[number])}
            said = {
                "made_on": _day(slots[number]),
                "mood": mood,
                "values": [_value(alive, kpi, number) for kpi in told["kpis"] if _said(alive, kpi, number)],
            }
            if last:
                planned = [_told(one, language) for one in told["planned"]]
                said |= {"done": [_told(told["done"], language)], "planned": planned}
                said["blockers"] = [_told(told["blocker"], language)]
            acts.append(Act(IMPORTER, "nhip.checkins.v1.SubmitCheckIn", {**due_on, **said}))
            if not last or who != "tram":
                comment = _told(alive["answers"], language)
                evaluated = {**due_on, "submission": 1, "comment": comment}
                acts.append(Act(managers[who], "nhip.checkins.v1.EvaluateCheckIn", evaluated))
    return acts


def _said(alive: Mapping[str, Any], kpi: str, number: int) -> bool:
    return number < len(alive["progress"][kpi]["values"])


def _value(alive: Mapping[str, Any], kpi: str, number: int) -> Mapping[str, Any]:
    """The same as was brought in for the day."""
    told = alive["progress"][kpi]
    return {
        "kpi_id": f"@kpi/{kpi}",
        "value": {"value": str(told["values"][number])},
        "confidence": told["confidence"],
        "occurred_on": _day(alive["slots"][number]),
        "confirmed": True,
    }


def _day(day: date) -> Mapping[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def _told(said: Any, language: str) -> Any:
    """What an act says, in one language; `{day: …}` and `{at: …}` as the contract's JSON has days and moments."""
    match said:
        case {"vi": _, "en": _}:
            return {"plain": said[language]}
        case {"day": date() as day, **rest} if not rest:
            return {"year": day.year, "month": day.month, "day": day.day}
        case {"at": datetime() as at, **rest} if not rest:
            return at.replace(tzinfo=ZoneInfo(DEFAULT_TIME_ZONE)).isoformat()
        case dict():
            fields = cast(Mapping[str, Any], said)
            return {name: _told(value, language) for name, value in fields.items()}
        case list():
            return [_told(one, language) for one in cast(Sequence[Any], said)]
        case _:
            return said


def named(said: Any, ids: Mapping[str, str]) -> Any:
    """What an act says, with ids where it names things: "@kpi/I1". Raises KeyError for what nobody brought."""
    match said:
        case str() if said.startswith("@"):
            return ids[said.removeprefix("@")]
        case dict():
            return {name: named(value, ids) for name, value in cast(Mapping[str, Any], said).items()}
        case list():
            return [named(one, ids) for one in cast(Sequence[Any], said)]
        case _:
            return said


def _written(company: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(company), allow_unicode=True, sort_keys=False)
