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
        self._mark = self.base.replace("/", "!").encode()
        """What the names of cookies end with outside: those of another path, as from before there was a base, are no
        cookies of this one."""

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
        scope["headers"] = [header for named in scope["headers"] if (header := self._entering(*named))]
        base, path = self.base, str(scope["path"])
        if path == base or path.startswith(f"{base}/"):
            scope["path"] = path[len(base) :] or "/"
            scope["raw_path"] = None  # the base may be written otherwise there; nobody inside asks for it

    def _entering(self, name: bytes, value: bytes) -> Header | None:
        """Of cookies those that were set below the base, by the names that the inside knows."""
        if name != b"cookie":
            return name, value
        named = (cookie.strip().partition(b"=") for cookie in value.split(b";"))
        own = [at.removesuffix(self._mark) + b"=" + held for at, _, held in named if at.endswith(self._mark)]
        return (name, b"; ".join(own)) if own else None

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
                at, _, held = value.partition(b"=")
                below = _PATH_OF_COOKIE.sub(lambda path: path[1] + (base + b"/" + path[2]).rstrip(b"/"), held)
                return name, at + self._mark + b"=" + below
            case _:
                return name, value
