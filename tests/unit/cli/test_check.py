"""`nhip check` comes to an end, whatever it looks at."""

import asyncio
import socket

import pytest

from cli import check
from eventkit.settings import load


async def test_a_server_that_accepts_and_never_answers_is_given_up_and_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(check, "PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = load(postgres=f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/postgres?sslmode=disable")
        async with asyncio.timeout(10):
            [of_keys], _ = await check._postgres(there)
            of_people = await check._database(there, "people")
    assert "the database of keys cannot be looked at (TimeoutError)" in of_keys
    assert "the database of people cannot be looked at (TimeoutError)" in of_people
