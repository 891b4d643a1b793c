"""Fault tests start their own engines: they kill them."""

from tests.e2e.conftest import folder

__all__ = ["folder"]
