"""Says of whom a check-in is due tomorrow, today, or was and is missing (N-04): once for each person, slot and stage,
however often it looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.database import connection
from eventkit.directory.views import TenantView
from eventkit.process.service import Due, Resources, Timer
from eventkit.subscriptions.table import reading
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import DuePerson
from services.checkins.domain import slot
from services.checkins.domain.reporting import direct_manager
from services.checkins.domain.slot import SLOT
from services.checkins.queries.calendars import cycle_around, everybody
from services.checkins.queries.dues import away_on, submitted_for
from services.checkins.views.cadence import CADENCES
from services.checkins.views.known import KNOWN_CYCLES

LOOK_EVERY = timedelta(minutes=1)
HOUR = 6
"""From this hour on a day is looked at, by the clock of its company."""
LOOK_BACK = 7
"""Days for which a missed check-in is still said to be missing."""

# Companies with a rhythm in which a cycle runs, whose day has come to the hour.
_AWAKE = f"""
select t.tenant, d.today, (d.today + time '{HOUR:02}:00')::timestamp at time zone t.time_zone as due_at
from {TenantView().table} t
cross join lateral (select ($1::timestamptz at time zone t.time_zone)::date as today) d
where extract(hour from $1::timestamptz at time zone t.time_zone) >= {HOUR}
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
        wanted = {
            (today + timedelta(days=1), t.SLOT_STAGE_SOON),
            # What was due while nobody looked is said all the same: how regularly one checks in is counted by it.
            *((today - timedelta(days=days), t.SLOT_STAGE_DUE) for days in range(LOOK_BACK + 1)),
            *((today - timedelta(days=days), t.SLOT_STAGE_OVERDUE) for days in range(1, LOOK_BACK + 1)),
        }
        found: dict[tuple[date, t.SlotStage.ValueType], list[DuePerson]] = {}
        async with reading(self.resources.pool, ctx.tenant) as con:
            for day, stage in sorted(wanted):
                cycle = await cycle_around(con, ctx.tenant, day)
                if cycle is None or day not in cycle:
                    continue
                left_out = await away_on(con, ctx.tenant, day)
                if stage != t.SLOT_STAGE_DUE:
                    left_out |= await submitted_for(con, ctx.tenant, day)
                people = (await everybody(con, ctx.tenant, cycle, org)).due(day)
                named = [
                    DuePerson(
                        person_id=person,
                        manager_id=direct_manager(person, org),
                        unit_id=org.places[person].unit_id if person in org.places else "",
                    )
                    for person in people
                    if person not in left_out
                ]
                if named:
                    found[day, stage] = named

        async def decide(load: Load) -> Decision:
            decision: Decision = []
            for (day, stage), people in found.items():
                decision += slot.fall_due(await load(SLOT, slot.id_of(day, stage)), day, stage, people)
            return decision

        if found:
            first = next(iter(found))
            await self.resources.commands.execute(ctx, SLOT(slot.id_of(*first)), decide)
