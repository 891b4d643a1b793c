"""`nhip keys`: the master key, under which the keys of persons are wrapped; and whose were destroyed."""

import base64
import json
import secrets
from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from cli.addresses import written
from cli.operating import Directory
from cli.running import WRONG_USE, Failed, run, say
from deploy.keys import MASTER_KEY, write_secret
from eventkit.database import connect
from eventkit.engine_settings import KEYS
from eventkit.log import Recorded
from eventkit.log.postgres import COLUMNS
from eventkit.log.rows import event_of
from eventkit.privacy import ledger
from eventkit.privacy.keys import EVERYBODY
from eventkit.process.assembly import digest_secret, key_store
from eventkit.settings import Settings, load, masked
from eventkit.vault import WRAPPED, VaultAway, VaultRefused
from nhip.people.v1.events_pb2 import ErasureApproved, PersonErased, TenantDeleted, TenantDeletionBegun

DESTROYING = (ErasureApproved, PersonErased, TenantDeletionBegun, TenantDeleted)
"""Events because of which keys are destroyed."""

app = typer.Typer(help="The keys that personal words are sealed with.", no_args_is_help=True)


@app.callback()
def keys() -> None:
    """The keys that personal words are sealed with."""


@app.command()
def rotate(directory: Directory = Path("var")) -> None:
    """Wrap every key anew under NHIP_MASTER_KEY; NHIP_MASTER_KEY_OLD is the one before.

    Safe to repeat, and to go on with when cut off.
    """
    run(_rotate(directory))


@app.command()
def erased(
    to: Annotated[Path, typer.Option(help="The file to write; what it held before is replaced once all is there.")],
) -> None:
    """Write down who was erased, and which companies were deleted, by ids alone: a restore from an older backup
    destroys their keys again.

    Keep it apart from backups, and newer than them: write it after every erasure, or every hour.
    """

    async def work() -> None:
        await write_down(load(), to)

    run(work())


async def write_down(settings: Settings, to: Path) -> None:
    if not settings.postgres:
        raise Failed("NHIP_POSTGRES must be set: where the database of people is", code=WRONG_USE)
    if settings.log:
        raise Failed("this reads the log of people in PostgreSQL, and NHIP_LOG is set: unset it", code=WRONG_USE)
    try:
        con = await connect(settings.database("people"), "nhip keys", command_timeout=None)
        try:
            rows = await con.fetch(
                f"select {COLUMNS} from log_event where type = any($1::text[]) order by position",
                [kind.DESCRIPTOR.full_name for kind in DESTROYING],
            )
        finally:
            await con.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        where = masked(settings.postgres)
        raise Failed(f"the log of people at {where} cannot be read ({type(error).__name__}: {error})") from None
    people = {each for row in rows for each in erased_of(event_of(row))}
    write_erased(to, people)
    say(f"{to} names {counted(people)}")


def erased_of(event: Recorded) -> set[tuple[str, str]]:
    """Whose key is destroyed because of an event, by tenant and id: nobody's, one person's or `EVERYBODY`'s."""
    match event.message:
        case ErasureApproved(person_id=id) | PersonErased(person_id=id):
            return {(event.tenant, id)}
        case TenantDeletionBegun() | TenantDeleted():
            return {(event.tenant, EVERYBODY)}
        case _:
            return set()


def counted(erased: Collection[tuple[str, str]]) -> str:
    """How many people and companies they are."""
    companies = sum(person == EVERYBODY for _, person in erased)
    people = len(erased) - companies
    told = f"{people} {'person' if people == 1 else 'people'}"
    return f"{told} and {companies} {'company' if companies == 1 else 'companies'}" if companies else told


def write_erased(file: Path, people: Iterable[tuple[str, str]]) -> None:
    """All of them, by tenant and id, in place of what the file held before. Raises `Failed`."""
    new = file.with_name(f".{file.name}.new")
    try:
        new.write_text("".join(json.dumps({"tenant": t, "person_id": p}) + "\n" for t, p in sorted(people)), "utf-8")
        new.replace(file)
    except OSError as error:
        raise Failed(f"{file} cannot be written ({error})") from None


