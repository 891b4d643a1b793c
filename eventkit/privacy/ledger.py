"""Which keys were ever made: a ledger beside the keys, so that a key that is lost is told from one that never was, and
is never replaced in silence (decision 49).

The database itself keeps it, whatever version or program writes keys: each key that is made gets the next number and a
mark of its own, a row that is gone leaves its number behind, and a key for a person who had one is refused. Each
service remembers the number and the mark of the last key that it knows of in its own database: so a database of keys
that alone went back to a backup is noticed, too, and makes no keys until somebody who operates it has said what is to
be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import asyncpg
import structlog

from eventkit.database import connect, connection

IS_WHOLE = """
select count(*) = 5 from pg_trigger where (tgrelid = to_regclass('key_made') and tgname = 'keep_key_made' or tgrelid =
to_regclass('person_key') and tgname in ('note_keys', 'note_destroyed', 'of_deleted', 'of_deleted_again'))
"""
"""Whether all of `SCHEMA` is there: its triggers are, which come last and which a restore may leave out."""
DESTROYS = f"{IS_WHOLE} and tgenabled <> 'D'"
"""Whether that is switched on, too: keys of deleted tenants are destroyed, also those that come later."""
SCHEMA = f"""
do $made$ begin
if ({IS_WHOLE}) then return; end if;
lock table person_key in access exclusive mode;
perform pg_advisory_xact_lock(hashtext('key_made'));
create table if not exists key_made(
  serial bigint primary key, tenant text not null, person text not null, mark uuid not null default gen_random_uuid(),
  made_at timestamptz not null default now(), destroyed_at timestamptz, given_up_at timestamptz
);
create unique index if not exists one_key_made on key_made(tenant, person) where given_up_at is null;
create index if not exists deleted_tenants on person_key(tenant) where person = '@everybody';
create table if not exists key_gap(
  serial bigint not null, mark uuid not null, service text not null, found_at timestamptz not null default now(),
  accepted_at timestamptz, primary key (serial, mark)
);
create or replace function note_keys() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $note$
declare whose text;
begin
  perform pg_advisory_xact_lock(hashtext('key_made'));
  if current_setting('nhip.recovers_keys', true) is distinct from 'on' then
    select format('%s/%s', n.tenant, n.person) into whose from made n
      join key_made m using (tenant, person) where n.wrapped is not null and m.given_up_at is null limit 1;
    if whose is not null then
      raise exception 'the key of % is lost', whose using errcode = 'NH001';
    end if;
    if exists (select from made where wrapped is not null) and exists (select from key_gap where accepted_at is null)
    then
      raise exception 'the database of keys went back' using errcode = 'NH002';
    end if;
  end if;
  update key_made m set destroyed_at = n.destroyed_at from made n
    where (m.tenant, m.person) = (n.tenant, n.person) and m.given_up_at is null and m.destroyed_at is null
    and n.destroyed_at is not null;
  insert into key_made(serial, tenant, person, destroyed_at)
    select (select coalesce(max(serial), 0) from key_made) + row_number() over (order by tenant, person), tenant,
      person, destroyed_at
    from made n where not exists (select from key_made m
      where (m.tenant, m.person) = (n.tenant, n.person) and m.given_up_at is null);
  return null;
end $note$;
drop trigger if exists note_keys on person_key;
create trigger note_keys after insert on person_key referencing new table as made for each statement
  execute function note_keys();
create or replace function note_destroyed() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $note$
begin
  update key_made set destroyed_at = new.destroyed_at
    where (tenant, person) = (new.tenant, new.person) and given_up_at is null and destroyed_at is null;
  return null;
end $note$;
drop trigger if exists note_destroyed on person_key;
create trigger note_destroyed after update on person_key for each row
  when (old.destroyed_at is null and new.destroyed_at is not null) execute function note_destroyed();
