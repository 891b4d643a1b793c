"""Finding people by their names and addresses, and listing them by name: sealed wherever they are kept, they are
opened in memory, and for a short while."""

import asyncio
import time
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from eventkit.directory.facts import OrgChart
from eventkit.errors import no_page_token
from eventkit.names import finds, plain_letters, searchable, sought
from eventkit.privacy.words import Words
from nhip.people.v1 import people_pb2 as pb
from services.people.opened import Opened

ANCHORS = 3
"""People at the end of a page that the next one begins behind."""
AT_ONCE = 200
"""Names that are opened before others get their turn."""
TENANTS = 50
"""Whose names are remembered at most."""


@dataclass(frozen=True, slots=True)
class _Told:
    """One person's words, opened."""

    words: str
    """Name and title, as they are searched in."""
    email: str
    """In small letters."""
    address: str
    """The same, as it is searched in."""
    place: tuple[str, str]
    """What they are listed by: given name, whole name."""

    @classmethod
    def of(cls, person: pb.Person) -> "_Told":
        called = plain_letters(person.name.plain)
        return cls(
            searchable(person.name.plain, person.title.plain),
            person.email.plain.strip().casefold(),
            searchable(person.email.plain),
            (called.rpartition(" ")[2], called),
        )


@dataclass(frozen=True, slots=True)
class _Known:
    org: OrgChart
    told: dict[str, _Told]
    by_email: dict[str, list[str]]
    order: list[str] = field(default_factory=list[str])
    """Ids, as people are listed; put in order when somebody asks."""


class Names:
    """What of a person was opened is opened anew as soon as anything changes about them, and forgotten as their keys
    are."""

    def __init__(self, words: Words):
        self._words = words
        self._opened = Opened[_Known](words, TENANTS)

    async def matching(self, tenant: str, org: OrgChart, text: str, *, emails: Container[str]) -> frozenset[str]:
        """The ids of people in whose name or title words begin as those of a text, whatever their case and diacritics;
        of those of `emails` also by their address."""
        wanted, told = sought(text), (await self._open(tenant, org)).told
        return frozenset(
            id for id, one in told.items() if finds(wanted, one.words) or (id in emails and finds(wanted, one.address))
        )

    async def by_email(self, tenant: str, org: OrgChart, emails: Iterable[str]) -> dict[str, list[str]]:
        """The ids of the people who have some addresses, by the address as it was asked for."""
        known = (await self._open(tenant, org)).by_email
        return {email: known[plain] for email in emails if (plain := email.strip().casefold()) in known}

    async def in_order(self, tenant: str, org: OrgChart) -> Sequence[str]:
        """The ids of everybody as a list of people is read here: by given name, which is the last word, then by all of
        it."""
        opened = await self._open(tenant, org)
        if len(opened.order) < len(opened.told):
            opened.order[:] = sorted(opened.told, key=lambda id: (*opened.told[id].place, id))
        return opened.order

    async def _open(self, tenant: str, org: OrgChart) -> _Known:
        """Of a chart that moved on, those who changed are opened anew; all of them once they are forgotten."""
        began = time.monotonic()
        at, known = self._opened.of(tenant)
        if known is not None and known.org is org:
            return known
        told: dict[str, _Told] = {}
        if known is not None:
            told = {id: known.told[id] for id, one in org.people.items() if known.org.people.get(id) is one}
        new = [one for id, one in org.people.items() if id not in told]
        for start in range(0, len(new), AT_ONCE):
            some = pb.PeopleList(
                people=[
                    pb.Person(person_id=p.id, name=p.name, title=p.title, email=p.email)
                    for p in new[start : start + AT_ONCE]
                ]
            )
            await self._words.open(some, tenant=tenant)
            told |= {p.person_id: _Told.of(p) for p in some.people}
            await asyncio.sleep(0)
        by_email: dict[str, list[str]] = {}
        for id, one in told.items():
            if one.email:
                by_email.setdefault(one.email, []).append(id)
        opened = _Known(org, told, by_email)
        self._opened.remember(tenant, opened, at=at, began=began)
        return opened


def after(ids: Sequence[str], last: Sequence[str]) -> Sequence[str]:
    """Those behind the last ones of a page. Should one of three have another name meanwhile, the others say where the
    page ended: nobody is left out or shown again. (A token holds no name.)

    Raises `Rejected` where none of them is among the people: no page ended so.
    """
    found = {id: index for index, id in enumerate(ids) if id in last}
    if not found:
        raise no_page_token()
    middle = sorted(found.values())[(len(found) - 1) // 2]
    return [id for id in ids[middle + 1 :] if id not in found]


def one_of(ids: Sequence[str], org: OrgChart) -> list[str]:
    """Those of some ids that are people's, in the order of ids."""
    return sorted(id for id in set(ids) if id in org.people)
