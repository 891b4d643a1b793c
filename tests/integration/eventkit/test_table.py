"""Tables of read models: what is saved is loaded, and a query sees one tenant."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventkit.process import provision
from eventkit.subscriptions.table import Table, reading


@dataclass(frozen=True, slots=True)
class Everything:
    tenant: str
    id: str
    day: date
    text: str
    number: int
    yes: bool
    data: bytes
    amount: Decimal
    at: datetime
    uid: UUID
    names: list[str]
    maybe_text: str | None
    maybe_day: date | None
    maybe_amount: Decimal | None
    maybe_at: datetime | None


TABLE = Table("everything_v1", Everything, ("tenant", "id", "day"), ("tenant, number",))
ROW = Everything(
    tenant="acme", id="k1", day=date(2026, 3, 1), text="Tăng trưởng \"20%\" \\ 'quý' 😀\n", number=-(2**62) - 1,
        yes=True,
    data=bytes(range(256)), amount=Decimal("12345678901234567890.123456789"), at=datetime(2026, 3, 1, 9, 30, 0, 123456,
        tzinfo=UTC),
    uid=UUID(int=2**127 + 5), names=["a", "", "đ,{}\""], maybe_text=None, maybe_day=None, maybe_amount=None,
        maybe_at=None,
)  # fmt: skip


@pytest.fixture(scope="module")
async def pool(postgres_of_module: str) -> AsyncGenerator[asyncpg.Pool]:
    async with asyncpg.create_pool(
        postgres_of_module, min_size=1, max_size=1
    ) as pool:  # one connection: who comes next inherits it
        await pool.execute(
            f"do $$ begin create role {provision.READER} nologin; exception when duplicate_object then end $$"
        )
        await pool.execute(TABLE.ddl())
        yield pool


@pytest.fixture(autouse=True)
async def empty(pool: asyncpg.Pool) -> None:
    await pool.execute("truncate everything_v1")


async def load(pool: asyncpg.Pool, *keys: tuple) -> dict:
    async with pool.acquire() as con:
        return await TABLE.load(con, keys)  # type: ignore[arg-type]


async def save(pool: asyncpg.Pool, *rows: Everything) -> None:
    async with pool.acquire() as con:
        await TABLE.save(con, rows)  # type: ignore[arg-type]


async def test_a_row_comes_back_as_it_was(pool):
    full = replace(ROW, id="k2", maybe_text="", maybe_day=date.min, maybe_amount=Decimal("-0.10"), maybe_at=ROW.at)
    await save(pool, ROW, full)
    assert await load(pool, TABLE.key_of(ROW), TABLE.key_of(full)) == {TABLE.key_of(ROW): ROW, TABLE.key_of(full): full}
    assert str((await load(pool, TABLE.key_of(full)))[TABLE.key_of(full)].maybe_amount) == "-0.10"


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
days = st.dates(date(1, 1, 1), date(9999, 12, 31))
instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=9)
rows = st.builds(
    Everything, tenant=text, id=text, day=days, text=text, number=st.integers(-(2**63), 2**63 - 1), yes=st.booleans(),
        data=st.binary(),
    amount=decimals, at=instants, uid=st.uuids(), names=st.lists(text), maybe_text=st.none() | text,
        maybe_day=st.none() | days,
    maybe_amount=st.none() | decimals, maybe_at=st.none() | instants,
)  # fmt: skip


def batches(count: int) -> list[list[Everything]]:
    """Batches of rows as hypothesis makes them, for a test that awaits."""
    found: list[list[Everything]] = []

    @settings(max_examples=count, database=None, deadline=None)
    @given(st.lists(rows, min_size=1, max_size=5, unique_by=TABLE.key_of))
    def collect(batch: list[Everything]) -> None:
        found.append(batch)

    collect()
    return found


async def test_any_rows_come_back_as_they_were(pool):
    for batch in batches(80):
        await save(pool, *batch)
        assert await load(pool, *map(TABLE.key_of, batch)) == {TABLE.key_of(row): row for row in batch}


async def test_saving_again_replaces(pool):
    await save(pool, ROW, replace(ROW, id="k2"))
    await save(pool, replace(ROW, number=1))
    assert await pool.fetch("select id, number from everything_v1 order by id") == [("k1", 1), ("k2", ROW.number)]


async def test_nothing_is_loaded_for_no_keys_and_saved_for_no_rows(pool):
    assert await load(pool) == {}
    assert await load(pool, ("acme", "none", ROW.day)) == {}
    await save(pool)


def test_a_row_begins_with_its_tenant():
    with pytest.raises(TypeError):
        Table("wrong_v1", Everything, ("id", "tenant"))


async def test_a_query_without_a_tenant_clause_sees_its_tenants_rows_only(pool):
    await save(pool, ROW, replace(ROW, tenant="other"), replace(ROW, tenant=""))
    async with reading(pool, "acme") as con:
        assert [r["tenant"] for r in await con.fetch("select tenant from everything_v1")] == ["acme"]
        assert await con.fetch("select from everything_v1 where tenant = 'other'") == []


async def test_without_a_tenant_nothing_is_seen(pool):
    await save(pool, ROW, replace(ROW, tenant="other"))
    async with pool.acquire() as con, con.transaction():
        await con.execute(f"set local role {provision.READER}")
        assert await con.fetch("select * from everything_v1") == []


async def test_the_tenant_is_gone_with_the_query(pool):
    await save(pool, ROW, replace(ROW, tenant="other"))
    async with reading(pool, "acme"):
        pass
    with pytest.raises(ZeroDivisionError):
        async with reading(pool, "acme"):
            raise ZeroDivisionError
    assert await pool.fetchval("select current_user") != provision.READER
    assert await pool.fetchval("select count(*) from everything_v1") == 2  # the writer sees all again
    async with pool.acquire() as con, con.transaction():
        await con.execute(f"set local role {provision.READER}")
        assert await con.fetch("select * from everything_v1") == []


@pytest.mark.parametrize("tenant", ["o'hara", "\\'; reset role; --", "công ty"])
async def test_a_tenant_of_any_name_sees_its_own_rows(pool, tenant: str):
    await save(pool, ROW, replace(ROW, tenant=tenant))
    async with reading(pool, tenant) as con:
        assert [r["tenant"] for r in await con.fetch("select tenant from everything_v1")] == [tenant]


async def test_a_query_writes_nothing(pool):
    await save(pool, ROW)
    with pytest.raises((asyncpg.ReadOnlySQLTransactionError, asyncpg.InsufficientPrivilegeError)):
        async with reading(pool, "acme") as con:
            await con.execute("update everything_v1 set number = 0")


async def test_a_query_sees_one_moment(pool, postgres_of_module):
    await save(pool, ROW)
    other = await asyncpg.connect(postgres_of_module)
    try:
        async with reading(pool, "acme") as con:
            assert await con.fetchval("select number from everything_v1") == ROW.number
            await other.execute("update everything_v1 set number = 1")
            assert await con.fetchval("select number from everything_v1") == ROW.number
    finally:
        await other.close()
