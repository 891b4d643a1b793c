"""What events and the things that they are about are called: by words where there are some, else as the log names
them."""

from collections.abc import Sequence

from google.protobuf.descriptor import FileDescriptor

from nhip.audit.v1 import events_pb2 as audit_events
from nhip.checkins.v1 import events_pb2 as checkins_events
from nhip.common.v1 import options_pb2
from nhip.goals.v1 import events_pb2 as goals_events
from nhip.goals.v1 import types_pb2
from nhip.notifications.v1 import events_pb2 as notifications_events
from nhip.people.v1 import events_pb2 as people_events
from nhip.rewards.v1 import events_pb2 as rewards_events
from services.gateway.console.language import Language

_CONTRACTS: Sequence[FileDescriptor] = (
    people_events.DESCRIPTOR,
    goals_events.DESCRIPTOR,
    checkins_events.DESCRIPTOR,
    rewards_events.DESCRIPTOR,
    notifications_events.DESCRIPTOR,
    audit_events.DESCRIPTOR,
)


def event_types() -> Sequence[str]:
    """The events that the contracts know, by the last part of their names."""
    return [
        name
        for contract in _CONTRACTS
        for name, message in contract.message_types_by_name.items()
        if message.GetOptions().Extensions[options_pb2.event]
    ]


def contexts() -> Sequence[str]:
    return [contract.package.split(".")[1] for contract in _CONTRACTS]


def subject_kinds() -> Sequence[str]:
    """The kinds of things that the contracts' events are about."""
    found: dict[str, None] = {}
    for contract in _CONTRACTS:
        for message in contract.message_types_by_name.values():
            for field in message.fields:
                if kind := field.GetOptions().Extensions[options_pb2.subject]:
                    found[kind] = None
    return list(found)


def kind_word(kind: str, language: Language) -> str:
    _ = language.gettext
    return {
        "person": _("Person"),
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
        "notice": _("Notice"),
        "event": _("Event"),
        "tenant": _("Company"),
    }.get(kind, kind)


def event_word(type: str, language: Language) -> str:
    """ "Target changed" for "nhip.goals.v1.KpiTargetRevised"."""
    name = type.rpartition(".")[2]
    _ = language.gettext
    return {
        "CycleOpened": _("Cycle opened"),
        "StrategicGoalSet": _("Strategic goal set"),
        "CsfChosen": _("Success factor chosen"),
        "TenantCreated": _("Company set up"),
        "UnitCreated": _("Unit set up"),
        "UnitHeadAppointed": _("Head appointed"),
        "PlaceAssigned": _("Place assigned"),
        "PersonRegistered": _("Person registered"),
        "EmailChanged": _("E-mail address changed"),
        "RolesChanged": _("Roles changed"),
        "PersonDeactivated": _("Person left"),
        "ErasureRequested": _("Erasure asked for"),
        "ErasureDeclined": _("Erasure declined"),
        "ErasureApproved": _("Erasure approved"),
        "ErasureCompleted": _("Erasure carried out"),
        "PersonErased": _("Person erased"),
        "LegalHoldPlaced": _("Legal hold placed"),
        "LegalHoldLifted": _("Legal hold lifted"),
        "CoreValueNamed": _("Core value named"),
        "PraiseGiven": _("Praise given"),
        "AllowanceGranted": _("Points to give granted"),
        "AllowanceSpent": _("Points given"),
        "AllowanceExpired": _("Points to give expired"),
        "PointsReceived": _("Points received"),
        "PointsRedeemed": _("Points exchanged"),
        "PointsRefunded": _("Points came back"),
        "PointsExpired": _("Points expired"),
        "PointsCorrected": _("Points set right"),
        "GiftOffered": _("Gift offered"),
        "GiftStockChanged": _("Stock changed"),
        "GiftReserved": _("Gift set aside"),
        "GiftReturned": _("Gift back in stock"),
        "GiftWithdrawn": _("Gift withdrawn"),
        "GiftRedeemed": _("Gift exchanged for points"),
        "GiftHandedOver": _("Gift handed over"),
        "RedemptionRefunded": _("Exchange undone"),
        "PeopleTold": _("People notified"),
        "NoticesClosed": _("Notices closed"),
        "NoticesRead": _("Notices read"),
        "NoticeGiven": _("Notice given"),
        "NoticeRead": _("Notice read"),
        "NoticeMailed": _("E-mail sent"),
        "NoticeNotMailed": _("E-mail not sent"),
        "PreferencesChanged": _("Notice settings changed"),
        "LedgerRead": _("Ledger read"),
    }.get(name) or headline(name, language)


def headline(what: str, language: Language) -> str:
    """What happened, in words; an event without words of its own is named as the log names it."""
    _ = language.gettext
    return {
        "KpiDefined": _("KPI set"),
        "KpiTargetRevised": _("Target changed"),
        "KpiRetired": _("KPI ended"),
        "KpiAligned": _("Aligned"),
        "KpiTakenOff": _("Taken off the map"),
        "ProgressRecorded": _("Progress recorded"),
        "ChangeProposed": _("Change proposed"),
        "ProposalApproved": _("Proposal approved"),
        "ProposalDeclined": _("Proposal declined"),
        "ProposalWithdrawn": _("Proposal withdrawn"),
    }.get(what, what)


def reason_class_word(reason_class: int, language: Language) -> str:
    _ = language.gettext
    words: dict[int, str] = {
        types_pb2.REASON_CLASS_STRATEGY_CHANGED: _("Strategy changed"),
        types_pb2.REASON_CLASS_CONTEXT_CHANGED: _("Context changed"),
        types_pb2.REASON_CLASS_BOTTOM_UP: _("Bottom-up proposal"),
        types_pb2.REASON_CLASS_CORRECTION: _("Correction"),
    }
    return words.get(reason_class, "")
