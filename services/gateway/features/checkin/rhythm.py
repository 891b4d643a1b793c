"""The rhythm of check-ins: rules of the company, of units and of people, holidays, absences, and one's own calendar."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from eventkit.rpc.addresses import ADDRESS
from eventkit.values import to_datetime
from nhip.checkins.v1 import cadence_pb2, check_ins_pb2, types_pb2
from nhip.checkins.v1 import calendar_feeds_pb2 as feeds_pb2
from services.gateway.console.cards import StateMark
from services.gateway.console.choices import people_to_choose, these_people, units_to_choose
from services.gateway.console.deeds import carry_out
from services.gateway.console.directory import Directory, directory
from services.gateway.console.events import choice_word
from services.gateway.console.forms import Form, date_message, sent
from services.gateway.console.language import date_of, day_of
from services.gateway.console.rhythm import rhythm_words
from services.gateway.console.routes import Routes
from services.gateway.console.states import check_in_mark
from services.gateway.console.visit import Visit, or_none

routes = Routes()
WEEKDAYS = tuple(name for name in types_pb2.Weekday.keys() if name != "WEEKDAY_UNSPECIFIED")
_FIELDS = {
    "unit_id": "unit",
    "person_id": "person",
    "every_weeks": "weeks",
    "weekday": "weekday",
    "first_on": "first_on",
    "last_on": "last_on",
    "from_on": "",
    "name": "name",
}


@dataclass(frozen=True, slots=True)
class RuleRow:
    whose: str
    said: str
    since: str
    until: str
    to_come: bool
    may_set: bool
    unit_id: str
    person_id: str


@dataclass(frozen=True, slots=True)
class RegularityRow:
    """How regularly check-ins are made and answered in one manager's team (A-07, G-82)."""

    manager: str
    due: int
    in_time: int
    late: int
    undated: int
    """Brought in from elsewhere, without the day on which they were made."""
    missing: int
    answered: str
    """ "5/6"."""
    hours: int


@dataclass(frozen=True, slots=True)
class SlotRow:
    number: int
    day: str
    moved_from: str
    url: str
    mark: StateMark


@routes.page("/rhythm")
async def rhythm(visit: Visit) -> Response:
    """`GET /rhythm`."""
    return await show(visit, Form())


@routes.form("/rhythm")
async def change(visit: Visit) -> Response:
    """`POST /rhythm`: a rule, a holiday or an absence; set, or taken back."""
    filled = await sent(visit.request)
    wrong: list[Violation] = []
    _ = visit.language.gettext
    did = filled["do"]
    first_on, last_on = filled.day("first_on", wrong), filled.day("last_on", wrong)
    if first_on is None and not wrong:
        wrong.append(Violation("first_on", "MISSING"))
    if did == "holiday" and not filled.text("name"):
        wrong.append(Violation("name", "MISSING"))
    if wrong or first_on is None:
        return await show(visit, filled.wrong(wrong, visit.language), 422)
    method, command, said = _asked(visit, filled, did, first_on, last_on)
    return await carry_out(
        visit,
        filled,
        "checkins",
        method,
        command,
        said,
        to=lambda _: "/rhythm",
        again=lambda filled, status: show(visit, filled, status),
        fields=_FIELDS,
    )


def _asked(visit: Visit, filled: Form, did: str, first_on: date, last_on: date | None) -> tuple[str, Message, str]:
    _, first = visit.language.gettext, date_message(first_on)
    last = date_message(last_on) if last_on else None
    match did:
        case "holiday":
            holiday = cadence_pb2.NameHoliday(first_on=first, last_on=last, name=filled.text("name"))
            return "NameHoliday", holiday, _("The holiday is kept: check-ins move to the next working day.")
        case "no-holiday":
            return "RemoveHoliday", cadence_pb2.RemoveHoliday(first_on=first), _("It is a working day again.")
        case "absence":
            absence = cadence_pb2.NoteAbsence(person_id=visit.person, first_on=first, last_on=last)
            return "NoteAbsence", absence, _("Noted: no check-in is asked of you on these days.")
        case "no-absence":
            back = cadence_pb2.WithdrawAbsence(person_id=visit.person, first_on=first)
            return "WithdrawAbsence", back, _("The absence is taken back.")
        case "end":
            ended = cadence_pb2.EndCadence(unit_id=filled["unit"], person_id=filled["person"], from_on=first)
            return "EndCadence", ended, _("From that day on the next wider rhythm is in force.")
        case _:
            weekday = filled["weekday"] if filled["weekday"] in WEEKDAYS else "WEEKDAY_UNSPECIFIED"
            rule = cadence_pb2.SetCadence(
                unit_id=filled["unit"],
                person_id=filled["person"],
                every_weeks=1 if filled["weeks"] == "1" else 2,
                weekday=types_pb2.Weekday.Value(weekday),
                first_on=first,
            )
            return "SetCadence", rule, _("The rhythm is set. The calendar below follows it.")


