"""Forms over the services: what a person sees when theirs was refused, came late, or is asked for again."""

import re

import httpx
import pytest

from eventkit.errors import Kind, Rejected, Violation
from nhip.common.v1 import words_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from nhip.people.v1 import people_pb2
from nhip.people.v1 import types_pb2 as people_types

from .conftest import Backend

OWN = {"Sec-Fetch-Site": "same-origin"}


def proposal(**more) -> goals_pb2.Proposal:
    made = goals_pb2.Proposal(
        proposal_id="p1", title=words_pb2.PersonalText(plain="Bớt đi"), state=types_pb2.PROPOSAL_STATE_PROPOSED
    )
    made.approver.person_id, made.approver.name.plain = "nam", "Nam"
    made.MergeFrom(goals_pb2.Proposal(**more))
    return made


async def test_a_decision_that_came_late_says_whose_counts_and_keeps_what_was_typed(
    signed_in: httpx.AsyncClient, backend: Backend
):
    backend.answers("GetProposal", proposal(state=types_pb2.PROPOSAL_STATE_DECLINED))
    backend.answers("ApproveProposal", Rejected("PROPOSAL_DECIDED", "declined already", kind=Kind.REFUSED))
    sent = {"reason": "Tôi đồng ý", "decision": "approve"}
    page = await signed_in.post("/proposals/p1/decision", data=sent, headers=OWN)
    assert page.status_code == 400
    assert "Nam đã từ chối đề xuất này trước đó. Quyết định vừa gửi không được ghi nhận." in page.text
    assert "Tôi đồng ý" in page.text
    assert 'href="/language/en?next=/proposals/p1"' in page.text


async def test_what_is_stale_can_only_be_declined_and_says_so_once(signed_in: httpx.AsyncClient, backend: Backend):
    backend.answers("GetProposal", proposal(obstacle="PROPOSAL_STALE", may_decide=True))
    backend.answers("ApproveProposal", Rejected("PROPOSAL_STALE", "…", kind=Kind.REFUSED, field="changes[0].before"))
    said = "Các mục tiêu đã thay đổi từ khi đề xuất"
    shown = await signed_in.get("/proposals/p1")
    tried = await signed_in.post("/proposals/p1/decision", data={"reason": "x", "decision": "approve"}, headers=OWN)
    for page in (shown, tried):
        assert page.text.count(said) == 1
        assert 'value="approve"' not in page.text
        assert 'value="decline"' in page.text


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/proposals/p1/decision", "/proposals/p1"),
        ("/proposals/p1/withdrawal", "/proposals/p1"),
        ("/proposals/preview", "/proposals/new"),
        ("/sign-out", "/"),
    ],
)
async def test_an_address_of_forms_leads_to_its_page(signed_in: httpx.AsyncClient, path: str, page: str):
    answer = await signed_in.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, page)


async def test_a_day_before_everything_says_so_and_leads_back(signed_in: httpx.AsyncClient, backend: Backend):
    cycle = goals_pb2.Cycle(cycle_id="q1", name="Q1")
    for day in (cycle.starts_on, cycle.ends_on):
        day.year, day.month, day.day = 2025, 1, 1
    backend.answers("ListCycles", goals_pb2.Cycles(cycles=[cycle]))
    backend.answers("GetMap", goals_pb2.GoalMap(cycle=cycle, past=True))
    page = await signed_in.get("/map?on=2020-01-01")
    assert "Vào ngày đang xem chưa có gì được ghi nhận" in page.text
    assert 'href="/map">Về hôm nay' in page.text


async def test_a_kpi_that_came_later_is_not_just_missing(signed_in: httpx.AsyncClient, backend: Backend):
    def known_today(asked) -> goals_pb2.KpiPage:
        if asked.HasField("as_of"):
            raise Rejected("KPI_UNKNOWN", "…", kind=Kind.UNKNOWN)
        return goals_pb2.KpiPage()

    backend.handlers["GetKpi"] = known_today
    backend.answers("GetKpiHistory", goals_pb2.KpiHistory())
    page = await signed_in.get("/kpi/i1?on=2020-01-01")
    assert page.status_code == 404
    assert "KPI này chưa được ghi nhận" in page.text
    assert 'href="/kpi/i1"' in page.text


async def test_a_form_that_is_too_long_is_told_in_words(signed_in: httpx.AsyncClient):
    page = await signed_in.post("/proposals/p1/decision", content=b"x" * ((1 << 20) + 1), headers=OWN)
    assert page.status_code == 413
    assert "Nội dung gửi quá dài" in page.text


async def test_a_missing_page_keeps_the_navigation(signed_in: httpx.AsyncClient):
    page = await signed_in.get("/nowhere")
    assert page.status_code == 404
    assert 'href="/proposals"' in page.text


