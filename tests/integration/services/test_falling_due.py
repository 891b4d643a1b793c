"""When companies in all time zones are looked at: by PostgreSQL's clocks as by those that the rules are tested with
(C-02, N-04)."""

import random
from collections import defaultdict
from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from eventkit.directory.views import SettingRow, SettingView, TenantRow, TenantView
from eventkit.process import provision
from eventkit.process.service import Resources
from eventkit.rpc.rules import time_zones
from eventkit.settings import load
from services.checkins.domain.cadence import Days
from services.checkins.reactors.falling_due import FallingDue
from services.checkins.views.cadence import CADENCES, CadenceRow, CadenceView
from services.checkins.views.known import KNOWN_CYCLES, KnownCycleRow, KnownCycleView
from tests.checkins_clock import ODD_ZONES, day_of_look

SPRING, AUTUMN = Days(date(2021, 3, 26), date(2021, 4, 5)), Days(date(2021, 10, 29), date(2021, 11, 8))
"""In which the clocks of most zones leap that ever do; long enough ago for every edition of the database of zones."""
HOUR, MANY = timedelta(hours=1), 10_000


@pytest.fixture
async def pool(postgres: str) -> AsyncGenerator[asyncpg.Pool]:
    await provision.databases(load(postgres=postgres), [])
    async with asyncpg.create_pool(postgres, min_size=1, max_size=2) as pool:
        await provision.tables(pool, [TenantView(), SettingView(), CadenceView(), KnownCycleView()])
        yield pool


async def test_every_zone_that_is_taken_is_the_same_to_postgresql(pool: asyncpg.Pool):
    instants = [datetime(2021, month, 3, 12, tzinfo=UTC) for month in range(1, 13)]
    rows = await pool.fetch(
        "select zone, at, at at time zone zone as local from unnest($1::text[]) zone, unnest($2::timestamptz[]) at",
        sorted(time_zones()),
        instants,
    )
    others = {
        row["zone"] for row in rows if row["local"] != row["at"].astimezone(ZoneInfo(row["zone"])).replace(tzinfo=None)
    }
    assert (len(rows), others) == (len(time_zones()) * len(instants), set())


async def test_companies_all_over_the_world_are_looked_at_each_day_from_their_hour_on_c02(pool: asyncpg.Pool):
    """One for each of many zones, with another hour and cycle than its neighbours."""
    zones = dict.fromkeys((*ODD_ZONES, *random.Random(13).sample(sorted(time_zones()), 30)))
    companies = {zone: (number * 7 % 24, number % 5) for number, zone in enumerate(zones)}
    timer = FallingDue(cast(Resources, SimpleNamespace(pool=pool)))
    for span in (SPRING, AUTUMN):
        cycles = {
            zone: Days(span.first_on + timedelta(days=1 + later), span.first_on + timedelta(days=2 + later))
            for zone, (_, later) in companies.items()
        }
        await are_there(pool, {zone: hour for zone, (hour, _) in companies.items()}, cycles)
        due_at: defaultdict[tuple[str, str], set[datetime]] = defaultdict(set)
        at = datetime(span.first_on.year, span.first_on.month, span.first_on.day, minute=20, tzinfo=UTC)
        while at.date() <= span.last_on:
            found = await timer.due(at, MANY)
            wanted = {
                zone: day.isoformat()
                for zone, (hour, _) in companies.items()
                if (day := day_of_look(at, ZoneInfo(zone), hour, cycles[zone]))
            }
            assert {due.tenant: due.thing for due in found} == wanted
            assert len(found) == len({due.tenant for due in found})
            for due in found:
                due_at[due.tenant, due.thing].add(due.at)
            at += HOUR
        assert {len(instants) for instants in due_at.values()} == {1}, "a day is one thing, also where its clock leaps"


async def are_there(pool: asyncpg.Pool, hours: dict[str, int], cycles: dict[str, Days]) -> None:
    first = date(2021, 1, 1)
    async with pool.acquire() as acquired:
        con = cast(asyncpg.Connection, acquired)
        await TenantView().table.save(con, [TenantRow(zone, zone, zone, "vi", "") for zone in hours])
        await SettingView().table.save(
            con,
            [
                SettingRow(
                    zone,
                    "check_in_hour",
                    version=1,
                    before=Decimal(6),
                    after=Decimal(hour),
                    value=Decimal(hour),
                    effective_on=first,
                    recorded_at=datetime(2021, 1, 1, tzinfo=UTC),
                    actor="person:nam",
                    reason=b"",
                )
                for zone, hour in hours.items()
            ],
        )
        await CADENCES.save(con, [CadenceRow(zone, "company", [f"{first} 1 4 {first}"]) for zone in hours])
        await KNOWN_CYCLES.save(
            con,
            [
                KnownCycleRow(zone, "q", one.first_on, one.last_on, begun=True, withdrawn=False)
                for zone, one in cycles.items()
            ],
        )
