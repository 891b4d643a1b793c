"""Company X behind real gRPC, in memory: for developing the console's pages without the services.

It checks nothing and keeps nothing.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.type import decimal_pb2

from eventkit.errors import Kind, Rejected, unknown
from eventkit.names import finds, plain_letters, searchable, sought
from eventkit.rpc import errors as rpc_errors
from eventkit.rpc.access import Allow, may
from eventkit.rpc.rules import violations
from nhip.common.v1 import command_pb2, operations_pb2, time_pb2, words_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from nhip.notifications.v1 import types_pb2 as notice_types_pb2
from nhip.people.v1 import people_pb2
from nhip.people.v1 import types_pb2 as people_types_pb2
from services.audit import api as audit_api
from services.checkins import api as checkins_api
from services.checkins import cadence_api, calendar_feeds_api, check_ins_api, meetings_api, reviews_api, topics_api
from services.gateway.upstream import OPERATIONS, SERVICES
from services.goals import api as goals_api
from services.goals.domain import wording
from services.goals.domain.forecast import forecast
from services.goals.domain.standing import Scale
from services.notifications import api as notifications_api
from services.people import api as people_api
from services.people import identity_api, sync_api
from services.retros import api as retros_api
from services.rewards import api as rewards_api
from tests.browser.company_x_check_ins import CheckInsX
from tests.browser.company_x_cycles import CYCLES, CyclesX, cycle
from tests.browser.company_x_people import PeopleX
from tests.browser.company_x_proposals import ProposalsX
from tests.browser.company_x_records import ErasuresX, LedgerX, NoticesX
from tests.browser.company_x_retros import RetrosX
from tests.browser.company_x_rewards import RewardsX
from tests.browser.company_x_settings import SettingsX
from tests.browser.company_x_talks import TalksX
from tests.browser.company_x_values import ValuesX
from tests.browser.folding import folded
from tests.browser.messages import NOW
from tests.browser.messages import day as _date
from tests.browser.messages import words as _words

TODAY = date(2025, 3, 20)
STARTS, ENDS = date(2025, 1, 1), date(2025, 3, 31)
CHECKINS = [date(2025, 1, 9) + timedelta(days=14 * n) for n in range(6)]
COLLABORATION, CO_OWNED, LOWERED = date(2025, 2, 11), date(2025, 2, 25), date(2025, 3, 12)
CUMULATIVE, LEVEL, MILESTONE = (
    types_pb2.MEASURE_KIND_CUMULATIVE,
    types_pb2.MEASURE_KIND_LEVEL,
    types_pb2.MEASURE_KIND_MILESTONE,
)

PEOPLE = {
    "nam": ("Nam", "CEO", "", ""),
    "quang": ("Quang", "Giám đốc Vận hành", "", "nam"),
    "phuc": ("Phúc", "Giám đốc Kinh doanh", "sales", "nam"),
    "lan": ("Lan", "Trưởng phòng CSKH", "cskh", "nam"),
    "minh": ("Minh", "Senior Sales", "sales", "phuc"),
    "tram": ("Trâm", "Junior Sales", "sales", "phuc"),
    "thao": ("Thảo", "CSKH onboarding", "cskh", "lan"),
    "tien": ("Tiến", "CSKH", "cskh", "lan"),
    "huong": ("Hương", "Quản trị hệ thống", "", "quang"),
    "khanh": ("Khánh", "Kiểm toán nội bộ", "", "nam"),
    "hai": ("Hải", "Sales", "sales", "phuc"),  # erased
}
ROLES = {
    "nam": people_types_pb2.ROLE_EXECUTIVE,
    "quang": people_types_pb2.ROLE_OKR_MASTER,
    "huong": people_types_pb2.ROLE_ADMIN,
    "khanh": people_types_pb2.ROLE_AUDITOR,
}
UNITS = {"sales": "Sales", "cskh": "CSKH"}


@dataclass
class Goal:
    """One KPI of the example: what the pages need of it."""

    id: str
    name: str
    level: int
    parent: tuple[str, str] | None
    owners: tuple[str, ...]
    unit_id: str
    kind: int
    target: Decimal
    values: list[tuple[date, Decimal, int]]
    unit: str = ""
    weight: int = 0
    baseline: Decimal | None = None
    why: str = ""
    since: date = date(2025, 1, 2)
    targets: list[tuple[date, Decimal]] = field(default_factory=list)
    statement: str = ""


def _values(
    last: str, confidences: str, kind: int, start: str = "0", until: int = 6
) -> list[tuple[date, Decimal, int]]:
    steps, final, first = CHECKINS[:until], Decimal(last), Decimal(start)
    shape = [Decimal(n) for n in ("0.07", "0.2", "0.41", "0.61", "0.84", "1")][:until]
    shape[-1] = Decimal(1)
    found = [
        (day, first + (final - first) * share, int(c))
        for day, share, c in zip(steps, shape, confidences.split(), strict=False)
    ]
    return [
        (day, value.quantize(Decimal(1) if kind == CUMULATIVE else Decimal("0.1")).normalize() + 0, c)
        for day, value, c in found
    ]


def company() -> list[Goal]:
    d, co, dep, ind = Decimal, types_pb2.LEVEL_COMPANY, types_pb2.LEVEL_DEPARTMENT, types_pb2.LEVEL_INDIVIDUAL
    c, lv, ms = CUMULATIVE, LEVEL, MILESTONE
    return [
        Goal(
            "k1",
            "Đăng ký dùng thử",
            co,
            ("csf_id", "csf1"),
            ("nam",),
            "",
            c,
            d(55),
            _values("45", "7 7 6 6 6 7", c),
            "lượt",
            45,
            why="Khách phù hợp dùng thử là cửa vào của mọi hợp đồng.",
            targets=[(STARTS, d(70)), (LOWERED, d(55))],
            statement="Đạt ít nhất 55 lượt đăng ký dùng thử từ nhóm doanh nghiệp dịch vụ trong quý 1/2025",
        ),
        Goal(
            "k2",
            "Dùng thử → trả phí",
            co,
            ("csf_id", "csf2"),
            ("nam",),
            "",
            lv,
            d(18),
            _values("15.6", "6 6 5 5 5 6", lv, "12"),
            "%",
            55,
            d(12),
        ),
        Goal(
            "d1",
            "Demo sản phẩm",
            dep,
            ("kpi_id", "k1"),
            ("phuc",),
            "sales",
            c,
            d(80),
            _values("68", "7 7 6 5 6 7", c),
            "demo",
            40,
            why="Demo đúng khách là cửa vào của mọi lượt dùng thử.",
            targets=[(STARTS, d(100)), (LOWERED, d(80))],
        ),
        Goal(
            "d2",
            "Demo → dùng thử",
            dep,
            ("kpi_id", "k1"),
            ("phuc",),
            "sales",
            lv,
            d(70),
            _values("66.2", "6 6 6 6 6 6", lv, "60"),
            "%",
            35,
        ),
        Goal(
            "d3",
            "Tư vấn sớm",
            dep,
            ("kpi_id", "k2"),
            ("phuc",),
            "sales",
            lv,
            d(100),
            _values("93", "6 6 6 6 6 6", lv, "80"),
            "%",
            25,
        ),
        Goal(
            "d4",
            "Hoàn tất checklist",
            dep,
            ("kpi_id", "k2"),
            (),
            "cskh",
            lv,
            d(85),
            _values("80", "6 6 6 6 6 6", lv, "70"),
            "%",
            100,
        ),
        Goal(
            "i1",
            "Demo · khách mới",
            ind,
            ("kpi_id", "d1"),
            ("minh",),
            "sales",
            c,
            d(50),
            _values("44", "7 6 4 3 3 7", c),
            "demo",
            25,
            why="Năm mươi trong tám mươi buổi của phòng đến từ khách mới.",
            targets=[(STARTS, d(80)), (LOWERED, d(50))],
            statement="Thực hiện ít nhất 50 buổi demo với khách hàng mới thuộc nhóm doanh nghiệp dịch vụ trong quý 1",
        ),
        Goal(
            "i2",
            "Demo · khách cũ",
            ind,
            ("kpi_id", "d1"),
            ("tram",),
            "sales",
            c,
            d(30),
            _values("24", "7 7 7 7 7 7", c),
            "demo",
            35,
        ),
        Goal(
            "k-add",
            "Báo cáo tiềm năng",
            ind,
            ("kpi_id", "d1"),
            ("minh",),
            "sales",
            ms,
            d(1),
            [(date(2025, 3, 14), d(1), 10)],
            "",
            15,
            since=LOWERED,
        ),
        Goal(
            "i3",
            "Dùng thử · khách mới",
            ind,
            ("kpi_id", "d2"),
            ("minh",),
            "sales",
            lv,
            d(60),
            _values("57", "6 6 6 6 6 6", lv, "50"),
            "%",
            20,
        ),
        Goal(
            "i4",
            "Dùng thử · khách cũ",
            ind,
            ("kpi_id", "d2"),
            ("tram",),
            "sales",
            lv,
            d(80),
            _values("83", "8 8 8 8 8 8", lv, "70"),
            "%",
            30,
        ),
        Goal(
            "k-co",
            "Dùng thử gói Pro",
            ind,
            ("kpi_id", "d2"),
            ("minh", "thao"),
            "sales",
            lv,
            d(65),
            _values("61", "0 0 0 5 5 7", lv, "50")[3:],
            "%",
            20,
            since=CO_OWNED,
        ),
        Goal(
            "i5",
            "Tư vấn sớm · mới",
            ind,
            ("kpi_id", "d3"),
            ("minh",),
            "sales",
            lv,
            d(100),
            _values("88", "6 6 6 6 6 5", lv, "70"),
            "%",
            10,
        ),
        Goal(
            "i6",
            "Tư vấn sớm · cũ",
            ind,
            ("kpi_id", "d3"),
            ("tram",),
            "sales",
            lv,
            d(100),
            _values("100", "8 8 8 8 8 8", lv, "90"),
            "%",
            15,
        ),
        Goal(
            "i7",
            "Checklist · khách mới",
            ind,
            ("kpi_id", "d4"),
            ("thao",),
            "cskh",
            lv,
            d(75),
            _values("76", "7 7 7 7 7 7", lv, "60"),
            "%",
            65,
        ),
        Goal(
            "i8",
            "Checklist · khách cũ",
            ind,
            ("kpi_id", "d4"),
            ("tien",),
            "cskh",
            lv,
            d(90),
            _values("85", "6 6 6 6 6 6", lv, "70"),
            "%",
            100,
        ),
        Goal(
            "k-col",
            "Bàn giao 24 giờ",
            ind,
            ("kpi_id", "d4"),
            ("minh", "tram"),
            "sales",
            lv,
            d(100),
            [(date(2025, 2, 20), d(96), 8)],
            "%",
            10,
            since=COLLABORATION,
        ),
        Goal(
            "kc",
            "Hợp đồng tháng 3",
            ind,
            None,
            ("minh",),
            "sales",
            c,
            d(10),
            [(date(2025, 3, 20), d(4), 7)],
            "hợp đồng",
            0,
            since=date(2025, 3, 1),
        ),
    ]


class CompanyX(
    RewardsX, NoticesX, LedgerX, ErasuresX, PeopleX, SettingsX, CheckInsX, ProposalsX, CyclesX, RetrosX, TalksX
):
    """The example's state and its answers.

    It stands in for the services where the browser is what is tested: pages, scripts, keyboards, screens. Who may call
    what, and what a request may hold, is judged by the services' own tables and rules; replies are held to contracts
    by `tests/unit/gateway/test_company_x.py`. What services do together is tested on the services (`test_walk.py`).
    """

    def __init__(self) -> None:
        parts = (RewardsX, NoticesX, LedgerX, ErasuresX, PeopleX, SettingsX, ValuesX, CheckInsX, ProposalsX, RetrosX)
        for part in (*parts, TalksX):
            part.__init__(self)
        self.goals = {goal.id: goal for goal in company()}
        self.proposals: dict[str, goals_pb2.Proposal] = {}
        self.done: dict[str, command_pb2.Accepted] = {}
        self.position = 100
        self.metadata: list[dict[str, str]] = []

    # --- people ---

    def person(self, id: str) -> people_pb2.Person:
        if id in self.changed:
            return self.changed[id]
        if id not in PEOPLE:
            raise Rejected("PERSON_UNKNOWN", f"there is no person {id!r}", kind=Kind.UNKNOWN)
        name, title, unit, manager = PEOPLE[id]
        gone = id in self.gone
        person = people_pb2.Person(
            person_id=id,
            name=words_pb2.PersonalText(erased=True) if gone else _words(name),
            title=words_pb2.PersonalText(erased=True) if gone else _words(title),
            active=not gone,
            place=people_types_pb2.Place(unit_id=unit, manager_id=manager),
            roles=[ROLES.get(id, people_types_pb2.ROLE_EMPLOYEE)],
        )
        if email := self.emails.get(id):
            person.email.plain = email
        return person

    def GetAccess(self, request: operations_pb2.GetAccess, actor: str) -> Message:
        """By the services' own tables."""
        if request.service not in ACCESS:
            raise unknown("service", request.service)
        held, reply = _held(actor), operations_pb2.Access()
        for rpc in SERVICES[request.service].methods:
            allow = ACCESS[request.service][rpc.name]
            if may(allow, held, changes=_changes(rpc)):
                reply.methods.append(rpc.name)
                if allow.others & held:
                    reply.about_others.append(rpc.name)
        return reply

    def GetPerson(self, request: people_pb2.GetPerson, actor: str) -> Message:
        return self.person(request.person_id)

    def kpi_name(self, id: str) -> str:
        return self.goals[id].name

    def proposal_waits(self, id: str) -> bool:
        return id in self.proposals and self.proposals[id].state == types_pb2.PROPOSAL_STATE_PROPOSED

    def CreateTenant(self, request: Message, actor: str) -> Message:
        raise Rejected("TENANT_EXISTS", "it stands already", kind=Kind.REFUSED)

    def ListPeople(self, request: people_pb2.ListPeople, actor: str) -> Message:
        everybody = dict.fromkeys([*PEOPLE, *self.changed])
        found = [self.person(id) for id in everybody if not request.person_ids or id in request.person_ids]
        found = [one for one in found if request.unit_id in ("", one.place.unit_id)]
        found = [one for one in found if request.manager_id in ("", one.place.manager_id)]
        found = [one for one in found if plain_letters(request.text) in plain_letters(one.name.plain)]
        return people_pb2.PeopleList(people=[one for one in found if one.active or not request.active])

    def GetOrganisation(self, request: Message, actor: str) -> Message:
        people = [person for id in PEOPLE if (person := self.person(id)).active]
        return people_pb2.Organisation(
            people=len(people),
            units=len(self.units),
            without_unit=sum(not person.place.unit_id for person in people),
            units_without_head=sum(not unit.head_id for unit in self.units.values()),
            executives=1,
        )

    # --- goals ---

    def cycle(self) -> goals_pb2.Cycle:
        return cycle("q1-2025")

    def LinkIdentity(self, request: Message, actor: str) -> Message:
        return command_pb2.Accepted(id=actor, unchanged=True)

    def ListCycles(self, request: Message, actor: str) -> Message:
        return goals_pb2.Cycles(cycles=[cycle(id) for id in reversed(CYCLES)])

    # What is written down is taken, and not shown: these pages are tried over the real services.

    def OpenCycle(self, request: Message, actor: str) -> Message:
        return self._accepted("goals", "q1-2025")

    def SetStrategicGoal(self, request: Message, actor: str) -> Message:
        return self._accepted("goals", "sg1")

    def CorrectStrategicGoal(self, request: goals_pb2.CorrectStrategicGoal, actor: str) -> Message:
        return self._accepted("goals", request.goal_id)

    def WithdrawStrategicGoal(self, request: goals_pb2.WithdrawStrategicGoal, actor: str) -> Message:
        return self._accepted("goals", request.goal_id)

    def WithdrawCsf(self, request: goals_pb2.WithdrawCsf, actor: str) -> Message:
        return self._accepted("goals", request.csf_id)

    def CorrectCsf(self, request: goals_pb2.CorrectCsf, actor: str) -> Message:
        return self._accepted("goals", request.csf_id)

    def ChooseCsf(self, request: Message, actor: str) -> Message:
        return self._accepted("goals", "csf1")

    def CheckKpi(self, request: goals_pb2.CheckKpi, actor: str) -> Message:
        return wording.hints(request)

    def DefineKpi(self, request: goals_pb2.DefineKpi, actor: str) -> Message:
        return self._accepted("goals", "i1")

    def GetMap(self, request: goals_pb2.GetMap, actor: str) -> Message:
        day, past = _day(request.as_of)
        kpis = sorted(
            (self.kpi(goal, day, past) for goal in self.goals.values() if goal.since <= day), key=lambda kpi: kpi.level
        )
        whole = goals_pb2.GoalMap(
            cycle=self.cycle(),
            as_of=time_pb2.AsOf(effective_on=_date(day)),
            past=past,
            goals=_STRATEGY,
            csfs=_CSFS,
            kpis=kpis,
            shortfalls=self.shortfalls(day),
            changes=[
                goals_pb2.MapChange(day=_date(date(2025, 1, 2)), added=14),
                goals_pb2.MapChange(day=_date(COLLABORATION), added=1),
                goals_pb2.MapChange(day=_date(CO_OWNED), added=1),
                goals_pb2.MapChange(day=_date(LOWERED), lowered=3, added=1),
            ],
        )
        return folded(whole, request)

    def CompareMaps(self, request: goals_pb2.CompareMaps, actor: str) -> Message:
        (first, _), (last, _) = _day(request.before), _day(request.after)
        found: list[goals_pb2.ComparedKpi] = []
        for goal in self.goals.values():
            before, after = (self.kpi(goal, day, False) if goal.since <= day else None for day in (first, last))
            if after is not None and (before is None or before.measure != after.measure):
                found.append(goals_pb2.ComparedKpi(before=before, after=after))
        added = sum(not one.HasField("before") for one in found)
        return goals_pb2.MapComparison(
            cycle=self.cycle(),
            before=time_pb2.AsOf(effective_on=_date(first)),
            after=time_pb2.AsOf(effective_on=_date(last)),
            kpis=found,
            added=added,
            changed=len(found) - added,
            same=len(self.goals) - len(found),
        )

    def ListStrategicGoals(self, request: goals_pb2.ListStrategicGoals, actor: str) -> Message:
        return goals_pb2.StrategicGoals(goals=_STRATEGY)

    def ListCsfs(self, request: goals_pb2.ListCsfs, actor: str) -> Message:
        wanted = set(request.goal_ids)
        return goals_pb2.Csfs(csfs=[csf for csf in _CSFS if not wanted or wanted & set(csf.goal_ids)])

    def ListKpis(self, request: goals_pb2.ListKpis, actor: str) -> Message:
        day, past = _day(request.as_of)
        kpis = sorted(
            (self.kpi(goal, day, past) for goal in self.goals.values() if goal.since <= day), key=lambda kpi: kpi.level
        )
        text = plain_letters(request.text)
        owners = {*request.owner_ids, *filter(None, [request.recorder_id])}
        return goals_pb2.Kpis(
            kpis=[
                kpi
                for kpi in kpis
                if (not owners or owners & {owner.person_id for owner in kpi.owners})
                and text in plain_letters(" ".join((kpi.name, kpi.statement, kpi.unit_name)))
            ]
        )

    def ListNames(self, request: goals_pb2.ListNames, actor: str) -> Message:
        named = {"q1-2025": "Quý 1/2025"} | {goal.id: goal.name for goal in self.goals.values()}
        named |= {goal.goal_id: goal.name for goal in _STRATEGY} | {csf.csf_id: csf.name for csf in _CSFS}
        asked = {*request.kpi_ids, *request.goal_ids, *request.csf_ids, *request.cycle_ids}
        return goals_pb2.Names(names=[goals_pb2.Name(id=id, name=named[id]) for id in sorted(asked & named.keys())])

    def SearchGoals(self, request: goals_pb2.SearchGoals, actor: str) -> Message:
        wanted = sought(request.text)
        return goals_pb2.GoalsFound(
            kpis=[
                goals_pb2.FoundKpi(
                    kpi_id=goal.id,
                    name=goal.name,
                    level=goal.level,  # type: ignore[arg-type] # the enum's number
                    owner_ids=goal.owners,
                    cycle_id="q1-2025",
                    cycle_name="Quý 1/2025",
                )
                for goal in self.goals.values()
                if finds(wanted, searchable(goal.name))
            ][: request.most],
            goals=[goal for goal in _STRATEGY if finds(wanted, searchable(goal.name))],
            csfs=[csf for csf in _CSFS if finds(wanted, searchable(csf.name, "CSF"))],
            cycles=[cycle(id) for id, said in CYCLES.items() if finds(wanted, searchable(said[0]))],
        )

    def gaps(self) -> dict[int, list[goals_pb2.Gap]]:
        kpis = list(self.ListKpis(goals_pb2.ListKpis(), "").kpis)  # type: ignore[attr-defined] # the reply of ListKpis
        owners = {owner.person_id: owner for kpi in kpis for owner in kpi.owners}
        return {
            goals_pb2.GAP_KIND_NO_KPI: [
                goals_pb2.Gap(person=goals_pb2.Owner(person_id=id, name=self.person(id).name))
                for id in PEOPLE
                if id not in owners and self.person(id).active
            ],
            goals_pb2.GAP_KIND_WEIGHTS: [
                goals_pb2.Gap(person=owner, weight=decimal_pb2.Decimal(value=str(weight)))
                for id, owner in owners.items()
                if (weight := sum(kpi.weight for kpi in kpis if id in {one.person_id for one in kpi.owners})) != 100
            ],
            goals_pb2.GAP_KIND_UNALIGNED: [
                goals_pb2.Gap(person=kpi.owners[0], kpi_id=kpi.kpi_id, kpi_name=kpi.name)
                for kpi in kpis
                if kpi.unaligned
            ],
        }

    def GetOverview(self, request: goals_pb2.GetOverview, actor: str) -> Message:
        counts = [goals_pb2.GapCount(kind=kind, count=len(gaps)) for kind, gaps in self.gaps().items()]  # type: ignore[arg-type] # enums by number
        kpis = self.ListKpis(goals_pb2.ListKpis(), "").kpis  # type: ignore[attr-defined] # the reply of ListKpis
        found = Counter((kpi.level, kpi.standing.status) for kpi in kpis)
        statuses = [goals_pb2.StatusCount(level=level, status=status, count=n) for (level, status), n in found.items()]
        return goals_pb2.Overview(
            cycle=self.cycle(), goals=len(_STRATEGY), csfs=len(_CSFS), statuses=statuses, gaps=counts
        )

    def ListGaps(self, request: goals_pb2.ListGaps, actor: str) -> Message:
        return goals_pb2.Gaps(gaps=self.gaps().get(request.kind, []))

    def CarryOutTogether(self, request: operations_pb2.CarryOutTogether, actor: str) -> Message:
        things = sum(max(len(step.refs), 1) for step in request.steps)
        return command_pb2.Accepted(verdicts=[command_pb2.Verdict(id=uuid4().hex) for _ in range(things)])

    def BatchDefineKpis(self, request: goals_pb2.BatchDefineKpis, actor: str) -> Message:
        return command_pb2.Accepted(verdicts=[command_pb2.Verdict(id=uuid4().hex) for _ in request.items])

    def CountKpis(self, request: goals_pb2.CountKpis, actor: str) -> Message:
        weights = {id: [goal.weight for goal in self.goals.values() if id in goal.owners] for id in request.owner_ids}
        return goals_pb2.KpiCounts(
            counts=[
                goals_pb2.KpiCount(person_id=id, count=len(some), weight=decimal_pb2.Decimal(value=str(sum(some))))
                for id, some in weights.items()
                if some
            ]
        )

    def GetKpiAccess(self, request: goals_pb2.GetKpiAccess, actor: str) -> Message:
        goal = self.goals.get(request.kpi_id)
        if goal is None:
            raise Rejected("KPI_UNKNOWN", f"there is no kpi {request.kpi_id!r}", kind=Kind.UNKNOWN)
        return goals_pb2.KpiAccess(
            kpi_id=goal.id,
            name=goal.name,
            proposer_id=request.proposer_id or actor,
            record=[
                *(goals_pb2.AllowedPerson(person_id=owner, relation="NAMED") for owner in goal.owners),
                *(
                    goals_pb2.AllowedPerson(person_id=person, relation="DELEGATE", instead_of_id=owner)
                    for person, owner in self.delegates.get(goal.id, {}).items()
                ),
            ],
            decide=[goals_pb2.AllowedPerson(person_id="nam", relation="EXECUTIVE")],
        )

    def GetKpi(self, request: goals_pb2.GetKpi, actor: str) -> Message:
        goal = self.goals.get(request.kpi_id)
        if goal is None:
            raise Rejected("KPI_UNKNOWN", f"there is no kpi {request.kpi_id!r}", kind=Kind.UNKNOWN)
        day, past = _day(request.as_of)
        path: list[goals_pb2.PathStep] = []
        at = goal
        while at.parent and at.parent[0] == "kpi_id":
            at = self.goals[at.parent[1]]
            path.insert(0, goals_pb2.PathStep(kpi=self.kpi(at, day, past)))
        if at.parent:
            csf = next(csf for csf in _CSFS if csf.csf_id == at.parent[1])
            path = [goals_pb2.PathStep(goal=_STRATEGY[0]), goals_pb2.PathStep(csf=csf), *path]
        return goals_pb2.KpiPage(
            kpi=self.kpi(goal, day, past),
            cycle=self.cycle(),
            as_of=time_pb2.AsOf(effective_on=_date(day)),
            past=past,
            path=path,
            trend=[
                goals_pb2.TrendPoint(occurred_on=_date(d), value=_dec(v), confidence=c)
                for d, v, c in sorted(goal.values)
                if d <= day
            ],
            targets=[
                goals_pb2.TargetStep(effective_on=_date(d), target=_dec(t))
                for d, t in (goal.targets or [(goal.since, goal.target)])
                if d <= day
            ],
            children=[
                self.kpi(child, day, past)
                for child in self.goals.values()
                if child.parent == ("kpi_id", goal.id) and child.since <= day
            ],
            shortfalls=self.shortfalls(day),
            may_propose=not past,
            may_record=not past and (actor in goal.owners or actor == "phuc"),
            replaced=[] if past else self.replaced.get(goal.id, []),
        )

    def GetKpiHistory(self, request: goals_pb2.GetKpiHistory, actor: str) -> Message:
        goal = self.goals.get(request.kpi_id)
        if goal is None:
            raise Rejected("KPI_UNKNOWN", f"there is no kpi {request.kpi_id!r}", kind=Kind.UNKNOWN)
        entries: list[goals_pb2.HistoryEntry] = []
        before = ""
        for day, value, confidence in sorted(goal.values, key=lambda v: v[0]):
            reason = (
                "Bảy buổi trong hai tuần, hai khách xin báo giá ngay sau buổi demo."
                if (goal.id, day) == ("i1", TODAY)
                else ""
            )
            entries.append(
                _entry(
                    day,
                    "ProgressRecorded",
                    (goal.owners or ("lan",))[0],
                    before,
                    f"{value} {goal.unit}".strip(),
                    reason,
                    confidence=confidence,
                )
            )
            before = f"{value} {goal.unit}".strip()
        for (_, old), (day, new) in zip(goal.targets, goal.targets[1:], strict=False):
            entry = _entry(
                day,
                "KpiTargetRevised",
                "nam",
                f"{old} {goal.unit}",
                f"{new} {goal.unit}",
                "Bớt chạy số buổi, dành thời gian đọc kỹ từng khách tiềm năng.",
            )
            entry.reason_class, entry.proposal_id = types_pb2.REASON_CLASS_BOTTOM_UP, "p3"
            entry.proposer.CopyFrom(_owner("minh"))
            entries.append(entry)
        first = goal.targets[0][1] if goal.targets else goal.target
        entries.append(
            _entry(
                goal.since,
                "KpiDefined",
                "phuc",
                "",
                f"{first} {goal.unit}".strip(),
                recorded=datetime.combine(goal.since, time(8, 30), UTC),
            )
        )
        if goal.id == "i3":
            entries.append(_entry(date(2025, 1, 20), "ProgressRecorded", "tien", "50", "51", "x"))
            entries[-1].reason.erased = True
        return goals_pb2.KpiHistory(entries=sorted(entries, key=lambda entry: entry.recorded_at.seconds, reverse=True))

    def kpi(self, goal: Goal, day: date, past: bool) -> goals_pb2.Kpi:
        target = self.target(goal, day)
        measure = types_pb2.Measure(
            kind=goal.kind,  # pyright: ignore[reportArgumentType]
            direction=types_pb2.DIRECTION_INCREASE,
            unit=goal.unit,
            target=_dec(target),  # pyright: ignore[reportArgumentType]
        )
        if goal.baseline is not None:
            measure.baseline.value = str(goal.baseline)
        if goal.id == "i1":
            measure.floor.value, measure.stretch.value = "35", "60"
        kpi = goals_pb2.Kpi(
            kpi_id=goal.id,
            cycle_id="q1-2025",
            name=goal.name,
            statement=goal.statement,
            level=goal.level,  # pyright: ignore[reportArgumentType]
            measure=measure,  # pyright: ignore[reportArgumentType]
            owners=[_owner(id) for id in goal.owners],
            owner_ids=goal.owners,
            unit_id=goal.unit_id,
            unit_name=UNITS.get(goal.unit_id, ""),
            weight=goal.weight,
            why=goal.why,
            unaligned=goal.parent is None,
            standing=self.standing(goal, target, day),
        )
        if goal.parent:
            setattr(kpi.parent, *goal.parent)
        if past and target != goal.target:
            kpi.target_now.value = str(goal.target)
        return kpi

    def target(self, goal: Goal, day: date) -> Decimal:
        return next((target for since, target in reversed(goal.targets) if since <= day), goal.target)

    def standing(self, goal: Goal, target: Decimal, day: date) -> goals_pb2.Standing:
        elapsed = Decimal((day - STARTS).days + 1) / Decimal((ENDS - STARTS).days + 1)
        standing = goals_pb2.Standing(status=goals_pb2.STATUS_NOT_STARTED)
        if goal.kind == CUMULATIVE:
            standing.expected.value = str((target * min(elapsed, Decimal(1))).quantize(Decimal("0.01")))
        known = [value for value in sorted(goal.values) if value[0] <= day]
        if not known:
            return standing
        on, current, confidence = known[-1]
        start = goal.baseline or Decimal()
        progress = (current - start) / (target - start)
        standing.current.value, standing.progress.value, standing.confidence = (
            str(current),
            str(progress.quantize(Decimal("0.0001"))),
            confidence,
        )
        standing.occurred_on.CopyFrom(_date(on))
        standing.recorded_at.FromDatetime(datetime.combine(on, time(2, 41), UTC))
        scale = Scale(goal.kind, types_pb2.DIRECTION_INCREASE, self.target(goal, day), goal.baseline)  # type: ignore[arg-type]
        days = [(v[0], v[1]) for v in sorted(goal.values) if v[0] <= day]
        ahead = forecast(scale, days, starts_on=STARTS, ends_on=ENDS, day=day)
        if ahead is not None:
            standing.forecast.CopyFrom(
                goals_pb2.Forecast(
                    value=_dec(ahead.value.quantize(Decimal("0.01"))),
                    basis=ahead.basis,
                    since=_date(ahead.since),
                    values=ahead.values,
                    met=scale.meets(ahead.value),
                )
            )
        gap = elapsed - progress if goal.kind == CUMULATIVE else (1 - progress) * 2
        status = (
            goals_pb2.STATUS_ON_TRACK
            if gap <= Decimal("0.0") or (goal.kind == CUMULATIVE and gap < Decimal("0.165"))
            else goals_pb2.STATUS_BEHIND
        )
        status = goals_pb2.STATUS_AT_RISK if gap > Decimal("0.33") else status
        status = goals_pb2.STATUS_STALE if (day - on).days > 27 else status
        standing.status = goals_pb2.STATUS_EXCEEDS if goal.kind == MILESTONE else status
        return standing

    def sums(self, targets: Callable[[str], Decimal]) -> list[tuple[str, int, Decimal, Decimal, str]]:
        i1, i2, i3, i4 = (targets(id) for id in ("i1", "i2", "i3", "i4"))
        trials = i1 * i3 / 100 + i2 * i4 / 100
        kinds = goals_pb2.Shortfall
        return [
            ("d1", kinds.KIND_SUM, i1 + i2, targets("d1"), f"{i1} + {i2}"),
            ("k1", kinds.KIND_YIELD, trials, targets("k1"), f"{i1} × {i3} % + {i2} × {i4} %"),
            (
                "d2",
                kinds.KIND_BLENDED_RATE,
                (trials / (i1 + i2) * 100).quantize(Decimal("0.01")),
                targets("d2"),
                f"{trials.normalize() + 0} / {i1 + i2}",
            ),
        ]

    def shortfalls(self, day: date) -> list[goals_pb2.Shortfall]:
        sums = self.sums(lambda id: self.target(self.goals[id], day))
        return [
            goals_pb2.Shortfall(kpi_id=id, kind=k, reached=_dec(r), wanted=_dec(w), arithmetic=a)  # pyright: ignore[reportArgumentType]
            for id, k, r, w, a in sums
            if r < w
        ]

    def reconciliations(
        self, changes: dict[str, Decimal], before: dict[str, Decimal]
    ) -> list[goals_pb2.Reconciliation]:
        def targets(those: dict[str, Decimal]) -> Callable[[str], Decimal]:
            return lambda id: those.get(id, self.goals[id].target)

        found = []
        for (id, kind, r0, w0, a0), (_, _, r1, w1, a1) in zip(
            self.sums(targets(before)), self.sums(targets(before | changes)), strict=True
        ):
            goal = self.goals[id]
            check = goals_pb2.Reconciliation.Check
            found.append(
                goals_pb2.Reconciliation(
                    kpi_id=id,
                    kpi_name=goal.name,
                    unit=goal.unit,
                    kind=kind,  # pyright: ignore[reportArgumentType]
                    before=check(reached=_dec(r0), wanted=_dec(w0), arithmetic=a0, short=r0 < w0),
                    after=check(reached=_dec(r1), wanted=_dec(w1), arithmetic=a1, short=r1 < w1),
                    closings=[
                        goals_pb2.Closing(
                            kpi_id=id, kpi_name=goal.name, before=_dec(w1), after=_dec(r1), reached=_dec(r1)
                        )
                    ]
                    if r1 < w1
                    else [],
                )
            )
        return found

    def _approval(self, ids: list[str]) -> tuple[goals_pb2.Owner, types_pb2.Approval]:
        level = min((self.goals[id].level for id in ids), default=3)
        if level == types_pb2.LEVEL_INDIVIDUAL:
            return _owner("phuc"), types_pb2.Approval(approver_id="phuc", relation="DIRECT_MANAGER", level=level)  # pyright: ignore[reportArgumentType]
        relation = "EXECUTIVE" if level == types_pb2.LEVEL_COMPANY else "MANAGER_OF_HEAD"
        return _owner("nam"), types_pb2.Approval(approver_id="nam", relation=relation, level=level)  # pyright: ignore[reportArgumentType]

    def PreviewProposal(self, request: goals_pb2.PreviewProposal, actor: str) -> Message:
        changes = _targets(request.changes)
        approver, approval = self._approval([change.kpi_id for change in request.changes])
        return goals_pb2.ProposalPreview(
            reconciliations=self.reconciliations(changes, {}),
            approver=approver,
            approval=approval,
            told=[goals_pb2.Told(person=_owner(actor), own=1, below=2)],
        )

    def _owner_of(self, person_id: str) -> goals_pb2.Owner:
        return _owner(person_id)

    def ListProposals(self, request: goals_pb2.ListProposals, actor: str) -> Message:
        shown = [self._for(proposal, actor) for proposal in self.proposals.values()]
        shown = [proposal for proposal in shown if proposal.may_decide or not request.mine_to_decide]
        shown = [one for one in shown if request.proposer_id in ("", one.proposer.person_id)]
        return goals_pb2.Proposals(proposals=sorted(shown, key=lambda p: (p.state, -p.proposed_at.seconds)))

    def GetProposal(self, request: goals_pb2.GetProposal, actor: str) -> Message:
        if request.proposal_id not in self.proposals:
            raise Rejected("PROPOSAL_UNKNOWN", "there is no such proposal", kind=Kind.UNKNOWN)
        return self._for(self.proposals[request.proposal_id], actor)

    def _for(self, proposal: goals_pb2.Proposal, actor: str) -> goals_pb2.Proposal:
        shown = goals_pb2.Proposal()
        shown.CopyFrom(proposal)
        waits = proposal.state == types_pb2.PROPOSAL_STATE_PROPOSED
        shown.may_decide, shown.may_withdraw = (
            waits and proposal.approver.person_id == actor,
            waits and proposal.proposer.person_id == actor,
        )
        shown.may_comment = waits
        if waits:
            shown.invited.add(
                person=_owner("thao"), kind=types_pb2.INVITATION_KIND_CO_OWNERSHIP, kpi_name="Demo · khách mới"
            )
            shown.may_answer = actor == "thao"
            shown.expires_at.FromDatetime(datetime(2025, 4, 3, 7, 20, tzinfo=UTC))
        return shown

    def ProposeChange(self, request: goals_pb2.ProposeChange, actor: str) -> Message:
        id = f"p{len(self.proposals) + 4}"  # the third was decided on 12/03
        changes = _targets(request.changes)
        before = {change.kpi_id: Decimal(change.before.value) for change in request.changes if change.before.value}
        if any(self.goals[kpi].target != value for kpi, value in before.items()):
            raise Rejected("PROPOSAL_STALE", "a target has changed meanwhile", field="changes[0].before")
        approver, approval = self._approval(list(changes))
        proposal = goals_pb2.Proposal(
            proposal_id=id,
            cycle_id=request.cycle_id,
            reason_class=request.reason_class,
            title=request.title,
            reason=request.reason,
            proposer=_owner(actor),
            state=types_pb2.PROPOSAL_STATE_PROPOSED,
            approver=approver,
            approval=approval,
            changes=[
                goals_pb2.ProposedChange(
                    kpi=self.kpi(self.goals[c.kpi_id], TODAY, False),
                    before=c.before if c.before.value else None,
                    after=c.after if c.after.value else None,
                    said=c.said,
                )
                for c in request.changes
            ],
            reconciliations=self.reconciliations(changes, before),
        )
        for draft in request.additions:
            proposal.additions.add(kpi=draft)
        proposal.proposed_at.FromDatetime(datetime(2025, 3, 20, 7, 20, tzinfo=UTC))
        self.proposals[id] = proposal
        about = {"by_id": actor, "proposal_id": id, "title": request.title, "reason": request.reason}
        self._tell(approver.person_id, notice_types_pb2.NOTICE_KIND_PROPOSAL_WAITING, NOW, **about)
        return self._accepted("goals", id)

    def _decide(self, id: str, state: int, words: words_pb2.PersonalText) -> Message:
        proposal = self.proposals[id]
        if proposal.state != types_pb2.PROPOSAL_STATE_PROPOSED:
            raise Rejected("PROPOSAL_DECIDED", "it has been decided")
        proposal.state = state  # pyright: ignore[reportAttributeAccessIssue]
        proposal.decision_reason.CopyFrom(words)
        proposal.decided_at.FromDatetime(datetime(2025, 3, 20, 9, 5, tzinfo=UTC))
        if state == types_pb2.PROPOSAL_STATE_APPROVED:
            for change in (c for c in proposal.changes if c.after.value):
                goal = self.goals[change.kpi.kpi_id]
                goal.targets = [*(goal.targets or [(STARTS, goal.target)]), (TODAY, Decimal(change.after.value))]
                goal.target = Decimal(change.after.value)
        if state != types_pb2.PROPOSAL_STATE_WITHDRAWN:
            about = {"by_id": proposal.approver.person_id, "proposal_id": id, "title": proposal.title, "reason": words}
            granted = state == types_pb2.PROPOSAL_STATE_APPROVED
            self._tell(
                proposal.proposer.person_id,
                notice_types_pb2.NOTICE_KIND_PROPOSAL_DECIDED,
                NOW,
                granted=granted,
                **about,
            )
        return self._accepted("goals", id)

    def ApproveProposal(self, request: goals_pb2.ApproveProposal, actor: str) -> Message:
        return self._decide(request.proposal_id, types_pb2.PROPOSAL_STATE_APPROVED, request.comment)

    def DeclineProposal(self, request: goals_pb2.DeclineProposal, actor: str) -> Message:
        return self._decide(request.proposal_id, types_pb2.PROPOSAL_STATE_DECLINED, request.reason)

    def WithdrawProposal(self, request: goals_pb2.WithdrawProposal, actor: str) -> Message:
        return self._decide(request.proposal_id, types_pb2.PROPOSAL_STATE_WITHDRAWN, request.reason)

    def only_checked(self) -> bool:
        return self.metadata[-1].get("nhip-check") == "true"

    def _goal(self, kpi_id: str) -> Goal:
        return self.goals[kpi_id]

    def _accepted(self, context: str, id: str) -> command_pb2.Accepted:
        self.position += 1
        return command_pb2.Accepted(id=id, position=f"{context}={self.position}")

    # --- the server ---

    async def serve(self, port: int = 0) -> tuple[grpc.aio.Server, int]:
        server = grpc.aio.server()
        served = [(context, service) for context, answers in SERVICES.items() for service in answers.services]
        for context, service in (*served, ("", OPERATIONS)):
            handlers = {
                method.name: grpc.unary_unary_rpc_method_handler(
                    self._answer(method.name, ACCESS.get(context, {}).get(method.name), changes=_changes(method)),
                    request_deserializer=GetMessageClass(method.input_type).FromString,
                    response_serializer=GetMessageClass(method.output_type).SerializeToString,
                )
                for method in service.methods
            }
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        return server, port

    def _answer(self, name: str, allow: Allow | None, *, changes: bool) -> Any:
        async def answer(request: Message, call: grpc.aio.ServicerContext[Any, Any]) -> Message:
            told = {str(key): str(value) for key, value in call.invocation_metadata() or ()}
            self.metadata.append(told | {"method": name})
            key = f"{name} {told.get('idempotency-key', '')}"
            if key in self.done:
                return self.done[key]
            handler = getattr(self, name, None)
            if handler is None:
                await call.abort(grpc.StatusCode.UNIMPLEMENTED, f"{name} is not part of the example")
            actor = _actor(told.get("authorization", ""))
            try:
                if wrong := violations(request):
                    raise Rejected("FIELDS_INVALID", f"{name}: {wrong}", kind=Kind.INVALID, violations=wrong)
                if allow is not None and actor in PEOPLE and not may(allow, _held(actor), changes=changes):
                    raise Rejected("NOT_ALLOWED", f"{actor} may not {name}", kind=Kind.FORBIDDEN)
                message = handler(request, actor)
            except Rejected as refused:
                await call.abort_with_status(rpc_errors.to_status(rpc_errors.failure(refused)))
                raise
            if isinstance(message, command_pb2.Accepted) and "idempotency-key" in told:
                self.done[key] = message
            return message

        return answer


