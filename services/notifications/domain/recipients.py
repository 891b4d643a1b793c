"""Who hears of what (N-06, N-07, N-09, N-11, D-06).

Everything that one append of another context changed is one cause. It answers drafts: notices without id, cause and
channels.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from eventkit.context import acting, imported
from eventkit.directory import responsibility
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Responsibility
from eventkit.values import from_decimal, required_date
from nhip.checkins.v1.events_pb2 import (
    CheckInAskedAgain,
    CheckInEvaluated,
    CheckInsFellDue,
    CheckInSubmitted,
    ProgressCorrected,
    ProgressRetracted,
    TopicAnswered,
    TopicForwarded,
    TopicLeftUnanswered,
    TopicRaised,
    TopicReopened,
)
from nhip.checkins.v1.types_pb2 import SLOT_STAGE_DUE
from nhip.notifications.v1 import types_pb2 as t
from nhip.notifications.v1.events_pb2 import NoticeGiven
from nhip.notifications.v1.types_pb2 import KpiChange
from nhip.retros.v1.events_pb2 import RetroShared, TeamRetroOpened
from nhip.rewards.v1.events_pb2 import GiftHandedOver, PraiseGiven, RedemptionRefunded
from services.notifications.domain.notice import LISTED_CHANGES


class NotKnownYet(TimeoutError):
    """A person or unit that the directory does not know yet: another topic is behind, and the same question is answered
    a moment later."""


def person_of(actor: str) -> str:
    """The person's id in an event's actor ("person:<id>"); empty for services."""
    kind, _, id = acting(actor).partition(":")
    return id if kind == "person" else ""


FURTHER = "further"
"""Among the parts of a KPI that changed: what it supports or hinders beside what it serves first."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one event of an append did to a KPI. With `kind` 0 its link ended together with it."""

    kpi_id: str
    kind: t.ChangeKind.ValueType
    before: Decimal | None = None
    after: Decimal | None = None
    parent_before: str = ""
    parent_after: str = ""
    """The KPIs that it served and serves; empty for none."""
    unaligned: bool = False
    """It serves nothing any more, neither a KPI nor anything else."""
    parts: tuple[str, ...] = ()
    """What of its words, weight and people changed."""
    owners_before: Sequence[str] | None = None
    """Who was named for it before; None: who is named now."""
    unit_before: str | None = None
    """Whose it was before; None: whose it is now."""
    linked: tuple[str, ...] = ()
    """The KPIs that it supports or hinders beside what it serves first, or did until then, where that changed."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What an append says of a proposal."""

    id: str
    proposer_id: str
    approver_ids: tuple[str, ...]
    what: str
    """The event's name without its package: ChangeProposed, ProposalApproved, …"""
    decider: str = ""
    """Who said yes to it; the last yes may be that of somebody who was invited."""
    invited: tuple[str, ...] = ()
    askers: tuple[str, ...] = ()
    """Who may decide and asked something."""


@dataclass(frozen=True, slots=True)
class Append:
    """One append of goals: one cause."""

    actor: str
    changes: Sequence[Change] = ()
    proposed: Proposed | None = None


@dataclass(frozen=True, slots=True)
class KpiTree:
    """The KPIs around those that changed, and which serves which."""

    kpis: Mapping[str, Responsibility]
    parents: Mapping[str, str] = field(default_factory=dict[str, str])
    """The KPI that each serves now."""

    def above(self, change: Change) -> set[str]:
        served = {self.parents.get(change.kpi_id, ""), change.parent_before, change.parent_after}
        return (served | {*change.linked}) - {""}

    def below(self, change: Change) -> set[str]:
        return {kpi for kpi, parent in self.parents.items() if parent == change.kpi_id}


