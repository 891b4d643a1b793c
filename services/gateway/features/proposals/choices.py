"""What whoever writes a proposal chooses from: people, units, and what a KPI may serve."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nhip.goals.v1 import goals_pb2
from services.gateway.console.choices import Choice, People, people_to_choose, units_to_choose
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form
from services.gateway.console.kpis import named, servable
from services.gateway.console.strategy import every_csf, every_goal
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.proposals.drafting import ADDITIONS

_OF_KPIS = ("parent.", "link.", "volume.")
"""Fields that may name a KPI."""


@dataclass(frozen=True, slots=True)
class Choices:
    people: People
    units: Sequence[Choice]
    parents: Sequence[tuple[str, Sequence[Choice]]]
    """What may be served, by kind: what the kind is called, and those of it."""
    kpis: Sequence[Choice]
    """The KPIs among them, by their bare ids."""
    more: bool
    """The cycle has other KPIs than these."""


async def choices(visit: Visit, cycle_id: str, filled: Form, shown: Iterable[goals_pb2.Kpi]) -> Choices:
    """Everything that the form offers; who and what is chosen already is among it."""
    _ = visit.language.gettext
    chosen = [value for name, value in filled.values.items() if name.startswith(("owner.", "helper.", "evaluator."))]
    who, people, goals, csfs, some = await asyncio.gather(
        directory(visit),
        people_to_choose(visit, visit.person, *dict.fromkeys(chosen)),
        every_goal(visit),
        every_csf(visit),
        servable(visit, cycle_id),
    )
    kpis = dict([*((kpi.kpi_id, kpi.name) for kpi in shown), *some.kpis])
    linked = {value.removeprefix("kpi-") for name, value in filled.values.items() if name.startswith(_OF_KPIS)}
    others = [id for id in linked - kpis.keys() if id and not id.startswith(("csf-", "goal-", "new-"))]
    # What has no name, as goals did not answer, stays chosen too.
    kpis |= {id: id for id in others} | (await or_none(named(visit, others)) or {})
    added = [(f"new-{n}", name) for n in range(ADDITIONS) if (name := filled.text(f"addition.{n}.name"))]
    parents = (
        (_("New in this proposal"), added),
        (_("KPIs"), [(f"kpi-{id}", name) for id, name in kpis.items()]),
        (_("Success factors"), [(f"csf-{csf.csf_id}", csf.name) for csf in csfs]),
        (_("Strategic goals"), [(f"goal-{goal.goal_id}", goal.name) for goal in goals]),
    )
    kinds = [(label, found) for label, found in parents if found]
    return Choices(people, units_to_choose(who), kinds, list(kpis.items()), some.more)
