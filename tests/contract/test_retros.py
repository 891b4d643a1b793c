"""No KPI, no number and no score can get into a retro, and nothing of a retro into a score (C-45)."""

import ast
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from nhip.common.v1.options_pb2 import subject
from nhip.retros.v1 import events_pb2, retros_pb2, types_pb2

ROOT = Path(__file__).parents[2]
OF_GOALS = {
    "CycleClosed",
    "CycleClosingBegun",
    "CycleCorrected",
    "CycleOpened",
    "CycleReopened",
    "CycleStarted",
    "CycleWithdrawn",
    "InnerCycleOpened",
    "InnerCycleWithdrawn",
}
"""All that retros may hear of goals: which cycles there are."""
COUNTED = {
    # how often something was written, who of how many, where a list goes on
    "revision", "own_revision", "writers", "members", "voters", "votes", "more", "page_size",
}  # fmt: skip


def fields() -> Iterator[FieldDescriptor]:
    for module in (types_pb2, events_pb2, retros_pb2):
        for message in module.DESCRIPTOR.message_types_by_name.values():
            yield from _below(message)


def _below(message: Descriptor) -> Iterator[FieldDescriptor]:
    yield from message.fields
    for nested in message.nested_types:
        yield from _below(nested)


def test_no_contract_of_retros_has_a_field_for_a_kpi_or_for_a_number_that_judges():
    for field in fields():
        assert field.GetOptions().Extensions[subject] not in ("kpi", "proposal", "goal", "csf"), field.full_name
        if field.message_type is not None:
            assert field.message_type.full_name != "google.type.Decimal", field.full_name
        elif field.enum_type is None and field.type not in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BOOL):
            assert field.name in COUNTED, f"{field.full_name}: say in this test what it counts"


def test_retros_hears_of_goals_which_cycles_there_are_and_of_no_other_context_but_people():
    for module, names in imports(ROOT / "services" / "retros"):
        if module.startswith("nhip.goals"):
            assert set(names) <= OF_GOALS, f"{module}: {names}"
        assert not module.startswith(("nhip.checkins", "nhip.rewards", "nhip.audit", "nhip.notifications")), module


def test_nothing_that_counts_or_rewards_hears_of_retros():
    for service in ("goals", "checkins", "rewards", "people"):
        for module, _ in imports(ROOT / "services" / service):
            assert not module.startswith("nhip.retros"), f"{service} imports {module}"


def imports(folder: Path) -> Iterator[tuple[str, list[str]]]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                yield node.module, [alias.name for alias in node.names]
            elif isinstance(node, ast.Import):
                yield from ((alias.name, []) for alias in node.names)
