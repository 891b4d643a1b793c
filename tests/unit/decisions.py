"""Given what happened, when something is asked for, then this happens: tests of decisions that read as sentences."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.message import Message
from google.type.decimal_pb2 import Decimal

from eventkit.commands.aggregate import Aggregate, Decision
from eventkit.context import Actor, Context
from eventkit.directory.facts import OrgChart, Person, Place, Unit
from eventkit.errors import Rejected
from nhip.common.v1.words_pb2 import PersonalText

TODAY = date(2025, 3, 12)


def words(text: str) -> PersonalText:
    return PersonalText(plain=text)


def number(value: str | int | float) -> Decimal:
    return Decimal(value=str(value))


def context(actor: str = "minh", *, kind: Any = "person") -> Context:
    return Context(Actor("company-x", actor, kind), datetime(2025, 3, 12, 3, tzinfo=UTC), uuid4())


@dataclass
class Given:
    """The streams as their events left them."""

    events: dict[tuple[str, str], list[Message]] = field(default_factory=dict[tuple[str, str], list[Message]])

    def state(self, aggregate: Aggregate[Any], id: str) -> Any:
        return aggregate.fold(self.events.get((aggregate.category, id), []))

    def and_then(self, step: "Decision | Command") -> "Given":
        """The same, after a decision was recorded, or one on what there is."""
        decision = step(self) if callable(step) else step
        events = {key: list(value) for key, value in self.events.items()}
        for ref, event in decision:
            events.setdefault((ref.category, ref.id), []).append(event)
        return Given(events)

    def when(self, command: "Command") -> "When":
        return When(self, command)


Command = Callable[[Given], Decision]
"""What somebody asks for, decided on the streams as they are."""


@dataclass(frozen=True)
class When:
    """A command that is asked for, and what must come of it."""

    state: Given
    command: Command

    def then(self, *events: Message) -> Given:
        """Exactly these events; answers the streams with them."""
        decision = self.command(self.state)
        assert [event for _, event in decision] == list(events)
        return self.state.and_then(decision)

    def then_nothing(self) -> None:
        """It is so already."""
        self.then()

    def then_rejected(self, reason: str, *, field: str = "") -> None:
        """For that reason, at that field if one is named."""
        rejected(reason, lambda: self.command(self.state), field=field)


def given(*steps: Decision | Command) -> Given:
    """The streams after these, each decided on what the ones before it left."""
    state = Given()
    for step in steps:
        state = state.and_then(step)
    return state


def rejected(reason: str, decide: Callable[[], object], *, field: str = "") -> None:
    """`decide` must be refused for that reason, at that field if one is named."""
    with pytest.raises(Rejected) as refusal:
        decide()
    assert refusal.value.reason == reason
    if field:
        assert [v.field for v in refusal.value.violations] == [field]


def person(id: str, *roles: str, active: bool = True) -> Person:
    return Person(id, words(id.title()), words(""), roles or ("employee",), active)


def company_x(*, inactive: tuple[str, ...] = ()) -> OrgChart:
    """Company X: Nam leads, Phúc heads sales with Minh and Trâm, Lan heads CSKH with Thảo and Tiến, Quang is the second
    executive."""
    executives = {"nam", "quang"}
    ids = ("nam", "phuc", "minh", "tram", "lan", "thao", "tien", "quang")
    return OrgChart(
        people={id: person(id, *(("executive",) if id in executives else ()), active=id not in inactive) for id in ids},
        places={
            "nam": Place(),
            "quang": Place("", "nam"),
            "phuc": Place("sales", "nam"),
            "lan": Place("cskh", "nam"),
            "minh": Place("sales", "phuc"),
            "tram": Place("sales", "phuc"),
            "thao": Place("cskh", "lan"),
            "tien": Place("cskh", "lan"),
        },
        units={"sales": Unit("sales", "Sales", "phuc"), "cskh": Unit("cskh", "CSKH", "lan")},
        company="Công ty phần mềm X",
        position=20,
    )
