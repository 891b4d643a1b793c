"""Integrations as lists and one by one."""

from datetime import datetime

import asyncpg

from eventkit.directory.credential_views import IntegrationRow
from eventkit.directory.directory import INTEGRATION_TABLE
from eventkit.directory.facts import OrgChart
from eventkit.errors import unknown
from eventkit.rpc.paging import asked
from eventkit.values import from_datetime, to_date
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import integrations_pb2 as pb

PAGE = 100


async def integrations(
    con: asyncpg.Connection, tenant: str, request: pb.ListIntegrations, org: OrgChart, at: datetime
) -> pb.Integrations:
    """Those that work, by name; then the revoked."""
    page = asked(request, tenant, bool, str, str, size=PAGE)
    rows = await con.fetch(
        f"""select * from {INTEGRATION_TABLE} where tenant = $1
        and ($2::bool is null or (revoked_at is not null, name collate "C", integration_id) > ($2, $3, $4))
        order by revoked_at is not null, name collate "C", integration_id limit $5""",
        tenant,
        *(page.after or (None, "", "")),
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["revoked_at"] is not None, row["name"], row["integration_id"]))
    return pb.Integrations(
        integrations=[_message(INTEGRATION_TABLE.of(row), org, at) for row in shown], next_page_token=token
    )


async def integration(con: asyncpg.Connection, tenant: str, id: str, org: OrgChart, at: datetime) -> pb.Integration:
    """Raises `Rejected` INTEGRATION_UNKNOWN."""
    row = await con.fetchrow(f"select * from {INTEGRATION_TABLE} where tenant = $1 and integration_id = $2", tenant, id)
    if row is None:
        raise unknown("integration", id, "integration_id")
    return _message(INTEGRATION_TABLE.of(row), org, at)


def _message(row: IntegrationRow, org: OrgChart, at: datetime) -> pb.Integration:
    facts = pb.IntegrationFacts.FromString(row.facts)
    last, account = to_date(facts.expires_on), org.people.get(facts.account_id)
    old = row.old_until is not None and at < row.old_until
    return pb.Integration(
        integration_id=row.integration_id,
        integration=facts,
        key_hint=row.key_hint,
        key_made_at=from_datetime(row.key_made_at),
        old_key_hint=row.old_hint if old else "",
        old_key_until=from_datetime(row.old_until) if old and row.old_until else None,
        made_by=row.made_by,
        made_at=from_datetime(row.made_at),
        revoked_at=from_datetime(row.revoked_at) if row.revoked_at else None,
        revoked_by=row.revoked_by,
        reason=PersonalText.FromString(row.reason) if row.reason else None,
        expired=last is not None and last < org.today(at),
        account_name=account.name if account else None,
        account_active=org.is_active(facts.account_id),
    )
