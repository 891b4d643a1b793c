"""Lays the cards of a board open when everybody is through, or when the time is up; then forgets who wrote what.

Killed in between, it begins again and ends the same: a board is laid open once, and keys are destroyed however often
that is asked for.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.log import Recorded
from eventkit.privacy.words import Words
from eventkit.process.service import Due, Reaction, Resources, Timer, reacting_to
from nhip.people.v1.events_pb2 import PersonDeactivated, PersonErased
from nhip.retros.v1.events_pb2 import CardsRevealed, CardsWritten
from services.retros.domain import team_retro
from services.retros.domain.cards import Written, unfolded
from services.retros.domain.team_retro import TEAM_RETRO, draft_key
from services.retros.queries.team_retros import anonymous_writers, closing, waiting_for


def time_is_up(resources: Resources) -> Timer:
    async def due(at: datetime, most: int) -> Sequence[Due]:
        return await closing(resources.pool, at, most)

    async def act(due: Due, ctx: Context) -> None:
        await _reveal(resources, ctx, due.thing)

    return Timer("revealing_cards", due, act)


def all_are_done(resources: Resources) -> Reaction:
    async def react(event: Recorded) -> None:
        match event.message:
            case CardsWritten(team_retro_id=id, done=True):
                await _reveal(resources, reacting_to(event, resources.name, "revealing"), id)
            case CardsRevealed(team_retro_id=id):  # where too few wrote, what each wrote stays theirs
                await _forget(resources, event.tenant, id)
            case _:
                pass

    return Reaction("revealing", "retros", react)


def leavers(resources: Resources) -> Reaction:
    """Who left is not waited for; what somebody who is erased wrote on boards that are not open goes with them."""

    async def react(event: Recorded) -> None:
        match event.message:
            case PersonErased(person_id=person_id):
                for id in await waiting_for(resources.pool, event.tenant, person_id):
                    await resources.words.destroy(event.tenant, draft_key(id, person_id))
            case PersonDeactivated(person_id=person_id):
                for id in await waiting_for(resources.pool, event.tenant, person_id):
                    await _reveal(resources, reacting_to(event, resources.name, f"leaver {id}"), id)
            case _:
                pass

    return Reaction("leavers", "people", react)


async def _reveal(resources: Resources, ctx: Context, id: str) -> None:
    org = await resources.directory.org_chart(ctx.tenant)

    async def decide(load: Load) -> Decision:
        board = await load(TEAM_RETRO, id)
        if board is None or not team_retro.is_due(board, ctx.at, org):
            return []
        written = {person: await read(resources.words, ctx.tenant, draft) for person, draft in board.drafts.items()}
        return team_retro.reveal(board, written, ctx, secrets.SystemRandom().shuffle)

    await resources.commands.execute(ctx, TEAM_RETRO(id), decide)


async def read(words: Words, tenant: str, draft: CardsWritten) -> list[Written]:
    """What a member wrote, in plain words; nothing where the key is gone."""
    opened = CardsWritten()
    opened.CopyFrom(draft)
    await words.open(opened, tenant=tenant)
    return unfolded(opened.cards.plain) if opened.cards.plain else []


async def _forget(resources: Resources, tenant: str, id: str) -> None:
    """Of an anonymous board: the keys under which its members wrote."""
    for person in await anonymous_writers(resources.pool, tenant, id):
        await resources.words.destroy(tenant, draft_key(id, person))
