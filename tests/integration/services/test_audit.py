"""The ledger: every event of every context, who and why and what led to what, and who read it (A-01, A-02, A-08)."""

import asyncio
import csv
import io
import json

import pytest

from nhip.audit.v1 import audit_pb2 as a
from nhip.audit.v1 import types_pb2 as at
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1 import operations_pb2 as o
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.notifications.v1 import notifications_pb2 as n
from nhip.notifications.v1 import types_pb2 as nt
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from nhip.rewards.v1 import rewards_pb2 as r
from nhip.rewards.v1.types_pb2 import VISIBILITY_PRIVATE
from tests.integration.services.company import OPERATOR, Company, System, number, words
from tests.waiting import PATIENCE

CHANGES = {"K1": (70, 55), "D1": (100, 80), "I1": (80, 50)}


@pytest.fixture
async def company(system: System) -> Company:
    """I1 from its definition over progress to its approved reduction; Vân audits."""
    company = await (await system.company().found()).branch()
    await company.do(p.RegisterPerson(name=words("Vân"), roles=[pt.ROLE_AUDITOR]), name="van")
    await company.do(c.RecordProgress(kpi_id=company.ids["I1"], value=number(20), note=words("gần xong")), "minh")
    await company.do(company.proposal(**CHANGES), "minh", name="proposal")
    await company.do(g.ApproveProposal(proposal_id=company.ids["proposal"], comment=words("đồng ý")), "nam")
    return company


async def search(company: Company, by: str = "van", **filter: str) -> a.Entries:
    answer = await company.ask(a.SearchLedger(filter=at.Filter(**filter)), by)  # type: ignore[arg-type] # only text
    assert isinstance(answer, a.Entries)
    return answer


async def history(company: Company, kind: str, id: str, by: str = "van") -> list[a.Entry]:
    answer = await company.ask(a.GetSubjectHistory(subject_kind=kind, subject_id=company.ids.get(id, id)), by)
    assert isinstance(answer, a.Entries)
    return [entry for entry in answer.entries if entry.context != "notifications"]  # who was told comes when it comes


def kind(entry: a.Entry | a.Reference) -> str:
    return entry.type.rpartition(".")[2]


def said(entry: a.Entry) -> dict[str, str]:
    return {value.path: value.words.plain if value.HasField("words") else value.text for value in entry.values}


async def test_the_history_of_a_kpi_goes_from_its_definition_to_its_reduction_with_its_cause(company: Company):
    entries = await history(company, "kpi", "I1")
    assert {kind(entry) for entry in entries[:2]} == {"KpiDefined", "KpiAligned"}  # one append
    assert [(entry.context, kind(entry)) for entry in entries[2:]] == [
        ("checkins", "ProgressRecorded"),
        ("goals", "ChangeProposed"),
        ("goals", "KpiTargetRevised"),
    ]
    revised = entries[-1]
    assert (said(revised)["before"], said(revised)["after"], said(revised)["reason_class"]) == (
        "80",
        "50",
        "REASON_CLASS_BOTTOM_UP",
    )
    assert revised.actor == f"person:{company.ids['nam']}"
    assert (kind(revised.cause), revised.cause.event_id) == ("ChangeProposed", entries[-2].event_id)
    assert sorted(map(kind, revised.together)) == ["KpiTargetRevised", "KpiTargetRevised", "ProposalApproved"]
    assert said(entries[-2])["reason"] == "Làm kỹ hơn"


async def test_who_audits_reads_why_things_were_done_and_no_other_words(company: Company):
    [progress] = (await search(company, type="ProgressRecorded")).entries
    [note] = [value.words for value in progress.values if value.path == "note"]
    assert note == PersonalText(withheld=True)
    assert (await search(company, "nam", type="ProgressRecorded")).entries[0].values[-1].words != PersonalText(
        plain="gần xong"
    )
    [approved] = (await search(company, type="nhip.goals.v1.ProposalApproved")).entries
    assert said(approved)["comment"] == "đồng ý"
    listed = await company.ask(c.ListProgress(kpi_id=company.ids["I1"]), "van")
    assert isinstance(listed, c.Progress)
    assert listed.entries[0].note == PersonalText(withheld=True)


