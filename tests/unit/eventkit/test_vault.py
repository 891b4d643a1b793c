"""A master key that is wrapped by a Vault: opened when a process starts, and what is said when it is not."""

import base64
import json
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet
from typer.testing import CliRunner

from cli.main import app
from eventkit.settings import Settings, SettingsError, load
from eventkit.vault import Transit, VaultAway, VaultRefused

KEY = bytes(range(32))


class Engine:
    """What a Vault's transit engine answers, by its published API: a key with versions, for who shows the token."""

    def __init__(self) -> None:
        self.versions = [Fernet(Fernet.generate_key())]
        self.token, self.sealed, self.asked = "s.right", False, list[str]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        what = request.url.path.removeprefix("/v1/transit/").removesuffix("/nhip")
        self.asked.append(what)
        if self.sealed:
            return httpx.Response(503, json={"errors": ["Vault is sealed"]})
        if request.headers["x-vault-token"] != self.token:
            return httpx.Response(403, json={"errors": ["permission denied"]})
        body = json.loads(request.content)
        if what == "encrypt":
            return self._answer("ciphertext", self._wrapped(body["plaintext"]))
        opened = self._open(body["ciphertext"])
        if opened is None:
            return httpx.Response(400, json={"errors": ["invalid ciphertext"]})
        return (
            self._answer("plaintext", opened)
            if what == "decrypt"
            else self._answer("ciphertext", self._wrapped(opened))
        )

    def _wrapped(self, text: str) -> str:
        return f"vault:v{len(self.versions)}:{self.versions[-1].encrypt(text.encode()).decode()}"

    def _open(self, wrapped: str) -> str | None:
        _, version, sealed = wrapped.split(":")
        number = int(version.removeprefix("v"))
        return self.versions[number - 1].decrypt(sealed).decode() if number <= len(self.versions) else None

    @staticmethod
    def _answer(name: str, value: str) -> httpx.Response:
        return httpx.Response(200, json={"data": {name: value}})


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def transit(engine: Engine, tmp_path: Path) -> Transit:
    (tmp_path / "token").write_text("s.right\n")
    return Transit("https://vault.test", "transit", "nhip", tmp_path / "token", httpx.MockTransport(engine))


@pytest.fixture
def wrapped(transit: Transit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the master key as Vault wrapped it; what settings make of it asks the same engine."""
    monkeypatch.setattr(Settings, "transit", lambda me: transit if me.vault else None)
    file = tmp_path / "master-key"
    file.write_text(transit.wrap(KEY) + "\n")
    return file


def settings(file: Path, tmp_path: Path) -> Settings:
    return load(master_key_file=file, vault="https://vault.test", vault_token_file=tmp_path / "token")


def test_a_wrapped_master_key_is_the_key_itself_and_asked_for_once(engine: Engine, wrapped: Path, tmp_path: Path):
    plain = load(master_key=base64.b64encode(KEY).decode())
    mine = settings(wrapped, tmp_path)
    assert KEY.hex() not in wrapped.read_text()
    assert mine.key("persons") == plain.key("persons")
    assert mine.key("digests") == plain.key("digests")
    assert engine.asked.count("decrypt") == 1


def test_a_key_of_vaults_is_rotated_and_the_master_key_stays(engine: Engine, transit: Transit):
    old = transit.wrap(KEY)
    engine.versions.append(Fernet(Fernet.generate_key()))
    new = transit.wrap_anew(old)
    assert old.startswith("vault:v1:")
    assert new.startswith("vault:v2:")
    assert transit.open(old) == transit.open(new) == KEY


def test_a_token_that_is_renewed_in_its_file_is_used_for_the_next_question(engine: Engine, transit: Transit):
    engine.token = "s.renewed"
    with pytest.raises(VaultRefused, match="403 permission denied"):
        transit.wrap(KEY)
    transit.token_file.write_text("s.renewed")
    assert transit.open(transit.wrap(KEY)) == KEY


def test_a_vault_that_is_sealed_or_not_there_is_away(engine: Engine, transit: Transit, tmp_path: Path):
    engine.sealed = True
    with pytest.raises(VaultAway, match="503"):
        transit.wrap(KEY)
    nobody = Transit("http://127.0.0.1:9", "transit", "nhip", tmp_path / "token")
    with pytest.raises(VaultAway, match="does not answer"):
        nobody.wrap(KEY)


def test_what_vault_does_not_open_stops_the_start_with_a_sentence(
    engine: Engine, transit: Transit, wrapped: Path, tmp_path: Path
):
    wrapped.write_text("vault:v7:unknown")
    with pytest.raises(SettingsError, match=r"cannot be opened: .*400 invalid ciphertext"):
        settings(wrapped, tmp_path).key("persons")
    wrapped.write_text(transit.wrap(b"too short"))
    with pytest.raises(SettingsError, match="not 32 bytes"):
        settings(wrapped, tmp_path).key("persons")


def test_a_wrapped_key_without_a_vault_is_a_wrong_setting(wrapped: Path, tmp_path: Path):
    with pytest.raises(SettingsError, match="wrapped by Vault, so NHIP_VAULT and NHIP_VAULT_TOKEN_FILE must be set"):
        load(master_key_file=wrapped)
    with pytest.raises(SettingsError, match="go together"):
        load(vault="https://vault.test")


def test_the_command_line_wraps_a_new_key_the_one_there_is_and_anew(
    engine: Engine, transit: Transit, wrapped: Path, tmp_path: Path
):
    vault = {"NHIP_VAULT": "https://vault.test", "NHIP_VAULT_TOKEN_FILE": str(tmp_path / "token")}

    def wrap(to: Path, **environment: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["keys", "wrap", "--to", str(to)], env=vault | environment)
        return done.exit_code, done.output

    fresh = tmp_path / "fresh"
    assert wrap(fresh)[0] == 0
    assert len(transit.open(fresh.read_text().strip())) == 32
    assert fresh.stat().st_mode & 0o077 == 0
    assert wrap(fresh, NHIP_MASTER_KEY=base64.b64encode(KEY).decode())[0] == 0
    assert transit.open(fresh.read_text().strip()) == KEY
    code, said = wrap(fresh)
    assert (code, "is there already, and no key is named" in said) == (2, True)
    engine.versions.append(Fernet(Fernet.generate_key()))
    assert wrap(wrapped, NHIP_MASTER_KEY_FILE=str(wrapped))[0] == 0
    anew = wrapped.read_text().strip()
    assert (anew[:9], transit.open(anew)) == ("vault:v2:", KEY)
    engine.sealed = True
    code, said = wrap(wrapped, NHIP_MASTER_KEY_FILE=str(wrapped))
    assert (code, "nothing was changed" in said, wrapped.read_text().strip()) == (1, True, anew)