create or replace function keep_key_made() returns trigger language plpgsql as $keep$
begin raise exception 'what is in % stays', tg_table_name; end $keep$;
drop trigger if exists keep_key_made on key_made;
create trigger keep_key_made before delete or truncate on key_made for each statement
  execute function keep_key_made();
create or replace function destroy_of_deleted() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $destroy$
begin
  perform pg_advisory_xact_lock(hashtext('key_made'));  -- who came first is seen, or waits for this one
  update key_made m set destroyed_at = now() where m.destroyed_at is null and m.given_up_at is null and m.tenant in
    (select d.tenant from person_key d where d.person = '@everybody' and d.tenant in (select tenant from made));
  update person_key k set wrapped = null, destroyed_at = now() where k.wrapped is not null and k.tenant in
    (select d.tenant from person_key d where d.person = '@everybody' and d.tenant in (select tenant from made));
  return null;
end $destroy$;
-- Behind note_keys, as its name is: so the ledger knows of a key before it is destroyed.
drop trigger if exists of_deleted on person_key;
create trigger of_deleted after insert on person_key referencing new table as made for each statement
  execute function destroy_of_deleted();
-- Said once more, as where what destroys them was switched off the first time.
create or replace function destroy_again() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $again$
begin
  perform pg_advisory_xact_lock(hashtext('key_made'));
  update key_made set destroyed_at = now()
    where destroyed_at is null and given_up_at is null and tenant = new.tenant;
  update person_key set wrapped = null, destroyed_at = now() where wrapped is not null and tenant = new.tenant;
  return null;
end $again$;
drop trigger if exists of_deleted_again on person_key;
create trigger of_deleted_again after update on person_key for each row when (new.person = '@everybody')
  execute function destroy_again();
-- What was done without them: keys that were made, or destroyed, and those that came to a deleted tenant.
insert into key_made(serial, tenant, person, made_at)
  select (select coalesce(max(serial), 0) from key_made) + row_number() over (order by created_at, tenant, person),
    tenant, person, created_at
  from person_key k where not exists (select from key_made m
    where (m.tenant, m.person) = (k.tenant, k.person) and m.given_up_at is null);
update key_made m set destroyed_at = k.destroyed_at from person_key k
  where (m.tenant, m.person) = (k.tenant, k.person) and m.given_up_at is null and m.destroyed_at is null
  and k.destroyed_at is not null;
update key_made set destroyed_at = now() where destroyed_at is null and given_up_at is null and tenant in
  (select tenant from person_key where person = '@everybody');
update person_key set wrapped = null, destroyed_at = now() where wrapped is not null and tenant in
  (select tenant from person_key where person = '@everybody');
end $made$
"""
LOST, WENT_BACK = "NH001", "NH002"
"""What the database says when it refuses a key (SQLSTATE)."""
RECOVERS = "set local nhip.recovers_keys = 'on'"
"""In a transaction: keys that are put in are those that were lost."""
NEWEST = "select serial, mark from key_made order by serial desc limit 1"
_IS_LOST = "m.given_up_at is null and m.destroyed_at is null and not exists (select from person_key k where k.tenant = \
m.tenant and k.person = m.person)"
COUNT_LOST = f"select count(*) from key_made m where {_IS_LOST}"
COUNT_LEFT = """
select count(*) from person_key k where wrapped is not null
and exists (select from person_key d where d.tenant = k.tenant and d.person = '@everybody')
"""
LIST_LOST = f"""
select tenant, person, made_at from key_made m where {_IS_LOST} and $1 in ('', tenant) and $2 in ('', person)
order by tenant, person limit $3
"""
WITNESS = """
create table if not exists keys_known(
  serial bigint not null, mark uuid not null, one boolean primary key default true check (one)
)
"""
"""In a service's own database: the last key that it knows of."""
_KNOW = """
insert into keys_known(serial, mark) values ($1, $2)
on conflict (one) do update set serial = excluded.serial, mark = excluded.mark where keys_known.serial < excluded.serial
"""

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class KeyLost(Exception):
    """A person had a key that is not there any more, and nobody has said to go on without it."""


