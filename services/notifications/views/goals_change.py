"""What each append of goals changed: a row per event, found by its append, so that one cause is told as a whole."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.values import to_decimal
from nhip.goals.v1 import types_pb2 as g
from nhip.goals.v1.events_pb2 import (
    ApprovalGiven,
    ChangeProposed,
    InvitationAccepted,
    InvitationDeclined,
    KpiAligned,
    KpiChanged,
    KpiDefined,
    KpiLinked,
    KpiRetired,
    KpiTakenOff,
    KpiTargetRevised,
    ProposalApproved,
    ProposalCommented,
    ProposalDeclined,
    ProposalExpired,
    ProposalRebased,
    ProposalWithdrawn,
)
from services.notifications.views.goals_facts import VERSION, KnownKpiView, KnownLinkView, KnownProposalView


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
    parts: list[str]
    """What of a KPI's words, weight and people changed, by the names of the contract."""
    owners_before: list[str] | None
    """Who was named for it, where that changed; None: that stayed."""
    unit_before: str | None
    """Whose it was, where that changed."""
    linked: list[str]
    """The KPIs that it supports or hinders beside what it serves first, or did until then, where that changed."""


class GoalsChangeView(View[GoalsChangeRow]):
    name, source, categories = "goals_change", "goals", ("kpi", "alignment", "proposal")
    key = ("tenant", "append_id", "number")
    version = VERSION
    row = GoalsChangeRow
    folds = (
        ChangeProposed,
        InvitationAccepted,
        InvitationDeclined,
        KpiAligned,
        KpiChanged,
        KpiDefined,
        KpiLinked,
        KpiRetired,
        KpiTakenOff,
        KpiTargetRevised,
        ProposalApproved,
        ProposalCommented,
        ProposalDeclined,
        ProposalExpired,
    )
    passes_over = (ApprovalGiven, ProposalRebased, ProposalWithdrawn)

    def fold(self, rows: Rows[GoalsChangeRow], event: Recorded) -> None:
        match event.message:
            case KpiDefined() | KpiRetired() as e:
                rows.put(_row(event, e.kpi_id))
            case KpiTargetRevised() as e:
                rows.put(_row(event, e.kpi_id, before=to_decimal(e.before), after=to_decimal(e.after)))
            case KpiChanged() as e:
                rows.put(_row(event, e.kpi_id, said=e.before))
            case KpiAligned() as e:
                if e.before != e.after:  # else only the words why were changed
                    rows.put(_row(event, e.kpi_id, linked=(e.before, e.after)))
            case KpiLinked() as e:
                ends = {link.to.kpi_id for link in (*e.before.links, *e.after.links)}
                rows.put(_row(event, e.kpi_id, ends=ends - {""}))
            case KpiTakenOff() as e:
                rows.put(_row(event, e.kpi_id, linked=(e.before, g.Parent())))
            case (
                ChangeProposed()
                | ProposalApproved()
                | ProposalDeclined()
                | ProposalCommented()
                | ProposalExpired()
                | InvitationAccepted()
                | InvitationDeclined() as e
            ):
                rows.put(_row(event, e.proposal_id))
            case _:
                raise UnknownEvent(event.message)


def _row(
    event: Recorded,
    about: str,
    *,
    before: Decimal | None = None,
    after: Decimal | None = None,
    linked: tuple[g.Parent, g.Parent] | None = None,
    said: g.KpiSaid | None = None,
    ends: Collection[str] | None = None,
) -> GoalsChangeRow:
    """`linked`: what a KPI served before and serves now; `said`: what it said before, as far as that changed; `ends`:
    the KPIs at its further links."""
    parts = [field.name for field, _ in said.ListFields()] if said else []
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
        parts=parts if ends is None else ["further"],
        owners_before=list(said.owners.ids) if said and said.HasField("owners") else None,
        unit_before=said.unit_id if said and said.HasField("unit_id") else None,
        linked=sorted(ends or ()),
    )


CHANGE, KPI, LINK, PROPOSAL = (
    GoalsChangeView().table,
    KnownKpiView().table,
    KnownLinkView().table,
    KnownProposalView().table,
)
