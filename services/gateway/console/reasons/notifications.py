"""Refusals of notifications, by their reasons."""

from services.gateway.console.language import Language


def reasons(language: Language) -> dict[str, str]:
    _ = language.gettext
    return {
        "NOTICE_UNKNOWN": _("There is no such notice."),
        "KIND_TWICE": _("Name each kind once."),
        "NOTICES_NAMED": _("Name notices, or say all of them."),
    }
