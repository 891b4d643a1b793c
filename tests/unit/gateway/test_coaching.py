"""The bank of coaching questions: a talk begins with a question, and goes on with them (C-34, C-35, C-36, C-37)."""

import re

import pytest

from nhip.checkins.v1 import types_pb2 as t
from services.gateway.console.language import Language
from services.gateway.features.checkin.reading import prompts
from services.gateway.features.meetings.bank import questions
from services.gateway.features.team.pages import opening


@pytest.mark.parametrize("code", ["vi", "en"])
def test_the_bank_asks_and_never_orders_from_how_it_is_going_to_what_the_manager_could_do(code: str):
    bank = questions(Language(code))
    assert all(question.text.endswith("?") for question in bank)
    assert len({question.key for question in bank}) == len({question.text for question in bank}) == len(bank)
    assert (bank[0].key, bank[-1].key) == ("last-week", "from-me")


@pytest.mark.parametrize("code", ["vi", "en"])
@pytest.mark.parametrize("sign", [sign for sign in t.TeamSign.values() if sign])
def test_whatever_a_team_board_shows_it_leads_to_a_question_and_to_no_order_c37(code: str, sign: int):
    begins = opening(Language(code), sign)
    [question] = re.findall("“(.*)”", begins) or ["?" if sign == t.TEAM_SIGN_TOPIC_WAITS else ""]
    assert question.endswith("?"), begins


@pytest.mark.parametrize("code", ["vi", "en"])
def test_an_answer_begins_with_questions_c37(code: str):
    asked = prompts(Language(code))
    assert asked
    assert all(one.endswith("?") for one in asked)
