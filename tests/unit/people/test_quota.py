"""How many people a tenant may have."""

from dataclasses import replace

from eventkit.commands.aggregate import Decision
from eventkit.directory.facts import TENANT, Organisation, OrgChart, Person, Place
from eventkit.directory.quotas import Quotas
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1.events_pb2 import TenantCreated, TenantQuotasSet
from services.people.domain import quota
from tests.unit.decisions import Given, rejected

A = "acme"
MADE = Given({("tenant", A): [TenantCreated(tenant_id=A, name="Acme", time_zone="Asia/Tokyo")]})


def people(*ids: str, left: tuple[str, ...] = (), most: int = 0) -> OrgChart:
    """As a service has heard of them."""
    known = {id: Person(id, PersonalText(), PersonalText(), ("employee",), active=id not in left) for id in ids + left}
    return OrgChart(people=known, quotas=Quotas(people=most))


def registered(*ids: str) -> Organisation:
    return Organisation(places=dict.fromkeys(ids, Place()))


def set_to(given: Given, id: str = A, **most: int) -> Decision:
    command = pb.SetTenantQuotas(tenant_id=id, **most)
    return quota.change(given.state(TENANT, A), command, A)


def test_what_is_given_is_set_once_and_the_rest_stays():
    changed = TenantQuotasSet(tenant_id=A, after=pb.TenantQuotas(people=5, calls=20))
    given = MADE.when(lambda given: set_to(given, people=5, calls=20)).then(changed)
    given.when(lambda given: set_to(given, people=5, calls=20)).then_nothing()
    kpis_too = pb.TenantQuotas(people=5, kpis=9, calls=20)
    given.when(lambda given: set_to(given, kpis=9)).then(
        TenantQuotasSet(tenant_id=A, before=changed.after, after=kpis_too)
    ).when(lambda given: set_to(given, people=0)).then(
        TenantQuotasSet(tenant_id=A, before=kpis_too, after=pb.TenantQuotas(kpis=9, calls=20))
    )
    given.when(lambda given: set_to(given, people=0, calls=0)).then(TenantQuotasSet(tenant_id=A, before=changed.after))
    given.when(set_to).then_rejected("NOTHING_GIVEN", field="people")
    given.when(lambda given: set_to(given, "other", people=5)).then_rejected("ANOTHER_TENANT", field="tenant_id")


def test_one_more_is_refused_where_there_is_no_room_and_who_left_makes_some():
    quota.refuse_full(registered("lan", "minh"), people("lan", "minh"))
    quota.refuse_full(registered("lan", "minh"), people("lan", "minh", most=3))
    quota.refuse_full(registered("lan", "minh", "tú"), people("lan", "minh", left=("tú",), most=3))
    rejected("PEOPLE_QUOTA", lambda: quota.refuse_full(registered("lan", "minh"), people("lan", "minh", most=2)))
    # Nobody has heard of the third yet; whoever registered them looked at the same organisation.
    rejected("PEOPLE_QUOTA", lambda: quota.refuse_full(registered("a", "b", "c"), people("a", "b", most=3)))
    fewer = replace(people("lan", "minh"), quotas=Quotas(people=1))
    rejected("PEOPLE_QUOTA", lambda: quota.refuse_full(registered("lan", "minh"), fewer))
