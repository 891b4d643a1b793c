"""A check-in as it is read: one's own, or by who was the direct manager of its day, who answers it here."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from urllib.parse import quote

from starlette.responses import Response

from eventkit.errors import Violation
from nhip.checkins.v1 import check_ins_pb2, topics_pb2, types_pb2
from nhip.common.v1 import words_pb2
from nhip.goals.v1 import goals_pb2
from services.gateway.console import kpis
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.deeds import carry_out
from services.gateway.console.directory import Directory, directory
from services.gateway.console.forms import Form, date_message, sent
from services.gateway.console.language import Language, date_of, day_of, decimal_of
from services.gateway.console.moods import mood_of
from services.gateway.console.routes import Routes
from services.gateway.console.states import check_in_mark
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure

routes = Routes()
MOST = 20
"""Topics of one check-in that are shown."""


@dataclass(frozen=True, slots=True)
class ValueRow:
    id: str
    name: str
    url: str
    value: str
    before: str
    target: str
    moved: str
    """By how much, with its sign; empty: not at all, or it is the first."""
    confidence: int
    note: str
    remarks: tuple[tuple[str, str], ...]
    """Who said it, and what."""


@dataclass(frozen=True, slots=True)
class AnswerRow:
    by: str
    at: str
    asks_again: bool
    comment: str
    older: bool
    """It answers an earlier submission."""


@routes.page("/checkin/{person}/{day}")
async def read(visit: Visit) -> Response:
    """`GET /checkin/<person>/<day>`."""
    return await shown(visit, await _check_in(visit))


@routes.form("/checkin/{person}/{day}")
async def answer(visit: Visit) -> Response:
    """`POST /checkin/<person>/<day>`: the manager's answer, or that it is asked for again."""
    filled = await sent(visit.request)
    person, day = visit.request.path_params["person"], _day(visit)
    number, due_on = filled["submission"], date_message(day)
    submission = int(number) if number.isascii() and number.isdigit() else 0
    comment = words_pb2.PersonalText(plain=filled.text("comment")) if filled.text("comment") else None
    _ = visit.language.gettext
    command: check_ins_pb2.EvaluateCheckIn | check_ins_pb2.AskAgain
    if filled["do"] == "again":
        if comment is None:
            wrong = filled.wrong([Violation("comment", "MISSING")], visit.language)
            return await shown(visit, await _check_in(visit), wrong, 422)
        command = check_ins_pb2.AskAgain(person_id=person, due_on=due_on, submission=submission, reason=comment)
        method, said = "AskAgain", _("They will be asked to check in again, with your words.")
    else:
        command = check_ins_pb2.EvaluateCheckIn(
            person_id=person, due_on=due_on, submission=submission, comment=comment, remarks=_remarks(filled)
        )
        method, said = "EvaluateCheckIn", _("Answered. They will be told.")

    async def again(filled: Form, status: int) -> Response:
        return await shown(visit, await _check_in(visit), filled, status)

    return await carry_out(
        visit,
        filled,
        "checkins",
        method,
        command,
        said,
        to=lambda _: f"/checkin/{quote(person, safe='')}/{day.isoformat()}",
        again=again,
        fields={"comment": "comment", "reason": "comment", "submission": ""},
    )


def _remarks(filled: Form) -> list[types_pb2.KpiRemark]:
    return [
        types_pb2.KpiRemark(kpi_id=name.removeprefix("remark."), words=words_pb2.PersonalText(plain=text))
        for name in filled.values
        if name.startswith("remark.") and (text := filled.text(name))
    ]


def _day(visit: Visit) -> date:
    try:
        return date.fromisoformat(visit.request.path_params["day"])
    except ValueError:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no such page") from None


async def _check_in(visit: Visit) -> check_ins_pb2.CheckIn:
    person, day = visit.request.path_params["person"], date_message(_day(visit))
    asked = check_ins_pb2.GetCheckIn(person_id=person, due_on=day)
    return await visit.caller.query("checkins", "GetCheckIn", asked, check_ins_pb2.CheckIn)


