from nhip.people.v1.settings_pb2 import FixedValue, KeepTableMapping, MappedColumn
from services.people.domain.table_mapping import MAPPING, keep, mapping_id

COLUMNS = [MappedColumn(heading="Mã NV", field="code"), MappedColumn(heading="Ghi chú")]


def test_the_same_headings_are_the_same_table_in_any_order_and_case():
    assert mapping_id("people", ["Mã NV", "Họ tên"]) == mapping_id("people", ["HỌ TÊN:", "mã nv"])
    assert mapping_id("people", ["Mã NV"]) != mapping_id("units", ["Mã NV"])
    assert mapping_id("people", ["Mã NV"]) != mapping_id("people", ["Mã NV", "Mã NV"])


def test_what_is_kept_already_is_not_kept_again():
    command = KeepTableMapping(table="people", columns=COLUMNS, numbers="vi")
    (event,) = [one.event for one in keep(None, command, "m")]
    kept = MAPPING.fold([event])
    assert keep(kept, command, "m") == []
    command.fixed.append(FixedValue(field="level", value="individual"))
    assert len(keep(kept, command, "m")) == 1
