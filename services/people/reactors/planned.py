"""Carries out planned changes at the beginning of their day, in the tenant's time zone.

A change is carried out as if whoever planned it asked for it then: whether they may is asked again. What is refused is
recorded with the reason; nothing else in any service knows that it was planned.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Actor, Context
from eventkit.directory.facts import PERSON
from eventkit.errors import Kind, Rejected
from eventkit.privacy.words import words_fields
from eventkit.process.service import Due, Resources, Timer
from eventkit.rpc.access import may
from eventkit.subscriptions.table import reading
from nhip.people.v1 import people_pb2 as pb
from services.people.access import ACCESS
from services.people.deciding import Deciding
from services.people.domain import planned
from services.people.domain.planned import PLANNED
from services.people.queries.planned import come, planner_of


def planned_changes(resources: Resources, deciding: Deciding) -> Timer:
    async def due(at: datetime, most: int) -> Sequence[Due]:
        return await come(resources.pool, at, most)

    async def act(due: Due, ctx: Context) -> None:
        async def decide(load: Load) -> Decision:
            plan = await load(PLANNED, due.thing)
            if plan is None or plan.state != pb.PLAN_STATE_WAITING:
                return []
            try:
                return planned.made(plan, due.thing, await led_to(load, plan))
            except Rejected as refusal:
                if refusal.kind is Kind.CONFLICT or refusal.reason == "NEWER_EVENT":
                    raise  # it says nothing of the change
                return planned.refused(plan, due.thing, refusal)

        async def led_to(load: Load, plan: planned.Planned) -> Decision:
            planner = planned.planner(ctx.tenant, plan)
            change = pb.Change()
            change.CopyFrom(plan.change)
            await resources.words.open(change, tenant=ctx.tenant)
            asked = deciding.of(planned.command_of(change), planner)
            await _refuse_unless_allowed(load, planner, asked.method)
            if any(field.text.WhichOneof("form") != "plain" for field in words_fields(change)):
                raise Rejected("PERSON_ERASED", "the person whom its words are about, or who wrote them, was erased")
            return await asked.decide(load)

        async with reading(resources.pool, ctx.tenant) as con:
            by = await planner_of(con, ctx.tenant, due.thing)
        for_planner = replace(ctx, actor=Actor(ctx.tenant, "clock", "system", on_behalf_of=by))
        await resources.commands.execute(for_planner, PLANNED(due.thing), decide)

    return Timer("planned_changes", due, act)


async def _refuse_unless_allowed(load: Load, planner: Actor, method: str) -> None:
    if planner.kind == "service":
        allowed = planner.id in ACCESS[method].services
    else:
        person = await load(PERSON, planner.id)
        allowed = (
            person is not None
            and person.active
            and may(ACCESS[method], frozenset({"employee", *person.roles}), changes=True)
        )
    if not allowed:
        raise Rejected("NOT_ALLOWED", "whoever planned it may not do it any more", kind=Kind.FORBIDDEN)
