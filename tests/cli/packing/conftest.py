"""A working directory with a server of one file, and wheels that are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from inverted.cli.packing import wheels

SERVER: Final = '''\
"""Brews tea.

More about it.
"""
from fastmcp import FastMCP

server = FastMCP("tea")


@server.tool
def brew() -> str:
    """Brew a
    pot.

    It takes a while.
    """
    return "tea"


@server.tool
def pour() -> str:
    return "tea"
'''


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tea.py").write_text(SERVER)
    return tmp_path


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Wheels are not built but made up, and it is noted from where."""
    asked: dict[str, Path] = {}

    def build(name: str, directory: Path, into: Path) -> Path:
        asked[name] = directory
        wheel = into / f"{name.replace('-', '_')}-3.4-py3-none-any.whl"
        wheel.write_bytes(b"wheel of " + name.encode())
        return wheel

    monkeypatch.setattr(wheels, "build", build)
    return asked


@pytest.fixture
def source() -> str:
    """The server of one file."""
    return SERVER
