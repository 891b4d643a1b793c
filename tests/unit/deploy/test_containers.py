"""Engines in containers: what is said where they cannot be had."""

import pytest

from deploy.engines import EngineError
from tests import containers


@pytest.mark.parametrize("start", [containers.postgres, containers.kafka, containers.kurrentdb])
async def test_whoever_asks_for_containers_without_docker_is_told_so(monkeypatch, tmp_path, start):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineError, match="NHIP_TEST_ENGINES=containers needs Docker"):
        async with start():
            pass


@pytest.mark.parametrize(("choice", "asked"), [("containers", True), ("", False), (None, False)])
def test_engines_are_in_containers_where_that_is_asked_for(monkeypatch, choice, asked):
    if choice is None:
        monkeypatch.delenv("NHIP_TEST_ENGINES", raising=False)
    else:
        monkeypatch.setenv("NHIP_TEST_ENGINES", choice)
    assert containers.asked_for() is asked


def test_another_choice_is_refused(monkeypatch):
    monkeypatch.setenv("NHIP_TEST_ENGINES", "docker")
    with pytest.raises(EngineError, match="'docker': set it to containers"):
        containers.asked_for()


def test_images_are_named_one_by_one(monkeypatch):
    monkeypatch.setenv("NHIP_TEST_IMAGES", "postgres=localhost/postgres:test, kafka=localhost/kafka@sha256:ab")
    assert containers.image("postgres") == "localhost/postgres:test"
    assert containers.image("kafka") == "localhost/kafka@sha256:ab"
    assert containers.image("kurrentdb") == containers.USUAL["kurrentdb"]


@pytest.mark.parametrize("entry", ["redis=redis:8", "postgres", "postgres="])
def test_an_image_of_nothing_that_is_started_is_refused(monkeypatch, entry):
    monkeypatch.setenv("NHIP_TEST_IMAGES", entry)
    with pytest.raises(EngineError, match=r"write <engine>=<image>, of postgres, kafka, kurrentdb"):
        containers.image("postgres")
