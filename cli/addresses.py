"""Where a running Nhip is: told by options, else by NHIP_SERVICES, else by what `nhip up` wrote down."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cli.running import WRONG_USE, Failed
from eventkit.settings import SettingsError, load

FILE = "addresses.json"


@dataclass(frozen=True, slots=True)
class Addresses:
    services: Mapping[str, str] = field(default_factory=dict[str, str])
    """`host:port` by service; of several replicas with commas between."""
    gateway: str = ""
    """The gateway's URL without a slash at its end; empty: not known."""
    metrics: Mapping[str, str] = field(default_factory=dict[str, str])
    """The metrics pages by service, where they are known."""
    engines: Mapping[str, str] = field(default_factory=dict[str, str])
    """PostgreSQL's and Kafka's addresses, to look into them; without passwords."""
    health: Mapping[str, str] = field(default_factory=dict[str, str])
    """Where each service answers gRPC health checks, as `host:port`."""

    def write(self, directory: Path) -> None:
        """For the other commands; all of it or nothing."""
        new = directory / f".{FILE}.new"
        new.write_text(json.dumps(asdict(self), indent=2) + "\n")
        new.replace(directory / FILE)


def forget(directory: Path) -> None:
    (directory / FILE).unlink(missing_ok=True)


def written(directory: Path) -> Addresses:
    """What `nhip up` wrote in that directory; nothing where none runs."""
    try:
        return Addresses(**json.loads((directory / FILE).read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return Addresses()
    except (OSError, ValueError, TypeError):
        raise Failed(
            f"{directory / FILE} cannot be read: start `nhip up` again, or give --address and --gateway"
        ) from None


def find(address: str | None, gateway: str | None, directory: Path) -> Addresses:
    """The addresses to use; raises `Failed` when there are none."""
    noted = written(directory)
    try:
        services = load(services=address).services if address else load().services
    except SettingsError as error:
        raise Failed(
            str(error).replace("NHIP_SERVICES", "--address") if address else str(error), code=WRONG_USE
        ) from None
    addresses = replace(noted, services=services or noted.services, gateway=(gateway or noted.gateway).rstrip("/"))
    if not addresses.services:
        raise Failed(
            f"no Nhip runs from {directory}/: start one (nhip up), or say where it is (--address "
            "people=host:port,goals=host:port)"
        )
    return addresses
