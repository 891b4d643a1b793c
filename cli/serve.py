"""`nhip serve`: one service in a process of its own, by its settings."""

import json
from pathlib import Path
from typing import Annotated

import structlog
import typer

from cli.catalog import GATEWAY, SERVICES
from cli.hosting import hosted, until_something_ends
from cli.running import WRONG_USE, Failed, run
from eventkit import telemetry
from eventkit.process.metrics_page import metrics_of
from eventkit.rpc.auth import of_settings
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.settings import Settings, load

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

NAMES = (*SERVICES, GATEWAY)


def serve(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}.")],
    ports_file: Annotated[
        Path | None, typer.Option(help="Write the ports there, as JSON, once the service is ready.")
    ] = None,
    demo_issuer: Annotated[
        Path | None,
        typer.Option(
            help="Of the gateway: sign in anybody with the key in this file. On loopback only, for trying things."
        ),
    ] = None,
) -> None:
    """Run one service, set up by NHIP_… variables (see `nhip config`). SIGTERM ends it in order."""
    run(_serve(service, ports_file, demo_issuer))


async def _serve(service: str, ports_file: Path | None, demo_issuer: Path | None) -> None:
    if service not in NAMES:
        raise Failed(f"there is no service {service!r}: give one of {', '.join(NAMES)}", code=WRONG_USE)
    settings = load()
    telemetry.set_up(level=settings.log_level, format=settings.log_format, service=service)
    if service == GATEWAY:
        await _serve_gateway(settings, ports_file, demo_issuer)
    else:
        await _serve_service(service, settings, ports_file)


async def _serve_service(name: str, settings: Settings, ports_file: Path | None) -> None:
    if not settings.kafka:
        raise Failed("NHIP_KAFKA must be set: bootstrap servers, as host:port", code=WRONG_USE)
    async with hosted([name], settings) as services:
        me = services[name]
        _tell(ports_file, {"grpc": me.port, "health": me.health_port, "metrics": me.metrics_port})
        await until_something_ends(services)


async def _serve_gateway(settings: Settings, ports_file: Path | None, demo_issuer: Path | None) -> None:
    if not settings.services:
        raise Failed(
            "NHIP_SERVICES must be set: where the services are, as people=host:port,goals=host:port", code=WRONG_USE
        )
    # A service's process has no use for the console, nor for what serves it.
    from cli import web
    from services.gateway.service import gateway

    listening = web.bind(settings.host, settings.port)
    issuer = None
    if demo_issuer is not None:
        issuer = DemoIssuer(
            host=settings.host, key_file=demo_issuer, issuer=settings.issuer, audience=settings.audience
        )
    metrics = telemetry.Metrics()
    async with (
        gateway(settings, of_settings(settings), issuer, metrics) as application,
        web.serving(application, listening) as serving,
    ):
        port = int(listening.getsockname()[1])
        with metrics_of(settings, metrics) as metrics_port:
            log.info("service.started", service=GATEWAY, address=f"{settings.host}:{port}", metrics=metrics_port)
            _tell(ports_file, {"http": port, "metrics": metrics_port})
            await until_something_ends({}, serving)
    log.info("service.stopped", service=GATEWAY)


def _tell(file: Path | None, ports: dict[str, int]) -> None:
    if file is not None:
        new = file.with_name(f".{file.name}.new")
        new.write_text(json.dumps(ports) + "\n")
        new.replace(file)
