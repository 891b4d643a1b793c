"""Positions with their job descriptions, and who holds them (G-79)."""

from dataclasses import replace

import pytest

from eventkit.directory.facts import Organisation, Person, Unit
from eventkit.errors import Rejected
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1.positions_pb2 import AssignPosition, ChangePosition, PositionFacts
from services.people.domain import position as p

SALES = Organisation(units={"sales": Unit("sales", "Sales"), "gone": Unit("gone", "Cũ", closed=True)})
MINH = Person("minh", PersonalText(plain="Minh"), PersonalText(), ("employee",))
SELLER = PositionFacts(name="Nhân viên bán hàng", unit_id="sales", job_description="Tìm khách mới.")


def after(*decisions: object) -> p.Positions:
    state = p.Positions()
    for decision in decisions:
        for one in decision:  # type: ignore[attr-defined] # decisions are lists
            state = p.evolve(state, one.event)
    return state


OPENED = p.open_position(p.Positions(), SALES, SELLER, "seller")


def test_two_open_positions_of_one_name_in_one_unit_could_not_be_told_apart():
    state = after(OPENED)
    with pytest.raises(Rejected, match="already"):
        p.open_position(state, SALES, PositionFacts(name="nhân viên  BÁN hàng", unit_id="sales"), "other")
    assert p.open_position(state, SALES, PositionFacts(name="Nhân viên bán hàng"), "other")  # of no unit
    assert p.open_position(after(OPENED, p.close(state, "seller", [])), SALES, SELLER, "again")
    for wrong in ("gone", "nowhere"):
        with pytest.raises(Rejected):
            p.open_position(state, SALES, PositionFacts(name="Khác", unit_id=wrong), "other")


def test_a_change_says_before_and_after_and_what_is_so_already_is_none():
    state = after(OPENED)
    changed = PositionFacts(name="Nhân viên bán hàng", unit_id="sales", job_description="Giữ khách cũ.")
    [event] = p.change(state, SALES, ChangePosition(position_id="seller", position=changed))
    assert (event.event.before, event.event.after) == (SELLER, changed)  # type: ignore[attr-defined] # of a change
    assert p.change(state, SALES, ChangePosition(position_id="seller", position=SELLER)) == []


def test_somebody_holds_one_at_most_and_while_they_are_here_it_stays_open():
    state = after(OPENED, p.assign(after(OPENED), MINH, AssignPosition(person_id="minh", position_id="seller")))
    assert p.holders(state, "seller") == ["minh"]
    assert p.assign(state, MINH, AssignPosition(person_id="minh", position_id="seller")) == []
    with pytest.raises(Rejected, match="somebody holds it"):
        p.close(state, "seller", [MINH])
    assert p.close(state, "seller", [replace(MINH, active=False)])
    none = after(OPENED, p.assign(state, MINH, AssignPosition(person_id="minh")))
    assert p.holders(none, "seller") == []


def test_nobody_is_assigned_what_is_closed_or_was_never_there():
    closed = after(OPENED, p.close(after(OPENED), "seller", []))
    for state, id in ((closed, "seller"), (after(OPENED), "boss")):
        with pytest.raises(Rejected):
            p.assign(state, MINH, AssignPosition(person_id="minh", position_id=id))
