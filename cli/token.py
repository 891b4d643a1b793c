"""`nhip token`: a token of the demo issuer, for trying the API."""

from pathlib import Path
from typing import Annotated

import typer

from cli.addresses import Addresses, find
from cli.client import connected
from cli.running import WRONG_USE, Failed, run
from cli.tokens import demo_token
from eventkit.names import plain_letters
from eventkit.settings import load
from nhip.people.v1.people_pb2 import ListPeople, PeopleList


def token(
    who: Annotated[str, typer.Argument(help="A person's name, person:<id> or service:<id>.")],
    tenant: Annotated[str, typer.Option(help="The tenant; unset: NHIP_TENANT, else company-x.")] = "",
    address: Annotated[str | None, typer.Option(help="people=host:port")] = None,
    gateway: Annotated[str | None, typer.Option(help="The gateway's URL.")] = None,
    directory: Annotated[Path, typer.Option(help="The directory of `nhip up`.")] = Path("var"),
) -> None:
    """Print a token, as in: curl -H "Authorization: Bearer $(nhip token Minh)" http://127.0.0.1:8080/v1/people"""

    async def work() -> None:
        at = find(address, gateway, directory)
        of = tenant or load().tenant
        subject = who if who.startswith(("person:", "service:")) else await _person(who, of, at)
        typer.echo(await demo_token(at.gateway, subject, of))

    run(work())


async def _person(name: str, tenant: str, at: Addresses) -> str:
    """The person of that name."""
    async with connected(at.services, await demo_token(at.gateway, "service:gateway", tenant)) as client:
        people = (await client.ask(ListPeople(text=name, active=True, page_size=500), PeopleList)).people
        if not people:
            people = (await client.ask(ListPeople(active=True, page_size=20), PeopleList)).people
    namesakes = [person for person in people if plain_letters(person.name.plain) == plain_letters(name)]
    if len(namesakes) == 1:
        return f"person:{namesakes[0].person_id}"
    if namesakes:
        listed = ", ".join(f"person:{person.person_id} ({person.title.plain})" for person in namesakes)
        raise Failed(f"{len(namesakes)} people are called {name!r}: {listed}", code=WRONG_USE)
    names = ", ".join(sorted(person.name.plain for person in people))
    raise Failed(f"nobody in {tenant!r} is called {name!r}: there are {names or 'none'}", code=WRONG_USE)
