"""The log under fire: what is stored is what was acknowledged and what is delivered, once and in order.

Two writer processes with racing callers, appends to several streams with guards among them, callers that give up, a
process that tails the feed; meanwhile processes are killed (-9) and connections are cut. Then the whole history is
judged.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg

from cli.history.facts import Counted, Follows, Stored, read
from cli.history.judge import judge
from eventkit.log.postgres import PostgresLog
from eventkit.log.rows import event_of
from tests.faults.work import ROUNDS

SECONDS = 5
"""In each round; longer where that was too short for much to happen, on a machine that has other things to do."""
PATIENCE = 60
"""Seconds more, at most."""
ENOUGH = 20
"""Appends of each kind that have to be seen, and more, for a history to say something."""
CUT = """
select pg_terminate_backend(pid) from pg_stat_activity
where application_name like 'nhip log %' and datname = current_database() order by random() limit 1
"""


class Process:
    """One of the log's processes; it can be killed and started again, and goes on with its journal."""

    def __init__(self, role: str, dsn: str, journal: Path):
        self.journal = journal
        self._command = [sys.executable, "-m", "tests.faults.log_processes", role, dsn, str(journal)]
        self.start()

    def start(self) -> None:
        self._before = self._said
        self._process = subprocess.Popen(
            self._command, cwd=Path(__file__).parents[2], env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )

    @property
    def works(self) -> bool:
        """It has said something since it was started: before that a kill would show nothing."""
        return self._said > self._before

    @property
    def _said(self) -> int:
        return self.journal.stat().st_size if self.journal.exists() else 0

    def kill(self) -> None:
        assert self._process.poll() is None, "it ended by itself"
        self.end()

    def end(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


async def test_stored_is_acknowledged_and_delivered_once_in_order(postgres: str, tmp_path: Path, chance: random.Random):
    async with PostgresLog(postgres):
        pass  # makes the tables
    writers = [Process("writer", postgres, tmp_path / f"writer{n}") for n in range(2)]
    reader = Process("reader", postgres, tmp_path / "reader")
    con = await asyncpg.connect(postgres)
    faults = Counter[str]()
    try:
        deadline = time.monotonic() + SECONDS * ROUNDS
        while time.monotonic() < deadline or (
            time.monotonic() < deadline + PATIENCE and not enough_happened(faults, writers)
        ):
            await asyncio.sleep(chance.uniform(0.2, 0.6))
            if chance.random() < 0.4:
                faults["connections cut"] += len(await con.fetch(CUT))
            elif working := [one for one in (*writers, *writers, reader) if one.works]:
                victim = chance.choice(working)
                victim.kill()
                victim.start()
                faults["processes killed"] += 1
        for writer in writers:
            writer.kill()
        while await con.fetchval(
            "select count(*) from pg_stat_activity where application_name = 'nhip log writer' and datname = "
            "current_database()"
        ):
            await asyncio.sleep(0.01)  # what a killed writer had sent is still being carried out
        rows = await con.fetch("select *, convert_from(data, 'utf8') as key from log_event order by position")
        deadline = time.monotonic() + 20
        while sum(1 for _ in read(reader.journal)) < len(rows) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        reader.kill()
    finally:
        for process in (*writers, reader):
            process.end()
        await con.close()

    history = [fact for process in (*writers, reader) for fact in read(process.journal)]
    log = [Stored.of(event_of(row), row["key"]) for row in rows]
    verdict = judge([*history, *log, Counted(0, rows[-1]["position"], len(rows)), Follows("feed")])
    print(dict(faults), dict(verdict.counts), len(rows), "events")
    assert verdict.faults == []
    counts = verdict.counts
    assert faults["connections cut"] > 0
    assert faults["processes killed"] > 0
    kinds = ("stored", "refused", "repeated", "guards", "several streams")
    assert min(counts[kind] for kind in kinds) > ENOUGH, counts


def enough_happened(faults: Mapping[str, int], writers: Sequence[Process]) -> bool:
    """Whether there is something to judge. Guards and several streams come with a share of the appends."""
    counts = judge(fact for writer in writers for fact in read(writer.journal)).counts
    return min(faults["connections cut"], faults["processes killed"]) > 0 and (
        min(counts["stored"] // 10, counts["refused"], counts["repeated"]) > ENOUGH
    )
