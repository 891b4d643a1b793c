"""Alerts and dashboards ask for metrics that there are, and each alert leads to what to do."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from eventkit.telemetry import Metrics

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"


def rules() -> list[dict[str, Any]]:
    return [
        rule for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
    ]


def asked_for(expression: str) -> set[str]:
    return set(re.findall(r"\bnhip_[a-z_]+", expression))


def told() -> set[str]:
    """Every name under which a process tells a number."""
    names: set[str] = set()
    for metric in Metrics().registry.collect():
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(metric.type, ("",))
        names |= {metric.name + ending for ending in endings}
    return names


def test_every_alert_asks_for_metrics_that_there_are():
    assert {name for rule in rules() for name in asked_for(rule["expr"])} - told() == set()


def test_every_alert_leads_to_a_part_of_the_runbook_and_every_part_has_an_alert():
    parts = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text("utf-8"), re.M)
    assert sorted(parts) == sorted(rule["alert"] for rule in rules())
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_dashboards_ask_for_metrics_that_there_are():
    for file in MONITORING.glob("*.json"):
        panels = json.loads(file.read_text("utf-8"))["panels"]
        expressions = [target["expr"] for panel in panels for target in panel.get("targets", ())]
        assert expressions, file
        assert {name for one in expressions for name in asked_for(one)} - told() == set(), file
