"""Events of other contexts of which nobody is told, each with why. A new event is told of, or it is said here."""

from collections.abc import Mapping

from google.protobuf.message import Message

from nhip.audit.v1.events_pb2 import LedgerRead
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from nhip.goals.v1.events_pb2 import (
    CsfChosen,
    CsfCorrected,
    CycleOpened,
    ProposalWithdrawn,
    StrategicGoalCorrected,
    StrategicGoalSet,
)
from nhip.people.v1.events_pb2 import (
    ChangePlanned,
    CompanyRenamed,
    EmailChanged,
    EmploymentChanged,
    ErasureCompleted,
    LanguageChanged,
    LegalHoldLifted,
    LegalHoldPlaced,
    LogoChanged,
    NameChanged,
    PersonRegistered,
    PlannedChangeMade,
    PlannedChangeWithdrawn,
    PositionAssigned,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    SettingsChanged,
    TableMappingKept,
    TenantCreated,
    TimeZoneChanged,
    TitleChanged,
    UnitClosed,
    UnitCreated,
    UnitMoved,
    UnitRenamed,
)
from nhip.rewards.v1.events_pb2 import (
    AllowanceExpired,
    AllowanceGranted,
    AllowanceSpent,
    CoreValueNamed,
    GiftOffered,
    GiftRedeemed,
    GiftReserved,
    GiftReturned,
    GiftStockChanged,
    GiftWithdrawn,
    PointsCorrected,
    PointsExpired,
    PointsReceived,
    PointsRedeemed,
    PointsRefunded,
)

_SET_UP = "it is set up for everybody, before anybody has something to do with it"
_SEEN = "whoever looks sees it, and nobody has something to do with it"
_BESIDE = "it stands in one append with what is told of"
_WALLET = "the wallet shows it to its owner, who did it or was told in advance when it ends"
_SHOP = "the shop shows it"

TELLS_NOBODY: Mapping[type[Message], str] = {
    LedgerRead: "the ledger itself shows who read it",
    ProgressRecorded: "who looks at the KPI sees it; that there was none for long is told by a timer",
    CycleOpened: _SET_UP,
    StrategicGoalSet: _SET_UP,
    CsfChosen: _SET_UP,
    StrategicGoalCorrected: _SET_UP,
    CsfCorrected: _SET_UP,
    CoreValueNamed: _SET_UP,
    TenantCreated: _SET_UP,
    UnitCreated: _SET_UP,
    PersonRegistered: _SET_UP,
    NameChanged: _SEEN,
    TitleChanged: _SEEN,
    EmploymentChanged: _SEEN,
    ChangePlanned: "who is to leave or to rise is not told before",
    PlannedChangeWithdrawn: "what was not told before needs no taking back",
    PlannedChangeMade: _BESIDE,
    UnitRenamed: _SEEN,
    CompanyRenamed: _SEEN,
    LogoChanged: _SEEN,
    PositionAssigned: _SEEN,
    PositionChanged: _SEEN,
    PositionClosed: _SEEN,
    PositionOpened: _SET_UP,
    TableMappingKept: "who brings in the next file is told of it there",
    LanguageChanged: _SEEN,
    TimeZoneChanged: _SEEN,
    SettingsChanged: "the page of the settings shows it to everybody, with who decided it and why to those who lead",
    UnitMoved: _SEEN,
    UnitClosed: "nobody is in it any more",
    ProposalWithdrawn: "who was asked finds it decided; who withdrew it knows",
    EmailChanged: "it was asked for by the person, or for them by an administrator",
    ErasureCompleted: "the person was told of the decision, and is nobody any more",
    LegalHoldPlaced: "a hold is a matter of those who may place and lift it",
    LegalHoldLifted: "a hold is a matter of those who may place and lift it",
    AllowanceGranted: _WALLET,
    AllowanceSpent: _BESIDE,
    AllowanceExpired: _WALLET,
    PointsReceived: _BESIDE,
    PointsRedeemed: _BESIDE,
    PointsRefunded: _BESIDE,
    PointsExpired: _WALLET,
    PointsCorrected: _WALLET,
    GiftRedeemed: "the counter lists what waits there",
    GiftOffered: _SHOP,
    GiftStockChanged: _SHOP,
    GiftWithdrawn: _SHOP,
    GiftReserved: _BESIDE,
    GiftReturned: _BESIDE,
}
