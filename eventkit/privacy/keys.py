"""The keys of persons, each wrapped by the installation's master key; their destruction, and the change of the master
key.

The database of keys knows which master keys wrap what is in it, by a name that tells nothing of them and a probe that
only they open. So a process with a wrong one does not start, and no key is made that nobody can open later. One master
key is *active*: new keys are wrapped under it. A change makes the new one active and wraps every key anew; meanwhile
both are needed, and an interruption is gone on from.
"""

import asyncio
import hmac
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

import asyncpg
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from eventkit.database import connect, pool, transaction
from eventkit.privacy import ledger
from eventkit.privacy.ledger import KeysWentBack, Made, Witness
from eventkit.settings import SettingsError

KEY_SECONDS = 60.0
"""How long a process may keep a key.

It hears of a destroyed one at once; this is for a network that lets nothing through.
"""
DESTROYED = "person_key_destroyed"
"""The channel on which the destruction of a key is told."""
EVERYBODY = "@everybody"
"""What stands for a person where the keys of all of a tenant were destroyed: no id of a person has such a sign. The
database itself holds to it: nobody of the tenant has a key there, or gets one, ever again."""
PAGE = 500
"""Keys that are wrapped anew in one transaction."""

SCHEMA = """
create table if not exists person_key(
  tenant text not null, person text not null, wrapped bytea, created_at timestamptz not null default now(),
      destroyed_at timestamptz,
  primary key (tenant, person), check ((wrapped is null) = (destroyed_at is not null))
);
alter table person_key add column if not exists master text;
create table if not exists master_key(
  id text primary key, probe bytea not null, active boolean not null, since timestamptz not null default now()
);
create unique index if not exists one_active_master_key on master_key(active) where active;
create table if not exists kept_secret(name text primary key, wrapped bytea not null, master text not null);
create table if not exists installation(
  id uuid primary key, since timestamptz not null default now(), one boolean not null default true unique check (one)
)
"""
DESTROY = """
insert into person_key(tenant, person, destroyed_at) values ($1, $2, now())
on conflict (tenant, person) do update set wrapped = null, destroyed_at = coalesce(person_key.destroyed_at, now())
"""
LOCK = "select pg_advisory_xact_lock(hashtext('person_key schema'))"
_PROBE = b"nhip: does this master key open?"

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class WrongMasterKey(SettingsError):
    """The master key is not the one that this installation's keys are wrapped with."""

    def __init__(self) -> None:
        super().__init__(
            "the master key is not the one that the keys of this installation are wrapped with, and nothing would open "
            "with it: set "
            "NHIP_MASTER_KEY (or NHIP_MASTER_KEY_FILE) to that one. If the master key is being changed, "
            "NHIP_MASTER_KEY_OLD (or "
            "NHIP_MASTER_KEY_OLD_FILE) must be the one before, until `nhip keys rotate` has ended"
        )


class KeyUnreadable(Exception):
    """A person's key is there and does not open: a fault of the database of keys."""


class Missing(Enum):
    """Why there is no key to open words with."""

    DESTROYED = "destroyed"
    """The person was erased."""
    NEVER = "never"
    """There never was one."""
    LOST = "lost"
    """There was one, and nobody destroyed it."""
    UNREADABLE = "unreadable"
    """There is one, and no master key opens it."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a change of the master key did."""

    keys: int
    """Wrapped anew."""
    unreadable: int
    """Opened by neither master key: left as they are."""


@dataclass(frozen=True, slots=True)
class _Kept:
    at: float
    key: bytes
    made: Made | None


