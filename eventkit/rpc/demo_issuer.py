"""The demo issuer: signs tokens for whoever is picked. On loopback only – it asks nobody for a password."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from joserfc import jwk, jwt

from eventkit.settings import is_loopback


class DemoIssuer:
    """Mints tokens with a private key that it keeps in a file.

    Raises ValueError when `host` is not loopback, and PermissionError when others may read the key file.
    """

    def __init__(
        self, *, host: str, key_file: Path, issuer: str, audience: str = "nhip", now: Callable[[], float] = time.time
    ):
        if not is_loopback(host):
            raise ValueError(f"the demo issuer signs anybody in: it is for loopback only, not for {host}")
        self.issuer, self.audience, self._now = issuer, audience, now
        self._key = _key(key_file)
        self._kid = self._key.thumbprint()

    def mint(self, tenant: str, subject: str, *, on_behalf_of: str = "", seconds: int = 8 * 3600) -> str:
        """A token for `subject` (`person:<id>` or `service:<id>`) of a tenant, good for that many seconds."""
        issued = int(self._now())
        claims: dict[str, object] = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "tenant": tenant,
            "iat": issued,
            "exp": issued + seconds,
            "jti": str(uuid4()),
        }
        if on_behalf_of:
            claims["on_behalf_of"] = on_behalf_of
        return jwt.encode({"alg": "ES256", "kid": self._kid}, claims, self._key)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public key, as services ask for it."""
        public = {name: str(value) for name, value in self._key.as_dict(private=False).items()}
        return {"keys": [{**public, "kid": self._kid, "use": "sig", "alg": "ES256"}]}


def _key(path: Path) -> jwk.ECKey:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = json.dumps(jwk.ECKey.generate_key("P-256").as_dict(private=True)).encode()
        temporary = path.with_name(f".{path.name}.{uuid4().hex}")
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(file, "wb") as writing:
                writing.write(made)
            os.link(temporary, path)  # whole or not at all, and never over the key of somebody who was faster
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    if path.stat().st_mode & 0o077:
        raise PermissionError(f"{path} holds a private key and may be read by others: chmod 600")
    return jwk.ECKey.import_key(json.loads(path.read_text("ascii")))
