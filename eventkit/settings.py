"""What an operator may set: environment variables that begin with NHIP_, read once, checked at the start."""

import base64
import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self, cast
from urllib.parse import SplitResult, urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from eventkit.engine_settings import PREFIX, SettingsError, is_address, readable
from eventkit.key_settings import KeySettings

__all__ = ["Settings", "SettingsError", "describe", "is_loopback", "load", "masked"]

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(KeySettings):
    """The settings of one process.

    A field's description says what would be right; `load` quotes it to who got it wrong.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True, hide_input_in_errors=True
    )

    issuer: str = Field("", description="the issuer that tokens must name, as an OIDC provider publishes it")
    audience: str = Field("nhip", min_length=1, description="the audience that tokens must name")
    jwks: str = Field(
        "", repr=False, description="where the issuer's public keys are: an https:// or http:// URL, or a file's path"
    )

    subject_claim: str = Field("sub", min_length=1, description="the claim of a token that says who is asking")
    tenant_claim: str = Field("tenant", min_length=1, description="the claim of a token that names the tenant")
    token_tenant: str = Field(
        "",
        pattern=r"^([a-z0-9][a-z0-9_.-]{0,63})?$",
        description="the tenant of tokens that name none: 1 to 64 of a-z, 0-9, '-', '_' and '.'",
    )
    people_by: Literal["id", "link"] = Field(
        "id",
        description="id: a token's subject is person:<id>; link: it is the provider's own, and means whom their first "
        "sign-in links by a verified e-mail address",
    )
    emails_verified: bool = Field(
        False,
        description="true or false: does the provider verify every e-mail address, without a claim `email_verified`",
    )
    oidc_client: str = Field("", description="the client id of the console at the OpenID Connect provider")
    oidc_secret: SecretStr | None = Field(
        None, description="that client's secret; unset: it is a public client, which PKCE protects"
    )
    oidc_scopes: str = Field("openid email profile", description="what is asked of the provider, separated by spaces")
    oidc_token: Literal["access", "id"] = Field(
        "access", description="access or id: which of the provider's tokens the services are shown"
    )
    session_key: SecretStr | None = Field(
        None,
        description="32 bytes in base64 (URL-safe), the same for all gateways: seals sessions; unset: each gateway "
        "makes its own, and sessions end with it",
    )

    host: str = Field("127.0.0.1", min_length=1, description="the name or address to listen on")
    port: Port = Field(0, description="a port from 0 to 65535 for gRPC; 0: any that is free")
    health_port: Port = Field(0, description="a port from 0 to 65535 for health checks; 0: any that is free")
    metrics_port: Port = Field(0, description="a port from 0 to 65535 for metrics; 0: any that is free")
    tls_ca_file: Path | None = Field(
        None,
        description="a readable file of certificates (PEM) that vouch for the other processes: gRPC speaks TLS then, "
        "and both sides show a certificate",
    )
    tls_certificate_file: Path | None = Field(
        None, description="a readable file with this process's certificate (PEM), which names it as others call it"
    )
    tls_key_file: Path | None = Field(
        None, description="a readable file with the key of NHIP_TLS_CERTIFICATE_FILE (PEM, without a passphrase)"
    )
    health_tls: bool = Field(
        False, description="true or false: do health checks speak TLS, by NHIP_TLS_CERTIFICATE_FILE; false unless set"
    )
    metrics_tls: bool = Field(
        False, description="true or false: are metrics fetched by https, by NHIP_TLS_CERTIFICATE_FILE; false unless set"
    )
    reflection: bool = Field(
        default_factory=lambda given: is_loopback(str(given.get("host", ""))),
        description="true or false: may the contracts be read from the server without a token; unset: on loopback only",
    )

    rate_per_caller: float = Field(
        100.0,
        ge=0,
        le=1e6,
        description="a number from 0 to 1000000: calls a second that one person may make of a process; 0: any",
    )
    rate_per_tenant: float = Field(
        1000.0,
        ge=0,
        le=1e6,
        description="a number from 0 to 1000000: calls a second that a tenant may make of a process; 0: any",
    )

    calls_at_once: int = Field(
        8,
        ge=0,
        le=10_000,
        description="a number from 0 to 10000: calls that a service's process works on at once; 0: any",
    )
    rate_per_integration: float = Field(
        20.0,
        ge=0,
        le=1e6,
        description="a number from 0 to 1000000: calls a second that one integration may make of a process; 0: any",
    )
    deletion_days: float = Field(
        7.0,
        ge=0,
        le=365,
        description="a number from 0 to 365: days between the approval of a tenant's deletion and its beginning, in "
        "which it can be taken back",
    )
    poll_hosts: str = Field(
        "docs.google.com,*.googleusercontent.com",
        description="hosts whose published tables integrations may look at, as docs.google.com,*.example.com; none: no "
        "table is looked at",
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="one of debug, info, warning, error"
    )
    log_format: Literal["json", "console"] = Field("json", description="json or console")
    shutdown_seconds: float = Field(
        20.0, ge=0, le=600, description="a number from 0 to 600: seconds that running calls get at shutdown"
    )

    services: Annotated[Mapping[str, str], NoDecode] = Field(
        default_factory=dict[str, str],
        description="where the services are, as people=host:port,goals=host:port; of replicas the IP addresses, as "
        "goals=ip:port,ip:port",
    )
    smtp: str = Field(
        "",
        repr=False,
        description="the mail server, as smtp://user:password@host:port or smtps://…; unset: no e-mail is sent",
    )
    mail_from: str = Field("", description="the address that e-mails come from, as nhip@example.com")
    notice_batch_seconds: int = Field(
        600,
        ge=0,
        le=86_400,
        description="how long the changes that one person makes to KPIs are told as one notice; 0: each by itself",
    )
    cors: str = Field(
        "",
        description="origins whose pages may use the JSON API, as https://intranet.example.com, several separated by "
        "commas; unset: none",
    )
    console: str = Field(
        "",
        description="the URL by which browsers find the console, as https://nhip.example.com or, below a path of "
        "another's host, https://intranet.example.com/nhip",
    )

    tenant: str = Field(
        "company-x",
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$",
        description="a tenant's id: 1 to 64 of a-z, 0-9, '-', '_' and '.'",
    )

    @field_validator("jwks")
    @classmethod
    def _is_url_or_path(cls, value: str) -> str:
        if "://" in value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc):
            raise ValueError
        return value

    @field_validator("smtp")
    @classmethod
    def _is_mail_server(cls, value: str) -> str:
        parts = urlsplit(value)
        wrong_port = parts.port == 0  # asking for a port that is none raises ValueError
        if value and (
            parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/") or wrong_port
        ):
            raise ValueError
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_mail_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", value):
            raise ValueError
        return value

    @field_validator("console")
    @classmethod
    def _is_console(cls, value: str) -> str:
        parts = urlsplit(value)
        # Of a path nothing that is ever written otherwise, in an address, a cookie or a page.
        host = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
        right = re.fullmatch(rf"https?://{host}(:[0-9]+)?(/(?!\.)[A-Za-z0-9._~-]+)*/?", value)
        if value and not (right and parts.hostname and (parts.port or 1) > 0):  # of a port too high it raises
            raise ValueError
        return value

    @field_validator("cors")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for one in filter(None, map(str.strip, value.split(","))):
            parts = urlsplit(one)
            if parts.scheme not in ("http", "https") or one != f"{parts.scheme}://{parts.netloc}" or not parts.hostname:
                raise ValueError
        return value

    @field_validator("poll_hosts")
    @classmethod
    def _are_hosts(cls, value: str) -> str:
        name = r"(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?"
        if value != "none" and not all(re.fullmatch(name, one.strip()) for one in value.split(",")):
            raise ValueError
        return value

    @field_validator("services", mode="before")
    @classmethod
    def _split_services(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        addresses: dict[str, list[str]] = {}
        name = ""
        for part in filter(None, (part.strip() for part in value.split(","))):
            before, named, address = part.rpartition("=")
            name = before.strip() if named else name  # without a name: one more replica of the service before
            addresses.setdefault(name, []).append(address.strip())
        return {name: ",".join(replicas) for name, replicas in addresses.items()}

    @field_validator("services")
    @classmethod
    def _are_addresses(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if not all(
            re.fullmatch(r"[a-z][a-z0-9_]*", name) and _are_replicas(address.split(","))
            for name, address in value.items()
        ):
            raise ValueError
        return value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("session_key")
    @classmethod
    def _is_session_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(base64.urlsafe_b64decode(value.get_secret_value())) != 32:
            raise ValueError
        return value

    @field_validator("tls_ca_file", "tls_certificate_file", "tls_key_file")
    @classmethod
    def _can_be_read(cls, value: Path | None) -> Path | None:
        return readable(value)

    @model_validator(mode="after")
    def _all_of_tls(self) -> Self:
        names = ("tls_ca_file", "tls_certificate_file", "tls_key_file")
        given = [name for name in names if getattr(self, name) is not None]
        for name in names:
            if given and name not in given:
                raise ValueError(f"{PREFIX}{given[0].upper()} is set, so {self.must_be(name)}")
        for name in ("health_tls", "metrics_tls"):
            if getattr(self, name) and not given:
                raise ValueError(f"{PREFIX}{name.upper()} is true, so {self.must_be('tls_certificate_file')}")
        if given and any("," in address for address in self.services.values()):
            raise ValueError(
                "over TLS a service is called by its name, which its certificate holds: NHIP_SERVICES must have a name "
                "for all replicas of each, as goals=dns:///goals.nhip:50051"
            )
        return self

    @model_validator(mode="after")
    def _one_sender(self) -> Self:
        if self.smtp and not self.mail_from:
            raise ValueError(f"NHIP_SMTP is set, so {self.must_be('mail_from')}")
        return self

    @property
    def cors_origins(self) -> tuple[str, ...]:
        return tuple(filter(None, map(str.strip, self.cors.split(","))))

    @property
    def polled_hosts(self) -> tuple[str, ...]:
        return () if self.poll_hosts == "none" else tuple(map(str.strip, self.poll_hosts.split(",")))


def load(**overrides: object) -> Settings:
    """The settings of this process: the environment's, and above them `overrides` by field name.

    Raises SettingsError, which lists everything that is wrong at once.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks them, that is the point
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        # A default that follows from other settings is not made while one is wrong: nothing that anybody set.
        wrong = {
            _explain(tuple(e["loc"]), e["type"], e["msg"]): None
            for e in problems
            if e["type"] != "default_factory_not_called"
        }
        # Not chained: pydantic's own error quotes what was given, and that may be a secret.
        raise SettingsError("\n".join(["the settings are not right:", *(f"  {line}" for line in wrong)])) from None


