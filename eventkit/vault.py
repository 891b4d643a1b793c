"""The master key wrapped by a Vault (HashiCorp Vault, OpenBao): its transit engine opens it when a process starts, so
that no file, no secret of the cluster and no backup holds the key itself.

What is written down is Vault's own form, `vault:v1:…`, whose number is the version of the key inside Vault that wraps
it.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import BaseModel, JsonValue, ValidationError

WRAPPED = "vault:v"
"""How a key that is wrapped begins."""
PATIENCE = 10.0
"""Seconds that Vault has to answer."""


class VaultAway(OSError):
    """Vault does not answer now: it is not there, sealed, or has a fault."""


class VaultRefused(Exception):
    """Vault answers and does not do it; the message says why, never with a key or a token."""


@dataclass(frozen=True, slots=True)
class Transit:
    """One key of a Vault's transit engine. Every call blocks, and raises VaultAway and VaultRefused."""

    address: str
    """As `https://vault.example.com:8200`."""
    mount: str
    key: str
    token_file: Path
    """Read for every call: an agent beside the process renews what is in it."""
    transport: httpx.BaseTransport | None = None

    def wrap(self, key: bytes) -> str:
        """A key as it may be written down."""
        return self._ask("encrypt", {"plaintext": base64.b64encode(key).decode()}, "ciphertext")

    def open(self, wrapped: str) -> bytes:
        """The key itself. Raises ValueError when what was wrapped is no base64."""
        return _decoded(self._ask("decrypt", {"ciphertext": wrapped}, "plaintext"))

    def wrap_anew(self, wrapped: str) -> str:
        """The same key under the newest version of Vault's; it does not leave Vault."""
        return self._ask("rewrap", {"ciphertext": wrapped}, "ciphertext")

    def _ask(self, what: str, body: dict[str, str], wanted: str) -> str:
        url = f"{self.address.rstrip('/')}/v1/{self.mount}/{what}/{self.key}"
        try:
            token = self.token_file.read_text("ascii").strip()
            with httpx.Client(timeout=PATIENCE, transport=self.transport) as http:
                reply = http.post(url, json=body, headers={"X-Vault-Token": token})
        except httpx.HTTPError as error:
            raise VaultAway(f"Vault at {self.address} does not answer ({type(error).__name__})") from None
        if reply.is_server_error or reply.status_code in (412, 429, 472, 473):  # sealed, standing by, busy
            raise VaultAway(f"Vault at {self.address} answers {reply.status_code}")
        told = _Reply.of(reply.content)
        if not reply.is_success:
            raise VaultRefused(f"Vault at {url} answers {reply.status_code} {'; '.join(told.errors)}".rstrip())
        answer = told.data.get(wanted)
        if not isinstance(answer, str):
            raise VaultRefused(f"Vault at {url} answers without {wanted}: is that a transit engine?")
        return answer


class _Reply(BaseModel):
    """What Vault says."""

    data: dict[str, JsonValue] = {}
    errors: list[str] = []

    @classmethod
    def of(cls, body: bytes) -> "_Reply":
        """What can be read of it; nothing when it is something else."""
        try:
            return cls.model_validate_json(body)
        except ValidationError:
            return cls()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError from None


_opened: dict[tuple[Transit, str], bytes] = {}


def opened_once(transit: Transit, wrapped: str, valid: Callable[[bytes], bytes]) -> bytes:
    """The key, which a process asks Vault for once. Raises like `Transit.open`."""
    if (transit, wrapped) not in _opened:
        _opened[transit, wrapped] = valid(transit.open(wrapped))
    return _opened[transit, wrapped]
