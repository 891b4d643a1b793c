"""Who may do what: every command by every relation, as the access rules say it and as the services answer it.

X-03, X-04.
"""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Mapping
from unittest.mock import MagicMock

import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from eventkit.errors import Rejected
from eventkit.rpc.access import Allow, may
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1 import options_pb2
from nhip.common.v1.command_pb2 import Accepted
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as gt
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from nhip.rewards.v1 import rewards_pb2 as r
from nhip.rewards.v1 import types_pb2 as rt
from tests.integration.services.company import DESCRIPTORS, IMPORTER, OPERATOR, Company, System, number, words
from tests.integration.services.relations_of_beats import BEATS, OWN, Ask, talked

ROLES: Mapping[str, frozenset[str]] = {
    "minh": frozenset({"employee"}),
    "phuc": frozenset({"employee", "manager", "department_head"}),
    "ha": frozenset({"employee", "manager"}),
    "nam": frozenset({"employee", "manager", "executive", "admin"}),
    "lan": frozenset({"employee", "manager", "department_head"}),
    "tien": frozenset({"employee"}),
    "quang": frozenset({"employee", "executive"}),
    "mai": frozenset({"employee", "okr_master"}),
    "huong": frozenset({"employee", "admin"}),
    "van": frozenset({"employee", "auditor"}),
}
"""Minh answers for a KPI; Phúc is his manager and heads his unit, Hà is above, Nam above her; Lan heads another unit,
in which Tiến is."""


@pytest.fixture(scope="module")
async def company(system: System) -> Company:
    company = await (await system.company().found()).branch()
    ids = company.ids
    await company.do(p.CreateUnit(name="CSKH"), name="cskh")
    for who, unit, manager, *roles in (
        ("ha", "", "nam"),
        ("lan", "cskh", "nam"),
        ("tien", "cskh", "lan"),
        ("mai", "", "nam", pt.ROLE_OKR_MASTER),
        ("huong", "", "nam", pt.ROLE_ADMIN),
        ("van", "", "nam", pt.ROLE_AUDITOR),
    ):
        place = pt.Place(unit_id=ids.get(unit, ""), manager_id=ids[manager])
        await company.do(p.RegisterPerson(name=words(who), place=place, roles=roles), name=who)
    await company.do(p.AppointUnitHead(unit_id=ids["cskh"], person_id=ids["lan"]))
    await company.do(p.AssignPlace(person_id=ids["phuc"], place=pt.Place(unit_id=ids["sales"], manager_id=ids["ha"])))
    await company.define("I9", gt.LEVEL_INDIVIDUAL, 9, company.under("D1"), owner="minh")
    await talked(company)
    return company


# --- at the door: by roles ---


async def answered(company: Company, request: Message, by: str) -> str:
    """The reason of the refusal; "yes" where there is none."""
    try:
        await company.ask(request, by)
    except Rejected as refusal:
        return refusal.reason
    return "yes"


def access_of(service: str) -> Mapping[str, Allow]:
    """The tables of all that a service answers: one for each of its gRPC services."""
    room = importlib.import_module(f"services.{service}")
    modules = [one.name for one in pkgutil.iter_modules(room.__path__) if one.name.endswith("api")]
    tables = [getattr(importlib.import_module(f"services.{service}.{name}"), "ACCESS", {}) for name in modules]
    return {method: allow for table in tables for method, allow in table.items()}


@pytest.mark.parametrize("who", [*ROLES, IMPORTER, OPERATOR])
async def test_every_call_is_let_in_by_the_access_rules_alone(company: Company, who: str):
    wrong: list[str] = []
    for service, api in DESCRIPTORS.items():
        table = access_of(service)
        for method in api.methods:
            if not any(f.GetOptions().Extensions[options_pb2.rules].required for f in method.input_type.fields):
                continue  # it might be carried out
            allow = table[method.name]
            if ":" in who:
                lets_in = who.partition(":")[2] in allow.services
            else:
                lets_in = may(allow, ROLES[who], changes=method.output_type is Accepted.DESCRIPTOR)
            reason = await answered(company, GetMessageClass(method.input_type)(), who)
            if (reason != "NOT_ALLOWED") != lets_in:
                wrong.append(f"{method.full_name}: {reason}")
    assert wrong == []


