"""Refusals that eventkit gives in every service, and those that several services give, by their reasons."""

from services.gateway.console.language import Language


def reasons(language: Language) -> dict[str, str]:
    _ = language.gettext
    return {
        "POSITION_NOT_REACHED": _(
            "What was just recorded is not on the pages yet. It is safe; please try again in a moment."
        ),
        "POSITION_OF_ANOTHER_LOG": _(
            "Nhịp was restored from a backup, and what you did last is not in it. Please try again in two minutes."
        ),
        "RATE_EXCEEDED": _("That was too often in too short a time. Please wait a moment and try again."),
        "OVERLOADED": _("Too much is being asked for just now. Please wait a moment and try again."),
        "TOO_MANY_WAITING": _("That was too often in too short a time. Please wait a moment and try again."),
        "KPI_UNKNOWN": _("There is no such KPI."),
        "CYCLE_UNKNOWN": _("There is no such cycle."),
        "PERSON_UNKNOWN": _("There is no such person."),
        "NOT_ALLOWED": _("This is not yours to do."),
        "TENANT_SUSPENDED": _(
            "This company is suspended, and nothing of it is lost. Ask whoever operates Nhip to resume it."
        ),
        "TENANT_DELETED": _("This company was deleted. No word that anybody in it wrote opens any more."),
        "ACTOR_UNKNOWN": _("You are not, or no longer, active in this company."),
        "UNIT_CLOSED": _("This unit is closed: choose another one."),
        "IDEMPOTENCY_KEY_REUSED": _(
            "This form was already sent with other content. Check what is recorded, then fill it in anew."
        ),
        "KPI_RETIRED": _("This KPI has ended."),
        "OUTSIDE_CYCLE": _("That day is not within the cycle."),
        "LINK_INVALID": _("An address begins with https://."),
        "DIGEST_INVALID": _("The digest of a file has 64 digits of 0-9 and a-f."),
        "NOTHING_CHANGED": _("The new target is the old one."),
        "KPI_TWICE": _("Name each KPI once."),
        "AUDITOR_NAMED": _("Auditors change nothing, so nobody counts on them for this: name somebody else."),
        "CYCLE_CLOSED": _("The cycle is closed: nothing of it changes unless an executive reopens it."),
        "TEMPORARILY_UNAVAILABLE": _(
            "This part of Nhịp is temporarily unavailable. Nothing was lost; please try again soon."
        ),
        "CONTENDED": _("Somebody else was faster. Please look at what is there now and try again."),
        "INTERNAL": _("A fault of ours. What was recorded before is safe; please try again."),
        "PAGE_TOKEN_UNKNOWN": _("This part of the list is not there any more: start at its beginning."),
        "PAGE_TOKEN_INVALID": _("This part of the list is not there any more: start at its beginning."),
        "KEY_LOST": _("The key for words about this person is lost. Ask whoever operates Nhip."),
        "KEYS_WENT_BACK": _(
            "Keys for people's words are missing. Until whoever operates Nhip has put that right, nobody new can be "
            "written about."
        ),
        "UNIT_UNKNOWN": _("There is no such unit."),
        "CHARACTER_REFUSED": _("There is a character in it that cannot be seen. Type it anew instead of pasting it."),
        "TOO_MANY_MARKS": _("There are too many marks on one letter."),
        "TOO_LONG": _("At most %(most)s characters."),
        "TOO_MANY_ITEMS": _("At most %(most)s of them."),
        "OUT_OF_RANGE": _("From %(least)s to %(most)s."),
        "TOO_SMALL": _("%(least)s or more."),
        "TOO_MANY_BYTES": _("At most %(most)s bytes."),
        "TOO_LARGE": _("%(most)s or less."),
        "NOT_ONE_OF": _("This is not one of the choices."),
        "ID_MALFORMED": _("An id has 1 to 64 of a-z, 0-9, -, _ and the point."),
        "TIME_ZONE_UNKNOWN": _("There is no such time zone."),
        "WORDS_NOT_PLAIN": _("Send the words as plain text."),
        "NOT_AN_INSTANT": _("This is not a moment: give day, time and time zone."),
        "FIELDS_INVALID": _("Some fields are not filled in correctly."),
        "MALFORMED_REQUEST": _("Some fields are not filled in correctly."),
        "REQUEST_UNREADABLE": _("What was sent cannot be read."),
        "LANGUAGE_UNKNOWN": _("There is no such language here."),
        "EFFECTIVE_IN_THE_PAST": _("Choose today or a later day."),
        "NOT_YOURS": _("You cannot see somebody else's points and gifts."),
        "NEWER_EVENT": _("Nhịp is being updated. Nothing was lost; please try again soon."),
        "REPLY_TOO_LARGE": _("That was too much at once. Please ask for less."),
        "CANCELLED": _(
            "This part of Nhịp did not answer in time. Please try again soon; sending the same form twice does no harm."
        ),
        "DEADLINE_EXCEEDED": _(
            "This part of Nhịp did not answer in time. Please try again soon; sending the same form twice does no harm."
        ),
        "TOKEN_EXPIRED": _("Your session has ended: please sign in again."),
        "TOKEN_INVALID": _("Your session does not hold: please sign in again."),
        "TOKEN_MISSING": _("Please sign in first."),
        "MISSING": _("This is needed."),
        "GROUP_UNKNOWN": _("There is no such group."),
        "NOT_A_NUMBER": _("This is not a number. Right would be 1,234.5 or 66.2."),
        "TOO_MANY_DIGITS": _("A number has at most 18 digits before the decimal mark and 6 behind it."),
        "NOT_A_DAY": _("This is not a day."),
    }
