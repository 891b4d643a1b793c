"""Tenants, units, people and their places."""

import unicodedata

import pytest

from eventkit.context import Actor
from eventkit.directory.facts import ORGANISATION, PERSON, TENANT, THE_ORGANISATION, Place
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1 import types_pb2 as t
from nhip.people.v1.events_pb2 import RolesChanged
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
from tests.unit.decisions import Command, Given, context, given, words


def register(id: str, manager: str = "", unit: str = "") -> Command:
    command = RegisterPerson(name=words(id.title()), place=t.Place(unit_id=unit, manager_id=manager))
    return lambda state: person.register(
        state.state(ORGANISATION, THE_ORGANISATION), state.state(PERSON, manager), command, id
    )


def create_unit(name: str, id: str) -> Command:
    command = CreateUnit(name=name)
    return lambda state: organisation.create_unit(state.state(ORGANISATION, THE_ORGANISATION), command, id)


def line() -> Given:
    """Minh reports to Phúc, who reports to Nam."""
    people = (("nam", ""), ("phuc", "nam"), ("minh", "phuc"))
    return given(create_unit("Sales", "sales"), *(register(id, manager, "sales") for id, manager in people))


def assign(id: str, manager: str, unit: str = "sales", *, by: str = "lan") -> Command:
    command = AssignPlace(person_id=id, place=t.Place(unit_id=unit, manager_id=manager))
    return lambda state: organisation.assign(
        state.state(ORGANISATION, THE_ORGANISATION),
        state.state(PERSON, id),
        state.state(PERSON, manager),
        command,
        Actor("company-x", by),
    )


EVERYTHING = frozenset({"admin", "executive"})


def head(id: str, *, by: str = "lan") -> Command:
    command = AppointUnitHead(unit_id="sales", person_id=id)
    return lambda state: organisation.appoint_head(
        state.state(ORGANISATION, THE_ORGANISATION), state.state(PERSON, id), command, Actor("company-x", by)
    )


def change(id: str, *roles: t.Role.ValueType, by: str = "lan", others: frozenset[str] = EVERYTHING) -> Command:
    command = ChangeRoles(person_id=id, roles=roles)
    return lambda state: person.change_roles(state.state(PERSON, id), command, Actor("company-x", by), others=others)


def deactivate(id: str, *, others: frozenset[str] = EVERYTHING) -> Command:
    return lambda state: person.deactivate(state.state(PERSON, id), id, others=others)


def create_tenant(name: str) -> Command:
    return lambda state: tenant.create(state.state(TENANT, "company-x"), CreateTenant(name=name), context())


def test_a_tenants_days_end_in_vietnam_unless_it_says_otherwise():
    assert given(create_tenant("X")).state(TENANT, "company-x").time_zone == "Asia/Ho_Chi_Minh"


def test_a_tenant_is_made_once():
    given(create_tenant("X")).when(create_tenant("X")).then_nothing()
    given(create_tenant("X")).when(create_tenant("Y")).then_rejected("TENANT_EXISTS", field="name")


def test_two_units_have_two_names_as_people_read_them():
    made = given(create_unit(" Phòng  Kế toán", "a"))
    assert made.state(ORGANISATION, THE_ORGANISATION).units["a"].name == "Phòng Kế toán"
    for spelt in ("phòng kế toán", unicodedata.normalize("NFD", "Phòng Kế toán ")):
        made.when(create_unit(spelt, "b")).then_rejected("UNIT_EXISTS", field="name")


def test_a_person_comes_in_with_a_place():
    state = line().state(ORGANISATION, THE_ORGANISATION)
    assert state.places["minh"] == Place("sales", "phuc")


def test_nobody_reports_to_themselves_over_others_or_not():
    line().when(assign("nam", "minh")).then_rejected("REPORTING_CIRCLE", field="place.manager_id")
    line().when(assign("nam", "nam")).then_rejected("REPORTING_CIRCLE", field="place.manager_id")


def test_a_place_that_is_had_already_changes_nothing():
    line().when(assign("minh", "phuc")).then_nothing()


