"""`docs/rules.md` says every rule that is cited by an id, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs" / "rules.md"
ID = re.compile(r"\b[A-Z]-[0-9]{2}\b")
CITING = ("eventkit", "importing", "services", "cli", "deploy", "proto", "demo", "docs", "tests")
TEXTS = {".py", ".proto", ".md", ".html", ".js", ".yaml"}
BUILT = {"node_modules", "dist"}
NOT_CITING = {
    RULES,
    Path(__file__),
    ROOT / "docs" / "requirements-coverage.md",
    Path(__file__).with_name("requirements.yaml"),
}
"""The pages that list ids, those that nobody cites as well."""


def test_every_rule_that_is_cited_is_said_and_no_other():
    assert cited() == said()


def said() -> set[str]:
    return set(re.findall(r"^\| ([A-Z]-[0-9]{2}) \| \S", RULES.read_text(), re.M))


def cited() -> set[str]:
    texts = [path for folder in CITING for path in (ROOT / folder).rglob("*") if path.suffix in TEXTS]
    texts = [path for path in texts if not BUILT & set(path.parts) and path not in NOT_CITING]
    return {id for text in texts for id in ID.findall(text.read_text())}
