"""Whether a company has room for a file by its quotas (decision 55): asked before anything of it is sent."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from cli.client import Client
from cli.importing.table import Sending
from cli.running import Failed
from eventkit.errors import Rejected
from importing import commands
from importing.company import Cycle, File, Item, Kpi, Person
from importing.sheets.standing import standing
from importing.sheets.tables import TABLES
from nhip.goals.v1.goals_pb2 import BatchDefineKpis, KpiItem
from nhip.people.v1.people_pb2 import BatchRegisterPeople, GetTenant, PersonItem, Tenant

AnItem = TypeVar("AnItem", bound=Item)
Key = Callable[[str, Item], str]
"""By kind and item, the key by which it is made once."""
USED = "IDEMPOTENCY_KEY_REUSED"


async def refuse_without_room(
    importer: Client, operator: Client, file: File, first_admin: Person | None, key: Key, at_once: int
) -> None:
    """Of people and KPIs that the file would add. Those that an import made before are told by their keys, whatever
    they were made of. `first_admin` is made by the operator. Raises `Failed`."""
    quotas = (await importer.ask(GetTenant(), Tenant, after=importer.positions.all())).quotas
    if quotas.people:
        others = [person for person in file.people if person is not first_admin]
        new = await _new(importer, others, at_once, lambda some: _people(some, key))
        if first_admin and not await _made(
            operator, commands.register_person(first_admin, _any), key("person", first_admin)
        ):
            added = {first_admin.ref, *(person.ref for person in new)}
            new = [person for person in file.people if person.ref in added]
        there = await standing(Sending(importer), TABLES["people"])
        _refuse("people", "person", quotas.people, sum(person.active for person in there.people.values()), new)
    if quotas.kpis and file.cycle:
        cycle = file.cycle
        new = await _new(importer, file.kpis, at_once, lambda some: _kpis(some, cycle, key))
        id = await _made(importer, commands.open_cycle(cycle, _any), key("cycle", cycle))
        have = 0
        if id:
            kpis = (await standing(Sending(importer), TABLES["kpis"], id)).kpis
            have = sum(not kpi.retired for kpi in kpis.values())
        _refuse("KPIs of a cycle", "kpi", quotas.kpis, have, new)


def _refuse(what: str, kind: str, most: int, have: int, new: Sequence[Item]) -> None:
    if not new or have + len(new) <= most:
        return
    first = new[max(most - have, 0)]
    raise Failed(
        f"line {first.places.item.line}: from {kind} {first.ref!r} on there is no room: whoever operates this "
        f"installation allows the company {most} {what}, it has {have}, and the file would add {len(new)}. "
        "Nothing was sent"
    )


async def _made(client: Client, command: Message, key: str) -> str:
    """The id of what was made with a key before; empty: nothing was."""
    try:
        done = await client.command(command, key=key, check=True)
    except Rejected as refusal:
        return refusal.id if refusal.reason == USED else ""
    return done.id if done.repeated else ""


async def _new(
    client: Client, items: Sequence[AnItem], at_once: int, asked: Callable[[Sequence[AnItem]], Message]
) -> list[AnItem]:
    """Those of some items that nobody made with their keys before."""
    new: list[AnItem] = []
    for at in range(0, len(items), at_once):
        some = items[at : at + at_once]
        done = await client.command(asked(some), key=f"room:{at}", check=True)
        new += [
            item
            for item, verdict in zip(some, done.verdicts, strict=True)
            if not verdict.repeated and verdict.refused.reason != USED
        ]
    return new


def _people(people: Iterable[Person], key: Key) -> Message:
    return BatchRegisterPeople(
        items=[
            PersonItem(person=commands.register_person(person, _any), key=key("person", person)) for person in people
        ]
    )


def _kpis(kpis: Iterable[Kpi], cycle: Cycle, key: Key) -> Message:
    return BatchDefineKpis(
        items=[KpiItem(kpi=commands.define_kpi(kpi, cycle, "", _any), key=key("kpi", kpi)) for kpi in kpis]
    )


def _any(_kind: str, _ref: str) -> str:
    """What is only asked about needs no ids of what is not there yet."""
    return "any"
