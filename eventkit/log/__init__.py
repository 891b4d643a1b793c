"""The event log: its port, its adapters, and the suite that every adapter must pass.

The only thing that a service writes; everything else is a subscription to a log.
"""

from eventkit.log.port import (
    NO_STREAM,
    Appended,
    EventLog,
    IdReused,
    LogFull,
    NewEvent,
    Origin,
    Recorded,
    StreamId,
    Together,
    Write,
    WrongVersion,
)

__all__ = [
    "NO_STREAM",
    "Appended",
    "EventLog",
    "IdReused",
    "LogFull",
    "NewEvent",
    "Origin",
    "Recorded",
    "StreamId",
    "Together",
    "Write",
    "WrongVersion",
]
