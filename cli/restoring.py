"""`nhip log restored`, `publish`, `follow`: what an operator does about logs that went back to a backup."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Annotated
from uuid import UUID

import asyncpg
import typer

from cli.catalog import SERVICES
from cli.running import WRONG_USE, Failed, run, say
from eventkit import kafka, telemetry
from eventkit.database import connect
from eventkit.log import Recorded
from eventkit.log.faults import TRANSIENT
from eventkit.log.incarnations import Incarnation, Stored
from eventkit.log.postgres import FIND
from eventkit.log.rows import event_of
from eventkit.privacy.installation import known_installation
from eventkit.process import provision, recovery
from eventkit.process.assembly import planned
from eventkit.settings import Settings, load

PAGE = 1_000
_FAR = 2**62
_KNOWN = "select incarnation from followed where context = $1"


def restored(
    services: Annotated[
        list[str] | None, typer.Argument(help="Those whose database went back; unset, with --one-moment: all.")
    ] = None,
    one_moment: Annotated[
        bool,
        typer.Option(
            "--one-moment",
            help="All services' databases went back to one moment, as a snapshot of their server has it: what they "
            "keep of each other is right.",
        ),
    ] = False,
) -> None:
    """Begin a new incarnation of logs that were restored from a backup, and publish them anew. None of them may run.

    Their topics are emptied. Who followed the logs before stops and says so, until `nhip log follow` brings it over;
    with --one-moment the services are brought over here. `nhip restore` does all of this by itself.
    """
    run(_restored(services or [], one_moment=one_moment))


def publish(service: Annotated[str, typer.Argument(help="Whose topic is published anew; it must not run.")]) -> None:
    """Empty the topic of a service's log, and have it published from the first event when the service starts."""

    async def work() -> None:
        settings, cluster = await installed([service])
        async with opened(settings, [service]) as cons:
            await recovery.not_running(cons[service], service)
            await empty(cluster, [service])
            async with cons[service].transaction():
                await recovery.publish_anew(cons[service])
        say(f"{cluster.topic(service)} is empty: start {service}, and it publishes its log from the first event")

    run(work())


def follow(
    service: Annotated[str, typer.Argument(help="The service that is brought over; it must not run.")],
    context: Annotated[str, typer.Argument(help="Whose log was restored.")],
) -> None:
    """Have a service follow the log of another one that was restored: its views of it are folded anew.

    It answers again when they are as far as the topic is now. What it did about events that are gone stays done, and is
    counted.
    """

    async def work() -> None:
        settings, cluster = await installed([service, context])
        incarnation, ends = await published(cluster, context)
        made_of = planned(service, SERVICES[service].build, settings)
        if context == service or context not in made_of.sources:
            raise Failed(f"{service} does not follow {context}", code=WRONG_USE)
        async with opened(settings, [service]) as cons:
            con = cons[service]
            await recovery.prepare(con)
            if await con.fetchval(_KNOWN, context) == str(incarnation):
                say(f"{service} follows {incarnation} of {context} already: there is nothing to do")
                return
            await recovery.not_running(con, service)
            async with con.transaction():
                done = await recovery.bring_over(con, made_of, context, incarnation, ends)
        views = ", ".join(done.views) or "no view"
        say(f"{service} follows {incarnation} of {context}: {views} is folded anew as it starts")
        for name, further in done.reactions.items():
            if further:
                say(
                    f"{name} had acted on events up to {further} positions behind {incarnation.after}, which are gone: "
                    f"what it did stands in the log of {service}"
                )

    run(work())


async def _restored(services: Sequence[str], *, one_moment: bool) -> None:
    if one_moment and services:
        raise Failed("--one-moment is about all services: name none", code=WRONG_USE)
    names = list(SERVICES) if one_moment else list(services)
    if not names:
        raise Failed("name the services whose database went back, or say --one-moment", code=WRONG_USE)
    settings, cluster = await installed(names)
    async with opened(settings, names) as cons:
        for name, con in cons.items():
            await recovery.not_running(con, name)
        begun = await begun_anew(settings, cluster, cons)
        if one_moment:
            await brought_over(cons, begun)
        await empty(cluster, names)
    for name, incarnation in begun.items():
        say(f"the log of {name} goes on behind {incarnation.after}, as {incarnation}")
    say(
        "Start the services (where they have logins of their own and the backup is of an older version, after `nhip "
        "provision --logins`). Integrators find that a log began anew by `ce_incarnation` of its records"
    )
    if not one_moment:
        say("Others that follow these logs say so and are not ready: stop each, and bring it over by `nhip log follow`")


async def begun_anew(
    settings: Settings, cluster: kafka.Cluster, cons: Mapping[str, asyncpg.Connection]
) -> dict[str, Incarnation]:
    """New incarnations of logs, each in a transaction of its service's database."""
    last = (await kafka.look(cluster, cons, make=False)).last
    begun: dict[str, Incarnation] = {}
    for name, con in cons.items():
        above = recovery.highest(record.incarnation for record in last.get(name, ()))
        async with _log(settings, name, con) as (end, stored):
            after = min(end, await _same_upto(cluster, name, stored) if last.get(name) else end)
        async with con.transaction():
            begun[name] = await recovery.begin_anew(con, after, above=above)
    return begun


