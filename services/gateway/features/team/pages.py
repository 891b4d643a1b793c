"""The team board: whom to turn to first, in one minute (C-22)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from urllib.parse import quote

from starlette.responses import Response

from eventkit.names import plain_letters
from nhip.checkins.v1 import check_ins_pb2, types_pb2
from nhip.goals.v1 import goals_pb2
from services.gateway.console import kpis
from services.gateway.console.cards import Avatar, StateMark
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.directory import Directory, directory
from services.gateway.console.language import Language, date_of, decimal_of
from services.gateway.console.moods import Mood, mood_of
from services.gateway.console.routes import Routes
from services.gateway.console.sparks import Spark, spark
from services.gateway.console.states import check_in_mark
from services.gateway.console.visit import Visit, or_none

routes = Routes()
PAGE = 100
OWNERS = 50
"""People whose KPIs one question asks for."""
MADE = (types_pb2.CHECK_IN_STATE_SUBMITTED, types_pb2.CHECK_IN_STATE_ASKED_AGAIN, types_pb2.CHECK_IN_STATE_EVALUATED)
GOOD = (goals_pb2.STATUS_ON_TRACK, goals_pb2.STATUS_EXCEEDS, goals_pb2.STATUS_MEETS)


@dataclass(frozen=True, slots=True)
class Deed:
    text: str
    url: str
    icon: str


@dataclass(frozen=True, slots=True)
class Card:
    """One person, with what a manager should know first."""

    avatar: Avatar
    title: str
    url: str
    mark: StateMark | None
    """Why they come here; none: they keep the rhythm."""
    sentence: str
    mood: Mood | None
    state: StateMark
    facts: tuple[tuple[str, str], ...]
    """Each an icon and a text."""
    confidence: str
    line: Spark | None
    prompt: str
    deeds: tuple[Deed, ...]


@routes.page("/team")
async def board(visit: Visit) -> Response:
    """`GET /team`; `?by=name` in the order of names."""
    asked = check_ins_pb2.ListTeam(page_size=PAGE, page_token=visit.request.query_params.get("after", ""))
    team = await visit.caller.query("checkins", "ListTeam", asked, check_ins_pb2.Team)
    who, (good, of) = await asyncio.gather(
        directory(visit, ids=[member.person_id for member in team.members]), _in_rhythm(visit, team)
    )
    by_name = visit.request.query_params.get("by") == "name"
    groups = _groups(visit, team, who, by_name=by_name)
    group = next((unit for unit in who.units.values() if unit.head_id == visit.person and not unit.closed), None)
    due = [date for member in team.members if (date := date_of(member, "due_on"))]
    return visit.render(
        "team/team.html",
        here="/team" + ("?by=name" if by_name else ""),
        size=len(team.members),
        by_name=by_name,
        day=visit.language.day(max(due)) if due else "",
        groups=groups,
        made=sum(member.state in MADE for member in team.members),
        asked=sum(
            member.HasField("due_on") and member.state != types_pb2.CHECK_IN_STATE_AWAY for member in team.members
        ),
        topics=sum(member.topics_waiting for member in team.members),
        good=good,
        kpis=of,
        group=group.name if group else "",
        moods=await _group_moods(visit, group.unit_id) if group else [],
        answers=await _own_answers(visit),
        today=sum(member.need == types_pb2.NEED_TODAY for member in team.members),
        more=f"/team?after={quote(team.next_page_token)}" if team.next_page_token else "",
    )


async def _own_answers(visit: Visit) -> str:
    """How the manager themself kept the rhythm: leading is answering (C-37, G-82); empty: there was nothing."""
    asked = check_ins_pb2.ListDiscipline(manager_id=visit.person)
    reply = await or_none(visit.caller.query("checkins", "ListDiscipline", asked, check_ins_pb2.Discipline))
    line = reply.lines[0] if reply and reply.lines else None
    if line is None or not line.to_answer:
        return ""
    _ = visit.language.gettext
    told = {"answered": line.answered, "made": line.to_answer, "hours": line.answer_hours}
    if not line.answered:
        return _("Of the last ninety days: you answered none of %(made)s check-ins yet.") % told
    return (
        _("Of the last ninety days: you answered %(answered)s of %(made)s check-ins, half of them within %(hours)s h.")
        % told
    )


async def _group_moods(visit: Visit, unit_id: str) -> Sequence[tuple[str, str, int]]:
    """Of the unit that one heads: day, mean and how many told theirs; only where they are five or more."""
    asked = check_ins_pb2.GetGroupMood(unit_id=unit_id)
    reply = await or_none(visit.caller.query("checkins", "GetGroupMood", asked, check_ins_pb2.GroupMood))
    return [
        (
            visit.language.short_day(date_of(point, "due_on")),
            visit.language.number(decimal_of(point, "mean")),
            point.people,
        )
        for point in (reply.points if reply else ())
    ]


async def _in_rhythm(visit: Visit, team: check_ins_pb2.Team) -> tuple[int, int]:
    """How many of the team's KPIs are where they should be, of how many; (0, 0) while goals is away."""
    cycles = await or_none(visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles))
    cycle = choose_cycle(cycles.cycles, "", visit.today) if cycles else None
    ids = [member.person_id for member in team.members]
    if cycle is None or not ids:
        return 0, 0
    parts = [ids[start : start + OWNERS] for start in range(0, len(ids), OWNERS)]
    found = await asyncio.gather(*(or_none(kpis.listed(visit, cycle.cycle_id, owner_ids=part)) for part in parts))
    theirs = {kpi.kpi_id: kpi for part in found if part for kpi in part}
    return sum(kpi.standing.status in GOOD for kpi in theirs.values()), len(theirs)


