"""Tenants, units, people and their places."""

import unicodedata
from collections.abc import Callable
from datetime import date

import pytest

from eventkit.commands.aggregate import Decision
from eventkit.context import Actor
from eventkit.directory.facts import ORGANISATION, PERSON, TENANT, THE_ORGANISATION, Employment, Organisation, Place
from eventkit.errors import Rejected
from eventkit.values import from_date
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1 import types_pb2 as t
from nhip.people.v1.events_pb2 import EmploymentChanged, NameChanged, RolesChanged, TitleChanged, UnitMoved, UnitRenamed
from nhip.people.v1.people_pb2 import (
    AppointUnitHead,
    AssignPlace,
    ChangeEmployment,
    ChangeName,
    ChangeRoles,
    ChangeTitle,
    CreateTenant,
    CreateUnit,
    DeactivatePerson,
    MoveUnit,
    RegisterPerson,
    RenameUnit,
)
from services.people.domain import employment, organisation, person, tenant
from services.people.domain.erasure import Erasure
from services.people.domain.needed import fills
from tests.unit.decisions import Command, Given, context, given, words


def register(id: str, manager: str = "", unit: str = "") -> Command:
    command = RegisterPerson(name=words(id.title()), place=t.Place(unit_id=unit, manager_id=manager))
    return lambda state: person.register(
        state.state(ORGANISATION, THE_ORGANISATION), state.state(PERSON, manager), command, id
    )


def create_unit(name: str, id: str, parent: str = "") -> Command:
    command = CreateUnit(name=name, parent_id=parent)
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
    command = ChangeRoles(person_id=id, roles=roles, reason=words("looks after people"))
    return lambda state: person.change_roles(state.state(PERSON, id), command, Actor("company-x", by), others=others)


def deactivate(id: str, successor: str = "", *, by: str = "lan", others: frozenset[str] = EVERYTHING) -> Command:
    return lambda state: person.deactivate(
        state.state(PERSON, id),
        state.state(ORGANISATION, THE_ORGANISATION),
        state.state(PERSON, successor),
        DeactivatePerson(person_id=id, successor_id=successor),
        Actor("company-x", by),
        others=others,
    )


def reactivate(id: str) -> Command:
    return lambda state: person.reactivate(state.state(PERSON, id), id)


def in_units(decide: Callable[[Organisation], Decision]) -> Command:
    """A command about the organisation alone."""
    return lambda state: decide(state.state(ORGANISATION, THE_ORGANISATION))


def rename(unit: str, name: str) -> Command:
    return in_units(lambda units: organisation.rename_unit(units, RenameUnit(unit_id=unit, name=name)))


def move(unit: str, parent: str) -> Command:
    return in_units(lambda units: organisation.move_unit(units, MoveUnit(unit_id=unit, parent_id=parent)))


def close(unit: str) -> Command:
    def decide(state: Given) -> Decision:
        units = state.state(ORGANISATION, THE_ORGANISATION)
        people = [state.state(PERSON, id) for id in organisation.of_unit(units, unit)]
        return organisation.close_unit(units, unit, people)

    return decide


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
    changed = state.when(leads).then(
        RolesChanged(person_id="nam", before=before, after=after, reason=words("looks after people"))
    )
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


# --- who leaves, and comes back ---


def led() -> Given:
    """Nam over Phúc over Minh and Trâm; Phúc heads Sales."""
    return line().and_then(register("tram", "phuc", "sales")).and_then(head("phuc"))


def places(state: Given) -> dict[str, str]:
    """Who reports to whom."""
    return {id: place.manager_id for id, place in state.state(ORGANISATION, THE_ORGANISATION).places.items()}


def head_of(state: Given, unit: str) -> str:
    return state.state(ORGANISATION, THE_ORGANISATION).units[unit].head_id


