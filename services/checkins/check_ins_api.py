"""gRPC of check-ins: request → command or query, nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from eventkit.commands.aggregate import Decision
from eventkit.commands.batch import Item
from eventkit.commands.loading import Decide, Load
from eventkit.context import IMPORTER, Context
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from eventkit.process.service import Resources
from eventkit.rpc.access import Allow, anyone, roles
from eventkit.subscriptions.table import reading
from eventkit.values import required_date, to_date
from nhip.checkins.v1 import check_ins_pb2 as pb
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins import submitting
from services.checkins.domain import check_in
from services.checkins.domain.cadence import Days
from services.checkins.domain.calendar import Calendar, Slot
from services.checkins.domain.check_in import CHECK_IN, CheckIn, Rights, rights
from services.checkins.domain.progress import PROGRESS
from services.checkins.domain.reporting import leading
from services.checkins.queries import check_ins
from services.checkins.queries.calendars import calendar_of, calendars_of, cycles_near, managers_then, sent_to
from services.checkins.queries.groups import discipline, group_mood
from services.checkins.queries.known import known_kpis
from services.checkins.queries.team import team

SUBMIT_CHECK_IN = "nhip.checkins.v1.CheckIns/SubmitCheckIn"

ACCESS: Mapping[str, Allow] = {
    # Whose it is, and who led them then, decisions and queries check.
    "SaveCheckInDraft": anyone(),
    "SubmitCheckIn": anyone(services=(IMPORTER,)),
    "BatchSubmitCheckIns": roles("admin", services=(IMPORTER,)),
    "EvaluateCheckIn": anyone(),
    "AskAgain": anyone(),
    "GetCheckIn": anyone(),
    "ListCheckIns": anyone(),
    "ListTeam": roles("manager"),
    "GetGroupMood": anyone(),
    "ListDiscipline": anyone(),
}


@dataclass(frozen=True, slots=True)
class CheckInsApi:
    """Implements `nhip.checkins.v1.CheckIns`."""

    resources: Resources

    async def save_check_in_draft(self, command: pb.SaveCheckInDraft, ctx: Context) -> Accepted:
        org, by, due_on = await self._org(ctx), ctx.actor.id, required_date(command.due_on)
        async with reading(self.resources.pool, ctx.tenant) as con:
            slot = await _slot(con, ctx.tenant, by, org, due_on)
        check_in.check_begun(slot, org.today(ctx.at))
        return await self.resources.commands.on(
            ctx, CHECK_IN, check_in.id_of(by, due_on), lambda state: check_in.save_draft(state, command, by, slot)
        )

    async def submit_check_in(self, command: pb.SubmitCheckIn, ctx: Context) -> Accepted:
        org, due_on = await self._org(ctx), required_date(command.due_on)
        person_id, today = _whose(command, ctx, org), org.today(ctx.at)
        async with reading(self.resources.pool, ctx.tenant) as con:
            slot = await _slot(con, ctx.tenant, person_id, org, due_on)
            manager = await _manager(con, ctx.tenant, person_id, org, due_on, today)
            kpis = await known_kpis(con, ctx.tenant, _named(command), org)
        check_in.check_begun(slot, today)
        made = submitting.Made(person_id, manager, slot, today, org, kpis, imported=ctx.actor.is_importer)
        return await self.resources.commands.execute(
            ctx, CHECK_IN(check_in.id_of(person_id, due_on)), submitting.deciding(command, made, ctx)
        )

    async def batch_submit_check_ins(self, command: pb.BatchSubmitCheckIns, ctx: Context) -> Accepted:
        org = await self._org(ctx)
        today, commands = org.today(ctx.at), [one.check_in for one in command.items]
        async with reading(self.resources.pool, ctx.tenant) as con:
            people = sorted({one.person_id for one in commands if one.person_id in org.people})
            calendars = await self._calendars(con, ctx.tenant, people, commands, org)
            managers = await managers_then(con, ctx.tenant, people, org)
            kpis = await known_kpis(con, ctx.tenant, sorted({id for one in commands for id in _named(one)}), org)
        items: list[Item] = []
        for number, one in enumerate(command.items):
            wanted, person_id = one.check_in, one.check_in.person_id
            due_on = to_date(wanted.due_on)
            item_ctx = await ctx.of_item(number, SUBMIT_CHECK_IN, wanted, one.key)
            if due_on is None or person_id not in org.people:
                items.append(Item(item_ctx, CHECK_IN("unknown"), _refusing(wanted), ""))
                continue
            slot = next((found for each in calendars[person_id] if (found := each.slot(due_on))), None)
            manager = leading(managers.on(person_id, min(due_on, today)), person_id, org)
            made = submitting.Made(person_id, manager, slot, today, org, kpis, imported=True)
            id = check_in.id_of(person_id, due_on)
            reads = [(CHECK_IN, id), *((PROGRESS, value.kpi_id) for value in wanted.values if value.kpi_id in kpis)]
            decide = submitting.deciding(wanted, made, item_ctx, check=check_in.check_brought_in)
            items.append(Item(item_ctx, CHECK_IN(id), decide, id, reads))
        return await self.resources.commands.batch(items)

    async def _calendars(
        self,
        con: asyncpg.Connection,
        tenant: str,
        people: Sequence[str],
        commands: Sequence[pb.SubmitCheckIn],
        org: OrgChart,
    ) -> Mapping[str, Sequence[Calendar]]:
        """By person, of the cycles that the days of some check-ins lie in."""
        days = sorted({day for one in commands if (day := to_date(one.due_on))})
        cycles: list[Days] = []
        for day in days:
            if not any(day in cycle for cycle in cycles):
                cycles += [cycle for cycle in await cycles_near(con, tenant, day) if day in cycle][:1]
        return {person: await calendars_of(con, tenant, person, org, cycles) for person in people}

    async def evaluate_check_in(self, command: pb.EvaluateCheckIn, ctx: Context) -> Accepted:
        id, may = await self._rights(command, ctx)
        return await self.resources.commands.on(
            ctx, CHECK_IN, id, lambda state: check_in.evaluate(state, command, ctx.actor.id, may(state))
        )

    async def ask_again(self, command: pb.AskAgain, ctx: Context) -> Accepted:
        id, may = await self._rights(command, ctx)
        return await self.resources.commands.on(
            ctx, CHECK_IN, id, lambda state: check_in.ask_again(state, command, ctx.actor.id, may(state))
        )

    async def get_check_in(self, request: pb.GetCheckIn, ctx: Context) -> pb.CheckIn:
        """Of somebody else as far as the caller led them on its day; else there is none."""
        org, reader = await self._org(ctx), ctx.actor.id
        person_id, today = request.person_id or reader, org.today(ctx.at)
        async with reading(self.resources.pool, ctx.tenant) as con:
            day = to_date(request.due_on)
            calendar = await calendar_of(con, ctx.tenant, person_id, org, day or today)
            slots = [slot.due_on for slot in calendar.slots] if calendar else []
            rows = await check_ins.made(con, ctx.tenant, person_id, [day] if day else slots)
            if day is None:
                made = frozenset(row.due_on for row in rows.values() if row.submission)
                now = calendar.now(today, made) if calendar else None
                if now is None:
                    return pb.CheckIn(person_id=person_id, without_rhythm=True)
                day = now.due_on
            row = rows.get(day)
            managers = await managers_then(con, ctx.tenant, [person_id], org)
            manager = sent_to(managers, row, person_id, day, today)
            may = rights(person_id, manager, reader, org)
            if not may.read or (row is None and (calendar is None or calendar.slot(day) is None)):
                raise unknown("check_in", check_in.id_of(person_id, day), "due_on")
            told = await check_ins.answers(con, ctx.tenant, person_id, day)
            last = await check_ins.last_submitted(con, ctx.tenant, person_id, day) if may.own else None
        answer = check_ins.shown(person_id, day, calendar, row, told, may, leading(manager, person_id, org), today)
        if last is not None:
            answer.carried.extend([*last.not_done, *last.planned])
        if may.own and row is not None and row.draft:
            await self._open_draft(answer, row.draft, ctx.tenant)
        return answer

    async def _open_draft(self, answer: pb.CheckIn, sealed: bytes, tenant: str) -> None:
        opened = pb.Submission(learnings=PersonalText.FromString(sealed))
        await self.resources.words.open(opened, tenant=tenant)
        if (draft := check_in.draft_of(opened.learnings)) is not None:
            answer.draft.CopyFrom(draft)

    async def list_check_ins(self, request: pb.ListCheckIns, ctx: Context) -> pb.CheckInList:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await check_ins.page(con, ctx.tenant, request, ctx.actor.id, org, org.today(ctx.at))

    async def list_team(self, request: pb.ListTeam, ctx: Context) -> pb.Team:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await team(con, self.resources.words, ctx.tenant, request, ctx.actor.id, org, ctx.at)

    async def get_group_mood(self, request: pb.GetGroupMood, ctx: Context) -> pb.GroupMood:
        org, reader = await self._org(ctx), ctx.actor.id
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await group_mood(
                con, self.resources.words, ctx.tenant, request.unit_id, reader, org, org.today(ctx.at)
            )

    async def list_discipline(self, request: pb.ListDiscipline, ctx: Context) -> pb.Discipline:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await discipline(con, ctx.tenant, request, ctx.actor.id, org, org.today(ctx.at))

    async def _org(self, ctx: Context) -> OrgChart:
        return await self.resources.directory.org_chart(ctx.tenant)

    async def _rights(
        self, command: pb.EvaluateCheckIn | pb.AskAgain, ctx: Context
    ) -> tuple[str, Callable[[CheckIn], Rights]]:
        """The id of a check-in, and what the caller may do with it as it stands."""
        org, day = await self._org(ctx), required_date(command.due_on)
        async with reading(self.resources.pool, ctx.tenant) as con:
            managers = await managers_then(con, ctx.tenant, [command.person_id], org)
        then = managers.on(command.person_id, min(day, org.today(ctx.at)))

        def may(state: CheckIn) -> Rights:
            manager = (state.submitted.manager_id if state.submitted else "") or then
            return rights(command.person_id, manager, ctx.actor.id, org)

        return check_in.id_of(command.person_id, day), may


def _whose(command: pb.SubmitCheckIn, ctx: Context, org: OrgChart) -> str:
    """The caller's own; an import says whose."""
    if not ctx.actor.is_importer:
        if command.person_id and command.person_id != ctx.actor.id:
            told = "leave it empty: everybody checks in for themselves"
            raise Rejected("NOT_YOUR_CHECK_IN", told, kind=Kind.FORBIDDEN, field="person_id", rule="C-08")
        return ctx.actor.id
    if not org.is_active(command.person_id):
        raise unknown("person", command.person_id, "person_id")
    return command.person_id


def _named(command: pb.SubmitCheckIn) -> list[str]:
    """The KPIs that a check-in speaks of."""
    return sorted({value.kpi_id for value in command.values} | {one.kpi_id for one in command.topics if one.kpi_id})


def _refusing(command: pb.SubmitCheckIn) -> Decide:
    async def decide(load: Load) -> Decision:
        if not command.HasField("due_on"):
            raise Rejected("FIELDS_INVALID", "say its day", kind=Kind.INVALID, field="due_on")
        raise unknown("person", command.person_id, "person_id")

    return decide


async def _slot(con: asyncpg.Connection, tenant: str, person_id: str, org: OrgChart, due_on: date) -> Slot | None:
    calendar = await calendar_of(con, tenant, person_id, org, due_on)
    return calendar.slot(due_on) if calendar else None


async def _manager(
    con: asyncpg.Connection, tenant: str, person_id: str, org: OrgChart, due_on: date, today: date
) -> str:
    """Who reads a check-in: the direct manager of its day, or of today where that lies ahead."""
    managers = await managers_then(con, tenant, [person_id], org)
    return leading(managers.on(person_id, min(due_on, today)), person_id, org)
