"""Gives the notices of one cause: all of them in one append, so that who hears of it is decided once."""

from collections.abc import Sequence
from datetime import datetime

from eventkit.aggregate import Decision
from eventkit.context import Context
from eventkit.decider import Load
from eventkit.service import Kit
from nhip.notifications.v1.events_pb2 import NoticeGiven
from services.notifications.domain import notice
from services.notifications.domain.channels import addressed
from services.notifications.domain.due import NEWS_FOR
from services.notifications.domain.notice import NOTICE
from services.notifications.domain.preferences import PREFERENCES, chosen


async def give(kit: Kit, ctx: Context, cause: str, drafts: Sequence[NoticeGiven], *, happened_at: datetime, mail: bool = True) -> None:
    """Tell each person of a cause, by the channels they want as of now. `mail`: it is a reason to mail somebody."""
    if not drafts:
        return
    zone = (await kit.directory.everyone(ctx.tenant)).time_zone
    mail = mail and kit.settings.smtp != "" and ctx.at - happened_at < NEWS_FOR
    ids = {draft.person_id: notice.notice_id(ctx.tenant, draft.person_id, cause) for draft in drafts}

    async def decide(load: Load) -> Decision:
        decision: Decision = []
        for draft in drafts:
            id = ids[draft.person_id]
            wanted = chosen(await load(PREFERENCES, draft.person_id), zone)
            decision += notice.give(await load(NOTICE, id), addressed(draft, id, wanted, ctx.at, mail=mail))
        return decision

    await kit.commands.execute(ctx, NOTICE(next(iter(ids.values()))), decide)
