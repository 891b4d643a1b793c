"""Notices as they are shown: each a sentence with one thing to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from urllib.parse import quote
from uuid import uuid4

from eventkit.values import is_percent
from nhip.notifications.v1 import notifications_pb2, types_pb2
from services.gateway.console.directory import Directory
from services.gateway.console.events import choice_words, field_word, reason_class_word
from services.gateway.console.language import Language, date_of, decimal_of, unreadable
from services.gateway.console.visit import Visit
from services.gateway.console.wallet import points


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change of a KPI, and why it concerns the reader."""

    name: str
    url: str
    relation: str
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class NoticeRow:
    id: str
    icon: str
    tone: str
    sentence: str
    at: str
    reason: str
    reason_hidden: bool
    reason_class: str
    changes: tuple[ChangeLine, ...]
    more: int
    """Changes that are not listed."""
    url: str
    action: str
    read: bool
    waiting: bool
    key: str = field(default_factory=lambda: str(uuid4()))
    other_key: str = field(default_factory=lambda: str(uuid4()))


@dataclass(frozen=True, slots=True)
class _Said:
    """What one kind of notice makes of itself."""

    icon: str
    tone: str
    sentence: str
    url: str
    action: str


MOST_CHANGES = 4
"""Of one notice that are listed; the rest is counted."""


def notice_row(visit: Visit, notice: notifications_pb2.Notice, who: Directory) -> NoticeRow:
    language = visit.language
    said = _said(visit, notice, who)
    # Praise tells by its own words, everything else by the reason that was given.
    words = (
        notice.words if notice.kind == types_pb2.NOTICE_KIND_PRAISE_RECEIVED else notice.reason
    )  # of what was decided, the decider's
    listed = [_change(change, language) for change in notice.changes]
    if len(listed) == 1 and listed[0].before:
        listed = []  # the sentence says it
    return NoticeRow(
        id=notice.notice_id,
        icon=said.icon,
        tone=said.tone,
        sentence=said.sentence,
        at=language.lately(notice.given_at.ToDatetime(UTC), visit.zone, visit.today),
        reason=language.words(words),
        reason_hidden=unreadable(words),
        reason_class=reason_class_word(notice.reason_class, language),
        changes=tuple(listed[:MOST_CHANGES]),
        more=max(len(listed) - MOST_CHANGES, 0) + (notice.more if listed else 0),
        url=said.url,
        action=said.action,
        read=notice.read,
        waiting=notice.waiting,
    )


