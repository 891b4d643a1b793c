"""`nhip tenant`: companies of an installation."""

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from cli.addresses import find
from cli.client import Client, connected
from cli.operating import Where, asking
from cli.running import WRONG_USE, Failed, run, say
from cli.tokens import demo_token
from eventkit.errors import Rejected
from importing.document import TENANT, is_tenant
from nhip.common.v1.operations_pb2 import ExportedEvents, ExportEvents
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2, types_pb2

app = typer.Typer(help="Companies of this installation.", no_args_is_help=True)


@app.callback()
def tenants() -> None:
    """Companies of this installation."""


@app.command()
def create(
    tenant: Annotated[str, typer.Argument(help="Its id, as tokens name it: acme.")],
    name: Annotated[str, typer.Option(help="What the company is called.")],
    admin: Annotated[str, typer.Option(help="The name of its first administrator.")],
    title: Annotated[str, typer.Option(help="The administrator's job title.")] = "",
    email: Annotated[str, typer.Option(help="The administrator's e-mail address.")] = "",
    executive: Annotated[bool, typer.Option("--executive", help="The administrator leads the company, too.")] = False,
    time_zone: Annotated[str, typer.Option(help="Where its days end; unset: Asia/Ho_Chi_Minh.")] = "",
    address: Annotated[str | None, typer.Option(help="people=host:port")] = None,
    gateway: Annotated[str | None, typer.Option(help="The gateway's URL, for a token of the demo issuer.")] = None,
    token: Annotated[str, typer.Option(help="A token of service:operator.", envvar="NHIP_OPERATOR_TOKEN")] = "",
    directory: Annotated[Path, typer.Option(help="The directory of `nhip up`.")] = Path("var"),
) -> None:
    """Make a company with its first administrator, who sets up the rest in the console. Safe to repeat as it was."""
    if not is_tenant(tenant):
        raise typer.BadParameter(f"{tenant!r} is no tenant's id: give {TENANT}", param_hint="TENANT")
    roles = [types_pb2.ROLE_EMPLOYEE, types_pb2.ROLE_ADMIN, *([types_pb2.ROLE_EXECUTIVE] if executive else [])]
    first = people_pb2.RegisterPerson(
        name=PersonalText(plain=admin), title=_words(title), email=_words(email), roles=roles
    )
    company = people_pb2.CreateTenant(name=name, time_zone=time_zone)

    async def work() -> None:
        at = find(address, gateway, directory)
        operator = token or await demo_token(at.gateway, "service:operator", tenant)
        async with connected(at.services, operator) as client:
            person = await make(client, tenant, company, first)
        say(f"{name} stands as the tenant {tenant!r}, with its first administrator {admin}: person:{person}")
        say("Who signs in as that person finds the next steps on the home page of the console")

    run(work())


@app.command("list")
@asking
def list_(*, where: Where) -> None:
    """Say which companies there are, how many people of each are active and may be, and which are suspended, are to
    be deleted or were."""

    async def work() -> None:
        async with where.operator() as (client, _):
            async for one in all_of(client):
                say(_line(one))

    run(work())


@app.command()
@asking
def suspend(
    company: Annotated[str, typer.Argument(metavar="TENANT", help="Its id, as tokens name it: acme.")], *, where: Where
) -> None:
    """Let nobody of a company in any more, until it is resumed. Nothing is lost; what falls due stands still."""
    suspending = people_pb2.SuspendTenant(tenant_id=company)
    run(_told(where, company, suspending, "is suspended: nobody of it is let in, within moments"))


@app.command()
@asking
def resume(
    company: Annotated[str, typer.Argument(metavar="TENANT", help="Its id, as tokens name it: acme.")], *, where: Where
) -> None:
    """Let everybody of a company in again."""
    run(_told(where, company, people_pb2.ResumeTenant(tenant_id=company), "goes on"))


