"""How people want to be told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole, messages
from eventkit.values import packed
from nhip.notifications.v1.events_pb2 import PreferencesChanged
from services.notifications.domain.preferences import PREFERENCES
from services.notifications.views.notice import VERSION


@dataclass(frozen=True, slots=True)
class PreferencesRow:
    """A person's preferences: the message of the contract as bytes."""

    tenant: str
    person_id: str
    preferences: bytes


class PreferencesView(WrittenWhole[PreferencesRow, PreferencesChanged]):
    name, source, categories, key = "preferences", "notifications", (PREFERENCES.category,), ("tenant", "person_id")
    version = VERSION
    row = PreferencesRow
    folds = (PreferencesChanged,)

    def written(self, event: Recorded, e: PreferencesChanged) -> PreferencesRow:
        return PreferencesRow(event.tenant, e.person_id, packed(e.after))

    def expected(self, events: Sequence[Recorded]) -> Iterable[PreferencesRow]:
        if preferences := PREFERENCES.fold(messages(events)):
            yield PreferencesRow(events[0].tenant, events[0].stream.id, packed(preferences))


TABLE = PreferencesView().table
