"""A manager's team: whom to help first. Never a ranking."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from nhip.goals.v1 import goals_pb2
from nhip.people.v1 import people_pb2
from services.gateway.console import kpis
from services.gateway.console.cards import Avatar, StatusMark, person_avatar, status_mark
from services.gateway.console.visit import Visit, or_none

MOST = 50
"""People who report to somebody and are looked at; `kpis.listed` takes no more owners at once."""
SHOWN = 5
NEED = (
    goals_pb2.STATUS_UNACCEPTABLE,
    goals_pb2.STATUS_AT_RISK,
    goals_pb2.STATUS_STALE,
    goals_pb2.STATUS_BELOW,
    goals_pb2.STATUS_BEHIND,
)
"""The states that ask for help, the most urgent first."""
GOOD = (goals_pb2.STATUS_ON_TRACK, goals_pb2.STATUS_EXCEEDS, goals_pb2.STATUS_MEETS)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody whose KPIs ask for help, with the one that does most."""

    avatar: Avatar
    url: str
    status: StatusMark
    kpi: str
    kpi_url: str
    more: int
    """Further KPIs of theirs that ask for help."""


@dataclass(frozen=True, slots=True)
class Team:
    size: int
    larger: bool
    """There are more than are looked at here."""
    kpis: int
    good: int
    members: tuple[Member, ...]
    others: tuple[Avatar, ...]
    """Those who keep the rhythm."""


async def of(visit: Visit, cycle: goals_pb2.Cycle | None) -> Team | None:
    """The people who report to the viewer; None where there are none."""
    asked = people_pb2.ListPeople(manager_id=visit.person, active=True, page_size=MOST)
    reports = await or_none(visit.caller.query("people", "ListPeople", asked, people_pb2.PeopleList))
    if cycle is None or not reports or not reports.people:
        return None
    ids = [person.person_id for person in reports.people]
    theirs = await or_none(kpis.listed(visit, cycle.cycle_id, owner_ids=ids))
    if theirs is None:
        return None
    return _team(visit, reports, theirs)


def _team(visit: Visit, reports: people_pb2.PeopleList, theirs: Sequence[goals_pb2.Kpi]) -> Team:
    members: list[tuple[int, Member]] = []
    others: list[Avatar] = []
    for person in reports.people:
        avatar = person_avatar(person.person_id, person.name, visit.language)
        own = [kpi for kpi in theirs if any(owner.person_id == person.person_id for owner in kpi.owners)]
        needy = sorted(
            (kpi for kpi in own if kpi.standing.status in NEED), key=lambda kpi: NEED.index(kpi.standing.status)
        )
        if not needy:
            others.append(avatar)
            continue
        first = needy[0]
        member = Member(
            avatar,
            f"/people/{quote(person.person_id, safe='')}",
            status_mark(first.standing.status, visit.language),
            first.name,
            f"/kpi/{quote(first.kpi_id, safe='')}",
            len(needy) - 1,
        )
        members.append((NEED.index(first.standing.status), member))
    members.sort(key=lambda one: (one[0], one[1].avatar.name))
    return Team(
        size=len(reports.people),
        larger=bool(reports.next_page_token),
        kpis=len(theirs),
        good=sum(kpi.standing.status in GOOD for kpi in theirs),
        members=tuple(member for _, member in members[:SHOWN]),
        others=tuple(others),
    )
