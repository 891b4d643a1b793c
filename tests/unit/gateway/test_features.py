"""What a feature of the console is made of, and that it is found where it lies."""

import re
from pathlib import Path

import services.gateway.features as features
from services.gateway.features import FEATURES, feature_routes, feature_templates

ROOM = Path(features.__file__).parent


def test_every_folder_is_registered_and_has_pages():
    folders = sorted(folder.name for folder in ROOM.iterdir() if (folder / "__init__.py").exists())
    assert sorted(FEATURES) == folders
    assert all(routes.declared for routes in feature_routes().values())


def test_no_address_is_declared_twice():
    addresses = [(one.method, one.path) for routes in feature_routes().values() for one in routes.declared]
    assert len(addresses) == len(set(addresses))


def test_what_a_form_is_sent_to_can_be_asked_for_by_a_reload():
    declared = [one for routes in feature_routes().values() for one in routes.declared]
    looked_at = {one.path for one in declared if one.method == "GET"}
    assert [one.path for one in declared if one.method == "POST" and one.path not in looked_at] == []


def test_templates_name_only_their_own_feature_and_what_is_shared():
    for name in FEATURES:
        others = [f'"{other}/' for other in FEATURES if other != name]
        for template in (ROOM / name).rglob("*.html"):
            assert not [other for other in others if other in template.read_text()], template


def test_templates_are_where_their_names_say():
    files = [*ROOM.parent.glob("console/**/*"), *ROOM.glob("**/*")]
    named = {
        name
        for file in files
        if file.suffix in (".py", ".html")
        for name in re.findall(r'"([a-z_/]+\.html)"', file.read_text())
    }
    shared, own = ROOM.parent / "console" / "templates", feature_templates()
    there = {path.relative_to(shared).as_posix() for path in shared.rglob("*.html")} | {
        f"{name}/{path.relative_to(folder).as_posix()}"
        for name, folder in own.items()
        for path in folder.rglob("*.html")
    }
    assert named == there, "missing, or left over"
