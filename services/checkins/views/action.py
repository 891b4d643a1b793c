"""Actions, as they stand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed, to_datetime
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import (
    ActionAgreed,
    ActionApproved,
    ActionChanged,
    ActionDropped,
    ActionFellDue,
    ActionReported,
    ActionSentBack,
)
from nhip.checkins.v1.types_pb2 import Agreed
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.domain.action import ACTION
from services.checkins.views import VERSION


@dataclass(frozen=True, slots=True)
class ActionRow:
    """`agreed` is the message of the contract as bytes, its words sealed."""

    tenant: str
    action_id: str
    doer_id: str
    approver_id: str
    due_at: datetime | None
    state: int
    waits_for: str
    """Whose approval it waits for; empty: nobody's."""
    agreed: bytes
    author_id: str
    meeting_id: str
    check_in_id: str
    readers: list[str]
    """Who was in its meeting when it was agreed."""
    agreed_at: datetime
    revision: int
    remind_at: datetime | None
    """When who does it is told that it falls due; None: it does not, or they were."""
    said: bytes
    """Sealed: the last that was said to it; empty for nothing."""
    said_by: str
    said_at: datetime | None


class ActionView(View[ActionRow]):
    name, source, categories, key = "action", "checkins", (ACTION.category,), ("tenant", "action_id")
    version = VERSION
    indexes = ("tenant, doer_id, due_at", "tenant, waits_for, due_at", "remind_at")
    row = ActionRow
    folds = (
        ActionAgreed,
        ActionChanged,
        ActionReported,
        ActionApproved,
        ActionSentBack,
        ActionDropped,
        ActionFellDue,
    )

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[ActionRow], event: Recorded) -> None:
        if isinstance(e := event.message, ActionAgreed):
            rows.put(_agreed(event, e))
            return
        row = rows[event.tenant, event.stream.id]
        match e:
            case ActionChanged():
                rows.put(_changed(row, e))
            case ActionReported():
                state = t.ACTION_STATE_REPORTED if e.approver_id else t.ACTION_STATE_DONE
                rows.put(replace(_said(row, event, state, e.note, e.by_id), waits_for=e.approver_id))
            case ActionApproved():
                rows.put(_said(row, event, t.ACTION_STATE_DONE, e.note, e.by_id))
            case ActionSentBack():
                rows.put(_said(row, event, t.ACTION_STATE_SENT_BACK, e.reason, e.by_id))
            case ActionDropped():
                rows.put(_said(row, event, t.ACTION_STATE_DROPPED, e.reason, e.by_id))
            case ActionFellDue():
                rows.put(replace(row, remind_at=None))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[ActionRow]:
        action = ACTION.fold(messages(events))
        if action is None:
            return
        saying = (ActionReported, ActionApproved, ActionSentBack, ActionDropped)
        said = next((event for event in reversed(events) if isinstance(event.message, saying)), None)
        yield ActionRow(
            tenant=events[0].tenant,
            action_id=action.id,
            doer_id=action.agreed.doer_id,
            approver_id=action.agreed.approver_id,
            due_at=_due(action.agreed),
            state=action.state,
            waits_for=action.waits_for,
            agreed=packed(action.agreed),
            author_id=action.author_id,
            meeting_id=action.meeting_id,
            check_in_id=action.check_in_id,
            readers=list(action.readers),
            agreed_at=events[0].recorded_at,
            revision=action.revision,
            remind_at=None if action.told_due else action.remind_at,
            said=packed(action.said) if action.said else b"",
            said_by=action.said_by,
            said_at=said.recorded_at if said else None,
        )


ACTIONS = ActionView().table


def _due(agreed: Agreed) -> datetime | None:
    return to_datetime(agreed.due_at) if agreed.HasField("due_at") else None


def _remind(e: ActionAgreed | ActionChanged) -> datetime | None:
    return to_datetime(e.remind_at) if e.HasField("remind_at") else None


def _agreed(event: Recorded, e: ActionAgreed) -> ActionRow:
    return ActionRow(
        tenant=event.tenant,
        action_id=e.action_id,
        doer_id=e.agreed.doer_id,
        approver_id=e.agreed.approver_id,
        due_at=_due(e.agreed),
        state=t.ACTION_STATE_OPEN,
        waits_for="",
        agreed=packed(e.agreed),
        author_id=e.author_id,
        meeting_id=e.meeting_id,
        check_in_id=e.check_in_id,
        readers=list(e.reader_ids),
        agreed_at=event.recorded_at,
        revision=1,
        remind_at=_remind(e),
        said=b"",
        said_by="",
        said_at=None,
    )


def _changed(row: ActionRow, e: ActionChanged) -> ActionRow:
    return replace(
        row,
        doer_id=e.after.doer_id,
        approver_id=e.after.approver_id,
        due_at=_due(e.after),
        agreed=packed(e.after),
        readers=list(e.reader_ids),
        revision=row.revision + 1,
        remind_at=_remind(e),
    )


def _said(row: ActionRow, event: Recorded, state: int, words: PersonalText, by: str) -> ActionRow:
    return replace(row, state=state, waits_for="", said=packed(words), said_by=by, said_at=event.recorded_at)
