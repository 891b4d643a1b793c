"""A company's logo: a picture that browsers only ever draw. Judged by its bytes, whatever it is called; formats that
can hold scripts are not taken, nor anything behind the picture's end."""

import hashlib
import struct
import zlib
from dataclasses import dataclass

from eventkit.errors import Kind, Rejected

LEAST, MOST = 16, 2048
"""Pixels a side."""
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Picture:
    media_type: str
    width: int
    height: int


def digest(image: bytes) -> str:
    """What another image has another one of; empty for none."""
    return hashlib.sha256(image).hexdigest() if image else ""


def judged(image: bytes) -> Picture:
    """Raises `Rejected` for what is no picture of a kind and size that are taken."""
    picture = _png(image) if image.startswith(_PNG) else _webp(image)
    if picture is None:
        raise Rejected(
            "LOGO_UNREADABLE", "must be a whole PNG or WebP picture, and nothing else", kind=Kind.INVALID, field="image"
        )
    if not all(LEAST <= side <= MOST for side in (picture.width, picture.height)):
        raise Rejected(
            "LOGO_SIZE",
            f"must be {LEAST} to {MOST} pixels wide and high, not {picture.width} × {picture.height}",
            kind=Kind.INVALID,
            field="image",
            parameters={"least": str(LEAST), "most": str(MOST)},
        )
    return picture


def _png(image: bytes) -> Picture | None:
    """Its chunks, one by one, each with its checksum: the header first, the end last, some picture between."""
    at, size, drawn = len(_PNG), (0, 0), False
    while at + 12 <= len(image):
        (length,) = struct.unpack_from(">I", image, at)
        kind, body = image[at + 4 : at + 8], image[at + 8 : at + 8 + length]
        end = at + 12 + length
        if end > len(image) or zlib.crc32(kind + body) != int.from_bytes(image[end - 4 : end]):
            return None
        if at == len(_PNG):
            if kind != b"IHDR" or length != 13:
                return None
            size = struct.unpack_from(">II", body)
        drawn = drawn or kind == b"IDAT"
        at = end
        if kind == b"IEND":
            return Picture("image/png", *size) if drawn and at == len(image) else None
    return None


def _webp(image: bytes) -> Picture | None:
    """A RIFF container that ends where it says, and begins with one of WebP's three headers."""
    if len(image) < 30 or image[:4] != b"RIFF" or image[8:12] != b"WEBP":
        return None
    if int.from_bytes(image[4:8], "little") + 8 != len(image):
        return None
    match image[12:16]:
        case b"VP8 " if image[23:26] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", image, 26)
            return Picture("image/webp", width & 0x3FFF, height & 0x3FFF)
        case b"VP8L" if image[20] == 0x2F:
            bits = int.from_bytes(image[21:25], "little")
            return Picture("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8X":
            width, height = (int.from_bytes(image[at : at + 3], "little") + 1 for at in (24, 27))
            return Picture("image/webp", width, height)
        case _:
            return None
