"""What a form about an integration asks for, and an integration as such a form."""

import hashlib
import secrets
from dataclasses import dataclass

from eventkit.errors import Violation
from eventkit.values import from_date, to_date
from nhip.people.v1 import integrations_pb2 as pb
from nhip.people.v1 import types_pb2
from services.gateway.console.forms import Form
from services.gateway.console.roles import ROLES

VERBS = {
    pb.INTEGRATION_VERB_RECORD: "record",
    pb.INTEGRATION_VERB_READ: "read",
    pb.INTEGRATION_VERB_KEEP_PEOPLE: "keep",
}
"""What it may, as the form's fields are called."""
ALL, UNITS, KPIS = "all", "units", "kpis"
"""With which KPIs it has to do."""
TEXTS = ("url", "kpi_column", "value_column", "day_column", "note_column", "numbers", "days")
_AT = "integration."
FIELDS = {
    **{f"{_AT}{name}": name for name in ("name", "purpose")},
    f"{_AT}account_id": "account",
    f"{_AT}expires_on": "expires",
    f"{_AT}scope": "scope",
    f"{_AT}scope.verbs": "scope",
    f"{_AT}scope.unit_ids": "units",
    f"{_AT}source_names": "kpis",
    f"{_AT}group_roles": "groups",
    f"{_AT}polled": "url",
    **{f"{_AT}polled.{name}": name for name in TEXTS},
    f"{_AT}polled.every_minutes": "every",
}


@dataclass(frozen=True, slots=True)
class Picked:
    """A KPI that was chosen, and what the source calls it."""

    id: str
    called: str


def picked(filled: Form) -> list[Picked]:
    ids = [name.removeprefix("pick.") for name in filled.values if name.startswith("pick.")]
    return [Picked(id, " ".join(filled[f"called.{id}"].split())) for id in ids]


def chosen(filled: Form, prefix: str) -> list[str]:
    return [name.removeprefix(prefix) for name in filled.values if name.startswith(prefix)]


def drawn(tenant: str) -> str:
    """A key: Nhip is told its digest alone."""
    return f"nhip_{tenant}_{secrets.token_hex(32)}"


def known(key: str) -> pb.IntegrationKey:
    return pb.IntegrationKey(sha256=hashlib.sha256(key.encode()).hexdigest(), hint=key[-4:])


def facts_of(filled: Form, wrong: list[Violation]) -> pb.IntegrationFacts:
    """What is asked for; what cannot be read goes into `wrong`."""
    for name in ("name", "account"):
        if not filled.text(name):
            wrong.append(Violation(name, "MISSING"))
    verbs = [verb for verb, name in VERBS.items() if filled[name]]
    if not verbs:
        wrong.append(Violation("scope", "MISSING"))
    # What keeps people has nothing to do with KPIs, whatever is ticked of them.
    keeps = verbs == [pb.INTEGRATION_VERB_KEEP_PEOPLE]
    objects, kpis, units = ALL if keeps else filled["objects"], picked(filled), chosen(filled, "unit.")
    # Nothing chosen would be everything.
    if objects == UNITS and not units:
        wrong.append(Violation("units", "MISSING"))
    if objects == KPIS and not kpis:
        wrong.append(Violation("kpis", "MISSING"))
    if objects not in (ALL, UNITS, KPIS):
        wrong.append(Violation("objects", "MISSING"))
    scope = pb.IntegrationScope(
        verbs=verbs,
        unit_ids=units if objects == UNITS else (),
        kpi_ids=[one.id for one in kpis] if objects == KPIS else (),
        cycle_ids=() if keeps else chosen(filled, "cycle."),
    )
    expires = filled.day("expires", wrong)
    return pb.IntegrationFacts(
        name=filled.text("name"),
        purpose=filled.text("purpose"),
        account_id=filled["account"],
        scope=scope,
        source_names=[pb.SourceName(called=one.called, kpi_id=one.id) for one in kpis if one.called and not keeps],
        polled=_polled(filled, wrong) if filled.text("url") else None,
        expires_on=from_date(expires) if expires else None,
        group_roles=[pb.GroupRole(group=group, role=role) for role in ROLES if (group := filled.text(_group(role)))],
    )


def _group(role: "types_pb2.Role.ValueType") -> str:
    """What the field is called for the group that gives a role."""
    return f"group.{role}"


def _polled(filled: Form, wrong: list[Violation]) -> pb.PolledTable:
    for name in ("kpi_column", "value_column"):
        if not filled.text(name):
            wrong.append(Violation(name, "MISSING"))
    every = filled.text("every")
    if every and not (every.isascii() and every.isdigit() and int(every[:6]) <= 1440):
        wrong.append(Violation("every", "NOT_A_COUNT"))
        every = ""
    return pb.PolledTable(**{name: filled.text(name) for name in TEXTS}, every_minutes=int(every or 0))


def form_of(facts: pb.IntegrationFacts) -> Form:
    """An integration as its form is first shown."""
    scope, polled, last = facts.scope, facts.polled, to_date(facts.expires_on)
    objects = UNITS if scope.unit_ids else KPIS if scope.kpi_ids else ALL
    names = {one.kpi_id: one.called for one in facts.source_names}
    kpis = dict.fromkeys([*scope.kpi_ids, *names])
    return Form(
        {
            "name": facts.name,
            "purpose": facts.purpose,
            "account": facts.account_id,
            "expires": last.isoformat() if last else "",
            **{name: "1" for verb, name in VERBS.items() if verb in scope.verbs},
            **{_group(one.role): one.group for one in facts.group_roles},
            "objects": objects,
            **{f"unit.{id}": "1" for id in scope.unit_ids},
            **{f"cycle.{id}": "1" for id in scope.cycle_ids},
            **{f"pick.{id}": "1" for id in kpis},
            **{f"called.{id}": names.get(id, "") for id in kpis},
            **{name: getattr(polled, name) for name in TEXTS},
            "every": str(polled.every_minutes) if facts.HasField("polled") else "60",
        }
    )
