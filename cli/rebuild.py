"""`nhip rebuild`: folds a view anew from the first event."""

from typing import Annotated

import typer

from cli.operating import Where, asking
from cli.running import WRONG_USE, Failed, run, say
from eventkit.errors import Rejected
from nhip.common.v1.operations_pb2 import Rebuild, Verified, Verify


@asking
def rebuild(
    service: Annotated[str, typer.Argument(help="The service whose view it is.")],
    view: Annotated[str, typer.Argument(help="The view, as `nhip verify` names it.")],
    *,
    where: Where,
) -> None:
    """Empty a view and fold it again from the first event. Until it is there again, answers from it are incomplete."""

    async def work() -> None:
        async with where.operator() as (client, services):
            if service not in services:
                raise Failed(f"there is no service {service!r}: give one of {', '.join(services)}", code=WRONG_USE)
            try:
                await client.command(Rebuild(service=service, view=view), at=service)
            except Rejected as refusal:
                if refusal.reason != "VIEW_UNKNOWN":
                    raise
                views = [one.view for one in (await client.ask(Verify(service=service), Verified, at=service)).views]
                raise Failed(
                    f"{service} has no view {view!r}: give one of {', '.join(views)}", code=WRONG_USE
                ) from None
        say(f"{view} of {service} is folded anew")

    run(work())
