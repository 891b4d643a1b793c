"""An integration: a program that reads or brings values in, with a scope and keys of its own (X-07)."""

import re
from datetime import date

from google.protobuf.timestamp_pb2 import Timestamp

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.directory.integrations import INTEGRATION, OLD_KEY_GOES_ON, Integration
from eventkit.errors import Kind, Rejected, unknown
from eventkit.names import name_key, tidy
from eventkit.values import from_datetime, to_date
from nhip.people.v1.events_pb2 import (
    IntegrationChanged,
    IntegrationKeyRotated,
    IntegrationMade,
    IntegrationOldKeyStopped,
    IntegrationRevoked,
)
from nhip.people.v1.integrations_pb2 import (
    INTEGRATION_VERB_KEEP_PEOPLE,
    INTEGRATION_VERB_RECORD,
    IntegrationFacts,
    IntegrationKey,
    RevokeIntegration,
)
from nhip.people.v1.types_pb2 import ROLE_EMPLOYEE

MOST = 200
"""Integrations of a company that are not revoked."""
LEAST_MINUTES, USUAL_MINUTES = 5, 60
"""Between two looks at a table."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ADDRESS = re.compile(r"https://[a-z0-9.-]+(?::443)?(?:/[^\s#]*)?", re.IGNORECASE)


def make(wanted: IntegrationFacts, key: IntegrationKey, id: str, org: OrgChart, today: date) -> Decision:
    if sum(not one.revoked for one in org.integrations.values()) >= MOST:
        raise Rejected(
            "INTEGRATIONS_FULL",
            f"there are {MOST} integrations: revoke one that nobody uses",
            rule="X-07",
            parameters={"most": str(MOST)},
        )
    facts = _checked(wanted, org, today)
    return [StreamEvent(INTEGRATION(id), IntegrationMade(integration_id=id, integration=facts, key=_key(key, org)))]


def change(state: Integration | None, id: str, wanted: IntegrationFacts, org: OrgChart, today: date) -> Decision:
    known = _working(state, id)
    after = _checked(wanted, org, today, before=known.facts)
    if after == known.facts:
        return []
    return [StreamEvent(INTEGRATION(id), IntegrationChanged(integration_id=id, before=known.facts, after=after))]


def rotate(state: Integration | None, id: str, key: IntegrationKey, org: OrgChart, ctx: Context) -> Decision:
    """Another key; the one before goes on for a while, and one before that ends now."""
    known = _working(state, id)
    if known.keys[0].sha256 == key.sha256:
        return []
    until: Timestamp = from_datetime(ctx.at + OLD_KEY_GOES_ON)
    rotated = IntegrationKeyRotated(integration_id=id, key=_key(key, org), old_until=until)
    return [StreamEvent(INTEGRATION(id), rotated)]


def stop_old_key(state: Integration | None, id: str) -> Decision:
    known = _working(state, id)
    if len(known.keys) < 2:
        return []
    return [StreamEvent(INTEGRATION(id), IntegrationOldKeyStopped(integration_id=id))]


def revoke(state: Integration | None, command: RevokeIntegration) -> Decision:
    id = command.integration_id
    if state is None:
        raise unknown("integration", id, "integration_id")
    if state.revoked:
        return []
    return [StreamEvent(INTEGRATION(id), IntegrationRevoked(integration_id=id, reason=command.reason))]


def _working(state: Integration | None, id: str) -> Integration:
    if state is None:
        raise unknown("integration", id, "integration_id")
    if state.revoked:
        raise Rejected("INTEGRATION_REVOKED", "it was revoked: make another one", field="integration_id", rule="X-07")
    return state


def _key(key: IntegrationKey, org: OrgChart) -> IntegrationKey:
    if not _SHA256.fullmatch(key.sha256):
        raise _invalid("DIGEST_INVALID", "give the SHA-256 digest of the key: 64 of 0-9 and a-f", "key.sha256")
    if any(key.sha256 == one.sha256 for known in org.integrations.values() for one in known.keys):
        raise _invalid("KEY_KNOWN", "this key is one already: draw another one at random", "key.sha256")
    return key


def _checked(
    wanted: IntegrationFacts, org: OrgChart, today: date, *, before: IntegrationFacts | None = None
) -> IntegrationFacts:
    at = "integration"
    facts = IntegrationFacts()
    facts.CopyFrom(wanted)
    facts.name, facts.purpose = tidy(wanted.name), wanted.purpose.strip()
    moved = before is None or before.account_id != facts.account_id
    if moved and not org.is_active(facts.account_id):
        if facts.account_id not in org.people:
            raise unknown("person", facts.account_id, f"{at}.account_id")
        raise Rejected("PERSON_INACTIVE", "name somebody who is here", field=f"{at}.account_id")
    if len(set(facts.scope.verbs)) < len(facts.scope.verbs):
        raise _invalid("TWICE", "name each once", f"{at}.scope.verbs")
    for unit in facts.scope.unit_ids:
        if unit not in org.units:
            raise unknown("unit", unit, f"{at}.scope.unit_ids")
    last = to_date(facts.expires_on)
    if last is not None and last < today and (before is None or before.expires_on != facts.expires_on):
        raise _invalid("DAY_OVER", "give today or a day to come", f"{at}.expires_on")
    _check_keeping(facts)
    called = [name_key(one.called) for one in facts.source_names]
    if len(set(called)) < len(called):
        raise _invalid("TWICE", "what the source calls a KPI is the name of one", f"{at}.source_names")
    if facts.HasField("polled"):
        _check_polled(facts)
    return facts


def _check_keeping(facts: IntegrationFacts) -> None:
    """Who keeps people keeps all of them, and does nothing else: its words are open to it."""
    scope, at = facts.scope, "integration.scope"
    if INTEGRATION_VERB_KEEP_PEOPLE in scope.verbs:
        if len(scope.verbs) > 1:
            raise _invalid("KEEPS_ALONE", "what keeps people does nothing else: make another key", f"{at}.verbs")
        if scope.unit_ids or scope.kpi_ids or scope.cycle_ids:
            raise _invalid("KEEPS_EVERYBODY", "what keeps people keeps all of them: name no units, KPIs, cycles", at)
    elif facts.group_roles:
        raise _invalid("KEEPS_NOBODY", "only what keeps people has groups", "integration.group_roles")
    for one in facts.group_roles:
        one.group = tidy(one.group)
        if one.role == ROLE_EMPLOYEE:
            raise _invalid("ROLE_UNKNOWN", "name a role beyond an employee's", "integration.group_roles")
    names, roles = [name_key(one.group) for one in facts.group_roles], [one.role for one in facts.group_roles]
    if len(set(names)) < len(names) or len(set(roles)) < len(roles):
        raise _invalid("TWICE", "each group gives one role, each role is of one group", "integration.group_roles")


def _check_polled(facts: IntegrationFacts) -> None:
    polled, at = facts.polled, "integration.polled"
    if INTEGRATION_VERB_RECORD not in facts.scope.verbs:
        raise _invalid("RECORDS_NOTHING", "what looks at a table records values: give it that", "integration.scope")
    if not _ADDRESS.fullmatch(polled.url):
        raise _invalid("LINK_INVALID", 'give an address that begins with "https://"', f"{at}.url")
    if polled.every_minutes and polled.every_minutes < LEAST_MINUTES:
        parameters = {"least": str(LEAST_MINUTES)}
        raise _invalid("TOO_OFTEN", f"at least {LEAST_MINUTES} minutes", f"{at}.every_minutes", parameters)
    polled.every_minutes = polled.every_minutes or USUAL_MINUTES
    if polled.numbers not in ("", "vi", "en"):
        raise _invalid("NOT_ONE_OF", "vi, en, or nothing", f"{at}.numbers")
    if polled.days not in ("", "dmy", "mdy"):
        raise _invalid("NOT_ONE_OF", "dmy, mdy, or nothing", f"{at}.days")


def _invalid(reason: str, message: str, field: str, parameters: dict[str, str] | None = None) -> Rejected:
    return Rejected(reason, message, kind=Kind.INVALID, field=field, rule="X-07", parameters=parameters)
