"""Check-ins that were made elsewhere: what each says in one row, or in several with a KPI in each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from eventkit.values import from_date, from_decimal
from importing.sheets.plan import Deed, Entry, Plan, key_of
from importing.sheets.rows import Row, Rows
from importing.sheets.standing import Standing
from importing.sheets.values import Kpis
from nhip.checkins.v1 import check_ins_pb2 as ci
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1.words_pb2 import PersonalText

LISTS = ("done", "not_done", "planned", "blockers")


@dataclass(slots=True)
class _Gathered:
    """What the rows of one person's day say together."""

    person_id: str
    day: date
    rows: list[Row] = field(default_factory=list[Row])
    said: dict[str, dict[str, None]] = field(default_factory=lambda: {name: dict[str, None]() for name in LISTS})
    learnings: dict[str, None] = field(default_factory=dict[str, None])
    mood: int = 0
    made_on: date | None = None
    values: list[tuple[int, c.RecordProgress]] = field(default_factory=list[tuple[int, c.RecordProgress]])
    """Each with its row."""

    def command(self) -> ci.SubmitCheckIn:
        return ci.SubmitCheckIn(
            due_on=from_date(self.day),
            person_id=self.person_id,
            values=[value for _, value in self.values],
            mood=self.mood,
            done=self._list("done"),
            not_done=self._list("not_done"),
            planned=self._list("planned"),
            blockers=self._list("blockers"),
            learnings=PersonalText(plain="\n".join(self.learnings)) if self.learnings else None,
            made_on=from_date(self.made_on) if self.made_on else None,
        )

    def _list(self, name: str) -> list[PersonalText]:
        return [PersonalText(plain=one) for one in self.said[name]]


def check_ins(found: Rows, there: Standing) -> Plan:
    """A check-in is known by whose it is and its day. What is there already no file changes: its author does."""
    plan = Plan(faults=list(found.faults), passed_over=found.passed_over)
    whom, kpis = there.person_names(), Kpis(there)
    gathered: dict[tuple[str, date], _Gathered] = {}
    for row in found.rows:
        person = whom.named(row, "person", row.get("person"), plan.faults) if row.get("person") else ""
        day: date | None = row.get("day", None)
        if not person or day is None:
            continue
        one = gathered.setdefault((person, day), _Gathered(person, day))
        one.rows.append(row)
        _gather(row, one, kpis, plan)
    for one in gathered.values():
        plan.entries.append(_entry(one, there))
    return plan


def _gather(row: Row, one: _Gathered, kpis: Kpis, plan: Plan) -> None:
    for name in LISTS:
        said: Sequence[str] = row.get(name, ())
        one.said[name] |= dict.fromkeys(said)
    if learnings := row.get("learnings"):
        one.learnings[learnings] = None
    mood: int = row.get("mood", 0)
    if mood and one.mood and mood != one.mood:
        plan.faults.append(row.fault("mood", "OTHER_ROW_SAYS", row=str(one.rows[0].number), said=str(one.mood)))
    one.mood = one.mood or mood
    made_on: date | None = row.get("made_on", None)
    if made_on and one.made_on and made_on != one.made_on:
        said = one.made_on.isoformat()
        plan.faults.append(row.fault("made_on", "OTHER_ROW_SAYS", row=str(one.rows[0].number), said=said))
    one.made_on = one.made_on or made_on
    value = row.get("value", None)
    if not row.get("kpi") and value is None:
        return
    for name in ("kpi", "value"):
        if name not in row.cells:
            plan.faults.append(row.fault(name, "MISSING"))
    id = kpis.named(row, plan.faults, whose="person")
    if not id or value is None:
        return
    if before := next((number for number, known in one.values if known.kpi_id == id), 0):
        plan.faults.append(row.fault("kpi", "TWICE", row=str(before)))
        return
    recorded = c.RecordProgress(
        kpi_id=id,
        value=from_decimal(value),
        confidence=row.get("confidence", None),
        note=PersonalText(plain=row.get("note")) if row.get("note") else None,
        occurred_on=from_date(one.day),
        confirmed=bool(row.get("confirmed", "")),
    )
    one.values.append((row.number, recorded))


def _entry(one: _Gathered, there: Standing) -> Entry:
    command, first = one.command(), one.rows[0]
    label = f"{there.name_of_person(one.person_id)} · {one.day.isoformat()}"
    key = key_of("check_in", command.SerializeToString(deterministic=True).hex())
    lines = tuple(number for number, _ in one.values)
    deed = Deed(first.number, "check_in", f"#{first.number}", lambda _: command, key, lines=lines)
    return Entry(first.number, label, deed, others=tuple(row.number for row in one.rows[1:]))
