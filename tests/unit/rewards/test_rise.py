"""RISE: praise is looked at while it is written, and never held up (R-05, R-06)."""

import unicodedata
from datetime import date, timedelta

import pytest

from eventkit.directory.tenant_settings import TenantSettings
from nhip.rewards.v1 import rewards_pb2 as pb
from services.rewards.domain import rise

REGULAR, IMMEDIATE = pb.RISE_ASPECT_REGULAR, pb.RISE_ASPECT_IMMEDIATE
SPECIFIC, ENCOURAGING = pb.RISE_ASPECT_SPECIFIC, pb.RISE_ASPECT_ENCOURAGING
BAD = (
    "Minh, tháng này em làm tốt lắm!",
    "Em làm tốt lắm",
    "Great job this month, Minh!",
    "You are simply the best colleague anybody could wish for!",
)
GOOD = (
    "Kịch bản tư vấn em soạn riêng cho nhóm khách thương mại khiến tỷ lệ phản hồi email tăng 30 %.",
    "Hai tháng theo sát, cuối cùng em ký được hợp đồng này, giá trị còn cao hơn dự tính 20%.",
    "Cách em kể chuyện khách hàng trong buổi demo khiến người nghe hỏi rất nhiều; tuần tới em chia sẻ với cả nhóm nhé.",
    "The script you wrote for trade customers raised our reply rate by 30 %.",
    "You followed up for two months and signed a contract worth 20% more than planned.",
    "You told the customer's story in the demo, so that everybody asked for more; would you share it next week?",
)


def looked_at(
    words: str, *, serves_kpi: bool = False, deed: int | None = 0, last: int | None = None
) -> dict[int, list[int]]:
    """What is missing of each aspect; days ago of the deed and of the last praise."""
    since_deed = None if deed is None else timedelta(days=deed)
    since_last = None if last is None else timedelta(days=last)
    settings = TenantSettings().on(date(2025, 3, 12))
    hints = rise.hints(words, settings, serves_kpi=serves_kpi, since_deed=since_deed, since_last=since_last)
    assert all(hint.met == (not hint.missing) for hint in hints)
    return {hint.aspect: list(hint.missing) for hint in hints}


def test_the_four_come_in_their_order():
    assert list(looked_at("")) == [REGULAR, IMMEDIATE, SPECIFIC, ENCOURAGING]


@pytest.mark.parametrize("words", BAD)
def test_well_done_is_not_specific_r06(words: str):
    assert pb.RISE_HINT_DEED_MISSING in looked_at(words)[SPECIFIC]
    assert pb.RISE_HINT_DEED_MISSING in looked_at(words, serves_kpi=True)[SPECIFIC]


@pytest.mark.parametrize("words", GOOD)
def test_a_deed_and_its_effect_are_specific_r06(words: str):
    assert looked_at(words)[SPECIFIC] == []


def test_an_invitation_opens_a_way_forward():
    assert [words for words in GOOD if not looked_at(words)[ENCOURAGING]] == [GOOD[2], GOOD[5]]
    assert looked_at(GOOD[0])[ENCOURAGING] == [pb.RISE_HINT_NEXT_STEP_MISSING]


def test_what_is_missing_is_named():
    assert looked_at("Em gọi ba khách.")[SPECIFIC] == [pb.RISE_HINT_TOO_SHORT, pb.RISE_HINT_EFFECT_MISSING]
    assert looked_at("")[SPECIFIC] == [pb.RISE_HINT_TOO_SHORT, pb.RISE_HINT_DEED_MISSING, pb.RISE_HINT_EFFECT_MISSING]


def test_a_kpi_says_what_a_deed_served():
    words = "Em đã gọi lại từng khách đang dùng thử và ghi chép rất cẩn thận."
    assert looked_at(words)[SPECIFIC] == [pb.RISE_HINT_EFFECT_MISSING]
    assert looked_at(words, serves_kpi=True)[SPECIFIC] == []


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("30 %", True),
        ("12,5%", True),
        ("10 hợp đồng", True),
        ("1.200 khách", True),
        ("20/03", False),
        ("2025-03-20", False),
        ("2 tháng", False),
        ("quý 1", False),
        ("lúc 9h", False),
        ("năm 2025", False),
        ("3 weeks", False),
    ],
)
def test_a_number_is_an_effect_unless_it_is_a_time(number: str, says: bool):
    found = looked_at(f"Em soạn bảng hỏi cho nhóm khách ấy, {number}, thật chu đáo")[SPECIFIC]
    assert found == ([] if says else [pb.RISE_HINT_EFFECT_MISSING])


def test_trying_a_product_is_no_next_step():
    assert looked_at("Em đã tư vấn cho mọi khách đang dùng thử")[ENCOURAGING] == [pb.RISE_HINT_NEXT_STEP_MISSING]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_characters_are_what_people_see(form: str):
    words = unicodedata.normalize(form, "Em soạn kịch bản mới, khách phản hồi nhiều hơn")  # type: ignore[arg-type]
    assert looked_at(words)[SPECIFIC] == []
    assert pb.RISE_HINT_TOO_SHORT in looked_at(words[: len(words) // 2])[SPECIFIC]


def test_forty_characters_tell_a_deed_thirty_nine_do_not():
    words = "Em soạn kịch bản, khách hỏi nhiều hơn".ljust(39, "!")
    assert pb.RISE_HINT_TOO_SHORT in looked_at(words)[SPECIFIC]
    assert looked_at(words + "!")[SPECIFIC] == []


@pytest.mark.parametrize(
    ("days", "missing"),
    [
        (0, []),
        (7, []),
        (8, [pb.RISE_HINT_DEED_LONG_AGO]),
        (None, [pb.RISE_HINT_DEED_DAY_MISSING]),
        (-1, [pb.RISE_HINT_DEED_DAY_MISSING]),
    ],
)
def test_praise_comes_soon_after_the_deed(days: int | None, missing: list[int]):
    assert looked_at("", deed=days)[IMMEDIATE] == missing


@pytest.mark.parametrize(("days", "missing"), [(None, []), (0, []), (89, []), (90, [pb.RISE_HINT_LONG_SINCE_LAST])])
def test_praise_is_regular(days: int | None, missing: list[int]):
    assert looked_at("", last=days)[REGULAR] == missing
