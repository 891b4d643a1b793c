"""What each item asks of a service, given the ids of the things it names."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from eventkit.values import from_date, from_decimal
from importing.company import Company, Csf, Cycle, Further, Gift, Goal, Kpi, Person, Praise, Progress, Unit, Value
from nhip.checkins.v1.checkins_pb2 import RecordProgress
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import types_pb2 as goal_types
from nhip.goals.v1.goals_pb2 import ChooseCsf, DefineKpi, OpenCycle, SetStrategicGoal
from nhip.people.v1 import types_pb2 as people_types
from nhip.people.v1.people_pb2 import AppointUnitHead, CreateTenant, CreateUnit, RegisterPerson
from nhip.rewards.v1 import types_pb2 as reward_types
from nhip.rewards.v1.rewards_pb2 import GivePraise, NameCoreValue, OfferGift

Ids = Callable[[str, str], str]
"""The id of a thing by kind and reference: `ids("person", "minh")`."""


def create_tenant(company: Company) -> CreateTenant:
    return CreateTenant(name=company.name, time_zone=company.time_zone)


def create_unit(unit: Unit, ids: Ids) -> CreateUnit:
    return CreateUnit(name=unit.name, parent_id=ids("unit", unit.parent) if unit.parent else "")


def register_person(person: Person, ids: Ids) -> RegisterPerson:
    return RegisterPerson(
        name=PersonalText(plain=person.name),
        title=PersonalText(plain=person.title) if person.title else None,
        place=people_types.Place(
            unit_id=ids("unit", person.unit) if person.unit else "",
            manager_id=ids("person", person.manager) if person.manager else "",
        ),
        roles=[people_types.Role.Value(f"ROLE_{role.upper()}") for role in person.roles],
        email=PersonalText(plain=person.email) if person.email else None,
        employment=employment(person.code, person.joined_on) if person.code or person.joined_on else None,
    )


def employment(code: str, joined_on: date | None) -> people_types.Employment:
    return people_types.Employment(employee_code=code, joined_on=from_date(joined_on) if joined_on else None)


def appoint_head(unit: Unit, ids: Ids) -> AppointUnitHead:
    return AppointUnitHead(unit_id=ids("unit", unit.ref), person_id=ids("person", unit.head))


def open_cycle(cycle: Cycle, ids: Ids) -> OpenCycle:
    return OpenCycle(
        name=cycle.name,
        starts_on=from_date(cycle.starts_on) if cycle.starts_on else None,
        ends_on=from_date(cycle.ends_on) if cycle.ends_on else None,
        within_id=ids("cycle", cycle.within.ref) if cycle.within else "",
    )


def set_goal(goal: Goal) -> SetStrategicGoal:
    target = from_decimal(goal.target) if goal.target is not None else None
    return SetStrategicGoal(name=goal.name, year=goal.year or 0, target=target, unit=goal.measured_in)


def choose_csf(csf: Csf, ids: Ids) -> ChooseCsf:
    return ChooseCsf(name=csf.name, goal_ids=[ids("goal", ref) for ref in csf.supports], why=csf.why)


def define_kpi(
    kpi: Kpi, cycle: Cycle, parent_kind: str, ids: Ids, kind_of: Callable[[str], str] = lambda _: "kpi"
) -> DefineKpi:
    """`parent_kind` is kpi, csf or goal; empty for a KPI that serves nothing yet. `kind_of` says which of these a
    further link leads to."""
    scale = {
        name: value for name in ("baseline", "target", "floor", "stretch") if (value := getattr(kpi, name)) is not None
    }
    measure = goal_types.Measure(
        kind=goal_types.MeasureKind.Value(f"MEASURE_KIND_{kpi.kind.upper() or 'UNSPECIFIED'}"),
        direction=goal_types.Direction.Value(f"DIRECTION_{kpi.direction.upper() or 'UNSPECIFIED'}"),
        unit=kpi.measured_in,
        volume_kpi_id=ids("kpi", kpi.volume) if kpi.volume else "",
        **{name: from_decimal(value) for name, value in scale.items()},
    )
    weight = kpi.weight or Decimal(0)
    whole = 0 <= weight < 1 << 32 and not weight % 1
    draft = goal_types.KpiDraft(
        name=kpi.name,
        statement=kpi.statement,
        level=goal_types.Level.Value(f"LEVEL_{kpi.level.upper() or 'UNSPECIFIED'}"),
        measure=measure,
        owner_ids=[ids("person", owner) for owner in kpi.owners],
        unit_id=ids("unit", kpi.department) if kpi.department else "",
        # A whole one as ever, so that what was imported before is still known as the same.
        weight=int(weight) if whole else 0,
        exact_weight=None if whole else from_decimal(weight),
        parent=goal_types.Parent(**{f"{parent_kind}_id": ids(parent_kind, kpi.parent)}) if parent_kind else None,
        why=kpi.why,
        further=[_further(link, kind_of(link.ref), ids) for link in kpi.further],
    )
    on = kpi.effective_on or cycle.starts_on
    return DefineKpi(cycle_id=ids("cycle", cycle.ref), kpi=draft, effective_on=from_date(on) if on else None)


def _further(link: Further, kind: str, ids: Ids) -> goal_types.FurtherLink:
    return goal_types.FurtherLink(
        to=goal_types.Parent(**{f"{kind}_id": ids(kind, link.ref)}),
        effect=goal_types.Effect.Value(f"EFFECT_{link.effect.upper() or 'UNSPECIFIED'}"),
        share=from_decimal(link.share) if link.share is not None else None,
        why=link.why,
    )


def record_progress(progress: Progress, ids: Ids) -> RecordProgress:
    return RecordProgress(
        kpi_id=ids("kpi", progress.kpi),
        value=from_decimal(progress.value) if progress.value is not None else None,
        confidence=progress.confidence,
        note=PersonalText(plain=progress.note) if progress.note else None,
        occurred_on=from_date(progress.day) if progress.day else None,
        confirmed=progress.confirmed,
    )


def name_value(value: Value) -> NameCoreValue:
    return NameCoreValue(name=value.name)


def offer_gift(gift: Gift) -> OfferGift:
    return OfferGift(name=gift.name, description=gift.description, points=gift.points or 0, stock=gift.stock or 0)


def give_praise(praise: Praise, ids: Ids) -> GivePraise:
    def of(kind: str, ref: str) -> str:
        return ids(kind, ref) if ref else ""

    return GivePraise(
        giver_id=of("person", praise.giver),
        receiver_id=of("person", praise.to),
        unit_id=of("unit", praise.unit),
        value_id=of("value", praise.value),
        kpi_id=of("kpi", praise.kpi),
        words=PersonalText(plain=praise.words) if praise.words else None,
        deed_on=from_date(praise.deed_on) if praise.deed_on else None,
        visibility=reward_types.Visibility.Value(f"VISIBILITY_{praise.visibility.upper() or 'UNSPECIFIED'}"),
    )
