"""Field rules, on the real contracts."""

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from google.type.decimal_pb2 import Decimal
from hypothesis import given
from hypothesis import strategies as st

from eventkit.errors import Violation
from eventkit.rpc.rules import compile_rules, violations
from nhip.checkins.v1 import checkins_pb2
from nhip.common.v1 import options_pb2, time_pb2, words_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from nhip.people.v1 import people_pb2
from nhip.people.v1.types_pb2 import Role

PERSON = people_pb2.RegisterPerson(name=words_pb2.PersonalText(plain="Lan"))
MEASURE = types_pb2.Measure(
    kind=types_pb2.MEASURE_KIND_LEVEL, direction=types_pb2.DIRECTION_INCREASE, target=Decimal(value="80")
)
DRAFT = types_pb2.KpiDraft(name="Demo", level=types_pb2.LEVEL_COMPANY, measure=MEASURE)
CYCLE = goals_pb2.OpenCycle(
    name="2026", starts_on=Date(year=2026, month=1, day=1), ends_on=Date(year=2026, month=12, day=31)
)


def wrong(message) -> dict[str, str]:
    return {violation.field: violation.message for violation in violations(message)}


def but(message, **fields):
    """A copy of `message` with other fields; None clears one."""
    copy = type(message)()
    copy.CopyFrom(message)
    for name in fields:
        copy.ClearField(name)
    copy.MergeFrom(type(message)(**{name: value for name, value in fields.items() if value is not None}))
    return copy


@pytest.mark.parametrize(
    "message", [PERSON, CYCLE, goals_pb2.DefineKpi(cycle_id="c1", kpi=DRAFT), goals_pb2.ListCycles()]
)
def test_what_is_right_passes(message):
    assert not violations(message)


# --- required --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", " ", "\t\n", "\u00a0\u3000", "\u200b\u2060\ufeff"])
def test_required_text_is_not_blank(name):
    assert wrong(but(CYCLE, name=name)) == {"name": "must be given and not blank"}


def test_a_required_message_is_present():
    assert wrong(but(CYCLE, starts_on=None)) == {"starts_on": "must be given"}
    assert wrong(goals_pb2.DefineKpi(cycle_id="c1")) == {"kpi": "must be given"}


def test_a_required_list_has_an_item():
    assert wrong(goals_pb2.ChooseCsf(name="Trust")) == {"goal_ids": "must have at least one item"}


def test_a_required_enum_is_one_of_its_values():
    problem = {"kpi.level": "must be one of LEVEL_COMPANY, LEVEL_DEPARTMENT, LEVEL_INDIVIDUAL"}
    assert wrong(goals_pb2.DefineKpi(cycle_id="c1", kpi=but(DRAFT, level=0))) == problem
    assert wrong(goals_pb2.DefineKpi(cycle_id="c1", kpi=but(DRAFT, level=99))) == problem


def test_a_required_number_is_given():
    goal = goals_pb2.SetStrategicGoal(name="10 tỷ", target=Decimal(value="1"))
    assert wrong(goal) == {"year": "must be given"}
    assert wrong(but(goal, year=1999)) == {"year": "must be from 2000 to 2200"}
    assert not violations(but(goal, year=2026))


def test_everything_is_told_at_once_in_the_contracts_order():
    assert violations(goals_pb2.OpenCycle(ends_on=Date(year=2026, month=13, day=1))) == (
        Violation("name", "MISSING", "must be given and not blank"),
        Violation("starts_on", "MISSING", "must be given"),
        Violation("ends_on", "NOT_A_DAY", "must be a day of the years 1900 to 2200: year, month and day"),
    )


# --- length ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "character",
    ["a", "ế", "e\u0302\u0301", "👩‍👩‍👧‍👦", "🇻🇳", "နို့", "한", "1\ufe0f\u20e3"],
    ids=["ascii", "composed", "decomposed", "family", "flag", "burmese", "jamo", "keycap"],
)
def test_length_counts_what_people_see(character):
    assert not violations(but(CYCLE, name=character * 60))
    assert wrong(but(CYCLE, name=character * 61)) == {"name": "must have at most 60 characters"}


