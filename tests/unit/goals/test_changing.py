"""What a proposal may change of a KPI, carried out together with everything else in it (1.14) (G-66, G-69)."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from eventkit.commands.aggregate import Decision
from eventkit.directory.facts import OrgChart
from eventkit.values import from_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import ChangeProposed, KpiAligned, KpiChanged, KpiDefined, KpiRetired, KpiTakenOff
from nhip.goals.v1.goals_pb2 import AcceptInvitation, ApproveProposal, CorrectKpiWords, KpiWords, ProposeChange
from services.goals.domain import proposal
from services.goals.domain.alignment import ALIGNMENT, Alignment, check_volume, evolve
from services.goals.domain.changing import Circumstances
from services.goals.domain.cycle import Cycle
from services.goals.domain.direct_change import correct_words
from services.goals.domain.kpi import KPI
from services.goals.domain.kpi_change import SAID
from services.goals.domain.proposal import PROPOSAL
from tests.unit.decisions import TODAY, Given, company_x, context, number, person, rejected, words
from tests.unit.goals.kpis import Q1, defined, department, individual, sales_branch

ALL = ("K1", "D1", "D2", "D3", "D4", "I1", "I2", "I3", "I4")


def around(state: Given, org: OrgChart | None = None) -> Circumstances:
    kpis = {id: state.state(KPI, id) for id in ALL}
    return Circumstances(Q1, state.state(ALIGNMENT, Q1.id), kpis, {"CSF1"}, org or company_x(), TODAY)


def change(kpi_id: str, **fields: Any) -> t.TargetChange:
    return t.TargetChange(kpi_id=kpi_id, **fields)


def said(kpi_id: str, before: dict[str, Any], after: dict[str, Any]) -> t.TargetChange:
    """Words, weight, people; a list is people, a number a weight."""

    def of(parts: dict[str, Any]) -> t.KpiSaid:
        found = {"owners": lambda v: t.PersonIds(ids=v), "helpers": lambda v: t.PersonIds(ids=v), "weight": number}
        return t.KpiSaid(**{name: found.get(name, lambda v: v)(value) for name, value in parts.items()})

    return change(kpi_id, said=t.SaidChange(before=of(before), after=of(after)))


def under(kpi_id: str, before: str, after: str, why: str = "") -> t.TargetChange:
    return change(kpi_id, parent=t.ParentChange(before=t.Parent(kpi_id=before), after=t.Parent(kpi_id=after), why=why))


def ends(kpi_id: str) -> t.TargetChange:
    return change(kpi_id, ends=True)


def proposed(state: Given, *parts: t.TargetChange | t.KpiDraft, by: str = "minh") -> Given:
    command = ProposeChange(
        cycle_id=Q1.id,
        reason_class=t.REASON_CLASS_CONTEXT_CHANGED,
        title=words("Đổi"),
        reason=words("thị trường đổi"),
        changes=[part for part in parts if isinstance(part, t.TargetChange)],
        additions=[part for part in parts if isinstance(part, t.KpiDraft)],
    )
    return state.and_then(proposal.propose(command, around(state), context(by), "P"))


def agreed(state: Given) -> Given:
    """Whoever is invited said yes."""
    for invited in state.state(PROPOSAL, "P").unanswered:
        yes = AcceptInvitation(proposal_id="P")
        state = state.and_then(
            proposal.accept(state.state(PROPOSAL, "P"), yes, around(state), context(invited), added_ids=())
        )
    return state


def approved(state: Given, by: str = "nam", org: OrgChart | None = None) -> Decision:
    asked = state.state(PROPOSAL, "P")
    ids = [f"N{n}" for n in range(len(asked.additions))]
    command = ApproveProposal(proposal_id="P", comment=words("đồng ý"))
    return proposal.approve(asked, command, around(state, org), context(by), ids)


def test_weight_people_words_and_units_of_a_kpi_change_by_one_event():
    before = {"weight": 0, "owners": ["minh"], "helpers": [], "evaluator_id": "", "name": "I1", "unit": "demo"}
    after = {
        "weight": "33.5",
        "owners": ["tram"],
        "helpers": ["minh"],
        "evaluator_id": "lan",
        "name": "Demo kỹ",
        "unit": "buổi",
    }
    state = agreed(proposed(sales_branch(), said("I1", before, after)))
    events = [event for _, event in approved(state, by="phuc")][1:]
    assert [type(event) for event in events] == [KpiChanged]
    [event] = events
    assert isinstance(event, KpiChanged)
    assert (event.before.weight.value, event.after.weight.value) == ("0", "33.5")
    assert (list(event.before.owners.ids), list(event.after.owners.ids)) == (["minh"], ["tram"])
    assert not event.after.HasField("statement")
    assert (event.proposal_id, event.reason_class) == ("P", t.REASON_CLASS_CONTEXT_CHANGED)
    now = state.and_then(approved(state, by="phuc")).state(KPI, "I1")
    assert (now.name, str(now.weight), now.owners, now.helpers, now.evaluator, now.measure.unit, now.target) == (
        "Demo kỹ",
        "33.5",
        ("tram",),
        ("minh",),
        "lan",
        "buổi",
        80,
    )


def test_a_new_owner_s_manager_decides_too():
    """Minh's and Thảo's managers are others: the lowest that they share is Nam, before and after count."""
    state = proposed(sales_branch(), said("I1", {"owners": ["minh"]}, {"owners": ["thao"]}))
    rejected("NOT_THE_APPROVER", lambda: approved(state, by="phuc"))
    assert approved(state, by="nam")


def with_auditor(*auditors: str) -> OrgChart:
    org = company_x()
    return replace(org, people={**org.people, **{id: person(id, "auditor") for id in auditors}})


def test_an_auditor_neither_answers_for_a_kpi_nor_judges_it_but_who_is_named_already_stays():
    owned = individual("I9", 5, "demo", "D1", "minh", "tram")
    rejected("AUDITOR_NAMED", lambda: defined(sales_branch(), owned, with_auditor("tram")), field="kpi.owner_ids[1]")
    judged = individual("I9", 5, "demo", "D1", "minh", evaluator_id="lan")
    rejected("AUDITOR_NAMED", lambda: defined(sales_branch(), judged, with_auditor("lan")), field="kpi.evaluator_id")
    state = proposed(sales_branch(), said("I1", {"name": "I1"}, {"name": "Demo"}))
    assert approved(state, by="phuc", org=with_auditor("minh"))


def words_put_right(before: str, after: str) -> Decision:
    state = sales_branch()
    state = state.and_then(defined(state, individual("I9", 80, "demo", "D1", "minh", statement=before)))
    command = CorrectKpiWords(kpi_id="I9", before=KpiWords(statement=before), after=KpiWords(statement=after))
    known = around(state)
    known = replace(known, kpis={**known.kpis, "I9": state.state(KPI, "I9")})
    return correct_words(command, known, context("phuc"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Tổ chức ít nhất 80 buổi demo", "Tổ chức ít nhất 8 buổi demo"),
        ("Tổ chức ít nhất 80 buổi demo", "Tổ chức các buổi demo"),
        ("Từ 5 lên 80 buổi", "Từ 80 lên 5 buổi"),
        ("Thu 80k mỗi khách", "Thu 8k mỗi khách"),
        ("Lãi 8.000 đồng", "Lãi 8 đồng"),
        ("Lãi 3 %", "Lãi -3 %"),
    ],
)
def test_a_number_in_the_words_is_no_word_to_put_right(before: str, after: str):
    rejected("NUMBER_NOT_A_WORD", lambda: words_put_right(before, after), field="after.statement")


def test_misspelt_words_are_put_right_around_their_numbers():
    assert words_put_right("Tổ chứcc 1.200 buổi, 80k mỗi buổi.", "Tổ chức 1.200 buổi - 80k mỗi buổi")


def test_a_refusal_of_words_names_what_the_request_has():
    stale = CorrectKpiWords(kpi_id="I1", before=KpiWords(name="Demoo"), after=KpiWords(name="Demo"))
    rejected(
        "KPI_CHANGED_MEANWHILE",
        lambda: correct_words(stale, around(sales_branch()), context("phuc")),
        field="before.name",
    )


@pytest.mark.parametrize(
    ("before", "after", "reason", "field"),
    [
        ({"owners": ["minh"]}, {"owners": []}, "OWNER_MISSING", "said.after.owners.ids"),
        ({"owners": ["minh"]}, {"owners": ["tram", "tram"]}, "OWNER_TWICE", "said.after.owners.ids"),
        ({"owners": ["minh"]}, {"owners": ["minh", "ghost"]}, "PERSON_UNKNOWN", "said.after.owners.ids[1]"),
        ({"helpers": []}, {"helpers": ["minh"]}, "HELPER_TWICE", "said.after.helpers.ids"),
        ({"evaluator_id": ""}, {"evaluator_id": "minh"}, "EVALUATOR_IS_OWNER", "said.after.evaluator_id"),
        ({"unit_id": ""}, {"unit_id": "ghost"}, "UNIT_UNKNOWN", "said.after.unit_id"),
        ({"volume_kpi_id": ""}, {"volume_kpi_id": "I1"}, "VOLUME_OF_ITSELF", "said.after.volume_kpi_id"),
        ({"volume_kpi_id": ""}, {"volume_kpi_id": "ghost"}, "KPI_UNKNOWN", "said.after.volume_kpi_id"),
        ({"volume_kpi_id": ""}, {"volume_kpi_id": "I2"}, "VOLUME_OF_NO_RATE", "said.after.volume_kpi_id"),
        ({"volume_kpi_id": "I2"}, {"volume_kpi_id": "I3"}, "PROPOSAL_STALE", "said.before.volume_kpi_id"),
        ({"name": "I1"}, {"name": " "}, "MISSING", "said.after.name"),
        ({"name": "I1"}, {"name": "x", "unit": "y"}, "MISSING", "said.before.unit"),
        ({"name": "I0"}, {"name": "x"}, "PROPOSAL_STALE", "said.before.name"),
        ({"weight": 20}, {"weight": 30}, "PROPOSAL_STALE", "said.before.weight"),
        ({"name": "I1"}, {"name": "I1"}, "NOTHING_CHANGED", "after"),
    ],
)
def test_what_a_kpi_cannot_say_is_refused_with_its_field(
    before: dict[str, Any], after: dict[str, Any], reason: str, field: str
):
    rejected(reason, lambda: proposed(sales_branch(), said("I1", before, after)), field=f"changes[0].{field}")


def test_nothing_becomes_a_rate_of_what_ends_with_it():
    of_another = said("I3", {"volume_kpi_id": "I1"}, {"volume_kpi_id": "I2"})
    rejected(
        "KPI_RETIRED",
        lambda: proposed(sales_branch(), of_another, change("I2", ends=True)),
        field="changes[0].said.after.volume_kpi_id",
    )
    added = individual("I5", 50, "%", "D2", "minh", volume="I2")
    rejected(
        "KPI_RETIRED",
        lambda: proposed(sales_branch(), change("I2", ends=True), added),
        field="additions[0].measure.volume_kpi_id",
    )


def test_a_rate_is_one_of_a_kpi_of_its_own_cycle_or_of_one_around_it():
    def kpi_of(cycle_id: str) -> Alignment:
        return evolve(Alignment(), KpiAligned(kpi_id="V", cycle_id=cycle_id, effective_on=from_date(TODAY)))

    second = Cycle("q2", "Quý 2/2025", date(2025, 4, 1), date(2025, 6, 30), enclosing=("2025",))
    for cycle_id in ("q2", "2025"):
        check_volume(kpi_of(cycle_id), second, "V", TODAY, "volume_kpi_id")
    rejected(
        "CYCLE_NOT_ENCLOSING",
        lambda: check_volume(kpi_of("q1"), second, "V", TODAY, "volume_kpi_id"),
        field="volume_kpi_id",
    )


def test_every_part_that_the_contract_lets_one_say_can_change():
    assert {field.name for field in t.KpiSaid.DESCRIPTOR.fields} == set(SAID)


def test_a_part_that_moved_meanwhile_makes_the_proposal_stale():
    state = proposed(sales_branch(), said("I1", {"weight": 0}, {"weight": 40}))
    other = sales_branch().and_then(
        proposal.approve(
            state.state(PROPOSAL, "P"), ApproveProposal(proposal_id="P"), around(state), context("phuc"), ()
        )
    )
    moved = Given({**other.events, ("proposal", "P"): state.events["proposal", "P"]})
    rejected("PROPOSAL_STALE", lambda: approved(moved, by="phuc"), field="changes[0].said.before.weight")


def with_parts() -> Given:
    """The sales branch, with a department's KPI below each of its two."""
    state = sales_branch()
    for draft in (department("D3", 40, "demo", "D1"), department("D4", 40, "demo", "D2")):
        state = state.and_then(defined(state, draft))
    return state


