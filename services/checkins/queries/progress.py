"""A page of what was recorded about a KPI's progress."""

import asyncpg

from eventkit.context import acting_id, behind
from eventkit.directory.facts import OrgChart
from eventkit.rpc.paging import asked
from eventkit.values import from_date, from_datetime, from_decimal
from nhip.checkins.v1 import checkins_pb2 as pb
from nhip.checkins.v1.types_pb2 import Evidence
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.views.progress import ENTRIES


async def entries(con: asyncpg.Connection, tenant: str, request: pb.ListProgress, org: OrgChart) -> pb.Progress:
    """A page of the entries of a KPI, the newest first; what no later one replaced, moved or took back, stands."""
    page = asked(request, tenant, int, size=100)
    rows = await con.fetch(
        f"select e.*, exists (select from {ENTRIES} later where later.tenant = e.tenant and later.kpi_id = e.kpi_id "
        "and later.version > e.version and e.occurred_on in (later.occurred_on, later.replaces_on)) as corrected "
        f"from {ENTRIES} e where tenant = $1 and kpi_id = $2 and ($3::bigint is null or version < $3) order by version "
        "desc limit $4",
        tenant,
        request.kpi_id,
        page.after[0] if page.after else None,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["version"],))
    return pb.Progress(entries=[_entry(row, org) for row in shown], next_page_token=token)


def _entry(row: asyncpg.Record, org: OrgChart) -> pb.ProgressEntry:
    kind, _, id = acting_id(row["actor"]).partition(":")
    integration = org.integrations.get(id) if kind == "integration" else None
    return pb.ProgressEntry(
        event_id=row["event_id"],
        occurred_on=from_date(row["occurred_on"]),
        recorded_at=from_datetime(row["recorded_at"]),
        value=None if row["value"] is None else from_decimal(row["value"]),
        confidence=row["confidence"],
        note=PersonalText.FromString(row["note"]) if row["note"] else None,
        actor_id=acting_id(row["actor"]),
        corrected=row["corrected"] and row["value"] is not None,
        replaces_on=from_date(row["replaces_on"]) if row["replaces_on"] else None,
        reason_class=row["reason_class"],
        evidence=Evidence.FromString(row["evidence"]) if row["evidence"] else None,
        integration_name=integration.name if integration else "",
        account_id=behind(row["actor"]).removeprefix("person:") if integration else "",
    )
