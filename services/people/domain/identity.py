"""Whom somebody means who signs in at a provider: linked by the address that the provider has verified."""

from collections.abc import Sequence

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.directory.identities import IDENTITY
from eventkit.errors import Kind, Rejected, unknown
from nhip.people.v1.events_pb2 import IdentityLinked, IdentityUnlinked
from nhip.people.v1.identities_pb2 import UnlinkIdentity


def link(linked: str, identity_id: str, email: str, found: Sequence[str]) -> tuple[str, Decision]:
    """The person, and what makes them so; `found`: the active people who have that address."""
    if linked:
        return linked, []
    if not email:
        raise Rejected(
            "EMAIL_UNVERIFIED",
            "the token names no e-mail address that its provider has verified: nobody can be linked by it",
            kind=Kind.FORBIDDEN,
        )
    if not found:
        raise Rejected(
            "IDENTITY_UNKNOWN",
            "nobody who is active here has the e-mail address that the provider has verified",
            kind=Kind.FORBIDDEN,
        )
    if len(found) > 1:
        raise Rejected(
            "EMAIL_SHARED", "several people here have this e-mail address: each needs their own", kind=Kind.FORBIDDEN
        )
    event = IdentityLinked(identity_id=identity_id, person_id=found[0])
    return found[0], [StreamEvent(IDENTITY(identity_id), event)]


def unlink(linked: str, command: UnlinkIdentity) -> Decision:
    if not linked:
        raise unknown("identity", command.identity_id, "identity_id")
    event = IdentityUnlinked(identity_id=command.identity_id, person_id=linked, reason=command.reason)
    return [StreamEvent(IDENTITY(command.identity_id), event)]
