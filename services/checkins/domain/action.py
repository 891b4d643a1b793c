"""An action: what is done, by whom, until when, and who approves it (C-33).

*Open*, then *reported* by who does it; with an approver *done* or *sent back*, without one done at once; or *dropped*
with a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_datetime, to_datetime
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

TOLD_FROM = time(8)
"""The hour at which who does something is told on its day, in the tenant's zone."""
TO_DO = (t.ACTION_STATE_OPEN, t.ACTION_STATE_SENT_BACK)


@dataclass(frozen=True, slots=True)
class Action:
    id: str
    agreed: Agreed
    author_id: str
    meeting_id: str
    check_in_id: str
    readers: tuple[str, ...]
    """Who takes part in its meeting, as far as they may read it."""
    state: t.ActionState.ValueType = t.ACTION_STATE_OPEN
    waits_for: str = ""
    """Whose approval it waits for; empty: nobody's."""
    revision: int = 1
    """How often it was agreed."""
    told_due: bool = False
    remind_at: datetime | None = None
    said: PersonalText | None = None
    """The last that was said to it."""
    said_by: str = ""

    @property
    def is_to_do(self) -> bool:
        return self.state in TO_DO

    @property
    def is_complete(self) -> bool:
        """It says who does it, and until when."""
        return bool(self.agreed.doer_id) and self.agreed.HasField("due_at")


ActionEvent = (
    ActionAgreed | ActionChanged | ActionReported | ActionApproved | ActionSentBack | ActionDropped | ActionFellDue
)


def evolve(action: Action | None, event: ActionEvent) -> Action:
    match event:
        case ActionAgreed():
            return Action(
                event.action_id,
                event.agreed,
                event.author_id,
                event.meeting_id,
                event.check_in_id,
                tuple(event.reader_ids),
                remind_at=_moment(event),
            )
        case ActionChanged():
            action = begun(action, event)
            return replace(
                action,
                agreed=event.after,
                readers=tuple(event.reader_ids),
                revision=action.revision + 1,
                told_due=False,
                remind_at=_moment(event),
            )
        case ActionReported():
            state = t.ACTION_STATE_REPORTED if event.approver_id else t.ACTION_STATE_DONE
            return _said(begun(action, event), state, event.note, event.by_id, event.approver_id)
        case ActionApproved():
            return _said(begun(action, event), t.ACTION_STATE_DONE, event.note, event.by_id)
        case ActionSentBack():
            return _said(begun(action, event), t.ACTION_STATE_SENT_BACK, event.reason, event.by_id)
        case ActionDropped():
            return _said(begun(action, event), t.ACTION_STATE_DROPPED, event.reason, event.by_id)
        case ActionFellDue():
            return replace(begun(action, event), told_due=True)
        case _:
            refuse_unknown(event)


ACTION = Aggregate[Action | None]("action", None, evolve)


def _moment(event: ActionAgreed | ActionChanged) -> datetime | None:
    return to_datetime(event.remind_at) if event.HasField("remind_at") else None


def _said(action: Action, state: t.ActionState.ValueType, words: PersonalText, by: str, waits_for: str = "") -> Action:
    said = words if words.WhichOneof("form") else None
    return replace(action, state=state, said=said, said_by=by, waits_for=waits_for)


# --- who ---


def doer(action: Action, org: OrgChart) -> str:
    """Who does it now: who was named, or who stands in for them."""
    return org.standing_in(action.agreed.doer_id) if action.agreed.doer_id else ""


def approver(action: Action, org: OrgChart) -> str:
    """Who approves it now: who was named, or who stands in for them; never who does it, but then the nearest manager
    above. Empty: nobody has to."""
    named, does = action.agreed.approver_id, doer(action, org)
    if not named:
        return ""
    by = org.standing_in(named)
    return by if by and by != does else next((m for m in org.managers(does) if org.is_active(m)), "")


def may_read(action: Action, person: str) -> bool:
    """Who does it, who approves it, who wrote it down, and who was in the meeting when it was agreed."""
    agreed = action.agreed
    return person in {agreed.doer_id, agreed.approver_id, action.author_id, action.waits_for, *action.readers}


def may_drop(action: Action, person: str, org: OrgChart) -> bool:
    """Who does it gives it up alone only where nobody has to approve it."""
    by = approver(action, org)
    if person == doer(action, org):
        return not by
    return person in {by, action.author_id}


def may_change(action: Action, person: str, org: OrgChart, *, writes_minutes: bool) -> bool:
    """Who wrote it down, its approver, and who writes the minutes that it stands in."""
    return person in {action.author_id, approver(action, org)} or writes_minutes


