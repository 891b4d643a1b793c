"""`nhip keys`: the master key, under which the keys of persons are wrapped."""

from pathlib import Path

import asyncpg
import typer

from cli.addresses import written
from cli.operating import Directory
from cli.running import WRONG_USE, Failed, run, say
from deploy.keys import MASTER_KEY
from eventkit.process.assembly import digest_secret, key_store
from eventkit.settings import load, masked

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


async def _rotate(directory: Path) -> None:
    local = written(directory)
    overrides: dict[str, object] = {}
    if not load().postgres and (postgres := local.engines.get("postgres")):
        overrides["postgres"] = postgres
    if load().master_key is None and load().master_key_file is None and (directory / MASTER_KEY).exists():
        overrides["master_key_file"] = directory / MASTER_KEY
    settings = load(**overrides)
    if not settings.postgres:
        raise Failed("NHIP_POSTGRES must be set: where the database of keys (nhip_keys) is", code=WRONG_USE)
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
