"""Where a check-in, or a proposal, stands, as a colour, an icon and a word."""

from nhip.checkins.v1 import types_pb2 as t
from nhip.goals.v1 import types_pb2 as goal_types
from services.gateway.console.cards import StateMark
from services.gateway.console.language import Language


def check_in_mark(state: int, language: Language) -> StateMark:
    _ = language.gettext
    return {
        t.CHECK_IN_STATE_DRAFT: StateMark("new", "pencil-check", _("Draft")),
        t.CHECK_IN_STATE_SUBMITTED: StateMark("ontrack", "send", _("Sent")),
        t.CHECK_IN_STATE_ASKED_AGAIN: StateMark("behind", "arrow-back-up", _("Asked for again")),
        t.CHECK_IN_STATE_EVALUATED: StateMark("ontrack", "circle-check", _("Answered")),
        t.CHECK_IN_STATE_OVERDUE: StateMark("behind", "hourglass", _("Overdue")),
        t.CHECK_IN_STATE_AWAY: StateMark("new", "calendar", _("Away")),
    }.get(t.CheckInState.ValueType(state), StateMark("new", "circle-dashed", _("Not made yet")))


def proposal_mark(state: int, language: Language) -> StateMark:
    _ = language.gettext
    marks: dict[int, StateMark] = {
        goal_types.PROPOSAL_STATE_APPROVED: StateMark("ontrack", "check", _("Approved")),
        goal_types.PROPOSAL_STATE_DECLINED: StateMark("stale", "x", _("Declined")),
        goal_types.PROPOSAL_STATE_EXPIRED: StateMark("stale", "clock", _("Expired")),
        goal_types.PROPOSAL_STATE_WITHDRAWN: StateMark("stale", "arrow-back-up", _("Withdrawn")),
    }
    return marks.get(state, StateMark("behind", "clock", _("Waiting")))
