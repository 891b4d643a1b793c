"""Meetings and actions as they are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from google.protobuf.timestamp_pb2 import Timestamp
from starlette.responses import Response

from nhip.checkins.v1 import meetings_pb2, topics_pb2, types_pb2
from services.gateway.console.cards import Avatar
from services.gateway.console.directory import Directory
from services.gateway.console.events import choice_words
from services.gateway.console.forms import Form
from services.gateway.console.language import unreadable
from services.gateway.console.notices import check_in_url, meeting_url, review_url, topic_url
from services.gateway.console.visit import Visit
from services.gateway.features.meetings.bank import questions

OPEN, CONFIRMED, CANCELLED = (
    types_pb2.MEETING_STATE_OPEN,
    types_pb2.MEETING_STATE_CONFIRMED,
    types_pb2.MEETING_STATE_CANCELLED,
)
PARTS = {
    "problem": types_pb2.NOTE_PART_PROBLEM,
    "tried": types_pb2.NOTE_PART_TRIED,
    "new": types_pb2.NOTE_PART_NEW,
    "summary": types_pb2.NOTE_PART_SUMMARY,
    "feedback": types_pb2.NOTE_PART_FEEDBACK,
    "recognition": types_pb2.NOTE_PART_RECOGNITION,
    "question": types_pb2.NOTE_PART_QUESTION,
}
"""By what a form calls them."""


class Forms:
    """The forms of a page: as they are first shown, but for the one that was sent. Where that one is not drawn any
    more, as nothing can be done there by now, `render` says at the top why it was refused."""

    def __init__(self, name: str = "", form: Form | None = None):
        self.sent, self.form, self._drawn = name, form or Form(), False

    def __getitem__(self, name: str) -> Form:
        if name != self.sent:
            return Form()
        self._drawn = True
        return self.form

    def render(self, visit: Visit, template: str, status: int, *, here: str, **context: Any) -> Response:
        """A page with these forms: what is wrong is said beside the form, or, without it, at the top."""
        response = visit.render(template, status, here=here, forms=self, refused="", **context)
        if self._drawn or not self.form.errors:
            return response
        refused = " ".join(dict.fromkeys(self.form.errors.values()))
        return visit.render(template, status, here=here, forms=self, refused=refused, **context)


@dataclass(frozen=True, slots=True)
class HeadRow:
    """A meeting in a list, and above its page."""

    id: str
    url: str
    title: str
    people: Sequence[Avatar]
    host: Avatar
    called_by: Avatar
    when: str
    day: str
    about: str
    state: int
    state_word: str
    reason: str
    review_url: str
    check_in_url: str


@dataclass(frozen=True, slots=True)
class ActionRow:
    id: str
    what: str
    doer: Avatar | None
    approver: Avatar | None
    due: str
    due_field: str
    """As a field for day and time has it."""
    doer_id: str
    approver_id: str
    state: str
    """Of `mark`: how it is coloured."""
    word: str
    icon: str
    said: str
    said_by: Avatar | None
    meeting_url: str
    overdue: bool
    complete: bool
    revision: int
    may_change: bool
    may_report: bool
    may_decide: bool
    may_drop: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A note, to be written or only to be read."""

    part: str
    question: str
    revision: int
    text: str
    hidden: bool
    """There are words that are not shown."""
    by: Avatar | None
    key: str

    @property
    def name(self) -> str:
        """Of its form."""
        return f"note-{self.part}-{self.question}" if self.question else f"note-{self.part}"


@dataclass(frozen=True, slots=True)
class WayCard:
    id: str
    revision: int
    name: str
    plus: str
    minus: str
    needs: str
    chosen: bool
    mine: bool
    """It may be changed: it was written in the circle that the reader writes in."""


@dataclass(frozen=True, slots=True)
class TopicRow:
    id: str
    url: str
    title: str
    problem: str
    about: str
    state: int
    discussed: bool
    may_answer: bool
    may_close: bool


@dataclass(frozen=True, slots=True)
class Minutes:
    """What was said, part by part, as it reads."""

    lines: Sequence[tuple[str, str]]
    earlier: Sequence[Note]
    """What was said before others came, for who was there."""


