"""The organisation as a picture that folds: units, their heads, how many people are in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.responses import Response

from services.gateway.console.cards import Avatar
from services.gateway.console.choices import by_name
from services.gateway.console.directory import Directory, directory
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.features.people.units import parts_of, url_of

routes = Routes()
MOST = 300
"""Boxes of one picture; what is left out is said."""


@dataclass(frozen=True, slots=True)
class Box:
    id: str
    url: str
    avatar: Avatar
    head: Avatar | None
    acting: Avatar | None
    """Who answers for it while its head is not there."""
    people: int
    """In it and its parts."""
    parts: int
    below: Sequence["Box"]
    """Its parts, where it is unfolded."""
    toggle: str
    """The address of the same picture with this unit folded or unfolded."""


@dataclass(slots=True)
class _Drawing:
    who: Directory
    parts: Mapping[str, list[str]]
    opened: frozenset[str]
    drawn: int = 0
    left_out: int = 0
    counted: dict[str, int] = field(default_factory=dict[str, int])

    def boxes(self, parent: str, depth: int) -> list[Box]:
        units, boxes = self.who.units, list[Box]()
        for id, _ in by_name([(id, units[id].name) for id in self.parts.get(parent, ())]):
            if self.drawn >= MOST:
                self.left_out += 1
                continue
            self.drawn += 1
            boxes.append(self._box(id, depth))
        return boxes

    def _box(self, id: str, depth: int) -> Box:
        unit, folded = self.who.units[id], id not in self.opened
        here = depth == 0  # the first level is always there
        others = self.opened - {id} if not folded else self.opened | {id}
        head_left = unit.answers_id not in ("", unit.head_id)
        return Box(
            id=id,
            url=url_of(id),
            avatar=self.who.unit(id),
            head=self.who.person(unit.head_id) if unit.head_id and unit.answers_id == unit.head_id else None,
            acting=self.who.person(unit.answers_id) if head_left else None,
            people=self._count(id, frozenset()),
            parts=len(self.parts.get(id, ())),
            below=self.boxes(id, depth + 1) if here or not folded else (),
            toggle="" if here else "/chart" + ("?open=" + ",".join(sorted(others)) if others else "") + f"#u-{id}",
        )

    def _count(self, id: str, above: frozenset[str]) -> int:
        if id in above:
            return 0
        if id not in self.counted:
            below = sum(self._count(part, above | {id}) for part in self.parts.get(id, ()))
            self.counted[id] = self.who.units[id].people + below
        return self.counted[id]


@routes.page("/chart")
async def page(visit: Visit) -> Response:
    """`GET /chart?open=<unit>,<unit>`: folded to the first level and its parts, and those that are named."""
    who = await directory(visit)
    heads = {id for unit in who.units.values() for id in (unit.head_id, unit.answers_id) if id}
    who = await directory(visit, ids=heads)
    named = visit.request.query_params.get("open", "").split(",")
    drawing = _Drawing(who, parts_of(who), frozenset(id for id in named if id in who.units))
    boxes = drawing.boxes("", 0)
    units = [unit for unit in who.units.values() if not unit.closed]
    return visit.render(
        "people/chart.html",
        here="/chart",
        boxes=boxes,
        units=len(units),
        people=sum(unit.people for unit in units),
        left_out=drawing.left_out,
    )
