"""An e-mail as it is read: what happened, in the reader's language, in plain text and in simple HTML.

Its subject holds nobody's words and no name: mail programs show it on locked screens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from zoneinfo import ZoneInfo

from eventkit.language import Language
from eventkit.telemetry import unshown
from eventkit.values import required_date, to_datetime, to_decimal
from nhip.common.v1.words_pb2 import PersonalText
from nhip.notifications.v1 import notifications_pb2 as pb
from nhip.notifications.v1 import types_pb2 as t

UTC_ZONE = ZoneInfo("UTC")


class NoAddress(ValueError):
    """No mail can be written to it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One notice: what happened, what there is to say about it, and where to look in the console."""

    headline: str
    lines: Sequence[str]
    path: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What one mail tells its reader; all words are opened."""

    notices: Sequence[pb.Notice]
    reader: str
    """The reader's name; empty: it cannot be read."""
    names: Mapping[str, str]
    """Of whoever did something, by their ids."""
    language: Language
    console: str
    """The console's URL; empty: no links."""
    zone: ZoneInfo = UTC_ZONE
    """The reader's."""

    def subject(self) -> str:
        _, n = self.language.gettext, len(self.notices)
        if n > 1:
            return self.language.ngettext("%(n)s thing for you to know", "%(n)s things for you to know", n) % {"n": n}
        match self.notices[0].kind:
            case t.NOTICE_KIND_PROPOSAL_WAITING:
                return _("A proposal waits for your decision")
            case t.NOTICE_KIND_PROPOSAL_DECIDED:
                return _("Your proposal was approved") if self.notices[0].granted else _("Your proposal was declined")
            case t.NOTICE_KIND_KPI_CHANGED:
                return _("A KPI that concerns you has changed")
            case t.NOTICE_KIND_PRAISE_RECEIVED:
                return _("You were praised")
            case t.NOTICE_KIND_PROGRESS_STALE:
                return _("A KPI of yours waits for a number")
            case t.NOTICE_KIND_ERASURE_WAITING:
                return _("A request to delete personal data waits for your decision")
            case t.NOTICE_KIND_ERASURE_DECIDED:
                return _("A request to delete personal data was decided")
            case t.NOTICE_KIND_STANDS_IN:
                return _("You answer in the place of somebody who left")
            case t.NOTICE_KIND_UNIT_HEAD:
                return _("You head a unit") if self.notices[0].granted else _("You head a unit no more")
            case t.NOTICE_KIND_PROGRESS_CORRECTED:
                return _("A recorded value was put right")
            case t.NOTICE_KIND_PLAN_REFUSED:
                return _("A planned change was refused")
            case t.NOTICE_KIND_INVITED:
                return _("You are invited to answer for a KPI")
            case t.NOTICE_KIND_INVITATION_ACCEPTED:
                return _("Your invitation was accepted")
            case t.NOTICE_KIND_PROPOSAL_COMMENTED:
                return _("There are words about a proposal")
            case t.NOTICE_KIND_PROPOSAL_EXPIRED:
                return _("Your proposal expired")
            case t.NOTICE_KIND_CHECK_IN_DUE:
                return _("Your check-in is due")
            case t.NOTICE_KIND_CHECK_IN_SUBMITTED:
                return _("A check-in waits for your answer")
            case t.NOTICE_KIND_CHECK_IN_ANSWERED:
                return _("Your check-in was answered")
            case t.NOTICE_KIND_TOPIC_ASKED:
                return _("You are asked about a topic")
            case t.NOTICE_KIND_TOPIC_ANSWERED:
                return _("A topic of yours was answered")
            case t.NOTICE_KIND_TOPIC_UNANSWERED:
                return _("A topic still waits for your answer")
            case t.NOTICE_KIND_RETRO_BEGUN:
                return _("It is time to look back")
            case t.NOTICE_KIND_TEAM_RETRO_OPENED:
                return _("Your team looks back")
            case t.NOTICE_KIND_CARDS_REVEALED:
                return _("What your team wrote lies open")
            case t.NOTICE_KIND_RETRO_SHARED:
                return _("Somebody lets you read their retro")
            case t.NOTICE_KIND_ACTION_AGREED:
                return _("There is something for you to do")
            case t.NOTICE_KIND_ACTION_DUE:
                return _("Something that you do falls due")
            case t.NOTICE_KIND_ACTION_REPORTED:
                return _("Something waits for your approval")
            case t.NOTICE_KIND_ACTION_ANSWERED:
                return _("There is word on what you did")
            case t.NOTICE_KIND_ACTION_DROPPED:
                return _("An action was given up")
            case t.NOTICE_KIND_MEETING_CALLED:
                return _("You are invited to a meeting")
            case t.NOTICE_KIND_MEETING_CHANGED:
                return _("A meeting has changed")
            case t.NOTICE_KIND_MEETING_ANSWERED:
                return _("There is an answer to your invitation")
            case t.NOTICE_KIND_REVIEW_OPENED:
                return _("Time to look back at the cycle")
            case t.NOTICE_KIND_REVIEW_SELF_SENT:
                return _("A review waits for your part")
            case t.NOTICE_KIND_REVIEW_MANAGER_SENT:
                return _("Your manager has sent their part of your review")
            case _:
                return _("News of your gift")

    def plain(self) -> str:
        blocks = [
            "\n".join([item.headline, *(f"  {line}" for line in item.lines), *self._link(item)])
            for item in self._items()
        ]
        return "\n\n".join([self._greeting(), *blocks, self._footer()]) + "\n"

    def html(self) -> str:
        look = escape(self.language.gettext("Look at it"))
        blocks = [
            f"<h3>{escape(item.headline)}</h3>"
            + (f"<ul>{''.join(f'<li>{_lined(line)}</li>' for line in item.lines)}</ul>" if item.lines else "")
            + "".join(f'<p><a href="{escape(url)}">{look}</a></p>' for url in self._link(item))
            for item in self._items()
        ]
        return (
            f'<!doctype html><html lang="{self.language.code}"><head><meta charset="utf-8"></head>'
            '<body style="font-family: sans-serif; max-width: 40em">'
            f"<p>{escape(self._greeting())}</p>{''.join(blocks)}<hr><p><small>{_lined(self._footer())}</small></p></body></html>"
        )

    def _items(self) -> list[Item]:
        return [self._shown(notice) for notice in self.notices]

    def _shown(self, notice: pb.Notice) -> Item:
        """The item of a notice. One that cannot be shown says so, and holds no mail up."""
        try:
            return self._item(notice)
        except Exception as error:
            unshown("mail", notice.notice_id, error)
            return Item(self.language.gettext("There is news that cannot be shown here."), [], "/inbox")

    def _item(self, notice: pb.Notice) -> Item:
        _ = self.language.gettext
        who = {"who": self.names.get(notice.by_id) or _("somebody")}
        changes = [self._change(change) for change in notice.changes]
        match notice.kind:
            case t.NOTICE_KIND_PROPOSAL_WAITING:
                asked = _("%(who)s proposes a change and asks for your decision.") % who
                return Item(asked, self._proposal(notice), f"/proposals/{notice.proposal_id}")
            case t.NOTICE_KIND_PROPOSAL_DECIDED:
                decided = (
                    _("%(who)s approved your proposal.") if notice.granted else _("%(who)s declined your proposal.")
                )
                said = (
                    [_("With these words: %(words)s") % {"words": self._words(notice.reason)}]
                    if notice.HasField("reason")
                    else []
                )
                return Item(
                    decided % who, [self._words(notice.title), *said, *changes], f"/proposals/{notice.proposal_id}"
                )
            case t.NOTICE_KIND_INVITED:
                asked = _("%(who)s proposes that you answer for a KPI, and asks for your yes or no.") % who
                return Item(asked, self._proposal(notice), f"/proposals/{notice.proposal_id}")
            case t.NOTICE_KIND_INVITATION_ACCEPTED:
                told = _("%(who)s said yes to your invitation.") % who
                return Item(told, [self._words(notice.title)], f"/proposals/{notice.proposal_id}")
            case t.NOTICE_KIND_PROPOSAL_COMMENTED:
                told = _("%(who)s wrote about a proposal.") % who
                return Item(told, [self._words(notice.title)], f"/proposals/{notice.proposal_id}")
            case t.NOTICE_KIND_PROPOSAL_EXPIRED:
                told = _("Nobody decided about your proposal in time.")
                return Item(told, [self._words(notice.title)], f"/proposals/{notice.proposal_id}")
            case t.NOTICE_KIND_ERASURE_WAITING:
                person = {"person": self.names.get(notice.erased_id) or _("somebody")}
                if notice.by_id == notice.erased_id:
                    asked = (
                        _("%(person)s asks that their personal data be deleted. An administrator has to decide.")
                        % person
                    )
                else:
                    asked = _(
                        "%(who)s asks that the personal data of %(person)s be deleted. Another administrator has to "
                        "decide."
                    )
                    asked = asked % {**who, **person}
                return Item(asked, [], f"/erasures/{notice.erased_id}")
            case t.NOTICE_KIND_ERASURE_DECIDED:
                person = {"person": self.names.get(notice.erased_id) or _("somebody")}
                if notice.granted:
                    decided = _("%(who)s approved that the personal data of %(person)s be deleted.")
                else:
                    decided = _("%(who)s declined to delete the personal data of %(person)s.")
                return Item(decided % {**who, **person}, self._reason(notice), "/profile")
            case t.NOTICE_KIND_KPI_CHANGED:
                path = (
                    f"/proposals/{notice.proposal_id}"
                    if notice.proposal_id
                    else f"/kpi/{notice.changes[0].change.kpi_id}"
                )
                told = [*changes, *self._more(notice), *self._reason(notice)]
                return Item(_("%(who)s changed KPIs that concern you.") % who, told, path)
            case t.NOTICE_KIND_PRAISE_RECEIVED:
                return Item(_("%(who)s praised you.") % who, [*self._praise(notice), *self._more(notice)], "/praise")
            case t.NOTICE_KIND_PROGRESS_STALE:
                since = {"kpi": notice.kpi_name, "day": self.language.day(required_date(notice.since))}
                return Item(_("%(kpi)s has had no number since %(day)s.") % since, [], f"/kpi/{notice.kpi_id}/progress")
            case t.NOTICE_KIND_STANDS_IN:
                person = {"person": self.names.get(notice.leaver_id) or _("somebody")}
                told = _("%(person)s left. You answer in their place, until somebody else is named.") % person
                return Item(told, changes, f"/people/{notice.leaver_id}")
            case t.NOTICE_KIND_UNIT_HEAD:
                told = (
                    _("You head a unit now, and answer for its KPIs.")
                    if notice.granted
                    else _("You head a unit no more; somebody else answers for its KPIs.")
                )
                return Item(told, changes, f"/units/{notice.unit_id}")
            case t.NOTICE_KIND_PROGRESS_CORRECTED:
                told = _("%(who)s put a recorded value right.") % who
                return Item(told, [*changes, *self._reason(notice)], f"/kpi/{notice.changes[0].change.kpi_id}")
            case t.NOTICE_KIND_CHECK_IN_DUE:
                day = {"day": self.language.day(required_date(notice.since))}
                return Item(_("Your check-in of %(day)s is due: two minutes are enough.") % day, [], "/checkin")
            case t.NOTICE_KIND_CHECK_IN_SUBMITTED:
                return Item(_("%(who)s checked in.") % who, [], _check_in(notice))
            case t.NOTICE_KIND_CHECK_IN_ANSWERED:
                told = (
                    _("%(who)s answered your check-in.") if notice.granted else _("%(who)s asks you to check in again.")
                )
                return Item(told % who, [], _check_in(notice))
            case t.NOTICE_KIND_TOPIC_ASKED:
                return Item(_("%(who)s asks you about a topic.") % who, [], f"/topics/{notice.topic_id}")
            case t.NOTICE_KIND_TOPIC_ANSWERED:
                return Item(_("%(who)s answered your topic.") % who, [], f"/topics/{notice.topic_id}")
            case t.NOTICE_KIND_TOPIC_UNANSWERED:
                return Item(_("A topic has waited for your answer for days."), [], f"/topics/{notice.topic_id}")
            case t.NOTICE_KIND_RETRO_BEGUN:
                told = _("A cycle ends: what do you want to begin, to stop, to keep?")
                return Item(told, [], f"/retro/{notice.cycle_id}")
            case t.NOTICE_KIND_TEAM_RETRO_OPENED:
                told = (
                    _("%(who)s opened your team's retro. Nobody sees what you write before all cards lie open.") % who
                )
                return Item(told, [], f"/retro/team/{notice.team_retro_id}")
            case t.NOTICE_KIND_CARDS_REVEALED:
                told = _("All cards of your team's retro lie open.")
                return Item(told, [], f"/retro/team/{notice.team_retro_id}")
            case t.NOTICE_KIND_RETRO_SHARED:
                told = _("%(who)s lets you read their retro.") % who
                return Item(told, [], f"/retro/{notice.cycle_id}/{notice.by_id}")
            case t.NOTICE_KIND_ACTION_AGREED:
                return Item(_("%(who)s agreed with you that you do something.") % who, self._at(notice), "/actions")
            case t.NOTICE_KIND_ACTION_DUE:
                return Item(_("Something that you do falls due."), self._at(notice), "/actions")
            case t.NOTICE_KIND_ACTION_REPORTED:
                return Item(_("%(who)s has done something and asks for your approval.") % who, [], "/actions")
            case t.NOTICE_KIND_ACTION_ANSWERED:
                told = _("%(who)s approved what you did.") if notice.granted else _("%(who)s sent back what you did.")
                return Item(told % who, [], "/actions")
            case t.NOTICE_KIND_ACTION_DROPPED:
                return Item(_("%(who)s gave up an action.") % who, [], "/actions")
            case t.NOTICE_KIND_MEETING_CALLED:
                path = f"/meetings/{notice.meeting_id}"
                return Item(_("%(who)s invites you to a meeting.") % who, self._at(notice), path)
            case t.NOTICE_KIND_MEETING_CHANGED:
                told = _("%(who)s moved a meeting.") if notice.granted else _("%(who)s called a meeting off.")
                return Item(told % who, self._at(notice), f"/meetings/{notice.meeting_id}")
            case t.NOTICE_KIND_MEETING_ANSWERED:
                told = (
                    _("%(who)s comes to your meeting.") if notice.granted else _("%(who)s cannot come to your meeting.")
                )
                return Item(told % who, [], f"/meetings/{notice.meeting_id}")
            case t.NOTICE_KIND_REVIEW_OPENED:
                return Item(_("The cycle is over: what came of it, and why?"), [], _review(notice))
            case t.NOTICE_KIND_REVIEW_SELF_SENT:
                return Item(_("%(who)s looked back at the cycle and waits for your part.") % who, [], _review(notice))
            case t.NOTICE_KIND_REVIEW_MANAGER_SENT:
                return Item(_("%(who)s sent you their part of your review.") % who, [], _review(notice))
            case t.NOTICE_KIND_PLAN_REFUSED:
                return Item(_("A change that you planned could not be carried out."), [], "/people/planned?all=1")
            case _:
                gift = {"gift": notice.gift_name}
                told = (
                    _("You were handed %(gift)s.")
                    if notice.granted
                    else _("%(gift)s was called off; your points are back.")
                )
                return Item(told % gift, [], "/shop")

    def _proposal(self, notice: pb.Notice) -> list[str]:
        return [self._words(notice.title), *self._reason(notice)]

    def _reason(self, notice: pb.Notice) -> list[str]:
        return (
            [self.language.gettext("Why: %(reason)s") % {"reason": self._words(notice.reason)}]
            if notice.HasField("reason")
            else []
        )

    def _at(self, notice: pb.Notice) -> list[str]:
        """When something is due or begins, in the reader's zone."""
        if not notice.HasField("at"):
            return []
        local = to_datetime(notice.at).astimezone(self.zone)
        return [f"{local:%H:%M}, {self.language.day(local.date())}"]

    def _more(self, notice: pb.Notice) -> list[str]:
        return (
            [self.language.ngettext("and %(n)s more", "and %(n)s more", notice.more) % {"n": notice.more}]
            if notice.more
            else []
        )

    def _praise(self, notice: pb.Notice) -> list[str]:
        lines = [self._words(notice.words), notice.value_name or notice.kpi_name]
        if notice.points:
            lines.append(self.language.ngettext("%(n)s point", "%(n)s points", notice.points) % {"n": notice.points})
        return [line for line in lines if line]

    def _change(self, noticed: pb.NoticedChange) -> str:
        _, change = self.language.gettext, noticed.change
        relation = {
            t.RELATION_OWNER: _("your KPI"),
            t.RELATION_OWNER_ABOVE: _("serves a KPI of yours"),
            t.RELATION_OWNER_BELOW: _("a KPI of yours serves it"),
            t.RELATION_DECIDER: _("yours to decide"),
        }.get(change.relation, "")
        told = {"kpi": noticed.kpi_name, "relation": relation}
        match change.kind:
            case t.CHANGE_KIND_TARGET_REVISED:
                before, after = to_decimal(change.before), to_decimal(change.after)
                assert before is not None
                assert after is not None
                if before == after:  # floor, stretch or start alone
                    return _("%(kpi)s (%(relation)s): its scale has changed") % told
                told |= {
                    "before": self.language.amount(before, noticed.unit),
                    "after": self.language.amount(after, noticed.unit),
                }
                return _("%(kpi)s (%(relation)s): target %(before)s → %(after)s") % told
            case t.CHANGE_KIND_VALUE_CORRECTED:
                told |= {
                    "before": self.language.amount(to_decimal(change.before), noticed.unit),
                    "after": self.language.amount(to_decimal(change.after), noticed.unit),
                }
                return _("%(kpi)s (%(relation)s): value %(before)s → %(after)s") % told
            case t.CHANGE_KIND_VALUE_RETRACTED:
                told |= {"before": self.language.amount(to_decimal(change.before), noticed.unit)}
                return _("%(kpi)s (%(relation)s): value %(before)s taken back") % told
            case t.CHANGE_KIND_DEFINED:
                return _("%(kpi)s (%(relation)s): new") % told
            case t.CHANGE_KIND_HANDED_OVER:
                return noticed.kpi_name
            case t.CHANGE_KIND_SAID:
                return _("%(kpi)s (%(relation)s): changed in words, weight or people") % told
            case t.CHANGE_KIND_RETIRED:
                return _("%(kpi)s (%(relation)s): has ended") % told
            case _ if noticed.parent_after_name:
                return _("%(kpi)s (%(relation)s): now serves %(parent)s") % {
                    **told,
                    "parent": noticed.parent_after_name,
                }
            case _ if change.unaligned:
                return _("%(kpi)s (%(relation)s): serves nothing for now") % told
            case _:
                return _("%(kpi)s (%(relation)s): serves something else now") % told

    def _words(self, text: PersonalText) -> str:
        return text.plain if text.WhichOneof("form") == "plain" else self.language.gettext("(erased)")

    def _greeting(self) -> str:
        _ = self.language.gettext
        return _("Hello %(name)s,") % {"name": self.reader} if self.reader else _("Hello,")

    def _link(self, item: Item) -> list[str]:
        return [self.console + item.path] if self.console else []

    def _footer(self) -> str:
        _ = self.language.gettext
        told = _("Nhịp sends this because of your notification settings.")
        return told + ("\n" + _("Change them: %(url)s") % {"url": self.console + "/profile"} if self.console else "")