def of_goals(append: Append, tree: KpiTree, org: OrgChart) -> list[NoticeGiven]:
    """Whoever must hear of one append of goals, each once, with all that concerns them."""
    by_id = person_of(append.actor)
    concerned = {} if imported(append.actor) else _concerned(append.changes, tree, org)
    proposed = append.proposed
    proposal_id = proposed.id if proposed else ""
    drafts = {
        person: NoticeGiven(kind=t.NOTICE_KIND_KPI_CHANGED, changes=changes, proposal_id=proposal_id)
        for person, changes in concerned.items()
    }
    if proposed:
        drafts |= _of_proposal(proposed, by_id, concerned.get(proposed.proposer_id, []))
        if proposed.what == "ProposalApproved":
            by_id = proposed.decider or by_id
    return drafts_for(drafts, by_id, org)


def _of_proposal(proposed: Proposed, by_id: str, changes: Sequence[KpiChange]) -> dict[str, NoticeGiven]:
    """By person what they are told of a proposal itself; `changes` are the proposer's own."""

    def told(people: Iterable[str], kind: t.NoticeKind.ValueType) -> dict[str, NoticeGiven]:
        return {person: NoticeGiven(kind=kind, proposal_id=proposed.id) for person in people}

    proposer = proposed.proposer_id
    match proposed.what:
        case "ChangeProposed":
            invited = told(proposed.invited, t.NOTICE_KIND_INVITED)
            return invited | told(proposed.approver_ids[:1], t.NOTICE_KIND_PROPOSAL_WAITING)
        case "InvitationAccepted":
            return told([proposer], t.NOTICE_KIND_INVITATION_ACCEPTED)
        case "ProposalCommented":
            answered = proposed.askers if by_id == proposer else (proposer,)
            return told(answered, t.NOTICE_KIND_PROPOSAL_COMMENTED)
        case "ProposalExpired":
            return told([proposer], t.NOTICE_KIND_PROPOSAL_EXPIRED)
        case _:
            decided = told([proposer], t.NOTICE_KIND_PROPOSAL_DECIDED)
            decided[proposer].changes.extend(changes)
            decided[proposer].granted = proposed.what == "ProposalApproved"
            return decided


def of_praise(praise: PraiseGiven, actor: str, org: OrgChart) -> list[NoticeGiven]:
    """Everybody who is praised, but who gave it (N-06)."""
    drafts = {
        share.person_id: NoticeGiven(kind=t.NOTICE_KIND_PRAISE_RECEIVED, praise_id=praise.praise_id)
        for share in praise.shares
        if share.person_id != praise.giver_id
    }
    return drafts_for(drafts, person_of(actor) or praise.giver_id, org)


def of_gift(event: GiftHandedOver | RedemptionRefunded, actor: str, org: OrgChart) -> list[NoticeGiven]:
    """Who redeemed it hears what became of it (N-11)."""
    granted = isinstance(event, GiftHandedOver)
    drafts = {event.person_id: NoticeGiven(kind=t.NOTICE_KIND_GIFT, redemption_id=event.redemption_id, granted=granted)}
    return drafts_for(drafts, person_of(actor), org)


def of_asking(proposal_id: str, proposer: str, asked: str, org: OrgChart) -> list[NoticeGiven]:
    """Somebody whose decision a proposal waits for now."""
    return drafts_for({asked: NoticeGiven(kind=t.NOTICE_KIND_PROPOSAL_WAITING, proposal_id=proposal_id)}, proposer, org)


def of_erasure_request(person_id: str, actor: str, org: OrgChart) -> list[NoticeGiven]:
    """Whoever may decide about an erasure: administrators, but who asked for it and whom it is about."""
    deciding = [p for p in org.people if org.has_role(p, "admin") and not org.has_role(p, "auditor") and p != person_id]
    drafts = {admin: NoticeGiven(kind=t.NOTICE_KIND_ERASURE_WAITING, erased_id=person_id) for admin in deciding}
    return drafts_for(drafts, person_of(actor), org)


