"""The command `nhip`: its subcommands by name."""

from importlib.metadata import version
from typing import Annotated

import typer

from cli import events, keys, parked
from cli.config import config
from cli.generating import demo
from cli.importing.command import import_
from cli.provision import provision_
from cli.prune import prune
from cli.rebuild import rebuild
from cli.serve import serve
from cli.token import token
from cli.up import up
from cli.verify import verify

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a traceback must not show words or secrets
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"nhip {version('nhip')}")
        raise typer.Exit


@app.callback()
def nhip(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which it is.")
    ] = False,
) -> None:
    """Nhip: performance management in rhythm."""


app.command()(up)
app.command()(serve)
app.command("import")(import_)
app.command()(demo)
app.command()(verify)
app.add_typer(parked.app, name="parked")
app.add_typer(events.app, name="events")
app.add_typer(keys.app, name="keys")
app.command()(rebuild)
app.command()(prune)
app.command("provision")(provision_)
app.command()(config)
app.command()(token)

if __name__ == "__main__":
    app()
