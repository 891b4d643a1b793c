"""gRPC of people for integrations that keep people: request → command or query, nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.directory.facts import ORGANISATION, PERSON, THE_ORGANISATION, Organisation, OrgChart, Person
from eventkit.directory.integrations import KEEP
from eventkit.errors import Rejected, unknown
from eventkit.names import name_key
from eventkit.process.service import Resources
from eventkit.rpc.access import Allow, integrations
from eventkit.subscriptions.table import reading
from nhip.common.v1.command_pb2 import Accepted
from nhip.people.v1 import sync_pb2 as pb
from services.people.deciding import Deciding
from services.people.domain import organisation, synced
from services.people.domain.person import refuse_shared
from services.people.domain.synced import SYNCED, Before
from services.people.kept import KeptPeople
from services.people.queries import synced as queries
from services.people.queries.employments import employments
from services.people.queries.synced import Kept
from services.people.wanted import differing, refuse_taken, taken_over

MOVES: Sequence[Literal["employee_code", "unit", "manager_id", "active"]] = (
    "employee_code",
    "unit",
    "manager_id",
    "active",
)
"""What of a person is decided on the organisation, too."""
_KEEPING = integrations(KEEP)
ACCESS: Mapping[str, Allow] = {
    "SyncPerson": _KEEPING,
    "EndPersonSync": _KEEPING,
    "GetSyncedPerson": _KEEPING,
    "ListSyncedPeople": _KEEPING,
    "SyncGroup": _KEEPING,
    "EndGroupSync": _KEEPING,
    "GetSyncedGroup": _KEEPING,
    "ListSyncedGroups": _KEEPING,
}


@dataclass(frozen=True, slots=True)
class SyncApi:
    """Implements `nhip.people.v1.Sync` (X-07)."""

    resources: Resources
    deciding: Deciding
    kept: KeptPeople

    async def sync_person(self, command: pb.SyncPerson, ctx: Context) -> Accepted:
        org, people = await self._everybody(ctx)
        me = ctx.actor.id
        one = _shown(people, command.person_id, me) if command.person_id else taken_over(people, command, me)
        person_id = one.id if one else ctx.new_id("person")
        wanted = differing(command, one, org, me, await self._code(ctx, one.id) if one else "")
        unit_id = ctx.new_id("unit")
        moves = any(wanted.HasField(name) for name in MOVES)

        async def decide(load: Load) -> Decision:
            # Refused here, where who asks again for what was done is given the first answer.
            refuse_taken(people, wanted, person_id, me, new=not command.person_id)
            if wanted.email.plain.strip():
                refuse_shared(_holder(people, wanted.email.plain), person_id, named=True)
            there = await load(PERSON, person_id)
            leaves = wanted.HasField("active") and not wanted.active
            if not leaves and (there is None or (wanted.active and not there.active)):
                await self.deciding.refuse_full(load, ctx.tenant)
            before = Before(
                there,
                await load(SYNCED, person_id),
                await load(ORGANISATION, THE_ORGANISATION) if moves or one is None else Organisation(),
                await load(PERSON, wanted.manager_id) if wanted.manager_id else None,
                await self.deciding.others_fill(load, ctx.tenant, person_id) if leaves else frozenset(),
            )
            return synced.sync(wanted, person_id, before, ctx.actor, unit_id=unit_id)

        ref = organisation.HERE if moves or one is None else PERSON(person_id)
        return await self.resources.commands.execute(ctx, ref, decide, answers=person_id)

    async def end_person_sync(self, command: pb.EndPersonSync, ctx: Context) -> Accepted:
        _, people = await self._everybody(ctx)
        id = _shown(people, command.person_id, ctx.actor.id).id

        async def decide(load: Load) -> Decision:
            before = Before(
                await load(PERSON, id),
                await load(SYNCED, id),
                await load(ORGANISATION, THE_ORGANISATION),
                None,
                await self.deciding.others_fill(load, ctx.tenant, id),
            )
            return synced.end(id, before, ctx.actor)

        return await self.resources.commands.execute(ctx, organisation.HERE, decide, answers=id)

    async def get_synced_person(self, request: pb.GetSyncedPerson, ctx: Context) -> pb.SyncedPerson:
        org, people = await self._everybody(ctx)
        one = _shown(people, request.person_id, ctx.actor.id)
        return queries.person(one, org, ctx.actor.id, await self._code(ctx, one.id))

    async def list_synced_people(self, request: pb.ListSyncedPeople, ctx: Context) -> pb.SyncedPeople:
        org, people = await self._everybody(ctx)
        shown = [one for one in people.values() if one.shown_to(ctx.actor.id)]
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await queries.people(con, ctx.tenant, request, shown, org, ctx.actor.id)

    # -- groups

    async def sync_group(self, command: pb.SyncGroup, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)
        group = self._named(org, command, ctx)
        for id in command.add_ids:
            if id not in org.people:
                raise unknown("person", id, "members")
            synced.refuse_absent(id, org.is_active(id))
        if group.role:
            if command.name and name_key(command.name) != name_key(group.name):
                raise Rejected(
                    "GROUP_NAMED_BY_ADMINISTRATOR",
                    f"an administrator gave the group {group.name!r} its role: change it there",
                    field="name",
                )
            now = queries.members(group, org)
            add = frozenset(command.add_ids) - set(now)
            gone = set(now) - set(command.add_ids) if command.replaces else set(command.remove_ids) & set(now)
            return await self._give_role(ctx, group, add, frozenset(gone))

        # Whom a name finds is not renamed by it, in whatever case it is written.
        name = command.name if command.group_id or group.group_id not in org.units else ""

        async def decide(load: Load) -> Decision:
            state = await load(ORGANISATION, THE_ORGANISATION)
            gone = [id for id in command.remove_ids if id not in command.add_ids]
            if command.replaces:
                others = [id for id in organisation.of_unit(state, group.group_id) if id not in command.add_ids]
                gone = await _here(load, others)
            return synced.unit_group(state, group.group_id, name, add=dict.fromkeys(command.add_ids), remove=gone)

        return await self.resources.commands.execute(ctx, organisation.HERE, decide, answers=group.group_id)

    async def end_group_sync(self, command: pb.EndGroupSync, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)
        group = self._group(org, command.group_id, ctx)
        if group.role:
            return await self._give_role(ctx, group, frozenset(), frozenset(queries.members(group, org)))

        async def decide(load: Load) -> Decision:
            state = await load(ORGANISATION, THE_ORGANISATION)
            now = await _here(load, organisation.of_unit(state, group.group_id))
            return synced.end_unit_group(state, group.group_id, now)

        return await self.resources.commands.execute(ctx, organisation.HERE, decide, answers=group.group_id)

    async def _give_role(
        self, ctx: Context, group: pb.SyncedGroup, add: frozenset[str], gone: frozenset[str]
    ) -> Accepted:
        changed = sorted(add | gone)

        async def decide(load: Load) -> Decision:
            members: dict[str, Person] = {}
            for id in changed:
                if (one := await load(PERSON, id)) is not None:
                    members[id] = one
            others = await self.deciding.others_fill(load, ctx.tenant, *changed)
            return synced.role_group(members, group.role, group.name, add=add, actor=ctx.actor, others=others)

        ref = PERSON(changed[0]) if changed else organisation.HERE
        return await self.resources.commands.execute(ctx, ref, decide, answers=group.group_id)

    async def get_synced_group(self, request: pb.GetSyncedGroup, ctx: Context) -> pb.SyncedGroup:
        org = await self.resources.directory.org_chart(ctx.tenant)
        found = self._group(org, request.group_id, ctx)
        if not request.bare:
            found.member_ids.extend(queries.members(found, org))
        return found

    async def list_synced_groups(self, request: pb.ListSyncedGroups, ctx: Context) -> pb.SyncedGroups:
        org = await self.resources.directory.org_chart(ctx.tenant)
        found = queries.all_groups(org, org.integrations.get(ctx.actor.id))
        return queries.groups(request, ctx.tenant, found, org)

    def _named(self, org: OrgChart, command: pb.SyncGroup, ctx: Context) -> pb.SyncedGroup:
        """The group of an id; without one, that of a name, which may be a unit that has to be made."""
        if command.group_id:
            return self._group(org, command.group_id, ctx)
        if not command.name.strip():
            raise Rejected("MISSING", "a group needs a name", field="name")
        key = name_key(command.name)
        found = queries.all_groups(org, org.integrations.get(ctx.actor.id))
        new = pb.SyncedGroup(group_id=ctx.new_id("unit"), name=command.name)
        return next((one for one in found if name_key(one.name) == key), new)

    def _group(self, org: OrgChart, id: str, ctx: Context) -> pb.SyncedGroup:
        found = queries.all_groups(org, org.integrations.get(ctx.actor.id))
        for one in found:
            if one.group_id == id:
                return one
        raise unknown("group", id, "group_id")

    async def _everybody(self, ctx: Context) -> tuple[OrgChart, Mapping[str, Kept]]:
        org = await self.resources.directory.org_chart(ctx.tenant)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return org, await self.kept.of(con, ctx.tenant, org)

    async def _code(self, ctx: Context, person_id: str) -> str:
        async with reading(self.resources.pool, ctx.tenant) as con:
            known = await employments(con, ctx.tenant, [person_id])
        return known[person_id].employee_code if person_id in known else ""


async def _here(load: Load, ids: Sequence[str]) -> list[str]:
    """Those who are here: who left stays where they were."""
    return [id for id in ids if (one := await load(PERSON, id)) is not None and one.active]


def _shown(people: Mapping[str, Kept], id: str, me: str) -> Kept:
    one = people.get(id)
    if one is None or not one.shown_to(me):
        raise unknown("person", id, "person_id")
    return one


def _holder(people: Mapping[str, Kept], email: str) -> str:
    """Who of those who are here has an e-mail address; empty: nobody."""
    wanted = email.strip().casefold()
    return next((one.id for one in people.values() if one.person.active and one.email.casefold() == wanted), "")