def _groups(
    visit: Visit, team: check_ins_pb2.Team, who: Directory, *, by_name: bool
) -> Sequence[tuple[str, str, bool, list[Card]]]:
    """Each a heading, a remark, whether its people are shown as cards, and they."""
    _ = visit.language.gettext
    if by_name:
        members = sorted(team.members, key=lambda one: plain_letters(who.person(one.person_id).name))
        return [(_("Everybody"), "", True, [_card(visit, one, who) for one in members])] if members else []
    found: list[tuple[str, str, bool, list[Card]]] = []
    for need, heading, remark, cards in (
        (types_pb2.NEED_TODAY, _("Today"), "", True),
        (types_pb2.NEED_THIS_WEEK, _("This week"), "", True),
        (types_pb2.NEED_NONE, _("In rhythm"), _("a word of praise now and then is enough"), False),
    ):
        members = [_card(visit, one, who) for one in team.members if one.need == need]
        if members:
            found.append((heading, remark, cards, members))
    return found


def _card(visit: Visit, member: check_ins_pb2.TeamMember, who: Directory) -> Card:
    language, _ = visit.language, visit.language.gettext
    known = who.people.get(member.person_id)
    sure = [value for one in member.last if (value := decimal_of(one, "confidence")) is not None]
    said = [one.mood.plain for one in member.last if one.HasField("mood")]
    due = date_of(member, "due_on")
    base = f"/checkin/{quote(member.person_id, safe='')}/"
    last = next((day for one in reversed(member.last) if (day := date_of(one, "due_on"))), None)
    sign = member.signs[0] if member.signs else types_pb2.TEAM_SIGN_UNSPECIFIED
    return Card(
        who.person(member.person_id),
        language.words(known.title) if known else "",
        f"/people/{quote(member.person_id, safe='')}",
        _mark(sign, visit) if sign else None,
        _sentence(visit, member, sign, who, sure, said),
        mood_of(said[-1], language) if said else None,
        check_in_mark(member.state, language),
        tuple(_facts(visit, member)),
        " → ".join(language.number(value) for value in sure[-2:]),
        spark(sure, Decimal(1), Decimal(10)) if len(sure) > 1 else None,
        opening(visit.language, sign),
        tuple(_deeds(visit, member, sign, f"{base}{shown.isoformat()}" if (shown := last or due) else "")),
    )


def _mark(sign: int, visit: Visit) -> StateMark:
    _ = visit.language.gettext
    return {
        types_pb2.TEAM_SIGN_OVERLOADED: StateMark("risk", "alert-triangle", _("May have too much to carry")),
        types_pb2.TEAM_SIGN_OFF_COURSE: StateMark("behind", "trending-down", _("May be off course")),
        types_pb2.TEAM_SIGN_OUT_OF_RHYTHM: StateMark("stale", "hourglass", _("Out of rhythm")),
        types_pb2.TEAM_SIGN_TOPIC_WAITS: StateMark("behind", "message-circle", _("Waits for your answer")),
        types_pb2.TEAM_SIGN_ANSWER_WAITS: StateMark("new", "send", _("Have checked in")),
        types_pb2.TEAM_SIGN_WANTS_MEETING: StateMark("behind", "users", _("Would like to meet you")),
    }[types_pb2.TeamSign.ValueType(sign)]


