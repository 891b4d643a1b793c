"""Tells people of erasures, and of proposals that have become theirs to decide because people moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from eventkit.log import Recorded
from eventkit.process.service import Reaction, Resources, reacting_to
from eventkit.subscriptions.table import reading
from nhip.notifications.v1.events_pb2 import NoticeGiven
from nhip.people.v1.events_pb2 import (
    ErasureApproved,
    ErasureDeclined,
    ErasureRequested,
    PersonDeactivated,
    PersonErased,
    PersonReactivated,
    PlaceAssigned,
    PlannedChangeRefused,
    RolesChanged,
    UnitHeadAppointed,
)
from services.notifications.domain import recipients
from services.notifications.domain.due import is_news
from services.notifications.queries.erasures import erasure_of
from services.notifications.queries.goals_changes import answered_for
from services.notifications.queries.waiting import waiting_of
from services.notifications.reactors.next_decider import NextDecider
from services.notifications.reactors.notices import give

NAME = "notices_of_people"


@dataclass(frozen=True, slots=True)
class TellOfPeople:
    resources: Resources

    @property
    def reaction(self) -> Reaction:
        return Reaction(NAME, "people", self.react)

    async def react(self, event: Recorded) -> None:
        match event.message:
            case ErasureRequested() | ErasureApproved() | ErasureDeclined() as erasure:
                await self._of_erasure(event, erasure)
            case (
                PersonDeactivated()
                | PersonErased()
                | PersonReactivated()
                | PlaceAssigned()
                | RolesChanged()
                | UnitHeadAppointed()
            ):
                await self._who_decides_now(event)
                if isinstance(event.message, PersonDeactivated):
                    await self._of_leaver(event, event.message)
                if isinstance(event.message, UnitHeadAppointed):
                    await self._of_unit_head(event, event.message)
            case PlannedChangeRefused() as refused:
                org = await self.resources.directory.org_chart(event.tenant)
                await self._tell(event, recipients.of_refused_plan(refused.planned_by, org))
            case _:
                pass

    async def _who_decides_now(self, event: Recorded) -> None:
        async with reading(self.resources.pool, event.tenant) as con:
            waiting = await waiting_of(con, event.tenant)
        for proposal_id in waiting:
            ctx = reacting_to(event, self.resources.name, f"{NAME}/{proposal_id}")
            await NextDecider(self.resources).look_at(ctx, proposal_id, f"asked/{proposal_id}/{event.id}")

    async def _of_leaver(self, event: Recorded, left: PersonDeactivated) -> None:
        org = await self.resources.directory.org_chart(event.tenant)
        units = list(left.unit_ids) or [unit.id for unit in org.units.values() if unit.head_id == left.person_id]
        async with reading(self.resources.pool, event.tenant) as con:
            kpis = await answered_for(con, event.tenant, left.person_id, units, org.today(event.recorded_at))
        await self._tell(event, recipients.of_leaver(left.person_id, kpis, event.origin.actor, org))

    async def _of_unit_head(self, event: Recorded, head: UnitHeadAppointed) -> None:
        org = await self.resources.directory.org_chart(event.tenant)
        async with reading(self.resources.pool, event.tenant) as con:
            kpis = await answered_for(con, event.tenant, "", [head.unit_id], org.today(event.recorded_at))
        drafts = recipients.of_unit_head(head.unit_id, head.before, head.after, kpis, event.origin.actor, org)
        await self._tell(event, drafts)

    async def _tell(self, event: Recorded, drafts: Sequence[NoticeGiven]) -> None:
        org, now = await self.resources.directory.org_chart(event.tenant), datetime.now(UTC)
        if not is_news(event.recorded_at, now, org.settings.on(org.today(now)).news_days):
            return  # it was long ago: no news to a service that is new, or was away
        for draft in drafts:
            draft.cause_append_id, draft.cause_event_id = str(event.append_id), str(event.id)
        ctx = reacting_to(event, self.resources.name, f"{NAME}/{event.append_id}")
        await give(self.resources, ctx, str(event.append_id), drafts, happened_at=event.recorded_at)

    async def _of_erasure(self, event: Recorded, erasure: ErasureRequested | ErasureApproved | ErasureDeclined) -> None:
        org, actor = await self.resources.directory.org_chart(event.tenant), event.origin.actor
        async with reading(self.resources.pool, event.tenant) as con:
            state = await erasure_of(con, event.tenant, erasure.person_id)
        assert state is not None
        now = datetime.now(UTC)
        news = is_news(event.recorded_at, now, org.settings.on(org.today(now)).news_days)
        if not news and not state.requested:
            return  # it was over long ago: no news to a service that is new, or was away
        if isinstance(erasure, ErasureRequested):
            drafts = recipients.of_erasure_request(erasure.person_id, actor, org)
        else:
            granted = isinstance(erasure, ErasureApproved)
            drafts = recipients.of_erasure_decision(erasure.person_id, state.requested_by, actor, org, granted=granted)
        for draft in drafts:
            draft.cause_append_id, draft.cause_event_id = str(event.append_id), str(event.id)
        await give(
            self.resources,
            reacting_to(event, self.resources.name, NAME),
            str(event.append_id),
            drafts,
            happened_at=event.recorded_at,
        )
