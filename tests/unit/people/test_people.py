"""Tenants, units, people and their places."""

from eventkit.aggregate import Decision
from eventkit.directory.facts import ORGANISATION, PERSON, TENANT, THE_ORGANISATION, Place
from nhip.people.v1 import types_pb2 as t
from nhip.people.v1.people_pb2 import AppointUnitHead, AssignPlace, ChangeRoles, CreateTenant, CreateUnit, RegisterPerson
from services.people.domain import organisation, person, tenant
from tests.unit.decisions import Given, context, given, rejected, words


def registered(state: Given, id: str, manager: str = "", unit: str = "") -> Decision:
    command = RegisterPerson(name=words(id.title()), place=t.Place(unit_id=unit, manager_id=manager))
    return person.register(state.state(ORGANISATION, THE_ORGANISATION), state.state(PERSON, manager), command, id)


def line() -> Given:
    """Minh reports to Phúc, who reports to Nam."""
    state = given(organisation.create_unit(None, CreateUnit(name="Sales"), "sales"))
    for id, manager in (("nam", ""), ("phuc", "nam"), ("minh", "phuc")):
        state = state.and_then(registered(state, id, manager, "sales"))
    return state


def assign(state: Given, id: str, manager: str, unit: str = "sales") -> Decision:
    command = AssignPlace(person_id=id, place=t.Place(unit_id=unit, manager_id=manager))
    return organisation.assign(state.state(ORGANISATION, THE_ORGANISATION), state.state(PERSON, id), state.state(PERSON, manager), command)


def test_a_tenants_days_end_in_vietnam_unless_it_says_otherwise():
    made = given(tenant.create(None, CreateTenant(name="X"), context()))
    assert made.state(TENANT, "company-x").time_zone == "Asia/Ho_Chi_Minh"


def test_a_tenant_is_made_once():
    made = given(tenant.create(None, CreateTenant(name="X"), context())).state(TENANT, "company-x")
    assert tenant.create(made, CreateTenant(name="X"), context()) == []
    rejected("TENANT_EXISTS", lambda: tenant.create(made, CreateTenant(name="Y"), context()), field="name")


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
    state = state.and_then(person.deactivate(state.state(PERSON, "phuc"), "phuc"))
    rejected("PERSON_INACTIVE", lambda: assign(state, "minh", "phuc", ""), field="place.manager_id")
    head = AppointUnitHead(unit_id="sales", person_id="phuc")
    rejected(
        "PERSON_INACTIVE",
        lambda: organisation.appoint_head(state.state(ORGANISATION, THE_ORGANISATION), state.state(PERSON, "phuc"), head),
        field="person_id",
    )
    assert person.deactivate(state.state(PERSON, "phuc"), "phuc") == []


def test_roles_change_from_before_to_after():
    state = line()
    command = ChangeRoles(person_id="nam", roles=[t.ROLE_EMPLOYEE, t.ROLE_EXECUTIVE])
    decision = person.change_roles(state.state(PERSON, "nam"), command)
    assert state.and_then(decision).state(PERSON, "nam").roles == ("employee", "executive")
    assert person.change_roles(state.and_then(decision).state(PERSON, "nam"), command) == []
