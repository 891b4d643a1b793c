"""Looks at published tables: which are due, what a source said last, and how the last looks went.

Beside the log: what was taken is recorded, and when a table was looked at in vain is no fact of the company's.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from eventkit.database import connection, transaction
from eventkit.directory.directory import INTEGRATION_TABLE
from eventkit.process.service import Due
from eventkit.rpc.paging import asked
from eventkit.values import from_datetime
from nhip.checkins.v1 import polls_pb2 as pb

PAGE, KEPT = 10, 50
"""Looks on a page without a size; that are kept of an integration."""

SCHEMA = """
create table if not exists poll_state (
    tenant text not null, integration_id text not null, facts_md5 text not null, polled_at timestamptz not null,
    next_at timestamptz not null, etag text not null, last_modified text not null, seen jsonb not null,
    primary key (tenant, integration_id));
create table if not exists poll_run (
    tenant text not null, integration_id text not null, at timestamptz not null, unchanged_at timestamptz,
    taken int not null, refused int not null, fault text not null, parameters jsonb not null, faults jsonb not null,
    primary key (tenant, integration_id, at))"""


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of a table between two looks."""

    etag: str = ""
    last_modified: str = ""
    seen: Mapping[str, str] = field(default_factory=dict[str, str])
    """By KPI and day, a digest of what was taken for it: what a source said before is not said again."""


@dataclass(frozen=True, slots=True)
class RowFault:
    row: int
    called: str
    reason: str
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Run:
    """How a look went."""

    taken: int = 0
    faults: Sequence[RowFault] = ()
    fault: str = ""
    """Why the table could not be had or read."""
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])


async def due(pool: asyncpg.Pool, at: datetime, most: int) -> list[Due]:
    """Those of all tenants whose time has come, or that were changed since they were last looked at."""
    async with connection(pool) as con:
        rows = await con.fetch(
            f"""select tenant, integration_id,
                case when s.tenant is null then i.made_at when s.facts_md5 <> md5(i.facts) then s.polled_at
                     else s.next_at end as at
            from {INTEGRATION_TABLE} i left join poll_state s using (tenant, integration_id)
            where i.polls and (s.tenant is null or s.facts_md5 <> md5(i.facts) or s.next_at <= $1)
            order by at, tenant, integration_id limit $2""",
            at,
            most,
        )
    return [Due(row["tenant"], row["integration_id"], row["at"]) for row in rows]


async def state_of(pool: asyncpg.Pool, tenant: str, integration_id: str, facts: bytes) -> State:
    """Nothing is remembered where the integration was changed meanwhile: other columns are another table."""
    async with connection(pool) as con:
        row = await con.fetchrow(
            "select * from poll_state where tenant = $1 and integration_id = $2 and facts_md5 = md5($3::bytea)",
            tenant,
            integration_id,
            facts,
        )
    return State(row["etag"], row["last_modified"], json.loads(row["seen"])) if row else State()


async def looked(
    pool: asyncpg.Pool,
    tenant: str,
    integration_id: str,
    facts: bytes,
    at: datetime,
    every: timedelta,
    state: State,
    run: Run | None,
) -> None:
    """A look is over; `run` is None where the table was as before."""
    async with transaction(pool) as con:
        await con.execute(
            """insert into poll_state values ($1, $2, md5($3::bytea), $4, $5, $6, $7, $8)
            on conflict (tenant, integration_id) do update set facts_md5 = excluded.facts_md5,
                polled_at = excluded.polled_at, next_at = excluded.next_at, etag = excluded.etag,
                last_modified = excluded.last_modified, seen = excluded.seen""",
            tenant,
            integration_id,
            facts,
            at,
            at + every,
            state.etag,
            state.last_modified,
            json.dumps(dict(state.seen)),
        )
        last = await con.fetchrow(
            "select * from poll_run where tenant = $1 and integration_id = $2 order by at desc limit 1",
            tenant,
            integration_id,
        )
        if last is not None and (run is None or (not run.taken and _as_before(last, run))):
            await con.execute(
                "update poll_run set unchanged_at = $4 where tenant = $1 and integration_id = $2 and at = $3",
                tenant,
                integration_id,
                last["at"],
                at,
            )
            return
        run = run or Run()
        await con.execute(
            "insert into poll_run values ($1, $2, $3, null, $4, $5, $6, $7, $8) on conflict do nothing",
            tenant,
            integration_id,
            at,
            run.taken,
            len(run.faults),
            run.fault,
            json.dumps(dict(run.parameters)),
            _faults(run),
        )
        await con.execute(
            """delete from poll_run where tenant = $1 and integration_id = $2 and at <
            (select min(at) from (select at from poll_run where tenant = $1 and integration_id = $2
             order by at desc limit $3) kept)""",
            tenant,
            integration_id,
            KEPT,
        )


def _faults(run: Run) -> str:
    return json.dumps([asdict(one) for one in run.faults[:20]])


def _as_before(last: asyncpg.Record, run: Run) -> bool:
    parts = (last["refused"], last["fault"], json.loads(last["parameters"]), json.loads(last["faults"]))
    return parts == (len(run.faults), run.fault, dict(run.parameters), json.loads(_faults(run)))


async def polls(pool: asyncpg.Pool, tenant: str, request: pb.ListPolls) -> pb.Polls:
    """The last looks, the newest first."""
    page = asked(request, tenant, datetime, size=PAGE)
    async with connection(pool) as con:
        rows = await con.fetch(
            """select * from poll_run where tenant = $1 and integration_id = $2 and ($3::timestamptz is null or at < $3)
            order by at desc limit $4""",
            tenant,
            request.integration_id,
            page.after[0] if page.after else None,
            page.limit,
        )
    shown, token = page.cut(rows, lambda row: (row["at"],))
    return pb.Polls(polls=map(_poll, shown), next_page_token=token)


def _poll(row: asyncpg.Record) -> pb.Poll:
    faults: list[dict[str, Any]] = json.loads(row["faults"])
    return pb.Poll(
        at=from_datetime(row["at"]),
        unchanged_at=from_datetime(row["unchanged_at"]) if row["unchanged_at"] else None,
        taken=row["taken"],
        refused=row["refused"],
        fault=row["fault"],
        parameters=json.loads(row["parameters"]),
        faults=[pb.PollFault(**one) for one in faults],
    )
