"""The local engines: start, start again, take over from a killed owner, and say clearly what is in the way."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.engines import EngineError, InUse, KafkaEngine, PostgresEngine, engines, url_of_database
from deploy.engines.process import left_behind

OWNER = """
import asyncio, signal, sys
from pathlib import Path
from deploy.engines import engines

signal.signal(signal.SIGINT, signal.default_int_handler)  # which is ignored by what a shell runs in the background

async def main():
    async with engines(Path(sys.argv[1])) as urls:
        print(urls.kafka, urls.postgres, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
async def directory(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Path]:
    """Storage that the tests of this module hand on to each other, so that it is set up once."""
    directory = tmp_path_factory.mktemp("engines")
    yield directory
    assert not running(directory)


@contextmanager
def owner(directory: Path) -> Generator[tuple[subprocess.Popen[str], str, str]]:
    """Another process that runs the engines in the directory; killed in the end without a chance to stop them."""
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(directory)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        kafka, postgres = process.stdout.readline().split()
        yield process, kafka, postgres
    finally:
        process.kill()
        process.wait()


def running(directory: Path) -> list[int]:
    found = left_behind("postgres", str(directory / "postgres" / "data")) + left_behind(
        "java", f"-Dnhip.directory={directory / 'kafka'}"
    )
    return [process.pid for process in found]


async def write(postgres: str, kafka: str, word: str) -> None:
    connection = await asyncpg.connect(postgres)
    await connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
    await connection.execute("INSERT INTO words VALUES ($1)", word)
    await connection.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    if "words" not in await admin.list_topics():
        await admin.create_topics([NewTopic("words", num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True) as producer:
        await producer.send_and_wait("words", word.encode())


async def words(postgres: str, kafka: str, count: int) -> tuple[list[str], list[str]]:
    """What PostgreSQL and Kafka hold."""
    connection = await asyncpg.connect(postgres)
    rows = await connection.fetch("SELECT word FROM words")
    await connection.close()
    async with AIOKafkaConsumer("words", bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        records = [await asyncio.wait_for(consumer.getone(), 20) for _ in range(count)]
    return [row["word"] for row in rows], [(record.value or b"").decode() for record in records]


async def test_data_outlives_an_orderly_stop_and_a_killed_owner(directory: Path) -> None:
    async with engines(directory) as first:
        await write(first.postgres, first.kafka, "nhịp")
        with pytest.raises(InUse, match=f"process {os.getpid()}"):
            await PostgresEngine(directory).start()
    assert not running(directory)

    with owner(directory) as (_, kafka, postgres):
        assert kafka == first.kafka  # the same address again
        await write(postgres, kafka, "điệu")
        orphans = running(directory)
    assert len(orphans) == 2
    assert running(directory) == orphans  # the owner was killed, they live on

    heard: list[str] = []
    async with engines(directory, say=heard.append) as taken_over:
        assert not set(running(directory)) & set(orphans)
        assert await words(taken_over.postgres, taken_over.kafka, 2) == (["nhịp", "điệu"], ["nhịp", "điệu"])
    assert "Stopped a PostgreSQL that an earlier run left behind" in heard
    assert "Stopped a Kafka that an earlier run left behind" in heard


async def test_ctrl_c_stops_the_engines_in_order(directory: Path) -> None:
    with owner(directory) as (process, _, _):
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert not running(directory)
    assert "database system is shut down" in (directory / "postgres" / "log").read_text().splitlines()[-1]


async def test_a_second_start_sets_nothing_up(directory: Path) -> None:
    heard: list[str] = []
    async with engines(directory, say=heard.append):
        pass
    said = [sentence for sentence in heard if not sentence.startswith("Waiting")]  # a busy machine takes longer
    assert sorted(sentence.split(" answers")[0] for sentence in said) == ["Kafka", "PostgreSQL"]


async def test_kill_and_start_again(directory: Path) -> None:
    postgres = PostgresEngine(directory)
    try:
        await postgres.start()
        connection = await asyncpg.connect(postgres.url)
        await connection.execute("CREATE TABLE survives ()")
        postgres.kill()
        await postgres.start()
        connection = await asyncpg.connect(postgres.url)
        assert await connection.fetchval("SELECT count(*) FROM survives") == 0
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW max_connections") == "400"
        await connection.close()
    finally:
        await postgres.stop()


async def test_a_busy_port_is_named_and_may_be_given_up(directory: Path) -> None:
    ports = directory / "kafka" / "ports"
    port = int(ports.read_text().split()[0])
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(EngineError, match=f"port {port}.* is taken by another program"):
            await KafkaEngine(directory).start()
        ports.unlink()
        kafka = KafkaEngine(directory)
        await kafka.start()
        try:
            assert kafka.address != f"127.0.0.1:{port}"
            async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
                assert (await producer.send_and_wait("words", b"again")).offset == 2
        finally:
            await kafka.stop()


async def test_a_port_that_is_lost_at_the_last_moment_is_named(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int((directory / "kafka" / "ports").read_text().split()[0])
    monkeypatch.setattr("deploy.engines.kafka.free", lambda _port: True)  # as it was a moment before
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(EngineError, match=f"^port {port}, .* is taken by another program: .*$"),
    ):
        await KafkaEngine(directory).start()


async def test_a_set_up_that_was_interrupted_is_done_again(tmp_path: Path) -> None:
    for engine in ("postgres", "kafka"):
        unfinished = tmp_path / engine / "data.new-0"
        unfinished.mkdir(parents=True)
        (unfinished / "half").touch()
    async with engines(tmp_path):
        assert not [*tmp_path.glob("*/data.new-*")]


@pytest.mark.parametrize("engine", [PostgresEngine, KafkaEngine])
async def test_files_that_are_no_engine_s_are_never_deleted(
    tmp_path: Path, engine: type[PostgresEngine | KafkaEngine]
) -> None:
    precious = tmp_path / ("postgres" if engine is PostgresEngine else "kafka") / "data" / "precious"
    precious.parent.mkdir(parents=True)
    precious.touch()
    heard: list[str] = []
    with pytest.raises(EngineError, match="does not delete it"):
        await engine(tmp_path, say=heard.append).start()
    assert precious.exists()
    assert not [sentence for sentence in heard if sentence.startswith("Setting")]
    assert not [*tmp_path.glob("*/data.new-*")]


async def test_a_path_too_long_or_odd_for_a_socket(tmp_path: Path) -> None:
    postgres = PostgresEngine(tmp_path / ("rất-dài-" * 12) / 'a, b "c"')
    await postgres.start()
    try:
        connection = await asyncpg.connect(url_of_database(postgres.url, "template1"))
        await connection.close()
    finally:
        await postgres.stop()


async def test_a_given_engine_is_not_started(tmp_path: Path) -> None:
    async with engines(tmp_path, postgres="postgresql://elsewhere/", kafka="elsewhere:9092") as urls:
        assert (urls.postgres, urls.kafka) == ("postgresql://elsewhere/", "elsewhere:9092")
    assert not [*tmp_path.iterdir()]


async def test_what_a_killed_run_left_behind_is_discarded_with_the_port_that_somebody_has_meanwhile(tmp_path: Path):
    home = tmp_path / "kafka"
    (home / "data").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        (home / "ports").write_text(f"{somebody.getsockname()[1]} 1")
        await KafkaEngine(tmp_path).discard()
    assert [kept.name for kept in home.iterdir()] == ["owner.lock"]
