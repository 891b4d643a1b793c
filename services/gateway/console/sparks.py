"""A few numbers as a line without axes; beside it they always stand as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH, HEIGHT, EDGE = 120, 32, 4


@dataclass(frozen=True, slots=True)
class Spark:
    points: str
    """As SVG takes them."""
    x: str
    y: str
    """Of the last one."""
    tone: str
    """`up`, `down` or `level`."""


def spark(values: Sequence[Decimal], least: Decimal, most: Decimal) -> Spark:
    """Of two values or more. Raises ValueError for fewer."""
    if len(values) < 2:
        raise ValueError("a line has two ends")
    step = Decimal(WIDTH - 2 * EDGE) / (len(values) - 1)
    placed = [
        (EDGE + step * number, HEIGHT - EDGE - (value - least) / (most - least) * (HEIGHT - 2 * EDGE))
        for number, value in enumerate(values)
    ]
    texts = [(f"{x:.1f}", f"{y:.1f}") for x, y in placed]
    moved = values[-1] - values[0]
    tone = "up" if moved > 0 else "down" if moved < 0 else "level"
    return Spark(" ".join(f"{x},{y}" for x, y in texts), *texts[-1], tone)
