"""Company X's people and units as they are set right in the console."""

from datetime import UTC, datetime

from google.protobuf.message import Message

from eventkit.errors import unknown
from nhip.common.v1 import command_pb2
from nhip.people.v1 import identities_pb2, positions_pb2
from nhip.people.v1 import people_pb2 as pb

LINKED = datetime(2025, 1, 6, 2, 12, tzinfo=UTC)


class PeopleX:
    """What `nhip.people.v1.People` makes of commands; which of them are refused, the service's own domain is tested
    for."""

    def __init__(self) -> None:
        self.changed: dict[str, pb.Person] = {}
        """People as they are since somebody set them right, and those who were taken on."""
        self.plans: dict[str, pb.PlannedChange] = {}
        self.units = {
            "sales": pb.Unit(unit_id="sales", name="Sales", head_id="phuc", answers_id="phuc", people=3),
            "cskh": pb.Unit(unit_id="cskh", name="CSKH", head_id="lan", answers_id="lan", people=3),
        }

    def person(self, id: str) -> pb.Person:
        raise NotImplementedError

    def _accepted(self, context: str, id: str) -> command_pb2.Accepted:
        raise NotImplementedError

    def _change(self, id: str) -> pb.Person:
        self.changed[id] = self.person(id)
        return self.changed[id]

    def _unit(self, id: str) -> pb.Unit:
        if id not in self.units:
            raise unknown("unit", id, "unit_id")
        return self.units[id]

    def RegisterPerson(self, request: pb.RegisterPerson, actor: str) -> Message:
        id = f"new-{len(self.changed)}"
        self.changed[id] = pb.Person(
            person_id=id,
            name=request.name,
            title=request.title,
            place=request.place,
            roles=request.roles,
            active=True,
            employment=request.employment,
        )
        return self._accepted("people", id)

    def ChangeName(self, request: pb.ChangeName, actor: str) -> Message:
        self._change(request.person_id).name.CopyFrom(request.name)
        return self._accepted("people", request.person_id)

    def ChangeTitle(self, request: pb.ChangeTitle, actor: str) -> Message:
        self._change(request.person_id).title.CopyFrom(request.title)
        return self._accepted("people", request.person_id)

    def ChangeEmployment(self, request: pb.ChangeEmployment, actor: str) -> Message:
        self._change(request.person_id).employment.CopyFrom(request.employment)
        return self._accepted("people", request.person_id)

    def AssignPlace(self, request: pb.AssignPlace, actor: str) -> Message:
        self._change(request.person_id).place.CopyFrom(request.place)
        return self._accepted("people", request.person_id)

    def ChangeRoles(self, request: pb.ChangeRoles, actor: str) -> Message:
        self._change(request.person_id).roles[:] = request.roles
        return self._accepted("people", request.person_id)

    def DeactivatePerson(self, request: pb.DeactivatePerson, actor: str) -> Message:
        person = self._change(request.person_id)
        person.active, person.successor_id = False, request.successor_id
        return self._accepted("people", request.person_id)

    def ReactivatePerson(self, request: pb.ReactivatePerson, actor: str) -> Message:
        person = self._change(request.person_id)
        person.active, person.successor_id, person.withdrawn = True, "", False
        return self._accepted("people", request.person_id)

    def WithdrawPerson(self, request: pb.WithdrawPerson, actor: str) -> Message:
        person = self._change(request.person_id)
        person.active, person.withdrawn = False, True
        return self._accepted("people", request.person_id)

    def WithdrawUnit(self, request: pb.WithdrawUnit, actor: str) -> Message:
        unit = self._unit(request.unit_id)
        unit.closed = unit.withdrawn = True
        return self._accepted("people", request.unit_id)

    def PreviewLeaving(self, request: pb.PreviewLeaving, actor: str) -> Message:
        headed = [unit.unit_id for unit in self.units.values() if unit.head_id == request.person_id]
        units = [pb.HeldUnit(unit_id=id, head_id=request.successor_id) for id in headed]
        answers = request.successor_id or self.person(request.person_id).place.manager_id
        return pb.Leaving(answers_id=answers, units=units, unit_count=len(units))

    def PlanChange(self, request: pb.PlanChange, actor: str) -> Message:
        id = f"plan-{len(self.plans)}"
        self.plans[id] = pb.PlannedChange(
            plan_id=id, on=request.on, change=request.change, planned_by=actor, state=pb.PLAN_STATE_WAITING
        )
        return self._accepted("people", id)

    def WithdrawPlannedChange(self, request: pb.WithdrawPlannedChange, actor: str) -> Message:
        self.plans[request.plan_id].state = pb.PLAN_STATE_WITHDRAWN
        return self._accepted("people", request.plan_id)

    def ListPlannedChanges(self, request: pb.ListPlannedChanges, actor: str) -> Message:
        waiting = pb.PLAN_STATE_WAITING
        found = [one for one in self.plans.values() if one.state == waiting or not request.waiting]
        about = request.about_id
        return pb.PlannedChanges(changes=[one for one in found if not about or f'"{about}"' in str(one.change)])

    def _position(self) -> positions_pb2.Position:
        facts = positions_pb2.PositionFacts(
            name="Nhân viên bán hàng", unit_id="sales", job_description="Tìm khách mới.\nGiữ khách cũ."
        )
        holder = positions_pb2.PositionHolder(person_id="minh", name=self.person("minh").name)
        return positions_pb2.Position(position_id="seller", position=facts, holders=1, holder_list=[holder])

    def ListPositions(self, request: positions_pb2.ListPositions, actor: str) -> Message:
        return positions_pb2.Positions(positions=[self._position()])

    def GetPosition(self, request: positions_pb2.GetPosition, actor: str) -> Message:
        return self._position()

    def OpenPosition(self, request: positions_pb2.OpenPosition, actor: str) -> Message:
        return self._accepted("people", "seller")

    def ChangePosition(self, request: positions_pb2.ChangePosition, actor: str) -> Message:
        return self._accepted("people", request.position_id)

    def ClosePosition(self, request: positions_pb2.ClosePosition, actor: str) -> Message:
        return self._accepted("people", request.position_id)

    def AssignPosition(self, request: positions_pb2.AssignPosition, actor: str) -> Message:
        return self._accepted("people", request.person_id)

    def CreateUnit(self, request: pb.CreateUnit, actor: str) -> Message:
        id = f"unit-{len(self.units)}"
        self.units[id] = pb.Unit(unit_id=id, name=request.name, parent_id=request.parent_id)
        return self._accepted("people", id)

    def RenameUnit(self, request: pb.RenameUnit, actor: str) -> Message:
        self._unit(request.unit_id).name = request.name
        return self._accepted("people", request.unit_id)

    def MoveUnit(self, request: pb.MoveUnit, actor: str) -> Message:
        self._unit(request.unit_id).parent_id = request.parent_id
        return self._accepted("people", request.unit_id)

    def AppointUnitHead(self, request: pb.AppointUnitHead, actor: str) -> Message:
        self._unit(request.unit_id).head_id = request.person_id
        return self._accepted("people", request.unit_id)

    def CloseUnit(self, request: pb.CloseUnit, actor: str) -> Message:
        self._unit(request.unit_id).closed = True
        return self._accepted("people", request.unit_id)

    def ListUnits(self, request: Message, actor: str) -> Message:
        return pb.Units(units=self.units.values())

    def ListIdentities(self, request: identities_pb2.ListIdentities, actor: str) -> Message:
        found = identities_pb2.IdentityList()
        for linked in ("8c6e0f3a91d24b7f", "f20b7d55a3c14e08") if request.person_id == "minh" else ():
            found.identities.add(identity_id=linked, person_id="minh").linked_at.FromDatetime(LINKED)
        return found

    def UnlinkIdentity(self, request: identities_pb2.UnlinkIdentity, actor: str) -> Message:
        return self._accepted("people", request.identity_id)
