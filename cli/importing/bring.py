"""Sends a checked file, item by item, in an order in which everything that is named is there already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from google.protobuf.message import Message

from cli.catalog import SERVICES
from cli.client import Client
from cli.importing import commands
from cli.importing.check import in_order, managers, parent_kind, rests_on
from cli.importing.company import File, Item
from cli.importing.company import Progress as Value
from cli.running import Failed
from eventkit.context import IMPORTER
from eventkit.errors import Rejected
from nhip.checkins.v1.checkins_pb2 import BatchRecordProgress, ListProgress, Progress, ProgressItem
from nhip.goals.v1.goals_pb2 import Cycles, ListCycles
from nhip.people.v1.people_pb2 import GetTenant, Tenant
from nhip.rewards.v1.rewards_pb2 import CoreValues, ListCoreValues

OPERATOR = "operator"
AT_ONCE = 200
"""Values in one request."""
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
        for at in range(0, len(file.progress), AT_ONCE):
            await self._send_values(file.progress[at : at + AT_ONCE])
        for value in file.values:
            await self._send("value", value, commands.name_value(value))
        for gift in file.gifts:
            await self._send("gift", gift, commands.offer_gift(gift))
        for praise in file.praises:
            await self._send("praise", praise, commands.give_praise(praise, self._id))
        await self._everything_shows(file)
        return self.summary

    async def _send(self, kind: str, item: Item, command: Message, *, as_: str = IMPORTER) -> None:
        try:
            done = await self._clients[as_].command(command, key=_key(kind, item), after=self._of_others(command))
        except Rejected as refusal:
            if refusal.reason not in ("IDEMPOTENCY_KEY_REUSED", "TENANT_EXISTS"):
                raise _refused(kind, item, refusal.reason, refusal.message) from None
            self._ids[kind, item.ref] = refusal.id  # of what the same key made before
            self.summary.add(kind, item, "different")
        else:
            self._ids[kind, item.ref] = done.id
            self.summary.add(kind, item, "unchanged" if done.repeated or done.unchanged else "created")
        self._tell(kind, item.ref)

    async def _send_values(self, items: Sequence[Value]) -> None:
        """Values in one request. What one of them is refused for hinders no other; the first is told."""
        client = self._clients[IMPORTER]
        command = BatchRecordProgress(
            items=[
                ProgressItem(progress=commands.record_progress(item, self._id), key=_key("progress", item))
                for item in items
            ]
        )
        # The key of the whole only lets the client ask again: each value is known by its own.
        done = await client.command(command, key=_key("progress", items[0]), after=self._of_others(command))
        for item, verdict in zip(items, done.verdicts, strict=True):
            self._tell("progress", item.ref)
            refused = verdict.refused.reason
            if refused and refused != "IDEMPOTENCY_KEY_REUSED":
                raise _refused("progress", item, refused, verdict.refused.message)
            done_before = verdict.repeated or verdict.unchanged
            self.summary.add("progress", item, "different" if refused else "unchanged" if done_before else "created")

    def _of_others(self, command: Message) -> list[str]:
        """How far the logs of other services are: of its own a decision reads the newest by itself."""
        context = _context_of(command)
        return self._clients[IMPORTER].positions.of(c for c in SERVICES if c != context)

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


def _key(kind: str, item: Item) -> str:
    return f"import:{kind}:{item.ref}"


def _refused(kind: str, item: Item, reason: str, message: str) -> Failed:
    return Failed(
        f"line {item.places.item.line}: {kind} {item.ref!r} was refused: {message} ({reason}). "
        "What came before it is there; run the import again when this is put right"
    )


def _context_of(command: Message) -> str:
    return command.DESCRIPTOR.full_name.split(".")[1]
