"""The demo company, alive on the day it is imported: its quarter runs, and all in it happened lately (D-08)."""

import re
from datetime import date
from pathlib import Path

DEMO = Path(__file__).parent.parent / "demo" / "company-x.vi.yaml"
TOLD_ON = date(2025, 3, 20)
"""The day that the file speaks of as today."""

_DAY = re.compile(r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b")


def around(text: str, today: date) -> str:
    """The company's file with its days moved, so that what it calls today is `today`, and with the words that name
    them."""
    moved = today - TOLD_ON
    ends_on = date(2025, 3, 31) + moved
    words = {
        "2025-Q1": f"{ends_on.year}-{ends_on.month}",
        "uý 1/2025": f"uý đến {ends_on.month}/{ends_on.year}",  # "Quý", and "quý" within a sentence
        "tháng 3/2025": f"tháng {today.month}/{today.year}",
        "year: 2025": f"year: {today.year}",
        "so với 2023": f"so với {today.year - 2}",
    }
    text = _DAY.sub(lambda found: (date.fromisoformat(found.group()) + moved).isoformat(), text)
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def written_for(today: date, directory: Path) -> Path:
    """The file for that day, under a directory.

    It has the name of the day: the same import can be gone on with tomorrow.
    """
    path = directory / f"demo-{today.isoformat()}.yaml"
    path.write_text(around(DEMO.read_text("utf-8"), today), "utf-8")
    return path
