"""`nhip import`: brings a company in from a file."""

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from cli.addresses import find
from cli.client import Positions, connected
from cli.importing.bring import Importer, Principals, Summary, Tell, count
from cli.importing.check import checked, remarks
from cli.importing.table import Asked, bring_table, is_table, read_sheet
from cli.running import WRONG_USE, Failed, run, say
from cli.tokens import TOKEN, demo_token
from eventkit.settings import load
from importing.company import File, Item
from importing.document import TENANT, is_tenant

_NAMES = {
    "tenant": "company",
    "unit": "units",
    "person": "people",
    "head": "heads of units",
    "cycle": "cycles",
    "goal": "strategic goals",
    "csf": "CSFs",
    "kpi": "KPIs",
    "progress": "progress",
    "value": "core values",
    "gift": "gifts",
    "praise": "praise",
}


def import_(
    file: Annotated[
        Path, typer.Argument(help="A company in YAML, as demo/company-x.vi.yaml; or one table in CSV or XLSX.")
    ],
    check: Annotated[bool, typer.Option("--check", help="Only check the file.")] = False,
    tenant: Annotated[str, typer.Option(help="Bring it in under this tenant's id instead of the file's.")] = "",
    address: Annotated[
        str | None, typer.Option(help="people=host:port,goals=host:port,checkins=host:port,rewards=host:port")
    ] = None,
    gateway: Annotated[str | None, typer.Option(help="The gateway's URL, for tokens of the demo issuer.")] = None,
    token: Annotated[str, typer.Option(help="A token of service:importer.", envvar=TOKEN)] = "",
    operator_token: Annotated[
        str, typer.Option(help="A token of service:operator.", envvar="NHIP_OPERATOR_TOKEN")
    ] = "",
    directory: Annotated[Path, typer.Option(help="The directory of `nhip up`.")] = Path("var"),
    table: Annotated[
        str, typer.Option(help="What a spreadsheet has: units, people, goals, csfs, kpis, links, values, check_ins.")
    ] = "",
    mapping: Annotated[
        Path | None, typer.Option(help="Which column is which, in YAML; else that is told by the headings.")
    ] = None,
    sheet: Annotated[str, typer.Option(help="The sheet, where there are several.")] = "",
    cycle: Annotated[
        str, typer.Option(help="The cycle; else the latest, of what was measured the latest that has begun.")
    ] = "",
    numbers: Annotated[str, typer.Option(help="vi or en: how a spreadsheet writes numbers.")] = "",
    days: Annotated[str, typer.Option(help="dmy or mdy: how a spreadsheet writes 03/04/2025.")] = "",
    skip_wrong: Annotated[bool, typer.Option("--skip-wrong", help="Leave rows out that are wrong.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Change what stands otherwise in Nhip.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave what stands otherwise as it is.")] = False,
    reason: Annotated[str, typer.Option(help="Of the proposal that asks for changed targets.")] = "",
) -> None:
    """Bring a company, or one table of it, in from a file: checked whole first, and nothing is made twice.

    The exit code is not 0 where something stays different or was left out without being told to.
    """

    async def bring_in_table() -> None:
        asked = Asked(table, mapping, sheet, cycle, numbers, days, check, skip_wrong, update, keep, reason)
        await asyncio.to_thread(read_sheet, file, asked)  # what is wrong with the file alone needs no Nhip
        at, to = find(address, gateway, directory), tenant or load().tenant
        importer = token or await demo_token(at.gateway, "service:importer", to, on_behalf_of="service:operator")
        async with connected(at.services, importer) as client:
            await bring_table(file, asked, client)

    async def work() -> None:
        if is_table(file, table):
            await bring_in_table()
            return
        company = _read(file, tenant)
        for remark in remarks(company):
            say(f"{file}: {remark}")
        if check:
            say(f"{file} is right: {count(company)} items")
            return
        at = find(address, gateway, directory)
        assert company.company is not None
        to = company.company.ref
        principals = Principals(
            importer=token or await demo_token(at.gateway, "service:importer", to, on_behalf_of="service:operator"),
            operator=operator_token or await demo_token(at.gateway, "service:operator", to),
        )
        summary = await _bring(company, at.services, principals, brief=False)
        if summary.different and not keep:
            raise Failed(f"{len(summary.different)} stay different (--keep says that this is wanted)")

    run(work())


async def bring(
    file: Path, services: Mapping[str, str], principals: Principals, *, tenant: str, brief: bool
) -> "Brought":
    """The same for another command. `brief`: a sentence instead of a table."""
    return await _bring(_read(file, tenant), services, principals, brief=brief)


def _read(path: Path, tenant: str) -> File:
    """The file, checked; `tenant` in place of the one it names."""
    if tenant and not is_tenant(tenant):
        raise Failed(f"{tenant!r} is no tenant's id: give --tenant {TENANT}", code=WRONG_USE)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}", code=WRONG_USE) from None
    file, problems = checked(content)
    if problems or file is None or file.company is None:
        lines = [f"{path}:{problem}" for problem in problems]
        raise Failed("\n".join([*lines, f"Nothing was sent: {len(lines)} to put right"]), code=WRONG_USE)
    return replace(file, company=replace(file.company, ref=tenant)) if tenant else file


@dataclass(frozen=True, slots=True)
class Brought:
    positions: Positions
    """How far each log is because of it."""
    ids: Mapping[tuple[str, str], str]
    """Of what was brought, by its kind and reference."""
    different: Sequence[tuple[str, Item]]
    """What is there already, made of other content."""


async def _bring(file: File, services: Mapping[str, str], principals: Principals, *, brief: bool) -> Brought:
    assert file.company is not None
    with _progress(file.company.name, count(file)) as tell:
        async with connected(services, "") as client:
            importer = Importer(client, principals, file.company.ref, tell)
            summary = await importer.bring(file)
    if brief:
        kpis = summary.counts.get("kpi", {})
        say(f"Imported {file.company.name}: {len(file.people)} people, {sum(kpis.values())} KPIs")
    else:
        _table(file, summary)
    return Brought(client.positions, importer.ids, summary.different)


def _table(file: File, summary: Summary) -> None:
    assert file.company is not None
    table = Table(title=f"{file.company.name} ({file.company.ref})", title_justify="left")
    table.add_column("")
    for column in ("created", "unchanged", "different"):
        table.add_column(column, justify="right")
    for kind, counts in summary.counts.items():
        table.add_row(_NAMES[kind], *(str(number or "") for number in counts.values()))
    Console().print(table)
    for kind, item in summary.different:
        say(f"line {item.places.item.line}: {kind} {item.ref!r} differs from what was imported before: left as it is")


@contextmanager
def _progress(what: str, total: int) -> Generator[Tell]:
    """A bar where somebody looks; a sentence where nobody does."""
    console = Console()
    if not console.is_terminal:
        say(f"Importing {what}…")
        yield lambda _kind, _ref: None
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task(f"Importing {what}", total=total)
        yield lambda kind, ref: progress.update(task, advance=1, description=f"Importing {what}: {kind} {ref}")