def test_a_character_that_never_ends_is_too_long():
    assert wrong(but(CYCLE, name="e" + "\u0301" * 100_000)) == {"name": "must have at most 60 characters"}


@given(st.text(max_size=60))
def test_no_text_of_so_many_code_points_is_too_long(text):
    assert "must have at most 60 characters" not in wrong(but(CYCLE, name="x" + text[1:])).values()


@pytest.mark.parametrize("char", "\0\a\x1b\x7f\x85\u202e\u2066\u2028")
def test_controls_and_what_turns_the_direction_of_text_are_refused_in_every_text(char):
    refused = f"must not contain the character U+{ord(char):04X}"
    assert wrong(but(CYCLE, name=f"a{char}b")) == {"name": refused}
    assert wrong(but(PERSON, name=words_pb2.PersonalText(plain=f"La{char}n"))) == {"name": refused}
    assert wrong(
        checkins_pb2.RecordProgress(
            kpi_id="k", value=Decimal(value="1"), note=words_pb2.PersonalText(plain=f"a{char}b")
        )
    ) == {"note": refused}


@pytest.mark.parametrize("char", "\n\r\t\u200b\u200e\u200d\u2060\u00ad\ufeff")
def test_names_are_one_line_and_all_of_them_is_seen(char):
    assert wrong(but(CYCLE, name=f"a{char}b")) == {"name": f"must not contain the character U+{ord(char):04X}"}


@pytest.mark.parametrize(
    "name",
    [
        "Nguyễn Thị Lan",
        "👩\u200d👩\u200d👧 nhà",
        "ශ්\u200dරී",
        "می\u200cخواهم",
        "Ta\u0301o",
        "李雷",
        "🏴\U000e0067\U000e007f",
    ],
)
def test_names_of_every_script_pass(name):
    assert not violations(but(CYCLE, name=name))


def test_notes_may_have_lines():
    note = words_pb2.PersonalText(plain="Hai nơi hỏi giá:\r\n\tA\n\tB")
    assert not violations(checkins_pb2.RecordProgress(kpi_id="k", value=Decimal(value="1"), note=note))


def test_marks_do_not_pile_up():
    tower = "must have at most 30 marks on a letter"
    assert wrong(but(CYCLE, name="a" + "\u0301\u0327" * 15)) == {}
    assert wrong(but(CYCLE, name="a" + "\u0301\u0327" * 16)) == {"name": tower}
    note = words_pb2.PersonalText(
        plain="a" + "\u0301\u0327" * 15_000
    )  # whoever normalises this sorts it, in quadratic time
    assert wrong(checkins_pb2.RecordProgress(kpi_id="k", value=Decimal(value="1"), note=note)) == {"note": tower}


# --- ids, time zones, lists ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", ["K1", "a b", "a/b", "kpi\n", "ế", "a" * 65])
def test_an_id_is_of_few_characters(id):
    assert wrong(goals_pb2.GetKpi(kpi_id=id)) == {"kpi_id": "must be an id: 1 to 64 of a-z, 0-9, '-', '_' and '.'"}


@pytest.mark.parametrize("id", ["k", "3f2c-9.b_1", "a" * 64])
def test_an_id_may_be(id):
    assert not violations(goals_pb2.GetKpi(kpi_id=id))


def test_an_id_that_is_not_required_may_be_left_out():
    assert not violations(goals_pb2.ListProposals())
    assert wrong(goals_pb2.ListProposals(cycle_id="C")) == {
        "cycle_id": "must be an id: 1 to 64 of a-z, 0-9, '-', '_' and '.'"
    }


def test_a_time_zone_is_one_of_the_database():
    assert not violations(people_pb2.CreateTenant(name="x", time_zone="Asia/Ho_Chi_Minh"))
    assert list(wrong(people_pb2.CreateTenant(name="x", time_zone="Asia/Hanoi"))) == ["time_zone"]
    assert list(wrong(people_pb2.CreateTenant(name="x", time_zone="../../etc/passwd"))) == ["time_zone"]
    for read_otherwise in ("localtime", "CET"):
        assert list(wrong(people_pb2.CreateTenant(name="x", time_zone=read_otherwise))) == ["time_zone"]


