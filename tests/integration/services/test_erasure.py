"""An approved erasure is carried out: the key first, then the word of it; begun again wherever it was cut off."""

import asyncio
from uuid import uuid4

import pytest

from eventkit.errors import Rejected
from eventkit.log import StreamId
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from services.people.domain import erasure
from services.people.reactors.erasure import erasing
from tests.integration.services.company import OPERATOR, Company, System, words
from tests.waiting import PATIENCE

ERASED = PersonalText(erased=True)
BECAUSE = PersonalText(plain="vì nghỉ phép")


@pytest.fixture
async def company(system: System) -> Company:
    return await system.company().found()


async def state(company: Company, who: str) -> p.Erasure:
    answer = await company.ask(p.ListErasures(), "nam")
    assert isinstance(answer, p.Erasures)
    return next(one for one in answer.erasures if one.person_id == company.ids[who])


async def until_erased(company: Company, who: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await state(company, who)).state != p.ERASURE_STATE_ERASED:
            await asyncio.sleep(0.02)


async def test_it_is_asked_for_approved_and_carried_out(company: Company):
    minh = company.ids["minh"]
    await company.do(p.ChangeEmail(person_id=minh, email=words("minh@example.org")), "minh")
    await company.do(p.RequestErasure(person_id=minh), "minh")
    assert (await state(company, "minh")).state == p.ERASURE_STATE_REQUESTED
    await company.do(p.ApproveErasure(person_id=minh), "nam")
    await until_erased(company, "minh")
    told = await state(company, "minh")
    assert (told.requested_by, told.decided_by) == (minh, company.ids["nam"])
    person = await company.ask(p.GetPerson(person_id=minh), "nam")
    assert isinstance(person, p.Person)
    assert (person.name, person.title, person.email, person.active) == (ERASED, ERASED, ERASED, False)
    assert (await company.refused(p.ListErasures(), "minh")).reason == "ACTOR_UNKNOWN"


async def test_killed_between_its_steps_it_ends_by_itself(
    company: Company, system: System, monkeypatch: pytest.MonkeyPatch
):
    """The key is destroyed, and the process dies before it says so; whoever begins again finds the key gone, and says
    so."""
    resources, minh = system.all_resources["people"], company.ids["minh"]
    complete, deaths = erasure.complete, [ConnectionError(), ConnectionError()]

    def dying(*given: object) -> object:
        if deaths:
            raise deaths.pop()
        return complete(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("services.people.reactors.erasure.complete", dying)
    await company.do(p.RequestErasure(person_id=minh), "minh")
    await company.do(p.ApproveErasure(person_id=minh), "nam")
    await until_erased(company, "minh")
    assert not deaths
    with pytest.raises(Rejected, match="PERSON_ERASED"):
        await resources.words.seal(
            p.ChangeEmail(email=words("minh@example.org")), tenant=company.tenant, author=minh, event_id=uuid4()
        )


async def test_done_again_it_changes_nothing(company: Company, system: System):
    """At least once is once in effect."""
    resources, minh = system.all_resources["people"], company.ids["minh"]
    await company.do(p.RequestErasure(person_id=minh), "minh")
    await company.do(p.ApproveErasure(person_id=minh), "nam")
    await until_erased(company, "minh")
    stream = [event async for event in resources.log.read(StreamId(company.tenant, "erasure", minh))]
    for _ in range(2):
        for event in stream:
            await erasing(resources).react(event)
    again = [event async for event in resources.log.read(StreamId(company.tenant, "erasure", minh))]
    assert [event.id for event in again] == [event.id for event in stream]


async def test_a_legal_hold_stops_it(company: Company):
    minh = company.ids["minh"]
    await company.do(p.PlaceLegalHold(person_id=minh, reason=words("Đang có kiện tụng")), "nam")
    await company.do(p.RequestErasure(person_id=minh), "minh")
    assert (await company.refused(p.ApproveErasure(person_id=minh), "nam")).reason == "LEGAL_HOLD"
    assert (await state(company, "minh")).held
    assert (await company.refused(p.LiftLegalHold(person_id=minh, reason=words("Xong")), "nam")).reason == "OWN_HOLD"
    await company.do(p.LiftLegalHold(person_id=minh, reason=words("Xong")), OPERATOR)
    await company.do(p.ApproveErasure(person_id=minh), "nam")
    await until_erased(company, "minh")


async def test_nobody_asks_for_and_approves_the_erasure_of_a_colleague(company: Company):
    minh = company.ids["minh"]
    await company.do(p.RequestErasure(person_id=minh), "nam")
    assert (await company.refused(p.ApproveErasure(person_id=minh), "nam")).reason == "OWN_REQUEST"
    await company.do(
        p.ChangeRoles(person_id=company.ids["quang"], roles=[pt.ROLE_EXECUTIVE, pt.ROLE_ADMIN], reason=BECAUSE), "nam"
    )
    await company.do(p.ApproveErasure(person_id=minh), "quang")
    await until_erased(company, "minh")


async def test_of_two_administrators_who_take_each_other_away_at_once_one_stays(company: Company):
    """Neither decision has seen the other: what each rests on is guarded."""
    await company.do(
        p.ChangeRoles(person_id=company.ids["quang"], roles=[pt.ROLE_EXECUTIVE, pt.ROLE_ADMIN], reason=BECAUSE), "nam"
    )
    away = {"nam": "quang", "quang": "nam"}
    requests = [
        company.ask(p.ChangeRoles(person_id=company.ids[of], roles=[pt.ROLE_EXECUTIVE], reason=BECAUSE), by)
        for by, of in away.items()
    ]
    done = await asyncio.gather(*requests, return_exceptions=True)
    refused = [one for one in done if isinstance(one, Rejected)]
    assert len(refused) == 1
    assert refused[0].reason in ("LAST_ADMINISTRATOR", "NOT_ALLOWED")  # who lost the role first may not ask any more
    people = await company.ask(p.ListPeople(), "nam")
    assert isinstance(people, p.PeopleList)
    assert sum(pt.ROLE_ADMIN in person.roles for person in people.people) == 1


async def test_the_last_administrator_is_not_erased(company: Company):
    nam = company.ids["nam"]
    await company.do(p.RequestErasure(person_id=nam), "nam")
    assert (await company.refused(p.ApproveErasure(person_id=nam), OPERATOR)).reason == "LAST_ADMINISTRATOR"
