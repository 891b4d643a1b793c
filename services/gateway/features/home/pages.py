"""The first page after signing in: what waits for me, am I near, what is new?"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from urllib.parse import quote

from starlette.responses import Response

from nhip.goals.v1 import goals_pb2, types_pb2
from nhip.people.v1 import people_pb2
from nhip.rewards.v1 import rewards_pb2
from services.gateway.console import kpis
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import KpiCard, kpi_card
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.language import date_of, day_of, decimal_of
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.home import gaps, team
from services.gateway.features.home.beats import beats
from services.gateway.features.home.company import CompanyLook, look
from services.gateway.features.home.news import News, news
from services.gateway.features.home.talks import Ahead, talks
from services.gateway.features.home.team import Team
from services.gateway.features.home.visits import Visits
from services.gateway.features.home.waiting import Waiting

routes = Routes(gaps.routes)

OWN, COMPANY, WAITING = 12, 6, 5
"""How many are shown of one's own KPIs, of the company's, and of the proposals that wait."""
QUIET = (goals_pb2.STATUS_STALE, goals_pb2.STATUS_NOT_STARTED)
"""A KPI in this state waits for a value."""


@dataclass(frozen=True, slots=True)
class Points:
    """The viewer's: what they may give away, until when, and what they may spend."""

    to_give: str
    until: str
    to_spend: str


@dataclass(frozen=True, slots=True)
class HomePage:
    name: str
    day: str
    cycle: str
    """How long the cycle still runs; empty without one."""
    waiting: tuple[Waiting, ...]
    own: tuple[KpiCard, ...]
    own_more: bool
    weight: str
    company: tuple[KpiCard, ...]
    news: News
    since: str
    """When the viewer was here last; empty: not known."""
    team: Team | None
    look: CompanyLook
    done: Waiting | None
    """The viewer's last check-in, while none is to be made."""
    next: str
    """When the next one is due."""
    meetings: tuple[Ahead, ...]
    points: Points | None
    has_cycle: bool


@routes.page("/")
async def home(visit: Visit) -> Response:
    """`/`."""
    cycles = await or_none(visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles))
    cycle = choose_cycle(cycles.cycles, "", visit.today) if cycles else None
    visits = Visits.of(visit.request, visit.console.clock())
    (
        (own, company, its_team, its_look),
        (proposals, gifts, set_up, points),
        (told, talking, rhythm),
    ) = await asyncio.gather(
        asyncio.gather(
            _of_cycle(visit, cycle, owner_ids=[visit.person], page_size=OWN + 1, enclosing=True),
            _of_cycle(visit, cycle, page_size=COMPANY),
            team.of(visit, cycle),
            look(visit, cycle),
        ),
        asyncio.gather(_proposals(visit), _counter(visit), _set_up(visit), _points(visit)),
        asyncio.gather(news(visit, visits), talks(visit), beats(visit)),
    )
    cards = tuple(kpi_card(kpi, visit.language, Moment()) for kpi in own)
    begun, empty = _first_steps(visit, set_up, cycle), _empty_places(visit, set_up, cycle)
    due = _cycles_due(visit, cycles.cycles if cycles else ())
    waiting = (*begun, *due, *rhythm.waiting, *talking.waiting, *proposals, *_quiet(visit, own), *gifts, *empty)
    page = HomePage(
        name=visit.viewer.name if visit.viewer else "",
        day=visit.language.whole_day(visit.today),
        cycle=_left(visit, cycle) if cycle else "",
        waiting=waiting,
        own=cards[:OWN],
        own_more=len(cards) > OWN,
        weight=_weight(visit, own) if len(cards) <= OWN else "",
        company=tuple(
            kpi_card(kpi, visit.language, Moment()) for kpi in company if kpi.level == types_pb2.LEVEL_COMPANY
        ),
        news=told,
        since=visit.language.lately(visits.last_ended, visit.zone, visit.today) if visits.last_ended else "",
        team=its_team,
        look=its_look,
        done=rhythm.done,
        next=rhythm.next,
        meetings=talking.meetings,
        points=points,
        has_cycle=cycle is not None,
    )
    response = visit.render("home/home.html", page=page)
    visits.keep(response, secure=visit.request.url.scheme == "https")
    return response


