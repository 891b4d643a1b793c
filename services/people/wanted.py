"""What a directory says of somebody, held against what is known: whom it means, and what of it is new."""

from collections.abc import Mapping

from eventkit.directory.facts import OrgChart, Place
from eventkit.errors import Rejected
from eventkit.names import name_key, tidy
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import sync_pb2 as pb
from services.people.domain.person import is_address
from services.people.queries.synced import Kept


def taken_over(people: Mapping[str, Kept], command: pb.SyncPerson, me: str) -> Kept | None:
    """Who is meant by somebody new: who is kept under their user name already, else whom that or the e-mail address
    names, of those who are here first; None: nobody yet."""
    name, email = _plain(command.user_name), _plain(command.email)
    if not name:
        raise Rejected("MISSING", "a user name is needed", field="user_name")
    named = [one for one in people.values() if one.shown_to(me) and _folded(one.user_name) == name]
    if kept := next((one for one in named if one.kept_by(me)), None):
        return kept
    addresses = {email} if email else {name}
    fitting = [
        one
        for one in people.values()
        if not one.person.withdrawn and not one.person.erased and _folded(one.email) in addresses
        if not one.kept_by(me)
    ]
    here = [one for one in (*named, *fitting) if one.person.active]
    if here:
        return here[0]
    return fitting[0] if len(fitting) == 1 else None  # several left who had the address: nobody knows which


def refuse_taken(
    people: Mapping[str, Kept], wanted: pb.SyncPerson, person_id: str, me: str, *, new: bool = False
) -> None:
    """Raises `Rejected` where somebody else has the user name; of somebody `new`, where anybody is kept under it."""
    if new and person_id in people and people[person_id].kept_by(me):
        raise Rejected("SYNCED_ALREADY", "somebody is kept under this user name already", field="user_name")
    if (name := _plain(wanted.user_name)) and any(
        one.id != person_id and one.shown_to(me) and _folded(one.user_name) == name for one in people.values()
    ):
        raise Rejected("SYNCED_ALREADY", "somebody else has this user name", field="user_name")


def differing(command: pb.SyncPerson, one: Kept | None, org: OrgChart, me: str, code: str) -> pb.SyncPerson:
    """What of it is not so already, with what somebody who is not kept yet needs; `code`: their employee
    code."""
    wanted = pb.SyncPerson()
    wanted.CopyFrom(command)
    if command.HasField("user_name") and not _plain(command.user_name):
        raise Rejected("MISSING", "a user name is needed", field="user_name")
    if (one is None or command.HasField("name")) and not _plain(command.name):
        # Until the directory tells a name, who is new or has none any more is called as it calls them.
        wanted.name.plain = command.user_name.plain or (one.user_name if one else "")
    if one is None:
        if not wanted.HasField("email") and is_address(command.user_name.plain.strip()):
            wanted.email.CopyFrom(PersonalText(plain=command.user_name.plain.strip()))
        if wanted.active:
            wanted.ClearField("active")
        return wanted
    if wanted.name.plain.strip() == one.name.strip():
        wanted.ClearField("name")
    if wanted.title.plain.strip() == one.title.strip():
        wanted.ClearField("title")
    if wanted.email.plain.strip() == one.email.strip():
        wanted.ClearField("email")
    _fill_names(wanted, one, kept=one.kept_by(me))
    _clear_places(wanted, one, org, code)
    return wanted


def _fill_names(wanted: pb.SyncPerson, one: Kept, *, kept: bool) -> None:
    """User name and external id: both or none, as they are recorded together."""
    if not wanted.HasField("user_name"):
        wanted.user_name.plain = one.user_name
    if not wanted.HasField("external_id"):
        wanted.external_id.plain = one.external_id if kept else ""
    told = (wanted.user_name.plain.strip(), wanted.external_id.plain.strip())
    if kept and told == (one.user_name.strip(), one.external_id.strip()):
        wanted.ClearField("user_name")
        wanted.ClearField("external_id")


def _clear_places(wanted: pb.SyncPerson, one: Kept, org: OrgChart, code: str) -> None:
    """Of what is no word, what is so already."""
    place, unit = org.places.get(one.id, Place()), ""
    if (known := org.units.get(place.unit_id)) and not known.closed:
        unit = known.name
    if name_key(wanted.unit) == name_key(unit):
        wanted.ClearField("unit")
    if wanted.manager_id == place.manager_id:
        wanted.ClearField("manager_id")
    if tidy(wanted.employee_code) == code:
        wanted.ClearField("employee_code")
    if wanted.HasField("active") and wanted.active == one.person.active:
        wanted.ClearField("active")


def _plain(text: PersonalText) -> str:
    return _folded(text.plain)


def _folded(text: str) -> str:
    return text.strip().casefold()
