"""People as an integration that keeps them sees them: with their words, which are opened in memory, and for a short
while (as `names`)."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from eventkit.directory.facts import OrgChart, Person
from eventkit.privacy.words import Words
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import sync_pb2 as pb
from services.people.opened import Opened
from services.people.queries.synced import Kept, newer
from services.people.views.synced import SyncedRow

AT_ONCE = 200
"""People whose words are opened before others get their turn."""
TENANTS = 20
"""Whose people are remembered at most."""


@dataclass(frozen=True, slots=True)
class _Known:
    position: int
    rows: dict[str, SyncedRow]
    told: dict[str, Kept]


class KeptPeople:
    """What of a person was opened is opened anew as soon as anything changes about them, and forgotten as their keys
    are."""

    def __init__(self, words: Words):
        self._words = words
        self._opened = Opened[_Known](words, TENANTS)

    async def of(self, con: asyncpg.Connection, tenant: str, org: OrgChart) -> Mapping[str, Kept]:
        """Everybody by id, in the order of ids; `con` reads the tenant's rows."""
        began = time.monotonic()
        at, known = self._opened.of(tenant)
        known = known or _Known(0, {}, {})
        came = await newer(con, tenant, known.position)
        rows = {**known.rows, **{row.person_id: row for row in came}} if came else known.rows
        told: dict[str, Kept] = {}
        new: list[Person] = []
        for id in sorted(org.people):
            one, before = org.people[id], known.told.get(id)
            if before is not None and before.person is one and before.row is rows.get(id):
                told[id] = before
            else:
                new.append(one)
        for start in range(0, len(new), AT_ONCE):
            for one in await self.opened(tenant, new[start : start + AT_ONCE], rows):
                told[one.id] = one
            await asyncio.sleep(0)
        if new:
            told = dict(sorted(told.items()))
        position = max((row.position for row in came), default=known.position)
        self._opened.remember(tenant, _Known(position, rows, told), at=at, began=began)
        return told

    async def opened(self, tenant: str, people: Sequence[Person], rows: Mapping[str, SyncedRow]) -> list[Kept]:
        """Some people with their words; `rows`: how they are kept, by id. It is not remembered."""
        opened = pb.SyncedPeople(people=[_sealed(one, rows.get(one.id)) for one in people])
        await self._words.open(opened, tenant=tenant)
        return [
            Kept(
                one,
                rows.get(one.id),
                words.user_name.plain or words.email.plain,
                words.external_id.plain,
                words.name.plain,
                words.title.plain,
                words.email.plain,
            )
            for one, words in zip(people, opened.people, strict=True)
        ]


def _sealed(one: Person, row: SyncedRow | None) -> pb.SyncedPerson:
    return pb.SyncedPerson(
        name=one.name,
        title=one.title,
        email=one.email,
        user_name=PersonalText.FromString(row.user_name) if row and row.user_name else None,
        external_id=PersonalText.FromString(row.external_id) if row and row.external_id else None,
    )
