"""Topics: what waits for an answer, and one topic with all that was said to it."""

import asyncio
from dataclasses import dataclass
from datetime import UTC
from urllib.parse import quote

from starlette.responses import Response

from eventkit.errors import Violation
from nhip.checkins.v1 import topics_pb2, types_pb2
from nhip.common.v1 import words_pb2
from nhip.goals.v1 import goals_pb2
from services.gateway.console.cards import StateMark
from services.gateway.console.choices import people_to_choose, units_to_choose
from services.gateway.console.deeds import carry_out
from services.gateway.console.directory import Directory, directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.language import Language
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.checkin.form import topic_of

routes = Routes()
_FIELDS = {
    "person_id": "person",
    "unit_id": "unit",
    "note": "note",
    "answer": "answer",
    "reason": "reason",
    "topic.title": "title",
    "topic.problem": "problem",
    "topic.cause": "cause",
    "topic.wanted": "wanted",
    "topic.kpi_id": "kpi",
    "topic.participant_ids[0]": "person",
}


@dataclass(frozen=True, slots=True)
class TopicRow:
    title: str
    url: str
    author: str
    mark: StateMark
    waits_for: str
    since: str


@routes.page("/topics")
async def listing(visit: Visit) -> Response:
    """`GET /topics`: those that wait for the viewer, and the others that they may read."""
    query = visit.request.query_params
    everything = topics_pb2.ListTopics(closed_too=query.get("closed") == "1", page_token=query.get("after", ""))
    waiting, others = await asyncio.gather(
        visit.caller.query("checkins", "ListTopics", topics_pb2.ListTopics(waiting_for_me=True), topics_pb2.TopicList),
        visit.caller.query("checkins", "ListTopics", everything, topics_pb2.TopicList),
    )
    who = await directory(visit, waiting, others)
    mine = {topic.topic_id for topic in waiting.topics}
    return visit.render(
        "checkin/topics.html",
        waiting=[_row(visit, topic, who) for topic in waiting.topics],
        others=[_row(visit, topic, who) for topic in others.topics if topic.topic_id not in mine],
        closed=everything.closed_too,
        more=f"/topics?closed={int(everything.closed_too)}&after={quote(others.next_page_token)}"
        if others.next_page_token
        else "",
    )


def _row(visit: Visit, topic: topics_pb2.Topic, who: Directory) -> TopicRow:
    return TopicRow(
        visit.language.words(topic.title),
        f"/topics/{quote(topic.topic_id, safe='')}",
        who.person(topic.author_id).name,
        topic_mark(topic.state, visit.language),
        who.person(topic.waits_for_id).name if topic.waits_for_id else "",
        visit.language.lately(topic.since.ToDatetime(UTC), visit.zone, visit.today),
    )


@routes.page("/topics/new")
async def new(visit: Visit) -> Response:
    """`GET /topics/new`."""
    return await _new(visit, Form())


@routes.form("/topics/new")
async def raise_it(visit: Visit) -> Response:
    """`POST /topics/new`."""
    filled = await sent(visit.request)
    if not filled.text("title"):
        return await _new(visit, filled.wrong([Violation("title", "MISSING")], visit.language), 422)
    return await carry_out(
        visit,
        filled,
        "checkins",
        "RaiseTopic",
        topics_pb2.RaiseTopic(topic=topic_of(filled)),
        visit.language.gettext("The topic is raised. It stays open until it is answered."),
        to=lambda id: f"/topics/{quote(id, safe='')}",
        again=lambda filled, status: _new(visit, filled, status),
        fields=_FIELDS,
    )


async def _new(visit: Visit, filled: Form, status: int = 200) -> Response:
    people = await people_to_choose(visit, filled["person"], without=visit.person)
    return visit.render("checkin/topic_new.html", status, form=filled, people=people)


@dataclass(frozen=True, slots=True)
class Step:
    said: str
    words: str
    at: str


@routes.page("/topics/{topic}")
async def topic(visit: Visit) -> Response:
    """`GET /topics/<id>`."""
    return await _show(visit, Form())


