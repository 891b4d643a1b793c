"""Whom integrations keep for the company's own directory, and how that calls them: sealed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole, messages
from eventkit.values import packed
from nhip.people.v1.events_pb2 import PersonSynced, PersonSyncEnded
from services.people.domain.synced import SYNCED


@dataclass(frozen=True, slots=True)
class SyncedRow:
    tenant: str
    person_id: str
    integration_id: str
    """Empty: nobody keeps them any more."""
    user_name: bytes
    external_id: bytes
    position: int
    """Of the event that said so: what is newer is found by it."""


class SyncedView(WrittenWhole[SyncedRow, PersonSynced | PersonSyncEnded]):
    name, source, categories, key = "synced", "people", (SYNCED.category,), ("tenant", "person_id")
    version = VERSION
    indexes = ("tenant, position",)
    row = SyncedRow
    folds = (PersonSynced, PersonSyncEnded)

    def written(self, event: Recorded, e: PersonSynced | PersonSyncEnded) -> SyncedRow:
        state = SYNCED.evolve(SYNCED.initial, e)
        return self._row(event, state.integration_id, packed(state.user_name), packed(state.external_id))

    def expected(self, events: Sequence[Recorded]) -> Iterable[SyncedRow]:
        state = SYNCED.fold(messages(events))
        yield self._row(events[-1], state.integration_id, packed(state.user_name), packed(state.external_id))

    def _row(self, event: Recorded, integration_id: str, user_name: bytes, external_id: bytes) -> SyncedRow:
        return SyncedRow(
            event.tenant,
            event.stream.id,
            integration_id,
            user_name,
            external_id,
            event.position,
        )


SYNCED_PEOPLE = SyncedView().table
