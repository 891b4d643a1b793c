"""What another number would do to the KPIs of the running cycle, computed on today's data before anything is saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

from nhip.goals.v1 import goals_pb2
from services.gateway.console.cards import StatusMark, status_mark
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.setting_words import STATUS
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.settings.asked import settings_with


@dataclass(frozen=True, slots=True)
class Move:
    text: str
    mark: StatusMark


@dataclass(frozen=True, slots=True)
class Effect:
    on: str
    cycle: str
    moves: Sequence[Move]
    people: str
    kpis: Sequence[tuple[str, str, StatusMark]]
    """The first of those that move: name, address, what they would be."""
    more: int
    """How many others move."""


async def effect(visit: Visit, name: str, group: str, value: Decimal | None) -> Effect | None:
    """None: it has none on KPIs, or it cannot be told now."""
    if group != STATUS or value is None:
        return None
    cycles = await or_none(visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles))
    cycle = choose_cycle(cycles.cycles, "", visit.today) if cycles else None
    if cycle is None:
        return None
    request = goals_pb2.PreviewStatuses(cycle_id=cycle.cycle_id, settings=settings_with(name, value))
    reply = await or_none(visit.caller.query("goals", "PreviewStatuses", request, goals_pb2.StatusPreview))
    return _shown(reply, cycle.name, visit) if reply else None


def _shown(reply: goals_pb2.StatusPreview, cycle: str, visit: Visit) -> Effect:
    language = visit.language
    count = sum(move.count for move in reply.moves)
    moves = [
        Move(
            language.ngettext(
                "%(num)s of %(all)s KPIs goes from %(before)s to %(after)s",
                "%(num)s of %(all)s KPIs go from %(before)s to %(after)s",
                move.count,
            )
            % {
                "num": language.number(Decimal(move.count)),
                "all": language.number(Decimal(reply.kpis)),
                "before": status_mark(move.before, language).word,
                "after": status_mark(move.after, language).word,
            },
            status_mark(move.after, language),
        )
        for move in reply.moves
    ]
    people = language.ngettext("%(num)s person answers for them.", "%(num)s people answer for them.", reply.people)
    return Effect(
        on=language.short_day(visit.today),
        cycle=cycle,
        moves=moves,
        people=people % {"num": reply.people} if moves and reply.people else "",
        kpis=[
            (kpi.name, f"/kpi/{quote(kpi.kpi_id, safe='')}", status_mark(kpi.after, language)) for kpi in reply.moved
        ],
        more=count - len(reply.moved),
    )
