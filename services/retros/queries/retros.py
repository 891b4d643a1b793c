"""What people wrote for themselves, as far as the reader may see it; and the rounds, with what the reader has of
each."""

from collections.abc import Mapping, Sequence
from datetime import date

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.errors import unknown
from eventkit.rpc.paging import asked
from eventkit.values import from_date, from_datetime
from nhip.retros.v1 import retros_pb2 as pb
from nhip.retros.v1.types_pb2 import STAGE_LAPSED, Starfish
from services.retros.domain.looking_back import KnownCycle
from services.retros.domain.team_retro import may_open
from services.retros.views.cycle import KNOWN_CYCLES
from services.retros.views.retro import RETROS
from services.retros.views.team_retro import DRAFTS, TEAM_RETROS

PAGE, SHARED_PAGE = 10, 50
LISTED = 50
"""Most boards, and most units without one, that are listed of a round."""


async def retro(
    con: asyncpg.Connection, tenant: str, cycle: KnownCycle, person_id: str, reader: str, org: OrgChart
) -> pb.Retro:
    """One's own, or one that was shared with the reader; to others it is not there."""
    row = await con.fetchrow(
        f"select * from {RETROS} where tenant = $1 and person_id = $2 and cycle_id = $3", tenant, person_id, cycle.id
    )
    own = person_id == reader
    if not own and (row is None or row["reader_id"] != reader):
        raise unknown("retro", person_id, "person_id")
    found = pb.Retro(round=_round(cycle, row), person_id=person_id)
    if row is not None:
        found.starfish.ParseFromString(row["starfish"])
        found.done, found.revision, found.reader_id = row["done"], row["revision"], row["reader_id"]
        found.written_at.CopyFrom(from_datetime(row["written_at"]))
    if own:
        manager = org.manager(person_id)
        found.manager_id = manager if org.is_active(manager) else ""
        if before := await _before(con, tenant, cycle, person_id):
            found.before.ParseFromString(before["starfish"])
            found.before_cycle = before["name"]
    return found


async def _before(con: asyncpg.Connection, tenant: str, cycle: KnownCycle, person_id: str) -> asyncpg.Record | None:
    return await con.fetchrow(
        f"""select r.starfish, c.name from {RETROS} r join {KNOWN_CYCLES} c using (tenant, cycle_id)
        where r.tenant = $1 and r.person_id = $2 and r.cycle_id <> $3 and c.ends_on < $4 and not c.withdrawn
        order by c.ends_on desc, c.cycle_id limit 1""",
        tenant,
        person_id,
        cycle.id,
        cycle.ends_on,
    )


async def rounds(
    con: asyncpg.Connection, tenant: str, request: pb.ListRounds, reader: str, org: OrgChart, today: date
) -> pb.Rounds:
    """The cycles that have begun, the last to end first."""
    page = asked(request, tenant, date, str, size=PAGE)
    ends_on, cycle_id = page.after or (None, "")
    rows = await con.fetch(
        f"""select c.*, r.starfish, r.done from {KNOWN_CYCLES} c
        left join {RETROS} r on r.tenant = c.tenant and r.cycle_id = c.cycle_id and r.person_id = $2
        where c.tenant = $1 and c.starts_on <= $3 and not c.withdrawn
          and ($4::date is null or (c.ends_on, c.cycle_id) < ($4, $5))
        order by c.ends_on desc, c.cycle_id desc limit $6""",
        tenant,
        reader,
        today,
        ends_on,
        cycle_id,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["ends_on"], row["cycle_id"]))
    mine, held = await _boards(con, tenant, [row["cycle_id"] for row in shown], reader)
    mine_to_open = [unit for unit in sorted(org.units) if org.members(unit) > 1 and may_open(org, reader, unit)]
    found: list[pb.Round] = []
    for row in shown:
        one = _round(KnownCycle(row["cycle_id"], row["name"], row["starts_on"], row["ends_on"]), row)
        boards = mine.get(row["cycle_id"], [])
        units = [unit for unit in mine_to_open if unit not in held.get(row["cycle_id"], ())]
        one.boards.extend(boards[:LISTED])
        one.unit_ids.extend(units[:LISTED])
        one.more = max(0, len(boards) - LISTED) + max(0, len(units) - LISTED)
        found.append(one)
    return pb.Rounds(rounds=found, next_page_token=token)


async def _boards(
    con: asyncpg.Connection, tenant: str, cycle_ids: Sequence[str], reader: str
) -> tuple[Mapping[str, list[pb.Board]], Mapping[str, set[str]]]:
    """By cycle the boards that the reader writes on or leads through, and all units that have one."""
    rows = await con.fetch(
        f"""select b.team_retro_id, b.cycle_id, b.unit_id, b.stage, b.closes_at, coalesce(d.done, false) as done,
            $2 = any(b.member_ids) as member, b.facilitator_id = $2 as leads
        from {TEAM_RETROS} b
        left join {DRAFTS} d on d.tenant = b.tenant and d.team_retro_id = b.team_retro_id and d.person_id = $2
        where b.tenant = $1 and b.cycle_id = any($3::text[]) order by b.closes_at, b.team_retro_id""",
        tenant,
        reader,
        cycle_ids,
    )
    mine: dict[str, list[pb.Board]] = {}
    held: dict[str, set[str]] = {}
    for row in rows:
        if row["stage"] != STAGE_LAPSED:
            held.setdefault(row["cycle_id"], set()).add(row["unit_id"])
        if row["member"] or row["leads"]:
            board = pb.Board(
                team_retro_id=row["team_retro_id"],
                unit_id=row["unit_id"],
                stage=row["stage"],
                closes_at=from_datetime(row["closes_at"]),
                member=row["member"],
                done=row["done"],
            )
            mine.setdefault(row["cycle_id"], []).append(board)
    return mine, held


async def shared_retros(
    con: asyncpg.Connection, tenant: str, request: pb.ListSharedRetros, reader: str
) -> pb.SharedRetros:
    page = asked(request, tenant, str, size=SHARED_PAGE)
    rows = await con.fetch(
        f"""select person_id from {RETROS} where tenant = $1 and reader_id = $2 and cycle_id = $3
        and ($4::text is null or person_id > $4) order by person_id limit $5""",
        tenant,
        reader,
        request.cycle_id,
        page.after[0] if page.after else None,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["person_id"],))
    return pb.SharedRetros(person_ids=[row["person_id"] for row in shown], next_page_token=token)


def _round(cycle: KnownCycle, row: asyncpg.Record | None) -> pb.Round:
    """`row`: with what the reader wrote, where there is one."""
    starfish = Starfish.FromString(row["starfish"]) if row is not None and row["starfish"] is not None else None
    return pb.Round(
        cycle_id=cycle.id,
        name=cycle.name,
        starts_on=from_date(cycle.starts_on),
        ends_on=from_date(cycle.ends_on),
        written=starfish is not None and bool(starfish.ListFields()),
        done=bool(row is not None and row["done"]),
    )