def of_erasure_decision(
    person_id: str, requested_by: str, actor: str, org: OrgChart, *, granted: bool
) -> list[NoticeGiven]:
    """Who asked for it, and, if it was declined, whom it is about: who is erased is told nothing any more."""
    people = dict.fromkeys(filter(None, (person_of(requested_by), person_id)))
    drafts = {
        person: NoticeGiven(kind=t.NOTICE_KIND_ERASURE_DECIDED, erased_id=person_id, granted=granted)
        for person in people
        if not (granted and person == person_id)
    }
    return drafts_for(drafts, person_of(actor), org)


def of_unit_head(
    unit_id: str, before: str, after: str, kpis: Sequence[str], actor: str, org: OrgChart
) -> list[NoticeGiven]:
    """Who heads a unit after somebody else hears for which KPIs they answer by it, and who headed it that they do no
    more. Who stands in for a leaver hears it with the leaving; the first head of a unit sets it up, or sees it set
    up."""
    if not before or (not org.is_active(before) and org.standing_in(before) == after):
        return []
    changes = [
        KpiChange(kpi_id=kpi, kind=t.CHANGE_KIND_HANDED_OVER, relation=t.RELATION_OWNER)
        for kpi in kpis[:LISTED_CHANGES]
    ]
    drafts = {before: NoticeGiven(kind=t.NOTICE_KIND_UNIT_HEAD, unit_id=unit_id)}
    if after:
        drafts[after] = NoticeGiven(kind=t.NOTICE_KIND_UNIT_HEAD, unit_id=unit_id, granted=True, changes=changes)
    return drafts_for(drafts, person_of(actor), org)


def of_leaver(leaver: str, kpis: Sequence[str], actor: str, org: OrgChart) -> list[NoticeGiven]:
    """Who stands in for somebody who left hears for which KPIs (D-09); a successor also when there are none."""
    by, known = org.standing_in(leaver), org.people.get(leaver)
    if not by or by == leaver or (not kpis and (known is None or not known.successor_id)):
        return []
    changes = [
        KpiChange(kpi_id=kpi, kind=t.CHANGE_KIND_HANDED_OVER, relation=t.RELATION_OWNER)
        for kpi in kpis[:LISTED_CHANGES]
    ]
    draft = NoticeGiven(kind=t.NOTICE_KIND_STANDS_IN, leaver_id=leaver, changes=changes)
    return drafts_for({by: draft}, person_of(actor), org)


def of_retro_begun(cycle_id: str, org: OrgChart) -> list[NoticeGiven]:
    """Everybody who works here: whoever audits and nothing else has nothing to look back at (C-49)."""
    working = [p for p in org.people if org.is_active(p) and not org.has_role(p, "auditor")]
    drafts = {p: NoticeGiven(kind=t.NOTICE_KIND_RETRO_BEGUN, cycle_id=cycle_id) for p in working}
    return drafts_for(drafts, "", org)


def of_team_retro(
    opened: TeamRetroOpened, kind: t.NoticeKind.ValueType, actor: str, org: OrgChart
) -> list[NoticeGiven]:
    """Who writes on a team's board, and who leads through it (C-48)."""
    people = dict.fromkeys([*opened.member_ids, opened.facilitator_id])
    drafts = {p: NoticeGiven(kind=kind, team_retro_id=opened.team_retro_id) for p in people}
    return drafts_for(drafts, person_of(actor), org)


def of_shared_retro(shared: RetroShared, org: OrgChart) -> list[NoticeGiven]:
    """Who may read it now (C-47)."""
    draft = NoticeGiven(kind=t.NOTICE_KIND_RETRO_SHARED, cycle_id=shared.cycle_id)
    return drafts_for({shared.reader_id: draft}, shared.person_id, org)


def of_refused_plan(planned_by: str, org: OrgChart) -> list[NoticeGiven]:
    """Whoever planned it."""
    planner = person_of(planned_by)
    return drafts_for({planner: NoticeGiven(kind=t.NOTICE_KIND_PLAN_REFUSED)}, "", org) if planner else []


