"""A person is erased: no words of theirs can be read anywhere any more, by nobody, and everything else is whole."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import asyncpg
import pytest
from google.protobuf.message import DecodeError

from cli.catalog import SERVICES
from cli.client import Client
from deploy import keys
from eventkit.errors import Rejected
from eventkit.kafka import Cluster, tail
from eventkit.privacy.keys import KeyStore
from eventkit.privacy.words import Words, words_fields
from eventkit.settings import load
from nhip.audit.v1 import audit_pb2 as a
from nhip.checkins.v1.checkins_pb2 import ListProgress, Progress, RecordProgress
from nhip.common.v1 import operations_pb2 as o
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from nhip.rewards.v1 import rewards_pb2 as r
from tests.e2e.running import COMMENT, Company, System, company, number
from tests.waiting import PATIENCE

ERASED = PersonalText(erased=True)


@dataclass
class Gone:
    """Minh, who wrote and was written about, is erased; Thảo is not."""

    x: Company
    proposal: str
    map_before: g.GoalMap
    seen_before: str


@pytest.fixture(scope="module")
async def gone(system: System) -> AsyncGenerator[Gone]:
    async with company(system) as x:
        await x.joins("Vân", pt.ROLE_AUDITOR)
        await x.do(
            "Minh", p.ChangeEmail(person_id=x.people["Minh"], email=PersonalText(plain="minh@company-x.example"))
        )
        note = PersonalText(plain="Khách Alpha hỏi giá lần nữa.")
        await x.do("Minh", RecordProgress(kpi_id=x.kpis["Demo · khách mới"], value=number(20), note=note))
        proposal = (await x.do("Minh", x.reduction())).id
        await x.do("Nam", g.ApproveProposal(proposal_id=proposal, comment=PersonalText(plain=COMMENT)))
        values = (await x.ask("Phúc", r.ListCoreValues(), r.CoreValues)).values
        for who in ("Minh", "Thảo"):
            words = PersonalText(plain=f"{who} đã ở lại giúp khách đến tối.")
            await x.do("Phúc", r.GivePraise(receiver_id=x.people[who], value_id=values[0].value_id, words=words))
        seen = (await x.ask("Trâm", p.GetPerson(person_id=x.people["Minh"]), p.Person)).name.plain
        before = await x.map()
        await x.do("Minh", p.RequestErasure(person_id=x.people["Minh"]))
        assert await x.refused("Minh", p.ApproveErasure(person_id=x.people["Minh"])) == "NOT_ALLOWED"
        await x.do("Nam", p.ApproveErasure(person_id=x.people["Minh"]))
        await until_erased(x, "Minh")
        yield Gone(x, proposal, before, seen)


async def until_erased(x: Company, who: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            told = (await x.ask("Nam", p.ListErasures(), p.Erasures)).erasures
            if any(one.person_id == x.people[who] and one.state == p.ERASURE_STATE_ERASED for one in told):
                break
            await asyncio.sleep(0.05)
        erased = next(one for one in told if one.person_id == x.people[who])
        assert erased.erased_at.seconds >= erased.decided_at.seconds >= erased.requested_at.seconds
        # … and until whoever is asked has heard of it: the position is in no reply of ours.
        asked = g.GetKpi(kpi_id=x.kpis["Hợp đồng mới"])
        while (await x.ask("Nam", asked, g.KpiPage)).kpi.owners[0].stands_in_for != ERASED:
            await asyncio.sleep(0.05)


async def test_no_reply_shows_their_words_any_more(gone: Gone):
    x, minh = gone.x, gone.x.people["Minh"]
    assert gone.seen_before == "Minh"
    person = await x.ask("Nam", p.GetPerson(person_id=minh), p.Person)
    assert (person.name, person.title, person.email, person.active) == (ERASED, ERASED, ERASED, False)
    proposal = await x.ask("Phúc", g.GetProposal(proposal_id=gone.proposal), g.Proposal)
    assert (proposal.title, proposal.reason) == (ERASED, ERASED)
    listed = await x.ask("Phúc", ListProgress(kpi_id=x.kpis["Demo · khách mới"]), Progress)
    assert [entry.note for entry in listed.entries] == [ERASED]
    praises = (await x.ask("Phúc", r.ListPraises(page_size=100), r.Praises)).praises
    assert {praise.words.WhichOneof("form") for praise in praises if praise.receiver_id == minh} == {"erased"}
    assert {praise.words.WhichOneof("form") for praise in praises if praise.receiver_id == x.people["Thảo"]} == {
        "plain"
    }
    history = await x.ask("Vân", a.GetSubjectHistory(subject_kind="proposal", subject_id=gone.proposal), a.Entries)
    assert {
        value.words.WhichOneof("form") for entry in history.entries for value in entry.values if value.path == "title"
    } == {"erased"}


async def test_what_is_kept_of_them_cannot_be_opened_with_any_key_there_is(gone: Gone):
    """Not in a table, not on Kafka: whatever was sealed for them stays sealed, and what was sealed for others opens."""
    x = gone.x
    sealed = [*await in_tables(x), *await on_kafka(x)]
    store = KeyStore(
        x.system.database("keys"), load(master_key_file=keys.master_key(x.system.directory)).key("persons")
    )
    opened: dict[str, set[str]] = {}
    async with store:
        words = Words(store)
        for text in sealed:
            whose = text.sealed.person_id
            holder = p.Person(name=text)
            await words.open(holder, tenant=x.tenant)
            opened.setdefault(whose, set()).add(str(holder.name.WhichOneof("form")))
    assert opened[x.people["Minh"]] == {"erased"}
    assert opened[x.people["Thảo"]] == {"plain"}


async def in_tables(x: Company) -> list[PersonalText]:
    """Every sealed word in every table that has some."""
    found: list[PersonalText] = []
    for service in SERVICES:
        connection = await asyncpg.connect(x.system.database(service))
        try:
            columns = await connection.fetch(
                "select table_name, column_name from information_schema.columns "
                "where table_schema = 'public' and data_type = 'bytea' and table_name ~ '_v[0-9]+$'"
            )
            for table, column in map(tuple, columns):
                for row in await connection.fetch(f"select {column} as words from {table} where tenant = $1", x.tenant):
                    try:
                        text = PersonalText.FromString(row["words"])
                    except DecodeError:  # a column of other bytes
                        continue
                    if text.WhichOneof("form") == "sealed" and text.sealed.bound_to:
                        found.append(text)
        finally:
            await connection.close()
    assert found
    return found


async def on_kafka(x: Company) -> list[PersonalText]:
    found: list[PersonalText] = []
    async for each in tail(Cluster(x.system.kafka), list(SERVICES), after=dict.fromkeys(SERVICES, 0), follow=False):
        if each.event.tenant == x.tenant and each.event.message is not None:
            found += [
                place.text for place in words_fields(each.event.message) if place.text.WhichOneof("form") == "sealed"
            ]
    assert found
    return found


async def test_nothing_is_written_about_them_any_more(gone: Gone):
    x, minh = gone.x, gone.x.people["Minh"]
    values = (await x.ask("Phúc", r.ListCoreValues(), r.CoreValues)).values
    praise = r.GivePraise(receiver_id=minh, value_id=values[0].value_id, words=PersonalText(plain="Vẫn nhớ Minh."))
    assert await x.refused("Phúc", praise) in ("PERSON_INACTIVE", "PERSON_UNKNOWN")
    assert (
        await x.refused("Nam", p.ChangeEmail(person_id=minh, email=PersonalText(plain="minh@company-x.example")))
        == "PERSON_INACTIVE"
    )
    with pytest.raises(Rejected, match="ACTOR_UNKNOWN"):
        await x.ask("Minh", r.GetWallet(), r.Wallet)


async def views(operator: Client) -> dict[tuple[str, str], tuple[int, int]]:
    """Of each view its rows, and how many of them are not what the log says."""
    told = [
        (service, one)
        for service in SERVICES
        for one in (await operator.ask(o.Verify(service=service), o.Verified, at=service)).views
    ]
    return {(service, one.view): (one.rows, len(one.differences)) for service, one in told}


async def one_of_each_subscription(operator: Client) -> list[tuple[str, str]]:
    """With which all others of it are rebuilt."""
    found: dict[tuple[str, str], str] = {}
    for service in SERVICES:
        for one in (await operator.ask(o.Verify(service=service), o.Verified, at=service)).views:
            found.setdefault((service, one.subscription), one.view)
    return [(service, view) for (service, _), view in found.items()]


async def test_numbers_are_whole_and_every_view_folds_again_to_the_same(gone: Gone):
    x = gone.x

    def numbers(shown: g.GoalMap) -> dict[str, tuple[str, str]]:
        return {kpi.name: (kpi.measure.target.value, kpi.standing.current.value) for kpi in shown.kpis}

    assert numbers(await x.map()) == numbers(gone.map_before)
    assert await x.differences() == []
    operator = x.client.acting(x.token("service:operator"))
    before = await views(operator)
    for service, view in await one_of_each_subscription(operator):
        await operator.ask(o.Rebuild(service=service, view=view), Accepted, at=service)
    # Folded anew: no row less than before (notices may still come in), and none of them different.
    async with asyncio.timeout(120):
        while any(rows < before[view][0] or wrong for view, (rows, wrong) in (await views(operator)).items()):
            await asyncio.sleep(0.2)
    assert numbers(await x.map()) == numbers(gone.map_before)
    person = await x.ask("Nam", p.GetPerson(person_id=x.people["Minh"]), p.Person)
    assert person.name == ERASED
