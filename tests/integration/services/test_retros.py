"""Retros: what one writes is one's own, a team's cards lie open at once, and of an anonymous board nobody can tell who
wrote what (C-45 to C-49)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from eventkit.errors import Rejected
from eventkit.log import StreamId
from eventkit.values import from_datetime
from nhip.notifications.v1 import notifications_pb2 as n
from nhip.notifications.v1 import types_pb2 as kinds
from nhip.people.v1 import people_pb2 as people
from nhip.people.v1 import types_pb2 as pt
from nhip.retros.v1 import retros_pb2 as r
from nhip.retros.v1 import types_pb2 as t
from nhip.retros.v1.events_pb2 import CardsWritten
from services.retros.reactors.revealing import read
from tests.integration.services.company import Company, System, words
from tests.waiting import PATIENCE


@pytest.fixture
async def company(system: System) -> Company:
    return await system.company().found()


def starfish(**arms: str) -> t.Starfish:
    return t.Starfish(**{arm: words(text) for arm, text in arms.items()})


def cards(*written: tuple[t.Column.ValueType, str]) -> list[r.Card]:
    return [r.Card(column=column, words=words(text)) for column, text in written]


async def retro_of(company: Company, who: str, by: str) -> r.Retro:
    found = await company.ask(r.GetRetro(cycle_id=company.ids["q1"], person_id=company.ids[who]), by)
    assert isinstance(found, r.Retro)
    return found


async def board_of(company: Company, by: str) -> r.TeamRetro:
    found = await company.ask(r.GetTeamRetro(team_retro_id=company.ids["board"]), by)
    assert isinstance(found, r.TeamRetro)
    return found


async def open_board(company: Company, *, anonymous: bool = True) -> str:
    closes_at = from_datetime(datetime.now(UTC) + timedelta(days=1))
    command = r.OpenTeamRetro(
        cycle_id=company.ids["q1"], unit_id=company.ids["sales"], anonymous=anonymous, closes_at=closes_at
    )
    return await company.do(command, "phuc", name="board")


async def until_open(company: Company, by: str) -> r.TeamRetro:
    async with asyncio.timeout(PATIENCE):
        while (board := await board_of(company, by)).stage == t.STAGE_WRITING:
            await asyncio.sleep(0.1)
    return board


async def test_a_starfish_is_read_by_its_author_alone_until_they_share_it(company: Company):
    written = r.WriteStarfish(cycle_id=company.ids["q1"], starfish=starfish(start="Hỏi khách trước", keep="Ghi chép"))
    await company.do(written, "minh")
    own = await retro_of(company, "minh", "minh")
    assert (own.starfish.start.plain, own.revision, own.manager_id) == ("Hỏi khách trước", 1, company.ids["phuc"])

    for other in ("phuc", "tram", "nam"):
        refused = await company.refused(r.GetRetro(cycle_id=company.ids["q1"], person_id=company.ids["minh"]), other)
        assert refused.reason == "RETRO_UNKNOWN"
    await company.do(r.ShareRetro(cycle_id=company.ids["q1"]), "minh")
    assert (await retro_of(company, "minh", "phuc")).starfish.keep.plain == "Ghi chép"
    assert (await company.refused(r.GetRetro(cycle_id=company.ids["q1"], person_id=company.ids["minh"]), "nam")).reason
    shared = await company.ask(r.ListSharedRetros(cycle_id=company.ids["q1"]), "phuc")
    assert shared == r.SharedRetros(person_ids=[company.ids["minh"]])
    await company.do(r.UnshareRetro(cycle_id=company.ids["q1"]), "minh")
    with pytest.raises(Rejected):
        await retro_of(company, "minh", "phuc")

    behind = await company.refused(written, "minh")
    assert (behind.reason, behind.violations[0].field) == ("RETRO_MOVED", "revision")


async def test_of_an_anonymous_board_nobody_can_tell_who_wrote_what(company: Company):
    await open_board(company)
    wrote = {
        "minh": cards((t.COLUMN_LIKED, "Ngồi chung mười phút"), (t.COLUMN_LACKED, "Chỗ xem ai giữ khách nào")),
        "tram": cards((t.COLUMN_LEARNED, "Ghi câu khách hỏi ngay")),
        "nam": cards((t.COLUMN_LIKED, "Ít họp hơn")),
        "quang": [],
    }
    for who, mine in wrote.items():
        await company.do(r.WriteCards(team_retro_id=company.ids["board"], cards=mine, done=True), who)
    minhs = await board_of(company, "minh")
    assert [card.words.plain for card in minhs.own] == ["Ngồi chung mười phút", "Chỗ xem ai giữ khách nào"]
    assert (minhs.members, minhs.writers, list(minhs.cards)) == (5, 4, [])
    assert not (await board_of(company, "tram")).own[0].words.plain.startswith("Ngồi")

    phucs = r.WriteCards(
        team_retro_id=company.ids["board"], cards=cards((t.COLUMN_LONGED_FOR, "Một người trực giá")), done=True
    )
    await company.do(phucs, "phuc")
    board = await until_open(company, "minh")
    assert sorted(shown.card.words.plain for shown in board.cards) == sorted(
        card.words.plain for mine in [*wrote.values(), phucs.cards] for card in mine
    )
    assert {shown.card.author_id for shown in board.cards} == {""}

    # What was written stays in the log for ever, and opens for nobody any more, the service with its keys included.
    resources = company.system.all_resources["retros"]
    async with asyncio.timeout(PATIENCE):
        while left := [event for event in await drafts(company) if await read(resources.words, company.tenant, event)]:
            await asyncio.sleep(0.1)
    assert not left
    # All that tells of its author is as long whoever wrote it, and however much.
    assert len({len(event.cards.sealed.ciphertext) for event in await drafts(company)}) == 1

    await vote_group_and_try(company, board)
    wanted = {kinds.NOTICE_KIND_TEAM_RETRO_OPENED, kinds.NOTICE_KIND_CARDS_REVEALED}
    async with asyncio.timeout(PATIENCE):
        while not wanted <= await told(company, "tram"):
            await asyncio.sleep(0.1)


async def told(company: Company, who: str) -> set[int]:
    """The kinds of notices that somebody got."""
    listed = await company.ask(n.ListNotices(), who)
    assert isinstance(listed, n.Notices)
    return {one.kind for one in listed.notices}


async def drafts(company: Company) -> list[CardsWritten]:
    stream = StreamId(company.tenant, "team_retro", company.ids["board"])
    events = [event async for event in company.system.all_resources["retros"].log.read(stream)]
    return [event.message for event in events if isinstance(event.message, CardsWritten)]


async def vote_group_and_try(company: Company, board: r.TeamRetro) -> None:
    liked = [shown.card.card_id for shown in board.cards if shown.card.column == t.COLUMN_LIKED]
    await company.do(r.GroupCards(team_retro_id=board.team_retro_id, name=words("Họp"), card_ids=liked), "tram")
    await company.do(r.CastVotes(team_retro_id=board.team_retro_id, card_ids=[liked[0], liked[0], liked[1]]), "minh")
    await company.do(r.CastVotes(team_retro_id=board.team_retro_id, card_ids=[liked[0]]), "tram")
    refused = await company.refused(
        r.ChooseTrials(team_retro_id=board.team_retro_id, trials=[words("Họp mười phút")]), "minh"
    )
    assert refused.reason == "NOT_FACILITATOR"
    await company.do(r.ChooseTrials(team_retro_id=board.team_retro_id, trials=[words("Họp mười phút")]), "phuc")
    after = await board_of(company, "minh")
    assert {shown.card.card_id: shown.votes for shown in after.cards if shown.votes} == {liked[0]: 3, liked[1]: 1}
    assert (after.stage, after.groups[0].name.plain, after.trials[0].words.plain) == (
        t.STAGE_DONE,
        "Họp",
        "Họp mười phút",
    )


async def test_a_board_is_not_for_others_and_what_somebody_erased_wrote_on_it_is_gone(company: Company):
    await company.do(people.CreateUnit(name="Kế toán"), name="books")
    place = pt.Place(unit_id=company.ids["books"], manager_id=company.ids["nam"])
    await company.do(people.RegisterPerson(name=words("Lan"), title=words("Kế toán"), place=place), name="lan")
    await open_board(company)
    refused = await company.refused(r.GetTeamRetro(team_retro_id=company.ids["board"]), "lan")
    assert refused.reason == "NOT_YOUR_RETRO"
    small = r.OpenTeamRetro(cycle_id=company.ids["q1"], unit_id=company.ids["books"], anonymous=True)
    assert (await company.refused(small, "lan")).reason == "NOT_YOUR_TEAM"

    await company.do(r.WriteCards(team_retro_id=company.ids["board"], cards=cards((t.COLUMN_LIKED, "A"))), "tram")
    await company.do(people.RequestErasure(person_id=company.ids["tram"]), "tram")
    await company.do(people.ApproveErasure(person_id=company.ids["tram"]), "nam")
    resources = company.system.all_resources["retros"]
    async with asyncio.timeout(PATIENCE):
        while await read(resources.words, company.tenant, (await drafts(company))[0]):
            await asyncio.sleep(0.1)
    assert (await drafts(company))[0].cards.HasField("sealed")
