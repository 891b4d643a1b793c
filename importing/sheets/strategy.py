"""Strategic goals and success factors, compared with those that are there. A file adds to them; what stands it does
not change."""

from decimal import Decimal

from eventkit.names import name_key, tidy
from eventkit.values import plain, to_decimal
from importing import commands
from importing.company import Csf, Goal
from importing.document import Place, Places
from importing.sheets.plan import Deed, Difference, Entry, Plan, key_of
from importing.sheets.rows import Row, Rows
from importing.sheets.standing import Names, Standing

NOT_BY_FILE = "NOT_BY_FILE"
"""The obstacle of what stands and no file changes."""


def places(row: Row) -> Places:
    return Places(Place(row.number, 0), {}, frozenset())


def goal_key(row: Row) -> str:
    return key_of("goal", name_key(row.get("name")), str(row.get("year", 0)))


def goals(found: Rows, there: Standing) -> Plan:
    """A goal is known by its name and year."""
    plan = Plan(faults=list(found.faults), passed_over=found.passed_over)
    standing = {(name_key(goal.name), goal.year): goal for goal in there.goals.values()}
    taken: dict[tuple[str, int], int] = {}
    for row in found.rows:
        goal = Goal(
            places(row),
            f"#{row.number}",
            tidy(row.get("name")),
            row.get("year", None),
            row.get("target", None),
            row.get("measured_in"),
        )
        key = name_key(goal.name), goal.year or 0
        if goal.name and (before := taken.setdefault(key, row.number)) != row.number:
            plan.faults.append(row.fault("name", "TWICE", row=str(before)))
        now = standing.get(key)
        if now is None:
            deed = Deed(row.number, "goal", goal.ref, lambda _, goal=goal: commands.set_goal(goal), goal_key(row))
            plan.entries.append(Entry(row.number, goal.name, deed))
            continue
        before = to_decimal(now.target)
        differs = [*_number(row, "target", before, goal.target), *_text(row, "measured_in", now.unit, goal.measured_in)]
        plan.entries.append(Entry(row.number, now.name, differences=tuple(differs)))
    return plan


def csfs(found: Rows, there: Standing) -> Plan:
    """A success factor is known by its name."""
    plan = Plan(faults=list(found.faults), passed_over=found.passed_over)
    standing = {name_key(csf.name): csf for csf in there.csfs.values()}
    named = Names("NO_SUCH_GOAL", "SEVERAL_GOALS")
    for id, goal in there.goals.items():
        named.add(id, goal.name, f"{goal.name} ({goal.year})")
    taken: dict[str, int] = {}
    for row in found.rows:
        supports = tuple(
            filter(None, (named.named(row, "supports", name, plan.faults) for name in row.get("supports", ())))
        )
        csf = Csf(places(row), f"#{row.number}", tidy(row.get("name")), supports, row.get("why"))
        key = name_key(csf.name)
        if key and (before := taken.setdefault(key, row.number)) != row.number:
            plan.faults.append(row.fault("name", "TWICE", row=str(before)))
        now = standing.get(key)
        if now is None:
            deed = Deed(
                row.number, "csf", csf.ref, lambda ids, csf=csf: commands.choose_csf(csf, ids), key_of("csf", key)
            )
            plan.entries.append(Entry(row.number, csf.name, deed))
            continue
        differs = list(_text(row, "why", now.why, csf.why))
        if supports and set(supports) != set(now.goal_ids):
            names = ", ".join(there.goals[id].name if id in there.goals else id for id in now.goal_ids)
            differs.append(Difference(row.number, "supports", names, row.cells["supports"], NOT_BY_FILE))
        plan.entries.append(Entry(row.number, now.name, differences=tuple(differs)))
    return plan


def _number(row: Row, field: str, before: Decimal | None, after: Decimal | None):
    if after is not None and after != before:
        was = plain(before) if before is not None else ""
        yield Difference(row.number, field, was, plain(after), NOT_BY_FILE)


def _text(row: Row, field: str, before: str, after: str):
    if after and name_key(after) != name_key(before):
        yield Difference(row.number, field, before, after, NOT_BY_FILE)
