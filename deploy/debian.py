"""Debian's packages of what tests need beside Python."""

import os
import shutil
import subprocess


def install(what: str, *packages: str) -> None:
    """Install packages where we may; elsewhere nothing is done. Says nothing about success: look again."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print(f"Installing Debian's {what} for the tests (once)…", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        subprocess.run(
            ["apt-get", "-qq", *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
