"""What the command says when it is used wrong: a sentence and an exit code, never a traceback."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.catalog import GATEWAY, SERVICES
from cli.main import COMMANDS, app, loaded

DEMO = Path(__file__).parents[3] / "demo" / "company-x.vi.yaml"


@pytest.fixture
def nhip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("NHIP_SERVICES", "NHIP_POSTGRES", "NHIP_KAFKA", "NHIP_TOKEN", "NHIP_ISSUER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_a_wrong_file_is_told_and_nothing_is_sent(nhip, tmp_path: Path):
    file = tmp_path / "wrong.yaml"
    file.write_text("company: {tenant: a}\n")
    told = nhip("import", str(file), "--address", "people=127.0.0.1:1")
    assert told.exit_code == 2
    assert f"{file}:1:10: company: name is missing" in told.stderr
    assert "Nothing was sent: " in told.stderr


def test_a_file_can_be_checked_alone(nhip):
    told = nhip("import", "--check", str(DEMO))
    assert (told.exit_code, "is right" in told.stdout) == (0, True)


def test_a_file_that_is_not_there_is_told(nhip):
    told = nhip("import", "nowhere.yaml")
    assert told.exit_code == 2
    assert "nowhere.yaml cannot be read: No such file or directory" in told.stderr


def test_the_version_is_told(nhip):
    told = nhip("--version")
    assert told.exit_code == 0
    assert re.fullmatch(r"nhip \d+\.\d+\.\d+\n", told.stdout)


def test_a_tenant_that_cannot_be_is_told(nhip):
    told = nhip("import", "--check", str(DEMO), "--tenant", "Acme")
    assert told.exit_code == 2
    assert "'Acme' is no tenant's id: give --tenant up to 64 of a-z (small letters only)" in told.stderr


def test_a_database_of_keys_goes_back_for_all_tenants_and_not_for_one(nhip):
    told = nhip("keys", "lost", "--tenant", "acme", "--went-back", "--confirm")
    assert told.exit_code == 2
    assert "this is of all tenants: leave --tenant out" in told.stderr


def test_a_busy_port_is_named(nhip):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = nhip("up", "--port", str(port))
    assert told.exit_code == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in told.stderr
    assert "--port" in told.stderr


def test_without_a_running_nhip_it_is_said_how_to_start_one(nhip):
    told = nhip("verify")
    assert told.exit_code == 1
    assert "no Nhip runs from var/: start one (nhip up)" in told.stderr


def test_what_up_wrote_down_is_found(nhip, tmp_path: Path):
    (tmp_path / "var").mkdir()
    noted = {"services": {"people": "127.0.0.1:1"}, "gateway": "", "metrics": {}, "engines": {}}
    (tmp_path / "var" / "addresses.json").write_text(json.dumps(noted))
    told = nhip("token", "service:importer")
    assert told.exit_code == 1
    assert "no token: give --token" in told.stderr


def test_an_unknown_service_is_told(nhip):
    told = nhip("serve", "gaols")
    assert told.exit_code == 2
    assert f"give one of {', '.join((*SERVICES, GATEWAY))}" in told.stderr


def test_missing_settings_are_all_named(nhip):
    told = nhip("serve", "goals")
    assert told.exit_code == 2
    assert "NHIP_KAFKA must be" in told.stderr


def test_wrong_settings_are_named(nhip, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NHIP_PORT", "many")
    for command in (["config"], ["serve", "goals"], ["provision"], ["up"]):
        told = nhip(*command)
        assert told.exit_code == 2
        assert "NHIP_PORT must be a port from 0 to 65535" in told.stderr


def test_only_what_is_wrong_is_named(nhip, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NHIP_PORT", "many")
    told = nhip("config").stderr.splitlines()
    assert told == [
        "the settings are not right:",
        "  NHIP_PORT must be a port from 0 to 65535 for gRPC; 0: any that is free",
    ]


def test_a_directory_that_cannot_be_used_is_named(nhip, tmp_path: Path):
    file, blocked = tmp_path / "file", tmp_path / "blocked"
    file.touch()
    (blocked / "nhip.log").mkdir(parents=True)
    wrong = {
        file: f"{file} cannot be written (it is a file",
        file / "below": "cannot be written (Not a directory)",
        blocked: "nhip.log cannot",
    }
    for directory, sentence in wrong.items():
        told = nhip("up", "--port", "0", "--directory", str(directory))
        assert told.exit_code == 1
        assert sentence in told.stderr
        assert "choose another directory with --directory" in told.stderr
        assert len(told.stderr.splitlines()) == 1


def test_secrets_are_masked(nhip, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NHIP_POSTGRES", "postgresql://nhip:hunter2@db:5432")
    told = nhip("config")
    assert told.exit_code == 0
    assert "hunter2" not in told.stdout
    assert "NHIP_POSTGRES=postgresql://nhip:***@db:5432" in told.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_is_for_is_said_before_it_is_loaded_as_after(name: str):
    assert (loaded(name).help or "").split("\n\n")[0].replace("\n", " ").strip() == COMMANDS[name][1]


def test_help_imports_nothing_that_only_commands_need():
    found = subprocess.run(
        [sys.executable, "-c", "import sys, cli.main; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert {"grpc", "asyncpg", "aiokafka", "pydantic", "cli.up"} & {*found.stdout.split()} == set()
