"""Several commands that are carried out together, and what their caller is told."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from eventkit.commands.aggregate import Aggregate, Decision, Ref
from eventkit.context import Context
from eventkit.errors import Rejected
from nhip.common.v1.command_pb2 import Accepted, Refusal, Verdict


class Item(NamedTuple):
    """One of several commands: its circumstances, the one aggregate that it is about, and how it is decided."""

    ctx: Context
    aggregate: Aggregate[Any]
    id: str
    decide: Callable[[Any], Decision]
    """May record events of that aggregate only."""

    @property
    def ref(self) -> Ref:
        return self.aggregate(self.id)


def together(outcomes: Sequence[Accepted | Rejected]) -> Accepted:
    """One reply to several commands: how far the log is because of them, and a verdict on each."""
    positions = [done.position for done in outcomes if isinstance(done, Accepted) and done.position]
    last = max(positions, key=lambda position: int(position.partition("=")[2]), default="")
    return Accepted(position=last, verdicts=map(_verdict, outcomes))


def _verdict(outcome: Accepted | Rejected) -> Verdict:
    if isinstance(outcome, Accepted):
        return Verdict(id=outcome.id, repeated=outcome.repeated, unchanged=outcome.unchanged)
    field = outcome.violations[0].field if outcome.violations else ""
    refusal = Refusal(reason=outcome.reason, message=outcome.message, parameters=outcome.parameters, field=field)
    return Verdict(id=outcome.id, refused=refusal)
