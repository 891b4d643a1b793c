"""A system to talk to, and a small company in a tenant of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.type.decimal_pb2 import Decimal

from cli.catalog import SERVICES
from eventkit.errors import Rejected
from eventkit.process.host import Running
from eventkit.process.service import Resources
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.rpc.errors import rejection
from eventkit.settings import Settings
from eventkit.values import from_date
from nhip.common.v1 import operations_pb2
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from tests.waiting import PATIENCE

MANY = 100_000
"""More than falls due in all the companies of one installation: who asks a timer for one of them sees it."""
DESCRIPTORS = {name: known.api for name, known in SERVICES.items()}
OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
IMPORTER, OPERATOR = "service:importer", "service:operator"


@dataclass(frozen=True)
class System:
    settings: Settings
    services: Mapping[str, Running]
    channels: Mapping[str, grpc.aio.Channel]
    issuer: DemoIssuer
    directory: Path
    all_resources: Mapping[str, Resources]
    """What each service was built from: to call its parts as its loops do."""

    async def call(
        self, context: str, method: MethodDescriptor, request: Message, metadata: list[tuple[str, str]]
    ) -> Message:
        """One RPC. Raises `Rejected` for a refusal."""
        reply = GetMessageClass(method.output_type)
        rpc = self.channels[context].unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=reply.FromString,
        )
        try:
            return await rpc(request, metadata=metadata, timeout=PATIENCE)
        except grpc.aio.AioRpcError as error:
            raise rejection(error) or error from error

    def company(self) -> "Company":
        return Company(self, f"t-{uuid4().hex[:10]}")


@dataclass
class Company:
    """A tenant of its own, so that tests do not meet. Remembers positions, and so reads its own writes."""

    system: System
    tenant: str
    positions: dict[str, str] = field(default_factory=dict[str, str])
    ids: dict[str, str] = field(default_factory=dict[str, str])

    def metadata(self, subject: str, key: str = "") -> list[tuple[str, str]]:
        token = self.system.issuer.mint(self.tenant, self.subject(subject))
        positions = [("nhip-position", position) for position in self.positions.values()]
        return [("authorization", f"Bearer {token}"), *positions, *([("idempotency-key", key)] if key else [])]

    def subject(self, name: str) -> str:
        return name if ":" in name else f"person:{self.ids[name]}"

    async def ask(self, request: Message, by: str = IMPORTER, *, key: str = "", context: str = "") -> Message:
        """Call the RPC that takes this request."""
        methods = [(c, m) for c, s in DESCRIPTORS.items() for m in s.methods] + [
            (context, m) for m in OPERATIONS.methods
        ]
        where, method = next((c, m) for c, m in methods if m.input_type.full_name == request.DESCRIPTOR.full_name)
        reply = await self.system.call(where, method, request, self.metadata(by, key))
        if isinstance(reply, Accepted) and reply.position:
            self.positions[where] = reply.position
        return reply

    async def do(self, request: Message, by: str = IMPORTER, *, key: str = "", name: str = "") -> str:
        """A command; answers the id, and remembers it under a name."""
        accepted = await self.ask(request, by, key=key)
        assert isinstance(accepted, Accepted)
        if name:
            self.ids[name] = accepted.id
        return accepted.id

    async def refused(self, request: Message, by: str, *, key: str = "", context: str = "") -> Rejected:
        """A request that must be refused."""
        try:
            reply = await self.ask(request, by, key=key, context=context)
        except Rejected as refusal:
            return refusal
        raise AssertionError(f"{type(request).__name__} was not refused but answered {reply}")

    async def found(self) -> "Company":
        """Nam leads, Phúc heads sales, Minh and Trâm sell; one cycle, goal and CSF."""
        await self.do(p.CreateTenant(name="Công ty thử"), OPERATOR)
        steps: dict[str, Message] = {"sales": p.CreateUnit(name="Sales")}
        for who, manager, *roles in (
            ("nam", "", pt.ROLE_EXECUTIVE, pt.ROLE_ADMIN),
            ("phuc", "#nam"),
            ("minh", "#phuc"),
            ("tram", "#phuc"),
            ("quang", "#nam", pt.ROLE_EXECUTIVE),
        ):
            place = pt.Place(unit_id="#sales", manager_id=manager)
            steps[who] = p.RegisterPerson(name=words(f"Tên-{who}"), title=words("Chức"), place=place, roles=roles)
        steps["head"] = p.AppointUnitHead(unit_id="#sales", person_id="#phuc")
        await self.together("people", steps)
        people, units = await self.ask(p.ListPeople()), await self.ask(p.ListUnits())
        assert isinstance(people, p.PeopleList)
        assert isinstance(units, p.Units)
        self.ids |= {one.name.plain.removeprefix("Tên-"): one.person_id for one in people.people}
        self.ids["sales"] = units.units[0].unit_id
        starts, ends = today() - timedelta(days=40), today() + timedelta(days=50)
        await self.together(
            "goals",
            {
                "q1": g.OpenCycle(name="Q1", starts_on=from_date(starts), ends_on=from_date(ends)),
                "goal": g.SetStrategicGoal(name="300 khách", year=2025, target=number(300)),
                "csf": g.ChooseCsf(name="Khách dùng thử", goal_ids=["#goal"]),
            },
        )
        cycles = await self.ask(g.ListCycles())
        assert isinstance(cycles, g.Cycles)
        self.ids["q1"] = cycles.cycles[0].cycle_id
        strategy = await self.ask(g.GetMap(cycle_id=self.ids["q1"]))
        assert isinstance(strategy, g.GoalMap)
        self.ids |= {"goal": strategy.goals[0].goal_id, "csf": strategy.csfs[0].csf_id}
        return self

    async def together(self, context: str, steps: Mapping[str, Message]) -> None:
        """Commands of one service as one, by the importer: what a step makes, those behind it call #name."""
        asked = operations_pb2.CarryOutTogether(
            service=context,
            steps=[
                operations_pb2.Step(
                    method=type(step).__name__, request=step.SerializeToString(), key=name, refs=[f"#{name}"]
                )
                for name, step in steps.items()
            ],
        )
        accepted = await self.ask(asked, context=context)
        assert isinstance(accepted, Accepted)

    async def define(
        self, name: str, level: int, target: int, parent: t.Parent | None = None, *, by: str = IMPORTER, owner: str = ""
    ) -> str:
        return await self.do(self.definition(name, level, target, parent, owner=owner), by, name=name)

    def definition(
        self, name: str, level: int, target: int, parent: t.Parent | None = None, *, owner: str = ""
    ) -> g.DefineKpi:
        measure = t.Measure(
            kind=t.MEASURE_KIND_CUMULATIVE, direction=t.DIRECTION_INCREASE, unit="demo", target=number(target)
        )
        unit = self.ids["sales"] if level == t.LEVEL_DEPARTMENT else ""
        draft = t.KpiDraft(
            name=name,
            level=level,  # type: ignore[arg-type] # the enum's number
            measure=measure,
            owner_ids=[self.ids[owner]] if owner else [],
            unit_id=unit,
            parent=parent,
        )
        return g.DefineKpi(cycle_id=self.ids["q1"], kpi=draft)

    async def branch(self) -> "Company":
        """K1 70 ← D1 100 ← I1 80 of Minh."""
        await self.define("K1", t.LEVEL_COMPANY, 70, t.Parent(csf_id=self.ids["csf"]), owner="nam")
        await self.define("D1", t.LEVEL_DEPARTMENT, 100, self.under("K1"))
        await self.define("I1", t.LEVEL_INDIVIDUAL, 80, self.under("D1"), owner="minh")
        return self

    def under(self, name: str) -> t.Parent:
        return t.Parent(kpi_id=self.ids[name])

    def proposal(self, **changes: tuple[int, int]) -> g.ProposeChange:
        return g.ProposeChange(
            cycle_id=self.ids["q1"],
            reason_class=t.REASON_CLASS_BOTTOM_UP,
            title=words("Bớt lại"),
            reason=words("Làm kỹ hơn"),
            changes=[
                t.TargetChange(kpi_id=self.ids[k], before=number(b), after=number(a)) for k, (b, a) in changes.items()
            ],
        )


def today() -> date:
    """The tenants'."""
    return datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()


def words(text: str) -> PersonalText:
    return PersonalText(plain=text)


def number(value: int) -> Decimal:
    return Decimal(value=str(value))
