"""A manager's team: what they may know of each whom they lead, and who needs them first (C-22)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from eventkit.privacy.words import Words
from eventkit.rpc.paging import asked
from eventkit.values import from_date, from_datetime
from nhip.checkins.v1 import check_ins_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from nhip.goals.v1.types_pb2 import MEASURE_KIND_MILESTONE
from services.checkins.domain.calendar import Slot
from services.checkins.domain.check_in import rights, state_on
from services.checkins.domain.need import Facts, Limits, judge
from services.checkins.domain.reporting import reports
from services.checkins.queries.calendars import Everybody, absences_in, cycle_around, everybody, managers_then, sent_to
from services.checkins.queries.check_ins import line
from services.checkins.views.check_in import CHECK_INS, CheckInRow
from services.checkins.views.known import KNOWN_CYCLES, KNOWN_KPIS
from services.checkins.views.owned import OWNED_KPIS, of_unit
from services.checkins.views.progress import ENTRIES
from services.checkins.views.topic import TOPICS

PAGE = 100
LAST = 6
SHOWN_TOPICS = 5


async def team(
    con: asyncpg.Connection,
    words: Words,
    tenant: str,
    request: pb.ListTeam,
    manager: str,
    org: OrgChart,
    at: datetime,
) -> pb.Team:
    """A page of those whom somebody leads; on it those first who need them first."""
    page = asked(request, tenant, str, size=PAGE)
    people = sorted(person for person in reports(manager, org) if not page.after or person > page.after[0])
    shown, token = page.cut(people[: page.limit], lambda person: (person,))
    today = org.today(at)
    checked = await _check_ins(con, tenant, shown, manager, org, today)
    kpis = await _kpis(con, tenant, shown, org, today)
    topics = await _topics(con, tenant, shown, manager)
    slots = await _slots(con, tenant, shown, org, today, checked)
    members: list[tuple[pb.TeamMember, list[CheckInRow]]] = []
    for person in shown:
        rows = checked.get(person, [])
        member = pb.TeamMember(
            person_id=person,
            last=[line(row, today, own=False) for row in rows if row.submission][-LAST:],
            kpis=len(kpis.get(person, ())),
            topic_ids=[topic for topic, _ in topics.get(person, ())][:SHOWN_TOPICS],
            topics_waiting=len(topics.get(person, ())),
        )
        _say_stuck(member, kpis.get(person, ()), org, today)
        if topics.get(person):
            member.topic_since.CopyFrom(from_datetime(topics[person][0][1]))
        members.append((member, rows))
    answer = pb.Team(members=[member for member, _ in members], next_page_token=token)
    await words.open(answer, tenant=tenant)
    for told, (_, rows) in zip(answer.members, members, strict=True):
        _judge(told, rows, slots.get(told.person_id), org, at)
    judged = sorted(answer.members, key=lambda one: (one.need, -len(one.signs), one.person_id))
    return pb.Team(members=judged, next_page_token=token)


def _judge(member: pb.TeamMember, rows: Sequence[CheckInRow], slot: Slot | None, org: OrgChart, at: datetime) -> None:
    today = org.today(at)
    by_day = {row.due_on: row for row in rows}
    if slot:
        row = by_day.get(slot.due_on)
        state = state_on(row.state if row else t.CHECK_IN_STATE_NOT_STARTED, slot.due_on, today, away=slot.away)
        member.due_on.CopyFrom(from_date(slot.due_on))
        member.state = t.CHECK_IN_STATE_NOT_STARTED if state == t.CHECK_IN_STATE_DRAFT else state
    submitted = [row for row in rows if row.submission]
    last = submitted[-1] if submitted else None
    waits = last is not None and last.state == t.CHECK_IN_STATE_SUBMITTED
    member.wants_meeting = waits and last is not None and last.wants_meeting
    if len(submitted) > 1 and (before := submitted[-2]).late and before.first_submitted_at:
        member.late_days = max((org.today(before.first_submitted_at) - before.due_on).days, 0)
    moods = [int(one.mood.plain) for one in member.last if one.mood.plain.isdigit()]
    days = (at - member.topic_since.ToDatetime(at.tzinfo)).days if member.HasField("topic_since") else 0
    judged = judge(
        Facts(
            moods=moods,
            confidences=[Decimal(one.confidence.value) for one in member.last if one.HasField("confidence")],
            state=member.state,
            late=[one.late for one in member.last],
            kpis=member.kpis,
            stuck=len(member.stuck_kpi_ids),
            topics=member.topics_waiting,
            topic_days=days,
            answer_waits=waits,
            wants_meeting=member.wants_meeting,
        ),
        Limits.of(org.settings.on(today)),
    )
    member.need = judged.need
    member.signs.extend(judged.signs)


async def _check_ins(
    con: asyncpg.Connection, tenant: str, people: Sequence[str], manager: str, org: OrgChart, today: date
) -> Mapping[str, list[CheckInRow]]:
    """The last of each whose days fell into the manager's time, the oldest first."""
    rows = await con.fetch(
        f"""select c.* from unnest($2::text[]) p(person_id) cross join lateral (
          select * from {CHECK_INS} where tenant = $1 and person_id = p.person_id order by due_on desc limit {LAST + 2}
        ) c order by c.person_id, c.due_on""",
        tenant,
        people,
    )
    managers = await managers_then(con, tenant, people, org)
    found: dict[str, list[CheckInRow]] = {}
    for row in map(CHECK_INS.of, rows):
        then = sent_to(managers, row, row.person_id, row.due_on, today)
        if rights(row.person_id, then, manager, org).read:
            found.setdefault(row.person_id, []).append(row)
    return found


