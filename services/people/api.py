"""gRPC of people: request → command or query, nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice

from google.protobuf.message import Message

from eventkit.commands.aggregate import Decision
from eventkit.commands.batch import Item
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.directory.facts import ORGANISATION, PERSON, TENANT, THE_ORGANISATION, OrgChart, Person
from eventkit.directory.past import Past
from eventkit.errors import Kind, Rejected, tenant_deleted, unknown
from eventkit.log import StreamId
from eventkit.rpc.access import AUDITOR
from eventkit.rpc.paging import asked
from eventkit.subscriptions.table import reading
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.time_pb2 import AsOf
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1 import types_pb2
from nhip.people.v1.events_pb2 import ErasureRequested, LegalHoldPlaced
from services.people.access import ACCESS
from services.people.company_api import CompanyApi
from services.people.deciding import Deciding
from services.people.domain import erasure, organisation, person, planned, tenant
from services.people.domain.erasure import ERASURE, Erasure
from services.people.domain.needed import fills, refuse_last
from services.people.domain.planned import PLANNED
from services.people.names import ANCHORS, Names, after, one_of
from services.people.queries.employments import coded_so, employments
from services.people.queries.erasures import erasures
from services.people.queries.leaving import leaving
from services.people.queries.organisation import lacks, organisation_of
from services.people.queries.planned import planned_changes
from services.people.queries.role_changes import role_changes, role_of

REGISTER_PERSON = "nhip.people.v1.People/RegisterPerson"
PEOPLE, UNITS = 100, 500
"""Sizes of a page that names none."""


@dataclass(frozen=True, slots=True)
class PeopleApi(CompanyApi):
    """Implements `nhip.people.v1.People`."""

    names: Names
    deciding: Deciding
    past: Past

    async def create_tenant(self, command: pb.CreateTenant, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            known = await load(TENANT, ctx.tenant)
            # Before the first thing is made in it: one that was made before there were secrets never gets any.
            if known is None and not await self.resources.words.id_secret(ctx.tenant, make=True):
                raise tenant_deleted(ctx.tenant)  # in a log that went back to before it was made
            return tenant.create(known, command, ctx)

        return await self.resources.commands.execute(ctx, TENANT(ctx.tenant), decide)

    async def create_unit(self, command: pb.CreateUnit, ctx: Context) -> Accepted:
        unit_id = ctx.new_id("unit")
        return await self.resources.commands.on(
            ctx,
            ORGANISATION,
            THE_ORGANISATION,
            lambda state: organisation.create_unit(state, command, unit_id),
            answers=unit_id,
        )

    async def register_person(self, command: pb.RegisterPerson, ctx: Context) -> Accepted:
        person_id = ctx.new_id("person")
        decide = self.deciding.registering(command, person_id, ctx.actor, partial(self._holder, ctx.tenant))
        return await self.resources.commands.execute(ctx, organisation.HERE, decide, answers=person_id)

    async def batch_register_people(self, command: pb.BatchRegisterPeople, ctx: Context) -> Accepted:
        async def item(number: int, one: pb.PersonItem) -> Item:
            own = await ctx.of_item(number, REGISTER_PERSON, one.person, one.key)
            person_id = own.new_id("person")
            decide = self.deciding.registering(one.person, person_id, ctx.actor, partial(self._holder, ctx.tenant))
            return Item(own, organisation.HERE, decide, person_id)

        return await self.resources.commands.batch([await item(*one) for one in enumerate(command.items)])

    async def rename_unit(self, command: pb.RenameUnit, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def move_unit(self, command: pb.MoveUnit, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def close_unit(self, command: pb.CloseUnit, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def withdraw_unit(self, command: pb.WithdrawUnit, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def withdraw_person(self, command: pb.WithdrawPerson, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def appoint_unit_head(self, command: pb.AppointUnitHead, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def assign_place(self, command: pb.AssignPlace, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def change_roles(self, command: pb.ChangeRoles, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def deactivate_person(self, command: pb.DeactivatePerson, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def reactivate_person(self, command: pb.ReactivatePerson, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def change_name(self, command: pb.ChangeName, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def change_title(self, command: pb.ChangeTitle, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def change_employment(self, command: pb.ChangeEmployment, ctx: Context) -> Accepted:
        return await self._carry_out(command, ctx)

    async def _carry_out(self, command: Message, ctx: Context) -> Accepted:
        asked = self.deciding.of(command, ctx.actor)
        return await self.resources.commands.execute(ctx, asked.ref, asked.decide, answers=asked.answers)

    async def change_email(self, command: pb.ChangeEmail, ctx: Context) -> Accepted:
        admin = await self._administers(ctx)

        async def decide(load: Load) -> Decision:
            decision = person.change_email(await load(PERSON, command.person_id), command, ctx.actor, admin=admin)
            if decision:  # whose an address is nobody is told who may not give it
                holder = await self._holder(ctx.tenant, command.email.plain)
                person.refuse_shared(holder, command.person_id, named=admin)
            return decision

        return await self.resources.commands.execute(ctx, PERSON(command.person_id), decide)

    async def _holder(self, tenant: str, email: str) -> str:
        """Who of those who are active has an e-mail address; empty: nobody, or no address. As of what this process has
        heard: two who are given it in the same moment both have it, and neither is linked by it."""
        if not email.strip():
            return ""
        org = await self.resources.directory.org_chart(tenant)
        found = await self.names.by_email(tenant, org, [email])
        return next((id for id in found.get(email, ()) if org.is_active(id)), "")

    # -- what is planned

    async def plan_change(self, command: pb.PlanChange, ctx: Context) -> Accepted:
        """Whoever plans it must be allowed to ask for it now; what stands against it as things are may be otherwise on
        the day."""
        plan_id = ctx.new_id("planned_change")
        asked = self.deciding.of(planned.command_of(command.change), ctx.actor)
        today = (await self.resources.directory.org_chart(ctx.tenant)).today(ctx.at)

        async def decide(load: Load) -> Decision:
            try:
                await asked.decide(load)
            except Rejected as refusal:
                if refusal.kind is not Kind.REFUSED or refusal.reason == "NEWER_EVENT":
                    raise
            return planned.plan(plan_id, command, ctx.actor, today)

        return await self.resources.commands.execute(ctx, PLANNED(plan_id), decide)

    async def withdraw_planned_change(self, command: pb.WithdrawPlannedChange, ctx: Context) -> Accepted:
        ctx = await self.resources.commands.answering(ctx, PLANNED(command.plan_id))
        return await self.resources.commands.on(
            ctx, PLANNED, command.plan_id, lambda state: planned.withdraw(state, command.plan_id)
        )

    async def preview_leaving(self, request: pb.PreviewLeaving, ctx: Context) -> pb.Leaving:
        return leaving(await self.resources.directory.org_chart(ctx.tenant), request, ctx.actor)

    async def list_planned_changes(self, request: pb.ListPlannedChanges, ctx: Context) -> pb.PlannedChanges:
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await planned_changes(con, ctx.tenant, request)

    # -- erasure

    async def request_erasure(self, command: pb.RequestErasure, ctx: Context) -> Accepted:
        admin = await self._administers(ctx)

        return await self._about_erasure(
            ctx,
            command.person_id,
            lambda state, whom: erasure.request(state, whom, command, ctx.actor, admin=admin),
        )

    async def approve_erasure(self, command: pb.ApproveErasure, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            state, whom = await load(ERASURE, command.person_id), await load(PERSON, command.person_id)
            requested_by = await self._last_by(ctx, command.person_id, ErasureRequested)
            decision = erasure.approve(state, whom, command, ctx.actor, requested_by=requested_by)
            if decision:
                refuse_last(
                    fills(whom), await self.deciding.others_fill(load, ctx.tenant, command.person_id), "person_id"
                )
            return decision

        ctx = await self._answering(ctx, command.person_id)
        return await self.resources.commands.execute(ctx, ERASURE(command.person_id), decide)

    async def decline_erasure(self, command: pb.DeclineErasure, ctx: Context) -> Accepted:
        return await self._about_erasure(
            await self._answering(ctx, command.person_id),
            command.person_id,
            lambda state, whom: erasure.decline(state, whom, command, ctx.actor),
        )

    async def place_legal_hold(self, command: pb.PlaceLegalHold, ctx: Context) -> Accepted:
        return await self._about_erasure(
            await self._answering(ctx, command.person_id),
            command.person_id,
            lambda state, whom: erasure.place_hold(state, whom, command),
        )

    async def lift_legal_hold(self, command: pb.LiftLegalHold, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            state, whom = await load(ERASURE, command.person_id), await load(PERSON, command.person_id)
            placed_by = await self._last_by(ctx, command.person_id, LegalHoldPlaced)
            return erasure.lift_hold(state, whom, command, ctx.actor, placed_by=placed_by)

        ctx = await self._answering(ctx, command.person_id)
        return await self.resources.commands.execute(ctx, ERASURE(command.person_id), decide)

    async def _about_erasure(
        self, ctx: Context, person_id: str, decide: Callable[[Erasure, Person | None], Decision]
    ) -> Accepted:
        """Decides about an erasure on its state and on whom it is about."""

        async def load_and_decide(load: Load) -> Decision:
            return decide(await load(ERASURE, person_id), await load(PERSON, person_id))

        return await self.resources.commands.execute(ctx, ERASURE(person_id), load_and_decide)

    async def _answering(self, ctx: Context, person_id: str) -> Context:
        """The circumstances of a command that answers to the request for an erasure."""
        return await self.resources.commands.answering(ctx, ERASURE(person_id))

    async def _last_by(self, ctx: Context, person_id: str, did: type[ErasureRequested | LegalHoldPlaced]) -> str:
        """Who did it last, as the log has it.

        Asked for after the stream was loaded: what comes in between fails the append.
        """
        by = ""
        async for event in self.resources.log.read(StreamId(ctx.tenant, *ERASURE(person_id))):
            if isinstance(event.message, did):
                by = event.origin.actor
        return by

    # -- queries

    async def list_erasures(self, request: pb.ListErasures, ctx: Context) -> pb.Erasures:
        org, me = await self.resources.directory.org_chart(ctx.tenant), ctx.actor.id
        others = ACCESS["ListErasures"].others
        everybody = ctx.actor.kind == "service" or any(org.has_role(me, role) for role in others)
        if not everybody and request.person_id not in ("", me):
            raise Rejected(
                "NOT_ALLOWED",
                "people see their own requests, administrators and auditors everybody's",
                kind=Kind.FORBIDDEN,
            )
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await erasures(con, ctx.tenant, request, "" if everybody else me)

    async def list_units(self, request: pb.ListUnits, ctx: Context) -> pb.Units:
        org, page = await self._then(ctx, request.as_of), asked(request, ctx.tenant, str, str, size=UNITS)
        ordered = sorted((u.name, u.id) for u in org.units.values())
        behind = [place for place in ordered if page.after is None or place > page.after]
        shown, token = page.cut(behind[: page.limit], lambda place: place)
        units = [org.units[id] for _, id in shown]
        return pb.Units(
            units=[
                pb.Unit(
                    unit_id=u.id,
                    name=u.name,
                    head_id=u.head_id,
                    parent_id=u.parent_id,
                    closed=u.closed,
                    people=org.members(u.id),
                    answers_id=org.standing_in(u.head_id) if u.head_id else "",
                    withdrawn=u.withdrawn,
                )
                for u in units
            ],
            next_page_token=token,
        )

    async def list_people(self, request: pb.ListPeople, ctx: Context) -> pb.PeopleList:
        now, admin = await self.resources.directory.org_chart(ctx.tenant), await self._administers(ctx)
        org, page = (
            await self._then(ctx, request.as_of),
            asked(request, ctx.tenant, str, size=len(request.person_ids) or PEOPLE),
        )
        if request.person_ids:  # to be named, not to be read through
            ids = one_of(request.person_ids, org)
        else:
            ids = [id for id in await self.names.in_order(ctx.tenant, now) if id in org.people]
        behind = after(ids, page.after[0].split()) if page.after else ids
        text = request.text.strip()
        seen = now.people if admin else (ctx.actor.id,)  # whose address the caller is shown
        named = await self.names.matching(ctx.tenant, now, text, emails=seen) if text else None
        async with reading(self.resources.pool, ctx.tenant) as con:
            # Whom a text finds: by their names, or the beginning of their codes.
            named_so = None if named is None else named | await coded_so(con, ctx.tenant, text)
            wanted = (
                id
                for id in behind
                if (named_so is None or id in named_so)
                and (not request.active or org.people[id].active)
                and (bool(request.person_ids) or not org.people[id].withdrawn)
                and (not request.lacking or request.lacking in lacks(org, id))
                and (not request.unit_id or (id in org.places and org.places[id].unit_id == request.unit_id))
                and (not request.manager_id or org.manager(id) == request.manager_id)
            )
            found = list(islice(wanted, page.limit))
            last = " ".join(found[: page.size][-ANCHORS:])
            shown, token = page.cut(found, lambda _: (last,))
            employed = await employments(con, ctx.tenant, shown)
        people = [_person(org, org.people[id], employed.get(id), email=admin or id == ctx.actor.id) for id in shown]
        return pb.PeopleList(people=people, next_page_token=token)

    async def find_people_by_email(self, request: pb.FindPeopleByEmail, ctx: Context) -> pb.PeopleByEmail:
        org = await self.resources.directory.org_chart(ctx.tenant)
        found = await self.names.by_email(ctx.tenant, org, request.emails)
        return pb.PeopleByEmail(
            found=[
                pb.PersonByEmail(email=email, person_id=id)
                for email in dict.fromkeys(request.emails)
                for id in found.get(email, ())
                if org.is_active(id)
            ]
        )

    async def get_organisation(self, request: pb.GetOrganisation, ctx: Context) -> pb.Organisation:
        return organisation_of(await self.resources.directory.org_chart(ctx.tenant))

    async def get_person(self, request: pb.GetPerson, ctx: Context) -> pb.Person:
        org = await self._then(ctx, request.as_of)
        if request.person_id not in org.people:
            raise unknown("person", request.person_id, "person_id")
        email = request.person_id == ctx.actor.id or await self._administers(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            employed = await employments(con, ctx.tenant, [request.person_id])
            changes = await role_changes(con, ctx.tenant, request.person_id)
        found = _person(org, org.people[request.person_id], employed.get(request.person_id), email=email)
        found.role_changes.extend(changes)
        found.reports = sum(org.is_active(id) and org.manager(id) == request.person_id for id in org.places)
        return found

    async def _then(self, ctx: Context, as_of: AsOf) -> OrgChart:
        return await self.past.then(await self.resources.directory.org_chart(ctx.tenant), ctx.tenant, as_of, ctx.at)

    async def _administers(self, ctx: Context) -> bool:
        """The caller sets things right for others: an administrator who does not audit, or a service that the table
        lets in."""
        org, me = await self.resources.directory.org_chart(ctx.tenant), ctx.actor.id
        return ctx.actor.kind == "service" or (org.has_role(me, "admin") and not org.has_role(me, AUDITOR))


def _person(org: OrgChart, person: Person, employment: types_pb2.Employment | None, *, email: bool) -> pb.Person:
    place = org.places.get(person.id)
    return pb.Person(
        person_id=person.id,
        name=person.name,
        title=person.title,
        place=types_pb2.Place(unit_id=place.unit_id, manager_id=place.manager_id) if place else None,
        roles=[role_of(name) for name in person.roles],
        active=person.active,
        email=person.email if email and person.email.WhichOneof("form") else None,
        successor_id=person.successor_id,
        employment=employment,
        withdrawn=person.withdrawn,
    )
