"""What events, the things that they are about and the choices in them are called. One row for each type of event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eventkit import contracts
from eventkit.contracts import event_contracts
from nhip.common.v1 import options_pb2
from nhip.goals.v1 import types_pb2
from services.gateway.console.language import Language
from services.gateway.console.setting_words import setting_name


def event_types() -> Sequence[str]:
    """The events that the contracts know, by the last part of their names."""
    return [type.rpartition(".")[2] for type in contracts.event_types()]


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
        "retro": _("Retro"),
        "team_retro": _("Retro of a team"),
        "round": _("Time to look back"),
        "notice": _("Notice"),
        "check_in": _("Check-in"),
        "topic": _("Topic"),
        "planned_change": _("Planned change"),
        "mapping": _("Kept columns of a table"),
        "event": _("Event"),
        "tenant": _("Company"),
        "stream": _("Stream of events"),
    }.get(kind, kind)


@dataclass(frozen=True, slots=True)
class EventRow:
    """What the console says of one type of event. How its values are shown is in replies: each says its kind."""

    words: str
    icon: str = "history"
    changes_map: bool = False
    """The map before it and the map after it differ."""


def event_rows(language: Language) -> Mapping[str, EventRow]:
    """Every type of event, by the last part of its name."""
    _ = language.gettext
    return {
        "KpiDefined": EventRow(_("KPI set"), "flag", changes_map=True),
        "KpiTargetRevised": EventRow(_("Target changed"), "adjustments", changes_map=True),
        "KpiChanged": EventRow(_("KPI changed"), "adjustments", changes_map=True),
        "KpiRetired": EventRow(_("KPI ended"), "archive", changes_map=True),
        "KpiAligned": EventRow(_("Aligned"), "git-branch", changes_map=True),
        "KpiTakenOff": EventRow(_("Taken off the map"), "archive", changes_map=True),
        "ProgressRecorded": EventRow(_("Progress recorded"), "pencil-check"),
        "ProgressCorrected": EventRow(_("Value put right"), "pencil-check"),
        "ProgressRetracted": EventRow(_("Value taken back"), "arrow-back-up"),
        "DelegateNamed": EventRow(_("Somebody named to record for others"), "user-check"),
        "DelegateRevoked": EventRow(_("Recording for others ended"), "user-off"),
        "CadenceSet": EventRow(_("Rhythm of check-ins set"), "calendar"),
        "CadenceEnded": EventRow(_("Rhythm of check-ins ended"), "calendar"),
        "HolidayNamed": EventRow(_("Holiday named"), "calendar"),
        "HolidayRemoved": EventRow(_("Holiday removed"), "calendar"),
        "AbsenceNoted": EventRow(_("Absence noted"), "calendar"),
        "AbsenceWithdrawn": EventRow(_("Absence taken back"), "calendar"),
        "CheckInsFellDue": EventRow(_("Check-ins fell due"), "clock"),
        "CheckInDrafted": EventRow(_("Check-in drafted"), "pencil-check"),
        "CheckInSubmitted": EventRow(_("Checked in"), "send"),
        "CheckInEvaluated": EventRow(_("Check-in answered"), "message-circle"),
        "CheckInAskedAgain": EventRow(_("Check-in asked for again"), "message-circle"),
        "TopicRaised": EventRow(_("Topic raised"), "message-circle"),
        "TopicForwarded": EventRow(_("Topic forwarded"), "message-circle"),
        "TopicAnswered": EventRow(_("Topic answered"), "message-circle"),
        "TopicClosed": EventRow(_("Topic closed"), "check"),
        "TopicReopened": EventRow(_("Topic reopened"), "message-circle"),
        "TopicLeftUnanswered": EventRow(_("Topic still without an answer"), "clock"),
        "ChangeProposed": EventRow(_("Change proposed"), "arrows-exchange"),
        "ProposalApproved": EventRow(_("Proposal approved"), "check"),
        "ProposalDeclined": EventRow(_("Proposal declined"), "x"),
        "ProposalCommented": EventRow(_("Words about a proposal"), "message-circle"),
        "ProposalRebased": EventRow(_("Proposal put on what stands now"), "arrows-exchange"),
        "ProposalExpired": EventRow(_("Proposal expired"), "clock"),
        "ApprovalGiven": EventRow(_("Approved, waits for those who are invited"), "check"),
        "InvitationAccepted": EventRow(_("Invitation accepted"), "check"),
        "InvitationDeclined": EventRow(_("Invitation declined"), "x"),
        "ProposalWithdrawn": EventRow(_("Proposal withdrawn"), "arrow-back-up"),
        "KpiFollowedUp": EventRow(_("Decided for the next cycle")),
        "CycleOpened": EventRow(_("Cycle opened")),
        "CycleCorrected": EventRow(_("Cycle corrected")),
        "CycleWithdrawn": EventRow(_("Cycle withdrawn")),
        "CycleStarted": EventRow(_("Cycle started")),
        "CycleClosingBegun": EventRow(_("Closing of the cycle begun")),
        "CycleClosed": EventRow(_("Cycle closed")),
        "CycleReopened": EventRow(_("Cycle reopened")),
        "InnerCycleOpened": EventRow(_("Cycle opened within it")),
        "InnerCycleWithdrawn": EventRow(_("Cycle within it withdrawn")),
        "CycleFactsCompleted": EventRow(_("Values of the cycle complete")),
        "CycleFactsReopened": EventRow(_("Values of the cycle taken again")),
        "StrategicGoalSet": EventRow(_("Strategic goal set")),
        "GoalValueRecorded": EventRow(_("Value of a strategic goal recorded"), "pencil-check"),
        "GoalComputationChosen": EventRow(_("Computation of a strategic goal chosen")),
        "CsfChosen": EventRow(_("Success factor chosen")),
        "StrategicGoalCorrected": EventRow(_("Strategic goal corrected")),
        "CsfCorrected": EventRow(_("Success factor corrected")),
        "StrategicGoalWithdrawn": EventRow(_("Strategic goal withdrawn"), "arrow-back-up", changes_map=True),
        "CsfWithdrawn": EventRow(_("Success factor withdrawn"), "arrow-back-up", changes_map=True),
        "UnitWithdrawn": EventRow(_("Unit withdrawn"), "arrow-back-up"),
        "PersonWithdrawn": EventRow(_("Registration withdrawn"), "arrow-back-up"),
        "TenantCreated": EventRow(_("Company set up")),
        "CompanyRenamed": EventRow(_("Company renamed")),
        "TimeZoneChanged": EventRow(_("Time zone changed")),
        "LanguageChanged": EventRow(_("Language of the company changed")),
        "LogoChanged": EventRow(_("Logo changed")),
        "PositionOpened": EventRow(_("Position opened")),
        "PositionChanged": EventRow(_("Position changed")),
        "PositionClosed": EventRow(_("Position closed")),
        "PositionAssigned": EventRow(_("Position assigned")),
        "IntegrationMade": EventRow(_("Integration made"), "plug"),
        "IntegrationChanged": EventRow(_("Integration changed"), "plug"),
        "IntegrationKeyRotated": EventRow(_("Key of an integration replaced"), "key"),
        "IntegrationOldKeyStopped": EventRow(_("Old key of an integration stopped"), "key"),
        "IntegrationRevoked": EventRow(_("Integration revoked"), "plug-off"),
        "TableMappingKept": EventRow(_("Columns of a table kept")),
        "SettingsChanged": EventRow(_("Settings changed"), "adjustments"),
        "UnitCreated": EventRow(_("Unit set up")),
        "UnitRenamed": EventRow(_("Unit renamed")),
        "UnitMoved": EventRow(_("Unit moved")),
        "UnitClosed": EventRow(_("Unit closed"), "archive"),
        "UnitHeadAppointed": EventRow(_("Head appointed")),
        "PlaceAssigned": EventRow(_("Place assigned")),
        "PersonRegistered": EventRow(_("Person registered")),
        "EmailChanged": EventRow(_("E-mail address changed")),
        "RolesChanged": EventRow(_("Roles changed")),
        "NameChanged": EventRow(_("Name changed")),
        "ChangePlanned": EventRow(_("Change planned")),
        "PlannedChangeWithdrawn": EventRow(_("Planned change withdrawn")),
        "PlannedChangeMade": EventRow(_("Planned change carried out")),
        "PlannedChangeRefused": EventRow(_("Planned change refused")),
        "EmploymentChanged": EventRow(_("Employee code and join date changed")),
        "TitleChanged": EventRow(_("Title changed")),
        "PersonDeactivated": EventRow(_("Person left")),
        "PersonReactivated": EventRow(_("Person came back")),
        "ErasureRequested": EventRow(_("Erasure asked for")),
        "ErasureDeclined": EventRow(_("Erasure declined")),
        "ErasureApproved": EventRow(_("Erasure approved")),
        "ErasureCompleted": EventRow(_("Erasure carried out")),
        "PersonErased": EventRow(_("Person erased")),
        "LegalHoldPlaced": EventRow(_("Legal hold placed")),
        "LegalHoldLifted": EventRow(_("Legal hold lifted")),
        "CoreValueNamed": EventRow(_("Core value named")),
        "RoundBegun": EventRow(_("Time to look back began"), "star"),
        "StarfishWritten": EventRow(_("Retro written"), "star"),
        "RetroShared": EventRow(_("Retro shared with the manager"), "eye"),
        "RetroUnshared": EventRow(_("Retro no longer shared"), "eye-off"),
        "TeamRetroOpened": EventRow(_("Retro of a team opened"), "cards"),
        "CardsWritten": EventRow(_("Cards written for a team's retro"), "cards"),
        "CardsRevealed": EventRow(_("Cards of a team lie open"), "cards"),
        "TeamRetroLapsed": EventRow(_("Too few wrote for a team's retro"), "cards"),
        "CardsGrouped": EventRow(_("Cards laid together"), "cards"),
        "VotesCast": EventRow(_("Votes cast in a team's retro"), "cards"),
        "TrialsChosen": EventRow(_("What a team tries"), "bulb"),
        "TrialJudged": EventRow(_("What became of something tried"), "bulb"),
        "PraiseGiven": EventRow(_("Praise given")),
        "AllowanceGranted": EventRow(_("Points to give granted")),
        "AllowanceSpent": EventRow(_("Points given")),
        "AllowanceExpired": EventRow(_("Points to give expired")),
        "PointsReceived": EventRow(_("Points received")),
        "PointsRedeemed": EventRow(_("Points exchanged")),
        "PointsRefunded": EventRow(_("Points came back")),
        "PointsExpired": EventRow(_("Points expired")),
        "PointsCorrected": EventRow(_("Points set right")),
        "GiftOffered": EventRow(_("Gift offered")),
        "GiftStockChanged": EventRow(_("Stock changed")),
        "GiftReserved": EventRow(_("Gift set aside")),
        "GiftReturned": EventRow(_("Gift back in stock")),
        "GiftWithdrawn": EventRow(_("Gift withdrawn")),
        "GiftRedeemed": EventRow(_("Gift exchanged for points")),
        "GiftHandedOver": EventRow(_("Gift handed over")),
        "RedemptionRefunded": EventRow(_("Exchange undone")),
        "PeopleTold": EventRow(_("People notified")),
        "NoticesClosed": EventRow(_("Notices closed")),
        "NoticesRead": EventRow(_("Notices read")),
        "NoticeGiven": EventRow(_("Notice given")),
        "NoticeRead": EventRow(_("Notice read")),
        "NoticeMailed": EventRow(_("E-mail sent")),
        "NoticeNotMailed": EventRow(_("E-mail not sent")),
        "PreferencesChanged": EventRow(_("Notice settings changed")),
        "LedgerRead": EventRow(_("Ledger read")),
        "ParkedStreamRetried": EventRow(_("Parked events handled again")),
        "ParkedEventDiscarded": EventRow(_("Parked event given up")),
    }


def event_row(type: str, language: Language) -> EventRow:
    """The row of an event, by its whole name or the last part of it; what a newer contract has is named as there."""
    name = type.rpartition(".")[2]
    return event_rows(language).get(name, EventRow(name))


def choice_words(language: Language) -> Mapping[str, str]:
    """What the values of enums in events are called, by their names in the contracts."""
    _ = language.gettext
    return {
        "ROLE_EMPLOYEE": _("Employee"),
        "ROLE_EXECUTIVE": _("Executive"),
        "ROLE_OKR_MASTER": _("OKR master"),
        "ROLE_AUDITOR": _("Auditor"),
        "ROLE_ADMIN": _("Administrator"),
        "INTEGRATION_VERB_READ": _("Read KPIs"),
        "INTEGRATION_VERB_RECORD": _("Record values"),
        "LEVEL_COMPANY": _("Company"),
        "LEVEL_DEPARTMENT": _("Department"),
        "LEVEL_INDIVIDUAL": _("Individual"),
        "PERIOD_WEEK": _("every week"),
        "PERIOD_MONTH": _("every month"),
        "PERIOD_QUARTER": _("every quarter"),
        "PERIOD_YEAR": _("every year"),
        "MEASURE_KIND_CUMULATIVE": _("adds up over the cycle"),
        "MEASURE_KIND_LEVEL": _("a level"),
        "MEASURE_KIND_MILESTONE": _("done or not"),
        "DIRECTION_INCREASE": _("higher is better"),
        "DIRECTION_DECREASE": _("lower is better"),
        "DIRECTION_KEEP": _("within a band"),
        "REASON_CLASS_STRATEGY_CHANGED": _("Strategy changed"),
        "REASON_CLASS_CONTEXT_CHANGED": _("Context changed"),
        "FOLLOW_UP_KEEP": _("Keep"),
        "FOLLOW_UP_ADJUST": _("Adjust"),
        "FOLLOW_UP_STOP": _("Stop"),
        "REASON_CLASS_BOTTOM_UP": _("Bottom-up proposal"),
        "REASON_CLASS_CORRECTION": _("Correction"),
        "COMPUTATION_KIND_SUM": _("the sum of these"),
        "COMPUTATION_KIND_WEIGHTED_RATE": _("these rates, weighted by their volumes"),
        "COMPUTATION_KIND_SHARE": _("the share of A in B, in per cent"),
        "COMPUTATION_KIND_RATIO": _("A divided by B"),
        "COMPUTATION_KIND_RETURN": _("the return on B: by how much A is more, in per cent"),
        "COMPUTATION_KIND_GROWTH": _("the growth of A against the same day of B, of an earlier cycle"),
        "COMPUTATION_KIND_FORMULA": _("a formula"),
        "COMPUTATION_KIND_SUM_OF_CYCLES": _("the sum of those whose cycles have begun"),
        "CORRECTION_REASON_MISTYPED": _("Mistyped"),
        "CORRECTION_REASON_SOURCE_CHANGED": _("The source changed"),
        "CORRECTION_REASON_COUNTED_WRONGLY": _("Counted wrongly"),
        "WEEKDAY_MONDAY": _("Monday"),
        "WEEKDAY_TUESDAY": _("Tuesday"),
        "WEEKDAY_WEDNESDAY": _("Wednesday"),
        "WEEKDAY_THURSDAY": _("Thursday"),
        "WEEKDAY_FRIDAY": _("Friday"),
        "WEEKDAY_SATURDAY": _("Saturday"),
        "WEEKDAY_SUNDAY": _("Sunday"),
        "SLOT_STAGE_SOON": _("due tomorrow"),
        "SLOT_STAGE_DUE": _("due today"),
        "SLOT_STAGE_OVERDUE": _("overdue"),
        "VISIBILITY_PUBLIC": _("everybody sees it"),
        "VISIBILITY_PRIVATE": _("only giver and receiver see it"),
        "NOTICE_KIND_KPI_CHANGED": _("A KPI that concerns me changed"),
        "NOTICE_KIND_PROPOSAL_WAITING": _("A proposal waits for my decision"),
        "NOTICE_KIND_PROPOSAL_DECIDED": _("My proposal was decided"),
        "NOTICE_KIND_PRAISE_RECEIVED": _("I was praised"),
        "NOTICE_KIND_PROGRESS_STALE": _("One of my KPIs is overdue"),
        "NOTICE_KIND_GIFT": _("My gift was handed over or came back"),
        "NOTICE_KIND_ERASURE_WAITING": _("A request to delete personal data waits for me"),
        "NOTICE_KIND_ERASURE_DECIDED": _("A request of mine to delete personal data was decided"),
        "NOTICE_KIND_STANDS_IN": _("I answer in the place of somebody who left"),
        "NOTICE_KIND_PLAN_REFUSED": _("A change that I planned was refused on its day"),
        "NOTICE_KIND_PROGRESS_CORRECTED": _("A value that concerns me was put right"),
        "CHANGE_KIND_VALUE_CORRECTED": _("Value put right"),
        "CHANGE_KIND_VALUE_RETRACTED": _("Value taken back"),
        "RELATION_DECIDER": _("yours to decide"),
        "NOTICE_KIND_INVITED": _("I am invited to answer for a KPI"),
        "NOTICE_KIND_INVITATION_ACCEPTED": _("Whom I invited said yes"),
        "NOTICE_KIND_PROPOSAL_COMMENTED": _("Somebody wrote about a proposal of mine, or answered me"),
        "NOTICE_KIND_PROPOSAL_EXPIRED": _("A proposal of mine expired"),
        "NOTICE_KIND_CHECK_IN_DUE": _("My check-in is due"),
        "NOTICE_KIND_CHECK_IN_SUBMITTED": _("Somebody whom I lead checked in"),
        "NOTICE_KIND_CHECK_IN_ANSWERED": _("My check-in was answered"),
        "NOTICE_KIND_TOPIC_ASKED": _("I am asked about a topic"),
        "NOTICE_KIND_TOPIC_ANSWERED": _("A topic of mine was answered"),
        "NOTICE_KIND_TOPIC_UNANSWERED": _("A topic has waited long for my answer"),
        "NOTICE_KIND_RETRO_BEGUN": _("It is time to look back"),
        "NOTICE_KIND_TEAM_RETRO_OPENED": _("My team's retro was opened"),
        "NOTICE_KIND_CARDS_REVEALED": _("The cards of my team's retro lie open"),
        "NOTICE_KIND_RETRO_SHARED": _("Somebody lets me read their retro"),
        "COLUMN_LIKED": _("Liked"),
        "COLUMN_LEARNED": _("Learned"),
        "COLUMN_LACKED": _("Lacked"),
        "COLUMN_LONGED_FOR": _("Longed for"),
        "VERDICT_KEPT": _("It has become a habit"),
        "VERDICT_DROPPED": _("We let it go"),
        "INVITATION_KIND_CO_OWNERSHIP": _("to answer for it together"),
        "INVITATION_KIND_TAKING_OVER": _("to take it over"),
        "INVITATION_KIND_COLLABORATION": _("to work along with a KPI of their own"),
        "CHANGE_KIND_HANDED_OVER": _("Handed over to me"),
        "CHANGE_KIND_DEFINED": _("KPI set"),
        "CHANGE_KIND_TARGET_REVISED": _("Target changed"),
        "CHANGE_KIND_SAID": _("KPI changed"),
        "CHANGE_KIND_ALIGNED": _("Aligned"),
        "CHANGE_KIND_RETIRED": _("KPI ended"),
        "RELATION_OWNER": _("yours"),
        "RELATION_OWNER_ABOVE": _("serves yours"),
        "RELATION_OWNER_BELOW": _("yours serves it"),
        "NOT_MAILED_REASON_NO_ADDRESS": _("no e-mail address is known"),
        "NOT_MAILED_REASON_READ": _("read already"),
        "NOT_MAILED_REASON_INACTIVE": _("no longer active"),
        "NOT_MAILED_REASON_REFUSED": _("the mail server refused it"),
        "NOT_MAILED_REASON_DECIDED": _("decided already"),
        "EMAIL_MODE_OFF": _("no e-mail"),
        "EMAIL_MODE_AT_ONCE": _("e-mail at once"),
        "EMAIL_MODE_DIGEST": _("in the daily digest"),
        "READING_KIND_SEARCH": _("searched"),
        "READING_KIND_HISTORY": _("read one thing's history"),
        "READING_KIND_EXPORT": _("downloaded"),
        "EXPORT_FORMAT_JSONL": "JSONL",
        "EXPORT_FORMAT_CSV": "CSV",
    }


def field_word(name: str, language: Language) -> str:
    """What a field that changed is called, by its name in the contract."""
    _ = language.gettext
    return {
        "csf_id": "CSF",
        "goal_id": _("Strategic goal"),
        "kpi_id": "KPI",
        "manager_id": _("Manager"),
        "unit_id": _("Unit"),
        "quiet_from": _("Quiet from"),
        "quiet_to": _("Quiet to"),
        "digest_at": _("Daily digest at"),
        "time_zone": _("Time zone"),
        "language": _("Language"),
        "floor": _("Floor"),
        "stretch": _("Stretch"),
        "baseline": _("Start"),
        "name": _("Name"),
        "statement": _("The whole sentence"),
        "weight": _("Weight"),
        "owners": _("Who answers for it"),
        "helpers": _("Who helps"),
        "evaluator_id": _("Who judges it"),
        "unit": _("Measured in"),
    }.get(name) or setting_name(name, language)


def choice_word(name: str, language: Language) -> str:
    """ "Administrator" for "ROLE_ADMIN"; what a newer contract has is named as there."""
    return choice_words(language).get(name, name)


def reason_class_word(reason_class: int | str, language: Language) -> str:
    """The words of a class of reasons, by its number or its name; empty for none."""
    if isinstance(reason_class, int):
        known = types_pb2.ReasonClass.DESCRIPTOR.values_by_number.get(reason_class)
        reason_class = known.name if known else ""
    of_reasons = reason_class.startswith(("REASON_CLASS_", "CORRECTION_REASON_"))
    return choice_words(language).get(reason_class, "") if of_reasons else ""