def _said(visit: Visit, notice: notifications_pb2.Notice, who: Directory) -> _Said:
    language = visit.language
    _ = language.gettext
    by = who.person(notice.by_id).name if notice.by_id else "Nhịp"
    title = language.words(notice.title)
    proposal = f"/proposals/{quote(notice.proposal_id, safe='')}" if notice.proposal_id else ""
    kpi = f"/kpi/{quote(notice.kpi_id or (notice.changes[0].change.kpi_id if notice.changes else ''), safe='')}"
    match notice.kind:
        case types_pb2.NOTICE_KIND_KPI_CHANGED:
            return _Said("adjustments", "plain", _changed(by, notice.changes, language), proposal or kpi, _("View"))
        case types_pb2.NOTICE_KIND_PROPOSAL_WAITING:
            action = _("View and decide") if notice.waiting else _("View")
            sentence = _("%(name)s proposes: %(title)s") % {"name": by, "title": title}
            return _Said("arrows-exchange", "behind", sentence, proposal, action)
        case types_pb2.NOTICE_KIND_PROPOSAL_DECIDED:
            text = (
                _("%(name)s approved your proposal: %(title)s")
                if notice.granted
                else _("%(name)s declined your proposal: %(title)s")
            )
            icon, tone = ("check", "ontrack") if notice.granted else ("x", "plain")
            return _Said(icon, tone, text % {"name": by, "title": title}, proposal, _("View"))
        case types_pb2.NOTICE_KIND_INVITED:
            action = _("View and answer") if notice.waiting else _("View")
            sentence = _("%(name)s invites you to answer for a KPI: %(title)s") % {"name": by, "title": title}
            return _Said("users", "behind", sentence, proposal, action)
        case types_pb2.NOTICE_KIND_INVITATION_ACCEPTED:
            sentence = _("%(name)s said yes to your invitation: %(title)s") % {"name": by, "title": title}
            return _Said("check", "ontrack", sentence, proposal, _("View"))
        case types_pb2.NOTICE_KIND_PROPOSAL_COMMENTED:
            sentence = _("%(name)s wrote about the proposal: %(title)s") % {"name": by, "title": title}
            return _Said("message-circle", "plain", sentence, f"{proposal}#words", _("View and answer"))
        case types_pb2.NOTICE_KIND_PROPOSAL_EXPIRED:
            sentence = _("Nobody decided in time, so your proposal expired: %(title)s") % {"title": title}
            return _Said("clock", "plain", sentence, proposal, _("View"))
        case types_pb2.NOTICE_KIND_PRAISE_RECEIVED:
            about = notice.value_name or notice.kpi_name
            text = _("%(name)s praised you: %(about)s") if about else _("%(name)s praised you")
            sentence = text % {"name": by, "about": about}
            sentence += f" (+{points(notice.points, language)})" if notice.points else ""
            if notice.more:
                sentence += " " + language.ngettext("and %(n)s more praise", "and %(n)s more praises", notice.more) % {
                    "n": notice.more
                }
            return _Said("heart-handshake", "ontrack", sentence, "/praise?who=me#feed", _("Read"))
        case types_pb2.NOTICE_KIND_PROGRESS_STALE:
            day = language.day(date_of(notice, "since"))
            sentence = _("%(kpi)s was last updated for %(day)s") % {"kpi": notice.kpi_name or notice.kpi_id, "day": day}
            return _Said("hourglass", "behind", sentence, f"{kpi}/progress", _("Record progress"))
        case types_pb2.NOTICE_KIND_GIFT:
            gift = {"name": by, "gift": notice.gift_name, "points": points(notice.points, language)}
            sentence = (
                _("%(name)s handed over: %(gift)s") if notice.granted else _("%(points)s came back for: %(gift)s")
            ) % gift
            return _Said(
                "gift", "ontrack" if notice.granted else "plain", sentence, "/shop#redemptions", _("To the shop")
            )
        case types_pb2.NOTICE_KIND_ERASURE_WAITING:
            names = {"name": by, "person": who.person(notice.erased_id).name}
            own = notice.by_id == notice.erased_id
            text = (
                _("%(name)s asks that their personal data be deleted")
                if own
                else _("%(name)s asks that %(person)s's data be deleted")
            )
            action = _("View and decide") if notice.waiting else _("View")
            return _Said("eraser", "behind", text % names, f"/erasures/{quote(notice.erased_id, safe='')}", action)
        case types_pb2.NOTICE_KIND_ERASURE_DECIDED:
            names = {"name": by, "person": who.person(notice.erased_id).name}
            if notice.granted:
                text = _("%(name)s approved that %(person)s's personal data be deleted")
            else:
                text = _("%(name)s declined to delete %(person)s's personal data")
            own = notice.erased_id == visit.person
            url = "/profile#erasure" if own else f"/erasures/{quote(notice.erased_id, safe='')}"
            return _Said("eraser", "plain", text % names, url, _("View"))
        case types_pb2.NOTICE_KIND_STANDS_IN:
            return _stands_in(notice, who, language)
        case types_pb2.NOTICE_KIND_UNIT_HEAD:
            return _unit_head(notice, who, language)
        case types_pb2.NOTICE_KIND_PROGRESS_CORRECTED:
            return _Said("pencil-check", "plain", _corrected(by, notice.changes, language), kpi, _("View"))
        case types_pb2.NOTICE_KIND_CHECK_IN_DUE:
            return _check_in_due(visit, notice)
        case types_pb2.NOTICE_KIND_CHECK_IN_SUBMITTED:
            day = _slot_day(notice.check_in_id, language)
            sentence = _("%(name)s checked in for %(day)s") % {"name": by, "day": day}
            return _Said("clipboard-check", "behind", sentence, check_in_url(notice.check_in_id), _("Read and answer"))
        case types_pb2.NOTICE_KIND_CHECK_IN_ANSWERED:
            text = (
                _("%(name)s answered your check-in of %(day)s")
                if notice.granted
                else _("%(name)s asks you to check in again for %(day)s")
            )
            tone = "ontrack" if notice.granted else "behind"
            said = text % {"name": by, "day": _slot_day(notice.check_in_id, language)}
            url = check_in_url(notice.check_in_id)
            return _Said("message-circle", tone, said, url, _("Read") if notice.granted else _("View"))
        case types_pb2.NOTICE_KIND_TOPIC_ASKED:
            sentence = _("%(name)s asks you about a topic") % {"name": by}
            return _Said("message-circle", "behind", sentence, topic_url(notice.topic_id), _("View and answer"))
        case types_pb2.NOTICE_KIND_TOPIC_ANSWERED:
            sentence = _("%(name)s answered your topic") % {"name": by}
            return _Said("message-circle", "ontrack", sentence, topic_url(notice.topic_id), _("Read"))
        case types_pb2.NOTICE_KIND_TOPIC_UNANSWERED:
            sentence = _("A topic has waited for your answer for days")
            return _Said("hourglass", "behind", sentence, topic_url(notice.topic_id), _("View and answer"))
        case types_pb2.NOTICE_KIND_RETRO_BEGUN:
            sentence = _("A cycle ends: it is time to look back")
            return _Said("star", "behind", sentence, f"/retro/{quote(notice.cycle_id, safe='')}", _("Look back"))
        case types_pb2.NOTICE_KIND_TEAM_RETRO_OPENED:
            sentence = _("%(name)s opened your team's retro") % {"name": by}
            return _Said("cards", "behind", sentence, f"/retro/team/{quote(notice.team_retro_id, safe='')}", _("Write"))
        case types_pb2.NOTICE_KIND_CARDS_REVEALED:
            sentence = _("All cards of your team's retro lie open")
            return _Said("cards", "ontrack", sentence, f"/retro/team/{quote(notice.team_retro_id, safe='')}", _("View"))
        case types_pb2.NOTICE_KIND_RETRO_SHARED:
            sentence = _("%(name)s lets you read their retro") % {"name": by}
            url = f"/retro/{quote(notice.cycle_id, safe='')}/{quote(notice.by_id, safe='')}"
            return _Said("star", "plain", sentence, url, _("Read"))
        case types_pb2.NOTICE_KIND_ACTION_AGREED:
            return _Said(
                "checklist",
                "behind",
                _at(_("%(name)s agreed with you that you do something"), {"name": by}, visit, notice),
                "/actions",
                _("View"),
            )
        case types_pb2.NOTICE_KIND_ACTION_DUE:
            return _Said(
                "clock", "behind", _at(_("Something that you do falls due"), {}, visit, notice), "/actions", _("View")
            )
        case types_pb2.NOTICE_KIND_ACTION_REPORTED:
            sentence = _("%(name)s has done something and asks for your approval") % {"name": by}
            return _Said("checklist", "behind", sentence, "/actions", _("View and decide"))
        case types_pb2.NOTICE_KIND_ACTION_ANSWERED:
            text = _("%(name)s approved what you did") if notice.granted else _("%(name)s sent back what you did")
            tone = "ontrack" if notice.granted else "behind"
            return _Said("checklist", tone, text % {"name": by}, "/actions", _("View"))
        case types_pb2.NOTICE_KIND_ACTION_DROPPED:
            return _Said(
                "checklist", "plain", _("%(name)s gave up an action") % {"name": by}, "/actions?all=1", _("View")
            )
        case types_pb2.NOTICE_KIND_MEETING_CALLED:
            sentence = _at(_("%(name)s invites you to a meeting"), {"name": by}, visit, notice)
            return _Said("users", "behind", sentence, meeting_url(notice.meeting_id), _("View"))
        case types_pb2.NOTICE_KIND_MEETING_CHANGED:
            text = _("%(name)s moved a meeting") if notice.granted else _("%(name)s called a meeting off")
            return _Said(
                "users", "plain", _at(text, {"name": by}, visit, notice), meeting_url(notice.meeting_id), _("View")
            )
        case types_pb2.NOTICE_KIND_MEETING_ANSWERED:
            text = _("%(name)s comes to your meeting") if notice.granted else _("%(name)s cannot come to your meeting")
            tone = "plain" if notice.granted else "behind"
            return _Said("users", tone, text % {"name": by}, meeting_url(notice.meeting_id), _("View"))
        case types_pb2.NOTICE_KIND_REVIEW_OPENED:
            sentence = _("The cycle is over: what came of it, and why?")
            return _Said(
                "hourglass", "behind", sentence, review_url(notice.cycle_id, notice.reviewed_id), _("Look back")
            )
        case types_pb2.NOTICE_KIND_REVIEW_SELF_SENT:
            sentence = _("%(name)s looked back at the cycle and waits for your part") % {"name": by}
            url = review_url(notice.cycle_id, notice.reviewed_id)
            return _Said("hourglass", "behind", sentence, url, _("Read and answer"))
        case types_pb2.NOTICE_KIND_REVIEW_MANAGER_SENT:
            sentence = _("%(name)s sent you their part of your review") % {"name": by}
            return _Said("hourglass", "ontrack", sentence, review_url(notice.cycle_id, notice.reviewed_id), _("Read"))
        case types_pb2.NOTICE_KIND_PLAN_REFUSED:
            sentence = _("A change that you planned could not be carried out")
            return _Said("calendar", "behind", sentence, "/people/planned?all=1", _("View"))
        case _:
            return _Said("bell", "plain", types_pb2.NoticeKind.Name(notice.kind), "", "")