@app.command()
@asking
def quota(
    company: Annotated[str, typer.Argument(metavar="TENANT", help="Its id, as tokens name it: acme.")],
    people: Annotated[
        int | None, typer.Option(min=0, max=10_000_000, help="Most people who are active; 0: any number.")
    ] = None,
    kpis: Annotated[
        int | None, typer.Option(min=0, max=10_000_000, help="Most KPIs of one cycle; 0: any number.")
    ] = None,
    calls: Annotated[
        int | None,
        typer.Option(min=0, max=1_000_000, help="Most calls a second, over time, to one process; 0: any number."),
    ] = None,
    *,
    where: Where,
) -> None:
    """Say how much a company may have and ask for; what is given is set, the rest stays. What it has stays, too."""

    async def work() -> None:
        async with replace(where, tenant=company).operator() as (client, _):
            given = people_pb2.SetTenantQuotas(tenant_id=company, people=people, kpis=kpis, calls=calls)
            if any(most is not None for most in (people, kpis, calls)):
                await client.command(given)
            line = await _line_of(client, company)
            say(f"{company}: {_quotas(line.quotas)}; it has {_people(line)}")

    run(work())


@app.command()
@asking
def delete(
    company: Annotated[str, typer.Argument(metavar="TENANT", help="Its id, as tokens name it: acme.")],
    reason: Annotated[
        str, typer.Option(help="Ask for it, and why: in plain words without anybody's name, for they stay readable.")
    ] = "",
    approve: Annotated[bool, typer.Option("--approve", help="Approve what another one asked for.")] = False,
    who: Annotated[
        str, typer.Option("--as", help="Who of those who operate you are, for a token of the demo issuer: person:lan.")
    ] = "",
    *,
    where: Where,
) -> None:
    """Destroy every key of a suspended company, so that no word of it ever opens again, also from a backup.

    One of those who operate asks for it (--reason), another one approves (--approve). It begins NHIP_DELETION_DAYS
    later; until then `nhip tenant keep` takes it back.
    """
    if bool(reason) == approve:
        raise typer.BadParameter("give --reason to ask for it, or --approve what another one asked for")

    async def work() -> None:
        async with replace(where, tenant=company).operator(who) as (client, _):
            if reason:
                await client.command(people_pb2.RequestTenantDeletion(tenant_id=company, reason=reason))
                say(f"The deletion of {company} is asked for: another one approves it by `--approve`")
                return
            await client.command(people_pb2.ApproveTenantDeletion(tenant_id=company))
            say(_line(await _line_of(client, company)))

    run(work())


@app.command()
@asking
def keep(
    company: Annotated[str, typer.Argument(metavar="TENANT", help="Its id, as tokens name it: acme.")], *, where: Where
) -> None:
    """Take back that a company is to be deleted, as long as that has not begun. It stays suspended."""

    async def work() -> None:
        async with replace(where, tenant=company).operator() as (client, _):
            done = await client.command(people_pb2.KeepTenant(tenant_id=company))
            if done.unchanged:
                say(
                    f"Nobody has asked for the deletion of {company}, and nothing changes: "
                    f"{_line(await _line_of(client, company))}"
                )
            else:
                say(f"The company {company} is kept. It is suspended until `nhip tenant resume {company}`")

    run(work())


@app.command()
@asking
def export(
    company: Annotated[str, typer.Argument(metavar="TENANT", help="Its id, as tokens name it: acme.")],
    to: Annotated[Path, typer.Option(help="A new folder. It holds what people wrote: keep it from others' eyes.")],
    *,
    where: Where,
) -> None:
    """Write all that is recorded of a company into a folder: a file for each service, a line of JSON for each event,
    with words opened. Everything runs meanwhile; that it was taken out is in the company's ledger."""

    async def work() -> None:
        if to.exists() and any(to.iterdir()):
            raise Failed(f"{to} is not empty: name a new folder", code=WRONG_USE)
        to.mkdir(parents=True, exist_ok=True)
        to.chmod(0o700)
        async with replace(where, tenant=company).operator() as (client, services):
            tenant = await client.ask(people_pb2.GetTenant(), people_pb2.Tenant)
            if tenant.tenant_id != company:
                raise Failed(
                    f"the token is of the tenant {tenant.tenant_id!r}: give one of {company!r}", code=WRONG_USE
                )
            numbers = {name: await _export(client, name, to / f"{name}.jsonl") for name in services}
        written = {"tenant": company, "name": tenant.name, "nhip": version("nhip"), "events": numbers}
        unfinished = to / ".export.json"
        unfinished.write_text(json.dumps(written, ensure_ascii=False, indent=2) + "\n", "utf-8")
        unfinished.replace(to / "export.json")
        say(f"{to} holds {', '.join(f'{number} events of {name}' for name, number in numbers.items())}")

    run(work())


