"""Who hears of actions, meetings and reviews (N-02, N-09). No words of theirs are told: who may read them finds them
where they are."""

from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp

from eventkit.directory.facts import OrgChart
from nhip.checkins.v1.events_pb2 import (
    ActionAgreed,
    ActionApproved,
    ActionChanged,
    ActionDropped,
    ActionFellDue,
    ActionReported,
    ActionSentBack,
    InvitationAnswered,
    ManagerPartSent,
    MeetingCalled,
    MeetingCancelled,
    MeetingMoved,
    ParticipantsInvited,
    ReviewOpened,
    SelfPartSent,
)
from nhip.notifications.v1 import types_pb2 as t
from nhip.notifications.v1.events_pb2 import NoticeGiven
from services.notifications.domain.recipients import drafts_for

OfAction = (
    ActionAgreed | ActionChanged | ActionFellDue | ActionReported | ActionApproved | ActionSentBack | ActionDropped
)
OfMeeting = MeetingCalled | MeetingMoved | MeetingCancelled | ParticipantsInvited | InvitationAnswered
OfReview = ReviewOpened | SelfPartSent | ManagerPartSent


def of_action(event: OfAction, org: OrgChart) -> list[NoticeGiven]:
    """Who is to do something, or to approve it; who did it hears what became of it."""
    id = event.action_id
    match event:
        case ActionAgreed():
            agreed, by = event.agreed, event.author_id
            given = NoticeGiven(kind=t.NOTICE_KIND_ACTION_AGREED, action_id=id, at=_given(agreed.due_at))
            return drafts_for(_each([agreed.doer_id], given), by, org)
        case ActionChanged():
            before, after = event.before, event.after
            if (before.doer_id, before.due_at) == (after.doer_id, after.due_at):
                return []
            given = NoticeGiven(kind=t.NOTICE_KIND_ACTION_AGREED, action_id=id, at=_given(after.due_at))
            return drafts_for(_each([after.doer_id], given), event.by_id, org)
        case ActionFellDue():
            given = NoticeGiven(kind=t.NOTICE_KIND_ACTION_DUE, action_id=id, at=event.due_at)
            return drafts_for(_each([event.doer_id], given), "", org)
        case ActionReported():
            given = NoticeGiven(kind=t.NOTICE_KIND_ACTION_REPORTED, action_id=id)
            return drafts_for(_each([event.approver_id], given), event.by_id, org)
        case ActionApproved() | ActionSentBack():
            granted = isinstance(event, ActionApproved)
            given = NoticeGiven(kind=t.NOTICE_KIND_ACTION_ANSWERED, action_id=id, granted=granted)
            return drafts_for(_each([event.doer_id], given), event.by_id, org)
        case ActionDropped():
            given = NoticeGiven(kind=t.NOTICE_KIND_ACTION_DROPPED, action_id=id)
            return drafts_for(_each([event.doer_id, event.approver_id], given), event.by_id, org)


def of_meeting(event: OfMeeting, org: OrgChart) -> list[NoticeGiven]:
    """Who is invited (N-02), who invited somebody who answers, and everybody who takes part in what is moved or called
    off."""
    id = event.meeting_id
    match event:
        case MeetingCalled():
            given = NoticeGiven(kind=t.NOTICE_KIND_MEETING_CALLED, meeting_id=id, at=event.starts_at)
            people = event.participant_ids
        case ParticipantsInvited():
            given = NoticeGiven(kind=t.NOTICE_KIND_MEETING_CALLED, meeting_id=id)
            people = event.person_ids
        case MeetingMoved():
            given = NoticeGiven(
                kind=t.NOTICE_KIND_MEETING_CHANGED, meeting_id=id, at=event.after.starts_at, granted=True
            )
            people = event.participant_ids
        case MeetingCancelled():
            given = NoticeGiven(kind=t.NOTICE_KIND_MEETING_CHANGED, meeting_id=id)
            people = event.participant_ids
        case InvitationAnswered():
            given = NoticeGiven(kind=t.NOTICE_KIND_MEETING_ANSWERED, meeting_id=id, granted=event.comes)
            people = [event.invited_by_id]
    return drafts_for(_each(people, given), event.by_id, org)


def of_review(event: OfReview, org: OrgChart) -> list[NoticeGiven]:
    """Whose turn it is to write, and whose part the other sent."""
    match event:
        case ReviewOpened():
            person, kind, by = event.person_id, t.NOTICE_KIND_REVIEW_OPENED, ""
        case SelfPartSent():
            person, kind, by = event.manager_id, t.NOTICE_KIND_REVIEW_SELF_SENT, event.person_id
        case ManagerPartSent():
            person, kind, by = event.person_id, t.NOTICE_KIND_REVIEW_MANAGER_SENT, event.by_id
    given = NoticeGiven(kind=kind, cycle_id=event.cycle_id, reviewed_id=event.person_id)
    return drafts_for(_each([person], given), by, org)


def _each(people: Iterable[str], given: NoticeGiven) -> dict[str, NoticeGiven]:
    drafts: dict[str, NoticeGiven] = {}
    for person in filter(None, people):
        drafts[person] = NoticeGiven()
        drafts[person].CopyFrom(given)
    return drafts


def _given(at: Timestamp) -> Timestamp | None:
    return at if at.ByteSize() else None
