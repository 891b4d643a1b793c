"""`nhip events`: what goes over Kafka, for integrators to look at and to pipe on."""

import json
import os
import sys
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict

from cli.addresses import written
from cli.catalog import SERVICES
from cli.operating import Directory
from cli.running import WRONG_USE, Failed, run
from eventkit import kafka
from eventkit.contracts import event_types
from eventkit.kafka import Tailed
from eventkit.settings import load

app = typer.Typer(help="Events on Kafka.", no_args_is_help=True)


class Format(StrEnum):
    """How an event is printed."""

    JSON = "json"
    """A CloudEvent 1.0 in JSON format, one a line."""
    LINE = "line"
    """For people: when, where, what, about what, by whom."""


@app.callback()
def events() -> None:
    """Events on Kafka."""


@app.command()
def tail(
    types: Annotated[
        list[str] | None,
        typer.Option(
            help="Only these: a full name, its last part (KpiTargetRevised), or a beginning with a star (nhip.goals.*)."
        ),
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(
            help="Begin behind a position: goals=120, or 0 for every event of every context. Unset: what comes from "
            "now on."
        ),
    ] = None,
    context: Annotated[
        list[str] | None, typer.Option(help="Only these contexts; may be repeated. Unset: those of --after, else all.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="Only this tenant's.")] = "",
    follow: Annotated[
        bool,
        typer.Option("--follow/--no-follow", help="Go on with what comes, until Ctrl-C; or end with what is there."),
    ] = True,
    format: Annotated[Format, typer.Option(help="json: a CloudEvent a line; line: for people.")] = Format.JSON,
    directory: Directory = Path("var"),
) -> None:
    """Print events as they go over Kafka, each once; of one context a tenant's in order.

    Personal words are sealed in them.
    """
    run(_tail(types or [], after or [], context or [], tenant, follow, format, directory))


async def _tail(
    types: Sequence[str],
    after: Sequence[str],
    contexts: Sequence[str],
    tenant: str,
    follow: bool,
    format: Format,
    directory: Path,
) -> None:
    begin = _positions(after)
    wanted = list(dict.fromkeys(contexts)) or (list(begin) if begin and "0" not in after else list(SERVICES))
    if unknown := [name for name in wanted if name not in SERVICES]:
        raise Failed(f"there is no context {unknown[0]!r}: give one of {', '.join(SERVICES)}", code=WRONG_USE)
    settings = load()
    servers = settings.kafka or written(directory).engines.get("kafka", "")
    if not servers:
        raise Failed(
            f"no Nhip runs from {directory}/: start one (nhip up), or say where its Kafka is (NHIP_KAFKA=host:port)"
        )
    cluster = replace(kafka.Cluster.of(settings), servers=servers)
    chosen = _chosen(types)
    show = _line if format is Format.LINE else _json
    for name in types:
        if not any(_matches(type, name) for type in event_types()):
            typer.echo(f"no event that this version knows is called {name!r}", err=True)
    try:
        async with aclosing(kafka.tail(cluster, wanted, after=begin, follow=follow)) as events:
            async for each in events:
                if each.missing:
                    where = f"{each.context}={each.event.position}"
                    typer.echo(
                        f"events before {where} are missing: the relay publishes them again, begin anew then", err=True
                    )
                if chosen(each.event.type) and tenant in ("", each.event.tenant):
                    typer.echo(show(each))
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except kafka.TopicMissing as missing:
        raise Failed(
            f"there is no topic {missing}: has the service ever run, or does `nhip provision` have to make it?"
        ) from None
    except kafka.FAULTS as error:
        raise Failed(f"Kafka at {servers} does not answer ({type(error).__name__})") from None


def _positions(after: Sequence[str]) -> dict[str, int]:
    """Where to begin, by context; "0" means every context's first event."""
    positions: dict[str, int] = {}
    for each in after:
        name, _, position = each.rpartition("=")
        if not (position.isascii() and position.isdigit()) or (not name and position != "0"):
            raise Failed(
                f"--after {each!r} is no position: give context=number, as goals=120, or 0 for everything",
                code=WRONG_USE,
            )
        positions |= {name: int(position)} if name else dict.fromkeys(SERVICES, 0)
    return positions


def _chosen(types: Sequence[str]) -> Callable[[str], bool]:
    """Whether a type is one of those that were named."""
    return lambda type: not types or any(_matches(type, name) for name in types)


def _matches(type: str, name: str) -> bool:
    return type.startswith(name[:-1]) if name.endswith("*") else type == name or type.endswith(f".{name}")


def _json(tailed: Tailed) -> str:
    """CloudEvents' JSON format; what is of an unknown type has its bytes."""
    message = tailed.event.message
    if message is None:
        data: dict[str, object] = {
            "datacontenttype": "application/protobuf",
            "data_base64": b64encode(tailed.event.data).decode(),
        }
    else:
        # As the JSON API writes messages: fields by the names that they have in the contracts.
        data = {"datacontenttype": "application/json", "data": MessageToDict(message, preserving_proto_field_name=True)}
    return json.dumps({**tailed.attributes(), **data}, ensure_ascii=False)


def _line(tailed: Tailed) -> str:
    event = tailed.event
    at, name = event.recorded_at.isoformat(timespec="seconds"), event.type.rpartition(".")[2]
    return f"{at}  {tailed.context}={event.position}  {name}  {event.stream}  {event.origin.actor}"
