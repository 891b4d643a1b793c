"""A PgBouncer for the tests of connections through a pooler: found on the machine, else Debian's package.

`python -m deploy.pooler` (part of `make test`) sees to it that there is one and prints where. Where none can be had it
says what to install; that fails the run only in CI, where every test must run.
"""

import os
import shutil
import sys

from deploy import debian

NEEDED = "No PgBouncer for the tests through a pooler: install it (Debian: apt install pgbouncer)"


def find_pooler() -> str | None:
    """The program; Debian has it where only root looks for programs."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


def main() -> int:
    if not find_pooler():
        debian.install("pgbouncer", "pgbouncer")
    if program := find_pooler():
        print(f"PgBouncer for the tests: {program}")
        return 0
    print(NEEDED, file=sys.stderr)
    return 1 if os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