def test_a_list_has_at_most_so_many_items():
    assert wrong(goals_pb2.ChooseCsf(name="x", goal_ids=["g"] * 17)) == {"goal_ids": "must have at most 16 items"}


def test_an_unknown_enum_value_in_a_list_is_named_by_its_place():
    change = people_pb2.ChangeRoles(
        person_id="lan", roles=[Role.ROLE_EMPLOYEE], reason=words_pb2.PersonalText(plain="x")
    )
    change.MergeFromString(b"\x10\x4d")  # roles: 77, as a newer caller may send it
    assert list(wrong(change)) == ["roles[1]"]


# --- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "abc", "1,5", "1e3", "+1", ".5", "5.", "NaN", "Infinity", "1 ", "٣", "--1", "1" * 19, "0." + "1" * 7]
)
def test_a_decimal_is_plain(text):
    change = types_pb2.TargetChange(kpi_id="k", before=Decimal(value="1"), after=Decimal(value=text))
    ok = types_pb2.TargetChange(kpi_id="k", before=Decimal(value="1"), after=Decimal(value="2"))
    assert wrong(goals_pb2.PreviewProposal(cycle_id="c", changes=[ok, change])) == {
        "changes[1].after": "must be a plain decimal of at most 18 digits before and 6 behind the point, as -12.5"
    }


@pytest.mark.parametrize("text", ["0", "-0", "007", "-12.50", "9" * 18, "9" * 18 + "." + "9" * 6])
def test_a_decimal_may_be(text):
    assert not violations(checkins_pb2.RecordProgress(kpi_id="k", value=Decimal(value=text)))


def test_a_longer_number_that_is_stored_can_be_named_so_that_it_can_be_changed():
    change = types_pb2.TargetChange(kpi_id="k", before=Decimal(value="9" * 30), after=Decimal(value="2"))
    assert not violations(change)
    assert list(wrong(types_pb2.TargetChange(kpi_id="k", before=Decimal(value="many"), after=Decimal(value="2")))) == [
        "before"
    ]


def test_decimals_are_checked_where_no_rule_is_set():
    measure = but(MEASURE, baseline=Decimal(value="forty"))
    assert list(wrong(goals_pb2.DefineKpi(cycle_id="c", kpi=but(DRAFT, measure=measure)))) == ["kpi.measure.baseline"]


def test_bounds_are_inclusive_and_bind_only_what_is_given():
    record = checkins_pb2.RecordProgress(kpi_id="k", value=Decimal(value="1"))
    assert not violations(record)
    assert not violations(but(record, confidence=1))
    assert not violations(but(record, confidence=10))
    assert wrong(but(record, confidence=0)) == {"confidence": "must be from 1 to 10"}
    assert wrong(but(record, confidence=11)) == {"confidence": "must be from 1 to 10"}
    assert wrong(goals_pb2.DefineKpi(cycle_id="c", kpi=but(DRAFT, weight=101))) == {"kpi.weight": "must be at most 100"}


# --- days and instants -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "day",
    [
        (2026, 2, 29),
        (2026, 0, 1),
        (2026, 1, 0),
        (0, 1, 1),
        (2026, 13, 1),
        (10000, 1, 1),
        (2026, -1, 1),
        (0, 0, 0),
        (2**31 - 1, 1, 1),
    ],
)
def test_a_date_is_a_day_of_the_calendar(day):
    year, month, of_month = day
    as_of = time_pb2.AsOf(effective_on=Date(year=year, month=month, day=of_month))
    assert list(wrong(goals_pb2.GetKpi(kpi_id="k", as_of=as_of))) == ["as_of.effective_on"]


def test_a_leap_day_is_one():
    assert not violations(
        goals_pb2.GetKpi(kpi_id="k", as_of=time_pb2.AsOf(effective_on=Date(year=2028, month=2, day=29)))
    )


