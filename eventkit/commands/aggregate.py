"""Deciders as data: what an aggregate is, and what a decision answers. Pure, so that a domain may import it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from google.protobuf.message import Message

State = TypeVar("State")


class Ref(NamedTuple):
    """An aggregate of the tenant at hand: a category of streams and an id."""

    category: str
    id: str


@dataclass(frozen=True, slots=True)
class Aggregate(Generic[State]):
    """A category of streams and how their events fold into a state."""

    category: str
    evolve: Callable[[State | None, Message], State]
    """Raises `UnknownEvent` for a type it does not know: a command must not be decided on half of what happened."""

    def __call__(self, id: str) -> Ref:
        return Ref(self.category, id)

    def fold(self, events: Iterable[Message]) -> State | None:
        state: State | None = None
        for event in events:
            state = self.evolve(state, event)
        return state


class UnknownEvent(Exception):
    """A stream holds an event that this version of the code does not know."""

    def __init__(self, event: object):
        super().__init__(f"unknown event {type(event).__name__}: written by a newer version?")


class StreamEvent(NamedTuple):
    """One event that a decision wants recorded, and where."""

    ref: Ref
    event: Message


Decision = list[StreamEvent]
"""What a decision wants recorded, all of it in one append; empty: it is so already."""
