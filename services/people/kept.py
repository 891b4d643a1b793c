"""People as an integration that keeps them sees them: with their words, which are opened in memory, and for a short
while (as `names`)."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from eventkit.directory.facts import OrgChart, Person
from eventkit.privacy.keys import KEY_SECONDS
from eventkit.privacy.words import Words
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import sync_pb2 as pb
from services.people.queries.synced import Kept, newer
from services.people.views.synced import SyncedRow

AT_ONCE = 200
"""People whose words are opened before others get their turn."""
TENANTS = 20
"""Whose people are remembered at most."""


@dataclass(frozen=True, slots=True)
class _Known:
    at: float
    position: int
    rows: dict[str, SyncedRow]
    told: dict[str, Kept]


class KeptPeople:
    """What of a person was opened is forgotten as soon as anything changes about them, and after a minute, as their
    keys are."""

    def __init__(self, words: Words):
        self._words = words
        self._known: dict[str, _Known] = {}

    async def of(self, con: asyncpg.Connection, tenant: str, org: OrgChart) -> Mapping[str, Kept]:
        """Everybody by id, in the order of ids; `con` reads the tenant's rows."""
        known = self._known.get(tenant)
        if known is None or time.monotonic() - known.at >= KEY_SECONDS:
            known = _Known(time.monotonic(), 0, {}, {})
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
            for one in await self._open(tenant, new[start : start + AT_ONCE], rows):
                told[one.id] = one
            await asyncio.sleep(0)
        if new:
            told = dict(sorted(told.items()))
        position = max((row.position for row in came), default=known.position)
        self._known.pop(tenant, None)
        self._known[tenant] = _Known(known.at, position, rows, told)
        while len(self._known) > TENANTS:
            self._known.pop(next(iter(self._known)))
        return told

    async def _open(self, tenant: str, people: list[Person], rows: Mapping[str, SyncedRow]) -> list[Kept]:
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
