"""What a form makes of a proposal: changes of KPIs, KPIs more, and which of its fields each part came from."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from google.protobuf import json_format

from eventkit.errors import Violation
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.edges import EDGES
from services.gateway.console.forms import Form, decimal_message
from services.gateway.console.language import Language, decimal_of, decimal_of_text

OWNERS, HELPERS = 8, 8
"""As many as the contract takes; the form has fields for those that are named, and one more."""
FURTHER = 8
"""Further links of a KPI, as many as the contract takes; the form has fields for those that it has, and one more."""
ADDITIONS = 8
"""KPIs that one form adds."""
_ADDITION = {
    "name": "name",
    "statement": "statement",
    "level": "level",
    "measure": "target",
    "measure.target": "target",
    "measure.unit": "measured_in",
    "measure.kind": "kind",
    "measure.direction": "direction",
    "parent": "parent",
    "why": "parent",
    "weight": "weight",
    "exact_weight": "weight",
    "unit_id": "unit",
    "key": "name",
}
_SAID = {
    "name": "name",
    "statement": "statement",
    "weight": "weight",
    "owners": "owner.0",
    "helpers": "helper.0",
    "evaluator_id": "evaluator",
    "unit": "measured_in",
    "unit_id": "unit",
    "volume_kpi_id": "volume",
}
"""The form's field for each part of what a KPI says."""
LEVELS = ("COMPANY", "DEPARTMENT", "INDIVIDUAL")
KINDS = ("MILESTONE", "CUMULATIVE", "LEVEL")
EFFECTS = ("SUPPORTS", "HINDERS")
DIRECTIONS = ("INCREASE", "DECREASE", "KEEP")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form makes of a proposal, and which form field each part of it came from."""

    changes: Sequence[types_pb2.TargetChange]
    additions: Sequence[types_pb2.KpiDraft]
    fields: dict[str, str]
    wrong: list[Violation]

    @property
    def empty(self) -> bool:
        return not self.changes and not self.additions


def was(kpi: goals_pb2.Kpi) -> str:
    """What a KPI says and serves when it is opened for change, to be sent along: what the proposal says it was."""
    weight = decimal_of(kpi, "exact_weight")
    said = types_pb2.KpiSaid(
        name=kpi.name,
        statement=kpi.statement,
        weight=decimal_message(Decimal(kpi.weight) if weight is None else weight),
        owners=types_pb2.PersonIds(ids=kpi.owner_ids),
        helpers=types_pb2.PersonIds(ids=[helper.person_id for helper in kpi.helpers]),
        evaluator_id=kpi.evaluator.person_id,
        unit=kpi.measure.unit,
        unit_id=kpi.unit_id,
        volume_kpi_id=kpi.measure.volume_kpi_id,
    )
    parent = kpi.parent if kpi.HasField("parent") else None
    whole = types_pb2.TargetChange(
        kpi_id=kpi.kpi_id,
        said=types_pb2.SaidChange(before=said),
        parent=types_pb2.ParentChange(before=parent, why=kpi.why),
        further=types_pb2.FurtherLinksChange(before=types_pb2.FurtherLinks(links=kpi.further)),
    )
    return json_format.MessageToJson(whole, indent=None)


def opened(kpi: goals_pb2.Kpi, language: Language) -> dict[str, str]:
    """The fields of a KPI that was opened for change, as they are first shown."""
    id, weight = kpi.kpi_id, decimal_of(kpi, "exact_weight")
    fields = {
        "name": kpi.name,
        "statement": kpi.statement,
        "weight": language.number(Decimal(kpi.weight) if weight is None else weight, places=6),
        "measured_in": kpi.measure.unit,
        "unit": kpi.unit_id,
        "evaluator": kpi.evaluator.person_id,
        "volume": kpi.measure.volume_kpi_id,
        "parent": parent_value(kpi.parent),
        "why": kpi.why,
        **{f"owner.{n}": person for n, person in enumerate(kpi.owner_ids)},
        **{f"helper.{n}": helper.person_id for n, helper in enumerate(kpi.helpers)},
    }
    for n, link in enumerate(kpi.further):
        share = decimal_of(link, "share") if link.HasField("share") else None
        fields |= {
            f"link.{n}": parent_value(link.to),
            f"effect.{n}": types_pb2.Effect.Name(link.effect).removeprefix("EFFECT_"),
            f"share.{n}": "" if share is None else language.number(share, places=6),
            f"reason.{n}": link.why,
        }
    return {f"{name}.{id}": value for name, value in fields.items()} | {f"was.{id}": was(kpi)}


def parent_value(parent: types_pb2.Parent) -> str:
    """What is served, as the form names it: "kpi-…", "csf-…", "goal-…"; empty for nothing."""
    kind = parent.WhichOneof("target")
    return f"{kind.removesuffix('_id')}-{getattr(parent, kind)}" if kind else ""


def parent_of(chosen: str) -> types_pb2.Parent | None:
    """ "new-0" is the first KPI that the proposal adds: that is its key."""
    kind, _, id = chosen.partition("-")
    if kind == "new" and id:
        return types_pb2.Parent(kpi_id=chosen)
    return types_pb2.Parent(**{f"{kind}_id": id}) if kind in ("goal", "csf", "kpi") and id else None


def read(filled: Form, proposer: str, language: Language) -> Draft:
    """The changes and the additions that a form holds.

    An empty target leaves it as it is; so does whatever a KPI has already.
    """
    wrong: list[Violation] = []
    fields: dict[str, str] = {"changes": ""}
    changes: list[types_pb2.TargetChange] = []
    for name in filled.values:
        id = name.removeprefix("after.")
        if not name.startswith("after."):
            continue
        change = types_pb2.TargetChange(kpi_id=id)
        if filled[f"ends.{id}"]:
            change.ends = True
        else:
            _numbers(filled, id, change, wrong, language)
            _said(filled, id, change, wrong, language)
        if len(change.ListFields()) > 1:
            at = f"changes[{len(changes)}]"
            fields |= {at: name} | {f"{at}.{edge}": f"{edge}.{id}" for edge in EDGES}
            for side in ("before", "after"):
                fields |= {f"{at}.said.{side}.{part}": f"{field}.{id}" for part, field in _SAID.items()}
            fields |= {f"{at}.parent": f"parent.{id}", f"{at}.ends": f"ends.{id}"}
            fields |= {f"{at}.further": f"link.0.{id}"}
            fields |= _further_fields(filled, f".{id}", f"{at}.further.after.links")
            changes.append(change)
    additions: list[types_pb2.KpiDraft] = []
    for n in range(ADDITIONS):
        if draft := _addition(filled, n, proposer, wrong, language):
            at = f"additions[{len(additions)}]"
            fields |= {at: f"addition.{n}.name"}
            fields |= {f"{at}.{path}": f"addition.{n}.{name}" for path, name in _ADDITION.items()}
            fields |= {f"{at}.owner_ids": f"owner.0.addition.{n}"}
            fields |= _further_fields(filled, f".addition.{n}", f"{at}.further")
            additions.append(draft)
    return Draft(changes, additions, fields, wrong)


def _numbers(filled: Form, id: str, change: types_pb2.TargetChange, wrong: list[Violation], language: Language) -> None:
    after, before = filled.number(f"after.{id}", wrong, language), decimal_of_text(filled[f"before.{id}"])
    edges = {edge: other for edge in EDGES if (other := _edge(filled, f"{edge}.{id}", wrong, language))}
    if before is None or (after in (None, before) and not edges):
        return
    change.before.CopyFrom(decimal_message(before))
    change.after.CopyFrom(decimal_message(before if after is None else after))
    for edge, other in edges.items():
        getattr(change, edge).CopyFrom(other)


def _edge(filled: Form, field: str, wrong: list[Violation], language: Language) -> types_pb2.EdgeChange | None:
    """Another floor, stretch or start; emptied, it is taken away. None: it stays, or the form did not ask for it."""
    if field not in filled.values:
        return None
    after, before = filled.number(field, wrong, language), decimal_of_text(filled[f"{field}.before"])
    if after == before or (after is None and filled.text(field)):
        return None
    return types_pb2.EdgeChange(
        before=decimal_message(before) if before is not None else None,
        after=decimal_message(after) if after is not None else None,
    )


def _said(filled: Form, id: str, change: types_pb2.TargetChange, wrong: list[Violation], language: Language) -> None:
    """What it says and serves, of a KPI that was opened for that."""
    if f"was.{id}" not in filled.values:
        return
    before = types_pb2.TargetChange()
    try:
        json_format.Parse(filled[f"was.{id}"], before)
    except json_format.ParseError:  # not as this console wrote it
        wrong.append(Violation(f"after.{id}", "MISSING"))
        return
    weight = filled.number(f"weight.{id}", wrong, language) or Decimal()
    typed: dict[str, Any] = {
        "name": filled.text(f"name.{id}"),
        "statement": filled.text(f"statement.{id}"),
        "weight": decimal_message(weight),
        "owners": types_pb2.PersonIds(ids=_people(filled, "owner", id)),
        "helpers": types_pb2.PersonIds(ids=_people(filled, "helper", id)),
        "evaluator_id": filled[f"evaluator.{id}"],
        "unit": filled.text(f"measured_in.{id}"),
        "unit_id": filled[f"unit.{id}"],
    }
    if f"volume.{id}" in filled.values:  # of rates alone
        typed["volume_kpi_id"] = filled[f"volume.{id}"]
    known = before.said.before
    for part, value in typed.items():
        old = getattr(known, part)
        same = decimal_of(known, "weight") == weight if part == "weight" else old == value
        if not same:
            _set(change.said.before, part, old)
            _set(change.said.after, part, value)
    parent, why = parent_of(filled[f"parent.{id}"]) or types_pb2.Parent(), filled.text(f"why.{id}")
    if parent != before.parent.before or why != before.parent.why:
        change.parent.why = why
        for side, value in ((change.parent.before, before.parent.before), (change.parent.after, parent)):
            if value.WhichOneof("target"):
                side.CopyFrom(value)
        if not change.parent.before.WhichOneof("target"):
            change.parent.ClearField("before")
        if not change.parent.after.WhichOneof("target"):
            change.parent.ClearField("after")
    further = _further(filled, f".{id}", wrong, language)
    if further != list(before.further.before.links):
        change.further.before.CopyFrom(before.further.before)
        change.further.before.SetInParent()
        change.further.after.links.extend(further)
        change.further.after.SetInParent()


def _further_fields(filled: Form, of: str, at: str) -> dict[str, str]:
    """The form's fields for the parts of further links."""
    fields = {at: f"link.0{of}"}
    for n, field in enumerate(_links_in(filled, of)):
        fields |= {f"{at}[{n}]": f"link.{field}{of}", f"{at}[{n}].share": f"share.{field}{of}"}
        fields |= {f"{at}[{n}].to": f"link.{field}{of}", f"{at}[{n}].to.kpi_id": f"link.{field}{of}"}
    return fields


