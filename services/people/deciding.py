"""How each command about people and units is decided: for whoever asks now, and for who planned it earlier."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from google.protobuf.message import Message

from eventkit.commands.aggregate import Decision, Ref
from eventkit.commands.loading import Decide, Load
from eventkit.context import Actor
from eventkit.directory.facts import ORGANISATION, PERSON, THE_ORGANISATION, Organisation, Person
from eventkit.process.service import Resources
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1 import types_pb2
from services.people.domain import employment, organisation, person, position, quota
from services.people.domain.erasure import ERASURE
from services.people.domain.needed import NEEDED, fills
from services.people.domain.position import ALL, POSITIONS


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it is carried out."""

    method: str
    """The RPC that it is asked for by."""
    ref: Ref
    """What it is foremost about."""
    answers: str
    """The id in its reply."""
    decide: Decide


@dataclass(frozen=True, slots=True)
class Deciding:
    resources: Resources

    def of(self, command: Message, actor: Actor) -> Asked:
        """What `actor` asks for; a defect where that is not a command about a person or unit that is there already."""
        method = command.DESCRIPTOR.name
        match command:
            case pb.RenameUnit():
                return _units(method, command.unit_id, lambda state: organisation.rename_unit(state, command))
            case pb.MoveUnit():
                return _units(method, command.unit_id, lambda state: organisation.move_unit(state, command))
            case pb.CloseUnit():
                return Asked(method, organisation.HERE, command.unit_id, _closing(command))
            case pb.WithdrawUnit():
                return Asked(method, organisation.HERE, command.unit_id, _withdrawing_unit(command))
            case pb.AppointUnitHead():
                return Asked(method, organisation.HERE, command.unit_id, _heading(command, actor))
            case pb.AssignPlace():
                return Asked(method, organisation.HERE, command.person_id, _placing(command, actor))
            case pb.ChangeEmployment():
                return Asked(method, organisation.HERE, command.person_id, _employing(command))
            case pb.ChangeName():
                return _person(method, command.person_id, lambda state: person.change_name(state, command))
            case pb.ChangeTitle():
                return _person(method, command.person_id, lambda state: person.change_title(state, command))
            case pb.ReactivatePerson():
                return Asked(method, PERSON(command.person_id), command.person_id, self._returning(command, actor))
            case pb.ChangeRoles():
                return Asked(method, PERSON(command.person_id), command.person_id, self._changing_roles(command, actor))
            case pb.DeactivatePerson():
                return Asked(method, organisation.HERE, command.person_id, self._leaving(command, actor))
            case pb.WithdrawPerson():
                return Asked(method, organisation.HERE, command.person_id, self._withdrawing(command, actor))
            case _:
                raise LookupError(f"nobody decides about {command.DESCRIPTOR.full_name} here")

    def _returning(self, command: pb.ReactivatePerson, actor: Actor) -> Decide:
        async def decide(load: Load) -> Decision:
            decision = person.reactivate(await load(PERSON, command.person_id), command.person_id)
            if decision:
                await self.refuse_full(load, actor.tenant)
            return decision

        return decide

    async def refuse_full(self, load: Load, tenant: str) -> None:
        """Whether there is room for one more who is here. Raises `Rejected` PEOPLE_QUOTA."""
        org = await self.resources.directory.org_chart(tenant)
        if org.quotas.people:
            quota.refuse_full(await load(ORGANISATION, THE_ORGANISATION), org)

    def registering(self, command: pb.RegisterPerson, person_id: str, actor: Actor, holder: "Holder") -> Decide:
        async def decide(load: Load) -> Decision:
            person.refuse_shared(await holder(command.email.plain), person_id, named=True)
            await self.refuse_full(load, actor.tenant)
            return person.register(
                await load(ORGANISATION, THE_ORGANISATION), await _manager(load, command.place), command, person_id
            )

        return decide

    def _changing_roles(self, command: pb.ChangeRoles, actor: Actor) -> Decide:
        async def decide(load: Load) -> Decision:
            others = await self.others_fill(load, actor.tenant, command.person_id)
            return person.change_roles(await load(PERSON, command.person_id), command, actor, others=others)

        return decide

    def _leaving(self, command: pb.DeactivatePerson, actor: Actor) -> Decide:
        async def decide(load: Load) -> Decision:
            return person.deactivate(
                await load(PERSON, command.person_id),
                await load(ORGANISATION, THE_ORGANISATION),
                await load(PERSON, command.successor_id) if command.successor_id else None,
                command,
                actor,
                others=await self.others_fill(load, actor.tenant, command.person_id),
            )

        return decide

    def _withdrawing(self, command: pb.WithdrawPerson, actor: Actor) -> Decide:
        async def decide(load: Load) -> Decision:
            people = (await self.resources.directory.org_chart(actor.tenant)).people.values()
            return person.withdraw(
                await load(PERSON, command.person_id),
                await load(ORGANISATION, THE_ORGANISATION),
                command,
                succeeds=any(one.successor_id == command.person_id and not one.active for one in people),
                others=await self.others_fill(load, actor.tenant, command.person_id),
            )

        return decide

    async def others_fill(self, load: Load, tenant: str, *person_ids: str) -> frozenset[str]:
        """The needed roles that somebody else than these fills.

        Who the directory says might is loaded, and so guarded: of two who take each other's role away at the same time
        one is refused.
        """
        filled = frozenset[str]()
        for other in (await self.resources.directory.org_chart(tenant)).people.values():
            if other.id not in person_ids and fills(other) - filled:
                filled |= fills(await load(PERSON, other.id), await load(ERASURE, other.id))
            if filled == NEEDED.keys():
                break
        return filled


