"""A Kafka with TLS, SASL and ACLs on: everybody may do only what was granted."""

import json
import shlex
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import Request, Response
from aiokafka.protocol.api import RequestStruct
from aiokafka.protocol.types import Array, Int8, Int16, Int32, Schema, String

from deploy.certificates import Authority
from deploy.engines import KafkaEngine
from deploy.engines.ports import claimed
from eventkit.kafka import Cluster, Security
from eventkit.rpc.demo_issuer import DemoIssuer
from tests.integration.eventkit.topics import PARTITIONS

PASSWORD = "Wort.4-Kafka"
USERS = ("people", "goals", "checkins", "rewards", "retros", "notifications", "audit", "operator", "provision")
_RESOURCES = {"--topic": 2, "--group": 3}
_OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Describe": 8, "DescribeConfigs": 10}
_LITERAL, _PREFIXED, _ALLOW = 3, 4, 3


@dataclass(frozen=True)
class Secured:
    """Its listeners, and who may vouch for them."""

    admin: str
    """Without any security: who comes here may do everything."""
    sasl: str
    tls: str
    authority: Authority
    issuer: DemoIssuer
    """Whose tokens it takes."""

    def by_password(self, user: str, mechanism: str = "SCRAM-SHA-512") -> Cluster:
        security = Security("SASL_SSL", mechanism, user, PASSWORD, ca_file=self.authority.file)
        return Cluster(self.sasl, PARTITIONS, 1, security=security)

    def by_token(self, client: str, token_url: str) -> Cluster:
        """`token_url`: whose tokens `issuer` signs."""
        security = Security(
            "SASL_SSL", "OAUTHBEARER", client, PASSWORD, ca_file=self.authority.file, token_url=token_url, scope="kafka"
        )
        return Cluster(self.sasl, PARTITIONS, 1, security=security)

    def by_certificate(self, name: str) -> Cluster:
        pair = self.authority.pair(name)
        security = Security("SSL", ca_file=self.authority.file, certificate_file=pair.certificate, key_file=pair.key)
        return Cluster(self.tls, PARTITIONS, 1, security=security)

    async def allow(self, lines: Iterable[str]) -> None:
        """Does what calls of `kafka-acls` would do."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.admin)
        await admin.start()
        try:
            wanted = [creation for line in lines for creation in _creations(line)]
            answer: Any = await admin._send_to_controller(_CreateAcls(wanted))  # type: ignore[attr-defined]
            assert [error for error in answer.results if error[0]] == []
        finally:
            await admin.close()


@asynccontextmanager
async def secured(folder: Path) -> AsyncGenerator[Secured]:
    authority = Authority(folder / "certificates")
    server = authority.pair("broker", "127.0.0.1")
    issuer = DemoIssuer(host="127.0.0.1", key_file=folder / "issuer.key", issuer="https://oauth.test", audience="kafka")
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps(issuer.jwks()))
    (folder / "broker.pem").write_bytes(server.key.read_bytes() + server.certificate.read_bytes())
    with claimed(2) as ports:
        sasl, tls = ports.pop(), ports.pop()
        engine = KafkaEngine(
            folder,
            settings=f"""\
listeners=PLAINTEXT://127.0.0.1:{{broker}},CONTROLLER://127.0.0.1:{{controller}},\
SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{tls}
advertised.listeners=PLAINTEXT://127.0.0.1:{{broker}},SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{tls}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
ssl.keystore.type=PEM
ssl.keystore.location={folder / "broker.pem"}
ssl.truststore.type=PEM
ssl.truststore.location={authority.file}
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN,OAUTHBEARER
listener.name.sasl_ssl.oauthbearer.sasl.jaas.config=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
listener.name.sasl_ssl.oauthbearer.sasl.server.callback.handler.class=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler
sasl.oauthbearer.jwks.endpoint.url={jwks.as_uri()}
sasl.oauthbearer.expected.audience=kafka
sasl.oauthbearer.expected.issuer=https://oauth.test
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_plain="{PASSWORD}";
""",
            scram={f"nhip-{user}": PASSWORD for user in (*USERS, "payroll", "test")},
            java=[f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.{kind}={jwks.as_uri()}" for kind in ("urls", "files")],
        )
        engine.claim()
        await engine.start()
        try:
            yield Secured(engine.address, f"127.0.0.1:{sasl}", f"127.0.0.1:{tls}", authority, issuer)
        finally:
            await engine.stop()


def _creations(line: str) -> list[tuple[Any, ...]]:
    words = shlex.split(line)
    given = dict(pairwise(words))
    [(resource, name)] = [(number, given[option]) for option, number in _RESOURCES.items() if option in given]
    pattern = _PREFIXED if given.get("--resource-pattern-type") == "prefixed" else _LITERAL
    operations = [after for word, after in pairwise(words) if word == "--operation"]
    who = given["--allow-principal"]
    return [(resource, name, pattern, who, "*", _OPERATIONS[operation], _ALLOW) for operation in operations]


class _CreateAclsResponse(Response):
    API_KEY = 30  # pyright: ignore[reportAssignmentType] # as the library does
    API_VERSION = 1  # pyright: ignore[reportAssignmentType]
    SCHEMA = Schema(("throttle", Int32), ("results", Array(("error_code", Int16), ("error", String("utf-8")))))


class _CreateAclsStruct(RequestStruct):
    API_KEY = 30  # pyright: ignore[reportAssignmentType] # as the library does
    API_VERSION = 1  # pyright: ignore[reportAssignmentType]
    RESPONSE_TYPE = _CreateAclsResponse
    SCHEMA = Schema(
        (
            "creations",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                ("pattern", Int8),
                ("principal", String("utf-8")),
                ("host", String("utf-8")),
                ("operation", Int8),
                ("permission", Int8),
            ),
        )
    )


class _CreateAcls(Request[_CreateAclsStruct]):
    API_KEY = 30

    def __init__(self, creations: list[tuple[Any, ...]]):
        self._creations = creations

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(self._creations)
