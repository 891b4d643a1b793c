"""The review of one person's cycle: what came of it, why, and what is to become of each KPI (C-40 … C-43).

First the person writes, then their manager, who reads the person's words before; neither reads what the other has not
sent. Where the two differ they talk, and the manager closes it. No number comes out of it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import same
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import (
    CycleReviewsOpened,
    ManagerPartSaved,
    ManagerPartSent,
    ReviewClosed,
    ReviewOpened,
    SelfPartSaved,
    SelfPartSent,
)
from nhip.checkins.v1.reviews_pb2 import CloseReview, SaveManagerPart, SaveSelfPart, SendManagerPart, SendSelfPart
from nhip.checkins.v1.types_pb2 import Agreed, KpiVerdict, ReviewedKpi, ReviewPart
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.domain.reporting import direct_manager

MOODS = ("1", "2", "3", "4", "5")
QUESTIONS = ("why", "working", "next")
"""The three questions (C-41), as a part has them."""
OF_THE_PERSON, OF_THE_MANAGER = ("help", "mood", "feeling"), ("first_step", "first_step_due_at")
"""What only one of the two says."""


@dataclass(frozen=True, slots=True)
class Review:
    cycle_id: str
    person_id: str
    manager_id: str
    kpi_ids: tuple[str, ...]
    state: t.ReviewState.ValueType = t.REVIEW_STATE_SELF
    kpis: Sequence[ReviewedKpi] = ()
    self_draft: ReviewPart | None = None
    self_revision: int = 0
    self_part: ReviewPart | None = None
    """What was sent."""
    manager_draft: ReviewPart | None = None
    manager_revision: int = 0
    manager_part: ReviewPart | None = None
    action_id: str = ""
    verdicts: Sequence[KpiVerdict] = field(default=())


ReviewEvent = ReviewOpened | SelfPartSaved | SelfPartSent | ManagerPartSaved | ManagerPartSent | ReviewClosed


def evolve(review: Review | None, event: ReviewEvent) -> Review:
    match event:
        case ReviewOpened():
            kpi_ids = tuple(kpi.kpi_id for kpi in event.kpis)
            return Review(event.cycle_id, event.person_id, event.manager_id, kpi_ids, kpis=tuple(event.kpis))
        case SelfPartSaved():
            return replace(begun(review, event), self_draft=event.part, self_revision=event.revision)
        case SelfPartSent():
            review = begun(review, event)
            state = t.REVIEW_STATE_MANAGER if review.manager_id else t.REVIEW_STATE_CLOSING
            return replace(review, self_part=event.part, state=state, kpis=tuple(event.kpis))
        case ManagerPartSaved():
            return replace(begun(review, event), manager_draft=event.part, manager_revision=event.revision)
        case ManagerPartSent():
            review = begun(review, event)
            kpis = tuple(event.kpis) or review.kpis
            sent = replace(review, manager_part=event.part, action_id=event.action_id, kpis=kpis)
            return replace(sent, state=t.REVIEW_STATE_CLOSING)
        case ReviewClosed():
            return replace(begun(review, event), state=t.REVIEW_STATE_CLOSED, verdicts=tuple(event.verdicts))
        case _:
            refuse_unknown(event)


REVIEW = Aggregate[Review | None]("review", None, evolve)


def evolve_cycle(reviews: int | None, event: CycleReviewsOpened) -> int:
    """How many reviews a cycle has; None: they were not opened yet."""
    match event:
        case CycleReviewsOpened():
            return event.reviews
        case _:
            refuse_unknown(event)


CYCLE_REVIEWS = Aggregate[int | None]("cycle_reviews", None, evolve_cycle)


def review_id(cycle_id: str, person_id: str) -> str:
    return f"{cycle_id}.{person_id}"


# --- who ---


def reviewer(review: Review, org: OrgChart) -> str:
    """Who reviews with the person: their manager at the cycle's end; until it is closed, for one who left, who
    manages them now; empty: nobody."""
    manager = review.manager_id
    if not manager or review.state == t.REVIEW_STATE_CLOSED or org.is_active(manager):
        return manager
    return direct_manager(review.person_id, org)


def known(review: Review | None, person: str, org: OrgChart, person_id: str) -> Review:
    """The review, for the two who write it: to anybody else there is none."""
    if review is None or person not in {review.person_id, reviewer(review, org)}:
        raise unknown("review", person_id, "person_id")
    return review


def waits_for(review: Review, org: OrgChart) -> str:
    """Whose turn it is; empty: nobody's."""
    match review.state:
        case t.REVIEW_STATE_SELF:
            return review.person_id
        case t.REVIEW_STATE_MANAGER | t.REVIEW_STATE_CLOSING:
            return reviewer(review, org) or review.person_id
        case _:
            return ""


