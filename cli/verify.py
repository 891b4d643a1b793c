"""`nhip verify`: is every view what the log says."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.operating import WHOLE_LOG_SECONDS, Where, asking
from cli.running import Failed, run
from nhip.common.v1.operations_pb2 import Verified, VerifiedView, Verify

SHOWN = 20


@asking
def verify(
    service: Annotated[list[str] | None, typer.Option(help="Only this service; may be repeated.")] = None,
    view: Annotated[str, typer.Option(help="Only this view.")] = "",
    *,
    where: Where,
) -> None:
    """Fold every stream again and compare each view with it. Exit code 1 when a row differs.

    Views are held against the aggregates' states; where no aggregate folds their events, against a fresh fold.
    """

    async def work() -> None:
        async with where.operator() as (client, services):
            found: list[tuple[str, VerifiedView]] = []
            for name in service or services:
                verify = Verify(service=name, view=view)
                verified = await client.ask(verify, Verified, at=name, deadline=WHOLE_LOG_SECONDS)
                found += [(name, one) for one in verified.views]
        _show(found)
        wrong = sum(len(one.differences) for _, one in found)
        if not wrong:
            typer.echo(f"{len(found)} views, and no row differs from what the log says")
        else:
            raise Failed(
                f"{wrong} {'difference' if wrong == 1 else 'differences'}: `nhip rebuild <service> <view>` folds a "
                "view anew"
            )

    run(work())


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
