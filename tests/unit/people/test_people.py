"""Tenants, units, people and their places."""

import unicodedata

import pytest

from eventkit.commands.aggregate import Decision
from eventkit.context import Actor
from eventkit.directory.facts import ORGANISATION, PERSON, TENANT, THE_ORGANISATION, Place
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1 import types_pb2 as t
from nhip.people.v1.people_pb2 import (
    AppointUnitHead,
    AssignPlace,
    ChangeRoles,
    CreateTenant,
    CreateUnit,
    RegisterPerson,
)
from services.people.domain import organisation, person, tenant
from services.people.domain.erasure import Erasure
from services.people.domain.needed import fills
from tests.unit.decisions import Given, context, given, rejected, words


def registered(state: Given, id: str, manager: str = "", unit: str = "") -> Decision:
    command = RegisterPerson(name=words(id.title()), place=t.Place(unit_id=unit, manager_id=manager))
    return person.register(state.state(ORGANISATION, THE_ORGANISATION), state.state(PERSON, manager), command, id)


def line() -> Given:
    """Minh reports to Phúc, who reports to Nam."""
    state = given(organisation.create_unit(ORGANISATION.initial, CreateUnit(name="Sales"), "sales"))
    for id, manager in (("nam", ""), ("phuc", "nam"), ("minh", "phuc")):
        state = state.and_then(registered(state, id, manager, "sales"))
    return state


def assign(state: Given, id: str, manager: str, unit: str = "sales", *, by: str = "lan") -> Decision:
    command = AssignPlace(person_id=id, place=t.Place(unit_id=unit, manager_id=manager))
    here = state.state(ORGANISATION, THE_ORGANISATION)
    return organisation.assign(
        here, state.state(PERSON, id), state.state(PERSON, manager), command, Actor("company-x", by)
    )


EVERYTHING = frozenset({"admin", "executive"})


def head(state: Given, id: str, *, by: str = "lan") -> Decision:
    command = AppointUnitHead(unit_id="sales", person_id=id)
    return organisation.appoint_head(
        state.state(ORGANISATION, THE_ORGANISATION), state.state(PERSON, id), command, Actor("company-x", by)
    )


def change(
    state: Given, id: str, *roles: t.Role.ValueType, by: str = "lan", others: frozenset[str] = EVERYTHING
) -> Decision:
    return person.change_roles(
        state.state(PERSON, id), ChangeRoles(person_id=id, roles=roles), Actor("company-x", by), others=others
    )


def deactivate(state: Given, id: str, *, others: frozenset[str] = EVERYTHING) -> Decision:
    return person.deactivate(state.state(PERSON, id), id, others=others)


def test_a_tenants_days_end_in_vietnam_unless_it_says_otherwise():
    made = given(tenant.create(None, CreateTenant(name="X"), context()))
    assert made.state(TENANT, "company-x").time_zone == "Asia/Ho_Chi_Minh"


def test_a_tenant_is_made_once():
    made = given(tenant.create(None, CreateTenant(name="X"), context())).state(TENANT, "company-x")
    assert tenant.create(made, CreateTenant(name="X"), context()) == []
    rejected("TENANT_EXISTS", lambda: tenant.create(made, CreateTenant(name="Y"), context()), field="name")


def test_two_units_have_two_names_as_people_read_them():
    made = given(organisation.create_unit(ORGANISATION.initial, CreateUnit(name=" Phòng  Kế toán"), "a")).state(
        ORGANISATION, THE_ORGANISATION
    )
    assert made.units["a"].name == "Phòng Kế toán"
    for spelt in ("phòng kế toán", unicodedata.normalize("NFD", "Phòng Kế toán ")):
        rejected(
            "UNIT_EXISTS", lambda spelt=spelt: organisation.create_unit(made, CreateUnit(name=spelt), "b"), field="name"
        )


def test_a_person_comes_in_with_a_place():
    state = line().state(ORGANISATION, THE_ORGANISATION)
    assert state.places["minh"] == Place("sales", "phuc")


def test_nobody_reports_to_themselves_over_others_or_not():
    rejected("REPORTING_CIRCLE", lambda: assign(line(), "nam", "minh"), field="place.manager_id")
    rejected("REPORTING_CIRCLE", lambda: assign(line(), "nam", "nam"), field="place.manager_id")


