"""A team's retro, 4L: each member writes alone, all cards lie open at once, the team lays them together, votes, and
chooses what to try (C-48).

On an anonymous board each member's cards are sealed under a key of their own for this board. When they lie open,
shuffled and sealed anew under the board's key, the others are destroyed: then nobody can tell who wrote what, this
service included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid5

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.context import NAMESPACE, Context
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_datetime, to_datetime
from nhip.common.v1.words_pb2 import PersonalText
from nhip.retros.v1 import retros_pb2 as pb
from nhip.retros.v1 import types_pb2 as t
from nhip.retros.v1.events_pb2 import (
    CardsGrouped,
    CardsRevealed,
    CardsWritten,
    TeamRetroLapsed,
    TeamRetroOpened,
    TrialJudged,
    TrialsChosen,
    VotesCast,
)
from services.retros.domain.cards import Written, folded
from services.retros.domain.retro import check_revision

MOST_MEMBERS = 40
LONGEST_DAYS = 90
FEWEST_ANONYMOUS_WRITERS = 3
"""Of two who wrote each would know the other's."""


@dataclass(frozen=True, slots=True)
class TeamRetro:
    opened: TeamRetroOpened
    stage: t.Stage.ValueType = t.STAGE_WRITING
    drafts: Mapping[str, CardsWritten] = field(default_factory=dict[str, CardsWritten])
    """What each member wrote last."""
    cards: Mapping[str, t.OpenCard] = field(default_factory=dict[str, t.OpenCard])
    writers: int = 0
    groups: Mapping[str, t.Group] = field(default_factory=dict[str, t.Group])
    votes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    trials: tuple[t.Trial, ...] = ()

    @property
    def id(self) -> str:
        return self.opened.team_retro_id

    def card_key(self, person_id: str) -> str:
        """Under whose key a card is sealed that lies open."""
        return f"board.{self.id}" if self.opened.anonymous else person_id


def draft_key(team_retro_id: str, person_id: str) -> str:
    """Under whose key a member's cards are sealed while they write on an anonymous board: theirs for this board."""
    return f"draft.{uuid5(NAMESPACE, f'{team_retro_id}/{person_id}')}"


Event = (
    TeamRetroOpened
    | CardsWritten
    | CardsRevealed
    | TeamRetroLapsed
    | CardsGrouped
    | VotesCast
    | TrialsChosen
    | TrialJudged
)


def evolve(board: TeamRetro | None, event: Event) -> TeamRetro:
    match event:
        case TeamRetroOpened():
            return TeamRetro(event)
        case CardsWritten():
            now = begun(board, event)
            return replace(now, drafts={**now.drafts, event.writer_id: event})
        case CardsRevealed():
            cards = {card.card_id: card for card in event.cards}
            return replace(begun(board, event), stage=t.STAGE_OPEN, cards=cards, writers=event.writers)
        case TeamRetroLapsed():
            return replace(begun(board, event), stage=t.STAGE_LAPSED)
        case CardsGrouped():
            now = begun(board, event)
            return replace(now, groups=regrouped(now.groups, event.group))
        case VotesCast():
            now = begun(board, event)
            return replace(now, votes={**now.votes, event.voter_id: tuple(event.card_ids)})
        case TrialsChosen():
            return replace(begun(board, event), stage=t.STAGE_DONE, trials=tuple(event.trials))
        case TrialJudged():
            now = begun(board, event)
            return replace(now, trials=judged(now.trials, event.trial_id, event.verdict))
        case _:
            refuse_unknown(event)


TEAM_RETRO = Aggregate[TeamRetro | None]("team_retro", None, evolve)


def regrouped(groups: Mapping[str, t.Group], changed: t.Group) -> dict[str, t.Group]:
    """A card is in one group at most: it leaves the one that it was in. A group without cards is none."""
    moved = set(changed.card_ids)
    after = dict[str, t.Group]()
    for id, group in {**groups, changed.group_id: changed}.items():
        left = [card for card in group.card_ids if id == changed.group_id or card not in moved]
        if left:
            after[id] = t.Group(group_id=id, name=group.name, card_ids=left)
    return after


