"""gRPC of the rhythm: request → command or query, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from eventkit.context import IMPORTER, Context
from eventkit.directory.facts import OrgChart
from eventkit.errors import unknown
from eventkit.process.service import Resources
from eventkit.rpc.access import Allow, anyone
from eventkit.subscriptions.table import reading
from eventkit.values import from_date, to_date
from nhip.checkins.v1 import cadence_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from nhip.common.v1.command_pb2 import Accepted
from services.checkins.domain import cadence
from services.checkins.domain.cadence import ABSENCE, ALL, CADENCE, HOLIDAYS, may_note_absence, whose
from services.checkins.domain.check_in import rights, state_on
from services.checkins.queries import cadences
from services.checkins.queries.calendars import absences_in, calendar_of, managers_then, sent_to
from services.checkins.queries.check_ins import made

ACCESS: Mapping[str, Allow] = {
    # Whose rhythm and whose absence it is, the decisions check.
    "SetCadence": anyone(services=(IMPORTER,)),
    "EndCadence": anyone(),
    "NameHoliday": anyone(services=(IMPORTER,)),
    "RemoveHoliday": anyone(),
    "NoteAbsence": anyone(),
    "WithdrawAbsence": anyone(),
    "ListCadence": anyone(),
    "ListHolidays": anyone(),
    "GetCalendar": anyone(),
}


@dataclass(frozen=True, slots=True)
class CadenceApi:
    """Implements `nhip.checkins.v1.Cadence`."""

    resources: Resources

    async def set_cadence(self, command: pb.SetCadence, ctx: Context) -> Accepted:
        org, id = await self._org(ctx), whose(command.unit_id, command.person_id)
        today = org.today(ctx.at)
        return await self.resources.commands.on(
            ctx, CADENCE, id, lambda state: cadence.set_cadence(state, command, ctx.actor, org, today)
        )

    async def end_cadence(self, command: pb.EndCadence, ctx: Context) -> Accepted:
        org, id = await self._org(ctx), whose(command.unit_id, command.person_id)
        today = org.today(ctx.at)
        return await self.resources.commands.on(
            ctx, CADENCE, id, lambda state: cadence.end_cadence(state, command, ctx.actor, org, today)
        )

    async def name_holiday(self, command: pb.NameHoliday, ctx: Context) -> Accepted:
        org = await self._org(ctx)
        return await self.resources.commands.on(
            ctx, HOLIDAYS, ALL, lambda state: cadence.name_holiday(state, command, ctx.actor, org)
        )

    async def remove_holiday(self, command: pb.RemoveHoliday, ctx: Context) -> Accepted:
        org = await self._org(ctx)
        return await self.resources.commands.on(
            ctx, HOLIDAYS, ALL, lambda state: cadence.remove_holiday(state, command, ctx.actor, org)
        )

    async def note_absence(self, command: pb.NoteAbsence, ctx: Context) -> Accepted:
        org = await self._org(ctx)
        return await self.resources.commands.on(
            ctx, ABSENCE, command.person_id, lambda state: cadence.note_absence(state, command, ctx.actor, org)
        )

    async def withdraw_absence(self, command: pb.WithdrawAbsence, ctx: Context) -> Accepted:
        org = await self._org(ctx)
        return await self.resources.commands.on(
            ctx, ABSENCE, command.person_id, lambda state: cadence.withdraw_absence(state, command, ctx.actor, org)
        )

    async def list_cadence(self, request: pb.ListCadence, ctx: Context) -> pb.CadenceList:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await cadences.cadences(con, ctx.tenant, request, ctx.actor.id, org, org.today(ctx.at))

    async def list_holidays(self, request: pb.ListHolidays, ctx: Context) -> pb.Holidays:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await cadences.holidays(con, ctx.tenant, request, org.today(ctx.at))

    async def get_calendar(self, request: pb.GetCalendar, ctx: Context) -> pb.Calendar:
        """One's own, or of whom one leads; what became of each slot for who may read its check-in."""
        org, who, reader = await self._org(ctx), request.person_id, ctx.actor.id
        if who not in org.people or not may_note_absence(who, reader, org):
            raise unknown("person", who, "person_id")
        today = org.today(ctx.at)
        day = to_date(request.day) or today
        async with reading(self.resources.pool, ctx.tenant) as con:
            calendar = await calendar_of(con, ctx.tenant, who, org, day)
            if calendar is None:
                return pb.Calendar()
            rows = await made(con, ctx.tenant, who, [slot.due_on for slot in calendar.slots])
            managers = await managers_then(con, ctx.tenant, [who], org)
            absences = await absences_in(con, ctx.tenant, calendar.cycle, [who])
        answer = pb.Calendar(
            starts_on=from_date(calendar.cycle.first_on),
            ends_on=from_date(calendar.cycle.last_on),
            review_on=from_date(calendar.closing_on),
            retro_on=from_date(calendar.closing_on),
            absences=[
                pb.Absence(first_on=from_date(one.first_on), last_on=from_date(one.last_on))
                for one in absences.get(who, ())
            ],
            may_note_absence=org.is_active(who),
        )
        for slot in calendar.slots:
            row = rows.get(slot.due_on)
            state = state_on(row.state if row else t.CHECK_IN_STATE_NOT_STARTED, slot.due_on, today, away=slot.away)
            may = rights(who, sent_to(managers, row, who, slot.due_on, today), reader, org)
            if state == t.CHECK_IN_STATE_DRAFT and not may.own:
                state = t.CHECK_IN_STATE_NOT_STARTED
            answer.slots.add(
                number=slot.number,
                opens_on=from_date(slot.opens_on),
                due_on=from_date(slot.due_on),
                moved_from=from_date(slot.moved_from) if slot.moved_from else None,
                state=state if may.read else t.CHECK_IN_STATE_UNSPECIFIED,
            )
        return answer

    async def _org(self, ctx: Context) -> OrgChart:
        return await self.resources.directory.org_chart(ctx.tenant)
