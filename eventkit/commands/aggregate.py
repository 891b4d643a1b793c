"""Deciders as data: what an aggregate is, and what a decision answers. Pure, so that a domain may import it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Never, NoReturn, TypeVar

from google.protobuf.message import Message

State = TypeVar("State")


class Ref(NamedTuple):
    """An aggregate of the tenant at hand: a category of streams and an id."""

    category: str
    id: str


@dataclass(frozen=True)
class Aggregate(Generic[State]):
    """A category of streams and how their events fold into a state.

        GIFT = Aggregate[Gift | None]("gift", None, evolve)
        WALLET = Aggregate("wallet", Wallet(), evolve)

    `initial` is the state before anything happened: None where it matters that the thing is not there yet, else what
    everybody starts with. `evolve` takes the union of the aggregate's own events, and ends in `refuse_unknown`.
    """

    category: str
    initial: State
    evolve: Callable[
        [State, Any], State
    ]  # Any: a stream may hold whatever it holds; `evolve` refuses what is not its own

    def __call__(self, id: str) -> Ref:
        return Ref(self.category, id)

    def fold(self, events: Iterable[Message]) -> State:
        """Raises `UnknownEvent`."""
        state = self.initial
        for event in events:
            state = self.evolve(state, event)
        return state


class UnknownEvent(Exception):
    """A stream holds an event that this version of the code does not know, or does not know how to begin with."""

    def __init__(self, event: object):
        super().__init__(f"unknown event {type(event).__name__}: written by a newer version?")


def refuse_unknown(event: Never) -> NoReturn:
    """The end of every `evolve`. The type checker proves that none of the aggregate's events gets here; what does when
    it runs was written by a newer version, and no command must be decided on half of what happened.

    Raises `UnknownEvent`.
    """
    raise UnknownEvent(event)


def begun(state: State | None, event: Message) -> State:
    """The state that an event changes. Raises `UnknownEvent` where nothing came before it."""
    if state is None:
        raise UnknownEvent(event)
    return state


class StreamEvent(NamedTuple):
    """One event that a decision wants recorded, and where."""

    ref: Ref
    event: Message


Decision = list[StreamEvent]
"""What a decision wants recorded, all of it in one append; empty: it is so already."""
