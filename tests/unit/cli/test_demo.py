"""The demo company is alive on whatever day it is imported."""

import re
from datetime import date

import pytest

from cli.demo import DEMO, around
from cli.importing.check import checked


@pytest.mark.parametrize("today", [date(2026, 11, 28), date(2028, 2, 29), date(2027, 1, 1), date(2026, 12, 31)])
def test_its_quarter_runs_and_everything_in_it_has_happened(today: date):
    text = around(DEMO.read_text("utf-8"), today)
    file, problems = checked(text.encode(), today)
    assert not problems
    assert file is not None
    assert file.cycle is not None
    starts_on, ends_on = file.cycle.starts_on, file.cycle.ends_on
    assert starts_on is not None
    assert ends_on is not None
    assert starts_on < today < ends_on
    assert not {"2023", "2025"} & set(re.findall(r"20\d\d", text)) - {str(today.year - 2)}
    assert all(value.day is None or starts_on <= value.day <= today for value in file.progress)
    assert all(praise.deed_on is None or praise.deed_on <= today for praise in file.praises)
