"""The retros of the example: Minh's starfish, the board that sales writes on, the one of CSKH that lies open.

What is done to them the services' own decisions say.
"""

from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import uuid4

from google.protobuf.message import Message

from eventkit.commands.aggregate import Aggregate, Decision
from eventkit.context import Actor, Context
from eventkit.directory.facts import OrgChart, Person, Place
from eventkit.errors import unknown
from nhip.common.v1 import command_pb2
from nhip.retros.v1 import retros_pb2 as pb
from nhip.retros.v1 import types_pb2 as t
from nhip.retros.v1.events_pb2 import CardsRevealed, CardsWritten, TeamRetroOpened, TrialsChosen
from services.retros.domain import retro, team_retro
from services.retros.domain.cards import folded, unfolded
from services.retros.domain.retro import RETRO, Retro
from services.retros.domain.team_retro import TEAM_RETRO, TeamRetro, evolve
from tests.browser.messages import NOW, at, day, words

MANAGERS = {"minh": "phuc", "tram": "phuc", "phuc": "nam", "thao": "lan", "tien": "lan", "lan": "nam", "quang": "nam"}
ROUNDS = {
    "q1-2025": ("Quý 1/2025", date(2025, 1, 1), date(2025, 3, 31)),
    "q4-2024": ("Quý 4/2024", date(2024, 10, 1), date(2024, 12, 31)),
}
SALES, CSKH, BEFORE = "b-sales", "b-cskh", "b-before"
CLOSES = datetime(2025, 4, 4, 10, tzinfo=UTC)
LONG = (
    "Mỗi lần xin duyệt giá mất từ ba đến năm ngày làm việc, khách hỏi mà đội không biết trả lời thế nào; giá như có "
    "một người trực giá mỗi tuần thì cả Sales và CSKH đều đỡ phải chờ nhau."
)
_OPEN = (
    (t.COLUMN_LIKED, "Sales và CSKH ngồi chung mười phút mỗi sáng thứ Hai."),
    (t.COLUMN_LIKED, "Thảo soạn danh sách bàn giao cho cả hai đội."),
    (t.COLUMN_LEARNED, "Ghi lại câu khách hỏi ngay sau buổi gặp thì lần sau trả lời trúng hơn."),
    (t.COLUMN_LACKED, LONG),
    (t.COLUMN_LACKED, "Một chỗ xem ai đang giữ khách nào."),
    (t.COLUMN_LONGED_FOR, "Một người trực giá mỗi tuần."),
)


