"""Who is erased leaves what others said, and views that say what the streams say, folded again or not."""

import pytest

from nhip.checkins.v1 import meetings_pb2 as m
from nhip.checkins.v1 import types_pb2 as t
from nhip.common.v1 import operations_pb2 as o
from nhip.people.v1 import people_pb2 as p
from tests.integration.services.company import OPERATOR, Company, System, words
from tests.integration.services.test_check_ins import is_right
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
