"""Praise of a person or a unit (R-01), for a core value that a deed shows (R-03) or a KPI that it served (R-04), with
its points (R-07)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import to_date
from nhip.rewards.v1 import types_pb2 as t
from nhip.rewards.v1.events_pb2 import PraiseGiven, Share
from nhip.rewards.v1.rewards_pb2 import CheckPraise, GivePraise
from services.rewards.domain import wallet as wallets
from services.rewards.domain.points import monthly_allowance
from services.rewards.domain.wallet import Wallet


@dataclass(frozen=True, slots=True)
class Praise:
    given: PraiseGiven


def evolve(praise: Praise | None, event: PraiseGiven) -> Praise:
    match event:
        case PraiseGiven():
            return Praise(event)
        case _:
            refuse_unknown(event)


PRAISE = Aggregate[Praise | None]("praise", None, evolve)


@dataclass(frozen=True, slots=True)
class Shares:
    """Who is praised, and what each of them would receive."""

    people: tuple[str, ...]
    each: int

    @property
    def points(self) -> int:
        """What the giver's allowance would lose."""
        return self.each * len(self.people)


def giver(command: GivePraise, actor: Actor, org: OrgChart) -> str:
    """Who praises: the actor, or, in an import, whom it names."""
    if not actor.is_importer:
        if command.giver_id:
            raise Rejected(
                "GIVER_NAMED", "leave it empty: everybody gives their own praise", kind=Kind.INVALID, field="giver_id"
            )
        return actor.id
    if not command.giver_id:
        raise Rejected("GIVER_MISSING", "an import says who gave a praise", kind=Kind.INVALID, field="giver_id")
    if not org.is_active(command.giver_id):
        raise unknown("person", command.giver_id, "giver_id")
    return command.giver_id


def shares(command: GivePraise | CheckPraise, giver_id: str, org: OrgChart, today: date) -> Shares:
    """A person's praise carries the points that the tenant says; a unit's shares as many evenly, in whole points, among
    its active members but the giver. What does not divide stays with the giver, so that a unit with more people than
    points is praised without."""
    points = org.settings.on(today).points_per_praise
    if command.receiver_id and command.unit_id:
        raise Rejected(
            "RECEIVER_TWICE", "name a person or a unit, one of the two", kind=Kind.INVALID, field="unit_id", rule="R-01"
        )
    if command.receiver_id:
        if command.receiver_id == giver_id:
            raise Rejected(
                "SELF_PRAISE", "nobody praises themselves: name somebody else", field="receiver_id", rule="R-01"
            )
        if not org.is_active(command.receiver_id):
            raise unknown("person", command.receiver_id, "receiver_id")
        return Shares((command.receiver_id,), points)
    if not command.unit_id:
        raise Rejected(
            "RECEIVER_MISSING",
            "name the person or the unit that is praised",
            kind=Kind.INVALID,
            field="receiver_id",
            rule="R-01",
        )
    if command.unit_id not in org.units:
        raise unknown("unit", command.unit_id, "unit_id")
    members = {
        person for person, place in org.places.items() if place.unit_id == command.unit_id and org.is_active(person)
    }
    praised = tuple(sorted(members - {giver_id}))
    if not praised:
        if members:
            raise Rejected(
                "SELF_PRAISE", "you are all there is of this unit: name another one", field="unit_id", rule="R-01"
            )
        raise Rejected(
            "UNIT_EMPTY", "nobody is in this unit: name another one, or a person", field="unit_id", rule="R-01"
        )
    return Shares(praised, points // len(praised))


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a praise is decided on: who is praised, whether what it names is there, and the wallets of all whom it would
    move points for."""

    giver_id: str
    shares: Shares
    value_exists: bool
    kpi_exists: bool
    wallets: Mapping[str, Wallet]
    org: OrgChart
    today: date


def moved(command: GivePraise, giver_id: str, shares: Shares) -> tuple[str, ...]:
    """Whose wallets a praise moves."""
    return (giver_id, *shares.people) if shares.points and not command.without_points else ()


def give(command: GivePraise, circumstances: Circumstances, praise_id: str) -> Decision:
    """The praise and its points: all of it or nothing."""
    _tie(command, circumstances)
    deed_on = to_date(command.deed_on)
    if deed_on and deed_on > circumstances.today:
        raise Rejected(
            "DEED_TO_COME", f"give today ({circumstances.today}) or an earlier day", kind=Kind.INVALID, field="deed_on"
        )
    receivers = circumstances.shares
    each = 0 if command.without_points else receivers.each
    given = PraiseGiven(
        praise_id=praise_id,
        giver_id=circumstances.giver_id,
        receiver_id=command.receiver_id,
        unit_id=command.unit_id,
        value_id=command.value_id,
        kpi_id=command.kpi_id,
        visibility=command.visibility or t.VISIBILITY_PUBLIC,
        words=command.words,
        deed_on=command.deed_on if deed_on else None,
        shares=[Share(person_id=person, points=each) for person in receivers.people],
        about_id=command.receiver_id or circumstances.giver_id,
    )
    movements: Decision = []
    if each:
        org, held, today = circumstances.org, circumstances.wallets, circumstances.today
        monthly, months = monthly_allowance(org, circumstances.giver_id, today), org.settings.on(today).months_to_spend
        movements += wallets.give(
            held[circumstances.giver_id],
            circumstances.giver_id,
            praise_id,
            receivers.points,
            monthly=monthly,
            today=today,
        )
        for person in receivers.people:
            movements += wallets.receive(held[person], person, praise_id, each, months_to_spend=months, today=today)
    return [StreamEvent(PRAISE(praise_id), given), *movements]


def _tie(command: GivePraise, circumstances: Circumstances) -> None:
    """What it is for: one core value or one KPI, and there is such a thing."""
    if command.value_id and command.kpi_id:
        raise Rejected(
            "TIE_TWICE", "name a core value or a KPI, one of the two", kind=Kind.INVALID, field="kpi_id", rule="R-03"
        )
    if command.value_id:
        if not circumstances.value_exists:
            raise unknown("value", command.value_id, "value_id")
    elif command.kpi_id:
        if not circumstances.kpi_exists:
            raise unknown("kpi", command.kpi_id, "kpi_id")
    else:
        raise Rejected(
            "TIE_MISSING",
            "name the core value that the deed shows, or the KPI that it served",
            kind=Kind.INVALID,
            field="value_id",
            rule="R-03",
        )
