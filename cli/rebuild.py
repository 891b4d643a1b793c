"""`nhip rebuild`: folds a view anew from the first event."""

from pathlib import Path
from typing import Annotated

import typer

from cli.operating import Address, Directory, Gateway, Tenant, Token, operator
from cli.running import run, say
from nhip.common.v1.operations_pb2 import Rebuild


def rebuild(
    service: Annotated[str, typer.Argument(help="The service whose view it is.")],
    view: Annotated[str, typer.Argument(help="The view, as `nhip verify` names it.")],
    address: Address = None,
    gateway: Gateway = None,
    token: Token = "",
    tenant: Tenant = "",
    directory: Directory = Path("var"),
) -> None:
    """Empty a view and fold it again from the first event. Until it is there again, answers from it are incomplete."""

    async def work() -> None:
        async with operator(address, gateway, token, tenant, directory) as (client, _):
            await client.command(Rebuild(service=service, view=view), at=service)
        say(f"{view} of {service} is folded anew")

    run(work())
