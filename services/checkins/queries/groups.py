"""What is seen of many: a group's mood, never a person's, and how regularly check-ins are made and answered."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.directory.past import PRESENCES
from eventkit.errors import Kind, Rejected, unknown
from eventkit.privacy.words import Words
from eventkit.rpc.paging import asked
from eventkit.values import from_date, from_decimal, to_date
from nhip.checkins.v1 import check_ins_pb2 as pb
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.domain.group_mood import showable
from services.checkins.views.cadence import DUES, HOLIDAY_DAYS
from services.checkins.views.check_in import CHECK_INS

POINTS = 6
PAGE = 100
USUAL = timedelta(days=90)
ALL_READERS = ("executive", "okr_master", "admin", "auditor")


def may_read_mood(unit_id: str, person_id: str, org: OrgChart) -> bool:
    """Its head, and who leads them; executives and OKR masters."""
    if org.has_role(person_id, "executive") or org.has_role(person_id, "okr_master"):
        return True
    head = org.units[unit_id].head_id if unit_id in org.units else ""
    return bool(head) and (person_id == head or person_id in org.managers(head))


async def group_mood(
    con: asyncpg.Connection, words: Words, tenant: str, unit_id: str, reader: str, org: OrgChart, today: date
) -> pb.GroupMood:
    """Of the last days on which check-ins were due. Raises `Rejected` UNIT_UNKNOWN, MOOD_NOT_YOURS."""
    if unit_id not in org.units:
        raise unknown("unit", unit_id, "unit_id")
    if not may_read_mood(unit_id, reader, org):
        told = "the mood of a unit is read by its head and who is above, by executives and OKR masters"
        raise Rejected("MOOD_NOT_YOURS", told, kind=Kind.FORBIDDEN, field="unit_id", rule="C-09")
    days = await con.fetch(
        f"select distinct due_on from {DUES} where tenant = $1 and due_on <= $2 order by due_on desc limit {POINTS}",
        tenant,
        today,
    )
    parents = {unit.id: unit.parent_id for unit in org.units.values()}
    inside = [unit for unit in parents if unit_id in _line(unit, parents)]
    fewest = org.settings.on(today).mood_people
    points: list[pb.GroupMoodPoint] = []
    for row in days:
        # How many people of each unit told theirs, by the units that they were in on the day.
        told = await con.fetch(
            f"""select d.unit_id, count(*) as people from {DUES} d join {CHECK_INS} c
            on c.tenant = d.tenant and c.person_id = d.person_id and c.due_on = d.due_on
            where d.tenant = $1 and d.due_on = $2 and c.mood <> '' group by d.unit_id""",
            tenant,
            row["due_on"],
        )
        members = {one["unit_id"]: one["people"] for one in told if one["unit_id"]}
        if unit_id not in showable(members, parents, fewest):
            continue
        moods = await _moods(con, words, tenant, row["due_on"], inside)
        if len(moods) >= fewest:
            mean = (Decimal(sum(moods)) / len(moods)).quantize(Decimal("0.1"))
            points.append(
                pb.GroupMoodPoint(due_on=from_date(row["due_on"]), people=len(moods), mean=from_decimal(mean))
            )
    return pb.GroupMood(points=points)


async def _moods(con: asyncpg.Connection, words: Words, tenant: str, due_on: date, units: Sequence[str]) -> list[int]:
    rows = await con.fetch(
        f"""select c.mood from {DUES} d join {CHECK_INS} c
        on c.tenant = d.tenant and c.person_id = d.person_id and c.due_on = d.due_on
        where d.tenant = $1 and d.due_on = $2 and d.unit_id = any($3::text[]) and c.mood <> ''""",
        tenant,
        due_on,
        units,
    )
    sealed = pb.Submission(done=[PersonalText.FromString(row["mood"]) for row in rows])
    await words.open(sealed, tenant=tenant)
    return [int(one.plain) for one in sealed.done if one.plain.isdigit()]


def _line(unit: str, parents: dict[str, str]) -> list[str]:
    found: list[str] = []
    while unit and unit not in found:
        found.append(unit)
        unit = parents.get(unit, "")
    return found


async def discipline(
    con: asyncpg.Connection, tenant: str, request: pb.ListDiscipline, reader: str, org: OrgChart, today: date
) -> pb.Discipline:
    """By manager: how many check-ins fell due, were made in time, and were answered, and how soon (A-07, G-82).

    What was brought in from elsewhere counts by the day on which it was made there. Who left on a day missed nothing on
    it, and nobody on a day that became a holiday."""
    everybodys = any(org.has_role(reader, role) for role in ALL_READERS)
    page = asked(request, tenant, str, size=PAGE)
    rows = await con.fetch(
        f"""select d.manager_id, count(*) as due,
          count(*) filter (where c.submission > 0 and not c.late and not c.undated) as in_time,
          count(*) filter (where c.submission > 0 and c.late) as late,
          count(*) filter (where c.undated) as undated,
          count(*) filter (where c.submission > 0 and not c.brought_in) as to_answer,
          count(c.answered_at) filter (where not c.brought_in) as answered,
          percentile_cont(0.5) within group (order by extract(epoch from c.answered_at - c.first_submitted_at) / 3600)
            filter (where not c.brought_in) as answer_hours
        from {DUES} d left join {CHECK_INS} c
          on c.tenant = d.tenant and c.person_id = d.person_id and c.due_on = d.due_on
        where d.tenant = $1 and d.due_on >= $2 and d.due_on < $3 and ($4::text is null or d.manager_id > $4)
          and ($5 or d.manager_id = $6) and ($9 = '' or d.manager_id = $9)
          and (c.submission > 0 or not exists (select from {HOLIDAY_DAYS} h
            where h.tenant = d.tenant and not h.removed and d.due_on between h.first_on and h.last_on)
          and not exists (select from {PRESENCES} p where p.tenant = d.tenant and p.person_id = d.person_id
            and not p.active and (p.at at time zone $8)::date = d.due_on))
        group by d.manager_id order by d.manager_id limit $7""",
        tenant,
        to_date(request.from_on) or today - USUAL,
        today,
        page.after[0] if page.after else None,
        everybodys,
        reader,
        page.limit,
        str(org.time_zone),
        request.manager_id,
    )
    shown, token = page.cut(rows, lambda row: (row["manager_id"],))
    return pb.Discipline(
        lines=[
            pb.DisciplineLine(
                manager_id=row["manager_id"],
                due=row["due"],
                in_time=row["in_time"],
                late=row["late"],
                answered=row["answered"],
                answer_hours=round(row["answer_hours"] or 0),
                undated=row["undated"],
                to_answer=row["to_answer"],
            )
            for row in shown
        ],
        next_page_token=token,
    )
