"""What the console makes of notices, the ledger, one's own settings, and of who only audits."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import grpc
import httpx
import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.type import decimal_pb2

from eventkit.contracts import event_contracts
from eventkit.errors import Kind, Rejected
from eventkit.rpc.demo_issuer import DemoIssuer
from nhip.audit.v1 import audit_pb2
from nhip.common.v1 import command_pb2, operations_pb2, options_pb2, words_pb2
from nhip.goals.v1 import events_pb2 as goals_events
from nhip.goals.v1 import goals_pb2
from nhip.goals.v1 import types_pb2 as goals_types
from nhip.notifications.v1 import events_pb2 as notice_events
from nhip.notifications.v1 import notifications_pb2 as notices
from nhip.notifications.v1 import types_pb2 as notice_types
from nhip.people.v1 import events_pb2 as people_events
from nhip.people.v1 import people_pb2, types_pb2
from nhip.people.v1 import types_pb2 as people_types
from services.audit.domain.contents import values
from services.gateway.console import visit as visiting
from services.gateway.console.cards import person_avatar
from services.gateway.console.erasures import erasure_row
from services.gateway.console.events import choice_words, event_rows, event_types
from services.gateway.console.forms import Form
from services.gateway.console.notices import notice_row
from services.gateway.console.subjects import kind_word, subject_kinds
from services.gateway.failures import Failure
from services.gateway.features.audit.ledger import Names, ledger_row, sides
from services.gateway.features.audit.pages import completeness_of, search_of
from services.gateway.features.profile.pages import KINDS, preference_values, read
from services.gateway.service import application
from services.gateway.session import Identity
from services.gateway.upstream import Upstream
from tests.browser.company_x_records import ledger
from tests.browser.messages import at, words

from .conftest import MINH, NOBODY, Backend
from .test_forms import OWN
from .test_rewards_pages import EN, VI, ZONE, known, looking

# --- notices ---


def notice(kind: int, **more: Any) -> notices.Notice:
    return notices.Notice(
        notice_id="n", kind=cast(Any, kind), given_at=at(datetime(2025, 3, 19, 3, tzinfo=UTC)), by_id="phuc", **more
    )


def change(
    kind: int = notice_types.CHANGE_KIND_TARGET_REVISED, before: str = "100", after: str = "80"
) -> notices.NoticedChange:
    changed = notice_types.KpiChange(kpi_id="d1", kind=cast(Any, kind), relation=notice_types.RELATION_OWNER)
    if kind == notice_types.CHANGE_KIND_TARGET_REVISED:
        changed.before.CopyFrom(decimal_pb2.Decimal(value=before))
        changed.after.CopyFrom(decimal_pb2.Decimal(value=after))
    return notices.NoticedChange(change=changed, kpi_name="Demo", unit="%")


@pytest.mark.parametrize(
    ("told", "sentence", "url"),
    [
        (notice(1, changes=[change()]), "Phúc changed a target: Demo 100% → 80%", "/kpi/d1"),
        (notice(1, changes=[change(notice_types.CHANGE_KIND_RETIRED)]), "Phúc: KPI ended – Demo", "/kpi/d1"),
        (
            notice(1, changes=[change(), change()], proposal_id="p1"),
            "Phúc changed 2 KPIs that concern you",
            "/proposals/p1",
        ),
        (notice(2, title=words("Bớt đi"), proposal_id="p1", waiting=True), "Phúc proposes: Bớt đi", "/proposals/p1"),
        (notice(3, title=words("Bớt đi"), proposal_id="p1"), "Phúc declined your proposal: Bớt đi", "/proposals/p1"),
        (
            notice(3, title=words("Bớt đi"), proposal_id="p1", granted=True),
            "Phúc approved your proposal: Bớt đi",
            "/proposals/p1",
        ),
        (notice(4, value_name="Hợp tác", points=10), "Phúc praised you: Hợp tác (+10 points)", "/praise?who=me#feed"),
        (notice(6, gift_name="Coffee", granted=True), "Phúc handed over: Coffee", "/shop#redemptions"),
        (notice(6, gift_name="Coffee", points=50), "50 points came back for: Coffee", "/shop#redemptions"),
    ],
)
def test_a_notice_is_a_sentence_and_leads_to_its_thing(told: notices.Notice, sentence: str, url: str):
    row = notice_row(looking(EN), told, known(EN))
    assert (row.sentence, row.url, bool(row.action)) == (sentence, url, True)


def test_stale_progress_leads_to_where_it_is_recorded():
    told = notice(5, kpi_id="i1", kpi_name="Demo")
    told.since.year, told.since.month, told.since.day = 2025, 2, 20
    row = notice_row(looking(), told, known())
    assert (row.sentence, row.url) == ("Demo: lần cập nhật gần nhất là 20/02/2025", "/kpi/i1/progress")


def test_one_change_is_said_once_and_many_are_listed_up_to_a_few():
    assert notice_row(looking(), notice(1, changes=[change()]), known()).changes == ()
    row = notice_row(looking(), notice(1, changes=[change()] * 6, reason_class="REASON_CLASS_BOTTOM_UP"), known())
    assert (len(row.changes), row.more, row.reason_class) == (4, 2, "Đề xuất từ dưới lên")
    assert (row.changes[0].relation, row.changes[0].before, row.changes[0].after) == (
        "của bạn",
        "100\u00a0%",
        "80\u00a0%",
    )


async def test_opening_a_thing_marks_its_notice_and_goes_on_even_if_that_fails(
    signed_in: httpx.AsyncClient, backend: Backend
):
    backend.answers("ReadNotices", command_pb2.Accepted(id="n1", position="notifications=4"))
    answer = await signed_in.post("/inbox/n1/open", data={"to": "/kpi/i1"}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/kpi/i1")
    assert [
        list(r.notice_ids)
        for name, r, _ in backend.asked
        if name == "ReadNotices" and isinstance(r, notices.ReadNotices)
    ] == [["n1"]]
    backend.answers("ReadNotices", Rejected("NOTICE_UNKNOWN", "…", kind=Kind.UNKNOWN))
    answer = await signed_in.post("/inbox/n1/open", data={"to": "https://evil.example/"}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


# --- the bell ---


async def test_the_bell_counts_what_was_not_read(signed_in: httpx.AsyncClient, backend: Backend):
    backend.answers("CountNotices", notices.NoticeCount(unread=3))
    page = (await signed_in.get("/proposals")).text
    assert 'aria-label="Hộp thư: 3 chưa đọc"' in page
    backend.answers("CountNotices", notices.NoticeCount(unread=120))
    assert ">99+</b>" in (await signed_in.get("/proposals")).text


async def test_the_bell_waits_for_no_other_context(signed_in: httpx.AsyncClient, backend: Backend):
    backend.answers("CountNotices", notices.NoticeCount())
    signed_in.cookies.set("nhip-after", "goals%3D9%2Cnotifications%3D4")
    await signed_in.get("/proposals")
    asked = [metadata for name, _, metadata in backend.asked if name == "CountNotices"][-1]
    assert [value for key, value in asked if key == "nhip-position"] == ["notifications=4"]


async def test_notices_that_do_not_answer_hold_no_page_up(
    backend: Backend, issuer: DemoIssuer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(visiting, "PATIENCE", 0.05)

    async def says_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)
        writer.close()

    silent = await asyncio.start_server(says_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    backend.answers("GetPerson", MINH)
    here = f"127.0.0.1:{backend.port}"  # pyright: ignore[reportAttributeAccessIssue]
    async with grpc.aio.insecure_channel(here) as channel, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as mute:
        app = application(
            Upstream({"people": channel, "goals": channel, "notifications": mute}), Identity(issuer, "acme"), NOBODY
        )
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            await client.post("/sign-in", data={"person": "minh"}, headers=OWN)
            page = await asyncio.wait_for(client.get("/nowhere"), 5)
    silent.close()
    assert 'aria-label="Hộp thư"' in page.text
    assert "bell-count" not in page.text


# --- the ledger ---


def names() -> Names:
    return Names(known(), {("kpi", "i1"): "Demo · khách mới"}, ZoneInfo("Asia/Ho_Chi_Minh"))


@pytest.mark.parametrize(
    ("event", "vi"),
    [
        (
            goals_events.ChangeProposed(
                changes=[
                    goals_types.TargetChange(
                        kpi_id="i1", before=decimal_pb2.Decimal(value="1280"), after=decimal_pb2.Decimal(value="50.5")
                    )
                ]
            ),
            ("Demo · khách mới", "1.280", "50,5"),
        ),
        (
            people_events.PlaceAssigned(
                before=people_types.Place(manager_id="phuc"), after=people_types.Place(manager_id="minh")
            ),
            ("Quản lý", "Phúc", "Minh"),
        ),
        (
            people_events.RolesChanged(
                before=[people_types.ROLE_EMPLOYEE], after=[people_types.ROLE_EMPLOYEE, people_types.ROLE_ADMIN]
            ),
            ("", "Nhân viên", "Nhân viên, Quản trị viên"),
        ),
        (
            notice_events.PreferencesChanged(
                before=notice_types.Preferences(quiet_from=20), after=notice_types.Preferences(quiet_from=21)
            ),
            ("Yên tĩnh từ", "20", "21"),
        ),
    ],
)
def test_before_and_after_are_put_side_by_side_as_people_write_them(event: Message, vi: tuple[str, str, str]):
    side = next(iter(sides(values(event, reader="van"), names(), VI)))
    assert (side.label, side.before, side.after) == vi


def test_an_entry_says_what_is_withheld_and_what_is_erased():
    entry = audit_pb2.Entry(
        type="nhip.rewards.v1.PraiseGiven", actor="person:hai", recorded_at=at(datetime(2025, 3, 20, tzinfo=UTC))
    )
    entry.values.add(path="words", words=words_pb2.PersonalText(withheld=True))
    entry.values.add(path="reason", words=words_pb2.PersonalText(erased=True))
    row = ledger_row(looking(), entry, names())
    assert (row.what, row.actor.name) == ("Khen ngợi", "Người đã được xoá")
    assert [(one.text, one.hidden) for one in row.reasons] == [("(được giữ kín)", "withheld"), ("(đã xoá)", "erased")]


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        ("person:phuc", "Phúc"),
        ("service:importer for person:phuc", "Nhập dữ liệu · Phúc"),
        ("service:importer for service:operator", "Nhập dữ liệu"),
        ("service:notifications", "Nhịp (thông báo)"),
        ("service:notifications for service:importer", "Nhịp (thông báo) · Nhập dữ liệu"),
        ("system:clock", "Nhịp"),
        ("person:nobody", "nobody"),
    ],
)
def test_whoever_acted_has_a_name(actor: str, name: str):
    assert known().actor(actor).name == name


def test_a_cause_leads_to_the_history_of_what_it_was_about():
    entry = audit_pb2.Entry(type="x.PointsReceived", recorded_at=at(datetime(2025, 3, 20, tzinfo=UTC)))
    entry.cause.CopyFrom(
        audit_pb2.Reference(event_id="e7", type="x.AllowanceSpent", stream="wallet/phuc", actor="person:phuc")
    )
    cause = ledger_row(looking(), entry, names()).cause
    assert cause is not None
    assert (cause.what, cause.about, cause.url) == ("Tặng điểm", "Phúc", "/audit/subjects/person/phuc#e-e7")


async def test_a_history_names_what_it_tells_before_what_stands_beside_it(
    signed_in: httpx.AsyncClient, backend: Backend
):
    entry = audit_pb2.Entry(
        event_id="e1", type="nhip.goals.v1.KpiTargetRevised", recorded_at=at(datetime(2025, 3, 20, tzinfo=UTC))
    )
    entry.subjects.add(kind="kpi", id="z1")
    entry.together.extend(audit_pb2.Reference(type="x.KpiRetired", stream=f"kpi/a{n}") for n in range(600))
    entry.further = 5
    backend.answers("GetSubjectHistory", audit_pb2.Entries(entries=[entry]))
    backend.answers("ListNames", goals_pb2.Names(names=[goals_pb2.Name(id="z1", name="Demo sản phẩm")]))
    page = await signed_in.get("/audit/subjects/kpi/z2")
    [asked] = [one for _, one, _ in backend.asked if isinstance(one, goals_pb2.ListNames)]
    assert (len(asked.kpi_ids), asked.kpi_ids[:2]) == (500, ["z2", "z1"])
    assert "Demo sản phẩm" in page.text
    assert "và 5 " in page.text


def test_every_event_and_every_kind_of_thing_has_words():
    vi, en = event_rows(VI), event_rows(EN)
    assert set(vi) == set(event_types()), "an event without a row, or a row without an event"
    assert len(event_types()) == len(set(event_types())), "two events of one name"
    assert [name for name, row in vi.items() if row.words in ("", name, en[name].words)] == []
    assert [kind for kind in subject_kinds() if kind_word(kind, VI) == kind] == []
    assert {event.type.rpartition(".")[2] for event in ledger()} <= set(event_types())


def test_every_choice_in_an_event_has_words():
    choices = set(choices_of_events())
    assert "ROLE_ADMIN" in choices
    vi, en = choice_words(VI), choice_words(EN)
    assert choices - set(vi) == set()
    assert [name for name in choices if vi[name] == en[name] and not name.startswith("EXPORT_FORMAT_")] == []


def choices_of_events() -> Iterator[str]:
    def choices(message: Descriptor, above: tuple[str, ...] = ()) -> Iterator[str]:
        for field in message.fields if message.full_name not in above else ():
            if field.enum_type is not None:
                yield from (one.name for one in field.enum_type.values if one.number)
            if field.message_type is not None:
                yield from choices(field.message_type, (*above, message.full_name))

    for contract in event_contracts():
        for message in contract.message_types_by_name.values():
            if message.GetOptions().Extensions[options_pb2.event]:
                yield from choices(message)


def test_a_hole_is_said_and_a_whole_ledger_counted():
    whole = audit_pb2.Completeness(
        contexts=[audit_pb2.ContextCompleteness(context="goals", last=3600, entries=1200, complete=True)]
    )
    assert (
        completeness_of(looking(EN), whole).sentence
        == "The ledger is complete: 1,200 entries of 1 parts, no position is missing."
    )
    whole.contexts[0].complete = False
    whole.contexts[0].holes.append(audit_pb2.Hole(**cast(Any, {"from": 7, "to": 7})))
    whole.contexts[0].holes.append(audit_pb2.Hole(**cast(Any, {"from": 9, "to": 10})))
    broken = completeness_of(looking(EN), whole)
    assert (broken.complete, broken.holes) == (False, ("goals 7", "goals 9–10"))


def asking(**query: str) -> Any:
    return SimpleNamespace(request=SimpleNamespace(query_params=query), zone=ZONE)


def test_days_are_the_companys_and_the_last_one_belongs_to_the_search():
    wanted = search_of(asking(**{"from": "2025-03-12", "until": "2025-03-12", "kind": "kpi"})).filter
    assert getattr(wanted, "from").ToDatetime(UTC) == datetime(2025, 3, 11, 17, tzinfo=UTC)
    assert wanted.until.ToDatetime(UTC) == datetime(2025, 3, 12, 17, tzinfo=UTC)
    with pytest.raises(Failure, match="MOMENT_UNREADABLE"):
        search_of(asking(until="soon"))


async def test_an_export_is_all_pages_as_one_file(signed_in: httpx.AsyncClient, backend: Backend):
    def answer(request: Any) -> audit_pb2.Exported:
        if not request.page_token:
            return audit_pb2.Exported(content=b"a\n", next_page_token="2")
        return audit_pb2.Exported(content=b"b\n")

    backend.handlers["ExportLedger"] = answer
    file = await signed_in.get("/audit/export?format=csv&context=goals")
    assert file.content == b"\xef\xbb\xbfa\nb\n"
    assert file.headers["content-disposition"] == 'attachment; filename="nhip-acme-2025-03-20.csv"'
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    asked = [request for name, request, _ in backend.asked if name == "ExportLedger"]
    assert [cast(audit_pb2.ExportLedger, request).filter.context for request in asked] == ["goals", "goals"]


async def test_an_export_that_is_refused_is_a_page_and_one_that_breaks_is_cut_off(
    signed_in: httpx.AsyncClient, backend: Backend
):
    backend.answers("ExportLedger", Rejected("NOT_ALLOWED", "…", kind=Kind.FORBIDDEN))
    refused = await signed_in.get("/audit/export")
    assert (refused.status_code, "content-disposition" in refused.headers) == (403, False)

    def breaks(request: Any) -> audit_pb2.Exported:
        if request.page_token:
            raise Rejected("NOT_ALLOWED", "…", kind=Kind.FORBIDDEN)
        return audit_pb2.Exported(content=b"a\n", next_page_token="2")

    backend.handlers["ExportLedger"] = breaks
    with pytest.raises(Failure, match="NOT_ALLOWED"):
        await signed_in.get("/audit/export")


# --- one's own page ---


def test_settings_are_read_back_as_they_are_shown():
    set_so = notice_types.Preferences(time_zone="Asia/Tokyo", quiet_from=0, quiet_to=6, digest_at=0, language="en")
    for kind in KINDS:
        set_so.channels.add(kind=kind, inbox=kind % 2 == 0, email=notice_types.EMAIL_MODE_DIGEST)
    again, wrong = read(Form(preference_values(set_so, VI)))
    assert (again, wrong) == (set_so, [])


def test_what_was_never_set_is_shown_as_it_is_meant():
    values = preference_values(notice_types.Preferences(), VI)
    assert [values[name] for name in ("quiet_from", "quiet_to", "digest_at", "language")] == ["20", "7", "8", "vi"]
    _, wrong = read(Form(values | {"digest_at": "24"}))
    assert "digest_at" in {violation.field for violation in wrong}


def test_an_erased_person_is_nobody_any_more():
    assert person_avatar("hai", words_pb2.PersonalText(erased=True), VI).name == "Người đã được xoá"
    assert VI.words(words_pb2.PersonalText(withheld=True)) == "(được giữ kín)"


def test_a_hold_without_a_request_is_no_request():
    row = erasure_row(looking(), people_pb2.Erasure(person_id="phuc", held=True), known())
    assert (row.open, row.held, row.state.word) == (False, True, "Chưa yêu cầu")


async def test_erasing_takes_the_persons_name(signed_in: httpx.AsyncClient, backend: Backend):
    admin = people_pb2.Person(person_id="minh", name=words("Minh"), active=True, roles=[types_pb2.ROLE_ADMIN])
    backend.answers("GetPerson", admin)
    backend.answers(
        "ListPeople",
        people_pb2.PeopleList(people=[people_pb2.Person(person_id="thao", name=words("Thảo"), active=True)]),
    )
    backend.answers(
        "ListErasures",
        people_pb2.Erasures(erasures=[people_pb2.Erasure(person_id="thao", state=people_pb2.ERASURE_STATE_REQUESTED)]),
    )
    backend.answers("ApproveErasure", command_pb2.Accepted(id="thao", position="people=9"))
    refused = await signed_in.post("/erasures/thao/approval", data={"name": "Thao nguyen"}, headers=OWN)
    assert refused.status_code == 422
    assert "Hãy gõ đúng tên đang hiển thị." in refused.text
    approved = await signed_in.post("/erasures/thao/approval", data={"name": "thảo"}, headers=OWN)
    assert (approved.status_code, approved.headers["location"]) == (303, "/erasures/thao")
    assert [name for name, _, _ in backend.asked].count("ApproveErasure") == 1


async def test_what_is_shown_is_what_the_services_allow(signed_in: httpx.AsyncClient, backend: Backend):
    backend.answers("ListErasures", people_pb2.Erasures())
    links = ("/audit", "/shop/counter", "/erasures", "/proposals/new")
    for methods, about_others, shown in (
        ([], [], []),
        (["SearchLedger"], [], ["/audit"]),
        (["HandOverGift", "ProposeChange"], [], ["/shop/counter", "/proposals/new"]),
        (["ListErasures"], [], []),
        (["ListErasures"], ["ListErasures"], ["/erasures"]),
    ):
        backend.answers("GetAccess", operations_pb2.Access(methods=methods, about_others=about_others))
        await signed_in.post("/sign-out", headers=OWN)  # of another session nothing is kept
        await signed_in.post("/sign-in", data={"person": "minh"}, headers=OWN)
        page = (await signed_in.get("/proposals")).text
        assert [link for link in links if f'href="{link}"' in page] == shown


async def test_who_may_do_what_is_asked_once_in_a_while(signed_in: httpx.AsyncClient, backend: Backend):
    for _ in range(3):
        await signed_in.get("/proposals")
    asked = [request.service for name, request, _ in backend.asked if isinstance(request, operations_pb2.GetAccess)]
    assert sorted(asked) == ["audit", "goals", "people", "retros", "rewards"]
    assert len(asked) == 5  # checkins is away, and asked anew by each page


def test_lately_is_said_as_one_says_it():
    today = date(2025, 3, 20)
    said = [EN.lately(datetime(2025, 3, n, 2, 5, tzinfo=UTC), ZONE, today) for n in (20, 19, 18)]
    assert said == ["today, 09:05", "yesterday, 09:05", "18 Mar 2025"]
