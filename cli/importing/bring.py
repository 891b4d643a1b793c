"""Sends a checked file, item by item, in an order in which everything that is named is there already."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from google.protobuf.message import Message

from cli.catalog import SERVICES
from cli.client import Client
from cli.importing import commands
from cli.importing.check import in_order, managers, parent_kind, rests_on
from cli.importing.company import File, Item
from cli.running import Failed
from eventkit.context import IMPORTER
from eventkit.errors import Rejected
from nhip.checkins.v1.checkins_pb2 import ListProgress, Progress
from nhip.goals.v1.goals_pb2 import Cycles, ListCycles
from nhip.people.v1.people_pb2 import GetTenant, Tenant
from nhip.rewards.v1.rewards_pb2 import CoreValues, ListCoreValues

OPERATOR = "operator"
Result = Literal["created", "unchanged", "different"]
Tell = Callable[[str, str], None]
"""Is told each item when it was sent: its kind and reference."""


@dataclass(frozen=True, slots=True)
class Principals:
    """The tokens that an import needs."""

    importer: str
    """Of `service:importer`: for everything but what the operator's makes."""
    operator: str
    """Of `service:operator`: for the tenant and its first admin."""


@dataclass(slots=True)
class Summary:
    counts: dict[str, dict[Result, int]] = field(default_factory=dict[str, dict[Result, int]])
    different: list[tuple[str, Item]] = field(default_factory=list[tuple[str, Item]])
    """What is there already, made of other content; it was left as it is."""

    def add(self, kind: str, item: Item, result: Result) -> None:
        counts = self.counts.setdefault(kind, {"created": 0, "unchanged": 0, "different": 0})
        counts[result] += 1
        if result == "different":
            self.different.append((kind, item))


def count(file: File) -> int:
    """How many commands a file is."""
    return sum(1 for _ in file.items()) + sum(1 for unit in file.units if unit.head)


class Importer:
    """Brings one file into one tenant.

    Each item has the idempotency key `import:<kind>:<reference>`, so that it is made once.
    """

    def __init__(self, client: Client, principals: Principals, tenant: str, tell: Tell = lambda _kind, _ref: None):
        self._tenant, self._tell = tenant, tell
        self._clients = {IMPORTER: client.acting(principals.importer), OPERATOR: client.acting(principals.operator)}
        self._ids: dict[tuple[str, str], str] = {}
        self.summary = Summary()

    async def bring(self, file: File) -> Summary:
        """Raises `Failed` when something is refused; what was sent before stays, and another run goes on behind it."""
        assert file.company is not None
        assert file.cycle is not None
        cycle = file.cycle
        await self._send("tenant", file.company, commands.create_tenant(file.company), as_=OPERATOR)
        for unit in file.units:
            await self._send("unit", unit, commands.create_unit(unit))
        people = in_order(file.people, managers)
        first_admin = next((person for person in people if "admin" in person.roles), None)
        for person in people:
            await self._send(
                "person",
                person,
                commands.register_person(person, self._id),
                as_=OPERATOR if person is first_admin else IMPORTER,
            )
        for unit in file.units:
            if unit.head:
                await self._send("head", unit, commands.appoint_head(unit, self._id))
        await self._send("cycle", cycle, commands.open_cycle(cycle))
        for goal in file.goals:
            await self._send("goal", goal, commands.set_goal(goal))
        for csf in file.csfs:
            await self._send("csf", csf, commands.choose_csf(csf, self._id))
        for kpi in in_order(file.kpis, rests_on):
            await self._send("kpi", kpi, commands.define_kpi(kpi, cycle, parent_kind(file, kpi), self._id))
        for progress in file.progress:
            await self._send("progress", progress, commands.record_progress(progress, self._id))
        for value in file.values:
            await self._send("value", value, commands.name_value(value))
        for gift in file.gifts:
            await self._send("gift", gift, commands.offer_gift(gift))
        for praise in file.praises:
            await self._send("praise", praise, commands.give_praise(praise, self._id))
        await self._everything_shows(file)
        return self.summary

    async def _send(self, kind: str, item: Item, command: Message, *, as_: str = IMPORTER) -> None:
        key, client, context = f"import:{kind}:{item.ref}", self._clients[as_], _context_of(command)
        others = client.positions.of(
            c for c in SERVICES if c != context
        )  # of its own log a decision reads the newest by itself
        try:
            done = await client.command(command, key=key, after=others)
        except Rejected as refusal:
            if refusal.reason not in ("IDEMPOTENCY_KEY_REUSED", "TENANT_EXISTS"):
                raise Failed(
                    f"line {item.places.item.line}: {kind} {item.ref!r} was refused: {refusal.message} "
                    f"({refusal.reason}). "
                    "What came before it is there; run the import again when this is put right"
                ) from None
            self._ids[kind, item.ref] = refusal.id  # of what the same key made before
            self.summary.add(kind, item, "different")
        else:
            self._ids[kind, item.ref] = done.id
            self.summary.add(kind, item, "unchanged" if done.repeated or done.unchanged else "created")
        self._tell(kind, item.ref)

    def _id(self, kind: str, ref: str) -> str:
        return self._ids[kind, ref]

    async def _everything_shows(self, file: File) -> None:
        """Until every service has heard of all of it, so that who looks next sees it."""
        client = self._clients[IMPORTER]
        after = client.positions.all()
        await client.ask(GetTenant(), Tenant, after=after)
        await client.ask(ListCycles(), Cycles, after=after)
        if file.kpis:
            await client.ask(ListProgress(kpi_id=self._id("kpi", file.kpis[0].ref)), Progress, after=after)
        if file.values or file.gifts or file.praises:
            await client.ask(ListCoreValues(), CoreValues, after=after)


def _context_of(command: Message) -> str:
    return command.DESCRIPTOR.full_name.split(".")[1]
