"""gRPC of notifications: request → command or query, nothing else. All of it is the caller's own."""

from collections.abc import Mapping
from dataclasses import dataclass

from eventkit.context import Context
from eventkit.errors import Kind, Rejected, unknown
from eventkit.process.service import Resources
from eventkit.rpc.access import Allow, anyone
from eventkit.subscriptions.table import reading
from nhip.common.v1.command_pb2 import Accepted
from nhip.notifications.v1 import notifications_pb2 as pb
from services.notifications.domain import notice, preferences
from services.notifications.domain.notice import INBOX
from services.notifications.domain.preferences import PREFERENCES
from services.notifications.queries import inbox
from services.notifications.queries.preferences import preferences_of

ACCESS: Mapping[str, Allow] = {
    "ListNotices": anyone(),
    "CountNotices": anyone(),
    "ReadNotices": anyone(own=True),
    "GetPreferences": anyone(),
    "ChangePreferences": anyone(own=True),
}


@dataclass(frozen=True, slots=True)
class NotificationsApi:
    """Implements `nhip.notifications.v1.Notifications`."""

    resources: Resources

    async def list_notices(self, request: pb.ListNotices, ctx: Context) -> pb.Notices:
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await inbox.page(con, ctx.tenant, ctx.actor.id, request)

    async def count_notices(self, request: pb.CountNotices, ctx: Context) -> pb.NoticeCount:
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await inbox.count(con, ctx.tenant, ctx.actor.id)

    async def read_notices(self, command: pb.ReadNotices, ctx: Context) -> Accepted:
        if bool(command.notice_ids) == command.all:
            raise Rejected("NOTICES_NAMED", "name notices, or say all", kind=Kind.INVALID, field="notice_ids")
        async with reading(self.resources.pool, ctx.tenant) as con:
            if command.all:
                unread = await inbox.unread(con, ctx.tenant, ctx.actor.id)
            else:
                named = {
                    one.row.notice_id: one
                    for one in await inbox.rows_of(con, ctx.tenant, list(dict.fromkeys(command.notice_ids)))
                }
                for index, id in enumerate(command.notice_ids):
                    if id not in named or named[id].row.person_id != ctx.actor.id:  # others' are unknown to them
                        raise unknown("notice", id, f"notice_ids[{index}]")
                unread = [id for id, one in named.items() if one.unread]
        return await self.resources.commands.on(ctx, INBOX, ctx.actor.id, lambda _: notice.read(ctx.actor.id, unread))

    async def get_preferences(self, request: pb.GetPreferences, ctx: Context) -> pb.PreferencesPage:
        async with reading(self.resources.pool, ctx.tenant) as con:
            said = await preferences_of(con, ctx.tenant, ctx.actor.id)
        org = await self.resources.directory.org_chart(ctx.tenant)
        person = org.people[ctx.actor.id]
        return pb.PreferencesPage(
            preferences=preferences.complete(said, org.language),
            email=person.email if person.email.WhichOneof("form") else None,
            email_works=self.resources.settings.smtp != "",
        )

    async def change_preferences(self, command: pb.ChangePreferences, ctx: Context) -> Accepted:
        return await self.resources.commands.on(
            ctx, PREFERENCES, ctx.actor.id, lambda state: preferences.change(state, command.preferences, ctx.actor.id)
        )
