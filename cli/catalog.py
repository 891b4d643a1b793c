"""The services there are: what each is called, what it is made of, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from google.protobuf.descriptor import ServiceDescriptor

from eventkit.process.operations import OPERATIONS
from eventkit.process.service import Build
from nhip.audit.v1 import audit_pb2
from nhip.checkins.v1 import checkins_pb2
from nhip.goals.v1 import goals_pb2
from nhip.notifications.v1 import notifications_pb2
from nhip.people.v1 import people_pb2
from nhip.rewards.v1 import rewards_pb2

GATEWAY = "gateway"

__all__ = ["GATEWAY", "OPERATIONS", "SERVICES", "Known"]


@dataclass(frozen=True, slots=True)
class Known:
    """A service that can be hosted and called."""

    name: str
    api: ServiceDescriptor

    @property
    def build(self) -> Build:
        """What makes it; loaded when it is asked for, so that a process holds the one service that it serves."""
        return import_module(f"services.{self.name}.service").service


SERVICES: Mapping[str, Known] = {
    name: Known(name, api)
    for name, api in (
        ("people", people_pb2.DESCRIPTOR.services_by_name["People"]),
        ("goals", goals_pb2.DESCRIPTOR.services_by_name["Goals"]),
        ("checkins", checkins_pb2.DESCRIPTOR.services_by_name["Checkins"]),
        ("rewards", rewards_pb2.DESCRIPTOR.services_by_name["Rewards"]),
        ("notifications", notifications_pb2.DESCRIPTOR.services_by_name["Notifications"]),
        ("audit", audit_pb2.DESCRIPTOR.services_by_name["Audit"]),
    )
}