def _review(notice: pb.Notice) -> str:
    """Where it is read in the console."""
    return f"/reviews/{notice.cycle_id}/{notice.reviewed_id}"


def _check_in(notice: pb.Notice) -> str:
    """Where it is read in the console."""
    return "/checkin/" + "/".join(notice.check_in_id.rsplit(".", 1))


def _lined(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def message(letter: Letter, *, sender: str, to: str, message_id: str, at: datetime) -> EmailMessage:
    """The mail as it is sent. Raises `NoAddress`; whatever stands in an address, no header can be slipped in."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address("Nhịp", addr_spec=sender)
    mail["To"] = _address(to)
    mail["Subject"] = "[Nhịp] " + letter.subject()
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    # At least once: whoever receives notices twice knows them by their ids.
    mail["X-Nhip-Notices"] = " ".join(notice.notice_id for notice in letter.notices)
    if letter.console:
        mail["List-Unsubscribe"] = f"<{letter.console}/profile>"
    mail.set_content(letter.plain())
    mail.add_alternative(letter.html(), subtype="html")
    return mail


def _address(text: str) -> Address:
    try:
        return Address(addr_spec=text)
    except (ValueError, MessageError, IndexError):  # the last one is Python's own, of a text that ends too early
        raise NoAddress from None  # not chained: it quotes the text
