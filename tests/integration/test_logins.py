"""PostgreSQL with a login for each service, which opens its own database alone and makes nothing there; and through a
pooler, over TLS."""

import asyncio
import base64
import json
import os
import shutil
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import grpc
import pytest

from cli.catalog import SERVICES
from cli.client import Client
from cli.tenant import make
from deploy.certificates import Authority
from deploy.engines import PostgresEngine, url_of_database
from deploy.engines.ports import claimed, free
from deploy.pooler import NEEDED, find_pooler
from eventkit import database
from eventkit.process import provision
from eventkit.process.host import running
from eventkit.process.provision import EngineRefused
from eventkit.rpc.auth import of_settings
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.settings import Settings, load
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2, types_pb2
from tests.conftest import missing
from tests.e2e.running import nhip

MASTER = base64.b64encode(b"m" * 32).decode()
ISSUER = "http://issuer.test"


@dataclass(frozen=True)
class Server:
    """A PostgreSQL that asks for passwords, and the folder of those."""

    host: str
    words: Path

    @property
    def owner(self) -> str:
        """URL of who provisions: they may make databases and roles, and nothing else."""
        return self.url("owner", "owner-word")

    def url(self, login: str, password: str = "") -> str:
        at = f"{login}:{password}" if password else login
        return f"postgresql://{at}@{self.host}/postgres"

    def set_passwords(self, ending: str) -> None:
        for name in (*SERVICES, "keys"):
            (self.words / name).write_text(f"{name}-{ending}\n")


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Server]:
    folder = tmp_path_factory.mktemp("logins")
    # An address of its own on this machine: the engine's own socket has the usual port in its name.
    host = f"127.{uuid4().int % 250 + 2}.{os.getpid() % 250}.{os.getpid() // 250 % 250 + 1}"
    engine = PostgresEngine(folder, settings={"listen_addresses": host})
    engine.claim()
    await engine.start()
    try:
        con = await asyncpg.connect(engine.url)
        asked = Path(await con.fetchval("show hba_file"))
        asked.write_text("local all all trust\nhost all all 127.0.0.0/8 scram-sha-256\n")
        await con.execute("select pg_reload_conf()")
        await con.execute("create role owner login createdb createrole password 'owner-word'")
        await con.close()
        (folder / "words").mkdir()
        yield Server(host, folder / "words")
    finally:
        await engine.stop()


def environment(server: Server, kafka: str) -> Mapping[str, str]:
    return {"NHIP_POSTGRES": server.owner, "NHIP_KAFKA": kafka, "NHIP_INSTALLATION": "with-logins"}


def of_people(server: Server, kafka: str, folder: Path) -> Settings:
    return load(
        postgres=server.url("with_logins_people"),
        postgres_password_file=server.words / "people",
        postgres_keys=server.url("with_logins_keys"),
        postgres_keys_password_file=server.words / "keys",
        kafka=kafka,
        installation="with-logins",
        master_key=MASTER,
        issuer=ISSUER,
        jwks=str(folder / "jwks.json"),
        shutdown_seconds=2,
    )


async def test_a_service_runs_as_its_own_login_which_makes_nothing_and_goes_on_when_its_password_changes(
    server: Server, kafka: str, tmp_path: Path
):
    issuer = DemoIssuer(host="127.0.0.1", key_file=tmp_path / "issuer.key", issuer=ISSUER)
    (tmp_path / "jwks.json").write_text(json.dumps(issuer.jwks()))
    server.set_passwords("first")
    settings = of_people(server, kafka, tmp_path)
    code, told = await nhip("provision", "--logins", str(server.words), environment=environment(server, kafka))
    assert (code, "logins: with_logins_audit, " in told) == (0, True), told

    by_files = {
        "NHIP_POSTGRES": server.url("with_logins_people"),
        "NHIP_POSTGRES_PASSWORD_FILE": str(server.words / "people"),
        "NHIP_POSTGRES_KEYS": server.url("with_logins_keys"),
        "NHIP_POSTGRES_KEYS_PASSWORD_FILE": str(server.words / "keys"),
    }
    code, told = await nhip("check", "people", environment={**environment(server, kafka), **by_files})
    assert code == 0, told

    async with running("people", SERVICES["people"].build, settings, of_settings(settings)) as people:
        assert people.ready()
        async with grpc.aio.insecure_channel(people.address) as channel:
            operator = Client({"people": channel}, issuer.mint("acme", "service:operator"))

            first = people_pb2.RegisterPerson(name=PersonalText(plain="Hương"), roles=[types_pb2.ROLE_ADMIN])
            await make(operator, "acme", people_pb2.CreateTenant(name="Acme"), first)
            found = await operator.ask(people_pb2.ListPeople(), people_pb2.PeopleList, after=operator.positions.all())
            assert [person.name.plain for person in found.people] == ["Hương"]

            server.set_passwords("second")
            await nhip("provision", "--logins", str(server.words), environment=environment(server, kafka))
            owner = await asyncpg.connect(server.owner)
            await owner.execute("grant with_logins_people, with_logins_keys to owner")
            await owner.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename like 'with_logins_%'"
            )
            await owner.close()
            again = await operator.ask(people_pb2.ListPeople(), people_pb2.PeopleList)
            assert len(again.people) == 1


