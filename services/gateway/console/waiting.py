"""One thing that waits for the viewer, with what to do about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    icon: str
    tone: str
    title: str
    about: str
    url: str
    action: str
