"""A check-in: what somebody tells their manager of one slot, and what is answered (C-05 to C-19).

A draft is its author's own. What was submitted is kept, also when it is submitted again; an answer names what it
answers, so that nobody answers what they did not read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from google.protobuf import json_format

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, Violation, unknown
from eventkit.values import from_date, required_date
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.check_ins_pb2 import AskAgain, CheckInDraft, EvaluateCheckIn, SaveCheckInDraft, SubmitCheckIn
from nhip.checkins.v1.checkins_pb2 import RecordProgress
from nhip.checkins.v1.events_pb2 import (
    CheckInAskedAgain,
    CheckInDrafted,
    CheckInEvaluated,
    CheckInSubmitted,
    ProgressRecorded,
)
from nhip.checkins.v1.types_pb2 import CheckedValue
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.domain.calendar import Slot
from services.checkins.domain.reporting import leading

OPEN_ANSWERS = 50
"""Most answers of one submission."""


@dataclass(frozen=True, slots=True)
class CheckIn:
    """What is there of a check-in; its messages are changed by nobody in place."""

    revision: int = 0
    """Of the draft; 0: nothing was typed yet."""
    draft: PersonalText | None = None
    submitted: CheckInSubmitted | None = None
    """The last submission."""
    answers: int = 0
    """To the last submission."""
    state: t.CheckInState.ValueType = t.CHECK_IN_STATE_NOT_STARTED

    @property
    def submission(self) -> int:
        return self.submitted.submission if self.submitted else 0


Event = CheckInDrafted | CheckInSubmitted | CheckInEvaluated | CheckInAskedAgain


def evolve(check_in: CheckIn, event: Event) -> CheckIn:
    match event:
        case CheckInDrafted():
            begins = check_in.state == t.CHECK_IN_STATE_NOT_STARTED
            state = t.CHECK_IN_STATE_DRAFT if begins else check_in.state
            return replace(check_in, revision=event.revision, draft=event.content, state=state)
        case CheckInSubmitted():
            submitted = t.CHECK_IN_STATE_SUBMITTED
            revision = check_in.revision + 1  # so that another window, which has the one before, is told
            return replace(check_in, revision=revision, draft=None, submitted=event, answers=0, state=submitted)
        case CheckInEvaluated():
            return replace(check_in, answers=check_in.answers + 1, state=t.CHECK_IN_STATE_EVALUATED)
        case CheckInAskedAgain():
            return replace(check_in, answers=check_in.answers + 1, state=t.CHECK_IN_STATE_ASKED_AGAIN)
        case _:
            refuse_unknown(event)


CHECK_IN = Aggregate("check_in", CheckIn(), evolve)


def id_of(person_id: str, due_on: date) -> str:
    return f"{person_id}.{due_on.isoformat()}"


def state_on(state: int, due_on: date, today: date, *, away: bool = False) -> t.CheckInState.ValueType:
    """Where a check-in stands on a day: one that was not submitted by the end of its own is overdue (C-19)."""
    if state in (t.CHECK_IN_STATE_NOT_STARTED, t.CHECK_IN_STATE_DRAFT):
        if away:
            return t.CHECK_IN_STATE_AWAY
        if due_on < today:
            return t.CHECK_IN_STATE_OVERDUE
    return t.CheckInState.ValueType(state)


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do with somebody's check-in."""

    own: bool = False
    read: bool = False
    """Mood, words and answers of what was submitted. A draft is its author's alone."""
    evaluate: bool = False


def rights(author: str, manager: str, person_id: str, org: OrgChart) -> Rights:
    """`manager`: to whom it was sent; of what was not sent yet the author's direct manager on the slot's day (1.13).
    Nobody else reads it: neither who is the manager now, nor who is above, nor who audits."""
    own = person_id == author
    leads = not own and leading(manager, author, org) == person_id
    return Rights(own=own, read=own or leads, evaluate=leads)


def save_draft(check_in: CheckIn, command: SaveCheckInDraft, person_id: str, slot: Slot | None) -> Decision:
    _check_open(check_in, slot)
    if command.revision != check_in.revision:
        raise _moved("revision", check_in.revision)
    due_on = required_date(command.due_on)
    drafted = CheckInDrafted(
        check_in_id=id_of(person_id, due_on),
        person_id=person_id,
        due_on=command.due_on,
        revision=check_in.revision + 1,
        content=PersonalText(plain=draft_text(command.draft)),
    )
    return [StreamEvent(CHECK_IN(drafted.check_in_id), drafted)]


def draft_text(draft: CheckInDraft) -> str:
    return json_format.MessageToJson(draft, indent=None, preserving_proto_field_name=True)


def draft_of(content: PersonalText) -> CheckInDraft | None:
    """None: its words do not open."""
    if content.WhichOneof("form") != "plain":
        return None
    return json_format.Parse(content.plain, CheckInDraft(), ignore_unknown_fields=True)


