"""The form of a check-in: what was typed, as a draft and as a check-in; a draft as what was typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from eventkit.errors import Violation
from eventkit.values import plain
from nhip.checkins.v1 import check_ins_pb2, checkins_pb2, topics_pb2
from nhip.common.v1 import words_pb2
from nhip.goals.v1 import goals_pb2
from services.gateway.console.forms import Form, date_message, decimal_message
from services.gateway.console.language import Language, decimal_of
from services.gateway.console.refusals import words

KEEP = "="
"""Typed for a value: it is as it was."""
LINES = 20
"""Most things in one list."""
LISTS = ("done", "planned", "blocker")
TOPIC = ("title", "problem", "cause", "wanted")
_TEN = {"least": "1", "most": "10"}


def lines(filled: Form, name: str) -> list[str]:
    """What stands in a list of the form, without what is empty."""
    typed = [filled.text(f"{name}.{number}") for number in range(LINES)]
    return [one for one in typed if one]


def carried(filled: Form, *, done: bool) -> list[str]:
    """What was planned the last time, as far as it is ticked, or is not."""
    found: list[str] = []
    for number in range(LINES * 2):
        text = filled.text(f"carried.{number}")
        if text and (filled[f"did.{number}"] == "1") == done:
            found.append(text)
    return found[:LINES]


def done_actions(filled: Form) -> list[str]:
    """The actions that are ticked as done."""
    return [
        name.removeprefix("action.") for name, value in filled.values.items() if name.startswith("action.") and value
    ]


def draft_of(filled: Form, kpis: Sequence[goals_pb2.Kpi]) -> check_ins_pb2.CheckInDraft:
    """What is kept of an unfinished form."""
    draft = check_ins_pb2.CheckInDraft(
        mood=_mood(filled),
        done=[*carried(filled, done=True), *lines(filled, "done")][:LINES],
        not_done=carried(filled, done=False),
        planned=lines(filled, "planned"),
        blockers=lines(filled, "blocker"),
        learnings=filled.text("learnings"),
        wants_meeting=filled["wants_meeting"] == "1",
        done_action_ids=done_actions(filled),
    )
    for id in (kpi.kpi_id for kpi in kpis):
        value = check_ins_pb2.DraftValue(
            kpi_id=id,
            value=filled.text(f"value.{id}")[:60],
            confidence=_confidence(filled.text(f"confidence.{id}")) or 0,
            note=filled.text(f"note.{id}"),
            confirmed=filled[f"confirmed.{id}"] == "1",
        )
        if value.value or value.confidence or value.note:
            draft.values.append(value)
    if any(filled.text(f"topic.{name}") for name in TOPIC):
        draft.topics.add(
            **{name: filled.text(f"topic.{name}") for name in TOPIC},
            kpi_id=filled.text("topic.kpi"),
            participant_ids=[filled.text("topic.person")] if filled.text("topic.person") else [],
        )
    return draft


def typed_of(reply: check_ins_pb2.CheckIn) -> Form:
    """A form as it was left; what was planned the last time stands in it."""
    draft = reply.draft
    values: dict[str, str] = {"revision": str(reply.revision), "mood": str(draft.mood or "")}
    for one in draft.values:
        values[f"value.{one.kpi_id}"], values[f"note.{one.kpi_id}"] = one.value, one.note
        values[f"confidence.{one.kpi_id}"] = str(one.confidence or "")
        values[f"confirmed.{one.kpi_id}"] = "1" if one.confirmed else ""
    left = list(draft.done)
    for number, text in enumerate(reply.carried):
        words = text.plain
        values[f"carried.{number}"] = words
        if words in left:
            left.remove(words)
            values[f"did.{number}"] = "1"
    for name, items in (("done", left), ("planned", draft.planned), ("blocker", draft.blockers)):
        values |= {f"{name}.{number}": text for number, text in enumerate(items)}
    values["learnings"] = draft.learnings
    values["wants_meeting"] = "1" if draft.wants_meeting else ""
    values |= {f"action.{id}": "1" for id in draft.done_action_ids}
    if draft.topics:
        topic = draft.topics[0]
        values |= {f"topic.{name}": getattr(topic, name) for name in TOPIC}
        values["topic.kpi"] = topic.kpi_id
        values["topic.person"] = next(iter(topic.participant_ids), "")
    return Form(values)


@dataclass(frozen=True, slots=True)
class Asked:
    """A check-in that is asked for, with whose each value is, in their order."""

    command: check_ins_pb2.SubmitCheckIn
    ids: tuple[str, ...]
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is wrong with it before anybody is asked, by field of the form."""


