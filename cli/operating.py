"""What commands for operators share: where the services are, and as whom they are asked."""

import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.addresses import find
from cli.client import Client, connected
from cli.tokens import TOKEN, demo_token
from eventkit.settings import load

WHOLE_LOG_SECONDS = 24 * 3600.0
"""How long what reads a whole log may take; whoever grows tired of it stops it."""
Address = Annotated[
    str | None, typer.Option("--address", help="Where the services are: people=host:port,goals=host:port,…")
]
Gateway = Annotated[str | None, typer.Option("--gateway", help="The gateway's URL, for a token of the demo issuer.")]
Token = Annotated[str, typer.Option("--token", help="An operator's, executive's or admin's token.", envvar=TOKEN)]
Tenant = Annotated[str, typer.Option("--tenant", help="The tenant; unset: NHIP_TENANT, else company-x.")]
Directory = Annotated[Path, typer.Option("--directory", help="The directory of `nhip up`.")]


@dataclass(frozen=True, slots=True)
class Where:
    """Where the services are, and as whom they are asked: what five options say."""

    address: Address = None
    gateway: Gateway = None
    token: Token = ""
    tenant: Tenant = ""
    directory: Directory = Path("var")

    @asynccontextmanager
    async def operator(self, who: str = "") -> AsyncGenerator[tuple[Client, list[str]]]:
        """A client as the operator, and the services that there are. `who`: as whom of those who operate, for a token
        of the demo issuer."""
        at = find(self.address, self.gateway, self.directory)
        tenant = self.tenant or load().tenant
        signed = self.token or await demo_token(at.gateway, "service:operator", tenant, on_behalf_of=who)
        async with connected(at.services, signed, patience=10) as client:
            yield client, list(at.services)


def asking(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the options of `Where`, which it takes as its parameter `where`."""
    options = inspect.signature(Where).parameters

    def run(**given: Any) -> None:
        where = Where(**{name: given.pop(name) for name in options})
        command(**given, where=where)

    own = inspect.signature(command).parameters
    parameters = [*(parameter for name, parameter in own.items() if name != "where"), *options.values()]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    # Typer reads a command's options from its signature.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # functions take one
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
