"""A key that is lost is told from one that was destroyed and from one that never was, and is never replaced in
silence."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventkit.database import pool
from eventkit.errors import Rejected
from eventkit.privacy import ledger
from eventkit.privacy.installation import destroy_again
from eventkit.privacy.keys import DESTROY, EVERYBODY, KeyStore, Missing
from eventkit.privacy.ledger import KeysWentBack, Witness
from eventkit.privacy.words import Words
from eventkit.process import keeping
from eventkit.telemetry import Metrics
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1.events_pb2 import PersonRegistered
from tests.conftest import Engines, fresh_database
from tests.e2e.running import nhip
from tests.waiting import PATIENCE

MASTER = b"m" * 32
PEOPLE = ("lan", "minh")


@asynccontextmanager
async def service(keys: str, own: str, name: str = "goals") -> AsyncGenerator[KeyStore]:
    """The keys, as a service that has just started has them."""
    async with pool(own, "test", 2) as known:
        await known.execute(ledger.WITNESS)
        async with KeyStore(keys, MASTER, witness=Witness(name, known)) as store:
            await store.compare()
            yield store


async def name_of(person: str, store: KeyStore) -> PersonRegistered:
    message = PersonRegistered(person_id=person, name=PersonalText(plain="Lan"))
    await Words(store).seal(message, tenant="acme", author=person, event_id=uuid4())
    return message


async def read(message: PersonRegistered, store: KeyStore) -> PersonalText:
    copy = PersonRegistered()
    copy.CopyFrom(message)
    await Words(store).open(copy, tenant="acme")
    return copy.name


async def test_a_row_that_is_gone_is_said_counted_and_replaced_only_when_somebody_says_so(engines: Engines):
    async with fresh_database(engines.postgres, "_keys") as keys:
        await replaced_when_said(engines, keys)


async def replaced_when_said(engines: Engines, postgres: str) -> None:
    con = await asyncpg.connect(postgres)
    async with service(postgres, postgres) as running:
        before = await name_of("lan", running)
        await con.execute("delete from person_key where person = 'lan'")
        running._cache.clear()  # pyright: ignore[reportPrivateUsage] # a minute has passed
        with pytest.raises(Rejected, match="KEY_LOST"):
            await name_of("lan", running)
    async with service(postgres, postgres) as again:
        assert await read(before, again) == PersonalText(unreadable=True)
        with pytest.raises(Rejected, match="KEY_LOST"):
            await name_of("lan", again)
        metrics = Metrics()
        await keeping.look(again, metrics)
        assert metrics.registry.get_sample_value("nhip_lost_keys") == 1
        assert "1 keys of persons are lost" in (await ledger.standing(con)).sentences()[0]

        with pytest.raises(asyncpg.PostgresError) as refused:  # nor does a version before, or a hand
            await con.execute("insert into person_key(tenant, person, wrapped) values ('acme', 'lan', 'x')")
        assert refused.value.sqlstate == ledger.LOST
        assert not await ledger.give_up(con, "acme", "minh")
        name = await con.fetchval("select current_database()")
        there = {"NHIP_POSTGRES": engines.postgres, "NHIP_INSTALLATION": name.removesuffix("_keys").replace("_", "-")}
        code, told = await nhip("keys", "lost", environment=there)
        assert (code, "acme lan: made 20" in told) == (1, True), told
        given_up = ("--tenant", "acme", "--person", "lan", "--confirm")
        code, told = await nhip("keys", "lost", *given_up, environment=there)
        assert (code, "The next words about lan of acme get a new key" in told) == (0, True), told
        after = await name_of("lan", again)
        assert [(await read(each, again)).plain for each in (before, after)] == ["", "Lan"]
        assert await again.lost() == 0
    with pytest.raises(asyncpg.RaiseError):
        await con.execute("delete from key_made")
    await con.close()


async def test_keys_that_alone_went_back_are_noticed_and_come_back_from_a_newer_backup(engines: Engines):
    async with (
        fresh_database(engines.postgres) as own,
        fresh_database(engines.postgres, "_keys") as older,
        fresh_database(engines.postgres) as newer,
    ):
        async with service(newer, own) as running:  # what it was: the backup is of before Minh came
            lan, minh = await name_of("lan", running), await name_of("minh", running)
        async with KeyStore(older, MASTER) as backup:
            await backup.key("acme", "lan", make=True)
            async with pool(older, "test", 1) as old, pool(newer, "test", 1) as new:
                for table in ("key_made", "person_key"):
                    await old.execute(f"alter table {table} disable trigger user; truncate {table}")
                rows = await new.fetch("select * from key_made where person = 'lan'")
                await old.executemany("insert into key_made values ($1, $2, $3, $4, $5, $6, $7)", rows)
                rows = await new.fetch("select * from person_key where person = 'lan'")
                await old.executemany("insert into person_key values ($1, $2, $3, $4, $5, $6)", rows)
                await old.execute(
                    "alter table key_made enable trigger user; alter table person_key enable trigger user"
                )
        con = await asyncpg.connect(older)
        async with service(older, own) as back:
            assert (await read(lan, back)).plain == "Lan"
            assert (await read(minh, back)).unreadable
            await name_of("lan", back)  # whose key is there goes on
            with pytest.raises(Rejected, match="KEYS_WENT_BACK"):
                await name_of("minh", back)
            async with KeyStore(older, MASTER) as other:  # nor does a service that never knew of it make one
                with pytest.raises(KeysWentBack):
                    await other.key("acme", "thao", make=True)
            assert "goals knows of key 2" in (await ledger.standing(con)).sentences()[0]

            name = await con.fetchval("select current_database()")
            there = {
                "NHIP_POSTGRES": engines.postgres,
                "NHIP_INSTALLATION": name.removesuffix("_keys").replace("_", "-"),
            }
            code, told = await nhip("keys", "recover", "--from", newer, environment=there)
            assert (code, told.splitlines()[-1]) == (0, "1 keys are back"), told
            assert (await read(minh, back)).plain == "Lan"
            assert await back.compare()
            await name_of("thao", back)
        async with service(older, own) as back:
            assert await back.compare()
            assert (await ledger.standing(con)).sentences() == []
        await con.close()


class Watched(asyncpg.Connection):
    """Something else happens before each page that is read of it, but the first."""

    meanwhile: Callable[[], Awaitable[None]]

    async def fetch(self, query: str, *arguments: Any, **others: Any) -> list[Any]:
        if arguments and arguments[0]:
            await self.meanwhile()
        return await super().fetch(query, *arguments, **others)


async def test_while_keys_come_back_nobody_waits_and_what_the_backup_says_of_those_without_a_key_holds(
    engines: Engines,
):
    async with fresh_database(engines.postgres) as here, fresh_database(engines.postgres) as backup:
        con, of_backup = await asyncpg.connect(here), await asyncpg.connect(backup)
        async with KeyStore(here, MASTER) as store, KeyStore(backup, MASTER) as old:
            for person in ("an", "lan", "minh"):
                await store.key("acme", person, make=True)
            rows = await con.fetch("select * from person_key")
            for person in ("lost", "erased"):
                await old.key("acme", person, make=True)
            await of_backup.execute(DESTROY, "acme", "erased")
            await of_backup.execute("delete from person_key")
            await of_backup.executemany(
                "insert into person_key values ($1, $2, $3, $4, $5, $6)", [list(row.values()) for row in rows]
            )
            await con.execute("delete from person_key")

            async def erase() -> None:
                async with asyncio.timeout(30):
                    await store.destroy("acme", "minh")

            source = await asyncpg.connect(backup, connection_class=Watched)
            source.meanwhile = erase
            gap = await source.fetchrow("select serial, mark from key_made where person = 'minh'")
            assert gap
            await con.execute("insert into key_gap values ($1, $2, 'goals'), (9, gen_random_uuid(), 'people')", *gap)
            async with asyncio.timeout(PATIENCE):
                assert await ledger.recover(con, source, page=1) == 2
            await source.close()
            people = {"an", "lan", "minh", "lost", "erased", "thao"}
            found = await store.keys("acme", people)
        assert {person: key for person, key in found.items() if isinstance(key, Missing)} == {
            "minh": Missing.DESTROYED,
            "lost": Missing.LOST,
            "erased": Missing.DESTROYED,
            "thao": Missing.NEVER,
        }
        assert [gap.service for gap in (await ledger.standing(con)).gaps] == ["people"]
        await con.close()
        await of_backup.close()


async def test_every_process_of_a_service_goes_back_with_it(engines: Engines):
    async with (
        fresh_database(engines.postgres) as own,
        fresh_database(engines.postgres) as keys,
        pool(own, "test", 1) as known,
        KeyStore(keys, MASTER),
        pool(keys, "test", 1) as there,
    ):
        await known.execute(ledger.WITNESS)
        one, two = Witness("goals", known), Witness("goals", known)
        for each in (one, two):
            await each.knows(ledger.Made(9, uuid4()))
        assert not await one.compare(there)
        owner = await asyncpg.connect(keys)
        assert await ledger.accept_gaps(owner) == 1
        await owner.close()
        assert [await one.compare(there), await two.compare(there)] == [True, True]
        await two.knows(ledger.Made(1, uuid4()))
        assert await known.fetchval("select serial from keys_known") == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    deeds=st.lists(
        st.tuples(st.sampled_from(["seal", "lose", "erase", "give up"]), st.sampled_from(PEOPLE)), max_size=12
    )
)
def test_whatever_happens_no_one_gets_a_second_key_unsaid(postgres: str, deeds: list[tuple[str, str]]):
    async def play() -> None:
        con, tenant = await asyncpg.connect(postgres), uuid4().hex
        try:
            state: dict[str, Missing] = dict.fromkeys(PEOPLE, Missing.NEVER)
            alive = dict[str, bytes]()
            async with KeyStore(postgres, MASTER) as store:
                for deed, person in deeds:
                    store._cache.clear()  # pyright: ignore[reportPrivateUsage]
                    if deed == "seal":
                        found = await store.key(tenant, person, make=True)
                        if state[person] is Missing.NEVER and person not in alive:
                            assert isinstance(found, bytes)
                            alive[person] = found
                        assert found == alive.get(person, state[person])
                    elif (
                        deed == "lose"
                        and await con.execute(
                            "delete from person_key where tenant = $1 and person = $2", tenant, person
                        )
                        != "DELETE 0"
                    ):
                        # Who was erased stays so, whatever becomes of the row.
                        state[person] = Missing.LOST if alive.pop(person, None) else state[person]
                    elif deed == "erase":
                        await con.execute(DESTROY, tenant, person)
                        alive.pop(person, None)
                        state[person] = Missing.DESTROYED
                    elif deed == "give up":
                        assert await ledger.give_up(con, tenant, person) == (state[person] is Missing.LOST)
                        if state[person] is Missing.LOST:
                            state[person] = Missing.NEVER
                lost = [row["person"] for row in await con.fetch(ledger.LIST_LOST, tenant, "", 10)]
                assert lost == [person for person in PEOPLE if state[person] is Missing.LOST]
            assert (await ledger.standing(con)).unknown == 0
        finally:
            await con.close()

    asyncio.run(play())


async def test_what_was_done_without_the_triggers_is_noted_when_they_are_made_anew(engines: Engines):
    async with fresh_database(engines.postgres, "_keys") as keys:
        await noted_afterwards(keys)


async def noted_afterwards(keys: str) -> None:
    con = await asyncpg.connect(keys)
    try:
        async with KeyStore(keys, MASTER) as store:
            await store.keys("acme", {"lan", "minh", "vy"}, make=True)
            await con.execute("delete from person_key where person = 'vy'")
            there = await con.fetch("select tgname, tgrelid::regclass from pg_trigger where not tgisinternal")
            for name, table in there:  # as by a restore that leaves them out
                await con.execute(f"drop trigger {name} on {table}")
            await store.key("acme", "an", make=True)
            await store.destroy("acme", "minh")
        async with KeyStore(keys, MASTER) as store:
            await store.key("acme", "new", make=True)
        await con.execute("delete from person_key")
        async with KeyStore(keys, MASTER) as store:
            assert await store.keys("acme", {"lan", "minh", "vy", "an", "new"}, make=True) == {
                "minh": Missing.DESTROYED,
                **dict.fromkeys(("lan", "vy", "an", "new"), Missing.LOST),
            }
            assert (await store.lost(), (await ledger.standing(con)).unknown) == (4, 0)
            with pytest.raises(asyncpg.RaiseError):
                await con.execute("delete from key_made")
    finally:
        await con.close()


async def test_of_a_deleted_company_no_key_is_left_comes_back_or_is_made_and_none_counts_as_lost(engines: Engines):
    async with fresh_database(engines.postgres, "_keys") as keys, fresh_database(engines.postgres, "_old") as old:
        await gone_with_their_company(keys, old, engines)


async def gone_with_their_company(keys: str, old: str, engines: Engines) -> None:
    admin, backup = await asyncpg.connect(keys), await asyncpg.connect(old)
    try:
        async with KeyStore(keys, MASTER) as store, KeyStore(keys, MASTER) as other:
            of_lan = await name_of("lan", store)
            await name_of("minh", store)
            assert (await read(of_lan, other)).plain == "Lan"
            neighbour = await store.key("neighbour", "lan", make=True)
            secret = await Words(store).id_secret("acme", make=True)
            await admin.execute("delete from person_key where tenant = 'acme' and person = 'minh'")
            assert (len(secret), await store.lost()) == (32, 1)
            async with KeyStore(old, MASTER) as before:  # a backup, with one more of whom nobody knows any more
                await before.keys("acme", {"lan", "minh", "an"}, make=True)
                await before.key("acme", "erased", make=True)

            # Who makes a key at the same moment waits for the destruction, and finds theirs destroyed.
            making = await asyncpg.connect(keys)
            turn = making.transaction()
            await turn.start()
            await making.execute("select pg_advisory_xact_lock(hashtext('key_made'))")
            destroying = asyncio.create_task(Words(store).destroy_all("acme"))
            await blocked(admin)
            await making.execute(
                "insert into person_key(tenant, person, wrapped, master) select 'acme', 'late', wrapped, master "
                "from person_key where tenant = 'acme' and person = 'lan'"
            )
            await turn.commit()
            await making.close()
            await destroying
            await Words(store).destroy_all("acme")  # again: nothing else

            async with asyncio.timeout(30):
                while not (await read(of_lan, other)).erased:  # it hears of it, and does not wait for the minute
                    await asyncio.sleep(0.01)
            assert await store.keys("acme", {"lan", "minh", "late", "new"}, make=True) == dict.fromkeys(
                ("lan", "minh", "late", "new"), Missing.DESTROYED
            )
            assert await Words(other).id_secret("acme", make=True) == b""
            assert (await store.lost(), await store.destroyed_tenants()) == (0, ["acme"])
            assert await other.key("neighbour", "lan") == neighbour

            await ledger.recover(admin, backup)
            assert await store.keys("acme", {"lan", "minh", "an"}) == dict.fromkeys(
                ("lan", "minh", "an"), Missing.DESTROYED
            )
            assert await store.lost() == 0
        assert (
            await admin.fetchval("select count(*) from person_key where tenant = 'acme' and wrapped is not null") == 0
        )
        # A database that did not destroy by that row yet: it is not taken for done, and is done when it learns to.
        async with KeyStore(keys, MASTER) as store:
            await admin.execute(
                "drop trigger of_deleted on person_key; drop trigger of_deleted_again on person_key; "
                "drop function destroy_of_deleted; drop function destroy_again; drop index deleted_tenants"
            )
            with pytest.raises(RuntimeError, match="are left"):
                await store.destroy_all("neighbour")
            assert await left(store) == 1
        async with KeyStore(keys, MASTER) as store:
            assert await store.key("neighbour", "lan") is Missing.DESTROYED
            assert await left(store) == 0
            await admin.execute("drop trigger of_deleted on person_key")  # alone
            await store.key("third", "lan", make=True)
            for _ in range(2):  # also where nothing of it is left any more: what comes later would be
                with pytest.raises(RuntimeError, match="are left"):
                    await store.destroy_all("third")
        async with KeyStore(keys, MASTER) as store:
            assert await store.key("third", "minh", make=True) is Missing.DESTROYED
            assert await left(store) == 0
            await admin.execute("alter table person_key disable trigger user")
            await admin.execute("alter table person_key enable trigger note_keys")
            await store.key("fourth", "lan", make=True)
            with pytest.raises(RuntimeError, match="are left"):
                await store.destroy_all("fourth")
            assert await left(store) == 1
            await admin.execute("alter table person_key enable trigger user")
            await store.destroy_all("fourth")
            assert await left(store) == await store.lost() == 0
        erased = [("acme", "lan"), ("acme", "nobody"), ("acme", EVERYBODY), ("gone", EVERYBODY)]
        there = {("acme", "lan"), ("acme", EVERYBODY)}
        assert await destroy_again(old, erased) == there  # where the backup itself is put back
        assert await destroy_again(old, erased) == set()
        assert await backup.fetchval("select count(*) from person_key where wrapped is not null") == 0
    finally:
        await admin.close()
        await backup.close()


async def left(store: KeyStore) -> float | None:
    """As every process tells it."""
    metrics = Metrics()
    await keeping.look(store, metrics)
    return metrics.registry.get_sample_value("nhip_left_keys")


async def blocked(con: asyncpg.Connection) -> None:
    """Until somebody waits for the ledger's lock."""
    async with asyncio.timeout(PATIENCE):
        while not await con.fetchval(
            "select exists(select from pg_locks where locktype = 'advisory' and not granted and database = "
            "(select oid from pg_database where datname = current_database()))"
        ):
            await asyncio.sleep(0.01)