def judged(trials: Sequence[t.Trial], trial_id: str, verdict: t.Verdict.ValueType) -> tuple[t.Trial, ...]:
    return tuple(
        t.Trial(trial_id=trial.trial_id, words=trial.words, verdict=verdict) if trial.trial_id == trial_id else trial
        for trial in trials
    )


# --- opening ---


def may_open(org: OrgChart, person_id: str, unit_id: str) -> bool:
    """A unit's head, whoever stands above that one, and who looks after the rhythm."""
    unit = org.units.get(unit_id)
    if unit is None or unit.closed:
        return False
    return (
        person_id == unit.head_id
        or (unit.head_id != "" and person_id in org.managers(unit.head_id))
        or org.has_role(person_id, "okr_master")
    )


def members(org: OrgChart, unit_id: str) -> list[str]:
    """Who writes: the active people of a unit itself, not of its parts, and its head; but nobody who audits."""
    head = org.units[unit_id].head_id
    return sorted(
        p
        for p, place in org.places.items()
        if (place.unit_id == unit_id or p == head) and org.is_active(p) and not org.has_role(p, "auditor")
    )


def open_board(
    board: TeamRetro | None,
    other: TeamRetro | None,
    command: pb.OpenTeamRetro,
    ctx: Context,
    org: OrgChart,
    team_retro_id: str,
) -> Decision:
    """`closes_at` must lie ahead. One board for a unit and cycle: `other`, with or without names as this one is not,
    must have lapsed."""
    unit = org.units.get(command.unit_id)
    if unit is None or unit.closed:
        raise unknown("unit", command.unit_id, "unit_id")
    if not may_open(org, ctx.actor.id, command.unit_id):
        raise Rejected(
            "NOT_YOUR_TEAM",
            "a team's retro is opened by its head, by who stands above, or by who looks after the rhythm",
            kind=Kind.FORBIDDEN,
            rule="C-48",
        )
    there = board or (other if other is not None and other.stage != t.STAGE_LAPSED else None)
    if there is not None:
        raise Rejected("TEAM_RETRO_EXISTS", "this team has one for this cycle already", field="unit_id", id=there.id)
    who = members(org, command.unit_id)
    settings = org.settings.on(org.today(ctx.at))
    fewest = settings.anonymous_members if command.anonymous else 2
    if not fewest <= len(who) <= MOST_MEMBERS:
        raise Rejected(
            "TEAM_SIZE",
            f"{len(who)} people are in it: "
            + ("from so few it can be told who wrote what. " if command.anonymous and len(who) >= 2 else "")
            + f"it takes {fewest} to {MOST_MEMBERS}",
            field="anonymous" if command.anonymous and len(who) < fewest else "unit_id",
            rule="C-48",
            parameters={"people": str(len(who)), "least": str(fewest), "most": str(MOST_MEMBERS)},
        )
    closes_at = to_datetime(command.closes_at) if command.HasField("closes_at") else usual_end(org, ctx.at)
    if not ctx.at < closes_at <= ctx.at + timedelta(days=LONGEST_DAYS):
        raise Rejected(
            "CLOSES_AT",
            f"give a moment that lies ahead, within {LONGEST_DAYS} days",
            kind=Kind.INVALID,
            field="closes_at",
            parameters={"most": str(LONGEST_DAYS)},
        )
    opened = TeamRetroOpened(
        team_retro_id=team_retro_id,
        cycle_id=command.cycle_id,
        unit_id=command.unit_id,
        anonymous=command.anonymous,
        facilitator_id=ctx.actor.id,
        member_ids=who,
        closes_at=from_datetime(closes_at),
    )
    return [StreamEvent(TEAM_RETRO(team_retro_id), opened)]


