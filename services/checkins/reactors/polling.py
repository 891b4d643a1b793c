"""Looks at the tables that integrations name, and records what is new in them, as the integration."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid5

from eventkit.context import Actor, Context
from eventkit.directory.directory import INTEGRATION_TABLE
from eventkit.directory.integrations import Integration
from eventkit.process.service import Due, Resources, Timer
from eventkit.rpc.rules import violations
from eventkit.subscriptions.table import reading
from importing.sheets.grid import Unreadable
from services.checkins.domain.published_table import Said, Unsaid, rows
from services.checkins.queries import polls
from services.checkins.queries.polls import RowFault, Run, State
from services.checkins.reactors.published import Published, Reach, Unavailable, get
from services.checkins.recording import Recording

AT_ONCE = 500
"""Values that are recorded together."""


def polling(resources: Resources, reach: Reach) -> Timer:
    async def due(at: datetime, most: int) -> Sequence[Due]:
        return await polls.due(resources.pool, at, most)

    return Timer("polling", due, Polling(resources, reach).look)


class Polling:
    """One look at the table of one integration; how it went is kept, whatever comes of it."""

    def __init__(self, resources: Resources, reach: Reach):
        self._resources, self._reach, self._recording = resources, reach, Recording(resources)

    async def look(self, due: Due, ctx: Context) -> None:
        org = await self._resources.directory.org_chart(due.tenant)
        integration = org.integrations.get(due.thing)
        if integration is None or not integration.facts.HasField("polled"):
            return  # the rows moved on while this was due: it is not any more
        async with reading(self._resources.pool, due.tenant) as con:
            facts: bytes = await con.fetchval(
                f"select facts from {INTEGRATION_TABLE} where tenant = $1 and integration_id = $2",
                due.tenant,
                due.thing,
            )
        state = await polls.state_of(self._resources.pool, due.tenant, due.thing, facts)
        run: Run | None
        if not integration.works(org.today(ctx.at)):
            run = Run(fault="INTEGRATION_EXPIRED")
        else:
            state, run = await self._look(integration, state, ctx)
        every = timedelta(minutes=integration.facts.polled.every_minutes)
        await polls.looked(self._resources.pool, due.tenant, due.thing, facts, ctx.at, every, state, run)

    async def _look(self, integration: Integration, state: State, ctx: Context) -> tuple[State, Run | None]:
        try:
            url = integration.facts.polled.url
            published = await get(url, self._reach, etag=state.etag, last_modified=state.last_modified)
            if published.content is None:
                return state, None
            found = await asyncio.to_thread(list, rows(published.content, integration))
        except (Unavailable, Unreadable) as wrong:
            return replace(state, etag="", last_modified=""), Run(fault=wrong.reason, parameters=wrong.parameters)
        return await self._take(integration, found, published, state, ctx)

    async def _take(
        self, integration: Integration, found: Sequence[Said | Unsaid], published: Published, state: State, ctx: Context
    ) -> tuple[State, Run]:
        """What the source says otherwise than when it was last looked at."""
        faults = [RowFault(one.row, one.called, one.reason, one.parameters) for one in found if isinstance(one, Unsaid)]
        actor = Actor(ctx.tenant, integration.id, "integration", integration.account)
        new: list[Said] = []
        for one in found:
            if isinstance(one, Said) and state.seen.get(one.key) != one.digest:
                wrong = [v for v in violations(one.command) if v.field != "kpi_id"]
                if wrong:
                    faults.append(RowFault(one.row, one.called, wrong[0].reason, wrong[0].parameters))
                else:
                    new.append(one)
        taken, seen = 0, dict[str, str]()
        for start in range(0, len(new), AT_ONCE):
            some = new[start : start + AT_ONCE]
            circumstances = [_of_row(one, actor, ctx) for one in some]
            reply = await self._recording.all([(c, one.command) for c, one in zip(circumstances, some, strict=True)])
            for one, verdict in zip(some, reply.verdicts, strict=True):
                if verdict.HasField("refused"):
                    refused = verdict.refused
                    faults.append(RowFault(one.row, one.called, refused.reason, dict(refused.parameters)))
                else:
                    seen[one.key] = one.digest
                    taken += not (verdict.unchanged or verdict.repeated)
        kept = {one.key: state.seen[one.key] for one in found if isinstance(one, Said) and one.key in state.seen}
        # What was refused is looked at again next time, although the table may be the same.
        etag, modified = ("", "") if faults else (published.etag, published.last_modified)
        return State(etag, modified, kept | seen), Run(taken, sorted(faults, key=lambda fault: fault.row))


def _of_row(one: Said, actor: Actor, ctx: Context) -> Context:
    """The same command whenever this look is made again, as long as the row says the same."""
    id = uuid5(ctx.command_id, f"{one.key}\0{one.digest}")
    return replace(ctx, actor=actor, command_id=id, digest=b"", correlation_id=str(id))
