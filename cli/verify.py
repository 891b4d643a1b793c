"""`nhip verify`: is every view what the log says."""

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.client import Client
from cli.operating import WHOLE_LOG_SECONDS, Where, asking
from cli.running import Failed, run
from cli.tenant import all_of
from eventkit.errors import Kind, Rejected
from nhip.common.v1.operations_pb2 import Verified, VerifiedTopic, VerifiedView, Verify, VerifyTopic

SHOWN = 20


@asking
def verify(
    service: Annotated[list[str] | None, typer.Option(help="Only this service; may be repeated.")] = None,
    view: Annotated[str, typer.Option(help="Only this view.")] = "",
    all_tenants: Annotated[
        bool,
        typer.Option("--all-tenants", help="Of every company, one after the other: for a token of service:operator."),
    ] = False,
    *,
    where: Where,
) -> None:
    """Fold every stream again and compare each view with it, and each topic with its log. Exit code 1 when a row or
    record differs.

    Views are held against the aggregates' states; where no aggregate folds their events, against a fresh fold.
    """

    async def work() -> None:
        async with where.operator() as (client, services):
            number = wrong = tenants = 0
            async for tenant in _tenants(client) if all_tenants else _the_tokens():
                tenants += 1
                found: list[tuple[str, VerifiedView]] = []
                for name in service or services:
                    verify = Verify(service=name, view=view, tenant_id=tenant)
                    verified = await client.ask(verify, Verified, at=name, deadline=WHOLE_LOG_SECONDS)
                    found += [(name, one) for one in verified.views]
                differing = sum(len(one.differences) for _, one in found)
                if tenant:
                    typer.echo(f"{tenant}: {len(found)} views, {_number(differing) if differing else 'none differs'}")
                if differing or not tenant:
                    _show(found)
                number, wrong = number + len(found), wrong + differing
            topics = [] if view else await _topics(client, service or services)
        other = _show_topics(topics)
        if not wrong:
            companies = f" of {tenants} {'company' if tenants == 1 else 'companies'}" if all_tenants else ""
            typer.echo(f"{number} views{companies}, and no row differs from what the log says")
        told = [f"{_number(wrong)}: `nhip rebuild <service> <view>` folds a view anew"] if wrong else []
        if other:
            told.append(
                f"{_number(other)} between topics and their logs: find out who writes there; a topic is published anew "
                "by `nhip log publish <service>`, and who has read it folds its views anew"
            )
        if told:
            raise Failed("\n".join(told))

    run(work())


async def _tenants(client: Client) -> AsyncGenerator[str]:
    async for one in all_of(client):
        yield one.tenant_id


async def _the_tokens() -> AsyncGenerator[str]:
    """The tenant of the token, which needs no name."""
    yield ""


async def _topics(client: Client, services: Sequence[str]) -> list[VerifiedTopic]:
    """What each service found of its own topic; none for who may not ask."""
    found: list[VerifiedTopic] = []
    for name in services:
        try:
            found.append(
                await client.ask(VerifyTopic(service=name), VerifiedTopic, at=name, deadline=WHOLE_LOG_SECONDS)
            )
        except Rejected as refusal:
            if refusal.kind is not Kind.FORBIDDEN:
                raise
            typer.echo("Topics were not held against their logs: that is for a token of service:operator")
            break
    return found


def _show_topics(topics: Sequence[VerifiedTopic]) -> int:
    """How many differences there are."""
    for one in topics:
        for each in one.differences[:SHOWN]:
            offset = f" offset {each.offset}" if each.offset >= 0 else ""
            event = f" event {each.event_id}, position {each.position}:" if each.event_id else ""
            typer.echo(f"{one.topic} partition {each.partition}{offset}:{event} {each.what}")
        if one.different > SHOWN:
            typer.echo(f"{one.topic}: and {one.different - SHOWN} more")
    different = sum(one.different for one in topics)
    if topics and not different:
        events, records = sum(one.events for one in topics), sum(one.records for one in topics)
        typer.echo(f"{len(topics)} topics, {events} events in {records} records, and each is as its log has it")
    return different


def _number(differences: int) -> str:
    return f"{differences} {'difference' if differences == 1 else 'differences'}"


def _against(one: VerifiedView) -> str:
    return "aggregate" if one.independent else "fresh fold"


def _show(found: list[tuple[str, VerifiedView]]) -> None:
    table = Table()
    # Names are for copying: where the terminal is narrow they are not cut off.
    for title, values in (
        ("service", [name for name, _ in found]),
        ("view", [one.view for _, one in found]),
        ("version", []),
        ("rows", []),
        ("up to", [one.position for _, one in found]),
        ("against", [_against(one) for _, one in found]),
        ("differences", []),
    ):
        table.add_column(title, no_wrap=True, min_width=max(map(len, (title, *values))))
    for name, one in found:
        table.add_row(
            name,
            one.view,
            str(one.version),
            str(one.rows),
            one.position,
            _against(one),
            str(len(one.differences) or ""),
        )
    console = Console()
    wide = console.measure(table, options=console.options.update(width=500)).maximum
    console.print(table, width=max(console.width, wide), crop=False)  # a narrow terminal wraps lines; it cuts none off
    for name, one in found:
        for each in one.differences[:SHOWN]:
            column = f" {each.column}" if each.column else ""
            typer.echo(
                f"{name} {one.view}: {each.key}{column}: expected {each.expected or 'nothing'}, found "
                f"{each.found or 'nothing'}"
            )
        if len(one.differences) > SHOWN:
            typer.echo(f"{name} {one.view}: and {len(one.differences) - SHOWN} more")
