"""Both sizes of Nhip, each with engines of its own, for all end-to-end tests of a run."""

import shutil
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from deploy.engines import InUse
from deploy.engines.process import Ownership
from tests.e2e.running import Company, System, company, one_process, several_processes

_DIRECTORY = Path(__file__).parents[2] / "var" / "test"
SIZES = {"one process": one_process, "two replicas each": several_processes}


@pytest.fixture(scope="session")
def folder() -> Generator[Path]:
    """One that no other run uses; what a killed run left in it is ended by the next."""
    for number in range(1, 100):
        found = _DIRECTORY / f"e2e-{number}"
        found.mkdir(parents=True, exist_ok=True)
        slot = Ownership(found)
        try:
            slot.take()
        except InUse:
            continue
        for inside in found.iterdir():  # of a run that was killed
            if inside.is_dir():
                shutil.rmtree(inside)
        yield found
        for inside in found.iterdir():
            if inside.is_dir():
                shutil.rmtree(inside, ignore_errors=True)
        slot.release()
        return
    raise RuntimeError(f"all folders in {_DIRECTORY} are in use")


@pytest.fixture(scope="package", params=SIZES)
async def system(request: pytest.FixtureRequest, folder: Path) -> AsyncGenerator[System]:
    async with SIZES[request.param](folder / request.param.replace(" ", "-")) as running:
        yield running


@pytest.fixture
async def x(system: System) -> AsyncGenerator[Company]:
    """The demo company in a tenant of its own."""
    async with company(system) as found:
        yield found
