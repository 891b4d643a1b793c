"""What the local engines have in common: a directory with one owner, and a process with a beginning and an end."""

import asyncio
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

from deploy.engines.process import Child, EngineError, Ownership, Say, quiet, room_for, stop_left_behind, tail

ANSWER_SECONDS = 120
"""How long an engine may take until it answers."""


class Engine(ABC):
    """One engine under a folder of `directory`. Start it again and it has its data; nobody else starts one there."""

    name: ClassVar[str]
    folder: ClassVar[str]
    program: ClassVar[str]
    """What its process is called, for finding one that a killed owner left behind."""
    ends_by: ClassVar[Sequence[tuple[signal.Signals, float]]]
    """The signals that end it in order, and the seconds that each gets; SIGKILL in the end."""

    def __init__(self, directory: Path, *, say: Say = quiet) -> None:
        self._home = directory.resolve() / self.folder
        self._data = self._home / "data"
        self._log = self._home / "log"
        self._say = say
        self._owner = Ownership(self._home)
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """Its process, while it is ours."""
        return self._child.pid if self._child else None

    @property
    def ended(self) -> bool:
        """It was started, nobody stopped it, and it does not run any more."""
        return self._child is not None and self._child.ended is not None

    @property
    def log(self) -> Path:
        """What it prints."""
        return self._log

    def claim(self) -> None:
        """Take the directory for this process, which `start` does too. Raises `InUse`. `stop` gives it back."""
        self._owner.take()

    async def start(self) -> None:
        """Set it up if that was not done yet, start it, return when it answers. Raises `EngineError`."""
        if self._child and self._child.ended is None:
            return
        self.claim()
        try:
            await self._end_what_was_left_behind()
            await self._fetch()
            began = time.monotonic()
            await self._start()
        except BaseException:
            await self.stop()
            raise
        self._say(f"{self.name} answers{self._where} ({time.monotonic() - began:.1f} s)")

    async def stop(self) -> None:
        """In order, within bounds. Stopping what does not run is fine."""
        if self._child:
            await self._child.stop(*self.ends_by)
            self._child = None
        self._owner.release()

    def kill(self) -> None:
        """SIGKILL, for fault tests: the next start recovers."""
        if self._child:
            self._child.kill()
            self._child = None

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def discard(self) -> None:
        """End what an earlier owner left running, and remove all that it kept, so that nothing of it is met again."""
        self.claim()
        try:
            await self._end_what_was_left_behind()
            for kept in self._home.iterdir():
                if kept.is_dir():
                    shutil.rmtree(kept)
                elif not self._owner.holds(kept):
                    kept.unlink()
        finally:
            self._owner.release()

    @property
    def _where(self) -> str:
        """What follows "answers" in what is said of a start."""
        return ""

    @property
    @abstractmethod
    def _mark(self) -> str:
        """The argument by which its processes are known, which holds its directory."""

    async def _fetch(self) -> None:  # noqa: B027 # most have nothing to fetch
        """Get what it is made of, if that is not there."""

    @abstractmethod
    async def _start(self) -> None:
        """Start the process, and return when it answers."""

    @abstractmethod
    async def _answers(self) -> str:
        """Why it does not answer yet; empty: it does."""

    async def _end_what_was_left_behind(self) -> None:
        first, seconds = self.ends_by[0]
        if await stop_left_behind(self.program, self._mark, first=first, seconds=seconds):
            self._say(f"Stopped a {self.name} that an earlier run left behind")

    def _new_data(self, what: str) -> Path:
        """A folder to be renamed when it is complete, so that an interruption leaves nothing that looks like data."""
        room_for(self._data, what)
        self._say(f"Setting {self.name} up (once)…")
        for unfinished in self._home.glob("data.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        return self._home / f"data.new-{uuid4().hex[:8]}"

    def _printed(self) -> int:
        """How much it has printed so far."""
        return self._log.stat().st_size if self._log.exists() else 0

    async def _until_it_answers(self) -> None:
        assert self._child
        told = began = time.monotonic()
        while why := await self._answers():
            if (code := self._child.ended) is not None:
                raise EngineError(f"{self.name} ended right after its start (exit code {code}):\n{tail(self._log)}")
            if time.monotonic() - began > ANSWER_SECONDS:
                raise EngineError(
                    f"{self.name} does not answer after {ANSWER_SECONDS} s ({why}):\n{tail(self._log)}"
                ) from None
            if time.monotonic() - told > 5:
                told = time.monotonic()
                self._say(f"Waiting for {self.name} ({why})…")
            await asyncio.sleep(0.05)