async def shown(visit: Visit, reply: check_ins_pb2.CheckIn, filled: Form | None = None, status: int = 200) -> Response:
    """A check-in to read; for who may answer it with the form for that."""
    language, due_on = visit.language, day_of(reply.due_on)
    own = reply.person_id == visit.person
    cycles = await or_none(visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles))
    cycle = choose_cycle(cycles.cycles, "", due_on) if cycles else None
    known, topics = await asyncio.gather(
        or_none(kpis.listed(visit, cycle.cycle_id, recorder_id=reply.person_id, enclosing=True))
        if cycle
        else _nothing(),
        _topics(visit, reply),
    )
    who = await directory(visit, reply, *topics, ids=[reply.person_id, reply.manager_id])
    said = reply.submitted
    mood = mood_of(said.mood.plain, language) if said.HasField("mood") else None
    before, after = date_of(reply, "previous_due_on"), date_of(reply, "next_due_on")
    base = "/checkin?day=" if own else f"/checkin/{quote(reply.person_id, safe='')}/"
    return visit.render(
        "checkin/reading.html",
        status,
        here=f"{base}{due_on.isoformat()}",
        own=own,
        check_in=reply,
        who=who.person(reply.person_id),
        manager=who.person(reply.manager_id) if reply.manager_id else None,
        day=language.short_day(due_on),
        due=due_on.isoformat(),
        mark=check_in_mark(reply.state, language),
        sent_at=language.lately(said.at.ToDatetime(UTC), visit.zone, visit.today) if said.HasField("at") else "",
        late=said.late,
        brought_in=said.brought_in,
        mood=mood,
        values=_values(visit, reply, known or (), who),
        lists=[
            (title, icon, [language.words(text) for text in texts])
            for title, icon, texts in (
                (language.gettext("What was done"), "checks", said.done),
                (language.gettext("Not done yet"), "hourglass", said.not_done),
                (language.gettext("Next"), "arrow-big-right-lines", said.planned),
                (language.gettext("In the way"), "barrier-block", said.blockers),
            )
            if texts
        ],
        learnings=language.words(said.learnings) if said.HasField("learnings") else "",
        topics=[
            (
                language.words(topic.title),
                f"/topics/{quote(topic.topic_id, safe='')}",
                who.person(topic.waits_for_id).name if topic.waits_for_id else "",
                topic.may_answer,
            )
            for topic in topics
        ],
        answers=[
            AnswerRow(
                who.person(one.by_id).name,
                language.lately(one.at.ToDatetime(UTC), visit.zone, visit.today),
                one.asks_again,
                language.words(one.comment) if one.HasField("comment") else "",
                one.submission != said.number,
            )
            for one in reply.answers
        ],
        prompts=prompts(language),
        form=filled or Form({"submission": str(said.number)}),
        before=f"{base}{before.isoformat()}" if before else "",
        after=f"{base}{after.isoformat()}" if after and (own or after <= visit.today) else "",
        next_day=language.short_day(after) if after else "",
    )


def prompts(language: Language) -> tuple[str, ...]:
    """Open questions instead of orders, beside where the manager writes (C-16)."""
    _ = language.gettext
    return (
        _("What do you think moves this number the most?"),
        _("What have you tried, and what did you see?"),
        _("What would you try next, if nothing held you back?"),
        _("Whom or what do you need for it?"),
    )


async def _nothing() -> None:
    return None


async def _topics(visit: Visit, reply: check_ins_pb2.CheckIn) -> Sequence[topics_pb2.Topic]:
    ids = list(reply.submitted.topic_ids)[:MOST]
    asked = [
        or_none(visit.caller.query("checkins", "GetTopic", topics_pb2.GetTopic(topic_id=id), topics_pb2.Topic))
        for id in ids
    ]
    return [topic for topic in await asyncio.gather(*asked) if topic is not None]


def _values(
    visit: Visit, reply: check_ins_pb2.CheckIn, known: Sequence[goals_pb2.Kpi], who: Directory
) -> list[ValueRow]:
    language = visit.language
    named = {kpi.kpi_id: kpi for kpi in known}
    remarks: dict[str, list[tuple[str, str]]] = {}
    for answer in reply.answers:
        for one in answer.remarks if answer.submission == reply.submitted.number else ():
            remarks.setdefault(one.kpi_id, []).append((who.person(answer.by_id).name, language.words(one.words)))
    rows: list[ValueRow] = []
    for one in reply.submitted.values:
        kpi = named.get(one.kpi_id)
        unit = kpi.measure.unit if kpi else ""
        value, before = decimal_of(one, "value"), decimal_of(one, "before")
        moved = None if value is None or before is None else value - before
        rows.append(
            ValueRow(
                one.kpi_id,
                kpi.name if kpi else one.kpi_id,
                f"/kpi/{quote(one.kpi_id, safe='')}",
                language.amount(value, unit),
                "" if before is None else language.amount(before, unit),
                language.amount(decimal_of(kpi.measure, "target"), unit) if kpi else "",
                language.signed(moved) if moved else "",
                one.confidence,
                language.words(one.note) if one.HasField("note") else "",
                tuple(remarks.get(one.kpi_id, ())),
            )
        )
    return rows
