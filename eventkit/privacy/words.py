"""Personal words, sealed per person before they reach a log, and opened for a reply.

Every `PersonalText` is sealed with AES-256-GCM under the key of the person it is about (the sibling field that the
option `about` names, else the actor), bound to the event and field that carry it. Logs, Kafka and views hold sealed
words only; they are opened for the reply of an RPC. Destroying a person's key makes all of them unreadable, wherever
they are.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import cast
from uuid import UUID

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from eventkit.errors import Rejected
from eventkit.privacy.keys import KeyStore, KeyUnreadable, Missing
from eventkit.privacy.ledger import KeysWentBack
from eventkit.telemetry import Metrics
from nhip.common.v1.options_pb2 import about, for_audit
from nhip.common.v1.words_pb2 import PersonalText, Sealed

PERSONAL_TEXT = PersonalText.DESCRIPTOR.full_name

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class PlainWords(Exception):
    """Personal words were about to be stored unsealed: a defect of the caller."""


@dataclass(frozen=True, slots=True)
class WordsField:
    """One PersonalText found inside a message."""

    text: PersonalText
    path: str
    person: str
    """The person whom the option `about` names; empty for the author."""
    for_audit: bool
    """Who audits may read it."""


def words_fields(message: Message, path: str = "") -> Iterator[WordsField]:
    """Every PersonalText that is set in a message, however deep."""
    for place in _places(cast(Descriptor, message.DESCRIPTOR)):
        if place.is_repeated:
            items = enumerate(cast(Sequence[Message], getattr(message, place.name)))
            found = [(f"{place.name}[{index}]", item) for index, item in items]
        elif message.HasField(place.name):
            found = [(place.name, cast(Message, getattr(message, place.name)))]
        else:
            continue
        for name, item in found:
            at = f"{path}.{name}" if path else name
            if place.is_text:
                person = cast(str, getattr(message, place.about)) if place.about else ""
                yield WordsField(cast(PersonalText, item), at, person, place.for_audit)
            else:
                yield from words_fields(item, at)


@dataclass(frozen=True, slots=True)
class _Place:
    """A field of a contract below which words may stand."""

    name: str
    is_repeated: bool
    is_text: bool
    """It is a PersonalText, not a message that may hold one."""
    about: str
    for_audit: bool


@cache
def _places(descriptor: Descriptor) -> tuple[_Place, ...]:
    """In the order of the fields' numbers."""
    places: list[_Place] = []
    for field in sorted(descriptor.fields, key=lambda field: field.number):
        # no contract keeps words in a map: the wire's tests see to that
        if field.message_type is None or _is_map(field) or not _may_hold_words(field.message_type):
            continue
        options = field.GetOptions().Extensions
        is_text = field.message_type.full_name == PERSONAL_TEXT
        places.append(_Place(field.name, field.is_repeated, is_text, options[about], options[for_audit]))
    return tuple(places)


_holding: dict[str, bool] = {}


def _may_hold_words(descriptor: Descriptor) -> bool:
    """Whether any message below may hold personal words; remembered, as most hold none and replies are large."""
    holds_words = _holding.get(descriptor.full_name)
    if holds_words is None:
        _holding[descriptor.full_name] = True  # a message that holds itself: assume the worst meanwhile
        holds_words = descriptor.full_name == PERSONAL_TEXT or any(
            _may_hold_words(f.message_type) for f in descriptor.fields if f.message_type is not None and not _is_map(f)
        )
        _holding[descriptor.full_name] = holds_words
    return holds_words


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


IDS, SIGNING = "@ids", "@signing"
"""What stand for a person where a tenant's secrets are kept, for ids and for signatures: no id of a person has such a
sign."""


