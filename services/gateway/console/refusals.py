"""Refusals in the reader's language: by their stable reasons, which is what they are for."""

import re

from eventkit.errors import Violation
from services.gateway.console.language import Language
from services.gateway.failures import Failure


def reasons(language: Language) -> dict[str, str]:
    _ = language.gettext
    return {
        "SESSION_RENEWED": _("You have signed in again. Nothing was sent yet: look at what you wrote, and send it."),
        "SERVICE_AWAY": _("This part of Nhịp is temporarily unavailable. Nothing was lost; please try again soon."),
        "SERVICE_SLOW": _(
            "This part of Nhịp did not answer in time. Please try again soon; sending the same form twice does no harm."
        ),
        "POSITION_NOT_REACHED": _(
            "What was just recorded is not on the pages yet. It is safe; please try again in a moment."
        ),
        "BODY_TOO_LARGE": _("That was too much at once. Please shorten it."),
        "BODY_SLOW": _("What you sent did not come in. Please send it again."),
        "RATE_EXCEEDED": _("That was too often in too short a time. Please wait a moment and try again."),
        "TOO_MANY_WAITING": _("That was too often in too short a time. Please wait a moment and try again."),
        "SHUTTING_DOWN": _("Nhip is being restarted. Nothing was lost; please try again soon."),
        "LOOPBACK_ONLY": _("This demo answers its own machine only, at the address that it told when it was started."),
        "MOMENT_UNREADABLE": _("That day cannot be read. Choose a day in the form of the calendar."),
        "PATH_UNKNOWN": _("There is no such page."),
        "KPI_UNKNOWN": _("There is no such KPI."),
        "PROPOSAL_UNKNOWN": _("There is no such proposal."),
        "CYCLE_UNKNOWN": _("There is no such cycle."),
        "PERSON_UNKNOWN": _("There is no such person."),
        "NOT_ALLOWED": _("This is not yours to do."),
        "ACTOR_UNKNOWN": _("You are not, or no longer, active in this company."),
        "FROM_ELSEWHERE": _("This request came from another site and was not carried out."),
        "PROPOSAL_STALE": _(
            "Targets have changed since this was proposed, so it cannot be approved as it stands. A new proposal is "
            "needed."
        ),
        "NO_APPROVER": _("There is nobody who may decide on this: name a manager or an executive first."),
        "PROPOSAL_DECIDED": _("This proposal has been decided already."),
        "SELF_APPROVAL": _("Nobody approves their own proposal."),
        "OWN_ERASURE": _("Another administrator decides about your erasure."),
        "OWN_REQUEST": _("You asked for this erasure: another administrator approves it."),
        "OWN_HOLD": _("You placed this hold, or it lies on you: another administrator lifts it."),
        "LAST_ADMINISTRATOR": _("This is the last administrator: name another one first."),
        "LAST_EXECUTIVE": _("This is the last executive: name another one first."),
        "OWN_ROLES": _("Nobody gives a role to themself: ask another administrator."),
        "OWN_PLACE": _("Nobody chooses their own unit, manager or headship: ask another administrator."),
        "UNIT_EXISTS": _("There is a unit of this name already."),
        "VALUE_EXISTS": _("There is a core value of this name already."),
        "PRICE_MISSING": _("Say how many points it costs: one or more."),
        "VALUE_NEGATIVE": _("What is counted is zero or more."),
        "NOT_THE_APPROVER": _("Somebody else decides on this proposal."),
        "NOT_THE_PROPOSER": _("Only who proposed it may withdraw it."),
        "NOTHING_PROPOSED": _("Change at least one target or add a KPI."),
        "IDEMPOTENCY_KEY_REUSED": _(
            "This form was already sent with other content. Check what is recorded, then fill it in anew."
        ),
        "KPI_RETIRED": _("This KPI has ended."),
        "OUTSIDE_CYCLE": _("That day is not within the cycle."),
        "NOT_AN_OWNER": _("Only who answers for a KPI records its progress."),
        "NOTHING_CHANGED": _("The new target is the old one."),
        "KPI_TWICE": _("Name each KPI once."),
        "MILESTONE_TARGET": _("A milestone is done or not: its target is 1."),
        "SCALE_ORDER": _("Floor, target and stretch must run in one direction. Change them together."),
        "TARGET_NOT_ABOVE_START": _("What adds up needs a target above where it starts."),
        "CYCLE_ENDED": _("The cycle is over: what it aimed at can only be corrected."),
        "CYCLE_YEAR": _("This year is far from today: is it mistyped?"),
        "GOAL_YEAR": _("This year is far from today: is it mistyped?"),
        "TARGET_IS_BASELINE": _("It stands there already."),
        "ALIGNMENT_CIRCLE": _("A KPI cannot serve itself, over others or not."),
        "TEMPORARILY_UNAVAILABLE": _(
            "This part of Nhịp is temporarily unavailable. Nothing was lost; please try again soon."
        ),
        "CONTENDED": _("Somebody else was faster. Please look at what is there now and try again."),
        "INTERNAL": _("A fault of ours. What was recorded before is safe; please try again."),
        "ALLOWANCE_SPENT": _("There are not enough points to give this month. Praise without points counts as much."),
        "SELF_PRAISE": _("Praise somebody else: nobody praises themselves."),
        "RECEIVER_MISSING": _("Say whom you praise: a person or a unit."),
        "UNIT_EMPTY": _("Nobody is in this unit: name another one, or a person."),
        "TIE_MISSING": _("Say what it is for: a core value or a KPI."),
        "DEED_TO_COME": _("The deed must have happened: today or earlier."),
        "BALANCE_TOO_LOW": _("There are not enough points for this."),
        "OUT_OF_STOCK": _("There is none left of this gift: choose another one."),
        "STOCK_TOO_LOW": _("There are not as many in stock: at most what is there can be taken."),
        "GIFT_WITHDRAWN": _("This gift is not offered any more: choose another one."),
        "GIFT_UNKNOWN": _("This gift is not in the shop."),
        "REDEMPTION_UNKNOWN": _("There is no such exchange."),
        "GIFT_HANDED_OVER": _("This gift was handed over already: its points stay spent."),
        "REDEMPTION_REFUNDED": _("The points went back already: this gift stays in the shop."),
        "OWN_GIFT": _("Nobody hands a gift to themselves: ask somebody else who keeps the shop."),
        "NOT_YOUR_REDEMPTION": _("Only who exchanged their points, or who keeps the shop, undoes it."),
        "NOTICE_UNKNOWN": _("There is no such notice."),
        "PAGE_TOKEN_UNKNOWN": _("This part of the list is not there any more: start at its beginning."),
        "PAGE_TOKEN_INVALID": _("This part of the list is not there any more: start at its beginning."),
        "EMAIL_INVALID": _("This is not an e-mail address. Right would be name@company.vn."),
        "NOT_REQUESTED": _("Nobody asked for this person to be erased, or it was decided already."),
        "LEGAL_HOLD": _("A legal hold lies on this person: nothing may be erased while it does."),
        "ALREADY_ERASED": _("The erasure of this person was approved already."),
        "PERSON_ERASED": _("This person was erased."),
        "PERSON_INACTIVE": _("This person is no longer active."),
        "UNIT_UNKNOWN": _("There is no such unit."),
        # the console's own
        "MISSING": _("This is needed."),
        "NOT_A_NUMBER": _("This is not a number. Right would be 1,234.5 or 66.2."),
        "TOO_MANY_DIGITS": _("A number has at most 18 digits before the decimal mark and 6 behind it."),
        "NOT_A_DAY": _("This is not a day."),
        "NOT_A_COUNT": _("This is not a whole number that can be meant here."),
        "NOT_AN_HOUR": _("An hour is from 0 to 23."),
        "NOT_CONFIRMED": _("Tick that you have understood it."),
        "NAME_DIFFERS": _("Type the person's name exactly as it is shown."),
        "SHORT_NOT_CONFIRMED": _("It does not add up: tick that you know, or decline."),
    }