class KeyStore:
    """Keys of persons in a database of their own. `old` is the master key before, while it is being changed.

    Entering raises WrongMasterKey.
    """

    def __init__(self, dsn: str, master: bytes, *, old: bytes | None = None, witness: Witness | None = None):
        self._dsn, self._witness = dsn, witness
        self._current = master_id(master)
        self._masters = {master_id(key): key for key in (master, old) if key}
        self._cache: dict[tuple[str, str], _Kept] = {}
        self._destroyed = set[tuple[str, str]]()
        """Heard of; a key that was read just before is not kept."""
        self._forgetting = list[Callable[[str], None]]()
        self._listener: asyncpg.Connection | None = None
        self._connecting = asyncio.Lock()
        self.installation = ""
        """The id of the installation whose keys these are, once the store is open: every process has the same."""

    async def __aenter__(self) -> "KeyStore":
        self._pool = await pool(self._dsn, "nhip keys", 2, least=0, command_timeout=None)
        try:
            async with self._alone() as con:
                # Where somebody else made the tables, this login may not.
                if not await con.fetchval(ledger.IS_WHOLE):
                    await con.execute(SCHEMA)
                    await con.execute(ledger.SCHEMA)
                await self._check(con)
                self.installation = await installation_of(con)
        except BaseException:
            self._pool.terminate()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listener:
            self._listener.terminate()
        await self._pool.close()

    # --- master keys -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _alone(self) -> AsyncGenerator[asyncpg.Connection]:
        """A transaction in which nobody else looks at or changes master keys."""
        async with transaction(self._pool) as con:
            await con.execute(LOCK)
            yield con

    async def _check(self, con: asyncpg.Connection) -> None:
        """Raises WrongMasterKey unless every master key that wraps something is at hand; notes the first one that there
        is."""
        rows = await con.fetch("select id, probe from master_key")
        if not rows:
            await con.execute(
                "insert into master_key(id, probe, active) values ($1, $2, true)", *self._probe(await self._first(con))
            )
        for row in rows:
            if row["id"] not in self._masters or _unwrapped(self._masters[row["id"]], row["probe"]) != _PROBE:
                raise WrongMasterKey

    async def _first(self, con: asyncpg.Connection) -> str:
        """Which master key wraps the keys that were made before that was noted; the current one where there are
        none."""
        some = await con.fetch(
            "select wrapped from person_key where wrapped is not null order by created_at desc limit 20"
        )
        for id, master in self._masters.items():
            if not some or any(_unwrapped(master, row["wrapped"]) for row in some):
                return id
        raise WrongMasterKey

    def _probe(self, id: str) -> tuple[str, bytes]:
        return id, aes_key_wrap(self._masters[id], _PROBE)

    async def _active(self, con: asyncpg.Connection) -> str:
        """The master key to wrap new keys under, which stays the active one until the transaction ends."""
        id = await con.fetchval("select id from master_key where active for share")
        if id not in self._masters:
            raise WrongMasterKey  # it was changed since this process started, and nobody gave it the new one
        return str(id)

    def _opened(self, wrapped: bytes, master: str | None) -> bytes | None:
        """The key; None when no master key at hand opens it."""
        candidates = (
            self._masters.values() if master is None else [self._masters[master]] if master in self._masters else []
        )
        return next((key for candidate in candidates if (key := _unwrapped(candidate, wrapped))), None)

    async def rotate(self) -> Rotated:
        """Makes the current master key the active one, and wraps everything under it.

        Safe to repeat, and to go on with.
        """
        async with self._alone() as con:
            await con.execute("update master_key set active = false where id <> $1", self._current)
            await con.execute(
                "insert into master_key(id, probe, active) values ($1, $2, true) on conflict (id) do update set active "
                "= true",
                *self._probe(self._current),
            )
        keys = unreadable = 0
        behind = ("", "")
        while True:
            async with transaction(self._pool) as con:
                page = await con.fetch(
                    "select tenant, person, wrapped, master from person_key where (tenant, person) > ($1, $2) and "
                    "wrapped is not null "
                    "and master is distinct from $3 order by tenant, person limit $4 for update",
                    *behind,
                    self._current,
                    PAGE,
                )
                for row in page:
                    key = self._opened(row["wrapped"], row["master"])
                    if key is None:
                        unreadable += 1
                        log.error("keys.unreadable", tenant=row["tenant"], person=row["person"])
                        continue
                    await con.execute(
                        "update person_key set wrapped = $3, master = $4 where tenant = $1 and person = $2",
                        row["tenant"],
                        row["person"],
                        aes_key_wrap(self._masters[self._current], key),
                        self._current,
                    )
                    keys += 1
            if not page:
                break
            behind = (page[-1]["tenant"], page[-1]["person"])
        async with self._alone() as con:
            for row in await con.fetch(
                "select name, wrapped, master from kept_secret where master <> $1 for update", self._current
            ):
                if (secret := self._opened(row["wrapped"], row["master"])) is None:
                    raise KeyUnreadable(f"the secret {row['name']} opens with neither master key")
                wrapped = aes_key_wrap(self._masters[self._current], secret)
                await con.execute(
                    "update kept_secret set wrapped = $2, master = $3 where name = $1",
                    row["name"],
                    wrapped,
                    self._current,
                )
            await con.execute("delete from master_key where not active")
        await self._sweep()
        log.info("keys.rotated", keys=keys, unreadable=unreadable)
        return Rotated(keys, unreadable)

    async def secret(self, name: str, first: Mapping[str, bytes]) -> bytes:
        """A secret of the installation that outlives its master keys.

        `first` is what it begins with, by the master key that is active.
        """
        async with transaction(self._pool) as con:
            active = await self._active(con)
            await con.execute(
                "insert into kept_secret(name, wrapped, master) values ($1, $2, $3) on conflict do nothing",
                name,
                aes_key_wrap(self._masters[active], first[active]),
                active,
            )
            row = await con.fetchrow("select wrapped, master from kept_secret where name = $1", name)
        assert row is not None
        if (secret := self._opened(row["wrapped"], row["master"])) is None:
            raise WrongMasterKey
        return secret

    # --- keys of persons ---------------------------------------------------------------------------------------------

    def when_destroyed(self, forget: Callable[[str], None]) -> None:
        """`forget` is called with the tenant of each key that is destroyed: what it opened is not to be kept."""
        self._forgetting.append(forget)

    async def _listen(self) -> None:
        """A process that cannot hear of destroyed keys keeps none."""
        if self._listener is not None and not self._listener.is_closed():
            return
        async with self._connecting:
            if self._listener is None or self._listener.is_closed():
                self._cache.clear()
                listener = await connect(self._dsn, "nhip keys heard")
                await listener.add_listener(DESTROYED, self._forget)
                self._listener = listener

    def _forget(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        tenant, _, person = str(payload).partition("/")
        self._destroyed.add((tenant, person))
        self._cache.pop((tenant, person), None)
        if person == EVERYBODY:
            for key in [key for key in self._cache if key[0] == tenant]:
                del self._cache[key]
        for forget in self._forgetting:
            forget(tenant)

    def _keep(self, tenant: str, person: str, row: asyncpg.Record | None) -> bytes | Missing:
        """The key as it may be used now, and kept for a while."""
        if not self._destroyed.isdisjoint(((tenant, person), (tenant, EVERYBODY))):
            return Missing.DESTROYED
        if row is None:
            return Missing.NEVER
        if row["destroyed"]:
            return Missing.DESTROYED
        if row["wrapped"] is None:
            log.error("keys.lost", tenant=tenant, person=person)
            return Missing.LOST
        key = self._opened(row["wrapped"], row["master"])
        if key is None:
            log.error("keys.unreadable", tenant=tenant, person=person)
            return Missing.UNREADABLE
        made = Made(row["serial"], row["mark"]) if row["serial"] is not None else None
        self._cache[tenant, person] = _Kept(time.monotonic(), key, made)
        return key

    def _kept(self, tenant: str, person: str) -> bytes | None:
        kept = self._cache.get((tenant, person))
        return kept.key if kept and time.monotonic() - kept.at < KEY_SECONDS else None

    async def key(self, tenant: str, person: str, *, make: bool = False) -> bytes | Missing:
        """A person's key; `make` as in `keys`."""
        return (await self.keys(tenant, {person}, make=make))[person]

    async def keys(self, tenant: str, people: set[str], *, make: bool = False) -> dict[str, bytes | Missing]:
        """The keys of several persons, in one question for those that are not at hand.

        `make`: to seal with them; those of whom there never was one are made, in one commit. Raises WrongMasterKey
        where one would be made that nobody opens later, KeysWentBack where nobody knows whether there was one.
        """
        await self._listen()
        keys: dict[str, bytes | Missing] = {person: key for person in people if (key := self._kept(tenant, person))}
        if missing := people - keys.keys():
            by_person = await self._rows(tenant, missing)
            if make and (never := sorted(missing - by_person.keys())):
                await self._make(tenant, never)
                by_person |= await self._rows(tenant, never)
            keys |= {person: self._keep(tenant, person, by_person.get(person)) for person in missing}
        if make and self._witness:
            made = [kept.made for each in people if (kept := self._cache.get((tenant, each))) and kept.made]
            if made:
                await self._witness.knows(max(made))
        return keys

    async def _make(self, tenant: str, people: Sequence[str]) -> None:
        new = [AESGCM.generate_key(256) for _ in people]
        try:
            async with transaction(self._pool) as con:
                active = await self._active(con)
                await con.execute(
                    "insert into person_key(tenant, person, wrapped, master) select $1, person, wrapped, $4 from "
                    "unnest($2::text[], $3::bytea[]) made(person, wrapped) on conflict do nothing",
                    tenant,
                    people,
                    [aes_key_wrap(self._masters[active], key) for key in new],
                    active,
                )
        except asyncpg.PostgresError as error:
            if error.sqlstate == ledger.WENT_BACK:
                raise KeysWentBack(str(error)) from error
            if error.sqlstate != ledger.LOST:  # it was lost in between, and is found to be
                raise

    async def _rows(self, tenant: str, people: Iterable[str]) -> dict[str, asyncpg.Record]:
        """Of each whom there is, or was, a key of."""
        rows = await self._pool.fetch(
            "select person, k.wrapped, k.master, m.serial, m.mark, k.destroyed_at is not null or m.destroyed_at is not "
            "null as destroyed from (select * from person_key where tenant = $1 and person = any($2::text[])) k full "
            "join (select * from key_made where tenant = $1 and person = any($2::text[]) and given_up_at is null) m "
            "using (person)",
            tenant,
            list(people),
        )
        return {row["person"]: row for row in rows}

    async def compare(self) -> bool:
        """Whether the keys that this service knows of are there, or somebody has said to go on without."""
        return self._witness is None or await self._witness.compare(self._pool)

    async def lost(self) -> int:
        """How many persons' keys are lost."""
        return int(await self._pool.fetchval(ledger.COUNT_LOST))

    async def destroy(self, tenant: str, person: str) -> None:
        """Make all words about a person unreadable, for ever. Repeating it changes nothing."""
        await self._pool.execute(DESTROY, tenant, person)
        await self._pool.execute("select pg_notify($1, $2)", DESTROYED, f"{tenant}/{person}")
        self._forget(None, 0, DESTROYED, f"{tenant}/{person}")
        await self._sweep()

    async def destroy_all(self, tenant: str) -> None:
        """The same for everybody of a tenant at once, its secrets too; nobody of it gets a key any more. All of it or
        nothing. Raises RuntimeError where a key is left, or would be that comes later."""
        await self.destroy(tenant, EVERYBODY)
        left = "select exists(select from person_key where tenant = $1 and wrapped is not null)"
        if await self._pool.fetchval(left, tenant) or not await self._pool.fetchval(ledger.DESTROYS):
            log.error("keys.left", tenant=tenant)
            raise RuntimeError(
                f"keys of {tenant} are left, or would be: of the database of keys the triggers that destroy them are "
                "missing or switched off"
            )

    async def left(self) -> int:
        """How many keys are there of tenants whose keys were all destroyed."""
        return int(await self._pool.fetchval(ledger.COUNT_LEFT))

    async def destroyed_tenants(self) -> Sequence[str]:
        """Whose keys were all destroyed."""
        rows = await self._pool.fetch("select tenant from person_key where person = $1", EVERYBODY)
        return [row["tenant"] for row in rows]

    async def _sweep(self) -> None:
        """Writes the table anew without the rows' earlier versions, which PostgreSQL leaves in it for a while."""
        try:
            await self._pool.execute("vacuum full person_key")
        except (
            OSError,
            asyncpg.InterfaceError,
            asyncpg.PostgresError,
        ) as error:  # autovacuum comes by later
            log.warning("keys.not_swept", error=type(error).__name__)


async def installation_of(con: asyncpg.Connection) -> str:
    """The installation's id, made with its first process."""
    await con.execute("insert into installation(id) values (gen_random_uuid()) on conflict do nothing")
    return str(await con.fetchval("select id from installation"))


def master_id(master: bytes) -> str:
    """The name of a master key, by which it is told from others; it tells nothing of the key."""
    return hmac.digest(master, b"nhip/name of a master key", "sha256")[:8].hex()


def _unwrapped(master: bytes, wrapped: bytes) -> bytes | None:
    try:
        return aes_key_unwrap(master, wrapped)
    except (InvalidUnwrap, ValueError):
        return None