class Words:
    """Seals and opens personal words."""

    def __init__(self, keys: KeyStore, metrics: Metrics | None = None):
        self._keys, self._metrics = keys, metrics

    def when_destroyed(self, forget: Callable[[str], None]) -> None:
        """As `KeyStore.when_destroyed`."""
        self._keys.when_destroyed(forget)

    async def seal(self, message: Message, *, tenant: str, author: str, event_id: UUID) -> None:
        """Seal, in place, every plain word of an event about to be recorded.

        Raises `Rejected` when its person was erased, or their key is lost.
        """
        for place in words_fields(message):
            if place.text.WhichOneof("form") != "plain":
                continue
            person = place.person or author
            try:
                key = await self._keys.key(tenant, person, make=True)
            except KeysWentBack as error:
                raise Rejected(
                    "KEYS_WENT_BACK",
                    "keys are missing that there were, and none is made for anybody new until whoever operates this "
                    "installation has put that right (nhip check)",
                ) from error
            if key is Missing.DESTROYED:
                raise Rejected(
                    "PERSON_ERASED",
                    "the person whom these words are about was erased: nothing is kept about them any more",
                )
            if key is Missing.LOST:
                raise Rejected(
                    "KEY_LOST",
                    "the key that words about this person are sealed with is lost, and they get no other one until "
                    "whoever operates this installation says so (nhip keys lost)",
                )
            if isinstance(key, Missing):
                raise KeyUnreadable(f"the key of {tenant}/{person} does not open: nothing can be sealed with it")
            nonce, bound_to = os.urandom(12), f"{event_id}/{place.path}"
            ciphertext = AESGCM(key).encrypt(nonce, place.text.plain.encode(), _bound(tenant, person, bound_to))
            place.text.sealed.CopyFrom(Sealed(person_id=person, nonce=nonce, ciphertext=ciphertext, bound_to=bound_to))

    async def make_keys(self, events: Iterable[tuple[Message, str]], *, tenant: str) -> None:
        """Make the keys that sealing these events will need, in one commit; each event with its author."""
        people = {
            place.person or author
            for message, author in events
            for place in words_fields(message)
            if place.text.WhichOneof("form") == "plain"
        }
        if people:
            with suppress(KeysWentBack):  # sealing says so, of those whom it concerns
                await self._keys.keys(tenant, people, make=True)

    async def id_secret(self, tenant: str, *, make: bool = False) -> bytes:
        """A tenant's secret for the ids of its commands, kept among its keys; empty where there is none: `make` makes
        it, once for ever. That of a tenant which was deleted is gone, and stays so."""
        return await self._secret(tenant, IDS, make=make)

    async def signing_secret(self, tenant: str, *, make: bool = False) -> bytes:
        """The same for what its integrations sign."""
        return await self._secret(tenant, SIGNING, make=make)

    async def _secret(self, tenant: str, name: str, *, make: bool) -> bytes:
        secret = await self._keys.key(tenant, name, make=make)
        if secret in (Missing.NEVER, Missing.DESTROYED):
            return b""
        if isinstance(secret, Missing):
            raise KeyUnreadable(f"the secret {name} of {tenant} does not open")
        return secret

    async def destroy(self, tenant: str, person: str) -> None:
        """Make all words about a person unreadable, for ever, everywhere."""
        await self._keys.destroy(tenant, person)

    async def destroy_all(self, tenant: str) -> None:
        """The same of all words of a tenant, which gets no keys any more."""
        await self._keys.destroy_all(tenant)

    async def destroyed_tenants(self) -> Sequence[str]:
        """Whose words are all unreadable."""
        return await self._keys.destroyed_tenants()

    async def open(self, message: Message, *, tenant: str, auditor: str = "", withheld: bool = False) -> None:
        """Open, in place, every sealed word of a reply.

        Words whose key was destroyed are marked as erased, others that do not open as unreadable: they are counted and
        logged, and cost nothing but themselves.

        For an auditor, named by their id, other people's words are withheld, unless the contract marks them as an
        audit's to read. `withheld`: all of them are, whoever they are about.
        """
        sealed_texts: list[PersonalText] = []
        for place in words_fields(message):
            if place.text.WhichOneof("form") == "sealed":
                not_theirs = auditor and not place.for_audit and place.text.sealed.person_id != auditor
                if withheld or not_theirs:
                    place.text.withheld = True
                else:
                    sealed_texts.append(place.text)
        keys = await self._keys.keys(tenant, {text.sealed.person_id for text in sealed_texts}) if sealed_texts else {}
        unreadable: list[str] = []
        for text in sealed_texts:
            sealed, key = text.sealed, keys[text.sealed.person_id]
            if key is Missing.DESTROYED:
                text.erased = True
                continue
            try:
                if isinstance(key, Missing):
                    raise InvalidTag
                text.plain = (
                    AESGCM(key)
                    .decrypt(sealed.nonce, sealed.ciphertext, _bound(tenant, sealed.person_id, sealed.bound_to))
                    .decode()
                )
            except (InvalidTag, ValueError):  # no key, another one, or what is bound to the words was changed
                unreadable.append(f"{sealed.person_id} {sealed.bound_to}"[:120])
                text.unreadable = True
        if unreadable:
            log.error("words.unreadable", tenant=tenant, number=len(unreadable), some=unreadable[:5])
            if self._metrics:
                self._metrics.unreadable_words.inc(len(unreadable))


def refuse_plain(message: Message) -> None:
    """Raises `PlainWords` if a message still has words that are not sealed."""
    for place in words_fields(message):
        if place.text.WhichOneof("form") == "plain":
            raise PlainWords(f"{message.DESCRIPTOR.full_name}.{place.path} is not sealed")


def blank_copied(message: Message, event_id: UUID) -> None:
    """Makes unreadable, in place, what was sealed for another event or another field than the one that carries it:
    copied words open nowhere else than where they were written."""
    for place in words_fields(message):
        if place.text.WhichOneof("form") == "sealed" and place.text.sealed.bound_to != f"{event_id}/{place.path}":
            log.error("words.copied", event_id=str(event_id), field=place.path, type=message.DESCRIPTOR.full_name)
            place.text.unreadable = True


def _bound(tenant: str, person: str, bound_to: str) -> bytes:
    return "\0".join((tenant, person, bound_to)).encode()
