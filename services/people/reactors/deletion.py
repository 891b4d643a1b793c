"""Deletes tenants: begins when the time has come that was given to take it back, destroys every key of theirs, and says
so. Killed anywhere, it goes on and ends the same.

That all keys of a tenant were destroyed is kept with the keys, too. So where one of the two, log or keys, went back to
before that, it is said, or done, again by itself.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.directory.facts import TENANT
from eventkit.process.service import Due, Resources, Timer
from nhip.people.v1 import people_pb2 as pb
from services.people.domain import deletion
from services.people.queries.tenants import not_known_as_deleted, to_be_deleted

BEGINS, DESTROYS, SAYS = "begins", "destroys", "says"
LOOK = timedelta(seconds=30)


def deleting(resources: Resources) -> Timer:
    """What is asked for and approved; not by what was approved before the log went back to a backup, for that it was
    taken back may be what is gone."""

    async def due(at: datetime, most: int) -> Sequence[Due]:
        restored_at = resources.incarnations.own.after
        return [
            Due(tenant, DESTROYS if state == pb.TENANT_DELETION_STATE_BEGUN else BEGINS, begins_at)
            for tenant, state, begins_at in await to_be_deleted(resources.pool, at, most, restored_at)
        ]

    async def act(due: Due, ctx: Context) -> None:
        async def decide(load: Load) -> Decision:
            tenant = await load(TENANT, due.tenant)
            if due.thing == BEGINS:
                return deletion.begin(tenant, due.tenant, ctx.at)
            if tenant is None or tenant.deletion != pb.TENANT_DELETION_STATE_BEGUN:
                return []
            await resources.words.destroy_all(due.tenant)
            return deletion.complete(tenant, due.tenant)

        await resources.commands.execute(ctx, TENANT(due.tenant), decide)

    return Timer("deleting", due, act, of_suspended=True)


def deleted_before(resources: Resources) -> Timer:
    """What was deleted, and is not known to have been: by the log, or by the keys."""

    async def due(at: datetime, most: int) -> Sequence[Due]:
        destroyed, gone = set(await resources.words.destroyed_tenants()), await resources.directory.gone()
        unsaid = await not_known_as_deleted(resources.pool, sorted(destroyed), most)
        whole = [Due(tenant, DESTROYS, at) for tenant in sorted(gone - destroyed)]
        return [*whole, *(Due(tenant, SAYS, at) for tenant in unsaid)][:most]

    async def act(due: Due, ctx: Context) -> None:
        await resources.words.destroy_all(due.tenant)  # also what is only to be said: it fails where a key is left
        if due.thing == SAYS:
            await resources.commands.on(ctx, TENANT, due.tenant, lambda tenant: deletion.complete(tenant, due.tenant))

    return Timer("deleted_before", due, act, every=LOOK, of_suspended=True)
