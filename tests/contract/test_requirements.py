"""`docs/requirements-coverage.md`: what the product is to do, and which tests name it. Written from the tests:

python -m tests.contract.test_requirements
"""

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CATALOGUE = Path(__file__).with_name("requirements.yaml")
PAGE = ROOT / "docs" / "requirements-coverage.md"
ID = re.compile(r"\b[GCRNAX]-[0-9]{2}\b")
SUFFIX = re.compile(r"def test_\w+_([gcrnax])([0-9]{2})\b")
"""Tests that name an id at the end of their own name: `…_c33`."""
LISTED = 4
"""Most files of one id that are listed; of more it is said how many."""


def test_the_page_says_what_the_tests_say():
    assert PAGE.read_text() == page(), "run python -m tests.contract.test_requirements"


def test_every_id_that_a_test_names_is_in_the_catalogue():
    known = {id for ids in catalogue().values() for id in ids}
    assert sorted(named_by().keys() - known) == []


def catalogue() -> Mapping[str, Mapping[str, str]]:
    """By part the ids and what each asks for."""
    return yaml.safe_load(CATALOGUE.read_text())


def named_by() -> Mapping[str, list[str]]:
    """By id the files with tests that name it."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path != Path(__file__):
            text = path.read_text()
            ids = {*ID.findall(text), *(f"{kind.upper()}-{number}" for kind, number in SUFFIX.findall(text))}
            for id in ids:
                found.setdefault(id, []).append(str(path.relative_to(ROOT / "tests")))
    return found


def page() -> str:
    named = named_by()
    parts = catalogue()
    all = [id for ids in parts.values() for id in ids]
    lines = [
        "# Requirements, and the tests that name them",
        "",
        "Written from the tests by `python -m tests.contract.test_requirements`; a test holds it to that. An id",
        "without a test may be met all the same, in parts or whole: then no test names it, and nobody should rely on",
        f"it. {sum(id in named for id in all)} of {len(all)} are named. The rules that bind the code are said in full",
        "in [rules.md](rules.md).",
    ]
    for part, ids in parts.items():
        lines += ["", f"## {part}", "", "| id | what | named in `tests/` |", "|---|---|---|"]
        lines += [f"| {id} | {what} | {_files(named.get(id, []))} |" for id, what in ids.items()]
    return "\n".join(lines) + "\n"


def _files(paths: list[str]) -> str:
    if not paths:
        return "–"
    more = f" and {len(paths) - LISTED} more" if len(paths) > LISTED else ""
    return ", ".join(f"`{path}`" for path in paths[:LISTED]) + more


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"{PAGE.relative_to(ROOT)} written")
