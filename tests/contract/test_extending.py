"""Whoever adds an event, a view, an RPC or a service, and forgets a place, is told which.

`docs/extending.md` says all of them.
"""

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
from google.api import annotations_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import Default

import nhip
from cli.catalog import GATEWAY, OPERATIONS, SERVICES
from eventkit import contracts
from eventkit.process.operations import ACCESS as OPERATIONS_ACCESS
from eventkit.subscriptions.projection import View, WrittenWhole
from nhip.common.v1 import options_pb2
from services.gateway.console.events import event_rows
from services.gateway.console.language import Language
from services.notifications.domain.silent import TELLS_NOBODY
from services.notifications.views.goals_change import GoalsChangeView
from tests.parsing import parsed

ROOT = Path(__file__).parents[2]
EVENTS = [event for event in contracts.event_types() if event.split(".")[1] in contracts.contexts()]
RPCS = [(name, rpc) for name, known in SERVICES.items() for rpc in known.api.methods]
RPCS += [("", rpc) for rpc in OPERATIONS.methods]
GATEWAY_WORDS = event_rows(Language("en"))


def each(rpcs: list[tuple[str, MethodDescriptor]]):
    return pytest.mark.parametrize(("service", "rpc"), rpcs, ids=[rpc.full_name for _, rpc in rpcs])


# --- an event ---


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_says_its_audience_and_has_golden_bytes_and_words_in_the_console(event: str):
    options = Default().FindMessageTypeByName(event).GetOptions()
    assert options.Extensions[options_pb2.audience], "say `audience` in the contract"
    assert (ROOT / "tests" / "contract" / "golden" / f"{event}.txt").exists(), "run tests.contract.test_golden_bytes"
    assert event.rpartition(".")[2] in GATEWAY_WORDS, "add a row to services/gateway/console/events.py"


@pytest.mark.parametrize("event", [event for event in EVENTS if ".notifications." not in event])
def test_an_event_is_told_of_or_it_is_said_that_it_tells_nobody(event: str):
    kind = message_factory.GetMessageClass(Default().FindMessageTypeByName(event))
    assert (kind.__name__ in told()) != (kind in TELLS_NOBODY), (
        "tell of it in services/notifications/reactors, or say in services/notifications/domain/silent.py why not"
    )


def told() -> set[str]:
    """The events that what gives notices knows."""
    return {message.__name__ for message in GoalsChangeView.folds} | {
        name.name
        for module in (ROOT / "services" / "notifications" / "reactors").glob("*.py")
        for node in ast.walk(parsed(module.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(".events_pb2")
        for name in node.names
    }


# --- a view ---


def views_of(service: str) -> Iterator[type[View]]:  # type: ignore[type-arg] # of whatever row
    package = importlib.import_module(f"services.{service}.views")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(found, View) and found not in (View, WrittenWhole) and found.__module__ == module.name:
                yield found


@pytest.mark.parametrize("service", SERVICES)
def test_a_view_is_kept_by_its_service(service: str):
    kept = {type(view) for view in SERVICES[service].build(MagicMock()).views}
    assert {view.__name__ for view in set(views_of(service)) - kept} == set(), (
        f"name it in services/{service}/service.py"
    )


# --- an RPC ---


@each(RPCS)
def test_an_rpc_says_who_may_call_it_and_where_it_is_as_json_and_what_it_does(service: str, rpc: MethodDescriptor):
    http: Any = rpc.GetOptions().Extensions[cast(Any, annotations_pb2.http)]
    assert rpc.name in access_to(service), "say who may call it in ACCESS"
    assert http.WhichOneof("pattern"), "annotate it: google.api.http"
    assert rpc.full_name in COMMENTED, "say in a comment of the contract what it does"


@cache
def access_to(service: str) -> set[str]:
    """The RPCs of a service, or of all, that somebody may call."""
    if not service:
        return set(OPERATIONS_ACCESS)
    return {name for api in SERVICES[service].build(MagicMock()).apis for name in api.access}


def commented() -> set[str]:
    """The RPCs with a comment before them."""
    image = FileDescriptorSet.FromString((Path(next(iter(nhip.__path__))) / "contracts.binpb").read_bytes())
    found: set[str] = set()
    for file in image.file:
        for location in file.source_code_info.location:
            match list(location.path):
                case [6, service, 2, method] if location.leading_comments.strip():
                    one = file.service[service]
                    found.add(f"{file.package}.{one.name}.{one.method[method].name}")
                case _:
                    pass
    return found


COMMENTED = commented()


# --- a service ---


def test_a_service_is_known_wherever_services_are():
    folders = {path.parent.name for path in (ROOT / "services").glob("*/service.py")} - {GATEWAY}
    assert folders == set(contracts.contexts()), "its events are in proto/nhip/<name>/v1/events.proto"
    assert folders == set(SERVICES), "what it answers is a service of the contract proto/nhip/<name>/v1/<name>.proto"
    rooms = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert {name for name in folders if f"| `services/{name}` |" not in rooms} == set(), "add it to the rooms"


# --- the page itself ---


def test_what_the_page_takes_from_eventkit_is_there():
    page = (ROOT / "docs" / "extending.md").read_text("utf-8")
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        for node in ast.walk(parsed(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("eventkit"):
                module = importlib.import_module(str(node.module))
                for name in node.names:
                    assert hasattr(module, name.name) or importlib.util.find_spec(f"{node.module}.{name.name}")
    table = page.partition("## The ten modules")[2].partition("## A command")[0]
    modules = re.findall(r"^\| `(eventkit[\w.]+)` \|", table, re.MULTILINE)
    assert len(modules) == 10
    assert all(importlib.util.find_spec(module) for module in modules)
