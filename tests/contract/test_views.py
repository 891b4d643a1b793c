"""What an answer joins of one context is of one moment, because a service's views of it share a subscription."""

import re
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from cli.catalog import SERVICES
from eventkit.subscriptions.projection import by_subscription


@pytest.mark.parametrize("name", SERVICES)
def test_a_services_views_of_one_context_share_a_subscription(name: str):
    views = [
        view for view in SERVICES[name].build(MagicMock()).views if not view.group
    ]  # a group is a view that nothing is joined with
    assert {
        subscription: {view.source for view in shared} for subscription, shared in by_subscription(views).items()
    } == {f"{source}_v{version}": {source} for source, version in {view.source: view.version for view in views}.items()}


def test_no_query_writes_a_views_table_by_hand():
    """It would go on reading the old table when the view takes its next version."""
    by_hand = re.compile(r"\b(?:from|join|into|update|table)\s+[a-z_]+_v\d+\b")
    found = [
        f"{module}: {line}"
        for module in Path("services").rglob("*.py")
        for line in module.read_text("utf-8").splitlines()
        if by_hand.search(line)
    ]
    assert found == []