# --- what is asked ---


def agree(
    action: Action | None,
    agreed: Agreed,
    action_id: str,
    actor: Actor,
    org: OrgChart,
    at: datetime,
    *,
    meeting_id: str = "",
    check_in_id: str = "",
    participants: Sequence[str] = (),
) -> Decision:
    """`participants`: of the meeting in which it is agreed; that they take part was checked there."""
    if action is not None:
        return []
    _check(agreed, actor.id, org, in_meeting=bool(meeting_id), participants=participants)
    _check_due(agreed, at)
    event = ActionAgreed(
        action_id=action_id,
        agreed=agreed,
        author_id=actor.id,
        meeting_id=meeting_id,
        check_in_id=check_in_id,
        remind_at=_remind_at(agreed, at, org.time_zone),
        reader_ids=participants,
    )
    return [StreamEvent(ACTION(action_id), event)]


def change(
    action: Action | None,
    agreed: Agreed,
    seen_revision: int,
    actor: Actor,
    org: OrgChart,
    at: datetime,
    *,
    action_id: str,
    writes_minutes: bool,
) -> Decision:
    action = _known(action, actor.id, action_id)
    if not may_change(action, actor.id, org, writes_minutes=writes_minutes):
        raise _forbidden("only who wrote it down, or its approver, agrees otherwise about an action")
    if not action.is_to_do:
        raise _not_to_do(action)
    if seen_revision != action.revision:
        raise Rejected(
            "ACTION_MOVED", "somebody changed this action meanwhile: look at it again", kind=Kind.CONFLICT, rule="C-33"
        )
    in_meeting = bool(action.meeting_id)
    _check(agreed, actor.id, org, in_meeting=in_meeting, participants=action.readers, known=action.agreed.doer_id)
    if agreed.due_at != action.agreed.due_at:
        _check_due(agreed, at)
    event = ActionChanged(
        action_id=action.id,
        before=_without_words(action.agreed),
        after=agreed,
        by_id=actor.id,
        remind_at=_remind_at(agreed, at, org.time_zone),
        reader_ids=action.readers,
    )
    return [StreamEvent(ACTION(action.id), event)]


def report(action: Action | None, note: PersonalText, actor: Actor, org: OrgChart, action_id: str) -> Decision:
    action = _known(action, actor.id, action_id, doer(action, org) if action else "")
    if actor.id != doer(action, org):
        raise _forbidden("only who does it says that it is done")
    if action.state == t.ACTION_STATE_REPORTED:
        return []
    if not action.is_to_do:
        raise _not_to_do(action)
    event = ActionReported(
        action_id=action.id,
        doer_id=action.agreed.doer_id,
        approver_id=approver(action, org),
        by_id=actor.id,
        note=note if note.plain.strip() else None,
    )
    return [StreamEvent(ACTION(action.id), event)]


def approve(action: Action | None, note: PersonalText, actor: Actor, org: OrgChart, action_id: str) -> Decision:
    action = _to_decide(action, actor, org, action_id)
    if action.state == t.ACTION_STATE_DONE:
        return []
    _check_reported(action)
    event = ActionApproved(
        action_id=action.id,
        doer_id=action.agreed.doer_id,
        approver_id=action.waits_for,
        by_id=actor.id,
        note=note if note.plain.strip() else None,
    )
    return [StreamEvent(ACTION(action.id), event)]


def send_back(action: Action | None, reason: PersonalText, actor: Actor, org: OrgChart, action_id: str) -> Decision:
    action = _to_decide(action, actor, org, action_id)
    if action.state == t.ACTION_STATE_SENT_BACK:
        return []
    _check_reported(action)
    event = ActionSentBack(
        action_id=action.id,
        doer_id=action.agreed.doer_id,
        approver_id=action.waits_for,
        by_id=actor.id,
        reason=reason,
    )
    return [StreamEvent(ACTION(action.id), event)]


def drop(action: Action | None, reason: PersonalText, actor: Actor, org: OrgChart, action_id: str) -> Decision:
    action = _known(action, actor.id, action_id, approver(action, org) if action else "")
    if not may_drop(action, actor.id, org):
        raise _forbidden("who does it asks its approver, or who wrote it down, to give it up")
    if action.state == t.ACTION_STATE_DROPPED:
        return []
    if action.state == t.ACTION_STATE_DONE:
        raise _not_to_do(action)
    event = ActionDropped(
        action_id=action.id,
        doer_id=action.agreed.doer_id,
        approver_id=approver(action, org),
        by_id=actor.id,
        reason=reason,
    )
    return [StreamEvent(ACTION(action.id), event)]