def of_correction(
    corrected: ProgressCorrected | ProgressRetracted, kpi: Responsibility, actor: str, org: OrgChart
) -> list[NoticeGiven]:
    """Who decides about a KPI hears that a recorded value was put right or taken back, and who answers for it."""
    retracted = isinstance(corrected, ProgressRetracted)
    by = person_of(actor)
    relations: dict[str, t.Relation.ValueType] = dict.fromkeys(answerable(kpi, org), t.RELATION_OWNER)
    for decider in responsibility.deciders([kpi], by, org).people[:1]:
        relations.setdefault(decider, t.RELATION_DECIDER)
    drafts = {
        person: NoticeGiven(
            kind=t.NOTICE_KIND_PROGRESS_CORRECTED,
            changes=[
                KpiChange(
                    kpi_id=kpi.id,
                    kind=t.CHANGE_KIND_VALUE_RETRACTED if retracted else t.CHANGE_KIND_VALUE_CORRECTED,
                    relation=relation,
                    before=corrected.before,
                    after=None if isinstance(corrected, ProgressRetracted) else corrected.after,
                )
            ],
        )
        for person, relation in relations.items()
    }
    return drafts_for(drafts, by, org)


def of_check_in(event: CheckInSubmitted | CheckInEvaluated | CheckInAskedAgain, org: OrgChart) -> list[NoticeGiven]:
    """The manager of a submission, who checked in of an answer (N-03)."""
    match event:
        case CheckInSubmitted():
            person, by, kind = event.manager_id, event.person_id, t.NOTICE_KIND_CHECK_IN_SUBMITTED
        case CheckInEvaluated() | CheckInAskedAgain():
            person, by, kind = event.person_id, event.by_id, t.NOTICE_KIND_CHECK_IN_ANSWERED
    granted = isinstance(event, CheckInEvaluated)
    draft = NoticeGiven(kind=kind, check_in_id=event.check_in_id, since=event.due_on, granted=granted)
    return drafts_for({person: draft}, by, org) if person else []


def of_due(event: CheckInsFellDue, told_on: date, org: OrgChart) -> list[NoticeGiven]:
    """Everybody of whom a check-in is due, or missing (N-04); nobody of a due day that was only written down later."""
    due_on = required_date(event.due_on)
    if event.stage == SLOT_STAGE_DUE and told_on != due_on:
        return []
    drafts = {
        one.person_id: NoticeGiven(
            kind=t.NOTICE_KIND_CHECK_IN_DUE, check_in_id=f"{one.person_id}.{due_on}", since=event.due_on
        )
        for one in event.people
    }
    return drafts_for(drafts, "", org)


def of_topic(
    event: TopicRaised | TopicForwarded | TopicAnswered | TopicReopened | TopicLeftUnanswered, org: OrgChart
) -> list[NoticeGiven]:
    """Who is asked hears that they are, and of a topic that has waited for long; its author of an answer (N-10)."""
    by = event.author_id
    match event:
        case TopicRaised():
            people, kind = [*event.participant_ids, event.manager_id], t.NOTICE_KIND_TOPIC_ASKED
        case TopicForwarded():
            people, kind, by = [event.to_id], t.NOTICE_KIND_TOPIC_ASKED, event.by_id
        case TopicReopened():
            people, kind = [event.manager_id], t.NOTICE_KIND_TOPIC_ASKED
        case TopicAnswered():
            people, kind, by = [event.author_id], t.NOTICE_KIND_TOPIC_ANSWERED, event.by_id
        case TopicLeftUnanswered():
            people, kind, by = [event.waits_for_id], t.NOTICE_KIND_TOPIC_UNANSWERED, ""
    drafts = {person: NoticeGiven(kind=kind, topic_id=event.topic_id) for person in filter(None, people)}
    return drafts_for(drafts, by, org)


