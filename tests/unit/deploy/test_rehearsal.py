"""The callers of a rehearsal count what they met: nothing that failed passes for answered."""

import asyncio
import json
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar, cast

import grpc
import pytest

from deploy.rehearsal import __main__ as rehearsal
from deploy.rehearsal import load
from deploy.rehearsal.cluster import SERVICES, Cluster, Missed
from deploy.rehearsal.load import Callers
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.operations_pb2 import ListParked, Parked
from nhip.people.v1.people_pb2 import ListPeople, PeopleList, Person, RegisterPerson


class People:
    """A service that answers from the `away`th try on, and forgets or doubles whom it is told to."""

    def __init__(self, away: int = 0) -> None:
        self.away, self.keys = away, list[str]()
        self.listed: list[str] = []
        self.heard: list[str] = []

    async def RegisterPerson(self, _: RegisterPerson, *, timeout: float, metadata: Any) -> Accepted:
        self.keys.append(dict(metadata)["idempotency-key"])
        if len(self.keys) <= self.away:
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "gone")
        self.listed.append(self.keys[-1])
        return Accepted(id=self.keys[-1], position=f"people={len(self.keys)}@0f3a9c21")

    async def ListPeople(self, request: ListPeople, *, timeout: float, metadata: Any) -> PeopleList:
        behind = dict(metadata)["nhip-position"].partition("@")[0]
        assert behind == f"people={len(self.keys)}", "asked before all of it can be seen"
        at = int(request.page_token or 0)
        rest = self.listed[at + 1 :]
        return PeopleList(
            people=[Person(person_id=id) for id in self.listed[at : at + 1]],
            next_page_token=str(at + 1) if rest else "",
        )

    async def ListParked(self, _: ListParked, *, timeout: float, metadata: Any) -> Parked:
        """Of another service."""
        self.heard.append(dict(metadata)["nhip-position"])
        return Parked()


async def called(people: People, folder: Path) -> Callers:
    callers = Callers(cast(Any, people), [cast(Any, people)] * 2, "", "Bearer t", folder / "stop")

    async def until_one_is_over() -> None:
        while not (callers.calls or callers.failed):
            await asyncio.sleep(0)
        callers.stop.touch()

    await asyncio.gather(callers.call("command", callers.register), until_one_is_over())
    return callers


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "PAUSE", 0)


async def test_a_call_that_met_nobody_is_repeated_with_its_key_and_counted(tmp_path: Path):
    people = People(away=2)
    callers = await called(people, tmp_path)
    assert len(set(people.keys[:3])) == 1
    assert callers.repeated == {"command: UNAVAILABLE gone": 2}
    assert callers.calls["command"] >= 1
    assert not callers.failed


async def test_how_long_the_longest_took_is_told_from_its_first_attempt_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(load, "PAUSE", 0.02)
    callers = await called(People(away=2), tmp_path)
    assert 0.04 <= callers.longest["command"] < load.PATIENCE
    assert rehearsal._longest({"command": 2.0, "JSON query": 3.0, load.OWN_VIEW: 5.0}) == (3.0, 5.0, 0.0)


async def test_who_follows_is_asked_behind_what_was_just_written(tmp_path: Path):
    people = People()
    callers = await called(people, tmp_path)
    await callers.list_what_was_written("mine")  # the service refuses to be asked without the position
    await callers.others_hear("theirs")
    assert people.heard == [f"people={len(people.keys)}@0f3a9c21"] * 2


async def test_what_is_not_answered_in_time_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(load, "PATIENCE", -1)
    callers = await called(People(away=1), tmp_path)
    assert callers.failed == {"command: UNAVAILABLE gone": 1}


async def test_who_was_registered_is_looked_for_on_every_page(tmp_path: Path):
    people = People()
    callers = await called(people, tmp_path)
    assert await callers.there() == Counter(list(callers.acknowledged))
    people.listed = [*people.listed[1:], "another", "another"]
    there = await callers.there()
    assert there["another"] == 2
    assert [id for id in callers.acknowledged if not there[id]] == people.keys[:1]


