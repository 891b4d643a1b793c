"""The directory's read models of what lets somebody in beside a password: integrations with their keys, and whom
sign-ins elsewhere mean."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from eventkit.commands.aggregate import UnknownEvent
from eventkit.directory.identities import IDENTITY
from eventkit.directory.integrations import INTEGRATION
from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, WrittenWhole, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed, to_datetime
from nhip.people.v1.events_pb2 import (
    IdentityLinked,
    IdentityUnlinked,
    IntegrationChanged,
    IntegrationKeyRotated,
    IntegrationMade,
    IntegrationOldKeyStopped,
    IntegrationRevoked,
)


@dataclass(frozen=True, slots=True)
class IntegrationRow:
    tenant: str
    integration_id: str
    name: str
    facts: bytes
    """The message of the contract."""
    polls: bool
    """It is not sent values alone, but looks at a table."""
    key_sha256: str
    """Empty: it was revoked."""
    key_hint: str
    key_made_at: datetime
    old_sha256: str
    """Of the key before; empty: there was none, or it was stopped."""
    old_hint: str
    old_until: datetime | None
    made_by: str
    made_at: datetime
    revoked_by: str
    revoked_at: datetime | None
    reason: bytes
    """Sealed: why it was revoked."""


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """Whom an identity at a provider means."""

    tenant: str
    identity_id: str
    person_id: str
    """Empty: nobody any more."""
    linked_at: datetime


class IdentityView(WrittenWhole[IdentityRow, IdentityLinked | IdentityUnlinked]):
    name, source, categories, key = "directory_identity", "people", (IDENTITY.category,), ("tenant", "identity_id")
    version = VERSION
    indexes = ("tenant, person_id",)
    row = IdentityRow
    folds = (IdentityLinked, IdentityUnlinked)

    def written(self, event: Recorded, e: IdentityLinked | IdentityUnlinked) -> IdentityRow:
        person = e.person_id if isinstance(e, IdentityLinked) else ""
        return IdentityRow(event.tenant, e.identity_id, person, event.recorded_at)

    def expected(self, events: Sequence[Recorded]) -> Iterable[IdentityRow]:
        person = IDENTITY.fold(messages(events))
        yield IdentityRow(events[0].tenant, events[0].stream.id, person, events[-1].recorded_at)


class IntegrationView(View[IntegrationRow]):
    name, source, categories = "directory_integration", "people", (INTEGRATION.category,)
    key = ("tenant", "integration_id")
    version = VERSION
    row = IntegrationRow
    folds = (IntegrationChanged, IntegrationKeyRotated, IntegrationMade, IntegrationOldKeyStopped, IntegrationRevoked)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[IntegrationRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case IntegrationMade() as e:
                rows.put(
                    IntegrationRow(
                        *key,
                        name=e.integration.name,
                        facts=packed(e.integration),
                        polls=e.integration.HasField("polled"),
                        key_sha256=e.key.sha256,
                        key_hint=e.key.hint,
                        key_made_at=event.recorded_at,
                        old_sha256="",
                        old_hint="",
                        old_until=None,
                        made_by=event.origin.actor,
                        made_at=event.recorded_at,
                        revoked_by="",
                        revoked_at=None,
                        reason=b"",
                    )
                )
            case IntegrationChanged() as e:
                rows.put(replace(rows[key], name=e.after.name, facts=packed(e.after), polls=e.after.HasField("polled")))
            case IntegrationKeyRotated() as e:
                row = rows[key]
                rows.put(
                    replace(
                        row,
                        key_sha256=e.key.sha256,
                        key_hint=e.key.hint,
                        key_made_at=event.recorded_at,
                        old_sha256=row.key_sha256,
                        old_hint=row.key_hint,
                        old_until=to_datetime(e.old_until),
                    )
                )
            case IntegrationOldKeyStopped():
                rows.put(replace(rows[key], old_sha256="", old_hint="", old_until=None))
            case IntegrationRevoked() as e:
                rows.put(
                    replace(
                        rows[key],
                        polls=False,
                        key_sha256="",
                        old_sha256="",
                        old_hint="",
                        old_until=None,
                        revoked_by=event.origin.actor,
                        revoked_at=event.recorded_at,
                        reason=packed(e.reason),
                    )
                )
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[IntegrationRow]:
        state = INTEGRATION.fold(messages(events))
        if state is None:
            return
        known = [event for event in events if event.message is not None]
        keyed = [e for e in known if isinstance(e.message, IntegrationMade | IntegrationKeyRotated)]
        revoked = next((e for e in known if isinstance(e.message, IntegrationRevoked)), None)
        first, old = keyed[0], state.keys[1] if len(state.keys) > 1 else None
        last_key = cast(IntegrationMade | IntegrationKeyRotated, keyed[-1].message).key
        yield IntegrationRow(
            first.tenant,
            state.id,
            name=state.name,
            facts=packed(state.facts),
            polls=state.facts.HasField("polled") and not state.revoked,
            key_sha256=state.keys[0].sha256 if state.keys else "",
            key_hint=last_key.hint,
            key_made_at=keyed[-1].recorded_at,
            old_sha256=old.sha256 if old else "",
            old_hint=old.hint if old else "",
            old_until=old.until if old else None,
            made_by=first.origin.actor,
            made_at=first.recorded_at,
            revoked_by=revoked.origin.actor if revoked else "",
            revoked_at=revoked.recorded_at if revoked else None,
            reason=packed(cast(IntegrationRevoked, revoked.message).reason) if revoked else b"",
        )
