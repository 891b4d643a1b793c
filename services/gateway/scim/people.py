"""Users of SCIM and people of *people*: the one as the other."""

from scim2_models import Meta

from nhip.people.v1 import sync_pb2 as pb
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
    for field in ("external_id", "user_name", "display_name", "title", "active", "emails", "name"):
        if field in after.model_fields_set:
            setattr(whole, field, getattr(after, field))
    given = after[EnterpriseUser]
    if given is not None:
        ours = (whole[EnterpriseUser] or EnterpriseUser()).model_copy(deep=True)
        for field in ("employee_number", "department", "manager"):
            if field in given.model_fields_set:
                setattr(ours, field, getattr(given, field))
        whole[EnterpriseUser] = ours
    return whole


def address(user: Person) -> str:
    """Of several addresses the primary one, or that for work, or the first; empty: none."""
    emails = [one for one in user.emails or () if one.value]
    by_rank = sorted(emails, key=lambda one: (not one.primary, (one.type or "").casefold() != "work"))
    return by_rank[0].value or "" if by_rank else ""


def _name(after: Person, before: Person) -> str:
    """displayName where it is another one, else name.formatted, else of given, middle and family name."""
    name, was = after.name or Name(), before.name or Name()
    if after.display_name != before.display_name:
        return after.display_name or ""
    if name.formatted != was.formatted:
        return name.formatted or ""
    if not before.display_name and name.given_name and name.family_name:
        return " ".join(part for part in (name.given_name, name.middle_name, name.family_name) if part)
    return after.display_name or ""


def _manager(enterprise: EnterpriseUser) -> str:
    return (enterprise.manager.value if enterprise.manager else "") or ""
