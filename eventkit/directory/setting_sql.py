"""A setting of each tenant, where one statement looks at those of all."""

from eventkit.directory.tenant_settings import catalogue
from eventkit.directory.views import SettingView


def in_force(name: str, tenant: str, day: str) -> str:
    """SQL for the value of a whole-numbered setting of a tenant on a day, both of them expressions: one row with
    `value`. As `TenantSettings.value` has it."""
    return f"""
      select coalesce(
        (select value from {SettingView().table} where tenant = {tenant} and name = '{name}' and effective_on <= {day}
          order by version desc limit 1),
        {catalogue()[name].default})::int as value"""
