"""People and groups as the company's own directory keeps them: whom it means, and what it may say (X-07)."""

from eventkit.context import Actor
from eventkit.directory.facts import ORGANISATION, PERSON, THE_ORGANISATION, OrgChart, Person, Place, Unit
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1 import types_pb2 as t
from nhip.people.v1.events_pb2 import (
    EmailChanged,
    PersonDeactivated,
    PersonReactivated,
    PersonRegistered,
    PersonSynced,
    PersonSyncEnded,
    PlaceAssigned,
    RolesChanged,
    TitleChanged,
    UnitClosed,
    UnitCreated,
)
from nhip.people.v1.sync_pb2 import SyncPerson
from services.people.domain import organisation, person, synced
from services.people.domain.synced import SYNCED, Before
from services.people.queries.synced import Kept
from services.people.views.synced import SyncedRow
from services.people.wanted import differing, refuse_taken, taken_over
from tests.unit.decisions import Command, Given, given, rejected, words

ENTRA = Actor("company-x", "entra", "integration", "person:huong")
ADMIN, EXECUTIVE = t.ROLE_ADMIN, t.ROLE_EXECUTIVE


def unit(name: str, id: str) -> Command:
    return lambda state: organisation.create_unit(
        state.state(ORGANISATION, THE_ORGANISATION), pb.CreateUnit(name=name), id
    )


def registered(id: str, *roles: "t.Role.ValueType", unit: str = "", manager: str = "") -> Command:
    command = pb.RegisterPerson(name=words(id), roles=roles, place=t.Place(unit_id=unit, manager_id=manager))
    return lambda state: person.register(
        state.state(ORGANISATION, THE_ORGANISATION), state.state(PERSON, manager) if manager else None, command, id
    )


def sync(id: str, *, others: tuple[str, ...] = (), **said: object) -> Command:
    command = SyncPerson(**said)  # type: ignore[arg-type] # fields by name
    return lambda state: synced.sync(command, id, before(state, id, command.manager_id, others), ENTRA, unit_id="new")


def before(state: Given, id: str, manager: str = "", others: tuple[str, ...] = ()) -> Before:
    return Before(
        state.state(PERSON, id),
        state.state(SYNCED, id),
        state.state(ORGANISATION, THE_ORGANISATION),
        state.state(PERSON, manager) if manager else None,
        frozenset(others),
    )


def kept(id: str, **said: object) -> PersonSynced:
    return PersonSynced(person_id=id, integration_id="entra", **said)  # type: ignore[arg-type] # fields by name


def test_somebody_new_is_registered_placed_and_kept_at_once():
    given(unit("Sales", "sales")).when(
        sync("minh", user_name=words("minh@x.vn"), name=words("Minh"), email=words("minh@x.vn"), unit="sales")
    ).then(
        PersonRegistered(
            person_id="minh",
            name=words("Minh"),
            title=PersonalText(),
            email=words("minh@x.vn"),
            roles=[t.ROLE_EMPLOYEE],
        ),
        PlaceAssigned(person_id="minh", after=t.Place(unit_id="sales")),
        kept("minh", user_name=words("minh@x.vn")),
    )


def test_a_department_that_is_no_unit_yet_becomes_one_below_the_top():
    state = given(unit("Company X", "top")).and_then(sync("minh", name=words("Minh"), unit="Kho"))
    moved = given(unit("Company X", "top"), registered("lan")).and_then(sync("lan", unit="Kho"))
    assert moved.state(ORGANISATION, THE_ORGANISATION).places["lan"] == Place("new")
    made = state.events[organisation.HERE][1]
    assert made == UnitCreated(unit_id="new", name="Kho", parent_id="top")
    assert state.state(ORGANISATION, THE_ORGANISATION).places["minh"] == Place("new")


def test_who_is_here_is_taken_over_and_what_is_said_of_them_holds():
    given(registered("minh")).when(sync("minh", user_name=words("m@x.vn"), title=words("Sales"))).then(
        TitleChanged(person_id="minh", title=words("Sales")), kept("minh", user_name=words("m@x.vn"))
    )


def test_who_is_kept_already_makes_no_event_where_nothing_is_new():
    given(registered("minh"), sync("minh", user_name=words("m@x.vn"))).when(sync("minh")).then_nothing()


def test_user_name_and_external_id_are_recorded_together_and_opened_before_for_sealed_words_open_once():
    one = told("minh", "m@x.vn", by="entra", external_id="a-1")
    for said, expected in (
        (SyncPerson(external_id=words("a-2")), SyncPerson(user_name=words("m@x.vn"), external_id=words("a-2"))),
        (SyncPerson(user_name=words("m@y.vn")), SyncPerson(user_name=words("m@y.vn"), external_id=words("a-1"))),
        (SyncPerson(external_id=words("")), SyncPerson(user_name=words("m@x.vn"), external_id=words(""))),
    ):
        assert differing(said, one, OrgChart(), "entra", "") == expected
    state = given(registered("minh"), sync("minh", user_name=words("m@x.vn"), external_id=words("a-1")))
    state.when(sync("minh", user_name=words("m@x.vn"), external_id=words(""))).then(
        kept("minh", user_name=words("m@x.vn"))
    )


