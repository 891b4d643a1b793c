"""People and units, compared with those who are there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from google.protobuf.message import Message

from eventkit.names import name_key, tidy
from eventkit.values import to_date
from importing import commands
from importing.company import Person, Unit
from importing.document import Place, Places
from importing.sheets.faults import Fault
from importing.sheets.plan import Deed, Difference, Entry, Ids, Plan, circle, key_of
from importing.sheets.rows import Row, Rows
from importing.sheets.standing import Names, Standing
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as t

Known = Mapping[str, str]
"""Of rows that were brought in before, by their key: the id of what was made then."""


def _places(row: Row) -> Places:
    return Places(Place(row.number, 0), {}, frozenset())


def ref_of(row: Row) -> str:
    return f"#{row.number}"


# --- people


def people(found: Rows, there: Standing, known: Known) -> Plan:
    """Somebody is known by the code, else by the e-mail, else by the name, where only one has it."""
    plan = Plan(faults=list(found.faults), passed_over=found.passed_over)
    codes, emails, names = _called(there)
    whom = there.person_names()
    same: dict[int, str] = {}
    taken: dict[str, int] = {}
    for row in found.rows:
        same[row.number] = _same_person(row, there, codes, emails, names, known)
        _once(row, plan.faults, taken, same[row.number])
    for row in found.rows:
        if not same[row.number]:
            whom.add(ref_of(row), row.get("code"), row.get("email"), row.get("name"))
    units = there.names_of_units()
    managers: dict[str, str] = {}
    for row in found.rows:
        ref = same[row.number] or ref_of(row)
        unit = units.named(row, "unit", row.get("unit"), plan.faults) if row.get("unit") else ""
        manager = whom.named(row, "manager", row.get("manager"), plan.faults) if row.get("manager") else ""
        if manager:
            managers[ref] = manager
        person = Person(
            _places(row),
            ref,
            tidy(row.get("name")),
            tidy(row.get("title")),
            unit,
            manager,
            row.get("roles", ()),
            row.get("email").strip(),
            row.get("code"),
            row.get("joined_on", None),
        )
        entry = _known_person(row, person, there) if same[row.number] else _new_person(row, person)
        plan.entries.append(entry)
    for ref in circle(managers):
        for row in found.rows:
            if (same[row.number] or ref_of(row)) == ref:
                plan.faults.append(row.fault("manager", "MANAGER_CIRCLE"))
    return plan


def _called(there: Standing) -> tuple[Names, Names, Names]:
    """Everybody, whoever left too: who comes back is not somebody else."""
    codes, emails, names = (Names("", "") for _ in range(3))
    for id, person in there.people.items():
        codes.add(id, person.employment.employee_code)
        emails.add(id, person.email.plain)
        names.add(id, person.name.plain)
    return codes, emails, names


def _same_person(row: Row, there: Standing, codes: Names, emails: Names, names: Names, known: Known) -> str:
    for called, among in ((row.get("code"), codes), (row.get("email"), emails)):
        if called and len(refs := among.refs(called)) == 1:
            return refs[0]
    if before := known.get(person_key(row), ""):
        return before
    refs = names.refs(row.get("name")) if row.get("name") else []
    if len(refs) != 1:
        return ""
    one = there.people[refs[0]]
    other_code = row.get("code") and one.employment.employee_code
    other_email = row.get("email") and one.email.plain
    return "" if other_code or other_email else refs[0]  # the same name with another code is somebody else


def person_key(row: Row) -> str:
    return key_of("person", name_key(row.get("code") or row.get("email") or row.get("name")))


def _once(row: Row, faults: list[Fault], taken: dict[str, int], same: str) -> None:
    """One row for each person."""
    for field in ("code", "email", "name"):
        if not row.get(field):
            continue
        key = f"{field}:{name_key(row.get(field))}"
        if (before := taken.setdefault(key, row.number)) != row.number and (
            field != "name" or not (row.get("code") or row.get("email"))
        ):
            faults.append(row.fault(field, "TWICE", row=str(before)))
            return
    if same and (before := taken.setdefault(f"id:{same}", row.number)) != row.number:
        faults.append(row.fault("name", "TWICE", row=str(before)))


def _new_person(row: Row, person: Person) -> Entry:
    after = tuple(ref for ref in (person.manager,) if ref.startswith("#"))
    deed = Deed(
        row.number, "person", person.ref, lambda ids: commands.register_person(person, ids), person_key(row), after
    )
    return Entry(row.number, person.name, deed)


def _known_person(row: Row, person: Person, there: Standing) -> Entry:
    """What the row says otherwise. What it does not say stays as it is."""
    now = there.people[person.ref]
    found: list[Difference] = []

    def differs(field: str, before: str, after: str, obstacle: str = "") -> None:
        found.append(Difference(row.number, field, before, after, obstacle))

    gone = "" if now.active else "PERSON_INACTIVE"
    if person.name and name_key(person.name) != name_key(now.name.plain):
        differs("name", now.name.plain, person.name, gone)
    if person.title and name_key(person.title) != name_key(now.title.plain):
        differs("title", now.title.plain, person.title, gone)
    if person.email and name_key(person.email) != name_key(now.email.plain):
        differs("email", now.email.plain, person.email, gone)
    if person.code and name_key(person.code) != name_key(now.employment.employee_code):
        differs("code", now.employment.employee_code, person.code, gone)
    joined_on = to_date(now.employment.joined_on)
    if person.joined_on and person.joined_on != joined_on:
        differs("joined_on", joined_on.isoformat() if joined_on else "", person.joined_on.isoformat(), gone)
    if person.unit and person.unit != now.place.unit_id:
        differs("unit", there.name_of_unit(now.place.unit_id), row.cells["unit"], gone)
    if person.manager and person.manager != now.place.manager_id:
        manager = there.name_of_person(now.place.manager_id) if now.place.manager_id else ""
        differs("manager", manager, row.cells["manager"], gone)
    held = {t.Role.Name(role).removeprefix("ROLE_").lower() for role in now.roles} - {"employee"}
    wanted = set(person.roles) - {"employee"}
    if person.roles and wanted != held:
        differs("roles", ", ".join(sorted(held)), ", ".join(sorted(wanted)), "ROLES_BY_HAND")

    def change(fields: frozenset[str]) -> Sequence[Deed]:
        return [
            Deed(row.number, "person", person.ref, build, after=after, field=field)
            for field, build, after in _changes(person, now, fields)
        ]

    return Entry(row.number, now.name.plain, differences=tuple(found), change=change)


Build = Callable[[Ids], Message]


def _changes(person: Person, now: p.Person, fields: frozenset[str]) -> Iterator[tuple[str, Build, tuple[str, ...]]]:
    id = person.ref
    if "name" in fields:
        yield "name", lambda _: p.ChangeName(person_id=id, name=PersonalText(plain=person.name)), ()
    if "title" in fields:
        yield "title", lambda _: p.ChangeTitle(person_id=id, title=PersonalText(plain=person.title)), ()
    if "email" in fields:
        yield "email", lambda _: p.ChangeEmail(person_id=id, email=PersonalText(plain=person.email)), ()
    if fields & {"code", "joined_on"}:
        code = person.code if "code" in fields else now.employment.employee_code
        day: date | None = person.joined_on if "joined_on" in fields else to_date(now.employment.joined_on)
        field = "code" if "code" in fields else "joined_on"
        yield field, lambda _: p.ChangeEmployment(person_id=id, employment=commands.employment(code, day)), ()
    if fields & {"unit", "manager"}:
        unit = person.unit if "unit" in fields else now.place.unit_id
        manager = person.manager if "manager" in fields else now.place.manager_id

        def place(ids: Ids) -> p.AssignPlace:
            return p.AssignPlace(
                person_id=id,
                place=t.Place(unit_id=unit, manager_id=ids("person", manager) if manager else ""),
            )

        yield "unit" if "unit" in fields else "manager", place, (manager,) if manager.startswith("#") else ()


# --- units


def units(found: Rows, there: Standing, known: Known) -> Plan:
    """A unit is known by its name; or, where it was brought in before and renamed since, by its key."""
    plan = Plan(faults=list(found.faults), passed_over=found.passed_over)
    names, whom = there.names_of_units(), there.person_names()
    same: dict[int, str] = {}
    taken: dict[str, int] = {}
    for row in found.rows:
        key = name_key(row.get("name"))
        refs = names.refs(key)
        same[row.number] = refs[0] if len(refs) == 1 else known.get(unit_key(row), "")
        if key and (before := taken.setdefault(key, row.number)) != row.number:
            plan.faults.append(row.fault("name", "TWICE", row=str(before)))
    for row in found.rows:
        if not names.refs(row.get("name")):
            names.add(same[row.number] or ref_of(row), row.get("name"))
    parents: dict[str, str] = {}
    for row in found.rows:
        ref = same[row.number] or ref_of(row)
        parent = names.named(row, "parent", row.get("parent"), plan.faults) if row.get("parent") else ""
        head = whom.named(row, "head", row.get("head"), plan.faults) if row.get("head") else ""
        if parent:
            parents[ref] = parent
        unit = Unit(_places(row), ref, tidy(row.get("name")), head, parent)
        plan.entries.append(_known_unit(row, unit, there) if same[row.number] else _new_unit(row, unit))
    for ref in circle(parents):
        for row in found.rows:
            if (same[row.number] or ref_of(row)) == ref:
                plan.faults.append(row.fault("parent", "UNIT_CIRCLE"))
    return plan


def unit_key(row: Row) -> str:
    return key_of("unit", name_key(row.get("name")))


def _new_unit(row: Row, unit: Unit) -> Entry:
    after = (unit.parent,) if unit.parent.startswith("#") else ()
    made = Deed(row.number, "unit", unit.ref, lambda ids: commands.create_unit(unit, ids), unit_key(row), after)
    headed = Deed(
        row.number, "unit", unit.ref, lambda ids: commands.appoint_head(unit, ids), after=(unit.ref,), field="head"
    )
    return Entry(row.number, unit.name, made, (headed,) if unit.head else ())


def _known_unit(row: Row, unit: Unit, there: Standing) -> Entry:
    now = there.units[unit.ref]
    found: list[Difference] = []
    obstacle = "UNIT_CLOSED" if now.closed else ""
    if name_key(unit.name) != name_key(now.name):
        found.append(Difference(row.number, "name", now.name, unit.name, obstacle))
    if unit.parent and unit.parent != now.parent_id:
        before = there.name_of_unit(now.parent_id) if now.parent_id else ""
        found.append(Difference(row.number, "parent", before, row.cells["parent"], obstacle))
    if unit.head and unit.head != now.head_id:
        before = there.name_of_person(now.head_id) if now.head_id else ""
        found.append(Difference(row.number, "head", before, row.cells["head"], obstacle))

    def change(fields: frozenset[str]) -> Sequence[Deed]:
        builds: Mapping[str, Build] = {
            "name": lambda _: p.RenameUnit(unit_id=unit.ref, name=unit.name),
            "parent": lambda ids: p.MoveUnit(unit_id=unit.ref, parent_id=ids("unit", unit.parent)),
            "head": lambda _: p.AppointUnitHead(unit_id=unit.ref, person_id=unit.head),
        }
        after = (unit.parent,) if unit.parent.startswith("#") else ()
        return [
            Deed(row.number, "unit", unit.ref, build, after=after if field == "parent" else (), field=field)
            for field, build in builds.items()
            if field in fields
        ]

    return Entry(row.number, now.name, differences=tuple(found), change=change)
