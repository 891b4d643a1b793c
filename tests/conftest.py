"""What every test may ask for: real engines, a fresh database, a Kafka.

One set of engines serves a run; tests keep apart by fresh databases, tenants and topics. `NHIP_POSTGRES` and
`NHIP_KAFKA` name engines to use instead of starting some; `NHIP_TEST_ENGINES=containers` starts them in containers.
"""

import gc
import os
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from deploy.engines import Engines, InUse, KafkaEngine, PostgresEngine, url_of_database
from deploy.engines import engines as running_engines
from deploy.engines.process import Ownership
from eventkit.process import garbage
from tests import containers

# A property is about what holds, not about how busy the machine is that tries it.
settings.register_profile("nhip", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nhip")

# As processes log by themselves; a line for each page that a subscription reads is a tenth of what some tests take.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("info"))

_DIRECTORY = Path(__file__).parent.parent / "var" / "test"


class _Together(LoadScopeScheduling):
    """Hands out tests by file, so that those that build on each other stay together; those of both sizes as one, for
    what they start is dear. In the order of their collection: the long ones come first."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "tests/e2e" if file.startswith("tests/e2e/") and not file.endswith("test_up.py") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _Together(config, log)


gc.disable()
"""Until all tests are there: they, and what they import, are most of what a collection would look at."""


def pytest_collection_finish() -> None:
    garbage.keep_what_is_there()
    gc.enable()


@pytest.fixture(scope="session")
async def engines() -> AsyncGenerator[Engines]:
    """PostgreSQL and Kafka for the whole run. Where one does not start, each test that needs it fails and says why."""
    named_postgres, named_kafka = os.environ.get("NHIP_POSTGRES"), os.environ.get("NHIP_KAFKA")
    if containers.asked_for():
        async with AsyncExitStack() as stack:
            yield Engines(
                postgres=named_postgres or await stack.enter_async_context(containers.postgres()),
                kafka=named_kafka or await stack.enter_async_context(containers.kafka()),
            )
        return
    with _folder() as folder:
        for engine in (PostgresEngine(folder), KafkaEngine(folder)):
            await engine.discard()  # a run that was killed left data, and ports that somebody else may have by now
        async with running_engines(folder, postgres=named_postgres, kafka=named_kafka) as urls:
            yield urls
            for engine in urls.ours:
                engine.kill()  # what is thrown away need not be written to the disk first


@contextmanager
def _folder() -> Generator[Path]:
    """One that no other run uses, emptied afterwards.

    A run that was killed leaves its engines to the next one, which ends them.
    """
    for number in range(1, 100):
        folder = _DIRECTORY / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        slot = Ownership(folder)
        try:
            slot.take()
        except InUse:
            continue
        try:
            yield folder
        finally:
            for engine in ("postgres", "kafka"):
                shutil.rmtree(folder / engine, ignore_errors=True)
            slot.release()
        return
    raise RuntimeError(f"all folders in {_DIRECTORY} are in use")


@pytest.fixture
async def postgres(engines: Engines) -> AsyncGenerator[str]:
    """The URL of a fresh database, dropped afterwards."""
    async with fresh_database(engines.postgres) as url:
        yield url


@pytest.fixture(scope="module")
async def postgres_of_module(engines: Engines) -> AsyncGenerator[str]:
    """The URL of a fresh database that the tests of one module share, dropped afterwards."""
    async with fresh_database(engines.postgres) as url:
        yield url


@pytest.fixture(scope="session")
def kafka(engines: Engines) -> str:
    """Kafka's bootstrap address. Topics of a test carry a name of their own."""
    return engines.kafka


@asynccontextmanager
async def fresh_database(server: str, suffix: str = "") -> AsyncGenerator[str]:
    """`suffix`: what its name ends with, after what no other test has."""
    name = f"test_{uuid4().hex[:12]}{suffix}"
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        yield url_of_database(server, name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


def missing(what: str) -> NoReturn:
    """A test that cannot run fails, and says for want of what: none is passed over in silence."""
    pytest.fail(what)
