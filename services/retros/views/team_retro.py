"""The boards of teams: the board itself, what each member writes, and the votes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, WrittenWhole, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed, to_datetime
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
from services.retros.domain.team_retro import TEAM_RETRO, TeamRetro, judged, regrouped
from services.retros.views import VERSION


@dataclass(frozen=True, slots=True)
class TeamRetroRow:
    tenant: str
    team_retro_id: str
    cycle_id: str
    unit_id: str
    stage: int
    anonymous: bool
    facilitator_id: str
    member_ids: list[str]
    closes_at: datetime
    writers: int
    """How many wrote, once the cards lie open."""
    shown: bytes
    """The cards that lie open, their groups, what is tried: a `TeamRetro` of the contract with nothing else. Sealed."""


class TeamRetroView(View[TeamRetroRow]):
    name, source, categories, key = "team_retro", "retros", (TEAM_RETRO.category,), ("tenant", "team_retro_id")
    version = VERSION
    indexes = ("tenant, cycle_id", "tenant, unit_id", "stage, closes_at")
    row = TeamRetroRow
    folds = (TeamRetroOpened, CardsRevealed, TeamRetroLapsed, CardsGrouped, TrialsChosen, TrialJudged)
    passes_over = (CardsWritten, VotesCast)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[TeamRetroRow], event: Recorded) -> None:
        if isinstance(event.message, TeamRetroOpened):
            rows.put(_row(event.tenant, TeamRetro(event.message)))
            return
        row = rows[event.tenant, event.stream.id]
        shown = pb.TeamRetro.FromString(row.shown)
        match event.message:
            case CardsRevealed() as e:
                shown.cards.extend(pb.ShownCard(card=card) for card in e.cards)
                rows.put(replace(row, stage=t.STAGE_OPEN, writers=e.writers, shown=packed(shown)))
            case TeamRetroLapsed():
                rows.put(replace(row, stage=t.STAGE_LAPSED))
            case CardsGrouped() as e:
                groups = regrouped({group.group_id: group for group in shown.groups}, e.group)
                rows.put(replace(row, shown=_shown(shown.cards, groups.values(), shown.trials)))
            case TrialsChosen() as e:
                rows.put(replace(row, stage=t.STAGE_DONE, shown=_shown(shown.cards, shown.groups, e.trials)))
            case TrialJudged() as e:
                trials = judged(shown.trials, e.trial_id, e.verdict)
                rows.put(replace(row, shown=_shown(shown.cards, shown.groups, trials)))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[TeamRetroRow]:
        if board := TEAM_RETRO.fold(messages(events)):
            yield _row(events[0].tenant, board)


TEAM_RETROS = TeamRetroView().table


def _row(tenant: str, board: TeamRetro) -> TeamRetroRow:
    opened = board.opened
    return TeamRetroRow(
        tenant,
        board.id,
        opened.cycle_id,
        opened.unit_id,
        board.stage,
        opened.anonymous,
        opened.facilitator_id,
        list(opened.member_ids),
        to_datetime(opened.closes_at),
        board.writers,
        _shown([pb.ShownCard(card=card) for card in board.cards.values()], board.groups.values(), board.trials),
    )


def _shown(cards: Iterable[pb.ShownCard], groups: Iterable[t.Group], trials: Iterable[t.Trial]) -> bytes:
    return packed(pb.TeamRetro(cards=cards, groups=groups, trials=trials))


@dataclass(frozen=True, slots=True)
class DraftRow:
    """What a member wrote so far."""

    tenant: str
    team_retro_id: str
    person_id: str
    cards: bytes
    """Sealed."""
    done: bool
    revision: int


class DraftView(WrittenWhole[DraftRow, CardsWritten]):
    name, source, categories = "draft", "retros", (TEAM_RETRO.category,)
    key = ("tenant", "team_retro_id", "person_id")
    version = VERSION
    indexes = ("tenant, person_id",)
    row = DraftRow
    folds = (CardsWritten,)
    passes_over = (
        TeamRetroOpened,
        CardsRevealed,
        TeamRetroLapsed,
        CardsGrouped,
        VotesCast,
        TrialsChosen,
        TrialJudged,
    )

    def written(self, event: Recorded, e: CardsWritten) -> DraftRow:
        return _draft(event.tenant, e)

    def expected(self, events: Sequence[Recorded]) -> Iterable[DraftRow]:
        if board := TEAM_RETRO.fold(messages(events)):
            yield from (_draft(events[0].tenant, draft) for draft in board.drafts.values())


DRAFTS = DraftView().table


def _draft(tenant: str, e: CardsWritten) -> DraftRow:
    return DraftRow(tenant, e.team_retro_id, e.writer_id, packed(e.cards), e.done, e.revision)


@dataclass(frozen=True, slots=True)
class VoteRow:
    tenant: str
    team_retro_id: str
    person_id: str
    card_ids: list[str]


class VoteView(WrittenWhole[VoteRow, VotesCast]):
    name, source, categories = "vote", "retros", (TEAM_RETRO.category,)
    key = ("tenant", "team_retro_id", "person_id")
    version = VERSION
    row = VoteRow
    folds = (VotesCast,)
    passes_over = (
        TeamRetroOpened,
        CardsWritten,
        CardsRevealed,
        TeamRetroLapsed,
        CardsGrouped,
        TrialsChosen,
        TrialJudged,
    )

    def written(self, event: Recorded, e: VotesCast) -> VoteRow:
        return VoteRow(event.tenant, e.team_retro_id, e.voter_id, list(e.card_ids))

    def expected(self, events: Sequence[Recorded]) -> Iterable[VoteRow]:
        if board := TEAM_RETRO.fold(messages(events)):
            for person, cards in board.votes.items():
                yield VoteRow(events[0].tenant, board.id, person, list(cards))


VOTES = VoteView().table
