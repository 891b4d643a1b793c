"""Personal words, sealed per person before they reach a log; the keys, and their destruction.

Every `PersonalText` is sealed with AES-256-GCM under the key of the person it is about (the sibling field that the option `about` names,
else the actor), bound to the event and field that carry it. Logs, Kafka and views hold sealed words only; they are opened for the reply of
an RPC. Destroying a person's key makes all of them unreadable, wherever they are.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from eventkit.errors import Rejected
from nhip.common.v1.options_pb2 import about, for_audit
from nhip.common.v1.words_pb2 import PersonalText, Sealed

PERSONAL_TEXT = PersonalText.DESCRIPTOR.full_name
KEY_SECONDS = 60.0
"""How long a process may keep a key. It hears of a destroyed one at once; this is for a network that lets nothing through."""
DESTROYED = "person_key_destroyed"
"""The channel on which the destruction of a key is told."""

SCHEMA = """
create table if not exists person_key(
  tenant text not null, person text not null, wrapped bytea, created_at timestamptz not null default now(), destroyed_at timestamptz,
  primary key (tenant, person), check ((wrapped is null) = (destroyed_at is not null))
)
"""


class PlainWords(Exception):
    """Personal words were about to be stored unsealed: a defect of the caller."""


@dataclass(frozen=True, slots=True)
class Place:
    """One PersonalText found inside a message."""

    text: PersonalText
    path: str
    person: str
    """The person whom the option `about` names; empty for the author."""
    for_audit: bool
    """Who audits may read it."""


def places(message: Message, path: str = "") -> Iterator[Place]:
    """Every PersonalText that is set in a message, however deep."""
    if not _may_hold_words(cast(Descriptor, message.DESCRIPTOR)):
        return
    for field, value in message.ListFields():
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            continue
        here = f"{path}.{field.name}" if path else field.name
        if _is_map(field):
            continue  # no contract keeps words in a map: the wire's tests see to that
        for index, item in enumerate(value if field.is_repeated else [value]):
            at = f"{here}[{index}]" if field.is_repeated else here
            if item.DESCRIPTOR.full_name == PERSONAL_TEXT:
                options = field.GetOptions().Extensions
                person = getattr(message, options[about]) if options[about] else ""
                yield Place(cast(PersonalText, item), at, person, options[for_audit])
            else:
                yield from places(item, at)


_holding: dict[str, bool] = {}


def _may_hold_words(descriptor: Descriptor) -> bool:
    """Whether any message below may hold personal words; remembered, as most hold none and replies are large."""
    known = _holding.get(descriptor.full_name)
    if known is None:
        _holding[descriptor.full_name] = True  # a message that holds itself: assume the worst meanwhile
        known = descriptor.full_name == PERSONAL_TEXT or any(
            _may_hold_words(f.message_type) for f in descriptor.fields if f.message_type is not None and not _is_map(f)
        )
        _holding[descriptor.full_name] = known
    return known


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


class KeyStore:
    """Keys of persons in a database of their own, each wrapped by the installation's master key."""

    def __init__(self, dsn: str, master_key: bytes):
        self._dsn, self._master = dsn, master_key
        self._cache: dict[tuple[str, str], tuple[float, bytes]] = {}
        self._destroyed = set[tuple[str, str]]()
        """Heard of; a key that was read just before is not kept."""
        self._listener: asyncpg.Connection | None = None
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> "KeyStore":
        self._pool = await asyncpg.create_pool(self._dsn, min_size=0, max_size=2, server_settings={"application_name": "nhip keys"})
        async with self._pool.acquire() as con, con.transaction():
            await con.execute("select pg_advisory_xact_lock(hashtext('person_key schema'))")
            await con.execute(SCHEMA)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listener:
            self._listener.terminate()
        await self._pool.close()

    async def _listen(self) -> None:
        """A process that cannot hear of destroyed keys keeps none."""
        if self._listener is not None and not self._listener.is_closed():
            return
        async with self._connecting:
            if self._listener is None or self._listener.is_closed():
                self._cache.clear()
                listener = await asyncpg.connect(self._dsn, server_settings={"application_name": "nhip keys heard"})
                await listener.add_listener(DESTROYED, self._forget)
                self._listener = listener

    def _forget(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        tenant, _, person = str(payload).partition("/")
        self._destroyed.add((tenant, person))
        self._cache.pop((tenant, person), None)

    def _keep(self, tenant: str, person: str, wrapped: bytes | None) -> bytes | None:
        """The key as it may be used now, and kept for a while."""
        if wrapped is None or (tenant, person) in self._destroyed:
            return None
        key = aes_key_unwrap(self._master, wrapped)
        self._cache[tenant, person] = time.monotonic(), key
        return key

    async def key(self, tenant: str, person: str, *, make: bool = False) -> bytes | None:
        """A person's key; None when it was destroyed, or never made. `make`: make it if there never was one."""
        await self._listen()
        if key := self._kept(tenant, person):
            return key
        row = await self._pool.fetchrow("select wrapped from person_key where tenant = $1 and person = $2", tenant, person)
        if row is None and make:
            fresh = aes_key_wrap(self._master, AESGCM.generate_key(256))
            await self._pool.execute(
                "insert into person_key(tenant, person, wrapped) values ($1, $2, $3) on conflict do nothing", tenant, person, fresh
            )
            row = await self._pool.fetchrow("select wrapped from person_key where tenant = $1 and person = $2", tenant, person)
        return self._keep(tenant, person, row["wrapped"] if row else None)

    def _kept(self, tenant: str, person: str) -> bytes | None:
        at, key = self._cache.get((tenant, person), (0.0, b""))
        return key if key and time.monotonic() - at < KEY_SECONDS else None

    async def keys(self, tenant: str, people: set[str]) -> dict[str, bytes | None]:
        """The keys of several persons, in one question for those that are not at hand."""
        await self._listen()
        found = {person: self._kept(tenant, person) for person in people}
        missing = [person for person, key in found.items() if key is None]
        if missing:
            rows = await self._pool.fetch(
                "select person, wrapped from person_key where tenant = $1 and person = any($2::text[])", tenant, missing
            )
            wrapped = {row["person"]: row["wrapped"] for row in rows}
            found |= {person: self._keep(tenant, person, wrapped.get(person)) for person in missing}
        return found

    async def destroy(self, tenant: str, person: str) -> None:
        """Make all words about a person unreadable, for ever. Repeating it changes nothing."""
        await self._pool.execute(
            "insert into person_key(tenant, person, destroyed_at) values ($1, $2, now()) "
            "on conflict (tenant, person) do update set wrapped = null, destroyed_at = coalesce(person_key.destroyed_at, now())",
            tenant,
            person,
        )
        await self._pool.execute("select pg_notify($1, $2)", DESTROYED, f"{tenant}/{person}")
        self._forget(None, 0, DESTROYED, f"{tenant}/{person}")


class Words:
    """Seals and opens personal words."""

    def __init__(self, keys: KeyStore):
        self._keys = keys

    async def seal(self, message: Message, *, tenant: str, author: str, event_id: UUID) -> None:
        """Seal, in place, every plain word of an event about to be recorded. Raises `Rejected` when its person was erased."""
        for place in places(message):
            if place.text.WhichOneof("form") != "plain":
                continue
            person = place.person or author
            key = await self._keys.key(tenant, person, make=True)
            if key is None:
                raise Rejected("PERSON_ERASED", "the person whom these words are about was erased: nothing is kept about them any more")
            nonce, bound_to = os.urandom(12), f"{event_id}/{place.path}"
            ciphertext = AESGCM(key).encrypt(nonce, place.text.plain.encode(), _bound(tenant, person, bound_to))
            place.text.sealed.CopyFrom(Sealed(person_id=person, nonce=nonce, ciphertext=ciphertext, bound_to=bound_to))

    async def destroy(self, tenant: str, person: str) -> None:
        """Make all words about a person unreadable, for ever, everywhere."""
        await self._keys.destroy(tenant, person)

    async def open(self, message: Message, *, tenant: str, auditor: str = "") -> None:
        """Open, in place, every sealed word of a reply; what cannot be opened any more is marked as erased.

        For an auditor, named by their id, other people's words are withheld, unless the contract marks them as an audit's to read.
        """
        found: list[PersonalText] = []
        for place in places(message):
            if place.text.WhichOneof("form") == "sealed":
                if auditor and not place.for_audit and place.text.sealed.person_id != auditor:
                    place.text.withheld = True
                else:
                    found.append(place.text)
        keys = await self._keys.keys(tenant, {text.sealed.person_id for text in found}) if found else {}
        for text in found:
            sealed, plain = text.sealed, None
            if key := keys[sealed.person_id]:
                with suppress(InvalidTag, ValueError):  # another person's, or what is bound to them was changed: as good as none
                    plain = AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, _bound(tenant, sealed.person_id, sealed.bound_to)).decode()
            if plain is None:
                text.erased = True
            else:
                text.plain = plain


def refuse_plain(message: Message) -> None:
    """Raises `PlainWords` if a message still has words that are not sealed."""
    for place in places(message):
        if place.text.WhichOneof("form") == "plain":
            raise PlainWords(f"{message.DESCRIPTOR.full_name}.{place.path} is not sealed")


def _bound(tenant: str, person: str, bound_to: str) -> bytes:
    return "\0".join((tenant, person, bound_to)).encode()
