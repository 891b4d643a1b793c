"""The database of keys as who provisions, restores or checks an installation has it: whose it is, and keys that are
destroyed again."""

from collections.abc import Iterable

from eventkit.database import connect
from eventkit.privacy import ledger
from eventkit.privacy.keys import DESTROY, EVERYBODY, LOCK, SCHEMA, installation_of


async def installation(dsn: str) -> str:
    """The id of the installation whose database of keys this is; its tables are made where they are missing."""
    con = await connect(dsn, "nhip provision")
    try:
        async with con.transaction():
            await con.execute(LOCK)
            await con.execute(SCHEMA)
            await con.execute(ledger.SCHEMA)
            return await installation_of(con)
    finally:
        await con.close()


# Of whom, of pairs of a tenant and a person's id or `EVERYBODY`, there is a key.
_ALIVE = """
select distinct asked.tenant, asked.person from unnest($1::text[], $2::text[]) asked(tenant, person)
join person_key key on key.tenant = asked.tenant and asked.person in (key.person, $3) and key.wrapped is not null
"""


async def destroy_again(dsn: str, people: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Destroy the keys of persons, by tenant and id, who were erased after the backup from which this database of keys
    was restored, and of tenants (`EVERYBODY` of them) that were deleted; nobody uses it yet. Answers those of them of
    whom there was a key."""
    asked = list(people)
    con = await connect(dsn, "nhip restore", command_timeout=None)
    try:
        await con.execute(SCHEMA)  # it may be of a version that did not know of all this
        await con.execute(ledger.SCHEMA)
        rows = await con.fetch(_ALIVE, [tenant for tenant, _ in asked], [person for _, person in asked], EVERYBODY)
        for tenant, person in asked:
            await con.execute(DESTROY, tenant, person)
        await con.execute("vacuum full person_key")
        return {(row["tenant"], row["person"]) for row in rows}
    finally:
        await con.close()


async def known_installation(dsn: str, *, patience: float = 60) -> str:
    """The same, where nothing is to be made: empty while nobody has made it."""
    con = await connect(dsn, "nhip check", patience=patience)
    try:
        if await con.fetchval("select to_regclass('installation')") is None:
            return ""
        id = await con.fetchval("select id from installation")
        return str(id) if id else ""
    finally:
        await con.close()