@dataclass(frozen=True, slots=True)
class _Kpi:
    id: str
    since: date
    """The last day that a value is for; without any the first day of its cycle."""
    counts: bool
    """It is to have values: it is not computed, and no milestone that was reached."""


async def _kpis(
    con: asyncpg.Connection, tenant: str, people: Sequence[str], org: OrgChart, today: date
) -> Mapping[str, list[_Kpi]]:
    """What each answers for in cycles that run today."""
    headed = {of_unit(unit.id): unit.head_id for unit in org.units.values() if unit.head_id in people}
    rows = await con.fetch(
        f"""select distinct on (k.kpi_id) k.kpi_id, k.owner_ids, k.unit_id, k.kind, k.computed_from, c.starts_on,
          v.occurred_on, v.value
        from {OWNED_KPIS} o join {KNOWN_KPIS} k on k.tenant = o.tenant and k.kpi_id = o.kpi_id
        join {KNOWN_CYCLES} c on c.tenant = k.tenant and c.cycle_id = k.cycle_id
        left join lateral (
          select occurred_on, value from {ENTRIES} where tenant = k.tenant and kpi_id = k.kpi_id
          order by version desc limit 1
        ) v on true
        where o.tenant = $1 and o.owner_id = any($2::text[]) and o.named and c.begun and not c.withdrawn
          and $3 between c.starts_on and c.ends_on and (k.retired_on is null or k.retired_on > $3)
        order by k.kpi_id""",
        tenant,
        [*people, *headed],
        today,
    )
    found: dict[str, list[_Kpi]] = {}
    for row in rows:
        reached = row["kind"] == MEASURE_KIND_MILESTONE and (row["value"] or 0) >= 1
        kpi = _Kpi(row["kpi_id"], row["occurred_on"] or row["starts_on"], not row["computed_from"] and not reached)
        for person in answerable(row["owner_ids"], row["unit_id"], org):
            if person in people:
                found.setdefault(person, []).append(kpi)
    return found


def _say_stuck(member: pb.TeamMember, kpis: Sequence[_Kpi], org: OrgChart, today: date) -> None:
    most = org.settings.on(today).stale_days
    stuck = [kpi for kpi in kpis if kpi.counts and (today - kpi.since).days >= most]
    member.stuck_kpi_ids.extend(kpi.id for kpi in sorted(stuck, key=lambda kpi: (kpi.since, kpi.id))[:20])
    member.stuck_days = max(((today - kpi.since).days for kpi in stuck), default=0)


async def _topics(
    con: asyncpg.Connection, tenant: str, people: Sequence[str], manager: str
) -> Mapping[str, list[tuple[str, datetime]]]:
    """What each raised that waits for the manager, the oldest first."""
    rows = await con.fetch(
        f"select author_id, topic_id, since from {TOPICS} where tenant = $1 and author_id = any($2::text[]) and "
        f"(state = {t.TOPIC_STATE_OPEN} or state = {t.TOPIC_STATE_FORWARDED} and holder_id = $3) "
        "order by since, topic_id",
        tenant,
        people,
        manager,
    )
    found: dict[str, list[tuple[str, datetime]]] = {}
    for row in rows:
        found.setdefault(row["author_id"], []).append((row["topic_id"], row["since"]))
    return found


async def _slots(
    con: asyncpg.Connection,
    tenant: str,
    people: Sequence[str],
    org: OrgChart,
    today: date,
    checked: Mapping[str, Sequence[CheckInRow]],
) -> Mapping[str, Slot]:
    """The slot of each that is to be made now, or that was last."""
    cycle = await cycle_around(con, tenant, today)
    if cycle is None:
        return {}
    all_of_them: Everybody = await everybody(con, tenant, cycle, org, people)
    absences = await absences_in(con, tenant, cycle, people)
    found: dict[str, Slot] = {}
    for person in people:
        made = frozenset(row.due_on for row in checked.get(person, ()) if row.submission)
        if slot := all_of_them.calendar(person, absences.get(person, ())).asked(today, made):
            found[person] = slot
    return found
