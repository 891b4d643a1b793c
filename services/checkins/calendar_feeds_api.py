"""gRPC of calendar feeds: request → command or query, nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eventkit.commands.aggregate import Decision
from eventkit.context import Context
from eventkit.process.service import Resources
from eventkit.rpc.access import Allow, addressed, anyone
from eventkit.subscriptions.checkpoint import OWN_FEED
from eventkit.subscriptions.table import reading
from nhip.checkins.v1 import calendar_feeds_pb2 as pb
from nhip.common.v1.command_pb2 import Accepted
from services.checkins.domain import calendar_feed
from services.checkins.domain.calendar_feed import CALENDAR_FEED
from services.checkins.queries import calendar_feeds
from services.checkins.views.calendar_feed import CalendarFeedView

ACCESS: Mapping[str, Allow] = {
    "RenewCalendarFeed": anyone(own=True),
    "EndCalendarFeed": anyone(own=True),
    "GetCalendarFeed": anyone(),
    "ReadCalendarFeed": addressed(),
}


@dataclass(frozen=True, slots=True)
class CalendarFeedsApi:
    """Implements `nhip.checkins.v1.CalendarFeeds`."""

    resources: Resources

    async def renew_calendar_feed(self, command: pb.RenewCalendarFeed, ctx: Context) -> Accepted:
        return await self._moved(ctx, lambda state: calendar_feed.renew(state, command, ctx.actor.id))

    async def end_calendar_feed(self, command: pb.EndCalendarFeed, ctx: Context) -> Accepted:
        return await self._moved(ctx, lambda state: calendar_feed.end(state, ctx.actor.id))

    async def _moved(self, ctx: Context, decide: Callable[[str], Decision]) -> Accepted:
        """Answered once the address before is refused, in whatever process: it is looked up in the view."""
        accepted = await self.resources.commands.on(ctx, CALENDAR_FEED, ctx.actor.id, decide)
        if accepted.position:
            position = int(accepted.position.partition("=")[2])
            await self.resources.reached.wait([CalendarFeedView().subscription], OWN_FEED, position)
        return accepted

    async def get_calendar_feed(self, request: pb.GetCalendarFeed, ctx: Context) -> pb.CalendarFeed:
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await calendar_feeds.feed(con, ctx.tenant, ctx.actor.id)

    async def read_calendar_feed(self, request: pb.ReadCalendarFeed, ctx: Context) -> pb.CalendarEntries:
        """Of whose address it is."""
        org = await self.resources.directory.org_chart(ctx.tenant)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await calendar_feeds.entries(con, ctx.tenant, ctx.actor.id, org, ctx.at)

    async def holder(self, tenant: str, address_sha256: str) -> str:
        """Whose an address is; empty: nobody's."""
        return await calendar_feeds.holder(self.resources.pool, tenant, address_sha256)
