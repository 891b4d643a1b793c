"""Apache Kafka's jars: fetched once per user by their Maven coordinates, checked against `jars.lock`, kept in a cache.

`make lock` (`main` below) resolves the coordinates anew and writes `jars.lock`.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.engines.process import EngineError, Say

if TYPE_CHECKING:
    from jgo.maven import MavenContext

KAFKA = "4.1.1"
_WANTED = (("org.apache.kafka", "kafka_2.13", KAFKA), ("org.slf4j", "slf4j-simple", "1.7.36"))
_LOCK = Path(__file__).with_name("jars.lock")


@dataclass(frozen=True, slots=True)
class _Jar:
    sha256: str
    group: str
    artifact: str
    version: str


async def fetch(say: Say) -> Path:
    """The folder that holds all jars.

    A folder under its final name is complete: it is filled under another one and renamed.
    """
    locked = _LOCK.read_text()
    folder = cache() / f"kafka-{KAFKA}-{sha256(locked.encode()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    from requests import RequestException  # here and below: every start of the command would pay for what is used once

    say(f"Fetching Apache Kafka {KAFKA} (44 MB, once)…")
    try:
        with _scratch() as scratch:
            (scratch / "jars").mkdir()
            for path in await _download_all(locked, scratch / "repository"):
                path.rename(scratch / "jars" / path.name)
            try:
                (scratch / "jars").rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster: its folder is as good
                    raise
    except (OSError, RequestException, RuntimeError) as error:
        raise EngineError(f"Apache Kafka's jars could not be fetched into {folder.parent}: {error}") from error
    return folder


def cache() -> Path:
    """Where fetched things are kept for all checkouts of one user: `NHIP_CACHE`, else the user's cache folder."""
    if named := os.environ.get("NHIP_CACHE"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nhip"


async def _download_all(locked: str, repository: Path) -> list[Path]:
    jars = [_Jar(*line.replace(":", " ").split()) for line in locked.splitlines()]
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(8)
    try:
        return await asyncio.gather(*(loop.run_in_executor(pool, _download, jar, repository) for jar in jars))
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C only what is on its way is waited for


def _download(jar: _Jar, repository: Path) -> Path:
    artifact = _context(repository).project(jar.group, jar.artifact).at_version(jar.version).artifact()
    path = artifact.resolve()
    digest = _sha256(path)
    if digest != jar.sha256:
        raise RuntimeError(f"{path.name} is not the file that was locked: sha256 {digest}, expected {jar.sha256}")
    return path


def _context(repository: Path) -> "MavenContext":
    from jgo.maven import MavenContext, PythonResolver

    # A repository of our own, not ~/.m2: a download that was interrupted there would be taken for the whole jar.
    return MavenContext(repo_cache=repository, local_repos=[], resolver=PythonResolver(), timeout=60)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


@contextmanager
def _scratch() -> Generator[Path]:
    """A folder beside the final one, so that renaming is atomic; gone afterwards."""
    cache().mkdir(parents=True, exist_ok=True)
    for abandoned in cache().glob("fetching-*"):
        if time.time() - abandoned.stat().st_mtime > 3600:
            shutil.rmtree(abandoned, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="fetching-", dir=cache()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Write `jars.lock`: every jar that Kafka needs at run time, with its version and hash."""
    from jgo.maven import Dependency

    with _scratch() as scratch:
        context = _context(scratch)
        wanted = [
            Dependency(context.project(group, name).at_version(version).artifact()) for group, name, version in _WANTED
        ]
        given, transitive = context.resolver.resolve(wanted)
        jars = [
            _Jar(_sha256(jar.artifact.resolve()), jar.groupId, jar.artifactId, str(jar.version))
            for jar in [*given, *transitive]
        ]
    lines = sorted(f"{jar.group}:{jar.artifact}:{jar.version} {jar.sha256}" for jar in jars)
    _LOCK.write_text("".join(f"{line.split()[1]}  {line.split()[0]}\n" for line in lines))


if __name__ == "__main__":
    main()