def manager_may_write(review: Review, org: OrgChart, opened_at: datetime, at: datetime) -> bool:
    """After the person; without them where they left, or did not write for long."""
    if review.state == t.REVIEW_STATE_SELF:
        days = org.settings.on(org.today(at)).own_review_days
        return not org.is_active(review.person_id) or opened_at + timedelta(days=days) <= at
    return review.state == t.REVIEW_STATE_MANAGER


# --- what is asked ---


def open_review(
    review: Review | None, cycle_id: str, person_id: str, manager_id: str, kpis: Sequence[ReviewedKpi]
) -> Decision:
    if review is not None:
        return []
    opened = ReviewOpened(cycle_id=cycle_id, person_id=person_id, manager_id=manager_id, kpis=kpis)
    return [StreamEvent(REVIEW(review_id(cycle_id, person_id)), opened)]


def cycle_opened(reviews: int | None, cycle_id: str, number: int) -> Decision:
    if reviews is not None:
        return []
    return [StreamEvent(CYCLE_REVIEWS(cycle_id), CycleReviewsOpened(cycle_id=cycle_id, reviews=number))]


def save_self(review: Review | None, command: SaveSelfPart, actor: Actor, org: OrgChart) -> Decision:
    review = _to_write_self(review, command, actor, org)
    part = _part(command.part, review, actor.id, OF_THE_MANAGER)
    saved = SelfPartSaved(
        cycle_id=review.cycle_id, person_id=review.person_id, part=part, revision=review.self_revision + 1
    )
    return [StreamEvent(_ref(review), saved)]


def send_self(
    review: Review | None, command: SendSelfPart, actor: Actor, org: OrgChart, kpis: Sequence[ReviewedKpi]
) -> Decision:
    """`kpis`: as they stand now, which is what it is made on."""
    review = _to_write_self(review, command, actor, org)
    part = _part(command.part, review, actor.id, OF_THE_MANAGER)
    _check_all_said(part, review)
    for question in QUESTIONS:
        if not getattr(part, question).plain.strip():
            told = "answer the three questions"
            raise Rejected("ANSWER_MISSING", told, kind=Kind.INVALID, field=f"part.{question}", rule="C-41")
    sent = SelfPartSent(
        cycle_id=review.cycle_id, person_id=review.person_id, manager_id=reviewer(review, org), part=part, kpis=kpis
    )
    return [StreamEvent(_ref(review), sent)]


def save_manager(
    review: Review | None, command: SaveManagerPart, actor: Actor, org: OrgChart, opened_at: datetime, at: datetime
) -> Decision:
    review = _to_write_manager(review, command, actor, org, opened_at, at)
    part = _part(command.part, review, actor.id, OF_THE_PERSON)
    saved = ManagerPartSaved(
        cycle_id=review.cycle_id,
        person_id=review.person_id,
        by_id=actor.id,
        part=part,
        revision=review.manager_revision + 1,
    )
    return [StreamEvent(_ref(review), saved)]


def send_manager(
    review: Review | None,
    command: SendManagerPart,
    actor: Actor,
    org: OrgChart,
    opened_at: datetime,
    at: datetime,
    kpis: Sequence[ReviewedKpi],
    action_id: str,
) -> Decision:
    """`kpis` as in `send_self`, for where the person sent no part; `action_id`: of the first step, if one is named."""
    review = _to_write_manager(review, command, actor, org, opened_at, at)
    part = _part(command.part, review, actor.id, OF_THE_PERSON)
    _check_all_said(part, review)
    sent = ManagerPartSent(
        cycle_id=review.cycle_id,
        person_id=review.person_id,
        manager_id=reviewer(review, org),
        part=part,
        by_id=actor.id,
        action_id=action_id if _says(part.first_step) else "",
        kpis=() if review.self_part else kpis,
    )
    return [StreamEvent(_ref(review), sent)]