def _links_in(filled: Form, of: str) -> list[int]:
    """The numbers of the form's further links in which something is chosen. `of`: how their fields end."""
    return [n for n in range(FURTHER) if parent_of(filled[f"link.{n}{of}"])]


def _further(filled: Form, of: str, wrong: list[Violation], language: Language) -> list[types_pb2.FurtherLink]:
    found: list[types_pb2.FurtherLink] = []
    for n in _links_in(filled, of):
        effect = _one_of(filled[f"effect.{n}{of}"], EFFECTS)
        share = filled.number(f"share.{n}{of}", wrong, language)
        found.append(
            types_pb2.FurtherLink(
                to=parent_of(filled[f"link.{n}{of}"]),
                effect=types_pb2.Effect.Value(f"EFFECT_{effect}"),
                share=decimal_message(share) if share else None,
                why=filled.text(f"reason.{n}{of}"),
            )
        )
    return found


def _set(said: types_pb2.KpiSaid, part: str, value: Any) -> None:
    if isinstance(value, str):
        setattr(said, part, value)
    else:
        getattr(said, part).CopyFrom(value)
        getattr(said, part).SetInParent()


def _people(filled: Form, what: Literal["owner", "helper"], id: str) -> list[str]:
    """Who is named, each once."""
    most = OWNERS if what == "owner" else HELPERS
    named = (filled[f"{what}.{n}.{id}"] for n in range(most))
    return list(dict.fromkeys(filter(None, named)))


