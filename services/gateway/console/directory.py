"""Who is who: people and units by their ids, as they are shown."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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

    def person(self, id: str) -> Avatar:
        known = self.people.get(id)
        return person_avatar(id, known.name, self.language) if known else Avatar(id, initials(id), tone_of(id))

    def unit(self, id: str) -> Avatar:
        name = self.units[id].name if id in self.units else id
        return Avatar(name, initials(name), tone_of(id), unit=True)

    def actor(self, actor: str) -> Avatar:
        """Whoever acted, as a record names them: "person:nam", "service:importer for person:nam", "system:clock".

        A service acts for a person, or answers to another service, as a notice does to an import; an operator behind it is nobody to name.
        """
        doer, _, behind = actor.partition(" for ")
        kind, _, id = doer.partition(":")
        if kind == "person":
            return self.person(id)
        name = "Nhịp"
        if kind == "service":
            name = self.language.gettext("Import") if id == "importer" else f"Nhịp ({self._part(id)})"
        if behind and behind != "service:operator":
            name += f" · {self.actor(behind).name}"
        return Avatar(name, initials(name), 1, unit=True)

    def _part(self, service: str) -> str:
        _ = self.language.gettext
        known = {
            "people": _("people"),
            "goals": _("goals"),
            "rewards": _("rewards"),
            "notifications": _("notifications"),
            "checkins": _("checkins"),
        }
        return known.get(service, service)

    def active(self) -> Iterable[people_pb2.Person]:
        return (person for person in self.people.values() if person.active and not person.name.erased)


async def directory(visit: Visit) -> Directory:
    """Everybody of the tenant, and its units; nobody while people is away."""
    people, units = await asyncio.gather(
        or_none(visit.caller.query("people", "ListPeople", people_pb2.ListPeople(), people_pb2.PeopleList)),
        or_none(visit.caller.query("people", "ListUnits", people_pb2.ListUnits(), people_pb2.Units)),
    )
    return Directory(
        visit.language,
        {person.person_id: person for person in people.people} if people else {},
        {unit.unit_id: unit for unit in units.units} if units else {},
    )
