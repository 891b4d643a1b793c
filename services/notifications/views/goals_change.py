"""What each append of goals changed: a row per event, found by its append, so that one cause is told as a whole."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import asyncpg

from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.values import to_decimal
from nhip.goals.v1 import types_pb2 as g
from nhip.goals.v1.events_pb2 import (
    ChangeProposed,
    KpiAligned,
    KpiDefined,
    KpiRetired,
    KpiTakenOff,
    KpiTargetRevised,
    ProposalApproved,
    ProposalDeclined,
)
from nhip.notifications.v1 import types_pb2 as t
from services.notifications.domain.hearing import Append, Around, Change, HeardKpi, Proposed
from services.notifications.views.goals_facts import VERSION, HeardKpiView, HeardLinkView, HeardProposalView


@dataclass(frozen=True, slots=True)
class GoalsChangeRow:
    """One event of an append. `what` is the event's name without its package; `about` the KPI's or proposal's id."""

    tenant: str
    append_id: UUID
    number: int
    what: str
    about: str
    before: Decimal | None
    after: Decimal | None
    parent_before: str
    parent_after: str
    unaligned: bool


class GoalsChangeView(View[GoalsChangeRow]):
    name, source, categories = "goals_change", "goals", ("kpi", "alignment", "proposal")
    key = ("tenant", "append_id", "number")
    version = VERSION
    row = GoalsChangeRow

    def fold(self, rows: Rows[GoalsChangeRow], event: Recorded) -> None:
        match event.message:
            case KpiDefined() | KpiRetired() as e:
                rows.put(_row(event, e.kpi_id))
            case KpiTargetRevised() as e:
                rows.put(_row(event, e.kpi_id, before=to_decimal(e.before), after=to_decimal(e.after)))
            case KpiAligned() as e if e.before != e.after:  # else only the words why were changed
                rows.put(_row(event, e.kpi_id, linked=(e.before, e.after)))
            case KpiTakenOff() as e:
                rows.put(_row(event, e.kpi_id, linked=(e.before, g.Parent())))
            case ChangeProposed() | ProposalApproved() | ProposalDeclined() as e:
                rows.put(_row(event, e.proposal_id))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[GoalsChangeRow]:
        target: Decimal | None = None
        parents: dict[str, g.Parent] = {}
        for event in events:
            match event.message:
                case KpiDefined() as e:
                    target = to_decimal(e.measure.target)
                    yield _row(event, event.stream.id)
                case KpiTargetRevised() as e:
                    before, target = target, to_decimal(e.after)
                    yield _row(event, event.stream.id, before=before, after=target)
                case KpiAligned() | KpiTakenOff() as e:
                    served, serves = (
                        parents.get(e.kpi_id, g.Parent()),
                        e.after if isinstance(e, KpiAligned) else g.Parent(),
                    )
                    parents[e.kpi_id] = serves
                    if isinstance(e, KpiTakenOff) or served != serves:
                        yield _row(event, e.kpi_id, linked=(served, serves))
                case KpiRetired() | ChangeProposed() | ProposalApproved() | ProposalDeclined():
                    yield _row(event, event.stream.id)
                case _:
                    pass


def _row(
    event: Recorded,
    about: str,
    *,
    before: Decimal | None = None,
    after: Decimal | None = None,
    linked: tuple[g.Parent, g.Parent] | None = None,
) -> GoalsChangeRow:
    """`linked`: what a KPI served before and serves now."""
    return GoalsChangeRow(
        tenant=event.tenant,
        append_id=event.append_id,
        number=event.index,
        what=event.type.rsplit(".", 1)[-1],
        about=about,
        before=before,
        after=after,
        parent_before=linked[0].kpi_id if linked else "",
        parent_after=linked[1].kpi_id if linked else "",
        unaligned=linked is not None and linked[1].WhichOneof("target") is None,
    )


_KINDS: dict[str, t.ChangeKind.ValueType] = {
    "KpiDefined": t.CHANGE_KIND_DEFINED,
    "KpiTargetRevised": t.CHANGE_KIND_TARGET_REVISED,
    "KpiAligned": t.CHANGE_KIND_ALIGNED,
    "KpiRetired": t.CHANGE_KIND_RETIRED,
    "KpiTakenOff": t.CHANGE_KIND_UNSPECIFIED,
}

CHANGE, KPI, LINK, PROPOSAL = (
    GoalsChangeView().table,
    HeardKpiView().table,
    HeardLinkView().table,
    HeardProposalView().table,
)


async def append_of(con: asyncpg.Connection, tenant: str, append_id: UUID, actor: str) -> Append:
    """All that an append says, in the order in which it was recorded."""
    rows = await con.fetch(
        f"select * from {CHANGE.name} where tenant = $1 and append_id = $2 order by number", tenant, append_id
    )
    changes: list[Change] = []
    proposed: Proposed | None = None
    for row in rows:
        if row["what"] in _KINDS:
            links = row["parent_before"], row["parent_after"], row["unaligned"]
            changes.append(Change(row["about"], _KINDS[row["what"]], row["before"], row["after"], *links))
        else:
            proposed = await _proposed(con, tenant, row["about"], row["what"])
    return Append(actor, changes, proposed)


async def _proposed(con: asyncpg.Connection, tenant: str, proposal_id: str, what: str) -> Proposed:
    (row,) = (await PROPOSAL.load(con, [(tenant, proposal_id)])).values()
    waits, approved = what == "ChangeProposed", what == "ProposalApproved"
    return Proposed(proposal_id, row.proposer_id, tuple(row.approver_ids), waits=waits, approved=approved)


async def around(con: asyncpg.Connection, tenant: str, changes: Sequence[Change]) -> Around:
    """The changed KPIs, and those that they serve, served, or that serve them."""
    changed = list({change.kpi_id for change in changes})
    links = await con.fetch(
        f"select kpi_id, parent_id from {LINK.name} where tenant = $1 and parent_id <> '' and (kpi_id = any($2) or "
        "parent_id = any($2))",
        tenant,
        changed,
    )
    parents = {row["kpi_id"]: row["parent_id"] for row in links}
    wanted = {
        *changed,
        *parents,
        *parents.values(),
        *(c.parent_before for c in changes),
        *(c.parent_after for c in changes),
    } - {""}
    return Around(await heard_kpis(con, tenant, wanted), parents)


async def heard_kpis(con: asyncpg.Connection, tenant: str, kpi_ids: Iterable[str]) -> dict[str, HeardKpi]:
    rows = (await KPI.load(con, [(tenant, kpi_id) for kpi_id in kpi_ids])).values()
    return {row.kpi_id: HeardKpi(row.kpi_id, row.level, tuple(row.owner_ids), row.unit_id) for row in rows}
