"""How much a tenant may have and ask for, as whoever operates the installation says (decision 55). Pure."""

from dataclasses import dataclass

from nhip.people.v1 import people_pb2 as pb


@dataclass(frozen=True, slots=True)
class Quotas:
    """0: any number."""

    people: int = 0
    """Who are active."""
    kpis: int = 0
    """Of one cycle, those that ended left out."""
    calls: int = 0
    """A second, to one process."""


NO_QUOTAS = Quotas()


def quotas_of(message: pb.TenantQuotas) -> Quotas:
    return Quotas(message.people, message.kpis, message.calls)


def quotas_message(quotas: Quotas) -> pb.TenantQuotas | None:
    """Nothing where there is none."""
    if quotas == NO_QUOTAS:
        return None
    return pb.TenantQuotas(people=quotas.people, kpis=quotas.kpis, calls=quotas.calls)