def test_a_successor_heads_the_units_and_manages_the_people_of_a_leaver():
    state = led().and_then(register("lan")).and_then(deactivate("phuc", "lan", by="nam"))
    assert (head_of(state, "sales"), state.state(PERSON, "phuc").successor_id) == ("lan", "lan")
    assert places(state) == {"nam": "", "phuc": "nam", "minh": "lan", "tram": "lan", "lan": ""}


def test_a_successor_from_among_those_below_reports_to_who_was_above():
    state = led().and_then(deactivate("phuc", "minh"))
    assert places(state) == {"nam": "", "phuc": "nam", "minh": "nam", "tram": "minh"}
    below = led().and_then(register("an", "tram", "sales")).and_then(deactivate("phuc", "an"))
    assert (places(below)["tram"], places(below)["minh"], places(below)["an"]) == ("nam", "an", "tram")


def test_a_successor_may_be_named_later_and_another_one():
    state = led().and_then(deactivate("phuc"))
    assert head_of(state, "sales") == "phuc"
    named = state.and_then(deactivate("phuc", "minh"))
    assert head_of(named, "sales") == "minh"
    named.when(deactivate("phuc", "minh")).then_nothing()
    assert named.and_then(deactivate("phuc", "tram")).state(PERSON, "phuc").successor_id == "tram"


def test_a_successor_is_somebody_else_who_is_here_and_nobody_names_themself():
    led().when(deactivate("phuc", "phuc")).then_rejected("SUCCESSOR_IS_LEAVER", field="successor_id")
    led().when(deactivate("phuc", "ghost")).then_rejected("PERSON_UNKNOWN", field="successor_id")
    led().and_then(deactivate("minh")).when(deactivate("phuc", "minh")).then_rejected("PERSON_INACTIVE")
    led().when(deactivate("phuc", "minh", by="minh")).then_rejected("OWN_PLACE")


def test_who_comes_back_has_the_roles_and_the_place_of_before():
    state = led().and_then(deactivate("phuc", "tram")).and_then(reactivate("phuc"))
    back = state.state(PERSON, "phuc")
    assert (back.active, back.successor_id, places(state)["phuc"], head_of(state, "sales")) == (True, "", "nam", "tram")
    state.when(reactivate("phuc")).then_nothing()
    led().when(reactivate("ghost")).then_rejected("PERSON_UNKNOWN", field="person_id")


def test_a_name_and_a_title_change_while_somebody_is_here():
    def named(state: Given) -> Decision:
        return person.change_name(state.state(PERSON, "minh"), ChangeName(person_id="minh", name=words("Minh Anh")))

    def titled(title: str) -> Command:
        command = ChangeTitle(person_id="minh", title=words(title) if title else None)
        return lambda state: person.change_title(state.state(PERSON, "minh"), command)

    led().when(named).then(NameChanged(person_id="minh", name=words("Minh Anh")))
    led().when(titled("")).then_nothing()
    lead = led().when(titled("Lead")).then(TitleChanged(person_id="minh", title=words("Lead")))
    lead.when(titled("")).then(TitleChanged(person_id="minh"))
    for change_it in (named, titled("Lead")):
        led().and_then(deactivate("minh")).when(change_it).then_rejected("PERSON_INACTIVE", field="person_id")


# --- units ---


def tree() -> Given:
    """Sales with Export in it, and Support beside."""
    return line().and_then(create_unit("Export", "export", "sales")).and_then(create_unit("Support", "support"))


def test_a_unit_is_renamed_to_a_name_that_is_free():
    tree().when(rename("export", "Ausfuhr")).then(UnitRenamed(unit_id="export", before="Export", after="Ausfuhr"))
    tree().when(rename("export", "export")).then(UnitRenamed(unit_id="export", before="Export", after="export"))
    tree().when(rename("export", "Export")).then_nothing()
    tree().when(rename("export", " SUPPORT ")).then_rejected("UNIT_EXISTS", field="name")
    tree().when(rename("ghost", "Ghost")).then_rejected("UNIT_UNKNOWN", field="unit_id")


