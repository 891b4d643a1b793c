"""When a process looks for garbage, and at what.

A full collection looks at everything that is there: what a process was made of, which is the most of it and never
garbage, takes longer to look at than a call to answer.
"""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def none_looked_for() -> Generator[None]:
    """For the loading of modules, which leaves next to none."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def keep_what_is_there() -> None:
    """What is there by now stays for as long as the process runs: no collection looks at it any more."""
    gc.collect()
    gc.freeze()
