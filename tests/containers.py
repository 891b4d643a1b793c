"""The engines in containers, where `NHIP_TEST_ENGINES=containers` asks for that: PostgreSQL, Kafka, KurrentDB as their
makers build them. `NHIP_TEST_IMAGES` names other images, as `postgres=registry.example.com/postgres:18,kafka=…`.

Needs what speaks Docker's API, where `DOCKER_HOST` says. Whoever asked for it and has it not is told so.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from deploy.engines import EngineError
from deploy.engines.ports import claimed

CHOICE, IMAGES = "NHIP_TEST_ENGINES", "NHIP_TEST_IMAGES"
USUAL: Mapping[str, str] = {
    "postgres": "docker.io/library/postgres:18",
    "kafka": "docker.io/apache/kafka:4.1.1",
    "kurrentdb": "docker.io/kurrentplatform/kurrentdb:26.1",
}
ANSWER_SECONDS = 60
CONNECTIONS = 400
"""At PostgreSQL, as the one from a wheel has."""


def asked_for() -> bool:
    """Raises EngineError for what is no choice."""
    choice = os.environ.get(CHOICE, "")
    if choice not in ("", "containers"):
        raise EngineError(f"{CHOICE} is {choice!r}: set it to containers, or leave it out for engines of this machine")
    return bool(choice)


def image(engine: str) -> str:
    """Raises EngineError, naming the entry, for images that are not named as they must be."""
    named = dict(USUAL)
    for entry in filter(None, os.environ.get(IMAGES, "").split(",")):
        name, _, given = entry.strip().partition("=")
        if name not in USUAL or not given:
            raise EngineError(f"{IMAGES} has {entry!r}: write <engine>=<image>, of {', '.join(USUAL)}")
        named[name] = given
    return named[engine]


@asynccontextmanager
async def postgres() -> AsyncGenerator[str]:
    """The URL of a server, as superuser of its database `postgres`. Raises EngineError."""
    container = _container("postgres").with_env("POSTGRES_HOST_AUTH_METHOD", "trust").with_exposed_ports(5432)
    container.with_command(["-c", f"max_connections={CONNECTIONS}"])
    async with _running(container):
        url = f"postgresql://postgres@{_host()}:{container.get_exposed_port(5432)}/postgres"

        async def asks() -> None:
            await (await asyncpg.connect(url)).close()

        await _until_it_answers(container, asks, (OSError, asyncpg.PostgresError, asyncpg.InterfaceError))
        yield url


@asynccontextmanager
async def kafka() -> AsyncGenerator[str]:
    """The bootstrap address of one broker, with the settings of the one from jars. Raises EngineError."""
    with claimed(1) as [port]:  # a broker says where it is found, so that is known before it starts
        container = _container("kafka").with_bind_ports(9092, port)
        for name, value in _settings(f"{_host()}:{port}").items():
            container.with_env(name, value)
        async with _running(container):
            address = f"{_host()}:{port}"

            async def asks() -> None:
                client = AIOKafkaAdminClient(bootstrap_servers=address)
                try:
                    await client.start()
                finally:
                    await client.close()

            await _until_it_answers(container, asks, (OSError, KafkaError))
            yield address


def _settings(address: str) -> Mapping[str, str]:
    internal = ("OFFSETS_TOPIC", "TRANSACTION_STATE_LOG", "SHARE_COORDINATOR_STATE_TOPIC")
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{address}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_LOG_DIRS": "/tmp/kafka-logs",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        **{f"KAFKA_{topic}_REPLICATION_FACTOR": "1" for topic in internal},
        **{f"KAFKA_{topic}_MIN_ISR": "1" for topic in internal[1:]},
        **{f"KAFKA_{topic}_NUM_PARTITIONS": "4" for topic in internal},
    }


@asynccontextmanager
async def kurrentdb() -> AsyncGenerator[str]:
    """The URL of one node, without TLS. Raises EngineError."""
    # Not above: it makes every channel of its process, and of those that inherit from it, find names in another way.
    from kurrentdbclient import AsyncKurrentDBClient
    from kurrentdbclient.exceptions import KurrentDBClientError

    container = _container("kurrentdb").with_exposed_ports(2113).with_env("KURRENTDB_INSECURE", "true")
    async with _running(container):
        url = f"kurrentdb://{_host()}:{container.get_exposed_port(2113)}?tls=false"

        async def asks() -> None:
            client = AsyncKurrentDBClient(url)
            try:
                await client.connect()
                await client.get_commit_position()
            finally:
                await client.close()

        await _until_it_answers(container, asks, (OSError, KurrentDBClientError))
        yield url


def _container(engine: str) -> DockerContainer:
    try:
        return DockerContainer(image(engine))
    except DockerException as error:
        raise _without_docker(error) from error


def _host() -> str:
    """Where ports of containers are found: 127.0.0.1, for Kafka's clients ask no resolver twice."""
    host = DockerClient().host()
    return "127.0.0.1" if host == "localhost" else host


def _without_docker(error: Exception) -> EngineError:
    return EngineError(
        f"{CHOICE}=containers needs Docker, or what speaks its API where DOCKER_HOST says, and it does not answer "
        f"({error}); leave {CHOICE} out for engines of this machine"
    )


@asynccontextmanager
async def _running(container: DockerContainer) -> AsyncGenerator[None]:
    try:
        await asyncio.to_thread(container.start)
    except DockerException as error:
        raise EngineError(
            f"the image {container.image} does not start ({error}); {IMAGES} names another one"
        ) from error
    try:
        yield
    finally:
        await asyncio.to_thread(container.stop)


async def _until_it_answers(
    container: DockerContainer, asks: Callable[[], Awaitable[None]], not_yet: tuple[type[Exception], ...]
) -> None:
    ends = asyncio.get_running_loop().time() + ANSWER_SECONDS
    while True:
        try:
            return await asks()
        except not_yet as error:
            if asyncio.get_running_loop().time() > ends:
                said = b"\n".join(await asyncio.to_thread(container.get_logs)).decode(errors="replace")[-2000:]
                raise EngineError(f"{container.image} does not answer ({error}); it said:\n{said}") from error
        await asyncio.sleep(0.2)