def _slot_day(check_in_id: str, language: Language) -> str:
    return language.short_day(date.fromisoformat(check_in_id.rpartition(".")[2]))


def check_in_url(check_in_id: str) -> str:
    """Where a check-in is read, by its id: `<person>.<day>`."""
    person, _, day = check_in_id.rpartition(".")
    return f"/checkin/{quote(person, safe='')}/{quote(day, safe='')}"


def topic_url(topic_id: str) -> str:
    return f"/topics/{quote(topic_id, safe='')}"


def meeting_url(meeting_id: str) -> str:
    return f"/meetings/{quote(meeting_id, safe='')}"


def review_url(cycle_id: str, person_id: str) -> str:
    return f"/reviews/{quote(cycle_id, safe='')}/{quote(person_id, safe='')}"


def _at(text: str, names: dict[str, str], visit: Visit, notice: notifications_pb2.Notice) -> str:
    """What is said, with when it is due or begins."""
    said = text % names if names else text
    at = visit.language.instant(notice.at.ToDatetime(UTC), visit.zone) if notice.HasField("at") else ""
    return f"{said}: {at}" if at else said


def _check_in_due(visit: Visit, notice: notifications_pb2.Notice) -> _Said:
    language, _ = visit.language, visit.language.gettext
    due = date_of(notice, "since")
    told = notice.given_at.ToDatetime(UTC).astimezone(visit.zone).date()
    if due is None or told < due:
        text = _("Your check-in of %(day)s is coming up")
    else:
        text = _("Your check-in is due today: %(day)s") if told == due else _("Your check-in of %(day)s is overdue")
    return _Said("clipboard-check", "behind", text % {"day": language.day(due)}, "/checkin", _("Check in"))