def first_step(part: ReviewPart, person_id: str, manager_id: str) -> Agreed | None:
    """What a manager's part agrees as an action; None: it names no first step."""
    if not _says(part.first_step):
        return None
    if not part.HasField("first_step_due_at"):
        told = "say until when the first step is done"
        raise Rejected("DUE_MISSING", told, kind=Kind.INVALID, field="part.first_step_due_at", rule="C-33")
    return Agreed(what=part.first_step, doer_id=person_id, due_at=part.first_step_due_at, approver_id=manager_id)


def close(
    review: Review | None, command: CloseReview, actor: Actor, org: OrgChart, milestones: Collection[str] = ()
) -> Decision:
    """`milestones`: the KPIs that are done or not, of which no target can be adjusted by a number."""
    review = known(review, actor.id, org, command.person_id)
    by = reviewer(review, org)
    if actor.id != (by or review.person_id):
        raise _forbidden("the manager closes it, after the two have talked")
    if review.state == t.REVIEW_STATE_CLOSED:
        return []
    without_manager = not by and review.state == t.REVIEW_STATE_MANAGER  # they left, and nobody stands in
    if review.state != t.REVIEW_STATE_CLOSING and not without_manager:
        raise Rejected("PARTS_MISSING", "both have to send their part before it is closed", rule="C-42")
    given = _verdicts(command.verdicts, review, actor.id, "verdicts")
    agreed = {kpi: verdict for kpi, verdict in _of_both(review).items() if kpi not in differing(review)}
    decided = {**agreed, **{verdict.kpi_id: verdict for verdict in given if verdict.next_step}}
    if left := [kpi for kpi in review.kpi_ids if kpi not in decided]:
        told = "say what becomes of each KPI on which the two differ"
        raise Rejected("VERDICTS_MISSING", told, field="verdicts", rule="C-40", parameters={"number": str(len(left))})
    for kpi in review.kpi_ids:
        adjusted = decided[kpi].next_step == t.NEXT_STEP_ADJUST and kpi not in milestones
        if adjusted and not decided[kpi].HasField("target"):
            told = "say which target an adjusted KPI gets: without it nothing is handed on"
            raise Rejected("TARGET_NOT_SAID", told, field=f"verdicts.{kpi}.target", rule="C-40")
    closed = ReviewClosed(
        cycle_id=review.cycle_id,
        person_id=review.person_id,
        manager_id=by,
        verdicts=[decided[kpi] for kpi in review.kpi_ids],
        by_id=actor.id,
    )
    return [StreamEvent(_ref(review), closed)]


def differing(review: Review) -> list[str]:
    """The KPIs of which the two would have something else become: what they talk about."""
    if review.self_part is None or review.manager_part is None:
        return []
    own, other = _by_kpi(review.self_part), _by_kpi(review.manager_part)
    return [kpi for kpi in review.kpi_ids if kpi in own and kpi in other and not _agree(own[kpi], other[kpi])]


def _agree(one: KpiVerdict, other: KpiVerdict) -> bool:
    return one.next_step == other.next_step and same(one.target, other.target)


def _of_both(review: Review) -> Mapping[str, KpiVerdict]:
    """What was said of each KPI: by the manager, else by the person."""
    parts = [part for part in (review.self_part, review.manager_part) if part is not None]
    return {kpi: verdict for part in parts for kpi, verdict in _by_kpi(part).items()}


def _by_kpi(part: ReviewPart) -> dict[str, KpiVerdict]:
    return {verdict.kpi_id: verdict for verdict in part.verdicts if verdict.next_step}


# --- checks ---


