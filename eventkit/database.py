"""Connections to PostgreSQL, pools of them, and transactions on them.

Every connection is made here, so that all are alike: a process that is frozen inside a transaction, or whose machine is
lost, holds its locks and leads for seconds and not for hours; and a password that is kept in a file is read from there
each time. How a session is to be is said once it is there, not while it begins: a pooler in between takes that, too.

Nobody holds one connection and waits for another: as many callers as a pool has connections would wait for each other
for good. A nested acquisition raises at once, in tests and in service, also when the pool has some left.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType
from typing import cast
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import asyncpg

PASSWORD_FILE = "password_file"
"""The parameter of a URL that names a file with the password."""
SESSION = {
    # A process that was frozen inside a transaction must not block its successor for ever.
    "idle_in_transaction_session_timeout": "10000",
    # Nor one whose machine or network went: by itself a server notices after two hours.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
"""Milliseconds, and seconds for keepalives: of every session."""


_SHARED = (
    "between this process and PostgreSQL a pooler gives one session to several connections (PgBouncer's "
    "pool_mode=transaction or statement): locks and notices belong to a session, so set pool_mode=session, or connect "
    "to PostgreSQL itself"
)


class SharedConnection(Exception):
    """Something between gives the sessions of this process to others, too: a pooler in transaction mode."""


async def connect(
    dsn: str,
    name: str,
    *,
    settings: Mapping[str, str] = MappingProxyType({}),
    command_timeout: float | None = 30,
    patience: float = 60,
) -> asyncpg.Connection:
    """A connection of its own, called `name` among the server's sessions. Raises TimeoutError where the server has not
    answered within `patience` seconds."""
    url, password = _login(dsn)
    con = await asyncpg.connect(
        url,
        password=password,
        timeout=patience,
        command_timeout=command_timeout,
        server_settings={"application_name": name},
    )
    try:
        await con.execute(_as_wanted(settings))
    except BaseException:
        con.terminate()
        raise
    return con


def pool(
    dsn: str,
    name: str,
    most: int,
    *,
    least: int = 1,
    settings: Mapping[str, str] = MappingProxyType({}),
    command_timeout: float | None = 30,
) -> asyncpg.Pool:
    """A pool, not open yet, of connections that nobody leaves otherwise than they found them: the pool's own reset
    would cost a round trip each time. Nobody sets anything beyond a transaction, and one that was left open is rolled
    back all the same."""
    url, password = _login(dsn)
    wanted = _as_wanted(settings)

    async def begin(con: asyncpg.Connection) -> None:
        await con.execute(wanted)

    return asyncpg.create_pool(
        url,
        password=password,
        min_size=least,
        max_size=most,
        init=begin,
        reset=_left_as_found,
        command_timeout=command_timeout,
        server_settings={"application_name": name},
    )


async def refuse_shared(dsn: str) -> None:
    """Raises SharedConnection when two connections that are open at once can come to be one session of the server: the
    locks and notices of this process would be somebody else's."""
    first, second = await connect(dsn, "nhip probe"), await connect(dsn, "nhip probe")
    try:
        for _ in range(3):
            before = await first.fetchval("select pg_backend_pid()")
            async with second.transaction():
                other = await second.fetchval("select pg_backend_pid()")
                after = await first.fetchval("select pg_backend_pid()")
            if before == other or after != before:
                raise SharedConnection(_SHARED)
    # What one of them had prepared was the other's, or had gone with a session.
    except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError) as error:
        raise SharedConnection(_SHARED) from error
    finally:
        first.terminate()
        second.terminate()


async def _left_as_found(_: object) -> None:
    """Nothing to do."""


def _as_wanted(settings: Mapping[str, str]) -> str:
    return "; ".join(f"set {name} = '{value}'" for name, value in {**SESSION, **settings}.items())


def _login(dsn: str) -> tuple[str, Callable[[], str] | None]:
    """The URL as PostgreSQL's own, and what reads the password, where that is in a file."""
    parts = urlsplit(dsn)
    query = parse_qsl(parts.query, keep_blank_values=True)
    file = next((value for key, value in query if key == PASSWORD_FILE), "")
    if not file:
        return dsn, None
    rest = urlencode([(key, value) for key, value in query if key != PASSWORD_FILE])
    url = urlunsplit(parts._replace(netloc=parts.netloc or "@", query=rest))
    return url, lambda: Path(file).read_text("utf-8").rstrip("\r\n")


def for_programs(dsn: str) -> tuple[str, dict[str, str]]:
    """A URL for PostgreSQL's own programs, and the environment that has its password: a command line is read by
    others."""
    url, read = _login(dsn)
    parts = urlsplit(url)
    password = read() if read else unquote(parts.password or "")
    user, _, host = parts.netloc.rpartition("@")
    bare = parts._replace(netloc=f"{user.partition(':')[0]}@{host}")
    return urlunsplit(bare), {"PGPASSWORD": password} if password else {}


_holding: ContextVar[bool] = ContextVar("holding", default=False)


class NestedConnection(RuntimeError):
    """Who holds a connection asked for another: a defect of the caller, who takes what is needed first, or passes the
    connection on."""


@asynccontextmanager
async def connection(pool: asyncpg.Pool) -> AsyncGenerator[asyncpg.Connection]:
    """One of the pool's connections. In truth it is a proxy, which asyncpg's types keep apart from what it stands for.

    Raises `NestedConnection` inside the block of another one.
    """
    if _holding.get():
        raise NestedConnection("a connection is held already: take what is needed before, or pass the connection on")
    async with pool.acquire() as con:
        held = _holding.set(True)
        try:
            yield cast(asyncpg.Connection, con)
        finally:
            _holding.reset(held)


@asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncGenerator[asyncpg.Connection]:
    """A connection inside a transaction: committed at the end of the block, rolled back when it raises."""
    async with connection(pool) as con, con.transaction():
        yield con


@asynccontextmanager
async def snapshot(pool: asyncpg.Pool, *settings: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection that only reads, all of it as of one moment. `settings` are statements to begin with: all of it is
    begun in one round trip, which takes no parameters."""
    async with connection(pool) as con:
        await con.execute("; ".join(("begin isolation level repeatable read read only", *settings)))
        try:
            yield con
        except BaseException:
            if not con.is_closed():
                await con.execute("rollback")
            raise
        await con.execute("commit")
