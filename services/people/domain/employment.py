"""A person's employee code and join date, as the company's own files have them."""

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.directory.facts import Employment, Organisation, Person
from eventkit.errors import Rejected
from eventkit.names import name_key, tidy
from eventkit.values import from_date, to_date
from nhip.people.v1 import types_pb2
from nhip.people.v1.events_pb2 import EmploymentChanged
from nhip.people.v1.people_pb2 import ChangeEmployment
from services.people.domain.organisation import HERE, refuse_inactive


def change(organisation: Organisation, person: Person | None, command: ChangeEmployment) -> Decision:
    refuse_inactive(person, command.person_id, "person_id")
    return employ(organisation, command.person_id, command.employment)


def employ(organisation: Organisation, person_id: str, wanted: types_pb2.Employment) -> Decision:
    """Give a person this code and day; also how a new person comes in. Two people never have one code, whoever of them
    left: it finds people in other files."""
    before = organisation.employments.get(person_id, Employment())
    after = Employment(tidy(wanted.employee_code), to_date(wanted.joined_on))
    if before == after:
        return []
    holder = organisation.coded.get(name_key(after.code), person_id) if after.code else person_id
    if holder != person_id:
        raise Rejected(
            "EMPLOYEE_CODE_TAKEN",
            f"{holder} has the code {after.code!r} already",
            field="employment.employee_code",
            parameters={"person": holder},
            id=holder,
        )
    was = _message(before) if before != Employment() else None
    return [StreamEvent(HERE, EmploymentChanged(person_id=person_id, before=was, after=_message(after)))]


def forget(organisation: Organisation, person_id: str) -> Decision:
    """Of who is erased or withdrawn."""
    if organisation.employments.get(person_id, Employment()) == Employment():
        return []
    return [StreamEvent(HERE, EmploymentChanged(person_id=person_id, after=types_pb2.Employment()))]


def _message(employment: Employment) -> types_pb2.Employment:
    joined_on = from_date(employment.joined_on) if employment.joined_on else None
    return types_pb2.Employment(employee_code=employment.code, joined_on=joined_on)