async def test_the_ledger_is_searched_by_who_what_when_about_what_and_why(company: Company):
    ids = company.ids
    assert {kind(e) for e in (await search(company, actor=ids["minh"])).entries} == {
        "ProgressRecorded",
        "ChangeProposed",
    }
    assert {e.context for e in (await search(company, context="checkins")).entries} == {"checkins"}
    about = await search(company, subject_kind="proposal", subject_id=ids["proposal"])
    assert {kind(e) for e in about.entries if e.context == "goals"} == {
        "ChangeProposed",
        "ProposalApproved",
        "KpiTargetRevised",
    }
    assert len((await search(company, reason="REASON_CLASS_BOTTOM_UP")).entries) == 4
    assert not (await search(company, reason="REASON_CLASS_CORRECTION")).entries
    everything = (await search(company)).entries
    assert [e.recorded_at.ToNanoseconds() for e in everything] == sorted(
        (e.recorded_at.ToNanoseconds() for e in everything), reverse=True
    )
    middle = everything[len(everything) // 2].recorded_at
    until = await company.ask(a.SearchLedger(filter=at.Filter(until=middle)), "van")
    since = at.Filter()
    getattr(since, "from").CopyFrom(middle)
    after = await company.ask(a.SearchLedger(filter=since, page_size=200), "van")
    assert isinstance(until, a.Entries)
    assert isinstance(after, a.Entries)
    assert all(e.recorded_at.ToNanoseconds() < middle.ToNanoseconds() for e in until.entries)
    assert all(e.recorded_at.ToNanoseconds() >= middle.ToNanoseconds() for e in after.entries)
    # … and by a wrong filter it says what would be right.
    assert (await company.refused(a.SearchLedger(filter=at.Filter(context="ghost")), "van")).violations[
        0
    ].field == "filter.context"
    assert (await company.refused(a.SearchLedger(filter=at.Filter(subject_id="x")), "van")).violations[
        0
    ].field == "filter.subject_kind"
    assert (await company.refused(a.SearchLedger(page_token="ghost"), "van")).violations[0].field == "page_token"


async def test_pages_follow_each_other_without_a_gap(company: Company):
    whole = [e.event_id for e in (await search(company, context="goals")).entries]
    found: list[str] = []
    token = ""
    while True:
        page = await company.ask(
            a.SearchLedger(filter=at.Filter(context="goals"), page_size=3, page_token=token), "van"
        )
        assert isinstance(page, a.Entries)
        found += [e.event_id for e in page.entries]
        if not (token := page.next_page_token):
            break
    assert found == whole


async def test_of_a_large_append_each_entry_tells_those_next_to_it_and_how_many_there_are(company: Company):
    names = [f"Nữa {n}" for n in range(24)]
    under = t.Parent(csf_id=company.ids["csf"])
    await company.together("goals", {name: company.definition(name, t.LEVEL_COMPANY, 10, under) for name in names})
    listed = await company.ask(g.ListKpis(cycle_id=company.ids["q1"], text="Nữa"))
    assert isinstance(listed, g.Kpis)
    company.ids |= {kpi.name: kpi.kpi_id for kpi in listed.kpis}
    await company.do(company.proposal(**dict.fromkeys(names, (10, 9))), "minh", name="many")
    await company.do(g.ApproveProposal(proposal_id=company.ids["many"], comment=words("Được")), "nam")

    found = [e for e in (await search(company, context="goals")).entries if e.append_size > 20]
    append = sorted(found, key=lambda entry: entry.append_index)
    assert [entry.append_index for entry in append] == list(range(append[0].append_size))
    for at_, entry in enumerate(append):
        near = [other for other in append[max(0, at_ - 10) : at_ + 11] if other is not entry]
        assert [other.event_id for other in entry.together] == [other.event_id for other in near]
        assert entry.further == len(append) - 1 - len(near)


async def test_reading_the_ledger_is_itself_in_the_ledger(company: Company):
    await history(company, "kpi", "I1")
    await search(company, type="KpiDefined")
    await company.ask(a.ExportLedger(filter=at.Filter(context="people"), format=at.EXPORT_FORMAT_CSV), "nam")
    await until_read(company, 3)
    entries = await history(company, "person", "van")
    readings = [said(e) for e in entries if kind(e) == "LedgerRead"]
    assert [r["kind"] for r in readings[:2]] == ["READING_KIND_HISTORY", "READING_KIND_SEARCH"]
    assert readings[0]["filter.subject_id"] == company.ids["I1"]
    assert [said(e)["format"] for e in await history(company, "person", "nam") if kind(e) == "LedgerRead"] == [
        "EXPORT_FORMAT_CSV"
    ]


async def test_no_page_token_and_no_key_reads_past_the_record(company: Company):
    first = await company.ask(a.ExportLedger(page_size=1), "van")
    assert isinstance(first, a.Exported)
    await company.ask(a.ExportLedger(page_size=1, page_token=first.next_page_token), "van")
    for _ in range(2):
        await company.ask(a.SearchLedger(filter=at.Filter(context="people")), "van", key="the same")
    await until_read(company, 4)
    readings = [said(e)["kind"] for e in await history(company, "person", "van") if kind(e) == "LedgerRead"]
    assert readings[:4] == ["READING_KIND_EXPORT", "READING_KIND_EXPORT", "READING_KIND_SEARCH", "READING_KIND_SEARCH"]


async def until_read(company: Company, count: int) -> None:
    """Until the ledger has its own readings: their positions are in no reply, so by looking from outside, as the
    operator."""
    async with asyncio.timeout(PATIENCE):
        while True:
            asked = a.SearchLedger(filter=at.Filter(context="audit", subject_kind="person"))
            found = await company.ask(asked, OPERATOR)
            assert isinstance(found, a.Entries)
            if len(found.entries) >= count:
                return


async def exported(company: Company, **asked: object) -> str:
    content, token = b"", ""
    while True:
        page = await company.ask(a.ExportLedger(page_token=token, **asked), "van")  # type: ignore[arg-type]
        assert isinstance(page, a.Exported)
        content += page.content
        if not (token := page.next_page_token):
            return content.decode()


async def test_what_is_exported_can_be_read_again(company: Company):
    kpis = at.Filter(subject_kind="proposal", subject_id=company.ids["proposal"], context="goals")
    lines = [json.loads(line) for line in (await exported(company, filter=kpis)).splitlines()]
    rows = list(
        csv.DictReader(
            io.StringIO((await exported(company, filter=kpis, format=at.EXPORT_FORMAT_CSV)).removeprefix("\ufeff"))
        )
    )
    ids = [e.event_id for e in await history(company, "proposal", "proposal")]
    assert [line["event_id"] for line in lines] == [row["event_id"] for row in rows] == ids
    assert lines[-1]["values"] == json.loads(rows[-1]["values"])
    assert lines[0]["values"]["reason"] == "Làm kỹ hơn"
    assert {(line["values"]["before"], line["values"]["after"]) for line in lines if "before" in line["values"]} == {
        ("70", "55"),
        ("100", "80"),
        ("80", "50"),
    }
    [progress] = [
        json.loads(line) for line in (await exported(company, filter=at.Filter(context="checkins"))).splitlines()
    ]
    assert progress["values"]["note"] == {"withheld": True}


async def test_only_auditors_and_executives_read_it_and_auditors_change_nothing(company: Company):
    for by in ("minh", "phuc"):
        assert (await company.refused(a.SearchLedger(), by)).reason == "NOT_ALLOWED"
    refusal = await company.refused(c.RecordProgress(kpi_id=company.ids["I1"], value=number(21)), "van")
    assert (refusal.reason, "changes nothing" in refusal.message) == ("NOT_ALLOWED", True)


async def test_every_position_of_every_context_is_there_and_of_no_other_tenant(company: Company, system: System):
    other = await system.company().found()
    entries = (await search(company)).entries
    assert not {e.actor.removeprefix("person:") for e in entries} & set(other.ids.values())
    answer = await company.ask(a.GetCompleteness(), "van")
    assert isinstance(answer, a.Completeness)
    assert {context.context for context in answer.contexts} >= {
        "people",
        "goals",
        "checkins",
        "rewards",
        "notifications",
        "audit",
    }
    assert all(context.complete for context in answer.contexts)
    [goals] = [context for context in answer.contexts if context.context == "goals"]
    own = [e for e in entries if e.context == "goals"]
    assert (goals.entries, goals.last) == (len(own), max(e.position for e in own))  # of no other company's
    verified = await company.ask(o.Verify(), "van", context="audit")
    assert isinstance(verified, o.Verified)
    assert [(v.view, d) for v in verified.views for d in v.differences] == []
    rows = {v.view: v.rows for v in verified.views}
    assert rows["ledger_goals"] == len([e for e in entries if e.context == "goals"])


async def test_the_ledger_tells_nobody_what_pages_keep_from_them(company: Company):
    """Private praise and other people's points, notices and requests: auditors read all of it, executives what concerns
    themselves."""
    value = await company.do(r.NameCoreValue(name="Tận tâm"))
    private = r.GivePraise(
        receiver_id=company.ids["minh"], value_id=value, words=words("Cảm ơn em"), visibility=VISIBILITY_PRIVATE
    )
    await company.do(private, "phuc", name="secret")
    await company.do(r.GivePraise(receiver_id=company.ids["nam"], value_id=value, words=words("Cảm ơn anh")), "phuc")
    await company.do(p.RequestErasure(person_id=company.ids["minh"]), "minh")

    async def kinds(by: str, context: str) -> set[str]:
        answer = await company.ask(a.SearchLedger(filter=at.Filter(context=context), page_size=200), by)
        assert isinstance(answer, a.Entries)
        assert {e.further for e in answer.entries} == {0}  # nor how many are kept from them
        told = {kind(e) for e in answer.entries} | {kind(ref) for e in answer.entries for ref in e.together}
        return told | {kind(e.cause) for e in answer.entries if e.HasField("cause")}

    assert {"PraiseGiven", "PointsReceived", "AllowanceSpent"} <= await kinds("van", "rewards")
    assert "AllowanceSpent" not in await kinds("nam", "rewards")
    assert {"PraiseGiven", "PointsReceived"} <= await kinds("nam", "rewards")  # Nam's own
    assert await history(company, "praise", "secret", by="nam") == []
    assert {kind(e) for e in await history(company, "praise", "secret")} == {
        "PraiseGiven",
        "AllowanceSpent",
        "PointsReceived",
    }
    assert await history(company, "praise", "secret", by="quang") == []
    assert "ErasureRequested" in await kinds("van", "people")
    assert "ErasureRequested" not in await kinds("quang", "people")
    answer = await company.ask(a.ExportLedger(), "quang")
    assert isinstance(answer, a.Exported)
    # The ledger grows, as by notices that come meanwhile: the whole is taken last.
    whole = {line["event_id"] for line in map(json.loads, (await exported(company)).splitlines())}
    assert {line["event_id"] for line in map(json.loads, answer.content.decode().splitlines())} < whole


async def test_who_audits_keeps_their_own_settings_and_asks_for_their_own_erasure(company: Company):
    van = company.ids["van"]
    await company.do(
        p.ChangeRoles(person_id=van, roles=[pt.ROLE_AUDITOR, pt.ROLE_ADMIN], reason=PersonalText(plain="kiểm toán")),
        "nam",
    )
    await company.ask(n.ChangePreferences(preferences=nt.Preferences(language="en")), "van")
    await company.ask(n.ReadNotices(all=True), "van")
    await company.do(p.ChangeEmail(person_id=van, email=words("van@example.org")), "van")
    await company.do(p.RequestErasure(person_id=van), "van")
    for theirs in (
        p.RequestErasure(person_id=company.ids["minh"]),
        p.ChangeEmail(person_id=company.ids["minh"], email=words("m@x.vn")),
    ):
        assert (await company.refused(theirs, "van")).reason == "NOT_ALLOWED"
