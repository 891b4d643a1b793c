"""Processes of engines: start them apart from the terminal, find what a killed owner left behind, stop them within
bounds."""

import asyncio
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

import psutil

from deploy.faults import EngineError, InUse

Say = Callable[[str], None]
"""Takes one short sentence about progress."""


def quiet(sentence: str) -> None:
    """Say nothing."""


class Ownership:
    """The right to run an engine in a directory: a lock that ends with the process that holds it, however it ends."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Makes the directory if there is none.

        Raises `InUse` while another owner lives. Taking what one has already is fine.
        """
        if self._file:
            return
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            file = (self._directory / "owner.lock").open("a+")
        except OSError as error:
            why = "it is a file, not a directory" if isinstance(error, FileExistsError) else error.strerror
            raise EngineError(
                f"{error.filename or self._directory} cannot be written ({why}): choose another directory"
            ) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            file.close()
            raise InUse(
                f"{self._directory} is in use by process {owner}: end that one first, or choose another directory"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def holds(self, file: Path) -> bool:
        """It is the file that the lock is on."""
        return self._file is not None and file.name == Path(self._file.name).name

    def release(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


class Child:
    """A process we started, in a session of its own: Ctrl-C in the terminal reaches its owner only, who stops it in
    order."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen

    @classmethod
    def spawn(
        cls,
        command: Sequence[str | Path],
        *,
        log: Path,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        user: int | None = None,
        group: int | None = None,
    ) -> Self:
        """Start `command`; what it prints is appended to `log`."""
        with log.open("ab") as out:
            return cls(
                subprocess.Popen(
                    [str(part) for part in command],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    env=environment,
                    start_new_session=True,
                    user=user,
                    group=group,
                    extra_groups=None if user is None else [],
                )
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def ended(self) -> int | None:
        """The exit code, once it ended."""
        return self._popen.poll()

    async def wait(self, seconds: float) -> int | None:
        """The exit code, or None if it still runs after that time."""
        deadline = time.monotonic() + seconds
        while (code := self._popen.poll()) is None and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return code

    async def stop(self, *signals: tuple[signal.Signals, float]) -> None:
        """Send each signal and give it its seconds, until the process has ended; SIGKILL in the end."""
        for number, seconds in signals:
            if self._popen.poll() is None:
                self._popen.send_signal(number)
                await self.wait(seconds)
        await asyncio.to_thread(self.kill)

    def kill(self) -> None:
        """SIGKILL for the process and all that it started, as a crash of the machine would."""
        try:
            family = psutil.Process(self.pid).children(recursive=True) if self._popen.poll() is None else []
        except psutil.NoSuchProcess:
            family = []
        if self._popen.poll() is None:
            self._popen.kill()
        for process in family:
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(family, timeout=10)
        self._popen.wait()


def room_for(data: Path, what: str) -> None:
    """Raises `EngineError` when files are there that are not `what`; removes an empty folder."""
    if data.is_dir() and not any(data.iterdir()):
        data.rmdir()
    if data.exists():
        raise EngineError(f"{data} holds files but no {what}: move it away, Nhip does not delete it")


async def run(
    command: Sequence[str | Path],
    *,
    log: Path,
    what: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    user: int | None = None,
    group: int | None = None,
) -> None:
    """Run a tool to its end; raises `EngineError` with the end of its log when it fails."""
    child = Child.spawn(command, log=log, folder=folder, environment=environment, user=user, group=group)
    try:
        code = await child.wait(120)
    finally:
        child.kill()
    if code != 0:
        raise EngineError(f"{what} failed:\n{tail(log)}")


def left_behind(program: str, mark: str) -> list[psutil.Process]:
    """Processes of that program that have `mark` as one of their arguments: an engine is given its own directory as an
    argument, so this needs no pid file, cannot be fooled by a pid that was used again, and has no moment in which a
    process is not yet noted."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if (
                process.name().startswith(program)
                and mark in process.cmdline()
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except psutil.Error:
            continue  # it ended meanwhile, or is somebody else's
    return found


async def stop_left_behind(program: str, mark: str, *, first: signal.Signals, seconds: float) -> int:
    """Stop what a killed owner left running: in order, then by SIGKILL. Answers how many there were."""
    found = left_behind(program, mark)
    for process in found:
        _signal(process, first)
    _, alive = await asyncio.to_thread(psutil.wait_procs, found, seconds)
    for process in alive:
        for member in [process, *process.children(recursive=True)]:
            _signal(member, signal.SIGKILL)
    await asyncio.to_thread(psutil.wait_procs, alive, 10)
    return len(found)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied:
        raise EngineError(
            f"process {process.pid} holds the directory but belongs to another user: end it first"
        ) from None


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for a message."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return f"(nothing in {log})"
