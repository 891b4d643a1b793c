"""KPIs that come anew into a cycle that runs: proposed, in as few proposals as it takes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from importing import commands
from importing.company import Cycle, Kpi
from importing.sheets.plan import Deed
from importing.sheets.standing import Standing
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t

AT_ONCE = 16
"""KPIs that one proposal adds."""
NEW = "new"
"""What differs where a KPI is not there yet and can only be proposed."""


@dataclass(frozen=True, slots=True)
class Added:
    """A KPI that is to be proposed, and what its parent is."""

    row: int
    kpi: Kpi
    parent_kind: str


def additions(rows: Sequence[int], added: Mapping[str, Added], there: Standing, title: str, reason: str) -> list[Deed]:
    """As few proposals as it takes for new KPIs; those that serve each other are in one."""
    assert there.cycle is not None
    cycle = there.cycle
    deeds: list[Deed] = []
    for part in _together(_with_what_they_serve(rows, added), added):
        request = g.ProposeChange(
            cycle_id=cycle.cycle_id,
            reason_class=t.REASON_CLASS_CONTEXT_CHANGED,
            title=PersonalText(plain=title),
            reason=PersonalText(plain=reason),
            additions=[_draft(added[ref], added, cycle) for ref in part],
        )
        deeds.append(Deed(added[part[0]].row, "proposal", "", lambda _, request=request: request, field=NEW))
    return deeds


def _with_what_they_serve(rows: Iterable[int], added: Mapping[str, Added]) -> list[str]:
    """The new KPIs of some rows, and those that they serve of them that are new, too: each behind what it serves."""
    found: dict[str, None] = {}
    wanted = set(rows)
    for ref, one in added.items():
        way = [ref] if one.row in wanted else []
        while way and (above := added[way[-1]].kpi.parent) in added and above not in way:
            way.append(above)
        found.update(dict.fromkeys(reversed(way)))
    return list(found)


def _trees(refs: Sequence[str], added: Mapping[str, Added]) -> list[list[str]]:
    """New KPIs with all that serve the same new one, over others or not, each behind what it serves."""
    trees: dict[str, list[str]] = {}
    for ref in refs:
        root = ref
        while (above := added[root].kpi.parent) in added:
            root = above
        trees.setdefault(root, []).append(ref)
    return list(trees.values())


def too_many_together(added: Mapping[str, Added]) -> frozenset[str]:
    """Those that no proposal has room for beside what they serve: they come when that is approved."""
    every = _with_what_they_serve([one.row for one in added.values()], added)
    return frozenset(ref for tree in _trees(every, added) for ref in tree[AT_ONCE:])


def _together(refs: Sequence[str], added: Mapping[str, Added]) -> list[list[str]]:
    """In parts that fit into a proposal."""
    parts: list[list[str]] = []
    for tree in _trees(refs, added):
        if parts and len(parts[-1]) + len(tree) <= AT_ONCE:
            parts[-1] += tree
        else:
            parts.append(list(tree))
    return parts


def _draft(one: Added, added: Mapping[str, Added], cycle: g.Cycle) -> t.KpiDraft:
    of = Cycle(one.kpi.places, cycle.cycle_id, cycle.name, None, None)
    draft = commands.define_kpi(one.kpi, of, one.parent_kind if one.kpi.parent else "", _keyed).kpi
    draft.key = _keyed("kpi", one.kpi.ref)
    return draft


def _keyed(_kind: str, ref: str) -> str:
    """What is there by its id, a new KPI by what its proposal calls it."""
    return f"row-{ref[1:]}"[:64] if ref.startswith("#") else ref
