"""Who is erased leaves what others said, and views that say what the streams say, folded again or not."""

import pytest

from eventkit.values import from_date
from nhip.checkins.v1 import calendar_feeds_pb2 as fd
from nhip.checkins.v1 import check_ins_pb2 as ci
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.checkins.v1 import meetings_pb2 as m
from nhip.checkins.v1 import topics_pb2 as tp
from nhip.checkins.v1 import types_pb2 as t
from nhip.common.v1 import operations_pb2 as o
from nhip.people.v1 import people_pb2 as p
from tests.integration.services.company import OPERATOR, Company, System, number, today, words
from tests.integration.services.test_check_ins import in_rhythm, is_right
from tests.integration.services.test_erasure import until_erased
from tests.integration.services.test_talks import met, span


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


async def test_an_erased_persons_words_of_a_meeting_go_and_the_others_stay(company: Company):
    meeting = await company.do(m.CallMeeting(participant_ids=[company.ids["phuc"]], span=span()), "minh")
    note = m.WriteNote(meeting_id=meeting, part=t.NOTE_PART_PROBLEM, text=words("Lời của Minh"))
    await company.do(note, "minh")
    note = m.WriteNote(meeting_id=meeting, part=t.NOTE_PART_SUMMARY, text=words("Lời của Phúc"))
    await company.do(note, "phuc")
    await company.do(
        m.AgreeAction(meeting_id=meeting, agreed=t.Agreed(what=words("Gọi khách"), doer_id=company.ids["minh"])),
        "phuc",
    )
    await company.do(p.RequestErasure(person_id=company.ids["minh"]), "minh")
    await company.do(p.ApproveErasure(person_id=company.ids["minh"]), "nam")
    await until_erased(company, "minh")
    for rebuilt in (False, True):
        if rebuilt:  # with all others of checkins
            await company.ask(o.Rebuild(view="meeting"), OPERATOR, context="checkins")
        shown = await met(company, meeting, "phuc")
        assert [(one.text.erased, one.text.plain) for one in shown.notes] == [(True, ""), (False, "Lời của Phúc")]
        assert [one.agreed.what.erased for one in shown.actions] == [True]
        await is_right(company)


async def test_an_erased_persons_check_ins_keep_their_numbers_and_lose_every_word_c10(company: Company):
    await in_rhythm(company)
    minh, day = company.ids["minh"], from_date(today())
    await company.do(
        ci.SubmitCheckIn(
            due_on=day,
            values=[
                c.RecordProgress(kpi_id=company.ids["I1"], value=number(12), confidence=6, note=words("Chậm duyệt"))
            ],
            mood=2,
            done=[words("Gọi Alpha")],
            blockers=[words("Chờ duyệt giá")],
            learnings=words("Hỏi sớm hơn"),
            topics=[tp.TopicDraft(title=words("Duyệt giá"), problem=words("Mất 3–5 ngày"))],
        ),
        "minh",
    )
    await company.do(
        ci.EvaluateCheckIn(person_id=minh, due_on=day, submission=1, comment=words("Lời của Phúc")), "phuc"
    )
    await company.do(fd.RenewCalendarFeed(address_sha256="a" * 64), "minh")
    await company.do(p.RequestErasure(person_id=minh), "minh")
    await company.do(p.ApproveErasure(person_id=minh), "nam")
    await until_erased(company, "minh")
    for rebuilt in (False, True):
        if rebuilt:  # with all others of checkins
            await company.ask(o.Rebuild(view="check_in"), OPERATOR, context="checkins")
        shown = await company.ask(ci.GetCheckIn(person_id=minh, due_on=day), "phuc")
        assert isinstance(shown, ci.CheckIn)
        said = shown.submitted
        assert [one.erased for one in (said.mood, *said.done, *said.blockers, said.learnings)] == [True] * 4
        assert [(one.value.value, one.confidence, one.note.erased) for one in said.values] == [("12", 6, True)]
        assert [one.comment.plain for one in shown.answers] == ["Lời của Phúc"]
        await is_right(company)
