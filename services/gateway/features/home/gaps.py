"""What a cycle lacks to be whole: for those who set strategy and for administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote, urlencode

from starlette.responses import Response

from nhip.goals.v1 import goals_pb2
from services.gateway.console.cards import Avatar, owner_avatar
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.language import Language, decimal_of
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure

routes = Routes()

KINDS = {
    "no-kpi": goals_pb2.GAP_KIND_NO_KPI,
    "weights": goals_pb2.GAP_KIND_WEIGHTS,
    "unaligned": goals_pb2.GAP_KIND_UNALIGNED,
    "ownerless": goals_pb2.GAP_KIND_OWNERLESS,
    "stale": goals_pb2.GAP_KIND_STALE,
}
"""By what they are called in addresses."""
ICONS = {
    "no-kpi": "user-question",
    "weights": "scale",
    "unaligned": "link-off",
    "ownerless": "user-off",
    "stale": "hourglass",
}


@dataclass(frozen=True, slots=True)
class GapLine:
    """One kind of gap, and how many there are."""

    icon: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class GapRow:
    """Somebody, or a KPI, that something is missing of."""

    avatar: Avatar | None
    title: str
    url: str
    about: str


def concerns(visit: Visit) -> bool:
    """Whether closing gaps is the viewer's business: they set strategy, or take people on."""
    return visit.may("goals.OpenCycle") or visit.may("people.RegisterPerson")


def lines(visit: Visit, overview: goals_pb2.Overview) -> tuple[GapLine, ...]:
    counts = {gap.kind: gap.count for gap in overview.gaps}
    return tuple(
        GapLine(ICONS[name], counted(kind, counts[kind], visit.language), f"/gaps/{name}")
        for name, kind in KINDS.items()
        if counts.get(kind)
    )


def counted(kind: int, n: int, language: Language) -> str:
    """ "3 people have no KPI"."""
    ngettext = language.ngettext
    texts = {
        goals_pb2.GAP_KIND_NO_KPI: ngettext("%(n)s person has no KPI", "%(n)s people have no KPI", n),
        goals_pb2.GAP_KIND_WEIGHTS: ngettext(
            "%(n)s person has weights that do not make 100 %%", "%(n)s people have weights that do not make 100 %%", n
        ),
        goals_pb2.GAP_KIND_UNALIGNED: ngettext("%(n)s KPI serves nothing yet", "%(n)s KPIs serve nothing yet", n),
        goals_pb2.GAP_KIND_OWNERLESS: ngettext("%(n)s KPI has no owner", "%(n)s KPIs have no owner", n),
        goals_pb2.GAP_KIND_STALE: ngettext(
            "%(n)s KPI was not updated for long", "%(n)s KPIs were not updated for long", n
        ),
    }
    return texts[kind] % {"n": language.number(Decimal(n))}  # type: ignore[index] # of the five kinds


@routes.page("/gaps/{kind}")
async def listing(visit: Visit) -> Response:
    """`/gaps/<kind>`: the people or KPIs of one kind, a page at a time."""
    name, after = visit.request.path_params["kind"], visit.request.query_params.get("after", "")
    if name not in KINDS:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", f"there are no gaps called {name!r}")
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    wanted = visit.request.query_params.get("cycle", "")
    cycle = choose_cycle(cycles.cycles, wanted, visit.today)
    if cycle is None:
        return visit.render("empty.html")
    asked = goals_pb2.ListGaps(cycle_id=cycle.cycle_id, kind=KINDS[name], page_token=after)
    reply = await visit.caller.query("goals", "ListGaps", asked, goals_pb2.Gaps)
    more = (
        f"/gaps/{name}?" + urlencode({"cycle": cycle.cycle_id, "after": reply.next_page_token})
        if reply.next_page_token
        else ""
    )
    return visit.render(
        "home/gaps.html", cycle=cycle.name, name=name, rows=_rows(visit, reply.gaps), more=more, further=bool(after)
    )


def _rows(visit: Visit, found: Sequence[goals_pb2.Gap]) -> list[GapRow]:
    language = visit.language
    rows: list[GapRow] = []
    for gap in found:
        avatar = owner_avatar(gap.person, language) if gap.person.person_id else None
        if gap.kpi_id:
            about = avatar.name if avatar else language.gettext("nobody answers for it")
            rows.append(GapRow(avatar, gap.kpi_name or gap.kpi_id, f"/kpi/{quote(gap.kpi_id, safe='')}", about))
        elif avatar:
            weight = decimal_of(gap, "weight")
            sum_ = language.gettext("weights add up to %(sum)s") % {"sum": language.amount(weight, "%")}
            url = f"/people/{quote(gap.person.person_id, safe='')}"
            rows.append(GapRow(avatar, avatar.name, url, sum_ if weight is not None else ""))
    return rows
