"""The beats while a company changes: another manager and unit in the middle of a cycle, a day of leaving, and people
who act at the same time (1.13, C-15, A-07).
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from google.protobuf.message import Message

from eventkit.context import by_the_clock
from eventkit.errors import Rejected
from eventkit.log import StreamId
from eventkit.values import from_date, required_date
from nhip.checkins.v1 import cadence_pb2 as cd
from nhip.checkins.v1 import check_ins_pb2 as ci
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.checkins.v1 import meetings_pb2 as m
from nhip.checkins.v1 import topics_pb2 as tp
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import CheckInsFellDue
from nhip.goals.v1 import types_pb2 as gt
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from nhip.retros.v1 import retros_pb2 as r
from nhip.retros.v1 import types_pb2 as rt
from services.checkins.domain import slot
from services.checkins.reactors.falling_due import FallingDue
from tests.integration.services.company import Company, System, number, today, words
from tests.integration.services.test_check_ins import in_rhythm, is_right, one
from tests.integration.services.test_talks import span

BEFORE, AFTER = "before", "after"


@pytest.fixture(scope="module")
async def moved(system: System) -> Company:
    """Minh checked in, raised a topic, met Phúc and let him read his retro; went to Lan's unit; and did all of it
    again."""
    company = await in_rhythm(await (await system.company().found()).branch())
    ids, do = company.ids, company.do
    await do(p.CreateUnit(name="CSKH"), name="cskh")
    for who, *roles in (("lan",), ("van", pt.ROLE_AUDITOR)):
        await do(p.RegisterPerson(name=words(who), place=pt.Place(manager_id=ids["nam"]), roles=roles), name=who)
    await do(p.AppointUnitHead(unit_id=ids["cskh"], person_id=ids["lan"]))
    await a_beat(company, BEFORE, today() - timedelta(days=14), "phuc")
    await do(r.WriteStarfish(cycle_id=ids["q1"], starfish=rt.Starfish(start=words("Hỏi khách trước"))), "minh")
    await do(r.ShareRetro(cycle_id=ids["q1"]), "minh")
    await do(p.AssignPlace(person_id=ids["minh"], place=pt.Place(unit_id=ids["cskh"], manager_id=ids["lan"])))
    await a_beat(company, AFTER, today(), "lan")
    return company


async def a_beat(company: Company, when: str, day: date, manager: str) -> None:
    ids = company.ids
    company.ids[f"day {when}"] = day.isoformat()
    await company.do(ci.SubmitCheckIn(due_on=from_date(day), mood=4, done=[words(f"Việc {when}")]), "minh")
    topic = tp.TopicDraft(title=words(f"Chuyện {when}"))
    await company.do(tp.RaiseTopic(topic=topic), "minh", name=f"topic {when}")
    call = m.CallMeeting(host_id=ids[manager], participant_ids=[ids["minh"]], span=span())
    await company.do(call, manager, name=f"meeting {when}")


def due_on(x: Company, when: str):
    return from_date(datetime.fromisoformat(x.ids[f"day {when}"]).date())


def answer(x: Company, when: str) -> Message:
    comment = words("Tốt")
    return ci.EvaluateCheckIn(person_id=x.ids["minh"], due_on=due_on(x, when), submission=1, comment=comment)


def again(x: Company, when: str) -> Message:
    reason = words("Thiếu số")
    return ci.AskAgain(person_id=x.ids["minh"], due_on=due_on(x, when), submission=1, reason=reason)


THINGS: Mapping[str, tuple[Callable[[Company, str], Message], str, str]] = {
    "read a check-in, its mood and words": (
        lambda x, when: ci.GetCheckIn(person_id=x.ids["minh"], due_on=due_on(x, when)),
        "minh phuc",
        "minh lan",
    ),
    "answer it": (answer, "phuc", "lan"),
    "ask for it again": (again, "phuc", "lan"),
    "read a topic that nobody answered": (
        lambda x, when: tp.GetTopic(topic_id=x.ids[f"topic {when}"]),
        "minh phuc lan",
        "minh lan",
    ),
    "answer that topic": (
        lambda x, when: tp.AnswerTopic(topic_id=x.ids[f"topic {when}"], answer=words("Được")),
        "phuc lan",
        "lan",
    ),
    "read what was said in a 1:1": (
        lambda x, when: m.GetMeeting(meeting_id=x.ids[f"meeting {when}"]),
        "minh phuc",
        "minh lan",
    ),
    "write into that 1:1": (
        lambda x, when: m.WriteWay(meeting_id=x.ids[f"meeting {when}"], way=t.Way(name=words("Mẫu A"))),
        "minh phuc",
        "minh lan",
    ),
}
"""What is asked for; who may of before the change, and of after it: what waits for an answer goes along to the new
manager too, what was said stays with whom it was said to."""
EVERYBODY = ("minh", "phuc", "lan", "nam", "quang", "tram", "van")


@pytest.mark.parametrize("what", THINGS)
async def test_what_was_said_stays_with_whom_it_was_said_to_when_a_manager_and_unit_change_c15(
    moved: Company, what: str
):
    ask, *expected = THINGS[what]
    for when, whose in zip((BEFORE, AFTER), expected, strict=True):
        may = [who for who in EVERYBODY if who in whose.split()]
        allowed: list[str] = []
        for who in sorted(EVERYBODY, key=may.__contains__):  # whoever may, last: then it is done
            if await reads(moved, ask(moved, when), who):
                allowed.append(who)
        assert allowed == may, when


async def test_a_team_board_shows_what_fell_into_ones_time_and_a_shared_retro_goes_to_nobody_else(moved: Company):
    teams = {who: await moved.ask(ci.ListTeam(), who) for who in ("phuc", "lan")}
    seen = {
        who: {one.person_id: [required_date(line.due_on) for line in one.last] for one in team.members}
        for who, team in teams.items()
        if isinstance(team, ci.Team)
    }
    minh = moved.ids["minh"]
    assert minh not in seen["phuc"]
    assert seen["lan"][minh] == [today()]
    retro = r.GetRetro(cycle_id=moved.ids["q1"], person_id=minh)
    assert {who: await reads(moved, retro, who) for who in EVERYBODY if who != "minh"} == {
        "phuc": True,  # with whom it was shared
        **dict.fromkeys(("lan", "nam", "quang", "tram", "van"), False),
    }
    await is_right(moved)


async def reads(company: Company, request: Message, who: str) -> bool:
    try:
        await company.ask(request, who)
    except Rejected:
        return False
    return True


async def test_who_leaves_on_the_day_of_a_check_in_owes_none_and_what_they_said_stays_readable(system: System):
    company = await in_rhythm(await (await system.company().found()).branch())
    ids, past = company.ids, today() - timedelta(days=14)
    await company.do(ci.SubmitCheckIn(due_on=from_date(past), mood=4), "minh")
    await company.do(ci.SaveCheckInDraft(due_on=from_date(today()), draft=ci.CheckInDraft(mood=2)), "minh")
    timer = FallingDue(system.all_resources["checkins"])
    await company.ask(ci.ListCheckIns(), "minh")
    await timer.look_at(_now(company), today())  # in the morning it was due
    await company.do(p.DeactivatePerson(person_id=ids["minh"], successor_id=ids["tram"]), "nam")
    calendar = await company.ask(cd.GetCalendar(person_id=ids["minh"]), "phuc")
    assert isinstance(calendar, cd.Calendar)
    slots = [required_date(slot.due_on) for slot in calendar.slots]
    assert (past in slots, today() in slots) == (True, False)
    assert (await one(company, "phuc", "minh", past)).submitted.mood.plain == "4"
    team = await company.ask(ci.ListTeam(), "phuc")
    assert isinstance(team, ci.Team)
    assert ids["minh"] not in {member.person_id for member in team.members}
    await timer.look_at(_now(company), today() + timedelta(days=1))  # and on the morning after nobody asks for it
    assert ids["minh"] in await _told(company, t.SLOT_STAGE_DUE)
    assert await _told(company, t.SLOT_STAGE_OVERDUE) == {ids[who] for who in ("nam", "phuc", "tram", "quang")}
    await company.do(p.ReactivatePerson(person_id=ids["minh"]), "nam")
    back = await one(company, "minh", "minh", today())
    assert (back.draft.mood, back.may_submit) == (2, True)
    await is_right(company)


def _now(company: Company):
    return by_the_clock(company.tenant, "test", uuid4().hex, datetime.now(UTC), datetime.now(UTC))


async def _told(company: Company, stage: t.SlotStage.ValueType) -> set[str]:
    """Of whom it was said at a stage that today's check-in is due."""
    stream = StreamId(company.tenant, "slot", slot.id_of(today(), stage))
    events = [event async for event in company.system.all_resources["checkins"].log.read(stream)]
    messages = [event.message for event in events if isinstance(event.message, CheckInsFellDue)]
    return {one.person_id for message in messages for one in message.people}


