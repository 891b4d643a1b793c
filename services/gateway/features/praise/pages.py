"""Praise: writing one with hints beside it that never block, and the feed of all of them, by core value or KPI."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from urllib.parse import urlencode

from starlette.responses import Response

from eventkit.errors import Violation
from eventkit.names import plain_letters
from nhip.common.v1 import command_pb2, words_pb2
from nhip.goals.v1 import goals_pb2
from nhip.people.v1 import people_pb2
from nhip.rewards.v1 import rewards_pb2, types_pb2
from services.gateway.console import kpis
from services.gateway.console.cards import Avatar
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.directory import Directory, directory
from services.gateway.console.forms import Form, date_message, sent
from services.gateway.console.gifts import gift_rows
from services.gateway.console.language import Language, date_of, unreadable
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.console.wallet import Wallet, points, wallet
from services.gateway.failures import Failure

routes = Routes()

MOST_KPIS = 300
"""That a praise may be tied to from here; of more, from the KPI's own page."""

MOST_PEOPLE = 100
"""That a praise is offered to at once; of more, those whom a search finds."""

_FIELDS = {
    "receiver_id": "to",
    "unit_id": "to",
    "value_id": "about",
    "kpi_id": "about",
    "words": "words",
    "deed_on": "deed_on",
}

Choices = Sequence[tuple[str, Sequence[tuple[str, str]]]]
"""Groups with a title, each with (value, label)."""


@dataclass(frozen=True, slots=True)
class Post:
    """One praise in the feed."""

    id: str
    giver: Avatar
    receiver: Avatar
    at: str
    deed: str
    words: str
    hidden: bool
    private: bool
    points: str
    tag: str
    tag_kind: str
    tag_icon: str
    tag_url: str


@dataclass(frozen=True, slots=True)
class Hint:
    met: bool
    text: str


@dataclass(frozen=True, slots=True)
class Check:
    """What would make a praise better, what it costs, and what is left to give."""

    hints: tuple[Hint, ...]
    cost: str
    short: str
    """The allowance does not reach: how far; empty: it does."""
    send: str
    """What the button says."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Which part of the feed: the query of its address."""

    value: str = ""
    kpi: str = ""
    mine: bool = False
    after: str = ""

    def url(self, **changed: str) -> str:
        query = {"value": self.value, "kpi": self.kpi, "who": "me" if self.mine else ""} | changed
        kept = {name: text for name, text in query.items() if text}
        return "/praise" + (f"?{urlencode(kept)}" if kept else "") + "#feed"


@routes.page("/praise")
async def page(visit: Visit) -> Response:
    """`GET /praise`: write one, and the feed. `to` and `for` fill the form in ("person:thao", "kpi:i1")."""
    query = visit.request.query_params
    values = {
        "to": query.get("to", ""),
        "about": query.get("for", ""),
        "deed_on": visit.today.isoformat(),
        "visibility": "PUBLIC",
    }
    return await _show(visit, Form(values))