def test_who_is_not_active_left_and_is_back_when_they_are():
    state = given(registered("minh"), sync("minh", user_name=words("m@x.vn")))
    left = state.when(sync("minh", active=False)).then(PersonDeactivated(person_id="minh"))
    left.when(sync("minh", active=True, email=words("m@y.vn"))).then(
        PersonReactivated(person_id="minh"), EmailChanged(person_id="minh", email=words("m@y.vn"))
    )


def test_who_left_and_is_taken_over_comes_back_as_an_employee_for_the_address_may_be_somebody_elses():
    gone = given(registered("nam", ADMIN, EXECUTIVE), registered("huong", ADMIN, EXECUTIVE))
    gone = gone.and_then(sync("nam", user_name=words("n@x.vn"), active=False, others=("admin", "executive")))
    ended = gone.and_then(lambda now: synced.end("nam", before(now, "nam"), ENTRA))
    ended.when(sync("nam", user_name=words("n@x.vn"), active=True)).then(
        PersonReactivated(person_id="nam"),
        RolesChanged(
            person_id="nam",
            before=[ADMIN, EXECUTIVE],
            after=[t.ROLE_EMPLOYEE],
            reason=words("SCIM: taken over after they had left"),
        ),
        kept("nam", user_name=words("n@x.vn")),
    )
    gone.when(sync("nam", active=True)).then(PersonReactivated(person_id="nam"))


def test_the_last_administrator_is_not_locked_out():
    state = given(registered("nam", ADMIN), sync("nam", user_name=words("n@x.vn")))
    state.when(sync("nam", active=False)).then_rejected("LAST_ADMINISTRATOR")
    state.when(lambda now: synced.end("nam", before(now, "nam"), ENTRA)).then_rejected("LAST_ADMINISTRATOR")
    state.when(sync("nam", active=False, others=("admin",))).then(PersonDeactivated(person_id="nam"))


def test_who_is_kept_no_more_left():
    state = given(registered("minh"), sync("minh", user_name=words("m@x.vn")))
    state.when(lambda now: synced.end("minh", before(now, "minh"), ENTRA)).then(
        PersonDeactivated(person_id="minh"), PersonSyncEnded(person_id="minh", integration_id="entra")
    )


def test_a_manager_makes_no_circle_and_a_unit_does_not_ask_who_left():
    state = given(unit("Sales", "sales"), registered("nam"), registered("minh", manager="nam"))
    state.when(sync("nam", manager_id="minh")).then_rejected("REPORTING_CIRCLE")
    gone = state.and_then(sync("nam", active=False))
    place = gone.and_then(sync("minh", unit="Sales")).state(ORGANISATION, THE_ORGANISATION).places["minh"]
    assert place == Place("sales", "nam")


# --- groups ---


def roles_after(state: Given, *, add: tuple[str, ...], gone: tuple[str, ...], others: tuple[str, ...] = ()) -> Command:
    members = {id: state.state(PERSON, id) for id in (*add, *gone)}
    return lambda _: synced.role_group(
        members, ADMIN, "Nhịp admins", add=frozenset(add), actor=ENTRA, others=frozenset(others)
    )


def test_a_group_gives_and_takes_a_role_with_its_name_as_the_reason():
    state = given(registered("nam", ADMIN, EXECUTIVE), registered("minh"))
    state.when(roles_after(state, add=("minh",), gone=("nam",), others=("executive",))).then(
        RolesChanged(
            person_id="minh",
            before=[t.ROLE_EMPLOYEE],
            after=[t.ROLE_EMPLOYEE, ADMIN],
            reason=words("SCIM: Nhịp admins"),
        ),
        RolesChanged(person_id="nam", before=[ADMIN, EXECUTIVE], after=[EXECUTIVE], reason=words("SCIM: Nhịp admins")),
    )


def test_a_group_that_is_emptied_leaves_the_last_administrator():
    state = given(registered("nam", ADMIN), registered("huong", ADMIN))
    state.when(roles_after(state, add=(), gone=("nam", "huong"))).then_rejected("LAST_ADMINISTRATOR")


def test_a_group_puts_people_into_its_unit_and_takes_only_its_own_out():
    state = given(
        unit("Sales", "sales"),
        unit("Kho", "kho"),
        registered("minh", unit="sales"),
        registered("lan", unit="kho"),
        registered("ha", unit="sales"),
    )
    group = synced.unit_group(
        state.state(ORGANISATION, THE_ORGANISATION), "sales", "", add=["lan"], remove=["minh", "lan"]
    )
    places = state.and_then(group).state(ORGANISATION, THE_ORGANISATION).places
    assert places == {"minh": Place(""), "lan": Place("sales"), "ha": Place("sales")}


