"""Rhythms and holidays, as lists."""

from collections.abc import Iterator
from datetime import date

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.rpc.paging import asked
from eventkit.values import from_date
from nhip.checkins.v1 import cadence_pb2 as pb
from services.checkins.domain.cadence import COMPANY, Cadence, may_set, may_set_company
from services.checkins.views.cadence import CADENCES, HOLIDAY_DAYS, cadence_of

PAGE = 100
MOST_SETTABLE = 200


async def cadences(
    con: asyncpg.Connection, tenant: str, request: pb.ListCadence, reader: str, org: OrgChart, today: date
) -> pb.CadenceList:
    """The company's, and those of units and people that the reader may set."""
    page = asked(request, tenant, str, size=PAGE)
    rows = await con.fetch(
        f"""select whose, versions from {CADENCES} where tenant = $1 and ($2::text is null or whose collate "C" > $2)
        order by whose collate "C" limit $3""",
        tenant,
        page.after[0] if page.after else None,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["whose"],))
    rules: list[pb.CadenceRule] = []
    for row in shown:
        kind, _, id = row["whose"].partition(".")
        unit, person = (id, "") if kind == "unit" else ("", id)
        may = may_set(unit, person, reader, org)
        if row["whose"] == COMPANY or may or person == reader:
            for rule in _rules(cadence_of(row["versions"]), today):
                rule.unit_id, rule.person_id, rule.may_set = unit, person, may
                rules.append(rule)
    if may_set_company(reader, org):
        return pb.CadenceList(rules=rules, next_page_token=token, may_set_company=True)
    units = [unit.id for unit in org.units.values() if not unit.closed and may_set(unit.id, "", reader, org)]
    return pb.CadenceList(
        rules=rules,
        next_page_token=token,
        settable_unit_ids=units[:MOST_SETTABLE],
        settable_person_ids=_below(reader, org)[:MOST_SETTABLE],
    )


def _below(manager: str, org: OrgChart) -> list[str]:
    """The active people whom somebody manages, directly or over others, the nearest first."""
    led: dict[str, list[str]] = {}
    for person, place in org.places.items():
        led.setdefault(place.manager_id, []).append(person)
    found: dict[str, None] = {}
    layer = led.get(manager, [])
    while layer:
        found |= dict.fromkeys(sorted(layer))
        layer = [person for one in layer for person in led.get(one, []) if person not in found]
    return [person for person in found if org.is_active(person) and person != manager]


def _rules(cadence: Cadence, today: date) -> Iterator[pb.CadenceRule]:
    """The one in force, and those to come."""
    versions = cadence.versions
    for number, (since, rule) in enumerate(versions):
        until = versions[number + 1][0] if number + 1 < len(versions) else None
        if rule is None or (until is not None and until <= today):
            continue
        yield pb.CadenceRule(
            every_weeks=rule.every_weeks,
            weekday=rule.weekday,  # type: ignore[arg-type] # the enum's number
            first_on=from_date(rule.first_on),
            until_on=from_date(until) if until else None,
            to_come=since > today,
        )


async def holidays(con: asyncpg.Connection, tenant: str, request: pb.ListHolidays, today: date) -> pb.Holidays:
    page = asked(request, tenant, date, size=PAGE)
    rows = await con.fetch(
        f"select * from {HOLIDAY_DAYS} where tenant = $1 and not removed and ($2 or last_on >= $3) "
        "and ($4::date is null or first_on > $4) order by first_on limit $5",
        tenant,
        request.past_too,
        today,
        page.after[0] if page.after else None,
        page.limit,
    )
    shown, token = page.cut([HOLIDAY_DAYS.of(row) for row in rows], lambda row: (row.first_on,))
    return pb.Holidays(
        holidays=[
            pb.Holiday(first_on=from_date(row.first_on), last_on=from_date(row.last_on), name=row.name) for row in shown
        ],
        next_page_token=token,
    )
