"""Who may."""

import pytest

from eventkit.context import Actor, Standing
from eventkit.errors import Kind, Rejected
from eventkit.rpc.access import Allow, anyone, authorise, roles, services, signed

LAN, IMPORTER = Actor("acme", "lan"), Actor("acme", "importer", "service")
OPERATES = Actor("acme", "operator", "service")
CRM = Actor("acme", "crm", "integration", "person:lan")


class Directory:
    def __init__(self, held: frozenset[str] | None, standing: Standing = Standing.OPEN):
        self.held, self.stands = held, standing

    async def standing(self, tenant: str) -> Standing:
        return self.stands

    async def roles(self, tenant: str, person_id: str) -> frozenset[str] | None:
        return self.held

    async def verbs(self, tenant: str, integration_id: str) -> frozenset[str] | None:
        return self.held


async def verdict(allow: Allow, actor: Actor, *held: str, changes: bool = False) -> str:
    try:
        await authorise(allow, actor, Directory(frozenset(held)), changes=changes)
    except Rejected as refusal:
        return refusal.reason if refusal.kind is Kind.FORBIDDEN else f"{refusal.kind}"
    return "may"


@pytest.mark.parametrize(
    ("allow", "actor", "held", "expected"),
    [
        (anyone(), LAN, (), "may"),
        (anyone(), IMPORTER, (), "NOT_ALLOWED"),
        (anyone(services=("importer",)), IMPORTER, (), "may"),
        (roles("executive"), LAN, ("executive", "employee"), "may"),
        (roles("executive"), LAN, ("employee",), "NOT_ALLOWED"),
        (roles("executive", services=("importer",)), IMPORTER, (), "may"),
        (services("importer"), IMPORTER, (), "may"),
        (services("importer"), LAN, ("importer", "executive"), "NOT_ALLOWED"),
        (anyone(), CRM, ("read", "record", "everything"), "NOT_ALLOWED"),
        (services("crm"), CRM, ("read", "record", "everything"), "NOT_ALLOWED"),
        (roles("read"), CRM, ("read",), "NOT_ALLOWED"),
        (anyone().and_integrations("read"), CRM, ("read",), "may"),
        (anyone().and_integrations("read"), CRM, ("record",), "NOT_ALLOWED"),
        (anyone().and_integrations("read", "everything"), CRM, ("read",), "NOT_ALLOWED"),
        (anyone().and_integrations(), CRM, (), "may"),
        (signed("record"), CRM, ("record",), "may"),
        (signed("record"), LAN, ("record",), "NOT_ALLOWED"),
        (services("lan"), LAN, (), "NOT_ALLOWED"),
        (Allow(), LAN, ("executive",), "NOT_ALLOWED"),
        (Allow(), IMPORTER, (), "NOT_ALLOWED"),
    ],
)
async def test_nobody_may_but_who_is_named(allow, actor, held, expected):
    assert await verdict(allow, actor, *held) == expected


async def test_who_is_not_active_may_nothing():
    with pytest.raises(Rejected, match="ACTOR_UNKNOWN"):
        await authorise(anyone(), LAN, Directory(None), changes=False)


async def test_who_audits_reads_everything_and_changes_nothing():
    for allow in (anyone(), roles("executive"), roles("admin", "auditor")):
        assert await verdict(allow, LAN, "auditor", "executive", "admin") == "may"
        assert await verdict(allow, LAN, "auditor", "executive", "admin", changes=True) == "NOT_ALLOWED"
        assert await verdict(allow, LAN, "executive", "admin", changes=True) == "may"


async def test_who_audits_keeps_what_is_their_own():
    assert await verdict(anyone(own=True), LAN, "auditor", changes=True) == "may"
    with pytest.raises(Rejected, match="ACTOR_UNKNOWN"):
        await authorise(anyone(own=True), LAN, Directory(None), changes=True)


def test_a_line_of_the_table_names_somebody():
    with pytest.raises(ValueError, match="name the roles"):
        roles(services=("importer",))
    with pytest.raises(ValueError, match="name the services"):
        services()


@pytest.mark.parametrize(
    "actor", [LAN, IMPORTER, CRM, Actor("acme", "lan", "guest"), Actor("acme", "lan", "feed")], ids=lambda one: one.kind
)
async def test_into_a_suspended_tenant_nobody_is_let_but_who_operates(actor: Actor):
    everybody = anyone(services=("importer", "operator")).and_integrations().and_guests()
    closed = Directory(frozenset({"admin", "read"}), Standing.SUSPENDED)
    with pytest.raises(Rejected, match="TENANT_SUSPENDED") as refusal:
        await authorise(everybody, actor, closed, changes=False)
    assert refusal.value.kind is Kind.FORBIDDEN
    await authorise(everybody, OPERATES, closed, changes=True)


async def test_of_a_deleted_tenant_who_operates_may_look_and_decide_about_it_and_nobody_does_anything_in_it():
    everybody, gone = anyone(services=("importer", "operator")), Directory(frozenset({"admin"}), Standing.DELETED)
    for allow, actor, changes in ((everybody, LAN, False), (everybody, IMPORTER, False), (everybody, OPERATES, True)):
        with pytest.raises(Rejected, match="TENANT_DELETED"):
            await authorise(allow, actor, gone, changes=changes)
    await authorise(everybody, OPERATES, gone, changes=False)
    await authorise(services("operator"), OPERATES, gone, changes=True)
