"""Two proposals about the same part of a KPI: one wins, and the other is put on what stands now (G-67)."""

from collections.abc import Sequence

from eventkit.errors import Rejected
from eventkit.values import same, to_decimal
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.kpi import EDGES
from services.goals.domain.kpi_change import SAID, AsItIs, part, some_of


def rebased(change: t.TargetChange, now: AsItIs) -> t.TargetChange | None:
    """The change as it would be asked for now: what it wants, replacing what stands. What is so already is left out;
    None: all of it is."""
    measure, said, parent = now.measure, now.said, now.parent
    found = t.TargetChange(kpi_id=change.kpi_id, ends=change.ends)
    if change.HasField("after") and not same(measure.target, change.after):
        found.before.CopyFrom(measure.target)
        found.after.CopyFrom(change.after)
    for edge in EDGES:
        if change.HasField(edge) and to_decimal(getattr(change, edge).after) != to_decimal(getattr(measure, edge)):
            other = getattr(found, edge)
            if measure.HasField(edge):
                other.before.CopyFrom(getattr(measure, edge))
            if getattr(change, edge).HasField("after"):
                other.after.CopyFrom(getattr(change, edge).after)
            other.SetInParent()
    differing = [
        name for name in SAID if (wanted := part(change.said.after, name)) is not None and wanted != part(said, name)
    ]
    if differing:
        found.said.before.CopyFrom(some_of(said, differing))
        found.said.after.CopyFrom(some_of(change.said.after, differing))
    if change.HasField("parent") and change.parent.after != parent:
        found.parent.CopyFrom(change.parent)
        found.parent.ClearField("before")
        if parent.WhichOneof("target"):
            found.parent.before.CopyFrom(parent)
    elif change.HasField("parent") and change.parent.before == change.parent.after:
        found.parent.CopyFrom(change.parent)  # another reason for the same link
    if change.HasField("further") and list(change.further.after.links) != list(now.further):
        found.further.before.links.extend(now.further)
        found.further.after.CopyFrom(change.further.after)
        found.further.before.SetInParent()
    return found if change.ends or len(found.ListFields()) > 1 else None


def check_rebased(before: Sequence[t.TargetChange], after: Sequence[t.TargetChange], additions: int) -> bool:
    """Whether anything moved. Raises `Rejected` NOTHING_LEFT where all that was asked for is so already."""
    if not after and not additions:
        raise Rejected("NOTHING_LEFT", "all that it asks for is so already: withdraw it", field="proposal_id")
    return list(before) != list(after)
