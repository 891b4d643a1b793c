"""`nhip rebuild`: folds a view anew from the first event, behind what it shows."""

from typing import Annotated

import typer

from cli.operating import WHOLE_LOG_SECONDS, Where, asking
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
    """Fold a view, and with it all others of its source, again from the first event.

    Until it is done everybody is shown the view as it was; whoever waits for something newer waits. If it is stopped,
    nothing has changed.
    """

    async def work() -> None:
        async with where.operator() as (client, services):
            if service not in services:
                raise Failed(f"there is no service {service!r}: give one of {', '.join(services)}", code=WRONG_USE)
            try:
                await client.command(Rebuild(service=service, view=view), at=service, deadline=WHOLE_LOG_SECONDS)
            except Rejected as refusal:
                if refusal.reason != "VIEW_UNKNOWN":
                    raise
                verify = Verify(service=service)
                verified = await client.ask(verify, Verified, at=service, deadline=WHOLE_LOG_SECONDS)
                views = [one.view for one in verified.views]
                raise Failed(
                    f"{service} has no view {view!r}: give one of {', '.join(views)}", code=WRONG_USE
                ) from None
        say(f"{view} of {service} is folded anew")

    run(work())
