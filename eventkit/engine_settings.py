"""What an operator may set of the engines: where PostgreSQL and Kafka are, as whom a process comes to them, and what
this installation's things there are called.

A part of `eventkit.settings`, which reads and checks all of them at once.
"""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

PREFIX = "NHIP_"
KEYS = "keys"
"""What the database of keys is called among the services'."""


class SettingsError(Exception):
    """Settings that are wrong or missing; the message names every variable and what would be right, never a secret."""


class EngineSettings(BaseSettings):
    """The engines of one process."""

    installation: str = Field(
        "nhip",
        pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        max_length=30,
        description="what this installation is called, at most 30 of a-z, 0-9 and '-': topics, groups and databases "
        "begin with it",
    )

    postgres: str = Field(
        "", repr=False, description="postgresql://user:password@host:port – each service uses its own database there"
    )

    postgres_password_file: Path | None = Field(
        None, description="a readable file that holds PostgreSQL's password, read again for every new connection"
    )
    postgres_keys: str = Field(
        "",
        repr=False,
        description="postgresql://user:password@host:port – as whom the database of keys is opened; unset: as "
        "NHIP_POSTGRES has it",
    )
    postgres_keys_password_file: Path | None = Field(
        None, description="a readable file that holds the password of NHIP_POSTGRES_KEYS"
    )

    log: str = Field(
        "",
        repr=False,
        description="empty: each service's log is in its own database; or kurrentdb://user:password@host:port, "
        "kurrentdb+discover://…: in a KurrentDB of version 26.1 or newer",
    )

    kafka: str = Field("", description="bootstrap servers, as host:port, several separated by commas")
    kafka_partitions: int = Field(
        4, ge=1, le=1000, description="a whole number from 1 to 1000: partitions of every topic"
    )
    kafka_replication: int = Field(
        1, ge=1, le=15, description="a whole number from 1 to 15: copies of every topic, or more"
    )
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Kafka's security protocol: one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"
    )
    kafka_mechanism: Literal["", "SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER"] = Field(
        "", description="the SASL mechanism: one of SCRAM-SHA-512, SCRAM-SHA-256, PLAIN, OAUTHBEARER"
    )
    kafka_user: str = Field(
        "", description="the user name that this process has at Kafka; with OAUTHBEARER the client at the OAuth server"
    )
    kafka_password: SecretStr | None = Field(
        None, description="that user's password or that client's secret; or NHIP_KAFKA_PASSWORD_FILE instead, not both"
    )
    kafka_token_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="with OAUTHBEARER: https://… where the OAuth server gives tokens to clients (its token endpoint)",
    )
    kafka_scope: str = Field("", description="with OAUTHBEARER: the scope that is asked for, where one is needed")
    kafka_password_file: Path | None = Field(
        None, description="a readable file that holds the password, read again for every new connection"
    )
    kafka_ca_file: Path | None = Field(
        None, description="a readable file of certificates (PEM) that vouch for Kafka's; unset: those of the machine"
    )
    kafka_certificate_file: Path | None = Field(
        None, description="a readable file with this process's own certificate (PEM), for Kafka"
    )
    kafka_key_file: Path | None = Field(
        None, description="a readable file with the key of NHIP_KAFKA_CERTIFICATE_FILE (PEM, without a passphrase)"
    )

    @field_validator("postgres", "postgres_keys")
    @classmethod
    def _is_postgres(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("postgresql", "postgres"):
            raise ValueError
        return value

    @field_validator("log")
    @classmethod
    def _is_kurrentdb(cls, value: str) -> str:
        scheme = urlsplit(value).scheme.removesuffix("+discover")
        if value and (scheme not in ("kurrentdb", "kdb", "esdb") or not urlsplit(value).netloc):
            raise ValueError
        return value

    @field_validator("kafka")
    @classmethod
    def _is_bootstrap(cls, value: str) -> str:
        if value and not all(is_address(one.strip()) for one in value.split(",")):
            raise ValueError
        return value

    @field_validator("kafka_security", "kafka_mechanism", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator(
        "postgres_password_file",
        "postgres_keys_password_file",
        "kafka_password_file",
        "kafka_ca_file",
        "kafka_certificate_file",
        "kafka_key_file",
    )
    @classmethod
    def _is_readable(cls, value: Path | None) -> Path | None:
        return readable(value)

    @model_validator(mode="after")
    def _kafka_is_whole(self) -> Self:
        """Every setting of Kafka's security that is given is used, and none that is needed is missing."""
        sasl, tls = self.kafka_security.startswith("SASL"), self.kafka_security.endswith("SSL")
        if self.kafka_password is not None and self.kafka_password_file is not None:
            raise ValueError("NHIP_KAFKA_PASSWORD and NHIP_KAFKA_PASSWORD_FILE are both set: give one of them")
        has_password = self.kafka_password is not None or self.kafka_password_file is not None
        of_sasl = {
            "kafka_mechanism": bool(self.kafka_mechanism),
            "kafka_user": bool(self.kafka_user),
            "kafka_password": has_password,
        }
        for name, given in of_sasl.items():
            if sasl and not given:
                raise ValueError(f"NHIP_KAFKA_SECURITY is {self.kafka_security}, so {self.must_be(name)}")
            if given and not sasl:
                raise ValueError(
                    f"{PREFIX}{name.upper()} is set, so NHIP_KAFKA_SECURITY must be SASL_SSL (or SASL_PLAINTEXT), and "
                    f"it is {self.kafka_security}"
                )
        if bool(self.kafka_token_url) != (self.kafka_mechanism == "OAUTHBEARER"):
            raise ValueError(
                "NHIP_KAFKA_TOKEN_URL and NHIP_KAFKA_MECHANISM=OAUTHBEARER go together: one of them is not set"
            )
        if self.kafka_scope and not self.kafka_token_url:
            raise ValueError("NHIP_KAFKA_SCOPE is set, so NHIP_KAFKA_MECHANISM must be OAUTHBEARER")
        for name in ("kafka_ca_file", "kafka_certificate_file", "kafka_key_file"):
            if getattr(self, name) is not None and not tls:
                raise ValueError(
                    f"{PREFIX}{name.upper()} is set, so NHIP_KAFKA_SECURITY must be SSL or SASL_SSL, and it is "
                    f"{self.kafka_security}"
                )
        if (self.kafka_certificate_file is None) != (self.kafka_key_file is None):
            raise ValueError("NHIP_KAFKA_CERTIFICATE_FILE and NHIP_KAFKA_KEY_FILE go together: one of them is not set")
        return self

    def database_name(self, service: str) -> str:
        """The name of a service's own database: `nhip_<service>` in an installation called nhip."""
        return f"{self.installation.replace('-', '_')}_{service}"

    def database(self, service: str) -> str:
        """The URL of a service's own database. Raises SettingsError when NHIP_POSTGRES is not set."""
        if service == KEYS and self.postgres_keys:
            server = _reading(self.postgres_keys, self.postgres_keys_password_file)
        else:
            server = self.server()
        return urlunsplit(urlsplit(server)._replace(path=f"/{self.database_name(service)}"))

    def server(self) -> str:
        """The URL of PostgreSQL itself. Raises SettingsError when NHIP_POSTGRES is not set."""
        if not self.postgres:
            raise SettingsError(self.must_be("postgres"))
        return _reading(self.postgres, self.postgres_password_file)

    @classmethod
    def must_be(cls, name: str) -> str:
        """What would be right for a setting, as a sentence's end."""
        return f"{PREFIX}{name.upper()} must be {cls.model_fields[name].description}"


def readable(value: Path | None) -> Path | None:
    """The file. Raises ValueError when it cannot be read."""
    if value is not None:
        try:
            value.read_bytes()
        except OSError as error:
            raise ValueError from error
    return value


def _reading(url: str, password_file: Path | None) -> str:
    """The URL with the file that its password is in, as `eventkit.database` takes it."""
    if password_file is None:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, f"password_file={password_file}")))))


def is_address(text: str) -> bool:
    """Is it `host:port`?"""
    host, _, port = text.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and int(port) <= 65535
