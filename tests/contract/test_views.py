"""What an answer joins of one context is of one moment, because a service's views of it share a subscription."""

import re
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from google.protobuf.descriptor_pool import Default as default_pool

from cli.catalog import SERVICES
from eventkit.contracts import categories_of, event_types, types_of
from eventkit.subscriptions.projection import by_subscription


@pytest.mark.parametrize("name", SERVICES)
def test_a_services_views_of_one_context_share_a_subscription(name: str):
    views = [
        view for view in SERVICES[name].build(MagicMock()).views if not view.group
    ]  # a group is a view that nothing is joined with
    assert {
        subscription: {view.source for view in shared} for subscription, shared in by_subscription(views).items()
    } == {f"{source}_v{version}": {source} for source, version in {view.source: view.version for view in views}.items()}


@pytest.mark.parametrize("name", SERVICES)
def test_a_view_says_of_every_type_of_its_streams_whether_it_changes_anything(name: str):
    """So that a new type is forgotten by no view: neither by one of its own service nor by one of another."""
    for view in SERVICES[name].build(MagicMock()).views:
        if not view.raw:
            told = [message.DESCRIPTOR.full_name for message in (*view.folds, *view.passes_over)]
            assert sorted(told) == sorted({type for one in view.categories for type in types_of(view.source, one)}), (
                view.name
            )


def test_every_event_names_the_streams_it_is_on():
    nameless = [type for type in event_types() if not categories_of(default_pool().FindMessageTypeByName(type))]
    assert nameless == []


def test_no_service_writes_a_tables_version_by_hand():
    """Only the view's own `table` knows it: SQL with a name of its own would go on reading the old table when the view
    takes its next version. `"kpi_v1"` and `f"kpi_v{VERSION}"` are refused alike."""
    by_hand = re.compile(r"_v(?:\d|\{)")
    found = [
        f"{module}:{number}: {line}"
        for module in sorted(Path("services").rglob("*.py"))
        for number, line in enumerate(module.read_text("utf-8").splitlines(), 1)
        if by_hand.search(line)
    ]
    assert found == []


WITHOUT_AN_AGGREGATE = {
    "notice_read": "no decision asks who has read what",
    "cycle_step": "no decision asks by which steps a cycle came to where it stands",
    "ledger": "it keeps events, folded by nobody",
}
"""Views of their service's own log that can be held against nothing but a fresh fold, and why."""


@pytest.mark.parametrize("name", SERVICES)
def test_a_view_of_the_own_log_is_held_against_the_aggregate_that_decides(name: str):
    for view in SERVICES[name].build(MagicMock()).views:
        stated = (view.group or view.name).removesuffix(f"_{name}") in WITHOUT_AN_AGGREGATE
        if view.source == name:
            assert view.independent is not stated, view.name
