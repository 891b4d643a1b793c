"""Home: what is new since the last visit, and a page that stands while services are away."""

from datetime import UTC, datetime, timedelta

import httpx
from starlette.requests import Request
from starlette.responses import Response

from nhip.common.v1 import operations_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
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


async def test_a_kpi_that_was_not_updated_for_long_waits_for_its_owner(signed_in: httpx.AsyncClient, backend: Backend):
    cycle = goals_pb2.Cycle(cycle_id="q1", name="Quý 1")
    cycle.starts_on.year, cycle.starts_on.month, cycle.starts_on.day = 2025, 1, 1
    cycle.ends_on.year, cycle.ends_on.month, cycle.ends_on.day = 2025, 3, 31
    backend.answers("ListCycles", goals_pb2.Cycles(cycles=[cycle]))
    kpi = goals_pb2.Kpi(kpi_id="k1", name="Demo", level=types_pb2.LEVEL_INDIVIDUAL, weight=100)
    kpi.standing.status = goals_pb2.STATUS_STALE
    backend.answers("ListKpis", goals_pb2.Kpis(kpis=[kpi]))
    backend.answers("ListPeople", people_pb2.PeopleList())
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