def head_row(head: meetings_pb2.MeetingHead, who: Directory, visit: Visit) -> HeadRow:
    language, _ = visit.language, visit.language.gettext
    people = [who.person(id) for id in head.participant_ids]
    names = _(" and ").join(one.name for one in people) if len(people) == 2 else ", ".join(one.name for one in people)
    text = _("1:1 of %(names)s") if len(people) == 2 else _("Meeting of %(names)s")
    starts, ends = (at.ToDatetime(UTC).astimezone(visit.zone) for at in (head.span.starts_at, head.span.ends_at))
    return HeadRow(
        id=head.meeting_id,
        url=meeting_url(head.meeting_id),
        title=text % {"names": names},
        people=people,
        host=who.person(head.host_id),
        called_by=who.person(head.called_by_id),
        when=f"{language.whole_day(starts.date())}, {starts:%H:%M}–{ends:%H:%M}",
        day=language.short_day(starts.date()),
        about=language.words(head.about),
        state=head.state,
        state_word=choice_words(language).get(types_pb2.MeetingState.Name(head.state), ""),
        reason=language.words(head.reason),
        review_url=review_url(head.cycle_id, head.reviewed_id) if head.cycle_id else "",
        check_in_url=check_in_url(head.check_in_id) if head.check_in_id else "",
    )


_MARKS: Mapping[int, tuple[str, str]] = {
    types_pb2.ACTION_STATE_OPEN: ("new", "circle-dashed"),
    types_pb2.ACTION_STATE_REPORTED: ("behind", "hourglass"),
    types_pb2.ACTION_STATE_SENT_BACK: ("behind", "arrow-back-up"),
    types_pb2.ACTION_STATE_DONE: ("ontrack", "circle-check"),
    types_pb2.ACTION_STATE_DROPPED: ("stale", "x"),
}


def action_row(action: meetings_pb2.Action, who: Directory, visit: Visit) -> ActionRow:
    language, _ = visit.language, visit.language.gettext
    agreed = action.agreed
    mark, icon = _MARKS.get(action.state, _MARKS[types_pb2.ACTION_STATE_OPEN])
    word = choice_words(language).get(types_pb2.ActionState.Name(action.state), "")
    if action.overdue:
        mark, icon, word = "risk", "clock", _("overdue")
    due = agreed.due_at.ToDatetime(UTC).astimezone(visit.zone) if agreed.HasField("due_at") else None
    return ActionRow(
        id=action.action_id,
        what=language.words(agreed.what),
        doer=who.person(agreed.doer_id) if agreed.doer_id else None,
        approver=who.person(agreed.approver_id) if agreed.approver_id else None,
        due=moment(due, visit) if due else "",
        due_field=f"{due:%Y-%m-%dT%H:%M}" if due else "",
        doer_id=agreed.doer_id,
        approver_id=agreed.approver_id,
        state=mark,
        word=word,
        icon=icon,
        said=language.words(action.said) if action.HasField("said") else "",
        said_by=who.person(action.said_by_id) if action.said_by_id else None,
        meeting_url=meeting_url(action.meeting_id) if action.meeting_id else "",
        overdue=action.overdue,
        complete=bool(agreed.doer_id) and due is not None,
        revision=action.revision,
        may_change=action.may_change,
        may_report=action.may_report,
        may_decide=action.may_decide,
        may_drop=action.may_drop,
    )


def moment(at: datetime, visit: Visit) -> str:
    """ "17:00, today", "09:00, tomorrow", "17:00, Thursday, 27/03/2025"."""
    _ = visit.language.gettext
    days = (at.date() - visit.today).days
    if days in (0, 1):
        day = _("today") if days == 0 else _("tomorrow")
    else:
        day = visit.language.whole_day(at.date())
    return f"{at:%H:%M}, {day}"


def notes(meeting: meetings_pb2.Meeting, who: Directory, visit: Visit) -> dict[str, Note]:
    """By name, those of the circle that the reader writes in, also where nothing was written yet."""
    found: dict[str, Note] = {}
    wanted = [(part, "") for part in PARTS if part != "question"]
    wanted += [("question", one.key) for one in questions(visit.language)]
    written = {(one.part, one.question): one for one in meeting.notes if one.circle == meeting.circle}
    for part, question in wanted:
        note = written.get((PARTS[part], question), meetings_pb2.Note())
        one = _note(part, question, note, who, visit)
        found[one.name] = one
    return found


