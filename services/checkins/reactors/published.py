"""Gets what is published at an address, for whoever may name an address: of allowed hosts only, never of a private
network, and within bounds.

A name is resolved once, every address of it must be public, and the connection goes to one that was looked at: a name
that leads elsewhere a moment later leads nowhere. Each redirect is judged as the first address is.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import httpx

MOST_BYTES = 2 << 20
SECONDS = 15.0
"""For all of it, redirects included."""
REDIRECTS = 5


class Unavailable(Exception):
    """It cannot be had: a stable reason, and what its rule measures by."""

    def __init__(self, reason: str, **parameters: str):
        super().__init__(reason)
        self.reason, self.parameters = reason, parameters


@dataclass(frozen=True, slots=True)
class Published:
    content: bytes | None
    """None: as it was."""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be looked at."""

    hosts: Sequence[str]
    """Names, and "*.example.com" for all below one."""
    trusted: Collection[str] = field(default=())
    """Origins that are looked at wherever they are, encrypted or not: a test's own server, and nothing else."""

    def allows(self, host: str) -> bool:
        return any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in self.hosts)


async def get(url: str, reach: Reach, *, etag: str = "", last_modified: str = "") -> Published:
    """Raises Unavailable."""
    # As it is: what would unpack to more than it seems is not unpacked.
    headers = {"accept": "text/csv, text/plain;q=0.9, */*;q=0.1", "accept-encoding": "identity", "user-agent": "nhip"}
    headers |= {"if-none-match": etag} if etag else {"if-modified-since": last_modified} if last_modified else {}
    try:
        async with asyncio.timeout(SECONDS):
            for _ in range(REDIRECTS + 1):
                answer = await _once(url, reach, headers)
                if isinstance(answer, Published):
                    return answer
                url = urljoin(url, answer)
    except TimeoutError:
        raise Unavailable("SOURCE_SLOW", seconds=f"{SECONDS:.0f}") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):  # a redirect may lead to what is no address
        raise Unavailable("SOURCE_AWAY", host=_host(url)) from None
    raise Unavailable("TOO_MANY_REDIRECTS", most=str(REDIRECTS))


async def _once(url: str, reach: Reach, headers: Mapping[str, str]) -> Published | str:
    """What is there, or where it leads."""
    parts = urlsplit(url)
    address = await _address(parts, reach)
    literal = f"[{address}]" if ":" in address else address
    place = urlunsplit(parts._replace(netloc=f"{literal}:{parts.port}" if parts.port else literal, fragment=""))
    async with (
        httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=SECONDS) as client,
        client.stream(
            "GET",
            place,
            headers={**headers, "host": parts.netloc},
            extensions={"sni_hostname": _host(url)},  # the certificate is the name's, not the address's
        ) as response,
    ):
        if response.status_code == 304:
            return Published(None)
        if response.has_redirect_location:
            return response.headers["location"]
        if response.status_code != 200:
            raise Unavailable("SOURCE_ANSWERS", status=str(response.status_code))
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > MOST_BYTES:
                raise Unavailable("SOURCE_TOO_LARGE", most=str(MOST_BYTES))
        told = response.headers
        return Published(bytes(content), told.get("etag", "")[:500], told.get("last-modified", "")[:100])


async def _address(parts: SplitResult, reach: Reach) -> str:
    """The address that is connected to. Raises Unavailable, and OSError for a name that nobody knows."""
    host = parts.hostname or ""
    if f"{parts.scheme}://{parts.netloc}" in reach.trusted:
        return host
    if parts.scheme != "https" or parts.port not in (None, 443) or "@" in parts.netloc:
        raise Unavailable("SOURCE_NOT_HTTPS", host=host)
    if not reach.allows(host):
        raise Unavailable("HOST_NOT_ALLOWED", host=host)
    found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not addresses or not all(map(is_public, addresses)):
        raise Unavailable("HOST_PRIVATE", host=host)
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, also where it is written into another one's form."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
