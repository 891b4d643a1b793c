"""Refusals of audit, by their reasons."""

from services.gateway.console.language import Language


def reasons(language: Language) -> dict[str, str]:
    _ = language.gettext
    return {
        "CONTEXT_UNKNOWN": _("There is no such part of Nhịp."),
        "KIND_MISSING": _("Say what kind of thing it is, too."),
        "FORMAT_UNKNOWN": _("Choose JSONL or CSV."),
    }
