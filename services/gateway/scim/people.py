"""Users of SCIM and people of *people*: the one as the other."""

from collections.abc import Sequence

from scim2_models import Meta

from eventkit.names import plain_letters
from nhip.people.v1 import sync_pb2 as pb
from services.gateway.failures import invalid
from services.gateway.scim.resources import Email, EnterpriseUser, Manager, Name, Person, user_at


def shown(one: pb.SyncedPerson, base: str) -> Person:
    """Somebody as a user; what is not known of them is left out."""
    email, name = one.email.plain, one.name.plain
    if name == one.user_name.plain:  # the directory told none
        name = ""
    user = Person(
        id=one.person_id,
        external_id=one.external_id.plain or None,
        user_name=one.user_name.plain or one.person_id,
        name=Name(formatted=name) if name else None,
        display_name=name or None,
        title=one.title.plain or None,
        active=one.active,
        emails=[Email(value=email, type="work", primary=True)] if email else None,
        meta=Meta(resource_type="User", location=f"{base}/Users/{one.person_id}"),
    )
    if one.employee_code or one.unit or one.manager_id:
        manager = Manager(value=one.manager_id, ref=user_at(base, one.manager_id)) if one.manager_id else None
        user[EnterpriseUser] = EnterpriseUser(
            employee_number=one.employee_code or None, department=one.unit or None, manager=manager
        )
    return user


def said(after: Person, before: Person | None = None) -> pb.SyncPerson:
    """What a directory says that is otherwise than `before`; without one: of somebody new, all that it says."""
    command = pb.SyncPerson(person_id=before.id or "" if before else "")
    had = before or Person()
    for field, now, then in (
        (command.user_name, after.user_name, had.user_name),
        (command.external_id, after.external_id, had.external_id),
        (command.title, after.title, had.title),
        (command.email, address(after), address(had)),
        (command.name, _name(after, had), had.display_name),
    ):
        if (now or None) != (then or None):
            field.plain = now or ""
    ours, theirs = after[EnterpriseUser] or EnterpriseUser(), had[EnterpriseUser] or EnterpriseUser()
    if (ours.employee_number or "") != (theirs.employee_number or ""):
        command.employee_code = ours.employee_number or ""
    if (ours.department or "") != (theirs.department or ""):
        command.unit = ours.department or ""
    if _manager(ours) != _manager(theirs):
        command.manager_id = _manager(ours)
    active = True if after.active is None and before is None else after.active
    if active is not None and active != had.active:
        command.active = active
    return command


def filled(after: Person, before: Person) -> Person:
    """Somebody as they are to be: what a replacement does not name stays, for a directory names what it keeps."""
    whole = before.model_copy(deep=True)
    for field in ("external_id", "user_name", "title", "active", "emails"):
        if field in after.model_fields_set:
            setattr(whole, field, getattr(after, field))
    name, told = after.name or Name(), after.name.model_fields_set if after.name else set[str]()
    if called := after.display_name or name.formatted:
        whole.display_name = called
    elif _parts(name):
        whole.display_name = _of_parts(name, before.display_name or "", alone=True)
    elif "display_name" in after.model_fields_set or "formatted" in told or _is_null(after):
        whole.display_name = whole.name = None
    given = after[EnterpriseUser]
    if given is not None:
        ours = (whole[EnterpriseUser] or EnterpriseUser()).model_copy(deep=True)
        for field in ("employee_number", "department", "manager"):
            if field in given.model_fields_set:
                setattr(ours, field, getattr(given, field))
        whole[EnterpriseUser] = ours
    return whole


def _is_null(user: Person) -> bool:
    return "name" in user.model_fields_set and user.name is None


def address(user: Person) -> str:
    """Of several addresses the primary one, or that for work, or the first; empty: none."""
    emails = [one for one in user.emails or () if one.value]
    by_rank = sorted(emails, key=lambda one: (not one.primary, (one.type or "").casefold() != "work"))
    return by_rank[0].value or "" if by_rank else ""


def _name(after: Person, before: Person) -> str:
    """displayName where it is another one, else name.formatted, else what given, middle and family name make of the
    present name; empty: none of them is there any more."""
    name, was = after.name or Name(), before.name or Name()
    if after.display_name and after.display_name != before.display_name:
        return after.display_name
    if name.formatted and name.formatted != was.formatted:
        return name.formatted
    if _parts(name):
        return _of_parts(name, before.display_name or "", alone=False)
    return (after.display_name or "") if name.formatted == was.formatted else ""


def _parts(name: Name) -> list[str]:
    """Given, middle and family name, those that are told."""
    return [part for part in (name.given_name, name.middle_name, name.family_name) if part and part.strip()]


def _of_parts(name: Name, present: str, *, alone: bool) -> str:
    """The present name with its parts as told, in the order that it has; given name first where that cannot be seen.

    `alone`: no other name is told, so it is these parts and no more; else it stays one that has them all. Raises
    `Failure` where only some are told, and which words of the present name they replace cannot be seen.
    """
    words, parts = present.split(), _parts(name)
    if not words:
        return " ".join(parts)
    if not (name.given_name and name.family_name):
        return _rewritten(words, parts) or _refuse_part(name)
    given, middle, family = name.given_name.strip(), (name.middle_name or "").strip(), name.family_name.strip()
    family_first = _ends(words, given) > _begins(words, given) or _begins(words, family) > _ends(words, family)
    if not family_first and (at := _at(words, family)) is not None and (other := _at(words, given)) is not None:
        family_first = at < other
    first, last = (family, given) if family_first else (given, family)
    between = _begins(words, first) and _ends(words, last) and "middle_name" not in name.model_fields_set
    if (not alone or between) and (written := _rewritten(words, parts)):
        return written
    return " ".join(part for part in (first, middle, last) if part)


def _rewritten(words: Sequence[str], parts: Sequence[str]) -> str:
    """A name in which the parts are there, in whatever case and diacritics, with them as they are told; empty: one of
    them is not there."""
    now = list(words)
    for part in parts:
        if (at := _at(now, part)) is None:
            return ""
        for index, word in enumerate(part.split(), at):
            now[index] = now[index].replace(_bare(now[index]), word)
    return " ".join(now)


def _refuse_part(name: Name) -> str:
    told = {"name.givenName": name.given_name, "name.familyName": name.family_name, "name.middleName": name.middle_name}
    field = next(path for path, part in told.items() if part)
    raise invalid(
        "INVALID_VALUE",
        f"{field}: which part of the present name this replaces cannot be seen: send name.givenName and "
        "name.familyName together, or displayName",
    )


def _at(words: Sequence[str], part: str) -> int | None:
    """Where in a name a part begins, whatever its case and diacritics; None: it is not there."""
    has, wanted = [plain_letters(_bare(word)) for word in words], [plain_letters(word) for word in part.split()]
    starts = range(len(has) - len(wanted) + 1)
    return next((start for start in starts if has[start : start + len(wanted)] == wanted), None)


def _bare(word: str) -> str:
    return word.strip(",;()") or word


def _begins(words: Sequence[str], part: str) -> bool:
    return _at(words[: len(part.split())], part) is not None


def _ends(words: Sequence[str], part: str) -> bool:
    return _at(words[-len(part.split()) :], part) is not None


def _manager(enterprise: EnterpriseUser) -> str:
    return (enterprise.manager.value if enterprise.manager else "") or ""
