"""The company in one look, for who leads it or looks after people: its KPIs by level and status."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from nhip.goals.v1 import goals_pb2
from services.gateway.console.cards import LEVELS, level_word, segments, status_key
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.home.gaps import GapLine, concerns, lines
from services.gateway.features.home.team import GOOD


@dataclass(frozen=True, slots=True)
class LevelLine:
    """The KPIs of a level: how many are in rhythm, and a strip of their statuses."""

    name: str
    good: str
    all: str
    strip: tuple[tuple[str, Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class CompanyLook:
    levels: tuple[LevelLine, ...] = ()
    gaps: tuple[GapLine, ...] = ()


async def look(visit: Visit, cycle: goals_pb2.Cycle | None) -> CompanyLook:
    """Empty for who has no part in it."""
    if cycle is None or not concerns(visit):
        return CompanyLook()
    asked = goals_pb2.GetOverview(cycle_id=cycle.cycle_id)
    overview = await or_none(visit.caller.query("goals", "GetOverview", asked, goals_pb2.Overview))
    return CompanyLook(_levels(visit, overview), lines(visit, overview)) if overview else CompanyLook()


def _levels(visit: Visit, overview: goals_pb2.Overview) -> tuple[LevelLine, ...]:
    by_level: dict[int, list[goals_pb2.StatusCount]] = defaultdict(list)
    for one in overview.statuses:
        by_level[one.level].append(one)
    number = visit.language.number
    return tuple(
        LevelLine(
            level_word(name, visit.language),
            number(Decimal(sum(one.count for one in counts if one.status in GOOD))),
            number(Decimal(sum(one.count for one in counts))),
            tuple(segments({status_key(one.status): one.count for one in counts})),
        )
        for level, name in LEVELS.items()
        if (counts := by_level[level])
    )
