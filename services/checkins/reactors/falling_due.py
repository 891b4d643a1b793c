"""Says of whom a check-in is due tomorrow, today, or was and is missing (N-04): once for each person, slot and stage,
however often it looks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.database import connection
from eventkit.directory.facts import OrgChart
from eventkit.directory.setting_sql import in_force
from eventkit.directory.views import TenantView
from eventkit.process.service import Due, Resources, Timer
from eventkit.subscriptions.table import reading
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import DuePerson
from services.checkins.domain import slot
from services.checkins.domain.reporting import direct_manager
from services.checkins.domain.slot import LOOK_BACK, SLOT
from services.checkins.queries.calendars import cycles_near, everybody
from services.checkins.queries.dues import away_on, submitted_for
from services.checkins.views.cadence import CADENCES
from services.checkins.views.known import KNOWN_CYCLES

LOOK_EVERY = timedelta(minutes=1)
AT_ONCE = 100
"""People whose managers are looked up before others have a turn."""

# Companies with a rhythm in which a cycle runs, whose day has come to the hour that they set, by their clock.
_AWAKE = f"""
select t.tenant, d.today, (d.today + make_interval(hours => h.value))::timestamp at time zone t.time_zone as due_at
from {TenantView().table} t
cross join lateral (select ($1::timestamptz at time zone t.time_zone)::date as today) d
cross join lateral ({in_force("check_in_hour", "t.tenant", "d.today")}) h
where extract(hour from $1::timestamptz at time zone t.time_zone) >= h.value
  and exists (select from {CADENCES} c where c.tenant = t.tenant)
  and exists (select from {KNOWN_CYCLES} k where k.tenant = t.tenant and k.begun and not k.withdrawn
    and d.today - {LOOK_BACK} <= k.ends_on and d.today + 1 >= k.starts_on)
order by due_at limit $2
"""


@dataclass(frozen=True, slots=True)
class FallingDue:
    resources: Resources

    @property
    def timer(self) -> Timer:
        return Timer("check_ins_falling_due", self.due, self.act, LOOK_EVERY)

    async def due(self, at: datetime, most: int) -> Sequence[Due]:
        async with connection(self.resources.pool) as con:
            rows = await con.fetch(_AWAKE, at, most)
        return [Due(row["tenant"], row["today"].isoformat(), row["due_at"]) for row in rows]

    async def act(self, due: Due, ctx: Context) -> timedelta:
        """The day is then over and done; another process that takes over looks again, and finds everybody told."""
        await self.look_at(ctx, date.fromisoformat(due.thing))
        return timedelta(days=1)

    async def look_at(self, ctx: Context, today: date) -> None:
        """Say what is due, and what was, as of a day."""
        org = await self.resources.directory.org_chart(ctx.tenant)
        wanted = slot.said_on(today)
        found: dict[tuple[date, t.SlotStage.ValueType], list[str]] = {}
        async with reading(self.resources.pool, ctx.tenant) as con:
            left = {day for day, _ in wanted}
            for cycle in await cycles_near(con, ctx.tenant, today):
                days = sorted(day for day in left if day in cycle)
                if not days:
                    continue
                left -= set(days)
                all_of_them = await everybody(con, ctx.tenant, cycle, org)
                for day in days:
                    if not (people := all_of_them.due(day)):
                        continue
                    away = await away_on(con, ctx.tenant, day)
                    made = await submitted_for(con, ctx.tenant, day)
                    for stage in sorted(stage for on, stage in wanted if on == day):
                        left_out = away if stage == t.SLOT_STAGE_DUE else away | made
                        if named := [person for person in people if person not in left_out]:
                            found[day, stage] = named

        async def decide(load: Load) -> Decision:
            decision: Decision = []
            for (day, stage), people in found.items():
                told = await load(SLOT, slot.id_of(day, stage))
                new: list[DuePerson] = []
                for number, person in enumerate(one for one in people if one not in told):
                    if number % AT_ONCE == AT_ONCE - 1:  # calls of others are answered in between
                        await asyncio.sleep(0)
                    new.append(_due_person(person, org))
                decision += slot.fall_due(told, day, stage, new)
            return decision

        if found:
            first = next(iter(found))
            await self.resources.commands.execute(ctx, SLOT(slot.id_of(*first)), decide)


def _due_person(person_id: str, org: OrgChart) -> DuePerson:
    unit = org.places[person_id].unit_id if person_id in org.places else ""
    return DuePerson(person_id=person_id, manager_id=direct_manager(person_id, org), unit_id=unit)