def explain(failure: Failure, language: Language) -> str:
    """What a refusal says to a person; a reason without words in the catalogue is shown as the service put it."""
    known = reasons(language).get(failure.reason)
    if known is None and failure.status == "NOT_FOUND":
        known = reasons(language)["PATH_UNKNOWN"]
    if known is None and failure.status == "PERMISSION_DENIED":
        known = reasons(language)["NOT_ALLOWED"]
    if failure.reason in FIELD_RULES and failure.violations:
        return " ".join(
            dict.fromkeys(field_rule(v.message, language) for v in failure.violations)
        )  # a path says nothing to a person
    return known or failure.message


def at_fields(failure: Failure, language: Language) -> dict[str, str]:
    """What is wrong with each field, by its path in the request."""
    known = reasons(language)

    def said(violation: Violation) -> str:
        if failure.reason in FIELD_RULES:
            return field_rule(violation.message, language)
        return known.get(violation.message) or known.get(failure.reason) or violation.message

    return {violation.field: said(violation) for violation in failure.violations}


FIELD_RULES = ("FIELDS_INVALID", "MALFORMED_REQUEST")


def field_rule(message: str, language: Language) -> str:
    """What a contract's rule demands of a field, by the few sentences in which the rules speak."""
    _ = language.gettext
    if message.startswith("must be given"):
        return _("This is needed.")
    if found := re.fullmatch(r"must have at most (\d+) characters", message):
        return _("At most %(n)s characters.") % {"n": found[1]}
    if found := re.fullmatch(r"must be from (\S+) to (\S+)", message):
        return _("From %(low)s to %(high)s.") % {"low": found[1], "high": found[2]}
    if message.startswith("must not contain the character"):
        return _("There is a character in it that cannot be seen. Type it anew instead of pasting it.")
    if message.startswith("must have at most 30 marks"):
        return _("There are too many marks on one letter.")
    if message.startswith("must be a plain decimal"):
        return reasons(language)["NOT_A_NUMBER"]
    return message
