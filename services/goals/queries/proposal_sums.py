"""What a proposal would do to the cycle: whether it adds up before and after, and who would be told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from eventkit.values import from_decimal, rounded, to_decimal
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.closing import closings
from services.goals.domain.reconciliation import Check, Node, NotChecked, reconcile
from services.goals.queries.outline import Outline, Stub
from services.goals.queries.owners import owner

TOLD = 20
"""People that are named of those who would be told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Changes and additions over the outline that they would change."""

    outline: Outline
    changes: Sequence[t.TargetChange]
    additions: Sequence[t.KpiDraft]

    def added_id(self, named: str) -> str:
        """What a KPI is called here: by its own id, or for one that would be added by a name that is no id."""
        keys = {draft.key: n for n, draft in enumerate(self.additions) if draft.key}
        return f"added {keys[named]}" if named in keys else named

    def serves(self, parent: t.Parent) -> str:
        return self.added_id(parent.kpi_id)

    def moved(self) -> dict[str, str]:
        """The KPIs that would serve something else, with the KPI that it is; empty: none."""
        return {c.kpi_id: self.serves(c.parent.after) for c in self.changes if c.HasField("parent")}

    def shares(self, links: Iterable[t.FurtherLink]) -> tuple[tuple[str, Decimal], ...]:
        """What a KPI would be shared with, and how much of it would count there, in per cent."""
        given = ((self.serves(link.to), to_decimal(link.share)) for link in links if link.HasField("share"))
        return tuple((id, share) for id, share in given if id and share)

    def linked(self) -> set[str]:
        """The KPIs that something would be linked to beside what it serves first, or would not be any more."""
        found: set[str] = set()
        for change in self.changes:
            found |= {self.serves(one.to) for one in (*change.further.before.links, *change.further.after.links)}
        return (found | {self.serves(one.to) for draft in self.additions for one in draft.further}) - {""}

    def volumes(self) -> set[str]:
        """The KPIs that are there which something would be a rate of."""
        named = {change.said.after.volume_kpi_id for change in self.changes}
        return (named | {draft.measure.volume_kpi_id for draft in self.additions}) & self.outline.stubs.keys()

    def nodes(self, ids: Iterable[str]) -> list[Node]:
        """Some KPIs as they would be, and all that would be added."""
        changes, moved = {change.kpi_id: change for change in self.changes}, self.moved()
        found: list[Node] = []
        for node in self.outline.nodes(ids):
            change = changes.get(node.id)
            if change is None:
                found.append(node)
            elif not change.ends:
                target, said = to_decimal(change.after), change.said.after
                node = replace(
                    node,
                    target=node.target if target is None else target,
                    unit=said.unit if said.HasField("unit") else node.unit,
                    volume_kpi=said.volume_kpi_id if said.HasField("volume_kpi_id") else node.volume_kpi,
                )
                shares = self.shares(change.further.after.links) if change.HasField("further") else node.shares
                found.append(replace(node, parent_kpi=moved.get(node.id, node.parent_kpi), shares=shares))
        for n, draft in enumerate(self.additions):
            m = draft.measure
            if to_decimal(m.target) is not None:
                volume = self.added_id(m.volume_kpi_id)
                parent = self.serves(draft.parent)
                shares, target = self.shares(draft.further), Decimal(m.target.value)
                found.append(Node(f"added {n}", m.kind, m.unit, target, parent, volume, m.direction, shares))
        return found

    def names(self) -> dict[str, tuple[str, str]]:
        """What those that would be added are called, and what they are measured in."""
        return {f"added {n}": (draft.name, draft.measure.unit) for n, draft in enumerate(self.additions)}


def reconciled(asked: Asked) -> list[pb.Reconciliation]:
    """Each check of the branch that a proposal touches, as things are and as they would be."""
    outline, added, moved = asked.outline, asked.names(), asked.moved()
    changed = [change.kpi_id for change in asked.changes]
    served = map(asked.serves, (draft.parent for draft in asked.additions))
    starts = {id for id in (*changed, *moved.values(), *served, *asked.linked()) if id}
    touched = starts | {above for kpi in starts for above in outline.counted_above(kpi)} | added.keys()
    judged = touched | outline.judged_by(starts)
    before = _by_kind(c for c in outline.found if c.kpi_id in judged)
    counted = outline.counted_for(judged | set(changed)) | asked.volumes()
    after = _by_kind(reconcile(asked.nodes(counted), judged))
    shown = [key for key in before | after if key[0] in touched or before.get(key) != after.get(key)]
    shown = [key for key in shown if key[1] or key in after]  # what was not checked and now is shows its checks
    found: list[pb.Reconciliation] = []
    as_proposed = asked.nodes(counted)
    for kpi_id, kind in shown:
        stub, then = outline.stubs.get(kpi_id), after.get((kpi_id, kind))
        if stub is None and kpi_id not in added:
            continue
        name, unit = (stub.name, stub.unit) if stub else added[kpi_id]
        found.append(
            pb.Reconciliation(
                kpi_id=kpi_id if stub else "",
                kpi_name=name,
                unit=unit,
                kind=kind,
                before=_check(before.get((kpi_id, kind))),
                after=_check(then),
                not_checked=then.reason if isinstance(then, NotChecked) else pb.NotChecked.REASON_UNSPECIFIED,
                closings=_closings(then, as_proposed, asked) if isinstance(then, Check) else (),
            )
        )
    return found


def _closings(check: Check, nodes: Sequence[Node], asked: Asked) -> list[pb.Closing]:
    """Of KPIs that are there: what is added is written anew where it is added."""
    stubs = asked.outline.stubs
    return [
        pb.Closing(
            kpi_id=one.kpi_id,
            kpi_name=stubs[one.kpi_id].name,
            before=from_decimal(one.before),
            after=from_decimal(one.after),
            reached=from_decimal(rounded(one.reached, 2)),
        )
        for one in closings(check, nodes)
        if one.kpi_id in stubs
    ]


def _by_kind(found: Iterable[Check | NotChecked]) -> dict[tuple[str, pb.Shortfall.Kind.ValueType], Check | NotChecked]:
    """By KPI and kind of check; of what is not checked the kind is unspecified."""
    return {(c.kpi_id, c.kind if isinstance(c, Check) else pb.Shortfall.KIND_UNSPECIFIED): c for c in found}


def _check(check: Check | NotChecked | None) -> pb.Reconciliation.Check | None:
    if not isinstance(check, Check):
        return None
    return pb.Reconciliation.Check(
        reached=from_decimal(check.reached),
        wanted=from_decimal(check.wanted),
        arithmetic=check.arithmetic,
        short=check.short,
        over=check.over,
    )


def told(asked: Asked, org: OrgChart, decider: str) -> list[pb.Told]:
    """Who would hear of it, for the closest reason first: whose KPIs change, then whose KPIs they serve, then whose
    serve them. Who decides is not told of their own deed."""
    stubs = asked.outline.stubs
    own, above, below = dict[str, int](), dict[str, int](), dict[str, int]()
    moved = asked.moved()
    for change in asked.changes:
        if (stub := stubs.get(change.kpi_id)) is None:
            continue
        after = change.said.after
        owners = after.owners.ids if after.HasField("owners") else stub.owner_ids
        unit = after.unit_id if after.HasField("unit_id") else stub.unit_id
        _count(own, {*_who(stub, org), *answerable(owners, unit, org)})
        parents = {stub.parent_id, moved.get(stub.id, ""), *(one.to_id for one in stub.beside)} & stubs.keys()
        _count(above, {person for id in parents for person in _who(stubs[id], org)})
        _count(below, {p for id in asked.outline.children.get(stub.id, ()) for p in _who(stubs[id], org)})
    for draft in asked.additions:
        _count(own, set(answerable(draft.owner_ids, draft.unit_id, org)))
        if stub := stubs.get(draft.parent.kpi_id):
            _count(above, set(_who(stub, org)))
    _count(above, {person for id in asked.linked() & stubs.keys() for person in _who(stubs[id], org)})
    people = [person for person in {**own, **above, **below} if person != decider]
    return [
        pb.Told(
            person=owner(org, person), own=own.get(person, 0), above=above.get(person, 0), below=below.get(person, 0)
        )
        for person in people[:TOLD]
    ]


def _who(stub: Stub, org: OrgChart) -> Sequence[str]:
    return answerable(stub.owner_ids, stub.unit_id, org)


def _count(counts: dict[str, int], people: Iterable[str]) -> None:
    for person in sorted(people):
        counts[person] = counts.get(person, 0) + 1