def usual_end(org: OrgChart, at: datetime) -> datetime:
    """At 17:00, after as many days as the company says."""
    local = at.astimezone(org.time_zone) + timedelta(days=org.settings.on(org.today(at)).retro_days)
    return local.replace(hour=17, minute=0, second=0, microsecond=0)


# --- writing ---


def write(board: TeamRetro | None, command: pb.WriteCards, person_id: str) -> Decision:
    now = existing(board, command.team_retro_id)
    check_member(now, person_id)
    if now.stage != t.STAGE_WRITING:
        raise Rejected("CARDS_OPEN", "the time of writing is over: the cards lie open", field="team_retro_id")
    before = now.drafts.get(person_id)
    check_revision(before.revision if before else 0, command.revision)
    written = CardsWritten(
        team_retro_id=now.id,
        writer_id=person_id,
        sealed_under=draft_key(now.id, person_id) if now.opened.anonymous else person_id,
        cards=PersonalText(plain=folded(command.cards)),
        done=command.done,
        revision=command.revision + 1,
    )
    return [StreamEvent(TEAM_RETRO(now.id), written)]


def is_due(board: TeamRetro | None, at: datetime, org: OrgChart) -> bool:
    """Whether its cards are to lie open: everybody who is still here is through with it, or the time is up."""
    if board is None or board.stage != t.STAGE_WRITING:
        return False
    waiting = (p for p in board.opened.member_ids if org.is_active(p))
    all_done = all(p in board.drafts and board.drafts[p].done for p in waiting)
    return all_done or at >= to_datetime(board.opened.closes_at)


def reveal(
    board: TeamRetro, written: Mapping[str, Sequence[Written]], ctx: Context, shuffle: Callable[[list[str]], None]
) -> Decision:
    """All cards of all members, open, in the order that `shuffle` makes of them; `written`: by member, in plain words.

    What was written is shown, whether its author was through with it or not: the time was up.
    """
    wrote = {person: cards for person, cards in written.items() if cards}
    ref = TEAM_RETRO(board.id)
    if board.opened.anonymous and len(wrote) < FEWEST_ANONYMOUS_WRITERS:
        return [StreamEvent(ref, TeamRetroLapsed(team_retro_id=board.id))]
    cards = {f"{person}/{number}": (person, card) for person, all in wrote.items() for number, card in enumerate(all)}
    order = sorted(cards)
    shuffle(order)
    shown = [
        t.OpenCard(
            card_id=ctx.new_id(f"card {place}"),
            column=card.column,
            author_id="" if board.opened.anonymous else person,
            sealed_under=board.card_key(person),
            words=PersonalText(plain=card.words),
        )
        for place, (person, card) in enumerate(cards[key] for key in order)
    ]
    return [StreamEvent(ref, CardsRevealed(team_retro_id=board.id, writers=len(wrote), cards=shown))]


# --- looking at it together ---


def group(board: TeamRetro | None, command: pb.GroupCards, person_id: str, new_id: str) -> Decision:
    now = _open(board, command.team_retro_id, person_id)
    _known_cards(now, command.card_ids)
    group_id = command.group_id or new_id
    if command.group_id and command.group_id not in now.groups:
        raise unknown("group", command.group_id, "group_id")
    if len(set(command.card_ids)) == 1:
        raise Rejected(
            "GROUP_OF_ONE", "a group has two cards or more; none dissolves it", kind=Kind.INVALID, field="card_ids"
        )
    if not command.card_ids and not command.group_id:
        raise Rejected("GROUP_OF_ONE", "a group has two cards or more", kind=Kind.INVALID, field="card_ids")
    before = now.groups.get(group_id)
    named = command.name if command.name.plain.strip() else (before.name if before else None)
    grouped = t.Group(group_id=group_id, name=named, card_ids=dict.fromkeys(command.card_ids))
    return [StreamEvent(TEAM_RETRO(now.id), CardsGrouped(team_retro_id=now.id, group=grouped))]


