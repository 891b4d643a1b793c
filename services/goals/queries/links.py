"""What KPIs serve, as of any moment."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import asyncpg

from nhip.goals.v1 import types_pb2 as t
from services.goals.views.further_link import FURTHER_LINKS, FurtherLinkRow
from services.goals.views.link import LINKS, LinkRow


def parent(row: LinkRow | None) -> t.Parent | None:
    """None: it serves nothing."""
    return t.Parent(**{f"{row.parent_kind}_id": row.parent_id}) if row and row.parent_kind else None


async def some(
    con: asyncpg.Connection, tenant: str, kpi_ids: Iterable[str], known: datetime, on: date
) -> dict[str, LinkRow]:
    """The links of some KPIs as of a moment: the last ones recorded up to it and in force on that day."""
    rows = await con.fetch(
        f"select distinct on (kpi_id) * from {LINKS} where tenant = $1 and kpi_id = any($2::text[]) "
        "and recorded_at <= $3 and effective_on <= $4 order by kpi_id, version desc",
        tenant,
        list(kpi_ids),
        known,
        on,
    )
    return {row["kpi_id"]: LINKS.of(row) for row in rows}


async def further(
    con: asyncpg.Connection, tenant: str, kpi_ids: Iterable[str], known: datetime, on: date
) -> dict[str, Sequence[t.FurtherLink]]:
    """What else some KPIs support or hinder as of a moment, those of them that do. What was hindered and has ended by
    then is left out."""
    rows = await con.fetch(
        f"select distinct on (kpi_id) kpi_id, links from {FURTHER_LINKS} where tenant = $1 and kpi_id = "
        "any($2::text[]) and recorded_at <= $3 and effective_on <= $4 order by kpi_id, version desc",
        tenant,
        list(kpi_ids),
        known,
        on,
    )
    found = {row["kpi_id"]: t.FurtherLinks.FromString(row["links"]).links for row in rows}
    ends = {link.to.kpi_id for links in found.values() for link in links} - {""}
    gone = await _ended(con, tenant, ends, known, on) if ends else set[str]()
    return {id: [link for link in links if link.to.kpi_id not in gone] for id, links in found.items() if links}


async def _ended(con: asyncpg.Connection, tenant: str, kpi_ids: Iterable[str], known: datetime, on: date) -> set[str]:
    rows = await con.fetch(
        f"select distinct kpi_id from {LINKS} where tenant = $1 and kpi_id = any($2::text[]) and event = "
        "'KpiTakenOff' and recorded_at <= $3 and effective_on <= $4",
        tenant,
        list(kpi_ids),
        known,
        on,
    )
    return {row["kpi_id"] for row in rows}


async def further_versions(
    con: asyncpg.Connection, tenant: str, kpi_id: str, *, upto: datetime, most: int
) -> list[FurtherLinkRow]:
    """The last further links that a KPI had, of those recorded up to an instant, the newest first."""
    rows = await con.fetch(
        f"select * from {FURTHER_LINKS} where tenant = $1 and kpi_id = $2 and recorded_at <= $3 order by version desc "
        "limit $4",
        tenant,
        kpi_id,
        upto,
        most,
    )
    return [FURTHER_LINKS.of(row) for row in rows]


async def versions(con: asyncpg.Connection, tenant: str, kpi_id: str, *, upto: datetime, most: int) -> list[LinkRow]:
    """The last links that a KPI had, of those recorded up to an instant, the newest first."""
    rows = await con.fetch(
        f"select * from {LINKS} where tenant = $1 and kpi_id = $2 and recorded_at <= $3 order by version desc limit $4",
        tenant,
        kpi_id,
        upto,
        most,
    )
    return [LINKS.of(row) for row in rows]
