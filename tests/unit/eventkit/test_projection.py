"""Views that have no aggregate to be held against are held against a fresh fold; some rows are written whole."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from google.protobuf.message import Message

from eventkit.log import Origin, Recorded, StreamId
from eventkit.subscriptions.projection import Expected, Mismatch, Rows, View, WrittenWhole, compare
from eventkit.subscriptions.table import Key
from nhip.people.v1.events_pb2 import UnitCreated, UnitHeadAppointed


@dataclass(frozen=True, slots=True)
class UnitRow:
    tenant: str
    unit_id: str
    name: str
    heads: int = 0


class Units(View[UnitRow]):
    name, source, categories, key, row = "unit", "people", (), ("tenant", "unit_id"), UnitRow
    folds = (UnitCreated, UnitHeadAppointed)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[UnitRow], event: Recorded) -> None:
        match event.message:
            case UnitCreated() as e:
                rows.put(UnitRow(event.tenant, e.unit_id, e.name))
            case UnitHeadAppointed() as e:
                row = rows[event.tenant, e.unit_id]
                rows.put(replace(row, heads=row.heads + 1))
            case _:
                pass


class Names(WrittenWhole[UnitRow, UnitCreated]):
    name, source, categories, key, row = "name", "people", (), ("tenant", "unit_id"), UnitRow
    folds = (UnitCreated,)

    def written(self, event: Recorded, e: UnitCreated) -> UnitRow:
        return UnitRow(event.tenant, e.unit_id, e.name)


class Counted(Names):
    def expected(self, events: Iterable[Recorded]) -> Iterable[UnitRow]:
        return ()


def recorded(*messages: Message, stream: str = "sales") -> list[Recorded]:
    at = datetime(2025, 3, 1, tzinfo=UTC)
    return [
        Recorded(
            id=uuid4(),
            stream=StreamId("acme", "unit", stream),
            version=number,
            position=number,
            type=message.DESCRIPTOR.full_name,
            data=message.SerializeToString(),
            append_id=uuid4(),
            index=0,
            size=1,
            occurred_at=at,
            recorded_at=at,
            origin=Origin("person:lan"),
        )
        for number, message in enumerate(messages, 1)
    ]


CREATED = UnitCreated(unit_id="sales", name="Sales")
HEADED = UnitHeadAppointed(unit_id="sales", after="lan")


def test_rows_without_an_aggregate_are_held_against_a_fresh_fold_of_their_stream():
    view, key = Units(), ("acme", "sales")
    expected = {view.table.key_of(row): row for row in view.expected(recorded(CREATED, HEADED, HEADED))}
    assert expected == {key: UnitRow("acme", "sales", "Sales", heads=2)}
    twice = {key: UnitRow("acme", "sales", "Sales", heads=3)}
    assert compare(view.table, expected, twice).mismatches == [Mismatch("unit_id=sales", "heads", "2", "3")]
    assert compare(view.table, expected, {}).mismatches == [Mismatch("unit_id=sales", "", "a row", "no row")]


def test_a_row_that_one_event_writes_whole_is_that_of_the_last_of_them_and_others_write_none():
    renamed = UnitCreated(unit_id="sales", name="Sales & more")
    assert list(Names().expected(recorded(CREATED, HEADED, renamed))) == [UnitRow("acme", "sales", "Sales & more")]


def test_a_view_says_whether_it_is_held_against_more_than_itself():
    assert [view.independent for view in (Units(), Names(), Counted())] == [False, False, True]


def test_a_row_that_two_streams_write_is_told():
    expected = Expected(Names())
    expected.add(recorded(CREATED))
    expected.add(recorded(CREATED, stream="marketing"))
    assert expected.shared == [Mismatch("stream=acme/unit/marketing", "", "rows of its own", "another's ('sales',)")]