def test_two_may_change_places_whatever_the_order_in_which_it_is_written():
    """D3 serves D1 serves K1: afterwards D1 serves D3 serves K1."""
    swap = [under("D1", "K1", "D3"), under("D3", "D1", "K1")]
    for changes in (swap, swap[::-1]):
        state = proposed(with_parts(), *changes)
        links = state.and_then(approved(state)).state(ALIGNMENT, Q1.id)
        assert (links.link("D1", TODAY).parent.kpi_id, links.link("D3", TODAY).parent.kpi_id) == ("D3", "K1")


def test_together_they_make_no_circle():
    rejected(
        "ALIGNMENT_CIRCLE",
        lambda: proposed(with_parts(), under("D1", "K1", "D4"), under("D2", "K1", "D3")),
        field="changes[1].parent.after.kpi_id",
    )


def test_what_serves_another_is_not_of_a_higher_level():
    rejected(
        "LEVEL_ORDER", lambda: proposed(sales_branch(), under("D2", "K1", "I1")), field="changes[0].parent.after.kpi_id"
    )


def test_a_link_that_moved_meanwhile_makes_the_proposal_stale():
    rejected(
        "PROPOSAL_STALE", lambda: proposed(sales_branch(), under("I1", "K1", "D2")), field="changes[0].parent.before"
    )


