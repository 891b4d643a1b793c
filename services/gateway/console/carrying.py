"""One thing that cannot be shown takes no page from the others."""

from collections.abc import Callable
from typing import TypeVar

from eventkit.telemetry import unshown

Made = TypeVar("Made")


def carried(what: str, id: str, make: Callable[[], Made], instead: Made) -> Made:
    """What `make` makes of something stored; where that fails, which the log tells and a metric counts, what says so on
    the page."""
    try:
        return make()
    except Exception as error:
        unshown(what, id, error)
        return instead
