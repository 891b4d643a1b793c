"""The console's port, taken before anything else is started."""

import socket

from cli.running import Failed


def bind(host: str, port: int) -> socket.socket:
    """The socket to serve on, taken before anything is started. Raises `Failed` when somebody else has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(128)
    except OSError as error:
        taken.close()
        raise Failed(
            f"port {port} of {host} cannot be used ({error.strerror}): end the program that has it, or choose another "
            "with --port"
        ) from None
    return taken
