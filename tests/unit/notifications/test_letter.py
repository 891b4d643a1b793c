"""E-mails as they are read: two languages, and nothing that slips into a header."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

import services.notifications as notifications
from eventkit.values import from_date
from nhip.common.v1.words_pb2 import PersonalText
from nhip.notifications.v1 import notifications_pb2 as pb
from nhip.notifications.v1 import types_pb2 as t
from services.notifications.domain.preferences import KINDS
from services.notifications.reactors.language import LOCALES, language
from services.notifications.reactors.letter import Letter, NoAddress, message
from tests.unit.decisions import number, words

VI, EN = language("vi"), language("en")
AT = datetime(2025, 3, 12, 3, tzinfo=UTC)


def change(
    kind: t.ChangeKind.ValueType, relation: t.Relation.ValueType = t.RELATION_OWNER, **fields: object
) -> pb.NoticedChange:
    told = t.KpiChange(kpi_id="I1", kind=kind, relation=relation, **fields)  # type: ignore[arg-type] # fields by name
    return pb.NoticedChange(change=told, kpi_name="Demo · khách mới", unit="demo")


def notice(kind: t.NoticeKind.ValueType, **fields: object) -> pb.Notice:
    return pb.Notice(notice_id=f"n{kind}", kind=kind, by_id="nam", **fields)  # type: ignore[arg-type] # fields by name


WAITING = notice(
    t.NOTICE_KIND_PROPOSAL_WAITING, proposal_id="P", title=words("Bớt demo"), reason=words("hiểu khách kỹ hơn")
)
CHANGED = notice(
    t.NOTICE_KIND_KPI_CHANGED, changes=[change(t.CHANGE_KIND_TARGET_REVISED, before=number(80), after=number(50))]
)
PRAISED = notice(t.NOTICE_KIND_PRAISE_RECEIVED, words=words("Em làm\n<b>rất tốt</b>"), value_name="Tận tâm", points=10)
STALE = notice(
    t.NOTICE_KIND_PROGRESS_STALE, kpi_id="I1", kpi_name="Demo · khách mới", since=from_date(date(2025, 2, 3))
)


def letter(*notices: pb.Notice, language=VI, console="https://nhip.test") -> Letter:
    return Letter(notices, "Minh", {"nam": "Nam"}, language, console)


def test_a_change_is_told_with_before_after_and_why_it_concerns_the_reader():
    assert letter(CHANGED).plain() == (
        "Chào Minh,\n\n"
        "Nam đã thay đổi KPI liên quan đến bạn.\n"
        "  Demo · khách mới (KPI của bạn): mục tiêu 80\u00a0demo → 50\u00a0demo\n"
        "https://nhip.test/kpi/I1\n\n"
        "Nhịp gửi thư này theo cài đặt thông báo của bạn.\n"
        "Đổi cài đặt: https://nhip.test/profile\n"
    )


def test_the_same_in_english_x02():
    assert "Nam changed KPIs that concern you." in letter(CHANGED, language=EN).plain()
    assert "Demo · khách mới (your KPI): target 80\u00a0demo → 50\u00a0demo" in letter(CHANGED, language=EN).plain()
    assert "Demo · khách mới has had no number since 3 Feb 2025." in letter(STALE, language=EN).plain()


def test_a_digest_tells_of_everything_and_counts_it_in_its_subject():
    both = letter(CHANGED, PRAISED)
    assert (both.subject(), letter(CHANGED, PRAISED, language=EN).subject()) == (
        "2 tin dành cho bạn",
        "2 things for you to know",
    )
    assert "mục tiêu 80" in both.plain()
    assert "10 điểm" in both.plain()


@pytest.mark.parametrize("kind", KINDS)
def test_a_subject_holds_no_name_and_nobodys_words(kind: t.NoticeKind.ValueType):
    told = pb.Notice()
    told.CopyFrom(WAITING)
    told.kind = kind
    for language_ in (VI, EN):
        subject = Letter([told], "Minh", {"nam": "Nam"}, language_, "").subject()
        assert subject
        assert not [word for word in ("Nam", "Minh", "Bớt demo", "hiểu khách") if word in subject]


def test_words_are_text_in_the_html_too():
    html = letter(PRAISED).html()
    assert "Em làm<br>&lt;b&gt;rất tốt&lt;/b&gt;" in html
    assert 'href="https://nhip.test/praise"' in html


def test_erased_words_are_told_as_such():
    told = notice(t.NOTICE_KIND_PROPOSAL_WAITING, title=PersonalText(erased=True), reason=PersonalText(erased=True))
    assert "(đã xoá)" in letter(told).plain()


def test_without_a_console_there_are_no_links():
    assert "http" not in letter(WAITING, console="").plain() + letter(WAITING, console="").html()


@pytest.mark.parametrize(
    ("ended", "text"),
    [
        (change(t.CHANGE_KIND_DEFINED, t.RELATION_OWNER_ABOVE), "(serves a KPI of yours): new"),
        (change(t.CHANGE_KIND_RETIRED, t.RELATION_OWNER_BELOW), "(a KPI of yours serves it): has ended"),
        (change(t.CHANGE_KIND_ALIGNED), "(your KPI): serves something else now"),
        (change(t.CHANGE_KIND_ALIGNED, unaligned=True), "(your KPI): serves nothing for now"),
    ],
)
def test_every_kind_of_change_has_its_sentence(ended: pb.NoticedChange, text: str):
    assert text in letter(notice(t.NOTICE_KIND_KPI_CHANGED, changes=[ended]), language=EN).plain()


def test_a_mail_is_plain_text_and_html_and_says_that_no_person_wrote_it():
    mail = message(
        letter(WAITING), sender="nhip@company.test", to="nam@company.test", message_id="<1@company.test>", at=AT
    )
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert (mail["Auto-Submitted"], mail["Message-ID"], mail["X-Nhip-Notices"]) == (
        "auto-generated",
        "<1@company.test>",
        "n2",
    )
    assert mail["List-Unsubscribe"] == "<https://nhip.test/profile>"
    assert (mail["From"], mail["To"]) == ("Nhịp <nhip@company.test>", "nam@company.test")


@pytest.mark.parametrize(
    "to", ["nam@company.test\r\nBcc: all@company.test", "nam@company.test, all@company.test", "nam", ""]
)
def test_nothing_slips_into_a_header(to: str):
    with pytest.raises(NoAddress):
        message(letter(WAITING), sender="nhip@company.test", to=to, message_id="<1@company.test>", at=AT)


def test_every_text_is_in_vietnamese_and_every_plural_in_english():
    found = set[str]()
    for path in (Path(notifications.__file__).parent / "reactors").glob("*.py"):
        with path.open("rb") as code:
            for _, texts, _, _ in extract("python", code, keywords={"_": None, "gettext": None, "ngettext": (1, 2)}):
                found.add(texts if isinstance(texts, str) else texts[0])
    vi, en = (_catalogue(code) for code in ("vi", "en"))
    assert set(vi) == found
    for id, texts in [*vi.items(), *en.items()]:
        assert all(texts), id
        assert {frozenset(re.findall(r"%\(\w+\)s", text)) for text in texts} == {
            frozenset(re.findall(r"%\(\w+\)s", id))
        }, id
    assert {id for id in found if "%(n)s" in id} == set(en)


def _catalogue(code: str) -> dict[str, list[str]]:
    """The texts of a language by their ids, each of its plurals."""
    with (LOCALES / code / "LC_MESSAGES" / "mail.po").open("rb") as file:
        texts = {m.id: m.string for m in read_po(file) if m.id}
    return {
        id if isinstance(id, str) else id[0]: [string] if isinstance(string, str) else list(string or ())
        for id, string in texts.items()
    }


@pytest.mark.parametrize("value", ["9" * 30, "-" + "9" * 30, "0." + "1" * 30])
def test_no_number_that_was_ever_stored_holds_a_mail_up(value: str):
    told = change(t.CHANGE_KIND_TARGET_REVISED, before=number(value), after=number(50))
    assert "→ 50" in letter(notice(t.NOTICE_KIND_KPI_CHANGED, changes=[told])).plain()


def test_a_floor_that_changed_alone_is_no_target_that_stayed():
    told = change(t.CHANGE_KIND_TARGET_REVISED, before=number(80), after=number(80))
    assert (
        "Demo · khách mới (KPI của bạn): thang đo đã đổi"
        in letter(notice(t.NOTICE_KIND_KPI_CHANGED, changes=[told])).plain()
    )


def test_a_notice_that_cannot_be_shown_holds_up_no_other():
    broken = notice(
        t.NOTICE_KIND_KPI_CHANGED, changes=[change(t.CHANGE_KIND_TARGET_REVISED)]
    )  # without the numbers that it is about
    said = letter(broken, PRAISED).plain()
    assert "Có một tin không hiển thị được ở đây." in said
    assert "rất tốt" in said