@pytest.mark.parametrize(("seconds", "nanos"), [(253402300800, 0), (-62135596801, 0), (0, -1), (0, 10**9)])
def test_an_instant_is_of_the_calendar(seconds, nanos):
    as_of = time_pb2.AsOf(recorded_at=Timestamp(seconds=seconds, nanos=nanos))
    assert list(wrong(goals_pb2.GetKpi(kpi_id="k", as_of=as_of))) == ["as_of.recorded_at"]


# --- personal words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [words_pb2.PersonalText(), words_pb2.PersonalText(plain="  ")], ids=["no form", "blank"]
)
def test_required_words_say_something(words):
    assert wrong(but(PERSON, name=words)) == {"name": "must be given and not blank"}


def test_words_that_are_not_required_may_be_left_out_or_empty():
    assert not violations(but(PERSON, title=words_pb2.PersonalText()))
    assert not violations(but(PERSON, title=words_pb2.PersonalText(plain="")))


def test_words_have_a_length():
    assert wrong(but(PERSON, title=words_pb2.PersonalText(plain="x" * 121))) == {
        "title": "must have at most 120 characters"
    }


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("sealed", words_pb2.PersonalText(sealed=words_pb2.Sealed(person_id="lan", nonce=b"1", ciphertext=b"2"))),
        ("erased", words_pb2.PersonalText(erased=True)),
        ("erased", words_pb2.PersonalText(erased=False)),
        ("withheld", words_pb2.PersonalText(withheld=True)),
        ("withheld", words_pb2.PersonalText(withheld=False)),
    ],
)
def test_words_come_in_plain_or_not_at_all(form, words):
    assert wrong(but(PERSON, name=words)) == {f"name.{form}": "must not be given: send the words as `plain`"}
    assert wrong(but(PERSON, title=words)) == {f"title.{form}": "must not be given: send the words as `plain`"}


# --- contracts that make no sense ------------------------------------------------------------------------------------

FIELD = descriptor_pb2.FieldDescriptorProto


def contract(type: int, rules: options_pb2.Rules, *, repeated: bool = False, name: str):
    """A message of one field with these rules."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{name}.proto", package="test.rules", syntax="proto3")
    field = file.message_type.add(name=name).field.add(
        name="it", number=1, type=type, label=FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL
    )
    field.options.Extensions[options_pb2.rules].CopyFrom(rules)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool.FindMessageTypeByName(f"test.rules.{name}")


@pytest.mark.parametrize(
    ("type", "rules"),
    [
        (FIELD.TYPE_STRING, options_pb2.Rules(max_items=3)),
        (FIELD.TYPE_STRING, options_pb2.Rules(min="1")),
        (FIELD.TYPE_UINT32, options_pb2.Rules(max_length=3)),
        (FIELD.TYPE_UINT32, options_pb2.Rules(min="one")),
        (FIELD.TYPE_BYTES, options_pb2.Rules(id=True)),
        (FIELD.TYPE_BOOL, options_pb2.Rules(required=True)),
        (FIELD.TYPE_DOUBLE, options_pb2.Rules(max="1")),
    ],
    ids=str,
)
def test_a_rule_that_says_nothing_about_its_field_is_a_mistake_at_the_start(type, rules):
    with pytest.raises(ValueError, match=r"test\.rules\.Wrong\.it"):
        compile_rules(contract(type, rules, name="Wrong"))


def test_rules_of_a_list_hold_for_each_of_its_items():
    descriptor = contract(FIELD.TYPE_STRING, options_pb2.Rules(id=True, max_items=3), repeated=True, name="Ids")
    message: Any = GetMessageClass(descriptor)(it=["a", "B", "c"])
    assert list(wrong(message)) == ["it[1]"]


def test_every_contract_that_is_served_makes_sense():
    for file in (goals_pb2, people_pb2, checkins_pb2):
        for service in file.DESCRIPTOR.services_by_name.values():
            for rpc in service.methods:
                compile_rules(rpc.input_type)
