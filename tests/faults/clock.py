"""Runs the command line in another time: `python -m tests.faults.clock -30.5 serve rewards`.

The process's clock is so many seconds from the machine's, as of a machine whose clock is wrong; what measures how long
something takes goes on as it did. So does `time.time`, by which gRPC reckons how much is left until a deadline of its
own clock, which is the machine's.
"""

import datetime
import sys
import time


class _Of(type):
    """Whatever C code makes is one, too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _TRUE)


_TRUE = datetime.datetime


def move(seconds: float) -> None:
    """From here on; before anything is loaded that asks for the time by a name of its own."""
    by = datetime.timedelta(seconds=seconds)
    true_ns = time.time_ns

    class Moved(_TRUE, metaclass=_Of):
        @classmethod
        def now(cls, tz=None):
            return _TRUE.now(tz) + by

    datetime.datetime = Moved
    time.time_ns = lambda: true_ns() + int(seconds * 1e9)


if __name__ == "__main__":
    seconds = float(sys.argv.pop(1))
    move(seconds)
    from cli.main import app

    app()