def describe(settings: Settings) -> str:
    """Every setting on a line of its own, to be printed: secrets and passwords are masked."""
    lines: list[str] = []
    for name in Settings.model_fields:
        value = cast(object, getattr(settings, name))
        match value:
            case SecretStr():
                shown = "***"
            case None | "":
                shown = "(not set)"
            case Mapping():
                shown = (
                    ",".join(f"{key}={address}" for key, address in cast(Mapping[str, str], value).items())
                    or "(not set)"
                )
            case str():
                shown = masked(value)
            case _:
                shown = str(value)
        lines.append(f"{PREFIX}{name.upper()}={shown}")
    return "\n".join(lines)


def masked(url: str) -> str:
    """A URL without its secrets: the password, and parameters that may hold one. Other text stays as it is."""
    if "://" not in url:
        return url
    parts: SplitResult = urlsplit(url)
    user, at, where = parts.netloc.rpartition("@")
    name, colon, password = user.partition(":")
    query = re.sub(r"(?i)((?:^|&)[^=&]*(?:password|secret|token|key)[^=&]*=)[^&]+", r"\1***", parts.query)
    return urlunsplit(parts._replace(netloc=f"{name}{colon}{'***' if password else ''}{at}{where}", query=query))


def is_loopback(host: str) -> bool:
    """Is `host` reachable from this machine only: `localhost` or a loopback address. Other names are not looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _are_replicas(addresses: Sequence[str]) -> bool:
    return all(map(is_address, addresses)) and (
        len(addresses) == 1 or all(re.fullmatch(r"[0-9.]+:[0-9]+", one) for one in addresses)
    )


def _explain(location: tuple[int | str, ...], kind: str, message: str) -> str:
    if not location:
        return message.removeprefix("Value error, ")
    name = str(location[0])
    if kind == "extra_forbidden" or name not in Settings.model_fields:
        return f"{name} is not a setting"
    return Settings.must_be(name)