async def test_a_login_opens_its_own_database_alone_and_cannot_take_the_guard_off_its_log(server: Server, kafka: str):
    people = url_of_database(server.url("with_logins_people", "people-second"), "with_logins_people")
    con = await database.connect(people, "test")
    try:
        for refused in (
            "update log_event set actor = 'x'",
            "delete from log_event",
            "truncate log_event",
            "alter table log_event disable trigger all",
            "drop trigger log_append_only on log_event",
            "create table mine(x int)",
            "create temporary table mine(x int)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await con.execute(refused)
        assert await con.fetchval("select count(*) from log_event") > 0
        assert await con.fetchval("show idle_in_transaction_session_timeout") == "10s"
        assert await con.fetchval("show tcp_keepalives_idle") == "5"
    finally:
        await con.close()
    for other in ("with_logins_goals", "with_logins_keys"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.connect(url_of_database(people, other), "test")


async def test_what_an_upgrade_needs_is_waited_for_until_it_is_provisioned(server: Server, kafka: str, tmp_path: Path):
    settings = of_people(server, kafka, tmp_path)
    owner = await asyncpg.connect(url_of_database(server.owner, "with_logins_people"))
    await owner.execute("alter table reader rename to reader_of_before")
    try:
        pool = database.pool(settings.database("people"), "test", 1)
        async with pool:
            with pytest.raises(provision.NotProvisioned, match="the table reader is not there, and this login may not"):
                await provision.tables(pool, [])
    finally:
        await owner.execute("alter table reader_of_before rename to reader")
        await owner.close()


@asynccontextmanager
async def pooler(server: Server, folder: Path, authority: Authority, mode: str) -> AsyncGenerator[str]:
    """PgBouncer before the server, with TLS of its own: the server and the parameters of a URL."""
    program = find_pooler()
    if program is None:
        missing(NEEDED)
    pair = authority.pair(mode, "127.0.0.1")
    users, config = folder / "users", folder / f"{mode}.ini"
    users.write_text('"with_logins_people" "people-second"\n')
    with claimed(1) as ports:
        [port] = ports
        config.write_text(f"""[databases]
* = host={server.host} port=5432
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {mode}
client_tls_sslmode = require
client_tls_key_file = {pair.key}
client_tls_cert_file = {pair.certificate}
""")
        as_nobody: list[str] = []
        if os.geteuid() == 0:  # it refuses to be root
            as_nobody = ["-u", "nobody"]
            for path in (users, config, pair.key, pair.certificate):
                shutil.chown(path, "nobody")
        with (folder / "printed").open("w") as printed:
            process = await asyncio.create_subprocess_exec(program, *as_nobody, str(config), stderr=printed)
        try:
            while free(port):
                assert process.returncode is None, (folder / "printed").read_text()
                await asyncio.sleep(0.05)
            yield f"127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={authority.file}"
        finally:
            process.terminate()
            await process.wait()


async def test_a_pooler_in_transaction_mode_is_refused_with_a_sentence(server: Server, kafka: str, tmp_path: Path):
    """In session mode it may stand there; and TLS is what the URL asks for."""
    settings, authority = of_people(server, kafka, tmp_path), Authority(tmp_path / "ours")
    async with pooler(server, tmp_path, authority, "transaction") as where:
        through = settings.model_copy(update={"postgres": f"postgresql://with_logins_people@{where}"})
        with pytest.raises(EngineRefused, match="pool_mode=session"):
            await provision.not_shared(through, "people")
    async with pooler(server, tmp_path, authority, "session") as where:
        through = settings.model_copy(update={"postgres": f"postgresql://with_logins_people@{where}"})
        await provision.not_shared(through, "people")
        strangers = Authority(tmp_path / "strangers", "strangers").file
        other = where.replace(str(authority.file), str(strangers))
        with pytest.raises(ssl.SSLCertVerificationError):
            await database.connect(f"postgresql://with_logins_people:people-second@{other}", "test")