ACCESS = {
    "people": {**people_api.ACCESS, **identity_api.ACCESS, **sync_api.ACCESS},
    "goals": goals_api.ACCESS,
    "checkins": {
        name: allow
        for api in (checkins_api, topics_api, check_ins_api, cadence_api, calendar_feeds_api, meetings_api, reviews_api)
        for name, allow in api.ACCESS.items()
    },
    "rewards": rewards_api.ACCESS,
    "retros": retros_api.ACCESS,
    "notifications": notifications_api.ACCESS,
    "audit": audit_api.ACCESS,
}
"""Who may call what: the services' own tables."""


def _changes(rpc: MethodDescriptor) -> bool:
    return rpc.output_type.full_name == command_pb2.Accepted.DESCRIPTOR.full_name


def _held(person_id: str) -> frozenset[str]:
    """The roles of a person, as the services' directories name them."""
    role = people_types_pb2.Role.Name(ROLES.get(person_id, people_types_pb2.ROLE_EMPLOYEE))
    leads = any(manager == person_id for _, _, _, manager in PEOPLE.values())
    return frozenset([role.removeprefix("ROLE_").lower(), *(["manager"] if leads else [])])


_STRATEGY = [
    goals_pb2.StrategicGoal(
        goal_id="sg2",
        name="Doanh thu tăng 25 % so với 2023",
        year=2025,
        target=decimal_pb2.Decimal(value="25"),
        unit="%",
        value=decimal_pb2.Decimal(value="6.1"),
        progress=decimal_pb2.Decimal(value="0.244"),
    ),
    goals_pb2.StrategicGoal(
        goal_id="sg1",
        name="300 khách trả phí hài lòng cao",
        year=2025,
        target=decimal_pb2.Decimal(value="300"),
        unit="khách",
    ),
]
_CSFS = [
    goals_pb2.Csf(
        csf_id="csf1",
        name="Tăng khách dùng thử phù hợp",
        goal_ids=["sg2", "sg1"],
        why="Tối ưu kênh tiếp cận và hành trình đăng ký.",
    ),
    goals_pb2.Csf(
        csf_id="csf2",
        name="Tư vấn & onboarding khách dùng thử tốt hơn",
        goal_ids=["sg2", "sg1"],
        why="Chất lượng tư vấn, onboarding.",
    ),
]


