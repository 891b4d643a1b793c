"""Whose events are on a category of streams: the contract says it; the aggregate takes all of them and no other."""

import importlib
import pkgutil
import typing
from collections.abc import Iterator

import pytest

import eventkit.directory
import services
from eventkit.commands.aggregate import Aggregate
from eventkit.contracts import contexts, types_of


def aggregates() -> Iterator[tuple[str, str, Aggregate[object]]]:
    """Every aggregate of every domain, with its module and name."""
    for package in (services, eventkit.directory):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".domain." in module.name or module.name == "eventkit.directory.facts":
                for name, value in vars(importlib.import_module(module.name)).items():
                    if isinstance(value, Aggregate) and value.evolve.__module__ == module.name:
                        yield module.name, name, value


AGGREGATES = {f"{module}.{name}": aggregate for module, name, aggregate in aggregates()}


@pytest.mark.parametrize("name", AGGREGATES)
def test_an_aggregate_takes_every_event_of_its_streams_and_no_other(name: str):
    taken = types(AGGREGATES[name])
    (context,) = {type.split(".")[1] for type in taken}
    alike = [other.category for other in AGGREGATES.values() if other.evolve is AGGREGATES[name].evolve]
    assert taken == {type for category in alike for type in types_of(context, category)}


def test_every_context_has_aggregates():
    taken = {type for aggregate in AGGREGATES.values() for type in types(aggregate)}
    assert {type.split(".")[1] for type in taken} == set(contexts())


def types(aggregate: Aggregate[object]) -> set[str]:
    """The full names of the events that its `evolve` takes, by its signature."""
    _, events = list(typing.get_type_hints(aggregate.evolve).values())[:2]
    return {message.DESCRIPTOR.full_name for message in typing.get_args(events) or (events,)}