class KeysWentBack(Exception):
    """The database of keys lacks some that services know of: it makes none until somebody has said what is to be."""


class Made(NamedTuple):
    """A key that was made: its number, and what tells it from another one of that number."""

    serial: int
    mark: UUID


class Witness:
    """What a service remembers, in its own database, of the last key that it knows of."""

    def __init__(self, service: str, pool: asyncpg.Pool):
        self._service, self._pool = service, pool
        self._serial = 0

    async def knows(self, made: Made) -> None:
        """Before anything is sealed with it: so nobody has words under a key of which nobody knows that it was."""
        if made.serial <= self._serial:
            return
        async with connection(self._pool) as con:
            await con.execute(_KNOW, *made)
        self._serial = max(self._serial, made.serial)

    async def compare(self, keys: asyncpg.Pool) -> bool:
        """Whether the database of keys has what this service knows of, or somebody has said to go on without; if not
        so, it makes none from now on."""
        async with connection(self._pool) as con:
            known = await con.fetchrow("select serial, mark from keys_known")
        self._serial = known[0] if known else 0  # another process of this service may have gone back to fewer
        if known is None or await keys.fetchval("select mark from key_made where serial = $1", known[0]) == known[1]:
            if newest := await keys.fetchrow(NEWEST):
                await self.knows(Made(*newest))
            return True
        await keys.execute(
            "insert into key_gap(serial, mark, service) values ($1, $2, $3) on conflict do nothing",
            *known,
            self._service,
        )
        ask = "select accepted_at is not null from key_gap where serial = $1 and mark = $2"
        if not await keys.fetchval(ask, *known):
            newest = await keys.fetchval("select coalesce(max(serial), 0) from key_made")
            log.error("keys.went_back", service=self._service, known=known[0], there=newest)
            return False
        newest = await keys.fetchrow(NEWEST)
        async with connection(self._pool) as con:
            await con.execute("delete from keys_known")
        self._serial = 0
        if newest:
            await self.knows(Made(*newest))
        return True


