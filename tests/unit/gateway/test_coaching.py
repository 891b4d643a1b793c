"""The bank of coaching questions: a talk begins with a question, and goes on with them (C-34, C-35, C-36)."""

import pytest

from services.gateway.console.language import Language
from services.gateway.features.meetings.bank import questions


@pytest.mark.parametrize("code", ["vi", "en"])
def test_the_bank_asks_and_never_orders_from_how_it_is_going_to_what_the_manager_could_do(code: str):
    bank = questions(Language(code))
    assert all(question.text.endswith("?") for question in bank)
    assert len({question.key for question in bank}) == len({question.text for question in bank}) == len(bank)
    assert (bank[0].key, bank[-1].key) == ("last-week", "from-me")