def fall_due(action: Action | None, remind_at: datetime) -> Decision:
    """Once for each time that it is agreed for; not for one that is done, or that was agreed for another time
    meanwhile."""
    if action is None or not action.is_to_do or action.told_due or action.remind_at != remind_at:
        return []
    event = ActionFellDue(action_id=action.id, doer_id=action.agreed.doer_id, due_at=action.agreed.due_at)
    return [StreamEvent(ACTION(action.id), event)]


# --- checks ---


def _known(action: Action | None, person: str, action_id: str, beside: str = "") -> Action:
    """The action, for who may know of it; `beside` is somebody else who may."""
    if action is None or not (may_read(action, person) or person == beside):
        raise unknown("action", action_id, "action_id")
    return action


def _to_decide(action: Action | None, actor: Actor, org: OrgChart, action_id: str) -> Action:
    by = approver(action, org) if action else ""
    action = _known(action, actor.id, action_id, by)
    if actor.id != by:
        raise _forbidden("only its approver says whether it is done well, and nobody about what they did themselves")
    return action


def _check_reported(action: Action) -> None:
    if action.state != t.ACTION_STATE_REPORTED:
        if not action.is_to_do:
            raise _not_to_do(action)
        raise Rejected("ACTION_NOT_REPORTED", "who does it has not said yet that it is done", rule="C-33")


def _check(
    agreed: Agreed, actor: str, org: OrgChart, *, in_meeting: bool, participants: Sequence[str], known: str = ""
) -> None:
    """Who does it, and who approves it. `known`: who did it before, of an action that is agreed otherwise."""
    does = agreed.doer_id
    if not does and not in_meeting:
        raise Rejected("DOER_MISSING", "say who does it", kind=Kind.INVALID, field="agreed.doer_id", rule="C-33")
    if not agreed.HasField("due_at") and not in_meeting:
        raise Rejected("DUE_MISSING", "say until when", kind=Kind.INVALID, field="agreed.due_at", rule="C-33")
    for person, field in ((does, "agreed.doer_id"), (agreed.approver_id, "agreed.approver_id")):
        if person and not org.is_active(person):
            raise unknown("person", person, field)
        if person and org.has_role(person, "auditor"):
            raise Rejected("AUDITOR_NAMED", "auditors change nothing: name somebody else", field=field)
    if does and does == agreed.approver_id:
        told = "nobody approves what they do themselves: name somebody else, or nobody"
        raise Rejected("OWN_APPROVAL", told, field="agreed.approver_id", rule="C-33")
    if in_meeting:
        if does and does not in participants and does != known:
            told = "an action of a meeting is done by somebody who takes part"
            raise Rejected("DOER_ABSENT", told, field="agreed.doer_id", rule="C-33")
    elif does not in {actor, known} and actor not in set(org.managers(does)):
        told = "agree it for yourself, or for who reports to you; else in a meeting with them"
        raise Rejected("NOT_YOURS_TO_GIVE", told, kind=Kind.FORBIDDEN, field="agreed.doer_id", rule="C-33")


def _check_due(agreed: Agreed, at: datetime) -> None:
    if agreed.HasField("due_at") and to_datetime(agreed.due_at) <= at:
        raise Rejected("DUE_PAST", "name a time that lies ahead", field="agreed.due_at", rule="C-33")


def _remind_at(agreed: Agreed, at: datetime, zone: ZoneInfo):
    """On the morning of its day; of what is agreed later than that, or is due earlier, when it is due."""
    if not agreed.HasField("due_at"):
        return None
    due = to_datetime(agreed.due_at)
    morning = datetime.combine(due.astimezone(zone).date(), TOLD_FROM, zone)
    return from_datetime(morning if at < morning < due else due)


def _forbidden(told: str) -> Rejected:
    return Rejected("NOT_YOUR_ACTION", told, kind=Kind.FORBIDDEN, rule="C-33")


def _not_to_do(action: Action) -> Rejected:
    if action.state == t.ACTION_STATE_REPORTED:
        return Rejected("ACTION_REPORTED", "it waits for its approver's word", rule="C-33")
    return Rejected("ACTION_CLOSED", "it is done, or was given up", rule="C-33")


def _without_words(agreed: Agreed) -> Agreed:
    """What was agreed, but what is to be done: those words open in the event alone in which they were said."""
    before = Agreed()
    before.CopyFrom(agreed)
    before.ClearField("what")
    return before
