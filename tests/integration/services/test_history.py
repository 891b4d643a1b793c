"""`nhip history`, short, and against services of the test's own: nothing breaks here, so nothing may be found.

What breaks in `make history` is broken for tests in `tests/faults`.
"""

import asyncio
import random
from collections.abc import Mapping
from pathlib import Path

from cli.client import Client
from cli.history.chapter import Installation, chapter
from cli.history.facts import Seen, read
from cli.history.judge import Kind, judge
from eventkit import kafka
from eventkit.log.postgres import PostgresLog
from tests.integration.services.company import System
from tests.waiting import PATIENCE

ENOUGH = 5
"""Of each kind that has to be there for a history to say something."""


async def test_callers_that_race_lose_double_reorder_and_tear_nothing(system: System, tmp_path: Path):
    async def sign(subject: str, tenant: str) -> str:
        return system.issuer.mint(tenant, subject)

    async def until_enough(_: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while fewest(judge(read(next(tmp_path.iterdir()))).counts) < ENOUGH:
                await asyncio.sleep(0.2)

    def fewest(counts: Mapping[str, int]) -> int:
        return min(counts[what] for what in ("stored", "refused", "repeated", "answers"))

    async with PostgresLog(system.settings.database("rewards"), poll_seconds=0.2) as log:
        where = Installation(Client(system.channels, ""), sign, log, kafka.Cluster.of(system.settings))
        path, verdict = await chapter(where, tmp_path, [1], until_enough, random.Random("short"))
    assert verdict.faults == []
    assert verdict.counts["several streams"] > 0
    # An answer that was a moment late for what it shows is noticed among all these.
    facts = list(read(path))
    late = next(
        fact for fact in facts if isinstance(fact, Seen) and fact.rows and len(next(iter(fact.rows.values()))) > 2
    )
    stream, rows = next(iter(late.rows.items()))
    torn = judge([*facts, Seen("a caller", late.shows, {stream: [rows[0], *rows[2:]]})])
    assert [fault.kind for fault in torn.faults] == [Kind.TORN]