def submitted(filled: Form, kpis: Sequence[goals_pb2.Kpi], due_on: date, day: date, language: Language) -> Asked:
    """`day`: the day that its values are for."""
    wrong: list[Violation] = []
    values: list[checkins_pb2.RecordProgress] = []
    for kpi in kpis:
        id = kpi.kpi_id
        typed = filled[f"take.{id}"] or filled.text(f"value.{id}")
        said = filled.text(f"confidence.{id}")
        if not typed and not said:
            continue
        kept = decimal_of(kpi.standing, "current") if typed == KEEP else None
        at = f"value.{id}"
        value = kept if kept is not None else Form({at: typed}).number(at, wrong, language)
        if not typed:
            wrong.append(Violation(at, "MISSING"))
        confidence = _confidence(said)
        if confidence is None:
            wrong.append(Violation(f"confidence.{id}", "OUT_OF_RANGE" if said else "MISSING", "", _TEN))
        if value is None or confidence is None:
            continue
        values.append(
            checkins_pb2.RecordProgress(
                kpi_id=id,
                value=decimal_message(value),
                confidence=confidence,
                note=_words(filled.text(f"note.{id}")),
                occurred_on=date_message(day),
                confirmed=filled[f"confirmed.{id}"] == "1" or bool(filled[f"take.{id}"]),
            )
        )
    revision = filled["revision"]
    command = check_ins_pb2.SubmitCheckIn(
        due_on=date_message(due_on),
        values=values,
        mood=_mood(filled),
        done=_all([*carried(filled, done=True), *lines(filled, "done")][:LINES]),
        not_done=_all(carried(filled, done=False)),
        planned=_all(lines(filled, "planned")),
        blockers=_all(lines(filled, "blocker")),
        learnings=_words(filled.text("learnings")),
        wants_meeting=filled["wants_meeting"] == "1",
        revision=int(revision) if revision.isascii() and revision.isdigit() else None,
        done_action_ids=done_actions(filled),
    )
    if any(filled.text(f"topic.{name}") for name in TOPIC):
        if not filled.text("topic.title"):
            wrong.append(Violation("topic.title", "MISSING"))
        command.topics.append(topic_of(filled, "topic."))
    errors = {one.field: words(one.reason, one.parameters, language) for one in wrong}
    return Asked(command, tuple(value.kpi_id for value in values), errors)


def topic_of(filled: Form, before: str = "") -> topics_pb2.TopicDraft:
    """A topic as it was typed; `before` stands before its fields' names."""
    person = filled.text(f"{before}person")
    return topics_pb2.TopicDraft(
        title=words_pb2.PersonalText(plain=filled.text(f"{before}title")),
        problem=_words(filled.text(f"{before}problem")),
        cause=_words(filled.text(f"{before}cause")),
        wanted=_words(filled.text(f"{before}wanted")),
        kpi_id=filled.text(f"{before}kpi"),
        participant_ids=[person] if person else [],
    )


def _mood(filled: Form) -> int:
    said = filled["mood"]
    return int(said) if said in ("1", "2", "3", "4", "5") else 0


def _confidence(typed: str) -> int | None:
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 3 else 0
    return number if 1 <= number <= 10 else None


def _words(text: str) -> words_pb2.PersonalText | None:
    return words_pb2.PersonalText(plain=text) if text else None


def _all(texts: Sequence[str]) -> list[words_pb2.PersonalText]:
    return [words_pb2.PersonalText(plain=text) for text in texts]


def last_raw(kpi: goals_pb2.Kpi) -> str:
    """The last value as contracts write it: what scripts count with."""
    current = decimal_of(kpi.standing, "current")
    return "" if current is None else plain(current)
