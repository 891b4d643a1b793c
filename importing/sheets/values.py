"""Values of KPIs."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from eventkit.values import from_date, from_decimal, plain, required_date, to_decimal
from importing.sheets.faults import Fault
from importing.sheets.plan import Deed, Difference, Entry, Plan, key_of
from importing.sheets.rows import Row, Rows
from importing.sheets.standing import Names, Services, Standing
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1.words_pb2 import PersonalText

Recorded = Mapping[tuple[str, date], tuple[Decimal, int]]
"""By KPI and day, the value that stands and how sure its author was."""


class Kpis:
    """KPIs by name, and by whose they are where several have the same name."""

    def __init__(self, there: Standing):
        self._people = there.person_names()
        self._there = there
        self._names = Names("NO_SUCH_KPI", "SEVERAL_KPIS")
        for id, kpi in there.kpis.items():
            if not kpi.retired:
                self._names.add(id, kpi.name)

    def named(self, row: Row, faults: list[Fault], whose: str = "owner") -> str:
        """`whose`: the column that says who answers for it."""
        owner = self._people.named(row, whose, row.get(whose), faults) if row.get(whose) else ""
        if owner:
            mine = [
                id
                for id in self._names.refs(row.get("kpi"))
                if any(owner in (one.person_id, one.stands_in_for_id) for one in self._there.kpis[id].owners)
            ]
            if len(mine) == 1:
                return mine[0]
        return self._names.named(row, "kpi", row.get("kpi"), faults) if row.get("kpi") else ""


async def recorded(services: Services, found: Rows, there: Standing) -> Recorded:
    """What stands of the KPIs that a file names. Raises `Rejected`."""
    kpis, ignored = Kpis(there), list[Fault]()
    wanted = dict.fromkeys(id for row in found.rows if (id := kpis.named(row, ignored)))
    stands: dict[tuple[str, date], tuple[Decimal, int]] = {}
    for id in wanted:
        token = ""
        while True:
            page = await services.ask(c.ListProgress(kpi_id=id, page_size=200, page_token=token), c.Progress)
            for entry in page.entries:
                value = to_decimal(entry.value)
                if not entry.corrected and value is not None:
                    stands[id, required_date(entry.occurred_on)] = value, entry.confidence
            token = page.next_page_token
            if not token:
                break
    return stands


def values(found: Rows, there: Standing, stands: Recorded) -> Plan:
    """A value is known by its KPI and day: another one for that day corrects it."""
    plan = Plan(faults=list(found.faults), passed_over=found.passed_over)
    kpis, taken = Kpis(there), dict[str, int]()
    for row in found.rows:
        id = kpis.named(row, plan.faults)
        day, value = row.get("day", None), row.get("value", None)
        if not id or day is None or value is None:
            continue
        key = key_of("value", id, day.isoformat(), plain(value), str(row.get("confidence", 0)))
        if (before := taken.setdefault(f"{id} {day}", row.number)) != row.number:
            plan.faults.append(row.fault("day", "TWICE", row=str(before)))
        note = PersonalText(plain=row.get("note")) if row.get("note") else None
        request = c.RecordProgress(
            kpi_id=id,
            value=from_decimal(value),
            confidence=row.get("confidence", None),
            note=note,
            occurred_on=from_date(day),
            confirmed=bool(row.get("confirmed", "")),
        )
        label = f"{there.kpis[id].name} · {day.isoformat()}"
        now = stands.get((id, day))
        if now is None:
            deed = Deed(row.number, "value", f"#{row.number}", lambda _, request=request: request, key)
            plan.entries.append(Entry(row.number, label, deed))
            continue
        found_here: list[Difference] = []
        if now[0] != value:
            found_here.append(Difference(row.number, "value", plain(now[0]), plain(value)))
        if row.get("confidence", None) not in (None, now[1]):
            found_here.append(Difference(row.number, "confidence", str(now[1]), str(row.get("confidence"))))

        def change(
            fields: frozenset[str],
            row: Row = row,
            request: c.RecordProgress = request,
            now: tuple[Decimal, int] = now,
        ) -> Sequence[Deed]:
            wanted = c.RecordProgress()
            wanted.CopyFrom(request)
            if "value" not in fields:
                wanted.value.CopyFrom(from_decimal(now[0]))
            if "confidence" not in fields:
                wanted.confidence = now[1]
            return [Deed(row.number, "value", request.kpi_id, lambda _: wanted, field="value")]

        plan.entries.append(Entry(row.number, label, differences=tuple(found_here), change=change))
    return plan
