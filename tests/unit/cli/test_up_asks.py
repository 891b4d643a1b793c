"""At a terminal `nhip up` asks whether the demo company is wanted; where nobody can be asked, it is."""

import io
import os
import pty
import sys

import pytest

from cli.up import _wanted  # pyright: ignore[reportPrivateUsage] # a start of everything for each answer would be dear


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [("\n", True), ("y\n", True), ("có\n", True), ("n\n", False), ("No\n", False), ("không\n", False)],
)
async def test_what_is_typed_decides(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, wanted: bool
):
    terminal, inside = pty.openpty()
    with os.fdopen(inside, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        os.write(terminal, typed.encode())
        assert await _wanted() is wanted
    os.close(terminal)
    assert "Import the demo company? [Y/n]" in capsys.readouterr().out


async def test_where_there_is_no_terminal_it_is_wanted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert await _wanted()