@routes.form("/topics/{topic}")
async def act(visit: Visit) -> Response:
    """`POST /topics/<id>`: an answer, to whom it is forwarded, that it is closed, or open once more."""
    filled, id = await sent(visit.request), visit.request.path_params["topic"]
    _, did = visit.language.gettext, filled["do"]
    match did:
        case "forward":
            method, said = "ForwardTopic", _("Forwarded. Its author sees it.")
            command = topics_pb2.ForwardTopic(
                topic_id=id, person_id=filled["person"], unit_id=filled["unit"], note=_words(filled, "note")
            )
        case "close":
            method, command, said = "CloseTopic", topics_pb2.CloseTopic(topic_id=id), _("The topic is closed.")
        case "reopen":
            method, said = "ReopenTopic", _("The topic is open again.")
            command = topics_pb2.ReopenTopic(topic_id=id, reason=_words(filled, "reason"))
        case _:
            method, said = "AnswerTopic", _("Answered. Its author will be told.")
            command = topics_pb2.AnswerTopic(topic_id=id, answer=_words(filled, "answer"))
    wanted = {"reopen": "reason", "answer": "answer"}.get(did, "")
    if wanted and not filled.text(wanted):
        return await _show(visit, filled.wrong([Violation(wanted, "MISSING")], visit.language), 422)

    return await carry_out(
        visit,
        filled,
        "checkins",
        method,
        command,
        said,
        to=lambda _: f"/topics/{quote(id, safe='')}",
        again=lambda filled, status: _show(visit, filled, status),
        fields=_FIELDS,
    )


def _words(filled: Form, name: str) -> words_pb2.PersonalText | None:
    return words_pb2.PersonalText(plain=filled.text(name)) if filled.text(name) else None


async def _show(visit: Visit, filled: Form, status: int = 200) -> Response:
    asked = topics_pb2.GetTopic(topic_id=visit.request.path_params["topic"])
    reply = await visit.caller.query("checkins", "GetTopic", asked, topics_pb2.Topic)
    language, _ = visit.language, visit.language.gettext
    who = await directory(visit, reply)
    people = await people_to_choose(visit, filled["person"], without=reply.author_id) if reply.may_forward else None
    kpi = (
        await or_none(visit.caller.query("goals", "GetKpi", goals_pb2.GetKpi(kpi_id=reply.kpi_id), goals_pb2.KpiPage))
        if reply.kpi_id
        else None
    )
    return visit.render(
        "checkin/topic.html",
        status,
        here=f"/topics/{quote(reply.topic_id, safe='')}",
        topic=reply,
        title=language.words(reply.title),
        parts=[
            (name, language.words(text))
            for name, text in (
                (_("Problem"), reply.problem),
                (_("Cause"), reply.cause),
                (_("What I hope for"), reply.wanted),
            )
            if text.WhichOneof("form")
        ],
        author=who.person(reply.author_id),
        others=[who.person(id) for id in reply.participant_ids],
        waits_for=who.person(reply.waits_for_id) if reply.waits_for_id else None,
        mark=topic_mark(reply.state, language),
        kpi=kpi.kpi.name if kpi else "",
        raised=language.lately(reply.raised_at.ToDatetime(UTC), visit.zone, visit.today),
        steps=[_step(visit, step, who) for step in reply.steps],
        form=filled,
        people=people,
        units=units_to_choose(who),
    )


def _step(visit: Visit, step: topics_pb2.TopicStep, who: Directory) -> Step:
    _, language = visit.language.gettext, visit.language
    names = {"name": who.person(step.by_id).name, "to": who.person(step.to_id).name if step.to_id else ""}
    match step.kind:
        case types_pb2.TOPIC_STEP_KIND_FORWARDED:
            said = _("%(name)s forwarded it to %(to)s")
            if step.unit_id:
                said = _("%(name)s forwarded it to %(unit)s, where %(to)s answers")
                names["unit"] = who.unit(step.unit_id).name
        case types_pb2.TOPIC_STEP_KIND_ANSWERED:
            said = _("%(name)s answered")
        case types_pb2.TOPIC_STEP_KIND_CLOSED:
            said = _("%(name)s closed it")
        case _:
            said = _("%(name)s opened it again")
    at = language.lately(step.at.ToDatetime(UTC), visit.zone, visit.today)
    return Step(said % names, language.words(step.words) if step.HasField("words") else "", at)


def topic_mark(state: int, language: Language) -> StateMark:
    _ = language.gettext
    return {
        types_pb2.TOPIC_STATE_OPEN: StateMark("behind", "message-circle", _("Open")),
        types_pb2.TOPIC_STATE_FORWARDED: StateMark("behind", "arrow-forward-up", _("Forwarded")),
        types_pb2.TOPIC_STATE_ANSWERED: StateMark("ontrack", "circle-check", _("Answered")),
    }.get(types_pb2.TopicState.ValueType(state), StateMark("new", "archive", _("Closed")))
