"""`nhip backup` and `nhip restore`: all databases of an installation as of one moment, by PostgreSQL's own programs.

For that moment nobody appends to any log: each database is asked for a snapshot then, and dumped from it while work
goes on. So nothing that a service keeps of another's log is ahead of that log, and whoever wrote sealed words has their
key in it. Kafka is not in it: topics are published anew from the logs.
"""

import asyncio
import hashlib
import json
import os
import shutil
import time
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from cli import restoring
from cli.catalog import SERVICES
from cli.keys import counted, erased_of, read_erased, write_erased
from cli.running import WRONG_USE, Failed, run, say
from eventkit import kafka
from eventkit.database import connect, for_programs
from eventkit.log.faults import TRANSIENT
from eventkit.log.postgres import HOLD, RESTORING
from eventkit.privacy.installation import destroy_again, known_installation
from eventkit.privacy.keys import EVERYBODY
from eventkit.process import logins, provision
from eventkit.process.provision import KEYS
from eventkit.settings import Settings, load

MANIFEST = "backup.json"
ERASED = "erased.jsonl"
"""Beside the manifest while a restore empties topics: who was erased, as nobody else may know by then."""
ERASED_BEFORE = "erased-before.jsonl"
"""The same once that restore has ended: others may have been erased since."""
FORMAT = 1
AT_ONCE = 2
"""Databases that are dumped, or restored, at the same time."""
HOLD_WAIT = "10s"
"""How long a backup waits for one log until appends in progress have ended."""
RELEASE = "select pg_advisory_unlock(hashtext('log_event'))"

Programs = Annotated[
    Path | None,
    typer.Option(
        help="The folder of pg_dump and pg_restore, of the server's version or newer; unset: as PATH has them."
    ),
]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself; written last, so that half of one is none."""

    format: int
    nhip: str
    installation: str
    id: str
    """Of the installation, as records name it."""
    at: str
    """The moment, ISO 8601."""
    logins: Sequence[str]
    """Those that services come as, which rights in the dumps name."""
    ends: Mapping[str, int]
    """The last position of each log."""
    files: Mapping[str, str]
    """The SHA-256 of each database's dump."""


def backup(
    folder: Annotated[
        Path, typer.Argument(help="A new folder. Keep it apart from the databases, and from others' eyes.")
    ],
    programs: Programs = None,
) -> None:
    """Write all databases of this installation into a folder, as of one moment, while everything runs."""

    async def work() -> None:
        await backed_up(load(), folder, programs)

    run(work())


def restore(
    folder: Annotated[Path, typer.Argument(help="What `nhip backup` wrote.")],
    erasures: Annotated[
        list[Path] | None,
        typer.Option(help="A list that `nhip keys erased` wrote later than the backup; may be repeated."),
    ] = None,
    no_erasures: Annotated[
        bool, typer.Option("--no-erasures", help="Nobody was erased since the backup, or nobody can say who.")
    ] = False,
    programs: Programs = None,
) -> None:
    """Put a backup into databases that are empty. No service may run; each log begins a new incarnation.

    Topics are emptied and published anew. Keys of people who were erased since the backup are destroyed again: they are
    read from the topic of people, as far as that is still there, and from --erasures. Before topics are emptied they
    are written into the backup's folder, where the next restore of it finds them.
    """

    async def work() -> None:
        await put_back(load(), folder, programs, erasures or [], no_erasures=no_erasures)

    run(work())


# --- backup


async def backed_up(
    settings: Settings, folder: Path, programs: Path | None, services: Collection[str] = tuple(SERVICES)
) -> Manifest:
    if not settings.postgres:
        raise Failed("NHIP_POSTGRES must be set: where the databases are", code=WRONG_USE)
    if settings.log:
        raise Failed(
            "the log is in KurrentDB: back that up as its maker says, and the databases with it", code=WRONG_USE
        )
    if folder.exists() and any(folder.iterdir()):
        raise Failed(f"{folder} is not empty: name a new folder", code=WRONG_USE)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    dump = await _program("pg_dump", programs, settings)
    async with _sentences(settings), AsyncExitStack() as stack:
        at, held, snapshots, ends = await _moment(stack, settings, services)
        id = await known_installation(settings.database(KEYS))
        roles = await _logins(settings, services)
        say(f"All logs stood still for {held * 1000:.0f} ms; what they held at {at.isoformat(timespec='seconds')} is "
            "written down now")  # fmt: skip

        async def written(name: str) -> tuple[str, str]:
            file = folder / f"{name}.dump"
            url, environment = for_programs(settings.database(name))
            await _run(dump, "--format=custom", f"--snapshot={snapshots[name]}", f"--file={file}", url, env=environment)
            file.chmod(0o600)
            return name, await asyncio.to_thread(_digest, file)

        files = dict(await _few([written(name) for name in snapshots]))
    manifest = Manifest(FORMAT, version("nhip"), settings.installation, id, at.isoformat(), roles, ends, files)
    unfinished = folder / f".{MANIFEST}"
    unfinished.write_text(json.dumps(asdict(manifest), indent=2) + "\n", "utf-8")
    unfinished.replace(folder / MANIFEST)
    say(f"{folder} holds {', '.join(f'{name} up to {end}' for name, end in ends.items())}, and the keys")
    return manifest


