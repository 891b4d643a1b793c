"""What commands for operators share: where the services are, and as whom they are asked."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli.addresses import find
from cli.client import Client, connected
from cli.tokens import TOKEN, demo_token
from eventkit.settings import load

Address = Annotated[
    str | None, typer.Option("--address", help="Where the services are: people=host:port,goals=host:port,…")
]
Gateway = Annotated[str | None, typer.Option("--gateway", help="The gateway's URL, for a token of the demo issuer.")]
Token = Annotated[str, typer.Option("--token", help="An operator's, executive's or admin's token.", envvar=TOKEN)]
Tenant = Annotated[str, typer.Option("--tenant", help="The tenant; unset: NHIP_TENANT, else company-x.")]
Directory = Annotated[Path, typer.Option("--directory", help="The directory of `nhip up`.")]


@asynccontextmanager
async def operator(
    address: str | None, gateway: str | None, token: str, tenant: str, directory: Path
) -> AsyncGenerator[tuple[Client, list[str]]]:
    """A client as the operator, and the services that there are."""
    at = find(address, gateway, directory)
    signed = token or await demo_token(at.gateway, "service:operator", tenant or load().tenant)
    async with connected(at.services, signed, patience=10) as client:
        yield client, list(at.services)
