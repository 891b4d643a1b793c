"""SCIM as it comes from Entra ID and Okta, as what *people* is asked for."""

import pytest
from scim2_models import Context, PatchOp, ScimFilter

from nhip.people.v1 import sync_pb2 as pb
from services.gateway.failures import Failure
from services.gateway.scim import groups, people
from services.gateway.scim.filters import OF_GROUPS, OF_USERS, conditions_of
from services.gateway.scim.resources import ENTERPRISE, POLICY, PROVIDER, Group, Person
from tests.unit.decisions import words

BASE = "https://nhip.test/scim/v2"
MINH = pb.SyncedPerson(
    person_id="p1",
    user_name=words("minh@x.vn"),
    external_id=words("a-1"),
    name=words("Minh"),
    title=words("Sales"),
    email=words("minh@x.vn"),
    unit="Kinh doanh",
    manager_id="p2",
    active=True,
)


def conditions(asked: str) -> list[list[tuple[str, str]]]:
    found = conditions_of(ScimFilter(asked), OF_USERS)
    return [[(pb.SyncField.Name(one.field)[11:], one.value) for one in every.all] for every in found]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ('userName eq "a@b.c"', [[("USER_NAME", "a@b.c")]]),
        ('USERNAME EQ "a@b.c"', [[("USER_NAME", "a@b.c")]]),
        ('emails[type eq "work"].value eq "a@b.c"', [[("EMAIL", "a@b.c")]]),
        ('emails[type eq "work" and primary eq true].value eq "a@b.c"', [[("EMAIL", "a@b.c")]]),
        ('emails[type eq "home"].value eq "a@b.c"', [[("ID", "")]]),
        ('emails[type eq "home"].value eq "a@b.c" or active eq true', [[("ACTIVE", "true")]]),
        ('emails[type eq "work"]', []),
        (
            'active eq true and (externalId eq "1" or displayName eq "Minh")',
            [[("ACTIVE", "true"), ("EXTERNAL_ID", "1")], [("ACTIVE", "true"), ("NAME", "Minh")]],
        ),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a"', [[("USER_NAME", "a")]]),
    ],
)
def test_a_filter_is_alternatives_of_conditions(asked: str, expected: list[list[tuple[str, str]]]):
    assert conditions(asked) == expected


@pytest.mark.parametrize(
    "asked", ['userName co "a"', "title pr", 'not (userName eq "a")', 'title eq "a"', f'{ENTERPRISE}:department eq "a"']
)
def test_what_is_not_compared_is_refused_and_named(asked: str):
    with pytest.raises(Failure) as refused:
        conditions(asked)
    assert refused.value.as_scim()["scimType"] == "invalidFilter"


def test_a_filter_has_an_end():
    many = " and ".join(f'(userName eq "{n}" or userName eq "x{n}")' for n in range(5))
    with pytest.raises(Failure):
        conditions(many)


def patch(kind: type, *operations: dict[str, object]) -> PatchOp:  # type: ignore[type-arg] # of whatever kind
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
    return PatchOp[kind].model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY)


