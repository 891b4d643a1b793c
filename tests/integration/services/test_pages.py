"""Lists of people and rewards, page by page: nothing twice, nothing left out, and people found as they are looked
for."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from google.protobuf.message import Message

from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import positions_pb2 as q
from nhip.people.v1 import types_pb2 as pt
from nhip.rewards.v1 import rewards_pb2 as r
from tests.integration.services.company import Company, System, number, words

NAMES = ("Đặng Thị Ánh", "Nguyễn Đạt", "Trần Phúc Lộc")


@pytest.fixture(scope="module")
async def company(system: System) -> Company:
    company = await system.company().found()
    await company.do(p.CreateUnit(name="Kế toán"), name="accounts")
    for name in NAMES:
        place = pt.Place(unit_id=company.ids["accounts"])
        await company.do(p.RegisterPerson(name=words(name), title=words("Kế toán viên"), place=place), name=name)
    for n, name in enumerate(("Tận tâm", "Chính trực", "Học hỏi")):
        aim = g.SetStrategicGoal(name=f"Mục tiêu {n}", year=2025, target=number(n + 1))
        await company.do(g.ChooseCsf(name=f"Yếu tố {n}", goal_ids=[await company.do(aim, name=f"goal {n}")]))
        value = await company.do(r.NameCoreValue(name=name))
        await company.do(r.OfferGift(name=f"Quà {n % 2}", points=5, stock=9))
        await company.do(r.GivePraise(receiver_id=company.ids["minh"], value_id=value, words=words("Cảm ơn")), "phuc")
    gift = (await all_of(company, r.ListGifts(), lambda page: page.gifts))[0].gift_id
    for _ in range(3):
        await company.do(r.RedeemGift(gift_id=gift), "minh")
    for who in ("minh", "tram", "phuc"):
        await company.do(p.RequestErasure(person_id=company.ids[who]), who)
    await company.do(p.PlaceLegalHold(person_id=company.ids["quang"], reason=words("Đang có kiện tụng")), "nam")
    return company


async def all_of(
    company: Company, request: Message, items: Callable[[Any], Sequence[Any]], *, by: str = "nam", size: int = 0
) -> list[Any]:
    """Everything, page after page."""
    found: list[Any] = []
    setattr(request, "page_size", size)  # noqa: B010 # every list has it
    for _ in range(100):
        page: Any = await company.ask(request, by)
        assert not size or len(items(page)) <= size
        found += items(page)
        if not page.next_page_token:
            return found
        setattr(request, "page_token", page.next_page_token)  # noqa: B010
    raise AssertionError("the pages never end")


LISTS: dict[str, tuple[Callable[[], Message], Callable[[Any], Sequence[Any]], str, int]] = {
    "people": (p.ListPeople, lambda page: page.people, "nam", 8),
    "units": (p.ListUnits, lambda page: page.units, "nam", 2),
    "erasures": (p.ListErasures, lambda page: page.erasures, "nam", 4),
    "strategic goals": (g.ListStrategicGoals, lambda page: page.goals, "minh", 4),
    "success factors": (g.ListCsfs, lambda page: page.csfs, "minh", 4),
    "core values": (r.ListCoreValues, lambda page: page.values, "nam", 3),
    "gifts": (r.ListGifts, lambda page: page.gifts, "nam", 3),
    "praise": (r.ListPraises, lambda page: page.praises, "nam", 3),
    "redemptions": (r.ListRedemptions, lambda page: page.redemptions, "minh", 3),
    "movements": (r.GetWallet, lambda page: page.movements, "minh", 6),
}


@pytest.mark.parametrize("name", LISTS)
async def test_page_after_page_is_the_whole_list(company: Company, name: str):
    request, items, by, count = LISTS[name]
    whole = await all_of(company, request(), items, by=by)
    assert len(whole) == count
    for size in (1, 2):
        assert await all_of(company, request(), items, by=by, size=size) == whole
    refused = request()
    setattr(refused, "page_token", "9" * 30)  # noqa: B010
    assert (await company.refused(refused, by)).reason == "PAGE_TOKEN_INVALID"


async def test_success_factors_are_those_of_some_goals(company: Company):
    async def names(*goals: str) -> list[str]:
        asked = g.ListCsfs(goal_ids=[company.ids[goal] for goal in goals], page_size=1)
        return [csf.name for csf in await all_of(company, asked, lambda page: page.csfs, by="minh", size=1)]

    assert await names("goal 2", "goal 0") == ["Yếu tố 0", "Yếu tố 2"]
    assert await names("goal") == ["Khách dùng thử"]


async def found(company: Company, by: str = "nam", **asked: Any) -> list[str]:
    answer = await company.ask(p.ListPeople(**asked), by)
    assert isinstance(answer, p.PeopleList)
    return sorted(person.name.plain for person in answer.people)


async def test_people_are_found_without_diacritics_by_unit_and_by_ids(company: Company):
    ids = company.ids
    assert await found(company, text="dang anh") == ["Đặng Thị Ánh"]
    assert await found(company, text="ĐẠT") == ["Nguyễn Đạt"]
    assert await found(company, text="ke toan vien") == sorted(NAMES)  # by title as well
    assert await found(company, text="nobody at all") == []
    assert await found(company, unit_id=ids["accounts"]) == sorted(NAMES)
    assert await found(company, person_ids=[ids["minh"], "ghost", ids["minh"]]) == ["Tên-minh"]
    assert await found(company, "minh", text="phuc", unit_id=ids["sales"]) == ["Tên-phuc"]


async def test_what_the_organisation_lacks_is_counted_and_found(company: Company):
    lacking = await found(company, lacking=p.LACK_MANAGER)
    assert lacking == sorted(NAMES)  # executives may report to nobody
    assert await found(company, lacking=p.LACK_UNIT) == []
    assert await found(company, manager_id=company.ids["phuc"]) == ["Tên-minh", "Tên-tram"]
    assert await company.ask(p.GetOrganisation(), "minh") == p.Organisation(
        people=8, units=2, without_manager=3, units_without_head=1, executives=2
    )


async def test_a_position_is_held_by_whom_it_is_assigned_to(company: Company):
    facts = q.PositionFacts(name="Kế toán viên", unit_id=company.ids["accounts"], job_description="Ghi sổ\nmỗi ngày")
    seller = await company.do(q.OpenPosition(position=facts), "nam")
    await company.do(q.AssignPosition(person_id=company.ids[NAMES[0]], position_id=seller), "nam")
    listed = await company.ask(q.ListPositions(page_size=1), "minh")
    assert isinstance(listed, q.Positions)
    assert [(one.position.name, one.holders) for one in listed.positions] == [("Kế toán viên", 1)]
    found = await company.ask(q.GetPosition(person_id=company.ids[NAMES[0]]), "minh")
    assert isinstance(found, q.Position)
    assert (found.position, [one.name.plain for one in found.holder_list]) == (facts, [NAMES[0]])
    assert (await company.refused(q.ClosePosition(position_id=seller), "nam")).reason == "POSITION_HELD"
    assert (await company.refused(q.AssignPosition(person_id=company.ids["minh"]), "minh")).reason == "NOT_ALLOWED"


async def test_who_left_or_came_is_found_as_they_are_now(company: Company):
    assert await found(company, text="loc", active=True) == ["Trần Phúc Lộc"]
    await company.do(p.RegisterPerson(name=words("Lộc Mới")), name="new")
    await company.do(p.DeactivatePerson(person_id=company.ids["Trần Phúc Lộc"]), "nam")
    assert await found(company, text="loc", active=True) == ["Lộc Mới"]
    assert len(await found(company, text="loc")) == 2
    await company.do(p.DeactivatePerson(person_id=company.ids["new"]), "nam")


async def test_nobody_finds_a_request_for_erasure_that_is_not_theirs(company: Company):
    mine = await company.ask(p.ListErasures(), "minh")
    assert isinstance(mine, p.Erasures)
    assert [one.person_id for one in mine.erasures] == [company.ids["minh"]]
    assert (await company.refused(p.ListErasures(person_id=company.ids["tram"]), "minh")).reason == "NOT_ALLOWED"
    assert all(one.reason == PersonalText() for one in mine.erasures)