def _line(one: people_pb2.TenantLine) -> str:
    gone = one.deletion
    by = f"asked for by {gone.requested_by} ({gone.reason})" if gone.requested_by else "as it had been before"
    if gone.approved_by:
        by += f", approved by {gone.approved_by}"
    if gone.state == people_pb2.TENANT_DELETION_STATE_DELETED:
        return f"{one.tenant_id}  deleted at {_at(gone.deleted_at)}, {by}"
    quotas = f", {_quotas(one.quotas)}" if one.HasField("quotas") else ""
    line = f"{one.tenant_id}  {one.name}: {_people(one)}{quotas}{', suspended' if one.suspended else ''}"
    match gone.state:
        case people_pb2.TENANT_DELETION_STATE_REQUESTED:
            return f"{line}; deletion {by}, and not approved"
        case people_pb2.TENANT_DELETION_STATE_APPROVED if gone.lapsed:
            return f"{line}; deletion {by} before a restore: it begins only once it is approved again"
        case people_pb2.TENANT_DELETION_STATE_APPROVED:
            return f"{line}; deletion {by}, begins at {_at(gone.begins_at)} unless it is kept"
        case people_pb2.TENANT_DELETION_STATE_BEGUN:
            return f"{line}; deletion {by}, has begun"
        case _:
            return line


def _people(one: people_pb2.TenantLine) -> str:
    return f"{one.active_people} active {'person' if one.active_people == 1 else 'people'}"


def _quotas(quotas: people_pb2.TenantQuotas) -> str:
    said = {"people": quotas.people, "KPIs of a cycle": quotas.kpis, "calls a second": quotas.calls}
    return f"at most {told}" if (told := ", ".join(f"{n} {what}" for what, n in said.items() if n)) else "no quota"


def _at(time: Timestamp) -> str:
    return f"{time.ToDatetime():%Y-%m-%d %H:%M} UTC"


async def _export(client: Client, service: str, file: Path) -> int:
    """How many events it wrote, a part at a time."""
    token, number = "", 0
    with file.open("w", encoding="utf-8") as out:
        file.chmod(0o600)
        while True:
            asked = ExportEvents(service=service, page_token=token)
            part = await client.ask(asked, ExportedEvents, at=service, deadline=300)
            out.writelines(f"{line}\n" for line in part.events)
            number += len(part.events)
            if not (token := part.next_page_token):
                return number


async def _told(where: Where, tenant: str, command: Message, said: str) -> None:
    async with replace(where, tenant=tenant).operator() as (client, _):
        await client.command(command)
    say(f"The company {tenant} {said}")


async def _line_of(client: Client, tenant: str) -> people_pb2.TenantLine:
    """What the list says of one. Raises `Failed` where there is none."""
    async for one in all_of(client):
        if one.tenant_id == tenant:
            return one
    raise Failed(f"there is no tenant {tenant!r}: `nhip tenant list` names them", code=WRONG_USE)


async def all_of(client: Client) -> AsyncGenerator[people_pb2.TenantLine]:
    """Every tenant of the installation, by their ids."""
    token = ""
    while True:
        asked = people_pb2.ListTenants(page_token=token, page_size=500)
        page = await client.ask(asked, people_pb2.TenantList, after=client.positions.all())
        for one in page.tenants:
            yield one
        if not (token := page.next_page_token):
            return


async def make(client: Client, tenant: str, company: people_pb2.CreateTenant, first: people_pb2.RegisterPerson) -> str:
    """The administrator's id. Raises `Failed` for what was refused."""
    try:
        await client.command(company, key=f"tenant:{tenant}")
        return (await client.command(first, key=f"tenant:{tenant}:admin")).id
    except Rejected as refusal:
        if refusal.reason in ("TENANT_EXISTS", "IDEMPOTENCY_KEY_REUSED"):
            told = f"there is a tenant {tenant!r} already, made with other words: choose another id"
            raise Failed(told, code=WRONG_USE) from None
        where = f" ({', '.join(one.field for one in refusal.violations)})" if refusal.violations else ""
        raise Failed(f"refused: {refusal.message}{where}", code=WRONG_USE) from None


def _words(text: str) -> PersonalText | None:
    return PersonalText(plain=text) if text else None
