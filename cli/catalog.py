"""The services there are: what each is called, what it is made of, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from eventkit import contracts
from eventkit.process.operations import OPERATIONS
from eventkit.process.service import Build

GATEWAY = "gateway"

__all__ = ["GATEWAY", "OPERATIONS", "SERVICES", "Known"]


@dataclass(frozen=True, slots=True)
class Known:
    """A service that can be hosted and called."""

    name: str
    api: contracts.Answers

    @property
    def build(self) -> Build:
        """What makes it; loaded when it is asked for, so that a process holds the one service that it serves."""
        return import_module(f"services.{self.name}.service").service


SERVICES: Mapping[str, Known] = {name: Known(name, api) for name, api in contracts.services().items()}