def vote(board: TeamRetro | None, command: pb.CastVotes, person_id: str) -> Decision:
    now = _open(board, command.team_retro_id, person_id)
    check_member(now, person_id)
    _known_cards(now, command.card_ids)
    if tuple(command.card_ids) == now.votes.get(person_id, ()):
        return []
    cast = VotesCast(team_retro_id=now.id, voter_id=person_id, card_ids=command.card_ids)
    return [StreamEvent(TEAM_RETRO(now.id), cast)]


def votes_of(board_votes: Mapping[str, Sequence[str]]) -> Counter[str]:
    """By card."""
    return Counter(card for cast in board_votes.values() for card in cast)


def choose(board: TeamRetro | None, command: pb.ChooseTrials, ctx: Context) -> Decision:
    now = existing(board, command.team_retro_id)
    check_reader(now, ctx.actor.id)
    if now.stage not in (t.STAGE_OPEN, t.STAGE_DONE):
        raise _not_open()
    if ctx.actor.id != now.opened.facilitator_id:
        raise Rejected(
            "NOT_FACILITATOR", "who leads through a retro writes down what the team tries", kind=Kind.FORBIDDEN
        )
    if any(trial.verdict for trial in now.trials):
        raise Rejected("TRIALS_JUDGED", "the team has said already what became of them", field="trials")
    trials = [
        t.Trial(trial_id=ctx.new_id(f"trial {number}"), words=words)
        for number, words in enumerate(command.trials)
        if words.plain.strip()
    ]
    if not trials:
        raise Rejected("TRIALS_MISSING", "write down one or two things to try", kind=Kind.INVALID, field="trials")
    return [StreamEvent(TEAM_RETRO(now.id), TrialsChosen(team_retro_id=now.id, trials=trials))]


def judge(board: TeamRetro | None, command: pb.JudgeTrial, person_id: str) -> Decision:
    now = existing(board, command.team_retro_id)
    check_reader(now, person_id)
    trial = next((one for one in now.trials if one.trial_id == command.trial_id), None)
    if trial is None:
        raise unknown("trial", command.trial_id, "trial_id")
    if trial.verdict == command.verdict:
        return []
    said = TrialJudged(team_retro_id=now.id, trial_id=trial.trial_id, verdict=command.verdict)
    return [StreamEvent(TEAM_RETRO(now.id), said)]


# --- who ---


def existing(board: TeamRetro | None, team_retro_id: str) -> TeamRetro:
    if board is None:
        raise unknown("team_retro", team_retro_id, "team_retro_id")
    return board


def check_member(board: TeamRetro, person_id: str) -> None:
    if person_id not in board.opened.member_ids:
        raise _not_yours("only who was in the team when its retro was opened writes and votes")


def check_reader(board: TeamRetro, person_id: str) -> None:
    if person_id not in board.opened.member_ids and person_id != board.opened.facilitator_id:
        raise _not_yours("a team's retro is for those who write on it and who leads through it")


def _not_yours(why: str) -> Rejected:
    return Rejected("NOT_YOUR_RETRO", why, kind=Kind.FORBIDDEN, rule="C-48")


def _open(board: TeamRetro | None, team_retro_id: str, person_id: str) -> TeamRetro:
    now = existing(board, team_retro_id)
    check_reader(now, person_id)
    if now.stage != t.STAGE_OPEN:
        raise _not_open()
    return now


def _not_open() -> Rejected:
    return Rejected("CARDS_NOT_OPEN", "this is done while the cards lie open", field="team_retro_id")


def _known_cards(board: TeamRetro, card_ids: Sequence[str]) -> None:
    for card in card_ids:
        if card not in board.cards:
            raise unknown("card", card, "card_ids")