def test_what_is_served_may_end_when_what_serves_it_moves_or_ends_along():
    state = proposed(sales_branch(), ends("D1"), ends("I1"), under("I2", "D1", "D2"))
    events = [event for _, event in approved(state)][1:]
    assert [type(event) for event in events] == [KpiAligned, KpiRetired, KpiTakenOff, KpiRetired, KpiTakenOff]
    assert [ref.id if ref.category == "kpi" else "" for ref, _ in approved(state)][1:] == ["", "I1", "", "D1", ""]
    links = state.and_then(approved(state)).state(ALIGNMENT, Q1.id)
    assert links.children("D2", TODAY) == {"I2", "I3", "I4"}


def test_what_is_served_still_does_not_end():
    rejected("KPI_HAS_CHILDREN", lambda: proposed(sales_branch(), ends("D1"), ends("I1")), field="changes[0].ends")


def test_what_ends_is_not_changed_as_well():
    ending = ends("I1")
    ending.MergeFrom(said("I1", {"weight": 0}, {"weight": 40}))
    rejected("ENDS_ALONE", lambda: proposed(sales_branch(), ending), field="changes[0].ends")


def test_several_are_added_and_serve_each_other_whatever_their_order():
    below = individual("Gọi lại", 40, "demo", "d3", "tram", key="i9")
    rate = individual("Tỷ lệ gọi lại", 60, "%", "d3", "tram", volume="i9")
    above = department("Chăm khách cũ", 40, "demo", "K1", key="d3")
    state = agreed(proposed(sales_branch(), below, rate, above, under("I2", "D1", "d3")))
    decision = approved(state)
    defined = [event for _, event in decision if isinstance(event, KpiDefined)]
    assert [(event.kpi_id, event.name) for event in defined] == [
        ("N0", "Gọi lại"),
        ("N1", "Tỷ lệ gọi lại"),
        ("N2", "Chăm khách cũ"),
    ]
    assert defined[1].measure.volume_kpi_id == "N0"
    assert list(decision[0].event.added_kpi_ids) == ["N0", "N1", "N2"]  # type: ignore[attr-defined] # ProposalApproved
    links = state.and_then(decision).state(ALIGNMENT, Q1.id)
    assert links.children("N2", TODAY) == {"N0", "N1", "I2"}
    assert links.link("N2", TODAY).parent.kpi_id == "K1"


def test_an_addition_names_what_is_there():
    stray = individual("Gọi lại", 40, "demo", "nowhere", "tram")
    rejected("KPI_UNKNOWN", lambda: proposed(sales_branch(), stray), field="additions[0].parent.kpi_id")
    rate = individual("Tỷ lệ", 60, "%", "D1", "tram", volume="nowhere")
    rejected("KPI_UNKNOWN", lambda: proposed(sales_branch(), rate), field="additions[0].measure.volume_kpi_id")
    taken = individual("Gọi lại", 40, "demo", "D1", "tram", key="D2")
    rejected("KEY_TAKEN", lambda: proposed(sales_branch(), taken), field="additions[0].key")


def test_the_one_addition_of_an_older_proposal_is_read_with_the_others():
    asked = ChangeProposed(addition=individual("A", 1, "demo", "D1", "minh"), additions=[])
    assert [draft.name for draft in proposal.additions_of(asked)] == ["A"]
    asked.additions.append(individual("B", 1, "demo", "D1", "minh"))
    assert [draft.name for draft in proposal.additions_of(asked)] == ["A", "B"]