# --- behind it: by relations ---


def proposal(company: Company) -> str:
    return company.ids["proposal"]


_SETS = {"nam": "yes", "quang": "yes", "mai": "yes", "van": "NOT_ALLOWED", "others": "NOT_YOURS_TO_SET"}
RELATIONS: Mapping[str, tuple[Ask, Mapping[str, str]]] = {
    "set a KPI of the company": (lambda x, who: x.definition(f"K-{who}", gt.LEVEL_COMPANY, 5), _SETS),
    "set a KPI of Phúc's unit": (
        lambda x, who: x.definition(f"D-{who}", gt.LEVEL_DEPARTMENT, 5),
        {**_SETS, "phuc": "yes", "ha": "yes"},
    ),
    "set a KPI of Minh": (
        lambda x, who: x.definition(f"I-{who}", gt.LEVEL_INDIVIDUAL, 5, owner="minh"),
        {**_SETS, "phuc": "yes", "ha": "yes"},
    ),
    "move Minh's KPI": (
        lambda x, who: g.AlignKpi(kpi_id=x.ids["I9"], parent=x.under("D1"), why=f"vì {who}"),
        {**_SETS, "phuc": "yes", "ha": "yes"},
    ),
    "end Minh's KPI": (
        lambda x, _: g.RetireKpi(kpi_id=x.ids["I9"], reason_class=gt.REASON_CLASS_CORRECTION, reason=words("Nhầm")),
        {**_SETS, "phuc": "yes", "ha": "yes"},
    ),
    "record progress of Minh's KPI": (
        lambda x, _: c.RecordProgress(kpi_id=x.ids["I1"], value=number(3)),
        {"minh": "yes", "van": "NOT_ALLOWED", "others": "NOT_AN_OWNER"},
    ),
    "record progress of the unit's KPI": (
        lambda x, _: c.RecordProgress(kpi_id=x.ids["D1"], value=number(3)),
        {"phuc": "yes", "van": "NOT_ALLOWED", "others": "NOT_AN_OWNER"},
    ),
    "approve what Minh proposes for it": (
        lambda x, _: g.ApproveProposal(proposal_id=proposal(x), comment=words("Được")),
        {"phuc": "yes", "minh": "SELF_APPROVAL", "van": "NOT_ALLOWED", "others": "NOT_THE_APPROVER"},
    ),
    "set one's own e-mail address, or another's": (
        lambda x, _: p.ChangeEmail(person_id=x.ids["minh"], email=words("minh@example.org")),
        {"minh": "yes", "nam": "yes", "huong": "yes", "others": "NOT_ALLOWED"},
    ),
    "give oneself a role": (
        lambda x, who: p.ChangeRoles(
            person_id=x.ids[who], roles=[pt.ROLE_OKR_MASTER, pt.ROLE_EXECUTIVE, pt.ROLE_ADMIN], reason=words("vì")
        ),
        {"nam": "OWN_ROLES", "huong": "OWN_ROLES", "others": "NOT_ALLOWED"},
    ),
    "plan a role for oneself": (
        lambda x, who: p.PlanChange(
            on={"year": 2199, "month": 1, "day": 1},  # type: ignore[arg-type] # as protobuf takes it
            change=p.Change(
                change_roles=p.ChangeRoles(
                    person_id=x.ids[who],
                    roles=[pt.ROLE_OKR_MASTER, pt.ROLE_EXECUTIVE, pt.ROLE_ADMIN],
                    reason=words("vì"),
                )
            ),
        ),
        {"nam": "OWN_ROLES", "huong": "OWN_ROLES", "others": "NOT_ALLOWED"},
    ),
    "choose one's own manager": (
        lambda x, who: p.AssignPlace(person_id=x.ids[who], place=pt.Place()),
        {"nam": "OWN_PLACE", "huong": "OWN_PLACE", "others": "NOT_ALLOWED"},
    ),
    "make oneself the head of a unit": (
        lambda x, who: p.AppointUnitHead(unit_id=x.ids["cskh"], person_id=x.ids[who]),
        {"nam": "OWN_PLACE", "huong": "OWN_PLACE", "others": "NOT_ALLOWED"},
    ),
    "make oneself a leaver's successor": (
        lambda x, who: p.DeactivatePerson(person_id=x.ids["tram"], successor_id=x.ids[who]),
        {"nam": "OWN_PLACE", "huong": "OWN_PLACE", "others": "NOT_ALLOWED"},
    ),
    "praise oneself": (
        lambda x, who: r.GivePraise(
            receiver_id=x.ids[who],
            kpi_id=x.ids["I1"],
            words=words("Hay"),
            visibility=rt.VISIBILITY_PUBLIC,
        ),
        {"van": "NOT_ALLOWED", "others": "SELF_PRAISE"},
    ),
    "read who asked for whose erasure": (
        lambda x, _: p.ListErasures(person_id=x.ids["tram"]),
        {"nam": "yes", "huong": "yes", "van": "yes", "others": "NOT_ALLOWED"},
    ),
    "read what is planned": (
        lambda x, _: p.ListPlannedChanges(),
        {"nam": "yes", "huong": "yes", "van": "yes", "others": "NOT_ALLOWED"},
    ),
    **BEATS,
}
"""By what one asks for: who may, and why nobody else may."""


