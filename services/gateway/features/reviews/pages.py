"""Looking back at a cycle: who has a review, and the page of one, which both write on (C-40 … C-44)."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import uuid4

from google.protobuf.timestamp_pb2 import Timestamp
from starlette.responses import Response

from eventkit.errors import Violation
from nhip.checkins.v1 import reviews_pb2, types_pb2
from nhip.common.v1 import command_pb2
from nhip.goals.v1 import goals_pb2
from services.gateway.console.cards import Avatar
from services.gateway.console.directory import directory
from services.gateway.console.events import choice_words
from services.gateway.console.forms import Form, decimal_message, sent
from services.gateway.console.keeping import by_script, kept
from services.gateway.console.language import day_of
from services.gateway.console.notices import review_url
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.features.reviews.facts import facts
from services.gateway.features.reviews.shown import (
    QUESTIONS,
    STEPS,
    KpiRow,
    as_form,
    beads,
    kpi_rows,
    kpis_of,
    part_shown,
    words_of,
)

routes = Routes()
LISTED = 50
REVIEW = "/reviews/{cycle}/{person}"
SELF, MANAGER, CLOSING, CLOSED = (
    types_pb2.REVIEW_STATE_SELF,
    types_pb2.REVIEW_STATE_MANAGER,
    types_pb2.REVIEW_STATE_CLOSING,
    types_pb2.REVIEW_STATE_CLOSED,
)
OWN_TEXTS, MANAGER_TEXTS = (*QUESTIONS, "development", "help", "feeling"), (*QUESTIONS, "development", "first_step")


@dataclass(frozen=True, slots=True)
class ReviewRow:
    url: str
    person: Avatar
    manager: Avatar | None
    own: bool
    cycle: str
    state: int
    word: str
    waits: bool


@routes.page("/reviews")
async def reviews(visit: Visit) -> Response:
    """`GET /reviews`; `?page=` for what did not fit."""
    asked = reviews_pb2.ListReviews(page_size=LISTED, page_token=visit.request.query_params.get("page", ""))
    listed, cycles = await asyncio.gather(
        visit.caller.query("checkins", "ListReviews", asked, reviews_pb2.ReviewList),
        or_none(visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)),
    )
    who = await directory(visit, listed)
    names = {one.cycle_id: one.name for one in cycles.cycles} if cycles else {}
    words = choice_words(visit.language)
    rows = [
        ReviewRow(
            url=review_url(one.cycle_id, one.person_id),
            person=who.person(one.person_id),
            manager=who.person(one.manager_id) if one.manager_id else None,
            own=one.person_id == visit.person,
            cycle=names.get(one.cycle_id, one.cycle_id),
            state=one.state,
            word=words.get(types_pb2.ReviewState.Name(one.state), ""),
            waits=one.waits_for_me,
        )
        for one in listed.reviews
    ]
    return visit.render(
        "reviews/reviews.html",
        own=[row for row in rows if row.own],
        team=[row for row in rows if not row.own],
        more=listed.next_page_token,
    )


@routes.page(REVIEW)
async def one_review(visit: Visit) -> Response:
    """`GET /reviews/<cycle>/<person>`."""
    return await _show(visit)


async def _show(visit: Visit, form: Form | None = None, status: int = 200) -> Response:
    cycle_id, person_id = _ids(visit)
    asked = reviews_pb2.GetReview(cycle_id=cycle_id, person_id=person_id)
    review = await visit.caller.query("checkins", "GetReview", asked, reviews_pb2.Review)
    kpis, who, cycles = await asyncio.gather(
        kpis_of(visit, review),
        directory(visit, ids=[person_id, review.head.manager_id]),
        or_none(visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)),
    )
    rows = kpi_rows(review, kpis, visit)
    name, confidence = await beads(visit, rows)
    own = person_id == visit.person
    self_part, manager_part = part_shown(review, "self", visit), part_shown(review, "manager", visit)
    writes = review.may_write_self or review.may_write_manager
    first = (
        as_form(self_part, rows, review.self_revision, own=True)
        if own
        else as_form(manager_part, rows, review.manager_revision, own=False)
    )
    cycle = next((one for one in cycles.cycles if one.cycle_id == cycle_id), None) if cycles else None
    days = ""
    if cycle is not None:
        days = f"{visit.language.day(day_of(cycle.starts_on))} – {visit.language.day(day_of(cycle.ends_on))}"
    told = await facts(visit, person_id, cycle) if cycle is not None else []
    meeting = f"cycle={quote(cycle_id, safe='')}&reviewed={quote(person_id, safe='')}"
    with_whom = person_id if not own else review.head.manager_id
    return visit.render(
        "reviews/review.html",
        status,
        here=review_url(cycle_id, person_id),
        review=review,
        state=review.head.state,
        word=choice_words(visit.language).get(types_pb2.ReviewState.Name(review.head.state), ""),
        person=who.person(person_id),
        manager=who.person(review.head.manager_id) if review.head.manager_id else None,
        own=own,
        cycle=cycle.name if cycle else cycle_id,
        days=days,
        rows=rows,
        self_part=self_part,
        manager_part=manager_part,
        writes=writes,
        form=form or first,
        revision=review.self_revision if own else review.manager_revision,
        counted=_counted(rows, visit),
        bead_name=name,
        beads=confidence,
        facts=told,
        moods=_moods(visit),
        differing=sum(row.differs for row in rows),
        lacking=sum(row.to_settle and not row.differs for row in rows),
        call=f"/meetings/new?with={quote(with_whom, safe='')}&{meeting}" if with_whom else "",
        kept=visit.language.gettext("What you write is kept as you go on."),
    )


def _moods(visit: Visit) -> list[tuple[str, str]]:
    _ = visit.language.gettext
    return [("1", _("drained")), ("2", _("tired")), ("3", _("all right")), ("4", _("good")), ("5", _("energised"))]


def _counted(rows: list[KpiRow], visit: Visit) -> str:
    """ "2 KPIs met, 4 below": what came of it, without a score."""
    met = sum(row.status.key in ("meets", "exceed") for row in rows)
    below = sum(row.status.key in ("below", "unacceptable") for row in rows)
    ngettext = visit.language.ngettext
    told = [ngettext("%(n)s KPI met", "%(n)s KPIs met", met) % {"n": met}] if met else []
    told += [ngettext("%(n)s below its target", "%(n)s below their targets", below) % {"n": below}] if below else []
    return ", ".join(told)


# --- what is sent ---


@routes.form(f"{REVIEW}/part", page=REVIEW)
async def write(visit: Visit) -> Response:
    """`POST /reviews/<cycle>/<person>/part`: the part of who looks is kept, or, with `do=send`, sent to the other. The
    script sends it as somebody writes, and is answered in JSON."""
    filled = await sent(visit.request)
    cycle_id, person_id = _ids(visit)
    own, sending = person_id == visit.person, filled["do"] == "send" and not by_script(visit)
    key = str(uuid4()) if by_script(visit) else filled.key  # what is typed next is another thing
    part, wrong = _part(filled, visit, own=own)
    if wrong:
        if by_script(visit):
            told = filled.wrong(wrong, visit.language)
            return kept(visit, _seen(filled), refused=" ".join(dict.fromkeys(told.errors.values())))
        return await _show(visit, filled.wrong(wrong, visit.language), 422)
    kind = {
        (True, False): reviews_pb2.SaveSelfPart,
        (True, True): reviews_pb2.SendSelfPart,
        (False, False): reviews_pb2.SaveManagerPart,
        (False, True): reviews_pb2.SendManagerPart,
    }[own, sending]
    command = kind(cycle_id=cycle_id, person_id=person_id, part=part, seen_revision=_seen(filled))
    try:
        accepted, position = await visit.caller.ask(
            "checkins", kind.DESCRIPTOR.name, command, command_pb2.Accepted, key=key
        )
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        if by_script(visit):
            return kept(visit, _seen(filled), refused=visit.explain(failure))
        return await _show(visit, filled.refused(failure, visit.language, _fields(filled)), failure.http)
    if by_script(visit):
        return kept(visit, _seen(filled) + 1, position=accepted.position or position)
    _ = visit.language.gettext
    said = _("It is kept; nobody else reads it until you send it.")
    if sending:
        said = _("Your part was sent to your manager.") if own else _("Your part was sent.")
    return visit.done(review_url(cycle_id, person_id), accepted, position, said)


@routes.form(f"{REVIEW}/close", page=REVIEW)
async def close(visit: Visit) -> Response:
    filled, wrong = await sent(visit.request), list[Violation]()
    cycle_id, person_id = _ids(visit)
    verdicts = _verdicts(filled, visit, wrong)
    if wrong:
        return await _show(visit, filled.wrong(wrong, visit.language), 422)
    command = reviews_pb2.CloseReview(cycle_id=cycle_id, person_id=person_id, verdicts=verdicts)
    try:
        accepted, position = await visit.caller.ask(
            "checkins", "CloseReview", command, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        return await _show(visit, filled.refused(failure, visit.language, _verdict_fields(filled)), failure.http)
    said = visit.language.gettext("The review is closed. What it decided is suggested where the next cycle is set up.")
    return visit.done(review_url(cycle_id, person_id), accepted, position, said)


def _part(filled: Form, visit: Visit, *, own: bool) -> tuple[types_pb2.ReviewPart, list[Violation]]:
    wrong = list[Violation]()
    part = types_pb2.ReviewPart(verdicts=_verdicts(filled, visit, wrong))
    for field in OWN_TEXTS if own else MANAGER_TEXTS:
        if text := filled.text(field):
            getattr(part, field).CopyFrom(words_of(text))
    if own and filled["mood"]:
        part.mood.CopyFrom(words_of(filled["mood"]))
    if not own and filled.text("first_step_due"):
        try:
            due = datetime.fromisoformat(filled.text("first_step_due")).replace(tzinfo=visit.zone)
        except ValueError:
            wrong.append(Violation("first_step_due", "NOT_A_DAY"))
        else:
            stamp = Timestamp()
            stamp.FromDatetime(due.astimezone(UTC))
            part.first_step_due_at.CopyFrom(stamp)
    return part, wrong


def _verdicts(filled: Form, visit: Visit, wrong: list[Violation]) -> list[types_pb2.KpiVerdict]:
    found: list[types_pb2.KpiVerdict] = []
    for name, value in filled.values.items():
        if not name.startswith("step.") or value not in STEPS:
            continue
        id = name.removeprefix("step.")
        verdict = types_pb2.KpiVerdict(kpi_id=id, next_step=STEPS[value])
        if value == "adjust":
            target = filled.number(f"target.{id}", wrong, visit.language)
            if target is not None:
                verdict.target.CopyFrom(decimal_message(target))
        if why := filled.text(f"why.{id}"):
            verdict.why.CopyFrom(words_of(why))
        found.append(verdict)
    return found


def _fields(filled: Form) -> dict[str, str]:
    """The form's field for a request's path."""
    texts = {f"part.{field}": field for field in (*OWN_TEXTS, *MANAGER_TEXTS, "mood")}
    return texts | {"part.first_step_due_at": "first_step_due"}


def _verdict_fields(filled: Form) -> dict[str, str]:
    ids = [name.removeprefix("step.") for name in filled.values if name.startswith("step.")]
    return {"verdicts": "", **{f"verdicts.{id}.target": f"target.{id}" for id in ids}}


def _seen(filled: Form) -> int:
    typed = filled["revision"]
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 0


def _ids(visit: Visit) -> tuple[str, str]:
    return str(visit.request.path_params["cycle"]), str(visit.request.path_params["person"])
