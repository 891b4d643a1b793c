"""Strategic goals and success factors, all of them: to choose from, and to take out."""

from collections.abc import Sequence

from nhip.goals.v1 import goals_pb2
from services.gateway.console.visit import Visit

PAGE = 200


async def every_goal(visit: Visit) -> Sequence[goals_pb2.StrategicGoal]:
    """In the order they were set."""
    found, request = list[goals_pb2.StrategicGoal](), goals_pb2.ListStrategicGoals(page_size=PAGE)
    while True:
        page = await visit.caller.query("goals", "ListStrategicGoals", request, goals_pb2.StrategicGoals)
        found += page.goals
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def every_csf(visit: Visit, goal_ids: Sequence[str] = ()) -> Sequence[goals_pb2.Csf]:
    """In the order they were chosen; of some goals those that support one of them."""
    found, request = list[goals_pb2.Csf](), goals_pb2.ListCsfs(goal_ids=goal_ids, page_size=PAGE)
    while True:
        page = await visit.caller.query("goals", "ListCsfs", request, goals_pb2.Csfs)
        found += page.csfs
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token
