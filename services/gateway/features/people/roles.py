"""What somebody may do beyond their own KPIs, each with its cause: what was given, and what follows from where others
stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote
from zoneinfo import ZoneInfo

from eventkit.values import to_datetime
from nhip.people.v1 import people_pb2, types_pb2
from services.gateway.console.cards import Avatar
from services.gateway.console.directory import Directory
from services.gateway.console.language import Language
from services.gateway.console.roles import ROLES, role_words

_ICONS = {
    types_pb2.ROLE_EXECUTIVE: "building",
    types_pb2.ROLE_OKR_MASTER: "target",
    types_pb2.ROLE_ADMIN: "settings",
    types_pb2.ROLE_AUDITOR: "shield-check",
}


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role, and why somebody has it."""

    icon: str
    words: str
    why: str
    url: str = ""
    """Of the people or the unit that it follows from."""


@dataclass(frozen=True, slots=True)
class ChangedRoles:
    """One line of the history."""

    what: str
    by: Avatar
    on: str
    reason: str


def held_roles(person: people_pb2.Person, who: Directory, language: Language, zone: ZoneInfo) -> Sequence[HeldRole]:
    """Those that follow from where others stand first: they cannot be taken away, only their cause."""
    _, held, name = language.gettext, list[HeldRole](), who.person(person.person_id).name
    if person.active and person.reports:
        why = language.ngettext(
            "because %(number)s person reports to %(name)s",
            "because %(number)s people report to %(name)s",
            person.reports,
        ) % {"number": person.reports, "name": name}
        url = f"/people?manager={quote(person.person_id, safe='')}"
        held.append(HeldRole("hierarchy-3", _("Direct manager"), why, url))
    for unit in who.units.values():
        if person.active and unit.head_id == person.person_id and not unit.closed:
            why = _("because %(name)s heads %(unit)s") % {"name": name, "unit": unit.name}
            held.append(HeldRole("flag", _("Head of a unit"), why, f"/units/{quote(unit.unit_id, safe='')}"))
    words = role_words(language)
    for role in ROLES:
        if role in person.roles:
            held.append(HeldRole(_ICONS[role], words[role], _given(role, person, who, language, zone)))
    return held


def _given(
    role: "types_pb2.Role.ValueType", person: people_pb2.Person, who: Directory, language: Language, zone: ZoneInfo
) -> str:
    change = next((change for change in person.role_changes if role in change.given), None)
    if change is None:
        return ""
    parts = {
        "name": who.actor(_actor(change.changed_by)).name,
        "day": language.day(to_datetime(change.changed_at).astimezone(zone).date()),
        "reason": language.words(change.reason),
    }
    if parts["reason"]:
        return language.gettext("given by %(name)s on %(day)s: “%(reason)s”") % parts
    return language.gettext("given by %(name)s on %(day)s") % parts


def role_history(
    person: people_pb2.Person, who: Directory, language: Language, zone: ZoneInfo
) -> Sequence[ChangedRoles]:
    """Who gave and took what, the newest first."""
    _, names = language.gettext, {role: words.partition(":")[0] for role, words in role_words(language).items()}
    lines: list[ChangedRoles] = []
    for change in person.role_changes:
        given, taken = (
            ", ".join(names[role] for role in some if role in names) for some in (change.given, change.taken)
        )
        what = [_("given: %(roles)s") % {"roles": given}] if given else []
        what += [_("taken: %(roles)s") % {"roles": taken}] if taken else []
        on = language.day(to_datetime(change.changed_at).astimezone(zone).date())
        by = who.actor(_actor(change.changed_by))
        lines.append(ChangedRoles("; ".join(what), by, on, language.words(change.reason)))
    return lines


def _actor(id: str) -> str:
    return id if ":" in id else f"person:{id}"
