"""Personal words: sealed before the log, opened for a reply, gone with their key."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent
from eventkit.commands.decider import Commands
from eventkit.commands.loading import Load
from eventkit.context import Actor, Context
from eventkit.errors import Rejected
from eventkit.log import wire
from eventkit.log.postgres import PostgresLog
from eventkit.privacy.keys import KeyStore, KeyUnreadable, Missing, WrongMasterKey, master_id
from eventkit.privacy.words import PlainWords, Words, blank_copied, words_fields
from eventkit.telemetry import Metrics
from nhip.checkins.v1 import checkins_pb2
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1.events_pb2 import ChangeProposed
from nhip.people.v1 import people_pb2
from nhip.people.v1.events_pb2 import PersonRegistered, TenantCreated
from tests.waiting import PATIENCE

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
    assert [p.text.sealed.person_id for p in words_fields(message)] == ["nam", "nam"]
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
        assert reply.name == PersonalText(unreadable=True), field
        assert reply.title.plain == "Trưởng phòng"
    assert (await opened(words, message, tenant="other")).name.unreadable


async def test_with_its_key_a_person_is_erased_everywhere(words: Words, keys: KeyStore, postgres: str):
    message = await sealed(words)
    async with KeyStore(postgres, MASTER) as elsewhere:
        assert (await opened(Words(elsewhere), message)).name.plain == SECRET
        for _ in range(2):
            await keys.destroy("acme", "lan")
        assert (await opened(words, message)).name == PersonalText(erased=True)
        async with asyncio.timeout(PATIENCE):  # another process hears of it
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
        async with asyncio.timeout(PATIENCE):
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
            assert isinstance(made[0], bytes)
        assert await a.key("acme", "nobody") is Missing.NEVER


async def test_keys_of_many_are_made_in_one_commit_once_whoever_asks_first(postgres: str):
    async with KeyStore(postgres, MASTER) as first, KeyStore(postgres, MASTER) as second:
        known, gone = await first.key("acme", "p0", make=True), "p1"
        await first.destroy("acme", gone)
        people = {f"p{n}" for n in range(6)}
        found, others = await asyncio.gather(
            first.keys("acme", people, make=True), second.keys("acme", people, make=True)
        )
        assert found == others
        assert (found["p0"], found[gone]) == (known, Missing.DESTROYED)
        assert len(set(found.values())) == 6
        connection = await asyncpg.connect(postgres)
        made = await connection.fetchval("select count(distinct xmin::text) from person_key where person > 'p1'")
        await connection.close()
        assert made <= 2
        assert await first.keys("acme", {"later"}) == {"later": Missing.NEVER}


async def test_keys_are_stored_wrapped(keys: KeyStore, postgres: str):
    key = await keys.key("acme", "lan", make=True)
    con = await asyncpg.connect(postgres)
    try:
        wrapped = await con.fetchval("select wrapped from person_key")
    finally:
        await con.close()
    assert isinstance(key, bytes)
    assert key not in wrapped


async def test_no_plain_word_reaches_the_log(postgres: str, words: Words):
    person = Aggregate("person", None, lambda state, event: event)

    async def decide(load: Load) -> Decision:
        return [StreamEvent(person("lan"), registered())]

    ctx = Context(Actor("acme", "nam"), datetime.now(UTC), uuid4())
    async with PostgresLog(postgres) as log:
        await Commands("people", log, words).execute(ctx, person("lan"), decide)
        con = await asyncpg.connect(postgres)
        try:
            everything = await con.fetchval(
                "select string_agg(e::text || encode(e.data, 'escape'), '') from log_event e"
            )
            data = await con.fetchval("select data from log_event")
        finally:
            await con.close()
    assert "PersonRegistered" in everything
    assert "Lan" not in everything
    assert SECRET.encode() not in data


# --- where they stand ------------------------------------------------------------------------------------------------


async def test_words_open_only_in_the_event_and_field_that_they_were_sealed_in(words: Words):
    id = uuid4()
    message = registered()
    await words.seal(message, tenant="acme", author="nam", event_id=id)
    assert wire.read(wire.type_name(message), wire.encode(message), id) == message

    elsewhere = PersonRegistered(person_id="lan", name=message.title, title=message.title)
    for copied, event in ((message, uuid4()), (elsewhere, id)):
        read = wire.read(wire.type_name(copied), wire.encode(copied), event)
        assert isinstance(read, PersonRegistered)
        assert read.name == PersonalText(unreadable=True)
    blank_copied(elsewhere, id)
    assert elsewhere.title == message.title


# --- the master key --------------------------------------------------------------------------------------------------

NEW = b"n" * 32


async def under(postgres: str) -> set[str]:
    """The master keys that person's keys are wrapped with."""
    con = await asyncpg.connect(postgres)
    try:
        return {
            row["master"] for row in await con.fetch("select distinct master from person_key where wrapped is not null")
        }
    finally:
        await con.close()


async def test_a_wrong_master_key_stops_the_start_with_a_sentence(postgres: str):
    async with KeyStore(postgres, MASTER):
        pass  # not even a key is needed: the probe tells
    for old in (None, b"x" * 32):
        with pytest.raises(WrongMasterKey, match="NHIP_MASTER_KEY"):
            async with KeyStore(postgres, NEW, old=old):
                pass
    async with KeyStore(postgres, MASTER, old=NEW):
        pass