def test_a_place_that_is_had_already_changes_nothing():
    assert assign(line(), "minh", "phuc") == []


def test_a_manager_or_unit_that_is_not_there_is_named():
    rejected("PERSON_UNKNOWN", lambda: assign(line(), "minh", "ghost"), field="place.manager_id")
    rejected("UNIT_UNKNOWN", lambda: assign(line(), "minh", "nam", "nowhere"), field="place.unit_id")


def test_who_left_is_nobodys_manager_and_heads_no_unit():
    state = line()
    state = state.and_then(deactivate(state, "phuc"))
    rejected("PERSON_INACTIVE", lambda: assign(state, "minh", "phuc", ""), field="place.manager_id")
    rejected("PERSON_INACTIVE", lambda: head(state, "phuc"), field="person_id")
    rejected("PERSON_INACTIVE", lambda: change(state, "phuc", t.ROLE_EXECUTIVE), field="person_id")
    assert deactivate(state, "phuc") == []


def test_roles_change_from_before_to_after():
    state = line()
    decision = change(state, "nam", t.ROLE_EMPLOYEE, t.ROLE_EXECUTIVE)
    assert state.and_then(decision).state(PERSON, "nam").roles == ("employee", "executive")
    assert change(state.and_then(decision), "nam", t.ROLE_EMPLOYEE, t.ROLE_EXECUTIVE) == []


def test_nobody_gives_a_role_to_themself_and_anybody_may_lay_one_down():
    state = line().and_then(change(line(), "nam", t.ROLE_ADMIN, t.ROLE_EXECUTIVE))
    rejected("OWN_ROLES", lambda: change(state, "nam", t.ROLE_ADMIN, t.ROLE_EXECUTIVE, t.ROLE_OKR_MASTER, by="nam"))
    rejected("OWN_ROLES", lambda: change(state, "nam", t.ROLE_OKR_MASTER, by="nam"))
    assert len(change(state, "nam", t.ROLE_EXECUTIVE, by="nam")) == 1


def test_nobody_chooses_their_own_manager_or_makes_themself_the_head_of_a_unit():
    rejected("OWN_PLACE", lambda: assign(line(), "minh", "nam", by="minh"))
    rejected("OWN_PLACE", lambda: head(line(), "minh", by="minh"))
    assert assign(line(), "minh", "phuc", by="minh") == []
    assert len(head(line(), "minh", by="nam")) == 1


@pytest.mark.parametrize(
    ("role", "reason"), [(t.ROLE_ADMIN, "LAST_ADMINISTRATOR"), (t.ROLE_EXECUTIVE, "LAST_EXECUTIVE")]
)
def test_the_last_one_who_fills_a_needed_role_stays(role: t.Role.ValueType, reason: str):
    state = line().and_then(change(line(), "nam", role))
    for by in ("nam", "lan"):
        rejected(reason, lambda by=by: change(state, "nam", t.ROLE_EMPLOYEE, by=by, others=frozenset()), field="roles")
    rejected(reason, lambda: deactivate(state, "nam", others=frozenset()), field="person_id")
    assert len(change(state, "nam", t.ROLE_EMPLOYEE)) == 1
    assert len(deactivate(state, "nam")) == 1


def test_who_audits_fills_no_other_role():
    state = line().and_then(change(line(), "nam", t.ROLE_ADMIN))
    rejected("LAST_ADMINISTRATOR", lambda: change(state, "nam", t.ROLE_ADMIN, t.ROLE_AUDITOR, others=frozenset()))
    auditing = state.and_then(change(state, "nam", t.ROLE_ADMIN, t.ROLE_AUDITOR))
    assert fills(auditing.state(PERSON, "nam")) == frozenset()


def test_who_is_about_to_be_erased_or_left_fills_no_role_any_more():
    state = line().and_then(change(line(), "nam", t.ROLE_ADMIN))
    nam = state.state(PERSON, "nam")
    assert fills(nam, Erasure(pb.ERASURE_STATE_REQUESTED)) == {"admin"}
    assert fills(nam, Erasure(pb.ERASURE_STATE_APPROVED)) == frozenset()
    assert fills(state.and_then(deactivate(state, "nam")).state(PERSON, "nam")) == frozenset()
