"""The archive of Kafka's classes: begun by one start, kept when that one had loaded all, used by the next."""

from pathlib import Path

import pytest

from deploy.engines.classes import Classes


@pytest.fixture
def classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classes:
    monkeypatch.setenv("NHIP_CACHE", str(tmp_path))
    return Classes(tmp_path / "jars")


async def made(classes: Classes) -> Path:
    """Where a JVM would write what it loaded; written."""
    [option] = [o for o in classes.options() if o.startswith("-XX:ArchiveClassesAtExit=")]
    path = Path(option.partition("=")[2])
    path.write_bytes(b"classes")
    return path


async def test_a_start_goes_without_until_java_made_its_own_part(classes: Classes, tmp_path: Path):
    assert classes.options() == []
    await classes.prepare(tmp_path / "log")
    assert any(option.startswith("-XX:ArchiveClassesAtExit=") for option in classes.options())


async def test_what_a_whole_start_loaded_is_used_from_then_on(classes: Classes, tmp_path: Path):
    await classes.prepare(tmp_path / "log")
    await made(classes)
    classes.keep(whole=True)
    [option] = classes.options()
    assert Path(option.partition("=")[2]).read_bytes() == b"classes"


async def test_of_a_start_that_was_cut_off_nothing_is_kept(classes: Classes, tmp_path: Path):
    await classes.prepare(tmp_path / "log")
    path = await made(classes)
    classes.keep(whole=False)
    assert not path.exists()
    assert len(classes.options()) > 1


async def test_other_jars_have_another_archive(classes: Classes, tmp_path: Path):
    await classes.prepare(tmp_path / "log")
    assert Classes(tmp_path / "other jars").options() == []