def test_a_unit_is_moved_and_never_into_itself():
    tree().when(move("export", "support")).then(UnitMoved(unit_id="export", before="sales", after="support"))
    tree().when(move("export", "")).then(UnitMoved(unit_id="export", before="sales"))
    tree().when(move("export", "sales")).then_nothing()
    tree().when(move("sales", "export")).then_rejected("UNIT_CIRCLE", field="parent_id")
    tree().when(move("sales", "sales")).then_rejected("UNIT_CIRCLE", field="parent_id")
    tree().when(move("sales", "ghost")).then_rejected("UNIT_UNKNOWN", field="parent_id")


def test_a_unit_is_closed_when_nobody_and_nothing_is_in_it():
    tree().when(close("sales")).then_rejected("UNIT_HAS_PEOPLE", field="unit_id")
    empty = tree().and_then(assign("minh", "phuc", "support")).and_then(deactivate("phuc")).and_then(deactivate("nam"))
    empty.when(close("sales")).then_rejected("UNIT_HAS_PARTS", field="unit_id")
    closed = empty.and_then(close("export")).and_then(close("sales"))
    closed.when(close("sales")).then_nothing()
    closed.when(assign("minh", "", "sales")).then_rejected("UNIT_CLOSED", field="place.unit_id")
    closed.when(create_unit("Part", "part", "sales")).then_rejected("UNIT_CLOSED", field="parent_id")
    closed.when(rename("sales", "Other")).then_rejected("UNIT_CLOSED", field="unit_id")
    closed.when(head("minh")).then_rejected("UNIT_CLOSED", field="unit_id")
    assert closed.and_then(create_unit("Sales", "again")).state(ORGANISATION, THE_ORGANISATION).units["again"].name


def employ(id: str, code: str, joined: date | None = None) -> Command:
    command = ChangeEmployment(
        person_id=id, employment=t.Employment(employee_code=code, joined_on=from_date(joined) if joined else None)
    )
    return lambda state: employment.change(
        state.state(ORGANISATION, THE_ORGANISATION), state.state(PERSON, id), command
    )


def test_an_employee_code_is_one_persons_however_it_is_written():
    coded = line().and_then(employ("minh", " NV-007 ", date(2024, 1, 2)))
    assert coded.state(ORGANISATION, THE_ORGANISATION).employments["minh"] == Employment("NV-007", date(2024, 1, 2))
    coded.when(employ("phuc", "nv-007")).then_rejected("EMPLOYEE_CODE_TAKEN", field="employment.employee_code")
    coded.when(employ("minh", "NV-007", date(2024, 1, 2))).then_nothing()


def test_a_code_that_was_taken_from_somebody_or_whose_holder_was_erased_is_free():
    coded = line().and_then(employ("minh", "NV-007"))
    coded.and_then(employ("minh", "NV-008")).when(employ("phuc", "NV-007")).then(
        EmploymentChanged(person_id="phuc", after=t.Employment(employee_code="NV-007"))
    )
    erased = coded.and_then(lambda state: employment.forget(state.state(ORGANISATION, THE_ORGANISATION), "minh"))
    assert not erased.state(ORGANISATION, THE_ORGANISATION).coded


def test_two_people_never_have_one_address_and_only_who_sees_addresses_is_told_whose_it_is():
    person.refuse_shared("", "minh", named=True)
    person.refuse_shared("minh", "minh", named=True)
    with pytest.raises(Rejected) as told:
        person.refuse_shared("lan", "minh", named=True)
    assert (told.value.reason, told.value.parameters) == ("EMAIL_TAKEN_BY", {"person": "lan"})
    with pytest.raises(Rejected) as untold:
        person.refuse_shared("lan", "minh", named=False)
    assert (untold.value.reason, untold.value.parameters, untold.value.id) == ("EMAIL_TAKEN", {}, "")