@pytest.mark.parametrize("what", RELATIONS)
async def test_a_relation_is_asked_for_wherever_it_matters(company: Company, what: str):
    ask, expected = RELATIONS[what]
    if "approve" in what:
        await company.do(company.proposal(I1=(80, 70)), "minh", name="proposal")
    by_turns = sorted(ROLES, key=lambda who: expected.get(who) == "yes")  # whoever may, last: then it is done
    found = {who: await answered(company, ask(company, who), who) for who in by_turns}
    assert found == {who: expected.get(who, expected["others"]) for who in by_turns}


@pytest.mark.parametrize("service", ["Meetings", "Reviews", "Topics", "Retros"])
def test_the_table_has_every_call_of_the_beats(service: str):
    methods = [method for api in DESCRIPTORS.values() for method in api.methods]
    calls = {method.input_type.name for method in methods if method.containing_service.name == service}
    example = Company(MagicMock(), "x", ids=defaultdict(lambda: "x"))
    made = {type(ask(example, "minh")).__name__ for ask, _ in BEATS.values()}
    assert calls
    assert calls - made - OWN == set()


async def test_who_may_is_told_with_what_gives_them_the_right(company: Company):
    ids = {id: name for name, id in company.ids.items()}
    told: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    for kpi in ("I1", "D1"):
        access = await company.ask(g.GetKpiAccess(kpi_id=company.ids[kpi]), "minh")
        assert isinstance(access, g.KpiAccess)
        record, decide = ({ids[one.person_id]: one.relation for one in some} for some in (access.record, access.decide))
        told[kpi] = record, decide
    assert told == {
        "I1": ({"minh": "NAMED"}, {"phuc": "DIRECT_MANAGER"}),
        "D1": ({"phuc": "HEAD_OF_UNIT"}, {"ha": "MANAGER_OF_HEAD"}),
    }


async def test_to_another_companys_people_nothing_is_there(company: Company, system: System):
    other = await system.company().found()
    ids = company.ids
    asked: list[Message] = [
        p.GetPerson(person_id=ids["minh"]),
        p.ChangeName(person_id=ids["minh"], name=words("X")),
        p.AssignPlace(person_id=ids["minh"], place=pt.Place()),
        p.DeactivatePerson(person_id=ids["minh"]),
        p.RenameUnit(unit_id=ids["sales"], name="X"),
        p.CloseUnit(unit_id=ids["sales"]),
        c.RecordProgress(kpi_id=ids["I1"], value=number(1)),
        g.GetKpi(kpi_id=ids["I1"]),
        g.ApproveProposal(proposal_id="p", comment=words("Được")),
    ]
    reasons = {type(one).__name__: await answered(other, one, "nam") for one in asked}
    assert {name: reason for name, reason in reasons.items() if not reason.endswith("_UNKNOWN")} == {}
