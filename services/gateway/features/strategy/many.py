"""One KPI for many people: each gets one of their own, all of them or nobody."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from eventkit.errors import Violation
from nhip.common.v1 import operations_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from nhip.people.v1 import people_pb2
from nhip.people.v1 import types_pb2 as people_types
from services.gateway.console.cards import Avatar
from services.gateway.console.deeds import carry_out
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form
from services.gateway.console.visit import Visit
from services.gateway.features.strategy.reading import FIELDS

MOST = 200
"""People at once: as many as one batch takes."""
EVERYBODY = "all"
_WITHIN = re.compile(r"^steps\[\d+\]\.(?:items\[\d+\]\.kpi\.)?")
Again = Callable[[Form, int], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Receiver:
    id: str
    avatar: Avatar
    title: str


async def give(visit: Visit, filled: Form, written: types_pb2.KpiDraft, again: Again) -> Response:
    """First whom it would be for is shown, each to be left out; then it is written for those who are left."""
    language = visit.language
    if written.level != types_pb2.LEVEL_INDIVIDUAL:
        return await again(filled.wrong([Violation("each", "EACH_IS_INDIVIDUAL")], language), 422)
    chosen = [name.removeprefix("to.") for name in filled.values if name.startswith("to.")]
    if not filled["each-shown"]:
        return await _show(visit, filled, written, again)
    if not chosen:
        return await _show(visit, filled, written, again, wrong=True)
    items: list[goals_pb2.KpiItem] = []
    for person in chosen[:MOST]:
        own = types_pb2.KpiDraft()
        own.CopyFrom(written)
        own.owner_ids[:] = [person]
        define = goals_pb2.DefineKpi(cycle_id=filled["cycle"], kpi=own)
        items.append(goals_pb2.KpiItem(kpi=define, key=f"{filled.key}:{person}"))
    step = operations_pb2.Step(
        method="BatchDefineKpis", request=goals_pb2.BatchDefineKpis(items=items).SerializeToString()
    )
    said = language.ngettext(
        "The KPI stands for %(n)s person: %(name)s.", "The KPI stands for %(n)s people: %(name)s.", len(items)
    )
    return await carry_out(
        visit,
        filled,
        "goals",
        "CarryOutTogether",
        operations_pb2.CarryOutTogether(service="goals", steps=[step]),
        said % {"n": len(items), "name": written.name},
        to=lambda _: "/map",
        again=again,
        fields=FIELDS | {"kpi.owner_ids": "each"},
        within=_WITHIN,
    )


async def _show(
    visit: Visit, filled: Form, written: types_pb2.KpiDraft, again: Again, *, wrong: bool = False
) -> Response:
    people = await _people(visit, filled["each"])
    if not people or len(people) > MOST:
        reason = "EACH_TOO_MANY" if people else "EACH_NOBODY"
        violation = Violation("each", reason, parameters={"most": str(MOST)})
        return await again(filled.wrong([violation], visit.language), 422)
    who = await directory(visit, people_pb2.PeopleList(people=people))
    return visit.render(
        "strategy/each.html",
        422 if wrong else 200,
        here="/kpis/new",
        form=filled,
        wrong=wrong,
        name=written.name,
        hidden=[(name, value) for name, value in filled.values.items() if not name.startswith("to.")],
        receivers=[
            Receiver(one.person_id, who.person(one.person_id), visit.language.words(one.title)) for one in people
        ],
    )


async def _people(visit: Visit, each: str) -> Sequence[people_pb2.Person]:
    """The active people of a unit, or everybody, but for the viewer, who sets no KPI of their own, and who audits, who
    has none; one more than may be, where there are more."""
    unit = "" if each == EVERYBODY else each
    asked = people_pb2.ListPeople(unit_id=unit, active=True, page_size=MOST + 2)
    found = (await visit.caller.query("people", "ListPeople", asked, people_pb2.PeopleList)).people
    return [one for one in found if one.person_id != visit.person and people_types.ROLE_AUDITOR not in one.roles]