@routes.form("/praise")
async def give(visit: Visit) -> Response:
    """`POST /praise`."""
    filled = await sent(visit.request)
    request, wrong = read(filled)
    request.without_points = bool(filled["without_points"])
    wrong += [Violation(name, "MISSING") for name in ("to", "about", "words") if not filled.text(name)]
    if wrong:
        return await _show(visit, filled.wrong(wrong, visit.language), 422)
    try:
        accepted, position = await visit.caller.ask(
            "rewards", "GivePraise", request, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        spent = failure.reason == "ALLOWANCE_SPENT"
        return await _show(visit, filled.refused(failure, visit.language, _FIELDS), failure.http, spent=spent)
    return visit.done("/praise#feed", accepted, position, visit.language.gettext("Your praise was sent."))


@routes.form("/praise/find", page="/praise")
async def find(visit: Visit) -> Response:
    """`POST /praise/find`: the form again, with the people whom its search finds."""
    return await _show(visit, await sent(visit.request))


@routes.form("/praise/check", page="/praise")
async def check(visit: Visit) -> Response:
    """`POST /praise/check`: the hints for what is typed so far, as a piece of the page."""
    filled = await sent(visit.request)
    return visit.render("praise/hints.html", check=await _check(visit, filled, None))


def read(filled: Form) -> tuple[rewards_pb2.GivePraise, list[Violation]]:
    """The praise that a form holds."""
    wrong: list[Violation] = []
    to, _, receiver = filled["to"].partition(":")
    about, _, subject = filled["about"].partition(":")
    day = filled.day("deed_on", wrong)
    return rewards_pb2.GivePraise(
        receiver_id=receiver if to == "person" else "",
        unit_id=receiver if to == "unit" else "",
        value_id=subject if about == "value" else "",
        kpi_id=subject if about == "kpi" else "",
        words=words_pb2.PersonalText(plain=filled.text("words")),
        visibility=types_pb2.VISIBILITY_PUBLIC if filled["visibility"] == "PUBLIC" else types_pb2.VISIBILITY_PRIVATE,
        deed_on=date_message(day) if day else None,
    ), wrong


async def _show(visit: Visit, filled: Form, status: int = 200, *, spent: bool = False) -> Response:
    query = visit.request.query_params
    shown = Shown(query.get("value", ""), query.get("kpi", ""), query.get("who") == "me", query.get("after", ""))
    find = filled.text("find")
    people = people_pb2.ListPeople(text=find, active=True, page_size=MOST_PEOPLE)
    found, values, feed, gifts, kpis, purse = await asyncio.gather(
        visit.caller.query("people", "ListPeople", people, people_pb2.PeopleList),
        visit.caller.query("rewards", "ListCoreValues", rewards_pb2.ListCoreValues(), rewards_pb2.CoreValues),
        _feed(visit, shown),
        visit.caller.query("rewards", "ListGifts", rewards_pb2.ListGifts(), rewards_pb2.Gifts),
        _kpis(visit),
        wallet(visit),
    )
    chosen = filled["to"].removeprefix("person:")
    who = await directory(visit, feed, ids=[chosen, *(person.person_id for person in found.people)])
    offered = {person.person_id for person in found.people} | {chosen}
    return visit.render(
        "praise/praise.html",
        status,
        here="/praise" if visit.request.method == "POST" else "",
        form=filled,
        to=_receivers(visit, who, offered),
        searched=bool(find) or found.next_page_token != "",
        nobody=bool(find) and not found.people,
        too_many=found.next_page_token != "",
        about=_subjects(visit, values.values, kpis, filled["about"]),
        today=visit.today.isoformat(),
        check=await _check(visit, filled, purse, spent=spent),
        wallet=purse,
        gifts=gift_rows(gifts.gifts, purse.received, visit.language)[:3],
        shown=shown,
        values=values.values,
        kpi_name=next((kpi.name for kpi in kpis if kpi.kpi_id == shown.kpi), shown.kpi),
        posts=[post(visit, one, who) for one in feed.praises],
        more=shown.url(after=feed.next_page_token) if feed.next_page_token else "",
    )


async def _feed(visit: Visit, shown: Shown) -> rewards_pb2.Praises:
    request = rewards_pb2.ListPraises(
        person_id=visit.person if shown.mine else "", value_id=shown.value, kpi_id=shown.kpi, page_token=shown.after
    )
    return await visit.caller.query("rewards", "ListPraises", request, rewards_pb2.Praises)


async def _kpis(visit: Visit) -> Sequence[goals_pb2.Kpi]:
    """The KPIs of the running cycle, one's own first; none while goals is away: praise by core value goes on."""
    cycles = await or_none(visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles))
    cycle = choose_cycle(cycles.cycles, "", visit.today) if cycles else None
    if cycle is None:
        return ()
    own, others = await kpis.own_and_others(visit, cycle.cycle_id)
    return [*own, *others]


def _receivers(visit: Visit, who: Directory, offered: Iterable[str]) -> Choices:
    """Whom one may praise: of a large company the people whom a search found, and all units."""
    _ = visit.language.gettext
    people = [
        (f"person:{id}", who.person(id).name)
        for id in offered
        if id in who.people and id != visit.person and who.people[id].active
    ]
    units = [(f"unit:{id}", unit.name) for id, unit in who.units.items()]
    groups = ((_("People"), people), (_("Units"), units))
    return [
        (title, sorted(choices, key=lambda choice: plain_letters(choice[1]))) for title, choices in groups if choices
    ]


def _subjects(
    visit: Visit, values: Sequence[rewards_pb2.CoreValue], kpis: Sequence[goals_pb2.Kpi], chosen: str
) -> Choices:
    """What a praise may be for: a core value, one's own KPIs, others'. The chosen one is among them."""
    _ = visit.language.gettext
    live = [kpi for kpi in kpis if not kpi.retired]
    own = [kpi for kpi in live if any(owner.person_id == visit.person for owner in kpi.owners)]
    others = [kpi for kpi in live if kpi not in own][:MOST_KPIS]
    others += [kpi for kpi in kpis if f"kpi:{kpi.kpi_id}" == chosen and kpi not in own and kpi not in others]
    groups = (
        (_("Core values"), [(f"value:{value.value_id}", value.name) for value in values]),
        (_("Your KPIs"), [(f"kpi:{kpi.kpi_id}", kpi.name) for kpi in own]),
        (_("Other KPIs"), [(f"kpi:{kpi.kpi_id}", kpi.name) for kpi in others]),
    )
    return [(title, choices) for title, choices in groups if choices]


