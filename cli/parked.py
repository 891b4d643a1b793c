"""`nhip parked`: events that could not be handled."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.operating import Where, asking
from cli.running import Failed, run, say
from nhip.common.v1.operations_pb2 import DiscardParked, ListParked, Parked, ParkedEvent, RetryParked

app = typer.Typer(
    help="Events that could not be handled, with what waits behind them on their streams.", no_args_is_help=True
)

Service = Annotated[str, typer.Argument(help="The service.")]
Subscription = Annotated[str, typer.Argument(help="The subscription, as `nhip parked list` names it.")]
Stream = Annotated[str, typer.Argument(help="The stream, as `nhip parked list` names it.")]
EventId = Annotated[str, typer.Argument(help="The event's id, as `nhip parked list` names it.")]


@app.command("list")
@asking
def list_(
    *,
    where: Where,
) -> None:
    """List what is parked in every service."""

    async def work() -> None:
        async with where.operator() as (client, services):
            found = [
                (name, e)
                for name in services
                for e in (await client.ask(ListParked(service=name), Parked, at=name)).events
            ]
        if not found:
            say("Nothing is parked")
            return
        table = Table("service", "subscription", "stream", "event", "type", "position", "error")
        for name, event in found:
            table.add_row(
                name,
                event.subscription,
                event.stream,
                event.event_id,
                event.type,
                event.position,
                event.error or "waits",
                end_section=False,
            )
        Console(soft_wrap=True).print(table)

    run(work())


@app.command()
@asking
def show(
    service: Service,
    event_id: EventId,
    *,
    where: Where,
) -> None:
    """Show one parked event."""

    async def work() -> None:
        async with where.operator() as (client, _):
            parked = (await client.ask(ListParked(service=service), Parked, at=service)).events
        event = next((one for one in parked if one.event_id == event_id), None)
        if event is None:
            raise Failed(f"{service} has no parked event {event_id}")
        for name, value in _said(event):
            say(f"{name:14}{value}")

    run(work())


@app.command()
@asking
def retry(
    service: Service,
    subscription: Subscription,
    stream: Stream,
    *,
    where: Where,
) -> None:
    """Handle what is parked of a stream again, in order."""

    async def work() -> None:
        async with where.operator() as (client, _):
            await client.command(RetryParked(service=service, subscription=subscription, stream=stream), at=service)
        say(f"{stream} is handled")

    run(work())


@app.command()
@asking
def discard(
    service: Service,
    subscription: Subscription,
    stream: Stream,
    event_id: EventId,
    *,
    where: Where,
) -> None:
    """Give up the first parked event of a stream; what waited behind it is handled."""

    async def work() -> None:
        request = DiscardParked(service=service, subscription=subscription, stream=stream, event_id=event_id)
        async with where.operator() as (client, _):
            await client.command(request, at=service)
        say(f"{event_id} is given up, {stream} goes on behind it")

    run(work())


def _said(event: ParkedEvent) -> list[tuple[str, str]]:
    return [
        ("subscription", event.subscription),
        ("context", event.context),
        ("stream", event.stream),
        ("event", event.event_id),
        ("type", event.type),
        ("position", event.position),
        ("error", event.error or "none of its own: it waits behind another"),
        ("parked at", event.parked_at.ToJsonString()),
    ]
