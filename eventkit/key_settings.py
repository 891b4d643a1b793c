"""What an operator may set of the master key: the key itself, a file of it, the one before, and the Vault that opens
what it wrapped.

A part of `eventkit.settings`, which reads and checks all of them at once.
"""

import base64
import binascii
import hmac
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from eventkit.engine_settings import EngineSettings, SettingsError, readable
from eventkit.vault import WRAPPED, Transit, VaultRefused, opened_once


class KeySettings(EngineSettings):
    """The master key of one process, and what is derived from it."""

    master_key: SecretStr | None = Field(
        None, description="32 bytes in base64; or NHIP_MASTER_KEY_FILE instead, not both"
    )
    master_key_file: Path | None = Field(
        None, description="a readable file that holds 32 bytes in base64, or these wrapped by NHIP_VAULT (vault:v1:…)"
    )

    master_key_old: SecretStr | None = Field(
        None,
        description="while the master key is changed, the one before: 32 bytes in base64; or NHIP_MASTER_KEY_OLD_FILE "
        "instead",
    )
    master_key_old_file: Path | None = Field(
        None, description="a readable file that holds 32 bytes in base64, or these wrapped by NHIP_VAULT (vault:v1:…)"
    )
    vault: str = Field(
        "",
        pattern=r"^(https?://[^/\s]+/?)?$",
        description="https://host:port of the Vault whose transit engine opens a master key that it wrapped",
    )
    vault_key: str = Field(
        "transit/nhip",
        pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$",
        description="the path of the transit engine in Vault and the name of the key there, as transit/nhip",
    )
    vault_token_file: Path | None = Field(
        None, description="a readable file that holds the token for Vault, read again whenever it is asked"
    )

    @field_validator("master_key", "master_key_old")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _key(value.get_secret_value())
        return value

    @field_validator("master_key_file", "master_key_old_file")
    @classmethod
    def _holds_key(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                text = value.read_text("ascii")
            except OSError as error:
                raise ValueError from error
            if not text.startswith(WRAPPED):
                _key(text)
        return value

    @field_validator("vault_token_file")
    @classmethod
    def _is_token(cls, value: Path | None) -> Path | None:
        return readable(value)

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.master_key is not None and self.master_key_file is not None:
            raise ValueError("NHIP_MASTER_KEY and NHIP_MASTER_KEY_FILE are both set: give one of them")
        if self.master_key_old is not None and self.master_key_old_file is not None:
            raise ValueError("NHIP_MASTER_KEY_OLD and NHIP_MASTER_KEY_OLD_FILE are both set: give one of them")
        return self

    @model_validator(mode="after")
    def _vault_is_whole(self) -> Self:
        if bool(self.vault) != (self.vault_token_file is not None):
            raise ValueError("NHIP_VAULT and NHIP_VAULT_TOKEN_FILE go together: one of them is not set")
        files = (self.master_key_file, self.master_key_old_file)
        if not self.vault and any(file and file.read_text("ascii").startswith(WRAPPED) for file in files):
            raise ValueError("the master key is wrapped by Vault, so NHIP_VAULT and NHIP_VAULT_TOKEN_FILE must be set")
        return self

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose, derived from the master key: no two purposes share a key, and none tells the
        master's.

        Raises SettingsError when no master key is set, or Vault does not open it; VaultAway while Vault is away.
        """
        key = self._derived(self.master_key, self.master_key_file, purpose)
        if key is None:
            raise SettingsError(self.must_be("master_key"))
        return key

    def old_key(self, purpose: str) -> bytes | None:
        """The same of the master key before; None when it is not being changed."""
        return self._derived(self.master_key_old, self.master_key_old_file, purpose)

    def transit(self) -> Transit | None:
        """What opens a master key that is wrapped; None where none is named."""
        if not self.vault or self.vault_token_file is None:
            return None
        mount, _, key = self.vault_key.rpartition("/")
        return Transit(self.vault, mount, key, self.vault_token_file)

    def _derived(self, given: SecretStr | None, file: Path | None, purpose: str) -> bytes | None:
        if given is not None:
            master = _key(given.get_secret_value())
        elif file is not None:
            master = self._opened(file.read_text("ascii").strip())
        else:
            return None
        return hmac.digest(master, b"nhip/" + purpose.encode(), "sha256")

    def _opened(self, text: str) -> bytes:
        transit = self.transit()
        if transit is None or not text.startswith(WRAPPED):
            return _key(text)
        try:
            return opened_once(transit, text, _of_32_bytes)
        except (VaultRefused, ValueError) as error:
            said = str(error) or "what it opens to is not 32 bytes"
            raise SettingsError(f"the master key cannot be opened: {said}") from None


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        raise ValueError from None
    return _of_32_bytes(key)


def _of_32_bytes(key: bytes) -> bytes:
    if len(key) != 32:
        raise ValueError
    return key