async def show(visit: Visit, filled: Form, status: int = 200) -> Response:
    """The page, with a form that came back where there is one."""
    rules, holidays, calendar, regularity, feed = await asyncio.gather(
        visit.caller.query("checkins", "ListCadence", cadence_pb2.ListCadence(), cadence_pb2.CadenceList),
        visit.caller.query("checkins", "ListHolidays", cadence_pb2.ListHolidays(), cadence_pb2.Holidays),
        or_none(
            visit.caller.query(
                "checkins",
                "GetCalendar",
                cadence_pb2.GetCalendar(person_id=visit.person),
                cadence_pb2.Calendar,
            )
        ),
        or_none(
            visit.caller.query("checkins", "ListDiscipline", check_ins_pb2.ListDiscipline(), check_ins_pb2.Discipline)
        ),
        or_none(visit.caller.query("checkins", "GetCalendarFeed", feeds_pb2.GetCalendarFeed(), feeds_pb2.CalendarFeed)),
    )
    language = visit.language
    who = await directory(visit, rules, regularity)
    leads = rules.may_set_company or bool(rules.settable_unit_ids or rules.settable_person_ids)
    people = None
    if rules.may_set_company:
        people = await people_to_choose(visit, filled["person"], without=visit.person)
    elif leads:
        people = await these_people(visit, rules.settable_person_ids)
    units = units_to_choose(who)
    if not rules.may_set_company:
        units = [one for one in units if one[0] in set(rules.settable_unit_ids)]
    calendar = calendar or cadence_pb2.Calendar()
    return visit.render(
        "checkin/rhythm.html",
        status,
        here="/rhythm",
        form=filled,
        rules=[_rule(visit, rule, who) for rule in rules.rules],
        may_set_company=rules.may_set_company,
        leads=leads,
        people=people,
        units=units,
        weekdays=[(name, choice_word(name, language)) for name in WEEKDAYS],
        holidays=[
            (
                one.name,
                _span(visit, day_of(one.first_on), day_of(one.last_on)),
                day_of(one.first_on).isoformat(),
            )
            for one in holidays.holidays
        ],
        slots=[_slot(visit, slot) for slot in calendar.slots],
        closing=language.day(date_of(calendar, "review_on")) if calendar.HasField("review_on") else "",
        absences=[
            (_span(visit, day_of(one.first_on), day_of(one.last_on)), day_of(one.first_on).isoformat())
            for one in calendar.absences
        ],
        today=visit.today.isoformat(),
        address_drawn=drawn(visit),
        feed_since=language.instant(to_datetime(feed.since), visit.zone) if feed and feed.HasField("since") else "",
        regularity=[_regularity(line, who) for line in regularity.lines] if regularity else [],
        any_undated=any(line.undated for line in regularity.lines) if regularity else False,
    )


def drawn(visit: Visit) -> str:
    """A secret address for a calendar: Nhip is told its digest alone."""
    assert visit.session is not None
    return f"nhipfeed_{visit.session.tenant}_{secrets.token_hex(32)}"


def drawn_by(visit: Visit, filled: Form) -> str:
    """The address that a form was sent with; another one, where what it brings is no address of this company."""
    address = ADDRESS.fullmatch(filled["address_drawn"])
    assert visit.session is not None
    return address[0] if address and address[1] == visit.session.tenant else drawn(visit)


def _regularity(line: check_ins_pb2.DisciplineLine, who: Directory) -> RegularityRow:
    here = line.in_time + line.late
    return RegularityRow(
        who.person(line.manager_id).name if line.manager_id else "–",
        line.due,
        line.in_time,
        line.late,
        line.undated,
        line.due - here - line.undated,
        f"{line.answered}/{line.to_answer}",
        line.answer_hours,
    )


def _rule(visit: Visit, rule: cadence_pb2.CadenceRule, who: Directory) -> RuleRow:
    language, _ = visit.language, visit.language.gettext
    whose = _("The company")
    if rule.unit_id:
        whose = who.unit(rule.unit_id).name
    elif rule.person_id:
        whose = who.person(rule.person_id).name
    until = date_of(rule, "until_on")
    return RuleRow(
        whose,
        rhythm_words(rule, language),
        language.day(day_of(rule.first_on)),
        language.day(until) if until else "",
        rule.to_come,
        rule.may_set,
        rule.unit_id,
        rule.person_id,
    )


def _slot(visit: Visit, slot: cadence_pb2.Slot) -> SlotRow:
    moved = date_of(slot, "moved_from")
    day = day_of(slot.due_on)
    return SlotRow(
        slot.number,
        visit.language.day(day),
        visit.language.short_day(moved) if moved else "",
        f"/checkin?day={quote(day.isoformat())}" if day_of(slot.opens_on) <= visit.today else "",
        check_in_mark(slot.state, visit.language),
    )


def _span(visit: Visit, first_on: date, last_on: date) -> str:
    first = visit.language.day(first_on)
    return first if first_on == last_on else f"{first} – {visit.language.day(last_on)}"
