"""Retros as their pages show them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from urllib.parse import quote

from eventkit.values import required_date
from nhip.retros.v1 import retros_pb2, types_pb2
from services.gateway.console.cards import Avatar
from services.gateway.console.directory import Directory
from services.gateway.console.forms import Form
from services.gateway.console.language import Language, unreadable
from services.gateway.console.visit import Visit

ARMS = ("start", "keep", "stop", "more", "less")
"""In the order of the picture on a laptop; a phone shows them as the contract has them."""
NARROW = {"start": 1, "stop": 2, "more": 3, "less": 4, "keep": 5}
COLUMNS = (
    types_pb2.COLUMN_LIKED,
    types_pb2.COLUMN_LEARNED,
    types_pb2.COLUMN_LACKED,
    types_pb2.COLUMN_LONGED_FOR,
)
MOST_CARDS = 12
"""Of one member."""
VOTES = 3


@dataclass(frozen=True, slots=True)
class Arm:
    name: str
    title: str
    question: str
    icon: str
    narrow: int
    """Its place on a phone."""


def arms(language: Language) -> list[Arm]:
    _ = language.gettext
    said = {
        "start": (_("Start doing"), _("What is worth beginning?"), "player-play"),
        "keep": (_("Keep doing"), _("What is good and stays?"), "repeat"),
        "stop": (_("Stop doing"), _("What is worth stopping?"), "hand-stop"),
        "more": (_("More of"), _("What deserves more of it?"), "arrow-up"),
        "less": (_("Less of"), _("What deserves less of it?"), "arrow-down"),
    }
    return [Arm(name, *said[name], NARROW[name]) for name in ARMS]


@dataclass(frozen=True, slots=True)
class ColumnWords:
    name: str
    """As in the fields' names: "LIKED"."""
    title: str
    question: str
    icon: str


def column_words(language: Language) -> Mapping[int, ColumnWords]:
    _ = language.gettext
    said = {
        types_pb2.COLUMN_LIKED: (_("Liked"), _("What of how we work together made you glad?"), "heart"),
        types_pb2.COLUMN_LEARNED: (_("Learned"), _("What does the team understand now?"), "bulb"),
        types_pb2.COLUMN_LACKED: (_("Lacked"), _("What was missing, so that things went slowly?"), "puzzle"),
        types_pb2.COLUMN_LONGED_FOR: (_("Longed for"), _("If you could wish for something in the team?"), "stars"),
    }
    return {
        column: ColumnWords(types_pb2.Column.Name(column).removeprefix("COLUMN_"), *words)
        for column, words in said.items()
    }


@dataclass(frozen=True, slots=True)
class RoundRow:
    id: str
    name: str
    days: str
    url: str
    state: str
    done: bool


def round_row(one: retros_pb2.Round, language: Language) -> RoundRow:
    _ = language.gettext
    state = (
        _("You are through with it") if one.done else _("You have begun") if one.written else _("Nothing written yet")
    )
    days = f"{language.short_day(required_date(one.starts_on))} – {language.day(required_date(one.ends_on))}"
    return RoundRow(one.cycle_id, one.name, days, f"/retro/{quote(one.cycle_id, safe='')}", state, one.done)


def nearest(rounds: Sequence[retros_pb2.Round], visit: Visit) -> retros_pb2.Round | None:
    """The one whose end is nearest to today; of several the shortest, as a quarter before its year."""

    def distance(one: retros_pb2.Round) -> tuple[int, int]:
        starts, ends = required_date(one.starts_on), required_date(one.ends_on)
        return abs((ends - visit.today).days), (ends - starts).days

    return min(rounds, key=distance, default=None)


@dataclass(frozen=True, slots=True)
class BoardRow:
    url: str
    team: str
    state: str
    action: str
    icon: str
    waits: bool