@routes.page("/more")
async def more(visit: Visit) -> Response:
    """`/more`: what the tabs of a small screen have no room for."""
    return visit.render("home/more.html")


async def _of_cycle(visit: Visit, cycle: goals_pb2.Cycle | None, **wanted: object) -> Sequence[goals_pb2.Kpi]:
    return (await or_none(kpis.listed(visit, cycle.cycle_id, **wanted)) or ()) if cycle else ()


def _cycles_due(visit: Visit, cycles: Sequence[goals_pb2.Cycle]) -> Iterator[Waiting]:
    """Cycles whose first day has come and that nobody started, or whose last day is over and that nobody closed."""
    _, day = visit.language.gettext, visit.language.day
    if not visit.may("goals.StartCycle"):
        return
    for cycle in cycles:
        starts, ends = day_of(cycle.starts_on), day_of(cycle.ends_on)
        if cycle.state == types_pb2.CYCLE_STATE_PLANNED and starts <= visit.today <= ends:
            text, about = _("Start the cycle: %(name)s"), _("its first day was %(day)s") % {"day": day(starts)}
        elif cycle.state == types_pb2.CYCLE_STATE_RUNNING and ends < visit.today:
            text, about = _("Close the cycle: %(name)s"), _("its last day was %(day)s") % {"day": day(ends)}
        else:
            continue
        url = f"/cycles/{quote(cycle.cycle_id, safe='')}"
        yield Waiting("calendar", "behind", text % {"name": cycle.name}, about, url, _("View"))


def _left(visit: Visit, cycle: goals_pb2.Cycle) -> str:
    """ "Quarter 1 · 11 days left"."""
    starts, ends = day_of(cycle.starts_on), day_of(cycle.ends_on)
    ngettext, _ = visit.language.ngettext, visit.language.gettext
    if visit.today < starts:
        return _("%(cycle)s starts on %(day)s") % {"cycle": cycle.name, "day": visit.language.day(starts)}
    left = (ends - visit.today).days
    if left < 0:
        return _("%(cycle)s ended on %(day)s") % {"cycle": cycle.name, "day": visit.language.day(ends)}
    if left == 0:
        return _("%(cycle)s ends today") % {"cycle": cycle.name}
    return ngettext("%(cycle)s: %(n)s day left", "%(cycle)s: %(n)s days left", left) % {"cycle": cycle.name, "n": left}


def _weight(visit: Visit, own: Sequence[goals_pb2.Kpi]) -> str:
    total = sum((decimal_of(kpi, "exact_weight") or Decimal(kpi.weight) for kpi in own), Decimal())
    return visit.language.amount(total, "%") if own else ""


async def _proposals(visit: Visit) -> list[Waiting]:
    """Those that the viewer may decide about, the oldest first."""
    asked = goals_pb2.ListProposals(mine_to_decide=True, page_size=30)
    reply = await or_none(visit.caller.query("goals", "ListProposals", asked, goals_pb2.Proposals))
    _ = visit.language.gettext
    mine = [one for one in reply.proposals if one.may_decide or one.may_answer] if reply else []
    mine.sort(key=lambda proposal: proposal.proposed_at.ToNanoseconds())
    rows: list[Waiting] = []
    for proposal in mine[:WAITING]:
        by = visit.language.words(proposal.proposer.name) or proposal.proposer.person_id
        at = visit.language.lately(proposal.proposed_at.ToDatetime(UTC), visit.zone, visit.today)
        title = visit.language.words(proposal.title) or proposal.proposal_id
        url = f"/proposals/{quote(proposal.proposal_id, safe='')}"
        rows.append(
            Waiting(
                "arrows-exchange",
                "behind",
                (_("Decide: %(title)s") if proposal.may_decide else _("You are invited: %(title)s")) % {"title": title},
                _("%(name)s proposed it · %(at)s") % {"name": by, "at": at},
                url,
                _("View and decide") if proposal.may_decide else _("View and answer"),
            )
        )
    if len(mine) > WAITING:
        more = visit.language.ngettext(
            "%(n)s more proposal waits for you", "%(n)s more proposals wait for you", len(mine) - WAITING
        )
        rows.append(Waiting("arrows-exchange", "plain", more % {"n": len(mine) - WAITING}, "", "/proposals", _("View")))
    return rows


