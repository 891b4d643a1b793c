"""Gives the notices of one cause: all of them in one append, so that who hears of it is decided once."""

from collections.abc import Sequence
from datetime import datetime

from eventkit.context import Context
from eventkit.process.service import Resources
from eventkit.subscriptions.table import reading
from nhip.notifications.v1.events_pb2 import NoticeGiven
from services.notifications.domain import notice
from services.notifications.domain.batch import Batch
from services.notifications.domain.channels import addressed
from services.notifications.domain.due import is_news
from services.notifications.domain.notice import TELLING
from services.notifications.domain.preferences import delivery_preferences
from services.notifications.queries.preferences import preferences_of_all


async def give(
    resources: Resources,
    ctx: Context,
    cause: str | Batch,
    drafts: Sequence[NoticeGiven],
    *,
    happened_at: datetime,
    mail: bool = True,
) -> None:
    """Tell each person of a cause, by the channels they want as of now. `mail`: it is a reason to mail somebody."""
    if not drafts:
        return
    given = await addressed_to(resources, ctx, cause, drafts, happened_at=happened_at, mail=mail)
    telling_id = notice.telling_id(ctx.tenant, name_of(cause))

    await resources.commands.on(
        ctx, TELLING, telling_id, lambda state: notice.tell(state, telling_id, given, batch=isinstance(cause, Batch))
    )


async def addressed_to(
    resources: Resources,
    ctx: Context,
    cause: str | Batch,
    drafts: Sequence[NoticeGiven],
    *,
    happened_at: datetime,
    mail: bool = True,
) -> list[NoticeGiven]:
    """The drafts with ids and channels: everybody's preferences in one question, for a cause may concern a whole
    company."""
    org = await resources.directory.org_chart(ctx.tenant)
    days = org.settings.on(org.today(ctx.at)).news_days
    mail = mail and resources.settings.smtp != "" and is_news(happened_at, ctx.at, days)
    at = max(ctx.at, cause.until) if isinstance(cause, Batch) else ctx.at
    async with reading(resources.pool, ctx.tenant) as con:
        said = await preferences_of_all(con, ctx.tenant, [draft.person_id for draft in drafts])
    return [
        addressed(
            draft,
            notice.notice_id(ctx.tenant, draft.person_id, name_of(cause)),
            delivery_preferences(said.get(draft.person_id), org.time_zone, org.language),
            at,
            mail=mail,
        )
        for draft in drafts
    ]


def name_of(cause: str | Batch) -> str:
    return cause.cause if isinstance(cause, Batch) else cause
