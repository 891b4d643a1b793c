"""Where browsers find the gateway: at a host of its own, or below a path of another's, its base.

Inside, every address begins at the root, as "/kpi/i1": in routes, templates, redirects, forms that come back. The base
is taken off what comes in and put before what leaves, here and nowhere else, so none can be forgotten.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from eventkit.settings import SettingsError

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

ADDRESSES = (
    *("href", "src", "action", "formaction"),
    # What scripts ask for stands in their pages, too.
    *("data-branch", "data-check", "data-draft", "data-effect", "data-keep", "data-look", "data-more", "data-number"),
    *("data-preview", "data-search", "data-values"),
)
"""The attributes of pages that hold addresses. No script names one by itself."""
_OF_HERE = re.compile(rf'(\s(?:{"|".join(ADDRESSES)})=")/(?!/)')
_PATH_OF_COOKIE = re.compile(rb"(;\s*path=)/([^;]*)", re.IGNORECASE)


class Public:
    """`url` as browsers know it, with the base in it; empty: it is whatever it is asked by, without a base."""

    def __init__(self, url: str = "") -> None:
        self.url = url.rstrip("/")
        self.base = urlsplit(self.url).path
        """As "/nhip"; empty: none."""
        self.is_secure = self.url.startswith("https:")

    def distinct_from(self, paths: Iterable[str]) -> None:
        """Raises SettingsError where the base begins as one of the gateway's own paths does: of what a proxy took the
        base off, and of what it did not, nobody could tell which is which."""
        first = self.base.split("/")[1] if self.base else ""
        taken = {path.split("/")[1] for path in paths if path.startswith("/")} - {""}
        if first in taken:
            raise SettingsError(
                f"NHIP_CONSOLE: its path cannot begin with /{first}, which is an address of Nhip's own; "
                "choose another, as /nhip"
            )

    def __call__(self, request: Request, path: str = "") -> str:
        """The whole address of a path, for mails, calendars and other programs."""
        return (self.url or str(request.base_url).rstrip("/")) + path

    # --- what comes in ---

    def enter(self, scope: Message) -> None:
        """Makes a request what the inside knows, whether a proxy took the base off its path or not."""
        if self.is_secure:
            scope["scheme"] = "https"  # as browsers see it, whatever a proxy made of it
        if not self.base:
            return
        scope["headers"] = _most_specific_cookies(scope["headers"])
        base, path = self.base, str(scope["path"])
        if path == base or path.startswith(f"{base}/"):
            scope["path"] = path[len(base) :] or "/"
            scope["raw_path"] = None  # the base may be written otherwise there; nobody inside asks for it

    # --- what leaves ---

    def page(self, html: str) -> str:
        """A page, or a part of one. Words of people have no quotation mark in HTML: what is found is a template's."""
        return _OF_HERE.sub(rf"\g<1>{self.base}/", html) if self.base else html

    def leaving(self, send: Send) -> Send:
        """Where answers lead, and where their cookies are good."""
        if not self.base:
            return send

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [self._header(name, value) for name, value in message["headers"]]
            await send(message)

        return sent

    def _header(self, name: bytes, value: bytes) -> Header:
        base = self.base.encode()
        match name.lower():
            case b"location" if value.startswith(b"/") and not value.startswith(b"//"):
                return name, base + value
            case b"set-cookie":
                return name, _PATH_OF_COOKIE.sub(lambda at: at[1] + (base + b"/" + at[2]).rstrip(b"/"), value)
            case _:
                return name, value


def _most_specific_cookies(headers: Iterable[Header]) -> list[Header]:
    """Of cookies of one name the first: a browser sends that of the longest path first (RFC 6265 5.4), and one of
    another path, as from before there was a base, must not stand in for it."""
    others = [header for header in headers if header[0] != b"cookie"]
    cookies: dict[bytes, bytes] = {}
    for name, value in headers:
        for cookie in value.split(b";") if name == b"cookie" else ():
            cookies.setdefault(cookie.partition(b"=")[0].strip(), cookie.strip())
    return [*others, (b"cookie", b"; ".join(cookies.values()))] if cookies else others
