"""Fault tests start their own engines: they kill them. What they do at random, and when, follows from a seed."""

import os
import random
import secrets

import pytest

from tests.e2e.conftest import folder

__all__ = ["folder"]

os.environ.setdefault("SEED", secrets.token_hex(4))  # so that the processes that a test starts have it too


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """What is random in a test. When it fails, pytest shows how to have the same workload again."""
    seed = os.environ["SEED"]
    print(f"The same workload again: make faults SEED={seed} ARGS='{request.node.nodeid}'")
    return random.Random(f"{seed} {request.node.name}")
