"""The outline of a cycle at a moment: of every KPI as little as adding up and unfolding need.

Whole, a page reads only what it shows.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

import asyncpg

from services.goals.domain.reconciliation import Check, Node, NotChecked, reconcile
from services.goals.views.kpi import KPIS
from services.goals.views.link import LINKS

WHOLE = 30
"""Up to so many cards (goals, CSFs, KPIs) a map unfolds whole; beyond, down to the KPIs that serve a goal or a CSF
directly."""
SCREEN = 8
"""Cards that a screen has room for, one below the other: what is below those KPIs is unfolded too when it is no
more."""
MOST = 300
"""A map never has more KPIs."""

# The KPIs of a cycle and what they serve, as `kpi.AS_OF` and `link.of_cycle` have them, in the order of the map.
OUTLINE = f"""
with version as (
  select distinct on (kpi_id) kpi_id, name, level, kind, direction, unit, target, volume_kpi_id,
    bool_or(retired) over (partition by kpi_id) as ended
  from {KPIS} where tenant = $1 and cycle_id = $2 and recorded_at <= $3 and effective_on <= $4 order by kpi_id,
      version desc
), served as (
  select distinct on (kpi_id) kpi_id, parent_kind, parent_id
  from {LINKS} where tenant = $1 and cycle_id = $2 and recorded_at <= $3 and effective_on <= $4 order by kpi_id,
      version desc
)
select v.*, coalesce(s.parent_kind, '') as parent_kind, coalesce(s.parent_id, '') as parent_id, f.position
from version v left join served s using (kpi_id) join {KPIS} f on f.tenant = $1 and f.kpi_id = v.kpi_id
    and f.version = 1
where not v.ended order by v.level, f.position
"""


class Stub(NamedTuple):
    """A KPI in outline. `parent_kind` is csf, kpi, goal, or empty: it serves nothing."""

    id: str
    name: str
    level: int
    kind: int
    direction: int
    unit: str
    target: Decimal
    volume_kpi_id: str
    parent_kind: str
    parent_id: str
    position: int

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands among the KPIs of the cycle."""
        return self.level, self.position


@dataclass(frozen=True)
class Outline:
    """The KPIs of a cycle that are in force, in the order of the map."""

    stubs: Mapping[str, Stub]

    @cached_property
    def children(self) -> Mapping[str, Sequence[str]]:
        """The KPIs that serve a KPI, CSF or goal directly, by its id; under "" those that serve nothing."""
        found: dict[str, list[str]] = {}
        for stub in self.stubs.values():
            found.setdefault(stub.parent_id, []).append(stub.id)
        return found

    @cached_property
    def loose(self) -> Sequence[str]:
        """The KPIs whose way up ends at no CSF or goal: they serve nothing yet, or what serves nothing.

        They are not in the tree.
        """
        return [
            stub.id for stub in self.stubs.values() if (above := self.above(stub.id)) == [] or above[-1] in self.stubs
        ]

    @cached_property
    def _below(self) -> Mapping[str, int]:
        """How many there are below each KPI, CSF and goal: whatever is counted is counted on all of its way up."""
        found: dict[str, int] = {}
        for stub in self.stubs.values():
            for above in self.above(stub.id):
                found[above] = found.get(above, 0) + 1
        return found

    def below(self, id: str) -> int:
        return self._below.get(id, 0)

    def above(self, kpi_id: str) -> list[str]:
        """What a KPI serves, nearest first: KPIs, then the CSF or goal that they end at."""
        path: list[str] = []
        while (stub := self.stubs.get(kpi_id)) and stub.parent_kind and len(path) <= len(self.stubs):
            if stub.parent_kind == "kpi" and stub.parent_id not in self.stubs:
                break  # it has ended
            path.append(stub.parent_id)
            kpi_id = stub.parent_id
        return path

    def nodes(self, targets: Mapping[str, Decimal] | None = None) -> list[Node]:
        """The KPIs for adding up, some with other targets."""
        return [
            Node(
                stub.id,
                stub.kind,  # type: ignore[arg-type] # stored as the enum's number
                stub.unit,
                (targets or {}).get(stub.id, stub.target),
                parent_kpi=stub.parent_id if stub.parent_kind == "kpi" else "",
                volume_kpi=stub.volume_kpi_id,
                direction=stub.direction,  # type: ignore[arg-type] # likewise
            )
            for stub in self.stubs.values()
        ]

    @cached_property
    def found(self) -> Sequence[Check | NotChecked]:
        """What adds up, what does not, and what cannot be checked."""
        return reconcile(self.nodes())

    def unfolded(self, tops: Sequence[str], opened: Iterable[str], focus: Iterable[str]) -> list[str]:
        """The KPIs that a map of these goals and CSFs shows: unfolded by its size, by what the reader opened, and to
        what they look for.

        Breadth first: where a layer would pass `MOST`, what is above it stays folded.
        """
        whole = len(tops) + len(self.stubs) <= WHOLE
        wanted = {above for id in focus for above in self.above(id)} | set(opened)
        shown: list[str] = []
        layer, depth = list(tops), 0
        while layer:
            fits = sum(len(self.children.get(parent, ())) for parent in layer) <= SCREEN
            below: list[str] = []
            for parent in layer:
                children = self.children.get(parent, ())
                unfolds = whole or depth == 0 or (depth == 1 and fits) or parent in wanted
                if unfolds and len(shown) + len(children) <= MOST:
                    shown += children
                    below += children
            layer, depth = below, depth + 1
        return shown


async def read(con: asyncpg.Connection, tenant: str, cycle_id: str, known: datetime, on: date) -> Outline:
    """Built beside the event loop: a company of twenty thousand KPIs is a normal one."""
    return await asyncio.to_thread(_build, await con.fetch(OUTLINE, tenant, cycle_id, known, on))


def _build(rows: Sequence[asyncpg.Record]) -> Outline:
    outline = Outline({row["kpi_id"]: Stub(*(row[column] for column in _COLUMNS)) for row in rows})
    _ = outline.found, outline.loose, outline.below("")
    return outline


_COLUMNS = ("kpi_id", *Stub._fields[1:])
