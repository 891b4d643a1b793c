"""A login of its own for each service, which opens just its own database and makes nothing there: what is there was
made by who provisions, and belongs to them. So no service reads another's log, and none can take the guard off its own.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import structlog

from eventkit.database import connect, connection, pool
from eventkit.engine_settings import KEYS
from eventkit.log.postgres import PostgresLog
from eventkit.privacy.installation import installation
from eventkit.process import provision
from eventkit.process.service import Service
from eventkit.settings import Settings, SettingsError
from eventkit.subscriptions.table import READER

ROUNDS = 4096
"""PostgreSQL's own number of iterations."""
LOG = "log_event"

log = structlog.get_logger(__name__)


def passwords(folder: Path, services: Mapping[str, Service]) -> dict[str, str]:
    """The password of each service's login, and of the key store's, from a file of its name.

    Raises SettingsError, which names every file that is missing or empty.
    """
    found: dict[str, str] = {}
    for name in (*services, KEYS):
        try:
            found[name] = (folder / name).read_text("utf-8").rstrip("\r\n")
        except OSError:
            found[name] = ""
    if missing := [str(folder / name) for name, password in found.items() if not password]:
        raise SettingsError(f"each of these must hold the password of a login: {', '.join(missing)}")
    return found


async def give(settings: Settings, services: Mapping[str, Service], words: Mapping[str, str]) -> list[str]:
    """Makes what every service needs in its database, and logins that may use it: answers their names, which are those
    of the databases. Said again it gives them the passwords of now.

    The databases are there. Needs a login that may make roles. Raises what the connection raises.
    """
    con = await connect(settings.server(), "nhip provision")
    try:
        await con.execute("select pg_advisory_lock(hashtext('nhip provision'))")
        for name in (*services, KEYS):
            await _login(con, settings.database_name(name), words[name], reads=name != KEYS)
    finally:
        await con.close()
    for name, service in services.items():
        await _may_use(settings, name, service)
    await _may_keep_keys(settings)
    return [settings.database_name(name) for name in (*services, KEYS)]


async def _login(con: asyncpg.Connection, role: str, password: str, *, reads: bool) -> None:
    """A role of the name of its database. The server is shown what it needs to check the password, not the password,
    which it might write into its log."""
    await make(con, role)
    await con.execute(f"alter role {role} password '{_verifier(password)}'")
    if reads:
        await con.execute(f"grant {READER} to {role}")
    await con.execute(f"revoke connect, temporary on database {role} from public")
    await con.execute(f"grant connect on database {role} to {role}")


async def make(con: asyncpg.Connection, role: str) -> None:
    """A login that is not there yet, without a password: nobody can use it before it is given one."""
    if not await con.fetchval("select exists (select from pg_roles where rolname = $1)", role):
        await con.execute(f"create role {role} login nosuperuser nocreatedb nocreaterole")
        log.info("provision.login", login=role)


async def _may_use(settings: Settings, name: str, service: Service) -> None:
    dsn, role = settings.database(name), settings.database_name(name)
    if not settings.log:
        async with PostgresLog(dsn):
            pass  # its table is there now
    async with pool(dsn, "nhip provision", 1) as own:
        await provision.tables(own, service.views, None, service.beside)
        async with connection(own) as con:
            await con.execute(f"grant usage on schema public to {role}")
            for row in await con.fetch(
                "select c.relname as name, c.relrowsecurity as guarded, "
                "exists (select from pg_policy where polrelid = c.oid and polname = 'login') as has_policy "
                "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                "where n.nspname = current_schema() and c.relkind = 'r'"
            ):
                table = row["name"]
                rights = "select, insert" if table == LOG else "select, insert, update, delete, truncate"
                await con.execute(f"grant {rights} on {table} to {role}")
                if row["guarded"] and not row["has_policy"]:  # which its owner is not asked for
                    await con.execute(f"create policy login on {table} to {role} using (true) with check (true)")


async def _may_keep_keys(settings: Settings) -> None:
    # As who provisions, not as the login that is being made.
    owner = settings.model_copy(update={"postgres_keys": ""})
    dsn, role = owner.database(KEYS), owner.database_name(KEYS)
    await installation(dsn)
    con = await connect(dsn, "nhip provision")
    try:
        await con.execute(f"grant usage on schema public to {role}")
        await con.execute(f"grant select, insert, update, delete on all tables in schema public to {role}")
        # No service takes a row away from the keys, or from the ledger that would tell; it may note that some are gone.
        await con.execute(f"revoke delete on person_key from {role}")
        await con.execute(f"revoke insert, update, delete on key_made from {role}")
        await con.execute(f"revoke update, delete on key_gap from {role}")
        if con.get_server_version().major >= 17:
            # So that what is destroyed is swept out of the table at once; before, by the server's own housekeeping.
            await con.execute(f"grant maintain on person_key to {role}")
    finally:
        await con.close()


def _verifier(password: str) -> str:
    """What PostgreSQL keeps of a password (RFC 5803, SCRAM-SHA-256). Of ASCII only, which needs no preparation.

    Raises SettingsError for any other.
    """
    if not password.isascii() or not password.isprintable():
        raise SettingsError("a login's password must be of printable ASCII characters")
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    shown = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${ROUNDS}:{shown[0]}${shown[1]}:{shown[2]}"
