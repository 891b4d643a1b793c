"""What notices tell of, from the topic of retros: who writes on which board."""

from dataclasses import dataclass

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from eventkit.values import packed
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


@dataclass(frozen=True, slots=True)
class HeardTeamRetroRow:
    """A board as it was opened: the message of the contract as bytes."""

    tenant: str
    team_retro_id: str
    opened: bytes


class HeardTeamRetroView(WrittenWhole[HeardTeamRetroRow, TeamRetroOpened]):
    name, source, categories, key = "heard_team_retro", "retros", ("team_retro",), ("tenant", "team_retro_id")
    row = HeardTeamRetroRow
    folds = (TeamRetroOpened,)
    passes_over = (
        CardsGrouped,
        CardsRevealed,
        CardsWritten,
        TeamRetroLapsed,
        TrialJudged,
        TrialsChosen,
        VotesCast,
    )

    def written(self, event: Recorded, e: TeamRetroOpened) -> HeardTeamRetroRow:
        return HeardTeamRetroRow(event.tenant, e.team_retro_id, packed(e))


HEARD_TEAM_RETROS = HeardTeamRetroView().table