def of_stale(kpi: Responsibility, org: OrgChart) -> list[NoticeGiven]:
    """Who answers for a KPI hears that it was forgotten (N-04)."""
    drafts = {person: NoticeGiven(kind=t.NOTICE_KIND_PROGRESS_STALE, kpi_id=kpi.id) for person in answerable(kpi, org)}
    return drafts_for(drafts, "", org)


def answerable(kpi: Responsibility, org: OrgChart) -> tuple[str, ...]:
    """Who answers for a KPI. Raises `NotKnownYet` when that is the head of a unit that is not known yet."""
    if not kpi.owners and kpi.unit_id and kpi.unit_id not in org.units:
        raise NotKnownYet(f"unit {kpi.unit_id}")
    return responsibility.answerable(kpi.owners, kpi.unit_id, org)


def _concerned(changes: Sequence[Change], tree: KpiTree, org: OrgChart) -> dict[str, list[KpiChange]]:
    """By person what concerns them, each change once, for the closest reason."""
    defined = {change.kpi_id for change in changes if change.kind == t.CHANGE_KIND_DEFINED}
    concerned: dict[str, list[KpiChange]] = {}
    for change in changes:
        link = change.kind == t.CHANGE_KIND_ALIGNED or FURTHER in change.parts
        if not change.kind or (link and change.kpi_id in defined):
            continue  # an end, or a beginning, is told as such
        links = {link for other in changes if other.kpi_id == change.kpi_id for link in tree.above(other)}
        relations: dict[str, t.Relation.ValueType] = {}
        for kpis, relation in (
            ([change.kpi_id], t.RELATION_OWNER),
            (sorted(links), t.RELATION_OWNER_ABOVE),
            (sorted(tree.below(change)), t.RELATION_OWNER_BELOW),
        ):
            for person in _owners(kpis, tree, org):
                relations.setdefault(person, relation)
            if relation == t.RELATION_OWNER:
                relations |= dict.fromkeys(_owners_before(change, tree, org), relation)
        for person, relation in relations.items():
            concerned.setdefault(person, []).append(_message(change, relation))
    return concerned


def _owners(kpis: Iterable[str], tree: KpiTree, org: OrgChart) -> list[str]:
    return [person for kpi in kpis for person in answerable(tree.kpis[kpi], org)]


def _owners_before(change: Change, tree: KpiTree, org: OrgChart) -> tuple[str, ...]:
    """Who answered for it until it changed hands; nobody where it did not."""
    now = tree.kpis[change.kpi_id]
    if change.owners_before is None and change.unit_before is None:
        return ()
    owners = now.owners if change.owners_before is None else tuple(change.owners_before)
    unit = now.unit_id if change.unit_before is None else change.unit_before
    return answerable(Responsibility(now.id, now.level, owners, unit), org)


def _message(change: Change, relation: t.Relation.ValueType) -> KpiChange:
    return KpiChange(
        kpi_id=change.kpi_id,
        kind=change.kind,
        relation=relation,
        before=None if change.before is None else from_decimal(change.before),
        after=None if change.after is None else from_decimal(change.after),
        parent_before=change.parent_before,
        parent_after=change.parent_after,
        unaligned=change.unaligned,
        parts=change.parts,
    )


def drafts_for(by_person: Mapping[str, NoticeGiven], by_id: str, org: OrgChart) -> list[NoticeGiven]:
    """Nobody is told of their own deed, and nobody who is not there any more. Raises `NotKnownYet`."""
    drafts: list[NoticeGiven] = []
    for person, draft in by_person.items():
        if person == by_id:
            continue
        if person not in org.people:
            raise NotKnownYet(f"person {person}")
        if org.is_active(person):
            draft.person_id, draft.by_id = person, by_id
            drafts.append(draft)
    return drafts
