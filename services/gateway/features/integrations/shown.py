"""Integrations as their pages show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

from eventkit.values import to_date, to_datetime
from nhip.checkins.v1 import polls_pb2
from nhip.common.v1 import operations_pb2
from nhip.people.v1 import integrations_pb2 as pb
from services.gateway.console.directory import Directory
from services.gateway.console.language import Language
from services.gateway.console.refusals import words
from services.gateway.console.sheet_words import fault_words
from services.gateway.console.visit import Visit

UNUSED = timedelta(days=60)
"""Who has not been there for so long is better revoked."""


@dataclass(frozen=True, slots=True)
class State:
    key: str
    """Of the look of a status."""
    icon: str
    word: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    icon: str
    word: str


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    url: str
    name: str
    hint: str
    made: str
    """By whom, and when."""
    account: str
    scope: Sequence[Scope]
    used: str
    used_more: str
    state: State
    works: bool
    old_goes_on: bool


def url_of(id: str) -> str:
    return f"/settings/integrations/{quote(id, safe='')}"


def rows(
    found: Sequence[pb.Integration], uses: Mapping[str, operations_pb2.IntegrationUse], who: Directory, visit: Visit
) -> list[Row]:
    return [row(one, uses.get(one.integration_id), who, visit) for one in found]


def row(one: pb.Integration, use: operations_pb2.IntegrationUse | None, who: Directory, visit: Visit) -> Row:
    language = visit.language
    made = language.gettext("%(name)s made it on %(day)s") % {
        "name": who.actor(one.made_by).name,
        "day": language.day(to_datetime(one.made_at).astimezone(visit.zone).date()),
    }
    return Row(
        one.integration_id,
        url_of(one.integration_id),
        one.integration.name,
        one.key_hint,
        made,
        language.words(one.account_name) or one.integration.account_id,
        scope_of(one.integration.scope, who, language),
        _lately(use, visit),
        _often(use, one, language),
        state_of(one, use, who, visit),
        not one.HasField("revoked_at"),
        bool(one.old_key_hint),
    )


def scope_of(scope: pb.IntegrationScope, who: Directory, language: Language) -> list[Scope]:
    _ = language.gettext
    verbs = {
        pb.INTEGRATION_VERB_READ: Scope("eye", _("Read KPIs")),
        pb.INTEGRATION_VERB_RECORD: Scope("pencil", _("Record values")),
        pb.INTEGRATION_VERB_KEEP_PEOPLE: Scope("users", _("Keep people")),
    }
    found = [verbs[verb] for verb in scope.verbs if verb in verbs]
    if pb.INTEGRATION_VERB_KEEP_PEOPLE in scope.verbs:
        return found
    found += [Scope("hierarchy-3", who.unit(id).name) for id in scope.unit_ids]
    if scope.kpi_ids:
        number = len(scope.kpi_ids)
        found.append(Scope("target", language.ngettext("%(num)s KPI", "%(num)s KPIs", number) % {"num": number}))
    if not scope.unit_ids and not scope.kpi_ids:
        found.append(Scope("world", _("all KPIs")))
    if scope.cycle_ids:
        number = len(scope.cycle_ids)
        found.append(Scope("calendar", language.ngettext("%(num)s cycle", "%(num)s cycles", number) % {"num": number}))
    return found


def state_of(one: pb.Integration, use: operations_pb2.IntegrationUse | None, who: Directory, visit: Visit) -> State:
    language, now = visit.language, visit.console.clock()
    _ = language.gettext
    if one.HasField("revoked_at"):
        why = _("%(name)s, %(day)s: “%(reason)s”") % {
            "name": who.actor(one.revoked_by).name,
            "day": language.day(to_datetime(one.revoked_at).astimezone(visit.zone).date()),
            "reason": language.words(one.reason),
        }
        return State("stale", "ban", _("Revoked"), why)
    if one.expired:
        last = to_date(one.integration.expires_on)
        return State("risk", "clock", _("Expired"), language.day(last) if last else "")
    if not one.account_active:
        return State("behind", "user-off", _("On nobody's account"), _("who it was made for has left: name somebody"))
    if one.old_key_hint:
        until = language.instant(to_datetime(one.old_key_until), visit.zone)
        return State(
            "behind", "refresh", _("Key being replaced"), _("the old key goes on until %(at)s") % {"at": until}
        )
    last_there = max(to_datetime(use.last_at) if use else to_datetime(one.made_at), to_datetime(one.made_at))
    # What looks at a table itself calls nobody.
    if not one.integration.HasField("polled") and now - last_there > UNUSED:
        return State("behind", "alert-circle", _("Better revoked"), _("nobody uses it"))
    last = to_date(one.integration.expires_on)
    ends = _("expires on %(day)s") % {"day": language.day(last)} if last else ""
    return State("ontrack", "circle-check", _("In use"), ends)


def _lately(use: operations_pb2.IntegrationUse | None, visit: Visit) -> str:
    if use is None:
        return visit.language.gettext("never used yet")
    return visit.language.lately(to_datetime(use.last_at), visit.zone, visit.today)


def _often(use: operations_pb2.IntegrationUse | None, one: pb.Integration, language: Language) -> str:
    if one.integration.HasField("polled"):
        minutes = one.integration.polled.every_minutes
        return language.gettext("looks at a table every %(minutes)s minutes") % {"minutes": minutes}
    if use is None or not use.calls:
        return ""
    text = language.ngettext("%(num)s call in 30 days", "%(num)s calls in 30 days", use.calls)
    return text % {"num": language.number(Decimal(use.calls))}


def merged(replies: Sequence[operations_pb2.IntegrationUses | None]) -> dict[str, operations_pb2.IntegrationUse]:
    """What all services saw together; those that are away say nothing."""
    found: dict[str, operations_pb2.IntegrationUse] = {}
    for use in (use for reply in replies if reply for use in reply.uses):
        before = found.setdefault(use.integration_id, operations_pb2.IntegrationUse(integration_id=use.integration_id))
        before.calls += use.calls
        before.last_at.CopyFrom(max(before.last_at, use.last_at, key=lambda at: (at.seconds, at.nanos)))
    return found


# --- looks at a table ---


@dataclass(frozen=True, slots=True)
class Fault:
    row: int
    called: str
    words: str


@dataclass(frozen=True, slots=True)
class Look:
    at: str
    state: State
    unchanged: str
    faults: Sequence[Fault]
    more: int
    """Rows that could not be taken beyond those."""


def looks(polls: polls_pb2.Polls, visit: Visit) -> list[Look]:
    return [_look(one, visit) for one in polls.polls]


def _look(one: polls_pb2.Poll, visit: Visit) -> Look:
    language = visit.language
    _ = language.gettext
    taken = language.ngettext("%(num)s new value", "%(num)s new values", one.taken) % {"num": one.taken}
    if one.fault:
        state = State("risk", "alert-triangle", _told(one.fault, one.parameters, language))
    elif one.refused:
        left = language.ngettext("%(num)s row could not be taken", "%(num)s rows could not be taken", one.refused)
        state = State("behind", "alert-circle", f"{taken} · {left % {'num': one.refused}}")
    elif one.taken:
        state = State("ontrack", "circle-check", taken)
    else:
        state = State("ontrack", "circle-check", _("nothing new"))
    unchanged = ""
    if one.HasField("unchanged_at"):
        unchanged = _("still so at %(at)s") % {"at": _instant(to_datetime(one.unchanged_at), visit)}
    faults = [Fault(it.row, it.called, _told(it.reason, it.parameters, language)) for it in one.faults]
    return Look(_instant(to_datetime(one.at), visit), state, unchanged, faults, one.refused - len(faults))


def _instant(at: datetime, visit: Visit) -> str:
    return visit.language.instant(at.astimezone(UTC), visit.zone)


def _told(reason: str, parameters: Mapping[str, str], language: Language) -> str:
    """Words for why a row or a table was not taken."""
    if text := fault_words(language).get(reason, ""):
        blank = dict.fromkeys(("vi", "en", "dmy", "mdy", "row", "count", "cycle", "choices", "name"), "")
        return text % {**blank, **parameters}
    return words(reason, parameters, language) or reason
