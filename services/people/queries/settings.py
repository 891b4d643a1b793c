"""The settings in force, and a page of how they were changed."""

from datetime import date, datetime

import asyncpg

from eventkit.context import acting_id
from eventkit.directory.facts import OrgChart
from eventkit.directory.tenant_settings import Setting, TenantSettings, catalogue
from eventkit.directory.views import SettingView
from eventkit.rpc.paging import asked
from eventkit.values import from_date, from_datetime, from_decimal, to_date, to_datetime
from nhip.common.v1.time_pb2 import AsOf
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import settings_pb2 as pb

PAGE = 50
CHANGES = SettingView().table


def page(request: pb.GetSettings, org: OrgChart, at: datetime) -> pb.SettingsPage:
    """Those of a day, which may lie ahead, as they were known at a moment; absent parts are now."""
    day = to_date(request.as_of.effective_on) or org.today(at)
    known = to_datetime(request.as_of.recorded_at) if request.as_of.HasField("recorded_at") else None
    return pb.SettingsPage(
        as_of=AsOf(effective_on=from_date(day), recorded_at=from_datetime(min(known or at, at))),
        in_force=org.settings.on(day, known),
        settings=[_state(org.settings, setting, day, known) for setting in catalogue().values()],
    )


def _state(settings: TenantSettings, setting: Setting, day: date, known: datetime | None) -> pb.SettingState:
    last = settings.last(setting.name, day, known)
    ahead = settings.ahead(day, setting.name, known)[:1]
    state = pb.SettingState(
        name=setting.name,
        value=from_decimal(settings.value(setting.name, day, known)),
        default=from_decimal(setting.default),
        own=last is not None and last.value is not None,
        since=from_date(last.effective_on) if last else None,
        least=from_decimal(setting.least),
        most=from_decimal(setting.most),
        unit=setting.unit,
        group=setting.group,
    )
    for change in ahead:
        state.next_value.CopyFrom(from_decimal(setting.default if change.value is None else change.value))
        state.next_on.CopyFrom(from_date(change.effective_on))
        state.next_is_default = change.value is None
    return state


async def changes(con: asyncpg.Connection, tenant: str, request: pb.ListSettingChanges) -> pb.SettingChanges:
    """The newest first; of one decision by the names of the settings."""
    page = asked(request, tenant, int, str, size=PAGE)
    version, name = page.after or (None, "")
    rows = await con.fetch(
        f"""select * from {CHANGES} where tenant = $1 and ($2 = '' or name = $2)
        and ($3::bigint is null or version < $3 or (version = $3 and name collate "C" > $4))
        order by version desc, name collate "C" limit $5""",
        tenant,
        request.name,
        version,
        name,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["version"], row["name"]))
    return pb.SettingChanges(changes=map(_change, shown), next_page_token=token)


def _change(row: asyncpg.Record) -> pb.SettingChange:
    return pb.SettingChange(
        name=row["name"],
        before=from_decimal(row["before"]),
        after=from_decimal(row["after"]),
        to_default=row["value"] is None,
        effective_on=from_date(row["effective_on"]),
        recorded_at=from_datetime(row["recorded_at"]),
        by=acting_id(row["actor"]),
        reason=PersonalText.FromString(row["reason"]),
    )
