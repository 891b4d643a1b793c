"""Home: what is new since the last visit, and a page that stands while services are away."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from google.type import date_pb2
from starlette.requests import Request
from starlette.responses import Response

from nhip.checkins.v1 import check_ins_pb2
from nhip.checkins.v1 import types_pb2 as checkins_types_pb2
from nhip.common.v1 import operations_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from nhip.notifications.v1 import notifications_pb2
from nhip.notifications.v1 import types_pb2 as notices_types_pb2
from nhip.people.v1 import people_pb2
from services.gateway.features.home.visits import COOKIE, Visits

from .conftest import Backend

NOON = datetime(2025, 3, 20, 12, tzinfo=UTC)


def looks(kept: str, at: datetime) -> tuple[Visits, str]:
    """A look at the page with what the browser kept; what it keeps next."""
    headers = [(b"cookie", f"{COOKIE}={kept}".encode())] if kept else []
    visits = Visits.of(Request({"type": "http", "headers": headers}), at)
    response = Response()
    visits.keep(response, secure=True)
    return visits, response.headers["set-cookie"].partition("=")[2].partition(";")[0]


def test_a_visit_goes_on_while_its_looks_are_near_each_other_and_the_next_counts_from_its_end():
    first, kept = looks("", NOON)
    assert first.last_ended is None
    again, kept = looks(kept, NOON + timedelta(minutes=20))
    assert again.last_ended is None
    next_day, kept = looks(kept, NOON + timedelta(days=1))
    assert next_day.last_ended == NOON + timedelta(minutes=20)
    later_that_day, _ = looks(kept, NOON + timedelta(days=1, minutes=10))
    assert later_that_day.last_ended == NOON + timedelta(minutes=20)


def test_what_no_visit_left_there_is_passed_over():
    assert looks("9" * 40, NOON)[0].last_ended is None
    assert looks("yesterday", NOON)[0].last_ended is None


async def test_home_stands_while_every_service_is_away(signed_in: httpx.AsyncClient, backend: Backend):
    page = await signed_in.get("/")
    assert page.status_code == 200
    assert "hôm nay không có việc nào chờ bạn" in page.text


async def test_who_may_set_up_is_refused_to_nobody_while_it_is_not_known(
    signed_in: httpx.AsyncClient, backend: Backend
):
    """A service that does not answer yet, as after a start, is said to be away; only its answer refuses."""
    backend.answers("GetAccess", ConnectionError("away"))
    for path in ("/first-steps", "/shop/counter"):
        assert (await signed_in.get(path)).status_code == 504
    backend.answers("GetAccess", operations_pb2.Access(methods=["GetPerson"]))
    for path in ("/first-steps", "/shop/counter"):
        assert (await signed_in.get(path)).status_code == 403


def with_a_kpi(backend: Backend) -> None:
    """One KPI of the viewer's, not updated for long, in a quarter."""
    cycle = goals_pb2.Cycle(cycle_id="q1", name="Quý 1")
    cycle.starts_on.year, cycle.starts_on.month, cycle.starts_on.day = 2025, 1, 1
    cycle.ends_on.year, cycle.ends_on.month, cycle.ends_on.day = 2025, 3, 31
    backend.answers("ListCycles", goals_pb2.Cycles(cycles=[cycle]))
    kpi = goals_pb2.Kpi(kpi_id="k1", name="Demo", level=types_pb2.LEVEL_INDIVIDUAL, weight=100)
    kpi.standing.status = goals_pb2.STATUS_STALE
    backend.answers("ListKpis", goals_pb2.Kpis(kpis=[kpi]))
    backend.answers("ListPeople", people_pb2.PeopleList())


async def test_a_kpi_that_was_not_updated_for_long_waits_for_its_owner(signed_in: httpx.AsyncClient, backend: Backend):
    with_a_kpi(backend)
    page = await signed_in.get("/")
    assert "1 việc đang chờ bạn" in page.text
    assert 'href="/kpi/k1/progress"' in page.text
    assert "Quý 1 còn 11 ngày" in page.text


async def test_a_form_is_not_shown_to_who_may_not_send_it(signed_in: httpx.AsyncClient, backend: Backend):
    backend.answers("GetAccess", operations_pb2.Access(methods=["GetPerson"]))
    for path in ("/people/new", "/cycles/new", "/goals/new", "/csfs/new", "/kpis/new"):
        page = await signed_in.get(path)
        assert page.status_code == 403, path
        assert '<form method="post" action="/sign-out"' in page.text


async def test_what_is_planned_can_be_withdrawn_where_it_is_shown(signed_in: httpx.AsyncClient, backend: Backend):
    change = people_pb2.Change(change_title=people_pb2.ChangeTitle(person_id="minh"))
    plan = people_pb2.PlannedChange(plan_id="p1", change=change, state=people_pb2.PLAN_STATE_WAITING)
    plan.on.year, plan.on.month, plan.on.day = 2025, 4, 1
    backend.answers("GetAccess", operations_pb2.Access(methods=["WithdrawPlannedChange", "ListPlannedChanges"]))
    backend.answers("ListPlannedChanges", people_pb2.PlannedChanges(changes=[plan]))
    backend.answers("ListPeople", people_pb2.PeopleList())
    for path in ("/people/planned", "/people/minh"):
        page = await signed_in.get(path)
        assert page.status_code == 200, path
        assert 'action="/people/planned/p1/withdrawal"' in page.text


