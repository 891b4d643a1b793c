"""Refusals of the gateway and of the console's own forms, by their reasons."""

from services.gateway.console.language import Language


def reasons(language: Language) -> dict[str, str]:
    _ = language.gettext
    return {
        "SESSION_RENEWED": _("You have signed in again. Nothing was sent yet: look at what you wrote, and send it."),
        "SERVICE_AWAY": _("This part of Nhịp is temporarily unavailable. Nothing was lost; please try again soon."),
        "SERVICE_SLOW": _(
            "This part of Nhịp did not answer in time. Please try again soon; sending the same form twice does no harm."
        ),
        "BODY_TOO_LARGE": _("That was too much at once. Please shorten it."),
        "BODY_SLOW": _("What you sent did not come in. Please send it again."),
        "SHUTTING_DOWN": _("Nhip is being restarted. Nothing was lost; please try again soon."),
        "LOOPBACK_ONLY": _("This demo answers its own machine only, at the address that it told when it was started."),
        "MOMENT_UNREADABLE": _("That day cannot be read. Choose a day in the form of the calendar."),
        "EACH_IS_INDIVIDUAL": _("Only an individual's KPI is given to each of many people: choose that level."),
        "EACH_NOBODY": _("Nobody is in that unit."),
        "EACH_TOO_MANY": _("At most %(most)s people at once: choose units one after the other."),
        "PATH_UNKNOWN": _("There is no such page."),
        "FROM_ELSEWHERE": _("This request came from another site and was not carried out."),
        "NOTHING_CHOSEN": _("Choose for at least one KPI."),
        "METHOD_NOT_ALLOWED": _("This cannot be asked of this page."),
        "SERVICE_UNKNOWN": _("There is no such part of Nhịp."),
        "SIGN_IN_REFUSED": _("The sign-in did not come to its end. Try it once more."),
        "PROVIDER_AWAY": _("Your organisation's sign-in does not answer just now. Try it again in a moment."),
        "NOT_A_YEAR": _("This is no year: write four digits."),
        "NOT_A_COUNT": _("This is not a whole number that can be meant here."),
        "NOT_AN_HOUR": _("An hour is from 0 to 23."),
        "NOT_CONFIRMED": _("Tick that you have understood it."),
        "NAME_DIFFERS": _("Type the person's name exactly as it is shown."),
        "SHORT_NOT_CONFIRMED": _("It does not add up: tick that you know, or decline."),
    }
