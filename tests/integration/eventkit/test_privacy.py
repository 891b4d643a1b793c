"""Personal words: sealed before the log, opened for a reply, gone with their key."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from eventkit import wire
from eventkit.aggregate import Aggregate, Decision, Happened
from eventkit.context import Actor, Context
from eventkit.decider import Commands, Load
from eventkit.errors import Rejected
from eventkit.log.postgres import PostgresLog
from eventkit.privacy import KeyStore, PlainWords, Words, places
from nhip.checkins.v1 import checkins_pb2
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1.events_pb2 import ChangeProposed
from nhip.people.v1 import people_pb2
from nhip.people.v1.events_pb2 import PersonRegistered, TenantCreated

MASTER = b"m" * 32
SECRET = "Trần Thị Lan mệt mỏi"


@pytest.fixture
async def keys(postgres: str) -> AsyncGenerator[KeyStore]:
    async with KeyStore(postgres, MASTER) as keys:
        yield keys


@pytest.fixture
def words(keys: KeyStore) -> Words:
    return Words(keys)


def registered() -> PersonRegistered:
    return PersonRegistered(person_id="lan", name=PersonalText(plain=SECRET), title=PersonalText(plain="Trưởng phòng"))


async def sealed(words: Words, tenant: str = "acme") -> PersonRegistered:
    message = registered()
    await words.seal(message, tenant=tenant, author="nam", event_id=uuid4())
    return message


async def opened(words: Words, message: PersonRegistered, tenant: str = "acme") -> PersonRegistered:
    copy = PersonRegistered()
    copy.CopyFrom(message)
    await words.open(copy, tenant=tenant)
    return copy


async def test_words_are_sealed_for_whom_they_are_about_and_opened_again(words: Words):
    message = await sealed(words)
    assert SECRET.encode() not in message.SerializeToString()
    assert message.name.sealed.person_id == message.title.sealed.person_id == "lan"
    assert message.name.sealed.nonce != message.title.sealed.nonce
    assert await opened(words, message) == registered()


async def test_words_about_nobody_else_are_their_authors(words: Words):
    message = ChangeProposed(title=PersonalText(plain="a"), reason=PersonalText(plain="b"))
    note = ProgressRecorded(note=PersonalText(plain="c"), author_id="hoa")
    await words.seal(message, tenant="acme", author="nam", event_id=uuid4())
    await words.seal(note, tenant="acme", author="nam", event_id=uuid4())
    assert [p.text.sealed.person_id for p in places(message)] == ["nam", "nam"]
    assert note.note.sealed.person_id == "hoa"


async def test_empty_words_are_words_and_sealed_ones_stay(words: Words):
    message = PersonRegistered(person_id="lan", name=PersonalText(plain=""))
    await words.seal(message, tenant="acme", author="nam", event_id=uuid4())
    before = message.SerializeToString()
    await words.seal(message, tenant="acme", author="nam", event_id=uuid4())
    assert message.SerializeToString() == before
    assert (await opened(words, message)).name == PersonalText(plain="")


def test_plain_words_have_no_bytes():
    with pytest.raises(PlainWords, match=r"nhip\.people\.v1\.PersonRegistered\.name"):
        wire.encode(registered())
    assert wire.encode(TenantCreated(tenant_id="acme"))
    assert wire.encode(PersonRegistered(person_id="lan", name=PersonalText(erased=True), title=PersonalText()))


def test_the_error_does_not_say_the_words():
    with pytest.raises(PlainWords) as error:
        wire.encode(registered())
    assert SECRET not in str(error.value)


async def test_words_that_were_moved_or_changed_cannot_be_opened(words: Words):
    await sealed(words, "other")  # so that the other tenant's lan has a key too
    other = PersonRegistered(person_id="hoa", name=PersonalText(plain="x"))
    await words.seal(other, tenant="acme", author="nam", event_id=uuid4())
    message = await sealed(words)
    for field, value in [
        ("person_id", "hoa"),
        ("bound_to", message.title.sealed.bound_to),
        ("ciphertext", other.name.sealed.ciphertext),
        ("ciphertext", b""),
        ("nonce", other.name.sealed.nonce),
        ("nonce", b""),
        ("nonce", b"short"),
    ]:
        changed = PersonRegistered()
        changed.CopyFrom(message)
        setattr(changed.name.sealed, field, value)
        reply = await opened(words, changed)
        assert reply.name == PersonalText(erased=True), field
        assert reply.title.plain == "Trưởng phòng"
    assert (await opened(words, message, tenant="other")).name.erased


async def test_with_its_key_a_person_is_erased_everywhere(words: Words, keys: KeyStore, postgres: str):
    message = await sealed(words)
    async with KeyStore(postgres, MASTER) as elsewhere:
        assert (await opened(Words(elsewhere), message)).name.plain == SECRET
        for _ in range(2):
            await keys.destroy("acme", "lan")
        assert (await opened(words, message)).name == PersonalText(erased=True)
        async with asyncio.timeout(10):  # another process hears of it
            while (await opened(Words(elsewhere), message)).name != PersonalText(erased=True):
                await asyncio.sleep(0.01)
    with pytest.raises(Rejected, match="PERSON_ERASED"):
        await sealed(words)


async def test_a_process_that_cannot_hear_of_destroyed_keys_keeps_none(words: Words, keys: KeyStore, postgres: str):
    message = await sealed(words)
    async with KeyStore(postgres, MASTER) as elsewhere, asyncpg.create_pool(postgres, min_size=1, max_size=1) as pool:
        there = Words(elsewhere)
        assert (await opened(there, message)).name.plain == SECRET
        await pool.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where application_name = 'nhip keys heard' and datname = current_database()"
        )
        await pool.execute("update person_key set wrapped = null, destroyed_at = now()")  # nobody is told
        async with asyncio.timeout(10):
            while (await opened(there, message)).name != PersonalText(erased=True):
                await asyncio.sleep(0.01)


async def test_an_auditor_reads_what_is_for_audits_and_their_own(words: Words):
    reply = checkins_pb2.Progress()
    for author in ("lan", "minh"):
        event = ProgressRecorded(note=PersonalText(plain=SECRET), author_id=author)
        await words.seal(event, tenant="acme", author="nam", event_id=uuid4())
        reply.entries.add(note=event.note)
    person = people_pb2.Person(name=(await sealed(words)).name)
    for message in (reply, person):
        await words.open(message, tenant="acme", auditor="minh")
    assert person.name.plain == SECRET
    assert [e.note for e in reply.entries] == [PersonalText(withheld=True), PersonalText(plain=SECRET)]


async def test_who_was_never_known_can_be_erased(words: Words, keys: KeyStore):
    await keys.destroy("acme", "lan")
    with pytest.raises(Rejected, match="PERSON_ERASED"):
        await sealed(words)


async def test_a_key_is_made_once_whoever_asks_first(postgres: str):
    async with KeyStore(postgres, MASTER) as a, KeyStore(postgres, MASTER) as b:
        for n in range(10):
            made = await asyncio.gather(*((a, b)[i % 2].key("acme", f"p{n}", make=True) for i in range(8)))
            assert len(set(made)) == 1
            assert made[0] is not None
        assert await a.key("acme", "nobody") is None


async def test_keys_are_stored_wrapped(keys: KeyStore, postgres: str):
    key = await keys.key("acme", "lan", make=True)
    con = await asyncpg.connect(postgres)
    try:
        wrapped = await con.fetchval("select wrapped from person_key")
    finally:
        await con.close()
    assert key is not None
    assert key not in wrapped


async def test_no_plain_word_reaches_the_log(postgres: str, words: Words):
    person = Aggregate("person", lambda state, event: event)

    async def decide(load: Load) -> Decision:
        return [Happened(person("lan"), registered())]

    ctx = Context(Actor("acme", "nam"), datetime.now(UTC), uuid4())
    async with PostgresLog(postgres) as log:
        await Commands("people", log, words).execute(ctx, person("lan"), decide)
        con = await asyncpg.connect(postgres)
        try:
            everything = await con.fetchval("select string_agg(e::text || encode(e.data, 'escape'), '') from log_event e")
            data = await con.fetchval("select data from log_event")
        finally:
            await con.close()
    assert "PersonRegistered" in everything
    assert "Lan" not in everything
    assert SECRET.encode() not in data
