"""Reviews: where each stands and what was written, what was decided about KPIs, and which cycles have theirs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from google.protobuf.message import Message

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, WrittenWhole, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed, to_decimal
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
from nhip.checkins.v1.types_pb2 import KpiVerdict
from services.checkins.domain.review import CYCLE_REVIEWS, REVIEW
from services.checkins.views import VERSION


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """Parts are messages of the contract as bytes, their words sealed; empty: there is none."""

    tenant: str
    cycle_id: str
    person_id: str
    manager_id: str
    state: int
    opened_at: datetime
    kpis: bytes
    """ReviewOpened with the KPIs as the review is made on them."""
    made_on: int
    """The position in the log up to which values count …"""
    made_at: datetime
    """… and when that was."""
    self_draft: bytes
    self_revision: int
    self_part: bytes
    self_sent_at: datetime | None
    manager_draft: bytes
    manager_revision: int
    manager_part: bytes
    manager_sent_at: datetime | None
    action_id: str
    closed: bytes
    """ReviewClosed."""
    closed_at: datetime | None


class ReviewView(View[ReviewRow]):
    name, source, categories, key = "review", "checkins", (REVIEW.category,), ("tenant", "cycle_id", "person_id")
    version = VERSION
    indexes = ("tenant, person_id", "tenant, manager_id")
    row = ReviewRow
    folds = (ReviewOpened, SelfPartSaved, SelfPartSent, ManagerPartSaved, ManagerPartSent, ReviewClosed)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return (_key(event),)

    def fold(self, rows: Rows[ReviewRow], event: Recorded) -> None:
        if isinstance(e := event.message, ReviewOpened):
            rows.put(_opened(event, e))
            return
        row = rows[_key(event)]
        match e:
            case SelfPartSaved():
                rows.put(replace(row, self_draft=packed(e.part), self_revision=e.revision))
            case SelfPartSent():
                state = t.REVIEW_STATE_MANAGER if row.manager_id else t.REVIEW_STATE_CLOSING
                sent = replace(row, self_part=packed(e.part), self_sent_at=event.recorded_at, state=state)
                rows.put(_made(sent, event, e))
            case ManagerPartSaved():
                rows.put(replace(row, manager_draft=packed(e.part), manager_revision=e.revision))
            case ManagerPartSent():
                sent = replace(row, manager_part=packed(e.part), manager_sent_at=event.recorded_at)
                sent = replace(sent, state=t.REVIEW_STATE_CLOSING, action_id=e.action_id)
                rows.put(sent if row.self_part else _made(sent, event, e))
            case ReviewClosed():
                closed = replace(row, state=t.REVIEW_STATE_CLOSED, closed=packed(e), closed_at=event.recorded_at)
                rows.put(closed)
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[ReviewRow]:
        review = REVIEW.fold(messages(events))
        if review is None or not isinstance(opened := events[0].message, ReviewOpened):
            return

        def when(*types: type[Message]) -> Recorded | None:
            return next((event for event in events if isinstance(event.message, types)), None)

        self_sent, manager_sent, closed = when(SelfPartSent), when(ManagerPartSent), when(ReviewClosed)
        made = when(SelfPartSent, ManagerPartSent) or events[0]
        yield ReviewRow(
            tenant=events[0].tenant,
            cycle_id=review.cycle_id,
            person_id=review.person_id,
            manager_id=review.manager_id,
            state=review.state,
            opened_at=events[0].recorded_at,
            kpis=packed(ReviewOpened(cycle_id=opened.cycle_id, person_id=opened.person_id, kpis=review.kpis)),
            made_on=made.position,
            made_at=made.recorded_at,
            self_draft=packed(review.self_draft) if review.self_draft else b"",
            self_revision=review.self_revision,
            self_part=packed(review.self_part) if review.self_part else b"",
            self_sent_at=self_sent.recorded_at if self_sent else None,
            manager_draft=packed(review.manager_draft) if review.manager_draft else b"",
            manager_revision=review.manager_revision,
            manager_part=packed(review.manager_part) if review.manager_part else b"",
            manager_sent_at=manager_sent.recorded_at if manager_sent else None,
            action_id=review.action_id,
            closed=packed(closed.message) if closed and closed.message else b"",
            closed_at=closed.recorded_at if closed else None,
        )


REVIEWS = ReviewView().table


def _key(event: Recorded) -> tuple[str, str, str]:
    e = event.message
    return event.tenant, e.cycle_id, e.person_id  # type: ignore[union-attr] # every event of a review names both


def _opened(event: Recorded, e: ReviewOpened) -> ReviewRow:
    return ReviewRow(
        tenant=event.tenant,
        cycle_id=e.cycle_id,
        person_id=e.person_id,
        manager_id=e.manager_id,
        state=t.REVIEW_STATE_SELF,
        opened_at=event.recorded_at,
        kpis=packed(ReviewOpened(cycle_id=e.cycle_id, person_id=e.person_id, kpis=e.kpis)),
        made_on=event.position,
        made_at=event.recorded_at,
        self_draft=b"",
        self_revision=0,
        self_part=b"",
        self_sent_at=None,
        manager_draft=b"",
        manager_revision=0,
        manager_part=b"",
        manager_sent_at=None,
        action_id="",
        closed=b"",
        closed_at=None,
    )


def _made(row: ReviewRow, event: Recorded, e: SelfPartSent | ManagerPartSent) -> ReviewRow:
    kpis = packed(ReviewOpened(cycle_id=e.cycle_id, person_id=e.person_id, kpis=e.kpis))
    return replace(row, kpis=kpis, made_on=event.position, made_at=event.recorded_at)


# --- what was decided about a KPI ---


@dataclass(frozen=True, slots=True)
class VerdictRow:
    tenant: str
    cycle_id: str
    kpi_id: str
    person_id: str
    next_step: int
    target: Decimal | None
    at: datetime


class VerdictView(View[VerdictRow]):
    name, source, categories = "kpi_verdict", "checkins", (REVIEW.category,)
    key = ("tenant", "cycle_id", "kpi_id", "person_id")
    version = VERSION
    row = VerdictRow
    folds = (ReviewClosed,)
    passes_over = (ReviewOpened, SelfPartSaved, SelfPartSent, ManagerPartSaved, ManagerPartSent)

    def fold(self, rows: Rows[VerdictRow], event: Recorded) -> None:
        if not isinstance(e := event.message, ReviewClosed):
            raise UnknownEvent(event.message)
        for verdict in e.verdicts:
            rows.put(_verdict(event, e.cycle_id, e.person_id, verdict))

    def expected(self, events: Sequence[Recorded]) -> Iterable[VerdictRow]:
        review = REVIEW.fold(messages(events))
        closed = next((event for event in events if isinstance(event.message, ReviewClosed)), None)
        if review is not None and closed is not None:
            for verdict in review.verdicts:
                yield _verdict(closed, review.cycle_id, review.person_id, verdict)


VERDICTS = VerdictView().table


def _verdict(event: Recorded, cycle_id: str, person_id: str, verdict: KpiVerdict) -> VerdictRow:
    return VerdictRow(
        event.tenant,
        cycle_id,
        verdict.kpi_id,
        person_id,
        verdict.next_step,
        to_decimal(verdict.target),
        event.recorded_at,
    )


# --- which cycles have their reviews ---


@dataclass(frozen=True, slots=True)
class CycleReviewsRow:
    tenant: str
    cycle_id: str
    reviews: int


class CycleReviewsView(WrittenWhole[CycleReviewsRow, CycleReviewsOpened]):
    name, source, categories = "cycle_reviews", "checkins", (CYCLE_REVIEWS.category,)
    key = ("tenant", "cycle_id")
    version = VERSION
    row = CycleReviewsRow
    folds = (CycleReviewsOpened,)

    def written(self, event: Recorded, e: CycleReviewsOpened) -> CycleReviewsRow:
        return CycleReviewsRow(event.tenant, e.cycle_id, e.reviews)

    def expected(self, events: Sequence[Recorded]) -> Iterable[CycleReviewsRow]:
        reviews = CYCLE_REVIEWS.fold(messages(events))
        if reviews is not None:
            yield CycleReviewsRow(events[0].tenant, events[0].stream.id, reviews)


CYCLES_REVIEWED = CycleReviewsView().table
