"""Integrations: programs with a principal of their own, what they may, and by which keys they are known.

Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from eventkit.commands.aggregate import Aggregate, begun, refuse_unknown
from eventkit.names import name_key
from eventkit.values import to_date, to_datetime
from nhip.people.v1.events_pb2 import (
    IntegrationChanged,
    IntegrationKeyRotated,
    IntegrationMade,
    IntegrationOldKeyStopped,
    IntegrationRevoked,
)
from nhip.people.v1.integrations_pb2 import (
    INTEGRATION_VERB_KEEP_PEOPLE,
    INTEGRATION_VERB_READ,
    INTEGRATION_VERB_RECORD,
    IntegrationFacts,
)

READ, RECORD, KEEP, EVERYTHING = "read", "record", "keep", "everything"
"""What access tables call what an integration may: read, record, and that with whatever is there; keep people."""
OLD_KEY_GOES_ON = timedelta(hours=48)
"""How long a key is good beside the one that replaces it."""


@dataclass(frozen=True, slots=True)
class Key:
    sha256: str
    hint: str
    until: datetime | None = None
    """None: as long as its integration works."""


@dataclass(frozen=True, slots=True)
class Integration:
    id: str
    facts: IntegrationFacts
    keys: tuple[Key, ...]
    """The one that is in force, and the one before."""
    revoked: bool = False

    @property
    def name(self) -> str:
        return self.facts.name

    @property
    def account(self) -> str:
        """On whose account it works, as events keep it."""
        return f"person:{self.facts.account_id}"

    def works(self, today: date) -> bool:
        last = to_date(self.facts.expires_on)
        return not self.revoked and (last is None or today <= last)

    def good_keys(self, at: datetime, today: date) -> Iterator[Key]:
        """Those by which it is known at an instant."""
        if self.works(today):
            yield from (key for key in self.keys if key.until is None or at < key.until)

    @property
    def may(self) -> frozenset[str]:
        """What access tables ask for."""
        words = {INTEGRATION_VERB_READ: READ, INTEGRATION_VERB_RECORD: RECORD, INTEGRATION_VERB_KEEP_PEOPLE: KEEP}
        return frozenset(words[verb] for verb in self.facts.scope.verbs) | (
            {EVERYTHING} if self._all else frozenset[str]()
        )

    @property
    def _all(self) -> bool:
        scope = self.facts.scope
        return not (scope.unit_ids or scope.kpi_ids or scope.cycle_ids)

    def named(self, called: str) -> str:
        """The KPI that the source calls so; else what it says, which may be an id."""
        wanted = name_key(called)
        return next((one.kpi_id for one in self.facts.source_names if name_key(one.called) == wanted), called.strip())


IntegrationEvent = (
    IntegrationMade | IntegrationChanged | IntegrationKeyRotated | IntegrationOldKeyStopped | IntegrationRevoked
)


def evolve(integration: Integration | None, event: IntegrationEvent) -> Integration:
    match event:
        case IntegrationMade():
            return Integration(event.integration_id, event.integration, (Key(event.key.sha256, event.key.hint),))
        case IntegrationChanged():
            return replace(begun(integration, event), facts=event.after)
        case IntegrationKeyRotated():
            now = begun(integration, event)
            old = replace(now.keys[0], until=to_datetime(event.old_until))
            return replace(now, keys=(Key(event.key.sha256, event.key.hint), old))
        case IntegrationOldKeyStopped():
            now = begun(integration, event)
            return replace(now, keys=now.keys[:1])
        case IntegrationRevoked():
            return replace(begun(integration, event), keys=(), revoked=True)
        case _:
            refuse_unknown(event)


INTEGRATION = Aggregate[Integration | None]("integration", None, evolve)