def submit(
    check_in: CheckIn,
    command: SubmitCheckIn,
    person_id: str,
    manager: str,
    slot: Slot | None,
    today: date,
    recorded: Sequence[Decision],
    topics: Mapping[str, Decision],
    *,
    imported: bool = False,
) -> Decision:
    """`recorded` is what is decided about each of its values, `topics` about each topic that is raised in it: all of it
    is recorded with it, or nothing. What is imported was made on the day that it says (A-07)."""
    _check_open(check_in, slot)
    if command.HasField("revision") and command.revision != check_in.revision:
        raise _moved("revision", check_in.revision)
    lists = {name: _said(getattr(command, name)) for name in ("done", "not_done", "planned", "blockers")}
    learnings = command.learnings if command.learnings.plain.strip() else None
    if not (
        command.values or command.mood or any(lists.values()) or learnings or command.topics or command.done_action_ids
    ):
        told = "say something: a value, your mood, what was done, a topic"
        raise Rejected("CHECK_IN_EMPTY", told, kind=Kind.INVALID, field="values", rule="C-08")
    due_on, made_on = required_date(command.due_on), _made_on(command, today, imported=imported)
    submitted = CheckInSubmitted(
        check_in_id=id_of(person_id, due_on),
        person_id=person_id,
        manager_id=manager,
        due_on=command.due_on,
        submission=check_in.submission + 1,
        late=made_on is not None and made_on > due_on,
        values=[
            _checked(value, [e.event for e in decision if isinstance(e.event, ProgressRecorded)], imported=imported)
            for value, decision in zip(command.values, recorded, strict=True)
        ],
        mood=PersonalText(plain=str(command.mood)) if command.mood else None,
        learnings=learnings,
        topic_ids=topics.keys(),
        wants_meeting=command.wants_meeting,
        brought_in=imported,
        made_on=from_date(made_on) if imported and made_on else None,
        **lists,
    )
    whole = [StreamEvent(CHECK_IN(submitted.check_in_id), submitted)]
    for decision in (*recorded, *topics.values()):
        whole += decision
    return whole


def _made_on(command: SubmitCheckIn, today: date, *, imported: bool) -> date | None:
    """The day on which it is made; None: it was made elsewhere, and nobody knows when."""
    if not imported:
        if command.HasField("made_on"):
            told = "leave it empty: it is made today; an import alone says when something was made elsewhere"
            raise Rejected("MADE_NOW", told, kind=Kind.INVALID, field="made_on", rule="A-07")
        return today
    if not command.HasField("made_on"):
        return None
    made_on = required_date(command.made_on)
    if made_on > today:
        told = "it cannot have been made on a day that is still to come"
        raise Rejected("MADE_AHEAD", told, kind=Kind.INVALID, field="made_on", rule="A-07")
    return made_on


def check_brought_in(check_in: CheckIn, command: SubmitCheckIn, today: date) -> None:
    """Raises `Rejected` for what is not to be brought in: what was sent here stays its author's, and what is still to
    be made they make themselves (C-19)."""
    due_on = required_date(command.due_on)
    if due_on >= today:
        told = "its day is not over: who it is of makes it themself"
        raise Rejected("CHECK_IN_AHEAD", told, kind=Kind.INVALID, field="due_on", rule="C-19")
    if check_in.submitted is not None:
        told = "there is one already: its author alone changes it"
        raise Rejected("CHECK_IN_THERE", told, kind=Kind.CONFLICT, field="due_on", rule="C-19")
    if check_in.draft is not None:
        told = "its author has begun one: they alone end it"
        raise Rejected("CHECK_IN_THERE", told, kind=Kind.CONFLICT, field="due_on", rule="C-19")
    here = {
        "topics": command.topics,
        "done_action_ids": command.done_action_ids,
        "wants_meeting": command.wants_meeting,
        "revision": command.HasField("revision"),
    }
    if field := next((name for name, said in here.items() if said), ""):
        told = "a check-in from elsewhere has no topics, no actions and no revision, and asks for no meeting"
        raise Rejected("NOT_BROUGHT_IN", told, kind=Kind.INVALID, field=field, rule="C-19")


def _checked(value: RecordProgress, recorded: Sequence[ProgressRecorded], *, imported: bool) -> CheckedValue:
    # Of an import the note stands with the value alone, under who it is about: here it would be the importer's words.
    note = value.note if value.note.plain.strip() and not imported else None
    if not recorded:  # it stands so for the day already
        return CheckedValue(
            kpi_id=value.kpi_id, before=value.value, value=value.value, confidence=value.confidence, note=note
        )
    before = recorded[0].before if recorded[0].HasField("before") else None
    return CheckedValue(
        kpi_id=value.kpi_id,
        before=before,
        value=recorded[0].after,
        confidence=recorded[0].confidence,
        note=note,
    )


def at_row(refused: Rejected, field: str) -> tuple[Violation, ...]:
    """What is wrong with one of several rows, with its place: `values[2].value` for `value`."""
    return tuple(
        Violation(f"{field}.{one.field.removeprefix('topic.')}", one.reason, one.message, one.parameters)
        for one in refused.violations
    ) or (Violation(field, refused.reason, refused.message, refused.parameters),)


