"""Which cycle is looked back at, and the ids of what is written about it: one retro for a person, one board for a unit
(C-49)."""

from dataclasses import dataclass
from datetime import date
from uuid import uuid5

from eventkit.context import NAMESPACE
from eventkit.errors import Rejected, unknown


@dataclass(frozen=True, slots=True)
class KnownCycle:
    """A cycle as far as looking back goes."""

    id: str
    name: str
    starts_on: date
    ends_on: date


def retro_id(tenant: str, cycle_id: str, person_id: str) -> str:
    return _id(tenant, "retro", cycle_id, person_id)


def team_retro_id(tenant: str, cycle_id: str, unit_id: str, *, anonymous: bool) -> str:
    """A unit has one board for a cycle: with names also behind an anonymous one on which too few wrote."""
    return _id(tenant, "team_retro", cycle_id, unit_id, "anonymous" if anonymous else "named")


def _id(*parts: str) -> str:
    return str(uuid5(NAMESPACE, "\0".join(parts)))


def begun_cycle(cycle: KnownCycle | None, cycle_id: str, today: date) -> KnownCycle:
    """Raises `Rejected` CYCLE_UNKNOWN, CYCLE_NOT_BEGUN."""
    if cycle is None:
        raise unknown("cycle", cycle_id, "cycle_id")
    if cycle.starts_on > today:
        raise Rejected(
            "CYCLE_NOT_BEGUN",
            f"it begins on {cycle.starts_on}: there is nothing to look back at before",
            field="cycle_id",
            rule="C-49",
            parameters={"day": cycle.starts_on.isoformat()},
        )
    return cycle
