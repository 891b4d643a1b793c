"""The erasure of a person: who asks, who decides, what stops it; and their e-mail address."""

import pytest

from eventkit.commands.aggregate import Decision
from eventkit.context import Actor
from eventkit.directory.facts import ERASED, ORGANISATION, PERSON, Organisation
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1.events_pb2 import PersonErased
from services.people.domain import erasure, person
from services.people.domain.erasure import ERASURE, Erasure
from tests.unit.decisions import Given, given, rejected, words

MINH, NAM, TRAM = (Actor("company-x", id) for id in ("minh", "nam", "tram"))


def minh() -> Given:
    registration = pb.RegisterPerson(name=words("Minh"), title=words("Senior Sales"), email=words("minh@example.org"))
    return given(person.register(ORGANISATION.initial, None, registration, "minh"))


def ask(state: Given, by: Actor = MINH, *, admin: bool = False) -> Decision:
    command = pb.RequestErasure(person_id="minh")
    return erasure.request(state.state(ERASURE, "minh"), state.state(PERSON, "minh"), command, by, admin=admin)


def approve(state: Given, by: Actor = NAM, *, requested_by: Actor = MINH) -> Decision:
    command = pb.ApproveErasure(person_id="minh")
    return erasure.approve(
        state.state(ERASURE, "minh"), state.state(PERSON, "minh"), command, by, requested_by=str(requested_by)
    )


def decline(state: Given, by: Actor = NAM) -> Decision:
    command = pb.DeclineErasure(person_id="minh", reason=words("hợp đồng còn hiệu lực"))
    return erasure.decline(state.state(ERASURE, "minh"), state.state(PERSON, "minh"), command, by)


def hold(state: Given) -> Decision:
    return erasure.place_hold(
        state.state(ERASURE, "minh"), state.state(PERSON, "minh"), pb.PlaceLegalHold(person_id="minh")
    )


def lift(state: Given, by: Actor = NAM, *, placed_by: Actor = TRAM) -> Decision:
    command = pb.LiftLegalHold(person_id="minh")
    return erasure.lift_hold(
        state.state(ERASURE, "minh"), state.state(PERSON, "minh"), command, by, placed_by=str(placed_by)
    )


def asked() -> Given:
    state = minh()
    return state.and_then(ask(state))


def complete(state: Erasure) -> Decision:
    return erasure.complete(state, Organisation(), "minh")


def erased() -> Given:
    state = asked()
    state = state.and_then(approve(state))
    return state.and_then(complete(state.state(ERASURE, "minh")))


def test_people_ask_for_themselves_and_administrators_for_anybody():
    assert len(ask(minh())) == 1
    assert len(ask(minh(), NAM, admin=True)) == 1
    rejected("NOT_ALLOWED", lambda: ask(minh(), TRAM))
    rejected("PERSON_UNKNOWN", lambda: ask(Given()), field="person_id")


def test_asking_twice_is_asking_once():
    assert ask(asked()) == []
    assert ask(erased()) == []


def test_nobody_decides_about_their_own_erasure():
    rejected("OWN_ERASURE", lambda: approve(asked(), MINH))
    rejected("OWN_ERASURE", lambda: decline(asked(), MINH))


def test_who_asks_who_approves_and_who_is_erased_are_three_people():
    rejected("OWN_REQUEST", lambda: approve(asked(), NAM, requested_by=NAM))
    assert len(approve(asked(), NAM, requested_by=TRAM)) == 1
    assert len(approve(asked(), NAM, requested_by=MINH)) == 1


def test_who_acts_through_a_service_is_still_the_same():
    for_nam = Actor("company-x", "operator", "service", on_behalf_of="person:nam")
    rejected("OWN_REQUEST", lambda: approve(asked(), NAM, requested_by=for_nam))
    rejected("OWN_REQUEST", lambda: approve(asked(), for_nam, requested_by=NAM))
    rejected("OWN_HOLD", lambda: lift(asked().and_then(hold(asked())), for_nam, placed_by=NAM))


def test_a_legal_hold_is_lifted_by_somebody_else_than_who_placed_it_or_is_held():
    state = asked().and_then(hold(asked()))
    rejected("OWN_HOLD", lambda: lift(state, NAM, placed_by=NAM))
    rejected("OWN_HOLD", lambda: lift(state, MINH, placed_by=NAM))
    assert len(lift(state, TRAM, placed_by=NAM)) == 1


def test_only_what_was_asked_for_is_decided():
    rejected("NOT_REQUESTED", lambda: approve(minh()), field="person_id")
    rejected("NOT_REQUESTED", lambda: decline(minh()), field="person_id")


def test_who_was_declined_may_ask_again():
    state = asked().and_then(decline(asked()))
    assert decline(state) == []
    rejected("NOT_REQUESTED", lambda: approve(state))
    assert len(ask(state)) == 1


def test_a_legal_hold_stops_it_until_it_is_lifted():
    state = asked().and_then(hold(asked()))
    assert hold(state) == []
    rejected("LEGAL_HOLD", lambda: approve(state), field="person_id")
    state = state.and_then(lift(state))
    assert lift(state) == []
    assert len(approve(state)) == 1


def test_what_was_approved_cannot_be_held_any_more():
    rejected("ALREADY_ERASED", lambda: hold(erased()), field="person_id")
    rejected("ALREADY_ERASED", lambda: hold(asked().and_then(approve(asked()))), field="person_id")


def test_it_is_completed_once_and_only_after_the_approval():
    assert complete(asked().state(ERASURE, "minh")) == []
    assert complete(ERASURE.initial) == []
    assert complete(erased().state(ERASURE, "minh")) == []
    assert approve(erased()) == []


def test_of_who_is_erased_nothing_is_left_but_the_id():
    known = erased().state(PERSON, "minh")
    assert (known.id, known.name, known.title, known.email, known.active, known.erased) == (
        "minh",
        ERASED,
        ERASED,
        ERASED,
        False,
        True,
    )
    assert PersonErased(person_id="minh") in erased().events["person", "minh"]


def change(state: Given, email: str, by: Actor = MINH, *, admin: bool = False) -> Decision:
    command = pb.ChangeEmail(person_id="minh", email=words(email) if email else None)
    return person.change_email(state.state(PERSON, "minh"), command, by, admin=admin)


def test_people_change_their_own_address_and_administrators_anybodys():
    assert len(change(minh(), "minh@nhip.example")) == 1
    assert len(change(minh(), "minh@nhip.example", NAM, admin=True)) == 1
    rejected("NOT_ALLOWED", lambda: change(minh(), "minh@nhip.example", TRAM))


def test_an_address_can_be_taken_away():
    state = minh().and_then(change(minh(), ""))
    assert not state.state(PERSON, "minh").email.WhichOneof("form")
    assert change(state, "") == []


@pytest.mark.parametrize(
    "wrong",
    [
        "minh",
        "minh@",
        "@example.org",
        "minh@localhost",
        "a@b.c, d@e.f",
        "Minh <minh@example.org>",
        "a b@example.org",
        "a@b.c\nBcc: x@y.z",
    ],
)
def test_an_address_is_one_address(wrong: str):
    rejected("EMAIL_INVALID", lambda: change(minh(), wrong), field="email")
    registration = pb.RegisterPerson(name=words("Minh"), email=words(wrong))
    rejected("EMAIL_INVALID", lambda: person.register(ORGANISATION.initial, None, registration, "minh"), field="email")


def test_who_is_erased_has_no_address_any_more():
    rejected("PERSON_INACTIVE", lambda: change(erased(), "minh@example.org"), field="person_id")
