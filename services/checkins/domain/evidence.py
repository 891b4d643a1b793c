"""What shows that a value is so: addresses, and files that somebody keeps, known again by their digests (1.14)."""

import re

from eventkit.errors import Kind, Rejected
from nhip.checkins.v1.types_pb2 import Evidence

_LINK = re.compile(r"https://[^\s/?#]+\S*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check(evidence: Evidence, at: str) -> None:
    """`at` is its path in the command."""
    for index, link in enumerate(evidence.links):
        if not _LINK.fullmatch(link):
            raise Rejected(
                "LINK_INVALID",
                'give an address that begins with "https://"',
                kind=Kind.INVALID,
                field=f"{at}.links[{index}]",
            )
    for index, file in enumerate(evidence.files):
        if not _SHA256.fullmatch(file.sha256):
            raise Rejected(
                "DIGEST_INVALID",
                "give the SHA-256 digest of the file: 64 of 0-9 and a-f",
                kind=Kind.INVALID,
                field=f"{at}.files[{index}].sha256",
            )
