"""One's own check-in: all KPIs in one form, mood, what was done and what is next, topics."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from nhip.checkins.v1 import check_ins_pb2, meetings_pb2, topics_pb2, types_pb2
from nhip.common.v1 import command_pb2
from nhip.goals.v1 import goals_pb2
from services.gateway.console.cards import Avatar, target_text
from services.gateway.console.choices import People, people_to_choose
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.directory import Directory, directory
from services.gateway.console.doubts import REASON, Question, question
from services.gateway.console.forms import Form, date_message, sent
from services.gateway.console.language import date_of, day_of, decimal_of
from services.gateway.console.moods import moods
from services.gateway.console.refusals import words
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.features.checkin import form as forms
from services.gateway.features.checkin.reading import shown

routes = Routes()
PAGE = 60
_LISTS = {"done": "done.0", "not_done": "", "planned": "planned.0", "blockers": "blocker.0"}
_FIELDS = {
    **_LISTS,
    "learnings": "learnings",
    "topics[0].title": "topic.title",
    "topics[0].problem": "topic.problem",
    "topics[0].cause": "topic.cause",
    "topics[0].wanted": "topic.wanted",
    "topics[0].kpi_id": "topic.kpi",
    "topics[0].participant_ids[0]": "topic.person",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One KPI in the form."""

    id: str
    name: str
    url: str
    about: str
    last: str
    last_typed: str
    last_raw: str
    last_day: str
    last_confidence: int
    target: str
    unit: str
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class Of:
    """What the form is about."""

    check_in: check_ins_pb2.CheckIn
    due_on: date
    cycle: goals_pb2.Cycle | None
    kpis: Sequence[goals_pb2.Kpi]
    topics: Sequence[topics_pb2.Topic]
    people: People
    who: Directory
    actions: Sequence[meetings_pb2.Action]
    """What is to be done by who checks in (C-33)."""

    def day(self, today: date) -> date:
        """The day that its values are for: of a slot that is over its last one within the cycle."""
        ends = day_of(self.cycle.ends_on) if self.cycle else today
        return min(today, ends)


@routes.page("/checkin")
async def check_in(visit: Visit) -> Response:
    """`GET /checkin`; `?day=` another slot of one's own, `?edit=1` once more what was sent."""
    reply = await _check_in(visit)
    if reply.without_rhythm:
        return visit.render("checkin/without.html", may_set=visit.may("checkins.SetCadence"))
    sent_already = reply.HasField("submitted") and reply.state != types_pb2.CHECK_IN_STATE_ASKED_AGAIN
    again = visit.request.query_params.get("edit") == "1" and reply.may_submit
    if not reply.may_submit or (sent_already and not again):
        return await shown(visit, reply)
    of = await _of(visit, reply)
    filled = forms.typed_of(reply)
    if not reply.HasField("draft") and reply.HasField("submitted"):
        filled = _once_more(reply, filled, visit)
    return _show(visit, of, filled)


