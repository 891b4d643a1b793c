"""What a tenant may have, and how many people it has (decision 55)."""

from dataclasses import replace

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.directory.facts import TENANT, Organisation, OrgChart, Tenant
from eventkit.directory.quotas import quotas_message
from eventkit.errors import Kind, Rejected
from nhip.people.v1.events_pb2 import TenantQuotasSet
from nhip.people.v1.people_pb2 import SetTenantQuotas
from services.people.domain.tenant import existing, refuse_another


def change(tenant: Tenant | None, command: SetTenantQuotas, id: str) -> Decision:
    """What is given is set, the rest stays as it is when this is decided. What the tenant has already stays, whatever
    it may have from now on."""
    refuse_another(command.tenant_id, id)
    given = {name: getattr(command, name) for name in ("people", "kpis", "calls") if command.HasField(name)}
    if not given:
        raise Rejected("NOTHING_GIVEN", "give people, kpis or calls", kind=Kind.INVALID, field="people")
    now = existing(tenant, id)
    after = replace(now.quotas, **given)
    if now.quotas == after:
        return []
    changed = TenantQuotasSet(tenant_id=id, before=quotas_message(now.quotas), after=quotas_message(after))
    return [StreamEvent(TENANT(id), changed)]


def refuse_full(organisation: Organisation, org: OrgChart) -> None:
    """Whether there is room for one more who is here.

    The organisation knows everybody who was ever registered, so of many who register at once none is overlooked; who
    left is known as far as this service has heard, so a place is free a moment later. Raises `Rejected` PEOPLE_QUOTA.
    """
    most = org.quotas.people
    if not most or len(organisation.places) < most:
        return
    have = 1 + sum(id not in org.people or org.people[id].active for id in organisation.places)
    if have > most:
        raise Rejected(
            "PEOPLE_QUOTA",
            f"this company may have {most} active people, and would have {have}: whoever operates this installation "
            "may allow more",
            parameters={"most": str(most), "have": str(have)},
        )