class RetrosX:
    def __init__(self) -> None:
        starfish = t.Starfish(
            start=words("Gửi email riêng cho từng khách ngay sau demo: tóm tắt giải pháp và lợi ích chính."),
            keep=words("Ghi chép phản hồi của khách để cập nhật tài liệu tư vấn."),
            stop=words("Theo đuổi khách chưa có nhu cầu rõ ràng."),
            more=words("Tổ chức buổi chia sẻ kinh nghiệm chốt sales trong đội."),
        )
        earlier = t.Starfish(start=words("hỏi khách một câu mở trước khi giới thiệu"))
        self.retros: dict[str, Retro] = {
            "q1-2025 minh": Retro("q1-2025 minh", "q1-2025", "minh", starfish, revision=3),
            "q4-2024 minh": Retro("q4-2024 minh", "q4-2024", "minh", earlier, done=True, revision=1),
            "q1-2025 tram": Retro("q1-2025 tram", "q1-2025", "tram", starfish, done=True, revision=2, reader_id="phuc"),
        }
        self.boards = {SALES: _writing(), CSKH: _open(CSKH), BEFORE: _tried()}

    def _accepted(self, context: str, id: str) -> command_pb2.Accepted:
        raise NotImplementedError

    # --- one's own ---

    def WriteStarfish(self, request: pb.WriteStarfish, actor: str) -> Message:
        id = f"{request.cycle_id} {actor}"
        return self._retro(id, retro.write(self.retros.get(id), request, Actor("x", actor), id))

    def ShareRetro(self, request: pb.ShareRetro, actor: str) -> Message:
        id = f"{request.cycle_id} {actor}"
        return self._retro(id, retro.share(self.retros.get(id), Actor("x", actor), _ORG))

    def UnshareRetro(self, request: pb.UnshareRetro, actor: str) -> Message:
        id = f"{request.cycle_id} {actor}"
        return self._retro(id, retro.unshare(self.retros.get(id)))

    def _retro(self, id: str, decision: Decision) -> Message:
        self.retros[id] = _after(RETRO, self.retros.get(id), decision)
        return self._accepted("retros", "retro")

    def GetRetro(self, request: pb.GetRetro, actor: str) -> Message:
        person = request.person_id or actor
        if request.cycle_id not in ROUNDS:
            raise unknown("cycle", request.cycle_id, "cycle_id")
        found = self.retros.get(f"{request.cycle_id} {person}")
        if person != actor and (found is None or found.reader_id != actor):
            raise unknown("retro", person, "person_id")
        shown = pb.Retro(
            round=self._round(request.cycle_id, actor), person_id=person, manager_id=MANAGERS.get(actor, "")
        )
        if found is not None:
            shown.starfish.CopyFrom(found.starfish)
            shown.done, shown.revision, shown.reader_id = found.done, found.revision, found.reader_id
            shown.written_at.CopyFrom(at(NOW))
        before = self.retros.get(f"q4-2024 {person}")
        if before is not None and request.cycle_id == "q1-2025":
            shown.before.CopyFrom(before.starfish)
            shown.before_cycle = "Quý 4/2024"
        return shown

    def ListRounds(self, request: pb.ListRounds, actor: str) -> Message:
        return pb.Rounds(rounds=[self._round(id, actor) for id in ROUNDS])

    def _round(self, id: str, actor: str) -> pb.Round:
        name, starts, ends = ROUNDS[id]
        own = self.retros.get(f"{id} {actor}")
        boards = [
            pb.Board(
                team_retro_id=board.id,
                unit_id=board.opened.unit_id,
                stage=board.stage,
                closes_at=board.opened.closes_at,
                member=actor in board.opened.member_ids,
                done=actor in board.drafts and board.drafts[actor].done,
            )
            for board in self.boards.values()
            if board.opened.cycle_id == id and actor in (*board.opened.member_ids, board.opened.facilitator_id)
        ]
        units = ["marketing"] if actor == "nam" and id == "q1-2025" else []
        return pb.Round(
            cycle_id=id,
            name=name,
            starts_on=day(starts),
            ends_on=day(ends),
            written=own is not None,
            done=own is not None and own.done,
            boards=boards,
            unit_ids=units,
        )

    def ListSharedRetros(self, request: pb.ListSharedRetros, actor: str) -> Message:
        found = [one for one in self.retros.values() if one.reader_id == actor and one.cycle_id == request.cycle_id]
        return pb.SharedRetros(person_ids=[one.person_id for one in found])

    # --- a team's ---

    def OpenTeamRetro(self, request: pb.OpenTeamRetro, actor: str) -> Message:
        return self._accepted("retros", SALES)

    def WriteCards(self, request: pb.WriteCards, actor: str) -> Message:
        return self._board(request.team_retro_id, team_retro.write(self.boards[request.team_retro_id], request, actor))

    def GroupCards(self, request: pb.GroupCards, actor: str) -> Message:
        board = self.boards[request.team_retro_id]
        return self._board(board.id, team_retro.group(board, request, actor, str(uuid4())))

    def CastVotes(self, request: pb.CastVotes, actor: str) -> Message:
        return self._board(request.team_retro_id, team_retro.vote(self.boards[request.team_retro_id], request, actor))

    def ChooseTrials(self, request: pb.ChooseTrials, actor: str) -> Message:
        ctx = Context(Actor("x", actor), NOW, uuid4())
        return self._board(request.team_retro_id, team_retro.choose(self.boards[request.team_retro_id], request, ctx))

    def JudgeTrial(self, request: pb.JudgeTrial, actor: str) -> Message:
        return self._board(request.team_retro_id, team_retro.judge(self.boards[request.team_retro_id], request, actor))

    def _board(self, id: str, decision: Decision) -> Message:
        self.boards[id] = _after(TEAM_RETRO, self.boards[id], decision)
        return self._accepted("retros", id)

    def GetTeamRetro(self, request: pb.GetTeamRetro, actor: str) -> Message:
        board = team_retro.existing(self.boards.get(request.team_retro_id), request.team_retro_id)
        team_retro.check_reader(board, actor)
        votes, own = team_retro.votes_of(board.votes), board.drafts.get(actor)
        writing = board.stage == t.STAGE_WRITING
        return pb.TeamRetro(
            team_retro_id=board.id,
            cycle_id=board.opened.cycle_id,
            cycle_name=ROUNDS[board.opened.cycle_id][0],
            unit_id=board.opened.unit_id,
            stage=board.stage,
            anonymous=board.opened.anonymous,
            facilitator_id=board.opened.facilitator_id,
            members=len(board.opened.member_ids),
            writers=sum(draft.done for draft in board.drafts.values()) if writing else board.writers,
            closes_at=board.opened.closes_at,
            member=actor in board.opened.member_ids,
            own=[
                pb.Card(column=card.column, words=words(card.words))
                for card in (unfolded(own.cards.plain) if own and writing else [])
            ],
            own_done=own.done if own else False,
            own_revision=own.revision if own else 0,
            cards=[pb.ShownCard(card=card, votes=votes[card.card_id]) for card in board.cards.values()],
            groups=board.groups.values(),
            own_votes=board.votes.get(actor, ()),
            voters=len(board.votes),
            trials=board.trials,
            before=self.boards[BEFORE].trials if board.id == CSKH else [],
            before_id=BEFORE if board.id == CSKH else "",
            before_cycle="Quý 4/2024" if board.id == CSKH else "",
        )


