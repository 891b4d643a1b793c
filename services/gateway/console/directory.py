"""Who is who: people and units by their ids, as they are shown."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from nhip.common.v1.time_pb2 import AsOf
from nhip.people.v1 import people_pb2
from services.gateway.console.cards import Avatar, person_avatar, tone_of
from services.gateway.console.language import Language, initials
from services.gateway.console.visit import Visit, or_none


@dataclass(frozen=True, slots=True)
class Directory:
    """Names for ids. An id that it does not know, or all of them while people is away, is shown as it stands."""

    language: Language
    people: Mapping[str, people_pb2.Person] = field(default_factory=dict[str, people_pb2.Person])
    units: Mapping[str, people_pb2.Unit] = field(default_factory=dict[str, people_pb2.Unit])
    kpis: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names of the KPIs that changes name: what something is a rate of."""

    def person(self, id: str) -> Avatar:
        known = self.people.get(id)
        return person_avatar(id, known.name, self.language) if known else Avatar(id, initials(id), tone_of(id))

    def unit(self, id: str) -> Avatar:
        name = self.units[id].name if id in self.units else id
        return Avatar(name, initials(name), tone_of(id), unit=True)

    def actor(self, actor: str) -> Avatar:
        """Whoever acted, as a record names them: "person:nam", "service:importer for person:nam", "integration:crm for
        person:nam", "system:clock".

        A service acts for a person, or answers to another service, as a notice does to an import; an operator behind it
        is nobody to name.
        """
        doer, _, behind = actor.partition(" for ")
        kind, _, id = doer.partition(":")
        if kind == "person":
            return self.person(id)
        name = "Nhịp"
        if kind == "service":
            name = self.language.gettext("Import") if id == "importer" else f"Nhịp ({self._part(id)})"
        if kind == "integration":
            name = self.language.gettext("Integration")
        if behind and behind != "service:operator":
            name += f" · {self.actor(behind).name}"
        return Avatar(name, initials(name), 1, unit=True)

    def _part(self, service: str) -> str:
        _ = self.language.gettext
        known = {
            "people": _("people"),
            "goals": _("goals"),
            "rewards": _("rewards"),
            "retros": _("retros"),
            "notifications": _("notifications"),
            "checkins": _("checkins"),
        }
        return known.get(service, service)


PEOPLE_AT_ONCE = 500
"""Most people whom one question names; what a page shows never names more, but a page that does asks more than once."""
MOST_UNITS = 2000


async def directory(
    visit: Visit, *shown: Message | None, ids: Iterable[str] = (), as_of: AsOf | None = None
) -> Directory:
    """Whoever some replies speak of, and the units, now or `as_of` a moment; nobody while people is away.

    A page asks for those whom it shows, not for everybody.
    """
    wanted = sorted(
        {id for reply in shown if reply is not None for id in ids_in(reply)} | {id for id in ids if _ID.fullmatch(id)}
    )
    parts = [wanted[start : start + PEOPLE_AT_ONCE] for start in range(0, len(wanted), PEOPLE_AT_ONCE)]
    replies, units = await asyncio.gather(
        asyncio.gather(*(_people(visit, part, as_of) for part in parts)), _units(visit, as_of)
    )
    people = {person.person_id: person for reply in replies if reply for person in reply.people}
    return Directory(visit.language, people, {unit.unit_id: unit for unit in units})


async def _people(visit: Visit, ids: Sequence[str], as_of: AsOf | None) -> people_pb2.PeopleList | None:
    asked = people_pb2.ListPeople(person_ids=ids, as_of=as_of)
    return await or_none(visit.caller.query("people", "ListPeople", asked, people_pb2.PeopleList))


async def _units(visit: Visit, as_of: AsOf | None) -> Sequence[people_pb2.Unit]:
    found: list[people_pb2.Unit] = []
    token = ""
    while len(found) < MOST_UNITS:
        asked = people_pb2.ListUnits(page_token=token, as_of=as_of)
        reply = await or_none(visit.caller.query("people", "ListUnits", asked, people_pb2.Units))
        found += reply.units if reply else ()
        token = reply.next_page_token if reply else ""
        if not token:
            break
    return found


def ids_in(message: Message) -> Iterator[str]:
    """Every id that a reply holds, of whatever kind: who is nobody is passed over by who knows."""
    for known, value in message.ListFields():
        items = value if known.is_repeated else [value]
        if known.message_type is not None:
            for item in items:
                yield from ids_in(item)
        elif known.cpp_type == FieldDescriptor.CPPTYPE_STRING and (
            known.name in _NAMING or known.name.endswith(("_id", "_ids", "_by"))
        ):
            for item in items:
                yield from (part for part in re.split(r"[:/\s]", item) if _ID.fullmatch(part))


_NAMING = ("id", "ids", "actor", "stream", "text")
"""Fields that may hold a person's id though no suffix says so; an actor is "person:<id>", a stream "wallet/<id>"."""
_ID = re.compile(r"[a-z0-9_.-]{1,64}")