async def test_two_owners_and_their_manager_at_once_lose_nothing(system: System):
    """Both check in with the same KPI, one puts the number right, and the manager answers, all at the same moment: each
    is told what became of theirs, and all that was taken is there."""
    company = await (await system.company().found()).branch()
    ids, day = company.ids, from_date(today())
    shared = company.definition("KC", gt.LEVEL_INDIVIDUAL, 50, company.under("D1"), owner="minh")
    shared.kpi.owner_ids.append(ids["tram"])
    await company.do(shared, name="KC")
    await in_rhythm(company)
    await company.ask(c.ListProgress(kpi_id=ids["KC"]), "minh")

    def said(value: int) -> ci.SubmitCheckIn:
        progress = c.RecordProgress(kpi_id=ids["KC"], value=number(value), confidence=7, confirmed=True)
        return ci.SubmitCheckIn(due_on=day, values=[progress], mood=4)

    def corrected(before: int, after: int) -> c.CorrectProgress:
        return c.CorrectProgress(
            kpi_id=ids["KC"],
            occurred_on=day,
            before=number(before),
            after=number(after),
            reason_class=t.CORRECTION_REASON_MISTYPED,
            reason=words("gõ nhầm"),
            confirmed=True,
        )

    taken: list[int] = []
    for turn in range(3):
        low, high = 10 * turn + 10, 10 * turn + 11
        assert await at_once(company, (said(low), "minh"), (said(high), "tram")) == ["", ""]
        stands = low if (await standing(company)) == str(low) else high
        answer = ci.EvaluateCheckIn(person_id=ids["minh"], due_on=day, submission=turn + 1, comment=words("Tốt"))
        told = await at_once(
            company,
            (answer, "phuc"),
            (corrected(stands, stands + 5), "minh"),
            (corrected(stands, stands + 6), "tram"),
        )
        assert sorted(told) == ["", "", "PROGRESS_MOVED"], "the second is told that the first put it right"
        assert told[0] == ""
        won = stands + 5 if told[1] == "" else stands + 6
        assert await standing(company) == str(won)
        taken += [low, high, won]
        again = ci.AskAgain(person_id=ids["minh"], due_on=day, submission=turn + 1, reason=words("Nói thêm"))
        repeated = await at_once(company, (again, "phuc"), (said(low), "minh"))
        assert repeated in (["", ""], ["", "CHECK_IN_EVALUATED"])  # before it was asked for again it was answered
        if repeated[1] == "":
            taken.append(low)
            break
    listed = await company.ask(c.ListProgress(kpi_id=ids["KC"], page_size=100), "minh")
    assert isinstance(listed, c.Progress)
    assert sorted(int(entry.value.value) for entry in listed.entries) == sorted(taken)
    shown = await one(company, "phuc", "minh", today())
    assert [answer.submission for answer in shown.answers if not answer.asks_again] == list(
        range(1, len(taken) // 3 + 1)
    )
    await is_right(company)


async def at_once(company: Company, *asked: tuple[Message, str]) -> list[str]:
    """The reasons of the refusals; empty where there is none."""

    async def one_of(request: Message, who: str) -> str:
        try:
            await company.ask(request, who)
        except Rejected as refusal:
            return refusal.reason
        return ""

    return list(await asyncio.gather(*(one_of(request, who) for request, who in asked)))


async def standing(company: Company) -> str:
    """What stands for today of the KPI that two answer for."""
    listed = await company.ask(c.ListProgress(kpi_id=company.ids["KC"], page_size=100), "minh")
    assert isinstance(listed, c.Progress)
    [entry] = [entry for entry in listed.entries if not entry.corrected]
    return entry.value.value
