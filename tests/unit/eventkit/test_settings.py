"""Settings: what an operator sets, and what they are told when it is wrong."""

import base64
import os

import pytest
from pydantic import ValidationError

from eventkit.kafka import Cluster
from eventkit.settings import SettingsError, describe, is_loopback, load, masked

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch):
    for name in os.environ:
        if name.startswith("NHIP_"):
            monkeypatch.delenv(name)


def test_without_any_setting_there_are_sensible_ones():
    settings = load()
    assert (settings.host, settings.port, settings.audience, settings.tenant) == ("127.0.0.1", 0, "nhip", "company-x")
    assert (settings.kafka_partitions, settings.kafka_replication, settings.shutdown_seconds) == (4, 1, 20)
    assert settings.services == {}


def test_the_environment_is_read_and_overrides_are_above_it(monkeypatch):
    monkeypatch.setenv("NHIP_PORT", "5000")
    monkeypatch.setenv("NHIP_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("NHIP_SERVICES", "people=127.0.0.1:1, goals=goals.nhip:50051")
    monkeypatch.setenv("NHIP_KAFKA", "")
    settings = load(host="::1", log_format="console")
    assert (settings.port, settings.log_level, settings.host, settings.log_format) == (5000, "debug", "::1", "console")
    assert settings.services == {"people": "127.0.0.1:1", "goals": "goals.nhip:50051"}
    assert settings.kafka == ""


def test_everything_that_is_wrong_is_told_at_once_and_no_secret_with_it(monkeypatch):
    monkeypatch.setenv("NHIP_PORT", "70000")
    monkeypatch.setenv("NHIP_POSTGRES", "mysql://root:hunter2@db")
    monkeypatch.setenv("NHIP_MASTER_KEY", "hunter2")
    monkeypatch.setenv("NHIP_KAFKA_PARTITIONS", "many")
    monkeypatch.setenv("NHIP_SERVICES", "people")
    monkeypatch.setenv("NHIP_TENANT", "Company X")
    with pytest.raises(SettingsError) as caught:
        load(colour="red")
    message = str(caught.value)
    for part in (
        "NHIP_PORT must be a port from 0 to 65535",
        "NHIP_POSTGRES must be postgresql://user:password@host:port",
        "NHIP_MASTER_KEY must be 32 bytes in base64",
        "NHIP_KAFKA_PARTITIONS must be a whole number from 1 to 1000",
        "NHIP_SERVICES must be where the services are, as people=host:port",
        "NHIP_TENANT must be a tenant's id",
        "colour is not a setting",
    ):
        assert part in message
    assert "hunter2" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("kafka", ["localhost", "localhost:", ":9092", "a:1,b", "a:99999"])
def test_a_bootstrap_server_has_a_port(kafka):
    with pytest.raises(SettingsError, match="NHIP_KAFKA must be bootstrap servers"):
        load(kafka=kafka)


@pytest.mark.parametrize(
    ("log", "right"),
    [
        ("", True),
        ("kurrentdb://nhip:secret@events:2113?tlsCaFile=/ca.pem", True),
        ("kurrentdb+discover://events", True),
        ("esdb://a:2113,b:2113", True),
        ("postgresql://db:5432", False),
        ("kurrentdb://", False),
        ("events:2113", False),
    ],
)
def test_a_log_is_in_its_database_or_in_kurrentdb(log, right):
    if right:
        assert load(log=log).log == log
    else:
        with pytest.raises(SettingsError, match="NHIP_LOG must be empty"):
            load(log=log)


@pytest.mark.parametrize(
    ("jwks", "right"),
    [("ftp://x/keys", False), ("https://", False), ("https://x/keys", True), ("/etc/jwks.json", True)],
)
def test_keys_are_at_a_url_or_in_a_file(jwks, right):
    if right:
        assert load(jwks=jwks).jwks == jwks
    else:
        with pytest.raises(SettingsError, match="NHIP_JWKS"):
            load(jwks=jwks)


@pytest.mark.parametrize(
    ("smtp", "right"),
    [
        ("smtp://mail:25", True),
        ("smtps://nhip:p%40ss@mail.example.com", True),
        ("mail:25", False),
        ("http://mail", False),
        ("smtp://", False),
        ("smtp://mail:99999", False),
        ("smtp://mail:25/inbox", False),
    ],
)
def test_a_mail_server_is_a_url(smtp, right):
    if right:
        assert load(smtp=smtp, mail_from="nhip@example.com").smtp == smtp
    else:
        with pytest.raises(SettingsError, match="NHIP_SMTP must be the mail server, as smtp://"):
            load(smtp=smtp, mail_from="nhip@example.com")


def test_with_a_mail_server_somebody_is_named_who_e_mails_come_from():
    with pytest.raises(
        SettingsError, match="NHIP_SMTP is set, so NHIP_MAIL_FROM must be the address that e-mails come from"
    ):
        load(smtp="smtp://mail:25")
    for wrong in ("nhip", "nhip@", "Nhịp <nhip@example.com>", "a@b\nBcc: c@d"):
        with pytest.raises(SettingsError, match="NHIP_MAIL_FROM must be"):
            load(mail_from=wrong)


@pytest.mark.parametrize(
    "console",
    [
        *("nhip.example.com", "ftp://nhip.example.com", "https://", "https://nhip.example.com/?a=b"),
        *("https://x.test/nhip?", "https://x.test//nhip", "https://x.test/../nhip", "https://x.test/a b"),
        *("https://x.test:99999/nhip", "https://u:p@x.test/nhip", "https://x\\evil.test/nhip", "https://x<b>/nhip"),
        *("https://x.test/nh%69p", 'https://x.test/"nhip', "https://x.test/nhip;a", "https://x.test/nhip\n"),
    ],
)
def test_the_console_is_a_url(console):
    with pytest.raises(SettingsError, match="NHIP_CONSOLE must be the URL by which browsers find the console"):
        load(console=console)
    for right in ("https://nhip.example.com/", "https://intranet.example.com/apps/nhip-2/", "http://[::1]:8080/nhip"):
        assert load(console=right).console == right


def test_settings_do_not_change():
    with pytest.raises(ValidationError):
        load().port = 1  # type: ignore[misc]


def test_each_service_has_its_own_database():
    settings = load(postgres="postgresql://nhip:p%40ss@db:5432/postgres?sslmode=require")
    assert settings.database("goals") == "postgresql://nhip:p%40ss@db:5432/nhip_goals?sslmode=require"
    socket = load(postgres="postgresql://postgres:@/postgres?host=/tmp/pg")
    assert socket.database("people") == "postgresql://postgres:@/nhip_people?host=/tmp/pg"
    with pytest.raises(SettingsError, match="NHIP_POSTGRES must be"):
        load().database("goals")


def test_the_master_key_may_lie_in_a_file(tmp_path):
    path = tmp_path / "master.key"
    path.write_text(KEY + "\n")
    by_file, by_value = load(master_key_file=path), load(master_key=KEY)
    assert by_file.key("rpc") == by_value.key("rpc")
    assert len(by_value.key("rpc")) == 32
    assert by_value.key("rpc") != by_value.key("privacy")


def test_a_master_key_is_given_once_and_right(tmp_path):
    path = tmp_path / "master.key"
    with pytest.raises(SettingsError, match="NHIP_MASTER_KEY_FILE must be a readable file"):
        load(master_key_file=path)
    path.write_text("ế")
    with pytest.raises(SettingsError, match="NHIP_MASTER_KEY_FILE must be a readable file"):
        load(master_key_file=path)
    path.write_text(KEY)
    with pytest.raises(SettingsError, match="both set"):
        load(master_key_file=path, master_key=KEY)
    with pytest.raises(SettingsError, match="NHIP_MASTER_KEY must be"):
        load().key("rpc")


def test_reflection_is_on_by_itself_on_loopback_only():
    assert load().reflection
    assert not load(host="0.0.0.0").reflection
    assert load(host="0.0.0.0", reflection=True).reflection
    assert not load(reflection=False).reflection


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_loopback(host, expected):
    assert is_loopback(host) is expected


def test_settings_can_be_shown(monkeypatch):
    settings = load(
        postgres="postgresql://nhip:hunter2@db:5432",
        master_key=KEY,
        services={"people": "a:1"},
        jwks="https://u:hunter2@x/k",
        smtp="smtps://nhip:hunter2@mail",
        mail_from="a@b.vn",
    )
    shown = describe(settings)
    assert "hunter2" not in shown + repr(settings) + str(settings.master_key)
    assert KEY not in shown + repr(settings)
    assert "NHIP_POSTGRES=postgresql://nhip:***@db:5432" in shown
    assert "NHIP_MASTER_KEY=***" in shown
    assert "NHIP_SMTP=smtps://nhip:***@mail" in shown
    assert "NHIP_SERVICES=people=a:1" in shown
    assert "NHIP_KAFKA=(not set)" in shown


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@h/d?sslpassword=s&sslmode=x", "postgresql://u:***@h/d?sslpassword=***&sslmode=x"),
        ("postgresql://u:p@ss@h:1", "postgresql://u:***@h:1"),
        ("postgresql://postgres:@/x?host=/tmp", "postgresql://postgres:@/x?host=/tmp"),
        ("https://h/k", "https://h/k"),
        ("nhip", "nhip"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url, expected):
    assert masked(url) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kafka_security": "SASL_SSL"}, "so NHIP_KAFKA_MECHANISM must be"),
        ({"kafka_security": "SASL_SSL", "kafka_mechanism": "plain"}, "so NHIP_KAFKA_USER must be"),
        ({"kafka_security": "sasl_ssl", "kafka_mechanism": "PLAIN", "kafka_user": "x"}, "so NHIP_KAFKA_PASSWORD must"),
        ({"kafka_password": "Wort-4"}, "NHIP_KAFKA_PASSWORD is set, so NHIP_KAFKA_SECURITY must be SASL_SSL"),
        ({"kafka_ca_file": __file__}, "NHIP_KAFKA_CA_FILE is set, so NHIP_KAFKA_SECURITY must be SSL or SASL_SSL"),
        ({"kafka_ca_file": "/nowhere"}, "NHIP_KAFKA_CA_FILE must be a readable file"),
        ({"kafka_security": "ssl", "kafka_key_file": __file__}, "go together"),
        ({"tls_ca_file": __file__}, "NHIP_TLS_CA_FILE is set, so NHIP_TLS_CERTIFICATE_FILE must be"),
        ({"installation": "Nhip_2"}, "NHIP_INSTALLATION must be what this installation is called"),
    ],
)
def test_what_kafka_is_told_is_whole_or_said_to_be_wrong(given: dict[str, str], said: str):
    with pytest.raises(SettingsError) as wrong:
        load(**given)
    assert said in str(wrong.value)
    assert "Wort-4" not in str(wrong.value)


def test_an_installations_name_begins_what_is_its_own():
    settings = load(installation="acme-staging", postgres="postgresql://h/")
    assert settings.database("goals") == "postgresql://h/acme_staging_goals"
    cluster = Cluster.of(settings)
    assert (cluster.topic("goals"), cluster.group("audit", "x_v1")) == (
        "acme-staging.goals.v1",
        "acme-staging.audit.x_v1",
    )
