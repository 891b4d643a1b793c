"""Values that a source sends, or publishes as a table."""

import json
from decimal import Decimal

import pytest

from eventkit.directory.integrations import Integration
from eventkit.errors import Rejected
from importing.sheets.grid import Unreadable
from nhip.people.v1 import integrations_pb2 as pb
from services.checkins.domain import delivery
from services.checkins.domain.published_table import Said, Unsaid, rows

NAMES = [pb.SourceName(called="Demo khách mới", kpi_id="demos")]
TABLE = pb.PolledTable(kpi_column="Chỉ số", value_column="Thực tế", day_column="Ngày", numbers="vi", days="dmy")
CRM = Integration("crm", pb.IntegrationFacts(source_names=NAMES, polled=TABLE), ())


def sent(*values: object) -> bytes:
    return json.dumps({"type": "values.recorded", "data": {"values": values}}).encode()


def test_a_delivery_names_kpis_as_the_source_does_and_each_value_is_known_again():
    batch = delivery.values(
        sent(
            {"kpi": "demo  KHÁCH mới", "value": 44, "day": "2025-03-20", "reference": "crm-889", "confidence": 7},
            {"kpi": "calls", "value": "67.50", "note": "Hai nơi hỏi giá", "confirmed": True},
        ),
        "msg_1",
        CRM,
    )
    first, second = batch.items
    assert (first.progress.kpi_id, first.progress.value.value, first.key) == ("demos", "44", "crm-889")
    assert (first.progress.occurred_on.day, first.progress.confidence) == (20, 7)
    assert (second.progress.kpi_id, second.progress.value.value, second.key) == ("calls", "67.5", "msg_1/1")
    assert not second.progress.HasField("occurred_on")
    assert second.progress.confirmed


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"[", "content"),
        (b"[]", "content"),
        (b'{"data": []}', "data"),
        (b'{"data": {}}', "data.values"),
        (sent(), "data.values"),
        (sent(*[{}] * 501), "data.values"),
        (sent({"value": 1}), "data.values[0].kpi"),
        (sent({"kpi": "a" * 201, "value": 1}), "data.values[0].kpi"),
        (sent({"kpi": "a"}), "data.values[0].value"),
        (sent({"kpi": "a", "value": "NaN"}), "data.values[0].value"),
        (sent({"kpi": "a", "value": True}), "data.values[0].value"),
        (sent({"kpi": "a", "value": "1,5"}), "data.values[0].value"),
        (sent({"kpi": "a", "value": 1, "day": "20/03/2025"}), "data.values[0].day"),
        (sent({"kpi": "a", "value": 1, "confidence": 11}), "data.values[0].confidence"),
        (sent({"kpi": "a", "value": 1, "confidence": 1.5}), "data.values[0].confidence"),
        (sent({"kpi": "a", "value": 1, "confirmed": "yes"}), "data.values[0].confirmed"),
        (sent({"kpi": "a", "value": 1, "valeu": 2}), "data.values[0].valeu"),
        (b'{"data": {"values": [{"kpi": "a", "value": 1e999999999}]}}', "data.values[0].value"),
    ],
)
def test_what_is_wrong_is_told_by_its_path(content: bytes, field: str):
    with pytest.raises(Rejected) as refused:
        delivery.values(content, "msg_1", CRM)
    assert [one.field for one in refused.value.violations] == [field]


# --- a table ---

CSV = """Báo cáo tuần;;
Ngày;Chỉ số;Thực tế
20/03/2025;Demo khách mới;1.234
2025-03-21;demos;67,5
;;
21/03/2025;Demo khách mới;mười
;Demo khách mới;5
21/03/2025;;5
"""


def test_a_table_is_read_by_its_headings_and_its_rows_by_their_numbers():
    found = list(rows(CSV.encode(), CRM))
    taken = [one for one in found if isinstance(one, Said)]
    assert [(one.row, one.command.kpi_id, Decimal(one.command.value.value)) for one in taken] == [
        (3, "demos", Decimal(1234)),
        (4, "demos", Decimal("67.5")),
    ]
    assert [(one.row, one.reason, one.parameters) for one in found if isinstance(one, Unsaid)] == [
        (6, "NO_NUMBER", {}),
        (7, "MISSING", {"field": "day"}),
        (8, "MISSING", {"field": "kpi"}),
    ]


def test_a_row_that_says_the_same_is_the_same_and_another_value_is_not():
    first, second = (next(iter(rows(CSV.replace("1.234", value).encode(), CRM))) for value in ("1.234", "1.235"))
    assert isinstance(first, Said)
    assert isinstance(second, Said)
    assert (first.key == second.key, first.digest == second.digest) == (True, False)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "COLUMN_MISSING"),
        ("Ngày;Chỉ số;Kế hoạch\n1;2;3".encode(), "COLUMN_MISSING"),
        (b"<!doctype html><p>Sign in", "COLUMN_MISSING"),
        (CSV.encode() + b"20/03/2025;demos;1\n" * 5000, "TOO_MANY_ROWS"),
    ],
)
def test_what_is_no_such_table_is_refused_whole(content: bytes, reason: str):
    with pytest.raises(Unreadable) as refused:
        list(rows(content, CRM))
    assert refused.value.reason == reason
