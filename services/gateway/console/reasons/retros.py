"""Refusals of retros, by their reasons."""

from services.gateway.console.language import Language


def reasons(language: Language) -> dict[str, str]:
    _ = language.gettext
    return {
        "RETRO_UNKNOWN": _("There is no such retro."),
        "TEAM_RETRO_UNKNOWN": _("There is no such retro."),
        "RETRO_MOVED": _("It was written in another window meanwhile. Copy what you typed, and load the page again."),
        "NO_MANAGER": _("You have no direct manager who could read it."),
        "CYCLE_NOT_BEGUN": _("It begins on %(day)s: there is nothing to look back at before."),
        "NOT_YOUR_TEAM": _(
            "A team's retro is opened by its head, by who stands above, or by who looks after the rhythm."
        ),
        "TEAM_RETRO_EXISTS": _("This team has a board for this cycle already."),
        "TEAM_SIZE": _("%(people)s people are in it; it takes %(least)s to %(most)s."),
        "CLOSES_AT": _("Give a moment that lies ahead, within %(most)s days."),
        "CARDS_OPEN": _("The time of writing is over: the cards lie open."),
        "CARDS_NOT_OPEN": _("This is done while the cards lie open."),
        "GROUP_OF_ONE": _("A group has two cards or more."),
        "NOT_FACILITATOR": _("Who leads through a retro writes down what the team tries."),
        "TRIALS_MISSING": _("Write down one or two things to try."),
        "NOT_YOUR_RETRO": _("A team's retro is for those who write on it and who leads through it."),
        "TRIALS_JUDGED": _("The team has said already what became of them."),
        "NO_VOTES_LEFT": _("You have given all your votes: take one back first."),
        "CARD_UNKNOWN": _("There is no such card."),
        "TRIAL_UNKNOWN": _("There is no such thing that the team tries."),
    }
