"""The services there are: what each is called, what it is made of, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import ServiceDescriptor

from eventkit.operations import OPERATIONS
from eventkit.service import Build
from nhip.audit.v1 import audit_pb2
from nhip.checkins.v1 import checkins_pb2
from nhip.goals.v1 import goals_pb2
from nhip.notifications.v1 import notifications_pb2
from nhip.people.v1 import people_pb2
from nhip.rewards.v1 import rewards_pb2
from services.audit.service import service as audit
from services.checkins.service import service as checkins
from services.goals.service import service as goals
from services.notifications.service import service as notifications
from services.people.service import service as people
from services.rewards.service import service as rewards

GATEWAY = "gateway"

__all__ = ["GATEWAY", "OPERATIONS", "SERVICES", "Known"]


@dataclass(frozen=True, slots=True)
class Known:
    """A service that can be hosted and called."""

    build: Build
    api: ServiceDescriptor


SERVICES: Mapping[str, Known] = {
    "people": Known(people, people_pb2.DESCRIPTOR.services_by_name["People"]),
    "goals": Known(goals, goals_pb2.DESCRIPTOR.services_by_name["Goals"]),
    "checkins": Known(checkins, checkins_pb2.DESCRIPTOR.services_by_name["Checkins"]),
    "rewards": Known(rewards, rewards_pb2.DESCRIPTOR.services_by_name["Rewards"]),
    "audit": Known(audit, audit_pb2.DESCRIPTOR.services_by_name["Audit"]),
    "notifications": Known(notifications, notifications_pb2.DESCRIPTOR.services_by_name["Notifications"]),
}