async def _same_upto(cluster: kafka.Cluster, context: str, stored: Stored) -> int:
    """Up to which position a topic holds nothing but what is in the log: the log may have gone on before somebody said
    that it was restored."""
    same, page = _FAR, list[Recorded]()

    async def compare() -> int:
        there = await stored([event.id for event in page])
        others = [e.position for e in page if e.id not in there or there[e.id].position != e.position]
        page.clear()
        return min(others, default=_FAR + 1) - 1

    async with aclosing(kafka.tail(cluster, [context], after={context: 0}, follow=False)) as events:
        async for each in events:
            page.append(each.event)
            if len(page) == PAGE:
                same = min(same, await compare())
    return min(same, await compare())


async def brought_over(cons: Mapping[str, asyncpg.Connection], begun: Mapping[str, Incarnation]) -> None:
    """All services follow each other's new incarnations, from where they are."""
    for name, con in cons.items():
        async with con.transaction():
            await recovery.follow_as_restored(con, {other: each for other, each in begun.items() if other != name})


async def installed(services: Collection[str]) -> tuple[Settings, kafka.Cluster]:
    """The settings, and this installation's Kafka. Raises `Failed`."""
    if unknown := [name for name in services if name not in SERVICES]:
        raise Failed(f"there is no service {unknown[0]!r}: give one of {', '.join(SERVICES)}", code=WRONG_USE)
    settings = load()
    if not settings.postgres or not settings.kafka:
        raise Failed("NHIP_POSTGRES and NHIP_KAFKA must be set: where databases and topics are", code=WRONG_USE)
    telemetry.set_up(level=settings.log_level, format=settings.log_format, service="operator")
    return settings, kafka.Cluster.of(settings, await known_installation(settings.database(provision.KEYS)) or "none")


@asynccontextmanager
async def opened(settings: Settings, services: Collection[str]) -> AsyncGenerator[dict[str, asyncpg.Connection]]:
    """A connection to each service's database. What went wrong inside is a sentence."""
    try:
        async with AsyncExitStack() as stack:
            cons: dict[str, asyncpg.Connection] = {}
            for name in services:
                con = await connect(
                    settings.database(name),
                    "nhip operator",
                    settings={"idle_in_transaction_session_timeout": "0"},
                    command_timeout=None,
                )
                stack.push_async_callback(con.close)
                cons[name] = con
            yield cons
    except recovery.StillRuns as running:
        raise Failed(str(running)) from None
    except (*TRANSIENT, asyncpg.PostgresError) as error:
        where = provision.postgres_of(settings.postgres)
        raise Failed(f"{where}: {type(error).__name__}: {error}; call it again") from None


async def empty(cluster: kafka.Cluster, services: Sequence[str]) -> None:
    try:
        await kafka.empty_topics(cluster, services)
    except (*kafka.FAULTS, *kafka.REFUSALS) as error:
        names = ", ".join(map(cluster.topic, services))
        raise Failed(
            f"Kafka at {cluster.servers} did not empty {names} ({type(error).__name__}: {error}): delete them and "
            "make them anew (`nhip provision`) before you start the services; until then these say that a topic is of "
            "another incarnation"
        ) from None


async def published(cluster: kafka.Cluster, context: str) -> tuple[Incarnation, dict[int, int]]:
    """The incarnation of which a context's topic is, and how far each partition is. Raises `Failed`, also where it is
    not as far yet as the log was when it was restored."""
    try:
        last = (await kafka.look(cluster, [context], make=False)).last
    except kafka.FAULTS as error:
        raise Failed(f"Kafka at {cluster.servers} does not answer ({type(error).__name__})") from None
    found = {record.incarnation for record in last.get(context, ()) if record.incarnation}
    if not found:
        raise Failed(f"{context} has published nothing that names an incarnation yet: start it, and call again")
    if len(found) > 1:
        raise Failed(
            f"{cluster.topic(context)} holds records of several incarnations of its log ("
            f"{', '.join(map(str, found))}): publish it anew first (`nhip log publish {context}`)"
        )
    incarnation = found.pop()
    ends = {kafka.partition_of(each.event.tenant, cluster.partitions): each.event.position for each in last[context]}
    if (reached := max(ends.values())) < incarnation.after:
        raise Failed(
            f"{context} has published its log up to {reached} of {incarnation.after}: let it run, and call again"
        )
    return incarnation, ends


@asynccontextmanager
async def _log(settings: Settings, service: str, con: asyncpg.Connection) -> AsyncGenerator[tuple[int, Stored]]:
    """The last position of a service's log, and what finds its events."""
    if settings.log:
        from eventkit.log.kurrentdb import KurrentLog

        async with KurrentLog(settings.log, context=service, prefix=settings.installation.replace("-", "_")) as log:
            yield await log.last_position(), log.stored
        return

    async def stored(ids: Collection[UUID]) -> Mapping[UUID, Recorded]:
        return {event.id: event for event in map(event_of, await con.fetch(FIND, list(ids)))}

    yield await con.fetchval("select coalesce(max(position), 0) from log_event"), stored
