"""What waits for the viewer, as the first page shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits for the viewer, with what to do about it."""

    icon: str
    tone: str
    title: str
    about: str
    url: str
    action: str
