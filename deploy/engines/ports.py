"""Ports of this machine that a process can leave and find free again.

They lie below those that systems give to outgoing connections: one of those, free now, may be anybody's a moment later.
"""

import fcntl
import os
import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import gettempdir

from deploy.engines.process import EngineError

HOST = "127.0.0.1"
KAFKA = range(19092, 27092)
CLAIMED = range(27092, 32768)


def free(port: int) -> bool:
    """Nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # a connection that just ended does not take the port
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


@contextmanager
def claimed(number: int) -> Generator[list[int]]:
    """That many free ports, which nobody else claims until the end, also while the processes that listen there restart.

    A claim is a lock on a file, so it ends with its process, however that ends. Raises `EngineError` if too few are
    free.
    """
    folder = Path(gettempdir()) / f"nhip-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as locks:
        ports: list[int] = []
        for port in CLAIMED:
            if len(ports) == number:
                break
            file = locks.enter_context((folder / str(port)).open("w"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if free(port):
                ports.append(port)
        if len(ports) < number:
            raise EngineError(
                f"{number} free ports from {CLAIMED.start} to {CLAIMED.stop} are needed, there are {len(ports)}"
            )
        yield ports
