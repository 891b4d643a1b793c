"""What `nhip events tail` prints."""

import json
from datetime import UTC, datetime
from uuid import UUID

from google.type.date_pb2 import Date
from google.type.decimal_pb2 import Decimal

from cli.events import _json  # pyright: ignore[reportPrivateUsage]
from eventkit.kafka import Tailed
from eventkit.log import Origin, Recorded, StreamId, wire
from nhip.goals.v1 import types_pb2
from nhip.goals.v1.events_pb2 import KpiTargetRevised
from services.gateway.transcoding import json_of

ID, AT = UUID(int=7), datetime(2025, 3, 1, tzinfo=UTC)


def test_fields_are_written_as_the_json_api_writes_them():
    event = KpiTargetRevised(
        kpi_id="k1",
        before=Decimal(value="80"),
        after=Decimal(value="67.50"),
        effective_on=Date(year=2025, month=3, day=1),
        reason_class=types_pb2.REASON_CLASS_BOTTOM_UP,
    )
    recorded = Recorded(
        id=ID,
        type=wire.type_name(event),
        data=wire.encode(event),
        stream=StreamId("acme", "kpi", "k1"),
        version=2,
        position=12,
        append_id=ID,
        index=0,
        size=1,
        occurred_at=AT,
        recorded_at=AT,
        origin=Origin("person:lan", b"", "c", "", ""),
    )
    printed = json.loads(_json(Tailed("goals", recorded, 9, False)))
    assert printed["data"] == json_of(event)
    assert printed["data"]["reason_class"] == "REASON_CLASS_BOTTOM_UP"
    assert printed["data"]["after"] == {"value": "67.50"}
    assert (printed["sequence"], printed["previous"], printed["specversion"]) == ("12", "9", "1.0")
