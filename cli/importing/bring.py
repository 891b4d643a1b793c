"""Sends a checked file, item by item, in an order in which everything that is named is there already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeVar

from google.protobuf.message import Message

from cli.catalog import SERVICES
from cli.client import Client
from cli.importing.check import kind_of, managers, parents, rests_on, waves
from cli.importing.room import refuse_without_room
from cli.running import Failed
from eventkit.context import IMPORTER
from eventkit.errors import Rejected
from importing import commands
from importing.company import Cycle, File, Item, Kpi, Person
from importing.company import Progress as Value
from nhip.checkins.v1.checkins_pb2 import BatchRecordProgress, ListProgress, Progress, ProgressItem
from nhip.goals.v1.goals_pb2 import BatchDefineKpis, Cycles, KpiItem, ListCycles
from nhip.people.v1.people_pb2 import BatchRegisterPeople, GetTenant, PersonItem, Tenant
from nhip.rewards.v1.rewards_pb2 import CoreValues, ListCoreValues

OPERATOR = "operator"
AT_ONCE = 200
"""Items in one request."""
AnItem = TypeVar("AnItem", bound=Item)
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
        self.ids: dict[tuple[str, str], str] = {}
        self.summary = Summary()

    async def bring(self, file: File) -> Summary:
        """Raises `Failed` when the company has no room for it by its quotas, and then nothing is sent; and when
        something is refused: what was sent before stays, and another run goes on behind it."""
        assert file.company is not None
        assert file.cycle is not None
        cycle = file.cycle
        first_admin = next((person for person in file.people if "admin" in person.roles), None)
        await self._send("tenant", file.company, commands.create_tenant(file.company), as_=OPERATOR)
        if not self.summary.counts["tenant"]["created"]:  # else nobody has said yet how much it may have
            await refuse_without_room(
                self._clients[IMPORTER], self._clients[OPERATOR], file, first_admin, _key, AT_ONCE
            )
        for wave in waves(file.units, parents):
            for unit in wave:
                await self._send("unit", unit, commands.create_unit(unit, self._id))
        for wave in waves(file.people, managers):
            others = [person for person in wave if person is not first_admin]
            if first_admin in wave:
                assert first_admin is not None
                await self._send("person", first_admin, commands.register_person(first_admin, self._id), as_=OPERATOR)
            await self._send_together("person", others, self._people)
        for unit in file.units:
            if unit.head:
                await self._send("head", unit, commands.appoint_head(unit, self._id))
        for each in filter(None, (cycle.within, cycle)):
            await self._send("cycle", each, commands.open_cycle(each, self._id))
        for goal in file.goals:
            await self._send("goal", goal, commands.set_goal(goal))
        for csf in file.csfs:
            await self._send("csf", csf, commands.choose_csf(csf, self._id))
        for wave in waves(file.kpis, rests_on):
            await self._send_together("kpi", wave, partial(self._kpis, file, cycle))
        await self._send_together("progress", file.progress, self._values)
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
            self.ids[kind, item.ref] = refusal.id  # of what the same key made before
            self.summary.add(kind, item, "different")
        else:
            self.ids[kind, item.ref] = done.id
            self.summary.add(kind, item, "unchanged" if done.repeated or done.unchanged else "created")
        self._tell(kind, item.ref)

    async def _send_together(
        self, kind: str, items: Sequence[AnItem], command: Callable[[Sequence[AnItem]], Message]
    ) -> None:
        """Items in as few requests as it takes, made by `command`. What one of them is refused for hinders no other of
        its request; the first is told."""
        for at in range(0, len(items), AT_ONCE):
            some = items[at : at + AT_ONCE]
            request = command(some)
            # The key of the whole only lets the client ask again: each is known by its own.
            done = await self._clients[IMPORTER].command(
                request, key=_key(kind, some[0]), after=self._of_others(request)
            )
            refused: Failed | None = None
            for item, verdict in zip(some, done.verdicts, strict=True):
                reason, result = verdict.refused.reason, "created"
                if reason and reason != "IDEMPOTENCY_KEY_REUSED":
                    refused = refused or _refused(kind, item, reason, verdict.refused.message)
                    continue
                if reason or verdict.repeated or verdict.unchanged:
                    result = "different" if reason else "unchanged"
                self.ids[kind, item.ref] = verdict.id
                self.summary.add(kind, item, result)
                self._tell(kind, item.ref)
            if refused:
                raise refused

    def _people(self, people: Sequence[Person]) -> Message:
        return BatchRegisterPeople(
            items=[
                PersonItem(person=commands.register_person(person, self._id), key=_key("person", person))
                for person in people
            ]
        )

    def _kpis(self, file: File, cycle: Cycle, kpis: Sequence[Kpi]) -> Message:
        kinds = partial(kind_of, file)
        defining = ((kpi, commands.define_kpi(kpi, cycle, kind_of(file, kpi.parent), self._id, kinds)) for kpi in kpis)
        return BatchDefineKpis(items=[KpiItem(kpi=command, key=_key("kpi", kpi)) for kpi, command in defining])

    def _values(self, values: Sequence[Value]) -> Message:
        recording = ((value, commands.record_progress(value, self._id)) for value in values)
        return BatchRecordProgress(
            items=[ProgressItem(progress=command, key=_key("progress", value)) for value, command in recording]
        )

    def _of_others(self, command: Message) -> list[str]:
        """How far the logs of other services are: of its own a decision reads the newest by itself."""
        context = _context_of(command)
        return self._clients[IMPORTER].positions.of(c for c in SERVICES if c != context)

    def _id(self, kind: str, ref: str) -> str:
        return self.ids[kind, ref]

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