def refuse_rows(first: Rejected | None, violations: Sequence[Violation]) -> None:
    """Raises `Rejected` where any row is refused: for the reason of the first, naming what is wrong with each."""
    if first is not None:
        refused = first
        raise Rejected(
            refused.reason,
            refused.message,
            kind=refused.kind,
            rule=refused.rule,
            violations=tuple(violations),
            parameters=refused.parameters,
        )


def evaluate(check_in: CheckIn, command: EvaluateCheckIn, by: str, may: Rights) -> Decision:
    """By who was the direct manager on its day (C-15). What is said again stands beside what was said before."""
    _check_answer(check_in, command, may)
    checked = {value.kpi_id for value in check_in.submitted.values} if check_in.submitted else set[str]()
    for index, remark in enumerate(command.remarks):
        if remark.kpi_id not in checked:
            raise unknown("kpi", remark.kpi_id, f"remarks[{index}].kpi_id")
    comment = command.comment if command.comment.plain.strip() else None
    if not comment and not command.remarks:
        told = "say something: a comment, or a remark beside a number"
        raise Rejected("ANSWER_EMPTY", told, kind=Kind.INVALID, field="comment", rule="C-15")
    due_on = required_date(command.due_on)
    evaluated = CheckInEvaluated(
        check_in_id=id_of(command.person_id, due_on),
        person_id=command.person_id,
        by_id=by,
        due_on=command.due_on,
        submission=command.submission,
        comment=comment,
        remarks=command.remarks,
    )
    return [StreamEvent(CHECK_IN(evaluated.check_in_id), evaluated)]


def ask_again(check_in: CheckIn, command: AskAgain, by: str, may: Rights) -> Decision:
    _check_answer(check_in, command, may)
    due_on = required_date(command.due_on)
    asked = CheckInAskedAgain(
        check_in_id=id_of(command.person_id, due_on),
        person_id=command.person_id,
        by_id=by,
        due_on=command.due_on,
        submission=command.submission,
        reason=command.reason,
    )
    return [StreamEvent(CHECK_IN(asked.check_in_id), asked)]


def _check_open(check_in: CheckIn, slot: Slot | None) -> None:
    if check_in.state == t.CHECK_IN_STATE_EVALUATED:
        told = "it was answered: what is new belongs into the next one, unless your manager asks for this one again"
        raise Rejected("CHECK_IN_EVALUATED", told, rule="C-19")
    if slot is None and check_in.state == t.CHECK_IN_STATE_NOT_STARTED:
        told = "no check-in is due on that day: see the calendar"
        raise Rejected("CHECK_IN_NOT_DUE", told, kind=Kind.INVALID, field="due_on", rule="C-03")


def check_begun(slot: Slot | None, today: date) -> None:
    """Raises `Rejected` CHECK_IN_NOT_OPEN for a slot whose days are still to come."""
    if slot and today < slot.opens_on:
        raise Rejected(
            "CHECK_IN_NOT_OPEN",
            f"it is made from {slot.opens_on} on",
            kind=Kind.INVALID,
            field="due_on",
            rule="C-03",
            parameters={"day": slot.opens_on.isoformat()},
        )


def _check_answer(check_in: CheckIn, command: EvaluateCheckIn | AskAgain, may: Rights) -> None:
    """Who may not read it is told that there is none."""
    if not may.read:
        raise unknown("check_in", id_of(command.person_id, required_date(command.due_on)), "person_id")
    if not may.evaluate:
        told = "nobody answers their own check-in"
        raise Rejected("OWN_CHECK_IN", told, kind=Kind.FORBIDDEN, rule="C-15")
    if check_in.submitted is None:
        raise Rejected("CHECK_IN_NOT_SUBMITTED", "it is not submitted yet", field="due_on", rule="C-15")
    if command.submission != check_in.submission:
        raise _moved("submission", check_in.submission)
    if check_in.answers >= OPEN_ANSWERS:
        told = f"at most {OPEN_ANSWERS} answers to one submission"
        raise Rejected("TOO_MANY_ANSWERS", told, rule="C-15", parameters={"most": str(OPEN_ANSWERS)})


def _moved(field: str, now: int) -> Rejected:
    return Rejected(
        "CHECK_IN_MOVED",
        "it was changed meanwhile: look at what stands there now",
        kind=Kind.CONFLICT,
        field=field,
        rule="C-19",
        parameters={"now": str(now)},
    )


def _said(words: Sequence[PersonalText]) -> list[PersonalText]:
    return [one for one in words if one.plain.strip()]


def mean_confidence(values: Sequence[CheckedValue]) -> Decimal | None:
    """To one place; None: there is no value."""
    said = [value.confidence for value in values if value.confidence]
    return (Decimal(sum(said)) / len(said)).quantize(Decimal("0.1")) if said else None
