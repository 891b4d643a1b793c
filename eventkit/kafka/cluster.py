"""A Kafka cluster as one process sees it: where it is, as whom one comes to it, what an installation's topics there are
called, and whose they are."""
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from eventkit.engine_settings import EngineSettings, SettingsError
from eventkit.kafka.bearer import ClientCredentials, TokenRefused

BEARER = "OAUTHBEARER"


class FilesUnfit(SettingsError, OSError):
    """A file does not hold the certificates or the key that it should.

    A wrong setting when a process starts; a fault that passes while it runs, as the file may just be renewed.
    """


@dataclass(frozen=True, slots=True)
class Security:
    """As whom one comes to Kafka, and by what its certificate is known. Files are read for every new client, so a
    password or certificate that is changed in its file is used from the next connection on."""

    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    user: str = ""
    """With OAUTHBEARER the client at the OAuth server, and the password its secret."""
    password: str = field(default="", repr=False)
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    token_url: str = ""
    scope: str = ""

    @classmethod
    def of(cls, settings: EngineSettings) -> "Security":
        given = settings.kafka_password
        return cls(
            settings.kafka_security,
            settings.kafka_mechanism,
            settings.kafka_user,
            given.get_secret_value() if given else "",
            settings.kafka_password_file,
            settings.kafka_ca_file,
            settings.kafka_certificate_file,
            settings.kafka_key_file,
            settings.kafka_token_url,
            settings.kafka_scope,
        )

    def secret(self) -> str:
        """The password. Raises OSError when its file cannot be read."""
        return self.password_file.read_text("utf-8").rstrip("\r\n") if self.password_file else self.password

    def tls(self) -> ssl.SSLContext | None:
        """None without TLS. Raises FilesUnfit."""
        if not self.protocol.endswith("SSL"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except ssl.SSLError as error:
            raise FilesUnfit("NHIP_KAFKA_CA_FILE must hold certificates in PEM, and does not") from error
        if self.certificate_file and self.key_file:
            try:
                # Without a passphrase: the question for one must not stop a process that nobody looks at.
                context.load_cert_chain(self.certificate_file, self.key_file, password="")
            except ssl.SSLError as error:
                raise FilesUnfit(
                    "NHIP_KAFKA_CERTIFICATE_FILE and NHIP_KAFKA_KEY_FILE must hold a certificate and its own key in "
                    "PEM, the key without a passphrase, and do not"
                ) from error
        return context

    def client(self) -> Mapping[str, Any]:
        """What each of aiokafka's clients is given."""
        given: dict[str, Any] = {"security_protocol": self.protocol, "ssl_context": self.tls()}
        if self.mechanism == BEARER:
            given |= {"sasl_mechanism": BEARER, "sasl_oauth_token_provider": _tokens_of(self)}
        elif self.mechanism:
            given |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.secret(),
            }
        return given


@cache
def _tokens_of(security: Security) -> ClientCredentials:
    """Of all connections of a process that come as the same client."""
    return ClientCredentials(security.token_url, security.user, security.secret, scope=security.scope)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, and what of it is this installation's.

    `installation` is its name, by which its topics and groups are called; `id` is the one that its records carry, empty
    for who only looks on.
    """

    servers: str
    """As `host:port`, several separated by commas."""
    partitions: int = 4
    replication: int = 1
    installation: str = "nhip"
    id: str = ""
    security: Security = Security()

    @classmethod
    def of(cls, settings: EngineSettings, id: str = "") -> "Cluster":
        return cls(
            settings.kafka,
            settings.kafka_partitions,
            settings.kafka_replication,
            settings.installation,
            id,
            Security.of(settings),
        )

    def topic(self, context: str) -> str:
        return f"{self.installation}.{context}.v1"

    def group(self, service: str, subscription: str) -> str:
        return f"{self.group_prefix(service)}{subscription}"

    def group_prefix(self, service: str) -> str:
        return f"{self.installation}.{service}."

    def client(self) -> dict[str, Any]:
        """What each of aiokafka's clients is given to reach it."""
        return {"bootstrap_servers": self.servers, **self.security.client()}

    async def refusal(self) -> str:
        """Why the first of its brokers that can be reached takes no connection of this kind, as a sentence; empty when
        one does, or none is there.

        A client by itself says of all of that only that it found no broker.
        """
        for server in self.servers.split(","):
            host, _, port = server.strip().rpartition(":")
            given = self.security.client()
            try:
                connection = await create_conn(host.strip("[]"), int(port), request_timeout_ms=5_000, **given)
            except ssl.SSLCertVerificationError as error:
                return (
                    f"Kafka at {server} shows a certificate that is not to be believed ({error.verify_message}): put "
                    "its authority into NHIP_KAFKA_CA_FILE, and the name that is asked for into the certificate"
                )
            except ssl.SSLError as error:
                return f"Kafka at {server} does not speak TLS as NHIP_KAFKA_SECURITY has it ({error.reason})"
            except TokenRefused as error:
                return (
                    f"there is no token for Kafka by which the client {self.security.user!r} could come to it: put "
                    f"NHIP_KAFKA_TOKEN_URL, NHIP_KAFKA_USER, its password and NHIP_KAFKA_SCOPE right ({error})"
                )
            except (AuthenticationFailedError, SaslAuthenticationFailed, UnsupportedSaslMechanismError) as error:
                return (
                    f"Kafka at {server} does not take the user {self.security.user!r} by {self.security.mechanism}: "
                    f"put NHIP_KAFKA_USER, its password and NHIP_KAFKA_MECHANISM right ({error})"
                )
            except (OSError, TimeoutError, KafkaError):
                continue
            connection.close()
            return ""
        return ""