State = TypeVar("State")


def _after(aggregate: Aggregate[State | None], state: State | None, decision: Decision) -> State:
    for _, event in decision:
        state = aggregate.evolve(state, event)
    assert state is not None
    return state


def _opened(id: str, cycle: str, unit: str, by: str, members: list[str], *, anonymous: bool) -> TeamRetro:
    return TeamRetro(
        TeamRetroOpened(
            team_retro_id=id,
            cycle_id=cycle,
            unit_id=unit,
            anonymous=anonymous,
            facilitator_id=by,
            member_ids=members,
            closes_at=at(CLOSES),
        )
    )


def _writing() -> TeamRetro:
    board = _opened(SALES, "q1-2025", "sales", "phuc", ["phuc", "minh", "tram", "thao", "tien"], anonymous=True)
    cards = [
        pb.Card(column=t.COLUMN_LIKED, words=words("Sales và CSKH ngồi chung mười phút mỗi sáng thứ Hai.")),
        pb.Card(column=t.COLUMN_LACKED, words=words("Một chỗ xem ai đang giữ khách nào.")),
    ]
    for who, written in (("minh", cards), ("tram", []), ("phuc", [])):
        draft = CardsWritten(
            team_retro_id=SALES, writer_id=who, cards=words(folded(written)), done=who != "minh", revision=1
        )
        board = evolve(board, draft)
    return board


def _open(id: str) -> TeamRetro:
    board = _opened(id, "q1-2025", "cskh", "lan", ["lan", "thao", "tien", "minh", "tram"], anonymous=True)
    cards = [
        t.OpenCard(card_id=f"c{number}", column=column, words=words(text))
        for number, (column, text) in enumerate(_OPEN)
    ]
    board = evolve(board, CardsRevealed(team_retro_id=id, writers=5, cards=cards))
    board = _after(
        TEAM_RETRO,
        board,
        team_retro.group(
            board, pb.GroupCards(team_retro_id=id, name=words("Giá và chờ đợi"), card_ids=["c3", "c5"]), "thao", "g1"
        ),
    )
    votes = pb.CastVotes(team_retro_id=id, card_ids=["c3", "c3", "c0"])
    return _after(TEAM_RETRO, board, team_retro.vote(board, votes, "thao"))


def _tried() -> TeamRetro:
    trials = [
        t.Trial(trial_id="t1", words=words("Họp đầu tuần mười phút, đứng.")),
        t.Trial(trial_id="t2", words=words(LONG)),
    ]
    board = _opened(BEFORE, "q4-2024", "cskh", "lan", ["lan", "thao", "tien", "minh"], anonymous=False)
    return evolve(board, TrialsChosen(team_retro_id=BEFORE, trials=trials))


_ORG = OrgChart(
    people={id: Person(id, words(id), words(""), ("employee",)) for id in {*MANAGERS, *MANAGERS.values()}},
    places={id: Place("", manager) for id, manager in MANAGERS.items()},
)