@pytest.mark.parametrize("away", [""])
async def test_a_check_in_that_was_made_is_shown_with_its_answer_and_the_next_day(
    signed_in: httpx.AsyncClient, backend: Backend
):
    made = check_ins_pb2.CheckIn(
        due_on=date_pb2.Date(year=2025, month=3, day=20),
        next_due_on=date_pb2.Date(year=2025, month=4, day=3),
        state=checkins_types_pb2.CHECK_IN_STATE_EVALUATED,
        submitted=check_ins_pb2.Submission(number=1),
    )
    made.answers.add(by_id="lan").comment.plain = "Em giữ nhịp tốt."
    lan = people_pb2.Person(person_id="lan")
    lan.name.plain = "Lan"
    backend.answers("GetCheckIn", made)
    backend.answers("ListPeople", people_pb2.PeopleList(people=[lan]))
    page = await signed_in.get("/")
    assert "hôm nay không có việc nào chờ bạn" in page.text
    assert "check-in tới: thứ Năm, 03/04/2025" in page.text
    assert "Bạn đã check-in ngày 20/03" in page.text
    assert "Lan đã phản hồi: “Em giữ nhịp tốt.”" in page.text


@pytest.mark.parametrize("away", [""])
async def test_one_that_is_to_be_made_comes_before_what_is_done(signed_in: httpx.AsyncClient, backend: Backend):
    due = date_pb2.Date(year=2025, month=3, day=20)
    to_make = check_ins_pb2.CheckIn(due_on=due, may_submit=True, previous_due_on=due)
    to_make.state = checkins_types_pb2.CHECK_IN_STATE_NOT_STARTED
    backend.answers("GetCheckIn", to_make)
    page = await signed_in.get("/")
    assert "1 việc đang chờ bạn" in page.text
    assert "hôm nay là hạn check-in" in page.text
    assert "Bạn đã check-in" not in page.text


async def test_answers_of_one_person_are_one_line_and_praise_stays_by_itself(
    signed_in: httpx.AsyncClient, backend: Backend
):
    told = notifications_pb2.Notices()
    for day in (20, 6):
        answered = told.notices.add(
            notice_id=f"a{day}", by_id="lan", granted=True, check_in_id=f"minh.2025-03-{day:02}"
        )
        answered.kind = notices_types_pb2.NOTICE_KIND_CHECK_IN_ANSWERED
    for praise in ("p1", "p2"):
        told.notices.add(notice_id=praise, by_id="lan", kind=notices_types_pb2.NOTICE_KIND_PRAISE_RECEIVED)
    backend.answers("ListNotices", told)
    page = await signed_in.get("/")
    assert "check-in ngày 20/03 của bạn" in page.text
    assert "check-in ngày 06/03 của bạn" not in page.text
    assert "và 1 mục nữa" in page.text
    assert page.text.count("khen bạn") == 2


async def test_that_nothing_of_ones_kpis_changed_is_said_only_where_it_is_known(
    signed_in: httpx.AsyncClient, backend: Backend
):
    unchanged, before = "Không ai khác đổi mục tiêu, trọng số hay thang đo KPI của bạn.", NOON - timedelta(days=1)
    with_a_kpi(backend)
    told = notifications_pb2.Notices(notices=[notifications_pb2.Notice(notice_id="n1")])
    told.notices[0].kind = notices_types_pb2.NOTICE_KIND_TOPIC_ASKED
    told.notices[0].given_at.FromDatetime(NOON)
    backend.answers("ListNotices", told)
    assert unchanged not in (await signed_in.get("/")).text
    signed_in.cookies.set(COOKIE, f"{int(before.timestamp())}.{int(NOON.timestamp())}")
    assert unchanged in (await signed_in.get("/")).text
    for kind in (notices_types_pb2.NOTICE_KIND_KPI_CHANGED, notices_types_pb2.NOTICE_KIND_PROPOSAL_DECIDED):
        told.notices[0].kind = kind
        assert unchanged not in (await signed_in.get("/")).text
    told.notices[0].kind = notices_types_pb2.NOTICE_KIND_TOPIC_ASKED
    told.next_page_token = "older ones, of the same visit"
    assert unchanged not in (await signed_in.get("/")).text


async def test_who_leads_sees_the_company_by_level(signed_in: httpx.AsyncClient, backend: Backend):
    with_a_kpi(backend)
    backend.answers("GetAccess", operations_pb2.Access(methods=["OpenCycle"]))
    overview = goals_pb2.Overview()
    for status, count in ((goals_pb2.STATUS_ON_TRACK, 3), (goals_pb2.STATUS_AT_RISK, 1)):
        overview.statuses.add(level=types_pb2.LEVEL_DEPARTMENT, status=status, count=count)
    backend.answers("GetOverview", overview)
    page = await signed_in.get("/")
    assert "<b>3</b>/4 KPI đúng nhịp" in page.text
    assert 'class="seg-risk" x="75.00%" width="25.00%"' in page.text
