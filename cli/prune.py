"""`nhip prune`: drops tables of views that no running process reads."""

from typing import Annotated

import typer

from cli.operating import Where, asking
from cli.running import run, say
from nhip.common.v1.operations_pb2 import Prune, Pruned


@asking
def prune(
    service: Annotated[list[str] | None, typer.Option(help="Only this service; may be repeated.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Drop what nobody reads; without it, only say what.")] = False,
    *,
    where: Where,
) -> None:
    """Say which views of earlier or later versions nobody reads any more, and, with --drop, drop their tables.

    Drop them once you will not go back to that version: going back fills them anew before it answers.
    """

    async def work() -> None:
        unread = 0
        async with where.operator() as (client, services):
            for name in service or services:
                for views in (await client.ask(Prune(service=name, drop=drop), Pruned, at=name)).views:
                    readers = ", ".join(views.processes)
                    state = f"read by {readers}" if readers else "dropped" if views.dropped else "read by nobody"
                    say(f"{name} {views.subscription}: {state} ({', '.join(views.tables)})")
                    unread += not readers
        if not unread:
            say("every view is read: there is nothing to drop")
        elif not drop:
            say("`nhip prune --drop` drops what nobody reads")

    run(work())
