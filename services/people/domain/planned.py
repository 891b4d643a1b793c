"""A change that is planned for a day to come: waiting, then withdrawn, made or refused."""

from dataclasses import dataclass, replace
from datetime import date

from google.protobuf.message import Message

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.context import Actor
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import required_date
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1.events_pb2 import (
    ChangePlanned,
    PlannedChangeMade,
    PlannedChangeRefused,
    PlannedChangeWithdrawn,
    RolesChanged,
)


@dataclass(frozen=True, slots=True)
class Planned:
    change: pb.Change
    """Its words are sealed."""
    on: date
    planned_by: str
    """As events name an actor."""
    state: pb.PlanState.ValueType = pb.PLAN_STATE_WAITING
    refusal: str = ""


def evolve(
    planned: Planned | None, event: ChangePlanned | PlannedChangeWithdrawn | PlannedChangeMade | PlannedChangeRefused
) -> Planned:
    match event:
        case ChangePlanned():
            return Planned(event.change, required_date(event.on), event.planned_by)
        case PlannedChangeWithdrawn():
            return replace(begun(planned, event), state=pb.PLAN_STATE_WITHDRAWN)
        case PlannedChangeMade():
            return replace(begun(planned, event), state=pb.PLAN_STATE_MADE)
        case PlannedChangeRefused():
            return replace(begun(planned, event), state=pb.PLAN_STATE_REFUSED, refusal=event.refusal)
        case _:
            refuse_unknown(event)


PLANNED = Aggregate[Planned | None]("planned", None, evolve)


def plan(plan_id: str, command: pb.PlanChange, actor: Actor, today: date) -> Decision:
    if required_date(command.on) <= today:
        raise Rejected(
            "DAY_NOT_AHEAD",
            "plan it for a day after today; what is for today, ask for without a day",
            kind=Kind.INVALID,
            field="on",
        )
    event = ChangePlanned(plan_id=plan_id, on=command.on, change=command.change, planned_by=str(actor))
    return [StreamEvent(PLANNED(plan_id), event)]


def withdraw(planned: Planned | None, plan_id: str) -> Decision:
    if planned is None:
        raise unknown("plan", plan_id, "plan_id")
    match planned.state:
        case pb.PLAN_STATE_WAITING:
            return [StreamEvent(PLANNED(plan_id), PlannedChangeWithdrawn(plan_id=plan_id))]
        case pb.PLAN_STATE_WITHDRAWN:
            return []
        case _:
            raise Rejected("PLAN_OVER", "its day has come: what it changed can be changed again", field="plan_id")


def made(planned: Planned, plan_id: str, led_to: Decision) -> Decision:
    """`led_to`: what the command that was planned decides now. Words of whoever planned it stay theirs."""
    by = planned.planned_by.removeprefix("person:")
    for _, event in led_to:
        if isinstance(event, RolesChanged) and by != planned.planned_by:
            event.decided_by = by
    return [*led_to, StreamEvent(PLANNED(plan_id), PlannedChangeMade(plan_id=plan_id))]


def refused(planned: Planned, plan_id: str, refusal: Rejected) -> Decision:
    event = PlannedChangeRefused(plan_id=plan_id, refusal=refusal.reason, planned_by=planned.planned_by)
    return [StreamEvent(PLANNED(plan_id), event)]


def command_of(change: pb.Change) -> Message:
    """The command that is planned. Raises `Rejected` where none is named."""
    named = change.WhichOneof("command")
    if named is None:
        raise Rejected("CHANGE_MISSING", "name the change that is planned", kind=Kind.INVALID, field="change")
    return getattr(change, named)


def planner(tenant: str, planned: Planned) -> Actor:
    """Who planned it, as somebody who asks now."""
    kind, _, id = planned.planned_by.partition(":")
    return Actor(tenant, id, "person" if kind == "person" else "service")
