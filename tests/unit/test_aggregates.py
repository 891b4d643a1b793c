"""What holds of every aggregate, whatever it is about."""

import importlib
import pkgutil
from importlib.util import find_spec
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

import eventkit
import services
from eventkit.commands.aggregate import Aggregate, UnknownEvent


def aggregates() -> dict[str, Aggregate[Any]]:
    """All that stand in a module of a domain or of eventkit, by where they stand."""
    packages = [info.name for info in pkgutil.iter_modules(services.__path__, "services.")]
    roots = [eventkit, *(importlib.import_module(f"{name}.domain") for name in packages if _has_domain(name))]
    found: dict[str, Aggregate[Any]] = {}
    for root in roots:
        for info in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
            for name, value in vars(importlib.import_module(info.name)).items():
                if isinstance(value, Aggregate) and not any(value is other for other in found.values()):
                    found[f"{info.name}.{name}"] = value
    return found


def _has_domain(service: str) -> bool:
    return find_spec(f"{service}.domain") is not None


AGGREGATES = aggregates()


@pytest.mark.parametrize("where", AGGREGATES)
def test_an_event_that_is_none_of_its_own_is_refused(where: str):
    """As a newer version's is: no command is decided on half of what happened."""
    aggregate = AGGREGATES[where]
    with pytest.raises(UnknownEvent):
        aggregate.evolve(aggregate.initial, Duration())


def test_the_aggregates_are_found():
    assert {"kpi", "wallet", "erasure", "telling", "organisation", "parked", "reading", "progress"} <= {
        aggregate.category for aggregate in AGGREGATES.values()
    }