def _quiet(visit: Visit, own: Sequence[goals_pb2.Kpi]) -> Iterator[Waiting]:
    """One's own KPIs that have not been heard of for too long."""
    _ = visit.language.gettext
    for kpi in own[:OWN]:
        if kpi.standing.status in QUIET and not kpi.HasField("computation"):
            last = date_of(kpi.standing, "occurred_on")
            about = _("last updated for %(day)s") % {"day": visit.language.day(last)} if last else _("no value so far")
            yield Waiting(
                "pencil-check",
                "behind" if kpi.standing.status == goals_pb2.STATUS_STALE else "plain",
                _("Say how far it is: %(kpi)s") % {"kpi": kpi.name},
                about,
                f"/kpi/{quote(kpi.kpi_id, safe='')}/progress",
                _("Record progress"),
            )


async def _counter(visit: Visit) -> list[Waiting]:
    """Gifts that somebody waits to be handed."""
    if not visit.may("rewards.HandOverGift"):
        return []
    asked = rewards_pb2.ListRedemptions(waiting=True, page_size=50)
    reply = await or_none(visit.caller.query("rewards", "ListRedemptions", asked, rewards_pb2.Redemptions))
    count = len(reply.redemptions) if reply else 0
    if not count:
        return []
    text = visit.language.ngettext("%(n)s gift is to be handed over", "%(n)s gifts are to be handed over", count)
    return [
        Waiting("gift", "plain", text % {"n": count}, "", "/shop/counter", visit.language.gettext("To the counter"))
    ]


async def _points(visit: Visit) -> Points | None:
    """None while rewards is away, and of who was never given any."""
    asked = rewards_pb2.GetWallet(page_size=1)
    reply = await or_none(visit.caller.query("rewards", "GetWallet", asked, rewards_pb2.Wallet))
    if reply is None or not (reply.monthly_allowance or reply.received):
        return None
    until = date_of(reply, "allowance_until")
    number = visit.language.number
    return Points(
        number(Decimal(reply.allowance)),
        visit.language.short_day(until) if until else "",
        number(Decimal(reply.received)),
    )


async def _set_up(visit: Visit) -> people_pb2.Organisation | None:
    if not visit.may("people.RegisterPerson"):
        return None
    return await or_none(
        visit.caller.query("people", "GetOrganisation", people_pb2.GetOrganisation(), people_pb2.Organisation)
    )


def _first_steps(
    visit: Visit, set_up: people_pb2.Organisation | None, cycle: goals_pb2.Cycle | None
) -> Iterator[Waiting]:
    """For an administrator of a company that cannot work yet."""
    if set_up is not None and _is_new(set_up, cycle):
        _ = visit.language.gettext
        about = _("people, units, the first cycle and its KPIs")
        yield Waiting("rocket", "behind", _("Set the company up"), about, "/first-steps", _("Go on"))


def _empty_places(
    visit: Visit, set_up: people_pb2.Organisation | None, cycle: goals_pb2.Cycle | None
) -> Iterator[Waiting]:
    """For an administrator of one that works: what keeps some from finding their place."""
    if set_up is None or _is_new(set_up, cycle):
        return
    if missing := set_up.without_manager + set_up.without_unit + set_up.units_without_head:
        _ = visit.language.gettext
        text = visit.language.ngettext(
            "%(n)s place in the organisation is empty", "%(n)s places in the organisation are empty", missing
        )
        about = _("somebody without a manager or a unit, or a unit without a head")
        yield Waiting("hierarchy-3", "plain", text % {"n": missing}, about, "/first-steps", _("View"))


def _is_new(set_up: people_pb2.Organisation, cycle: goals_pb2.Cycle | None) -> bool:
    return cycle is None or set_up.people < 2