def _addition(
    filled: Form, n: int, proposer: str, wrong: list[Violation], language: Language
) -> types_pb2.KpiDraft | None:
    at = f"addition.{n}"
    if not filled.text(f"{at}.name"):
        return None
    target, weight = (filled.number(f"{at}.{name}", wrong, language) for name in ("target", "weight"))
    kind = _one_of(filled[f"{at}.kind"], KINDS)
    if target is None and kind == "MILESTONE" and not filled.text(f"{at}.target"):
        target = decimal_of_text("1")  # done or not: there is one to be done
    if target is None:
        if not any(v.field == f"{at}.target" for v in wrong):
            wrong.append(Violation(f"{at}.target", "MISSING"))
        return None
    level = _one_of(filled[f"{at}.level"], LEVELS[::-1])
    owners = _people(filled, "owner", at) if f"owner.0.{at}" in filled.values else [proposer]
    return types_pb2.KpiDraft(
        name=filled.text(f"{at}.name"),
        statement=filled.text(f"{at}.statement"),
        level=types_pb2.Level.Value(f"LEVEL_{level}"),
        measure=types_pb2.Measure(
            kind=types_pb2.MeasureKind.Value(f"MEASURE_KIND_{kind}"),
            direction=types_pb2.Direction.Value(f"DIRECTION_{_one_of(filled[f'{at}.direction'], DIRECTIONS)}"),
            unit=filled.text(f"{at}.measured_in"),
            target=decimal_message(target),
        ),
        owner_ids=owners,
        unit_id=filled[f"{at}.unit"],
        exact_weight=decimal_message(weight) if weight is not None else None,
        parent=parent_of(filled[f"{at}.parent"]),
        why=filled.text(f"{at}.why"),
        key=f"new-{n}",
        further=_further(filled, f".{at}", wrong, language),
    )


def _one_of(chosen: str, known: Sequence[str]) -> str:
    return chosen if chosen in known else known[0]


_ID = re.compile(r"[a-z0-9_.-]{1,64}")


def ids_of(listed: str) -> Iterator[str]:
    """Ids that a hidden field holds, with spaces between, each once."""
    yield from dict.fromkeys(id for id in listed.split() if _ID.fullmatch(id))