def test_a_manager_or_unit_that_is_not_there_is_named():
    line().when(assign("minh", "ghost")).then_rejected("PERSON_UNKNOWN", field="place.manager_id")
    line().when(assign("minh", "nam", "nowhere")).then_rejected("UNIT_UNKNOWN", field="place.unit_id")


def test_who_left_is_nobodys_manager_and_heads_no_unit():
    state = line()
    state = state.and_then(deactivate("phuc"))
    state.when(assign("minh", "phuc", "")).then_rejected("PERSON_INACTIVE", field="place.manager_id")
    state.when(head("phuc")).then_rejected("PERSON_INACTIVE", field="person_id")
    state.when(change("phuc", t.ROLE_EXECUTIVE)).then_rejected("PERSON_INACTIVE", field="person_id")
    state.when(deactivate("phuc")).then_nothing()


def test_roles_change_from_before_to_after():
    state = line()
    leads = change("nam", t.ROLE_EMPLOYEE, t.ROLE_EXECUTIVE)
    before, after = [t.ROLE_EMPLOYEE], [t.ROLE_EMPLOYEE, t.ROLE_EXECUTIVE]
    changed = state.when(leads).then(RolesChanged(person_id="nam", before=before, after=after))
    changed.when(leads).then_nothing()


def test_nobody_gives_a_role_to_themself_and_anybody_may_lay_one_down():
    state = line().and_then(change("nam", t.ROLE_ADMIN, t.ROLE_EXECUTIVE))
    state.when(change("nam", t.ROLE_ADMIN, t.ROLE_EXECUTIVE, t.ROLE_OKR_MASTER, by="nam")).then_rejected("OWN_ROLES")
    state.when(change("nam", t.ROLE_OKR_MASTER, by="nam")).then_rejected("OWN_ROLES")
    assert len(change("nam", t.ROLE_EXECUTIVE, by="nam")(state)) == 1


def test_nobody_chooses_their_own_manager_or_makes_themself_the_head_of_a_unit():
    line().when(assign("minh", "nam", by="minh")).then_rejected("OWN_PLACE")
    line().when(head("minh", by="minh")).then_rejected("OWN_PLACE")
    line().when(assign("minh", "phuc", by="minh")).then_nothing()
    assert len(head("minh", by="nam")(line())) == 1


@pytest.mark.parametrize(
    ("role", "reason"), [(t.ROLE_ADMIN, "LAST_ADMINISTRATOR"), (t.ROLE_EXECUTIVE, "LAST_EXECUTIVE")]
)
def test_the_last_one_who_fills_a_needed_role_stays(role: t.Role.ValueType, reason: str):
    state = line().and_then(change("nam", role))
    for by in ("nam", "lan"):
        state.when(change("nam", t.ROLE_EMPLOYEE, by=by, others=frozenset())).then_rejected(reason, field="roles")
    state.when(deactivate("nam", others=frozenset())).then_rejected(reason, field="person_id")
    assert len(change("nam", t.ROLE_EMPLOYEE)(state)) == 1
    assert len(deactivate("nam")(state)) == 1


def test_who_audits_fills_no_other_role():
    state = line().and_then(change("nam", t.ROLE_ADMIN))
    state.when(change("nam", t.ROLE_ADMIN, t.ROLE_AUDITOR, others=frozenset())).then_rejected("LAST_ADMINISTRATOR")
    auditing = state.and_then(change("nam", t.ROLE_ADMIN, t.ROLE_AUDITOR))
    assert fills(auditing.state(PERSON, "nam")) == frozenset()


def test_who_is_about_to_be_erased_or_left_fills_no_role_any_more():
    state = line().and_then(change("nam", t.ROLE_ADMIN))
    nam = state.state(PERSON, "nam")
    assert fills(nam, Erasure(pb.ERASURE_STATE_REQUESTED)) == {"admin"}
    assert fills(nam, Erasure(pb.ERASURE_STATE_APPROVED)) == frozenset()
    assert fills(state.and_then(deactivate("nam")).state(PERSON, "nam")) == frozenset()
