"""Views are held against their topics with one history of a tenant held at a time."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from eventkit import kafka
from eventkit.log import Recorded
from eventkit.process.operations import Operations


async def test_views_share_what_was_read_of_a_topic_last_and_no_more_is_held(monkeypatch: pytest.MonkeyPatch):
    asked, held = list[tuple[str, int]](), list[int]()
    read = dict[tuple[str, int], list[Recorded]]()

    async def tenant_events(_cluster: object, source: str, _tenant: str, *, upto: int) -> list[Recorded]:
        asked.append((source, upto))
        held.append(len(read))
        return []

    monkeypatch.setattr(kafka, "tenant_events", tenant_events)
    resources = SimpleNamespace(name="audit", cluster=None)
    operations = Operations(cast(Any, resources), {}, [], cast(Any, None))
    for source, upto in (("goals", 9), ("goals", 9), ("goals", 8), ("people", 8)):
        view = SimpleNamespace(source=source, categories=())
        streams = operations._streams(cast(Any, view), "acme", upto, read)  # pyright: ignore[reportPrivateUsage]
        assert [stream async for stream in streams] == []
    assert asked == [("goals", 9), ("goals", 8), ("people", 8)]
    assert held == [0, 0, 0]
