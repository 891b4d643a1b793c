"""Integrations: who they are, what they may, and by which keys they are known (X-07)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from eventkit.context import Actor, Context
from eventkit.directory.facts import OrgChart, Person, Place, Unit
from eventkit.directory.integrations import INTEGRATION, Integration
from eventkit.directory.responsibility import in_scope
from eventkit.errors import Rejected
from eventkit.values import from_date
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import integrations_pb2 as pb
from nhip.people.v1 import types_pb2 as t
from services.people.domain import integration as i
from tests.unit.decisions import rejected

NOW = datetime(2025, 3, 20, 3, tzinfo=UTC)
TODAY = date(2025, 3, 20)
ORG = OrgChart(
    people={
        "minh": Person("minh", PersonalText(), PersonalText(), ("employee",)),
        "lan": Person("lan", PersonalText(), PersonalText(), ("employee",), active=False),
    },
    places={"minh": Place("sales_north")},
    units={"sales": Unit("sales", "Sales"), "sales_north": Unit("sales_north", "Bắc", parent_id="sales")},
)
RECORD = pb.INTEGRATION_VERB_RECORD
FIRST, SECOND = pb.IntegrationKey(sha256="a" * 64, hint="aaaa"), pb.IntegrationKey(sha256="b" * 64, hint="bbbb")


def facts(**given: object) -> pb.IntegrationFacts:
    scope = pb.IntegrationScope(verbs=[pb.INTEGRATION_VERB_RECORD])
    return pb.IntegrationFacts(**{"name": "CRM", "account_id": "minh", "scope": scope, **given})  # type: ignore[arg-type]


def table(**given: object) -> pb.PolledTable:
    url = "https://docs.google.com/spreadsheets/d/e/x/pub?output=csv"
    return pb.PolledTable(**{"url": url, "kpi_column": "KPI", "value_column": "Số", **given})  # type: ignore[arg-type]


def made(wanted: pb.IntegrationFacts | None = None) -> Integration:
    found = INTEGRATION.fold([one.event for one in i.make(wanted or facts(), FIRST, "crm", ORG, TODAY)])
    assert found is not None
    return found


def then(state: Integration | None, decision: list) -> Integration:  # type: ignore[type-arg]
    for one in decision:
        state = INTEGRATION.evolve(state, one.event)
    assert state is not None
    return state


def at(moment: datetime) -> Context:
    return Context(Actor("acme", "huong"), moment, uuid4())


def good(state: Integration, moment: datetime, day: date = TODAY) -> list[str]:
    return [key.hint for key in state.good_keys(moment, day)]


def test_the_key_before_goes_on_for_two_days_beside_the_new_one():
    rotated = then(made(), i.rotate(made(), "crm", SECOND, ORG, at(NOW)))
    assert good(rotated, NOW + timedelta(hours=47)) == ["bbbb", "aaaa"]
    assert good(rotated, NOW + timedelta(hours=48)) == ["bbbb"]


def test_the_key_before_is_stopped_at_once_where_it_leaked():
    rotated = then(made(), i.rotate(made(), "crm", SECOND, ORG, at(NOW)))
    stopped = then(rotated, i.stop_old_key(rotated, "crm"))
    assert good(stopped, NOW) == ["bbbb"]
    assert i.stop_old_key(stopped, "crm") == []


def test_a_third_key_ends_the_first():
    state = then(made(), i.rotate(made(), "crm", SECOND, ORG, at(NOW)))
    state = then(state, i.rotate(state, "crm", pb.IntegrationKey(sha256="c" * 64, hint="cccc"), ORG, at(NOW)))
    assert good(state, NOW) == ["cccc", "bbbb"]


def test_what_is_revoked_has_no_key_and_gets_none():
    revoked = then(made(), i.revoke(made(), pb.RevokeIntegration(integration_id="crm")))
    assert good(revoked, NOW) == []
    assert i.revoke(revoked, pb.RevokeIntegration(integration_id="crm")) == []
    with pytest.raises(Rejected, match="INTEGRATION_REVOKED"):
        i.rotate(revoked, "crm", SECOND, ORG, at(NOW))
    with pytest.raises(Rejected, match="INTEGRATION_REVOKED"):
        i.change(revoked, "crm", facts(name="Khác"), ORG, TODAY)


def test_its_keys_end_with_its_last_day():
    state = made(facts(expires_on=from_date(TODAY)))
    assert good(state, NOW) == ["aaaa"]
    assert good(state, NOW, TODAY + timedelta(days=1)) == []


def test_a_change_says_before_and_after_and_what_is_so_already_is_none():
    state = made()
    [event] = i.change(state, "crm", facts(name="CRM  mới"), ORG, TODAY)
    assert (event.event.before.name, event.event.after.name) == ("CRM", "CRM mới")  # type: ignore[attr-defined]
    assert i.change(state, "crm", facts(), ORG, TODAY) == []


def test_who_left_stays_on_the_account_until_somebody_else_is_named():
    org = replace(ORG, people={**ORG.people, "minh": replace(ORG.people["minh"], active=False)})
    assert i.change(made(), "crm", facts(name="Khác"), org, TODAY)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (facts(account_id="lan"), "PERSON_INACTIVE"),
        (facts(account_id="nobody"), "PERSON_UNKNOWN"),
        (facts(expires_on=from_date(date(2025, 3, 19))), "DAY_OVER"),
        (facts(scope=pb.IntegrationScope(verbs=[RECORD, RECORD])), "TWICE"),
        (facts(scope=pb.IntegrationScope(verbs=[RECORD], unit_ids=["nowhere"])), "UNIT_UNKNOWN"),
        (
            facts(source_names=[pb.SourceName(called="Demo", kpi_id="a"), pb.SourceName(called="demo ", kpi_id="b")]),
            "TWICE",
        ),
        (facts(scope=pb.IntegrationScope(verbs=[pb.INTEGRATION_VERB_READ]), polled=table()), "RECORDS_NOTHING"),
        (facts(polled=table(url="http://docs.google.com/x")), "LINK_INVALID"),
        (facts(polled=table(url="https://user@docs.google.com/x")), "LINK_INVALID"),
        (facts(polled=table(url="https://docs.google.com:8443/x")), "LINK_INVALID"),
        (facts(polled=table(every_minutes=4)), "TOO_OFTEN"),
        (facts(polled=table(numbers="fr")), "NOT_ONE_OF"),
        (facts(polled=table(days="ymd")), "NOT_ONE_OF"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(wanted: pb.IntegrationFacts, reason: str):
    with pytest.raises(Rejected) as refused:
        i.make(wanted, FIRST, "crm", ORG, TODAY)
    assert refused.value.reason == reason
    assert refused.value.violations[0].field.startswith("integration.")


def test_a_key_is_one_integrations_and_known_by_its_digest_alone():
    org = replace(ORG, integrations={"crm": made()})
    with pytest.raises(Rejected, match="KEY_KNOWN"):
        i.make(facts(), FIRST, "other", org, TODAY)
    with pytest.raises(Rejected, match="DIGEST_INVALID"):
        i.make(facts(), pb.IntegrationKey(sha256="nhip_acme_secret", hint="cret"), "other", org, TODAY)


def test_a_company_has_so_many_and_no_more():
    org = replace(ORG, integrations={str(n): made() for n in range(i.MOST)})
    with pytest.raises(Rejected, match="INTEGRATIONS_FULL"):
        i.make(facts(), SECOND, "more", org, TODAY)


# --- scope ---


def scope(**given: object) -> pb.IntegrationScope:
    return pb.IntegrationScope(verbs=[pb.INTEGRATION_VERB_RECORD], **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "covered"),
    [
        (scope(), True),
        (scope(unit_ids=["sales"]), True),  # the unit above Minh's
        (scope(unit_ids=["support"]), False),
        (scope(kpi_ids=["demos"]), True),
        (scope(kpi_ids=["calls"]), False),
        (scope(unit_ids=["support"], kpi_ids=["demos"]), True),  # one beside the other
        (scope(cycle_ids=["q1"]), True),
        (scope(cycle_ids=["q2"]), False),
        (scope(kpi_ids=["demos"], cycle_ids=["q2"]), False),  # cycles narrow all of it
    ],
)
def test_a_scope_covers_a_persons_kpi_by_their_unit(wanted: pb.IntegrationScope, covered: bool):
    assert in_scope(wanted, "demos", "q1", "", ("minh",), ORG) is covered


def test_of_a_units_kpi_it_is_the_unit_that_counts_and_not_its_head():
    assert not in_scope(scope(unit_ids=["sales_north"]), "demos", "q1", "sales", ("minh",), ORG)


def test_everything_is_everything_only_without_a_limit():
    assert made().may == {"record", "everything"}
    assert made(facts(scope=scope(kpi_ids=["demos"]))).may == {"record"}


KEEP = pb.INTEGRATION_VERB_KEEP_PEOPLE


def keeping(*groups: tuple[str, "t.Role.ValueType"], verbs: tuple[int, ...] = (KEEP,), units: tuple[str, ...] = ()):
    scope = pb.IntegrationScope(verbs=verbs, unit_ids=units)  # type: ignore[arg-type] # fields by name
    return facts(scope=scope, group_roles=[pb.GroupRole(group=group, role=role) for group, role in groups])


def test_what_keeps_people_does_nothing_else_and_keeps_all_of_them():
    assert made(keeping()).may == {"keep", "everything"}
    for wrong, reason in (
        (keeping(verbs=(KEEP, RECORD)), "KEEPS_ALONE"),
        (keeping(units=("sales",)), "KEEPS_EVERYBODY"),
        (keeping(("Admins", t.ROLE_ADMIN), verbs=(RECORD,)), "KEEPS_NOBODY"),
    ):
        rejected(reason, lambda wrong=wrong: made(wrong))


def test_a_group_gives_one_role_and_a_role_is_of_one_group():
    assert made(keeping((" Nhip  Admins ", t.ROLE_ADMIN))).facts.group_roles[0].group == "Nhip Admins"
    rejected("TWICE", lambda: made(keeping(("Admins", t.ROLE_ADMIN), ("admins", t.ROLE_AUDITOR))))
    rejected("TWICE", lambda: made(keeping(("Admins", t.ROLE_ADMIN), ("Others", t.ROLE_ADMIN))))
    rejected("ROLE_UNKNOWN", lambda: made(keeping(("Everybody", t.ROLE_EMPLOYEE))))
