"""Who hears of what: CH3 of Company X, and every other cause (N-06, N-07, N-09, N-11)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventkit.directory.facts import OrgChart, Place, Unit
from eventkit.directory.responsibility import Responsibility
from nhip.goals.v1 import types_pb2 as g
from nhip.notifications.v1 import types_pb2 as t
from nhip.notifications.v1.events_pb2 import NoticeGiven
from nhip.rewards.v1.events_pb2 import GiftHandedOver, PraiseGiven, RedemptionRefunded, Share
from services.notifications.domain import recipients
from services.notifications.domain.notice import notice_id
from services.notifications.domain.recipients import Append, Change, KpiTree, NotKnownYet, Proposed
from tests.unit.decisions import company_x, person

COMPANY, DEPARTMENT, INDIVIDUAL = g.LEVEL_COMPANY, g.LEVEL_DEPARTMENT, g.LEVEL_INDIVIDUAL
OWNER, ABOVE, BELOW = t.RELATION_OWNER, t.RELATION_OWNER_ABOVE, t.RELATION_OWNER_BELOW

# The whole tree after CH1 and CH2: K-COL of Minh and Trâm supports D4, K-CO of Minh and Thảo serves D2.
TREE: dict[str, tuple[str, Responsibility]] = {
    kpi.id: (parent, kpi)
    for parent, kpi in (
        ("", Responsibility("K1", COMPANY, ("nam",), "")),
        ("", Responsibility("K2", COMPANY, ("nam",), "")),
        ("K1", Responsibility("D1", DEPARTMENT, (), "sales")),
        ("K1", Responsibility("D2", DEPARTMENT, (), "sales")),
        ("K2", Responsibility("D3", DEPARTMENT, (), "sales")),
        ("K2", Responsibility("D4", DEPARTMENT, (), "cskh")),
        ("D1", Responsibility("I1", INDIVIDUAL, ("minh",), "")),
        ("D1", Responsibility("I2", INDIVIDUAL, ("tram",), "")),
        ("D2", Responsibility("I3", INDIVIDUAL, ("minh",), "")),
        ("D2", Responsibility("I4", INDIVIDUAL, ("tram",), "")),
        ("D3", Responsibility("I5", INDIVIDUAL, ("minh",), "")),
        ("D3", Responsibility("I6", INDIVIDUAL, ("tram",), "")),
        ("D4", Responsibility("I7", INDIVIDUAL, ("thao",), "")),
        ("D4", Responsibility("I8", INDIVIDUAL, ("tien",), "")),
        ("D4", Responsibility("K-COL", INDIVIDUAL, ("minh", "tram"), "")),
        ("D2", Responsibility("K-CO", INDIVIDUAL, ("minh", "thao"), "")),
        ("", Responsibility("KC", INDIVIDUAL, ("minh",), "")),
    )
}
ADDED = ("D1", Responsibility("K-ADD", INDIVIDUAL, ("minh",), ""))


def around(*added: tuple[str, Responsibility]) -> KpiTree:
    tree = [*TREE.values(), *added]
    return KpiTree({kpi.id: kpi for _, kpi in tree}, {kpi.id: parent for parent, kpi in tree if parent})


def revised(kpi: str, before: int, after: int) -> Change:
    return Change(kpi, t.CHANGE_KIND_TARGET_REVISED, Decimal(before), Decimal(after))


CH3 = Append(
    "person:nam",
    [
        revised("K1", 70, 55),
        revised("D1", 100, 80),
        revised("I1", 80, 50),
        Change("K-ADD", t.CHANGE_KIND_DEFINED),
        Change("K-ADD", t.CHANGE_KIND_ALIGNED, parent_after="D1"),
    ],
    Proposed("P", "minh", ("nam", "quang"), "ProposalApproved"),
)


def told(drafts: list[NoticeGiven]) -> dict[str, tuple[str, list[tuple[str, int]]]]:
    return {
        d.person_id: (
            t.NoticeKind.Name(d.kind).removeprefix("NOTICE_KIND_"),
            [(c.kpi_id, c.relation) for c in d.changes],
        )
        for d in drafts
    }


def test_ch3_is_told_to_exactly_those_whom_it_concerns_once_each():
    drafts = recipients.of_goals(CH3, around(ADDED), company_x())
    assert told(drafts) == {
        # Who proposed it hears the decision and, in the same notice, what of it concerns them.
        "minh": ("PROPOSAL_DECIDED", [("D1", BELOW), ("I1", OWNER), ("K-ADD", OWNER)]),
        # Sales' KPIs are its head's: D1 itself, below K1; above I1 and above what was added.
        "phuc": ("KPI_CHANGED", [("K1", BELOW), ("D1", OWNER), ("I1", ABOVE), ("K-ADD", ABOVE)]),
        # I2 serves D1.
        "tram": ("KPI_CHANGED", [("D1", BELOW)]),
        # Nam approved it; no KPI of Lan, Thảo and Tiến is changed, directly above or directly below.
    }
    assert [(c.before.value, c.after.value) for c in drafts[0].changes][:2] == [("70", "55"), ("100", "80")]
    assert {(d.person_id, d.by_id, d.proposal_id, d.granted) for d in drafts} == {
        ("minh", "nam", "P", True),
        ("phuc", "nam", "P", False),
        ("tram", "nam", "P", False),
    }


def test_nobody_is_told_of_their_own_deed():
    by_phuc = Append("person:phuc", [revised("D1", 100, 90)])
    assert set(told(recipients.of_goals(by_phuc, around(), company_x()))) == {"nam", "minh", "tram"}
    by_quang = Append("person:quang", [revised("D1", 100, 90)])
    assert set(told(recipients.of_goals(by_quang, around(), company_x()))) == {"phuc", "nam", "minh", "tram"}


def test_a_waiting_proposal_is_for_who_is_asked_first():
    proposed = Append("person:minh", proposed=Proposed("P", "minh", ("nam", "quang"), "ChangeProposed"))
    (draft,) = recipients.of_goals(proposed, around(), company_x())
    assert (draft.person_id, draft.kind, draft.by_id, draft.proposal_id) == (
        "nam",
        t.NOTICE_KIND_PROPOSAL_WAITING,
        "minh",
        "P",
    )


def test_a_declined_proposal_is_told_to_who_made_it_and_to_nobody_else():
    declined = Append("person:nam", proposed=Proposed("P", "minh", ("nam",), "ProposalDeclined"))
    (draft,) = recipients.of_goals(declined, around(), company_x())
    assert (draft.person_id, draft.kind, draft.granted, list(draft.changes)) == (
        "minh",
        t.NOTICE_KIND_PROPOSAL_DECIDED,
        False,
        [],
    )


def test_who_is_invited_hears_of_it_and_the_proposer_of_their_yes_n01():
    asked = Proposed("P", "minh", ("nam",), "ChangeProposed", invited=("thao",))
    assert told(recipients.of_goals(Append("person:minh", proposed=asked), around(), company_x())) == {
        "nam": ("PROPOSAL_WAITING", []),
        "thao": ("INVITED", []),
    }
    yes = Proposed("P", "minh", ("nam",), "InvitationAccepted")
    assert told(recipients.of_goals(Append("person:thao", proposed=yes), around(), company_x())) == {
        "minh": ("INVITATION_ACCEPTED", [])
    }


def test_with_the_last_yes_it_is_who_approved_it_that_is_named():
    approved = Proposed("P", "minh", ("nam",), "ProposalApproved", decider="nam")
    [draft] = recipients.of_goals(Append("person:thao", proposed=approved), around(), company_x())
    assert (draft.person_id, draft.by_id, draft.granted) == ("minh", "nam", True)


def test_a_question_is_for_the_proposer_and_their_answer_for_who_asked():
    asked = Proposed("P", "minh", ("nam",), "ProposalCommented", askers=("quang",))
    for by, hears in (("quang", "minh"), ("minh", "quang")):
        found = told(recipients.of_goals(Append(f"person:{by}", proposed=asked), around(), company_x()))
        assert found == {hears: ("PROPOSAL_COMMENTED", [])}


def test_a_proposal_from_before_anybody_was_named_is_told_to_nobody():
    assert (
        recipients.of_goals(
            Append("person:minh", proposed=Proposed("P", "minh", (), "ChangeProposed")), around(), company_x()
        )
        == []
    )


def test_a_kpi_put_elsewhere_is_told_where_it_was_and_where_it_is():
    moved = Change("I1", t.CHANGE_KIND_ALIGNED, parent_before="D4", parent_after="D1")
    drafts = recipients.of_goals(Append("person:nam", [moved]), around(), company_x())
    assert told(drafts) == {
        "minh": ("KPI_CHANGED", [("I1", OWNER)]),
        "phuc": ("KPI_CHANGED", [("I1", ABOVE)]),
        "lan": ("KPI_CHANGED", [("I1", ABOVE)]),
    }
    assert (drafts[0].changes[0].parent_before, drafts[0].changes[0].parent_after) == ("D4", "D1")


def test_a_kpi_that_ends_is_told_once_also_to_what_it_served():
    ended = [Change("I7", t.CHANGE_KIND_RETIRED), Change("I7", t.CHANGE_KIND_UNSPECIFIED, parent_before="D4")]
    tree = around()
    parents = {kpi: parent for kpi, parent in tree.parents.items() if kpi != "I7"}
    drafts = recipients.of_goals(Append("person:nam", ended), KpiTree(tree.kpis, parents), company_x())
    assert told(drafts) == {"thao": ("KPI_CHANGED", [("I7", OWNER)]), "lan": ("KPI_CHANGED", [("I7", ABOVE)])}


def test_who_answered_for_a_kpi_hears_that_it_is_another_s_now():
    handed = Change("I7", t.CHANGE_KIND_SAID, parts=("owners",), owners_before=["tien"])
    found = told(recipients.of_goals(Append("person:nam", [handed]), around(), company_x()))
    owner, above = ("I7", t.RELATION_OWNER), ("I7", t.RELATION_OWNER_ABOVE)
    assert {person: changes for person, (_, changes) in found.items()} == {
        "thao": [owner],
        "tien": [owner],
        "lan": [above],
    }


def test_what_an_import_defines_is_no_news_and_what_a_person_defines_is():
    defined = [
        Change("I7", t.CHANGE_KIND_DEFINED),
        Change("I7", t.CHANGE_KIND_ALIGNED, parent_after="D4"),
        Change("I7", t.CHANGE_KIND_SAID, parts=(recipients.FURTHER,)),  # it supports a success factor besides
    ]
    assert recipients.of_goals(Append("service:importer for person:nam", defined), around(), company_x()) == []
    assert told(recipients.of_goals(Append("person:lan", defined), around(), company_x())) == {
        "thao": ("KPI_CHANGED", [("I7", OWNER)])
    }


def test_a_department_without_a_head_is_told_nothing():
    org = OrgChart(
        people={"nam": person("nam")}, places={"nam": Place()}, units={"marketing": Unit("marketing", "Marketing")}
    )
    kpi = Responsibility("D9", DEPARTMENT, (), "marketing")
    assert recipients.of_stale(kpi, org) == []


def test_who_is_named_hears_of_it_and_the_head_of_the_unit_only_where_nobody_is_named():
    named, unnamed = Responsibility("D9", DEPARTMENT, ("minh",), "sales"), Responsibility("D9", DEPARTMENT, (), "sales")
    assert [d.person_id for d in recipients.of_stale(named, company_x())] == ["minh"]
    assert [d.person_id for d in recipients.of_stale(unnamed, company_x())] == ["phuc"]


def test_what_the_directory_has_not_heard_of_is_waited_for():
    unknown_unit, unknown_person = (
        Responsibility("D9", DEPARTMENT, (), "ghosts"),
        Responsibility("I9", INDIVIDUAL, ("ghost",), ""),
    )
    for kpi in (unknown_unit, unknown_person):
        with pytest.raises(NotKnownYet):
            recipients.of_stale(kpi, company_x())


def test_who_is_not_there_any_more_is_told_nothing():
    assert "tram" not in told(recipients.of_goals(CH3, around(ADDED), company_x(inactive=("tram",))))


def test_a_forgotten_kpi_is_told_to_all_of_its_owners():
    drafts = recipients.of_stale(Responsibility("K-COL", INDIVIDUAL, ("minh", "tram"), ""), company_x())
    assert [(d.person_id, d.kind, d.kpi_id, d.by_id) for d in drafts] == [
        ("minh", t.NOTICE_KIND_PROGRESS_STALE, "K-COL", ""),
        ("tram", t.NOTICE_KIND_PROGRESS_STALE, "K-COL", ""),
    ]


def praise(*people: str) -> PraiseGiven:
    return PraiseGiven(praise_id="R", giver_id="phuc", shares=[Share(person_id=p, points=10) for p in people])


def test_everybody_who_is_praised_hears_of_it_but_who_gave_it():
    drafts = recipients.of_praise(praise("minh", "tram", "phuc"), "person:phuc", company_x())
    assert [(d.person_id, d.kind, d.by_id, d.praise_id) for d in drafts] == [
        ("minh", t.NOTICE_KIND_PRAISE_RECEIVED, "phuc", "R"),
        ("tram", t.NOTICE_KIND_PRAISE_RECEIVED, "phuc", "R"),
    ]


def test_praise_that_an_import_brings_is_its_givers():
    (draft,) = recipients.of_praise(praise("minh"), "service:importer", company_x())
    assert (draft.person_id, draft.by_id) == ("minh", "phuc")


def test_who_redeemed_a_gift_hears_what_became_of_it_unless_they_did_it_themselves():
    handed, refunded = (
        GiftHandedOver(redemption_id="X", person_id="minh"),
        RedemptionRefunded(redemption_id="X", person_id="minh"),
    )
    assert [d.granted for d in recipients.of_gift(handed, "person:nam", company_x())] == [True]
    assert [d.granted for d in recipients.of_gift(refunded, "person:nam", company_x())] == [False]
    assert recipients.of_gift(refunded, "person:minh", company_x()) == []


def test_a_request_for_erasure_is_for_those_who_may_decide_about_it():
    x = company_x()
    people = {
        **x.people,
        "lan": person("lan", "admin"),
        "tien": person("tien", "admin", "auditor"),
        "nam": person("nam", "admin"),
    }
    org = replace(x, people={**people, "minh": person("minh", "admin")})
    drafts = recipients.of_erasure_request("minh", "person:nam", org)
    assert [(d.person_id, d.kind, d.by_id, d.erased_id) for d in drafts] == [
        ("lan", t.NOTICE_KIND_ERASURE_WAITING, "nam", "minh")
    ]


def test_a_decision_about_an_erasure_is_told_to_who_asked_and_to_who_stays():
    declined = recipients.of_erasure_decision("minh", "person:nam", "person:lan", company_x(), granted=False)
    assert [(d.person_id, d.granted) for d in declined] == [("nam", False), ("minh", False)]
    approved = recipients.of_erasure_decision("minh", "person:nam", "person:lan", company_x(), granted=True)
    assert [(d.person_id, d.granted) for d in approved] == [("nam", True)]
    assert recipients.of_erasure_decision("minh", "person:minh", "person:lan", company_x(), granted=True) == []


def test_the_id_of_a_notice_follows_from_tenant_person_and_cause():
    assert notice_id("x", "minh", "a") == notice_id("x", "minh", "a")
    assert (
        len({notice_id(*of) for of in (("x", "minh", "a"), ("y", "minh", "a"), ("x", "nam", "a"), ("x", "minh", "b"))})
        == 4
    )
    assert notice_id("x", "minh", f"stale/I1/{date(2025, 3, 1)}") != notice_id(
        "x", "minh", f"stale/I1/{date(2025, 4, 1)}"
    )


PEOPLE = st.sampled_from(["nam", "quang", "phuc", "minh", "tram", "lan", "thao", "tien"])
CHANGED = st.lists(st.sampled_from(sorted(TREE)), min_size=1, max_size=6, unique=True)


@given(CHANGED, PEOPLE)
def test_whoever_is_told_has_a_kpi_at_most_one_step_away_and_did_not_do_it(kpis: list[str], actor: str):
    org, tree = company_x(), around()
    drafts = recipients.of_goals(Append(f"person:{actor}", [revised(kpi, 2, 1) for kpi in kpis]), tree, org)
    hears = {draft.person_id: {change.kpi_id for change in draft.changes} for draft in drafts}
    assert len(hears) == len(drafts)
    for person_id in org.people:
        own = {kpi.id for _, kpi in TREE.values() if person_id in recipients.answerable(kpi, org)}
        near = (
            own
            | {tree.parents.get(kpi, "") for kpi in own}
            | {kpi for kpi, parent in tree.parents.items() if parent in own}
        )
        assert hears.get(person_id, set()) == (set() if person_id == actor else near & set(kpis))


def test_a_new_head_hears_for_what_they_answer_and_the_old_one_that_they_do_no_more():
    new, old = sorted(
        recipients.of_unit_head("sales", "phuc", "minh", ["D1", "D2"], "person:nam", company_x()), key=who
    )
    assert (new.person_id, new.granted, [change.kpi_id for change in new.changes]) == ("minh", True, ["D1", "D2"])
    assert (old.person_id, old.granted, list(old.changes)) == ("phuc", False, [])


def test_the_first_head_of_a_unit_hears_nothing_nor_who_stands_in_for_a_leaver():
    assert recipients.of_unit_head("sales", "", "minh", ["D1"], "person:nam", company_x()) == []
    gone = replace(company_x().people["phuc"], active=False)
    org = replace(company_x(), people={**company_x().people, "phuc": gone})
    [new] = recipients.of_unit_head("sales", "phuc", "minh", ["D1"], "person:nam", org)
    assert (new.person_id, new.granted) == ("minh", True)
    [by] = {org.standing_in("phuc")}
    assert recipients.of_unit_head("sales", "phuc", by, ["D1"], "person:quang", org) == []


def who(notice: NoticeGiven) -> str:
    return notice.person_id