class Spread(Cluster):
    """A cluster whose pods are where it is told: by component, node and whether they are ready."""

    there: ClassVar[dict[str, list[tuple[str, bool]]]] = {}

    def kubectl(self, *words: str, given: str = "") -> str:
        match words:
            case ("get", "pods", "--selector", labels, *_):
                component = labels.partition("component=")[2]
                return json.dumps({"items": [_pod(*one) for one in self.there[component]]})
            case ("get", "pod", *_):
                return "n1"
            case ("get", "deployment", *_):
                return "2"
            case _:
                raise AssertionError(words)


def _pod(node: str, ready: bool) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}]
    owner = {"ownerReferences": [{"kind": "ReplicaSet"}]}
    return {"metadata": owner, "spec": {"nodeName": node}, "status": {"conditions": conditions}}


def test_a_node_is_not_lost_where_all_replicas_of_a_service_would_be(monkeypatch: pytest.MonkeyPatch):
    spread = {name: [("n1", True), ("n2", True)] for name in (*SERVICES, "gateway")}
    monkeypatch.setattr(Spread, "there", spread | {"goals": [("n2", True), ("n2", True)]})
    with pytest.raises(Missed, match="all replicas of goals are on one node, n2"):
        rehearsal._to_be_lost(Spread("r", "nhip:0"))


@pytest.mark.parametrize(
    ("goals", "lost"), [(["n2", "n3"], "n2"), (["n1", "n3"], None)], ids=["one is there", "none is there"]
)
def test_the_node_that_is_lost_has_a_replica_of_each_service(
    goals: list[str], lost: str | None, monkeypatch: pytest.MonkeyPatch
):
    spread = {name: [("n1", True), ("n2", True), ("n3", True)] for name in (*SERVICES, "gateway")}
    of_two = {"people": [("n3", True), ("n2", True)], "goals": [(node, True) for node in goals]}
    monkeypatch.setattr(Spread, "there", spread | of_two | {"audit": [("n1", True), ("n2", True)]})
    with nullcontext() if lost else pytest.raises(Missed, match="who are on n1, has a replica of each service"):
        assert rehearsal._with_each_service(Spread("r", "nhip:0")) == lost


@pytest.mark.parametrize(
    ("goals", "whole"),
    [([("n1", True), ("n3", True), ("n2", False)], True), ([("n1", True), ("n2", True), ("n3", False)], False)],
)
def test_what_is_lost_is_made_good_by_what_is_ready_elsewhere(
    goals: list[tuple[str, bool]], whole: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("deploy.rehearsal.cluster.PATIENCE", -1)
    spread = {name: [("n1", True), ("n3", True)] for name in (*SERVICES, "gateway")}
    monkeypatch.setattr(Spread, "there", spread | {"goals": goals})
    with nullcontext() if whole else pytest.raises(Missed, match="too few ready pods of goals"):
        Spread("r", "nhip:0").whole_without("n2")


def test_everything_in_its_pods_is_as_the_standard_restricted_wants_it():
    pod = cast(dict[str, Any], Cluster("r", "nhip:0")._pod("x", [], mounts={"/tmp": {"emptyDir": {}}}))["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    [container] = pod["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert [mount["name"] for mount in container["volumeMounts"]] == [volume["name"] for volume in pod["volumes"]]


@pytest.mark.parametrize(
    ("image", "said"),
    [("nhip", "give its tag"), ("localhost:5000/nhip", "give its tag"), ("nhip:1", "there is no file")],
)
def test_what_is_wrong_is_said_before_anything_is_made(
    image: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    password = tmp_path / "owner"
    password.touch()
    values = password if "tag" in said else tmp_path / "none.yaml"
    words = ["--image", image, "--values", str(values), "--owner-password-file", str(password)]
    monkeypatch.setattr("sys.argv", ["rehearsal", *words])
    with pytest.raises(SystemExit):
        rehearsal._asked()
    assert said in capsys.readouterr().err