def _owner(id: str) -> goals_pb2.Owner:
    return goals_pb2.Owner(person_id=id, name=_words(PEOPLE[id][0]))


def _dec(value: Decimal) -> decimal_pb2.Decimal:
    return decimal_pb2.Decimal(value=format(value, "f"))


def _day(as_of: time_pb2.AsOf) -> tuple[date, bool]:
    if not as_of.HasField("effective_on"):
        return TODAY, False
    day = date(as_of.effective_on.year, as_of.effective_on.month, as_of.effective_on.day)
    if as_of.HasField("recorded_at") and as_of.recorded_at.ToDatetime(UTC).time() < time(16, 59):
        return day - timedelta(days=1), True  # an instant within a day: before what that day brought
    return day, day != TODAY


def _targets(changes: Iterable[types_pb2.TargetChange]) -> dict[str, Decimal]:
    return {change.kpi_id: Decimal(change.after.value) for change in changes if change.after.value}


def _entry(
    day: date,
    what: str,
    actor: str,
    before: str,
    after: str,
    reason: str = "",
    confidence: int = 0,
    recorded: datetime | None = None,
) -> goals_pb2.HistoryEntry:
    entry = goals_pb2.HistoryEntry(
        event_id=str(uuid4()),
        effective_on=_date(day),
        actor=_owner(actor),
        what=what,
        before=before,
        after=after,
        confidence=confidence,
    )
    for side, text in (("before", before), ("after", after)):
        number, _, unit = text.partition(" ")
        if re.fullmatch(r"-?\d+(\.\d+)?", number):
            getattr(entry, f"number_{side}").value, entry.unit = number, unit
    entry.recorded_at.FromDatetime(
        recorded or datetime.combine(day, time(2, 41) if what == "ProgressRecorded" else time(9, 5), UTC)
    )
    if reason:
        entry.reason.plain = reason
    return entry


def _actor(authorization: str) -> str:
    try:
        payload = authorization.removeprefix("Bearer ").split(".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"].partition(":")[2]
    except (IndexError, ValueError, KeyError):
        return ""
