"""`nhip config`: the settings as this process sees them."""

import typer

from cli.running import WRONG_USE, stop
from eventkit.settings import SettingsError, describe, load


def config() -> None:
    """Print every setting, secrets masked."""
    try:
        typer.echo(describe(load()))
    except SettingsError as error:
        stop(str(error), code=WRONG_USE)
