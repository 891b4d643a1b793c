"""Units and people that were set up by mistake, and are taken back."""

from eventkit.commands.aggregate import Decision
from eventkit.directory.facts import ORGANISATION, PERSON, THE_ORGANISATION, Employment, Place
from nhip.people.v1 import types_pb2 as t
from nhip.people.v1.people_pb2 import (
    AppointUnitHead,
    ChangeEmployment,
    ChangeRoles,
    RegisterPerson,
    WithdrawPerson,
    WithdrawUnit,
)
from services.people.domain import employment, organisation, person
from tests.unit.decisions import Command, Given, context, given, words
from tests.unit.people.test_people import assign, create_unit, line


def withdraw_unit(id: str, *, positions: bool = False) -> Command:
    command = WithdrawUnit(unit_id=id, reason=words("nhầm"))
    return lambda state: organisation.withdraw_unit(
        state.state(ORGANISATION, THE_ORGANISATION), command, positions=positions
    )


def withdraw(id: str, *, succeeds: bool = False, others: frozenset[str] = frozenset({"executive", "admin"})) -> Command:
    command = WithdrawPerson(person_id=id, reason=words("nhầm"))
    return lambda state: person.withdraw(
        state.state(PERSON, id),
        state.state(ORGANISATION, THE_ORGANISATION),
        command,
        succeeds=succeeds,
        others=others,
    )


def test_a_unit_that_nobody_was_ever_in_is_withdrawn_and_its_name_is_free_again():
    tree = given(create_unit("Sales", "sales"), create_unit("Xuất khẩu", "export", "sales"))
    tree.when(withdraw_unit("sales")).then_rejected("UNIT_HAS_PARTS", field="unit_id")
    tree.when(withdraw_unit("export", positions=True)).then_rejected("UNIT_HAS_POSITIONS", field="unit_id")
    tree.when(withdraw_unit("nobody")).then_rejected("UNIT_UNKNOWN", field="unit_id")
    gone = tree.and_then(withdraw_unit("export"))
    gone.when(withdraw_unit("export")).then_nothing()
    assert gone.and_then(create_unit("Xuất khẩu", "export-2"))
    gone.and_then(withdraw_unit("sales"))


def test_a_unit_that_somebody_was_in_has_a_history():
    moved = line().and_then(create_unit("Cskh", "cskh"))
    for id in ("nam", "phuc", "minh"):
        moved = moved.and_then(assign(id, {"nam": "", "phuc": "nam", "minh": "phuc"}[id], "cskh"))
    moved.when(withdraw_unit("sales")).then_rejected("UNIT_HAD_PEOPLE", field="unit_id")


def test_who_was_registered_by_mistake_stands_nowhere_any_more():
    employed = line().and_then(employment_of("minh", "NV07"))
    gone = employed.and_then(withdraw("minh"))
    known = gone.state(ORGANISATION, THE_ORGANISATION)
    assert known.places["minh"] == Place()
    assert (known.employments["minh"], known.coded) == (Employment(), {})
    assert gone.state(PERSON, "minh").withdrawn
    assert not gone.state(PERSON, "minh").active
    gone.when(withdraw("minh")).then_nothing()


def test_who_was_taken_back_by_mistake_is_back_and_is_given_a_place_anew():
    gone = line().and_then(employment_of("minh", "NV07")).and_then(withdraw("minh"))
    back = gone.and_then(lambda state: person.reactivate(state.state(PERSON, "minh"), "minh"))
    known = back.state(PERSON, "minh")
    assert (known.active, known.withdrawn) == (True, False)
    assert back.state(ORGANISATION, THE_ORGANISATION).places["minh"] == Place()
    back.and_then(assign("minh", "phuc", "sales")).and_then(employment_of("minh", "NV07")).and_then(withdraw("minh"))


def test_whom_others_hang_on_leaves_and_is_not_withdrawn():
    line().when(withdraw("phuc")).then_rejected("PERSON_MANAGES", field="person_id")
    line().when(withdraw("minh", succeeds=True)).then_rejected("PERSON_SUCCEEDS", field="person_id")
    line().when(withdraw("nobody")).then_rejected("PERSON_UNKNOWN", field="person_id")
    line().and_then(lambda state: headed_by(state, "minh")).when(withdraw("minh")).then_rejected("PERSON_HEADS")
    changed = line().and_then(lambda state: roles_of(state, "minh"))
    changed.when(withdraw("minh")).then_rejected("PERSON_HAD_ROLES", field="person_id")
    boss = given(lambda state: registered_as(state, "quang", t.ROLE_EXECUTIVE))
    boss.when(withdraw("quang", others=frozenset({"admin"}))).then_rejected("LAST_EXECUTIVE", field="person_id")


def employment_of(id: str, code: str) -> Command:
    command = ChangeEmployment(person_id=id, employment=t.Employment(employee_code=code))
    return lambda state: employment.change(
        state.state(ORGANISATION, THE_ORGANISATION), state.state(PERSON, id), command
    )


def headed_by(state: Given, id: str) -> Decision:
    command = AppointUnitHead(unit_id="sales", person_id=id)
    organised = state.state(ORGANISATION, THE_ORGANISATION)
    return organisation.appoint_head(organised, state.state(PERSON, id), command, context("lan").actor)


def roles_of(state: Given, id: str) -> Decision:
    command = ChangeRoles(person_id=id, roles=[t.ROLE_EMPLOYEE, t.ROLE_OKR_MASTER], reason=words("nhờ"))
    return person.change_roles(state.state(PERSON, id), command, context("lan").actor, others=frozenset())


def registered_as(state: Given, id: str, role: "t.Role.ValueType") -> Decision:
    command = RegisterPerson(name=words(id), roles=[t.ROLE_EMPLOYEE, role])
    return person.register(state.state(ORGANISATION, THE_ORGANISATION), None, command, id)
