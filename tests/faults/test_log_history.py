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
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg

from eventkit.log.postgres import PostgresLog
from tests.faults.log_processes import Spec, facts, stream
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
        self._process = subprocess.Popen(
            self._command, cwd=Path(__file__).parents[2], env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )

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
            else:
                victim = chance.choice([*writers, *writers, reader])
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
        while len(list(facts(reader.journal))) < len(rows) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        reader.kill()
    finally:
        for process in (*writers, reader):
            process.end()
        await con.close()

    delivered = [(fact["position"], fact["id"]) for fact in facts(reader.journal)]
    assert delivered == [(row["position"], str(row["id"])) for row in rows]
    judge_order(rows)
    told = judge_appends(rows, [fact for writer in writers for fact in facts(writer.journal)])
    print(dict(faults), dict(told), len(rows), "events")
    assert faults["connections cut"] > 0
    assert faults["processes killed"] > 0
    assert min(told["stored"], told["refused"], told["again"], told["guards"], told["several streams"]) > ENOUGH, told


def enough_happened(faults: Mapping[str, int], writers: Sequence[Process]) -> bool:
    """Whether there is something to judge."""
    told = Counter[str]()
    for writer in writers:
        for fact in facts(writer.journal):
            if "told" in fact:
                told[fact["told"]] += 1
                told["again"] += fact.get("repeated", False)
    # Guards and several streams come with a share of the appends.
    return min(faults["connections cut"], faults["processes killed"]) > 0 and (
        min(told["stored"] // 10, told["refused"], told["again"]) > ENOUGH
    )


def judge_order(rows: list[asyncpg.Record]) -> None:
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    versions = Counter[str]()
    for row in rows:
        versions[row["stream"]] += 1
        assert row["version"] == versions[row["stream"]]
    times = [row["recorded_at"] for row in rows]
    assert times == sorted(times)


def judge_appends(rows: list[asyncpg.Record], journal: list[dict]) -> Counter[str]:
    """Every append that was ever asked: stored whole and as it was told, or not at all; where it stands, its streams
    were where it said."""
    stored: Mapping[str, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        stored[row["key"]].append(row)
    asked: dict[str, Spec] = {fact["key"]: fact["spec"] for fact in journal if "spec" in fact}
    assert stored.keys() <= asked.keys()
    heights: dict[str, list[int]] = defaultdict(list)  # of each stream, the positions of its events
    for row in rows:
        heights[row["stream"]].append(row["position"])
    told = Counter[str]()
    for key, spec in asked.items():
        have = stored.get(key, [])
        ids = [id for _, _, batch in spec for id in batch]
        assert [str(row["id"]) for row in have] in ([], ids)
        if not have:
            continue
        first = have[0]["position"]
        assert [row["position"] for row in have] == list(range(first, first + len(ids)))
        assert {(row["append_id"], row["append_size"], row["recorded_at"]) for row in have} == {
            (have[0]["append_id"], len(ids), have[0]["recorded_at"])
        }
        for number, expected, _ in spec:
            assert sum(position < first for position in heights[str(stream(number))]) == expected
        told["guards"] += any(not batch for _, _, batch in spec)
        told["several streams"] += len(spec) > 1
    for fact in journal:
        if "told" not in fact:
            continue
        have = stored.get(fact["key"], [])
        if fact["told"] == "refused":
            assert not have
        else:
            assert have
            assert have[-1]["position"] == fact["position"]
            assert dict(fact["versions"]) == {int(row["stream"].rsplit("/s", 1)[1]): row["version"] for row in have}
            told["again"] += fact["repeated"]
        told[fact["told"]] += 1
    news = Counter(fact["key"] for fact in journal if fact.get("told") == "stored" and not fact["repeated"])
    assert set(news.values()) <= {1}  # only one asking stored it; the others were told that they repeat it
    return told
