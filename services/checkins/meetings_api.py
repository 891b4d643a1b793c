"""gRPC of meetings and actions: request → command or query, nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.errors import unknown
from eventkit.process.service import Resources
from eventkit.rpc.access import Allow, anyone
from eventkit.subscriptions.table import reading
from nhip.checkins.v1 import meetings_pb2 as pb
from nhip.checkins.v1.topics_pb2 import AnswerTopic
from nhip.common.v1.command_pb2 import Accepted
from services.checkins.domain import action, meeting, minutes, review, topic
from services.checkins.domain.action import ACTION, Action
from services.checkins.domain.meeting import MEETING, Meeting
from services.checkins.domain.review import REVIEW
from services.checkins.domain.topic import TOPIC
from services.checkins.queries import actions, meetings

ACCESS: Mapping[str, Allow] = {
    # Who takes part, and whose action it is, the decisions and the queries check.
    "CallMeeting": anyone(),
    "MoveMeeting": anyone(),
    "CancelMeeting": anyone(),
    "InviteToMeeting": anyone(),
    "AnswerInvitation": anyone(),
    "WriteNote": anyone(),
    "WriteWay": anyone(),
    "RemoveWay": anyone(),
    "ChooseWay": anyone(),
    "AnswerKpiQuestion": anyone(),
    "DiscussTopic": anyone(),
    "ConfirmMinutes": anyone(),
    "AddToMinutes": anyone(),
    "GetMeeting": anyone(),
    "ListMeetings": anyone(),
    "AgreeAction": anyone(),
    "ChangeAction": anyone(),
    "ReportAction": anyone(),
    "ApproveAction": anyone(),
    "SendActionBack": anyone(),
    "DropAction": anyone(),
    "ListActions": anyone(),
}


@dataclass(frozen=True, slots=True)
class MeetingsApi:
    """Implements `nhip.checkins.v1.Meetings`."""

    resources: Resources

    # -- a meeting, and what is said in it

    async def call_meeting(self, command: pb.CallMeeting, ctx: Context) -> Accepted:
        org, meeting_id = await self._org(ctx), ctx.new_id("meeting")

        async def decide(load: Load) -> Decision:
            if command.cycle_id and command.reviewed_id:
                reviewed = await load(REVIEW, review.review_id(command.cycle_id, command.reviewed_id))
                review.known(reviewed, ctx.actor.id, org, command.reviewed_id)
            return meeting.call(await load(MEETING, meeting_id), command, meeting_id, ctx.actor, org, ctx.at)

        return await self.resources.commands.execute(ctx, MEETING(meeting_id), decide)

    async def move_meeting(self, command: pb.MoveMeeting, ctx: Context) -> Accepted:
        return await self._on(ctx, command.meeting_id, lambda state: meeting.move(state, command, ctx.actor, ctx.at))

    async def cancel_meeting(self, command: pb.CancelMeeting, ctx: Context) -> Accepted:
        return await self._on(ctx, command.meeting_id, lambda state: meeting.cancel(state, command, ctx.actor))

    async def invite_to_meeting(self, command: pb.InviteToMeeting, ctx: Context) -> Accepted:
        org = await self._org(ctx)
        return await self._on(ctx, command.meeting_id, lambda state: meeting.invite(state, command, ctx.actor, org))

    async def answer_invitation(self, command: pb.AnswerInvitation, ctx: Context) -> Accepted:
        return await self._on(ctx, command.meeting_id, lambda state: meeting.answer(state, command, ctx.actor, ctx.at))

    async def write_note(self, command: pb.WriteNote, ctx: Context) -> Accepted:
        return await self._on(ctx, command.meeting_id, lambda state: minutes.write_note(state, command, ctx.actor))

    async def write_way(self, command: pb.WriteWay, ctx: Context) -> Accepted:
        way_id = command.way_id or ctx.new_id("way")
        return await self._on(
            ctx,
            command.meeting_id,
            lambda state: minutes.write_way(state, command, ctx.actor, way_id),
            answers=way_id,
        )

    async def remove_way(self, command: pb.RemoveWay, ctx: Context) -> Accepted:
        return await self._on(ctx, command.meeting_id, lambda state: minutes.remove_way(state, command, ctx.actor))

    async def choose_way(self, command: pb.ChooseWay, ctx: Context) -> Accepted:
        return await self._on(ctx, command.meeting_id, lambda state: minutes.choose_way(state, command, ctx.actor))

    async def answer_kpi_question(self, command: pb.AnswerKpiQuestion, ctx: Context) -> Accepted:
        return await self._on(
            ctx, command.meeting_id, lambda state: minutes.answer_kpi_question(state, command, ctx.actor)
        )

    async def discuss_topic(self, command: pb.DiscussTopic, ctx: Context) -> Accepted:
        org, by, topic_id = await self._org(ctx), ctx.actor.id, command.topic_id

        async def decide(load: Load) -> Decision:
            discussed = minutes.discuss_topic(
                await load(MEETING, command.meeting_id), command.meeting_id, topic_id, ctx.actor
            )
            state = await load(TOPIC, topic_id)
            if state is None or not topic.rights(state, by, org).read:
                raise unknown("topic", topic_id, "topic_id")
            if command.answer.plain.strip():
                answered = topic.answer(state, AnswerTopic(topic_id=topic_id, answer=command.answer), by, org)
                discussed += answered
                for _, event in answered:
                    state = TOPIC.evolve(state, event)
            if command.close:
                discussed += topic.close(state, topic_id, by, org)
            return discussed

        return await self.resources.commands.execute(ctx, MEETING(command.meeting_id), decide)

    async def confirm_minutes(self, command: pb.ConfirmMinutes, ctx: Context) -> Accepted:
        org = await self._org(ctx)

        async def decide(load: Load) -> Decision:
            state = await load(MEETING, command.meeting_id)
            agreed = [await load(ACTION, id) for id in (state.actions if state else ())]
            incomplete = sum(one is not None and one.is_to_do and not one.is_complete for one in agreed)
            return minutes.confirm(state, command, ctx.actor, org, incomplete)

        return await self.resources.commands.execute(ctx, MEETING(command.meeting_id), decide)

    async def add_to_minutes(self, command: pb.AddToMinutes, ctx: Context) -> Accepted:
        return await self._on(ctx, command.meeting_id, lambda state: minutes.add(state, command, ctx.actor))

    async def get_meeting(self, request: pb.GetMeeting, ctx: Context) -> pb.Meeting:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await meetings.meeting(con, request.meeting_id, org, ctx)

    async def list_meetings(self, request: pb.ListMeetings, ctx: Context) -> pb.MeetingList:
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await meetings.meetings(con, request, ctx)

    # -- actions

    async def agree_action(self, command: pb.AgreeAction, ctx: Context) -> Accepted:
        org, action_id = await self._org(ctx), ctx.new_id("action")
        if command.check_in_id and command.check_in_id.partition(".")[0] not in {
            ctx.actor.id,
            command.agreed.doer_id,
        }:
            raise unknown("check_in", command.check_in_id, "check_in_id")

        async def decide(load: Load) -> Decision:
            decision: Decision = []
            people: list[str] = []
            if command.meeting_id:
                state = await load(MEETING, command.meeting_id)
                decision += minutes.note_action(state, command.meeting_id, action_id, ctx.actor)
                people = list(state.joined) if state else []
            return decision + action.agree(
                await load(ACTION, action_id),
                command.agreed,
                action_id,
                ctx.actor,
                org,
                ctx.at,
                meeting_id=command.meeting_id,
                check_in_id=command.check_in_id,
                participants=people,
            )

        turn = MEETING(command.meeting_id) if command.meeting_id else ACTION(action_id)
        return await self.resources.commands.execute(ctx, turn, decide, answers=action_id)

    async def change_action(self, command: pb.ChangeAction, ctx: Context) -> Accepted:
        org, id = await self._org(ctx), command.action_id

        async def decide(load: Load) -> Decision:
            state = await load(ACTION, id)
            of_meeting = await load(MEETING, state.meeting_id) if state and state.meeting_id else None
            writes = meeting.writes(of_meeting, ctx.actor.id)
            return action.change(
                state,
                command.agreed,
                command.seen_revision,
                ctx.actor,
                org,
                ctx.at,
                action_id=id,
                writes_minutes=writes,
            )

        return await self.resources.commands.execute(ctx, ACTION(id), decide)

    async def report_action(self, command: pb.ReportAction, ctx: Context) -> Accepted:
        org, id = await self._org(ctx), command.action_id
        return await self._of(ctx, id, lambda state: action.report(state, command.note, ctx.actor, org, id))

    async def approve_action(self, command: pb.ApproveAction, ctx: Context) -> Accepted:
        org, id = await self._org(ctx), command.action_id
        return await self._of(ctx, id, lambda state: action.approve(state, command.note, ctx.actor, org, id))

    async def send_action_back(self, command: pb.SendActionBack, ctx: Context) -> Accepted:
        org, id = await self._org(ctx), command.action_id
        return await self._of(ctx, id, lambda state: action.send_back(state, command.reason, ctx.actor, org, id))

    async def drop_action(self, command: pb.DropAction, ctx: Context) -> Accepted:
        org, id = await self._org(ctx), command.action_id
        return await self._of(ctx, id, lambda state: action.drop(state, command.reason, ctx.actor, org, id))

    async def list_actions(self, request: pb.ListActions, ctx: Context) -> pb.ActionList:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await actions.actions(con, request, org, ctx)

    async def _org(self, ctx: Context) -> OrgChart:
        return await self.resources.directory.org_chart(ctx.tenant)

    async def _on(
        self, ctx: Context, meeting_id: str, decide: Callable[[Meeting | None], Decision], *, answers: str = ""
    ) -> Accepted:
        return await self.resources.commands.on(ctx, MEETING, meeting_id, decide, answers=answers)

    async def _of(self, ctx: Context, action_id: str, decide: Callable[[Action | None], Decision]) -> Accepted:
        return await self.resources.commands.on(ctx, ACTION, action_id, decide)
