"""A company's profile: name, zone, language, logo."""

import struct
import zlib

import pytest

from eventkit.commands.aggregate import Decision
from eventkit.directory.facts import TENANT
from nhip.people.v1.events_pb2 import CompanyRenamed, LanguageChanged, LogoChanged, TenantCreated, TimeZoneChanged
from nhip.people.v1.settings_pb2 import ChangeCompany, ChangeLogo
from services.people.domain import logo, tenant
from tests.unit.decisions import Given, rejected

X = "company-x"
SET_UP = Given({("tenant", X): [TenantCreated(tenant_id=X, name="Công ty X", time_zone="Asia/Ho_Chi_Minh")]})


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int = 64, height: int = 64) -> bytes:
    rows = b"".join(b"\0" + bytes(width * 3) for _ in range(height))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def webp(width: int = 64, height: int = 64) -> bytes:
    lossless = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(11)
    body = b"WEBPVP8L" + struct.pack("<I", len(lossless)) + lossless
    return b"RIFF" + struct.pack("<I", len(body)) + body


def changed(state: Given, **fields: str) -> Decision:
    return tenant.change(state.state(TENANT, X), ChangeCompany(**fields), X)


def drawn(state: Given, image: bytes) -> Decision:
    return tenant.change_logo(state.state(TENANT, X), ChangeLogo(image=image), X)


def test_what_is_given_is_changed_in_one_append():
    SET_UP.when(lambda s: changed(s, name=" Công ty  Y ", time_zone="Asia/Tokyo", language="en")).then(
        CompanyRenamed(tenant_id=X, before="Công ty X", after="Công ty Y"),
        TimeZoneChanged(tenant_id=X, before="Asia/Ho_Chi_Minh", after="Asia/Tokyo"),
        LanguageChanged(tenant_id=X, before="vi", after="en"),
    )


def test_what_is_so_already_is_no_change():
    SET_UP.when(lambda s: changed(s, name="Công ty X", language="vi")).then_nothing()


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({}, "NOTHING_GIVEN", "name"),
        ({"name": "  "}, "MISSING", "name"),
        ({"time_zone": ""}, "MISSING", "time_zone"),
        ({"language": "fr"}, "LANGUAGE_UNKNOWN", "language"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, str], reason: str, field: str):
    rejected(reason, lambda: changed(SET_UP, **fields), field=field)


def test_nothing_is_changed_of_a_tenant_that_is_not_there():
    rejected("TENANT_UNKNOWN", lambda: changed(Given(), name="Y"))


@pytest.mark.parametrize(("image", "media_type"), [(png(), "image/png"), (webp(), "image/webp")])
def test_a_logo_is_a_picture_by_its_bytes(image: bytes, media_type: str):
    [(_, event)] = drawn(SET_UP, image)
    assert isinstance(event, LogoChanged)
    assert (event.before, event.after, event.media_type) == ("", logo.digest(image), media_type)
    state = SET_UP.and_then(drawn(SET_UP, image))
    state.when(lambda s: drawn(s, image)).then_nothing()
    state.when(lambda s: drawn(s, b"")).then(LogoChanged(tenant_id=X, before=logo.digest(image)))


@pytest.mark.parametrize(
    "image",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + bytes(40),
        png() + b"<script>",
        png()[:-1],
        png()[:40] + b"x" + png()[41:],
        b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""),
        webp() + b"<script>",
        b"RIFF",
    ],
    ids=["svg", "gif", "more behind it", "cut off", "a wrong checksum", "no picture in it", "behind webp", "too short"],
)
def test_what_is_no_whole_png_or_webp_is_refused(image: bytes):
    rejected("LOGO_UNREADABLE", lambda: drawn(SET_UP, image), field="image")


@pytest.mark.parametrize("image", [png(15, 64), webp(64, 2049)])
def test_a_logo_has_a_size_that_can_be_shown(image: bytes):
    rejected("LOGO_SIZE", lambda: drawn(SET_UP, image), field="image")