async def _moment(
    stack: AsyncExitStack, settings: Settings, services: Collection[str]
) -> tuple[datetime, float, dict[str, str], dict[str, int]]:
    """When it was, how long logs stood still, the snapshot of each database for as long as `stack` is open, and each
    log's end."""
    cons: dict[str, asyncpg.Connection] = {}
    for name in (*services, KEYS):
        quiet = {"idle_in_transaction_session_timeout": "0", "lock_timeout": HOLD_WAIT}
        cons[name] = await connect(settings.database(name), "nhip backup", settings=quiet, command_timeout=None)
        stack.push_async_callback(cons[name].close)
    for name in services:
        if await cons[name].fetchval("select to_regclass('log_event')") is None:
            raise Failed(f"the database of {name} has no log: has it ever run, or is its log kept in KurrentDB?")
    began = time.monotonic()
    for name in services:
        await cons[name].execute(HOLD)
    at, snapshots, ends = datetime.now(UTC), dict[str, str](), dict[str, int]()
    for name, con in cons.items():
        await con.execute("begin isolation level repeatable read read only")
        snapshots[name] = await con.fetchval("select pg_export_snapshot()")
    for name in services:
        await cons[name].execute(RELEASE)
    held = time.monotonic() - began
    for name in services:
        ends[name] = await cons[name].fetchval("select coalesce(max(position), 0) from log_event")
    return at, held, snapshots, ends


async def _logins(settings: Settings, services: Collection[str]) -> list[str]:
    con = await connect(settings.server(), "nhip backup")
    try:
        names = [settings.database_name(name) for name in (*services, KEYS)]
        rows = await con.fetch("select rolname from pg_roles where rolname = any($1::text[]) order by 1", names)
        return [row["rolname"] for row in rows]
    finally:
        await con.close()


# --- restore


async def put_back(
    settings: Settings, folder: Path, programs: Path | None, erasures: Sequence[Path], *, no_erasures: bool = False
) -> None:
    manifest = await asyncio.to_thread(read, folder)
    if not settings.postgres or not settings.kafka:
        raise Failed("NHIP_POSTGRES and NHIP_KAFKA must be set: where databases and topics are", code=WRONG_USE)
    if manifest.installation != settings.installation:
        raise Failed(
            f"{folder} is of the installation {manifest.installation!r}, and NHIP_INSTALLATION is "
            f"{settings.installation!r}: set that",
            code=WRONG_USE,
        )
    services = list(manifest.ends)
    put = await _program("pg_restore", programs, settings)
    cluster = kafka.Cluster.of(settings, manifest.id)
    async with _sentences(settings):
        await provision.databases(settings, services)
        await _only_empty(settings, (*services, KEYS))
        kept, before = folder / ERASED, folder / ERASED_BEFORE
        lists = [*erasures, kept] if kept.exists() else erasures
        erased = await _erased(cluster, manifest, lists, no_erasures=no_erasures)
        if before.exists():
            erased |= read_erased(before)
        con = await connect(settings.server(), "nhip restore")
        try:
            for role in manifest.logins:
                await logins.make(con, role)
        finally:
            await con.close()
        async with restoring.opened(settings, services) as cons:
            for con in cons.values():  # until it is whole, no service opens it
                await con.execute(f"create table {RESTORING}()")

            async def filled(name: str) -> None:
                url, environment = for_programs(settings.database(name))
                file = folder / f"{name}.dump"
                await _run(
                    put, "--exit-on-error", "--single-transaction", "--no-owner", f"--dbname={url}", str(file),
                    env=environment,
                )  # fmt: skip

            await _few([filled(name) for name in manifest.files])
            alive = await destroy_again(settings.database(KEYS), sorted(erased))
            begun = await restoring.begun_anew(settings, cluster, cons)
            await restoring.brought_over(cons, begun)
            await asyncio.to_thread(write_erased, kept, erased)
            for con in cons.values():  # from here on topics that are not empty yet are noticed to be of another log
                await con.execute(f"drop table {RESTORING}")
            await restoring.empty(cluster, services)
            await asyncio.to_thread(kept.replace, before)
    say(f"All of {manifest.at} is back: {', '.join(f'{n} up to {e}' for n, e in manifest.ends.items())}")
    if erased:
        say(f"No key is left of whoever is known to be erased or deleted: {counted(erased)}")
    if people := unrecorded(erased, alive):
        say("The backup had the keys of these people still. Ask for their erasure once more, so that it is on record:")
    for tenant, ids in people.items():
        say(f"  {tenant}: {', '.join(ids)}")
    if any(person == EVERYBODY for _, person in alive):
        say("That companies were deleted since is recorded again by itself")
    if manifest.logins:
        say("Give services' logins their passwords: nhip provision --logins")
    say("Start the services. What was recorded after the backup is gone; `nhip verify` says whether all of it agrees")


