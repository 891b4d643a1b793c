"""`nhip history`: does this installation keep what it promises?"""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli.addresses import find, written
from cli.client import connected
from cli.history.chapter import PATIENCE, Installation, Round, chapter
from cli.history.company import CONTEXT, Sign
from cli.history.facts import line
from cli.history.judge import Kind, Verdict
from cli.operating import Where, asking
from cli.running import Failed, run, say
from cli.tokens import demo_token
from eventkit import kafka
from eventkit.log import EventLog
from eventkit.log.postgres import PostgresLog
from eventkit.settings import Settings, load

ROUNDS_OF_A_CHAPTER = 25
SHOWN = 12
"""Facts of a piece that are printed at most; the file has all."""


@asking
def history(
    rounds: Annotated[int, typer.Option(help="How many rounds of work.", min=1)] = 20,
    seconds: Annotated[float, typer.Option(help="How long a round lasts.", min=0.1)] = 2.0,
    seed: Annotated[str, typer.Option(help="Has the same work again; unset: another one each time.")] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Keep the files also of what is without a fault.")] = False,
    *,
    where: Where,
) -> None:
    """Have callers race for points and gifts in a company of its own, and judge what all readers were given and shown.

    What is broken meanwhile is up to you: kill processes, engines, connections. Exit code 1 when anything was lost,
    doubled, reordered or torn. Needs NHIP_POSTGRES and NHIP_KAFKA (or what `nhip up` wrote down), and the demo issuer.
    """

    async def a_round(_: int) -> None:
        await asyncio.sleep(seconds)

    async def work() -> None:
        at = find(where.address, where.gateway, where.directory)

        async def sign(subject: str, tenant: str) -> str:
            return await demo_token(at.gateway, subject, tenant)

        settings = _settings(where.directory)
        async with opened(at.services, settings, sign) as installation:
            await proved(installation, where.directory / "history", rounds, seed, a_round, keep=keep)

    run(work())


@asynccontextmanager
async def opened(services: Mapping[str, str], settings: Settings, sign: Sign) -> AsyncGenerator[Installation]:
    async with connected(services, "", patience=PATIENCE) as client, _log(settings) as log:
        yield Installation(client, sign, log, kafka.Cluster.of(settings))


async def proved(
    where: Installation, directory: Path, rounds: int, seed: str, each: Round, *, keep: bool = False
) -> None:
    """Chapter by chapter until all rounds are over, or one has a fault. Raises `Failed` then."""
    seed = seed or secrets.token_hex(4)
    for chatty in ("aiokafka", "asyncpg"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)  # that engines are away is what is tried
    say(f"{rounds} rounds, seed {seed}")
    chance, events = random.Random(seed), 0
    for begin in range(1, rounds + 1, ROUNDS_OF_A_CHAPTER):
        some = range(begin, min(begin + ROUNDS_OF_A_CHAPTER, rounds + 1))
        began = time.monotonic()
        path, verdict = await chapter(where, directory, some, each, chance)
        took = time.monotonic() - began
        events += verdict.events
        if verdict.faults:
            _tell(path, verdict)
            raise Failed(_sentence(some[-1], verdict))
        if not keep:
            path.unlink()
        told = ", ".join(f"{count} {what}" for what, count in verdict.counts.items() if count)
        say(f"rounds {some[0]} to {some[-1]} in {took:.0f} s: {verdict.events} events, {told}")
    say(f"{events} events")
    say(_sentence(rounds, Verdict((), events, {})))


def _sentence(rounds: int, verdict: Verdict) -> str:
    return f"{rounds} rounds, " + ", ".join(f"{verdict.of(kind)} {kind}" for kind in Kind)


def _tell(path: Path, verdict: Verdict) -> None:
    """The shortest piece that shows a fault, and where the whole history is."""
    worst = verdict.shortest
    assert worst
    say(f"{worst.kind}: {worst.what}")
    for fact in worst.piece[:SHOWN]:
        say(f"  {line(fact)}")
    if len(worst.piece) > SHOWN:
        say(f"  and {len(worst.piece) - SHOWN} more")
    say(f"The whole history: {path}")


def _settings(directory: Path) -> Settings:
    """Those of the environment, else where `nhip up` wrote that engines are."""
    settings, engines = load(), written(directory).engines
    beside = {name: engines[name] for name in ("postgres", "kafka") if not getattr(settings, name) and name in engines}
    settings = settings.model_copy(update=beside)
    if not settings.postgres or not settings.kafka:
        raise Failed("say where the log and Kafka are: NHIP_POSTGRES and NHIP_KAFKA, as services have them")
    return settings


@asynccontextmanager
async def _log(settings: Settings) -> AsyncGenerator[EventLog]:
    """The log of the points, wherever it is kept."""
    if not settings.log:
        async with PostgresLog(settings.database(CONTEXT)) as log:
            yield log
        return
    from eventkit.log.kurrentdb import KurrentLog

    prefix = settings.installation.replace("-", "_")
    async with KurrentLog(settings.log, context=CONTEXT, prefix=prefix) as log:
        yield log
