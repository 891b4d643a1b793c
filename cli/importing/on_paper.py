"""Praise carried out on paper, in the file's order: what the rewards service would refuse is told before anything is
sent.

The decisions are the service's own, with references in place of ids; so an allowance that would not reach is noticed
too.
"""

from datetime import date

from eventkit.directory.facts import OrgChart, Person, Place, Unit
from eventkit.errors import Rejected, Violation
from importing import commands
from importing.company import File, Praise
from importing.document import Problems
from nhip.common.v1.words_pb2 import PersonalText
from services.rewards.domain import praise as praises
from services.rewards.domain.points import monthly_allowance
from services.rewards.domain.wallet import WALLET, Wallet

# What the contract calls a field, where the file has another word for it.
_FIELDS = {"giver_id": "from", "receiver_id": "to", "unit_id": "unit", "value_id": "value", "kpi_id": "kpi"}


def give_all(file: File, problems: Problems, today: date) -> None:
    """Gives every praise that names only what is there: what is not there was told already."""
    org, wallets = _org_chart(file), dict[str, Wallet]()
    for praise in file.praises:
        if praise.giver and not praise.places.wrong and _is_there(file, praise):
            try:
                _give(praise, org, wallets, today)
            except Rejected as refusal:
                for violation in refusal.violations:
                    field = _FIELDS.get(violation.field, violation.field)
                    problems.add(praise.places[field], f"praise: {_told(refusal, violation, praise, org, today)}")


def _told(refusal: Rejected, violation: Violation, praise: Praise, org: OrgChart, today: date) -> str:
    if refusal.reason != "ALLOWANCE_SPENT":
        return violation.message
    monthly = monthly_allowance(org, praise.giver, today)
    return f"{praise.giver!r} gives away more than the {monthly} points of a month with this one: leave one out"


def _give(praise: Praise, org: OrgChart, wallets: dict[str, Wallet], today: date) -> None:
    command = commands.give_praise(praise, lambda _kind, ref: ref)
    shares = praises.shares(command, praise.giver, org, today)
    circumstances = praises.Circumstances(
        giver_id=praise.giver,
        shares=shares,
        value_exists=True,
        kpi_exists=True,
        wallets={
            person: wallets.get(person, WALLET.initial) for person in praises.moved(command, praise.giver, shares)
        },
        org=org,
        today=today,
    )
    for ref, event in praises.give(command, circumstances, praise.ref):
        if ref.category == WALLET.category:
            wallets[ref.id] = WALLET.evolve(wallets.get(ref.id, WALLET.initial), event)


def _is_there(file: File, praise: Praise) -> bool:
    named = (
        (praise.giver, file.people),
        (praise.to, file.people),
        (praise.unit, file.units),
        (praise.value, file.values),
        (praise.kpi, file.kpis),
    )
    return all(any(item.ref == ref for item in items) for ref, items in named if ref)


def _org_chart(file: File) -> OrgChart:
    """The company as the file has it, by references."""
    nameless = PersonalText()
    return OrgChart(
        people={p.ref: Person(p.ref, nameless, nameless, p.roles or ("employee",)) for p in file.people},
        places={p.ref: Place(p.unit, p.manager) for p in file.people},
        units={u.ref: Unit(u.ref, u.name, u.head) for u in file.units},
    )
