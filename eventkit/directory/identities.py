"""Identities at a provider, and whom each means. Pure."""

from eventkit.commands.aggregate import Aggregate, refuse_unknown
from nhip.people.v1.events_pb2 import IdentityLinked, IdentityUnlinked


def evolve(person_id: str, event: IdentityLinked | IdentityUnlinked) -> str:
    match event:
        case IdentityLinked():
            return event.person_id
        case IdentityUnlinked():
            return ""
        case _:
            refuse_unknown(event)


IDENTITY = Aggregate("identity", "", evolve)
"""By the id of the identity: the person whom it means; empty: nobody."""
