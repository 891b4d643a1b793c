"""Finding people by their names and addresses, which are sealed wherever they are kept: opened for the search, in memory, and for a
short while."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eventkit.directory.facts import OrgChart
from eventkit.names import plain_letters
from eventkit.privacy.keys import KEY_SECONDS
from eventkit.privacy.words import Words
from nhip.people.v1 import people_pb2 as pb

AT_ONCE = 200
"""Names that are opened before others get their turn."""
TENANTS = 50
"""Whose names are remembered at most."""


@dataclass(frozen=True, slots=True)
class _Opened:
    org: OrgChart
    at: float
    names: dict[str, str]
    """By person's id: name and title, as they are searched for."""
    by_email: dict[str, list[str]]
    """Ids by address, in small letters."""


class Names:
    """A tenant's names are forgotten as soon as anything changes about its people, and after a minute, as their keys
    are."""

    def __init__(self, words: Words):
        self._words = words
        self._opened: dict[str, _Opened] = {}

    async def matching(self, tenant: str, org: OrgChart, text: str) -> frozenset[str]:
        """The ids of people whose name or title has each word of a text, whatever its case and diacritics."""
        wanted = plain_letters(text).split()
        names = (await self._open(tenant, org)).names
        return frozenset(id for id, name in names.items() if all(word in name for word in wanted))

    async def by_email(self, tenant: str, org: OrgChart, emails: Iterable[str]) -> dict[str, list[str]]:
        """The ids of the people who have some addresses, by the address as it was asked for."""
        known = (await self._open(tenant, org)).by_email
        return {email: known[plain] for email in emails if (plain := email.strip().casefold()) in known}

    async def _open(self, tenant: str, org: OrgChart) -> _Opened:
        known = self._opened.get(tenant)
        if known is not None and known.org is org and time.monotonic() - known.at < KEY_SECONDS:
            return known
        at, people = time.monotonic(), list(org.people.values())
        names, by_email = dict[str, str](), dict[str, list[str]]()
        for start in range(0, len(people), AT_ONCE):
            some = pb.PeopleList(
                people=[
                    pb.Person(person_id=p.id, name=p.name, title=p.title, email=p.email)
                    for p in people[start : start + AT_ONCE]
                ]
            )
            await self._words.open(some, tenant=tenant)
            names |= {p.person_id: plain_letters(f"{p.name.plain} {p.title.plain}") for p in some.people}
            for p in some.people:
                if p.email.plain:
                    by_email.setdefault(p.email.plain.strip().casefold(), []).append(p.person_id)
            await asyncio.sleep(0)
        self._opened.pop(tenant, None)
        self._opened[tenant] = opened = _Opened(org, at, names, by_email)
        while len(self._opened) > TENANTS:
            self._opened.pop(next(iter(self._opened)))
        return opened


def one_of(ids: Sequence[str], org: OrgChart) -> list[str]:
    """Those of some ids that are people's, in the order of ids."""
    return sorted(id for id in set(ids) if id in org.people)