async def test_of_keys_that_were_made_before_there_was_a_probe_the_right_master_key_is_known(postgres: str):
    async with KeyStore(postgres, MASTER) as keys:
        key = await keys.key("acme", "lan", make=True)
    con = await asyncpg.connect(postgres)
    await con.execute("truncate master_key; update person_key set master = null")
    with pytest.raises(WrongMasterKey):
        async with KeyStore(postgres, NEW):
            pass
    async with KeyStore(postgres, NEW, old=MASTER) as keys:
        assert await keys.key("acme", "lan") == key
        await keys.key("acme", "hoa", make=True)
        await keys.rotate()
    assert await under(postgres) == {master_id(NEW)}
    await con.close()


async def test_the_master_key_changes_and_every_word_still_opens(postgres: str):
    async with KeyStore(postgres, MASTER) as before, KeyStore(postgres, NEW, old=MASTER) as both:
        message = await sealed(Words(before))
        secret = await before.secret("digests", {master_id(MASTER): b"d" * 32})
        await both.key("acme", "hoa", make=True)  # under the one that everybody has, until it is changed
        assert await under(postgres) == {master_id(MASTER)}

        assert (await both.rotate()).keys == 2
        assert await under(postgres) == {master_id(NEW)}
        with pytest.raises(WrongMasterKey):  # who has only the old one makes no key that nobody opens later
            await before.key("acme", "thao", make=True)
        await both.key("acme", "thao", make=True)
        assert (await both.rotate()).keys == 0
    async with KeyStore(postgres, NEW) as after:
        assert await opened(Words(after), message) == registered()
        assert await after.secret("digests", {master_id(NEW): b"e" * 32}) == secret
    with pytest.raises(WrongMasterKey):
        async with KeyStore(postgres, MASTER):
            pass


async def test_a_change_that_was_cut_off_needs_both_and_is_gone_on_with(postgres: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("eventkit.privacy.keys.PAGE", 2)
    async with KeyStore(postgres, MASTER) as before:
        made = {person: await before.key("acme", person, make=True) for person in ("a", "b", "c", "d", "e")}
    con = await asyncpg.connect(postgres)
    await con.execute(
        "create function cut() returns trigger language plpgsql as $$ begin raise 'cut off'; end $$;"
        "create trigger cut before update on person_key for each row when (new.person = 'd') execute function cut()"
    )
    async with KeyStore(postgres, NEW, old=MASTER) as both:
        with pytest.raises(asyncpg.RaiseError):
            await both.rotate()
        assert await under(postgres) == {master_id(MASTER), master_id(NEW)}
        assert await both.keys("acme", set(made)) == made
    for alone in (MASTER, NEW):
        with pytest.raises(WrongMasterKey):
            async with KeyStore(postgres, alone):
                pass
    await con.execute("drop trigger cut on person_key")
    async with KeyStore(postgres, NEW, old=MASTER) as both:
        assert (await both.rotate()).keys == 3
    async with KeyStore(postgres, NEW) as after:
        assert await after.keys("acme", set(made)) == made
    await con.close()


async def test_a_key_that_does_not_open_costs_its_words_and_no_others(words: Words, keys: KeyStore, postgres: str):
    message = await sealed(words)
    other = PersonRegistered(person_id="hoa", name=PersonalText(plain="Hoa"))
    await words.seal(other, tenant="acme", author="nam", event_id=uuid4())
    con = await asyncpg.connect(postgres)
    await con.execute("update person_key set wrapped = repeat('x', 40)::bytea where person = 'lan'")
    metrics = Metrics()
    async with KeyStore(postgres, MASTER) as damaged:
        reply = people_pb2.PeopleList(people=[people_pb2.Person(name=message.name), people_pb2.Person(name=other.name)])
        await Words(damaged, metrics).open(reply, tenant="acme")
        assert [person.name for person in reply.people] == [PersonalText(unreadable=True), PersonalText(plain="Hoa")]
        with pytest.raises(KeyUnreadable):
            await sealed(Words(damaged))
        assert (await damaged.rotate()).unreadable == 0  # nothing is to be wrapped anew
    assert metrics.unreadable_words._value.get() == 1
    await con.execute("delete from person_key where person = 'lan'")  # a key that is not there is no erasure either
    async with KeyStore(postgres, MASTER) as without:
        assert (await opened(Words(without), message)).name == PersonalText(unreadable=True)
    await con.close()


async def test_of_a_destroyed_key_nothing_is_left_in_its_table(words: Words, keys: KeyStore, postgres: str):
    await sealed(words)
    con = await asyncpg.connect(postgres)
    wrapped = await con.fetchval("select wrapped from person_key")
    await con.execute("checkpoint")
    assert wrapped in await con.fetchval("select pg_read_binary_file(pg_relation_filepath('person_key'))")
    await keys.destroy("acme", "lan")
    await con.execute("checkpoint")
    assert wrapped not in await con.fetchval("select pg_read_binary_file(pg_relation_filepath('person_key'))")
    await con.close()
