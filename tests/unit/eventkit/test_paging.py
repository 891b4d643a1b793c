"""Lists in pages."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventkit.errors import Kind, Rejected
from eventkit.rpc.paging import asked
from nhip.audit.v1.audit_pb2 import SearchLedger
from nhip.audit.v1.types_pb2 import Filter
from nhip.rewards.v1.rewards_pb2 import ListPraises

AT = datetime(2026, 11, 28, 9, 30, 0, 123456, UTC)


def first(**fields: object):
    return asked(ListPraises(**fields), "x", int, size=20)  # type: ignore[arg-type]


def next_to(token: str, tenant: str = "x", **fields: object):
    return asked(ListPraises(page_token=token, **fields), tenant, int, size=20)  # type: ignore[arg-type]


def refused(token: str, *columns: type, **fields: object) -> Rejected:
    with pytest.raises(Rejected) as refusal:
        asked(ListPraises(page_token=token, **fields), "x", *(columns or (int,)), size=20)  # type: ignore[arg-type]
    return refusal.value


def test_a_page_goes_on_behind_the_last_row_that_was_shown():
    shown, token = first(page_size=2).cut([9, 7, 4], lambda row: (row,))
    assert list(shown) == [9, 7]
    assert next_to(token).after == (7,)


def test_the_last_page_names_no_next_one():
    assert first(page_size=2).cut([9, 7], lambda row: (row,))[1] == ""
    assert first(page_size=2).cut(list[int](), lambda row: (row,))[1] == ""


def test_without_a_size_the_page_has_the_size_of_the_list():
    assert (first().size, first().limit, first(page_size=3).size) == (20, 21, 3)


def test_the_size_of_the_page_may_change_on_the_way():
    assert next_to(first(page_size=2).token(7), page_size=50).after == (7,)


def test_a_token_goes_on_only_with_the_question_that_it_answers():
    token = first(value_id="v1").token(7)
    assert next_to(token, value_id="v1").after == (7,)
    assert refused(token, value_id="v2").reason == "PAGE_TOKEN_INVALID"
    with pytest.raises(Rejected):
        next_to(token, tenant="y", value_id="v1")
    with pytest.raises(Rejected):
        asked(SearchLedger(page_token=token), "x", int, size=20)


def test_a_question_may_be_nested():
    request = SearchLedger(filter=Filter(actor="nam"))
    request.page_token = asked(request, "x", datetime, str, int, size=20).token(AT, "goals", 12)
    assert asked(request, "x", datetime, str, int, size=20).after == (AT, "goals", 12)


@given(
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60),
    st.booleans(),
)
def test_every_place_comes_back_as_it_was(number: int, text: str, flag: bool):
    token = asked(ListPraises(), "x", int, str, bool, date, size=20).token(number, text, flag, AT.date())
    assert asked(ListPraises(page_token=token), "x", int, str, bool, date, size=20).after == (
        number,
        text,
        flag,
        AT.date(),
    )


@given(st.text(max_size=80) | st.text("abcdefAZ019-_=", min_size=1, max_size=80))
def test_what_is_no_token_is_refused_whatever_it_is(token: str):
    if token:
        refusal = refused(token)
        assert (refusal.reason, refusal.kind, refusal.violations[0].field) == (
            "PAGE_TOKEN_INVALID",
            Kind.INVALID,
            "page_token",
        )


def made_up(values: object) -> str:
    """A token with the right binding and values of somebody's own."""
    genuine = first().token(7)
    raw = urlsafe_b64decode(genuine + "=" * (-len(genuine) % 4))
    return urlsafe_b64encode(raw[:9] + json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("values", "columns"),
    [
        ([1 << 63], (int,)),
        ([10**40], (int,)),
        ([True], (int,)),
        ([1.5], (int,)),
        (["7"], (int,)),
        ([7, 7], (int,)),
        ([], (int,)),
        ({"a": 7}, (int,)),
        (["a\0b"], (str,)),
        (["\ud800"], (str,)),
        (["x" * 501], (str,)),
        (["2026-11-28"], (datetime,)),
        (["2026-11-28T09:30:00"], (datetime,)),
        (["0001-01-01T00:00:00+14:00"], (datetime,)),
        (["2026-02-30"], (date,)),
        ([None], (date,)),
    ],
)
def test_a_made_up_place_is_refused_before_the_database_sees_it(values: object, columns: tuple[type, ...]):
    assert refused(made_up(values), *columns).reason == "PAGE_TOKEN_INVALID"


def test_a_genuine_place_passes_where_made_up_ones_do_not():
    assert next_to(made_up([7])).after == (7,)
