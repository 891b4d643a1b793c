"""The compose file and the chart know every service, and say nothing to them that is no setting."""

import re
from pathlib import Path
from typing import Any

import yaml

from cli.catalog import GATEWAY, SERVICES
from eventkit.engine_settings import PREFIX
from eventkit.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KNOWN = {PREFIX + name.upper() for name in Settings.model_fields}


def test_every_service_runs_as_its_own_login_with_its_own_database():
    services = COMPOSE["services"]
    assert {*services} == {*SERVICES, GATEWAY, "provision", "postgres", "kafka"}
    for name in SERVICES:
        one = services[name]
        assert one["command"] == ["serve", name]
        assert one["environment"]["NHIP_POSTGRES"] == f"postgresql://nhip_{name}@postgres:5432/nhip_{name}"
        assert {"source": name, "target": "own"} in one["secrets"]
        assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])


def test_the_gateway_knows_where_each_service_is():
    told = COMPOSE["services"][GATEWAY]["environment"]["NHIP_SERVICES"]
    assert {*told.split(",")} == {f"{name}=dns:///{name}:50051" for name in SERVICES}


def test_what_is_said_to_processes_are_settings():
    said = [COMPOSE["services"][name].get("environment", {}) for name in (*SERVICES, GATEWAY, "provision")]
    assert {name for one in said for name in one} <= KNOWN
    shared, of_the_gateway = (
        set(re.findall(r"^(NHIP_\w+)=", (DEPLOY / f"{name}.env.example").read_text(), re.M))
        for name in ("compose", "gateway")
    )
    assert shared | of_the_gateway <= KNOWN
    assert not {"NHIP_SESSION_KEY", "NHIP_OIDC_SECRET"} & shared, "who has them can sign in as anybody"
    templates = "".join(path.read_text() for path in (DEPLOY / "chart" / "templates").iterdir())
    assert set(re.findall(r"NHIP_\w+", templates)) - {"NHIP_SHUTDOWN_SECONDS"} <= KNOWN
