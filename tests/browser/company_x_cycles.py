"""Company X's year: its first quarter runs, the next one is planned."""

from datetime import UTC, date, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from nhip.common.v1 import command_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from tests.browser.messages import at, day, words

NAM = goals_pb2.Owner(person_id="nam", name=words("Nam"))
PLANNED, RUNNING = types_pb2.CYCLE_STATE_PLANNED, types_pb2.CYCLE_STATE_RUNNING
CYCLES = {
    "year-2025": ("Năm 2025", date(2025, 1, 1), date(2025, 12, 31), RUNNING, ""),
    "q1-2025": ("Quý 1/2025", date(2025, 1, 1), date(2025, 3, 31), RUNNING, "year-2025"),
    "q2-2025": ("Quý 2/2025", date(2025, 4, 1), date(2025, 6, 30), PLANNED, "year-2025"),
}


def cycle(id: str) -> goals_pb2.Cycle:
    name, starts_on, ends_on, state, within = CYCLES[id]
    return goals_pb2.Cycle(
        cycle_id=id, name=name, starts_on=day(starts_on), ends_on=day(ends_on), state=state, within_id=within
    )


class CyclesX:
    def GetCycle(self, request: goals_pb2.GetCycle, actor: str) -> Message:
        one = cycle(request.cycle_id or "q1-2025")
        inner = [cycle(id) for id, said in CYCLES.items() if said[4] == one.cycle_id]
        steps = [goals_pb2.CycleStep(what="CycleOpened", recorded_at=_at(2024, 12, 2), actor=NAM)]
        if one.state == RUNNING:
            steps.append(goals_pb2.CycleStep(what="CycleStarted", recorded_at=_at(2025, 1, 2), actor=NAM))
        return goals_pb2.CyclePage(
            cycle=one,
            enclosing=[cycle(one.within_id)] if one.within_id else [],
            inner=inner,
            kpis=14,
            waiting=1,
            uneven_weights=2,
            obstacle="CYCLE_NOT_OVER" if one.state == RUNNING else "WEIGHTS_UNEVEN",
            steps=steps,
            may_correct=True,
            may_withdraw=one.state == PLANNED,
            may_start=one.state == PLANNED,
        )

    def ListFollowUps(self, request: goals_pb2.ListFollowUps, actor: str) -> Message:
        kpis = self.ListKpis(goals_pb2.ListKpis(), "").kpis  # type: ignore[attr-defined] # of the whole company
        told = [goals_pb2.KpiFollowUp(kpi=kpi, may_decide=True, parent_goes_on=kpi.kpi_id != "d2") for kpi in kpis]
        kept = told[0]
        kept.choice, kept.next_kpi_id, kept.may_decide = types_pb2.FOLLOW_UP_KEEP, "k1-next", False
        kept.next_target.CopyFrom(kept.kpi.measure.target)
        kept.decided_by.CopyFrom(NAM)
        return goals_pb2.FollowUps(kpis=told, total=len(told), decided=1)

    # What is done with a cycle is taken, and not shown: that is tried over the real services.

    def StartCycle(self, request: Message, actor: str) -> Message:
        return command_pb2.Accepted(position="goals=7")

    CloseCycle = ReopenCycle = CorrectCycle = WithdrawCycle = StartCycle

    def CarryOnKpis(self, request: goals_pb2.CarryOnKpis, actor: str) -> Message:
        verdicts = [command_pb2.Verdict(id=item.kpi_id) for item in request.items]
        return command_pb2.Accepted(position="goals=7", verdicts=verdicts)


def _at(year: int, month: int, on: int) -> Timestamp:
    return at(datetime(year, month, on, 2, tzinfo=UTC))