def _stands_in(notice: notifications_pb2.Notice, who: Directory, language: Language) -> _Said:
    said = {"person": who.person(notice.leaver_id).name, "n": len(notice.changes)}
    sentence = (
        language.ngettext(
            "%(person)s left: you answer in their place for %(n)s KPI",
            "%(person)s left: you answer in their place for %(n)s KPIs",
            len(notice.changes),
        )
        if notice.changes
        else language.gettext("%(person)s left: what is theirs to decide is yours")
    )
    url = f"/people/{quote(notice.leaver_id, safe='')}"
    return _Said("user-off", "behind", sentence % said, url, language.gettext("View"))


def _unit_head(notice: notifications_pb2.Notice, who: Directory, language: Language) -> _Said:
    said = {"unit": who.unit(notice.unit_id).name, "n": len(notice.changes) + notice.more}
    if not notice.granted:
        sentence = language.gettext("You head %(unit)s no more")
    elif said["n"]:
        sentence = language.ngettext(
            "You head %(unit)s now, and answer for its %(n)s KPI",
            "You head %(unit)s now, and answer for its %(n)s KPIs",
            len(notice.changes) + notice.more,
        )
    else:
        sentence = language.gettext("You head %(unit)s now")
    url = f"/units/{quote(notice.unit_id, safe='')}"
    return _Said("flag", "behind" if notice.granted else "plain", sentence % said, url, language.gettext("View"))