def _sentence(
    visit: Visit,
    member: check_ins_pb2.TeamMember,
    sign: int,
    who: Directory,
    sure: Sequence[Decimal],
    moods: Sequence[str],
) -> str:
    language, _ = visit.language, visit.language.gettext
    ngettext = language.ngettext
    day = language.day(date_of(member, "due_on")) if member.HasField("due_on") else ""
    match sign:
        case types_pb2.TEAM_SIGN_OVERLOADED:
            falls = len(moods) > 2 and moods[-3] > moods[-2] > moods[-1]
            return (
                _("Mood fell three times in a row. Nothing was said about it yet.")
                if falls
                else _("Mood is low. Nothing was said about it yet.")
            )
        case types_pb2.TEAM_SIGN_TOPIC_WAITS:
            days = (visit.today - member.topic_since.ToDatetime(UTC).astimezone(visit.zone).date()).days
            text = ngettext(
                "A topic of theirs has waited for you for %(n)s day.",
                "A topic of theirs has waited for you for %(n)s days.",
                days,
            )
            return text % {"n": days} if days else _("A topic of theirs waits for you since today.")
        case types_pb2.TEAM_SIGN_WANTS_MEETING:
            return _("%(name)s would like to meet you alone.") % {"name": who.person(member.person_id).name}
        case types_pb2.TEAM_SIGN_OUT_OF_RHYTHM:
            if member.state == types_pb2.CHECK_IN_STATE_OVERDUE:
                return _("No check-in for %(day)s so far.") % {"day": day}
            return _("The last two check-ins came late.")
        case types_pb2.TEAM_SIGN_OFF_COURSE:
            if member.stuck_kpi_ids:
                text = ngettext(
                    "%(n)s KPI has had no number for %(days)s days, though check-ins come.",
                    "%(n)s KPIs have had no number for up to %(days)s days, though check-ins come.",
                    len(member.stuck_kpi_ids),
                )
                return text % {"n": len(member.stuck_kpi_ids), "days": member.stuck_days}
            return _("They believe in their numbers less: %(line)s.") % {
                "line": " → ".join(language.number(value) for value in sure[-2:])
            }
        case types_pb2.TEAM_SIGN_ANSWER_WAITS:
            return _("The check-in of %(day)s waits for your answer.") % {"day": day}
        case _:
            return ""


def _facts(visit: Visit, member: check_ins_pb2.TeamMember) -> Sequence[tuple[str, str]]:
    _, ngettext = visit.language.gettext, visit.language.ngettext
    facts: list[tuple[str, str]] = []
    if member.kpis:
        facts.append(("stack-2", ngettext("%(n)s KPI", "%(n)s KPIs", member.kpis) % {"n": member.kpis}))
    if member.stuck_kpi_ids:
        stuck = len(member.stuck_kpi_ids)
        facts.append(("clock", ngettext("%(n)s without a number", "%(n)s without a number", stuck) % {"n": stuck}))
    if member.topics_waiting:
        text = ngettext("%(n)s topic waits", "%(n)s topics wait", member.topics_waiting)
        facts.append(("message-circle", text % {"n": member.topics_waiting}))
    if member.late_days:
        text = ngettext("the one before %(n)s day late", "the one before %(n)s days late", member.late_days)
        facts.append(("hourglass", text % {"n": member.late_days}))
    return facts


def opening(language: Language, sign: int) -> str:
    """How a manager may begin to help who shows a sign: by a question, never an order (C-36, C-37)."""
    _ = language.gettext
    return {
        types_pb2.TEAM_SIGN_OVERLOADED: _("A way to begin: “Was there anything these days that took your breath?”"),
        types_pb2.TEAM_SIGN_TOPIC_WAITS: _("Or forward it: who raised it still follows it."),
        types_pb2.TEAM_SIGN_OUT_OF_RHYTHM: _("A way to begin: “What would make the check-in easier for you?”"),
        types_pb2.TEAM_SIGN_OFF_COURSE: _("A way to begin: “Which step do you find the hardest?”"),
        types_pb2.TEAM_SIGN_WANTS_MEETING: _("A way to begin: “What would you like us to use this time for?”"),
        types_pb2.TEAM_SIGN_ANSWER_WAITS: _("A way to answer: “What would you try next, and what do you need for it?”"),
    }.get(types_pb2.TeamSign.ValueType(sign), "")


def _wished(member: check_ins_pb2.TeamMember) -> str:
    """The day of the check-in in which they wished to meet; empty: they did not."""
    day = next((found for one in reversed(member.last) if (found := date_of(one, "due_on"))), None)
    return day.isoformat() if member.wants_meeting and day else ""


def _deeds(visit: Visit, member: check_ins_pb2.TeamMember, sign: int, check_in: str) -> Sequence[Deed]:
    _ = visit.language.gettext
    deeds: list[Deed] = []
    if sign == types_pb2.TEAM_SIGN_TOPIC_WAITS and member.topic_ids:
        topic = f"/topics/{quote(member.topic_ids[0], safe='')}"
        deeds.append(Deed(_("Read and answer"), topic, "message-circle"))
    if sign == types_pb2.TEAM_SIGN_OFF_COURSE and member.stuck_kpi_ids:
        deeds.append(Deed(_("View the KPI"), f"/kpi/{quote(member.stuck_kpi_ids[0], safe='')}", "eye"))
    if check_in:
        waits = types_pb2.TEAM_SIGN_ANSWER_WAITS in member.signs
        text = _("Answer the check-in") if waits else _("View the check-in")
        deeds.append(Deed(text, check_in, "eye"))
    if member.signs and visit.may("checkins.CallMeeting"):
        said = f"&check_in={quote(f'{member.person_id}.{wished}', safe='')}" if (wished := _wished(member)) else ""
        call = f"/meetings/new?with={quote(member.person_id, safe='')}{said}"
        deeds.append(Deed(_("Invite to a 1:1"), call, "users"))
    if not member.signs:
        deeds.append(Deed(_("Praise"), f"/praise?to=person:{quote(member.person_id, safe='')}", "heart-handshake"))
    return deeds
