"""What KPIs serve first, and what they support and hinder beside it (G-60, G-74)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from eventkit.names import name_key
from eventkit.values import from_decimal, plain, to_decimal
from importing.sheets.plan import Deed, Difference, Entry, Plan
from importing.sheets.rows import Row, Rows
from importing.sheets.standing import Served, Standing
from importing.sheets.values import Kpis
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t

SERVES = "serves"
"""The effect of what a KPI serves first, as a table says it; a row without an effect means it, too."""
EFFECTS: Mapping[str, t.Effect.ValueType] = {"supports": t.EFFECT_SUPPORTS, "hinders": t.EFFECT_HINDERS}
WORDS = {effect: word for word, effect in EFFECTS.items()}


@dataclass(slots=True)
class _Linked:
    """The rows of one KPI."""

    kpi: g.Kpi
    first: tuple[Row, t.Parent] | None = None
    further: list[tuple[Row, t.Parent]] = field(default_factory=list[tuple[Row, t.Parent]])
    lines: list[int] = field(default_factory=list[int])


def links(found: Rows, there: Standing) -> Plan:
    """A row for each link. What a file does not name stays as it is."""
    plan = Plan(faults=list(found.faults), passed_over=found.passed_over)
    kpis, served = Kpis(there), Served(there)
    linked = dict[str, _Linked]()
    taken = dict[tuple[str, str], int]()
    for row in found.rows:
        id = kpis.named(row, plan.faults)
        parent = served.named(row, row.get("parent"), plan.faults, id) if row.get("parent") else ""
        if not id or not parent:
            continue
        to = t.Parent(**{f"{served.kind(parent)}_id": parent})
        one = linked.setdefault(id, _Linked(there.kpis[id]))
        one.lines.append(row.number)
        effect = row.get("effect", SERVES)
        for what, said in ((SERVES if effect == SERVES else "", "kpi"), (parent, "parent")):
            if what and (before := taken.setdefault((id, what), row.number)) != row.number:
                plan.faults.append(row.fault(said, "TWICE", row=str(before)))
                break
        if effect == SERVES:
            one.first = row, to
            if row.get("share", None) is not None:
                plan.faults.append(row.fault("share", "NOTHING_TO_SHARE"))
        else:
            one.further.append((row, to))
    for one in linked.values():
        line, *others = sorted(one.lines)
        differences = (*_of_first(one, served), *_of_further(one))
        plan.entries.append(Entry(line, one.kpi.name, differences=differences, others=tuple(others)))
    plan.changing = _changing(linked.values())
    return plan


def _id(parent: t.Parent) -> str:
    return parent.kpi_id or parent.csf_id or parent.goal_id


def _of_first(one: _Linked, served: Served) -> Iterable[Difference]:
    if one.first is None:
        return
    row, to = one.first
    if to != one.kpi.parent:
        yield Difference(row.number, "parent", served.called(_id(one.kpi.parent)), row.cells["parent"])
    elif _differs(row.get("why"), one.kpi.why):
        yield Difference(row.number, "why", one.kpi.why, row.get("why"))


def _of_further(one: _Linked) -> Iterable[Difference]:
    for row, to in one.further:
        now = _beside(one.kpi, to)
        if now is None:
            yield Difference(row.number, "parent", "", row.cells["parent"])
            continue
        if EFFECTS[row.get("effect")] != now.effect:
            yield Difference(row.number, "effect", WORDS[now.effect], row.get("effect"))
        share = row.get("share", None)
        if share is not None and share != _share(now):
            yield Difference(row.number, "share", plain(_share(now)), plain(share))
        if _differs(row.get("why"), now.why):
            yield Difference(row.number, "why", now.why, row.get("why"))


def _differs(said: str, stands: str) -> bool:
    return bool(said) and name_key(said) != name_key(stands)


def _beside(kpi: g.Kpi, to: t.Parent) -> t.FurtherLink | None:
    return next((link for link in kpi.further if link.to == to), None)


def _share(link: t.FurtherLink) -> Decimal:
    return (to_decimal(link.share) if link.HasField("share") else None) or Decimal(0)


def _changing(linked: Iterable[_Linked]) -> Callable[[Sequence[Difference]], Sequence[Deed]]:
    """One change of each KPI for all that was ticked of it: its links may take each other's places."""
    by_line = {line: one for one in linked for line in one.lines}

    def change(ticked: Sequence[Difference]) -> Sequence[Deed]:
        wanted: dict[str, dict[int, set[str]]] = {}
        for difference in ticked:
            of = wanted.setdefault(by_line[difference.row].kpi.kpi_id, {})
            of.setdefault(difference.row, set()).add(difference.field)
        return [_deed(by_line[min(rows)], rows) for rows in wanted.values()]

    return change


def _deed(one: _Linked, ticked: Mapping[int, set[str]]) -> Deed:
    kpi = one.kpi
    change = t.TargetChange(kpi_id=kpi.kpi_id)
    first = kpi.parent
    if one.first and one.first[0].number in ticked:
        row, first = one.first
        before = kpi.parent if kpi.HasField("parent") else None
        change.parent.CopyFrom(t.ParentChange(before=before, after=first, why=row.get("why")))
    after = [link for link in kpi.further if link.to != first]  # what it serves first by now is that alone
    for row, to in one.further:
        if fields := ticked.get(row.number):
            at = next((number for number, link in enumerate(after) if link.to == to), len(after))
            after[at:] = [_link(row, to, _beside(kpi, to), fields), *after[at + 1 :]]
    if after != list(kpi.further):
        change.further.CopyFrom(
            t.FurtherLinksChange(before=t.FurtherLinks(links=kpi.further), after=t.FurtherLinks(links=after))
        )
    request = g.ChangeKpi(kpi_id=kpi.kpi_id, change=change)
    return Deed(min(one.lines), "kpi", kpi.kpi_id, lambda _: request, field="parent")


def _link(row: Row, to: t.Parent, now: t.FurtherLink | None, fields: set[str]) -> t.FurtherLink:
    link = t.FurtherLink(to=to)
    if now is not None:
        link.CopyFrom(now)
    if now is None or "effect" in fields:
        link.effect = EFFECTS[row.get("effect")]
    if (now is None or "share" in fields) and (share := row.get("share", None)) is not None:
        link.ClearField("share")
        if share:
            link.share.CopyFrom(from_decimal(share))
    if now is None or "why" in fields:
        link.why = row.get("why")
    return link
