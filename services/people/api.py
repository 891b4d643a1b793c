"""gRPC of people: request → command or query, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from eventkit.aggregate import Decision
from eventkit.context import Context
from eventkit.decider import Load
from eventkit.directory.facts import ORGANISATION, PERSON, TENANT, THE_ORGANISATION, Everyone, Person
from eventkit.errors import unknown
from eventkit.rpc.access import Allow, anyone, roles, services
from eventkit.service import Kit
from nhip.common.v1.command_pb2 import Accepted
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1 import types_pb2
from services.people.domain import organisation, person, tenant

_ADMIN = roles("admin", services=("importer", "operator"))
_READ = anyone(services=("importer", "operator", "gateway"))
ACCESS: Mapping[str, Allow] = {
    "CreateTenant": services("operator"),
    "CreateUnit": _ADMIN,
    "AppointUnitHead": _ADMIN,
    "RegisterPerson": _ADMIN,
    "AssignPlace": _ADMIN,
    "ChangeRoles": _ADMIN,
    "DeactivatePerson": _ADMIN,
    "GetTenant": _READ,
    "ListUnits": _READ,
    "ListPeople": _READ,
    "GetPerson": _READ,
}


@dataclass(frozen=True, slots=True)
class PeopleApi:
    """Implements `nhip.people.v1.People`."""

    kit: Kit

    async def create_tenant(self, command: pb.CreateTenant, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            return tenant.create(await load(TENANT, ctx.tenant), command, ctx)

        return await self.kit.commands.execute(ctx, TENANT(ctx.tenant), decide)

    async def create_unit(self, command: pb.CreateUnit, ctx: Context) -> Accepted:
        unit_id = ctx.new_id("unit")

        async def decide(load: Load) -> Decision:
            return organisation.create_unit(await load(ORGANISATION, THE_ORGANISATION), command, unit_id)

        return await self.kit.commands.execute(ctx, organisation.HERE, decide, answers=unit_id)

    async def appoint_unit_head(self, command: pb.AppointUnitHead, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            return organisation.appoint_head(await load(ORGANISATION, THE_ORGANISATION), await load(PERSON, command.person_id), command)

        return await self.kit.commands.execute(ctx, organisation.HERE, decide, answers=command.unit_id)

    async def register_person(self, command: pb.RegisterPerson, ctx: Context) -> Accepted:
        person_id = ctx.new_id("person")

        async def decide(load: Load) -> Decision:
            return person.register(await load(ORGANISATION, THE_ORGANISATION), await _manager(load, command.place), command, person_id)

        return await self.kit.commands.execute(ctx, organisation.HERE, decide, answers=person_id)

    async def assign_place(self, command: pb.AssignPlace, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            return organisation.assign(
                await load(ORGANISATION, THE_ORGANISATION),
                await load(PERSON, command.person_id),
                await _manager(load, command.place),
                command,
            )

        return await self.kit.commands.execute(ctx, organisation.HERE, decide, answers=command.person_id)

    async def change_roles(self, command: pb.ChangeRoles, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            return person.change_roles(await load(PERSON, command.person_id), command)

        return await self.kit.commands.execute(ctx, PERSON(command.person_id), decide)

    async def deactivate_person(self, command: pb.DeactivatePerson, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            return person.deactivate(await load(PERSON, command.person_id), command.person_id)

        return await self.kit.commands.execute(ctx, PERSON(command.person_id), decide)

    # -- queries

    async def get_tenant(self, request: pb.GetTenant, ctx: Context) -> pb.Tenant:
        everyone = await self.kit.directory.everyone(ctx.tenant)
        if not everyone.company:
            raise unknown("tenant", ctx.tenant)
        return pb.Tenant(tenant_id=ctx.tenant, name=everyone.company, time_zone=everyone.time_zone.key)

    async def list_units(self, request: pb.ListUnits, ctx: Context) -> pb.Units:
        everyone = await self.kit.directory.everyone(ctx.tenant)
        return pb.Units(units=[pb.Unit(unit_id=u.id, name=u.name, head_id=u.head_id) for u in everyone.units.values()])

    async def list_people(self, request: pb.ListPeople, ctx: Context) -> pb.PeopleList:
        everyone = await self.kit.directory.everyone(ctx.tenant)
        return pb.PeopleList(people=[_person(everyone, p) for p in everyone.people.values()])

    async def get_person(self, request: pb.GetPerson, ctx: Context) -> pb.Person:
        everyone = await self.kit.directory.everyone(ctx.tenant)
        if request.person_id not in everyone.people:
            raise unknown("person", request.person_id, "person_id")
        return _person(everyone, everyone.people[request.person_id])


async def _manager(load: Load, place: types_pb2.Place) -> Person | None:
    return await load(PERSON, place.manager_id) if place.manager_id else None


def _person(everyone: Everyone, known: Person) -> pb.Person:
    place = everyone.places.get(known.id)
    return pb.Person(
        person_id=known.id,
        name=known.name,
        title=known.title,
        place=types_pb2.Place(unit_id=place.unit_id, manager_id=place.manager_id) if place else None,
        roles=[types_pb2.Role.Value(f"ROLE_{name.upper()}") for name in known.roles],
        active=known.active,
    )
