"""The secrets of a local Nhip: made under its directory, readable for who started it only."""

import base64
import json
import os
import secrets
from pathlib import Path

from eventkit.rpc.demo_issuer import DemoIssuer

MASTER_KEY = "master.key"
JWKS = "jwks.json"
ISSUER_KEY = "demo-issuer.json"
ISSUER = "nhip-demo"
"""What the demo issuer calls itself in its tokens; not its address, so that tokens outlive a change of port."""


def master_key(directory: Path) -> Path:
    """The file with the key that wraps all others; made when there is none. Who loses it loses every personal word."""
    path = directory / MASTER_KEY
    if not path.exists():
        write_secret(path, base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    return path


def demo_issuer(directory: Path, audience: str = "nhip") -> DemoIssuer:
    """The issuer of a local Nhip; its private key is made when there is none."""
    return DemoIssuer(host="127.0.0.1", key_file=directory / ISSUER_KEY, issuer=ISSUER, audience=audience)


def demo_jwks(directory: Path) -> Path:
    """The file from which services take the demo issuer's public key."""
    path = directory / JWKS
    write_secret(path, json.dumps(demo_issuer(directory).jwks()))
    return path


def write_secret(path: Path, text: str) -> None:
    """All of it or nothing, for nobody else to read."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    new.replace(path)
