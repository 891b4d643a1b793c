"""What would make a KPI clearer: the lists and the examples of the sources, in both languages (G-20, G-22, G-27)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventkit.names import perceived, tidy
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.wording import hints, renumbered, retold, vague
from tests.unit.decisions import number

VAGUE = (
    "Tăng trưởng mạnh mẽ", "Cải thiện dịch vụ khách hàng", "Tăng độ nhận diện thương hiệu", "Tăng mức độ hài lòng",
    "Giảm tỷ lệ rời bỏ", "Cải thiện chất lượng quy trình", "Tăng chuyển đổi", "Cải thiện trải nghiệm",
    "Làm việc tốt hơn", "Càng sớm càng tốt", "Tăng chuyển đổi trong quý 2 năm 2026", "Improve the process",
    "Answer as soon as possible", "Grow significantly", "Work better",
)  # fmt: skip
CLEAR = (
    "Đạt 1.200 lượt đăng ký dùng thử trong quý 2 từ nhóm doanh nghiệp dịch vụ",
    "Thu hút 50 khách hàng đăng ký dùng thử qua Facebook trong tháng 5",
    "Nâng tỷ lệ chuyển đổi từ 12 % lên 18 % trong một quý",
    "Tặng quà cho khách hàng cũ",
    "Reduce operating cost by 10 % in six months",
)


@pytest.mark.parametrize("statement", VAGUE)
def test_what_can_mean_anything_is_asked_about(statement: str):
    assert vague(statement)
    assert all(words in statement for words in vague(statement))


@pytest.mark.parametrize("statement", CLEAR)
def test_what_says_how_much_is_clear(statement: str):
    assert vague(statement) == []


def test_of_words_that_stand_in_each_other_the_longest_is_asked_about():
    assert vague("Cải thiện mạnh mẽ tỷ lệ dùng thử") == ["Cải thiện mạnh"]
    assert vague("Cải thiện mạnh tỷ lệ, từ 63 % lên 68 %") == ["Cải thiện mạnh"]


def asked(statement: str = "", **said: object) -> pb.CheckKpi:
    measuring = t.Measuring(tool="CRM", method="Lọc khách mới")
    kpi = pb.CheckKpi(statement=statement, kind=t.MEASURE_KIND_LEVEL, direction=t.DIRECTION_INCREASE)
    kpi.measuring.CopyFrom(measuring)
    kpi.parent.csf_id = "c"
    kpi.baseline.CopyFrom(number(63))
    kpi.target.CopyFrom(number(68))
    for name, value in said.items():
        kpi.ClearField(name)  # type: ignore[arg-type]
        if value is not None:
            field = getattr(kpi, name)
            field.CopyFrom(value) if hasattr(field, "CopyFrom") else setattr(kpi, name, value)
    return kpi


GOOD = "Nâng tỷ lệ khách mới sau demo chuyển sang dùng thử gói Pro từ 63 % lên 68 % trong quý 2 ở nhóm dịch vụ"


def kinds(kpi: pb.CheckKpi) -> list[str]:
    return [pb.KpiHintKind.Name(hint.kind).removeprefix("KPI_HINT_KIND_") for hint in hints(kpi).hints]


def test_a_good_kpi_is_asked_about_nothing():
    assert kinds(asked(GOOD)) == []


def test_each_letter_asks_for_what_is_missing():
    assert kinds(asked("Tăng chuyển đổi")) == ["LENGTH", "VAGUE", "NO_NUMBER"]
    assert kinds(asked(GOOD, target=number(69))) == ["OTHER_NUMBER"]
    assert kinds(asked(GOOD, measuring=t.Measuring())) == ["NO_TOOL", "NO_METHOD"]
    assert kinds(asked(GOOD, baseline=None)) == ["NO_BASELINE"]
    assert kinds(asked(GOOD, parent=None)) == ["SERVES_NOTHING"]
    assert kinds(asked(GOOD.replace("68", "95"), target=number(95))) == ["FAR"]
    assert [
        hint.letter for hint in hints(asked("", measuring=t.Measuring(), baseline=None, parent=None)).hints
    ] == list("MMAR")


def test_eleven_or_twelve_of_ten_can_be_done_and_fifteen_is_asked_about():
    far = [kinds(asked("", baseline=number(10), target=number(n))) for n in (11, 12, 13)]
    assert far == [[], [], ["FAR"]]
    falling = asked("", baseline=number(30), target=number(10), direction=t.DIRECTION_DECREASE)
    assert kinds(falling) == ["FAR"]


def test_length_counts_what_people_see():
    composed, apart = "Đạt ế", "Đạt e\u0302\u0301"
    assert hints(asked(composed)).characters == hints(asked(apart)).characters == perceived(composed) == 5


def test_money_may_be_written_in_millions():
    assert "OTHER_NUMBER" not in kinds(asked("Đạt doanh số 300 triệu đồng trong tháng", target=number(300_000_000)))


@pytest.mark.parametrize(
    ("statement", "before", "after", "then"),
    [
        ("Ít nhất 80 buổi demo", 80, 50, "Ít nhất 50 buổi demo"),
        ("Đạt 1.200 lượt", 1200, 1500, "Đạt 1.500 lượt"),
        ("At least 1,200 sign-ups", 1200, 1500, "At least 1,500 sign-ups"),
        ("Từ 63 % lên 67,5 %", "67.5", 68, "Từ 63 % lên 68 %"),
        ("Ít nhất 80 buổi", 70, 50, ""),
        ("Từ 50 lên 80 buổi", 80, 50, ""),
        ("Ít nhất 80 buổi", 80, 80, ""),
        ("Ít nhất 180 buổi", 80, 50, ""),
    ],
)
def test_a_changed_target_asks_about_the_statement(statement: str, before: object, after: object, then: str):
    assert retold(statement, Decimal(str(before)), Decimal(str(after))) == then
    if then:
        assert renumbered(then, statement, Decimal(str(before))) == Decimal(str(after))
        told = asked(statement, target=number(str(after)), target_before=number(str(before)))
        assert [hint.text for hint in hints(told).hints if hint.kind == pb.KPI_HINT_KIND_OLD_TARGET] == [then]


def test_a_reworded_statement_asks_about_the_target_only_where_one_number_took_its_place():
    assert renumbered("Ít nhất 50 buổi", "Ít nhất 80 buổi", Decimal(80)) == 50
    assert renumbered("Ít nhất 50 đến 60 buổi", "Ít nhất 80 buổi", Decimal(80)) is None
    assert renumbered("Nhiều buổi", "Ít nhất 80 buổi", Decimal(80)) is None
    assert renumbered("Ít nhất 80 buổi tốt", "Ít nhất 80 buổi", Decimal(80)) is None


@given(st.text(max_size=60))
def test_whatever_is_typed_has_hints(statement: str):
    assert all(words in tidy(statement) for words in vague(statement))
    assert hints(asked(statement)).characters == perceived(statement.strip())
