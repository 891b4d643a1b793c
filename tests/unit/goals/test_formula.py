"""Formulas are read and computed as arithmetic says (G-04, G-78)."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.goals.domain import formula
from services.goals.domain.formula import DividedByZero, Name, Negative, Number, Operation, Term, Unreadable


def value(text: str, **of: str) -> Decimal:
    return formula.value(formula.read(text), {name: Decimal(number) for name, number in of.items()})


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) × 3", "9"),
        ("10 - 3 - 2", "5"),
        ("12 ÷ 3 ÷ 2", "2"),
        ("-2 * -3", "6"),
        ("A / B * 100", "25"),
        ("a − (b − 1)", "-88"),
        ("0.5 * A", "5"),
    ],
)
def test_it_comes_to_what_arithmetic_says(text: str, is_: str):
    found = {"A": "10", "B": "40"} if "B" in text else {"A": "10", "B": "99"}
    assert value(text, **found) == Decimal(is_)


@pytest.mark.parametrize(
    ("text", "at"),
    [("", 1), ("1 +", 4), ("(1", 1), ("1)", 2), ("1 2", 3), ("1 ** 2", 4), ("1..2", 1), ("2 A", 3), ("__import__", 1),
     ("A.b", 2), ("٣", 1), ("1" * 30, 1), ("(" * 60 + "1" + ")" * 60, 42), ("1+" * 300 + "1", 400)],
)  # fmt: skip
def test_what_is_no_formula_is_told_where(text: str, at: int):
    with pytest.raises(Unreadable) as refused:
        formula.read(text)
    assert refused.value.at == at


def test_nothing_is_divided_by_nothing():
    with pytest.raises(DividedByZero):
        value("A / (B - 2)", A="1", B="2")


def terms() -> st.SearchStrategy[Term]:
    leaves = st.one_of(st.integers(0, 10**6).map(lambda n: Number(Decimal(n) / 100)), st.sampled_from("ABC").map(Name))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(Negative), st.builds(Operation, st.sampled_from("+-*/"), inner, inner)
        ),
        max_leaves=12,
    )  # fmt: skip


def exact(term: Term, of: dict[str, Fraction]) -> Fraction:
    match term:
        case Number():
            return Fraction(term.value)
        case Name():
            return of[term.letter]
        case Negative():
            return -exact(term.of, of)
        case Operation():
            left, right = exact(term.left, of), exact(term.right, of)
            return {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right,
                    "/": lambda: left / right}[term.sign]()  # fmt: skip


@for_all(terms(), st.lists(st.integers(-(10**6), 10**6), min_size=3, max_size=3))
def test_what_is_written_is_read_again_as_the_same_and_comes_to_the_same(term: Term, values: list[int]):
    written = formula.text(term, {})
    if len(written) > formula.LONGEST:
        return
    again = formula.read(written)
    of = dict(zip("ABC", values, strict=True))
    try:
        wanted = exact(term, {name: Fraction(n) for name, n in of.items()})
    except ZeroDivisionError:
        return
    try:
        found = formula.value(again, {name: Decimal(n) for name, n in of.items()})
    except DividedByZero:
        pytest.fail("nothing was divided by nothing")
    assert abs(Fraction(found) - wanted) <= abs(wanted) / 10**60 + Fraction(1, 10**60)
    assert formula.names(again) == formula.names(term)