async def _check(visit: Visit, filled: Form, purse: Wallet | None, *, spent: bool = False) -> Check:
    """The hints for a form. Where they cannot be had, praise goes on without them."""
    asked, _wrong = read(filled)
    request = rewards_pb2.CheckPraise(
        receiver_id=asked.receiver_id,
        unit_id=asked.unit_id,
        value_id=asked.value_id,
        kpi_id=asked.kpi_id,
        words=asked.words,
    )
    if asked.HasField("deed_on"):
        request.deed_on.CopyFrom(asked.deed_on)
    reply = None
    if filled.text("words") or filled["to"]:
        reply = await or_none(visit.caller.query("rewards", "CheckPraise", request, rewards_pb2.PraiseHints))
    if reply is None:
        reply = rewards_pb2.PraiseHints(allowance=purse.allowance if purse else 0)
    return check_of(reply, visit.language, written=bool(filled.text("words")), spent=spent)


def check_of(reply: rewards_pb2.PraiseHints, language: Language, *, written: bool = True, spent: bool = False) -> Check:
    _ = language.gettext
    given, left = points(reply.points, language), points(reply.allowance, language)
    short = ""
    if spent or reply.points > reply.allowance:
        short = _(
            "This praise takes %(cost)s and you have %(left)s left to give this month. Praise without points counts as "
            "much."
        ) % {
            "cost": given,
            "left": left,
        }
    cost = (
        _("Costs %(cost)s of the %(left)s that you have left to give.")
        if reply.points
        else _("You have %(left)s left to give.")
    )
    send = (
        _("Send without points")
        if short
        else _("Send, give %(cost)s") % {"cost": given}
        if reply.points
        else _("Send the praise")
    )
    return Check(
        hints=tuple(_hints(reply, language)) if written else (),
        cost="" if short else cost % {"cost": given, "left": left},
        short=short,
        send=send,
    )


def _hints(reply: rewards_pb2.PraiseHints, language: Language) -> list[Hint]:
    """What is there already first, so that the hints change least while somebody writes."""
    _ = language.gettext
    aspects: dict[int, str] = {
        rewards_pb2.RISE_ASPECT_REGULAR: _("Regular"),
        rewards_pb2.RISE_ASPECT_IMMEDIATE: _("Timely"),
        rewards_pb2.RISE_ASPECT_SPECIFIC: _("Specific"),
        rewards_pb2.RISE_ASPECT_ENCOURAGING: _("Encouraging"),
    }
    missing: dict[int, str] = {
        rewards_pb2.RISE_HINT_LONG_SINCE_LAST: _("The last time is long ago: praise more often?"),
        rewards_pb2.RISE_HINT_DEED_LONG_AGO: _("It was a while ago: sooner next time?"),
        rewards_pb2.RISE_HINT_DEED_DAY_MISSING: _("On which day was it?"),
        rewards_pb2.RISE_HINT_TOO_SHORT: _("Say a little more?"),
        rewards_pb2.RISE_HINT_DEED_MISSING: _("What exactly was done?"),
        rewards_pb2.RISE_HINT_EFFECT_MISSING: _("What came of it?"),
        rewards_pb2.RISE_HINT_NEXT_STEP_MISSING: _("What to share or try next?"),
    }
    met = [Hint(True, aspects[hint.aspect]) for hint in reply.hints if hint.met and hint.aspect in aspects]
    open_ones = [missing[one] for hint in reply.hints for one in hint.missing if one in missing]
    return [*met, *(Hint(False, text) for text in dict.fromkeys(open_ones))]


def post(visit: Visit, praise: rewards_pb2.Praise, who: Directory) -> Post:
    language = visit.language
    _ = language.gettext
    at = praise.given_at.ToDatetime(UTC)
    deed = date_of(praise, "deed_on")
    given_on: date = at.astimezone(visit.zone).date()
    by_kpi = bool(praise.kpi_id)
    return Post(
        id=praise.praise_id,
        giver=who.person(praise.giver_id),
        receiver=who.unit(praise.unit_id) if praise.unit_id else who.person(praise.receiver_id),
        at=language.lately(at, visit.zone, visit.today),
        deed=_("deed of %(day)s")
        % {"day": (language.short_day(deed) if deed.year == given_on.year else language.day(deed))}
        if deed and deed != given_on
        else "",
        words=language.words(praise.words),
        hidden=unreadable(praise.words),
        private=praise.visibility == types_pb2.VISIBILITY_PRIVATE,
        points=f"+{points(praise.points, language)}" if praise.points else "",
        tag=(praise.kpi_name or praise.kpi_id) if by_kpi else (praise.value_name or praise.value_id),
        tag_kind="kpi" if by_kpi else "value",
        tag_icon="target-arrow" if by_kpi else "shield-heart",
        tag_url=Shown(kpi=praise.kpi_id).url() if by_kpi else Shown(value=praise.value_id).url(),
    )