def unrecorded(erased: Collection[tuple[str, str]], alive: Collection[tuple[str, str]]) -> dict[str, list[str]]:
    """The ids of people, by tenant, whose erasure is to be asked for again: of those who were erased the `alive` ones
    of the backup, but for whole companies that were deleted."""
    deleted = {tenant for tenant, person in erased if person == EVERYBODY}
    people = dict[str, list[str]]()
    for tenant, person in sorted(alive):
        if tenant not in deleted:
            people.setdefault(tenant, []).append(person)
    return people


def read(folder: Path) -> Manifest:
    """A whole backup's manifest. Raises `Failed`."""
    try:
        given: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Failed(f"{folder} is no backup that was finished: {MANIFEST} cannot be read ({error})") from None
    if given.get("format") != FORMAT:
        raise Failed(f"{folder} was written by Nhip {given.get('nhip')}, in a format that this version does not know")
    manifest = Manifest(**given)
    for name, digest in manifest.files.items():
        file = folder / f"{name}.dump"
        if not file.exists() or _digest(file) != digest:
            raise Failed(f"{file} is not what was written: take another backup")
    return manifest


async def _only_empty(settings: Settings, names: Iterable[str]) -> None:
    used: list[str] = []
    for name in names:
        con = await connect(settings.database(name), "nhip restore")
        try:
            if await con.fetchval("select exists(select from pg_tables where schemaname = 'public')"):
                used.append(settings.database_name(name))
        finally:
            await con.close()
    if used:
        raise Failed(
            f"a backup is put into empty databases, and there is something in {', '.join(used)}: rename them, or drop "
            "them if nothing in them is needed, and call again"
        )


async def _erased(
    cluster: kafka.Cluster, manifest: Manifest, lists: Sequence[Path], *, no_erasures: bool
) -> set[tuple[str, str]]:
    """Who was erased, by tenant and id, as far as anybody knows. Raises `Failed` where nobody does."""
    found = set[tuple[str, str]]()
    for file in lists:
        found |= read_erased(file)
    looked = await kafka.look(cluster, ["people"], make=False)
    reached = max((record.event.position for record in looked.last.get("people", ())), default=0)
    if reached >= manifest.ends["people"] and reached:
        async with aclosing(kafka.tail(cluster, ["people"], after={"people": 0}, follow=False)) as events:
            async for each in events:
                found |= erased_of(each.event)
    elif not lists and not no_erasures:
        raise Failed(
            f"nobody can say who was erased since the backup: {cluster.topic('people')} does not reach as far as the "
            "backup does. Give a list that `nhip keys erased` wrote later (--erasures), or say --no-erasures"
        )
    return found


# --- both

_FAULTS: tuple[type[Exception], ...] = (provision.NotProvisioned, *kafka.FAULTS, asyncpg.PostgresError, *TRANSIENT)


@asynccontextmanager
async def _sentences(settings: Settings) -> AsyncGenerator[None]:
    try:
        yield
    except _FAULTS as error:
        where = f"{provision.postgres_of(settings.postgres)}, Kafka at {settings.kafka or 'nowhere'}"
        raise Failed(f"{where}: {type(error).__name__}: {error}") from error


async def _few(work: Sequence[Any]) -> list[Any]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(each: Any) -> Any:
        async with gate:
            return await each

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(each)) for each in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def _program(name: str, folder: Path | None, settings: Settings) -> str:
    """A program of PostgreSQL's that knows the server's version. Raises `Failed`."""
    con = await connect(settings.server(), "nhip backup")
    try:
        server = con.get_server_version().major
    finally:
        await con.close()
    places = [folder] if folder else [None, _own_programs()]
    tried: list[str] = []
    for place in places:
        if (path := shutil.which(name, path=str(place) if place else None)) is None:
            continue
        told = await _run(path, "--version")
        number = told.split()[2].partition(".")[0] if len(told.split()) > 2 else ""
        if number.isdigit() and int(number) >= server:
            return path
        tried.append(f"{path} is of version {number}")
    raise Failed(
        f"{name} of PostgreSQL {server} or newer is needed{': ' + ', '.join(tried) if tried else ''}; name its folder "
        "by --programs",
        code=WRONG_USE,
    )


def _own_programs() -> Path | None:
    """Those of the server that `nhip up` starts, where that is installed."""
    try:
        from deploy.engines.postgres import PROGRAMS
    except ModuleNotFoundError:
        return None
    return PROGRAMS


async def _run(program: str, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What it printed. Raises `Failed` with what it complained of."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env={**os.environ, **(env or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        told, wrong = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        raise Failed(f"{Path(program).name} ended with {process.returncode}: {wrong.decode().strip()}")
    return told.decode()


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
