"""Refusals in the reader's language: by their stable reasons, which is what they are for."""

from eventkit.errors import Violation
from services.gateway.console.language import Language
from services.gateway.failures import Failure


def reasons(language: Language) -> dict[str, str]:
    _ = language.gettext
    return {
        "SERVICE_AWAY": _("A part of Nhip is away for the moment. Nothing was lost; please try again soon."),
        "SERVICE_SLOW": _("A part of Nhip did not answer in time. Please try again soon; sending the same form twice does no harm."),
        "MOMENT_UNREADABLE": _("That day cannot be read. Choose a day in the form of the calendar."),
        "PATH_UNKNOWN": _("There is no such page."),
        "KPI_UNKNOWN": _("There is no such KPI."),
        "PROPOSAL_UNKNOWN": _("There is no such proposal."),
        "CYCLE_UNKNOWN": _("There is no such cycle."),
        "PERSON_UNKNOWN": _("There is no such person."),
        "PERMISSION_DENIED": _("This is not yours to do."),
        "NOT_ALLOWED": _("This is not yours to do."),
        "FROM_ELSEWHERE": _("This request came from another site and was not carried out."),
        "PROPOSAL_STALE": _(
            "A target has changed since this was proposed, so it cannot be approved as it stands. A new proposal is needed."
        ),
        "NO_APPROVER": _("There is nobody who may decide on this: name a manager or an executive first."),
        "PROPOSAL_DECIDED": _("This proposal has been decided already."),
        "PROPOSAL_CLOSED": _("This proposal is no longer open."),
        "PROPOSAL_NOT_OPEN": _("This proposal is no longer open."),
        "NOT_THE_APPROVER": _("Somebody else decides on this proposal."),
        "OWN_PROPOSAL": _("Nobody approves their own proposal."),
        "NOT_THE_PROPOSER": _("Only who proposed it may withdraw it."),
        "PROPOSAL_EMPTY": _("Change at least one target or add a KPI."),
        "NOTHING_PROPOSED": _("Change at least one target or add a KPI."),
        "IDEMPOTENCY_KEY_REUSED": _("This form was already sent with other content. Check what is recorded, then fill it in anew."),
        "CONFLICT": _("Somebody else was faster. Please look at what is there now and try again."),
        "KPI_RETIRED": _("This KPI has ended."),
        "OUTSIDE_CYCLE": _("That day is not within the cycle."),
        "OCCURRED_OUTSIDE_CYCLE": _("That day is not within the cycle."),
        "IN_THE_FUTURE": _("That day is still to come."),
        "OCCURRED_IN_FUTURE": _("That day is still to come."),
        # the console's own
        "MISSING": _("This is needed."),
        "NOT_A_NUMBER": _("This is not a number."),
        "NOT_A_DAY": _("This is not a day."),
        "SHORT_NOT_CONFIRMED": _("The sum falls short: tick that you know, or decline."),
    }


def explain(failure: Failure, language: Language) -> str:
    """What a refusal says to a person; a reason without words in the catalogue is shown as the service put it."""
    known = reasons(language).get(failure.reason)
    if known is None and failure.status == "NOT_FOUND":
        known = reasons(language)["PATH_UNKNOWN"]
    if known is None and failure.status == "PERMISSION_DENIED":
        known = reasons(language)["PERMISSION_DENIED"]
    return known or failure.message


def at_fields(failure: Failure, language: Language) -> dict[str, str]:
    """What is wrong with each field, by its path in the request."""
    known = reasons(language)

    def said(violation: Violation) -> str:
        return known.get(violation.message) or known.get(failure.reason) or violation.message

    return {violation.field: said(violation) for violation in failure.violations}
