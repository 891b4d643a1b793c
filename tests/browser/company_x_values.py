"""Values of the example's KPIs: recorded, put right, taken back, and by whom for others."""

from datetime import date
from decimal import Decimal
from typing import Any

from google.protobuf.message import Message

from eventkit.errors import Kind, Rejected
from eventkit.values import required_date, to_date
from nhip.checkins.v1 import checkins_pb2
from nhip.common.v1 import command_pb2
from nhip.goals.v1 import goals_pb2
from nhip.goals.v1.types_pb2 import DIRECTION_INCREASE
from services.checkins.domain.doubt import Measured, doubt
from tests.browser.messages import NOW, at
from tests.browser.messages import day as _date

STARTS = date(2025, 1, 1)


class ValuesX:
    def __init__(self) -> None:
        self.replaced: dict[str, list[goals_pb2.ReplacedPoint]] = {}
        self.delegates: dict[str, dict[str, str]] = {}

    def _accepted(self, context: str, id: str) -> command_pb2.Accepted:
        raise NotImplementedError

    def _goal(self, kpi_id: str) -> Any:
        """A KPI of the example."""
        raise NotImplementedError

    def RecordProgress(self, request: checkins_pb2.RecordProgress, actor: str) -> Message:
        day = to_date(request.occurred_on) or NOW.date()
        self._stand(request.kpi_id, day, Decimal(request.value.value), request.confidence or 5)
        return self._accepted("checkins", request.kpi_id)

    def BatchRecordProgress(self, request: checkins_pb2.BatchRecordProgress, actor: str) -> Message:
        """By the services' own doubt; what is only asked about is not kept."""
        verdicts = list[command_pb2.Verdict]()
        for one in (item.progress for item in request.items):
            goal, on = self._goal(one.kpi_id), to_date(one.occurred_on) or NOW.date()
            measured = Measured(goal.kind, DIRECTION_INCREASE, goal.unit, goal.target)
            days = {day: value for day, value, _ in goal.values}
            found = None if one.confirmed else doubt(Decimal(one.value.value), on, days, measured)
            if found:
                refused = command_pb2.Refusal(reason="VALUE_DOUBTFUL", parameters=found.parameters, field="value")
                verdicts.append(command_pb2.Verdict(id=one.kpi_id, refused=refused))
                continue
            if not self.only_checked():
                self.RecordProgress(one, actor)
            verdicts.append(command_pb2.Verdict(id=one.kpi_id))
        accepted = self._accepted("checkins", "")
        return command_pb2.Accepted(position=accepted.position, verdicts=verdicts)

    def only_checked(self) -> bool:
        """The call that is answered is to be judged only."""
        raise NotImplementedError

    def CorrectProgress(self, request: checkins_pb2.CorrectProgress, actor: str) -> Message:
        was = required_date(request.occurred_on)
        confidence = self._leave(request.kpi_id, was, Decimal(request.before.value))
        moved = to_date(request.moved_to) or was
        self._stand(request.kpi_id, moved, Decimal(request.after.value), request.confidence or confidence)
        return self._accepted("checkins", request.kpi_id)

    def RetractProgress(self, request: checkins_pb2.RetractProgress, actor: str) -> Message:
        self._leave(request.kpi_id, required_date(request.occurred_on), Decimal(request.before.value))
        return self._accepted("checkins", request.kpi_id)

    def RecordGoalValue(self, request: goals_pb2.RecordGoalValue, actor: str) -> Message:
        return self._accepted("goals", request.goal_id)

    def NameDelegate(self, request: checkins_pb2.NameDelegate, actor: str) -> Message:
        self.delegates.setdefault(request.kpi_id, {})[request.person_id] = actor
        return self._accepted("checkins", request.kpi_id)

    def RevokeDelegate(self, request: checkins_pb2.RevokeDelegate, actor: str) -> Message:
        self.delegates.get(request.kpi_id, {}).pop(request.person_id, None)
        return self._accepted("checkins", request.kpi_id)

    def ListProgress(self, request: checkins_pb2.ListProgress, actor: str) -> Message:
        return checkins_pb2.Progress()

    def _stand(self, kpi_id: str, day: date, value: Decimal, confidence: int) -> None:
        if not STARTS <= day <= NOW.date():
            raise Rejected("OUTSIDE_CYCLE", "the day must be within the cycle", kind=Kind.INVALID, field="occurred_on")
        goal = self._goal(kpi_id)
        goal.values = [v for v in goal.values if v[0] != day] + [(day, value, confidence)]

    def _leave(self, kpi_id: str, day: date, named: Decimal) -> int:
        goal = self._goal(kpi_id)
        stood = next((v for v in goal.values if v[0] == day), None)
        if stood is None or stood[1] != named:
            raise Rejected("PROGRESS_MOVED", "another value stands there by now", kind=Kind.CONFLICT, field="before")
        goal.values = [v for v in goal.values if v[0] != day]
        point = goals_pb2.ReplacedPoint(occurred_on=_date(day), confidence=stood[2], replaced_at=at(NOW))
        point.value.value = str(stood[1])
        self.replaced.setdefault(kpi_id, []).insert(0, point)
        return stood[2]
