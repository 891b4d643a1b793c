"""Boards of teams as a reader may see them; those whose time is up, and those that somebody still writes on."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from eventkit.database import connection
from eventkit.errors import Kind, Rejected, unknown
from eventkit.process.service import Due
from eventkit.values import from_datetime
from nhip.common.v1.words_pb2 import PersonalText
from nhip.retros.v1 import retros_pb2 as pb
from nhip.retros.v1 import types_pb2 as t
from services.retros.domain.team_retro import votes_of
from services.retros.views.cycle import KNOWN_CYCLES
from services.retros.views.team_retro import DRAFTS, TEAM_RETROS, VOTES


async def team_retro(
    con: asyncpg.Connection, tenant: str, team_retro_id: str, reader: str
) -> tuple[pb.TeamRetro, PersonalText | None]:
    """A board for one of its members, or for who leads through it; and the member's own cards, still sealed and folded,
    as long as they do not lie open.

    Raises `Rejected` NOT_YOUR_RETRO for everybody else.
    """
    row = await con.fetchrow(
        f"""select b.*, c.name, c.ends_on from {TEAM_RETROS} b left join {KNOWN_CYCLES} c using (tenant, cycle_id)
        where b.tenant = $1 and b.team_retro_id = $2""",
        tenant,
        team_retro_id,
    )
    if row is None:
        raise unknown("team_retro", team_retro_id, "team_retro_id")
    member = reader in row["member_ids"]
    if not member and reader != row["facilitator_id"]:
        raise Rejected(
            "NOT_YOUR_RETRO",
            "a team's retro is for those who write on it and who leads through it",
            kind=Kind.FORBIDDEN,
            rule="C-48",
        )
    found = pb.TeamRetro.FromString(row["shown"])
    found.team_retro_id, found.cycle_id, found.unit_id = row["team_retro_id"], row["cycle_id"], row["unit_id"]
    found.cycle_name, found.stage, found.anonymous = row["name"] or "", row["stage"], row["anonymous"]
    found.facilitator_id, found.members, found.member = row["facilitator_id"], len(row["member_ids"]), member
    found.closes_at.CopyFrom(from_datetime(row["closes_at"]))
    drafts = await con.fetchrow(
        f"""select count(*) filter (where done) as writers, max(revision) filter (where person_id = $3) as revision,
            bool_or(done) filter (where person_id = $3) as done from {DRAFTS}
        where tenant = $1 and team_retro_id = $2""",
        tenant,
        team_retro_id,
        reader,
    )
    assert drafts is not None
    writing = row["stage"] == t.STAGE_WRITING
    found.writers = drafts["writers"] if writing else row["writers"]
    found.own_done, found.own_revision = bool(drafts["done"]), drafts["revision"] or 0
    await _votes(con, tenant, found, reader)
    if row["ends_on"] is not None:
        await _before(con, tenant, found, row["ends_on"])
    theirs = member and row["stage"] in (t.STAGE_WRITING, t.STAGE_LAPSED)
    return found, await _own(con, tenant, team_retro_id, reader) if theirs else None


async def _own(con: asyncpg.Connection, tenant: str, team_retro_id: str, reader: str) -> PersonalText | None:
    cards = await con.fetchval(
        f"select cards from {DRAFTS} where tenant = $1 and team_retro_id = $2 and person_id = $3",
        tenant,
        team_retro_id,
        reader,
    )
    return PersonalText.FromString(cards) if cards is not None else None


async def _votes(con: asyncpg.Connection, tenant: str, found: pb.TeamRetro, reader: str) -> None:
    rows = await con.fetch(
        f"select person_id, card_ids from {VOTES} where tenant = $1 and team_retro_id = $2",
        tenant,
        found.team_retro_id,
    )
    cast = {row["person_id"]: row["card_ids"] for row in rows if row["card_ids"]}
    found.own_votes.extend(cast.get(reader, ()))
    found.voters = len(cast)
    counted = votes_of(cast)
    for card in found.cards:
        card.votes = counted[card.card.card_id]


async def _before(con: asyncpg.Connection, tenant: str, found: pb.TeamRetro, ends_on: object) -> None:
    """What the same unit chose to try last, before this board's cycle."""
    row = await con.fetchrow(
        f"""select b.team_retro_id, b.shown, c.name from {TEAM_RETROS} b join {KNOWN_CYCLES} c using (tenant, cycle_id)
        where b.tenant = $1 and b.unit_id = $2 and b.stage = $3 and c.ends_on < $4
        order by c.ends_on desc, b.team_retro_id limit 1""",
        tenant,
        found.unit_id,
        t.STAGE_DONE,
        ends_on,
    )
    if row is not None:
        found.before.extend(pb.TeamRetro.FromString(row["shown"]).trials)
        found.before_id, found.before_cycle = row["team_retro_id"], row["name"]


async def closing(pool: asyncpg.Pool, at: datetime, most: int) -> Sequence[Due]:
    """The boards of all tenants whose time of writing is up, the longest first."""
    async with connection(pool) as con:
        rows = await con.fetch(
            f"""select tenant, team_retro_id, closes_at from {TEAM_RETROS}
            where stage = $1 and closes_at <= $2 order by closes_at, tenant, team_retro_id limit $3""",
            t.STAGE_WRITING,
            at,
            most,
        )
    return [Due(row["tenant"], row["team_retro_id"], row["closes_at"]) for row in rows]


async def waiting_for(pool: asyncpg.Pool, tenant: str, person_id: str) -> list[str]:
    """The boards that somebody is a member of and that do not lie open yet."""
    async with connection(pool) as con:
        rows = await con.fetch(
            f"""select team_retro_id from {TEAM_RETROS}
            where tenant = $1 and stage = $2 and $3 = any(member_ids) order by team_retro_id""",
            tenant,
            t.STAGE_WRITING,
            person_id,
        )
    return [row["team_retro_id"] for row in rows]


async def anonymous_writers(pool: asyncpg.Pool, tenant: str, team_retro_id: str) -> list[str]:
    """Who wrote on a board that is anonymous; nobody of another one."""
    async with connection(pool) as con:
        rows = await con.fetch(
            f"""select d.person_id from {DRAFTS} d join {TEAM_RETROS} b using (tenant, team_retro_id)
            where d.tenant = $1 and d.team_retro_id = $2 and b.anonymous order by d.person_id""",
            tenant,
            team_retro_id,
        )
    return [row["person_id"] for row in rows]