def board_row(board: retros_pb2.Board, who: Directory, visit: Visit) -> BoardRow:
    _ = visit.language.gettext
    until = visit.language.instant(board.closes_at.ToDatetime(UTC), visit.zone)
    waits = board.stage == types_pb2.STAGE_WRITING and board.member and not board.done
    state, action, icon = {
        types_pb2.STAGE_WRITING: (
            _("Everybody writes alone until %(moment)s") % {"moment": until},
            _("Write") if waits else _("View"),
            "pencil",
        ),
        types_pb2.STAGE_OPEN: (_("All cards lie open: group, vote, choose"), _("View"), "cards"),
        types_pb2.STAGE_DONE: (_("The team has chosen what to try"), _("View"), "circle-check"),
    }.get(board.stage, (_("Too few wrote: nothing was shown"), _("View"), "lock"))
    return BoardRow(
        f"/retro/team/{quote(board.team_retro_id, safe='')}", who.unit(board.unit_id).name, state, action, icon, waits
    )


@dataclass(frozen=True, slots=True)
class CardRow:
    id: str
    words: str
    hidden: bool
    """Its words cannot be read."""
    author: Avatar | None
    votes: int
    own_votes: int
    grouped: bool


@dataclass(frozen=True, slots=True)
class GroupRow:
    id: str
    name: str
    cards: tuple[CardRow, ...]
    votes: int


@dataclass(frozen=True, slots=True)
class OpenColumn:
    words: ColumnWords
    cards: tuple[CardRow, ...]


@dataclass(frozen=True, slots=True)
class WritingColumn:
    words: ColumnWords
    fields: tuple[tuple[str, str], ...]
    """Each field's name, and what was written in it; the last ones are empty."""


def writing_columns(form: Form, language: Language) -> list[WritingColumn]:
    columns: list[WritingColumn] = []
    for words in column_words(language).values():
        written = [form[name] for name in names_of(words.name) if form.text(name)]
        count = min(len(written) + 1, MOST_CARDS)
        fields = [(f"{words.name}.{n}", written[n] if n < len(written) else "") for n in range(count)]
        columns.append(WritingColumn(words, tuple(fields)))
    return columns


def names_of(column: str) -> list[str]:
    return [f"{column}.{n}" for n in range(MOST_CARDS)]


def form_of(cards: Iterable[retros_pb2.Card], revision: int, *, done: bool, language: Language) -> Form:
    """What a member wrote so far, as the form has it."""
    words = column_words(language)
    values = {"revision": str(revision), "done": "1" if done else ""}
    counts = dict.fromkeys(words, 0)
    for card in cards:
        values[f"{words[card.column].name}.{counts[card.column]}"] = card.words.plain
        counts[card.column] += 1
    return Form(values)


def open_cards(
    board: retros_pb2.TeamRetro, who: Directory, language: Language
) -> tuple[list[OpenColumn], list[GroupRow]]:
    """What lies open: by column what is in no group, and the groups, those with the most votes first."""
    grouped = {card for group in board.groups for card in group.card_ids}
    rows = {
        shown.card.card_id: CardRow(
            shown.card.card_id,
            language.words(shown.card.words),
            unreadable(shown.card.words),
            who.person(shown.card.author_id) if shown.card.author_id else None,
            shown.votes,
            list(board.own_votes).count(shown.card.card_id),
            shown.card.card_id in grouped,
        )
        for shown in board.cards
    }
    columns = [
        OpenColumn(
            words,
            tuple(rows[shown.card.card_id] for shown in board.cards if shown.card.column == column),
        )
        for column, words in column_words(language).items()
    ]
    groups = [
        GroupRow(group.group_id, language.words(group.name), cards, sum(card.votes for card in cards))
        for group in board.groups
        if (cards := tuple(rows[id] for id in group.card_ids if id in rows))
    ]
    return columns, sorted(groups, key=lambda group: -group.votes)


@dataclass(frozen=True, slots=True)
class TrialRow:
    id: str
    words: str
    verdict: str
    """As contracts name it: "VERDICT_KEPT"; empty: nothing was said yet."""


def trial_rows(trials: Iterable[types_pb2.Trial], language: Language) -> list[TrialRow]:
    return [
        TrialRow(
            trial.trial_id,
            language.words(trial.words),
            types_pb2.Verdict.Name(trial.verdict) if trial.verdict else "",
        )
        for trial in trials
    ]