@routes.form("/checkin")
async def submit(visit: Visit) -> Response:
    """`POST /checkin`: all of it is recorded, or what is wrong is said where it is."""
    filled = await sent(visit.request)
    of = await _of(visit, await _check_in(visit, filled["due"]))
    asked = forms.submitted(filled, of.kpis, of.due_on, of.day(visit.today), visit.language)
    if asked.errors:
        return _show(visit, of, replace(filled, errors=asked.errors), status=422)
    try:
        accepted, position = await visit.caller.ask(
            "checkins", "SubmitCheckIn", asked.command, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        return _refused(visit, of, filled, asked, failure)
    manager = of.who.person(of.check_in.manager_id).name if of.check_in.manager_id else ""
    _ = visit.language.gettext
    said = _("Checked in. %(name)s will read it.") % {"name": manager} if manager else _("Checked in.")
    return visit.done(f"/checkin?day={of.due_on.isoformat()}", accepted, position, said)


@routes.form("/checkin/draft", page="/checkin")
async def keep(visit: Visit) -> Response:
    """`POST /checkin/draft`: what is typed so far is kept; answers the draft's revision, as JSON."""
    filled = await sent(visit.request)
    reply = await _check_in(visit, filled["due"])
    of = await _kpis(visit, _due(reply))
    revision = filled["revision"]
    command = check_ins_pb2.SaveCheckInDraft(
        due_on=reply.due_on,
        draft=forms.draft_of(filled, of[1]),
        revision=int(revision) if revision.isascii() and revision.isdigit() else 0,
    )
    try:
        await visit.caller.ask("checkins", "SaveCheckInDraft", command, command_pb2.Accepted, key=filled.key)
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        return JSONResponse({"said": visit.explain(failure)}, failure.http, {"Cache-Control": "no-store"})
    at = visit.console.clock().astimezone(visit.zone)
    kept = {"revision": command.revision + 1, "at": f"{at:%H:%M}"}
    return JSONResponse(kept, headers={"Cache-Control": "no-store"})


async def _check_in(visit: Visit, day: str = "") -> check_ins_pb2.CheckIn:
    day = day or visit.request.query_params.get("day", "")
    try:
        due_on = date_message(date.fromisoformat(day)) if day else None
    except ValueError:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no such page") from None
    asked = check_ins_pb2.GetCheckIn(due_on=due_on)
    return await visit.caller.query("checkins", "GetCheckIn", asked, check_ins_pb2.CheckIn)


def _due(reply: check_ins_pb2.CheckIn) -> date:
    return day_of(reply.due_on)


async def _kpis(visit: Visit, due_on: date) -> tuple[goals_pb2.Cycle | None, Sequence[goals_pb2.Kpi]]:
    """What the viewer records in the slot's cycle and those around it; no computed one."""
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    cycle = choose_cycle(cycles.cycles, "", due_on)
    if cycle is None:
        return None, ()
    asked = goals_pb2.ListKpis(cycle_id=cycle.cycle_id, recorder_id=visit.person, enclosing=True, page_size=PAGE)
    found = await visit.caller.query("goals", "ListKpis", asked, goals_pb2.Kpis)
    return cycle, [kpi for kpi in found.kpis if not kpi.HasField("computation")]


async def _of(visit: Visit, reply: check_ins_pb2.CheckIn) -> Of:
    due_on = _due(reply)
    mine = topics_pb2.ListTopics(author_id=visit.person, page_size=5)
    (cycle, kpis), topics, people, actions = await asyncio.gather(
        _kpis(visit, due_on),
        or_none(visit.caller.query("checkins", "ListTopics", mine, topics_pb2.TopicList)),
        people_to_choose(visit, without=visit.person),
        or_none(visit.caller.query("checkins", "ListActions", meetings_pb2.ListActions(), meetings_pb2.ActionList)),
    )
    who = await directory(visit, topics, ids=[reply.manager_id])
    open_actions = [one for one in actions.actions if one.may_report] if actions else []
    return Of(reply, due_on, cycle, kpis, topics.topics if topics else (), people, who, open_actions)


def _once_more(reply: check_ins_pb2.CheckIn, filled: Form, visit: Visit) -> Form:
    """The form of what was sent, to be sent once more."""
    sent_last, language = reply.submitted, visit.language
    values = dict(filled.values)
    for one in sent_last.values:
        values[f"value.{one.kpi_id}"] = language.number(decimal_of(one, "value"))
        values[f"confidence.{one.kpi_id}"] = str(one.confidence)
        values[f"note.{one.kpi_id}"] = one.note.plain
        values[f"confirmed.{one.kpi_id}"] = "1"
    values["mood"] = sent_last.mood.plain
    done = [one.plain for one in sent_last.done]
    for number in range(len(reply.carried)):
        if values.get(f"carried.{number}", "") in done:
            done.remove(values[f"carried.{number}"])
            values[f"did.{number}"] = "1"
    planned = [one.plain for one in sent_last.planned]
    blockers = [one.plain for one in sent_last.blockers]
    for name, items in (("done", done), ("planned", planned), ("blocker", blockers)):
        values |= {f"{name}.{number}": text for number, text in enumerate(items)}
    values["learnings"] = sent_last.learnings.plain
    values["wants_meeting"] = "1" if sent_last.wants_meeting else ""
    return Form(values)


def _refused(visit: Visit, of: Of, filled: Form, asked: forms.Asked, failure: Failure) -> Response:
    """The form again, with each row's own refusal beside it."""
    fields, questions = dict(_FIELDS), dict[str, Question]()
    targets = {kpi.kpi_id: decimal_of(kpi.measure, "target") for kpi in of.kpis}
    errors: dict[str, str] = {}
    for index, id in enumerate(forms.done_actions(filled)):
        fields |= {f"done_action_ids[{index}]{of}": f"action.{id}" for of in ("", ".action_id")}
    for index, id in enumerate(asked.ids):
        fields |= {f"values[{index}].{name}": f"value.{id}" for name in ("value", "kpi_id", "occurred_on")}
        fields[f"values[{index}].note"] = f"note.{id}"
        fields[f"values[{index}].confidence"] = f"confidence.{id}"
    for one in failure.violations:
        place = fields.get(one.field, "")
        if one.reason == REASON and place:
            id = place.removeprefix("value.")
            questions[id] = question(one.parameters, targets.get(id), visit.language)
        elif place:
            errors[place] = words(one.reason, one.parameters, visit.language) or one.message
    if errors or questions:
        return _show(visit, of, replace(filled, errors=errors), questions, status=failure.http)
    return _show(visit, of, filled.refused(failure, visit.language), status=failure.http)


def _show(
    visit: Visit, of: Of, filled: Form, questions: Mapping[str, Question] | None = None, status: int = 200
) -> Response:
    language, reply = visit.language, of.check_in
    rows = [_row(visit, kpi, (questions or {}).get(kpi.kpi_id)) for kpi in of.kpis]
    drafted = reply.drafted_at.ToDatetime(UTC).astimezone(visit.zone) if reply.HasField("drafted_at") else None
    asks = [one for one in reply.answers if one.asks_again and one.submission == reply.submitted.number]
    before = date_of(reply, "previous_due_on")
    return visit.render(
        "checkin/own.html",
        status,
        here=f"/checkin?day={of.due_on.isoformat()}",
        check_in=reply,
        day=language.short_day(of.due_on),
        due=of.due_on.isoformat(),
        overdue=reply.state == types_pb2.CHECK_IN_STATE_OVERDUE,
        cycle=of.cycle.name if of.cycle else "",
        manager=of.who.person(reply.manager_id) if reply.manager_id else None,
        rows=rows,
        form=filled,
        filled=sum(bool(filled.text(f"value.{row.id}")) for row in rows),
        carried=[
            (number, filled[f"carried.{number}"]) for number in range(forms.LINES * 2) if filled[f"carried.{number}"]
        ],
        lists={name: _places(filled, name) for name in forms.LISTS},
        moods=moods(language),
        topics=[topic_card(visit, topic, of.who) for topic in of.topics],
        people=of.people.choices,
        kpis=[(kpi.kpi_id, kpi.name) for kpi in of.kpis],
        actions=[_action(visit, one) for one in of.actions],
        drafted=f"{drafted:%H:%M}" if drafted and reply.HasField("draft") else "",
        asks=language.words(asks[-1].comment) if asks else "",
        asked_by=of.who.person(asks[-1].by_id).name if asks else "",
        before=f"/checkin?day={before.isoformat()}" if before else "",
        value_day=of.day(visit.today).isoformat(),
        cycle_id=of.cycle.cycle_id if of.cycle else "",
    )


def _action(visit: Visit, action: meetings_pb2.Action) -> tuple[str, str, str, bool]:
    """Its id, what is to be done, until when, and whether that is over."""
    agreed = action.agreed
    due = agreed.due_at.ToDatetime(UTC).astimezone(visit.zone) if agreed.HasField("due_at") else None
    until = visit.language.lately(due, visit.zone, visit.today) if due else ""
    return action.action_id, visit.language.words(agreed.what), until, action.overdue


def _places(filled: Form, name: str) -> list[tuple[int, str]]:
    """What stands in a list, and three places more."""
    typed = forms.lines(filled, name)
    return list(enumerate([*typed, *[""] * min(3, forms.LINES - len(typed))]))


def _row(visit: Visit, kpi: goals_pb2.Kpi, asked: Question | None) -> Row:
    language, _ = visit.language, visit.language.gettext
    standing, measure = kpi.standing, kpi.measure
    current, on = decimal_of(standing, "current"), date_of(standing, "occurred_on")
    others = [language.words(o.name) or o.person_id for o in kpi.owners if o.person_id != visit.person]
    return Row(
        id=kpi.kpi_id,
        name=kpi.name,
        url=f"/kpi/{quote(kpi.kpi_id, safe='')}",
        about=_("with %(people)s") % {"people": ", ".join(others)} if others else "",
        last="" if current is None else language.amount(current, measure.unit),
        last_typed="" if current is None else language.number(current),
        last_raw=forms.last_raw(kpi),
        last_day=language.short_day(on) if on else "",
        last_confidence=standing.confidence,
        target=target_text(measure, standing.aim, language.short),
        unit=measure.unit,
        question=asked,
    )


@dataclass(frozen=True, slots=True)
class TopicCard:
    title: str
    problem: str
    url: str
    people: tuple[Avatar, ...]
    state: str


def topic_card(visit: Visit, topic: topics_pb2.Topic, who: Directory) -> TopicCard:
    _ = visit.language.gettext
    waits = who.person(topic.waits_for_id).name if topic.waits_for_id else ""
    state = _("waits for %(name)s") % {"name": waits} if waits else _("answered")
    return TopicCard(
        visit.language.words(topic.title),
        visit.language.words(topic.problem) if topic.HasField("problem") else "",
        f"/topics/{quote(topic.topic_id, safe='')}",
        tuple(who.person(id) for id in (topic.author_id, *topic.participant_ids)),
        state,
    )