def _to_write_self(review: Review | None, command: SaveSelfPart | SendSelfPart, actor: Actor, org: OrgChart) -> Review:
    review = known(review, actor.id, org, command.person_id)
    if actor.id != review.person_id:
        raise _forbidden("everybody writes their own part")
    if review.state != t.REVIEW_STATE_SELF:
        raise Rejected("PART_SENT", "this part was sent: it stays as it is", rule="C-42")
    _check_seen(command.seen_revision, review.self_revision)
    return review


def _to_write_manager(
    review: Review | None,
    command: SaveManagerPart | SendManagerPart,
    actor: Actor,
    org: OrgChart,
    opened_at: datetime,
    at: datetime,
) -> Review:
    review = known(review, actor.id, org, command.person_id)
    if actor.id != reviewer(review, org):
        raise _forbidden("the manager writes this part")
    if review.manager_part is not None or review.state == t.REVIEW_STATE_CLOSED:
        raise Rejected("PART_SENT", "this part was sent: it stays as it is", rule="C-42")
    if not manager_may_write(review, org, opened_at, at):
        raise Rejected("SELF_PART_MISSING", "who is reviewed writes first: read their words before yours", rule="C-42")
    _check_seen(command.seen_revision, review.manager_revision)
    return review


def _part(given: ReviewPart, review: Review, author: str, of_the_other: Sequence[str]) -> ReviewPart:
    """A part as it is recorded: its words are its author's."""
    for name in of_the_other:
        if given.HasField(name):  # type: ignore[arg-type] # names of the contract
            told = "this is for the other of the two to say"
            raise Rejected("NOT_IN_THIS_PART", told, kind=Kind.INVALID, field=f"part.{name}", rule="C-42")
    if given.HasField("mood") and given.mood.plain not in MOODS:
        told = "give a digit from 1 (drained) to 5 (energised)"
        raise Rejected("MOOD_INVALID", told, kind=Kind.INVALID, field="part.mood", rule="C-42")
    part = ReviewPart()
    part.CopyFrom(given)
    part.author_id = author
    del part.verdicts[:]
    part.verdicts.extend(_verdicts(given.verdicts, review, author, "part.verdicts"))
    return part


def _verdicts(given: Sequence[KpiVerdict], review: Review, author: str, at: str) -> list[KpiVerdict]:
    seen, verdicts = set[str](), list[KpiVerdict]()
    for index, verdict in enumerate(given):
        if verdict.kpi_id not in review.kpi_ids:
            raise unknown("kpi", verdict.kpi_id, f"{at}[{index}].kpi_id")
        if verdict.kpi_id in seen:
            raise Rejected("KPI_TWICE", "name each KPI once", kind=Kind.INVALID, field=f"{at}[{index}].kpi_id")
        if verdict.HasField("target") and verdict.next_step != t.NEXT_STEP_ADJUST:
            told = "only a KPI that is adjusted gets another target"
            raise Rejected("TARGET_NOT_ADJUSTED", told, kind=Kind.INVALID, field=f"{at}[{index}].target", rule="C-40")
        seen.add(verdict.kpi_id)
        said = KpiVerdict()
        said.CopyFrom(verdict)
        said.author_id = author
        verdicts.append(said)
    return verdicts


def _check_all_said(part: ReviewPart, review: Review) -> None:
    said = _by_kpi(part)
    if left := [kpi for kpi in review.kpi_ids if kpi not in said]:
        told = "say of each KPI whether it is kept, adjusted or stopped"
        raise Rejected(
            "VERDICTS_MISSING", told, field="part.verdicts", rule="C-40", parameters={"number": str(len(left))}
        )


def _says(words: PersonalText) -> bool:
    return bool(words.plain.strip())


def _check_seen(seen: int, revision: int) -> None:
    if seen != revision:
        told = "you wrote somewhere else meanwhile: look at it, and write again"
        raise Rejected("REVIEW_MOVED", told, kind=Kind.CONFLICT, field="seen_revision", rule="C-42")


def _forbidden(told: str) -> Rejected:
    return Rejected("NOT_YOUR_PART", told, kind=Kind.FORBIDDEN, rule="C-42")


def _ref(review: Review):
    return REVIEW(review_id(review.cycle_id, review.person_id))
