"""The parts of the console, each a folder: handlers with their addresses, view-models, templates, script and style.

A feature imports no other one. What two of them show lies in `services.gateway.console`.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

from services.gateway.console.routes import Routes

FEATURES = (
    "audit",
    "checkin",
    "cycles",
    "erasure",
    "first_steps",
    "home",
    "imports",
    "inbox",
    "integrations",
    "kpi",
    "map",
    "meetings",
    "people",
    "praise",
    "profile",
    "progress",
    "proposals",
    "reference",
    "retros",
    "reviews",
    "search",
    "settings",
    "shop",
    "sign_in",
    "strategy",
    "team",
)
"""Each by the name of its folder; its addresses are `routes` in its module `pages`."""


def feature_routes() -> Mapping[str, Routes]:
    """The addresses of every feature."""
    return {name: cast(Routes, import_module(f"{__name__}.{name}.pages").routes) for name in FEATURES}


def feature_templates() -> Mapping[str, Path]:
    """Where the templates of every feature are; a template is named with its feature's name: "map/map.html"."""
    return {name: Path(__file__).parent / name / "templates" for name in FEATURES}
