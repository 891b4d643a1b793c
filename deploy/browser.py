"""A Chromium for the browser tests: found on the machine, else installed.

`python -m deploy.browser` (part of `make test`) sees to it that there is one and prints where. Where none can be had it
says what to install; that fails the run only in CI, where every test must run.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy import debian

SHELL = "chromium-headless-shell"
"""Chromium without a window: a page opens in a third of the time, as no toolbar is drawn for nobody."""
_NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find_browser() -> Path | None:
    """The browser named by `NHIP_BROWSER`, else one of the system, else Playwright's own; None if there is none."""
    if named := os.environ.get("NHIP_BROWSER"):
        program = shutil.which(named)
        return Path(program) if program else None
    for name in _NAMES:
        if program := shutil.which(name):
            return Path(program)
    return _MAC if _MAC.exists() else _playwrights_own()


def _playwrights_own() -> Path | None:
    home = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "ms-playwright"
    downloads = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or home)
    downloaded = [
        *downloads.glob("chromium_headless_shell-*/chrome-*/*headless*shell"),
        *downloads.glob("chromium-*/chrome-linux*/chrome"),
        *downloads.glob("chromium-*/chrome-mac*/*.app/Contents/MacOS/*"),
    ]
    return max(downloaded, key=lambda path: path.stat().st_mtime, default=None)


def install_browser() -> None:
    """Debian's package where we may install it, else Playwright's download. Says nothing about success: look again."""
    debian.install("Chromium", SHELL, "fonts-noto-core")
    if find_browser():
        return
    print("Fetching Playwright's Chromium for the browser tests (once)…", flush=True)
    subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def main() -> int:
    browser = find_browser()
    leanest = browser is not None and browser.name != "chromium"  # beside that Debian has the one without a window
    if not leanest and not os.environ.get("NHIP_BROWSER"):
        install_browser()
        browser = find_browser()
    if browser:
        print(f"Browser for the tests: {browser}")
        return 0
    print(
        "No browser for the browser tests: install Chromium (Debian: apt install chromium-headless-shell) or set "
        "NHIP_BROWSER to one",
        file=sys.stderr,
    )
    return 1 if os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