def test_a_group_that_is_no_more_is_a_closed_unit_with_nobody_in_it():
    state = given(unit("Sales", "sales"), registered("minh", unit="sales"))
    state.when(lambda now: synced.end_unit_group(now.state(ORGANISATION, THE_ORGANISATION), "sales", ["minh"])).then(
        PlaceAssigned(person_id="minh", before=t.Place(unit_id="sales"), after=t.Place()), UnitClosed(unit_id="sales")
    )


# --- whom a directory means ---


def told(id: str, user_name: str, *, email: str = "", by: str = "", active: bool = True, **more: str) -> Kept:
    row = SyncedRow("company-x", id, by, b"", b"", 1) if by else None
    known = Person(id, PersonalText(), PersonalText(), ("employee",), active)
    return Kept(known, row, user_name, more.get("external_id", ""), more.get("name", id), more.get("title", ""), email)


def everybody(*people: Kept) -> dict[str, Kept]:
    return {one.id: one for one in people}


def test_who_has_the_address_is_taken_over_whatever_its_case():
    people = everybody(told("minh", "minh@x.vn", email="minh@x.vn"))
    found = taken_over(people, SyncPerson(user_name=words("Minh@X.vn")), "entra")
    assert found is people["minh"]
    found = taken_over(people, SyncPerson(user_name=words("a@b.c"), email=words("minh@x.vn")), "entra")
    assert found is people["minh"]


def test_who_left_and_is_kept_no_more_comes_back_as_who_they_were():
    people = everybody(told("minh", "minh@x.vn", email="minh@x.vn", active=False))
    found = taken_over(people, SyncPerson(user_name=words("minh@x.vn")), "entra")
    assert found is people["minh"]


def test_of_several_who_left_nobody_is_meant():
    people = everybody(*(told(id, "m@x.vn", email="m@x.vn", active=False) for id in ("minh", "lan")))
    assert taken_over(people, SyncPerson(user_name=words("m@x.vn")), "entra") is None


def test_who_is_kept_is_not_brought_in_again():
    people = everybody(told("minh", "MINH", by="entra"), told("lan", "lan"))
    again = SyncPerson(user_name=words("minh"))
    one = taken_over(people, again, "entra")
    assert one is not None
    rejected("SYNCED_ALREADY", lambda: refuse_taken(people, again, one.id, "entra", new=True))
    rejected("SYNCED_ALREADY", lambda: refuse_taken(people, SyncPerson(user_name=words("Lan")), "minh", "entra"))
    rejected("MISSING", lambda: taken_over(people, SyncPerson(), "entra"), field="user_name")


def test_what_is_so_already_is_not_asked_for():
    org = OrgChart(places={"minh": Place("sales", "nam")}, units={"sales": Unit("sales", "Kinh doanh")})
    one = told("minh", "minh", by="entra", title="Sales", email="m@x.vn", external_id="a-1")
    same = SyncPerson(
        user_name=words("minh"),
        external_id=words("a-1"),
        name=words("minh"),
        title=words("Sales"),
        email=words("m@x.vn"),
        unit="kinh doanh",
        manager_id="nam",
        employee_code="NV1",
        active=True,
    )
    assert differing(same, one, org, "entra", "NV1") == SyncPerson()
    assert differing(SyncPerson(title=words("")), one, org, "entra", "") == SyncPerson(title=words(""))
    assert differing(SyncPerson(unit=""), one, org, "entra", "") == SyncPerson(unit="")


def test_who_is_new_is_called_by_their_user_name_until_they_have_another_and_written_to_where_it_is_an_address():
    new = differing(SyncPerson(user_name=words("m@x.vn"), active=True), None, OrgChart(), "entra", "")
    assert new == SyncPerson(user_name=words("m@x.vn"), name=words("m@x.vn"), email=words("m@x.vn"))
    assert not differing(SyncPerson(user_name=words("minh")), None, OrgChart(), "entra", "").HasField("email")


def test_who_has_no_name_any_more_is_called_by_their_user_name():
    one = told("minh", "minh@x.vn", by="entra", name="Minh")
    assert differing(SyncPerson(name=words(" ")), one, OrgChart(), "entra", "") == SyncPerson(name=words("minh@x.vn"))


def test_who_left_goes_on_being_kept():
    state = given(registered("minh"), sync("minh", user_name=words("m@x.vn")), sync("minh", active=False))
    state.when(sync("minh", title=words("Sales"))).then(TitleChanged(person_id="minh", title=words("Sales")))
    state.when(sync("minh", active=False)).then_nothing()
