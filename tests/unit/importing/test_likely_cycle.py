"""Which cycle a table is of, where nobody says so."""

import pytest

from importing.sheets.standing import likely
from importing.sheets.tables import TABLES
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t


@pytest.mark.parametrize(
    ("table", "first"), [("kpis", "next"), ("links", "next"), ("values", "now"), ("check_ins", "now")]
)
def test_what_was_measured_is_of_a_cycle_that_has_begun(table: str, first: str):
    cycles = [
        g.Cycle(cycle_id="next", state=t.CYCLE_STATE_PLANNED),
        g.Cycle(cycle_id="now", state=t.CYCLE_STATE_RUNNING),
        g.Cycle(cycle_id="before", state=t.CYCLE_STATE_CLOSED),
    ]
    assert likely(TABLES[table], cycles)[0].cycle_id == first
    assert len(likely(TABLES[table], cycles)) == 3