async def test_the_list_to_sign_in_begins_with_executives(signed_in: httpx.AsyncClient, backend: Backend):
    def person(id: str, name: str, *roles: people_types.Role.ValueType) -> people_pb2.Person:
        return people_pb2.Person(person_id=id, name=words_pb2.PersonalText(plain=name), roles=roles, active=True)

    everybody = [
        person("v", "Vân"),
        person("d", "Đức"),
        person("x", "Xuân", people_types.ROLE_EXECUTIVE),
        person("c", "Cường"),
    ]
    backend.answers("ListPeople", people_pb2.PeopleList(people=everybody))
    page = await signed_in.get("/sign-in")
    assert re.findall(r'name="person" value="(.)"', page.text) == ["x", "c", "d", "v"]


async def test_what_the_contract_refuses_is_told_without_its_paths(signed_in: httpx.AsyncClient, backend: Backend):
    wrong = (
        Violation("changes[0].after", "NOT_A_NUMBER"),
        Violation("changes[1].after", "NOT_A_NUMBER"),
    )
    backend.answers("PreviewProposal", Rejected("FIELDS_INVALID", "…", kind=Kind.INVALID, violations=wrong))
    sent = {"cycle_id": "q1", "after.k1": "3", "before.k1": "4"}
    page = await signed_in.post("/proposals/preview", data=sent, headers=OWN)
    assert "changes[" not in page.text
    assert page.text.count("Đây không phải là số.") == 1


async def test_progress_is_for_a_day(signed_in: httpx.AsyncClient, backend: Backend):
    page = goals_pb2.KpiPage(kpi=goals_pb2.Kpi(kpi_id="i1", name="Demo"), cycle=goals_pb2.Cycle(cycle_id="q1"))
    for day, month in ((page.cycle.starts_on, 1), (page.cycle.ends_on, 3)):
        day.year, day.month, day.day = 2025, month, 31
    backend.answers("GetKpi", page)
    answer = await signed_in.post("/kpi/i1/progress", data={"value": "5", "occurred_on": ""}, headers=OWN)
    assert answer.status_code == 422
    assert 'value="2025-03-20" required aria-invalid="true"' in answer.text


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (goals_pb2.Names(names=[goals_pb2.Name(id="far", name="Demo nơi khác")]), "Demo nơi khác"),
        (Rejected("AWAY", "goals does not answer", kind=Kind.REFUSED), "far"),
    ],
    ids=["named", "not named"],
)
async def test_what_a_kpi_is_a_rate_of_stays_chosen_beyond_what_a_form_offers(
    signed_in: httpx.AsyncClient, backend: Backend, names: goals_pb2.Names | Rejected, called: str
):
    cycle, kpi = goals_pb2.Cycle(cycle_id="q1", name="Quý 1"), goals_pb2.Kpi(kpi_id="i3", name="Tỷ lệ", cycle_id="q1")
    for day, month in ((cycle.starts_on, 1), (cycle.ends_on, 3)):
        day.year, day.month, day.day = 2025, month, 31
    kpi.measure.kind, kpi.measure.direction = types_pb2.MEASURE_KIND_LEVEL, types_pb2.DIRECTION_INCREASE
    kpi.measure.target.value, kpi.measure.volume_kpi_id = "60", "far"
    backend.answers("GetKpi", goals_pb2.KpiPage(kpi=kpi, cycle=cycle, may_propose=True))
    backend.answers("ListCycles", goals_pb2.Cycles(cycles=[cycle]))
    first = [goals_pb2.Kpi(kpi_id="i1", name="Demo")]
    backend.answers("ListKpis", goals_pb2.Kpis(kpis=first, next_page_token="more"))
    backend.answers("ListStrategicGoals", goals_pb2.StrategicGoals())
    backend.answers("ListCsfs", goals_pb2.Csfs())
    backend.answers("ListNames", names)
    page = await signed_in.get("/proposals/new?kpi=i3&open=i3")
    assert page.status_code == 200
    field = re.search(r'<select[^>]*name="volume.i3".*?</select>', page.text, re.DOTALL)
    assert field is not None
    assert re.findall(r'<option value="([^"]*)" selected>([^<]*)', field[0]) == [("far", called)]


async def test_proposals_are_listed_with_the_kpis_they_touch(signed_in: httpx.AsyncClient, backend: Backend):
    changes = [goals_pb2.ProposedChange(kpi=goals_pb2.Kpi(kpi_id=id, name=id.upper())) for id in ("k1", "d1", "i1")]
    backend.answers("ListProposals", goals_pb2.Proposals(proposals=[proposal(changes=changes)]))
    page = await signed_in.get("/proposals")
    assert "K1 +2" in page.text