def read_erased(file: Path) -> set[tuple[str, str]]:
    """What `write_erased` wrote. Raises `Failed`, naming the line."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise Failed(f"{file} cannot be read ({error})", code=WRONG_USE) from None
    people = set[tuple[str, str]]()
    for number, line in enumerate(lines, 1):
        try:
            one = json.loads(line)
            people.add((str(one["tenant"]), str(one["person_id"])))
        except (ValueError, KeyError, TypeError):
            why = f"{file}, line {number} has no tenant and person_id: give what `nhip keys erased` wrote"
            raise Failed(why, code=WRONG_USE) from None
    return people


@app.command()
def wrap(
    to: Annotated[Path, typer.Option(help="The file to write; what it held before is replaced once all is there.")],
) -> None:
    """Write the master key wrapped by NHIP_VAULT into a file, to be named by NHIP_MASTER_KEY_FILE.

    Of the key that NHIP_MASTER_KEY or NHIP_MASTER_KEY_FILE is, else of a new one. One that is wrapped already is
    wrapped under the newest version of Vault's key; nothing else changes then.
    """
    run(_wrap(to))


async def _wrap(to: Path) -> None:
    settings = load()
    transit = settings.transit()
    if transit is None:
        raise Failed("NHIP_VAULT and NHIP_VAULT_TOKEN_FILE must be set: what is to wrap the master key", code=WRONG_USE)
    file, given = settings.master_key_file, settings.master_key
    text = given.get_secret_value() if given else file.read_text("ascii").strip() if file else ""
    if not text and to.exists():
        raise Failed(
            f"{to} is there already, and no key is named: name the one to wrap by NHIP_MASTER_KEY_FILE, or a new file",
            code=WRONG_USE,
        )
    try:
        if text.startswith(WRAPPED):
            wrapped = transit.wrap_anew(text)
        else:
            wrapped = transit.wrap(base64.b64decode(text) if text else secrets.token_bytes(32))
    except (VaultAway, VaultRefused) as error:
        raise Failed(f"{error}: nothing was changed") from None
    write_secret(to, wrapped + "\n")
    say(f"{to} holds the master key as Vault wrapped it")


@app.command()
def lost(
    tenant: Annotated[str, typer.Option(help="Only of this tenant.")] = "",
    person: Annotated[str, typer.Option(help="Only this one, of --tenant.")] = "",
    went_back: Annotated[
        bool, typer.Option("--went-back", help="Of a database of keys that alone went back to a backup: whoever lost.")
    ] = False,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Wait no more: the next words get a new key, and those before stay lost.")
    ] = False,
    directory: Directory = Path("var"),
) -> None:
    """Say whose keys are lost: gone, though nobody destroyed them. What is sealed with them does not open, and nobody
    gets another one, until a backup has them (`nhip keys recover`) or --confirm is said."""
    if confirm and not went_back and not (tenant and person):
        raise typer.BadParameter("say of whom: --tenant and --person; or --went-back", param_hint="--confirm")
    if went_back and person:
        raise typer.BadParameter("this is of one person alone: leave one of the two out", param_hint="--went-back")
    if went_back and tenant:
        raise typer.BadParameter("this is of all tenants: leave --tenant out", param_hint="--went-back")

    async def work() -> None:
        async with _keys_of(_settings(directory)) as con:
            if not confirm:
                await _tell_lost(con, tenant, person)
            elif went_back:
                say(f"{await ledger.accept_gaps(con)} gaps are accepted: keys are made again, within moments")
            elif await ledger.give_up(con, tenant, person):
                say(f"The next words about {person} of {tenant} get a new key; those before stay unreadable for ever")
            else:
                raise Failed(f"the key of {person} of {tenant} is not lost: nothing was changed", code=WRONG_USE)

    run(work())


@app.command()
def recover(
    source: Annotated[
        str,
        typer.Option("--from", help="A database of keys as a backup had it, restored beside: postgresql://…/old_keys"),
    ],
    directory: Directory = Path("var"),
) -> None:
    """Put keys that are lost back, from a database of keys that was restored beside this one. Safe to repeat.

    What is there stays as it is, and whoever was erased stays erased.
    """

    async def work() -> None:
        async with _keys_of(_settings(directory)) as con:
            try:
                other = await connect(source, "nhip keys", command_timeout=None)
            except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                raise Failed(f"{masked(source)} cannot be read ({type(error).__name__}: {error})") from None
            try:
                number = await ledger.recover(con, other)
            except ledger.KeyLost as error:
                raise Failed(f"{masked(source)}: {error}; nothing was changed", code=WRONG_USE) from None
            finally:
                await other.close()
            say(f"{number} keys are back")
            for sentence in (await ledger.standing(con)).sentences():
                say(f"Still: {sentence}")

    run(work())


SHOWN = 1000


async def _tell_lost(con: asyncpg.Connection, tenant: str, person: str) -> None:
    rows = await con.fetch(ledger.LIST_LOST, tenant, person, SHOWN + 1)
    for row in rows[:SHOWN]:
        say(f"{row['tenant']} {row['person']}: made {row['made_at'].isoformat(timespec='seconds')}")
    if len(rows) > SHOWN:
        say(f"and more: name a --tenant; these are the first {SHOWN}")
    told = (await ledger.standing(con)).sentences()
    if not rows and not told:
        say("No key is lost")
    if told:
        raise Failed("\n".join(told))


@asynccontextmanager
async def _keys_of(settings: Settings) -> AsyncGenerator[asyncpg.Connection]:
    try:
        con = await connect(settings.database(KEYS), "nhip keys", command_timeout=None)
        try:
            if await con.fetchval("select to_regclass('key_made')") is None:
                raise Failed("this database of keys has no ledger yet: `nhip provision` of this version makes it")
            yield con
        finally:
            await con.close()
    except asyncpg.InsufficientPrivilegeError as error:
        raise Failed(f"{error}: say it with an owner's NHIP_POSTGRES, as `nhip provision`") from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        where = masked(settings.postgres)
        raise Failed(f"the database of keys at {where} cannot be used ({type(error).__name__}: {error})") from None


def _settings(directory: Path) -> Settings:
    """As in the environment, and of what `nhip up` wrote down. Raises `Failed`."""
    local = written(directory)
    overrides: dict[str, object] = {}
    if not load().postgres and (postgres := local.engines.get("postgres")):
        overrides["postgres"] = postgres
    if load().master_key is None and load().master_key_file is None and (directory / MASTER_KEY).exists():
        overrides["master_key_file"] = directory / MASTER_KEY
    settings = load(**overrides)
    if not settings.postgres:
        raise Failed("NHIP_POSTGRES must be set: where the database of keys (nhip_keys) is", code=WRONG_USE)
    return settings


async def _rotate(directory: Path) -> None:
    settings = _settings(directory)
    store = key_store(settings)
    try:
        async with store:
            await digest_secret(
                store, settings
            )  # kept under the key before, so that it goes over to the new one with the others
            done = await store.rotate()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        where = masked(settings.postgres)
        raise Failed(
            f"the database of keys at {where} cannot be used ({type(error).__name__}): nothing is lost, say it again "
            "then"
        ) from None
    if not done.keys and not done.unreadable:
        say("Everything is under NHIP_MASTER_KEY already: there is nothing to do")
        return
    say(f"{done.keys} keys were wrapped anew: everything is under NHIP_MASTER_KEY now")
    say(
        "Take NHIP_MASTER_KEY_OLD out of all settings and destroy that key: with it goes what older backups know of "
        "the erased"
    )
    if done.unreadable:
        raise Failed(
            f"{done.unreadable} keys opened with neither master key and stay as they are; the log names them "
            "(keys.unreadable)"
        )