Holder = Callable[[str], Awaitable[str]]
"""Who has an e-mail address, as far as this process has heard; empty: nobody who is active."""


def _units(method: str, unit_id: str, decide: Callable[[Organisation], Decision]) -> Asked:
    """About a unit, decided on the tenant's organisation alone."""

    async def load_and_decide(load: Load) -> Decision:
        return decide(await load(ORGANISATION, THE_ORGANISATION))

    return Asked(method, organisation.HERE, unit_id, load_and_decide)


def _person(method: str, person_id: str, decide: Callable[[Person | None], Decision]) -> Asked:
    """About a person, decided on them alone."""

    async def load_and_decide(load: Load) -> Decision:
        return decide(await load(PERSON, person_id))

    return Asked(method, PERSON(person_id), person_id, load_and_decide)


def _closing(command: pb.CloseUnit) -> Decide:
    async def decide(load: Load) -> Decision:
        state = await load(ORGANISATION, THE_ORGANISATION)
        people = [await load(PERSON, person_id) for person_id in organisation.of_unit(state, command.unit_id)]
        return organisation.close_unit(state, command.unit_id, people)

    return decide


def _withdrawing_unit(command: pb.WithdrawUnit) -> Decide:
    async def decide(load: Load) -> Decision:
        state, positions = await load(ORGANISATION, THE_ORGANISATION), await load(POSITIONS, ALL)
        return organisation.withdraw_unit(state, command, positions=position.of_unit(positions, command.unit_id))

    return decide


def _heading(command: pb.AppointUnitHead, actor: Actor) -> Decide:
    async def decide(load: Load) -> Decision:
        return organisation.appoint_head(
            await load(ORGANISATION, THE_ORGANISATION), await load(PERSON, command.person_id), command, actor
        )

    return decide


def _placing(command: pb.AssignPlace, actor: Actor) -> Decide:
    async def decide(load: Load) -> Decision:
        return organisation.assign(
            await load(ORGANISATION, THE_ORGANISATION),
            await load(PERSON, command.person_id),
            await _manager(load, command.place),
            command,
            actor,
        )

    return decide


def _employing(command: pb.ChangeEmployment) -> Decide:
    async def decide(load: Load) -> Decision:
        return employment.change(
            await load(ORGANISATION, THE_ORGANISATION), await load(PERSON, command.person_id), command
        )

    return decide


async def _manager(load: Load, place: types_pb2.Place) -> Person | None:
    return await load(PERSON, place.manager_id) if place.manager_id else None