def after(*operations: dict[str, object]) -> pb.SyncPerson:
    before = people.shown(MINH, BASE)
    changed = before.model_copy(deep=True)
    patch(Person, *operations).patch(changed, POLICY)
    return people.said(changed, before)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "Replace", "path": "active", "value": "False"}, pb.SyncPerson(active=False)),
        ({"op": "replace", "value": {"active": False}}, pb.SyncPerson(active=False)),
        (
            {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "m@y.vn"},
            pb.SyncPerson(email=words("m@y.vn")),
        ),
        ({"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "p3"}, pb.SyncPerson(manager_id="p3")),
        ({"op": "Add", "path": f"{ENTERPRISE}:manager", "value": {"value": "p3"}}, pb.SyncPerson(manager_id="p3")),
        ({"op": "Remove", "path": f"{ENTERPRISE}:manager"}, pb.SyncPerson(manager_id="")),
        ({"op": "Add", "value": {f"{ENTERPRISE}:department": "Kho"}}, pb.SyncPerson(unit="Kho")),
        ({"op": "remove", "path": "title"}, pb.SyncPerson(title=words(""))),
        ({"op": "Add", "path": "displayName", "value": "Minh Lê"}, pb.SyncPerson(name=words("Minh Lê"))),
        ({"op": "Replace", "path": "name.formatted", "value": "Minh Lê"}, pb.SyncPerson(name=words("Minh Lê"))),
        ({"op": "Replace", "path": "name.givenName", "value": "Minh"}, pb.SyncPerson()),
        ({"op": "Replace", "path": "name.givenName", "value": "Mĩnh"}, pb.SyncPerson(name=words("Mĩnh"))),
        (
            {"op": "Replace", "path": "name", "value": {"givenName": "Minh", "familyName": "Lê"}},
            pb.SyncPerson(name=words("Minh Lê")),
        ),
        ({"op": "remove", "path": "name"}, pb.SyncPerson(name=words(""))),
        ({"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "1"}, pb.SyncPerson()),
        ({"op": "Replace", "path": "title", "value": "Sales"}, pb.SyncPerson()),
    ],
)
def test_a_patch_says_what_is_otherwise_and_nothing_else(operation: dict[str, object], expected: pb.SyncPerson):
    expected.person_id = "p1"
    assert after(operation) == expected


def test_what_a_replacement_does_not_name_stays_and_what_is_null_is_taken_away():
    before = people.shown(MINH, BASE)
    body = {"userName": "minh@x.vn", "title": None, ENTERPRISE: {"department": None}}
    sent = Person.model_validate(body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST, scim_policy=POLICY)
    said = people.said(people.filled(sent, before), before)
    assert said == pb.SyncPerson(person_id="p1", title=words(""), unit="")


def replaced(present: str, **sent: object) -> str | None:
    """What somebody is called after a replacement; None: as before."""
    before = people.shown(pb.SyncedPerson(person_id="p1", user_name=words("m@x.vn"), name=words(present)), BASE)
    body = {"userName": "m@x.vn", **sent}
    user = Person.model_validate(body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST, scim_policy=POLICY)
    said = people.said(people.filled(user, before), before)
    return said.name.plain if said.HasField("name") else None


@pytest.mark.parametrize(
    ("present", "given", "family", "expected"),
    [
        ("Minh Lê", "Minh", "Lê", None),
        ("Lê Minh", "Minh", "Lê", None),
        ("Lê Văn Minh", "Minh", "Lê", None),
        ("Lê Minh", "Minh", "Trần", "Trần Minh"),
        ("Minh Lê", "Minh", "Trần", "Minh Trần"),
        ("Minh Lê Văn", "Minh", "Lê", "Minh Lê"),
        ("Lê Minh", "Ha", "Tran", "Ha Tran"),
        ("le minh", "Minh", "Lê", "Lê Minh"),
        ("m@x.vn", "Minh", "Lê", "Minh Lê"),
    ],
)
def test_given_and_family_name_are_the_name_in_the_order_that_it_has(
    present: str, given: str, family: str, expected: str | None
):
    assert replaced(present, name={"givenName": given, "familyName": family}) == expected


def test_a_replacement_blanks_the_name_for_a_null_alone_and_a_display_name_goes_before_the_parts():
    assert replaced("Minh Lê", name={"givenName": "Minh"}) is None
    assert replaced("Minh Lê", name={}) is None
    assert replaced("Minh Lê", name=None) == ""
    assert replaced("Minh Lê", displayName=None) == ""
    assert replaced("Hà (Kho)", displayName="Hà (Kho)", name={"givenName": "Hà", "familyName": "Lê"}) is None
    assert replaced("Minh Lê", name={"formatted": "Lê Minh", "givenName": "M", "familyName": "L"}) == "Lê Minh"


def test_a_part_of_a_name_that_is_not_seen_in_it_is_refused():
    for part in ("givenName", "familyName", "middleName"):
        with pytest.raises(Failure) as refused:
            after({"op": "Replace", "path": f"name.{part}", "value": "Trần"})
        assert refused.value.as_scim()["detail"].startswith(f"name.{part}: ")
        with pytest.raises(Failure):
            replaced("Minh Lê", name={part: "Trần"})


def test_who_is_new_is_active_and_has_one_name_and_one_address():
    body = {
        "userName": "lan",
        "name": {"givenName": "Lan", "middleName": "Thị", "familyName": "Lê"},
        "emails": [{"value": "home@x.vn", "type": "home"}, {"value": "lan@x.vn", "type": "work"}],
    }
    sent = Person.model_validate(body, scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=POLICY)
    assert people.said(sent) == pb.SyncPerson(
        user_name=words("lan"), name=words("Lan Thị Lê"), email=words("lan@x.vn"), active=True
    )


def test_operations_on_a_group_hold_in_their_order():
    said = groups.patched(
        "g",
        patch(
            Group,
            {"op": "Add", "path": "members", "value": [{"value": "a"}, {"value": "b", "type": "User"}]},
            {"op": "Remove", "path": "members", "value": [{"value": "a"}]},
            {"op": "Remove", "path": 'members[value eq "c"]'},
            {"op": "Replace", "value": {"displayName": "Kho", "externalId": "x"}},
        ),
    )
    assert said == pb.SyncGroup(group_id="g", name="Kho", add_ids=["b"], remove_ids=["a", "c"])
    said = groups.patched("g", patch(Group, {"op": "remove", "path": "members"}))
    assert said == pb.SyncGroup(group_id="g", replaces=True)


@pytest.mark.parametrize("value", [[{"value": "g2", "type": "Group"}], [{"display": "Minh"}], [{"value": ""}]])
def test_members_are_users(value: object):
    with pytest.raises(Failure) as refused:
        groups.patched("g", patch(Group, {"op": "add", "path": "members", "value": value}))
    assert refused.value.as_scim()["detail"].startswith("members: ")


def test_members_are_found_in_groups():
    found = conditions_of(ScimFilter('id eq "g" and members eq "p1"'), OF_GROUPS)
    assert [one.field for one in found[0].all] == [pb.SYNC_FIELD_ID, pb.SYNC_FIELD_MEMBER]


def test_what_there_is_says_what_is_kept_and_no_more():
    names = {str(one.id).rpartition(":")[2]: [a.name for a in one.attributes or ()] for one in PROVIDER.schemas}
    assert names["Group"] == ["displayName", "members"]
    assert PROVIDER.config is not None
    assert PROVIDER.config.etag is not None
    assert PROVIDER.config.etag.supported is False
