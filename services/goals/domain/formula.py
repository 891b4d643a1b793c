"""Formulas: numbers, names of one letter, + − × ÷ and parentheses (G-04, G-78). Read by hand, computed exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from eventkit.values import is_taken

LONGEST, DEEPEST = 400, 40
"""Letters of a formula; parentheses in each other."""
_SAME = {"×": "*", "·": "*", "÷": "/", ":": "/", "−": "-", "–": "-", "，": ","}


class Unreadable(ValueError):
    """It is no formula: `at` says where, counted from 1, and the message what would be right."""

    def __init__(self, at: int, wanted: str):
        super().__init__(wanted)
        self.at = at


class DividedByZero(ArithmeticError):
    """Something is divided by nothing."""


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal


@dataclass(frozen=True, slots=True)
class Name:
    letter: str


@dataclass(frozen=True, slots=True)
class Negative:
    of: Term


@dataclass(frozen=True, slots=True)
class Operation:
    sign: str
    """One of + - * /."""
    left: Term
    right: Term


Term = Number | Name | Negative | Operation


def read(text: str) -> Term:
    """What a formula says: × ÷ before + −, from the left. Raises `Unreadable`."""
    if len(text) > LONGEST:
        raise Unreadable(LONGEST, f"at most {LONGEST} characters")
    reader = _Reader("".join(_SAME.get(letter, letter) for letter in text))
    term = reader.sum(0)
    if (left := reader.peek()) is not None:
        raise Unreadable(reader.at + 1, f"an operator or the end instead of {left!r}")
    return term


def names(term: Term) -> frozenset[str]:
    """The letters that a formula names."""
    match term:
        case Number():
            return frozenset()
        case Name():
            return frozenset({term.letter})
        case Negative():
            return names(term.of)
        case Operation():
            return names(term.left) | names(term.right)


def value(term: Term, of: Mapping[str, Decimal]) -> Decimal:
    """What a formula comes to. Raises `DividedByZero`, and KeyError for a name without a value."""
    match term:
        case Number():
            return term.value
        case Name():
            return of[term.letter]
        case Negative():
            return -value(term.of, of)
        case Operation():
            left, right = value(term.left, of), value(term.right, of)
            match term.sign:
                case "+":
                    return left + right
                case "-":
                    return left - right
                case "*":
                    return left * right
                case _:
                    if not right:
                        raise DividedByZero
                    return left / right


def text(term: Term, of: Mapping[str, str]) -> str:
    """A formula as people write it, with what each name stands for: "30 + 50 × (2 − 1)"."""
    return _text(term, of)[0]


_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}
_SHOWN = {"+": "+", "-": "−", "*": "×", "/": "÷"}


def _text(term: Term, of: Mapping[str, str]) -> tuple[str, int]:
    """A part of a formula, and how strongly it holds together."""
    match term:
        case Number():
            shown = format(term.value, "f")
            return (shown.rstrip("0").rstrip(".") if "." in shown else shown), 3
        case Name():
            shown = of.get(term.letter, term.letter)
            return shown, 3 if not shown.startswith(("-", "−")) else 0
        case Negative():
            shown, binds = _text(term.of, of)
            return f"−{shown if binds >= 3 else f'({shown})'}", 0
        case Operation():
            mine = _BINDS[term.sign]
            left, of_left = _text(term.left, of)
            right, of_right = _text(term.right, of)
            left = left if of_left >= mine else f"({left})"
            right = right if of_right > mine else f"({right})"
            return f"{left} {_SHOWN[term.sign]} {right}", mine


class _Reader:
    """One letter after the other."""

    def __init__(self, text: str):
        self._text, self.at = text, 0

    def peek(self) -> str | None:
        while self.at < len(self._text) and self._text[self.at].isspace():
            self.at += 1
        return self._text[self.at] if self.at < len(self._text) else None

    def sum(self, depth: int) -> Term:
        term = self._product(depth)
        while (sign := self.peek()) in ("+", "-"):
            self.at += 1
            term = Operation(sign, term, self._product(depth))
        return term

    def _product(self, depth: int) -> Term:
        term = self._one(depth)
        while (sign := self.peek()) in ("*", "/"):
            self.at += 1
            term = Operation(sign, term, self._one(depth))
        return term

    def _one(self, depth: int) -> Term:
        letter = self.peek()
        if depth > DEEPEST:
            raise Unreadable(self.at + 1, f"at most {DEEPEST} parentheses in each other")
        if letter == "-":
            self.at += 1
            return Negative(self._one(depth + 1))
        if letter == "(":
            opened = self.at + 1
            self.at += 1
            term = self.sum(depth + 1)
            if self.peek() != ")":
                raise Unreadable(opened, "a closing parenthesis for this one")
            self.at += 1
            return term
        if letter is not None and letter.isascii() and letter.isdigit():
            return self._number()
        if letter is not None and letter.isascii() and letter.isalpha():
            self.at += 1
            return Name(letter.upper())
        raise Unreadable(self.at + 1, "a letter, a number or an opening parenthesis here")

    def _number(self) -> Number:
        start = self.at
        while self.at < len(self._text) and (self._text[self.at].isdigit() or self._text[self.at] == "."):
            self.at += 1
        digits = self._text[start : self.at]
        if not digits.isascii() or digits.count(".") > 1 or digits.endswith("."):
            raise Unreadable(start + 1, 'a number with a point before its fraction, as "0.5"')
        number = Decimal(digits)
        if not is_taken(number):
            raise Unreadable(start + 1, "a shorter number")
        return Number(number)