def _note(part: str, question: str, note: meetings_pb2.Note, who: Directory, visit: Visit) -> Note:
    return Note(
        part=part,
        question=question,
        revision=note.revision,
        text=visit.language.words(note.text) if note.HasField("text") else "",
        hidden=unreadable(note.text) if note.HasField("text") else False,
        by=who.person(note.by_id) if note.by_id else None,
        key=str(uuid4()),
    )


def way_cards(meeting: meetings_pb2.Meeting, visit: Visit) -> list[WayCard]:
    words = visit.language.words
    return [
        WayCard(
            id=one.way_id,
            revision=one.revision,
            name=words(one.way.name),
            plus=words(one.way.plus),
            minus=words(one.way.minus),
            needs=words(one.way.needs),
            chosen=one.chosen,
            mine=meeting.may_write and one.circle == meeting.circle,
        )
        for one in meeting.ways
    ]


def topic_rows(meeting: meetings_pb2.Meeting, who: Directory, visit: Visit) -> list[TopicRow]:
    return [_topic(one, meeting, who, visit) for one in meeting.topics]


def _topic(topic: topics_pb2.Topic, meeting: meetings_pb2.Meeting, who: Directory, visit: Visit) -> TopicRow:
    language, _ = visit.language, visit.language.gettext
    raised = topic.raised_at.ToDatetime(UTC).astimezone(visit.zone).date()
    said = {"name": who.person(topic.author_id).name, "day": language.short_day(raised)}
    return TopicRow(
        id=topic.topic_id,
        url=topic_url(topic.topic_id),
        title=language.words(topic.title),
        problem=language.words(topic.problem),
        about=_("%(name)s raised it on %(day)s") % said,
        state=topic.state,
        discussed=topic.topic_id in meeting.topic_ids,
        may_answer=topic.may_answer,
        may_close=topic.may_close,
    )


def minutes(
    meeting: meetings_pb2.Meeting,
    written: Mapping[str, Note],
    ways: Sequence[WayCard],
    actions: Sequence[ActionRow],
    who: Directory,
    visit: Visit,
) -> Minutes:
    """They write themselves from what was said."""
    _, language = visit.language.gettext, visit.language
    talked = [language.words(one.title) for one in meeting.topics if one.topic_id in meeting.topic_ids]
    chosen = [way.name for way in ways if way.chosen]
    told = [_told(one) for one in actions]
    answers = [
        f"{one.text} {note.text}" for one in questions(language) if (note := written[f"note-question-{one.key}"]).text
    ]
    kpi = ""
    if meeting.kpi_question_answered:
        kpi = _("A KPI is to be adjusted.") if meeting.adjust_kpi else _("No KPI is changed.")
    lines = (
        (_("Problem"), _joined(*talked, written["note-problem"].text)),
        (_("Tried"), written["note-tried"].text),
        (_("Way"), _joined(*chosen)),
        (_("Actions"), "; ".join(told)),
        (_("Something new"), written["note-new"].text),
        (_("Said"), " · ".join(answers)),
        (_("Feedback"), written["note-feedback"].text),
        (_("Recognition"), written["note-recognition"].text),
        (_("Agreed"), _joined(written["note-summary"].text, kpi)),
    )
    names = {part: name for name, part in PARTS.items()}
    earlier = [
        _note(names.get(one.part, "summary"), one.question, one, who, visit)
        for one in meeting.notes
        if one.circle != meeting.circle and one.HasField("text")
    ]
    return Minutes([(name, text) for name, text in lines if text], earlier)


def _told(action: ActionRow) -> str:
    facts = ", ".join(filter(None, (action.doer.name if action.doer else "", action.due)))
    return f"{action.what} ({facts})" if facts else action.what


def _joined(*texts: str) -> str:
    return " ".join(text if text.endswith((".", "!", "?", "…")) else f"{text}." for text in texts if text)


def timestamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def span_of(starts: datetime, minutes: int) -> types_pb2.Span:
    return types_pb2.Span(
        starts_at=timestamp(starts.astimezone(UTC)),
        ends_at=timestamp((starts + timedelta(minutes=minutes)).astimezone(UTC)),
    )


def typed_moment(form: Form, name: str, visit: Visit) -> datetime | None:
    """A day and a time as a field for both has them, in the company's zone; None: nothing, or none."""
    try:
        return datetime.fromisoformat(form.text(name)).replace(tzinfo=visit.zone)
    except ValueError:
        return None


def here(meeting_id: str, at: str = "") -> str:
    return f"/meetings/{quote(meeting_id, safe='')}" + (f"#{at}" if at else "")
