"""What the things are called that events are about."""

from collections.abc import Sequence

from eventkit.contracts import event_contracts
from nhip.common.v1 import options_pb2
from services.gateway.console.language import Language


def subject_kinds() -> Sequence[str]:
    """The kinds of things that the contracts' events are about."""
    found: dict[str, None] = {}
    for contract in event_contracts():
        for message in contract.message_types_by_name.values():
            for field in message.fields:
                if kind := field.GetOptions().Extensions[options_pb2.subject]:
                    found[kind] = None
    return list(found)


def kind_word(kind: str, language: Language) -> str:
    _ = language.gettext
    return {
        "person": _("Person"),
        "position": _("Position"),
        "integration": _("Integration"),
        "unit": _("Unit"),
        "kpi": "KPI",
        "csf": "CSF",
        "goal": _("Strategic goal"),
        "cycle": _("Cycle"),
        "proposal": _("Proposal"),
        "value": _("Core value"),
        "praise": _("Praise"),
        "gift": _("Gift"),
        "redemption": _("Exchange for a gift"),
        "identity": _("Sign-in"),
        "retro": _("Retro"),
        "team_retro": _("Retro of a team"),
        "round": _("Time to look back"),
        "notice": _("Notice"),
        "check_in": _("Check-in"),
        "topic": _("Topic"),
        "action": _("Action"),
        "meeting": _("Meeting"),
        "way": _("Way forward"),
        "review": _("Review"),
        "planned_change": _("Planned change"),
        "mapping": _("Kept columns of a table"),
        "event": _("Event"),
        "tenant": _("Company"),
        "stream": _("Stream of events"),
    }.get(kind, kind)