def _corrected(by: str, changes: Sequence[notifications_pb2.NoticedChange], language: Language) -> str:
    _ = language.gettext
    line = _change(changes[0], language)
    if line.after:
        text = _("%(name)s put a value right: %(kpi)s %(before)s → %(after)s")
    else:
        text = _("%(name)s took a value back: %(kpi)s %(before)s")
    return text % {"name": by, "kpi": line.name, "before": line.before, "after": line.after}


def _changed(by: str, changes: Sequence[notifications_pb2.NoticedChange], language: Language) -> str:
    """ "Nam changed the target of Demo: 100 → 80"; of several, how many."""
    _ = language.gettext
    if len(changes) != 1:
        many = language.ngettext(
            "%(name)s changed %(n)s KPI that concerns you", "%(name)s changed %(n)s KPIs that concern you", len(changes)
        )
        return many % {"name": by, "n": len(changes)}
    line = _change(changes[0], language)
    if line.before:
        text = _("%(name)s changed a target: %(kpi)s %(before)s → %(after)s")
        return text % {"name": by, "kpi": line.name, "before": line.before, "after": line.after}
    return f"{by}: {line.what} – {line.name}"


def _change(noticed: notifications_pb2.NoticedChange, language: Language) -> ChangeLine:
    _ = language.gettext
    change = noticed.change
    before, after = decimal_of(change, "before"), decimal_of(change, "after")
    unit = noticed.unit
    changed = before is not None and (after is not None or change.kind == types_pb2.CHANGE_KIND_VALUE_RETRACTED)
    what = choice_words(language).get(types_pb2.ChangeKind.Name(change.kind), "")
    if change.parts:
        what += ": " + ", ".join(field_word(part, language) for part in change.parts)
    rescaled = change.kind == types_pb2.CHANGE_KIND_TARGET_REVISED and before == after  # floor, stretch or start alone
    return ChangeLine(
        name=noticed.kpi_name or change.kpi_id,
        url=f"/kpi/{quote(change.kpi_id, safe='')}",
        relation=choice_words(language).get(types_pb2.Relation.Name(change.relation), ""),
        what=_("Scale changed") if rescaled else what,
        before=language.amount(before, unit if is_percent(unit) else "") if changed and not rescaled else "",
        after="" if after is None else language.amount(after, unit),
    )
