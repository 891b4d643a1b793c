"""Tells people that recorded values were put right or taken back, and what is asked and answered in check-ins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from eventkit.context import imported
from eventkit.directory.facts import OrgChart
from eventkit.log import Recorded
from eventkit.process.service import Reaction, Resources, reacting_to
from eventkit.subscriptions.table import reading
from nhip.checkins.v1.events_pb2 import (
    ActionAgreed,
    ActionApproved,
    ActionChanged,
    ActionDropped,
    ActionFellDue,
    ActionReported,
    ActionSentBack,
    CheckInAskedAgain,
    CheckInEvaluated,
    CheckInsFellDue,
    CheckInSubmitted,
    InvitationAnswered,
    ManagerPartSent,
    MeetingCalled,
    MeetingCancelled,
    MeetingMoved,
    ParticipantsInvited,
    ProgressCorrected,
    ProgressRetracted,
    ReviewOpened,
    SelfPartSent,
    TopicAnswered,
    TopicForwarded,
    TopicLeftUnanswered,
    TopicRaised,
    TopicReopened,
)
from nhip.notifications.v1.events_pb2 import NoticeGiven
from services.notifications.domain import recipients, talks
from services.notifications.domain.due import is_news
from services.notifications.domain.recipients import NotKnownYet
from services.notifications.queries.goals_changes import responsibilities
from services.notifications.reactors.notices import give

NAME = "notices_of_checkins"


@dataclass(frozen=True, slots=True)
class TellOfCheckins:
    resources: Resources

    @property
    def reaction(self) -> Reaction:
        return Reaction(NAME, "checkins", self.react)

    async def react(self, event: Recorded) -> None:
        org, now = await self.resources.directory.org_chart(event.tenant), datetime.now(UTC)
        if not is_news(event.recorded_at, now, org.settings.on(org.today(now)).news_days):
            return  # it was long ago: no news to a service that is new, or was away
        cause = str(event.append_id)
        match event.message:
            case ProgressCorrected() | ProgressRetracted() as corrected:
                drafts = await self._of_correction(event, corrected, org)
            case TopicRaised() | TopicForwarded() | TopicAnswered() | TopicReopened() | TopicLeftUnanswered() as topic:
                drafts, cause = recipients.of_topic(topic, org), str(event.id)
            case CheckInSubmitted() | CheckInEvaluated() | CheckInAskedAgain() as check_in:
                if imported(event.origin.actor) or (isinstance(check_in, CheckInSubmitted) and check_in.brought_in):
                    return
                drafts, cause = recipients.of_check_in(check_in, org), str(event.id)
            case CheckInsFellDue() as due:
                drafts, cause = recipients.of_due(due, org.today(event.recorded_at), org), str(event.id)
            case (
                ActionAgreed()
                | ActionChanged()
                | ActionFellDue()
                | ActionReported()
                | ActionApproved()
                | ActionSentBack()
                | ActionDropped() as action
            ):
                drafts, cause = talks.of_action(action, org), str(event.id)
            case (
                MeetingCalled()
                | MeetingMoved()
                | MeetingCancelled()
                | ParticipantsInvited()
                | InvitationAnswered() as meeting
            ):
                drafts, cause = talks.of_meeting(meeting, org), str(event.id)
            case ReviewOpened() | SelfPartSent() | ManagerPartSent() as review:
                drafts, cause = talks.of_review(review, org), str(event.id)
            case _:
                return
        for draft in drafts:
            draft.cause_append_id, draft.cause_event_id = str(event.append_id), str(event.id)
        ctx = reacting_to(event, self.resources.name, NAME)
        await give(self.resources, ctx, cause, drafts, happened_at=event.recorded_at)

    async def _of_correction(
        self, event: Recorded, corrected: ProgressCorrected | ProgressRetracted, org: OrgChart
    ) -> Sequence[NoticeGiven]:
        async with reading(self.resources.pool, event.tenant) as con:
            kpi = (await responsibilities(con, event.tenant, [corrected.kpi_id])).get(corrected.kpi_id)
        if kpi is None:
            raise NotKnownYet(f"KPI {corrected.kpi_id}")
        return recipients.of_correction(corrected, kpi, event.origin.actor, org)