@dataclass(frozen=True, slots=True)
class Gap:
    """A service knows of more keys than there are."""

    service: str
    known: int
    """The number of the last key that it knows of."""
    found_at: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What is wrong with a database of keys; nothing where it has no ledger yet."""

    lost: int = 0
    unknown: int = 0
    """Numbers of keys that nobody knows any more whose they were: somebody took rows out of the ledger."""
    gaps: Sequence[Gap] = ()

    def sentences(self) -> list[str]:
        told: list[str] = []
        if self.lost:
            told.append(f"{self.lost} keys of persons are lost, and the words sealed with them do not open: `nhip keys "
                        "lost` names them")  # fmt: skip
        if self.unknown:
            told.append(f"{self.unknown} keys are lost of which nobody knows whose they were: rows of the ledger of "
                        "keys (key_made) are gone, so restore the database of keys from a backup")  # fmt: skip
        told += [
            f"the database of keys went back: {gap.service} knows of key {gap.known}, which is not in it. It makes no "
            "keys until a newer backup of it is restored, or `nhip keys lost --went-back --confirm` is said"
            for gap in self.gaps
        ]
        return told


async def standing(con: asyncpg.Connection) -> Standing:
    if await con.fetchval("select to_regclass('key_made')") is None:
        return Standing()
    gaps = await con.fetch("select service, serial, found_at from key_gap where accepted_at is null order by serial")
    return Standing(
        await con.fetchval(COUNT_LOST),
        await con.fetchval("select coalesce(max(serial), 0) - count(*) from key_made"),
        [Gap(row["service"], row["serial"], row["found_at"].isoformat()) for row in gaps],
    )


async def standing_of(dsn: str, *, patience: float = 60) -> Standing:
    """The same, of a database of keys that nobody has open."""
    con = await connect(dsn, "nhip check", patience=patience)
    try:
        return await standing(con)
    finally:
        await con.close()


async def give_up(con: asyncpg.Connection, tenant: str, person: str) -> bool:
    """A key that is lost is not waited for any more: the next words about the person get a new one. False: it is not
    lost."""
    done = await con.execute(
        f"update key_made m set given_up_at = now() where tenant = $1 and person = $2 and {_IS_LOST}", tenant, person
    )
    return done != "UPDATE 0"


async def accept_gaps(con: asyncpg.Connection) -> int:
    """Keys that services know of, and that are not there, are not waited for any more. Answers how many gaps."""
    done = await con.execute("update key_gap set accepted_at = now() where accepted_at is null")
    return int(done.rpartition(" ")[2])


async def recover(con: asyncpg.Connection, other: asyncpg.Connection, page: int = 500) -> int:
    """Takes from another database of keys, as of a backup that was restored beside this one, those that are not in this
    one; who was erased stays so, and whose key is lost there, too, has lost it here. What services know of and that one
    has is not waited for any more. A page is a transaction: no service waits for the others. Answers how many."""
    if missing := [
        row["id"]
        for row in await other.fetch("select id from master_key")
        if not await con.fetchval("select exists(select from master_key where id = $1)", row["id"])
    ]:
        raise KeyLost(f"they are wrapped under a master key ({missing[0]}) that is not in use here")
    number, behind = 0, ("", "")
    while rows := await other.fetch(
        "select tenant, person, wrapped, master, created_at, destroyed_at from person_key where (tenant, person) > "
        "($1, $2) order by tenant, person limit $3",
        *behind,
        page,
    ):
        behind = (rows[-1]["tenant"], rows[-1]["person"])
        columns = [[row[name] for row in rows] for name in rows[0].keys()]  # of a record, not a mapping
        async with con.transaction():
            await con.execute(RECOVERS)
            done = await con.execute(
                "insert into person_key(tenant, person, wrapped, master, created_at, destroyed_at) select n.* from "
                "unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::timestamptz[], $6::timestamptz[]) "
                "n(tenant, person, wrapped, master, created_at, destroyed_at) where not exists (select from key_made m "
                "where m.tenant = n.tenant and m.person = n.person and m.given_up_at is null and m.destroyed_at is not "
                "null) on conflict do nothing",
                *columns,
            )
        number += int(done.rpartition(" ")[2])
    if await other.fetchval("select to_regclass('key_made')") is not None:
        await _recover_ledger(con, other, page)
    return number


async def _recover_ledger(con: asyncpg.Connection, other: asyncpg.Connection, page: int) -> None:
    """Once its keys are here: those of whom that database has the ledger alone; then the gaps that this closes."""
    behind = ("", "")
    while rows := await other.fetch(
        "select tenant, person, made_at, destroyed_at from key_made m where given_up_at is null and (tenant, person) > "
        "($1, $2) and not exists (select from person_key k where (k.tenant, k.person) = (m.tenant, m.person)) "
        "order by tenant, person limit $3",
        *behind,
        page,
    ):
        behind = (rows[-1]["tenant"], rows[-1]["person"])
        columns = [[row[name] for row in rows] for name in rows[0].keys()]  # of a record, not a mapping
        async with con.transaction():
            await con.execute("select pg_advisory_xact_lock(hashtext('key_made'))")
            await con.execute(
                "insert into key_made(serial, tenant, person, made_at, destroyed_at) select (select "
                "coalesce(max(serial), 0) from key_made) + row_number() over (order by tenant, person), n.* from "
                "unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) "
                "n(tenant, person, made_at, destroyed_at) where not exists (select from key_made m where "
                "m.tenant = n.tenant and m.person in (n.person, '@everybody'))",
                *columns,
            )
    for gap in await con.fetch("select serial, mark from key_gap where accepted_at is null"):
        if await other.fetchval("select exists(select from key_made where serial = $1 and mark = $2)", *gap):
            await con.execute("update key_gap set accepted_at = now() where serial = $1 and mark = $2", *gap)
